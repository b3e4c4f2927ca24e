"""A data file → what it has: the format is recognised by the first bytes, gzip by its own."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from gzip import BadGzipFile, GzipFile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeAlias

import numpy as np

from backtrace.spec.data.arrays import (
    IDX_TYPES,
    NamedArrays,
    check_size,
    npz_arrays,
    read_idx,
    read_npy,
)
from backtrace.spec.data.comma_separated import read_csv
from backtrace.spec.data.request import DataError, DataRequest
from backtrace.spec.data.table import DataTable, table_of
from backtrace.spec.data.tensors import is_safetensors, tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

DataFormat: TypeAlias = Literal["npz", "safetensors", "npy", "IDX", "CSV"]
ArraysFound: TypeAlias = "dict[str, NDArray[Any] | None]"  # None: only its name is known

BY_NAME: tuple[DataFormat, ...] = ("npz", "safetensors")

_GZIP, _NPY, _ZIP = b"\x1f\x8b", b"\x93NUMPY", b"PK\x03\x04"
_START = 16  # bytes that tell the formats apart
_BLOCK = 1 << 20


def read_table(path: Path, request: DataRequest) -> DataTable:
    """What is asked for of a file. Raises DataError, OSError or MemoryError."""
    with path.open("rb") as packed:
        file = _unpacked(packed)
        form = _format(file)
        if form is None:
            start = file.read(4).hex(" ")
            found = f"bytes {start} at the start, the magic number of no known format"
            raise DataError(found, "IDX (00 00 08 …), .npy, .npz, .safetensors or CSV", code="E304")
        if request.header and form != "CSV":
            found = f"`header: true` for a file of the format {form}, which has none"
            raise DataError(found, "a CSV", "Remove it.", code="E305")
        if request.array and form not in BY_NAME:
            found = f"`array: {request.array}` for a file of the format {form}, without names"
            raise DataError(found, "an .npz or .safetensors", "Remove it.", code="E305")
        if form == "CSV":
            return read_csv(file, request)
        if form in BY_NAME:
            with _named_arrays(file, form) as arrays:
                return table_of(np.asarray(arrays[request.pick(list(arrays))]), request)
        return table_of(read_npy(file) if form == "npy" else read_idx(file), request)


def read_arrays(
    packed: BinaryIO, wanted: Collection[str], formats: Collection[DataFormat] = BY_NAME
) -> ArraysFound | None:
    """Every array of a file by its name, as it lies there; None for a file of another format.

    None stands for those that are not ``wanted``, too. Raises DataError, OSError or MemoryError.
    """
    file = _unpacked(packed)
    form = _format(file)
    if form is None or form not in formats:
        return None
    with _named_arrays(file, form) as arrays:
        return {name: np.asarray(arrays[name]) if name in wanted else None for name in arrays}


def _named_arrays(file: BinaryIO, form: DataFormat) -> AbstractContextManager[NamedArrays]:
    return npz_arrays(file) if form == "npz" else nullcontext(tensors(file.read()))


def _unpacked(packed: BinaryIO) -> BinaryIO:
    """The file, or what gzip packed in it. Raises DataError."""
    start = packed.read(len(_GZIP))
    packed.seek(0)
    if start != _GZIP:
        return packed
    content = BytesIO()
    try:
        with GzipFile(fileobj=packed) as file:
            while block := file.read(_BLOCK):
                content.write(block)
                check_size("gzip file", content.tell())
    except (EOFError, BadGzipFile, zlib.error):
        found = "a damaged or truncated gzip file"
        raise DataError(found, "an intact one", "Fetch it again.", code="E303") from None
    content.seek(0)
    return content


def _format(file: BinaryIO) -> DataFormat | None:
    start = file.read(_START)
    file.seek(0)
    if not start:
        raise DataError("an empty file", "data", code="E312")
    if start.startswith(_ZIP):
        return "npz"
    if is_safetensors(start):
        return "safetensors"
    if start.startswith(_NPY):
        return "npy"
    if start.startswith(b"\0\0") and len(start) >= 4 and start[2] in IDX_TYPES:
        return "IDX"
    return None if b"\0" in start else "CSV"
