"""Changes in the text of a document that leave all the rest as it was written, comments too."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from backtrace.spec.document.problems import Place
from backtrace.spec.document.reader import Document, Entry, Mapping, Node, Scalar, Sequence

Position: TypeAlias = tuple[int, int]  # of a character: its line and its column, both from 0

BETWEEN = " \t,:"  # what may stand between the last part of a list or a mapping and its bracket
COMMENT = "#"
END_OF_DOCUMENT = "..."


class Change(msgspec.Struct, frozen=True):
    """``text`` in place of what stands from ``start`` up to ``stop``."""

    start: Position
    stop: Position
    text: str


class Rewriting:
    """The changes of one document, made all at once.

    The document must be free of problems, as one is from which a spec was built.
    """

    def __init__(self, document: Document) -> None:
        assert isinstance(document.root, Mapping)
        self.root = document.root
        self.lines = list(document.problems.lines)
        self.changes: list[Change] = []
        self.added: list[str] = []  # lines for the end

    def replace(self, node: Node, text: str) -> None:
        """The text in place of a whole node; the comment behind it stays."""
        self.changes.append(Change(_start(node), self.end(node), text))

    def put(self, key: str, text: str) -> None:
        """The value of a key at the top level, which is added where the document has none."""
        entry = self.root.entries.get(key)
        if entry is not None:
            self.replace_value(entry, text)
        elif self._is_flow(self.root):
            line, column = _start(self.root)
            inside = (line, column + 1)
            self.changes.append(Change(inside, inside, f'"{key}": {text}, '))
        else:
            self.added.append(f"{' ' * (self.root.column - 1)}{key}: {text}")

    def drop(self, key: str) -> None:
        """A key at the top level away, with what is said of it in the lines right above."""
        entries = list(self.root.entries.values())
        at = list(self.root.entries).index(key)
        following = entries[at + 1].key if at + 1 < len(entries) else None
        if not self._is_flow(self.root):
            start, stop = self._commented(entries[at].key), self._before(following)
        elif following is not None:
            start, stop = _start(entries[at].key), _start(following)
        else:
            start = self.end(entries[at - 1].value) if at else _start(entries[at].key)
            stop = self.end(entries[at].value)
        self.changes.append(Change(start, stop, ""))

    def replace_value(self, entry: Entry, text: str) -> None:
        """The value of an entry; where it stood on lines of its own, under its key."""
        node = entry.value
        if isinstance(node, Scalar) and node.empty:
            line, column = self._after_colon(entry.key)
            self.changes.append(Change((line, column), (line, column), f" {text}"))
            return
        under = node.line > entry.key.line and node.column <= entry.key.column
        self.replace(node, f"  {text}" if under else text)

    def column_of(self, node: Node) -> int:
        """The columns before the node, which a text of several lines is indented by."""
        return node.column - 1

    def text(self) -> str:
        """The document with the changes made."""
        lines = list(self.lines)
        for change in sorted(self.changes, key=lambda each: each.start, reverse=True):
            (first, left), (last, right) = change.start, change.stop
            whole = lines[first][:left] + change.text + lines[last][right:]
            lines[first : last + 1] = whole.split("\n")
        while lines and lines[-1].strip() in ("", END_OF_DOCUMENT):
            lines.pop()
        return "\n".join([*lines, *self.added, ""])

    def end(self, node: Node) -> Position:
        """Where a node has ended: behind its bracket, or behind the last of its parts."""
        if isinstance(node, Scalar):
            line, column = _start(node)
            return line, column + (0 if node.empty else node.length)
        parts = _parts(node)
        start = _start(node)
        if not self._is_flow(node):
            return self.end(parts[-1])
        behind = self.end(parts[-1]) if parts else (start[0], start[1] + 1)
        return self._closing(behind)

    def _is_flow(self, node: Node) -> bool:
        """Whether a list or a mapping stands in brackets."""
        line, column = _start(node)
        return self.lines[line][column : column + 1] in ("[", "{")

    def _closing(self, position: Position) -> Position:
        """Behind the next bracket; before it are only spaces, a comma and comments."""
        line, column = position
        while True:
            rest = self.lines[line][column:]
            code = rest.partition(COMMENT)[0] if rest.lstrip(BETWEEN).startswith(COMMENT) else rest
            stripped = code.lstrip(BETWEEN)
            if stripped:
                return line, column + len(code) - len(stripped) + 1
            line, column = line + 1, 0

    def _commented(self, key: Scalar) -> Position:
        """Where the lines of a key begin, with the comments that stand right above it."""
        line = key.line - 1
        while line and self.lines[line - 1].startswith(COMMENT):
            line -= 1
        return line, 0

    def _before(self, key: Scalar | None) -> Position:
        """Where the lines before a key have ended, its own comments not among them."""
        if key is None:
            return len(self.lines) - 1, len(self.lines[-1])
        return self._commented(key)

    def _after_colon(self, key: Scalar) -> Position:
        line, column = self.end(key)
        return line, self.lines[line].index(":", column) + 1


def _start(place: Place) -> Position:
    return place.line - 1, place.column - 1


def _parts(node: Sequence | Mapping) -> list[Node]:
    if isinstance(node, Sequence):
        return node.items
    return [
        entry.key if isinstance(entry.value, Scalar) and entry.value.empty else entry.value
        for entry in node.entries.values()
    ]
