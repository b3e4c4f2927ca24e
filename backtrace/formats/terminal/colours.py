"""Lines of spans → one coloured text of rich; without colour the same lines as plain text.

Nobody knows on what ground a terminal writes: no colour of a letter is read as well on black as on
white. So a coloured word brings its ground with it, and everything else has the text's own colour;
only lines and bars that are drawn are coloured themselves. All are of the 256 colours that nearly
every terminal has.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from backtrace.formats.terminal.boxes import Line
from backtrace.page.inert import inert

if TYPE_CHECKING:
    from rich.text import Text

BLUE, ORANGE = "#ffffff on #005fd7", "#000000 on #d75f00"  # forward, backward
GREEN, RED, YELLOW = "#ffffff on #008700", "#ffffff on #d70000", "#000000 on #ffd700"
DRAWN_BLUE, DRAWN_ORANGE = "#0087d7", "#d75f00"

STYLES: dict[str, str] = {
    "computed.number": BLUE,
    "gradient.number": ORANGE,
    "updated.number": GREEN,
    "computed.heading": f"bold {BLUE}",
    "gradient.heading": f"bold {ORANGE}",
    "updated.heading": f"bold {GREEN}",
    "right": GREEN,
    "rounded": GREEN,
    "carried": BLUE,
    "wrong": RED,
    "malformed": RED,
    "unsupported": YELLOW,
    "imprecise": YELLOW,
    "missing": YELLOW,
    "best": GREEN,
    "diverged": RED,
    "doubt": YELLOW,
    "taken": BLUE,
    "training": DRAWN_BLUE,
    "held out": DRAWN_ORANGE,
    "bar": DRAWN_BLUE,
    "share": DRAWN_ORANGE,
    "computed.name": BLUE,
    "gradient.name": ORANGE,
    "updated.name": GREEN,
    "caret": RED,
    "mend": GREEN,
    "message": "bold",
    "title": "bold",
    "heading": "bold",
    "result": "bold",
    "mistake": "bold",
    "code": "bold",
    "why": "italic",
    "aside": "italic",
    "rule": "dim",
    "axis": "dim",
    "number": "dim",  # of an error
}
"""The tones of blocks, and the parts of what a terminal draws, as rich's styles."""


def coloured(lines: Iterable[Line], styles: Mapping[str, str]) -> Text:
    """``lines`` with the style of each span's role; nothing in them is taken for markup, nor for
    an order to the terminal."""
    from rich.text import Text

    whole = Text(no_wrap=True, overflow="ignore")
    for number, line in enumerate(lines):
        whole.append("\n" if number else "")
        for part, role in line:
            shown = inert(part)
            if role.endswith(".name"):  # its ground is no wider than it
                name = shown.strip()
                before, shown, after = shown.partition(name) if name else (shown, "", "")
                whole.append(before)
                whole.append(shown, styles.get(role))
                whole.append(after)
            else:
                whole.append(shown, styles.get(role))
    return whole


def uncoloured(lines: Iterable[Line]) -> str:
    """The same lines as plain text; rich is not loaded for it."""
    return "\n".join(inert("".join(part for part, _ in line).rstrip()) for line in lines)
