"""``backtrace export``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from backtrace.cli.output import STDOUT, Output
from backtrace.cli.screen import refuse, useless
from backtrace.formats.registry import (
    ALL_FORMATS,
    ENDINGS,
    FORMATS,
    NETWORK_FORMATS,
    MissingExtraError,
    is_ours,
)
from backtrace.page.selection import Selection


class ExportRequest(msgspec.Struct, frozen=True):
    """What the command line asked for; an option that was not given is None."""

    spec: str
    output: str
    to: str | None
    data: Path | None
    epochs: int | None
    selection: Selection
    detail: Literal["summary", "matrices", "entries"] | None
    explain: bool
    decimals: int | None
    decimal_mark: str | None
    fragment: bool
    force: bool


def export(request: ExportRequest) -> None:
    """Loads, works, renders and writes; exits with 2 where anything of that is wrong."""
    chosen = _format(request)
    _check_options(request, chosen)
    if chosen in NETWORK_FORMATS:
        from backtrace.cli.exporting_networks import export_network

        spec, data, epochs = request.spec, request.data, request.epochs
        export_network(chosen, spec, data, epochs, request.output, force=request.force)
        return
    output = Output(request.output, force=request.force, is_ours=is_ours)
    output.write(_rendered(request, chosen))


def _format(request: ExportRequest) -> str:
    """The name of the format: as --to says, else as the file's ending does."""
    if request.to is not None:
        if request.to not in ALL_FORMATS:
            refuse([f"--to {request.to}: no such format. {_known()}"])
        return request.to
    if request.output == STDOUT:
        refuse([f"-o -: say with --to what to print. {_known()}"])
    ending = Path(request.output).suffix.lower()
    if ending not in ENDINGS:
        refuse([f"{request.output}: no format by its ending; say it with --to. {_known()}"])
    return ENDINGS[ending]


def _known() -> str:
    return f"There are {', '.join(f'{name} ({row.ending})' for name, row in ALL_FORMATS.items())}."


def _check_options(request: ExportRequest, name: str) -> None:
    given = {
        "detail": request.detail is not None,
        "explain": request.explain,
        "decimals": request.decimals is not None,
        "decimal-mark": request.decimal_mark is not None,
        "fragment": request.fragment,
    }
    if name in NETWORK_FORMATS:
        given |= _of_derivations(request)
    heeded = ALL_FORMATS[name].options
    unheeded = {f"--{option}": used for option, used in given.items() if option not in heeded}
    problems = useless(unheeded, "--to", name)
    if problems:
        refuse(problems)


def _of_derivations(request: ExportRequest) -> dict[str, bool]:
    """The options that every format of a derivation heeds."""
    asked = request.selection
    return {
        "only": bool(asked.only),
        "layer": asked.layer is not None,
        "sample": asked.sample is not None,
        "epochs": request.epochs is not None,
    }


def _rendered(request: ExportRequest, name: str) -> bytes:
    from backtrace.cli.sources import worked
    from backtrace.cli.tracing import chosen
    from backtrace.page.trace import View

    trace = worked(request.spec, request.data, request.epochs)
    view = View(
        detail=request.detail or "matrices",
        explain=request.explain,
        selection=chosen(trace, request.selection),
        decimals=request.decimals,
        decimal_mark=request.decimal_mark or ".",
        fragment=request.fragment,
    )
    try:
        return FORMATS[name].render(trace, view)
    except MissingExtraError as error:
        refuse([str(error)])
