"""``backtrace list`` and ``backtrace show``."""

from __future__ import annotations

from collections.abc import Callable

from backtrace.cli.screen import emit, refuse


def print_list() -> None:
    """The networks by shelf, the easy ones first: name, units, what each is for."""
    from backtrace.spec.bundled import SHELVES

    say = _characters()
    rows = [row for shelf in SHELVES.values() for row in shelf]
    width = max(len(row.name) for row in rows)
    size = max(len(say(row.size)) for row in rows)
    for shelf, found in SHELVES.items():
        print(shelf)
        for row in found:
            print(f"  {row.name:{width}}  {say(row.size):{size}}  {say(row.purpose)}")
        print()
    print("`backtrace trace NAME` works one out, `backtrace show NAME` prints its YAML.")


def _characters() -> Callable[[str], str]:
    """What makes a text fit what the terminal can show."""
    from backtrace.cli.screen import Screen

    if Screen.of_stdout().unicode:
        return str
    from backtrace.formats.measure import plain

    return plain


def print_network(name: str) -> None:
    """The YAML text, comments and all; exits with 2 where there is no such network.

    Its first line, by which an editor finds the schema beside it, is left out: a copy of the text
    lies elsewhere.
    """
    from backtrace.spec import bundled
    from backtrace.spec.near_misses import near_miss

    if name not in bundled.names():
        near = near_miss(name, bundled.names())
        meant = f"Did you mean {near}? " if near else ""
        refuse(
            [f"{name}: no bundled network. {meant}There are {', '.join(bundled.names())}."], "E506"
        )
    text = bundled.path(name).read_text(encoding="utf-8")
    emit(text.removeprefix(bundled.EDITORS_LINE).removesuffix("\n"))
