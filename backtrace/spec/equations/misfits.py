"""Lines of equations whose shapes don't go together: what the tape found, drawn and told."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backtrace.spec.equations.expression import Call, Term
from backtrace.spec.equations.written import written
from backtrace.spec.model import EquationLine
from backtrace.spec.shape_drawings import NamedShape, entrywise_misfit, product_misfit
from backtrace.spec.wording import shortened

_ENTRYWISE = "two of one shape, or a row, a column or a number with a matrix"
_EXPECTED = {
    "matmul": "as many columns on the left as rows on the right",
    **dict.fromkeys(("plus", "minus", "times", "over", "larger", "smaller"), _ENTRYWISE),
    "loss_of": "a prediction and a target of one shape",
}
_SIGNS = {"plus": "+", "minus": "-", "times": "*", "over": "/"}
_LONGEST = 24  # of an operand's text in a drawing


class Misfit(msgspec.Struct, frozen=True):
    """What is wrong at ``at`` (characters from 0 of the line's right side), ``length`` of them."""

    line: EquationLine
    at: int
    length: int
    found: str
    expected: str
    mend: str = ""
    drawing: str = ""


class MisfitError(Exception):
    """The misfits of all lines."""

    def __init__(self, misfits: Sequence[Misfit]) -> None:
        super().__init__("; ".join(f"{each.line.id}: {each.found}" for each in misfits))
        self.misfits = tuple(misfits)


def misfit_of(
    line: EquationLine, node: Term, operation: str, shapes: Sequence[tuple[int, ...]], found: str
) -> Misfit:
    """What is told of shapes that an operation can't take, of which it says ``found``."""
    expected, mend, drawing = _EXPECTED.get(operation, "shapes that fit"), "", ""
    if operation in _EXPECTED and isinstance(node, Call):
        left, right = (
            NamedShape(shortened(written(each), _LONGEST), *shape)
            for each, shape in zip(node.arguments, shapes, strict=True)
        )
        found, drawing = _drawn(operation, left, right, found)
        mend = _mend(operation, left, right)
    return Misfit(line, node.at, node.length, found, expected, mend, drawing)


def _drawn(operation: str, left: NamedShape, right: NamedShape, found: str) -> tuple[str, str]:
    if operation == "matmul":
        return product_misfit(left, right, "@")
    said, drawing = entrywise_misfit(left, right, _SIGNS.get(operation, "and"))
    return said if operation in _SIGNS else found, drawing


def _mend(operation: str, left: NamedShape, right: NamedShape) -> str:
    """``@`` for ``*`` and the reverse, or one of the two transposed."""
    if operation == "times" and left.columns == right.rows:
        return f"`@` is the matrix product: {left.shape} @ {right.shape}."
    if operation != "matmul":
        return ""
    pairs = ((left.rows, right.rows), (left.columns, right.columns))
    if all(x == y or 1 in (x, y) for x, y in pairs):
        return "`*` works entry by entry."
    if left.columns == right.columns:
        return "The second one transposed fits: `.T`."
    return "The first one transposed fits: `.T`." if left.rows == right.rows else ""
