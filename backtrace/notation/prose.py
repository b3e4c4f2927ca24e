"""Sentences with symbols in them, taken apart into words and formulas for a typeset page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from backtrace.functions.formula import (
    Absolute,
    Apply,
    Expr,
    Row,
    Sentence,
    Symbol,
    Template,
    Text,
    Value,
)
from backtrace.notation.symbols import Symbols

EXACT = 12  # decimals of the numbers in a sentence: as many as they were written with
NUMBER = r"-?\d+(?:\.\d+)?(?:e-?\d+)?"
SIZE = r"\d+ × \d+"
ENTRY = r"\[\d+,\d+\]"
SIGN = " [=≤≥−] "
AT_A_NUMBER = rf"[A-Za-zσ]+′\({NUMBER}\)"  # ReLU′(0)
ID = re.compile(r"\b(?:[a-zA-Z_]+\d+(?:_new|_old)?)\b")


class Prose:
    """Finds the symbols of ``ids`` in sentences."""

    def __init__(self, symbols: Symbols, ids: Iterable[str]) -> None:
        self.symbols = symbols
        self.ids = {symbols.name(id): id for id in ids}
        named = "|".join(re.escape(name) for name in sorted(self.ids, key=len, reverse=True))
        n = re.escape(symbols.constant("samples"))
        bounded = rf"(?<![\w′∂/^])(?:{named})(?![\w′^₀-₉ⁿᵒᵈ])(?:{ENTRY})?"
        atom = rf"{SIZE}|1/{n}\b|\|e\||{AT_A_NUMBER}|{bounded}|λ"
        self.atom = re.compile(atom)
        self.formula = re.compile(rf"−?(?:{atom})(?:{SIGN}(?:{atom}|{NUMBER}))*")

    def sentence(self, text: str) -> Sentence:
        """``text`` in words and formulas; what stands there as an id gets its symbol."""
        known = set(self.ids.values())
        spoken = ID.sub(
            lambda match: self.symbols.name(match[0]) if match[0] in known else match[0], text
        )
        return tuple(self._parts(spoken))

    def _parts(self, text: str) -> Iterator[str | Expr]:
        at = 0
        for match in self.formula.finditer(text):
            if match.start() > at:
                yield text[at : match.start()]
            yield Row(tuple(self._items(match[0])))
            at = match.end()
        if at < len(text):
            yield text[at:]

    def _items(self, formula: str) -> Iterator[Expr]:
        if formula.startswith("−"):
            yield Text("−")
        for part in re.split(f"({SIGN})", formula.removeprefix("−")):
            if re.fullmatch(NUMBER, part):
                yield Value(float(part))
            elif re.fullmatch(SIGN, part) or re.fullmatch(SIZE, part):
                yield Text(part)
            else:
                yield from self._atom(part)

    def _atom(self, text: str) -> Iterator[Expr]:
        if text == "λ":
            yield Template("{lambda}", "{lambda}", {})
        elif text == "|e|":
            yield Absolute(Symbol("error"))
        elif text.startswith("1/"):
            yield Template("1/{samples}", "1/{samples}", {})
        elif re.fullmatch(AT_A_NUMBER, text):
            name, _, number = text.rstrip(")").partition("(")
            yield Apply(name, Value(float(number)))
        else:
            entry = re.search(f"{ENTRY}$", text)
            name = text[: entry.start()] if entry and text not in self.ids else text
            yield Symbol(self.ids[name])
            if name != text:
                yield Text(text[len(name) :])
