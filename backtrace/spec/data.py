"""Data files → matrices: IDX, CSV, .npy and .npz, plain or gzipped, recognised by their content."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import msgspec
import numpy as np

from backtrace.spec.fields import ANY, Fields
from backtrace.spec.given import Given
from backtrace.spec.numbers import Misreading, Number, read_number
from backtrace.spec.problems import Problems, cited, count, listed, near_miss
from backtrace.spec.reader import Mapping, Node, Scalar, Sequence, kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"

DATA_KEYS = ("file", "rows", "columns", "header", "array", "scale", "one_hot")
ARRAY_KEYS = ("file", "array")
MOST_BYTES = 4_000_000_000
"""Bytes of one file, unpacked; the real data sets that people train on by hand are far below."""

_IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_GZIP, _NPY, _ZIP = b"\x1f\x8b", b"\x93NUMPY", b"PK\x03\x04"
_CHUNK = 1 << 24


class Folders(msgspec.Struct, frozen=True):
    """Where files are looked for: beside the spec, or, for data, where the user says."""

    spec: Path = Path()
    data: Path | None = None


class _DataError(Exception):
    """A data file that can't be used: what was found, what was expected, how to mend it."""

    def __init__(self, found: str, expected: str, mend: str = "") -> None:
        super().__init__(found)
        self.found, self.expected, self.mend = found, expected, mend


class _Request(msgspec.Struct):
    """What a spec asks of a file. Rows count from 1; ``columns`` are 0-based, None is all."""

    name: str  # of the quantity, for .npz files with several arrays
    rows: tuple[int, int] | None = None
    columns: list[int] | None = None
    header: bool = False
    array: str = ""


def read_data(problems: Problems, node: Mapping, name: str, folders: Folders) -> Given | None:
    """Inputs or targets from a file, one sample a row whatever the layout of the spec.

    None, with the problems noted at the ``file:`` entry, where the file can't be used.
    """
    entries = Fields(problems, node, f"the file of {name}", DATA_KEYS)
    seen = len(problems.found)
    request = _Request(
        name=name,
        rows=_rows(problems, entries),
        columns=_columns(problems, entries),
        header=entries.flag("header", default=False),
        array=entries.text("array", ""),
    )
    scale = entries.number("scale", Number(1.0, "1"), ANY)
    classes = entries.whole("one_hot", 0, 2) if "one_hot" in entries else 0
    file = _file(problems, entries)
    if file is None or len(problems.found) > seen:
        return None
    array = _load(problems, file, request, folders, lambda array: _samples(array, classes))
    return None if array is None else Given(name, file, 2, array * float(scale))


def read_array(problems: Problems, node: Mapping, name: str, folders: Folders) -> Given | None:
    """Weights or a bias from a file, in the shape and orientation that the file has."""
    entries = Fields(problems, node, f"the file of {name}", ARRAY_KEYS)
    request = _Request(name=name, array=entries.text("array", ""))
    file = _file(problems, entries)
    if file is None:
        return None
    array = _load(problems, file, request, Folders(folders.spec), _parameters)
    return None if array is None else Given(name, file, array.ndim, np.atleast_2d(array))


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
    request: _Request,
    folders: Folders,
    shape: Callable[[Array], Array],
) -> Array | None:
    """The numbers of a file as ``shape`` arranges them; None where there is a problem with it."""
    name = cited(file.text, 60)
    try:
        array = _read(_find(file.text, folders), request)
        _check_finite(array)
        return shape(array)
    except _DataError as error:
        problems.add(file, f"{name}: {error.found}", error.expected, error.mend)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        problems.add(file, f"{name}: {reason}", "a file that can be read")
    except MemoryError:
        problems.add(file, f"{name}: too large", "a file that fits in memory")
    return None


def _samples(array: Array, classes: int) -> Array:
    """Data, flattened to a sample a row; labels as one-hot rows where ``classes`` is given."""
    flat = array.reshape(len(array), -1).astype(np.float64)
    return _one_hot(flat, classes) if classes else flat


def _parameters(array: Array) -> Array:
    """Weights or a bias, in the shape of the file."""
    if array.ndim > 2:
        raise _DataError(f"an array of {array.ndim} dimensions", "a matrix or a list of numbers")
    return array.astype(np.float64)


# --- where the file is


