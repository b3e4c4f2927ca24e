"""What somebody types for the entries of a row: numbers, fractions, sums that are to be worked."""

from __future__ import annotations

import ast
import math
import operator
import re
from collections.abc import Callable

from backtrace.check.answers.figures import understood
from backtrace.check.model import Malformed

LONGEST = 200  # characters of one entry
LARGEST_POWER = 100
DECIMAL_COMMA = re.compile(r"[-+−]?\d+,\d+")
BLANKS = ("_", "?", "~")
OPERATORS: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}
FUNCTIONS: dict[str, Callable[[float], float]] = {
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "sqrt": math.sqrt,
    "tanh": math.tanh,
    "abs": abs,
}


class NotANumberError(ValueError):
    """A text that is neither a number nor a sum of numbers; the message says what it is."""


def entries(line: str, count: int) -> list[str]:
    """The texts of ``count`` entries, or of fewer, where fewer were typed.

    Entries are separated by commas or semicolons, or, of plain numbers, by spaces: ``3 -1`` are
    two, ``3 - 1`` is a sum. A comma within every number (``0,5 1,25``), or in the only one, is its
    decimal mark. Raises NotANumberError for what is none, or for more than were asked for.
    """
    words = line.strip("[] \t").replace(";", " ").split()
    if all(map(DECIMAL_COMMA.fullmatch, words)) and (count == 1 or len(words) > 1):
        line = " ".join(words).replace(",", ".")
    parts = [part.strip() for part in line.strip("[] \t").replace(";", ",").split(",")]
    parts = [part for part in parts if part]
    is_one = count == 1 and len(parts) == 1 and _is_number(parts[0])  # 2 17/21
    if len(parts) == 1 and not is_one:
        words = parts[0].split()
        if all(_is_number(word) for word in words):
            parts = words
    if len(parts) > count:
        wanted = "one number is wanted here" if count == 1 else f"{count} numbers are wanted here"
        raise NotANumberError(f"{wanted}, and {len(parts)} were typed")
    return [entry(part) for part in parts]


def entry(text: str) -> str:
    """A number as it was typed, or the value of a sum: ``0.5*1 - 2*0.3`` is ``-0.1``."""
    if text in BLANKS or _is_number(text):
        return text
    if len(text) > LONGEST:
        raise NotANumberError("a text of more than 200 characters")
    try:
        value = _value(ast.parse(text.replace("^", "**").replace("−", "-"), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        raise NotANumberError(f"{text!r} is no number, and no sum of numbers") from None
    if not math.isfinite(value):
        raise NotANumberError(f"{text!r} has no finite value")
    return f"{value:.12g}"


def _is_number(text: str) -> bool:
    cell, _ = understood(text)
    return cell is not None and not isinstance(cell, Malformed)


def _value(node: ast.expr) -> float:
    """Numbers, + − * / and powers, brackets and a few functions; ValueError for all else."""
    match node:
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner)
        case ast.UnaryOp(op=ast.UAdd(), operand=inner):
            return _value(inner)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in OPERATORS:
            first, second = _value(left), _value(right)
            if isinstance(sign, ast.Pow) and abs(second) > LARGEST_POWER:
                raise ValueError("a large power")
            result = OPERATORS[type(sign)](first, second)
            if isinstance(result, complex):
                raise ValueError("a root of a negative number")
            return result
        case ast.Call(func=ast.Name(id=name), args=[inner], keywords=[]) if name in FUNCTIONS:
            return FUNCTIONS[name](_value(inner))
    raise ValueError("no arithmetic")
