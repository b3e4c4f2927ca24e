"""The bytes of one answers file → a tree of written texts, within limits; JSON and YAML alike."""

from __future__ import annotations

import re
from typing import Any, Final

from backtrace.spec.document.problems import SpecError
from backtrace.spec.document.reader import (
    Entry,
    Limits,
    Mapping,
    Node,
    Scalar,
    Sequence,
    YamlDocument,
    read,
)
from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.wording import cited, count, shortened

LIMITS = Limits(bytes=1_000_000, depth=16, nodes=100_000)
EMPTY: Final = "E103"
REPEATED_KEY: Final = "E107"
OF_SPECS = (EMPTY, "E105", "E106")  # nothing in it, a control character, too large
"""Problems that are mended otherwise in an answers file than in a spec."""
LONGEST_NAME = 200
"""Characters of a student's name."""

# A `?` on its own is no value to YAML, or a key of nothing, but it is what people write for "I
# don't know".
_BARE_QUESTION_MARK = re.compile(rb"([\[,]\s*)\?(?=\s*[,\]])|(:[ \t]+)\?(?=[ \t]*(?:\r|\n|#|$))")


class AnswersError(Exception):
    """An answers file that can't be read.

    ``reason``, on one line, begins with FILE:LINE:COLUMN and ends with the number of the error.
    """

    def __init__(self, file: str, reason: str, code: ErrorCode) -> None:
        self.file = file
        self.reason = f"{reason} [{code}]"
        super().__init__(self.reason)


def read_sheet(content: bytes, file: str, first_line: int = 1) -> Node:
    """The tree of a YAML or JSON text of at most 1 MB; ``first_line`` is its first line's number.

    Raises AnswersError, also where a key comes twice: nobody can tell which is meant.
    """
    if len(content) > LIMITS.bytes:
        raise too_large(file, len(content), LIMITS.bytes)
    if not content.strip():
        raise AnswersError(file, f"{inert(file)}: found nothing; expected answers", EMPTY)
    if content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        root = _json(content, file)
        if root is not None:
            return root
    return _yaml(content, file, first_line)


def too_large(file: str, size: int, limit: int) -> AnswersError:
    """The error for a file of ``size`` bytes where at most ``limit`` are read."""
    found = count(size, "byte")
    return AnswersError(
        file, f"{inert(file)}: found {found}; expected at most {limit} bytes", "E106"
    )


def inert(text: str) -> str:
    """A stranger's text on one line, of bounded length, that steers no terminal.

    Control characters become ``�``; what is invisible (zero width, reversal of direction) goes.
    """
    if len(text) <= LONGEST_NAME and text.isascii() and text.isprintable():
        return " ".join(text.split())
    import unicodedata

    text = unicodedata.normalize("NFC", text[: 4 * LONGEST_NAME])
    visible = (c for c in text if unicodedata.category(c) != "Cf")
    return shortened(" ".join("".join(visible).split()), LONGEST_NAME)


# JSON


def _json(content: bytes, file: str) -> Node | None:
    """The tree of a JSON text, or None where it is none: then YAML's reader says why.

    JSON is YAML but for escaped surrogate pairs and tabs, and read five times as fast this way.
    """
    from json import loads

    repeated: list[str] = []

    def mapping(pairs: list[tuple[str, Any]]) -> Mapping:
        entries: dict[str, Entry] = {}
        for key, value in pairs:
            if key in entries:
                repeated.append(cited(key))
            else:
                entries[key] = Entry(Scalar(0, 0, 1, key, True), _json_node(value))
        return Mapping(0, 0, 1, entries)

    try:
        # int and float keep their text; a true would otherwise pass for a 1
        root = loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=mapping,
            parse_float=_plain,
            parse_int=_plain,
            parse_constant=_plain,
        )
    except (ValueError, RecursionError):
        return None
    if repeated:
        reason = f"found {repeated[0]} a second time; expected every key once"
        raise AnswersError(file, f"{inert(file)}: {reason}", REPEATED_KEY)
    return root if _within_limits(root) else None


def _plain(text: str) -> Scalar:
    return Scalar(0, 0, 1, text)


def _json_node(value: Any) -> Node:
    if isinstance(value, list):
        return Sequence(0, 0, 1, [_json_node(item) for item in value])
    if isinstance(value, str):
        return Scalar(0, 0, 1, value, True)
    if value is None or isinstance(value, bool):
        return Scalar(0, 0, 1, {None: "null", True: "true", False: "false"}[value])
    assert isinstance(value, Scalar | Mapping)
    return value


def _within_limits(root: Node) -> bool:
    level, nodes = [root], 0
    for _ in range(LIMITS.depth + 1):
        nodes += len(level)
        level = [child for node in level for child in _children(node)]
        if not level:
            return nodes <= LIMITS.nodes
    return False


def _children(node: Node) -> list[Node]:
    if isinstance(node, Sequence):
        return node.items
    return [entry.value for entry in node.entries.values()] if isinstance(node, Mapping) else []


# YAML


def _yaml(content: bytes, file: str, first_line: int) -> Node:
    try:
        document = _read(content, file)
    except SpecError as error:
        raise _unreadable(error, file, first_line) from None
    if document.problems.found:
        raise _unreadable(SpecError(document.problems.found), file, first_line)
    return document.root


def _read(content: bytes, file: str) -> YamlDocument:
    return read(_BARE_QUESTION_MARK.sub(rb"\1\2_", content), file, LIMITS)


def _unreadable(error: SpecError, file: str, first_line: int) -> AnswersError:
    # What can't be read is said before a key that comes twice.
    problem = min(error.problems, key=lambda each: each.code == REPEATED_KEY)
    line = f":{problem.line + first_line - 1}:{problem.column}" if problem.line else ""
    mend = "" if problem.code in OF_SPECS else f". {problem.mend}"
    expected = "answers" if problem.code == EMPTY else problem.expected
    more = len(error.problems) - 1
    rest = f" ({count(more, 'more problem')})" if more else ""
    reason = f"found {problem.found}; expected {expected}{mend}{rest}"
    return AnswersError(file, f"{inert(file)}{line}: {reason}", problem.code)
