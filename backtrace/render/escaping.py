"""A stranger's text made harmless where it is not only read: Markdown, HTML, spreadsheets."""

from __future__ import annotations

import re

from backtrace.render.measure import inert

# As entities these are plain characters to every Markdown parser, in tables too.
MARKUP = "\\`*_{}[]()<>&|~^\"'!:="
# GitHub looks for these in the finished text; an element around them keeps them apart.
LATE = "$@#"
ENTITIES = str.maketrans(
    {character: f"&#{ord(character)};" for character in MARKUP}
    | {character: f"<span>&#{ord(character)};</span>" for character in LATE}
)
WEB_ADDRESS = re.compile(r"\bwww\.", re.IGNORECASE)
LIST_SIGN = re.compile(r"^(\s*)([-+]|\d+(?=[.)]))")
FORMULA = re.compile("^[\\s'\"]*[=+\\-@|%＝＋－＠\t\r\n]")


def markdown(text: str) -> str:
    """``text`` as Markdown shows it, word for word: no markup, link, mention, formula or HTML."""
    text = inert(text).translate(ENTITIES)
    text = WEB_ADDRESS.sub(lambda match: match[0][:-1] + "&#46;", text)
    return LIST_SIGN.sub(lambda match: match[1] + _entities(match[2]), text)


def _entities(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


def spreadsheet(text: str) -> str:
    """``text`` for a cell of words: what a spreadsheet would take for a formula is quoted.

    Only for words: a number such as -0.5 has no need of it and would be spoilt.
    """
    text = inert(text)
    return f"'{text}" if FORMULA.match(text) else text
