"""A tree back as text: the formula with the ids in it, loops unrolled."""

from __future__ import annotations

from backtrace.functions.number import Number
from backtrace.spec.equations.expression import (
    Call,
    CallSetting,
    ConstantTerm,
    IndexSpan,
    NameTerm,
    PartTerm,
    Term,
    Transpose,
)
from backtrace.spec.equations.vocabulary import SIGNATURES, defaults_of

_RANKS = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2, "neg": 3, "^": 4}
_ATOM = 5


def written(tree: Term) -> str:
    """``tanh(x_1 @ U + h_0 @ W + b)``; read again, it is the same tree."""
    match tree:
        case ConstantTerm():
            return tree.text
        case NameTerm():
            return tree.id
        case Transpose():
            return f"{_within(tree.inner, _ATOM)}.T"
        case PartTerm():
            return f"{_within(tree.inner, _ATOM)}[{span_text(tree.rows)},{span_text(tree.columns)}]"
        case Call() if tree.function in _RANKS:
            return _operator(tree)
        case Call():
            return _call(tree)


def _operator(tree: Call) -> str:
    sign, rank = tree.function, _RANKS[tree.function]
    if sign == "neg":
        return f"-{_within(tree.arguments[0], rank)}"
    if sign == "^":
        exponent = tree.settings["exponent"]
        assert isinstance(exponent, Number)
        text = exponent.text if exponent.text.isalnum() else f"({exponent.text})"
        return f"{_within(tree.arguments[0], _ATOM)}^{text}"
    first, second = tree.arguments
    return f"{_within(first, rank)} {sign} {_within(second, rank + 1)}"


def _within(tree: Term, rank: int) -> str:
    """In brackets, where it would fall apart."""
    text = written(tree)
    return text if rank_of(tree) >= rank else f"({text})"


def rank_of(tree: Term) -> int:
    """How firmly it holds together: sums less than products, names and calls most."""
    if isinstance(tree, ConstantTerm):
        return _ATOM if tree.text.replace(".", "").isalnum() else 1
    return _RANKS.get(tree.function, _ATOM) if isinstance(tree, Call) else _ATOM


def _call(tree: Call) -> str:
    settings = call_settings(tree)
    arguments = [*map(written, tree.arguments), *([settings] if settings else [])]
    return f"{tree.function}({', '.join(arguments)})"


def call_settings(tree: Call) -> str:
    """What stands behind the matrices in a call: ``stride=2``."""
    defaults = defaults_of(tree.function, tree.settings)
    signature = SIGNATURES[tree.function]
    settings = [
        _setting(value)
        if signature.listed or key in signature.required
        else f"{key}={_setting(value)}"
        for key, value in tree.settings.items()
        if defaults.get(key) != value
    ]
    return ", ".join(settings)


def _setting(value: CallSetting) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value.text if isinstance(value, Number) else str(value)


def span_text(span: IndexSpan) -> str:
    if span is None:
        return ":"
    first, last = span
    return str(first) if first == last else f"{first}..{last}"
