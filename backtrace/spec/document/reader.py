"""YAML text → a tree of nodes that know their position and their written text, within limits.

Nothing is resolved (``no`` stays the text ``no``, ``012`` stays ``012``) and nothing can be
multiplied: aliases, tags and several documents are refused, sizes are bounded. JSON is YAML, so
it is read as well.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

import msgspec

from backtrace.spec.document.problems import Place, Problems, whole_file
from backtrace.spec.wording import cited, count

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # those of YAML 1.1, so that marks agree
_BRACKET = re.compile(r"""[\[\]{}]|"(?:\\.|[^"\\])*"|'[^']*'""")
# What YAML does not take, also the halves of a character that no encoding can write.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")

_ESCAPED_BYTES = range(0xDC80, 0xDD00)  # as Python decodes bytes that are not UTF-8


class Limits(msgspec.Struct, frozen=True):
    """Bounds on a document; what goes beyond is refused before anything is built from it."""

    bytes: int = 4_000_000
    depth: int = 32
    nodes: int = 500_000


class Scalar(Place):
    """A text, a name or a number, as written; ``quoted`` says whether it stood in quotes."""

    text: str = ""
    quoted: bool = False

    @property
    def empty(self) -> bool:
        """Nothing was written, as after ``bias:`` at the end of a line."""
        return not self.text and not self.quoted

    @property
    def null(self) -> bool:
        """``null`` or ``~``: nothing, said so."""
        return not self.quoted and self.text in ("~", "null", "Null", "NULL")


class Sequence(Place):
    """A list."""

    items: list[Node] = []


class Entry(msgspec.Struct):
    key: Scalar
    value: Node


class Mapping(Place):
    """Keys and values; ``entries`` is keyed by the written text of the keys."""

    entries: dict[str, Entry] = {}


Node: TypeAlias = Scalar | Sequence | Mapping


class YamlDocument(msgspec.Struct):
    """A document that could be read; ``problems`` may already hold its repeated keys."""

    root: Node
    problems: Problems

    def reseed(self, seed: int) -> None:
        """Has the document say ``seed: …``, whatever it said before."""
        if isinstance(self.root, Mapping):
            place = self.root.line, self.root.column
            self.root.entries["seed"] = Entry(
                Scalar(*place, 1, "seed"), Scalar(*place, 1, str(seed))
            )


def read(source: bytes | str, file: str, limits: Limits | None = None) -> YamlDocument:
    """The tree of a YAML or JSON text; ``file`` is the name used in messages.

    Raises SpecError where the text can't be decoded, isn't YAML, is beyond the limits, or uses
    aliases, anchors, tags, several documents or keys that aren't words. Repeated keys are noted
    in the document's problems, the first one counts.
    """
    limits = limits or Limits()
    text = _decode(source, file, limits)
    problems = Problems(file, _LINE_BREAK.split(text))
    _check_characters(text, problems)
    builder = _Builder(problems, limits)
    _parse(text, builder)
    if builder.refused:
        problems.raise_any()
    if builder.root is None:
        expected = "keys and values, such as `layers:`"
        problems.refuse(Place(1, 1), "an empty document", expected, code="E103")
    return YamlDocument(builder.root, problems)


def kind(node: Node) -> str:
    """What a message calls the node."""
    if isinstance(node, Scalar):
        return "nothing" if node.empty else cited(node.text)
    if isinstance(node, Sequence):
        return "a list" if node.items else "an empty list"
    return "a mapping of keys to values"


