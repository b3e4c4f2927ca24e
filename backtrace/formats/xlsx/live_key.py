"""The key as blocks of cells: numbers where they are given, all else formulas of what it uses.

The tape is worked once more, on references to the cells of its values.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from backtrace.check.answers.workbook_form import FIRST_COLUMN
from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.xlsx.cell_formula import Formula, call, formula
from backtrace.formats.xlsx.cells import Cells, cells
from backtrace.functions.array import Array
from backtrace.functions.number import Number
from backtrace.spec.model import Arithmetic
from backtrace.tape.arithmetic import FloatArithmetic, arithmetic
from backtrace.tape.run import evaluate
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step
from backtrace.tape.trace import Trace, TracedStep

LONGEST = 8000  # characters of a formula; Excel takes 8192
MOST = 5000  # entries of a step that are worked live; nobody follows more


class Block(msgspec.Struct, frozen=True):
    """A quantity on the sheet: its values, and the formulas they are worked by, from ``row`` on
    (from 0). ``formulas`` is None for numbers; of a worked one that no formula can give, too."""

    step: Step
    values: Array
    formulas: Cells | None
    row: int
    again: bool = False  # once more, with the new parameters

    @property
    def places(self) -> Cells:
        """References to its cells."""
        return cells(_references(self.row, np.shape(self.values)))


def _references(row: int, shape: tuple[int, ...]) -> Array:
    found = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        i, j = place or (0, 0)
        found[place] = Formula(f"{column_name(FIRST_COLUMN + j)}{row + i + 1}")
    return found


def column_name(column: int) -> str:
    """A, B, …, Z, AA: the letters of a column (from 0)."""
    before, last = divmod(column, 26)
    return (column_name(before - 1) if before else "") + chr(ord("A") + last)


def _of_numbers(step: Step) -> Step:
    """The step without what stands in for ∞ · 0, which its cells do not have."""
    parameters = {key: value for key, value in step.parameters.items() if key != "saturated"}
    return msgspec.structs.replace(step, parameters=parameters)


def _numbers_of(parameters: Mapping[str, Any]) -> list[tuple[str, float]]:
    """The numbers among them that somebody wrote, by name."""
    return [(name, float(v)) for name, v in parameters.items() if isinstance(v, Number)]


class CellArithmetic(msgspec.Struct, frozen=True):
    """Formulas as a step's operands and value; with ``decimals`` every line is rounded."""

    decimals: int | None = None
    constants: dict[tuple[str, float], Cells] = {}

    def parameters(self, parameters: Mapping[str, Any], rational: bool = True) -> dict[str, Any]:
        found = FloatArithmetic(np.float64).parameters(parameters)
        written = _numbers_of(parameters)
        return found | {one[0]: self.constants[one] for one in written if one in self.constants}

    def operand(self, value: Array, rational: bool) -> Array:
        return value

    def line(self, value: Array) -> Array:
        if self.decimals is None:
            return cells(value)
        places = formula(self.decimals)
        return cells(np.frompyfunc(lambda x: call("ROUND", formula(x), places), 1, 1)(value))

    @classmethod
    def of(cls, chosen: Arithmetic) -> CellArithmetic:
        return cls(chosen.decimals if chosen.kind == "rounded" else None)


