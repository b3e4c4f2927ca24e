"""The entries of an array as a file has them → float64 or float32, a block of rows at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from math import prod
from typing import Any

import msgspec
import numpy as np

from backtrace.spec.data.request import MOST_BYTES, Array, DataError, Loaded, Request
from backtrace.spec.data.stream import BLOCK, Stream


class Layout(msgspec.Struct, frozen=True):
    """How entries lie in a file: their type, and the shape of the array.

    ``turned``: the first index runs fastest, as in Fortran.
    """

    kind: np.dtype[Any]
    shape: tuple[int, ...]
    turned: bool = False

    @property
    def rows(self) -> int:
        return self.shape[0] if self.shape else 1

    @property
    def width(self) -> int:
        """Entries of a row."""
        return prod(self.shape[1:])

    @property
    def size(self) -> int:
        """Bytes of all entries; a whole number, however large a damaged header makes it."""
        return prod(self.shape) * self.kind.itemsize

    @property
    def described(self) -> str:
        return " × ".join(map(str, self.shape)) or "one number"


def read_entries(stream: Stream, layout: Layout, request: Request) -> Loaded:
    """The rows and columns asked for, of an array that fills the rest of a stream.

    Takes no memory beside the result's but that of a block. Raises DataError.
    """
    if layout.size <= 0 or layout.size > MOST_BYTES:
        raise DataError(f"sizes {layout.described} in the header", "a usable size")
    end = stream.position + layout.size
    if end > stream.most:  # a damaged header shall not take memory
        stream.drain()
        raise _too_short(stream, end)
    if layout.turned:
        runs = Layout(layout.kind, (layout.width, layout.rows))
        loaded = _turned(layout, request, Blocks(stream, runs, end))
    else:
        loaded = _in_rows(layout, request, Blocks(stream, layout, end))
    if stream.read(1):
        expected = f"an end there, after {layout.described} entries"
        raise DataError(f"more bytes after {stream.at(end)}", expected)
    return loaded


def _in_rows(layout: Layout, request: Request, blocks: Blocks) -> Loaded:
    first, last = request.span(layout.rows)
    blocks.skip(first - 1)
    loaded = filled(layout, request, blocks.read(last - first + 1))
    blocks.skip(layout.rows - last)
    return loaded


def filled(layout: Layout, request: Request, blocks: Iterable[Array]) -> Loaded:
    """The rows asked for, of which ``blocks`` has one part after another. Raises DataError."""
    first, last = request.span(layout.rows)
    columns = None if request.columns is None else request.columns.indices(layout.width)
    width = layout.width if columns is None else len(columns)
    values = np.empty((last - first + 1, width), request.dtype)
    loaded = Loaded(values, layout.shape, first)
    done = 0
    for block in blocks:
        part = block if columns is None else block[:, columns]
        wrong = convert(part, values[done : done + len(part)], request.scale)
        if wrong is not None:
            column = wrong[1] if columns is None else columns[wrong[1]]
            place = loaded.place(done + wrong[0])
            place += f", column {column + 1}" if len(layout.shape) > 1 else ""
            raise not_finite(part[wrong], place, request)
        done += len(part)
    return loaded


def convert(entries: Array, out: Array, scale: float) -> tuple[int, ...] | None:
    """Writes ``entries``, scaled in float64, into ``out`` of the same shape, whatever its type.

    Returns the indices of the first that is not finite there, or None.
    """
    with np.errstate(over="ignore", invalid="ignore", under="ignore"):
        np.multiply(entries, scale, out=out, dtype=np.float64, casting="same_kind")
    if _always_finite(entries.dtype, out.dtype, scale) or np.isfinite(out).all():
        return None
    return tuple(int(i) for i in np.argwhere(~np.isfinite(out))[0])


def not_finite(value: Any, place: str, request: Request) -> DataError:
    """The error for a number that is not finite, or not any more as it is wanted."""
    if not np.isfinite(value):
        return DataError(f"{value} in {place}", "finite numbers")
    scaled = "" if request.scale == 1 else f" times {request.scale:g}"
    largest = f"{np.finfo(request.dtype).max:.2g}"
    return DataError(f"{value}{scaled} in {place}", f"at most {largest}, as {request.dtype} has it")


class Blocks:
    """Reads an array's rows in blocks, of which ``end`` says at which byte the last one ends."""

    def __init__(self, stream: Stream, layout: Layout, end: int) -> None:
        self.stream, self.layout, self.end = stream, layout, end
        self.each = layout.width * layout.kind.itemsize

    def skip(self, rows: int) -> None:
        """Passes over so many rows. Raises DataError where there are fewer."""
        if self.stream.skip(rows * self.each) < rows * self.each:
            raise _too_short(self.stream, self.end)

    def read(self, rows: int) -> Iterator[Array]:
        """The next rows, in blocks that hold until the next one. Raises DataError."""
        most = min(rows, max(1, BLOCK // self.each))
        buffer = memoryview(bytearray(most * self.each))
        for start in range(0, rows, most):
            size = min(most, rows - start) * self.each
            if self.stream.fill(buffer[:size]) < size:
                raise _too_short(self.stream, self.end)
            entries = np.frombuffer(buffer[:size], self.layout.kind)
            yield entries.reshape(-1, self.layout.width)


def _turned(layout: Layout, request: Request, blocks: Blocks) -> Loaded:
    """An array that lies column by column, each of which is put into its place."""
    first, last = request.span(layout.rows)
    width = layout.width
    columns = range(width) if request.columns is None else request.columns.indices(width)
    places: dict[int, list[int]] = {}
    for at, index in enumerate(columns):
        places.setdefault(index, []).append(at)
    values = np.empty((last - first + 1, len(columns)), request.dtype)
    loaded = Loaded(values, layout.shape, first)
    order = np.arange(width).reshape(layout.shape[1:]).ravel(order="F").tolist()
    column = np.empty(len(values), request.dtype)
    for index, entries in zip(order, chain.from_iterable(blocks.read(width)), strict=True):
        wrong = convert(entries[first - 1 : last], column, request.scale)
        if wrong is not None:
            place = f"{loaded.place(wrong[0])}, column {index + 1}"
            raise not_finite(entries[first - 1 + wrong[0]], place, request)
        for at in places.get(index, ()):
            values[:, at] = column
    return loaded


def _always_finite(kind: np.dtype[Any], kept: np.dtype[Any], scale: float) -> bool:
    """Whether no number of this type can leave the range of those that are kept."""
    if kind.kind not in "iu":
        return kind.kind == "b"
    return float(np.iinfo(kind).max) * abs(scale) < float(np.finfo(kept).max) / 2


def _too_short(stream: Stream, end: int) -> DataError:
    return DataError(
        f"an end at {stream.at(stream.position)}",
        f"{end} bytes, as its header says",
        "The file is truncated; fetch it again.",
    )
