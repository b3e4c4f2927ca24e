"""A spec that goes on from where a training has ended: its own text with the trained numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from backtrace.formats import file_signatures
from backtrace.functions.array import Array
from backtrace.notation.numbers import significant
from backtrace.spec.document.problems import count
from backtrace.spec.document.reader import Document, Entry, Node, Scalar, Sequence
from backtrace.spec.document.reader import Mapping as Keys
from backtrace.spec.document.rewriting import Rewriting
from backtrace.spec.model import Bias, Spec
from backtrace.spec.numbers import LONGEST
from backtrace.tape.training import Record, State

HEADER = (
    "{mark}{title} after {epochs}{loss}.\n"
    "# The optimizer begins anew from here; an .npz has its state as well.\n\n"
)
OUTDATED = {"expect"}  # what is said of the numbers it began with
MOST_NUMBERS = 2000  # in a text that is still for people
WIDTH = 100  # columns of a matrix on one line
MOST_DECIMALS = 12  # of a fraction that is written as a decimal
PLAIN = re.compile(r"[A-Za-z0-9_./][\w./+@-]*", re.ASCII)  # what needs no quotes


class UnwritableError(ValueError):
    """Numbers that no spec can hold; says which."""


class Written(msgspec.Struct, frozen=True):
    """The text a training was read from, and how it was to be read otherwise than it says.

    ``path`` gives the path of a data file, as the text has it, from where the new text will lie.
    ``said`` has the values of keys (``updates``, ``learning_rate``) chosen outside the text.
    """

    document: Document
    path: Callable[[str], str]
    said: Mapping[str, str] = {}


def trained_spec(spec: Spec, state: State, record: Record | None, written: Written) -> str:
    """The text of the spec with the parameters of ``state`` in place of those it began with.

    ``record`` is what is known of that epoch.

    Raises UnwritableError for numbers that are not finite, or fractions that are too long.
    """
    text = Rewriting(written.document)
    layers = text.root.entries["layers"].value
    assert isinstance(layers, Sequence)
    values = {id: _texts(id, v) for id, v in state.parameters(spec).items()}
    for number, (layer, node) in enumerate(zip(spec.layers, layers.items, strict=True), 1):
        assert isinstance(node, Keys)
        _put(text, node.entries["weights"], values[f"W{number}"])
        if layer.bias.values is not None:
            _put(text, _bias_entry(layer.bias, node.entries["bias"]), values[f"b{number}"])
    for file in _files(text.root):
        path = written.path(file.text)
        if path != file.text:
            text.replace(file, _quoted(path))
    for key in OUTDATED & set(text.root.entries):
        text.drop(key)
    for key, value in written.said.items():
        _put_key(text, key, value)
    return _header(spec, state, record) + _without_header(text.text())


def numbers_of(spec: Spec) -> int:
    """How many weights and biases the text has to hold."""
    biases = (layer.bias.values for layer in spec.layers)
    matrices = [*(layer.weights for layer in spec.layers), *filter(None, biases)]
    return sum(matrix.values.size for matrix in matrices)


def is_ours(start: bytes) -> bool:
    """Whether a file that begins with these bytes was written here."""
    return start.startswith(file_signatures.SPEC.encode())


def _header(spec: Spec, state: State, record: Record | None) -> str:
    loss = "" if record is None else f", loss {significant(record.training.loss)}"
    epochs = count(state.epoch, "epoch")
    title = " ".join(spec.title.split()) or "a network"
    return HEADER.format(mark=file_signatures.SPEC, title=title, epochs=epochs, loss=loss)


def _without_header(text: str) -> str:
    """The text, if it has been written here before, without what was said of that training."""
    return text.split("\n\n", 1)[-1] if text.startswith(file_signatures.SPEC) else text


# --- where it stands


def _bias_entry(bias: Bias, entry: Entry) -> Entry:
    """The entry that has the numbers: ``bias: {shared: 0.35}`` keeps its braces."""
    if bias.kind in ("shared", "threshold"):
        assert isinstance(entry.value, Keys)
        return entry.value.entries[bias.kind]
    return entry


def _files(root: Keys) -> Iterator[Scalar]:
    """The paths of the files of data; those of weights have given way to numbers."""
    held = root.entries.get("validation")
    tops = [root, held.value] if held is not None and isinstance(held.value, Keys) else [root]
    for keys in tops:
        for name in ("inputs", "targets"):
            entry = keys.entries.get(name)
            file = _entry(entry.value, "file") if entry is not None else None
            if file is not None and isinstance(file.value, Scalar):
                yield file.value


def _entry(node: Node, key: str) -> Entry | None:
    return node.entries.get(key) if isinstance(node, Keys) else None


def _put_key(text: Rewriting, key: str, value: str) -> None:
    """A key at the top level; the rate of an optimizer stands in there."""
    optimizer = text.root.entries.get("optimizer") if key == "learning_rate" else None
    inside = None if optimizer is None else _entry(optimizer.value, key)
    if inside is not None:
        text.replace_value(inside, value)
    else:
        text.put(key, value)


# --- numbers


def _put(text: Rewriting, entry: Entry, rows: list[list[str]]) -> None:
    """A matrix as it was written before: as rows, as a list, or as a number."""
    dimensions = _dimensions(entry)
    if dimensions < 2 and len(rows) > 1 and len(rows[0]) == 1:
        rows = [[row[0] for row in rows]]  # a list stands for a column as well
    if dimensions < 2 and len(rows) == 1:
        alone = len(rows[0]) == 1 and dimensions == 0
        text.replace_value(entry, rows[0][0] if alone else f"[{', '.join(rows[0])}]")
        return
    text.replace_value(entry, _matrix(rows, text.column_of(entry.value)))


def _dimensions(entry: Entry) -> int:
    """0 for a number, 1 for a list, 2 for rows; of a rule or a file, as one would write it."""
    node = entry.value
    if isinstance(node, Sequence):
        return 2 if isinstance(node.items[0], Sequence) else 1
    return 2 if entry.key.text == "weights" else 0


def _matrix(rows: list[list[str]], column: int) -> str:
    """Rows in brackets, on one line where there is room."""
    written = [f"[{', '.join(row)}]" for row in rows]
    one = f"[{', '.join(written)}]"
    if column + len(one) <= WIDTH:
        return one
    return f"[{(',' + chr(10) + ' ' * (column + 1)).join(written)}]"


def _texts(id: str, value: Array) -> list[list[str]]:
    write = _of_float32 if value.dtype == np.float32 else _of_number
    rows = [[write(entry) for entry in row] for row in value]
    for i, row in enumerate(rows, 1):
        for j, text in enumerate(row, 1):
            if len(text) > LONGEST:
                found = f"{id}[{i},{j}] has {len(text)} characters"
                raise UnwritableError(f"{found}, and a number in a spec at most {LONGEST}")
            if text in ("inf", "-inf", "nan"):
                raise UnwritableError(f"{id}[{i},{j}] is {text}, which no spec can begin with")
    return rows


def _of_number(value: Any) -> str:
    """The shortest text that reads back as the same number."""
    return _of_fraction(value) if isinstance(value, Fraction) else repr(float(value))


def _of_fraction(value: Fraction) -> str:
    """A decimal where it is a short one, else ``17/3``."""
    scaled = value * 10**MOST_DECIMALS
    if scaled.denominator != 1:
        return str(value)
    sign, digits = "-" if value < 0 else "", str(abs(scaled.numerator)).zfill(MOST_DECIMALS + 1)
    decimals = digits[-MOST_DECIMALS:].rstrip("0") or "0"
    return f"{sign}{digits[:-MOST_DECIMALS]}.{decimals}"


def _of_float32(value: Any) -> str:
    """The shortest text of the single precision, unless double precision reads it otherwise."""
    short = str(value)
    return short if np.float32(float(short)) == value else repr(float(value))


def _quoted(path: str) -> str:
    """A path as YAML reads it back."""
    return path if PLAIN.fullmatch(path) else msgspec.json.encode(path).decode()
