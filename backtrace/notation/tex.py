r"""Reads the small LaTeX in which our symbols and tables of formulas are written, into MathML.

It knows what ``Symbols.latex`` and the templates use: letters, numbers, scripts, primes, hats,
``\frac``, ``\sqrt``, ``\text`` and the commands listed here; anything else is an error.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from backtrace.notation.mathml_tokens import (
    SUM,
    Node,
    accent,
    fraction,
    identifier,
    numeral,
    operator,
    root,
    row,
    scripts,
    upright,
    words,
)

TOKENS = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|[^\s]")
TEXT = re.compile(r"\\text\{([^}]*)\}")
LETTERS = {
    "alpha": "α", "beta": "β", "delta": "δ", "eta": "η", "lambda": "λ", "sigma": "σ",
    "partial": "∂", "varepsilon": "ε", "varphi": "φ", "ell": "ℓ",
}  # fmt: skip
UPRIGHT = {"Delta": "Δ", "Phi": "Φ", "Omega": "Ω", "top": "⊤", "infty": "∞"}
NAMES = ("tanh", "ln", "max", "min", "exp")
OPERATORS = {
    "cdot": "·", "odot": "⊙", "times": "×", "cdots": "⋯", "geq": "≥", "leq": "≤",
    "neq": "≠", "pm": "±", "lvert": "|", "rvert": "|", "lfloor": "⌊", "rfloor": "⌋",
}  # fmt: skip
ACCENTS = {"hat": "^", "tilde": "~"}
HOLE = "\\hole"


def hole(number: int) -> str:
    """What stands in the LaTeX where the given node of this number goes."""
    return f"{HOLE}{{{number}}}"


def read(latex: str, holes: Sequence[Node] = ()) -> list[Node]:
    """The nodes of a formula. Raises ValueError for LaTeX that is none of ours."""
    return _Reader(latex, holes).whole() if holes else list(_read_before(latex))


@lru_cache(maxsize=1024)
def _read_before(latex: str) -> tuple[Node, ...]:
    """A page has the same few symbols in it thousands of times."""
    return tuple(_Reader(latex, ()).whole())


class _Reader:
    """The tokens of one formula, read from left to right."""

    def __init__(self, latex: str, holes: Sequence[Node]) -> None:
        self.texts = TEXT.findall(latex)
        self.tokens = TOKENS.findall(TEXT.sub(r"\\text ", latex))[::-1]
        self.holes = holes

    def whole(self) -> list[Node]:
        nodes = self.run()
        if self.tokens:
            raise ValueError(f"a bracket too many before {self.tokens[-1]!r}")
        return nodes

    def run(self) -> list[Node]:
        nodes: list[Node] = []
        while self.tokens and self.tokens[-1] != "}":
            nodes.append(self.scripted())
        return nodes

    def scripted(self) -> Node:
        base, below, above = self.atom(), None, []
        while self.tokens and self.tokens[-1] in "_^'":
            mark = self.tokens.pop()
            if mark == "_":
                below = self.atom()
            else:
                above.append(Node("<mo>′</mo>") if mark == "'" else self.atom())
        return scripts(base, below, row(above) if above else None)

    def atom(self) -> Node:
        token = self.tokens.pop()
        if token == "{":  # noqa: S105 - not a password
            inner = self.run()
            self.tokens.pop()
            return row(inner)
        if token.startswith("\\"):
            return self.command(token[1:])
        if token[0].isdigit():
            return numeral(token)
        if token.isalpha():
            return identifier(token)
        return operator(token.replace("-", "−"))

    def command(self, name: str) -> Node:
        if name in LETTERS:
            return identifier(LETTERS[name])
        if name in UPRIGHT:
            return upright(UPRIGHT[name])
        if name in NAMES:
            return identifier(name)
        if name == "sum":
            return SUM
        if name in OPERATORS:
            return operator(OPERATORS[name])
        if name in ACCENTS:
            return accent(self.atom(), ACCENTS[name])
        if name in ("frac", "tfrac"):
            return fraction(self.atom(), self.atom())
        if name == "sqrt":
            return root(self.atom())
        if name == "text":
            return words(self.texts.pop(0))
        if name == "mathrm":
            return self.name()
        if name == "hole":
            return self.holes[int(self.name_text())]
        raise ValueError(f"\\{name} is none of the commands that are known")

    def name(self) -> Node:
        text = self.name_text()
        return upright(text) if len(text) == 1 else identifier(text)

    def name_text(self) -> str:
        """The text of a group of plain letters or digits."""
        text = ""
        self.tokens.pop()
        while self.tokens[-1] != "}":
            text += self.tokens.pop()
        self.tokens.pop()
        return text
