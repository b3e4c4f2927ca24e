"""NumPy's files: an array (.npy), or a zip of several by name (.npz)."""

from __future__ import annotations

import tokenize
import warnings
import zlib
from math import prod
from struct import error as StructError  # noqa: N812
from typing import IO, Any

import numpy as np

from backtrace.spec.entries import Layout, read_entries
from backtrace.spec.naming import pick
from backtrace.spec.numbers import Misreading, Number, read_number
from backtrace.spec.problems import cited
from backtrace.spec.request import DataError, Loaded, Request
from backtrace.spec.stream import Stream

_UNREADABLE = (
    *(ValueError, SyntaxError, TypeError, KeyError, RecursionError, OverflowError),
    *(EOFError, StructError, tokenize.TokenError),
)


def read_npy(stream: Stream, request: Request) -> Loaded:
    """The array of an .npy file, its first index counting the rows. Raises DataError."""
    layout = _header(stream)
    kind = layout.kind
    if kind.hasobject:
        raise DataError("an array of Python objects", "an array of numbers")
    if kind.kind == "U" and request.texts:
        return _texts(stream, layout)
    if kind.kind not in "biuf":
        raise DataError(f"entries of type {kind}", "real numbers")
    if prod(layout.shape) == 0:
        raise DataError("an array without entries", "data")
    return read_entries(stream, layout, request)


def read_npz(file: IO[bytes], request: Request) -> Loaded:
    """The array that is asked for of an .npz file. Raises DataError."""
    from zipfile import BadZipFile, ZipFile

    try:
        with ZipFile(file) as archive:
            entries = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            name = pick(list(entries), request)
            with archive.open(entries[name]) as member:
                most = entries[name].file_size
                read: Any = member
                stream = Stream(read.readinto, most, f"the array {cited(name)}")
                loaded = read_npy(stream, request)
                stream.drain()  # at its end a zip holds it against its checksum
                return loaded
    except (*_UNREADABLE, BadZipFile, zlib.error, RuntimeError) as error:
        found = f"a damaged array file ({error}; it ends at byte {file.seek(0, 2)})"
        raise DataError(found, "an intact .npz", "Fetch it again.") from None


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
    return Layout(kind, shape, turned and len(shape) > 1)


def _texts(stream: Stream, layout: Layout) -> Loaded:
    """Numbers that stand as texts, such as the fractions of exact arithmetic."""
    content = stream.read(layout.size) if 0 < layout.size <= stream.most else b""
    if len(content) < max(1, layout.size):
        raise DataError(f"an end at {stream.at(stream.position)}", f"{layout.described} texts")
    order: Any = "F" if layout.turned else "C"
    texts = np.frombuffer(content, layout.kind).reshape(layout.shape, order=order)
    rows = texts.reshape(layout.rows, -1).tolist()
    numbers = [[_number(text) for text in row] for row in rows]
    written = tuple(tuple(number.text for number in row) for row in numbers)
    return Loaded(np.array(numbers, dtype=np.float64), layout.shape, written=written)


def _number(text: str) -> Number:
    reading = read_number(text)
    if isinstance(reading, Misreading):
        raise DataError(reading.found, "a number", reading.mend)
    return reading
