"""Predictions as JSON has them: values in full precision, classes from 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backtrace.formats.json.trace import plain
from backtrace.functions.array import Array
from backtrace.page.prediction import Prediction

SCHEMA = "backtrace/prediction/1"


def as_document(found: Sequence[Prediction]) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "samples": [
            {
                "sample": each.number,
                "outputs": _listed(each.outputs),
                "class": each.taken,
                "target": each.true,
                "targets": None if each.targets is None else _listed(each.targets),
            }
            for each in found
        ],
    }


def _listed(values: Array) -> Any:
    """The entries of a list; fractions, inf and nan as strings."""
    return plain(values[None])[0]
