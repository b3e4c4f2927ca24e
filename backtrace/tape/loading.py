"""A spec from a file or a text, with the ids that it names held against its tape."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backtrace.spec.model import Spec
    from backtrace.spec.read.quantities.quantity_ids import Shapes


def load(source: str | Path, *, data_folder: str | Path | None = None) -> Spec:
    """The spec in a file, of a bundled network (``mlp-math``), or from the standard input (``-``).

    ``data_folder`` is where the files of inputs and targets are looked for, instead of beside the
    spec. Raises SpecError, with all problems at once, for whatever is wrong with the spec, its
    files, or the name.
    """
    from backtrace.spec.document.spec_source import read_source

    content, file, folder = read_source(source)
    return _build(content, file, folder, data_folder)


def loads(
    text: str | bytes,
    name: str = "<text>",
    *,
    folder: str | Path = ".",
    data_folder: str | Path | None = None,
    seed: int | None = None,
) -> Spec:
    """The spec in a text; ``name`` is what messages call it, ``folder`` where its files lie.

    ``seed``, from 0 to 2³² − 1, stands for that of the text. Raises SpecError as ``load`` does.
    """
    return _build(text, name, Path(folder), data_folder, seed)


def _build(
    content: str | bytes,
    file: str,
    folder: Path,
    data_folder: str | Path | None,
    seed: int | None = None,
) -> Spec:
    from backtrace.spec.document.folders import Folders
    from backtrace.spec.document.reader import read
    from backtrace.spec.read.spec_builder import build

    data = None if data_folder is None else Path(data_folder)
    document = read(content, file)
    if seed is not None:
        document.reseed(seed)
    return build(document, Folders(folder, data), _shapes)


def _shapes(spec: Spec, batch: int) -> Shapes | None:
    """The shapes of a batch's quantities by id, whatever the arithmetic; None where none fit."""
    from msgspec.structs import replace

    from backtrace.spec.model import Arithmetic
    from backtrace.tape.compile import compile_update
    from backtrace.tape.writer import TapeError

    in_floats = replace(spec, arithmetic=Arithmetic())
    try:
        steps = compile_update(in_floats, spec.batch_samples(batch))
    except TapeError:
        return None
    return {step.id: step.shape for step in steps}
