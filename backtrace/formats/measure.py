"""How wide a text is on a terminal, and how to fit it: wrapping, and ASCII-only forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

from backtrace.notation.names import RAISED_DIGITS, SUBSCRIPTS
from backtrace.notation.text import ASCII, to_ascii

# what the table of formulas does not have: signs of a page
PAGE_SIGNS = str.maketrans({
    "⋮": ":", "⋱": "...", "“": '"', "”": '"', "‘": "'", "’": "'", "←": "<-", "∞": "inf", "×": "x",
    "µ": "u", "▼": "down", "▲": "up", "¼": "1/4",
})  # fmt: skip


LAYER_MARK = re.compile(r"\^(?:\(([0-9]+)\)|\[([0-9]+)\])")


def text_width(text: str) -> int:
    """The columns a text takes on a terminal: an East Asian character two, a combining one none."""
    if text.isascii():
        return len(text)
    return sum(map(_character_width, text))


@lru_cache(maxsize=4096)
def _character_width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def padded(text: str, width: int) -> str:
    """``text`` centred in ``width`` columns (a wider text stays as it is)."""
    space = max(0, width - text_width(text))
    return " " * (space // 2) + text + " " * (space - space // 2)


def wrapped(text: str, width: int) -> list[str]:
    """``text`` folded between words into lines of at most ``width`` columns; long words are cut.

    A size such as 2 × 3 stays together.
    """
    kept = text.replace(" × ", "\0×\0").replace(" x ", "\0x\0")
    lines = [""]
    for word in (word.replace("\0", " ") for word in kept.split()):
        candidate = f"{lines[-1]} {word}" if lines[-1] else word
        if text_width(candidate) <= width:
            lines[-1] = candidate
            continue
        pieces = list(pieces_of(word, width))
        lines[-1:] = [lines[-1], *pieces] if lines[-1] else pieces
    return lines


def pieces_of(text: str, width: int) -> Iterator[str]:
    """``text`` cut, wherever it has to be, into pieces of at most ``width`` columns."""
    if text_width(text) <= width:
        yield text
        return
    piece, columns = "", 0
    for character in text:
        step = _character_width(character)
        if piece and columns + step > width:
            yield piece
            piece, columns = "", 0
        piece, columns = piece + character, columns + step
    yield piece


def raised(text: str) -> str:
    """Layers' marks in the characters that a terminal has for them: ``W⁽²⁾``, and ``W₂`` for
    ``W^[2]``, as there are no small square brackets."""
    return LAYER_MARK.sub(_with_small_mark, text)


def _with_small_mark(match: re.Match[str]) -> str:
    round_mark, square_mark = match.groups()
    if square_mark:
        return square_mark.translate(SUBSCRIPTS)
    return f"⁽{round_mark.translate(RAISED_DIGITS)}⁾"


def plain(text: str) -> str:
    """``text`` in ASCII: ``δ₂ = dH₁ ⊙ σ′(z₂)`` becomes ``delta2 = dH1 (.) sigmoid'(z2)``."""
    if text.isascii():
        return text
    return to_ascii("".join(map(_without_accent, text.translate(PAGE_SIGNS))))


def _without_accent(character: str) -> str:
    if character.isascii() or character in ASCII or not character.isalpha():
        return character
    return unicodedata.normalize("NFD", character).encode("ascii", "ignore").decode() or character
