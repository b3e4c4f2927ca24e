"""Why an entry is what it is, as JSON has it: values in full precision, indices from 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from backtrace.chain.explanation import ChainOfEntry, Explanation
from backtrace.chain.model import EntryNode, Factor
from backtrace.chain.unfolding import UnfoldedLine, symbolic
from backtrace.formats.json.trace import plain
from backtrace.functions.formula import Value
from backtrace.notation.text import text

SCHEMA = "backtrace/why/1"


def as_document(found: Explanation) -> dict[str, Any]:
    writer = _Writer(found)
    return {
        "schema": SCHEMA,
        "title": found.trace.title,
        "epoch": found.traced.epoch,
        "batch": found.traced.batch,
        **writer.entry(found.node),
        "chains": [writer.chain(each) for each in found.chains],
        "lines": [writer.line(each) for each in found.unfolded.lines],
        "given": [writer.entry(each) for each in found.unfolded.given],
    }


class _Writer:
    def __init__(self, found: Explanation) -> None:
        self.workings = found.workings

    def entry(self, node: EntryNode) -> dict[str, Any]:
        value = self.workings.entry(*node).value
        return {"id": node.id, "entry": [node.row + 1, node.column + 1], "value": number(value)}

    def chain(self, chain: ChainOfEntry) -> dict[str, Any]:
        return {
            **self.entry(chain.node),
            "sum": number(chain.total),
            "paths": [
                {
                    "product": number(path.value),
                    "factors": [self.factor(factor) for factor in path.factors],
                    "by": [self.entry(node) for node in path.nodes],
                }
                for path in chain.paths
            ],
            "further": {"paths": chain.further, "sum": number(chain.rest)},
            "zero": {
                "paths": chain.zero_paths,
                "factors": [
                    {**self.factor(zero.factor), "paths": zero.paths} for zero in chain.zeros
                ],
            },
        }

    def factor(self, factor: Factor) -> dict[str, Any]:
        """Of which entry it is the number, where it is one."""
        formula = factor.formula
        written = text(symbolic(formula, self.workings), self.workings.symbols)
        is_entry = isinstance(formula, Value) and bool(formula.id)
        node = EntryNode(formula.id, formula.row, formula.column) if is_entry else None  # type: ignore[attr-defined]
        named = {"id": None, "entry": None} if node is None else self.entry(node)
        return {**named, "formula": written, "value": number(factor.value)}

    def line(self, line: UnfoldedLine) -> dict[str, Any]:
        formula = symbolic(line.stages[0], self.workings)
        return {**self.entry(line.node), "formula": text(formula, self.workings.symbols)}


def number(value: Any) -> Any:
    """A number, a fraction or what is not finite as trace values are."""
    return plain(np.asarray(value))
