"""An option whose value may be left out, ``--resume [FILE]``, which Typer has no word for."""

from __future__ import annotations

from collections.abc import Sequence


def filled(arguments: Sequence[str], option: str) -> list[str]:
    """The arguments with an empty value for the option where it has none."""
    return [
        f"{option}=" if argument == option and not _has_value(arguments, at) else argument
        for at, argument in enumerate(arguments)
    ]


def without(arguments: Sequence[str], option: str) -> list[str]:
    """The arguments without the option and its value."""
    left: list[str] = []
    value_follows = False
    for at, argument in enumerate(arguments):
        if argument == option:
            value_follows = _has_value(arguments, at)
        elif value_follows or argument.startswith(f"{option}="):
            value_follows = False
        else:
            left.append(argument)
    return left


def _has_value(arguments: Sequence[str], at: int) -> bool:
    """Whether anything but an option follows."""
    following = arguments[at + 1 : at + 2]
    return bool(following) and not following[0].startswith("-")
