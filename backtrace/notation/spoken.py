"""Symbols in words, as they are read aloud: ``W, layer 1``; ``gradient of L by W, layer 1``."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.functions.formula import Ref
from backtrace.notation.letters import GREEK, HAT
from backtrace.notation.names import Name
from backtrace.notation.symbols import Symbols

LETTERS = {letter: name for name, letter in GREEK.items()} | {
    "ŷ": "y hat",
    "Ŷ": "Y hat",
    "ℓ": "l",
    "′": " prime",
    HAT: " hat",
}
TAGS = {"new": "new", "old": "old", "data": "of the data", "clip": "clipped"}


def spoken(ref: Ref, symbols: Symbols) -> str:
    """The name of a quantity as it stands in an equation."""
    words = in_words(symbols.parts(ref.id), symbols.objective)
    if ref.omit:
        words += " without the bias"
    return f"{words}, transposed" if ref.transposed else words


def in_words(name: Name, objective: Name) -> str:
    """``objective`` is what is differentiated: the L of ∂L/∂z."""
    if name.factors:
        return " times ".join(
            in_words(factor, objective) + (" transposed" if transposed else "")
            for factor, transposed in name.factors
        )
    return ", ".join(_phrases(name, objective))


def _phrases(name: Name, objective: Name) -> Iterator[str]:
    """The letter and what belongs to it, then whose it is."""
    before = {"": "", "d": "d", "Δ": "Delta ", "∂": f"gradient of {_letter(objective)} by "}
    yield " ".join([before[name.before] + _letter(name), *map(_letters, name.below)])
    if name.of is not None:
        yield f"of {in_words(name.of, objective)}"
    if name.argument is not None:
        yield f"at {in_words(name.argument, objective)}"
    if name.layer is not None:
        yield f"layer {name.layer}"
    if name.tag:
        yield TAGS[name.tag]
    if name.part:
        yield f"part {name.part}"
    if name.way is not None:
        yield f"by way of {in_words(name.way, objective)}"
    if name.piece:
        yield f"share {name.piece}"


def _letter(name: Name) -> str:
    return " ".join([_letters(name.letter), *name.accents])


def _letters(text: str) -> str:
    return "".join(LETTERS.get(letter, letter) for letter in text)
