"""A trace on one screen: forward to the right, a turn at the loss, and back home beneath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backtrace.page.blocks import Block
from backtrace.page.figures import Figures
from backtrace.page.step_block import StepBlock
from backtrace.spec.ids import PARAMETERS, Role
from backtrace.tape.trace import TracedStep

MOST_ROWS, MOST_COLUMNS = 6, 6  # of a matrix whose entries are shown; of a larger one its size


class OverviewColumn(msgspec.Struct, frozen=True):
    """A layer, the inputs or the loss: what arrives there each way, and its parameters.

    ``above`` is what goes into it (W, b; the targets), ``below`` what comes of that: gradients, new
    values, the loss after the update.
    """

    above: tuple[StepBlock, ...] = ()
    forward: StepBlock | None = None
    backward: StepBlock | None = None
    below: tuple[StepBlock, ...] = ()

    @property
    def steps(self) -> Iterator[StepBlock]:
        yield from self.above
        yield from (each for each in (self.forward, self.backward) if each is not None)
        yield from self.below


class Overview(Block, frozen=True):
    """The columns from the inputs to the last layer and, where there is one, the loss.

    ``reached`` are the ids of what is worked already, where a reader watches; else None.
    """

    columns: tuple[OverviewColumn, ...]
    loss: OverviewColumn | None = None
    reached: frozenset[str] | None = None

    @property
    def every_column(self) -> tuple[OverviewColumn, ...]:
        return self.columns if self.loss is None else (*self.columns, self.loss)

    @property
    def told(self) -> str:
        """What it shows, in words: forward from the left, then back from the right."""
        columns = self.every_column
        there = [step for column in columns for step in (*column.above, column.forward)]
        back = [step for column in reversed(columns) for step in (column.backward, *column.below)]
        ways = {"Forward": there, "Backward": back}
        said = {
            way: [_told(step) for step in steps if step is not None] for way, steps in ways.items()
        }
        return " ".join(f"{way}: {', '.join(each)}." for way, each in said.items() if each)

    @property
    def turns(self) -> bool:
        """Whether anything comes back."""
        return any(column.backward is not None for column in self.every_column)


def in_rows(widths: Sequence[float], room: float) -> list[range]:
    """Columns of these widths in as few rows as have ``room``, about as wide as each other."""
    found = _packed(widths, room)
    while room > 1 and len(even := _packed(widths, room - 1)) == len(found):
        found, room = even, room - 1
    return found


def _packed(widths: Sequence[float], room: float) -> list[range]:
    rows = [range(0)]
    for at in range(len(widths)):
        if rows[-1] and sum(widths[rows[-1].start : at + 1]) > room:
            rows.append(range(at, at))
        rows[-1] = range(rows[-1].start, at + 1)
    return [row for row in rows if row]


def is_written_out(step: StepBlock) -> bool:
    """Whether a quantity is small enough for its entries to be seen at once."""
    rows, columns = step.value.shape or (1, 1)
    return bool(rows <= MOST_ROWS and columns <= MOST_COLUMNS)


def _told(step: StepBlock) -> str:
    """``W₁ = [1  2 ; 3  4]``, ``x, 64 × 10``."""
    if not is_written_out(step):
        return f"{step.symbol}, {' × '.join(map(str, step.value.shape))}"
    rows = " ; ".join("  ".join(row) for row in step.result.cells)
    return f"{step.symbol} = {rows if step.value.size == 1 else f'[{rows}]'}".replace("-", "−")


def overview(
    steps: Sequence[TracedStep], figures: Figures, reached: frozenset[str] | None = None
) -> Overview:
    """The overview of these steps, all of one update."""
    blocks = [_quantity(traced, figures) for traced in steps]
    layers = sorted({traced.layer for traced in steps if traced.layer})
    columns = (_inputs(blocks), *(_layer(blocks, layer) for layer in layers))
    loss = _loss(blocks)
    shown = tuple(column for column in columns if any(column.steps))
    return Overview(shown, loss if any(loss.steps) else None, reached)


def _quantity(traced: TracedStep, figures: Figures) -> StepBlock:
    return StepBlock(number="", traced=traced, title="", figures=figures)


def _inputs(blocks: list[StepBlock]) -> OverviewColumn:
    own = [block for block in blocks if not block.traced.layer]
    return OverviewColumn((), _only(own, "inputs"), _only(own, "activation_gradient"))


def _layer(blocks: list[StepBlock], layer: int) -> OverviewColumn:
    own = [block for block in blocks if block.traced.layer == layer]
    return OverviewColumn(
        _of_roles(own, *PARAMETERS),
        _only(own, "activation"),
        _only(own, "delta"),
        _of_roles(own, "gradient", "updated"),
    )


def _loss(blocks: list[StepBlock]) -> OverviewColumn:
    upstream = [block for block in blocks if block.traced.operation == "given"]
    return OverviewColumn(
        _of_roles(blocks, "targets"),
        _only(blocks, "loss"),
        _only(upstream, "activation_gradient"),
        _of_roles(blocks, "loss_after"),
    )


def _of_roles(blocks: list[StepBlock], *roles: Role) -> tuple[StepBlock, ...]:
    return tuple(block for block in blocks if block.traced.role in roles)


def _only(blocks: list[StepBlock], role: Role) -> StepBlock | None:
    return next(iter(_of_roles(blocks, role)), None)
