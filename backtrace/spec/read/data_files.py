"""``{file: …}`` in a spec → the matrix: what is asked for of the file, and what it gave."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from backtrace.spec.data.request import Columns, DataError, Loaded, Request
from backtrace.spec.document.fields import ANY, Fields
from backtrace.spec.document.folders import Folders, find
from backtrace.spec.document.problems import Problems, cited
from backtrace.spec.document.reader import Mapping, Node, Scalar, Sequence, kind
from backtrace.spec.document.spans import read_index, read_span
from backtrace.spec.numbers import Number
from backtrace.spec.read.given import Given

DATA_KEYS = ("file", "rows", "columns", "header", "array", "scale", "one_hot")
ARRAY_KEYS = ("file", "array")


def read_data(problems: Problems, node: Mapping, name: str, folders: Folders) -> Given | None:
    """Inputs or targets from a file, one sample a row whatever the layout of the spec.

    Their numbers are scaled in float64 and have the type that ``folders`` asks for. None, with the
    problems noted at the ``file:`` entry, where the file can't be used.
    """
    entries = Fields(problems, node, f"the file of {name}", DATA_KEYS)
    seen = len(problems.found)
    request = _request(problems, entries, name, folders)
    classes = entries.whole("one_hot", 0, 2) if "one_hot" in entries else 0
    file = _file(problems, entries)
    if file is None or len(problems.found) > seen:
        return None

    def given(loaded: Loaded) -> Given:
        values = loaded.values
        if classes:
            from backtrace.spec.data.labels import one_hot

            values = one_hot(loaded, classes, folders.dtype)
            values *= request.scale
        return Given(name, file, 2, values, file=file.text)

    # a label is what the file has, and the 1 that stands for it is what is scaled
    asked = replace(request, scale=1.0, dtype="float64") if classes else request
    return _load(problems, file, asked, folders, given)


def _request(problems: Problems, entries: Fields, name: str, folders: Folders) -> Request:
    """What is asked for of a file of samples; what contradicts itself is a problem."""
    request = Request(
        name=name,
        rows=_rows(problems, entries),
        columns=_columns(problems, entries),
        header=entries.flag("header", default=False) if "header" in entries else None,
        array=entries.text("array", ""),
        scale=float(entries.number("scale", Number(1.0, "1"), ANY)),
        dtype=folders.dtype,
    )
    if request.header is False and request.columns is not None and request.columns.named:
        problems.add(entries.key("header"), "`header: false` and columns by name", "one of the two")
    return request


def read_array(problems: Problems, node: Mapping, name: str, folders: Folders) -> Given | None:
    """Weights or a bias from a file, in the shape and orientation that the file has."""
    entries = Fields(problems, node, f"the file of {name}", ARRAY_KEYS)
    request = Request(name=name, array=entries.text("array", ""), texts=True)
    file = _file(problems, entries)
    if file is None:
        return None

    def given(loaded: Loaded) -> Given:
        dimensions = len(loaded.shape)
        if dimensions > 2:
            raise DataError(f"an array of {dimensions} dimensions", "a matrix or a list of numbers")
        values = loaded.values if dimensions == 2 else loaded.values.reshape(1, -1)
        written = loaded.written
        if written is not None and dimensions == 1:
            written = (tuple(row[0] for row in written),)
        return Given(name, file, dimensions, values, written, file=file.text)

    return _load(problems, file, request, Folders(folders.spec), given)


def _file(problems: Problems, entries: Fields) -> Scalar | None:
    """The ``file:`` entry."""
    node = entries.require("file", "Write the path of the file, relative to the spec.")
    if node is None or isinstance(node, Scalar):
        return node
    problems.add(node, kind(node), "the path of a file")
    return None


def _load(
    problems: Problems,
    file: Scalar,
    request: Request,
    folders: Folders,
    given: Callable[[Loaded], Given],
) -> Given | None:
    """What ``given`` makes of the file; None where there is a problem with it."""
    from backtrace.spec.data.contents import read_file

    name = cited(file.text, 60)
    try:
        return given(read_file(find(file.text, folders), request))
    except DataError as error:
        problems.add(file, f"{name}: {error.found}", error.expected, error.mend)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        problems.add(file, f"{name}: {reason}", "a file that can be read")
    except MemoryError:
        problems.add(file, f"{name}: too large", "a file that fits in memory")
    return None


def _rows(problems: Problems, entries: Fields) -> tuple[int, int] | None:
    """``rows: 1..100``, ``rows: [1, 100]`` or ``rows: 7``, counted from 1, both ends included."""
    node = entries.get("rows")
    span = None if node is None else read_span(problems, node, "rows")
    return None if span is None else (span[0], span[-1])


def _columns(problems: Problems, entries: Fields) -> Columns | None:
    """``[1, 784]`` and ``1..784`` are spans, ``[1, 2, 5]`` a list; a name is one of the header."""
    node = entries.get("columns")
    if node is None:
        return None
    ends = node.items if isinstance(node, Sequence) else _span_ends(node)
    span = len(ends) == 2
    if not ends or (span and not any(_is_name(end) for end in ends)):
        numbers = read_span(problems, node, "columns")
        return None if numbers is None else Columns((numbers[0], numbers[-1]), span=True)
    found = tuple(_column(problems, end) for end in ends)
    return Columns(found, span) if all(found) else None


def _span_ends(node: Node) -> list[Node]:
    """``pixel0..pixel783`` as its two ends."""
    if not isinstance(node, Scalar) or node.quoted or node.text.count("..") != 1:
        return [node]
    parts = node.text.split("..")
    return [Scalar(node.line, node.column, node.length, part.strip()) for part in parts]


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
