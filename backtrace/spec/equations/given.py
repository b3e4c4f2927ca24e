"""``given:`` of equations: names and their matrices, written, from files or by rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from backtrace.spec.document.fields import split_by_comma, whole
from backtrace.spec.document.folders import Folders
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Entry, Mapping, Node, Sequence, kind
from backtrace.spec.equations.lines import NAME
from backtrace.spec.model import Layout, Matrix
from backtrace.spec.numbers import Number
from backtrace.spec.read import weight_rules
from backtrace.spec.read.data_files import samples_of_file
from backtrace.spec.read.written_matrix import read_matrix
from backtrace.spec.wording import cited

if TYPE_CHECKING:
    from backtrace.spec.read.weight_rules import Rule

LARGEST = 10_000  # rows or columns of what is drawn by rule

INFINITE = {text: Number(float(text), text) for text in ("-inf", "inf")}
"""Numbers that may be given here alone: the masks of attention."""

_SPELLINGS = INFINITE | {text.replace("inf", ".inf"): INFINITE[text] for text in INFINITE}
"""Also as YAML has them."""


def read_given(
    problems: Problems, node: Node | None, folders: Folders, layout: Layout, seed: int | None
) -> dict[str, Matrix]:
    """The matrices by name; a flat list is a row, in columns layout a column."""
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        expected = "names and their values: `X: [[1, 2]]`"
        problems.add(node, f"{kind(node)} for `given`", expected, code="E110")
        return {}
    found = {}
    for number, entry in enumerate(node.entries.values()):
        matrix = _matrix(problems, entry, folders, layout, (seed, number))
        if matrix is not None:
            found[entry.key.text] = matrix
    return found


def _matrix(
    problems: Problems,
    entry: Entry,
    folders: Folders,
    layout: Layout,
    stream: tuple[int | None, int],
) -> Matrix | None:
    name, node = entry.key.text, entry.value
    if not NAME.fullmatch(name):
        expected = "a name: letters, digits and underscores, a letter first, such as X, W_Q, h_0"
        problems.add(entry.key, cited(name), expected, split_by_comma(entry), code="E710")
        return None
    if isinstance(node, Mapping) and "init" in node.entries:
        return _drawn(problems, node, name, stream)
    if isinstance(node, Mapping):
        written = samples_of_file(problems, node, name, folders)
    else:
        written = read_matrix(problems, node, name, _SPELLINGS)
    if written is None:
        return None
    shapes = written.shapes
    return written.shaped(shapes[-1] if layout == "columns" else shapes[0])


def _drawn(
    problems: Problems, node: Mapping, name: str, stream: tuple[int | None, int]
) -> Matrix | None:
    """``{init: uniform, low: -0.5, high: 0.5, shape: [2, 3]}``."""
    entries = dict(node.entries)
    shape = entries.pop("shape", None)
    rule = weight_rules.read_rule(
        problems, Mapping(node.line, node.column, node.length, entries), f"the rule of {name}"
    )
    size = _shape(problems, node, shape)
    return None if rule is None or size is None else _by_rule(rule, size, stream)


def _by_rule(rule: Rule, size: tuple[int, int], stream: tuple[int | None, int]) -> Matrix:
    fan = weight_rules.Fan(*size)
    return Matrix(weight_rules.draw(rule, size, fan, *stream))


def _shape(problems: Problems, node: Mapping, entry: Entry | None) -> tuple[int, int] | None:
    expected = "`shape: [2, 3]`, its rows and columns"
    if entry is None:
        problems.add(node, "a rule without `shape`", expected, code="E109")
        return None
    value = entry.value
    if not isinstance(value, Sequence) or len(value.items) != 2:
        problems.add(value, kind(value), expected, code="E110")
        return None
    seen = len(problems.found)
    rows, columns = (whole(problems, item, 1, 1, LARGEST) for item in value.items)
    return (rows, columns) if len(problems.found) == seen else None
