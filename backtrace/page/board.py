"""What stands above a trace of equations: what is differentiated, and how gradients are written."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.functions.formula import Sentence, Symbol, row
from backtrace.notation.equations.titles import gone_through, is_of_equations
from backtrace.spec import ids
from backtrace.tape.trace import Trace, TracedStep

BY_SAMPLE = ("softmax", "loss_of")


def is_board(trace: Trace) -> bool:
    """Whether the steps are lines of equations, and not those of a network of layers."""
    return bool(trace.steps) and is_of_equations(trace.steps[0].step)


def facts(trace: Trace) -> Iterator[Sentence]:
    """What is differentiated and how it is written, in short phrases."""
    steps = list(trace.update(*trace.updates[0]).values())
    if not any(traced.phase == "backward" for traced in steps):
        yield ("forward only",)
    goal = objective(trace)
    if goal is not None and trace.notation.gradient != "partial":
        yield from _of_gradients(steps, goal)
    yield from _of_marks(steps)
    if any(traced.operation in BY_SAMPLE and "each" not in traced.parameters for traced in steps):
        yield (f"a sample is a {trace.conventions.layout[:-1]}",)


def climbs(trace: Trace) -> bool:
    """Whether an update makes larger what is differentiated: it is maximized."""
    return is_board(trace) and trace.conventions.sign == "descent"


def objective(trace: Trace) -> TracedStep | None:
    """The last step of the loss: the loss of layers, the objective of equations."""
    steps = trace.update(*trace.updates[0]).values()
    found = [traced for traced in steps if traced.phase == "loss"]
    return found[-1] if found and found[-1].role in ("loss", "named") else None


def _of_gradients(steps: list[TracedStep], goal: TracedStep) -> Iterator[Sentence]:
    """``dW is ∂L/∂W``, unless it is written so anyway."""
    of = next((t for t in reversed(steps) if t.role == "gradient" and t.of != goal.id), None)
    if of is not None:
        yield (Symbol(of.id), " is ", row("∂", Symbol(goal.id), "/∂", Symbol(of.of)))


def _of_marks(steps: list[TracedStep]) -> Iterator[Sentence]:
    """What S⁽¹⁾ is, and dX^(Q), where there are such."""
    part = next((t for t in steps if t.role == "named" and ids.is_part(t.id)), None)
    if part is not None:
        yield (Symbol(part.id), " is a part of ", Symbol(ids.line_and_part(part.id)[0]))
    share = next((t for t in steps if t.role == "share" and not ids.is_part(t.id)), None)
    if share is not None:
        user = ids.user_of(share.id, share.of)
        yield (Symbol(share.id), " is what ", Symbol(share.of), " gets by way of ", Symbol(user))


def round_of(traced: TracedStep, trace: Trace) -> str:
    """The round of a loop that a step belongs to, ``t = 2``; a gradient to that of the line it
    comes back through, unless it is one of what is given."""
    if traced.phase != "backward":
        return _loop(traced)
    steps = trace.update(traced.epoch, traced.batch)
    own = _loop(steps[traced.of]) if traced.of in steps else ""
    if traced.operation == "add" or (traced.role == "share" and not own):
        return own
    user = gone_through(traced.step, steps)
    return own if user is None else _loop(user)


def _loop(traced: TracedStep) -> str:
    return str(traced.parameters.get("loop", ""))
