"""Lines of spans → one coloured text of rich; without colour the same lines as plain text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from backtrace.formats.terminal.boxes import Line

if TYPE_CHECKING:
    from rich.text import Text


STYLES: dict[str, str] = {
    "computed": "cyan",
    "gradient": "magenta",
    "updated": "green",
    "given.name": "bold",
    "computed.name": "bold cyan",
    "gradient.name": "bold magenta",
    "updated.name": "bold green",
    "right": "green",
    "rounded": "green",
    "carried": "cyan",
    "wrong": "bold red",
    "malformed": "red",
    "unsupported": "yellow",
    "imprecise": "yellow",
    "missing": "yellow",
    "best": "bold green",
    "diverged": "bold red",
    "doubt": "yellow",
    "taken": "bold cyan",
    "training": "cyan",
    "held out": "magenta",
    "bar": "cyan",
    "message": "bold",
    "caret": "bold red",
    "mend": "green",
    "title": "bold",
    "heading": "bold",
    "mistake": "bold",
    "code": "bold",
    "why": "italic",
    "note": "yellow",
    "number": "dim",
    "bracket": "dim",
    "dims": "dim",
    "rule": "dim",
    "axis": "dim",
    "fact": "dim",
    "place": "dim",
    "label": "dim",
}
"""The tones of blocks, and the parts of what a terminal draws, as rich's styles."""


def coloured(lines: Iterable[Line], styles: Mapping[str, str]) -> Text:
    """``lines`` with the style of each span's role; nothing in them is taken for markup."""
    from rich.text import Text

    whole = Text(no_wrap=True, overflow="ignore")
    for number, line in enumerate(lines):
        whole.append("\n" if number else "")
        for part, role in line:
            whole.append(part, styles.get(role))
    return whole


def uncoloured(lines: Iterable[Line]) -> str:
    """The same lines as plain text; rich is not loaded for it."""
    return "\n".join("".join(part for part, _ in line).rstrip() for line in lines)
