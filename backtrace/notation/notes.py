"""What a reader of a line should know that its numbers do not say, or may miss in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import Absolute, Expr, Letter, Sentence, Symbol, Value, call, row
from backtrace.notation.numbers import number
from backtrace.spec import ids
from backtrace.tape.arithmetic import FloatArithmetic, as_floats
from backtrace.tape.equation_operations import pool_winners
from backtrace.tape.steps import Step
from backtrace.tape.trace import Trace, TracedStep

Kind: TypeAlias = Literal[
    "kink",
    "noise",
    "not_finite",
    "limit",
    "through_updated",
    "units_off",
    "repeated",
    "winners",
    "not_clipped",
]
ValuesById: TypeAlias = Mapping[str, Array]


class Note(msgspec.Struct, frozen=True):
    """A sentence about one step, without its capital and full stop."""

    kind: Kind
    sentence: Sentence


def notes(traced: TracedStep, trace: Trace) -> tuple[Note, ...]:
    """What to say below a step."""
    steps = trace.update(traced.epoch, traced.batch)
    needed = (traced.id, *traced.step.needed)
    of_step = step_notes(traced.step, {id: steps[id].value for id in needed})
    return (*of_step, *_units_off(traced, trace))


def step_notes(step: Step, values: ValuesById) -> tuple[Note, ...]:
    """The notes of one step; ``values`` has its value and its operands'."""
    rule = NOTES.get(step.operation)
    found = tuple(rule(step, values)) if rule is not None else ()
    return (*found, *_repeated(step), *_not_finite(step, values))


def _entry(id: str, i: int, j: int) -> tuple[Expr | str, ...]:
    return Symbol(id), f"[{i + 1},{j + 1}]"


def _short(value: Any, form: str) -> Value:
    """A number of a sentence, with few digits."""
    return Value(float(format(value, form)))


def _not_finite(step: Step, values: ValuesById) -> Iterator[Note]:
    """Said where a value stops being finite, not again in everything that rests on it."""
    if step.operation == "given" or _finite(values[step.id]):  # −∞ is given in masks
        return
    if not all(_finite(values[id]) for id in step.operands):
        return
    said = " is no longer finite: the numbers have grown too large"
    if step.layer is None and step.phase != "update":  # a line of a board, or its gradient
        said += ", or something is divided by 0 or has no root or logarithm"
    if step.operation in ("loss_terms", "loss_gradient"):
        said = (
            " is not finite: an activation has come so close to 0 or 1 that it is rounded to it, "
            "and the formula divides by it or takes its ln"
        )
    yield Note("not_finite", (Symbol(step.id), said))


def _in_the_limit(step: Step, values: ValuesById) -> Iterator[Note]:
    """Of a δ that is worked where floats have ∞ · 0."""
    arrived, slope = step.operands
    if "saturated" in step.parameters and np.isinf(values[arrived]).any():
        z, target = step.parameters["saturated"]["of"]
        said = (
            *(
                "where ",
                Symbol(arrived),
                " is infinite, ",
                Symbol(slope),
                " is all but 0: there stands ",
            ),
            *("what their product comes to, worked from ", Symbol(z), " and ", Symbol(target)),
        )
        yield Note("limit", said)


def _finite(value: Array) -> bool:
    return bool(np.isfinite(as_floats(value)).all())


def _at_kinks(step: Step, values: ValuesById) -> Iterator[Note]:
    return _kinks_of(step, *step.operands, values=values)


def _kinks_of(step: Step, id: str, *learned: str, values: ValuesById) -> Iterator[Note]:
    activation = FUNCTIONS[step.parameters["activation"]]
    constants = FloatArithmetic(np.float64).parameters(step.parameters)
    parameters = activation.at(constants, [as_floats(values[each]) for each in learned])
    for kink in activation.kinks(step.parameters):
        at_kink = np.full(np.shape(values[id]), kink)
        derivative = activation.derivative(at_kink, parameters)
        if derivative.shape != at_kink.shape:  # one z meets several slopes
            continue
        slope = row(call(f"{activation.symbol}′", _short(kink, "g")))
        for i, j in np.argwhere(np.equal(values[id], kink)).tolist()[:MOST_PLACES]:
            yield Note(
                "kink",
                (
                    row(*_entry(id, i, j)),
                    f" is exactly {kink:g}, where {activation.title} has no derivative: ",
                    *(slope, f" is taken as {derivative[i, j]:g}"),
                ),
            )


def _repeated(step: Step) -> Iterator[Note]:
    """Of what was taken for every row, every column or every entry, that its gradient is a sum."""
    where = {"columns": ("row", "the rows"), "rows": ("column", "the columns")}
    summed = step.parameters.get("summed")
    if summed is not None:
        each, added = where.get(summed, ("entry", "all entries"))
        said = f" is used for every {each}, so its gradient is the sum of {added}"
        yield Note("repeated", (Symbol(step.of), said))


def _at_kinks_on_the_way(step: Step, values: ValuesById) -> Iterator[Note]:
    """A function of a board is gone back through in one step, with what has arrived."""
    if "arguments" not in step.parameters:
        yield from _kinks_of(step, *step.operands[1:], values=values)


