"""Works a workbook as a spreadsheet does: a small reader of formulas, written from their rules.

A sign binds tighter than ^, ^ than * and /, those than + and -, those than a comparison; operators
of one rank are taken from the left, and IF works only what it chooses.
"""

import io
import math
import re
from decimal import ROUND_HALF_UP, Decimal

from openpyxl import load_workbook

TOKEN = re.compile(
    r"\s*(\d+(?:\.\d+)?(?:E[+-]?\d+)?|[A-Z]+\d+|[A-Z]+(?=\()|<=|>=|<>|[-+*/^(),<>=])"
)
FUNCTIONS = {
    "EXP": math.exp,
    "LN": math.log,
    "SQRT": math.sqrt,
    "TANH": math.tanh,
    "SINH": math.sinh,
    "SIN": math.sin,
    "COS": math.cos,
    "ABS": abs,
    "ERFC": math.erfc,
    "MAX": max,
    "MIN": min,
    "NOT": lambda x: not x,
    "AND": lambda *each: all(each),
    "OR": lambda *each: any(each),
    "ROUND": lambda x, places: float(
        Decimal(f"{x:.14e}").quantize(Decimal(1).scaleb(-int(places)), ROUND_HALF_UP)
    ),
}
RANKS = [
    {"=": lambda x, y: x == y, "<": lambda x, y: x < y, ">": lambda x, y: x > y}
    | {"<=": lambda x, y: x <= y, ">=": lambda x, y: x >= y},
    {"+": lambda x, y: x + y, "-": lambda x, y: x - y},
    {"*": lambda x, y: x * y, "/": lambda x, y: x / y},
    {"^": lambda x, y: x**y},
]


class Formula:
    """One formula, worked as it is read; in a branch not taken nothing is worked."""

    def __init__(self, text, cells):
        self.tokens, self.cells, self.at = TOKEN.findall(text), cells, 0
        assert "".join(self.tokens) == text.replace(" ", "")
        self.idle = 0

    def value(self):
        found = self.rank(0)
        assert self.at == len(self.tokens)
        return found

    def next(self):
        self.at += 1
        return self.tokens[self.at - 1]

    def sees(self, token):
        return self.at < len(self.tokens) and self.tokens[self.at] == token

    def rank(self, rank):
        if rank == len(RANKS):
            return self.signed()
        left = self.rank(rank + 1)
        while self.at < len(self.tokens) and self.tokens[self.at] in RANKS[rank]:
            work = RANKS[rank][self.next()]
            right = self.rank(rank + 1)
            left = 0.0 if self.idle else work(left, right)
        return left

    def signed(self):
        if self.sees("-"):
            self.next()
            return -self.signed()
        token = self.next()
        if token == "(":
            inner = self.rank(0)
            assert self.next() == ")"
            return inner
        if token[0].isdigit():
            return float(token)
        return self.call(token) if self.sees("(") else self.cells[token]

    def call(self, name):
        self.next()
        if name == "IF":
            return self.chosen()
        arguments = [self.rank(0)]
        while self.next() == ",":
            arguments.append(self.rank(0))
        return 0.0 if self.idle else FUNCTIONS[name](*arguments)

    def chosen(self):
        condition = self.rank(0)
        branches = []
        for taken in (bool(condition), not condition):
            assert self.next() == ","
            self.idle += not taken
            branches.append(self.rank(0))
            self.idle -= not taken
        assert self.next() == ")"
        return branches[0] if condition else branches[1]


def numbers(content, changed=None):
    """Every number of the first sheet by its cell, after some are ``changed``; formulas worked.

    A formula uses only cells above it.
    """
    found = {}
    for row in load_workbook(io.BytesIO(content)).worksheets[0].iter_rows():
        for cell in row:
            value = (changed or {}).get(cell.coordinate, cell.value)
            if isinstance(value, str) and value.startswith("="):
                value = Formula(value[1:], found).value()
            if isinstance(value, (int, float)):
                found[cell.coordinate] = float(value)
    return found


def formulas(content):
    """The cells of the first sheet that have one."""
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return {
        cell.coordinate: cell.value
        for row in sheet.iter_rows()
        for cell in row
        if isinstance(cell.value, str) and cell.value.startswith("=")
    }
