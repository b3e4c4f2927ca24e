"""The text of an expression → its tree, by Python's own parser held to a table of nodes.

Nothing is ever evaluated as Python. ``^`` is written ``**`` for it, ``1..2`` a slice, and Python's
keywords (``lambda``) get a mark that no name has; a map leads every column back to the text.
"""

from __future__ import annotations

import ast
import keyword
import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from backtrace.functions.number import Number
from backtrace.spec.equations.expression import (
    Call,
    CallSetting,
    ConstantTerm,
    IndexSpan,
    NameTerm,
    PartTerm,
    Term,
)
from backtrace.spec.equations.expression import Transpose as Transposed
from backtrace.spec.equations.vocabulary import (
    ANY,
    SIGNATURES,
    SYNONYMS,
    Signature,
    defaults_of,
)
from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.near_misses import misspelled
from backtrace.spec.numbers import written_number
from backtrace.spec.wording import cited, count, listed

if TYPE_CHECKING:
    from fractions import Fraction

LONGEST = 2_000  # characters of a line: more is no formula on a board
DEEPEST = 60  # brackets inside brackets
DEEPEST_TREE = 100  # operations inside operations
MOST_DECIMALS = 12  # to which `round` rounds, as `display` has at most
LARGEST_EXPONENT = 1_000  # of exact fractions

_MARK = "ǀ"  # a letter to Python, and in no name of ours
_TOKEN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\^|\.\.|[−–]|ᵀ")
_TRANSLATED = {"^": "**", "..": ": ", "−": "-", "–": "-", "ᵀ": ".T"}
_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
    ast.Pow: "^",
}
_FOLDED: dict[str, Callable[[Any], float]] = {
    "sqrt": math.sqrt,
    "exp": math.exp,
    "ln": math.log,
    "sin": math.sin,
    "cos": math.cos,
    "abs": abs,
}
_EITHER = "`*` or `@`"
_SIGNS = {"·": _EITHER, "×": _EITHER, "⋅": _EITHER, "⊙": "`*`", "∗": "`*`", "÷": "`/`"}
_SIDE_BY_SIDE = re.compile(r"[0-9A-Za-z_)\]]\s+[A-Za-z0-9(]|\)\s*[A-Za-z0-9(]|\b\d+[A-Za-z(]")
_FORM = "a formula such as `X @ W + b` or `tanh(z)`"


class Misread(Exception):  # noqa: N818 - it is what was misread, not a fault of ours
    """What can't be read: ``at`` is where in the text (characters from 0)."""

    def __init__(
        self,
        at: int,
        length: int,
        found: str,
        expected: str,
        mend: str = "",
        *,
        code: ErrorCode = "E701",
    ) -> None:
        super().__init__(found)
        self.at, self.length, self.code = at, length, code
        self.found, self.expected, self.mend = found, expected, mend


def parse(text: str, variables: Mapping[str, int] | None = None) -> Term:
    """The tree of an expression; ``variables`` are those of the loops around it and their values.

    Raises Misread where it is none.
    """
    if len(text) > LONGEST:
        raise Misread(LONGEST, 1, f"a line of {len(text)} characters", f"at most {LONGEST}")
    tree, columns = _parsed(text)
    return _LineReader(text, columns, dict(variables or {})).expression(tree)


def parse_index(text: str, variables: Mapping[str, int] | None = None) -> int:
    """A whole number as it may stand in an index: ``2``, ``t``, ``t-1``. Raises Misread."""
    tree, columns = _parsed(text)
    return _LineReader(text, columns, dict(variables or {})).index(tree)


