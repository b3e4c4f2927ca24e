"""What stands above a trace: title, network, conventions, loss, optimizer and source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.notation.numbers import number
from backtrace.notation.symbols import Symbols
from backtrace.spec.model import Arithmetic, Conventions
from backtrace.tape.trace import Trace, TracedStep

MATRIX_FORMS = {
    ("rows", "in_out"): "{Z} = {A}·{W}",
    ("rows", "out_in"): "{Z} = {A}·{W}ᵀ",
    ("columns", "out_in"): "{Z} = {W}·{A}",
    ("columns", "in_out"): "{Z} = {W}ᵀ·{A}",
}
Update: TypeAlias = Mapping[str, TracedStep]
CONSTANT_DIGITS = 12  # a constant is shown as it was written


def architecture(trace: Trace) -> str:
    """``2 → 3 (ReLU) → 1 (linear)``."""
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
    conventions = trace.conventions
    sample = f"a sample is a {conventions.layout[:-1]}: {matrix_form(trace)}"
    found = [sample, _loss(trace, symbols), _sign(trace)]
    found += [_optimizer(trace, symbols), _mean(trace, symbols), arithmetic_words(trace.arithmetic)]
    if conventions.sign == "descent":
        found.append("gradients point downhill")
    return [fact for fact in found if fact]


def first_update(trace: Trace) -> Update:
    """The steps of the first update, by id."""
    return trace.update(*trace.updates[0])


def letters(trace: Trace) -> dict[str, str]:
    """The letters Z, A and W of matrices in general, in the course's case."""
    notation = trace.notation
    upper = notation.case == "upper"
    a = notation.activation.upper() if upper else notation.activation
    return {"Z": "Z" if upper else "z", "A": a, "W": notation.weight}


def matrix_form(trace: Trace) -> str:
    """``Z = A·W + b``, as the layout and the orientation of the weights have it."""
    form = MATRIX_FORMS[trace.conventions.layout, trace.conventions.weights]
    sign = bias_sign(trace)
    return form.format_map(letters(trace)) + (f" {sign} b" if sign else "")


def bias_sign(trace: Trace) -> str:
    """The sign before b; empty where no bias is added."""
    biased = [t for t in first_update(trace).values() if t.operation == "add_bias"]
    if not biased:
        return ""
    return "−" if any(traced.parameters.get("subtract") for traced in biased) else "+"


def _loss(trace: Trace, symbols: Symbols) -> str:
    first = first_update(trace)
    terms = first.get("loss_terms")
    if terms is None:
        return ""
    total = first.get("data_loss", first.get("loss"))
    assert total is not None
    mean = f"1/{symbols.constant('samples')} " if "samples" in total.parameters else ""
    values = {
        "mean": mean,
        "a": symbols.name(terms.operands[0]),
        "y": symbols.name("y"),
        "e": symbols.name("error"),
    }
    values |= {
        key: number(float(value), CONSTANT_DIGITS)
        for key, value in terms.parameters.items()
        if not isinstance(value, str)
    }
    formula = LOSSES[terms.parameters["loss"]].formula.text.format_map(values)
    penalty = f" + {symbols.name('penalty')}" if "penalty" in first else ""
    return f"{symbols.name('loss')} = {formula}{penalty}"


def _sign(trace: Trace) -> str:
    if not shows_delta(trace):
        return ""
    return f"δ = {delta_factor(trace)}∂{trace.notation.loss}/∂{letters(trace)['Z']}"


def delta_factor(trace: Trace) -> str:
    """What stands between δ and the derivative: −, and n· where the 1/n comes later."""
    minus = "−" if trace.conventions.sign == "descent" else ""
    return minus + (f"{trace.notation.samples}·" if mean_is_late(trace) else "")


def shows_delta(trace: Trace) -> bool:
    """Whether a δ stands on the page, so that a reader has to know what it is."""
    deltas = [id for id in first_update(trace) if id.startswith("delta")]
    return bool(deltas) and trace.notation.delta == "delta"


def _mean(trace: Trace, symbols: Symbols) -> str:
    n = symbols.constant("samples")
    return f"1/{n} enters in the gradients, not in δ" if mean_is_late(trace) else ""


def mean_is_late(trace: Trace) -> bool:
    """Whether the loss's 1/n enters in the gradients of the parameters, and not before."""
    return any(
        "samples" in traced.parameters and traced.phase == "backward"
        for traced in trace
        if traced.operation in ("matmul", "sum_samples")
    )


def arithmetic_words(arithmetic: Arithmetic) -> str:
    """What is not the usual about the arithmetic; empty for float64."""
    if arithmetic.kind == "rounded":
        return f"every line rounded to {arithmetic.decimals} decimals"
    return {"exact": "exact fractions", "float32": "single precision"}.get(arithmetic.kind, "")


def _optimizer(trace: Trace, symbols: Symbols) -> str:
    title, rates = optimizer(trace)
    if not rates:
        return title
    listed = [number(value, CONSTANT_DIGITS) for value in rates]
    shown = listed[0] + (f" … {listed[-1]}" if listed[1:] else "")
    return f"{title}, {symbols.constant('rate')} = {shown}"


def optimizer(trace: Trace) -> tuple[str, list[float]]:
    """The optimizer's title and its rates, the largest first; none of both without gradients."""
    first = first_update(trace)
    updated = [traced for traced in first.values() if traced.phase == "update" and traced.layer]
    if not updated:
        return ("no update" if "loss" in first or "delta1" in first else ""), []
    title = _optimizer_title({(_pattern(traced.id), traced.operation) for traced in updated})
    rates = {float(traced.parameters["rate"]) for traced in trace if "rate" in traced.parameters}
    return title, sorted(rates, reverse=True)


def _pattern(id: str) -> str:
    """``step_W1`` with its parameter left open: ``step_{}``."""
    return "".join("{}" if part in "Wb" else part for part in id if not part.isdigit())


def _optimizer_title(lines: set[tuple[str, str]]) -> str:
    for row in OPTIMIZERS.values():
        for form in row.lines.values():
            if {(line.id, line.operation) for line in form} == lines:
                return row.title
    return "update"
