"""The entries under ``layers:`` → drafts: all that each says, before the shapes are settled."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS, Activation
from backtrace.spec import ids
from backtrace.spec.document.fields import Fields, choice, fields
from backtrace.spec.document.folders import Folders
from backtrace.spec.document.function_names import function_name
from backtrace.spec.document.problems import Place, Problems
from backtrace.spec.document.reader import Mapping, Node, Scalar, Sequence, kind
from backtrace.spec.model import Function
from backtrace.spec.read import weight_rules
from backtrace.spec.read.data_files import read_array
from backtrace.spec.read.loose_layers import LAYER_KEYS, joined, layers_of, refuse_sizes
from backtrace.spec.read.other_layers import is_other_layer
from backtrace.spec.read.written_matrix import WrittenMatrix, read_matrix

BIAS_KEYS = ("in_weights", "shared", "threshold", "init", "file")
MOST_UNITS = 1_000_000
BIAS_RULES = ("zeros", "constant", "uniform", "normal")

BiasKind: TypeAlias = Literal["none", "added", "shared", "threshold", "first", "last"]
WeightsSource: TypeAlias = WrittenMatrix | weight_rules.Rule


class BiasDraft(msgspec.Struct):
    """The kind of a bias and its numbers; ``values`` is None where there are none, or none to use.

    ``readable`` tells these two apart.
    """

    kind: BiasKind
    values: WeightsSource | None = None
    readable: bool = True


class LayerDraft(msgspec.Struct):
    """What a layer says of itself. None stands for what could not be read (and is a problem).

    ``slope`` is that of an activation that learns one, and None for every other, too.
    """

    number: int
    place: Place
    units: int | None
    activation: Function | None
    weights: WeightsSource | None
    bias: BiasDraft
    slope: WrittenMatrix | None = None

    @property
    def weights_id(self) -> str:
        return ids.parameter("weight", self.number)

    @property
    def bias_id(self) -> str:
        return ids.parameter("bias", self.number)

    @property
    def slope_id(self) -> str:
        return ids.parameter("learned_slope", self.number)

    @property
    def learns_slope(self) -> bool:
        return self.activation is not None and bool(ACTIVATIONS[self.activation.name].learned)

    @property
    def augmented(self) -> bool:
        """Whether the bias is a line of the weight matrix."""
        return self.bias.kind in ("first", "last")


def read_layers(problems: Problems, node: Node, folders: Folders) -> list[LayerDraft]:
    """The drafts of all layers, the first first."""
    items = layers_of(problems, node) if isinstance(node, Mapping) else []
    if isinstance(node, Sequence):
        if refuse_sizes(problems, node):
            return []
        items = joined(problems, node.items)
    if not items:
        mend = "Begin each layer with `- ` on a line of its own."
        problems.add(node, f"{kind(node)} for `layers`", "a list of layers", mend, code="E110")
    return [_read_layer(problems, item, i, folders) for i, item in enumerate(items, 1)]


def named(
    problems: Problems, node: Node, what: str, allowed: Collection[str]
) -> tuple[str, Mapping | None]:
    """A name, or a mapping with a ``name:``; the name is empty where it is a problem."""
    if not isinstance(node, Mapping):
        return function_name(problems, node, allowed), None
    entry = node.entries.get("name")
    if entry is None:
        mend = f"Write it as {{name: {next(iter(allowed))}, …}}."
        problems.add(node, f"{what} without a name", "`name:`", mend, code="E109")
        return "", node
    return function_name(problems, entry.value, allowed), node


def _read_layer(problems: Problems, node: Node, number: int, folders: Folders) -> LayerDraft:
    other = is_other_layer(problems, node)
    entries = None if other else fields(problems, node, f"layer {number}", LAYER_KEYS)
    if entries is None:
        unread = BiasDraft("none", readable=False)
        return LayerDraft(number, node, None, None, None, unread)
    activation = entries.require("activation", "Without one, write `activation: linear`.")
    weights = entries.require("weights", "Write the matrix, or a rule: `weights: {init: xavier}`.")
    bias = entries.require("bias", "For a layer without a bias write `bias: none`.")
    unit, slope = (
        (None, None)
        if activation is None
        else _read_activation(problems, activation, number, folders)
    )
    return LayerDraft(
        number=number,
        place=node,
        units=entries.whole("units", 0, 1, MOST_UNITS) or None,
        activation=unit,
        weights=None if weights is None else _read_weights(problems, weights, number, folders),
        bias=_read_bias(problems, bias, number, folders),
        slope=slope,
    )


def _read_activation(
    problems: Problems, node: Node, number: int, folders: Folders
) -> tuple[Function | None, WrittenMatrix | None]:
    """The activation with its constants, and the slope that it learns where it learns one."""
    name, mapping = named(problems, node, "an activation", ACTIVATIONS)
    if not name:
        return None, None
    row = ACTIVATIONS[name]
    nothing = Mapping(node.line, node.column, node.length)
    keys = ["name", *row.parameters]
    entries = Fields(problems, mapping or nothing, f"the activation {name}", keys)
    constants = {key: entries.number(key, value) for key, value in row.constants.items()}
    slope = _read_slope(problems, entries, row, number, folders) if row.learned else None
    return Function(name, constants), slope


def _read_slope(
    problems: Problems, entries: Fields, row: Activation, number: int, folders: Folders
) -> WrittenMatrix | None:
    """A number for the layer, a list of one a unit, or a file; without any what it starts from."""
    name, node = ids.parameter("learned_slope", number), entries.get(row.learned)
    if isinstance(node, Mapping):
        return read_array(problems, node, name, folders)
    if node is not None:
        return read_matrix(problems, node, name)
    start, place = row.parameters[row.learned], entries.node
    return WrittenMatrix(name, place, 0, np.array([[float(start)]]), ((start.text,),))


def _read_weights(
    problems: Problems, node: Node, number: int, folders: Folders
) -> WeightsSource | None:
    name = ids.parameter("weight", number)
    if isinstance(node, Mapping):
        return _read_filled(problems, node, name, folders, tuple(weight_rules.INITIALIZERS))
    if isinstance(node, Scalar) and (rule := weight_rules.read_rule(problems, node, name)):
        return rule
    return read_matrix(problems, node, name)


def _read_filled(
    problems: Problems, node: Mapping, name: str, folders: Folders, allowed: tuple[str, ...]
) -> WeightsSource | None:
    """``{init: …}`` or ``{file: …}``."""
    if "file" in node.entries:
        return read_array(problems, node, name, folders)
    if "init" in node.entries:
        choice(problems, node.entries["init"].value, allowed, "")
        return weight_rules.read_rule(problems, node, f"the rule of {name}")
    mend = f"Write the numbers of {name}, or {{init: {allowed[0]}}}, or {{file: parameters.npz}}."
    problems.add(
        node, f"a mapping for {name} without `init` or `file`", "one of the two", mend, code="E109"
    )
    return None


def _read_bias(problems: Problems, node: Node | None, number: int, folders: Folders) -> BiasDraft:
    name = ids.parameter("bias", number)
    if node is None:
        return BiasDraft("none", readable=False)
    if isinstance(node, Mapping):
        return _read_special_bias(problems, node, name, folders)
    if isinstance(node, Scalar) and (node.null or node.text == "none"):
        return BiasDraft("none")
    if isinstance(node, Scalar) and node.text.lower() in ("no", "false", "off", "none"):
        problems.add(
            node, kind(node), "numbers, or `none`", "Did you mean `bias: none`?", code="E110"
        )
        return BiasDraft("none", readable=False)
    return _bias("added", read_matrix(problems, node, name))


def _read_special_bias(problems: Problems, node: Mapping, name: str, folders: Folders) -> BiasDraft:
    present = [key for key in BIAS_KEYS if key in node.entries]
    if len(present) > 1:
        found = f"`{present[0]}` and `{present[1]}` for one bias"
        problems.add(node.entries[present[1]].key, found, "one of the two", code="E116")
        return BiasDraft("none", readable=False)
    if present and present[0] in ("init", "file"):
        return _bias("added", _read_filled(problems, node, name, folders, BIAS_RULES))
    entries = Fields(problems, node, f"the bias {name}", BIAS_KEYS)
    value = entries.get(present[0]) if present else None
    if value is None:
        if not node.entries:
            problems.add(node, "an empty mapping", "numbers, or `none`", code="E109")
        return BiasDraft("none", readable=False)
    if present[0] == "in_weights":
        where = choice(problems, value, ("first", "last"), "")
        if where:
            return BiasDraft("first" if where == "first" else "last")
        return BiasDraft("none", readable=False)
    form: BiasKind = "shared" if present[0] == "shared" else "threshold"
    if isinstance(value, Mapping):
        return _bias(form, _read_filled(problems, value, name, folders, BIAS_RULES))
    return _bias(form, read_matrix(problems, value, name))


def _bias(bias: BiasKind, values: WeightsSource | None) -> BiasDraft:
    return BiasDraft(bias, values, values is not None)
