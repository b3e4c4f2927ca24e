"""An exercise as it is handed out: which quantities are asked for, which are given away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import msgspec

from backtrace.check.answers.names import Quantity, Reader, reader
from backtrace.course.languages import Words
from backtrace.functions.array import Array
from backtrace.notation.steps import is_work, repeats
from backtrace.spec import ids
from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.ids import At
from backtrace.spec.model import Spec
from backtrace.spec.wording import cited
from backtrace.tape.compile import compile_tape
from backtrace.tape.run import trace as worked
from backtrace.tape.trace import Trace, TracedStep


class WorksheetError(ValueError):
    """What is asked for, or to be shown, names nothing of the exercise: ``problems`` says why."""

    code: ErrorCode = "E513"

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Worksheet(msgspec.Struct, frozen=True, dict=True):
    """An exercise with empty places.

    ``asked`` are the quantities to be worked, in the order of work; ``shown`` those whose values
    are given away. Of what is in neither, a step that an asked one needs, or that only repeats
    what stands there, is said as a formula; nothing else stands on the sheet.
    """

    spec: Spec
    trace: Trace
    asked: tuple[Quantity, ...]
    shown: frozenset[str]

    def asks(self, traced: TracedStep) -> bool:
        return str(traced.at) in self.places

    def shows(self, traced: TracedStep) -> bool:
        """Whether its value stands there. What an update takes up from the one before does where
        nothing before it is asked: a new weight would tell the gradient too."""
        origin = self.origin(traced)
        if origin is not None and (self.asked[0].epoch, self.asked[0].batch) < update_of(traced):
            return self.shows(origin)
        return traced.phase == "given" or str(traced.at) in self.shown

    def origin(self, traced: TracedStep) -> TracedStep | None:
        """The step of the update before that this one takes up; None for every other."""
        if traced.phase != "given" or "from" not in traced.parameters:
            return None
        before = self.trace.updates[self.trace.updates.index(update_of(traced)) - 1]
        return self.trace.update(*before)[traced.parameters["from"]]

    def says(self, traced: TracedStep) -> bool:
        """Whether it is on the way to what is asked, or repeats what stands on the sheet: its
        formula is there and no place of its own."""
        return str(traced.at) in self.on_the_way or self._repeats(traced)

    def _repeats(self, traced: TracedStep) -> bool:
        same = repeats(traced, self.trace)
        if same is None:
            return False
        source = self.trace.update(*update_of(traced))[same]
        return self.asks(source) or self.shows(source) or self.says(source)

    def value(self, quantity: Quantity) -> Array:
        """What has to be found."""
        return self.trace.update(quantity.epoch, quantity.batch)[quantity.id].value

    def update_name(self, words: Words, update: tuple[int, int]) -> str:
        """``Epoch 2, batch 1``, or the epoch alone where each has one; empty of an only update."""
        if len(self.trace.updates) == 1:
            return ""
        several = max(batch for _, batch in self.trace.updates) > 1
        return words["batch" if several else "epoch"].format(epoch=update[0], batch=update[1])

    @property
    def decimals(self) -> int:
        """The decimals that answers are asked to have."""
        asked = self.spec.answer_digits.decimals
        return self.spec.decimals if asked is None else asked

    @property
    def places(self) -> frozenset[str]:
        return frozenset(quantity.name for quantity in self.asked)

    @cached_property
    def on_the_way(self) -> frozenset[str]:
        """What has to be worked for the asked quantities and has no place: their operands, and
        theirs, back to what stands on the sheet."""
        found: set[str] = set()
        needed: set[str] = set()
        for traced in reversed(self.trace.steps):
            at = str(traced.at)
            if at in needed and not (self.asks(traced) or self.shows(traced)):
                found.add(at)
            elif not self.asks(traced):
                continue
            origin = self.origin(traced)
            operands = (At(id, *update_of(traced)) for id in traced.operands)
            needed.update(map(str, operands if origin is None else [origin.at]))
        return frozenset(found)


def update_of(traced: TracedStep) -> tuple[int, int]:
    return traced.epoch, traced.batch


def worksheet(spec: Spec, ask: Iterable[str] = (), show: Iterable[str] = ()) -> Worksheet:
    """The sheet of a spec: ``ask`` and ``show`` name quantities as students may, or families.

    Without ``ask`` the spec's own ``ask`` holds, and without that everything is asked for that has
    to be worked; what is shown is not asked for. Raises WorksheetError for names that mean nothing
    here, or where nothing is left to be asked.
    """
    trace = worked(spec)
    names = _Names(reader(compile_tape(spec), spec), trace)
    shown = [quantity.name for name in show for quantity in names.quantities(name)]
    wanted = [*ask] or [*spec.ask]
    asked = [quantity for name in wanted for quantity in names.quantities(name)]
    if not wanted:
        asked = [names.of_step(traced) for traced in trace if is_work(traced, trace)]
    left = {quantity.order: quantity for quantity in asked if quantity.name not in shown}
    if not left and not names.problems:
        names.problems.append("nothing is left to be asked: all of it is shown")
    if names.problems:
        raise WorksheetError(names.problems)
    return Worksheet(spec, trace, tuple(left[order] for order in sorted(left)), frozenset(shown))


class _Names:
    """What names mean in an exercise; those that mean nothing become problems."""

    def __init__(self, known: Reader, trace: Trace) -> None:
        self.known = known
        self.worked = {str(traced.at) for traced in trace if traced.phase != "given"}
        self.problems: list[str] = []

    def of_step(self, traced: TracedStep) -> Quantity:
        return self.known.quantities[traced.epoch, traced.batch, traced.id]

    def quantities(self, name: str) -> list[Quantity]:
        """The quantity that is called so, or all of a family that is worked, in every update."""
        found = self.known.find(name)
        if found is not None and not found.index:
            return [found.quantity]
        of_family = [one for one in self.known.quantities.values() if ids.family(one.id) == name]
        of_family = [one for one in of_family if one.name in self.worked] or of_family
        if not of_family:
            entry = f"{cited(name)} is an entry; whole quantities are asked for and shown"
            self.problems.append(self.known.unknown(name) if found is None else entry)
        return of_family