class _Builder:
    """Puts the parser's events together, refusing what no spec needs."""

    def __init__(self, problems: Problems, limits: Limits) -> None:
        self.problems = problems
        self.limits = limits
        self.root: Node | None = None
        self.refused = False
        self.documents = 0
        self.nodes = 0
        self.open: list[Sequence | Mapping] = []
        self.keys: list[Scalar | None] = []  # of each open mapping, the key that waits for a value

    def take(self, event: Any, name: str) -> bool:
        """Use one event; False when the rest need not be read."""
        if name == "ScalarEvent":
            self._scalar(event)
        elif name in ("SequenceStartEvent", "MappingStartEvent"):
            self._begin(event, name)
        elif name in ("SequenceEndEvent", "MappingEndEvent"):
            self.open.pop()
            self.keys.pop()
        elif name == "AliasEvent":
            self._alias(event)
        elif name == "DocumentStartEvent":
            self.documents += 1
            return self.documents == 1 or self._second_document(event)
        return True

    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark, event.end_mark
        length = end.column - start.column if end.line == start.line else 1
        quoted = event.style in ("'", '"', "|", ">")
        node = Scalar(start.line + 1, start.column + 1, length, event.value, quoted)
        self._refuse_marks(node, event)
        self._place(node)

    def _begin(self, event: Any, name: str) -> None:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        node: Sequence | Mapping
        if name == "SequenceStartEvent":
            node = Sequence(line, column, 1, [])
        else:
            node = Mapping(line, column, 1, {})
        self._refuse_marks(node, event)
        self._place(node)
        self.open.append(node)
        self.keys.append(None)
        self._check_depth(len(self.open), node)

    def look_ahead(self, stop: Any) -> None:
        """Check the depth of the brackets up to the mark ``stop``, of which no event came.

        The parser reads on from a bracket to see whether a colon makes a key of it.
        """
        depth, start = len(self.open), self.open[-1] if self.open else Place(1, 0)
        lines = self.problems.lines[start.line - 1 : stop.line + 1]
        for number, line in enumerate(lines, start.line):
            first = start.column if number == start.line else 0
            last = stop.column if number == stop.line + 1 else len(line)
            for match in _BRACKET.finditer(line, first, last):
                depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(match[0], 0)
                self._check_depth(depth, Place(number, match.start() + 1))

    def _check_depth(self, depth: int, place: Place) -> None:
        if depth > self.limits.depth:
            self.problems.refuse(
                place,
                f"brackets or lists more than {self.limits.depth} deep",
                "a matrix, which is two deep",
                "Look for brackets that were opened and not closed.",
                code="E106",
            )

    def _place(self, node: Node) -> None:
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self.problems.refuse(
                node,
                f"more than {self.limits.nodes} values",
                "a document of a size that people write",
                "Put large data into a file: `inputs: {file: data.npy}`.",
                code="E106",
            )
        if not self.open:
            self.root = node
        elif isinstance(parent := self.open[-1], Sequence):
            parent.items.append(node)
        elif (key := self.keys[-1]) is None:
            self.keys[-1] = self._key(node)
        else:
            self._enter(parent, key, node)
            self.keys[-1] = None

    def _key(self, node: Node) -> Scalar:
        if isinstance(node, Scalar):
            return node
        self._unsupported(node, f"{kind(node)} as a key", "", "a word, such as `weights`")
        return Scalar(node.line, node.column)

    def _enter(self, mapping: Mapping, key: Scalar, node: Node) -> None:
        first = mapping.entries.get(key.text)
        if first is None:
            mapping.entries[key.text] = Entry(key, node)
            return
        if self._begins_again(mapping, first.key):
            self._begin_again(key, node)
            return
        self.problems.add(
            key,
            f"{cited(key.text)} a second time (the first is at {first.key.line}:"
            f"{first.key.column})",
            "every key once",
            f"Remove line {first.key.line} or line {key.line}, or rename one of the keys.",
            code="E107",
        )

    def _begins_again(self, mapping: Mapping, key: Scalar) -> bool:
        """Whether it is the first key of an entry of a list of lines: a dash may be forgotten."""
        listed = len(self.open) > 1 and isinstance(self.open[-2], Sequence)
        return listed and key.line == mapping.line and key.column == mapping.column

    def _begin_again(self, key: Scalar, node: Node) -> None:
        """Goes on in a new entry of the list."""
        self.problems.add(
            key,
            f"{cited(key.text)} a second time in an entry of a list",
            "every key once",
            f"Put a dash before it if a new entry begins here: `- {key.text}: …`.",
            code="E107",
        )
        entries, above = (
            Mapping(key.line, key.column, 1, {key.text: Entry(key, node)}),
            self.open[-2],
        )
        assert isinstance(above, Sequence)
        above.items.append(entries)
        self.open[-1] = entries

    def _refuse_marks(self, node: Node, event: Any) -> None:
        """Anchors and tags: the one makes small files enormous, the other runs code."""
        if event.anchor is not None:
            mend = (
                "Write the value out wherever it is used. A text that begins with & needs quotes."
            )
            self._unsupported(node, f"the anchor {cited('&' + event.anchor)}", mend)
        if event.tag is not None:
            mend = "Remove the tag. A text that begins with ! needs quotes."
            self._unsupported(node, f"the tag {cited(event.tag)}", mend)

    def _alias(self, event: Any) -> None:
        node = Scalar(event.start_mark.line + 1, event.start_mark.column + 1)
        mend = "Write the value out. A text that begins with * needs quotes."
        self._unsupported(node, f"the alias {cited('*' + event.anchor)}", mend)
        self._place(node)

    def _second_document(self, event: Any) -> bool:
        place = Place(event.start_mark.line + 1, event.start_mark.column + 1, 3)
        mend = "Remove the `---`, or put the rest into a file of its own."
        self._unsupported(place, "the start of a second document", mend, "one document a file")
        return False

    def _unsupported(
        self, place: Place, found: str, mend: str, expected: str = "plain values"
    ) -> None:
        self.refused = True
        self.problems.add(place, found, expected, mend, code="E102")


def _parse(text: str, builder: _Builder) -> None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    names: dict[type, str] = {}
    try:
        for event in yaml.parse(text, loader):
            cls = type(event)
            if not builder.take(event, names.get(cls) or names.setdefault(cls, cls.__name__)):
                return
    except yaml.MarkedYAMLError as error:
        from backtrace.spec.document.yaml_errors import explain

        builder.look_ahead(error.problem_mark)
        unclosed = builder.open[-1] if builder.open else None
        scanning = isinstance(error, yaml.scanner.ScannerError)
        explain(error, builder.problems, unclosed, scanning=scanning)


def _decode(source: bytes | str, file: str, limits: Limits) -> str:
    """The text without its byte order mark."""
    if len(source) > limits.bytes:
        raise whole_file(
            file,
            count(len(source), "byte"),
            f"at most {limits.bytes}",
            "Put large data into a file of its own: `inputs: {file: data.npy}`.",
            code="E106",
        )
    if isinstance(source, str):
        return source.removeprefix("\ufeff")
    if source[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return source.decode("utf-16", "replace")
    return source.decode("utf-8-sig", "surrogateescape")


def _check_characters(text: str, problems: Problems) -> None:
    """Refuse a text with what YAML does not take, or with a byte that stands for no character."""
    control = _CONTROL.search(text)
    if control is None:
        return
    before = _LINE_BREAK.split(text[: control.start()])
    place, number = Place(len(before), len(before[-1]) + 1), ord(control[0])
    if number in _ESCAPED_BYTES:
        problems.refuse(
            place,
            f"the byte 0x{number % 0x100:02X}, which is not UTF-8",
            "a text in UTF-8",
            "Save the file as UTF-8 (the editor probably wrote it in an older encoding).",
            code="E104",
        )
    problems.refuse(
        place,
        f"the control character U+{number:04X}",
        "a plain text",
        "Delete it; it is invisible in most editors. A file that is full of them is not a spec.",
        code="E105",
    )
