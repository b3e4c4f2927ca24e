"""The schemas by name: a spec, answers, a trace, a report, a class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from backtrace.check.answers.reading import OF_A_SPEC
from backtrace.formats.json.report import ClassDocument, ReportDocument
from backtrace.formats.json.schemas.parts import DIALECT, WRITTEN, Schema, any_of, choice
from backtrace.formats.json.schemas.spec import spec
from backtrace.formats.json.trace import NON_FINITE, SCHEMA, TraceDocument
from backtrace.spec.read.conventions import ARITHMETIC, MOST_DECIMALS

WIDTH = 100  # columns of a schema's lines, where they can be folded


def answers() -> Schema:
    """Ids and values, under ``answers`` or by themselves. Nothing that is written is refused."""
    values: Schema = {"type": "object", "minProperties": 1}
    spec_keys: list[Schema] = [{"required": [key]} for key in sorted(OF_A_SPEC)]
    return {
        "title": "Answers to an exercise of backtrace",
        "type": "object",
        "minProperties": 1,
        "patternProperties": {"^ *[Aa][Nn][Ss][Ww][Ee][Rr][Ss] *$": values},
        "not": any_of(*spec_keys),
    }


def trace() -> Schema:
    """What ``trace --format json`` prints and ``trace`` and ``export`` read again."""
    schema = msgspec.json.schema(TraceDocument)
    entry = any_of({"type": "number"}, choice(NON_FINITE), WRITTEN)
    row: Schema = {"type": "array", "items": entry, "minItems": 1}
    decimals: Schema = {"type": "integer", "minimum": 0, "maximum": MOST_DECIMALS}
    keys = schema["$defs"][TraceDocument.__name__]["properties"]
    keys["schema"] = {"const": SCHEMA}
    rounded = {"type": "object", "required": ["round_each_step"]}
    keys["arithmetic"] = any_of(choice(ARITHMETIC), rounded)
    keys["display"] = {"type": "object", "properties": {"decimals": decimals}}
    keys["steps"] |= {"minItems": 1}
    step = schema["$defs"][keys["steps"]["items"]["$ref"].rpartition("/")[2]]["properties"]
    step["value"] = any_of(entry, {"type": "array", "items": row, "minItems": 1})
    return schema


def report() -> Schema:
    """What ``check --format json`` prints of one sheet."""
    return msgspec.json.schema(ReportDocument)


def classes() -> Schema:
    """What ``check --format json`` prints of several."""
    return msgspec.json.schema(ClassDocument)


SCHEMAS: dict[str, Callable[[], Schema]] = {
    "spec": spec,
    "answers": answers,
    "trace": trace,
    "report": report,
    "class": classes,
}


def text(name: str) -> str:
    """A schema as JSON that a person can read."""
    return _laid_out({"$schema": DIALECT, **SCHEMAS[name]()}, 0) + "\n"


def _laid_out(value: Any, margin: int) -> str:
    """What fits a line on a line, else its parts on lines of their own."""
    line = msgspec.json.format(msgspec.json.encode(value), indent=0).decode()
    if margin + len(line) <= WIDTH or not isinstance(value, dict | list):
        return line
    inner = " " * (margin + 2)
    if isinstance(value, dict):
        opening, closing = "{}"
        parts = [f'{inner}"{key}": {_laid_out(each, margin + 2)}' for key, each in value.items()]
    else:
        opening, closing = "[]"
        parts = [inner + _laid_out(each, margin + 2) for each in value]
    return "\n".join([opening, ",\n".join(parts), " " * margin + closing])
