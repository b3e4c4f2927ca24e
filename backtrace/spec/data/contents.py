"""A data file → its numbers: the format is recognised by the first bytes, gzip by its own.

What reads a format is imported where a file has it, so that the others cost nothing at the start.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

import msgspec

from backtrace.spec.data.idx import TYPES, read_idx
from backtrace.spec.data.request import DataError, Loaded, Named, Request
from backtrace.spec.data.stream import Stream
from backtrace.spec.data.tensors import is_safetensors, read_safetensors, read_safetensors_arrays

File: TypeAlias = io.FileIO | io.BytesIO

GZIP, NPY, ZIP = b"\x1f\x8b", b"\x93NUMPY", b"PK\x03\x04"
FORMATS = "IDX (00 00 08 …), .npy, .npz, .safetensors or CSV"

_START = 16  # bytes that tell the formats apart


class Content(msgspec.Struct):
    """What a file has, unpacked where gzip packed it.

    ``file``, and its ``path`` where it has one, are None where the content is not that of a file
    but was packed in it.
    """

    stream: Stream
    file: File | None = None
    path: Path | None = None

    def seekable(self) -> File:
        """A zip is read from its end."""
        if self.file is None:
            return io.BytesIO(self.stream.read_all())
        self.file.seek(0)
        return self.file

    def named(self) -> Path:
        """The path of the file, by which alone some are read. Raises DataError."""
        if self.path is None:
            raise DataError("a .safetensors within a gzip file", "the file itself", "Unpack it.")
        return self.path


class Format(msgspec.Struct, frozen=True):
    """A format of data files: what messages call it, and what an array in it can have."""

    called: str
    begins: Callable[[bytes], bool]
    read: Callable[[Content, Request], Loaded]
    header: bool = False
    names: bool = False


def read_file(path: Path, request: Request) -> Loaded:
    """What is asked for of a file. Raises DataError, OSError or MemoryError."""
    with path.open("rb", buffering=0) as file, _content(file, path) as content:
        start = content.stream.start(_START)
        form = next((form for form in _FORMATS if form.begins(start)), None)
        if form is None:
            found = f"bytes {start[:4].hex(' ')} at the start, the magic number of no known format"
            raise DataError(found, FORMATS)
        _refuse(request, form)
        return form.read(content, request)


def read_arrays(path: Path, wanted: Collection[str]) -> Named | None:
    """Every array of an .npz or a .safetensors by its name, as it lies there.

    None stands for those that are not ``wanted``, which are not read, and for a file of another
    format. Raises DataError, OSError or MemoryError.
    """
    with path.open("rb", buffering=0) as file, _content(file, path) as content:
        if is_safetensors(content.stream.start(_START)):
            return read_safetensors_arrays(content.named(), wanted)
        return _npz_arrays(content, wanted)


def read_npz_content(content: bytes, wanted: Collection[str]) -> Named | None:
    """As ``read_arrays``, of an .npz that has been read; None for all else."""
    with _content(io.BytesIO(content)) as unpacked:
        return _npz_arrays(unpacked, wanted)


def is_idx(start: bytes) -> bool:
    """Whether a file begins as an IDX file does."""
    return start[:2] == b"\0\0" and len(start) >= 4 and start[2] in TYPES


@contextmanager
def _content(file: File, path: Path | None = None) -> Iterator[Content]:
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    if size == 0:
        raise DataError("an empty file", "data")
    magic = file.read(len(GZIP))
    file.seek(0)
    if magic != GZIP:
        yield Content(Stream(file.readinto, size), file, path)
        return
    from backtrace.spec.data.gzipped import MOST_PACKED, Unpacking

    with Unpacking(file) as unpacking:
        stream = Stream(unpacking.readinto, size * MOST_PACKED, "its unpacked content")
        yield Content(stream)
        stream.drain()  # at the end its checksum is held against all that was unpacked


def _refuse(request: Request, form: Format) -> None:
    """Refuses what has no meaning for the format at hand."""
    if request.header and not form.header:
        found = f"`header: true` for {form.called}, which has none"
        raise DataError(found, "a CSV", "Remove it.")
    if request.array and not form.names:
        found = f"`array: {request.array}` for {form.called}, which has no names"
        raise DataError(found, "an .npz or .safetensors", "Remove it.")


def _npz(content: Content, request: Request) -> Loaded:
    from backtrace.spec.data.arrays import read_npz

    return read_npz(content.seekable(), request)


def _npz_arrays(content: Content, wanted: Collection[str]) -> Named | None:
    if not content.stream.start(_START).startswith(ZIP):
        return None
    from backtrace.spec.data.arrays import read_npz_arrays

    return read_npz_arrays(content.seekable(), wanted)


def _npy(content: Content, request: Request) -> Loaded:
    from backtrace.spec.data.arrays import read_npy

    return read_npy(content.stream, request)


def _csv(content: Content, request: Request) -> Loaded:
    from backtrace.spec.data.comma_separated import read_csv

    return read_csv(content.stream, request)


_FORMATS = (
    Format("an .npz", lambda start: start.startswith(ZIP), _npz, names=True),
    Format(
        "a .safetensors",
        is_safetensors,
        lambda content, request: read_safetensors(content.named(), request),
        names=True,
    ),
    Format("an .npy", lambda start: start.startswith(NPY), _npy),
    Format("an IDX file", is_idx, lambda content, request: read_idx(content.stream, request)),
    Format("a CSV", lambda start: b"\0" not in start, _csv, header=True),
)
