"""Reads the numbers of a page in LaTeX back, and holds them against a trace."""

import re
from fractions import Fraction
from itertools import chain
from math import inf, isfinite, nan

import msgspec

MATRIX = re.compile(r"\\begin\{bmatrix\}\n(.*?)\n\\end\{bmatrix\}", re.DOTALL)
SIZE = re.compile(r"(\d+) \\times (\d+)\}")
DOTS = {r"\cdots", r"\vdots", r"\ddots"}
POWER = re.compile(r"(-?)(?:([\d.]+) \\cdot )?10\^\{(-?\d+)\}")
QUOTIENT = re.compile(r"(-?)\\tfrac\{(\d+)\}\{(\d+)\}")
PLAIN = re.compile(r"-?\d+(?:\.(\d+))?")


class Printed(msgspec.Struct, frozen=True):
    """A number as printed, and half a unit of its last digit: how far off it may be."""

    value: float
    half_unit: float

    def stands_for(self, exact):
        exact = float(exact)
        if not isfinite(self.value) or not isfinite(exact):
            return str(self.value) == str(exact)
        return abs(self.value - exact) <= self.half_unit * 1.0001 + 1e-12 * abs(exact)


def read(text):
    """A printed number; None for the dots of an elided matrix."""
    text = text.replace("{,}", ".").strip()
    text = text[1:-1] if re.fullmatch(r"\{.*\}", text) else text
    if text in DOTS:
        return None
    special = {r"\infty": inf, r"-\infty": -inf, r"\text{nan}": nan}
    if text in special:
        return Printed(special[text], 0.0)
    if quotient := QUOTIENT.fullmatch(text):
        value = Fraction(int(quotient[2]), int(quotient[3]))
        return Printed(float(-value if quotient[1] else value), 0.0)
    if power := POWER.fullmatch(text):
        mantissa = power[2] or "1"
        decimals = len(mantissa.partition(".")[2])
        scale = 10.0 ** int(power[3])
        # trailing zeros of a mantissa are not printed: three digits are meant at least
        half = 0.5 * 10.0 ** -max(decimals, 2 if decimals < 3 else decimals) * scale
        return Printed(float(f"{power[1]}{mantissa}e{power[3]}"), half)
    plain = PLAIN.fullmatch(text)
    assert plain, f"{text!r} is no number"
    return Printed(float(text), 0.5 * 10.0 ** -len(plain[1] or ""))


def cells(body):
    return [[read(cell) for cell in line.split(" & ")] for line in body.split(" \\\\\n")]


def assert_result(formula, value):
    """That what stands behind the last = of a display formula is this value."""
    last = formula[formula.rindex("&= ") :].rsplit(" = ", 1)[-1].removeprefix("&= ")
    if not value.ndim:
        assert read(last).stands_for(value)
        return
    assert {(int(r), int(c)) for r, c in SIZE.findall(last)} <= {value.shape}  # of a part of it
    groups = [cells(body) for body in MATRIX.findall(last)]
    whole = [[*chain(*rows)] for rows in zip(*groups, strict=True)]
    assert stands_for(whole, value)


def is_part(printed, value):
    """Whether this is the value, or a group of its columns."""
    width = len(printed[0])
    if value.ndim != 2 or not all(spread(zip(*printed, strict=True))):
        return stands_for(printed, value)
    starts = range(max(value.shape[1] - width, 0) + 1)
    return any(stands_for(printed, value[:, start : start + width]) for start in starts)


def stands_for(printed, value):
    """Whether a printed matrix, perhaps in part, is this value, entry by entry."""
    if value.ndim != 2:
        return False
    down = spread(printed)
    across = spread(zip(*printed, strict=True))
    return any(
        all(printed[r][c].stands_for(value[i, j]) for r, i in rows for c, j in columns)
        for rows in places(down, value.shape[0])
        for columns in places(across, value.shape[1])
    )


def spread(lines):
    """True for each line that has numbers, False for one of dots."""
    return [any(cell is not None for cell in each) for each in lines]


def places(kept, length):
    """Which line of a matrix of ``length`` each printed line may be, in every way it can: with one
    gap the first and the last ones, with a gap at both ends any that follow each other."""
    if all(kept):
        return [list(enumerate(range(length)))] if len(kept) == length else []
    gap, inside = kept.index(False), len(kept) - 2
    after = len(kept) - gap - 1
    if kept == [False, *[True] * inside, False]:
        return [
            [(1 + at, start + at) for at in range(inside)] for start in range(1, length - inside)
        ]
    if kept.count(False) != 1 or gap + after >= length:
        return []
    first = [(at, at) for at in range(gap)]
    return [first + [(gap + 1 + k, length - after + k) for k in range(after)]]
