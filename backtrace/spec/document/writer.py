"""A tree of nodes → a YAML text that reads back as the same tree."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from backtrace.spec.document.reader import Node, Scalar, Sequence

if TYPE_CHECKING:
    import yaml

WIDTH = 100  # columns


def write(root: Node) -> str:
    """The text; a list or a mapping of which no part has parts stands on one line."""
    import yaml

    events = [
        yaml.StreamStartEvent(),
        yaml.DocumentStartEvent(),
        *_events(root),
        yaml.DocumentEndEvent(),
        yaml.StreamEndEvent(),
    ]
    text: str = yaml.emit(events, width=WIDTH, allow_unicode=True)
    return text


def _events(node: Node) -> Iterator[yaml.Event]:
    """What the reader took a node from."""
    import yaml

    if isinstance(node, Scalar):
        style = None if not node.quoted else "|" if "\n" in node.text else '"'
        yield yaml.ScalarEvent(None, None, (not node.quoted, node.quoted), node.text, style=style)
    elif isinstance(node, Sequence):
        yield yaml.SequenceStartEvent(None, None, True, flow_style=_are_plain(node.items))
        for item in node.items:
            yield from _events(item)
        yield yaml.SequenceEndEvent()
    else:
        entries = list(node.entries.values())
        flow = _are_plain([entry.value for entry in entries])
        yield yaml.MappingStartEvent(None, None, True, flow_style=flow)
        for entry in entries:
            yield from (*_events(entry.key), *_events(entry.value))
        yield yaml.MappingEndEvent()


def _are_plain(nodes: list[Node]) -> bool:
    return all(isinstance(node, Scalar) and "\n" not in node.text for node in nodes)
