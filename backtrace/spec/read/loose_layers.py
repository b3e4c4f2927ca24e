"""Layers without the dashes that make a list of them: what was meant, read as if they stood there.

So that one dash is one problem, and what else is wrong is still found.
"""

from __future__ import annotations

from backtrace.spec import ids
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Entry, Mapping, Node, Scalar

LAYER_KEYS = ("units", "activation", "weights", "bias")
SKELETON = """\
layers:
  - {activation: sigmoid, weights: [[1], [2]], bias: 3}
inputs: [[1, 2]]"""


def refuse_top_level(problems: Problems, top: Mapping) -> None:
    """Refuse a spec with the parts of its layers at the top level; nothing else is said of it."""
    if "layers" in top.entries:
        return
    parts = [entry.key for key, entry in top.entries.items() if _is_of_layer(key)]
    if parts:
        problems.add(
            parts[0],
            "what belongs to a layer at the top level",
            "a list of layers, each begun with a dash",
            "Write it so, with your numbers, a line for each layer; `backtrace show mlp-math` "
            "prints a whole spec.",
            drawing=SKELETON,
            code="missing",
        )
        problems.raise_any()


def _is_of_layer(key: str) -> bool:
    found = ids.parse(key)
    return key in LAYER_KEYS or (found is not None and found.role in ("weight", "bias"))


def layers_of(problems: Problems, node: Mapping) -> list[Node]:
    """The layers of a mapping: the one that it is, or those that it has by name."""
    entries = list(node.entries.values())
    if any(entry.key.text in LAYER_KEYS for entry in entries):
        first = entries[0].key
        value = entries[0].value
        line = f"{first.text}: {value.text}" if isinstance(value, Scalar) else f"{first.text}: …"
        mend = f"Put a dash and a space before the first line of the layer: `- {line}`."
        problems.add(first, "a layer without a dash", "a list of layers", mend, code="missing")
        return [node]
    if not entries or not all(isinstance(entry.value, Mapping) for entry in entries):
        return []
    for entry in entries:
        mend = "Write `-` in place of the name and its colon."
        found = f"a layer with the name `{entry.key.text}:`"
        problems.add(entry.key, found, "a dash", mend, code="missing")
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
        code="unknown_key",
    )
