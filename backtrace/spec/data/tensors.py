"""Safetensors files: arrays by name, read by the library of that name where it is installed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from backtrace.spec.data.entries import Layout, filled
from backtrace.spec.data.naming import pick
from backtrace.spec.data.request import Array, DataError, Loaded, Named, Request
from backtrace.spec.data.stream import BLOCK
from backtrace.spec.document.problems import cited

INSTALL = "pip install 'backtrace-nn[safetensors]'"

TYPES = {
    "BOOL": "?",
    **{f"{sign.upper()}{8 * size}": f"{sign}{size}" for sign in "ui" for size in (1, 2, 4, 8)},
    **{f"F{8 * size}": f"f{size}" for size in (2, 4, 8)},
}
LENGTH = 8  # bytes that say how long the header is
LONGEST_HEADER = 100_000_000

_TRUNCATED = "The file is damaged or truncated; fetch it again."


class _Entry(msgspec.Struct):
    """Of an entry of the header: where its numbers begin and end, from the end of the header."""

    data_offsets: tuple[int, int] = (0, 0)


def is_safetensors(start: bytes) -> bool:
    """Whether a file begins as one: the length of a header of JSON, then its brace."""
    size = int.from_bytes(start[:LENGTH], "little")
    return start[LENGTH : LENGTH + 1] == b"{" and 1 < size <= LONGEST_HEADER


def read_safetensors(path: Path, request: Request) -> Loaded:
    """The array that is asked for, its first index counting the rows. Raises DataError."""
    with _opened(path) as file:
        name = pick(sorted(file.keys()), request)
        entries = file.get_slice(name)
        layout = _layout(entries, name)
        if not layout.size:
            raise DataError("an array without entries", "data")
        return filled(layout, request, _blocks(entries, layout, request))


def read_safetensors_arrays(path: Path, wanted: Collection[str]) -> Named:
    """Every array by its name, as it lies there. Raises DataError.

    Of those that are not ``wanted`` nothing is read, and None stands for them.
    """
    with _opened(path) as file:
        found: Named = dict.fromkeys(sorted(file.keys()))
        for name in filter(wanted.__contains__, found):
            _layout(file.get_slice(name), name)
            found[name] = np.asarray(file.get_tensor(name))
        return found


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The file as the library has it; its damage as DataError."""
    try:
        library = import_module("safetensors")
    except ImportError:
        raise DataError(
            "a .safetensors, which the extra safetensors reads",
            "that extra, or an .npz, which needs nothing",
            f"Install it: {INSTALL}.",
        ) from None
    try:
        with library.safe_open(path, framework="numpy") as file:
            yield file
    except library.SafetensorError as error:
        raise _damaged(path, str(error)) from None


def _layout(entries: Any, name: str) -> Layout:
    kind = entries.get_dtype()
    if kind not in TYPES:
        raise DataError(f"entries of type {kind} in {cited(name)}", "numbers of a type NumPy has")
    return Layout(np.dtype(TYPES[kind]), tuple(entries.get_shape()))


def _blocks(entries: Any, layout: Layout, request: Request) -> Iterator[Array]:
    first, last = request.span(layout.rows)
    if not layout.shape:
        yield np.asarray(entries[...]).reshape(1, 1)
        return
    most = max(1, BLOCK // (layout.width * layout.kind.itemsize))
    for start in range(first - 1, last, most):
        block = entries[start : min(start + most, last)]
        yield np.asarray(block).reshape(-1, layout.width)


def _damaged(path: Path, said: str) -> DataError:
    """What is wrong with a file that the library refuses; it counts no bytes, so they are here."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = LENGTH + int.from_bytes(file.read(LENGTH), "little")
        end = start + _content(file.read(max(0, min(start, size) - LENGTH)))
    if size < start:
        found = f"an end at byte {size}, within the header"
        return DataError(found, f"{start} bytes of it, as its beginning says", _TRUNCATED)
    if start < end != size:
        found = f"an end at byte {size}" if size < end else f"more bytes after byte {end}"
        return DataError(found, f"{end} bytes, as its header says", _TRUNCATED)
    found = f"a damaged .safetensors file of {size} bytes ({said})"
    return DataError(found, "an intact file", "Fetch it again.")


def _content(header: bytes) -> int:
    """How many bytes follow the header, as it says; 0 where it can't be read."""
    try:
        entries = msgspec.json.decode(header, type=dict[str, _Entry])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0
    return max((entry.data_offsets[1] for entry in entries.values()), default=0)