def _find(name: str, folders: Folders) -> Path:
    """The path of an existing file, or an _DataError that says where it was looked for."""
    if "\0" in name or not name:
        raise _DataError("no path", "the path of a file")
    candidates = list(_candidates(name, folders))
    for path in candidates:
        if path.is_file():
            return path
    if candidates[0].is_dir():
        raise _DataError("a folder", "a file", "Name a file in it.")
    elsewhere = folders.data is not None and len(candidates) > 1
    folder = candidates[-1].parent if elsewhere else candidates[0].parent
    if not folder.is_dir():
        raise _DataError(f"there is no folder {cited(str(folder), 200)}", "a file that exists")
    meant = near_miss(candidates[0].name, [path.name for path in folder.iterdir()])
    hint = "Its name may end in .gz or not." if elsewhere else "Paths are relative to the spec."
    raise _DataError(
        f"no such file in {cited(str(folder), 200)}",
        "a file that exists",
        f"Did you mean `{meant}`?" if meant else hint,
    )


def _candidates(name: str, folders: Folders) -> Iterator[Path]:
    """The path itself; in a folder of the user's also its last part, gzipped or not.

    The files of MNIST go by two spellings, ``train-images-idx3-ubyte`` and
    ``train-images.idx3-ubyte``.
    """
    wanted = _expanded(Path(name))
    if folders.data is None or wanted.is_absolute():
        yield folders.spec / wanted
        return
    folder = _expanded(folders.data)
    for path in (wanted, Path(wanted.name)):
        bare = path.name.removesuffix(".gz")
        other = bare.replace("-idx", ".idx") if "-idx" in bare else bare.replace(".idx", "-idx")
        for variant in dict.fromkeys((path.name, bare, bare + ".gz", other, other + ".gz")):
            yield folder / path.parent / variant


