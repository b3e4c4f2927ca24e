"""Why one entry of a trace is what it is: the whole answer, as data."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec

from backtrace.chain.layer_links import is_gradient
from backtrace.chain.model import EntryNode
from backtrace.chain.paths import Path, Paths, ZeroFactor
from backtrace.chain.unfolding import Unfolding, sources, unfolding
from backtrace.notation.workings import Workings
from backtrace.tape.trace import Trace, TracedStep

MOST_PATHS = 8  # walked one by one; of the others it is said what they add up to
MOST_CHAINS = 3  # of the gradients that an update was worked from


class ChainOfEntry(msgspec.Struct, frozen=True):
    """A gradient's entry as the sum of its paths to the loss.

    There are ``number`` of them. ``paths`` are the largest, or the only one, be it zero; the other
    ``further`` ones that are not zero add up to ``rest``. ``zeros`` are the factors that make
    ``zero_paths`` paths zero. ``total`` is worked from the factors, ``value`` stands in the trace:
    in rounded arithmetic they differ.
    """

    node: EntryNode
    value: Any
    total: Any
    paths: tuple[Path, ...]
    number: int
    further: int
    rest: Any
    zero_paths: int
    zeros: tuple[ZeroFactor, ...]

    @classmethod
    def of(cls, workings: Workings, node: EntryNode) -> ChainOfEntry:
        found = Paths(workings, node)
        alone = found.number == 1
        shown = tuple(islice(found.walked(with_zeros=alone), MOST_PATHS))
        further = 0 if alone else found.number - found.number_of_zeros - len(shown)
        return cls(
            node=node,
            value=workings.entry(*node).value,
            total=found.total,
            paths=shown,
            number=found.number,
            further=further,
            rest=found.total - sum(path.value for path in shown) if further else 0,
            zero_paths=found.number_of_zeros,
            zeros=tuple(found.zeros()),
        )


class Explanation(msgspec.Struct, frozen=True):
    """Of a gradient its chain, of any other entry how it was worked and the chains of the gradients
    in that; of both the lines down to what is given."""

    trace: Trace
    traced: TracedStep
    node: EntryNode
    workings: Workings
    chains: tuple[ChainOfEntry, ...]
    unfolded: Unfolding

    @property
    def value(self) -> Any:
        return self.workings.entry(*self.node).value

    @classmethod
    def of(cls, trace: Trace, traced: TracedStep, node: EntryNode) -> Explanation:
        workings = Workings.of(traced, trace)
        if not is_gradient(traced):
            unfolded = unfolding(workings, [node], node)
            wanted = unfolded.gradients[:MOST_CHAINS]
            chains = tuple(ChainOfEntry.of(workings, each) for each in wanted)
            return cls(trace, traced, node, workings, chains, unfolded)
        chain = ChainOfEntry.of(workings, node)
        formulas = [factor.formula for path in chain.paths for factor in path.factors]
        starts = (source for formula in formulas for source in sources(formula))
        return cls(trace, traced, node, workings, (chain,), unfolding(workings, starts, node))
