"""Arrays by name → the bytes of an .npz or .safetensors file, the same at every run."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from importlib import import_module

import numpy as np

from backtrace.formats import file_signatures
from backtrace.formats.registry import MissingExtraError, NotExpressibleError, Written
from backtrace.functions.array import Array
from backtrace.spec.data.tensors import INSTALL
from backtrace.spec.model import Spec
from backtrace.tape.parameters import given_matrices, parameter_ids

EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip archive can carry
UNIX, FILE_MODE = 3, 0o600 << 16


class SafetensorsUnavailableError(MissingExtraError):
    """What writes .safetensors is not installed; the message says what to install."""


def starting_parameters(spec: Spec) -> dict[str, Array]:
    """``W1``, ``b1``, … as the spec gives them, in its own layout and orientation.

    They are float32 where the spec's arithmetic is, else float64. Raises NotExpressibleError for
    equations that name none.
    """
    if not parameter_ids(spec):
        raise NotExpressibleError("the equations name no `parameters: [W]` to write")
    given = given_matrices(spec)
    return {
        id: np.asarray(given[id].values, dtype=spec.arithmetic.dtype) for id in parameter_ids(spec)
    }


def starting_npz(spec: Spec, beside: str = "") -> Written:
    """The starting parameters as an .npz."""
    return Written(npz(starting_parameters(spec)))


def starting_safetensors(spec: Spec, beside: str = "") -> Written:
    """The starting parameters as a .safetensors; raises as ``safetensors`` does."""
    return Written(safetensors(starting_parameters(spec)))


def npz(values: Mapping[str, Array], *, compression: int = zipfile.ZIP_STORED) -> bytes:
    """An .npz archive of these arrays, which ``numpy.load`` reads; fractions become float64.

    The same arrays give the same bytes. ``compression`` is one of ``zipfile``'s methods: data
    compress well, trained weights do not.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression, compresslevel=1) as archive:
        for number, (name, value) in enumerate(values.items()):
            entry = zipfile.ZipInfo(f"{name}.npy", EPOCH)
            entry.compress_type = compression
            entry.create_system, entry.external_attr = UNIX, FILE_MODE
            entry.extra = b"" if number else file_signatures.ARCHIVE
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, _floats(value), allow_pickle=False)
    return file.getvalue()


def safetensors(values: Mapping[str, Array]) -> bytes:
    """A .safetensors file of these arrays. Raises SafetensorsUnavailableError without the extra
    ``safetensors``."""
    try:
        library = import_module("safetensors.numpy")
    except ImportError:
        raise SafetensorsUnavailableError(
            f"a .safetensors needs the extra safetensors: {INSTALL}; a .npz needs nothing"
        ) from None
    arrays = {name: _floats(value) for name, value in values.items()}
    return bytes(library.save(arrays, metadata=file_signatures.METADATA))


def _floats(value: Array) -> Array:
    """The array as a file can hold it: row after row, fractions as float64."""
    array = np.asarray(value, order="C")
    return array.astype(np.float64) if array.dtype == object else array
