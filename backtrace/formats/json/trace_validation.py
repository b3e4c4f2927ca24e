"""A saved trace, read back and looked through before anything is printed from it."""

from __future__ import annotations

from collections.abc import Mapping

from backtrace.formats.json.trace import TraceFormatError, decode
from backtrace.notation import steps as notation
from backtrace.notation.symbols import Symbols
from backtrace.page import header
from backtrace.page.board import is_board
from backtrace.page.sections import SECTIONS
from backtrace.spec import ids
from backtrace.spec.equations.syntax import Misread
from backtrace.spec.read.conventions import MOST_DECIMALS
from backtrace.tape.arithmetic import arithmetic
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.run import evaluate
from backtrace.tape.setting import Setting
from backtrace.tape.trace import Trace, TracedStep

MOST_LAYERS = 1000
AMISS = (
    Misread,
    KeyError,
    ValueError,
    TypeError,
    AttributeError,
    IndexError,
    ArithmeticError,
    AssertionError,
)


def read(content: bytes) -> Trace:
    """The trace that was saved. Raises TraceFormatError where it is none, is a part of one, or
    says what no trace can say."""
    try:
        trace = decode(content)
    except (*AMISS, RecursionError) as error:
        raise _refused(str(error)) from None
    _check_whole(trace)
    for place in trace.updates:
        _check_update(trace, place)
    return trace


def _refused(what: str) -> TraceFormatError:
    return TraceFormatError(f"not a trace: {what}")


def _check_whole(trace: Trace) -> None:
    if not 0 <= trace.decimals <= MOST_DECIMALS:
        raise _refused(f"display decimals are 0 to {MOST_DECIMALS}")
    if not trace.steps:
        raise _refused("it has no steps")
    if len({(s.epoch, s.batch, s.id) for s in trace.steps}) < len(trace.steps):
        raise _refused("a step occurs twice")


def _check_update(trace: Trace, place: tuple[int, int]) -> None:
    steps = trace.update(*place)
    last = max(traced.layer or 0 for traced in steps.values())
    if last >= MOST_LAYERS:
        raise _refused(f"it has {last} layers")
    needed = [f"{letter}{layer}" for layer in range(1, last + 1) for letter in "Wza"]
    for id in [] if is_board(trace) else ["a0", *(needed or ["W1"])]:
        if id not in steps:
            raise TraceFormatError(
                f"a part of a trace ({id} of epoch {place[0]}, batch {place[1]} is missing): save "
                "the whole one, without --only, --layer or --sample",
                "E602",
            )
    known: dict[str, TracedStep] = {}
    for traced in steps.values():
        _check_step(trace, traced, known)
        known[traced.id] = traced
    try:
        _write_once(trace, steps)
    except AMISS as error:
        raise _refused(f"epoch {place[0]}, batch {place[1]} can't be written ({error})") from None


def _check_step(trace: Trace, traced: TracedStep, known: Mapping[str, TracedStep]) -> None:
    named = ids.Id("named") if is_board(trace) else ids.parse(traced.id)
    if named is None or (named.layer or 0) >= MOST_LAYERS:
        raise _refused("it has a step whose id is none that is known")
    if (traced.phase == "given") != (traced.operation == "given") and not _starts(traced):
        raise _refused(f"{traced.id} is both given and worked")
    if traced.layer not in (None, named.layer):
        raise _refused(f"{traced.id} belongs to another layer than it says")
    if traced.phase not in SECTIONS or traced.operation not in OPERATIONS:
        raise _refused(f"the phase or the operation of {traced.id} is none that is known")
    missing = [id for id in traced.operands if id not in known]
    if missing:
        raise TraceFormatError(
            f"a part of a trace ({missing[0]}, from which {traced.id} is made, is missing): save "
            "the whole one, without --only, --layer or --sample",
            "E602",
        )
    _check_value(trace, traced, known)


def _starts(traced: TracedStep) -> bool:
    """Whether it is one of the backward pass, from which the gradients of equations start."""
    return traced.phase == "backward" and traced.role in ("gradient", "share")


def _check_value(trace: Trace, traced: TracedStep, known: Mapping[str, TracedStep]) -> None:
    """Works the step once more: what it lacks, or can't be worked with, shows."""
    if traced.operation in ("given", "forward_again"):
        return
    values = {id: step.value for id, step in known.items()}
    try:
        worked = evaluate(
            Setting(trace.conventions), arithmetic(trace.arithmetic), traced.step, values
        )
    except AMISS as error:
        raise _refused(f"{traced.id} can't be worked ({error})") from None
    if worked.shape != traced.shape:
        raise _refused(f"the shape of {traced.id} is not what its operation gives")


def _write_once(trace: Trace, steps: Mapping[str, TracedStep]) -> None:
    """Writes every formula of an update: what a step lacks shows here, not half-way down a page."""
    symbols = Symbols.of(trace)
    if not is_board(trace):
        _check_samples(trace, steps)
    header.architecture(trace)
    header.facts(trace, symbols)
    for traced in steps.values():
        if traced.operation != "given":
            notation.title(traced.step, symbols)
            notation.short_title(traced.step, symbols)
            notation.equation(traced, trace, symbols)
            notation.why(traced, trace, symbols)
            if traced.value.size:
                notation.entry(traced, trace, 0, 0, symbols)


def _check_samples(trace: Trace, steps: Mapping[str, TracedStep]) -> None:
    first, last = steps["a0"].parameters["samples"]
    counted = steps["a0"].shape[Setting(trace.conventions).sample_axis]
    if first < 1 or last - first + 1 != counted:
        raise ValueError(f"samples {first} to {last}, where the inputs are {counted}")
    numbers = steps["a0"].sample_numbers
    whole = all(type(number) is int and number >= 1 for number in numbers)
    if not whole or len(set(numbers)) != counted:
        raise ValueError(f"an order that is none of {counted} samples")
