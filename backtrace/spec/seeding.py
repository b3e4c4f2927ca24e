"""What of a spec its seed decides: weights by rule, held-out samples, the order of the batches."""

from __future__ import annotations

from backtrace.spec.document.reader import Mapping, Node, Scalar, Sequence, YamlDocument
from backtrace.spec.model import Spec
from backtrace.spec.read.weight_rules import RANDOM


def is_drawn(document: YamlDocument, spec: Spec) -> bool:
    """Whether another seed would give ``spec``, which the document says, other numbers."""
    root = document.root
    assert isinstance(root, Mapping)  # there is a spec of it
    validation, layers = _value(root, "validation"), _value(root, "layers")
    by_share = _value(validation, "share") is not None
    entries = layers.items if isinstance(layers, Sequence) else []
    given = [_value(each, key) for each in entries for key in ("weights", "bias")]
    names = _value(root, "given")
    given += [each.value for each in names.entries.values()] if isinstance(names, Mapping) else []
    by_rule = any(_is_random(node) for node in given if node is not None)
    return spec.shuffle or by_share or by_rule


def _is_random(node: Node) -> bool:
    """``xavier``, ``{init: xavier}``, ``{threshold: {init: normal}}``."""
    if isinstance(node, Scalar):
        return node.text in RANDOM
    parts = [_value(node, key) for key in ("init", "threshold")]
    return any(_is_random(part) for part in parts if part is not None)


def _value(node: Node | None, key: str) -> Node | None:
    entry = node.entries.get(key) if isinstance(node, Mapping) else None
    return None if entry is None else entry.value
