"""Letters by their names, and how they and the names of functions are set in LaTeX."""

from __future__ import annotations

import re
from functools import lru_cache

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "zeta": "ζ", "eta": "η",
    "theta": "θ", "iota": "ι", "kappa": "κ", "lambda": "λ", "mu": "μ", "nu": "ν", "xi": "ξ",
    "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ", "phi": "φ", "chi": "χ",
    "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ", "Lambda": "Λ", "Xi": "Ξ",
    "Pi": "Π", "Phi": "Φ", "Psi": "Ψ", "Omega": "Ω",
}  # fmt: skip
ACCENTS = {  # over a letter: in Unicode, in LaTeX
    "hat": ("\N{COMBINING CIRCUMFLEX ACCENT}", r"\hat"),
    "tilde": ("\N{COMBINING TILDE}", r"\tilde"),
    "bar": ("\N{COMBINING MACRON}", r"\bar"),
}
COMMANDS = {letter: rf"\{name}" for name, letter in GREEK.items()} | {
    "ε": r"\varepsilon",
    "φ": r"\varphi",
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
    found = runs(bare) if bare else []
    written = "".join(_run(run, alone=len(found) == 1) for run in found)
    if " " in bare:
        written = rf"\text{{{bare}}}"
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
