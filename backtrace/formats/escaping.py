"""A stranger's text made harmless where it is not only read: Markdown, HTML, spreadsheets."""

from __future__ import annotations

import re

from backtrace.page.inert import inert

MARKUP = {character: f"\\{character}" for character in "\\`*_[]|~"}
HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
# GitHub looks for these in the finished text (formulas, mentions, links to issues); an element
# around them keeps them from what stands beside them.
LATE = {character: f"<span>{character}</span>" for character in "$@#"}
ESCAPES = str.maketrans(MARKUP | HTML | LATE)
ADDRESS = re.compile(r":(?=\S)|(?<=\bwww)\.", re.IGNORECASE)  # also :emoji:
BLOCK_SIGN = re.compile(r"^(\s*)([-+=](?![\d.])|\d+(?=[.)](?:\s|$)))")
FORMULA = re.compile("^[\\s'\"]*[=+\\-@|%＝＋－＠\t\r\n]")


def markdown(text: str) -> str:
    """``text`` as Markdown shows it, word for word: no markup, link, mention, formula or HTML."""
    text = inert(text).translate(ESCAPES)
    text = ADDRESS.sub(lambda match: _entities(match[0]), text)
    return BLOCK_SIGN.sub(lambda match: match[1] + _entities(match[2]), text)


def _entities(text: str) -> str:
    return "".join(f"&#{ord(character)};" for character in text)


def spreadsheet(text: str) -> str:
    """``text`` for a cell of words: what a spreadsheet would take for a formula is quoted.

    Only for words: a number such as -0.5 has no need of it and would be spoilt.
    """
    text = inert(text)
    return f"'{text}" if FORMULA.match(text) else text
