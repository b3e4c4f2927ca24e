"""A spec that goes on from where a training has ended: what it said, with the trained numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import msgspec

from backtrace.formats import file_signatures
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.notation.numbers import significant
from backtrace.spec.model import Spec
from backtrace.spec.numbers import LONGEST
from backtrace.spec.wording import count
from backtrace.tape.parameters import parameters
from backtrace.tape.training import Record, State

if TYPE_CHECKING:
    import yaml

HEADER = (
    "{mark}{title} after {epochs}{loss}.\n"
    "# The optimizer begins anew from here; an .npz has its state as well.\n\n"
)
OUTDATED = "expect"  # what is said of the numbers it began with
MOST_NUMBERS = 2000  # in a text that is still for people
WIDTH = 100  # columns
TEXT, LIST = "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq"


class UnwritableError(ValueError):
    """Numbers that no spec can hold; says which."""


class Origin(msgspec.Struct, frozen=True):
    """The text a training was read from, and how it was to be read otherwise than it says.

    ``path`` gives the path of a data file, as the text has it, from where the new text will lie.
    ``said`` has the values of keys (``updates``, ``learning_rate``) chosen outside the text.
    """

    text: bytes
    path: Callable[[str], str]
    said: Mapping[str, str] = {}


def trained_spec(spec: Spec, state: State, record: Record | None, origin: Origin) -> str:
    """The spec with the parameters of ``state`` in place of those it began with, as YAML.

    ``record`` is what is known of that epoch. Comments are left out.

    Raises UnwritableError for numbers that are not finite, or fractions that are too long.
    """
    import yaml

    root: Any = yaml.compose(origin.text, Loader=yaml.BaseLoader)
    _put_parameters(root, spec, state)
    for file in _files(root):
        file.value = origin.path(file.value)
    root.value = [pair for pair in root.value if pair[0].value != OUTDATED]
    for key, text in origin.said.items():
        optimizer = _entry(root, "optimizer") if key == "learning_rate" else None
        inside = optimizer is not None and _entry(optimizer, key) is not None
        value = yaml.compose(text, Loader=yaml.BaseLoader)
        _put(optimizer if inside else root, key, value)
    text = yaml.serialize(root, Dumper=yaml.BaseDumper, width=WIDTH, allow_unicode=True)
    return _header(spec, state, record) + str(text)


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


def _put_parameters(root: Any, spec: Spec, state: State) -> None:
    if spec.equations is not None:
        for id, value in state.parameters(spec).items():
            _put(_entry(root, "given"), id, _rows(id, value))
        return
    values = iter(state.parameters(spec).items())  # layer by layer, the weights first
    for layer, node in zip(spec.layers, _entry(root, "layers").value, strict=True):
        _put(node, "weights", _rows(*next(values)))
        if layer.bias.values is not None:
            inside = layer.bias.kind in ("shared", "threshold")
            place, key = (_entry(node, "bias"), layer.bias.kind) if inside else (node, "bias")
            _put(place, key, _flat(*next(values)))
        if layer.slope is not None:
            _put(_unit(node), ACTIVATIONS[layer.activation.name].learned, _flat(*next(values)))


def _unit(layer: Any) -> Any:
    """The activation of a layer, as a mapping that its slope can be put into."""
    import yaml

    unit = _entry(layer, "activation")
    if isinstance(unit, yaml.MappingNode):
        return unit
    _put(layer, "activation", yaml.compose(f"{{name: {unit.value}}}", Loader=yaml.BaseLoader))
    return _entry(layer, "activation")


def _flat(id: str, value: Array) -> Any:
    """One row as a list; a column, which may be a bias or a slope, as it is."""
    rows = _rows(id, value)
    return rows if len(rows.value) > 1 else rows.value[0]


def _files(root: Any) -> Iterator[yaml.Node]:
    """The paths of the files of data; those of parameters have given way to numbers."""
    given, validation = _entry(root, "given"), _entry(root, "validation")
    values = [value for _, value in given.value] if given is not None else []
    places = [root] if validation is None else [root, validation]
    values += [_entry(place, name) for place in places for name in ("inputs", "targets")]
    for value in values:
        file = None if value is None else _entry(value, "file")
        if file is not None:
            yield file


# --- nodes


def _entry(node: Any, key: str) -> Any:
    """The value of a mapping's key; None where it is no mapping, or has none."""
    pairs = node.value if node.id == "mapping" else ()
    return next((value for name, value in pairs if name.value == key), None)


def _put(node: Any, key: str, value: Any) -> None:
    import yaml

    known = [name.value for name, _ in node.value]
    pair = (yaml.ScalarNode(TEXT, key), value)
    at = known.index(key) if key in known else len(known)
    node.value[at : at + 1] = [pair]


def _rows(id: str, value: Array) -> yaml.Node:
    import yaml

    rows = [
        [yaml.ScalarNode(TEXT, _text(f"{id}[{i},{j}]", entry)) for j, entry in enumerate(row, 1)]
        for i, row in enumerate(value, 1)
    ]
    lists = [yaml.SequenceNode(LIST, row, flow_style=True) for row in rows]
    return yaml.SequenceNode(LIST, lists, flow_style=False)


def _text(name: str, value: Any) -> str:
    """The shortest text that reads back as the same number; ``17/3`` for a fraction."""
    text = str(value) if isinstance(value, Fraction) else repr(float(value))
    if len(text) > LONGEST:
        found = f"{name} has {len(text)} characters"
        raise UnwritableError(f"{found}, and a number in a spec at most {LONGEST}")
    if text in ("inf", "-inf", "nan"):
        raise UnwritableError(f"{name} is {text}, which no spec can begin with")
    return text
