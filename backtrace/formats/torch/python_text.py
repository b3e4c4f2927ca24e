"""Numbers, matrices and remarks as Python writes them."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence

import numpy as np

from backtrace.formats.measure import wrapped
from backtrace.functions.array import AnyArray
from backtrace.functions.number import Number
from backtrace.page.inert import inert

WIDTH = 88  # columns, the usual width of a formatted Python program
PLAIN = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")
QUOTIENT = re.compile(r"(\d+)\s*/\s*(\d+)")


def constant(number: Number | float) -> str:
    """A number of a formula as it was written where Python reads that alike: 0.1, 1e-8, 1 / 3."""
    text = getattr(number, "text", "").strip()
    quotient = QUOTIENT.fullmatch(text)
    if PLAIN.fullmatch(text) and float(text) == float(number):
        return str(text)
    if quotient and int(quotient[1]) / int(quotient[2]) == float(number):
        return f"{quotient[1]} / {quotient[2]}"
    value = float(number)
    return str(int(value)) if value.is_integer() and abs(value) < 10**6 else repr(value)


def factor(number: Number | float) -> str:
    """A number that stands in a product: a quotient is in parentheses."""
    text = constant(number)
    return f"({text})" if "/" in text or text.startswith("-") else text


def matrix(before: str, values: AnyArray, after: str) -> list[str]:
    """The lines of a nested list: ``before`` and ``after`` stand around it on the same lines.

    Each number has the digits that give it back in its own type.
    """
    rows = [[str(entry) for entry in row] for row in np.atleast_2d(values)]
    whole = ", ".join(f"[{', '.join(row)}]" for row in rows)
    if len(before) + len(whole) + len(after) + 2 <= WIDTH:
        return [f"{before}[{whole}]{after}"]
    return [f"{before}[", *(line for row in rows for line in _row(row)), f"]{after}"]


def _row(entries: Sequence[str]) -> Iterator[str]:
    """One row of a nested list, folded between its numbers where it is too long."""
    lines = textwrap.wrap(", ".join(entries), WIDTH - 10, break_long_words=False)
    if len(lines) == 1:
        yield f"    [{lines[0]}],"
        return
    yield "    ["
    yield from (f"        {line}" for line in lines)
    yield "    ],"


def folded(before: str, expression: str, after: str, indent: str) -> list[str]:
    """The lines of an expression: in brackets and folded after commas where it is too long."""
    line = f"{indent}{before}{expression}{after}"
    if len(line) <= WIDTH:
        return [line]
    kept = re.sub(r"(?<!,) ", "\0", expression)
    parts = textwrap.wrap(kept, WIDTH - len(indent) - 4, break_long_words=False)
    opened, closed = ("", "") if after else ("(", ")")
    lines = [f"{indent}    {part}".replace("\0", " ") for part in parts]
    return [f"{indent}{before}{opened}", *lines, f"{indent}{closed}{after}"]


def remark(text: str, indent: str = "") -> list[str]:
    """A comment, folded; what a terminal would obey is taken out of it."""
    return [f"{indent}# {line}" for line in wrapped(inert(text), WIDTH - len(indent) - 2)]


def docstring(*paragraphs: str) -> list[str]:
    """The docstring of a module; the paragraphs may hold anything, an empty one is left out."""
    words = [inert(" ".join(text.split())) for text in paragraphs]
    folded = ["\n".join(wrapped(text, WIDTH - 4)) for text in words if text]
    safe = "\n\n".join(folded).replace("\\", "\\\\").replace('"""', r"\"\"\"")
    return f'"""{safe}\n"""'.split("\n")
