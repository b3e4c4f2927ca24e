"""A symbol taken apart: its letter, what stands over, below and above it, and whose it is."""

from __future__ import annotations

import msgspec

from backtrace.notation.letters import ACCENTS, latex_letter

DIGITS, SMALL_DIGITS = "0123456789", "₀₁₂₃₄₅₆₇₈₉"
SUBSCRIPTS = str.maketrans(DIGITS, SMALL_DIGITS)
RAISED_DIGITS = str.maketrans(DIGITS, "⁰¹²³⁴⁵⁶⁷⁸⁹")
SMALL_LETTERS = str.maketrans("aehijklmnoprstuvxβγρφχ", "ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ")
SMALL_TAGS = {"new": "ⁿᵉʷ", "old": "ᵒˡᵈ", "data": "ᵈᵃᵗᵃ", "clip": "ᶜˡⁱᵖ"}


class Name(msgspec.Struct, frozen=True):
    """The parts of one symbol: ``before`` (d, Δ, ∂L/∂), the letter, its layer and a tag (new)."""

    letter: str
    layer: int | None = None
    before: str = ""  # "", "d", "Δ" or "∂"
    tag: str = ""
    below: tuple[str, ...] = ()  # whatever the layers' mark: the 1 of β₁, the hh of W_hh
    accents: tuple[str, ...] = ()  # "hat", "tilde", "bar", the lowest first
    part: int = 0  # of a compound line, which: S⁽¹⁾
    way: Name | None = None  # of a gradient, the share that comes by a line: dX^(Q)
    piece: int = 0  # of such a share, which
    of: Name | None = None  # the state of a parameter: v_W₂
    factors: tuple[tuple[Name, bool], ...] = ()  # a product: its factors, transposed or not
    argument: Name | None = None  # a function of a quantity: σ′(z₂)
    index: tuple[int, ...] = ()  # an entry of it: W₁[2,1]

    @property
    def entry_mark(self) -> str:
        """Behind the symbol of an entry: [2,1], or nothing."""
        return f"[{','.join(map(str, self.index))}]" if self.index else ""


def accented(name: Name) -> str:
    """The letter with what stands over it; a word has it over each of its letters."""
    marks = "".join(ACCENTS[accent][0] for accent in name.accents)
    return "".join(letter + marks for letter in name.letter) if marks else name.letter


def latex_with_accents(name: Name) -> tuple[str, Name]:
    """The letter with its accents, and the name without what has been said with it.

    An index goes into braces that end there: Markdown takes ``}_{`` for the start of emphasis.
    """
    letter = latex_letter(name.letter)
    for accent in ("", *name.accents):
        letter = _latex_accented(letter, accent) if accent else letter
        if name.below and letter.endswith("}"):
            letter = f"{letter[:-1]}_{_latex_subscript(name.below)}}}"
            name = msgspec.structs.replace(name, below=())
    return letter, name


def _latex_accented(letter: str, accent: str) -> str:
    command = ACCENTS[accent][1]
    if letter.endswith("}"):
        return rf"\overline{{{letter}}}"
    return f"{command}{{{letter}}}" if " " in letter else f"{command} {letter}"


def index_below(below: tuple[str, ...]) -> str:
    """₁, ₕₕ, or after a sign where there are no such letters: _Q, _1,2."""
    text = ",".join(below)
    small = text.translate(SUBSCRIPTS).translate(SMALL_LETTERS)
    raised = set(SUBSCRIPTS.values()) | set(SMALL_LETTERS.values())
    return small if all(ord(letter) in raised for letter in small) else f"_{text}"


def _latex_subscript(below: tuple[str, ...]) -> str:
    return f"{{{', '.join(each if each.isdigit() else latex_letter(each) for each in below)}}}"
