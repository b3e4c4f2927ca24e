"""NumPy's files: an array (.npy), or a zip of several by name (.npz)."""

from __future__ import annotations

import re
import tokenize
import warnings
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from math import prod
from struct import error as StructError  # noqa: N812
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import numpy as np

from backtrace.spec.data.entries import Layout, read_entries
from backtrace.spec.data.naming import pick
from backtrace.spec.data.request import Array, DataError, Loaded, Named, Request
from backtrace.spec.data.stream import Stream
from backtrace.spec.document.problems import cited
from backtrace.spec.numbers import LONGEST, Misreading, Number, read_number

if TYPE_CHECKING:
    from zipfile import ZipFile, ZipInfo

Entries: TypeAlias = "dict[str, ZipInfo]"

REAL = "biuf"  # the kinds of NumPy's types that are real numbers; b are true and false, 1 and 0

_FRACTION = re.compile("-?[0-9]+(/[0-9]+)?")
_UNREADABLE = (
    *(ValueError, SyntaxError, TypeError, LookupError, RecursionError, OverflowError),
    *(EOFError, StructError, tokenize.TokenError),
)


def read_npy(stream: Stream, request: Request) -> Loaded:
    """The array of an .npy file, its first index counting the rows. Raises DataError."""
    layout = _header(stream)
    kind = layout.kind.kind
    if kind == "U" and request.texts:
        return _texts(stream, layout)
    if kind not in REAL:
        raise DataError(f"entries of type {layout.kind}", "real numbers")
    if prod(layout.shape) == 0:
        raise DataError("an array without entries", "data")
    return read_entries(stream, layout, request)


def read_npz(file: IO[bytes], request: Request) -> Loaded:
    """The array that is asked for of an .npz file. Raises DataError."""
    with _archive(file) as (archive, entries):
        name = pick(list(entries), request)
        with _stream(archive, entries, name) as stream:
            return read_npy(stream, request)


def read_npz_arrays(file: IO[bytes], wanted: Collection[str]) -> Named:
    """Every array of an .npz file by its name, as it lies there. Raises DataError.

    Of those that are not ``wanted`` nothing is read, and None stands for them.
    """
    with _archive(file) as (archive, entries):
        found: Named = dict.fromkeys(entries)
        for name in filter(wanted.__contains__, entries):
            with _stream(archive, entries, name) as stream:
                found[name] = _whole(stream, _header(stream))
        return found


def texts(array: Array) -> list[str]:
    """The entries of an array of texts, one after another. Raises DataError."""
    try:
        return [str(text) for text in array.ravel().tolist()]
    except (ValueError, SystemError):  # as NumPy says that bytes stand for no character
        raise DataError("an array of damaged texts", "an intact file", "Fetch it again.") from None


def numbers(array: Array) -> list[Number]:
    """Those that stand in an array of texts, one after another. Raises DataError."""
    return [_number(text) for text in texts(array)]


@contextmanager
def _archive(file: IO[bytes]) -> Iterator[tuple[ZipFile, Entries]]:
    """What an .npz file has, by the names of the arrays; its damage as DataError."""
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(file) as archive:
            yield archive, {i.filename.removesuffix(".npy"): i for i in archive.infolist()}
    except (*_UNREADABLE, BadZipFile, zlib.error, RuntimeError) as error:
        said = str(error) or type(error).__name__
        found = f"a damaged array file ({said}; it ends at byte {file.seek(0, 2)})"
        raise DataError(found, "an intact .npz", "Fetch it again.") from None


@contextmanager
def _stream(archive: ZipFile, entries: Entries, name: str) -> Iterator[Stream]:
    """The bytes of one array of an .npz file."""
    from zipfile import ZIP_DEFLATED, ZIP_STORED

    entry = entries[name]
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others raise what they like
        found = f"the array {cited(name)} packed by the method {entry.compress_type}"
        raise DataError(found, "it stored or deflated, as NumPy does")
    with archive.open(entry) as member:
        read: Any = member
        stream = Stream(read.readinto, entry.file_size, f"the array {cited(name)}")
        yield stream
        stream.drain()  # at its end a zip holds it against its checksum


def _header(stream: Stream) -> Layout:
    source: Any = stream
    form = np.lib.format
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files of Python 2
            version = form.read_magic(source)
            read = form.read_array_header_1_0 if version == (1, 0) else form.read_array_header_2_0
            shape, turned, kind = read(source)
    except _UNREADABLE as error:
        where = stream.at(stream.position)
        raise DataError(
            f"a damaged array file ({error}; {where})", "a header as NumPy writes it"
        ) from None
    if min(shape, default=0) < 0:
        raise DataError(f"the shape {shape} in the header", "sizes from 0 up")
    if kind.hasobject:
        of = f", {stream.of}" if stream.of else ""
        raise DataError(f"an array of Python objects{of}", "an array of numbers")
    return Layout(kind, shape, turned and len(shape) > 1)


def _texts(stream: Stream, layout: Layout) -> Loaded:
    """Numbers that stand as texts, such as the fractions of exact arithmetic."""
    if not layout.size:
        raise DataError("an array without entries", "data")
    each = iter(numbers(_whole(stream, layout)))
    rows = [[next(each) for _ in range(layout.width)] for _ in range(layout.rows)]
    written = tuple(tuple(number.text for number in row) for row in rows)
    return Loaded(np.array(rows, dtype=np.float64), layout.shape, written=written)


def _whole(stream: Stream, layout: Layout) -> Array:
    """The array that fills the rest of a stream, of its own type."""
    content = bytearray(layout.size if layout.size <= stream.most else 0)
    if stream.fill(memoryview(content)) < layout.size:
        found = f"an end at {stream.at(stream.position)}"
        raise DataError(found, f"{layout.described} entries, as its header says")
    array: Array = np.ndarray(
        layout.shape, layout.kind, content, order="F" if layout.turned else "C"
    )
    return array


def _number(text: str) -> Number:
    """A number as people write one, or a fraction of any length, as exact arithmetic has them."""
    reading = read_number(text)
    if not isinstance(reading, Misreading):
        return reading
    if len(text) > LONGEST and _FRACTION.fullmatch(text):
        from fractions import Fraction

        with suppress(ValueError, ArithmeticError):  # by 0, or beyond what a float can hold
            return Number(float(Fraction(text)), text)
    raise DataError(reading.found, "a number", reading.mend)
