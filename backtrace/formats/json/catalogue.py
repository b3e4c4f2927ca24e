"""The catalogue of mistakes as JSON, and which of them an exercise's numbers hide."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from backtrace.check.diagnosis.revealing import Revealing
from backtrace.check.mistakes.catalogue import CATALOGUE, Mistake
from backtrace.page.catalogue import LABELS
from backtrace.page.inert import inert
from backtrace.page.report.phrases import Words


def catalogue(codes: Iterable[str] = CATALOGUE) -> dict[str, Any]:
    """``backtrace/mistakes/1``, of some mistakes or of all."""
    mistakes = [_mistake(CATALOGUE[code]) for code in codes]
    return {"schema": "backtrace/mistakes/1", "mistakes": mistakes}


def _mistake(mistake: Mistake) -> dict[str, str]:
    return {"code": mistake.code} | {field: getattr(mistake, field) for field in LABELS}


def hidden(title: str, found: Revealing, words: Words) -> dict[str, Any]:
    """``backtrace/hidden/1``."""
    return {
        "schema": "backtrace/hidden/1",
        "title": inert(title),
        "hidden": [
            {
                "code": each.code,
                "id": each.id,
                "reason": words.said(each.by.reason),
                "mend": words.said(each.by.mend),
            }
            for each in found.hidden
        ],
        "alike": [{"id": id, "mistakes": codes} for id, codes in found.alike],
        "absent": found.absent,
    }
