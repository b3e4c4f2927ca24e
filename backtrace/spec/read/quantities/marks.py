"""How a course marks: what each quantity is worth, what verdicts earn, which submission counts."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.functions.number import Number
from backtrace.spec import ids
from backtrace.spec.document.fields import NOT_NEGATIVE, POSITIVE, Fields, Range, fields, number
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Node, Scalar
from backtrace.spec.model import VERDICTS_WITH_CREDIT, Marks
from backtrace.spec.read.quantities.quantity_ids import QuantityIds

SHARE = Range("a share of a mark, from 0 to 1", least=0, most=1)
OMIT = "omit"
KEYS = (
    *("points", "total", *VERDICTS_WITH_CREDIT),
    *("repeated", "only_first_mistake", "submissions"),
)


def read_marks(problems: Problems, node: Node | None, quantities: QuantityIds) -> Marks | None:
    """``marks: {points: {delta1: 4, loss: 1}, total: 20, carried: 1/2, imprecise: omit}``."""
    entries = node and fields(problems, node, "`marks`", KEYS)
    if not entries:
        return None
    total = entries.number("total", Number(0.0), POSITIVE) if "total" in entries else None
    submissions = entries.choice("submissions", ("last", "best", "first"), "last")
    return Marks(
        points=dict(_points(problems, entries.get("points"), quantities)),
        total=total,
        credit=dict(_credit(problems, entries)),
        omitted=tuple(key for key in VERDICTS_WITH_CREDIT if _is_omitted(entries.get(key))),
        repeated=entries.number("repeated", Number(0.0), SHARE),
        only_first_mistake=entries.flag("only_first_mistake", default=False),
        submissions=submissions,  # type: ignore[arg-type]
    )


def _points(
    problems: Problems, node: Node | None, quantities: QuantityIds
) -> Iterator[tuple[str, Number]]:
    """What quantities are worth; what is said of a family (``delta: 4``) is of each of it."""
    if node is None:
        return
    named = fields(problems, node, "`points`", _keys(node))
    if named is None:
        return
    for name, entry in named.node.entries.items():
        worth = number(problems, entry.value, NOT_NEGATIVE, Number(0.0))
        whole = quantities.of_family(name)
        if not whole:
            at = ids.At.parse(name)
            word = Scalar(entry.key.line, entry.key.column, entry.key.length, name)
            quantities.check(word, name if at is None else at.id, "points")
        yield from ((id, worth) for id in whole or [name])


def _keys(node: Node) -> list[str]:
    return list(getattr(node, "entries", ()))


def _credit(problems: Problems, entries: Fields) -> Iterator[tuple[str, Number]]:
    for key in VERDICTS_WITH_CREDIT:
        node = entries.get(key)
        if node is not None and not _is_omitted(node):
            yield key, number(problems, node, SHARE, Number(0.0))


def _is_omitted(node: Node | None) -> bool:
    return isinstance(node, Scalar) and node.text == OMIT
