"""What schemas are made of: the numbers, texts, matrices and mappings of a document in YAML."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias

from backtrace.spec.document.fields import ANY, NO, YES, Range
from backtrace.spec.numbers import NUMBER

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_BOUNDS = {
    "least": "minimum",
    "most": "maximum",
    "above": "exclusiveMinimum",
    "below": "exclusiveMaximum",
}

_PATTERN = re.sub(r"[?]P<[a-z]+>", "?:", NUMBER.pattern)
WRITTEN: Schema = {"type": "string", "pattern": f"^ *(?:{_PATTERN}) *$"}
"""A number as a text, which keeps how it was written: ``1/3``, ``1e-3``."""


def ref(name: str) -> Schema:
    """One of the ``$defs``."""
    return {"$ref": f"#/$defs/{name}"}


def _in_any_case(word: str) -> str:
    return "".join(f"[{letter}{letter.upper()}]" for letter in word)


def number(accepted: Range = ANY) -> Schema:
    """A number within a range; of one that is written as a text the range is not said."""
    if accepted == ANY:
        return ref("number")
    said = {_BOUNDS[name]: getattr(accepted, name) for name in _BOUNDS}
    bounds: Schema = {key: bound for key, bound in said.items() if bound is not None}
    if accepted.but is not None:
        bounds["not"] = {"const": accepted.but}
    return any_of({"type": "number", **bounds}, ref("written"))


def whole(least: int, most: int | None = None) -> Schema:
    bounds = {"minimum": least, **({} if most is None else {"maximum": most})}
    return any_of({"type": "integer", **bounds}, ref("written"))


def choice(words: Iterable[str | None]) -> Schema:
    return {"enum": list(words)}


def any_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def mapping(
    properties: Mapping[str, Schema], required: Collection[str] = (), **further: Any
) -> Schema:
    """A mapping with these keys and no others."""
    needed = {"required": list(required)} if required else {}
    keys = {"type": "object", "properties": dict(properties)}
    return {**keys, **needed, "additionalProperties": False, **further}


def one_of_keys(properties: Mapping[str, Schema]) -> Schema:
    """A mapping with exactly one of these keys."""
    return mapping(properties, minProperties=1, maxProperties=1)


def function(known: Mapping[str, Mapping[str, Schema]]) -> Schema:
    """A name, or ``{name: huber, delta: 1}``; names with the same constants stand together."""
    alike: list[tuple[list[str], Mapping[str, Schema]]] = []
    for name, constants in known.items():
        same = next((found for found, others in alike if others == constants), None)
        if same is None:
            alike.append(([name], constants))
        else:
            same.append(name)
    mappings = (mapping({"name": choice(found), **keys}, ["name"]) for found, keys in alike)
    return any_of(choice(known), *mappings)


def matrix(also: Collection[str] = ()) -> Schema:
    """A number, a list or a list of rows; an entry may be one of the words ``also``."""
    entry = any_of(ref("number"), choice([*also, None])) if also else ref("number")
    row = {"type": "array", "items": entry, "minItems": 1}
    return any_of(entry, row, {"type": "array", "items": row, "minItems": 1})


_SPAN = r"^ *[1-9][0-9]* *\.\. *[1-9][0-9]* *$"
PARTS: dict[str, Schema] = {
    "written": WRITTEN,
    "number": any_of({"type": "number"}, ref("written")),
    "text": {"type": ["string", "number", "boolean", "null"]},  # no scalar needs quotes
    "flag": {
        "anyOf": [
            {"type": "boolean"},
            {"type": "string", "pattern": f"^(?:{'|'.join(map(_in_any_case, sorted(YES | NO)))})$"},
        ]
    },
    "index": any_of({"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[1-9]"}),
    "span": any_of(
        ref("index"),
        {"type": "string", "pattern": _SPAN},
        {"type": "array", "items": ref("index"), "minItems": 1, "maxItems": 2},
    ),
    "names": any_of({"type": "string"}, {"type": "array", "items": {"type": "string"}}),
    "matrix": matrix(),
}
"""What others refer to."""
