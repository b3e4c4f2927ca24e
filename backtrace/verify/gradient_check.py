"""One quantity held against its differences, in double precision and wider where it helps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from backtrace.functions.array import Array
from backtrace.verify.differences import Slopes, slopes
from backtrace.verify.forward import Indices, Perturbation, Precision
from backtrace.verify.kinks import Crossing
from backtrace.verify.results import Comparison, Flags, Kink

TOLERANCE = 1e-7
"""What an entry may be off beside the error of the differences, relative to its size."""

GOAL = 4e-7  # an error this small beside an entry is small enough
VAGUE = 1e-3  # of an entry's size; where the error is larger, that both agree says little
FIRST = 14  # steps of 2^−14 of an entry's scale in double precision, which settle most entries
WIDER = (12, 27, 40)  # and in the widest, down to those that no kink and no curve is near
AT_ONCE = 1_000_000  # changes of the loss that are held at once
MOST_NAMED = 100  # entries at a kink of which it is worked out where it lies


class GradientCheck:
    """What is known of one quantity so far; entries are places in its flattened matrix."""

    def __init__(
        self, perturbation: Perturbation, frame: Indices, scales: Array, tape: Array, doubt: Array
    ) -> None:
        """``frame`` has the places of the entries in what is moved, by about ``scales``.

        ``tape`` is worked in the widest precision, as a derivative of the loss; ``doubt`` is how
        far it is from that in a narrower one.
        """
        self.perturbation, self.frame, self.scales = perturbation, frame.ravel(), scales.ravel()
        self.tape, self.doubt = tape.ravel(), doubt.ravel()
        self.slopes = Slopes.unknown(frame.size, perturbation.forward.precision)
        self.roundings = perturbation.roundings
        self.checked, self.crowded = np.zeros((2, frame.size), dtype=bool)
        self.crossed: dict[int, tuple[Crossing, ...]] = {}

    def work(self, rows: Indices, many: int, few: int, progress: Callable[[int], object]) -> None:
        """Checks the entries of ``rows``, those of a row together: ``many`` rows at once in double
        precision, a ``few`` wider.

        The worst come first. Once one is wrong for sure the others stay as they are, and so do
        those that agree, beyond the first few, if less precisely than they could.
        """
        self.checked[rows] = True
        most = max(1, min(many, AT_ONCE // self.roundings.size))
        for start in range(0, len(rows), most):
            block = rows[start : start + most]
            self._take(block, np.float64, FIRST)
            progress(len(block))
        rows = self._unsettled(rows)
        for start in range(0, len(rows), few):
            block = rows[start : start + few]
            if start and not self.is_off(block).any():
                return
            for exponent in WIDER:
                self._take(self._unsettled(block), self.perturbation.forward.precision, exponent)
            self._name_kinks(block)
            if self.is_off(block).any():
                return

    def _take(self, rows: Indices, precision: Precision, exponent: int) -> None:
        """Takes what differences of one step find, where it is better than what is known."""
        if rows.size:
            scales = self.scales[rows].astype(precision)
            found = slopes(self.perturbation, self.frame[rows], scales, self.roundings, exponent)
            better = found.errors < self.slopes.errors[rows]
            better |= self._is_settled(found, rows)
            self.slopes = self.slopes.replaced(rows, found, better)

    def _unsettled(self, rows: Indices) -> Indices:
        """The rows with an entry that shorter steps or more digits could tell more of."""
        left = rows[~self._is_settled(self.slopes.among(rows), rows).all(axis=1)]
        with np.errstate(invalid="ignore", divide="ignore"):
            excess = np.nan_to_num(self._outside(left) / self._allowed(left), posinf=np.inf)
        return np.asarray(left[np.argsort(-excess.max(axis=1), kind="stable")])

    def _is_settled(self, found: Slopes, at: Indices) -> Flags:
        goal = GOAL * np.maximum(np.abs(found.values), np.abs(self.tape[at]))
        with np.errstate(invalid="ignore"):
            distance = np.abs(found.values - self.tape[at])
            agrees = distance <= TOLERANCE / GOAL * goal + found.errors + self.doubt[at]
            exact = (distance == 0) & (found.steps > 0)
            return np.asarray((agrees & (found.errors <= goal) | exact) & (found.spreads <= goal))

    # Kinks

    def _name_kinks(self, rows: Indices) -> None:
        """Finds the kinks where entries seem wrong and where slopes jump.

        A jump without a kink is a curve that is bent too much for the steps. With several kinks
        in one sample the slopes of its two sides say little of what the tape may have.
        """
        for place in rows[self.is_off(rows)].tolist():
            self._name(place)
            samples = [each.sample for each in self.crossed[place] if each.sample is not None]
            self.crowded[place] = len(samples) > len(set(samples))
        for place in rows[self._jumps()[rows]].tolist():
            if len(self.crossed) < MOST_NAMED:
                self._name(place)

    def _name(self, place: int) -> None:
        found = self.perturbation.crossings(self.frame[place], self.slopes.steps[place])
        self.crossed[place] = found
        if not found:
            self.slopes.errors[place] += self.slopes.spreads[place]
            self.slopes.jumps[place] = self.slopes.spreads[place] = 0

    def _jumps(self) -> Flags:
        """Which entries have a slope of each side."""
        known = self.slopes
        with np.errstate(invalid="ignore"):
            return np.asarray(known.spreads > 2 * known.errors + GOAL * np.abs(known.values))

    # How it stands

    def _outside(self, at: Indices) -> Array:
        """How far the tape's entries lie outside of what the differences leave open."""
        known = self.slopes
        with np.errstate(invalid="ignore"):
            beyond = np.abs(known.values[at] - self.tape[at]) - known.spreads[at] / 2
        return np.maximum(beyond, 0)

    def _allowed(self, at: Indices) -> Array:
        """How far they may."""
        known = self.slopes
        size = np.abs(self.tape[at]) + np.abs(np.nan_to_num(known.values[at]))
        return TOLERANCE * size + known.errors[at] + self.doubt[at]

    def is_off(self, at: Indices) -> Flags:
        """Which entries have a number on either side, and not the same."""
        known = np.isfinite(self.slopes.values[at]) & np.isfinite(self.tape[at])
        with np.errstate(invalid="ignore"):
            disagrees = ~(self._outside(at) <= self._allowed(at))
        return np.asarray(known & disagrees & ~self.crowded[at])

    def comparison(self, id: str, tape: Array, factor: float, *, steps_on: bool) -> Comparison:
        """Everything found, ``factor`` times, as the tape has it in double precision.

        What is no number is wrong only where a step has made it so of numbers: ``steps_on`` them.
        """
        every, known, shape = np.arange(self.tape.size), self.slopes, tape.shape
        lost = ~np.isfinite(self.tape) & np.isfinite(known.values) & steps_on
        wrong = self.checked & (self.is_off(every) | lost)
        told = self.checked & np.isfinite(known.values) & ~self.crowded
        told &= wrong | np.isfinite(tape.ravel())
        errors = known.errors + self.doubt
        size = np.fmax(np.abs(self.tape), np.abs(known.values))
        vague = told & ~wrong & ~self._jumps() & (errors > VAGUE * size) & (size > 0)
        with np.errstate(invalid="ignore", over="ignore"):
            distances = np.abs(known.values - tape.ravel() / factor) - known.spreads / 2
            distances = np.where(np.isfinite(tape.ravel()), np.maximum(distances, 0), np.inf)
            numbers = [factor * known.values, abs(factor) * errors]
            numbers += [np.where(told, abs(factor) * distances, np.nan)]
            numeric, errors, differences = np.array(numbers, dtype=np.float64).reshape(3, *shape)
        undecided = self.checked & ~told
        return Comparison(
            id=id,
            tape=tape,
            numeric=numeric,
            errors=errors,
            differences=differences,
            wrong=wrong.reshape(shape),
            checked=self.checked.reshape(shape),
            undecided=undecided.reshape(shape),
            vague=vague.reshape(shape),
            kinks=self._kinks(factor, shape[1]),
        )

    def _kinks(self, factor: float, columns: int) -> dict[tuple[int, int], Kink]:
        known, found = self.slopes, {}
        for place in np.flatnonzero(self.checked & self._jumps()).tolist():
            middle, jump, spread = (
                factor * float(each[place]) for each in (known.values, known.jumps, known.spreads)
            )
            low, high = sorted((middle - spread / 2, middle + spread / 2))
            sides = middle - jump / 2, middle + jump / 2
            found[divmod(place, columns)] = Kink(*sides, low, high, self.crossed.get(place, ()))
        return found
