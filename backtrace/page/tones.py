"""The signs of the tones that have one, in Unicode and in ASCII: verdicts, notes, the best."""

from __future__ import annotations

from backtrace.check.model import MARK, Verdict

ASCII_MARK: dict[Verdict, str] = {
    "right": "+",
    "rounded": "=",
    "carried": ">",
    "unsupported": "?",
    "imprecise": "~",
    "missing": ".",
    "malformed": "!",
    "wrong": "x",
}
SIGNS: dict[str, tuple[str, str]] = {
    **{verdict: (mark, ASCII_MARK[verdict]) for verdict, mark in MARK.items()},
    "note": ("–", "-"),
    "best": ("●", "*"),
}
