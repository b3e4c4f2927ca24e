"""What a gradient's entry means, in a sentence: what the loss does, and what the update does."""

from __future__ import annotations

from collections.abc import Callable
from math import isnan
from typing import Any

from backtrace.chain.explanation import ChainOfEntry
from backtrace.chain.model import EntryNode
from backtrace.chain.unfolding import entry_symbol
from backtrace.functions.formula import Sentence
from backtrace.notation.workings import Workings
from backtrace.spec import ids

TOLD = ("gradient", "delta", "activation_gradient")


def meaning(chain: ChainOfEntry, workings: Workings, number: Callable[[Any], str]) -> Sentence:
    """Nothing, where it is no derivative of the whole loss, or no number."""
    traced = workings.steps[chain.node.id]
    loss = next((step for step in workings.steps.values() if step.phase == "loss"), None)
    if traced.role not in TOLD or loss is None or traced.of not in workings.steps:
        return ()
    goal = workings.symbols.unicode(workings.symbols.objective)
    if isnan(chain.value):
        return ()
    slope = -chain.value if workings.setting.descent else chain.value
    subject = entry_symbol(workings, EntryNode(traced.of, *chain.node[1:]))
    if slope == 0:
        return ("So a small change of ", subject, f" leaves {goal} as it is.")
    direction = "grows" if slope > 0 else "falls"
    told = f" grows by a little, {goal} {direction} {number(abs(slope))} times as much"
    return ("If ", subject, told, *_update(traced.of, chain.node, workings, number), ".")


def _update(of: str, node: EntryNode, workings: Workings, number: Callable[[Any], str]) -> Sentence:
    new = ids.updated(of)
    if new not in workings.steps:
        return ()
    before, after = (number(workings.entry(id, *node[1:]).value) for id in (of, new))
    return (f"; the update takes it from {before} to {after}",)
