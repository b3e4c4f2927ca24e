"""One quantity held against its differences, in double precision and wider where it helps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backtrace.functions.array import Array
from backtrace.verify.differences import Slopes, slopes
from backtrace.verify.evaluations import Precision
from backtrace.verify.kinks import Crossing
from backtrace.verify.perturbation import Indices, Perturbation
from backtrace.verify.results import Comparison, Flags, Kink

TOLERANCE = 1e-7  # of its size, that an entry may be off beside the error of the differences
GOAL = 4e-7  # an error this small beside an entry is small enough
VAGUE = 1e-3  # of an entry's size; where the error is larger, that both agree says little
FIRST = 14  # steps of 2^−14 of an entry's scale in double precision, which settle most entries
WIDER = (12, 27, 40)  # and in the widest, down to those that no kink and no curve is near
MOST_NAMED = 100  # entries at a kink of which it is worked out where it lies


class GradientCheck:
    """What is known of one quantity so far; entries are places in its flattened matrix."""

    def __init__(
        self, perturbation: Perturbation, frame: Indices, scales: Array, tape: Array, doubt: Array
    ) -> None:
        """``frame`` has the places of the entries in what is moved, by ``scales`` at most.

        ``tape`` is worked in the widest precision, as a derivative of the loss; ``doubt`` is how
        far rounding may have moved it in a narrower one.
        """
        self.perturbation, self.roundings = perturbation, perturbation.roundings
        self.frame, self.scales = frame.ravel(), scales.ravel()
        self.tape, self.doubt = tape.ravel(), doubt.ravel()
        self.known = np.zeros((len(Slopes._fields), tape.size), tape.dtype)
        self.slopes = Slopes(*self.known)
        self.slopes.values[:], self.slopes.errors[:] = np.nan, np.inf
        self.checked, self.crowded = np.zeros((2, tape.size), dtype=bool)
        self.crossed: dict[int, tuple[Crossing, ...]] = {}

    def work(self, rows: Indices, many: int, few: int, progress: Callable[[int], object]) -> None:
        """Checks the entries of ``rows``, those of a row together: ``many`` rows at once in double
        precision, and the worst ``few`` wider.

        Where these are right after all, others that seem wrong by doubles alone stay undecided.
        """
        self.checked[rows] = True
        for start in range(0, len(rows), max(1, many)):
            block = rows[start : start + max(1, many)]
            self._take(block, np.float64, FIRST)
            progress(len(block))
        worst = self._unsettled(rows)[:few]
        for exponent in WIDER:
            self._take(self._unsettled(worst), self.tape.dtype.type, exponent)
        self._name_kinks(worst)
        if not self._is_off(worst).any():
            self.crowded[rows] |= self._is_off(rows)

    def _take(self, rows: Indices, precision: Precision, exponent: int) -> None:
        """Takes what differences of one step find, where it is better than what is known."""
        if rows.size:
            scales = self.scales[rows].astype(precision)
            found = slopes(self.perturbation, self.frame[rows], scales, self.roundings, exponent)
            better = (found.errors < self.slopes.errors[rows]) | self._is_settled(found, rows)
            self.known[:, rows] = np.where(better, np.array(found), self.known[:, rows])

    def _unsettled(self, rows: Indices) -> Indices:
        """The rows with an entry of which more could be told, the worst first."""
        known = Slopes(*self.known[:, rows])
        left = ~self._is_settled(known, rows).all(axis=1)
        excess = np.nan_to_num(self._excess(known, rows)[left], nan=-np.inf).max(axis=1)
        return np.asarray(rows[left][np.argsort(-excess, kind="stable")])

    def _is_settled(self, found: Slopes, at: Indices) -> Flags:
        goal = GOAL * np.maximum(np.abs(found.values), np.abs(self.tape[at]))
        is_precise = (found.errors <= goal) | (found.values == self.tape[at])
        agrees = self._excess(found, at) <= 0
        return np.asarray(agrees & is_precise & (found.spreads <= goal) & (found.steps > 0))

    def _excess(self, found: Slopes, at: Indices) -> Array:
        """How much farther off the tape's entries are than they may be; nan of what is unknown."""
        size = np.abs(self.tape[at]) + np.abs(found.values)
        with np.errstate(invalid="ignore"):
            distance = np.abs(found.values - self.tape[at]) - found.spreads / 2
            return np.asarray(distance - TOLERANCE * size - found.errors - self.doubt[at])

    def _is_off(self, at: Indices) -> Flags:
        """Which entries have a number on either side, and not the same."""
        return np.asarray((self._excess(Slopes(*self.known[:, at]), at) > 0) & ~self.crowded[at])

    def _jumps(self) -> Flags:
        """Which entries have a slope of each side."""
        known = self.slopes
        return np.asarray(known.spreads > 2 * known.errors + GOAL * np.abs(known.values))

    def _name_kinks(self, rows: Indices) -> None:
        """Finds the kinks where entries seem wrong and where slopes jump.

        With several kinks in one sample the slopes of its two sides say little of what the tape
        may have. A jump without a kink is a curve that is bent too much for the steps.
        """
        for place in rows[self._is_off(rows)].tolist():
            self._name(place)
            samples = [each.sample for each in self.crossed[place] if each.sample is not None]
            self.crowded[place] = len(samples) > len(set(samples))
        for place in rows[self._jumps()[rows]].tolist()[:MOST_NAMED]:
            self._name(place)

    def _name(self, place: int) -> None:
        found = self.perturbation.crossings(self.frame[place], self.slopes.steps[place])
        self.crossed[place] = found
        if not found:
            self.slopes.errors[place] += self.slopes.spreads[place]
            self.slopes.jumps[place] = self.slopes.spreads[place] = 0

    def comparison(self, id: str, tape: Array, factor: float, *, of_numbers: bool) -> Comparison:
        """Everything found, ``factor`` times, as the tape has it in double precision.

        What is no number is wrong only where a step has made it so ``of_numbers``.
        """
        known, double = self.slopes, tape.ravel()
        is_known = np.isfinite(known.values)
        lost = is_known & ~np.isfinite(self.tape) & of_numbers
        wrong = self.checked & (self._is_off(np.arange(tape.size)) | lost)
        told = self.checked & (wrong | is_known & np.isfinite(double) & ~self.crowded)
        numeric, errors, differences = self._reals(double, factor)
        return Comparison(
            id=id,
            tape=tape,
            numeric=numeric.reshape(tape.shape),
            errors=errors.reshape(tape.shape),
            differences=np.where(told, differences, np.nan).reshape(tape.shape),
            wrong=wrong.reshape(tape.shape),
            checked=self.checked.reshape(tape.shape),
            undecided=(self.checked & ~told).reshape(tape.shape),
            vague=(told & ~wrong & self._is_vague()).reshape(tape.shape),
            kinks=self._kinks(factor, tape.shape[1]),
        )

    def _reals(self, double: Array, factor: float) -> Array:
        """The slopes, their errors, and how far the tape is off what they leave open."""
        known = self.slopes
        with np.errstate(invalid="ignore", over="ignore"):
            distance = np.abs(known.values - double / factor) - known.spreads / 2
            distance = np.where(np.isfinite(double), np.maximum(distance, 0), np.inf)
            errors = known.errors + self.doubt
            found = factor * known.values, abs(factor) * errors, abs(factor) * distance
            return np.array(found).astype(np.float64)

    def _is_vague(self) -> Flags:
        """Which entries are so small beside their errors that to agree means little."""
        size = np.fmax(np.abs(self.tape), np.abs(self.slopes.values))
        errors = self.slopes.errors + self.doubt
        return np.asarray(~self._jumps() & (errors > VAGUE * size) & (size > 0))

    def _kinks(self, factor: float, columns: int) -> dict[tuple[int, int], Kink]:
        known, found = self.slopes, {}
        for place in np.flatnonzero(self.checked & self._jumps()).tolist():
            middle, jump = (factor * float(each[place]) for each in (known.values, known.jumps))
            below, above, crossed = (
                middle - jump / 2,
                middle + jump / 2,
                self.crossed.get(place, ()),
            )
            found[divmod(place, columns)] = Kink(below, above, crossed)
        return found
