"""Files of arrays, a header and then the entries: IDX, as MNIST has it, and NumPy's .npy, .npz."""

from __future__ import annotations

import re
import struct
import tokenize
import warnings
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from gzip import GzipFile
from io import BufferedReader, BytesIO
from math import prod
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipExtFile, ZipFile, ZipInfo

import numpy as np

from backtrace.spec.data.request import DataError
from backtrace.spec.number_reading import Misreading, read_number
from backtrace.spec.numbers import LONGEST, Number
from backtrace.spec.wording import cited, count

if TYPE_CHECKING:
    from numpy.typing import NDArray

ByteStream: TypeAlias = BufferedReader | BytesIO | GzipFile | ZipExtFile
NamedArrays: TypeAlias = "dict[str, Callable[[], NDArray[Any]]]"  # each is read when it is called

MOST_BYTES = 4_000_000_000
"""Of an array as float64; the real data sets that people train on by hand are far below."""

REAL = "biuf"  # the kinds of NumPy's types that are real numbers; b are true and false, 1 and 0

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

_MOST_DIMENSIONS = 32  # of NumPy's arrays
_BLOCK = 1 << 20
_FRACTION = re.compile("-?[0-9]+(/[0-9]+)?")
# What NumPy raises for a header, which is Python source, and zipfile for a damaged archive.
_BAD_HEADER = (
    *(ValueError, SyntaxError, TypeError, LookupError, RecursionError, OverflowError),
    tokenize.TokenError,
)
_BAD_ZIP = (
    *(BadZipFile, zlib.error, RuntimeError, EOFError, struct.error, *_BAD_HEADER),
    OSError,  # of a seek to before the beginning
)


def read_idx(file: ByteStream) -> NDArray[Any]:
    """The array of an IDX file: 00 00, a type, the number of dimensions, the sizes, the entries.

    Raises DataError.
    """
    magic = file.read(4)
    header = file.read(4 * magic[3])
    if not magic[3] or len(header) < 4 * magic[3]:
        found = f"a header of {count(len(header) // 4, 'size')} for {magic[3]} dimensions"
        raise DataError(found, "a size for each", "The file is damaged; fetch it again.")
    return _filled(file, np.dtype(IDX_TYPES[magic[2]]), struct.unpack(f">{magic[3]}I", header))


def read_npy(file: ByteStream) -> NDArray[Any]:
    """The array of an .npy file. Raises DataError."""
    form: Any = np.lib.format
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files of Python 2
            old = form.read_magic(file) == (1, 0)
            read = form.read_array_header_1_0 if old else form.read_array_header_2_0
            shape, turned, kind = read(file)
    except _BAD_HEADER:
        raise DataError("an .npy with a damaged header", "one as NumPy writes it") from None
    if kind.hasobject:
        raise DataError("an array of Python objects", "an array of numbers")
    return _filled(file, kind, shape, turned=turned)


@contextmanager
def npz_arrays(file: ByteStream) -> Iterator[NamedArrays]:
    """What an .npz file has, by name. Raises DataError, also when one of them is read."""
    if isinstance(file, GzipFile):  # a zip begins at its end
        file = BytesIO(_up_to(file, MOST_BYTES).data)
    try:
        with ZipFile(file) as archive:
            entries = {e.filename.removesuffix(".npy"): e for e in archive.infolist()}
            yield {name: partial(_entry, archive, e, name) for name, e in entries.items()}
    except _BAD_ZIP:
        raise DataError("a damaged .npz", "an intact one", "Fetch it again.") from None


def texts(array: NDArray[Any]) -> list[str]:
    """The entries of an array of texts, one after another. Raises DataError."""
    try:
        return [str(text) for text in array.ravel().tolist()]
    except (ValueError, SystemError):  # as NumPy says that bytes stand for no character
        raise DataError("an array of damaged texts", "an intact file", "Fetch it again.") from None


def numbers(array: NDArray[Any]) -> list[Number]:
    """Those that stand in an array of texts, one after another. Raises DataError."""
    return [_number(text) for text in texts(array)]


def _entry(archive: ZipFile, entry: ZipInfo, name: str) -> NDArray[Any]:
    if entry.compress_type not in (ZIP_STORED, ZIP_DEFLATED):  # others raise what they like
        found = f"the array {cited(name)} packed by the method {entry.compress_type}"
        raise DataError(found, "it stored or deflated, as NumPy does")
    with archive.open(entry) as file:
        try:
            return read_npy(cast(ZipExtFile, file))
        except DataError as error:
            found = f"{error.found} in {cited(name)}"
            raise DataError(found, error.expected, error.mend) from None


def _filled(
    file: ByteStream, kind: np.dtype[Any], shape: tuple[int, ...], *, turned: bool = False
) -> NDArray[Any]:
    """The array that fills the rest of a file, whose header is not trusted. Raises DataError.

    ``turned``: the first index runs fastest, as in Fortran.
    """
    said = " × ".join(map(str, shape)) or "1"
    usable = len(shape) <= _MOST_DIMENSIONS and min(shape, default=0) >= 0
    if not usable or prod(shape) * max(kind.itemsize, 8) > MOST_BYTES:
        raise DataError(f"sizes {said} in the header", "a usable size")
    size = prod(shape) * kind.itemsize
    content = _up_to(file, size + 1)  # at the end, checksums are compared
    if len(content) < size:
        step = size // shape[-1 if turned else 0] if shape else size
        found = f"an end in {'column' if turned else 'row'} {len(content) // step + 1}"
        mend = "The file is truncated; fetch it again."
        raise DataError(found, f"{said} entries, as its header says", mend)
    if len(content) > size:
        raise DataError("more bytes after the last entry", f"an end after {said} entries")
    array: NDArray[Any] = np.ndarray(shape, kind, content, order="F" if turned else "C")
    return array


def _up_to(file: ByteStream, size: int) -> NDArray[np.uint8]:
    """So many bytes, or those that there are; memory is taken as they come."""
    content, done, got = np.empty(0, np.uint8), 0, 1
    while got and done < size:
        if done == len(content):
            content.resize(min(size, 2 * done + _BLOCK), refcheck=False)
        got = file.readinto(content[done : done + _BLOCK].data)
        done += got
    content.resize(done, refcheck=False)
    return content


def _number(text: str) -> Number:
    """A number as people write one, or a fraction of any length, as exact arithmetic has them."""
    reading = read_number(text)
    if not isinstance(reading, Misreading):
        return reading
    if len(text) > LONGEST and _FRACTION.fullmatch(text):
        with suppress(ValueError, ArithmeticError):  # by 0, or beyond what a float can hold
            return Number(float(Fraction(text)), text)
    raise DataError(reading.found, "a number", reading.mend)
