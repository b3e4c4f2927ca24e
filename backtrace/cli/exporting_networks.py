"""``backtrace export --to torch`` and the like: the network itself, not its derivation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backtrace.cli.output import STDOUT, Output
from backtrace.cli.screen import reading, refuse, tell
from backtrace.cli.sources import saved_content
from backtrace.formats.registry import (
    NETWORK_FORMATS,
    MissingExtraError,
    NetworkFormat,
    NotExpressibleError,
    is_ours,
)

if TYPE_CHECKING:
    from backtrace.spec.model import Spec


def export_network(
    format: str, source: str, data: Path | None, epochs: int | None, output: str, *, force: bool
) -> None:
    """Loads, renders and writes, also the file beside it; exits with 2 where anything is wrong."""
    row = NETWORK_FORMATS[format]
    file = Output(output, force=force, is_ours=is_ours)
    name = _beside(output, row.beside)
    if not force:
        _check_changed(row, file)
    spec = _loaded(format, source, data, epochs)
    try:
        with reading(source):
            written = row.render(spec, name)
    except MissingExtraError as error:
        refuse([str(error)], "E510")
    except NotExpressibleError as error:
        refuse([f"--to {format}: {error}"], "E511")
    if written.beside is not None:
        Output(name, force=force, is_ours=is_ours).write(written.beside)
        tell(f"{name}: the data and parameters that {output} reads")
    file.write(written.content)


def _check_changed(row: NetworkFormat, file: Output) -> None:
    """What somebody has changed since it was written is not replaced."""
    if file.name == STDOUT or not file.path.is_file() or row.changed is None:
        return
    try:
        changed = row.changed(file.path.read_bytes())
    except OSError as error:
        refuse([f"{file.name}: can't be read ({error.strerror}), so it is left as it is"], "E508")
    if changed:
        refuse([f"{file.name}: changed since backtrace made it; --force replaces it"], "E509")


def _beside(output: str, ending: str) -> str:
    """The name of the file that may stand beside ``output``; empty where none may."""
    if not ending or output == STDOUT:
        return ""
    beside = str(Path(output).with_suffix(ending))
    if beside == output:
        refuse(
            [f"{output}: the name of the file that may stand beside it; take another ending"],
            "E522",
        )
    return beside


def _loaded(format: str, source: str, data: Path | None, epochs: int | None) -> Spec:
    """The spec, which trains ``epochs`` epochs where that is not None."""
    if saved_content(source) is not None:
        name = "<stdin>" if source == "-" else source
        refuse(
            [f"--to {format}: {name} is a saved trace, which has no optimizer; name its spec"],
            "E603",
        )
    from backtrace.tape.loading import load

    with reading(source):
        spec = load(source, data_folder=data)
    if epochs is None:
        return spec
    if spec.optimizer is None:
        still = "the spec has no learning_rate and no optimizer"
        refuse([f"--epochs {epochs}: {still}, so that every epoch would be the same"], "E516")
    return msgspec.structs.replace(spec, epochs=epochs, training_epochs=epochs)