def _translated(text: str) -> tuple[str, list[int]]:
    """The text as Python reads it, and for each of its bytes which character of ours it is of."""
    pieces: list[str] = []
    columns: list[int] = []

    def add(piece: str, start: int, width: int) -> None:
        pieces.append(piece)
        for i, sign in enumerate(piece):
            columns.extend([start + min(i, width - 1)] * len(sign.encode()))

    end = 0
    for match in _TOKEN.finditer(text):
        add(text[end : match.start()], end, len(text))
        token = match.group()
        mark = _MARK if keyword.iskeyword(token) else ""
        add(_TRANSLATED.get(token, token + mark), match.start(), len(token))
        end = match.end()
    add(text[end:], end, len(text))
    return "".join(pieces), [*columns, len(text)]


def _parsed(text: str) -> tuple[ast.expr, list[int]]:
    """Python's tree, and the column of our text for every byte of its."""
    source, columns = _translated(text.replace("\n", " "))
    for at, sign in enumerate(text):
        if sign in _SIGNS:
            mend = "`*` works entry by entry, `@` is the matrix product."
            raise Misread(at, 1, cited(sign), _SIGNS[sign], mend)
    if _depth(source) > DEEPEST:
        expected = f"brackets at most {DEEPEST} deep"
        raise Misread(0, len(text), f"brackets {_depth(source)} deep", expected, "Name a part.")
    try:
        return ast.parse(source.rstrip(), mode="eval").body, columns
    except SyntaxError as error:
        before = source[: max((error.offset or 1) - 1, 0)]
        raise _broken(text, columns[min(len(before.encode()), len(columns) - 1)]) from None
    except (ValueError, MemoryError, RecursionError):
        raise Misread(0, len(text), "a text that is no formula", _FORM) from None


def _depth(source: str) -> int:
    depth = deepest = 0
    for sign in source:
        depth += (sign in "([") - (sign in ")]")
        deepest = max(deepest, depth)
    return deepest


def _broken(text: str, at: int) -> Misread:
    """What is wrong with the text of a formula, as far as it can be told."""
    if not text.strip():
        return Misread(0, 1, "nothing", _FORM)
    for opening, closing in ("()", "[]"):
        extra = text.count(opening) - text.count(closing)
        if extra:
            found = f"a bracket without its `{closing if extra > 0 else opening}`"
            where = text.rindex(opening) if extra > 0 else text.rindex(closing)
            mend = "Where lines stand in [ ], a comma ends them: put the line in quotes."
            return Misread(where, 1, found, "brackets in pairs", mend if extra > 0 else "")
    beside = _SIDE_BY_SIDE.search(text)
    if beside is not None:
        mend = "Write `*` (entry by entry) or `@` (the matrix product) between them."
        found = "two things without a sign between them"
        return Misread(beside.end() - 1, 1, found, _FORM, mend)
    if text[-1] in "+-*/@^=":
        return Misread(len(text) - 1, 1, f"nothing behind the `{text[-1]}`", _FORM)
    at = min(at, len(text) - 1)
    return Misread(at, 1, f"{cited(text[at])} where it does not fit", _FORM)


