"""The name of a function: a misspelled one is recognised, another function is not taken for it."""

from __future__ import annotations

import re
from collections.abc import Collection

from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Node, Scalar, kind
from backtrace.spec.document.vocabulary import SYNONYMS
from backtrace.spec.near_misses import misspelled

AS_EQUATIONS = {
    "relu6": "a = minimum(maximum(z, 0), 6)",
    "hardswish": "a = z * minimum(maximum(z + 3, 0), 6) / 6",
    "logsoftmax": "a = ln(softmax(z))",
    "softmin": "a = softmax(-z)",
    "sine": "a = sin(z)",
    "sin": "a = sin(z)",
    "gaussian": "a = exp(-z^2)",
    "rmse": "L = sqrt(mse(a, y))",
    "rootmeansquarederror": "L = sqrt(mse(a, y))",
    "msle": "L = mean((ln(1 + a) - ln(1 + y))^2)",
    "mape": "L = mean(abs((y - a) / y))",
    "squaredhinge": "L = mean(maximum(1 - y * a, 0)^2)",
}
"""Functions that no layer has and an equation can write, by their plain names."""

_HALF = re.compile(r"(?:half|½|1/2|0?\.5)[ _*·×-]*(.+)|(.+)/2")


def function_name(problems: Problems, node: Node, allowed: Collection[str]) -> str:
    """One of the allowed names, or an empty text and a problem."""
    if isinstance(node, Scalar) and node.text in allowed:
        return node.text
    mend = _mend(node.text, allowed) if isinstance(node, Scalar) else ""
    problems.add_choice(node, kind(node), allowed, mend, "E112")
    return ""


def _mend(word: str, allowed: Collection[str]) -> str:
    meant = _meant(word.strip().lower(), allowed)
    if meant:
        return f"Did you mean `{meant}`?"
    line = AS_EQUATIONS.get(_plain(word))
    return (
        f"A spec of `equations` can have it: `{line}`. See `backtrace show graph`." if line else ""
    )


def _meant(word: str, allowed: Collection[str]) -> str:
    half = _HALF.fullmatch(word)
    if half:
        whole = _meant(half[1] or half[2], allowed)
        return f"half_{whole}" if f"half_{whole}" in allowed else ""
    plain = _plain(word)
    for name in (plain, plain.removesuffix("loss")):
        same = [each for each in allowed if _plain(each) == SYNONYMS.get(name, name)]
        meant = SYNONYMS.get(name, "")
        if meant in allowed or same:
            return meant if meant in allowed else same[0]
    return "" if plain in AS_EQUATIONS else misspelled(plain, allowed)


def _plain(word: str) -> str:
    return re.sub("[ _-]", "", word.lower())