def _expanded(path: Path) -> Path:
    """``~`` made explicit, where there is a home to go to."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


# --- what it holds


def _read(path: Path, request: _Request) -> Array:
    """The array of the file, its first axis the rows asked for."""
    with path.open("rb") as plain:
        if os.fstat(plain.fileno()).st_size == 0:
            raise _DataError("an empty file", "data")
        start = plain.read(8)
        plain.seek(0)
        if not start.startswith(_GZIP):
            return _read_content(plain, start, request)
        return _read_gzip(plain, request)


def _read_gzip(packed: IO[bytes], request: _Request) -> Array:
    import gzip
    import zlib

    try:
        with gzip.GzipFile(fileobj=packed) as stream:
            start = stream.read(8)
            stream.seek(0)
            return _read_content(stream, start, request)
    except EOFError:
        raise _DataError("a gzip file that ends too early", "the whole file") from None
    except (zlib.error, gzip.BadGzipFile) as error:
        raise _DataError(f"a damaged gzip file ({error})", "an intact file") from None


def _read_content(stream: Any, start: bytes, request: _Request) -> Array:
    if start.startswith((_NPY, _ZIP)):
        array = _read_numpy(stream, start, request)
        return _columns_of(_rows_of(array, request), request)
    if start[:2] == b"\0\0" and len(start) >= 4 and start[2] in _IDX_TYPES:
        return _columns_of(_read_idx(stream, request), request)
    if b"\0" in start:
        raise _DataError(
            f"bytes {start[:4].hex(' ')} at the start, the magic number of no known format",
            "IDX (00 00 08 …), .npy, .npz or CSV",
        )
    return _read_csv(stream, request)


def _read_idx(stream: Any, request: _Request) -> Array:
    """The IDX format of MNIST: 00 00, type, number of dimensions, the sizes, then the entries."""
    magic = stream.read(4)
    kind_of, dimensions = np.dtype(_IDX_TYPES[magic[2]]), magic[3]
    if not 1 <= dimensions <= 8:
        raise _DataError(f"{dimensions} dimensions at byte 3", "1 to 8, as an IDX file has")
    header = stream.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise _DataError(f"an end at byte {4 + len(header)}, within the header", "a whole file")
    sizes = struct.unpack(f">{dimensions}I", header)
    each = int(np.prod(sizes[1:], dtype=object)) * kind_of.itemsize
    first, last = _span(sizes[0], request)
    if each == 0 or each * last > MOST_BYTES:
        raise _DataError(f"sizes {' × '.join(map(str, sizes))} in the header", "a usable size")
    offset = 4 + 4 * dimensions
    content = _read_exactly(stream, each * last, offset)
    if last == sizes[0] and stream.read(1):
        raise _DataError(
            f"more bytes after byte {offset + each * last}",
            f"an end there: {' × '.join(map(str, sizes))} entries",
        )
    array = np.frombuffer(content, dtype=kind_of).reshape(last, *sizes[1:])
    return array[first - 1 :].reshape(last - first + 1, -1)


def _read_exactly(stream: Any, size: int, offset: int) -> bytearray:
    content = bytearray()
    while len(content) < size:
        part = stream.read(min(_CHUNK, size - len(content)))
        if not part:
            raise _DataError(
                f"an end at byte {offset + len(content)}",
                f"{offset + size} bytes, as its header says",
                "The file is truncated; fetch it again.",
            )
        content += part
    return content


def _read_numpy(stream: Any, start: bytes, request: _Request) -> Array:
    from zipfile import BadZipFile

    try:
        loaded = np.load(stream, allow_pickle=False)
        if start.startswith(_ZIP):
            loaded = _pick(loaded, request)
    except (ValueError, EOFError, SyntaxError, KeyError, BadZipFile) as error:
        if "Object arrays" in str(error):
            raise _DataError("an array of Python objects", "an array of numbers") from None
        raise _DataError(f"a damaged array file ({error})", "an intact file") from None
    if loaded.dtype.kind not in "biuf":
        raise _DataError(f"entries of type {loaded.dtype}", "real numbers")
    if loaded.size == 0:
        raise _DataError("an array without entries", "data")
    return np.asarray(loaded)


def _pick(archive: Any, request: _Request) -> Array:
    """The array named by ``array:``, else the only one, else the one named as the quantity."""
    held = list(archive.files)
    if request.array:
        if request.array not in held:
            meant = near_miss(request.array, held)
            raise _DataError(
                f"no array {cited(request.array)}",
                f"one of {listed([cited(name) for name in held[:12]])}",
                f"Did you mean `{meant}`?" if meant else "",
            )
        return np.asarray(archive[request.array])
    if len(held) == 1 or request.name in held:
        return np.asarray(archive[held[0] if len(held) == 1 else request.name])
    raise _DataError(
        f"{count(len(held), 'array')}: {', '.join(cited(name) for name in held[:12])}",
        "the name of one",
        "Say which: `array: NAME`.",
    )


# --- CSV


def _read_csv(stream: Any, request: _Request) -> Array:
    text = stream.read(MOST_BYTES)
    try:
        lines = text.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise _DataError(
            f"byte 0x{text[error.start]:02X} at byte {error.start}, which is no text in UTF-8",
            "IDX, .npy, .npz or CSV",
        ) from None
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip()]
    numbered = numbered[1:] if request.header else numbered
    if not numbered:
        raise _DataError("no rows", "a sample a line")
    first, last = _span(len(numbered), request)
    chosen = numbered[first - 1 : last]
    try:
        array = np.loadtxt(
            [line for _, line in chosen], delimiter=",", ndmin=2, comments=None, quotechar='"'
        )
    except ValueError:
        array = np.array(_read_cells(chosen))
    return _columns_of(array, request)


def _read_cells(lines: list[tuple[int, str]]) -> list[list[float]]:
    """The cells one by one, as people write numbers (1/3), naming the first that is none."""
    import csv

    rows: list[list[float]] = []
    for (number, _), cells in zip(lines, csv.reader(line for _, line in lines), strict=False):
        rows.append([_read_cell(cell, number, i) for i, cell in enumerate(cells, 1)])
        if len(rows[-1]) != len(rows[0]):
            raise _DataError(
                f"line {number} with {count(len(cells), 'column')}",
                f"{len(rows[0])}, as in line {lines[0][0]}",
            )
    return rows


def _read_cell(cell: str, line: int, column: int) -> float:
    reading = read_number(cell)
    if isinstance(reading, Misreading):
        header = line == 1 and any(c.isalpha() for c in cell)
        mend = "If the first line has names: `header: true`." if header else reading.mend
        mend = "Separate the columns by commas." if ";" in cell or "\t" in cell else mend
        raise _DataError(f"{reading.found} in line {line}, column {column}", "a number", mend)
    return float(reading)


# --- rows, columns, values


def _span(available: int, request: _Request) -> tuple[int, int]:
    first, last = request.rows or (1, available)
    if last > available:
        raise _DataError(count(available, "row"), f"rows {first} to {last}", "Ask for fewer rows.")
    if available == 0:
        raise _DataError("no rows", "data")
    return first, last


def _rows_of(array: Array, request: _Request) -> Array:
    if request.rows is None:
        return array
    first, last = _span(len(array) if array.ndim else 1, request)
    return np.atleast_1d(array)[first - 1 : last]


def _columns_of(array: Array, request: _Request) -> Array:
    if request.columns is None:
        return array
    flat = array.reshape(len(array), -1)
    if max(request.columns) >= flat.shape[1]:
        found = count(flat.shape[1], "column")
        raise _DataError(found, f"column {max(request.columns) + 1}", "Columns count from 1.")
    return flat[:, request.columns]


def _check_finite(array: Array) -> None:
    if array.dtype.kind != "f" or np.isfinite(array).all():
        return
    where = np.argwhere(~np.isfinite(array))[0] + 1
    value = array[tuple(where - 1)]
    place = f"row {where[0]}" + (f", column {where[1]}" if len(where) > 1 else "")
    raise _DataError(f"{value} in {place}", "finite numbers")


def _one_hot(labels: Array, classes: int) -> Array:
    """n × classes with a 1 at the label of each row; labels are 0 … classes − 1."""
    if labels.shape[1] != 1:
        found = f"{labels.shape[1]} columns"
        raise _DataError(found, "one column of labels for `one_hot`", "Choose it: `columns: 1`.")
    values = labels[:, 0]
    wrong = np.flatnonzero((values != np.floor(values)) | (values < 0) | (values >= classes))
    if len(wrong):
        found = f"the label {values[wrong[0]]:g} in row {wrong[0] + 1}"
        mend = "`one_hot` is the number of classes; labels count from 0."
        raise _DataError(found, f"whole numbers from 0 to {classes - 1}", mend)
    return np.eye(classes)[values.astype(np.intp)]


def _rows(problems: Problems, entries: Fields) -> tuple[int, int] | None:
    """``rows: 1..100``, ``rows: [1, 100]`` or ``rows: 7``, counted from 1, both ends included."""
    node = entries.get("rows")
    span = None if node is None else _range(problems, node, "rows")
    return None if span is None else (span[0], span[-1])


def _columns(problems: Problems, entries: Fields) -> list[int] | None:
    """``columns: [1, 784]`` is a range, ``[1, 2, 5]`` a list; counted from 1, here from 0."""
    node = entries.get("columns")
    if node is None:
        return None
    if isinstance(node, Sequence) and len(node.items) not in (0, 2):
        numbers = [_index(problems, item) for item in node.items]
        return [number - 1 for number in numbers if number]
    span = _range(problems, node, "columns")
    return None if span is None else [number - 1 for number in span]


def _range(problems: Problems, node: Node, what: str) -> range | None:
    ends = _ends(node)
    if ends is None or not all(isinstance(end, Scalar) for end in ends):
        problems.add(node, kind(node), f"{what} such as 1..100", "Both ends are included.")
        return None
    numbers = [_index(problems, end) for end in ends]
    if not all(numbers):
        return None
    if numbers[0] > numbers[-1]:
        problems.add(node, f"{numbers[0]} to {numbers[-1]}", "the smaller end first")
        return None
    return range(numbers[0], numbers[-1] + 1)


def _ends(node: Node) -> list[Node] | None:
    if isinstance(node, Sequence):
        return node.items if len(node.items) == 2 else None
    if not isinstance(node, Scalar):
        return None
    parts = [part.strip() for part in node.text.split("..")]
    if len(parts) > 2:
        return None
    return [Scalar(node.line, node.column, node.length, part) for part in parts]


def _index(problems: Problems, node: Node) -> int:
    """A row or column, from 1; 0, and a problem, where it is none."""
    text = node.text if isinstance(node, Scalar) else ""
    if text.isascii() and text.isdigit() and len(text) < 10 and not text.startswith("0"):
        return int(text)
    problems.add(node, kind(node), "a whole number from 1 up", "Rows and columns count from 1.")
    return 0