class _LineReader:
    """Turns Python's nodes into ours."""

    def __init__(self, text: str, columns: list[int], variables: dict[str, int]) -> None:
        self.text, self.columns, self.variables = text, columns, variables
        self.depth = 0

    def place(self, node: ast.expr) -> tuple[int, int]:
        """Where a node begins in our text, and how many characters it takes."""
        start = self.columns[node.col_offset]
        return start, self.columns[(node.end_col_offset or 1) - 1] - start + 1

    def written(self, node: ast.expr) -> str:
        at, length = self.place(node)
        return self.text[at : at + length]

    def refuse(
        self,
        node: ast.expr,
        expected: str,
        mend: str = "",
        found: str = "",
        *,
        code: ErrorCode = "E701",
    ) -> NoReturn:
        found = found or cited(self.written(node))
        raise Misread(*self.place(node), found, expected, mend, code=code)

    def expression(self, node: ast.expr) -> Term:
        self.depth += 1
        if self.depth > DEEPEST_TREE:
            self.refuse(node, f"a line of at most {DEEPEST_TREE} operations", "Name a part.")
        tree = self.term(node)
        self.depth -= 1
        return tree

    def term(self, node: ast.expr) -> Term:
        match node:
            case ast.Name():
                return self.name(node, node.id)
            case ast.Constant():
                return self.number(node)
            case ast.UnaryOp(op=ast.USub()):
                return self.negative(node, self.expression(node.operand))
            case ast.UnaryOp(op=ast.UAdd()):
                return self.expression(node.operand)
            case ast.BinOp() if type(node.op) in _BINARY:
                return self.binary(node, _BINARY[type(node.op)])
            case ast.Attribute(attr="T"):
                at, length = self.place(node)
                return Transposed(inner=self.expression(node.value), at=at, length=length)
            case ast.Attribute():
                self.refuse(node, "`.T`, the only thing that follows a point")
            case ast.Subscript():
                return self.subscript(node)
            case ast.Call(func=ast.Name(id=function)):
                return self.call(node, _unmarked(function))
        mend = "There are + - * / @ ^, brackets, functions, x.T and x[2,1]."
        raise Misread(*self.place(node), cited(self.written(node)), _FORM, mend)

    # Leaves

    def name(self, node: ast.expr, id: str) -> Term:
        at, length = self.place(node)
        if id in self.variables:
            number = Number(self.variables[id], str(self.variables[id]))
            return ConstantTerm(number=number, text=number.text, at=at, length=length)
        return NameTerm(id=_unmarked(id), at=at, length=length)

    def number(self, node: ast.Constant) -> ConstantTerm:
        text = self.written(node)
        number = written_number(text)
        if number is None:
            self.refuse(node, "a number such as 2, 0.5 or 1e-3")
        at, length = self.place(node)
        return ConstantTerm(number=number, text=text, at=at, length=length)

    def constant(self, node: ast.expr, value: Fraction | float) -> ConstantTerm:
        """What is worked from numbers alone; fractions stay fractions."""
        at, length = self.place(node)
        rational = not isinstance(value, float)
        number = Number(float(value), str(value))
        text = self.written(node)
        return ConstantTerm(number=number, text=text, rational=rational, at=at, length=length)

    # Operators

    def negative(self, node: ast.expr, inner: Term) -> Term:
        if isinstance(inner, ConstantTerm):
            return self.constant(node, -_value(inner))
        at, length = self.place(node)
        return Call(function="neg", arguments=(inner,), at=at, length=length)

    def binary(self, node: ast.BinOp, sign: str) -> Term:
        left, right = self.expression(node.left), self.expression(node.right)
        if sign == "^" and not isinstance(right, ConstantTerm):
            mend = "Only a constant stands in an exponent; e^x is `exp(x)`."
            self.refuse(node.right, "a number as the exponent", mend)
        at, length = self.place(node)
        if isinstance(left, ConstantTerm) and isinstance(right, ConstantTerm):
            return self.folded(node, sign, left, right)
        if sign == "^":
            assert isinstance(right, ConstantTerm)
            settings: dict[str, CallSetting] = {"exponent": right.number}
            return Call(function="^", arguments=(left,), settings=settings, at=at, length=length)
        return Call(function=sign, arguments=(left, right), at=at, length=length)

    def folded(
        self, node: ast.BinOp, sign: str, left: ConstantTerm, right: ConstantTerm
    ) -> ConstantTerm:
        one, other = _value(left), _value(right)
        try:
            return self.constant(node, _worked(sign, one, other))
        except ZeroDivisionError:
            self.refuse(node, "a number", found=f"a division by 0, {cited(self.written(node))}")
        except (OverflowError, ValueError):
            self.refuse(node, "a number that a computer can hold")

    # Parts

    def subscript(self, node: ast.Subscript) -> Term:
        at, length = self.place(node)
        index = node.slice
        if isinstance(index, ast.Tuple):
            if len(index.elts) != 2:
                self.refuse(node, "a row and a column: x[2,1], x[2,:], x[:,1..2]", code="E703")
            rows, columns = (self.selection(each) for each in index.elts)
            inner = self.expression(node.value)
            return PartTerm(inner=inner, rows=rows, columns=columns, at=at, length=length)
        if isinstance(index, ast.Slice) or not isinstance(node.value, ast.Name):
            mend = "A part of a matrix has two: x[2,:] is a row, x[:,2] a column."
            self.refuse(node, "a row and a column", mend, code="E703")
        name, number = _unmarked(node.value.id), self.index(index)
        return NameTerm(id=f"{name}_{number}", at=at, length=length)

    def selection(self, node: ast.expr) -> IndexSpan:
        if not isinstance(node, ast.Slice):
            number = self.counted(node)
            return number, number
        if node.lower is None and node.upper is None and node.step is None:
            return None
        if node.lower is None or node.upper is None or node.step is not None:
            raise Misread(
                0, len(self.text), "half a range in brackets", "1..2, or : for all", code="E703"
            )
        if ".." not in self.written(node):
            mend = "Both ends are counted; Python's `1:2` leaves one out."
            self.refuse(node, "1..2, or : for all", mend, code="E703")
        first, last = self.counted(node.lower), self.counted(node.upper)
        if last < first:
            self.refuse(node.upper, f"{first} or more, where the range ends", code="E703")
        return first, last

    def counted(self, node: ast.expr) -> int:
        number = self.index(node)
        if number < 1:
            self.refuse(
                node, "a number from 1 up", "Rows and columns are counted from 1.", code="E703"
            )
        return number

    def index(self, node: ast.expr) -> int:
        """A whole number, or what is worked from some and from the variables of loops."""
        match node:
            case ast.Constant(value=int(number)):
                return number
            case ast.Name():
                if node.id in self.variables:
                    return self.variables[node.id]
                known = listed([f"`{name}`" for name in self.variables])
                expected = known or "a number"
                mend = "" if known else "A variable needs a loop around it: `for: t = 1..3`."
                self.refuse(node, expected, mend, code="E703")
            case ast.UnaryOp(op=ast.USub()):
                return -self.index(node.operand)
            case ast.BinOp(op=ast.Add()):
                return self.index(node.left) + self.index(node.right)
            case ast.BinOp(op=ast.Sub()):
                return self.index(node.left) - self.index(node.right)
            case ast.BinOp(op=ast.Mult()):
                return self.index(node.left) * self.index(node.right)
        expected = "a whole number such as 2, t or t-1"
        found = cited(self.written(node))
        raise Misread(*self.place(node), found, expected, code="E703")

    # Functions

    def call(self, node: ast.Call, name: str) -> Term:
        signature = SIGNATURES.get(name)
        if signature is None:
            self.refuse(
                node.func,
                "a function that equations know",
                _meant(name),
                f"`{name}(…)`",
                code="E702",
            )
        matrices = len(node.args) if signature.most == ANY else signature.most
        if signature.listed:
            matrices = 1
        if len(node.args) < signature.least:
            least = count(signature.least, "argument")
            self.refuse(node, f"{least}: `{_form(name, signature)}`", code="E702")
        arguments = tuple(self.expression(each) for each in node.args[:matrices])
        settings = self.settings(node, name, signature, node.args[matrices:])
        if name in _FOLDED and isinstance(arguments[0], ConstantTerm):
            return self.constant(node, self.function_of(node, name, arguments[0]))
        at, length = self.place(node)
        return Call(function=name, arguments=arguments, settings=settings, at=at, length=length)

    def function_of(self, node: ast.Call, name: str, constant: ConstantTerm) -> Fraction | float:
        value = _value(constant)
        if not isinstance(value, float) and name == "abs":
            return abs(value)
        try:
            return _FOLDED[name](float(value))
        except (ValueError, OverflowError):
            self.refuse(node, f"a number of which there is {name}", code="E702")

    def settings(
        self, node: ast.Call, name: str, signature: Signature, positional: list[ast.expr]
    ) -> dict[str, CallSetting]:
        """Those that are written, by position or by name, and what holds for the others."""
        if signature.listed:
            if not positional:
                self.refuse(node, "the rows that are taken: `rows(E, 3, 1)`", code="E702")
            return {f"row{i}": self.size(each) for i, each in enumerate(positional, 1)}
        written = dict(zip(signature.settings, positional, strict=False))
        if len(positional) > len(signature.settings):
            self.refuse(
                positional[len(signature.settings)], f"`{_form(name, signature)}`", code="E702"
            )
        for each in node.keywords:
            key = _unmarked(each.arg or "")
            if key not in signature.settings or key in written:
                self.refuse(
                    each.value, f"`{_form(name, signature)}`", found=f"`{key}=`", code="E702"
                )
            written[key] = each.value
        missing = [key for key in signature.required if key not in written]
        if missing:
            self.refuse(node, f"`{missing[0]}`, too: `{_form(name, signature)}`", code="E702")
        read = {key: self.setting(signature, key, value) for key, value in written.items()}
        return {**defaults_of(name, read), **read}

    def setting(self, signature: Signature, key: str, node: ast.expr) -> CallSetting:
        kind = signature.settings[key]
        if kind in ("size", "count"):
            size = self.size(node, 1 if kind == "size" else 0)
            if key == "decimals" and size > MOST_DECIMALS:
                self.refuse(node, f"at most {MOST_DECIMALS} decimals", code="E702")
            return size
        if kind == "number":
            value = self.expression(node)
            if not isinstance(value, ConstantTerm):
                self.refuse(node, "a number", code="E702")
            return value.number
        words = ("true", "false") if kind == "flag" else ("row", "column")
        word = (
            _unmarked(node.id).lower()
            if isinstance(node, ast.Name)
            else str(getattr(node, "value", ""))
        )
        if word.lower() not in words:
            self.refuse(node, listed([f"`{key}={each}`" for each in words]), code="E702")
        return word == "true" if kind == "flag" else word

    def size(self, node: ast.expr, least: int = 1) -> Number:
        number = self.index(node)
        if number < least:
            self.refuse(node, f"a whole number from {least} up", code="E702")
        return Number(number, str(number))


