"""Mistakes made once at a line of a board, and everything else worked on from it.

The right lines are the program's own, which other tests hold against complex steps; the wrong ones
are worked here, from the numbers of the lines before.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.run import evaluate, trace
from backtrace.tape.setting import Setting
from tests.check.typed import listed

FLOATS = FloatArithmetic(np.float64)
OTHER = {
    "sigmoid": np.tanh,
    "tanh": lambda z: 1 / (1 + np.exp(-z)),
    "relu": lambda z: 1 / (1 + np.exp(-z)),
}
BARE = {"undo", "into", "summed", "arguments"}  # of steps that hand on more than their operands


class Mistake(NamedTuple):
    """``wrong`` gives what is written at ``id`` from the values by id."""

    code: str
    id: str
    wrong: Callable


def mistakes(spec):
    """Every mistake that the lines of a board leave room for, that makes a difference of 1 %."""
    steps = [traced.step for traced in trace(spec)]
    right = {traced.id: np.atleast_2d(traced.value) for traced in trace(spec)}
    for step in steps:
        if step.operation in ("given", "forward_again") or "." in step.id or "@" in str(step.at):
            continue
        for code, wrong in _of(step, spec, right):
            value = np.asarray(wrong(right))
            own = right[step.id]
            if value.shape == own.shape and np.abs(value - own).max() > 0.01 * np.abs(own).max():
                yield Mistake(code, step.id, wrong)


def _of(step, spec, right):
    id, operands = step.id, step.operands
    yield from _slips(step, right[id])
    if step.phase == "update":
        yield from _of_update(spec, *operands) if step.operation == "descend" else ()
        return
    if step.phase == "backward":
        yield "sign-flipped", lambda v: -v[id]
    if step.operation == "add" and step.phase == "backward":
        yield "way-omitted", lambda v: sum(v[each] for each in operands[1:])
        if len(operands) > 2:
            yield "one-step-only", lambda v: v[operands[0]]
    if BARE & step.parameters.keys():
        return
    activation = step.parameters.get("activation")
    if step.operation == "chain" and activation in OTHER:
        code = "relu-mask-ignored" if activation == "relu" else "activation-derivative-omitted"
        yield code, lambda v: v[operands[0]]
    if step.operation == "activate" and activation in OTHER:
        yield "activation-omitted", lambda v: v[operands[0]]
        yield "wrong-activation", lambda v: OTHER[activation](v[operands[0]])
    if step.operation == "loss_of":
        yield "half-factor", lambda v: 2 * v[id]


def _of_update(spec, w, g):
    rate, sign = float(spec.optimizer.learning_rate), 1 if spec.equations.maximize else -1
    yield "learning-rate-omitted", lambda v: v[w] + sign * v[g]
    yield "ascent-for-descent", lambda v: v[w] - sign * rate * v[g]
    yield "update-omitted", lambda v: v[w]
    yield "rate-misread", lambda v: v[w] + sign * 0.1 * rate * v[g]
    yield "old-value-dropped", lambda v: sign * rate * v[g]


def _slips(step, value):
    rows, columns = value.shape
    if rows == columns > 1:
        yield "transposed", lambda v: v[step.id].T
    if value.size > 2 and np.count_nonzero(value) > 1:
        at = np.unravel_index(np.abs(value).argmax(), value.shape)
        yield "sign-slip", lambda v: _changed(v[step.id], at, -1)
        yield "point-moved", lambda v: _changed(v[step.id], at, 10)
    if columns > 1 and rows > 1:
        yield "entries-exchanged", lambda v: v[step.id][:, [1, 0, *range(2, columns)]]


def _changed(x, at, factor):
    found = x.copy()
    found[at] *= factor
    return found


def sheet(spec, mistake=None, decimals=4):
    """Every named line, written; None where the wrong numbers have no logarithm or overflow."""
    values, lines, setting = {}, [], Setting(spec.conventions)
    for traced in trace(spec):
        id, operation = traced.id, traced.operation
        if operation in ("given", "forward_again") or "@" in str(traced.step.at):
            values.setdefault(id, traced.value)
            continue
        values[id] = np.atleast_2d(evaluate(setting, FLOATS, traced.step, values))
        if mistake is not None and mistake.id == id:
            values[id] = np.asarray(mistake.wrong(values))
        if not np.isfinite(values[id]).all():
            return None
        if "." not in id:
            lines.append(f"{id}: {listed(texts(values[id], decimals))}")
    return "\n".join(lines) + "\n"


def texts(value, decimals):
    return [[f"{x:.{decimals}f}" for x in row] for row in value]
