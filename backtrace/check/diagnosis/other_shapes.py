"""A matrix of another shape than it should have, and the mistake that made it so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from backtrace.check.diagnosis.wrong_quantity import WrongQuantity
from backtrace.check.model import Explanation, Figure, WrittenQuantity
from backtrace.check.rules.evaluation import interval
from backtrace.check.rules.intervals import Floats, Interval, hull, scaled, summed
from backtrace.check.sheets.replay import Replay


class OtherShape(WrongQuantity):
    """One quantity of a sheet whose shape fits no way round."""

    def explanations(self, written: WrittenQuantity) -> tuple[Explanation, ...]:
        """What has another shape than it should, by a sum that was not taken or taken the other
        way, or by outputs and targets that do not stand side by side."""
        rows = [[cell for cell in line if isinstance(cell, Figure)] for line in written.raw]
        if len({len(line) for line in rows}) != 1 or not rows[0]:
            return ()
        values: Floats = np.array([[cell.value for cell in line] for line in rows])
        unit: Floats = np.array([[2 * cell.half_unit for cell in line] for line in rows])
        if values.size != sum(map(len, written.raw)):
            return ()
        for code, box in self.of_other_shapes(self.sheet.replay(float(unit.max()) / 2)):
            if _meets(box, values, unit):
                return (Explanation(((code, self.place[2]),)),)
        return ()

    def of_other_shapes(self, replay: Replay) -> Iterator[tuple[str, Interval]]:
        """A bias gradient left a line per sample, or with a sum a sample in place of one a unit;
        an error for each pair of an output and a target."""
        step, setting = self.exercise.steps[self.place], self.exercise.setting
        operands = self.exercise.operands[self.place]
        if step.operation == "sum_samples":
            delta = replay.operand(operands[0])
            n = delta.shape[setting.sample_axis]
            for factor in (1.0, 1.0 / n, float(n)):
                yield "batch-not-summed", scaled(delta, factor)
                sums = summed(delta, 1 - setting.sample_axis, keepdims=True)
                yield "summed-wrong-axis", scaled(sums, factor)
        elif step.operation == "error" and 1 in step.shape:
            a, y = map(replay.operand, operands)
            yield "broadcast-over-samples", interval("error", setting, step.parameters, a, y.T)


def _meets(box: Interval, values: Floats, unit: Floats) -> bool:
    """Whether a box holds numbers that were written, rounded or cut off, either way round."""
    low, high = hull(box).lo[0], hull(box).hi[0]
    turns = [values, values.T] if 1 in values.shape else [values]
    units = [unit, unit.T]
    return any(
        low.shape == turn.shape and bool(((low <= turn + u) & (turn - u <= high)).all())
        for turn, u in zip(turns, units, strict=False)
    )
