"""A saved trace, read back and looked through before anything is printed from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from backtrace.formats.json.trace import TraceFormatError, decode
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.penalties import FORMS
from backtrace.notation import steps as notation
from backtrace.notation.symbols import Symbols
from backtrace.page import header
from backtrace.page.sections import SECTIONS
from backtrace.spec import ids
from backtrace.spec.read.conventions import MOST_DECIMALS
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.setting import Setting
from backtrace.tape.trace import Trace, TracedStep

TABLES: dict[str, Iterable[str]] = {"activation": ACTIVATIONS, "loss": LOSSES, "form": FORMS}
WORDS = frozenset(
    ["activation", "loss", "form", "transpose", "omit_from", "ones", "from", "stable_from"]
)
FLAGS = frozenset(["subtract", "all", "negate"])
MOST_LAYERS = 1000
AMISS = (
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
    for id in ["a0", *(needed or ["W1"])]:
        if id not in steps:
            raise TraceFormatError(
                f"a part of a trace ({id} of epoch {place[0]}, batch {place[1]} is missing): save "
                "the whole one, without --only, --layer or --sample"
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
    named = ids.parse(traced.id)
    if named is None or (named.layer or 0) >= MOST_LAYERS:
        raise _refused("it has a step whose id is none that is known")
    if (traced.phase == "given") != (traced.operation == "given"):
        raise _refused(f"{traced.id} is both given and worked")
    if traced.layer not in (None, named.layer):
        raise _refused(f"{traced.id} belongs to another layer than it says")
    if traced.phase not in SECTIONS or traced.operation not in OPERATIONS:
        raise _refused(f"the phase or the operation of {traced.id} is none that is known")
    for name, value in traced.parameters.items():
        if not _is_sound(name, value, given=traced.operation == "given"):
            raise _refused(f"the {name} of {traced.id} is not what it should be")
        if name in TABLES and value not in TABLES[name]:
            raise _refused(f"the {name} of {traced.id} is none that is known")
    missing = [id for id in traced.operands if id not in known]
    if missing:
        raise TraceFormatError(
            f"a part of a trace ({missing[0]}, from which {traced.id} is made, is missing): save "
            "the whole one, without --only, --layer or --sample"
        )
    _check_shape(trace, traced, known)


def _is_sound(name: str, value: object, *, given: bool) -> bool:
    """Whether a parameter is of the kind that its name asks for."""
    if name in WORDS:
        return isinstance(value, str)
    if name in FLAGS:
        return isinstance(value, bool)
    if name == "omit":
        return isinstance(value, str | list) and all(isinstance(each, str) for each in value)
    if name in ("samples", "order") and given:
        if not isinstance(value, list) or not all(type(each) is int for each in value):
            return False
        return name == "order" or len(value) == 2
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_shape(trace: Trace, traced: TracedStep, known: Mapping[str, TracedStep]) -> None:
    if traced.operation == "given":
        return
    row = OPERATIONS[traced.operation]
    shapes = [known[id].shape for id in traced.operands]
    try:
        shape = row.shape(Setting(trace.conventions), traced.parameters, *shapes)
    except AMISS as error:
        raise _refused(f"{traced.id}: {error}") from None
    if shape != traced.shape:
        raise _refused(f"the shape of {traced.id} is not what its operation gives")


def _write_once(trace: Trace, steps: Mapping[str, TracedStep]) -> None:
    """Writes every formula of an update: what a step lacks shows here, not half-way down a page."""
    symbols = Symbols.of(trace)
    first, last = steps["a0"].parameters["samples"]
    counted = steps["a0"].shape[Setting(trace.conventions).sample_axis]
    if first < 1 or last - first + 1 != counted:
        raise ValueError(f"samples {first} to {last}, where the inputs are {counted}")
    numbers = steps["a0"].sample_numbers
    if len(set(numbers)) != counted or min(numbers) < 1:
        raise ValueError(f"an order that is none of {counted} samples")
    header.architecture(trace)
    header.facts(trace, symbols)
    for traced in steps.values():
        if traced.operation != "given":
            notation.equation(traced, trace, symbols)
            notation.why(traced, trace, symbols)
            if traced.value.size:
                notation.entry(traced, trace, 0, 0, symbols)
