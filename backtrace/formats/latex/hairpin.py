r"""An overview as formulas: arrays with a column a layer, one below the other where it is too wide.

Every command is one that amsmath and what shows formulas in Markdown have: an arrow is as long as
it is, and a pile of parameters stands in the middle of its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from backtrace.formats.latex.formulas import EQUALS, Formulas
from backtrace.notation.latex import Tex, symbol_width, text_width
from backtrace.page.overview import Overview, OverviewColumn, in_rows, is_written_out
from backtrace.page.step_block import StepBlock

ARROW = 2.2  # em, with the space behind it
APART = 2.4  # between two columns
FORWARD, BACKWARD, TURN = r"\longrightarrow\enspace", r"\longleftarrow\enspace", r"\hookleftarrow"


def hairpin(block: Overview, width: float) -> Iterator[str]:
    """The arrays, each at most ``width`` em wide where it has any choice."""
    columns = [_cells(column, block, width) for column in block.every_column]
    rooms = [max(wide for _, wide in cells) + APART for cells in columns]
    for row in in_rows(rooms, width):
        yield _array([[tex for tex, _ in columns[at]] for at in row])


def _array(columns: Sequence[Sequence[str]]) -> str:
    """Columns beside each other, all of them flush left."""
    lines = [_line(cells) for cells in zip(*columns, strict=True) if any(cells)]
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


def _line(cells: Sequence[str]) -> str:
    return "&" + r" \qquad && ".join(cells)


def _cells(column: OverviewColumn, block: Overview, width: float) -> list[tuple[str, float]]:
    """What stands above the arrows, on the one forward, on the one back, and below."""
    first = column is block.every_column[0]
    turns = block.turns and column is block.loss and column.backward is None
    return [
        _pile(column.above, width),
        _behind("" if first else FORWARD, column.forward, width),
        (TURN, ARROW) if turns else _behind(BACKWARD, column.backward, width),
        _pile(column.below, width),
    ]


def _behind(arrow: str, step: StepBlock | None, width: float) -> tuple[str, float]:
    if step is None:
        return "", 0.0
    left, right, wide = _equation(step, width)
    return f"{arrow} {left} {right}".strip(), wide + (ARROW if arrow else 0.0)


def _pile(steps: Sequence[StepBlock], width: float) -> tuple[str, float]:
    """Equations under each other."""
    found = [_equation(step, width) for step in steps]
    if not found:
        return "", 0.0
    lines = " \\\\\n".join(f"{left} &{right}" for left, right, _ in found)
    return f"\\begin{{aligned}}\n{lines}\n\\end{{aligned}}", max(wide for _, _, wide in found)


def _equation(step: StepBlock, width: float) -> tuple[str, str, float]:
    """``W_{1}``, ``= `` and its entries, or its size; and how wide they are together."""
    formulas = Formulas(step.figures, width)
    name = symbol_width(step.id, step.figures.symbols)
    sign, value = "=", _entries(step, formulas)
    if not is_written_out(step) or value.width > width - ARROW - EQUALS - name:
        size = r" \times ".join(map(str, step.value.shape))
        sign, value = ":", Tex(size, text_width(size.replace(r"\times", "×")))
    return formulas.symbol(step.id), f"{sign} {value.text}", name + EQUALS + value.width


def _entries(step: StepBlock, formulas: Formulas) -> Tex:
    made = step.result
    if step.value.size == 1:  # a number without brackets
        made = msgspec.structs.replace(made, shape=())
    return formulas.matrix(made, formulas.width)
