"""The forms that answers are written into: YAML for a student, a table (CSV) for a class."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from backtrace.check.answers.names import Quantity, shape_of
from backtrace.course.languages import LANGUAGES
from backtrace.course.worksheet import Worksheet
from backtrace.notation.symbols import Symbols
from backtrace.page.blocks import Handout
from backtrace.page.inert import inert

BLANK = "_"
LINE = 80  # characters of a matrix that stands on one line


def form(sheet: Worksheet, handout: Handout) -> str:
    """``answers.yaml``: every quantity asked for, ``_`` for each of its entries."""
    words, title = LANGUAGES[handout.language], inert(sheet.trace.title)
    told = [words["answers to"].format(title=title)] if title else []
    told += [words["each place"], words["left out"]]
    lines = [*(f"# {line}" for line in told), "student: _", "answers:"]
    for quantity in sheet.asked:
        height, width = quantity.shape
        of = sheet.update_name(words, (quantity.epoch, quantity.batch))
        lines += _written(sheet, quantity, [[BLANK] * width] * height, of)
    return "\n".join(lines) + "\n"


def filled(sheet: Worksheet) -> str:
    """``key.yaml``: the form with every number in its place, which checks as all right."""
    lines = ["student: key", "answers:"]
    for quantity in sheet.asked:
        value = sheet.value(quantity).reshape(quantity.shape)
        lines += _written(sheet, quantity, [[_text(number) for number in row] for row in value])
    return "\n".join(lines) + "\n"


def _text(number: object) -> str:
    """A float without what adding up in doubles leaves at its end; a fraction as it is."""
    return f"{number + 0.0:.12g}" if isinstance(number, float) else str(number)


def _written(
    sheet: Worksheet, quantity: Quantity, rows: Sequence[Sequence[str]], of: str = ""
) -> Iterator[str]:
    """One quantity of a form, with the name of its update (``of``) where there are several: on a
    line, or, where that is too long, a row a line."""
    symbol = Symbols.of(sheet.trace).name(quantity.id)
    shape = "" if quantity.scalar else shape_of(quantity)
    told = f"# {', '.join(filter(None, (symbol, shape, of)))}"
    lines = [f"[{', '.join(row)}]" for row in rows]
    if quantity.shape == (1, 1):
        yield f"  {quantity.name}: {rows[0][0]}  {told}"
    elif sum(map(len, lines)) + 2 * len(lines) <= LINE:
        yield f"  {quantity.name}: [{', '.join(lines)}]  {told}"
    else:
        yield f"  {quantity.name}:  {told}"
        yield from (f"    - {line}" for line in lines)


def table(sheet: Worksheet) -> str:
    """``answers.csv``: a column for each entry asked for, and a row to be filled for a student."""
    header = ["student", *(name for quantity in sheet.asked for name in columns(quantity))]
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(header)
    rows.writerow([""] * len(header))
    return written.getvalue()


def columns(quantity: Quantity) -> Iterator[str]:
    """The names of a quantity's entries, row after row: ``z1[1,2]``; ``loss`` is its own."""
    if quantity.scalar:
        yield quantity.name
        return
    height, width = quantity.shape
    for i in range(1, height + 1):
        yield from (f"{quantity.name}[{i},{j}]" for j in range(1, width + 1))
