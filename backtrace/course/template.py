"""An exercise as a template: the text of a spec, and where its numbers stand, to be drawn anew."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Literal, TypeAlias

import msgspec

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec import ids
from backtrace.spec.document.problems import whole_file
from backtrace.spec.document.reader import Mapping, Node, Scalar, read
from backtrace.spec.document.reader import Sequence as List
from backtrace.spec.numbers import written_number

Kind: TypeAlias = Literal["parameter", "inputs", "targets", "classes", "given"]
LEFT_OUT = ("source", "expect")  # of a template: they are of its own numbers
PLAIN = re.compile(r"[^\W\d_][\w ,.()-]*")
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
        return "\n".join([title_line(title), *kept]) + "\n"


def title_line(title: str) -> str:
    """A title as a line of YAML, in quotes where it has any sign that might mean something."""
    return f"title: {title if PLAIN.fullmatch(title) else quoted(title)}"


def quoted(text: str) -> str:
    """A text in double quotes, as YAML and JSON have it: what is no letter is escaped."""
    written = json.dumps(text, ensure_ascii=False)
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in written)


def template(content: bytes, file: str, ask: Sequence[str] = ()) -> Template:
    """The template that a spec is; ``ask`` is what is asked of it in place of its own.

    Raises SpecError where it is none, or has no numbers to draw.
    """
    document = read(content, file)
    root = document.root
    if not isinstance(root, Mapping):
        raise whole_file(file, "no keys and values", "a spec", code="E110")
    text = content.decode("utf-8-sig")
    lines = [COMMENT.sub("", line) for line in text.splitlines()]
    left_out = ("title", *LEFT_OUT, *(["ask"] if ask else []))
    for first, last in _spans(root, len(lines), left_out):
        lines[first - 1 : last] = [""] * (last - first + 1)
    if ask:
        lines.append(f"ask: [{', '.join(map(quoted, ask))}]")
    fields = tuple(_fields(root))
    if not fields:
        raise whole_file(
            file, "a spec without numbers of its own", "one that has some", code="E518"
        )
    return Template(tuple(lines), fields)


def _spans(root: Mapping, last: int, left_out: Collection[str]) -> Iterator[tuple[int, int]]:
    """The lines, from first to last, of what a fresh exercise does not have."""
    starts = sorted(entry.key.line for entry in root.entries.values())
    for key, entry in root.entries.items():
        if key in left_out:
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
    kinds: dict[str, Kind] = {"inputs": "inputs", "targets": _kind_of_targets(root)}
    for each in OF_SAMPLES:
        if each in root.entries:
            yield from _field(ids.id_of(each), kinds[each], root.entries[each].value)
    given = root.entries.get("given")
    if given is not None and isinstance(given.value, Mapping):
        stays = set(_names(root, "constants")) - set(_names(root, "parameters"))
        for name, entry in given.value.entries.items():
            yield from _field(name, "given" if name in stays else "parameter", entry.value)


def _kind_of_targets(root: Mapping) -> Kind:
    """``classes`` where the loss takes nothing else, or the outputs lie between 0 and 1."""
    layers = root.entries.get("layers")
    last = layers.value.items[-1:] if layers is not None and isinstance(layers.value, List) else ()
    loss = LOSSES.get(_name_in(root, "loss"))
    units = [ACTIVATIONS.get(_name_in(layer, "activation")) for layer in last]
    of_classes = loss is not None and loss.targets not in ("any", "none")
    between = any(row is not None and min(row.range) >= 0 and max(row.range) <= 1 for row in units)
    return "classes" if of_classes or between else "targets"


def _name_in(node: Node, key: str) -> str:
    """The name of a function: ``loss: mse`` or ``loss: {name: mse}``."""
    entry = node.entries.get(key) if isinstance(node, Mapping) else None
    if entry is not None and isinstance(entry.value, Mapping):
        return _name_in(entry.value, "name")
    return entry.value.text if entry is not None and isinstance(entry.value, Scalar) else ""


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