class LiveKey:
    """Lays a trace out, block below block, its constants above it; ``at`` is the row (from 0) of
    the first."""

    def __init__(self, trace: Trace, at: int) -> None:
        self.trace = trace
        self.at = at
        self.setting = Setting(trace.conventions)
        self.cells = CellArithmetic.of(trace.arithmetic)
        self.numbers = arithmetic(trace.arithmetic)
        self.blocks: dict[tuple[int, int], dict[str, Block]] = {}
        self.constants = self.place_constants()

    def place_constants(self) -> dict[tuple[str, float], int]:
        """The row of each constant of the updates, by its name and value: η, β₁, … One by which a
        step is worked that takes no cell in its place stays a number in all of them."""
        steps = [traced.step for traced in self.trace if traced.phase == "update"]
        used = {step.at: _numbers_of(step.parameters) for step in steps}
        found = dict.fromkeys(constant for several in used.values() for constant in several)
        rows = {constant: self.at + number for number, constant in enumerate(found)}
        places = {constant: cells(_references(row, ())) for constant, row in rows.items()}
        live = msgspec.structs.replace(self.cells, constants=places)
        fixed = {c for step in steps if not self.takes_cells(step, live) for c in used[step.at]}
        kept = [constant for constant in found if constant not in fixed]
        rows = {constant: self.at + number for number, constant in enumerate(kept)}
        places = {constant: cells(_references(row, ())) for constant, row in rows.items()}
        self.cells = msgspec.structs.replace(self.cells, constants=places)
        self.at += len(rows) + 1 if rows else 0
        return rows

    def takes_cells(self, step: Step, live: CellArithmetic) -> bool:
        """Whether a step can be worked with its constants in cells."""
        update = self.trace.update(step.epoch, step.batch)
        if step.operation == "forward_again":
            return True
        operands = {id: cells(_references(0, update[id].shape)) for id in step.needed}
        try:
            evaluate(self.setting, live, step, operands)
        except (NotExpressibleError, TypeError):  # as where a constant is read as a number
            return False
        return True

    def of(self, update: tuple[int, int]) -> Iterator[Block]:
        """The blocks of one update, whose predecessors have been laid out."""
        placed = self.blocks.setdefault(update, {})
        for traced in self.trace.update(*update).values():
            formulas, at = None, self.at
            try:
                if traced.operation == "forward_again":
                    again = list(self.forward_again(update))
                    yield from again
                    last = next(b for b in again if b.step.id == (traced.of or again[-1].step.id))
                    formulas = last.places
                else:
                    formulas = self.formulas(traced)
            except NotExpressibleError:
                self.at = at
            placed[traced.id] = self.block(traced.step, traced.value, formulas)
            yield placed[traced.id]

    def block(
        self, step: Step, values: Array, formulas: Cells | None, *, again: bool = False
    ) -> Block:
        if formulas is not None and any(len(each.text) > LONGEST for each in formulas.flat):
            formulas = None
        block = Block(step, values, formulas, self.at, again)
        self.at += (np.shape(values) or (1,))[0] + 1
        return block

    def formulas(self, traced: TracedStep) -> Cells | None:
        """What works a step, None for a number that is given. Raises NotExpressibleError."""
        if traced.operation == "given":
            earlier = self.earlier(traced)
            return None if earlier is None else earlier.places
        placed = self.blocks[traced.epoch, traced.batch]
        if "saturated" in traced.parameters and np.isinf(placed[traced.operands[0]].values).any():
            raise NotExpressibleError("a cell holds no ∞, and no limit")
        return self.worked(traced.step, {id: block.places for id, block in placed.items()})

    def worked(self, step: Step, references: Mapping[str, Cells]) -> Cells:
        if math.prod(step.shape) > MOST:
            raise NotExpressibleError("more entries than are worked live")
        found = evaluate(self.setting, self.cells, _of_numbers(step), references)
        assert isinstance(found, Cells)
        return found

    def earlier(self, given: TracedStep) -> Block | None:
        """Where the same stands already: what the update before has left, the same samples."""
        *before, _ = self.blocks.values()
        if "from" in given.parameters:
            return before[-1][given.parameters["from"]]
        same = (blocks[given.id] for blocks in before if given.id in blocks)
        return next((one for one in same if one.step.parameters == given.parameters), None)

    # The forward part once more

    def forward_again(self, update: tuple[int, int]) -> Iterator[Block]:
        """The steps up to the loss, on the new parameters under the names of the old."""
        placed = self.blocks[update]
        new = {block.step.of: block for block in placed.values() if block.step.role == "updated"}
        at_hand = {**placed, **new}
        values = {id: self.numbers.given(block.values) for id, block in at_hand.items()}
        references = {id: block.places for id, block in at_hand.items()}
        for id, block in placed.items():
            if block.step.phase in ("forward", "loss"):
                values[id] = evaluate(self.setting, self.numbers, block.step, values)
                formulas = self.worked(block.step, references)
                once_more = self.block(block.step, values[id], formulas, again=True)
                references[id] = once_more.places
                yield once_more
