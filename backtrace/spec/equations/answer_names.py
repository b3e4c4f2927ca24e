"""What the quantities of equations may be called: their own names, and gradients as ∂L/∂Q."""

from __future__ import annotations

import re
from collections.abc import Iterable

from backtrace.spec import ids
from backtrace.spec.model import Equations

_LOSS = ("loss", "cost")
_AFTER_LOSS = ("loss_new", "new_loss")


class EquationNames:
    """The ids of one exercise by what they are called; capitals are told apart."""

    def __init__(self, equations: Equations, names: Iterable[str]) -> None:
        self.names = {_key(id): id for id in names}
        self.lower: dict[str, set[str]] = {}
        for key, id in self.names.items():
            self.lower.setdefault(key.lower(), set()).add(id)
        letters = {"L", "J", "E", "C", equations.objective} - {""}
        whole = "|".join(sorted(map(re.escape, letters), key=len, reverse=True))
        self.partial = re.compile(rf"d(?:{whole}|loss)_?/?_?d_?(.+)")
        self.objective = equations.objective

    def id(self, base: str) -> str:
        """The id that is called so, "" for none."""
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
        found = next((self.names[each] for each in spellings if each in self.names), "")
        return found or self._whatever_case(spellings)

    def _whatever_case(self, spellings: list[str]) -> str:
        for each in spellings:
            alike = self.lower.get(each.lower(), set())
            if len(alike) == 1:
                return next(iter(alike))
        return ""


def _key(name: str) -> str:
    """A name without the marks that people set between its parts."""
    return re.sub(r"[\s{}()^]+", "", name.replace("∂", "d"))
