"""``backtrace list`` and ``backtrace show``."""

from __future__ import annotations

import sys

from backtrace.cli.screen import reading


def print_list() -> None:
    """A line a network: its name and its title."""
    from backtrace.spec import bundled

    names = bundled.names()
    width = max(map(len, names))
    for name in names:
        print(f"{name:{width}}  {bundled.title(name)}")


def print_network(name: str) -> None:
    """The YAML text as it ships, comments and all."""
    from backtrace.spec import bundled

    with reading():
        text = bundled.path(name).read_text(encoding="utf-8")
    sys.stdout.write(text)
