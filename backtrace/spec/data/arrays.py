"""Files of arrays, as their libraries read them: IDX, as MNIST has it, and NumPy's .npy, .npz."""

from __future__ import annotations

import struct
import tokenize
import warnings
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from fractions import Fraction
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias
from zipfile import BadZipFile

import numpy as np

from backtrace.spec.data.request import DataError
from backtrace.spec.number_reading import NoNumber, read_number
from backtrace.spec.numbers import LONGEST, Number
from backtrace.spec.wording import cited

if TYPE_CHECKING:
    from numpy.typing import NDArray

NamedArrays: TypeAlias = "Mapping[str, NDArray[Any]]"

MOST_BYTES = 600_000_000
"""Of what is unpacked: 64 million floats, as many as one quantity may have, are 512 million."""

LONGEST_FRACTION = 200_000  # digits, which Python reads in a second

REAL = "biuf"  # the kinds of NumPy's types that are real numbers; b are true and false, 1 and 0

IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}

# What NumPy and zipfile raise for a damaged file; the header of an array is Python source.
_DAMAGE = (
    *(ValueError, SyntaxError, TypeError, LookupError, RuntimeError, ArithmeticError),
    *(EOFError, OSError, BadZipFile, zlib.error, struct.error, tokenize.TokenError),
)


def read_idx(file: BinaryIO) -> NDArray[Any]:
    """The array of an IDX file: 00 00, a type, the number of dimensions, the sizes, the entries.

    Raises DataError.
    """
    magic = file.read(4)
    header = file.read(4 * magic[3])
    if len(header) < 4 * magic[3]:
        raise DataError(
            "an end in the header", "a size for each dimension", "Fetch it again.", code="E303"
        )
    shape = struct.unpack(f">{magic[3]}I", header)
    kind = np.dtype(IDX_TYPES[magic[2]])
    content: bytes | memoryview
    if isinstance(file, BytesIO):  # not its buffer, which would have to be given back before it
        content = memoryview(file.getvalue())[file.tell() :]
    else:
        content = file.read()
    said, size = " × ".join(map(str, shape)) or "1", prod(shape) * kind.itemsize
    if len(content) < size:
        row = len(content) * shape[0] // size + 1 if shape else 1
        mend = "The file is truncated; fetch it again."
        raise DataError(
            f"an end in row {row}", f"{said} entries, as its header says", mend, code="E303"
        )
    if len(content) > size:
        raise DataError(
            "more bytes after the last entry", f"an end after {said} entries", code="E303"
        )
    with _as_read("IDX file"):
        return np.frombuffer(content, kind).reshape(shape)


def read_npy(file: BinaryIO) -> NDArray[Any]:
    """The array of an .npy file. Raises DataError."""
    with _as_read(".npy"):
        array: NDArray[Any] = np.load(file, allow_pickle=False)
    if file.read(1):
        raise DataError("more bytes after the last entry", "an end there", code="E303")
    return array


@contextmanager
def npz_arrays(file: BinaryIO) -> Iterator[NamedArrays]:
    """What an .npz file has, by name; each is read as it is asked for.

    Raises DataError, also then.
    """
    with _as_read(".npz"), np.load(file, allow_pickle=False) as archive:
        for each in archive.zip.infolist():  # which says what it would unpack, before it does
            check_size(each.filename, each.file_size)
        yield archive


def check_size(name: str, size: int) -> None:
    """Raises DataError where something that is packed is too large to be unpacked."""
    if size > MOST_BYTES:
        found = f"{cited(name)}, packed from {size:,} bytes or more"
        raise DataError(found, f"at most {MOST_BYTES:,}", code="E302")


def texts(array: NDArray[Any]) -> list[str]:
    """The entries of an array of texts, one after another. Raises DataError."""
    try:
        return [str(text) for text in array.ravel().tolist()]
    except (ValueError, SystemError):  # as NumPy says that bytes stand for no character
        raise DataError(
            "an array of damaged texts", "an intact file", "Fetch it again.", code="E303"
        ) from None


def numbers(array: NDArray[Any]) -> list[Number]:
    """Those that stand in an array of texts, one after another. Raises DataError."""
    return [_number(text) for text in texts(array)]


def fraction(text: str) -> Fraction:
    """What exact arithmetic saves, ``-17/4``. Raises ValueError, or ZeroDivisionError.

    It has no power of ten, which could be of any size.
    """
    above, slash, below = text.partition("/")
    if len(text) > LONGEST_FRACTION:
        raise ValueError(f"a fraction of {len(text)} digits")
    return Fraction(int(above), int(below) if slash else 1)


@contextmanager
def _as_read(what: str) -> Iterator[None]:
    """Whatever a library says of a damaged file as a DataError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about files of Python 2
            yield
    except _DAMAGE:
        found, mend = f"a damaged {what}, or one of Python objects", "Fetch it, or save it, again."
        raise DataError(found, "an intact file of numbers", mend, code="E303") from None


def _number(text: str) -> Number:
    """A number as people write one, or a fraction of any length, as exact arithmetic has them."""
    reading = read_number(text)
    if not isinstance(reading, NoNumber):
        return reading
    if len(text) > LONGEST:
        with suppress(ValueError, ArithmeticError):  # none, by 0, or beyond what a float can hold
            return Number(float(fraction(text)), text)
    raise DataError(reading.found, "a number", reading.mend, code="E309")
