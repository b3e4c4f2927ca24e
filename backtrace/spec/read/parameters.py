"""A network's parameters from a file of their own: .npz, .safetensors or another spec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from backtrace.spec import ids
from backtrace.spec.data.request import DataError, DataRequest
from backtrace.spec.document.problems import Problem, SpecError, whole_file
from backtrace.spec.model import Layer, Matrix, Spec
from backtrace.spec.wording import listed

if TYPE_CHECKING:
    from backtrace.spec.data.contents import ArraysFound

BY_NAME = (".npz", ".safetensors")  # endings of files that have arrays by name
MOST_NAMED = 12  # arrays of a file that a message lists


def read_parameters(path: str | Path, spec: Spec) -> dict[str, Matrix]:
    """The parameters (``W1``, ``b1``, …) that a file holds for a network, by id.

    They come in the shapes and the orientation of the spec; where its arithmetic has fractions,
    with the texts (``17/4``) as which the file may have them. Other arrays of the file (an
    optimizer's state) are left alone.
    Raises SpecError with everything that is wrong: a file that can't be read, a parameter that is
    missing, of another shape or not finite.
    """
    file = str(path)
    wanted = parameters(spec)
    found = _arrays(Path(path).expanduser(), file, list(wanted))
    problems: list[Problem] = []
    values: dict[str, Matrix] = {}
    exact = spec.arithmetic.has_fractions
    for id, matrix in wanted.items():
        try:
            values[id] = _fitted(found, id, matrix.shape, exact=exact)
        except DataError as error:
            problems.append(
                Problem(file, 0, 0, error.found, error.expected, error.mend, error.code)
            )
    if problems:
        raise SpecError(problems)
    return values


def with_parameters(spec: Spec, values: Mapping[str, Matrix]) -> Spec:
    """The same spec with these parameters, by id, in the shapes it has them in."""
    equations = spec.equations
    if equations is not None:
        equations = replace(equations, given={**equations.given, **values})
    layers = (_layer(layer, at, values) for at, layer in enumerate(spec.layers, 1))
    return replace(spec, layers=tuple(layers), equations=equations)


def parameters(spec: Spec) -> dict[str, Matrix]:
    """The parameters that a spec gives, by id, in the network's order."""
    found: dict[str, Matrix] = {}
    if spec.equations is not None:
        return {id: spec.equations.given[id] for id in spec.equations.parameters}
    for number, layer in enumerate(spec.layers, 1):
        found[ids.parameter("weight", number)] = layer.weights
        if layer.bias.values is not None:
            found[ids.parameter("bias", number)] = layer.bias.values
        if layer.slope is not None:
            found[ids.parameter("learned_slope", number)] = layer.slope
    return found


def _layer(layer: Layer, number: int, values: Mapping[str, Matrix]) -> Layer:
    weights = values.get(ids.parameter("weight", number), layer.weights)
    bias = values.get(ids.parameter("bias", number), layer.bias.values)
    slope = values.get(ids.parameter("learned_slope", number), layer.slope)
    return replace(layer, weights=weights, bias=replace(layer.bias, values=bias), slope=slope)


# --- what a file has


def _arrays(path: Path, file: str, wanted: list[str]) -> ArraysFound:
    """The arrays of a file by name; of those that are not ``wanted``, perhaps only the names."""
    if "\0" in file:
        raise whole_file(file, "no path", "the path of a file of parameters", code="E301")
    try:
        return _from_file(path, file, wanted)
    except FileNotFoundError:
        raise whole_file(file, "no such file", "a file of parameters", code="E301") from None
    except IsADirectoryError:
        raise whole_file(
            file, "a folder", "a file of parameters", "Name a file in it.", code="E301"
        ) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise whole_file(
            file, f"what can't be read ({reason})", "a file of parameters", code="E302"
        ) from None
    except MemoryError:
        raise whole_file(
            file, "what is too large", "parameters that fit in memory", code="E302"
        ) from None
    except DataError as error:
        raise whole_file(file, error.found, error.expected, error.mend, code=error.code) from None


def _from_file(path: Path, file: str, wanted: list[str]) -> ArraysFound:
    from backtrace.spec.data.contents import read_arrays

    with path.open("rb") as content:
        found = read_arrays(content, wanted)
    if found is not None:
        return found
    ending = path.suffix.lower()
    if ending in BY_NAME:
        what = f"a file that is no {ending} (it does not begin as one)"
        raise whole_file(file, what, "the file as it was written", code="E304")
    return _from_spec(path)


def _from_spec(path: Path) -> ArraysFound:
    """Those that another spec starts from, as ``train --save FILE.yaml`` writes one.

    The texts of the numbers, where a person wrote them, for they are exact.
    """
    from backtrace.spec.document.folders import Folders
    from backtrace.spec.document.reader import read
    from backtrace.spec.document.spec_source import read_source
    from backtrace.spec.read.spec_builder import build

    content, file, folder = read_source(path)
    spec = build(read(content, file), Folders(folder))
    return {
        id: matrix.values if matrix.written is None else np.array(matrix.written)
        for id, matrix in parameters(spec).items()
    }


# --- whether it fits


def _fitted(found: ArraysFound, id: str, shape: tuple[int, int], *, exact: bool) -> Matrix:
    """A parameter in the shape that the spec has for it; a list of numbers lies as that does."""
    from backtrace.spec.data.table import table_of

    array = found.get(id)
    if array is None:
        raise DataError(f"no {id}", f"an array {id} of {_size(shape)}", _named(found), code="E314")
    flat = [size for size in array.shape if size != 1]
    if array.ndim < 2 and flat == [size for size in shape if size != 1]:
        array = array.reshape(shape)
    if array.shape != shape:
        raise _misshapen(id, array.shape, shape)
    try:
        values, written = table_of(array, DataRequest(id)).numbers()
    except DataError as error:
        raise DataError(
            f"{error.found} in {id}", error.expected, error.mend, code=error.code
        ) from None
    return Matrix(values, written if exact else None)


def _misshapen(id: str, found: tuple[int, ...], shape: tuple[int, int]) -> DataError:
    mend = "The file belongs to another network, or the spec has changed since."
    if found == shape[::-1]:
        mend = (
            "It lies transposed: the file has the other layout or orientation of the weights "
            "(`conventions: {layout: …, weights: …}`)."
        )
    return DataError(f"{id} of {_size(found)}", _size(shape), mend, code="E314")


def _size(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a single number"


def _named(found: ArraysFound) -> str:
    names = list(found)
    more = len(names) - MOST_NAMED
    named = [*names[:MOST_NAMED], *([f"{more} more"] if more > 0 else [])]
    return f"It has {listed(named, 'and')}." if named else "It has no arrays at all."
