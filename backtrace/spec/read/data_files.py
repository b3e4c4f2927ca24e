"""Samples and parameters, as numbers in the spec or ``{file: …}`` → the matrix."""

from __future__ import annotations

from collections.abc import Callable

from backtrace.spec.data.request import ChosenColumns, DataError, DataRequest
from backtrace.spec.document.fields import ANY, Fields
from backtrace.spec.document.folders import Folders, find
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Mapping, Node, Scalar, kind
from backtrace.spec.document.spans import ends_of, read_index, read_span
from backtrace.spec.model import Layout
from backtrace.spec.numbers import Number
from backtrace.spec.read.written_matrix import WrittenMatrix, read_matrix
from backtrace.spec.wording import cited

DATA_KEYS = ("file", "rows", "columns", "header", "array", "scale", "one_hot")
ARRAY_KEYS = ("file", "array")


def read_samples(
    problems: Problems, top: Fields, name: str, folders: Folders, layout: Layout
) -> WrittenMatrix | None:
    """Inputs or targets in the layout; None where nothing stands there that can be read.

    Files hold a sample a row: where a sample is a column, they are turned.
    """
    node = top.get(name)
    if not isinstance(node, Mapping):
        return None if node is None else read_matrix(problems, node, name)
    given = samples_of_file(problems, node, name, folders)
    if given is not None and layout == "columns":
        given.values = given.values.T
    return given


def samples_of_file(
    problems: Problems, node: Mapping, name: str, folders: Folders
) -> WrittenMatrix | None:
    """One sample a row, scaled in float64, of the type that ``folders`` asks for.

    None, with the problems noted at the ``file:`` entry, where the file can't be used.
    """
    entries = Fields(problems, node, f"the file of {name}", DATA_KEYS)
    seen = len(problems.found)
    request = _request(problems, entries, name)
    scale = float(entries.number("scale", Number(1.0, "1"), ANY))
    classes = entries.whole("one_hot", 0, 2) if "one_hot" in entries else 0
    file = _file(problems, entries)
    if file is None or len(problems.found) > seen:
        return None

    def samples() -> WrittenMatrix:
        from backtrace.spec.data.contents import read_table
        from backtrace.spec.data.table import one_hot

        table = read_table(find(file.text, folders), request)
        if not classes:
            return WrittenMatrix(name, file, 2, table.scaled(scale, folders.dtype), file=file.text)
        # a label is what the file has, and the 1 that stands for it is what is scaled
        values = one_hot(table, classes, folders.dtype)
        values *= scale
        return WrittenMatrix(name, file, 2, values, file=file.text)

    return _unless_wrong(problems, file, samples)


def read_array(
    problems: Problems, node: Mapping, name: str, folders: Folders
) -> WrittenMatrix | None:
    """Weights or a bias from a file, in the shape and orientation that the file has."""
    entries = Fields(problems, node, f"the file of {name}", ARRAY_KEYS)
    request = DataRequest(name, array=entries.text("array", ""))
    file = _file(problems, entries)
    if file is None:
        return None

    def parameter() -> WrittenMatrix:
        from backtrace.spec.data.contents import read_table

        table = read_table(find(file.text, Folders(folders.spec)), request)
        if table.dimensions > 2:
            found = f"an array of {table.dimensions} dimensions"
            raise DataError(found, "a matrix or a list of numbers", code="E310")
        values, written = table.numbers()
        return WrittenMatrix(name, file, table.dimensions, values, written, file=file.text)

    return _unless_wrong(problems, file, parameter)


def _request(problems: Problems, entries: Fields, name: str) -> DataRequest:
    """What is asked for of a file of samples; what contradicts itself is a problem."""
    request = DataRequest(
        name=name,
        rows=_rows(problems, entries),
        columns=_columns(problems, entries),
        header=entries.flag("header", default=False) if "header" in entries else None,
        array=entries.text("array", ""),
    )
    if request.header is False and request.columns is not None and request.columns.named:
        problems.add(
            entries.key("header"),
            "`header: false` and columns by name",
            "one of the two",
            code="E305",
        )
    return request


def _file(problems: Problems, entries: Fields) -> Scalar | None:
    """The ``file:`` entry."""
    node = entries.require("file", "Write the path of the file, relative to the spec.")
    if node is None or isinstance(node, Scalar):
        return node
    problems.add(node, kind(node), "the path of a file", code="E110")
    return None


def _unless_wrong(
    problems: Problems, file: Scalar, read: Callable[[], WrittenMatrix]
) -> WrittenMatrix | None:
    """What ``read`` gives; None where there is a problem with the file."""
    name = cited(file.text, 60)
    try:
        return read()
    except DataError as error:
        problems.add(file, f"{name}: {error.found}", error.expected, error.mend, code=error.code)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        problems.add(file, f"{name}: {reason}", "a file that can be read", code="E302")
    except MemoryError:
        problems.add(file, f"{name}: too large", "a file that fits in memory", code="E302")
    return None


def _rows(problems: Problems, entries: Fields) -> tuple[int, int] | None:
    """``rows: 1..100``, ``rows: [1, 100]`` or ``rows: 7``, counted from 1, both ends included."""
    node = entries.get("rows")
    span = None if node is None else read_span(problems, node, "rows")
    return None if span is None else (span[0], span[-1])


def _columns(problems: Problems, entries: Fields) -> ChosenColumns | None:
    """``[1, 784]`` and ``1..784`` are spans, ``[1, 2, 5]`` a list; a name is one of the header."""
    node = entries.get("columns")
    if node is None:
        return None
    ends = ends_of(node)
    found = tuple(_column(problems, end) for end in ends)
    if not ends:
        problems.add(
            node, kind(node), "columns such as 1..100", "Both ends are included.", code="E110"
        )
    return ChosenColumns(found, span=len(ends) == 2) if ends and all(found) else None


def _column(problems: Problems, node: Node) -> int | str:
    """A column's number or its name; 0, and a problem, where it is neither."""
    if isinstance(node, Scalar) and _is_name(node):
        return node.text.strip()
    return read_index(problems, node)


def _is_name(node: Node) -> bool:
    """Whether it can stand in a header: a word, or anything in quotes."""
    if not isinstance(node, Scalar) or not node.text.strip():
        return False
    return node.quoted or node.text.strip()[0].isalpha() or node.text.startswith("_")
