"""Why a value is wrong: the step replayed with wrong rules on the student's own numbers.

A mistake is named where it explains every written entry; what explains as well is a tie.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from backtrace.check.diagnosis.evidence import Evidence, is_as_near, middle
from backtrace.check.diagnosis.misreading import Misreading
from backtrace.check.diagnosis.rule_search import MADE_ALONE, RuleSearch
from backtrace.check.diagnosis.slips import Slips
from backtrace.check.diagnosis.wrong_quantity import Cause, WrongQuantity
from backtrace.check.rules.intervals import hull, single

MOST_EXPLANATIONS = 3  # of one wrong step that are told; more can't be told apart
RARE = {*MADE_ALONE, "broadcast-over-samples"}  # which one number is no proof of
FAR_FROM_ONE = 0.5  # units that a single number misses what a rule gives exactly
COPIED = 2.01  # half units, as wide as a number that was written is
TELLING_UNIT = 1e-3  # of the largest entry: how coarse a line before may have been


class Diagnosis(WrongQuantity):
    """One wrong quantity of a sheet."""

    def found(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """Every explanation of the entries marked ``wrong`` that fits the sheet best."""
        return self.evidence.most_borne_out(self.explanations(wrong))

    @cached_property
    def evidence(self) -> Evidence:
        """What the rest of the sheet says."""
        return Evidence(self.sheet, self.place, self._unit)

    @cached_property
    def rules(self) -> RuleSearch:
        """The rules of the catalogue, tried here."""
        return RuleSearch(self.evidence, self._unit)

    @cached_property
    def misreading(self) -> Misreading:
        """Numbers that may have been taken for others on the way here."""
        return Misreading(self.sheet, self.place)

    def explanations(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """Every explanation of the entries marked ``wrong``, the simplest kind that there is.

        Where one of several entries is wrong, or some have lost their sign or their place, the hand
        slipped; rules that come to the same are ties. A number that stands alone, or among zeros,
        is looked at by rules first. Who copies given numbers, digit for digit, did just that.
        """
        slips = self.slips(wrong)
        if any("entries-exchanged" in each.explanation.codes for each in slips):
            slips += self.misreading.of_exchanged(wrong)  # or so in what this was worked from
        if self.evidence.unexplained_later and not self.evidence.is_left_open_by(slips):
            return slips
        only = int(wrong.sum()) == 1
        alone = only and not self.numbers.values[~wrong].any()
        reads = alone or not slips or bool(self.evidence.unexplained_later)
        rules = self.by_singles(wrong, reads=reads)
        meant = self.evidence.explaining_more(slips, rules)
        if meant:
            return meant
        copied = [rule for rule in rules if self.is_copied(rule)]
        if copied and not self.evidence.supports(rules):
            return copied
        if slips and not alone:
            near = [rule for rule in rules if self.leaves_the_rest(rule, wrong)]
            if self.evidence.supports(near):
                return near
            if wrong.all():  # exchanged; of δ = [a −a] a sign is as plain
                return [*rules, *slips]
            rules = near
            return [*slips, *rules] if len(slips) + len(rules) <= MOST_EXPLANATIONS else slips
        if not rules:
            rules = self.rules.in_part(wrong) or self.misreading.own(wrong)
            rules = rules or self.rules.by_pairs(only)
            return [*rules, *(slips or [self.cause("arithmetic-slip")])] if only else rules
        if not only or self.evidence.explaining_more(rules, slips):
            return rules
        if slips:
            return [*slips, *rules][:MOST_EXPLANATIONS]
        slips = [self.cause("arithmetic-slip")]
        if all(rule.explanation.codes == ("given-misread",) for rule in rules):
            return [*rules, *slips]
        far = min(self.rules.distance_from(rule.exact) for rule in rules) > FAR_FROM_ONE
        rare = all(rule.is_any_of(RARE) for rule in rules)
        return [*slips, *rules][:MOST_EXPLANATIONS] if far or rare else rules

    def slips(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """Slips of the hand; of a number of few digits those by which later lines follow."""
        slips = Slips(self.sheet, self.place)
        found = slips.of(wrong)
        if found or not self.evidence.unexplained_later:
            return found
        return self.evidence.explaining_more(slips.of(wrong, of_few_digits=True), [])

    def is_copied(self, found: Cause) -> bool:
        """Whether a rule gives just the numbers that were written, whatever was rounded; or another
        line is there, digit for digit."""
        box = found.box
        if box is None or box.shape != self.numbers.values.shape:
            return False
        width = (hull(box).hi - hull(box).lo)[0]
        is_line = (
            found.is_any_of({"value-for-error"}) and (width <= COPIED * self.numbers.half).all()
        )
        if not (is_line or single(box).all()):
            return False
        return np.allclose(middle(box), self.numbers.values, rtol=1e-9, atol=1e-12)

    def leaves_the_rest(self, found: Cause, wrong: NDArray[np.bool_]) -> bool:
        """Whether what is wrong lies within a unit of what a rule gives, and what is not, here and
        further down, as near to that as to what the right one gives, to a unit."""
        if found.box is None or found.box.shape != wrong.shape:
            return True
        near = np.abs(middle(found.box) - self.numbers.values) <= 2 * self.numbers.half
        as_near = is_as_near(self.numbers, found.box, self.replayed({}))
        return bool(np.where(wrong, near, as_near).all()) and self.evidence.leaves_the_others(found)

    def by_singles(self, wrong: NDArray[np.bool_], *, reads: bool) -> list[Cause]:
        """One wrong rule; or, where it ``reads``, one given number misread: where there is no rule,
        or more of the later lines follow from that than from any: a bias that seems to be taken off
        lost its sign if a line further down has it so too."""
        found = self.rules.by_one_rule(wrong) or self.on_coarser_lines(wrong)
        if not reads:
            return found
        # One of a dozen activations often fits; a − y is a where y is read as 0.
        is_open = all(f.is_any_of({"wrong-activation", "value-for-error"}) for f in found)
        given = self.by_misreading_further_down() if self.evidence.is_left_open_by(found) else []
        if is_open and self.evidence.is_left_open_by(given):
            told = [each.explanation for each in given]
            given += [f for f in self.by_misreading(wrong) if f.explanation not in told]
        return [*found, *(given if is_open else self.evidence.explaining_more(given, found))]

    def by_misreading_further_down(self) -> list[Cause]:
        """A given number that was read as another where a later line takes it up, which follows
        from nothing else: there few numbers come into question. Or two that were exchanged, if
        such a line bears that out."""
        here = self.misreading
        later = [Misreading(self.sheet, place) for place in self.evidence.unexplained_later]
        causes = (cause for misreading in later for cause in misreading.of_one_operand(here))
        exchanged = here.exchanged_givens if later else []
        borne_out = self.evidence.explaining_more(exchanged, [])
        return [*(each for each in causes if self.fits(each.stand_ins)), *borne_out]

    def by_misreading(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """A given number that was read as another; or two that were exchanged, which are few and
        tried first, where no other reading does or those make more of the later lines follow."""
        exchanged = self.misreading.of_exchanged(wrong)
        read = self.by_any_number(wrong) or self.misreading.of_one_given(wrong)
        read, exchanged = (
            [each for each in found if self.evidence.is_borne_out(each)]
            for found in (read, exchanged)
        )
        return [*read, *self.evidence.explaining_more(exchanged, read)] if read else exchanged

    def by_any_number(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """A given number that was read as any other, if lines further down bear that out: what is
        wrong here is one number, which some reading or other gives."""
        if int(wrong.sum()) > 1 or not self.evidence.unexplained_later:
            return []
        return self.evidence.explaining_more(self.misreading.of_one_given(wrong, several=True), [])

    def on_coarser_lines(self, wrong: NDArray[np.bool_]) -> list[Cause]:
        """The same, if the lines before were kept to as few decimals as others of the sheet."""
        fewest = 0.5 * 10.0 ** -min(self.sheet.decimals.values())
        largest = float(np.abs(self.numbers.values).max(initial=0.0))
        if not self.unit < fewest <= TELLING_UNIT * largest:
            return []
        return RuleSearch(self.evidence, fewest).by_one_rule(wrong)
