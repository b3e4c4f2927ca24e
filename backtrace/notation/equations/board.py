"""A line of equations as it stands on the board: the tree of what was written → a formula."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count

import msgspec

from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import (
    Absolute,
    Brackets,
    Exponential,
    Expr,
    Fraction,
    Literal,
    Negative,
    Power,
    Ref,
    Root,
    Sum,
    Text,
    Transposed,
    call,
    row,
)
from backtrace.functions.number import Number
from backtrace.notation.layout import base
from backtrace.notation.workings import Workings
from backtrace.spec import ids
from backtrace.spec.equations.expression import (
    Call,
    ConstantTerm,
    NameTerm,
    PartTerm,
    Term,
    Transpose,
)
from backtrace.spec.equations.syntax import parse
from backtrace.spec.equations.written import call_settings, rank_of, span_text, written
from backtrace.tape.setting import Shape
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep

PRODUCTS = ("*", "@", "/")
CLOSED = 5  # the rank of what holds together by itself


def steps_of(line: str, steps: Mapping[str, TracedStep]) -> Iterator[TracedStep]:
    """The parts of a line, and the step that completes it."""
    for part in count(1):
        id = ids.numbered(line, part)
        if id not in steps:
            break
        yield steps[id]
    if line in steps:
        yield steps[line]


class Board(msgspec.Struct, frozen=True):
    """Writes a line; ``parts`` are the shapes of its parts, by their text."""

    steps: Mapping[str, TracedStep] | Mapping[str, Step]
    parts: Mapping[str, Shape]

    @classmethod
    def of(cls, step: Step, workings: Workings) -> Board:
        line, _ = ids.line_and_part(step.id)
        own = steps_of(line, workings.steps)
        return cls(workings.steps, {each.parameters["line"]: each.shape for each in own})

    def formula(self, tree: Term) -> Expr:
        match tree:
            case ConstantTerm():
                return constant(tree)
            case NameTerm():
                return Ref(tree.id)
            case Transpose():
                return transposed(self.within(tree.inner, CLOSED))
            case PartTerm():
                part = f"[{span_text(tree.rows)},{span_text(tree.columns)}]"
                return row(self.within(tree.inner, CLOSED), part)
            case Call() if tree.function in OPERATORS:
                return OPERATORS[tree.function](self, tree)
            case Call():
                arguments = [self.formula(each) for each in tree.arguments]
                return named(tree.function, arguments, call_settings(tree))

    def within(self, tree: Term, rank: int, beside: str = "") -> Expr:
        """In brackets where it would fall apart, or be misread beside another kind of product."""
        other = isinstance(tree, Call) and tree.function in PRODUCTS and tree.function != beside
        mixed = bool(beside) and other and not (isinstance(tree, Call) and tree.function == "/")
        inner = self.formula(tree)
        if isinstance(tree, ConstantTerm):
            return Brackets(inner) if isinstance(inner, Text) else inner
        return Brackets(inner) if rank_of(tree) < rank or mixed else inner

    def product(self, tree: Call) -> Expr:
        first, second = tree.arguments
        sign = " · " if tree.function == "@" else times_sign(self.shape(first), self.shape(second))
        return row(self.within(first, 2, tree.function), sign, self.within(second, 3))

    def shape(self, tree: Term) -> Shape:
        match tree:
            case ConstantTerm():
                return (1, 1)
            case NameTerm():
                return self.steps[tree.id].shape
            case Transpose():
                return self.shape(tree.inner)[::-1]
            case PartTerm():
                spans = zip((tree.rows, tree.columns), self.shape(tree.inner), strict=True)
                return tuple(s if span is None else span[1] - span[0] + 1 for span, s in spans)
            case Call():
                return self.parts[written(tree)]


def times_sign(first: Shape, second: Shape) -> str:
    """Between matrices entry by entry; a number is a factor like any other."""
    return "·" if (1, 1) in (first, second) else " ⊙ "


def constant(tree: ConstantTerm) -> Expr:
    """A number as it was written: √2, 1/2."""
    text = tree.text
    if text.replace(".", "").isalnum():
        return Literal(Number(float(tree.number), text))
    if text.startswith("sqrt(") and text.endswith(")"):
        inner = parse(text[5:-1])
        return Root(constant(inner)) if isinstance(inner, ConstantTerm) else Text(text)
    above, slash, below = (part.strip() for part in text.partition("/"))
    if slash and above.isdigit() and below.isdigit():
        return Fraction(Text(above), Text(below))
    return Text(text.replace("*", "·").replace("-", "−"))


def transposed(inner: Expr) -> Expr:
    return Ref(inner.id, True) if isinstance(inner, Ref) else Transposed(base(inner))


def named(function: str, arguments: list[Expr], settings: str = "") -> Expr:
    """A function as it is written: √x, Σx, σ(z), softmax(S), conv(x, k, stride=2)."""
    if function in SIGNS and not settings:
        return SIGNS[function](arguments[0])
    symbol = FUNCTIONS[function].symbol if function in FUNCTIONS else function.replace("_", " ")
    return call(symbol, *arguments, *([Text(settings)] if settings else []))


SIGNS: dict[str, Callable[[Expr], Expr]] = {
    "sqrt": Root,
    "abs": Absolute,
    "exp": Exponential,
    "sum": Sum,
}


def power(x: Expr, exponent: Number) -> Expr:
    """x², x⁻¹; what has a letter of its own above is bracketed."""
    return Power(x, Text(exponent.text.replace("-", "−")))


def _power(board: Board, tree: Call) -> Expr:
    exponent = tree.settings["exponent"]
    assert isinstance(exponent, Number)
    return power(board.within(tree.arguments[0], CLOSED), exponent)


OPERATORS: dict[str, Callable[[Board, Call], Expr]] = {
    "+": lambda board, tree: (
        board.within(tree.arguments[0], 1) + board.within(tree.arguments[1], 2)
    ),
    "-": lambda board, tree: (
        board.within(tree.arguments[0], 1) - board.within(tree.arguments[1], 2)
    ),
    "*": Board.product,
    "@": Board.product,
    "/": lambda board, tree: Fraction(*map(board.formula, tree.arguments)),
    "neg": lambda board, tree: Negative(board.within(tree.arguments[0], 3)),
    "^": _power,
}
