"""The workbooks of a worksheet: ``answers.xlsx``, to be filled in, and ``key.xlsx``, which is live.

Both have a quantity below the other: its id where it is asked for, its symbol, its matrix. The
checker reads a form by the ids in its first column.
"""

from __future__ import annotations

import io
import math
from datetime import datetime, timezone
from typing import Any

import numpy as np

from backtrace.check.answers.workbook_form import FIRST_COLUMN, STUDENT
from backtrace.course.languages import LANGUAGES
from backtrace.course.worksheet import Worksheet
from backtrace.formats.registry import MissingExtraError
from backtrace.formats.xlsx.cell_formula import formula
from backtrace.formats.xlsx.live_key import Block, LiveKey
from backtrace.functions.array import Array
from backtrace.notation.symbols import Symbols
from backtrace.page.blocks import Handout
from backtrace.page.inert import inert
from backtrace.tape.steps import Step

FIRST_ROW = 5  # from 0, of the first matrix: title, what to do, the name, a heading stand above
WRITTEN = datetime(2000, 1, 1, tzinfo=timezone.utc)  # the same file whenever it is written
PAPERS = {"a4": 9, "letter": 1}
BOX = {"border": 1, "align": "right"}
STYLES: dict[str, dict[str, Any]] = {
    "title": {"bold": True, "font_size": 14},
    "heading": {"bold": True},
    "id": {"font_color": "#595959"},
    "plain": {},
    "given": {**BOX, "bg_color": "#EEF3FA"},
    "worked": BOX,
    "empty": {**BOX, "num_format": "@"},  # what is written stays as it is: 0.50, 1/3
    "name": {"border": 1, "num_format": "@"},
}


def form(sheet: Worksheet, handout: Handout) -> bytes:
    """``answers.xlsx``. Raises MissingExtraError without the extra ``xlsx``."""
    page = _Page(sheet, handout)
    page.above(page.title, "workbook")
    page.student("")
    row = FIRST_ROW
    for update in sheet.trace.updates:
        row += page.update_heading(row - 1, update)
        for traced in sheet.trace.update(*update).values():
            if sheet.asks(traced) or sheet.shows(traced):
                page.label(row, traced.step)
                values = None if sheet.asks(traced) else traced.value
                page.matrix(row, traced.shape or (1, 1), values)
                row += (traced.shape or (1, 1))[0] + 1
    return page.content()


def key(sheet: Worksheet, handout: Handout) -> bytes:
    """``key.xlsx``. Raises MissingExtraError without the extra ``xlsx``."""
    page = _Page(sheet, handout)
    page.above(" · ".join(filter(None, (page.title, page.words["key"]))), "live key")
    page.student("key")
    live = LiveKey(sheet.trace, FIRST_ROW)
    if live.constants:
        page.write(FIRST_ROW - 1, 0, page.words["section constants"], "heading")
    for (name, value), row in live.constants.items():
        page.write(row, 1, page.symbols.constant(name), "plain")
        page.number(row, FIRST_COLUMN, value, "given")
    for update in sheet.trace.updates:
        live.at += page.update_heading(live.at - 1, update)
        for block in live.of(update):
            page.block(block)
    return page.content()


