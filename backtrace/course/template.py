"""An exercise as a template: the text of a spec, and where its numbers stand, to be drawn anew."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from backtrace.spec import ids
from backtrace.spec.document.problems import whole_file
from backtrace.spec.document.reader import Mapping, Node, Scalar, read
from backtrace.spec.document.reader import Sequence as List
from backtrace.spec.numbers import written_number

Kind: TypeAlias = Literal["parameter", "inputs", "targets", "given"]
LEFT_OUT = ("source", "expect")  # of a template: they are of its own numbers
COMMENT = re.compile(r"\s*(?<!\S)#.*$")
OF_A_LAYER: dict[str, Literal["weight", "bias"]] = {"weights": "weight", "bias": "bias"}
OF_SAMPLES: tuple[Literal["inputs", "targets"], ...] = ("inputs", "targets")


class NumberField(msgspec.Struct, frozen=True):
    """A matrix of a template: its id, its numbers where they stand, row after row."""

    id: str
    kind: Kind
    numbers: tuple[Scalar, ...]
    width: int

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(number.text for number in self.numbers)


class Template(msgspec.Struct, frozen=True):
    """A spec's text without what is only of its own numbers, and its matrices."""

    lines: tuple[str, ...]
    fields: tuple[NumberField, ...]

    def written(self, drawn: Sequence[Sequence[str]], title: str) -> str:
        """The text with other numbers, a list of texts for each field, under another title."""
        lines = list(self.lines)
        places = [
            (number.line, number.column, number.length, text)
            for field, texts in zip(self.fields, drawn, strict=True)
            for number, text in zip(field.numbers, texts, strict=True)
        ]
        for line, column, length, text in sorted(places, reverse=True):
            before = lines[line - 1]
            lines[line - 1] = before[: column - 1] + text + before[column - 1 + length :]
        kept = [line for line in lines if line]
        return "\n".join([f"title: {title}", *kept]) + "\n"


def template(content: bytes, file: str) -> Template:
    """The template that a spec is. Raises SpecError where it is none, or has no numbers to draw."""
    document = read(content, file)
    root = document.root
    if not isinstance(root, Mapping):
        raise whole_file(file, "no keys and values", "a spec", code="E110")
    text = content.decode("utf-8-sig")
    lines = [COMMENT.sub("", line) for line in text.splitlines()]
    for first, last in _spans(root, len(lines)):
        lines[first - 1 : last] = [""] * (last - first + 1)
    fields = tuple(_fields(root))
    if not fields:
        raise whole_file(
            file, "a spec without numbers of its own", "one that has some", code="E518"
        )
    return Template(tuple(lines), fields)


def _spans(root: Mapping, last: int) -> Iterator[tuple[int, int]]:
    """The lines, from first to last, of what a fresh exercise does not have."""
    starts = sorted(entry.key.line for entry in root.entries.values())
    for key, entry in root.entries.items():
        if key in ("title", *LEFT_OUT):
            after = [line for line in starts if line > entry.key.line]
            yield entry.key.line, (after[0] - 1 if after else last)


def _fields(root: Mapping) -> Iterator[NumberField]:
    layers = root.entries.get("layers")
    if layers is not None and isinstance(layers.value, List):
        for number, layer in enumerate(layers.value.items, 1):
            entries = layer.entries if isinstance(layer, Mapping) else {}
            for key, role in OF_A_LAYER.items():
                if key in entries:
                    id = ids.parameter(role, number)
                    yield from _field(id, "parameter", entries[key].value)
    for kind in OF_SAMPLES:
        if kind in root.entries:
            yield from _field(ids.id_of(kind), kind, root.entries[kind].value)
    given = root.entries.get("given")
    if given is not None and isinstance(given.value, Mapping):
        stays = set(_names(root, "constants")) - set(_names(root, "parameters"))
        for name, entry in given.value.entries.items():
            yield from _field(name, "given" if name in stays else "parameter", entry.value)


def _names(root: Mapping, key: str) -> Iterator[str]:
    entry = root.entries.get(key)
    if entry is not None and isinstance(entry.value, List):
        yield from (item.text for item in entry.value.items if isinstance(item, Scalar))


def _field(id: str, kind: Kind, node: Node) -> Iterator[NumberField]:
    """The field that a node is, if all in it are plain numbers."""
    rows = list(_rows(node))
    scalars = [scalar for row in rows for scalar in row]
    if scalars and all(written_number(scalar.text) is not None for scalar in scalars):
        yield NumberField(id, kind, tuple(scalars), len(rows[0]))


def _rows(node: Node) -> Iterator[list[Scalar]]:
    if isinstance(node, Scalar):
        yield [node]
    elif isinstance(node, List):
        flat = [item for item in node.items if isinstance(item, Scalar)]
        if len(flat) == len(node.items):
            yield flat
            return
        for item in node.items:
            yield from _rows(item)
