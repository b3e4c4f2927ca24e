"""A data file → what it has: the format is recognised by the first bytes, gzip by its own."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from gzip import BadGzipFile, GzipFile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from backtrace.spec.data.array_names import pick
from backtrace.spec.data.arrays import (
    IDX_TYPES,
    ByteStream,
    NamedArrays,
    npz_arrays,
    read_idx,
    read_npy,
)
from backtrace.spec.data.comma_separated import read_csv
from backtrace.spec.data.request import DataError, DataRequest
from backtrace.spec.data.table import DataTable, table_of
from backtrace.spec.data.tensors import is_safetensors, safetensors_arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

DataFormat: TypeAlias = Literal["npz", "safetensors", "npy", "IDX", "CSV"]
ArraysFound: TypeAlias = "dict[str, NDArray[Any] | None]"  # None: only its name is known

_GZIP, _NPY, _ZIP = b"\x1f\x8b", b"\x93NUMPY", b"PK\x03\x04"
_START = 16  # bytes that tell the formats apart


def read_table(path: Path, request: DataRequest) -> DataTable:
    """What is asked for of a file. Raises DataError, OSError or MemoryError."""
    with _unpacked(path.open("rb")) as file:
        form = _format(file)
        if form is None:
            start = file.read(4).hex(" ")
            found = f"bytes {start} at the start, the magic number of no known format"
            raise DataError(found, "IDX (00 00 08 …), .npy, .npz, .safetensors or CSV")
        if request.header and form != "CSV":
            found = f"`header: true` for a file of the format {form}, which has none"
            raise DataError(found, "a CSV", "Remove it.")
        if form in ("npz", "safetensors"):
            with _named_arrays(file, form, path) as arrays:
                return table_of(arrays[pick(list(arrays), request)](), request)
        if request.array:
            found = f"`array: {request.array}` for a file of the format {form}, without names"
            raise DataError(found, "an .npz or .safetensors", "Remove it.")
        if form == "CSV":
            return read_csv(file, request)
        return table_of(read_npy(file) if form == "npy" else read_idx(file), request)


def read_arrays(path: Path, wanted: Collection[str]) -> ArraysFound | None:
    """Every array of an .npz or a .safetensors by its name, as it lies there.

    None stands for those that are not ``wanted``, which are not read, and for a file of another
    format. Raises DataError, OSError or MemoryError.
    """
    with _unpacked(path.open("rb")) as file:
        form = _format(file)
        if form not in ("npz", "safetensors"):
            return None
        with _named_arrays(file, form, path) as arrays:
            return _read(arrays, wanted)


def read_npz_content(content: bytes, wanted: Collection[str]) -> ArraysFound | None:
    """As ``read_arrays``, of an .npz that has been read; None for all else."""
    with _unpacked(BytesIO(content)) as file:
        if _format(file) != "npz":
            return None
        with npz_arrays(file) as arrays:
            return _read(arrays, wanted)


def _read(arrays: NamedArrays, wanted: Collection[str]) -> ArraysFound:
    return {name: read() if name in wanted else None for name, read in arrays.items()}


def _named_arrays(
    file: ByteStream, form: DataFormat, path: Path
) -> AbstractContextManager[NamedArrays]:
    if form == "npz":
        return npz_arrays(file)
    if isinstance(file, GzipFile):  # its library reads by the path
        raise DataError("a .safetensors within a gzip file", "the file itself", "Unpack it.")
    return safetensors_arrays(path)


@contextmanager
def _unpacked(packed: ByteStream) -> Iterator[ByteStream]:
    """The content of a file, unpacked where gzip packed it; its damage as DataError."""
    with packed:
        start = packed.read(len(_GZIP))
        packed.seek(0)
        if start != _GZIP:
            yield packed
            return
        try:
            with GzipFile(fileobj=packed) as file:
                yield file
        except EOFError:
            mend = "It is truncated; fetch it again."
            raise DataError("a gzip file that ends too early", "the whole file", mend) from None
        except (BadGzipFile, zlib.error):
            raise DataError("a damaged gzip file", "an intact one", "Fetch it again.") from None


def _format(file: ByteStream) -> DataFormat | None:
    start = file.read(_START)
    file.seek(0)
    if not start:
        raise DataError("an empty file", "data")
    if start.startswith(_ZIP):
        return "npz"
    if is_safetensors(start):
        return "safetensors"
    if start.startswith(_NPY):
        return "npy"
    if start.startswith(b"\0\0") and len(start) >= 4 and start[2] in IDX_TYPES:
        return "IDX"
    return None if b"\0" in start else "CSV"
