"""The catalogue of mistakes as JSON, and which of them an exercise's numbers hide."""

from __future__ import annotations

from typing import Any

from backtrace.check.mistakes.catalogue import CATALOGUE, Mistake
from backtrace.page.catalogue import LABELS, Sight


def catalogue() -> dict[str, Any]:
    """``backtrace/mistakes/1``."""
    mistakes = [_mistake(mistake) for mistake in CATALOGUE.values()]
    return {"schema": "backtrace/mistakes/1", "mistakes": mistakes}


def _mistake(mistake: Mistake) -> dict[str, str]:
    return {"code": mistake.code} | {field: getattr(mistake, field) for field in LABELS}


def sight(found: Sight) -> dict[str, Any]:
    """``backtrace/hidden/1``."""
    return {
        "schema": "backtrace/hidden/1",
        "title": found.heading,
        "hidden": [{"code": e.code, "id": e.id, "reason": e.reason} for e in found.hidden],
        "alike": [{"id": each.id, "mistakes": each.codes} for each in found.alike],
        "absent": found.absent,
    }
