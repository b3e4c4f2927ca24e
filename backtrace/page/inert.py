"""A stranger's text with nothing in it that a terminal or a reader would obey."""

from __future__ import annotations


def inert(text: str) -> str:
    """``text`` with control characters, escapes and changes of direction shown, not obeyed."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c == " " else _visible(c) for c in text)


def _visible(character: str) -> str:
    if character in "\n\r\t":
        return " "
    code = ord(character)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
