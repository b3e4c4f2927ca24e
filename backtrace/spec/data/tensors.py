"""Safetensors files: arrays by name, read by the library of that name where it is installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from backtrace.spec.data.arrays import NamedArrays
from backtrace.spec.data.request import DataError
from backtrace.spec.wording import cited

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTALL = "pip install 'backtrace-nn[safetensors]'"

_TYPES = {"BOOL", "U8", "I8", "U16", "I16", "F16", "U32", "I32", "F32", "U64", "I64", "F64"}
_LENGTH = 8  # bytes that say how long the header is
_LONGEST_HEADER = 100_000_000


def is_safetensors(start: bytes) -> bool:
    """Whether a file begins as one: the length of a header of JSON, then its brace."""
    size = int.from_bytes(start[:_LENGTH], "little")
    return start[_LENGTH : _LENGTH + 1] == b"{" and 1 < size <= _LONGEST_HEADER


@contextmanager
def safetensors_arrays(path: Path) -> Iterator[NamedArrays]:
    """What such a file has, by name. Raises DataError, also when one of them is read."""
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
            yield {name: partial(_tensor, file, name) for name in sorted(file.keys())}
    except library.SafetensorError:
        found = "a damaged or truncated .safetensors"
        raise DataError(found, "an intact one", "Fetch it again.") from None


def _tensor(file: Any, name: str) -> NDArray[Any]:
    kind = file.get_slice(name).get_dtype()
    if kind not in _TYPES:
        raise DataError(f"entries of type {kind} in {cited(name)}", "numbers of a type NumPy has")
    return np.asarray(file.get_tensor(name))
