"""A spec that goes on from where a training has ended: what it said, with the trained numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import msgspec

from backtrace.formats import file_signatures
from backtrace.functions.array import Array
from backtrace.notation.numbers import significant
from backtrace.spec.document import reader
from backtrace.spec.document.reader import Entry, Node, Scalar, Sequence
from backtrace.spec.document.writer import write
from backtrace.spec.model import Spec
from backtrace.spec.numbers import LONGEST
from backtrace.spec.wording import count
from backtrace.tape.compile import parameters
from backtrace.tape.training import Record, State

HEADER = (
    "{mark}{title} after {epochs}{loss}.\n"
    "# The optimizer begins anew from here; an .npz has its state as well.\n\n"
)
OUTDATED = "expect"  # what is said of the numbers it began with
MOST_NUMBERS = 2000  # in a text that is still for people


class UnwritableError(ValueError):
    """Numbers that no spec can hold; says which."""


class Origin(msgspec.Struct, frozen=True):
    """The text a training was read from, and how it was to be read otherwise than it says.

    ``path`` gives the path of a data file, as the text has it, from where the new text will lie.
    ``said`` has the values of keys (``updates``, ``learning_rate``) chosen outside the text.
    """

    document: reader.YamlDocument
    path: Callable[[str], str]
    said: Mapping[str, str] = {}


def trained_spec(spec: Spec, state: State, record: Record | None, origin: Origin) -> str:
    """The spec with the parameters of ``state`` in place of those it began with.

    ``record`` is what is known of that epoch; the tree of ``origin`` is changed.

    Raises UnwritableError for numbers that are not finite, or fractions that are too long.
    """
    root = origin.document.root
    assert isinstance(root, reader.Mapping)
    _put_parameters(root, spec, state)
    for file in _files(root):
        file.text = origin.path(file.text)
    root.entries.pop(OUTDATED, None)
    for key, text in origin.said.items():
        _put_key(root, key, reader.read(text, key).root)
    return _header(spec, state, record) + write(root)


def numbers_of(spec: Spec) -> int:
    """How many weights and biases the text has to hold."""
    return sum(matrix.values.size for _, matrix in parameters(spec))


def is_ours(start: bytes) -> bool:
    """Whether a file that begins with these bytes was written here."""
    return start.startswith(file_signatures.SPEC.encode())


def _header(spec: Spec, state: State, record: Record | None) -> str:
    loss = "" if record is None else f", loss {significant(record.training.loss)}"
    epochs = count(state.epoch, "epoch")
    title = " ".join(spec.title.split()) or "a network"
    return HEADER.format(mark=file_signatures.SPEC, title=title, epochs=epochs, loss=loss)


def _put_parameters(root: reader.Mapping, spec: Spec, state: State) -> None:
    values = iter(state.parameters(spec).items())  # layer by layer, the weights first
    layers = root.entries["layers"].value
    assert isinstance(layers, Sequence)
    for layer, node in zip(spec.layers, layers.items, strict=True):
        assert isinstance(node, reader.Mapping)
        node.entries["weights"].value = _rows(*next(values))
        if layer.bias.values is None:
            continue
        place = node.entries["bias"]
        if layer.bias.kind in ("shared", "threshold"):
            assert isinstance(place.value, reader.Mapping)
            place = place.value.entries[layer.bias.kind]
        place.value = _short(_rows(*next(values)))


def _put_key(root: reader.Mapping, key: str, value: Node) -> None:
    """A key at the top level; the rate of an optimizer stands in there."""
    optimizer = root.entries.get("optimizer") if key == "learning_rate" else None
    inside = None if optimizer is None else optimizer.value
    keys = inside if isinstance(inside, reader.Mapping) and key in inside.entries else root
    keys.entries[key] = Entry(_scalar(key), value)


def _files(root: reader.Mapping) -> Iterator[Scalar]:
    """The paths of the files of data; those of weights have given way to numbers."""
    for name in ("inputs", "targets", "validation"):
        value = root.entries[name].value if name in root.entries else None
        if isinstance(value, reader.Mapping):
            if name == "validation":
                yield from _files(value)
            elif "file" in value.entries and isinstance(value.entries["file"].value, Scalar):
                yield value.entries["file"].value


def _rows(id: str, value: Array) -> Sequence:
    rows = [
        [_scalar(_text(f"{id}[{i},{j}]", entry)) for j, entry in enumerate(row, 1)]
        for i, row in enumerate(value, 1)
    ]
    return _list([_list(row) for row in rows])


def _short(rows: Sequence) -> Node:
    """A bias as one writes it: a number, a list for a row."""
    if len(rows.items) > 1:
        return rows
    row = rows.items[0]
    assert isinstance(row, Sequence)
    return row if len(row.items) > 1 else row.items[0]


def _text(name: str, value: Any) -> str:
    """The shortest text that reads back as the same number; ``17/3`` for a fraction."""
    text = str(value) if isinstance(value, Fraction) else repr(float(value))
    if len(text) > LONGEST:
        found = f"{name} has {len(text)} characters"
        raise UnwritableError(f"{found}, and a number in a spec at most {LONGEST}")
    if text in ("inf", "-inf", "nan"):
        raise UnwritableError(f"{name} is {text}, which no spec can begin with")
    return text


def _scalar(text: str) -> Scalar:
    return Scalar(0, 0, len(text), text)


def _list(items: list[Any]) -> Sequence:
    return Sequence(0, 0, 1, items)
