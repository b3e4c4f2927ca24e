"""A data file → its numbers: the format is recognised by the first bytes, gzip by its own.

What reads a format is imported where a file has it, so that the others cost nothing at the start.
"""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import IO

from backtrace.spec.idx import TYPES, read_idx
from backtrace.spec.request import DataError, Loaded, Request
from backtrace.spec.safetensors import is_safetensors, read_safetensors
from backtrace.spec.stream import Stream

GZIP, NPY, ZIP = b"\x1f\x8b", b"\x93NUMPY", b"PK\x03\x04"
FORMATS = "IDX (00 00 08 …), .npy, .npz, .safetensors or CSV"

_START = 16  # bytes that tell the formats apart


def read_file(path: Path, request: Request) -> Loaded:
    """What is asked for of a file. Raises DataError, OSError or MemoryError."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise DataError("an empty file", "data")
        magic = file.read(len(GZIP))
        file.seek(0)
        if magic != GZIP:
            return _read(path, file, Stream(file.readinto, size), request)
        return _unpacked(file, size, request)


def _unpacked(file: IO[bytes], size: int, request: Request) -> Loaded:
    from backtrace.spec.gzip import MOST_PACKED, Unpacking

    with Unpacking(file) as unpacking:
        stream = Stream(unpacking.readinto, size * MOST_PACKED, "its unpacked content")
        loaded = _read(None, None, stream, request)
        stream.drain()  # at the end its checksum is held against all that was unpacked
        return loaded


def _read(path: Path | None, file: IO[bytes] | None, stream: Stream, request: Request) -> Loaded:
    """``path`` and ``file`` where the content is that of a file, not one that it packs."""
    start = stream.start(_START)
    if start.startswith(ZIP):
        from backtrace.spec.arrays import read_npz

        _refuse(request, header="an .npz")
        return read_npz(_seekable(file, stream), request)
    if is_safetensors(start):
        _refuse(request, header="a .safetensors")
        if path is None:
            raise DataError("a .safetensors within a gzip file", "the file itself", "Unpack it.")
        return read_safetensors(path, request)
    if start.startswith(NPY):
        from backtrace.spec.arrays import read_npy

        _refuse(request, header="an .npy", array="an .npy")
        return read_npy(stream, request)
    if is_idx(start):
        _refuse(request, header="an IDX file", array="an IDX file")
        return read_idx(stream, request)
    if b"\0" in start:
        shown = start[:4].hex(" ")
        found = f"bytes {shown} at the start, the magic number of no known format"
        raise DataError(found, FORMATS)
    from backtrace.spec.csv import read_csv

    _refuse(request, array="a CSV")
    return read_csv(stream, request)


def is_idx(start: bytes) -> bool:
    """Whether a file begins as an IDX file does."""
    return start[:2] == b"\0\0" and len(start) >= 4 and start[2] in TYPES


def _refuse(request: Request, *, header: str = "", array: str = "") -> None:
    """Refuses what has no meaning for the format at hand, whose name is given for it."""
    if header and request.header:
        raise DataError(f"`header: true` for {header}, which has none", "a CSV", "Remove it.")
    if array and request.array:
        found = f"`array: {request.array}` for {array}, which has no names"
        raise DataError(found, "an .npz or .safetensors", "Remove it.")


def _seekable(file: IO[bytes] | None, stream: Stream) -> IO[bytes]:
    """A zip is read from its end."""
    if file is not None:
        file.seek(0)
        return file
    return io.BytesIO(stream.read_all())
