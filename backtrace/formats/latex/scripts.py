r"""Texts of other scripts than Latin, and the fonts they are set in: by lualatex, from the system.

``\foreign{Hebrew}{...}`` is set in the first of a few fonts that is there. Where there is none, and
by pdflatex, a word in its place says what is missing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from itertools import groupby

SERIF = ("Libertinus Serif", "FreeSerif", "Noto Serif", "DejaVu Serif", "Times New Roman")
FONTS = {
    "Greek": SERIF,
    "Cyrillic": SERIF,
    "Hebrew": ("FreeSerif", "Noto Serif Hebrew", "DejaVu Sans", "Times New Roman"),
    "Arabic": ("Amiri", "Noto Naskh Arabic", "DejaVu Sans", "Times New Roman"),
    "Chinese": ("Noto Serif CJK SC", "Noto Sans CJK SC", "FandolSong", "SimSun", "Songti SC"),
    "Japanese": ("Noto Serif CJK JP", "Noto Sans CJK JP", "HaranoAjiMincho", "MS Mincho"),
    "Korean": ("Noto Serif CJK KR", "Noto Sans CJK KR", "UnBatang", "Batang", "AppleMyungjo"),
}
LACKS = "backtrace: no font for "  # what TeX is to write into its log, and the script
OTHERS = ("FreeSerif", "Noto Serif", "DejaVu Sans", "Arial Unicode MS")
SYSTEM_FONTS = (
    r"\usepackage{fontspec}",
    r"\renewcommand{\foreign}[2]{\ifcsname font:#1\endcsname{\csname font:#1\endcsname #2}%",
    r"  \else[no font for #1]\fi}",
    r"\newcommand{\fontfor}[3]{\ifcsname font:#1\endcsname\else\IfFontExistsTF{#2}{%",
    r"  \expandafter\newfontfamily\csname tried:#1#2\endcsname{#2}%",
    r"  {\csname tried:#1#2\endcsname \iffontchar\font#3\relax \global\expandafter\let",
    r"  \csname font:#1\expandafter\endcsname\csname tried:#1#2\endcsname\fi}}{}\fi}",
)
NAMES = {"Cjk": "Chinese", "Hiragana": "Japanese", "Katakana": "Japanese", "Hangul": "Korean"}
OF_LATIN = frozenset(["", "Latin", "Combining", "Modifier"])
WIDE = "Wide"  # signs of no script by themselves: what stands among Chinese words has its width
WITHOUT_SPACES = frozenset(["Chinese", "Japanese", "Thai", "Lao", "Khmer"])  # between words
LONGEST = 24  # letters that may stand together; a longer word may be broken anywhere
BREAK = r"\hspace{0pt}"
FROM_THE_RIGHT = frozenset(["Hebrew", "Arabic", "Syriac", "Thaana"])


def split(text: str) -> Iterator[tuple[str, str]]:
    """A text in runs of one script each, "" for Latin, digits and signs.

    A Greek letter by itself is a symbol. What stands between two words of a script belongs to it,
    a full-width comma to the words before it.
    """
    runs = [(script, "".join(run)) for script, run in groupby(text, key=_script)]
    for at, (script, run) in enumerate(runs):
        if script == WIDE:
            runs[at] = (runs[at - 1][0] if at else "") or "Chinese", run
    runs = [("" if (script, len(run)) == ("Greek", 1) else script, run) for script, run in runs]
    for at in range(1, len(runs) - 1):
        if runs[at][1] == " " and runs[at - 1][0] == runs[at + 1][0]:
            runs[at] = (runs[at - 1][0], " ")
    for script, several in groupby(runs, key=lambda each: each[0]):
        yield script, "".join(run for _, run in several)


def _script(character: str) -> str:
    """The script of a letter, by its name in Unicode: ``CYRILLIC SMALL LETTER A``."""
    base = unicodedata.normalize("NFKD", character)[0]
    if _is_wide_sign(character):
        return WIDE
    if base.isascii() or unicodedata.category(base)[0] not in "LM":
        return ""
    first = unicodedata.name(base, "").partition(" ")[0].partition("-")[0].title()
    return "" if first in OF_LATIN else NAMES.get(first, first)


def _is_wide_sign(character: str) -> bool:
    wide = unicodedata.east_asian_width(character) in "WF"
    return wide and unicodedata.category(character)[0] == "P"


def foreign(script: str, text: str) -> str:
    """A run of letters; nothing in it means anything to TeX."""
    direction = r"\textdir TRT " if script in FROM_THE_RIGHT else ""
    words = " ".join(
        _broken(word) if script in WITHOUT_SPACES or len(word) > LONGEST else word
        for word in text.split(" ")
    )
    return rf"\foreign{{{script}}}{{{direction}{words}}}"


def _broken(word: str) -> str:
    """A word that may be broken anywhere but before a comma or a full stop."""
    signs = (character if _is_wide_sign(character) else BREAK + character for character in word)
    return "".join(signs).removeprefix(BREAK)


def definitions(letters: Mapping[str, str], *, fragment: bool) -> Iterator[str]:
    r"""What a document needs for ``\foreign``, by script one of the letters that its font must
    have; to a fragment the document's own fonts are left."""
    if not letters:
        return
    yield r"\providecommand{\foreign}[2]{[#1: to be set by lualatex]}"
    yield r"\ifdefined\directlua"
    if fragment:
        yield rf"\renewcommand{{\foreign}}[2]{{{{#2}}}} % by fonts that have {', '.join(letters)}"
    else:
        yield from SYSTEM_FONTS
        for script, letter in letters.items():
            yield from _font_for(script, letter)
        yield r"\else"
        yield from (_lacking(script) for script in letters)
    yield r"\fi"


def _font_for(script: str, letter: str) -> Iterator[str]:
    for font in FONTS.get(script, OTHERS):
        yield rf'\fontfor{{{script}}}{{{font}}}{{"{ord(letter):04X}}}'
    yield rf"\ifcsname font:{script}\endcsname\else{_lacking(script)}\fi"


def _lacking(script: str) -> str:
    return rf"\typeout{{{LACKS}{script}}}"
