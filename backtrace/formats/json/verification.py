"""A verification as JSON: ``backtrace/verification/1``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from backtrace.check.judge.published import ComparedFigure, ComparedLine
from backtrace.formats.json.text import json_text
from backtrace.formats.json.trace import finite
from backtrace.page.inert import inert
from backtrace.verify import Comparison, Kink, Verification
from backtrace.verify.cost import Cost

SCHEMA = "backtrace/verification/1"


def encode(verification: Verification | None, held: Sequence[ComparedLine], *, agrees: bool) -> str:
    """The verification in one line of JSON text; without a loss there are no gradients."""
    return json_text(document(verification, held, agrees=agrees))


def document(
    verification: Verification | None, held: Sequence[ComparedLine], *, agrees: bool
) -> dict[str, Any]:
    """The verification as plain dictionaries; entries are indexed from 1.

    ``tape`` and ``numeric`` have the sign and the 1/n of the spec's conventions, as its trace has.
    """
    found: dict[str, Any] = {"schema": SCHEMA, "agrees": agrees}
    if verification is None:
        return found | {"gradients": [], "expected": [_line(each) for each in held]}
    request = verification.request
    return found | {
        "epoch": request.epoch,
        "batch": request.batch,
        "notes": list(verification.remarks),
        "gradients": [_quantity(each) for each in verification.quantities],
        "expected": [_line(each) for each in held],
        "cost": _cost(verification.cost),
    }


def _quantity(each: Comparison) -> dict[str, Any]:
    entries = [_entry(each, int(i), int(j)) for i, j in np.argwhere(each.checked)]
    return {
        "id": each.id,
        "agrees": each.agrees,
        "largest_difference": _number(each.largest),
        "follows_from": each.follows or None,
        "shape": list(each.tape.shape),
        "checked": len(entries),
        "entries": entries,
    }


def _entry(each: Comparison, i: int, j: int) -> dict[str, Any]:
    told = not each.undecided[i, j]
    return {
        "index": [i + 1, j + 1],
        "tape": _number(each.tape[i, j]),
        "numeric": _number(each.numeric[i, j]) if told else None,
        "difference": _number(each.differences[i, j]) if told else None,
        "uncertainty": _number(each.errors[i, j]) if told else None,
        "too_small_to_tell": bool(each.vague[i, j]),
        "agrees": not each.wrong[i, j],
        "kink": _kink(each.kinks.get((i, j))),
    }


def _kink(kink: Kink | None) -> dict[str, Any] | None:
    if kink is None:
        return None
    return {
        "below": kink.below,
        "above": kink.above,
        "at": [
            {"id": each.id, "index": list(each.index), "away": each.away} for each in kink.crossed
        ],
    }


def _line(each: ComparedLine) -> dict[str, Any]:
    published = each.published
    return {
        "id": published.id,
        "epoch": published.epoch,
        "batch": published.batch,
        "times": float(published.times),
        "where": inert(published.where),
        "agrees": each.agrees,
        "entries": [_figure(figure) for figure in each.figures],
    }


def _figure(held: ComparedFigure) -> dict[str, Any]:
    return {
        "index": list(held.index),
        "written": held.written,
        "traced": _number(held.traced),
        "standing": held.standing,
        "slip": inert(held.reason) or None,
    }


def _cost(cost: Cost) -> dict[str, Any]:
    return {
        "parameters": cost.parameters,
        "forward": msgspec.to_builtins(cost.forward),
        "backward": msgspec.to_builtins(cost.backward),
        "backpropagation": msgspec.to_builtins(cost.backpropagation),
        "finite_differences": msgspec.to_builtins(cost.finite_differences),
        "central_differences": msgspec.to_builtins(cost.central_differences),
    }


def _number(value: Any) -> float | str:
    """An entry of an array as JSON has it, never −0."""
    return finite(float(value) + 0.0)
