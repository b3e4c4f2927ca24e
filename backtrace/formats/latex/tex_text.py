r"""A text as TeX shows it, word for word: no command, no character that a font lacks."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from backtrace.formats.latex.scripts import BREAK, LONGEST, foreign, split
from backtrace.page.inert import inert

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#",
    "%": r"\%", "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}",
    "<": "$<$", ">": "$>$", "|": "$|$", '"': "''", "`": r"\textasciigrave{}",
    "[": "{[}", "]": "{]}",
}  # fmt: skip
LETTERS = {
    "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}",
    "Œ": r"\OE{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "ð": "d", "Ð": "D", "þ": "th",
    "Þ": "Th", "đ": "d", "Đ": "D", "ﬁ": "fi", "ﬂ": "fl",
}  # fmt: skip
SIGNS = {
    "–": "--", "—": "---", "‘": "`", "’": "'", "“": "``", "”": "''", "„": ",,", "…": r"\dots{}",
    "\u00a0": "~", "\u2009": " ", "\u202f": "~", "•": r"$\bullet$", "§": r"\S{}", "©": "(c)",
    "·": r"$\cdot$", "×": r"$\times$", "→": r"$\to$", "←": r"$\gets$", "−": "$-$", "±": r"$\pm$",
    "⊙": r"$\odot$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$", "≈": r"$\approx$",
    "∞": r"$\infty$", "∂": r"$\partial$", "Σ": r"$\Sigma$", "′": "$'$", "½": r"$\tfrac{1}{2}$",
    "⋮": r"$\vdots$", "⋯": r"$\cdots$", "«": r"$\ll$", "»": r"$\gg$", "°": r"$^{\circ}$",
    "√": r"$\surd$", "€": "EUR", "£": r"\pounds{}",
}  # fmt: skip
GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ζ": "zeta",
    "η": "eta", "θ": "theta", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "τ": "tau", "φ": "varphi", "χ": "chi", "ψ": "psi",
    "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi",
    "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega", "ℓ": "ell",
}  # fmt: skip
SCRIPTS = {"<sub": "_", "<super": "^"}  # as Unicode says what ₂ and ⁿ are
ACCENTS = {
    "\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0304": r"\=",
    "\u0306": r"\u", "\u0307": r"\.", "\u0308": r"\"", "\u030a": r"\r", "\u030b": r"\H",
    "\u030c": r"\v", "\u0327": r"\c",
}  # fmt: skip
CEDILLA, WITH_CEDILLA = r"\c", "cCsStT"
DOTLESS = {"i": r"\i", "j": r"\j"}
LIGATURES = frozenset(["--", "''", "``", ",,", "?`", "!`", "<<", ">>"])


def escaped(text: str) -> str:
    """``text`` in TeX: in ASCII, but for what is of another script than Latin, which is as it is,
    with the name of its script. A sign that is of none becomes ``?``."""
    runs = split(unicodedata.normalize("NFC", inert(text)))
    return "".join(foreign(script, run) if script else _latin(run) for script, run in runs)


def _latin(text: str) -> str:
    return " ".join(map(_word, text.split(" ")))


def _word(word: str) -> str:
    long = len(word) > LONGEST
    opened, word = ("``", word[1:]) if word.startswith('"') and len(word) > 1 else ("", word)
    return opened + (BREAK.join if long else _beside)(map(_character, word))


def _beside(parts: Iterable[str]) -> str:
    """Characters that stand for themselves, also where TeX makes one of two: ``--``, ``?```."""
    text = ""
    for part in parts:
        text += "{}" * (text[-1:] + part[:1] in LIGATURES) + part
    return text


def _character(character: str) -> str:
    for table in (SPECIAL, LETTERS, SIGNS):
        if character in table:
            return table[character]
    if character.isascii():
        return character
    if character in GREEK:
        return rf"$\{GREEK[character]}$"
    return _script(character) or _accented(character)


def _script(character: str) -> str:
    kind, _, points = unicodedata.decomposition(character).partition("> ")
    if kind not in SCRIPTS:
        return ""
    raised = "".join(chr(int(point, 16)) for point in points.split()).replace("−", "-")
    if not raised.isascii() or not (raised.isalnum() or raised in tuple("()+-=")):
        return ""
    raised = (
        raised if raised.isdecimal() else rf"\mathrm{{{raised}}}" if raised.isalpha() else raised
    )
    return f"${SCRIPTS[kind]}{{{raised}}}$"


def _accented(character: str) -> str:
    """A letter with its accents; the letter alone where TeX has not the accent."""
    base, *marks = list(unicodedata.normalize("NFKD", character))
    if base.isascii() and base.isprintable() and base != character and not marks:
        return _character(base)  # a full-width sign
    if not base.isascii() or not base.isalnum():
        return "?"
    known = [ACCENTS[mark] for mark in marks if mark in ACCENTS]
    odd = known == [CEDILLA] and base not in WITH_CEDILLA
    if len(known) != 1 or odd:  # fonts have a letter with one accent, hardly one with two
        return base
    return f"{known[0]}{{{DOTLESS.get(base, base)}}}"
