"""Safetensors files: arrays by name, read by the library of that name where it is installed."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from backtrace.spec.data.request import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTALL = "pip install 'backtrace-nn[safetensors]'"

_LENGTH = 8  # bytes that say how long the header is
_LONGEST_HEADER = 100_000_000


def is_safetensors(start: bytes) -> bool:
    """Whether a file begins as one: the length of a header of JSON, then its brace."""
    size = int.from_bytes(start[:_LENGTH], "little")
    return start[_LENGTH : _LENGTH + 1] == b"{" and 1 < size <= _LONGEST_HEADER


def tensors(content: bytes) -> dict[str, NDArray[Any]]:
    """What such a file has, by name. Raises DataError."""
    try:
        library, arrays = import_module("safetensors"), import_module("safetensors.numpy")
    except ImportError:
        raise DataError(
            "a .safetensors, which the extra safetensors reads",
            "that extra, or an .npz, which needs nothing",
            f"Install it: {INSTALL}.",
            code="E510",
        ) from None
    try:
        loaded: dict[str, NDArray[Any]] = arrays.load(content)
    except (library.SafetensorError, LookupError, ValueError):
        found = "a damaged .safetensors, or one of types that NumPy does not have"
        raise DataError(
            found, "an intact one", "Fetch it, or save it, again.", code="E303"
        ) from None
    return dict(sorted(loaded.items()))
