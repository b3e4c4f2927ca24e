"""``backtrace list`` and ``backtrace show``."""

from __future__ import annotations

import sys

from backtrace.cli.screen import refuse


def print_list() -> None:
    """A line a network: its name and its title."""
    from backtrace.spec import bundled

    names = bundled.names()
    width = max(map(len, names))
    for name in names:
        print(f"{name:{width}}  {bundled.title(name)}")


def print_network(name: str) -> None:
    """The YAML text as it ships, comments and all; exits with 2 where there is no such network."""
    from backtrace.spec import bundled
    from backtrace.spec.near_misses import near_miss

    if name not in bundled.names():
        near = near_miss(name, bundled.names())
        meant = f"Did you mean {near}? " if near else ""
        refuse([f"{name}: no bundled network. {meant}There are {', '.join(bundled.names())}."])
    sys.stdout.write(bundled.path(name).read_text(encoding="utf-8"))
