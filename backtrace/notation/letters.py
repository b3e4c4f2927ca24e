"""How letters and the names of functions are set in LaTeX: δ is a command, ReLU is upright."""

from __future__ import annotations

import re
from functools import lru_cache

COMMANDS = {
    "α": r"\alpha",
    "β": r"\beta",
    "γ": r"\gamma",
    "δ": r"\delta",
    "ε": r"\varepsilon",
    "η": r"\eta",
    "λ": r"\lambda",
    "μ": r"\mu",
    "ν": r"\nu",
    "ρ": r"\rho",
    "σ": r"\sigma",
    "φ": r"\varphi",
    "ψ": r"\psi",
    "Π": r"\Pi",
    "Φ": r"\Phi",
    "Ω": r"\Omega",
    "ℓ": r"\ell",
    "ŷ": r"\hat{y}",
    "Ŷ": r"\hat{Y}",
    "tanh": r"\tanh",
    "ln": r"\ln",
    "max": r"\max",
    "min": r"\min",
}
HAT = "\N{COMBINING CIRCUMFLEX ACCENT}"
RUNS = re.compile(f"[A-Za-z_]+(?!{HAT})|.{HAT}?")


@lru_cache(maxsize=256)
def latex_letter(name: str) -> str:
    """A letter, or the name of a function with its primes: ``\\sigma'``, ``\\mathrm{ReLU}``."""
    bare = name.rstrip("′")
    found = runs(bare)
    written = "".join(_run(run, alone=len(found) == 1) for run in found)
    return written + "'" * (len(name) - len(bare))


def runs(name: str) -> list[str]:
    """A name taken apart into Latin words and letters of other alphabets: h and σ of hσ."""
    return [name] if name in COMMANDS or not name else RUNS.findall(name)


def _run(text: str, *, alone: bool) -> str:
    if text in COMMANDS:
        return COMMANDS[text]
    if text.endswith(HAT):
        return rf"\hat {text[:-1]}"
    return text if alone and len(text) == 1 else rf"\mathrm{{{text}}}"