def _unmarked(name: str) -> str:
    return name.removesuffix(_MARK)


def _value(constant: ConstantTerm) -> Fraction | float:
    return constant.number.fraction if constant.rational else float(constant.number)


def _worked(sign: str, one: Fraction | float, other: Fraction | float) -> Fraction | float:
    if sign == "+":
        return one + other
    if sign == "-":
        return one - other
    if sign in ("*", "@"):
        return one * other
    if sign == "/":
        return one / other
    if not isinstance(other, float) and other.denominator == 1 and abs(other) <= LARGEST_EXPONENT:
        power: Fraction | float = one ** int(other)
        return power
    return math.pow(one, other)


def _meant(name: str) -> str:
    if name in SYNONYMS:
        return f"It is written `{SYNONYMS[name]}`."
    meant = misspelled(name.replace("_", ""), SIGNATURES)
    return f"Did you mean `{meant}`?" if meant else ""


_SAMPLES = {"each": "row", "flag": "true", "size": "2", "count": "1", "number": "0.1"}


def _form(name: str, signature: Signature) -> str:
    """How a function is written: ``softmax(x, each=row)``."""
    if signature.listed:
        return f"{name}(x, 3, 1)"
    matrices = ["x", "k" if name.startswith("conv") else "y", "z"][: max(signature.least, 1)]
    if signature.most == 0:
        matrices = []
    several = ["…"] if signature.most == ANY else []
    settings = [f"{key}={_SAMPLES[kind]}" for key, kind in signature.settings.items()]
    return f"{name}({', '.join(matrices + several + settings)})"
