"""How coarsely scratch work was noted, found from the lines that stand in no other way.

Some round powers of e before the quotient, some products before the sum, some η·dW, and the rest
not. A kind of partial results is taken to be noted with few digits where a line stands in no other
way, and then in every line: who has rounded one sum of products so has rounded them all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import msgspec

from backtrace.check.judge.borne_out import is_borne_out
from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.judge.sheet import Sheet
from backtrace.check.judge.workings import Working, accused_entries, accused_places
from backtrace.check.rules.equation_partials import EQUATION_PARTIALS
from backtrace.check.rules.noted_lines import ROUNDED_PARTS
from backtrace.check.rules.noting import Noting
from backtrace.check.rules.partial_results import PARTIAL_RESULTS
from backtrace.check.rules.update_partials import UPDATE_PARTIALS
from backtrace.tape.steps import Step

Tried: TypeAlias = Sheet | Key  # a sheet as it was worked, or the first line that does not stand so
Operations: TypeAlias = frozenset[str]
POWERS = frozenset(
    ("activate", "activation_derivative", "softmax", "chain", "loss_of", "loss_terms_from_z")
)
KINDS: tuple[Operations, ...] = (  # what is noted in these operations is of one kind
    POWERS,
    frozenset(("derivative_from_activation", "chain_from_activation")),
    frozenset(("hadamard", "loss_terms", "loss_terms_from_error")),
    frozenset(("sum_samples", "total")),
    frozenset(("penalty", "add_penalty")),
    frozenset(("scale_step", *UPDATE_PARTIALS)) - {"penalty", "add_penalty"},
)
EXACT = POWERS | ROUNDED_PARTS.keys()
KIND_OF = {operation: kind for kind in KINDS for operation in kind}


class ScratchWork:
    """The search through one sheet; ``judged`` tries it in a working."""

    def __init__(
        self, exercise: Exercise, usual: Sheet, judged: Callable[[Working], Tried]
    ) -> None:
        self.exercise = exercise
        self.usual = usual
        self.judged = judged

    def noted(self, noting: Noting, *, lines: bool) -> Sheet | None:
        """The sheet whose scratch work has so few digits; ``lines``: what is carried from line to
        line as well. None where it has not, or where a single number says so that may be a slip of
        the hand."""
        working = Working(scratch=noting, lines=lines)
        found = self.judged(working)
        while not isinstance(found, Sheet):
            wider = self.wider(working, found)
            if wider is None:
                return None
            working, found = wider
        is_shown = self.is_shown(working) and is_borne_out(found, self.usual.quantities)
        return found if is_shown else None

    def is_shown(self, working: Working) -> bool:
        """Whether coarse scratch work is more than a slip of the hand: a number that coarse partial
        results give exactly speaks for it, or several lines, or of what is carried two numbers."""
        by_digits = working.scratch is not None and working.scratch.digits is not None
        exact = working.parts <= (POWERS if by_digits else EXACT)
        places = accused_places(self.usual.quantities)
        is_far = any(self.exercise.steps[at].operation == "forward_again" for at in places)
        if exact and not working.lines and not is_far:
            return True
        if working.parts <= EXACT:
            return accused_entries(self.usual.quantities) > 1
        return not by_digits and len(places) > 1

    def wider(self, working: Working, at: Key) -> tuple[Working, Tried] | None:
        """With more operations noted so, the first of them by which the line at hand stands."""
        for operations in self.operations_to(at):
            parts = working.parts | operations
            if parts != working.parts:
                wider = msgspec.structs.replace(working, parts=parts)
                found = self.judged(wider)
                if isinstance(found, Sheet) or self.exercise.order[found] > self.exercise.order[at]:
                    return wider, found
        return None

    def operations_to(self, at: Key) -> Iterator[Operations]:
        """What may be noted on the way to a line: of itself, of one of the unwritten lines before
        it, of all of these."""
        exercise, written = self.exercise, self.usual.written
        lines = exercise.lines_before(at, lambda x: x in written or exercise.is_given(x))
        if exercise.steps[at].operation == "forward_again":
            steps = exercise.contexts[at[:2]].steps.values()
            lines = [(*at[:2], step.id) for step in steps if step.phase in ("forward", "loss")]
        kinds = dict.fromkeys(kind for line in reversed(lines) for kind in self.kinds_of(line))
        yield from kinds
        yield frozenset().union(*kinds)

    def kinds_of(self, line: Key) -> Iterator[Operations]:
        """What may be noted in the ways by which a line may be worked."""
        for step in (self.exercise.steps[line], *self.exercise.forms(line)):
            if _notes_something(step):
                yield KIND_OF.get(step.operation, frozenset((step.operation,)))


def _notes_something(step: Step) -> bool:
    tables = (PARTIAL_RESULTS, EQUATION_PARTIALS, ROUNDED_PARTS)
    return "summed" in step.parameters or any(step.operation in table for table in tables)
