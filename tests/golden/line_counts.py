"""How many lines the trace of every bundled network takes at 60, 80, 100 and 120 columns.

The drawing of a graph below it is not counted: it is there only where it has room.

    python -m tests.golden.line_counts

counts them anew.
"""

from itertools import takewhile
from pathlib import Path

import backtrace
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.page.trace import View
from backtrace.spec import bundled

FILE = Path(__file__).resolve().parent / "lines.tsv"
WIDTHS = (60, 80, 100, 120)


def counted(name):
    """The row of a network: its name and its lines at each of the widths."""
    trace = backtrace.trace(backtrace.load(name))
    return "\t".join([name, *(str(_lines(trace, width)) for width in WIDTHS)])


def _lines(trace, width):
    texts = (
        line
        for page in passages(trace, View(), Layout(width))
        for line in uncoloured(page).split("\n")
    )
    return sum(1 for _ in takewhile(lambda text: not text.startswith("── Graph"), texts))


if __name__ == "__main__":
    FILE.write_text("\n".join(map(counted, bundled.names())) + "\n", encoding="utf-8")
