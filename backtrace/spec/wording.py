"""What messages are made of: texts as they are quoted, counts, lists of words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath


def printable(text: str) -> str:
    """``text`` on one line, tabs as spaces, and whatever could steer a terminal as ``�``."""
    return "".join(c if c.isprintable() else " " if c in "\t\n\r" else "�" for c in text)


def shortened(text: str, limit: int) -> str:
    """``text`` on one line of at most ``limit`` characters."""
    return printable(text if len(text) <= limit else text[: limit - 1] + "…")


def cited(text: str, limit: int = 40) -> str:
    """``text`` as a message shows it: between quotes, on one line, shortened."""
    return f'"{shortened(text, limit)}"'


def title_of(file: str) -> str:
    """The name of a file as a title, without its ending; what is no text in it is a question
    mark. Nothing of ``<stdin>``."""
    stem = "" if file.startswith("<") else PurePath(file).stem
    return stem.encode(errors="replace").decode()


def count(number: int, singular: str, plural: str = "") -> str:
    """``1 row``, ``2 rows``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def listed(words: Sequence[str], last: str = "or") -> str:
    """``a, b or c``."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {last} {words[-1]}"
