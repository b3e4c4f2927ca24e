"""The handbook: chapters of Markdown beside the package, by topic.

Its contents (``README.md`` there) are the one list of the chapters, in the order of reading.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "handbook"
CONTENTS = "README"
_ENTRY = re.compile(r"^\| \[[\w-]+\]\(([\w-]+)\.md\)", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_BAR = re.compile(r"(?<!\\)\|")
_LINK = re.compile(r"\[([^]]+)\]\([^)]+\)")
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)


def chapter(name: str) -> str:
    """The Markdown of a chapter, or of the contents."""
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def topics() -> list[str]:
    """The names of the chapters, in the order of reading."""
    return _ENTRY.findall(chapter(CONTENTS))


@cache
def sections() -> dict[str, str]:
    """Each heading below a chapter's own, as one types it (``exit-codes``), and its Markdown."""
    found: dict[str, str] = {}
    for name in topics():
        for heading, text in _sections(chapter(name)):
            found.setdefault(topic_of(heading), text)
    return found


def topic_of(words: str) -> str:
    """How a heading is asked for: small letters, digits and hyphens."""
    return "-".join(re.findall(r"[\w]+", words.lower()))


def _sections(text: str) -> list[tuple[str, str]]:
    """A chapter's headings, each with what stands under it and its own subheadings."""
    hidden = _FENCE.sub(lambda match: re.sub(r"^#", " ", match[0], flags=re.MULTILINE), text)
    found = list(_HEADING.finditer(hidden))
    result = []
    for at, heading in enumerate(found):
        level = len(heading[1])
        if level > 1:
            later = (other.start() for other in found[at + 1 :] if len(other[1]) <= level)
            result.append((heading[2], text[heading.start() : next(later, len(text))]))
    return result


def find(topic: str) -> str | None:
    """The Markdown of a chapter or of a section, whichever is called so; None for neither."""
    asked = topic_of(topic)
    if asked in topics():
        return chapter(asked)
    return sections().get(asked)


def speaking_of(word: str) -> list[str]:
    """The sections in which a word stands, as they are asked for, the one that has it most first:
    of what has no heading of its own."""
    found = re.compile(rf"\b{re.escape(word)}\b", re.IGNORECASE)
    times = {name: len(found.findall(text)) for name, text in sections().items()}
    return sorted(filter(times.get, times), key=lambda name: -times[name])


def said_in(section: str) -> dict[str, str]:
    """What the tables of a section say of each name in their first column, in plain words."""
    lines = (find(section) or "").splitlines()
    rows = (_BAR.split(line)[1:-1] for line in lines if line.startswith("|"))
    return {
        name: _LINK.sub(r"\1", said).strip()
        for first, said, *_ in rows
        for name in re.findall(r"`(\w+)", first)
    }
