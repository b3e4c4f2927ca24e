"""What stands above a trace: title, network, conventions, loss, optimizer and source."""

from __future__ import annotations

from typing import Any

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.notation.numbers import number
from backtrace.notation.symbols import Symbols
from backtrace.spec.model import Arithmetic, Conventions
from backtrace.tape.trace import Trace, TracedStep

MATRIX_FORMS = {
    ("rows", "in_out"): "a sample is a row: {Z} = {A}·{W}",
    ("rows", "out_in"): "a sample is a row: {Z} = {A}·{W}ᵀ",
    ("columns", "out_in"): "a sample is a column: {Z} = {W}·{A}",
    ("columns", "in_out"): "a sample is a column: {Z} = {W}ᵀ·{A}",
}
CONSTANT_DIGITS = 12  # a constant is shown as it was written


def architecture(trace: Trace) -> str:
    """``2 → 3 (ReLU) → 1 (linear)``."""
    first = trace.update(*trace.updates[0])
    axis = 1 if trace.conventions.layout == "rows" else 0
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
    found = [_matrix_form(trace), _loss(trace, symbols), _sign(trace, symbols)]
    found += [_optimizer(trace, symbols), _mean(trace, symbols), _arithmetic(trace.arithmetic)]
    if conventions.sign == "descent":
        found.append("gradients point downhill")
    return [fact for fact in found if fact]


def _matrix_form(trace: Trace) -> str:
    letters = {"Z": "Z", "A": trace.notation.activation.upper(), "W": trace.notation.weight}
    if trace.notation.case == "lower":
        letters |= {"Z": "z", "A": trace.notation.activation}
    form = MATRIX_FORMS[trace.conventions.layout, trace.conventions.weights].format_map(letters)
    first = trace.update(*trace.updates[0])
    if any(traced.operation == "add_bias" for traced in first.values()):
        minus = any(traced.parameters.get("subtract") for traced in first.values())
        form += " − b" if minus else " + b"
    return form


def _loss(trace: Trace, symbols: Symbols) -> str:
    first = trace.update(*trace.updates[0])
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


def _sign(trace: Trace, symbols: Symbols) -> str:
    first = trace.update(*trace.updates[0])
    deltas = [traced for traced in first.values() if traced.id.startswith("delta")]
    if not deltas or trace.notation.delta != "delta":
        return ""
    minus = "−" if trace.conventions.sign == "descent" else ""
    z = "Z" if trace.notation.case == "upper" else "z"
    return f"δ = {minus}∂{trace.notation.loss}/∂{z}"


def _mean(trace: Trace, symbols: Symbols) -> str:
    late = any(
        "samples" in traced.parameters and traced.phase == "backward"
        for traced in trace
        if traced.operation in ("matmul", "sum_samples")
    )
    n = symbols.constant("samples")
    return f"1/{n} enters in the gradients, not in δ" if late else ""


def _arithmetic(arithmetic: Arithmetic) -> str:
    if arithmetic.kind == "rounded":
        return f"every line rounded to {arithmetic.decimals} decimals"
    return {"exact": "exact fractions", "float32": "single precision"}.get(arithmetic.kind, "")


def _optimizer(trace: Trace, symbols: Symbols) -> str:
    first = trace.update(*trace.updates[0])
    updated = [traced for traced in first.values() if traced.phase == "update" and traced.layer]
    if not updated:
        return "" if "loss" not in first and "delta1" not in first else "no update"
    title = _optimizer_title({(_pattern(traced.id), traced.operation) for traced in updated})
    rates = {float(traced.parameters["rate"]) for traced in trace if "rate" in traced.parameters}
    rate = symbols.constant("rate")
    listed = [number(value, CONSTANT_DIGITS) for value in sorted(rates, reverse=True)]
    return f"{title}, {rate} = {listed[0]}" + (f" … {listed[-1]}" if listed[1:] else "")


def _pattern(id: str) -> str:
    """``step_W1`` with its parameter left open: ``step_{}``."""
    return "".join("{}" if part in "Wb" else part for part in id if not part.isdigit())


def _optimizer_title(lines: set[tuple[str, str]]) -> str:
    for row in OPTIMIZERS.values():
        for form in row.lines.values():
            if {(line.id, line.operation) for line in form} == lines:
                return row.title
    return "update"
