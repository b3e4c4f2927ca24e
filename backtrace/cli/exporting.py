"""``backtrace export``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from backtrace.cli.exporting_networks import export_network
from backtrace.cli.output import STDOUT, Output
from backtrace.cli.screen import refuse, tell, useless
from backtrace.cli.sources import worked
from backtrace.cli.tracing import chosen
from backtrace.formats.registry import (
    ALL_FORMATS,
    ENDINGS,
    FORMATS,
    NETWORK_FORMATS,
    MissingExtraError,
    is_ours,
)
from backtrace.page.selection import updates
from backtrace.page.trace import View
from backtrace.spec.wording import count

OF_DERIVATIONS = frozenset(["only", "layer", "sample", "epochs"])  # options all of them heed


def export(
    form: str, source: str, data: Path | None, view: View, output: str, *, force: bool
) -> None:
    """Loads, works, renders and writes; exits with 2 where anything of that is wrong."""
    epochs = view.selection.epochs
    if form in NETWORK_FORMATS:
        export_network(form, source, data, epochs, output, force=force)
        return
    file = Output(output, force=force, is_ours=is_ours)
    trace = worked(source, data, epochs)
    view = msgspec.structs.replace(view, selection=chosen(trace, view.selection))
    try:
        file.write(FORMATS[form].render(trace, view))
    except MissingExtraError as error:
        refuse([str(error)], error.code)
    left_out = updates(trace, view.selection)[1] if "explain" in FORMATS[form].options else 0
    if left_out:
        every = trace.updates[-1][0]
        tell(f"{count(left_out, 'update')} left out; --epochs {every} writes all of them")


def format_of(output: str, to: str | None) -> str:
    """The name of the format: as --to says, else as the file's ending does."""
    if to is not None:
        if to not in ALL_FORMATS:
            refuse([f"--to {to}: no such format. {_known(to)}"], "E507")
        return to
    if output == STDOUT:
        refuse([f"-o -: say with --to what to print. {_known('')}"], "E507")
    ending = Path(output).suffix.lower()
    if ending not in ENDINGS:
        unnamed = f"{output}: no format by its ending; say it with --to"
        refuse([f"{unnamed}. {_known(ending.lstrip('.'))}"], "E507")
    return ENDINGS[ending]


def _known(asked: str) -> str:
    way = "Write a .tex and run pdflatex on it; `backtrace worksheet --to pdf` prints a key. "
    known = ", ".join(f"{name} ({row.ending})" for name, row in ALL_FORMATS.items())
    return f"{way if asked == 'pdf' else ''}There are {known}."


def check_options(given: Mapping[str, bool], form: str) -> None:
    """Refuses options, each with whether it was given, that a format does not heed."""
    heeded = ALL_FORMATS[form].options | (OF_DERIVATIONS if form in FORMATS else frozenset())
    unheeded = {f"--{option}": used for option, used in given.items() if option not in heeded}
    problems = useless(unheeded, "--to", form)
    if problems:
        refuse(problems, "E504")