def _winners(step: Step, values: ValuesById) -> Iterator[Note]:
    """Which entry is the largest of each window: on the way back it alone gets a gradient."""
    p = step.parameters
    if p["pool"] != "max" or "arguments" in p or values[step.id].size > MOST_WINDOWS:
        return
    won = pool_winners(p, values[step.operands[0]])
    told: list[str | Expr] = []
    for i, j in np.ndindex(values[step.id].shape):
        at = next(at for at, wins in enumerate(won) if wins[i, j])
        u, v = divmod(at, p["size"])
        source = _entry(step.operands[0], i * p["stride"] + u, j * p["stride"] + v)
        told += [", " if told else "", row(*_entry(step.id, i, j), " is ", *source)]
    yield Note("winners", ("the largest: ", *told))


def _at_no_error(step: Step, values: ValuesById) -> Iterator[Note]:
    if step.parameters["loss"] != "mae":
        return
    for i, j in np.argwhere(np.equal(values[step.operands[0]], 0)).tolist()[:MOST_PLACES]:
        yield Note(
            "kink",
            (
                f"the error [{i + 1},{j + 1}] is exactly 0, where ",
                Absolute(Letter("e")),
                " has no derivative: it is taken as 0",
            ),
        )


def _through_updated(step: Step, values: ValuesById) -> Iterator[Note]:
    for id in step.operands:
        named = ids.parse(id)
        if named is not None and named.role == "updated":
            yield Note(
                "through_updated",
                (
                    "as the spec asks, the gradient goes back through the updated weights ",
                    *(Symbol(id), "; the gradient of the loss takes the old ones"),
                ),
            )


def _within_norm(step: Step, values: ValuesById) -> Iterator[Note]:
    gradient, norm = step.operands
    limit, length = step.parameters["limit"], as_floats(values[norm])
    if length <= float(limit):
        said = row(Symbol(norm), " = ", _short(length, ".6g"), " ≤ ", _short(limit, ".6g"))
        yield Note("not_clipped", (said, ": ", Symbol(gradient), " stays as it is"))


def _within_limit(step: Step, values: ValuesById) -> Iterator[Note]:
    (gradient,) = step.operands
    limit = step.parameters["limit"]
    if (np.abs(as_floats(values[gradient])) <= float(limit)).all():
        said = row("±", _short(limit, ".6g"))
        yield Note("not_clipped", ("no entry of ", Symbol(gradient), " is beyond ", said))


def _units_off(traced: TracedStep, trace: Trace) -> Iterator[Note]:
    """Where a gradient meets ReLU′ = 0 on its way back, which units stopped it."""
    if traced.operation != "hadamard":
        return
    steps = trace.update(traced.epoch, traced.batch)
    g = steps[traced.operands[1]]
    off = g.value == 0
    if g.parameters.get("activation") != "relu" or not off.any():
        return
    count, z = int(off.sum()), steps[g.operands[0]]
    if z.shape[trace.conventions.sample_axis] > 1 or count > MOST_NAMED:
        yield Note("units_off", _counted(count, g))
    else:
        yield Note("units_off", tuple(_named(np.argwhere(off).tolist(), z, trace)))


def _counted(off: int, g: TracedStep) -> Sentence:
    entries, are = ("entry", "is") if off == 1 else ("entries", "are")
    return (
        f"{off} {entries} of {g.shape[0] * g.shape[1]} in ",
        *(Symbol(g.id), f" {are} 0: where a unit was off, no gradient passes through it"),
    )


def _named(off: list[list[int]], z: TracedStep, trace: Trace) -> Iterator[str | Expr]:
    """``unit 2 was off (z₁[1,2] = -1.3 ≤ 0), so no gradient passes through it``."""
    rows = trace.conventions.layout == "rows"
    units = [str((j if rows else i) + 1) for i, j in off]
    listed = " and ".join([", ".join(units[:-1]), units[-1]] if units[1:] else units)
    yield f"unit {listed} was off (" if len(units) == 1 else f"units {listed} were off ("
    for at, (i, j) in enumerate(off):
        yield from [", "] if at else []
        yield row(*_entry(z.id, i, j), " = ", _printed(z.value[i, j], trace.decimals), " ≤ 0")
    yield f"), so no gradient passes through {'it' if len(units) == 1 else 'them'}"


def _printed(value: Any, decimals: int) -> Value:
    """A number of a sentence, with the digits that it has in the matrix."""
    return Value(value if hasattr(value, "numerator") else float(number(value, decimals)))


MOST_WINDOWS = 9  # of which is said where the largest entry lies
MOST_PLACES = 4  # entries of a step that are named
MOST_NAMED = 3  # units that are named one by one; of more, the count is given

NOTES: dict[str, Callable[[Step, ValuesById], Iterator[Note]]] = {
    "activation_derivative": _at_kinks,
    "chain": _at_kinks_on_the_way,
    "hadamard": _in_the_limit,
    "jacobian_product": _in_the_limit,
    "pool": _winners,
    "loss_gradient": _at_no_error,
    "matmul": _through_updated,
    "clip_to_norm": _within_norm,
    "clip_entries": _within_limit,
}
