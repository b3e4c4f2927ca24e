"""What stands above a trace: title, network, conventions, loss, optimizer and source."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.formula import (
    Constant,
    Expr,
    Letter,
    Ref,
    Sentence,
    Symbol,
    Text,
    Transposed,
    Value,
    filled,
    row,
)
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS, optimizer_of
from backtrace.notation.numbers import number
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import sentence_text
from backtrace.notation.workings import constants, mean_is_late
from backtrace.page import board
from backtrace.page.figures import ABOUT
from backtrace.spec.model import Arithmetic, Conventions
from backtrace.tape.trace import Trace, TracedStep

UpdateSteps: TypeAlias = Mapping[str, TracedStep]
CONSTANT_DIGITS = 12  # a constant is shown as it was written
MORE_DIGITS: Sentence = (
    Text(ABOUT),
    " where the printed digits don't add up: more are kept",
)


def architecture(trace: Trace) -> str:
    """``2 → 3 (ReLU) → 1 (linear)``; a board of equations has none."""
    if board.is_board(trace):
        return ""
    first = first_update(trace)
    axis = 1 - trace.conventions.sample_axis
    sizes = [str(_inputs(first["W1"], trace.conventions) - _augmented(first))]
    for traced in first.values():
        if traced.operation == "activate":
            units = first[traced.operands[0]].shape[axis]
            sizes.append(f"{units} ({activation_name(traced)})")
    return " → ".join(sizes)


def _inputs(weights: TracedStep, conventions: Conventions) -> int:
    return int(weights.shape[0 if conventions.weights == "in_out" else 1])


def _augmented(first: Any) -> int:
    return int(first["a0"].parameters.get("ones", "") != "")


def activation_name(traced: TracedStep) -> str:
    """``ReLU``, ``sigmoid``; a slope that was chosen is named."""
    name = traced.parameters["activation"]
    row = ACTIVATIONS[name]
    chosen = [
        f"{key} {number(float(traced.parameters[key]), CONSTANT_DIGITS)}"
        for key, usual in row.parameters.items()
        if float(traced.parameters.get(key, usual)) != float(usual)
    ]
    return ", ".join([row.title, *chosen])


def facts(trace: Trace, symbols: Symbols) -> list[str]:
    """The conventions in force, the loss, the optimizer: short phrases, in that order."""
    found = board.facts(trace) if board.is_board(trace) else _of_layers(trace)
    shown = [fact for fact in (sentence_text(each, symbols) for each in found) if fact]
    return [*shown, *settings(trace, symbols)]


def settings(trace: Trace, symbols: Symbols) -> list[str]:
    """The optimizer, and what is not the usual about the numbers."""
    title, rates = optimizer(trace)
    found: list[Sentence] = [(title, ", ", rates) if rates is not None else (title,)]
    found += [clip for clip in (clipping(trace),) if clip]
    if mean_is_late(trace):
        found.append((row(1 / Constant("samples")), " enters in the gradients, not in δ"))
    found.append((arithmetic_words(trace.arithmetic),))
    if board.climbs(trace) and title not in ASCENTS:
        found.append(("an update climbs",))
    if trace.conventions.sign == "descent" and not board.is_board(trace):
        found.append(("gradients point downhill",))
    return [fact for fact in (sentence_text(each, symbols) for each in found) if fact]


def _of_layers(trace: Trace) -> Iterator[Sentence]:
    yield (f"a sample is a {trace.conventions.layout[:-1]}: ", matrix_form(trace))
    for formula in (loss(trace), sign(trace)):
        if formula is not None:
            yield (formula,)


def first_update(trace: Trace) -> UpdateSteps:
    """The steps of the first update, by id."""
    return trace.update(*trace.updates[0])


def matrix_form(trace: Trace) -> Expr:
    """``Z = A·W + b``, as the layout and the orientation of the weights have it."""
    notation = trace.notation
    upper = notation.case == "upper"
    a = Letter(notation.activation.upper() if upper else notation.activation)
    rows = trace.conventions.layout == "rows"
    as_is = trace.conventions.weights == ("in_out" if rows else "out_in")
    w: Expr = Letter(notation.weight) if as_is else Transposed(Letter(notation.weight))
    product = row(a, "·", w) if rows else row(w, "·", a)
    sign = bias_sign(trace)
    bias = (f" {sign} ", Letter("b")) if sign else ()
    return row(_z(trace), " = ", *product.items, *bias)


def _z(trace: Trace) -> Letter:
    return Letter("Z" if trace.notation.case == "upper" else "z")


def bias_sign(trace: Trace) -> str:
    """The sign before b; empty where no bias is added."""
    biased = [t for t in first_update(trace).values() if t.operation == "add_bias"]
    if not biased:
        return ""
    return "−" if any(traced.parameters.get("subtract") for traced in biased) else "+"


def loss(trace: Trace) -> Expr | None:
    """``L = 1/n Σ(a₂ − y)² + Ω``; None where the trace has no loss."""
    first = first_update(trace)
    terms = first.get("loss_terms")
    if terms is None:
        return None
    total = first.get("data_loss", first.get("loss"))
    averaged = total is not None and "samples" in total.parameters
    a = Ref(terms.operands[0])
    contents: dict[str, Expr] = {
        **constants(terms.step),
        "mean": row(1 / Constant("samples"), " ") if averaged else row(),
        "a": a,
        "y": Ref("y"),
        "a_true": row(a, "[", "true class", "]"),
    }
    formula = filled(LOSSES[terms.parameters["loss"]].formula, contents)
    penalty = (" + ", Symbol("penalty")) if "penalty" in first else ()
    return row(Symbol("loss"), " = ", formula, *penalty)


def sign(trace: Trace) -> Expr | None:
    """``δ = ∂L/∂Z``, with − and n· where the conventions have it so; None without a δ."""
    if not shows_delta(trace):
        return None
    minus = ("−",) if trace.conventions.sign == "descent" else ()
    n = (Constant("samples"), "·") if mean_is_late(trace) else ()
    derivative = ("∂", Letter(trace.notation.loss), "/", "∂", _z(trace))
    return row(Letter("δ"), " = ", *minus, *n, *derivative)


def shows_delta(trace: Trace) -> bool:
    """Whether a δ stands on the page, so that a reader has to know what it is."""
    deltas = any(traced.role == "delta" for traced in first_update(trace).values())
    return deltas and trace.notation.delta == "delta"


def arithmetic_words(arithmetic: Arithmetic) -> str:
    """What is not the usual about the arithmetic; empty for float64."""
    if arithmetic.kind == "rounded":
        return f"every line rounded to {arithmetic.decimals} decimals"
    return {"exact": "exact fractions", "float32": "single precision"}.get(arithmetic.kind, "")


ASCENTS = {row.ascent for row in OPTIMIZERS.values() if row.ascent}


def optimizer(trace: Trace) -> tuple[str, Expr | None]:
    """The optimizer's title and its rates, the largest first; none of both without gradients."""
    first = first_update(trace)
    updated = [
        traced
        for traced in first.values()
        if traced.phase == "update" and traced.of and traced.role != "clipped_gradient"
    ]
    if not updated:
        gradients = "loss" in first or any(t.phase == "backward" for t in first.values())
        return ("no update" if gradients else ""), None
    parameter = updated[0].of
    worked = {(traced.id, traced.operation) for traced in updated if traced.of == parameter}
    found = optimizer_of(parameter, worked)
    title = "update" if found is None else found[0].title
    if found is not None and board.climbs(trace):
        title = found[0].ascent or title
    return title, _rates({float(t.parameters["rate"]) for t in trace if "rate" in t.parameters})


def clipping(trace: Trace) -> Sentence:
    """``gradients clipped to norm 1``; nothing where they are not clipped."""
    for traced in first_update(trace).values():
        if traced.role == "clipped_gradient":
            limit = row(Constant("clip"), " = ", Value(float(traced.parameters["limit"])))
            by = "by their norm" if traced.operation == "clip_to_norm" else "entry by entry"
            return (f"gradients clipped {by}, ", limit)
    return ()


def _rates(rates: set[float]) -> Expr | None:
    if not rates:
        return None
    last = (" … ", Value(min(rates))) if len(rates) > 1 else ()
    return row(Constant("rate"), " = ", Value(max(rates)), *last)
