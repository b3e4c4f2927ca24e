"""Conventions, notation, arithmetic, display: how an exercise is written, not what it means."""

from __future__ import annotations

from typing import Any

import msgspec

from backtrace.spec.document.fields import Fields, choice, fields, one_of, whole
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Mapping, Node
from backtrace.spec.model import (
    NOTATION_CHOICES,
    AnswerDigits,
    Arithmetic,
    Conventions,
    Notation,
    choices,
)

CONVENTIONS = choices(Conventions)
ARITHMETIC = ("float64", "float32", "exact")
MOST_DECIMALS = 12
ANSWER_DIGITS = ["decimals", "digits"]


def read_conventions(problems: Problems, node: Node | None) -> Conventions:
    """The conventions; without ``weights`` rows mean in × out and columns out × in."""
    entries = None if node is None else fields(problems, node, "`conventions`", CONVENTIONS)
    chosen = _choices(entries, CONVENTIONS)
    if chosen.get("layout") == "columns":
        chosen.setdefault("weights", "out_in")
    return msgspec.structs.replace(Conventions(), **chosen)


def read_notation(problems: Problems, node: Node | None, conventions: Conventions) -> Notation:
    """The course's symbols; ΔW for a gradient only where it means the step down."""
    entries = node and fields(problems, node, "`notation`", NOTATION_CHOICES)
    if not entries:
        return Notation()
    notation = msgspec.structs.replace(Notation(), **_choices(entries, NOTATION_CHOICES))
    if notation.gradient == "bar":
        found = "`gradient: bar` of a network of layers"
        expected = "`d`, `partial` or `delta`; W̄ is a sign of equations"
        problems.add(entries.node.entries["gradient"].value, found, expected, code="E215")
    if notation.gradient == "delta" and conventions.sign != "descent":
        problems.add(
            entries.node.entries["gradient"].value,
            "`gradient: delta` under `sign: gradient`",
            "`d` or `partial`, since ΔW is the step down and dW the way up",
            "Set `conventions: {sign: descent}` if the exercise adds α·ΔW.",
            code="E215",
        )
    return notation


def read_notation_of_equations(problems: Problems, node: Node | None) -> Notation:
    """The course's symbols; a gradient is dQ, ∂L/∂Q or Q̄."""
    known = {**NOTATION_CHOICES, "gradient": ("d", "partial", "bar")}
    entries = node and fields(problems, node, "`notation`", known)
    return msgspec.structs.replace(Notation(), **_choices(entries or None, known))


def read_arithmetic(problems: Problems, node: Node | None) -> Arithmetic:
    """``float64``, ``float32``, ``exact`` or ``{round_each_step: 3}``."""
    if node is None:
        return Arithmetic()
    if isinstance(node, Mapping):
        entry = one_of(problems, node, "`arithmetic`", ["round_each_step"])
        if entry is None:
            return Arithmetic()
        return Arithmetic("rounded", whole(problems, entry.value, 3, 0, MOST_DECIMALS))
    name = choice(problems, node, ARITHMETIC, "float64", ["{round_each_step: 3}"])
    return msgspec.structs.replace(Arithmetic(), kind=name)


def read_decimals(problems: Problems, node: Node | None) -> int:
    """``display: {decimals: 4}``."""
    entries = node and fields(problems, node, "`display`", ["decimals"])
    return entries.whole("decimals", 4, 0, MOST_DECIMALS) if entries else 4


def read_answer_digits(problems: Problems, node: Node | None) -> AnswerDigits:
    """``answers: {decimals: 3}`` or ``answers: {digits: 4}``."""
    if node is None:
        return AnswerDigits()
    if not isinstance(node, Mapping):
        fields(problems, node, "`answers`", ANSWER_DIGITS)
        return AnswerDigits()
    entry = one_of(problems, node, "`answers`", ANSWER_DIGITS)
    if entry is None:
        return AnswerDigits()
    if entry.key.text == "decimals":
        return AnswerDigits(decimals=whole(problems, entry.value, 3, 0, MOST_DECIMALS))
    return AnswerDigits(digits=whole(problems, entry.value, 3, 1, MOST_DECIMALS))


def read_inputs_gradient(problems: Problems, node: Node | None) -> bool:
    """``trace: {inputs_gradient: true}``."""
    entries = node and fields(problems, node, "`trace`", ["inputs_gradient"])
    return entries.flag("inputs_gradient", default=False) if entries else False


def _choices(entries: Fields | None, table: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """What is said; what is not said is left to the defaults."""
    if not entries:
        return {}
    keys = [key for key in table if key in entries]
    said = {key: entries.choice(key, table[key], "") for key in keys}
    return {key: value for key, value in said.items() if value}