class _Page:
    """The one page of a workbook."""

    def __init__(self, sheet: Worksheet, handout: Handout) -> None:
        try:
            from xlsxwriter import Workbook
        except ImportError:
            needs = "XlsxWriter: pip install 'backtrace-nn[xlsx]'"
            raise MissingExtraError(f"a workbook needs {needs}") from None
        self.sheet = sheet
        self.words = LANGUAGES[handout.language]
        self.symbols = Symbols.of(sheet.trace)
        self.title = inert(sheet.trace.title)
        self.phase = ""
        self.file = io.BytesIO()
        self.book = Workbook(self.file, {"in_memory": True})
        self.book.set_properties({"created": WRITTEN})
        self.page = self.book.add_worksheet()
        self.page.set_paper(PAPERS[handout.paper])
        self.page.fit_to_pages(1, 0)
        self.page.set_column(0, 1, 12)
        decimals = "" if sheet.trace.arithmetic.kind == "exact" else "0." + "0" * sheet.decimals
        self.styles = {
            name: self.book.add_format(
                {**style, "num_format": decimals} if name == "worked" and decimals else style
            )
            for name, style in STYLES.items()
        }

    def content(self) -> bytes:
        self.page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
        self.book.close()
        return self.file.getvalue()

    def write(self, row: int, column: int, text: str, style: str) -> None:
        if text:
            self.page.write_string(row, column, text, self.styles[style])
        else:
            self.page.write_blank(row, column, None, self.styles[style])

    # What stands above and beside the matrices

    def above(self, title: str, what_to_do: str) -> None:
        self.write(0, 0, title, "title")
        exact = self.sheet.trace.arithmetic.kind == "exact"
        told = self.words["instructions exact" if exact else "instructions"]
        asked = told.format(decimals=self.sheet.decimals) if what_to_do == "workbook" else ""
        self.write(1, 0, f"{asked} {self.words[what_to_do]}".strip(), "plain")

    def student(self, name: str) -> None:
        """Where the checker reads whose sheet it is."""
        self.write(2, 0, STUDENT, "id")
        self.write(2, 1, self.words["name"], "plain")
        self.write(2, FIRST_COLUMN, name, "name")

    def update_heading(self, row: int, update: tuple[int, int]) -> int:
        """The heading of one of several updates; how many rows it takes."""
        self.phase = ""
        told = self.sheet.update_name(self.words, update)
        if not told:
            return 0
        self.write(row, 0, told, "title")
        return 1

    def label(self, row: int, step: Step, *, again: bool = False) -> None:
        """What a matrix is, and above the first of a section the section's name."""
        phase = "loss_after" if again else f"section {step.phase}"
        if phase != self.phase:
            self.phase = phase
            self.write(row - 1, 0, self.words[phase], "heading")
        if str(step.at) in self.sheet.places and not again:
            self.write(row, 0, str(step.at), "id")
        self.write(row, 1, self.symbols.name(step.id), "plain")

    # The matrices

    def matrix(self, row: int, shape: tuple[int, ...], values: Array | None) -> None:
        """Numbers, or empty cells."""
        for i, j in np.ndindex(shape):
            if values is None:
                self.write(row + i, FIRST_COLUMN + j, "", "empty")
            else:
                number = float(values.reshape(shape)[i, j])
                self.number(row + i, FIRST_COLUMN + j, number, "given")

    def number(self, row: int, column: int, number: float, style: str) -> None:
        if math.isfinite(number):
            self.page.write_number(row, column, number, self.styles[style])
        else:
            text = f"={formula(number).text}"
            self.page.write_formula(row, column, text, self.styles[style], _shown(number))

    def block(self, block: Block) -> None:
        self.label(block.row, block.step, again=block.again)
        shape = block.step.shape or (1, 1)
        if block.formulas is None:
            self.matrix(block.row, shape, block.values)
            if block.step.operation != "given":
                self.page.write_comment(block.row, FIRST_COLUMN, self.words["no formula"])
        else:
            self.formulas(block.row, block.formulas.reshape(shape), block.values.reshape(shape))

    def formulas(self, row: int, formulas: Array, values: Array) -> None:
        for i, j in np.ndindex(formulas.shape):
            text, style = f"={formulas[i, j].text}", self.styles["worked"]
            shown = _shown(float(values[i, j]))
            self.page.write_formula(row + i, FIRST_COLUMN + j, text, style, shown)


def _shown(number: float) -> float | str:
    """What stands in a cell before a spreadsheet has worked its formula."""
    if math.isnan(number):
        return "#N/A"
    return number if math.isfinite(number) else formula(number).text
