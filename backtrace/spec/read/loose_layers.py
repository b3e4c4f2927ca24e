"""Layers without the dashes that make a list of them: what was meant, read as if they stood there.

So that one dash is one problem, and what else is wrong is still found.
"""

from __future__ import annotations

from backtrace.spec import ids
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Entry, Mapping, Node, Scalar, Sequence

LAYER_KEYS = ("units", "activation", "weights", "bias")
SKELETON = """\
layers:
  - {activation: sigmoid, weights: [[1], [2]], bias: 3}
inputs: [[1, 2]]"""


def refuse_top_level(problems: Problems, top: Mapping) -> None:
    """Refuse a spec with its layers, or their parts, at the top level, and say nothing else."""
    if "layers" in top.entries:
        return
    parts = [entry for entry in top.entries.values() if _is_of_layer(entry)]
    if parts:
        problems.add(
            parts[0].key,
            f"`{parts[0].key.text}:` at the top level",
            "it in a list of layers, each begun with a dash",
            "Write it so, with your numbers, a line for each layer; `backtrace show mlp-math` "
            "prints a whole spec.",
            drawing=SKELETON,
            code="E115",
        )
        problems.raise_any()


def _is_of_layer(entry: Entry) -> bool:
    """Whether it is a part of a layer, the parameter of one (``W1``), or one by a name."""
    found, value = ids.parse(entry.key.text), entry.value
    if isinstance(value, Mapping) and not set(LAYER_KEYS).isdisjoint(value.entries):
        return True
    is_parameter = found is not None and found.role in ("weight", "bias")
    return entry.key.text in LAYER_KEYS or is_parameter


def refuse_sizes(problems: Problems, node: Sequence) -> bool:
    """Whether ``layers: [2, 3, 1]`` has the numbers of units alone; noted then."""
    if not node.items or not all(isinstance(each, Scalar) for each in node.items):
        return False
    sizes = [each.text for each in node.items if isinstance(each, Scalar)]
    if not all(size.isascii() and size.isdecimal() for size in sizes):
        return False
    line = "  - {{units: {}, activation: tanh, weights: xavier, bias: none}}"
    problems.add(
        node,
        "the numbers of units alone",
        "a list of layers, each with its weights",
        "The inputs are no layer: their number follows from the data. Write a line for each other "
        "layer, with the numbers of its weights or a rule for them.",
        drawing="\n".join(["layers:", *map(line.format, sizes[1:] or sizes)]),
        code="E115",
    )
    return True


def layers_of(problems: Problems, node: Mapping) -> list[Node]:
    """The layers of a mapping: the one that it is, or those that it has by name."""
    entries = list(node.entries.values())
    if any(entry.key.text in LAYER_KEYS for entry in entries):
        first = entries[0].key
        value = entries[0].value
        line = f"{first.text}: {value.text}" if isinstance(value, Scalar) else f"{first.text}: …"
        mend = f"Put a dash and a space before the first line of the layer: `- {line}`."
        problems.add(first, "a layer without a dash", "a list of layers", mend, code="E115")
        return [node]
    if not entries or not all(isinstance(entry.value, Mapping) for entry in entries):
        return []
    for entry in entries:
        mend = "Write `-` in place of the name and its colon."
        found = f"a layer with the name `{entry.key.text}:`"
        problems.add(entry.key, found, "a dash", mend, code="E115")
    return [entry.value for entry in entries]


def joined(problems: Problems, items: list[Node]) -> list[Node]:
    """The layers of a list; those with a dash before every line are put together."""
    if not all(_is_line(item) for item in items) or len(items) < 2:
        return items
    layers: list[Mapping] = []
    for item in items:
        assert isinstance(item, Mapping)
        (entry,) = item.entries.values()
        if not layers or entry.key.text in layers[-1].entries:
            layers.append(Mapping(item.line, item.column, 1, {}))
        else:
            _note_dash(problems, entry)
        layers[-1].entries[entry.key.text] = entry
    return [*layers]


def _is_line(item: Node) -> bool:
    return (
        isinstance(item, Mapping)
        and len(item.entries) == 1
        and set(item.entries) <= set(LAYER_KEYS)
    )


def _note_dash(problems: Problems, entry: Entry) -> None:
    problems.add(
        entry.key,
        f"a dash before `{entry.key.text}:`, within a layer",
        "a dash before the first line of each layer only",
        "Write a space in place of the dash.",
        code="E115",
    )
