"""What the quantities of equations may be called: their own names, and gradients as ∂L/∂Q."""

from __future__ import annotations

import re
from collections.abc import Mapping

from backtrace.spec import ids
from backtrace.spec.model import Equations
from backtrace.spec.names import ascii_of, without_marks

_LOSS = ("loss", "cost")
_AFTER_LOSS = ("loss_new", "new_loss")


class EquationNames:
    """The ids of one exercise by what they are called; capitals are told apart.

    ``printed`` is each id with its symbol on the page: ``W_Q_new`` with ``W_Qⁿᵉʷ``.
    """

    def __init__(self, equations: Equations, printed: Mapping[str, str]) -> None:
        self.names = {_key(id): id for id in printed}
        self.printed = {symbol: id for id, symbol in printed.items()}
        self.lower: dict[str, set[str]] = {}
        for key, id in self.names.items():
            self.lower.setdefault(key.lower(), set()).add(id)
        self.bare: dict[str, set[str]] = {}
        for id, symbol in printed.items():
            for name in () if ids.is_part(id) else (id, ascii_of(symbol)):
                for key in (without_marks(name), without_marks(name).lower()):
                    self.bare.setdefault(key, set()).add(id)
        letters = {"L", "J", "E", "C", equations.objective} - {""}
        whole = "|".join(sorted(map(re.escape, letters), key=len, reverse=True))
        self.partial = re.compile(rf"d(?:{whole}|loss)_?/?_?d_?(.+)")
        self.objective = equations.objective

    def id(self, base: str) -> str:
        """The id that is called so, "" for none."""
        spellings = self._spellings(base)
        found = next((self.names[each] for each in spellings if each in self.names), "")
        return found or _only(self.lower, [each.lower() for each in spellings])

    def alike(self, base: str) -> str:
        """The only id that is called so but for its marks or its capitals: ``z1`` is ``z_1``."""
        bare = [without_marks(each) for each in self._spellings(base)]
        return _only(self.bare, bare) or _only(self.bare, [each.lower() for each in bare])

    def _spellings(self, base: str) -> list[str]:
        key = _key(base)
        partial = self.partial.fullmatch(key)
        spellings = [key]
        if partial is not None:
            spellings.append(ids.gradient(partial[1]))
        if key.endswith("_bar"):
            spellings.append(ids.gradient(key.removesuffix("_bar")))
        if key in _LOSS:
            spellings.append(self.objective)
        if key in _AFTER_LOSS or key == ids.updated(self.objective):
            spellings.append("loss_after")
        return spellings


def _only(known: Mapping[str, set[str]], spellings: list[str]) -> str:
    """What the first of these that means one thing alone means, "" where none does."""
    return next((next(iter(known[e])) for e in spellings if len(known.get(e, ())) == 1), "")


def _key(name: str) -> str:
    """A name without the marks that people set between its parts."""
    return re.sub(r"[\s{}()^]+", "", name.replace("∂", "d"))
