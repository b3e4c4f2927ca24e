"""The text of a spec written once more, without what is not for everybody who gets it."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

ENDLESS = 10**9  # characters of a line: none is broken


def without(text: str, keys: Container[str]) -> str:
    """The same spec without these of its keys, and without comments; numbers stay as written."""
    import yaml

    root = _composed(text)
    root.value = [(key, value) for key, value in root.value if key.value not in keys]
    written: str = yaml.serialize(root, Dumper=yaml.SafeDumper, width=ENDLESS, allow_unicode=True)
    return written


def has_key(text: str, key: str) -> bool:
    """Whether a mapping anywhere in it has the key."""
    return _has_key(_composed(text), key)


def _has_key(node: Any, key: str) -> bool:
    if isinstance(node.value, str):
        return False
    if node.id == "mapping":
        return any(name.value == key or _has_key(value, key) for name, value in node.value)
    return any(_has_key(each, key) for each in node.value)


def _composed(text: str) -> Any:
    import yaml

    return yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
