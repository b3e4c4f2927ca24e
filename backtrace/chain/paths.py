"""The paths of a gradient's entry to the loss: how many, the largest, what is zero and why.

Entries and links are a graph without circles. Paths are counted on it, never listed: only the
largest are walked, each as soon as no other can be larger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from heapq import heappop, heappush
from itertools import count
from math import inf, isnan, log
from typing import Any

import msgspec
import numpy as np

from backtrace.chain.equation_links import LocalDerivatives, equation_links
from backtrace.chain.layer_links import LINKS, is_gradient
from backtrace.chain.model import EntryNode, Factor, Link, product
from backtrace.notation.equations.titles import is_of_equations
from backtrace.notation.workings import Workings


class Path(msgspec.Struct, frozen=True):
    """One way from an entry to where its gradient comes from, a factor a local derivative.

    ``nodes`` are the entries it goes by, the first that whose path it is.
    """

    factors: tuple[Factor, ...]
    nodes: tuple[EntryNode, ...]

    @property
    def value(self) -> Any:
        return product(factor.value for factor in self.factors)


class ZeroFactor(msgspec.Struct, frozen=True):
    """A local derivative that is 0, and how many paths end at it that had not ended before."""

    factor: Factor
    paths: int


class Paths:
    """All paths of one entry of a gradient."""

    def __init__(self, workings: Workings, start: EntryNode) -> None:
        self.workings, self.start = workings, start
        self.links = _links_from(workings, start)
        order = {id: at for at, id in enumerate(workings.steps)}
        # operands stand before what is worked from them
        self.upward = sorted(self.links, key=lambda node: order[node.id])

    def along(self, each: Callable[[Link, Any], Any], sum: Any) -> dict[EntryNode, Any]:
        """For every entry the ``sum`` over its links of what ``each`` makes of the link and of
        the entry that it leads to."""
        found: dict[EntryNode, Any] = {}
        for node in self.upward:
            found[node] = sum(
                each(link, None if link.onto is None else found[link.onto])
                for link in self.links[node]
            )
        return found

    @cached_property
    def counts(self) -> dict[EntryNode, int]:
        return self.along(lambda _, onward: 1 if onward is None else onward, sum)

    @property
    def number(self) -> int:
        return self.counts[self.start]

    @cached_property
    def number_of_zeros(self) -> int:
        """How many paths have a factor of 0."""

        def others(link: Link, onward: int | None) -> int:
            return 0 if self.is_zero(link) else 1 if onward is None else onward

        return self.number - int(self.along(others, sum)[self.start])

    def is_zero(self, link: Link) -> bool:
        """Whether the paths by a link are zero, whatever comes behind it."""
        finite = link.onto is None or self.largest[link.onto] < inf
        return finite and bool(link.coefficient == 0)

    @cached_property
    def total(self) -> Any:
        """What all paths add up to."""

        def share(link: Link, onward: Any) -> Any:
            return link.coefficient if onward is None else product((link.coefficient, onward))

        return self.along(share, sum)[self.start]

    @cached_property
    def largest(self) -> dict[EntryNode, float]:
        """The size of the largest path from each entry."""

        def size(link: Link, onward: float | None) -> float:
            return _longer(_size(link.coefficient), 1.0 if onward is None else onward)

        return self.along(size, lambda sizes: max(sizes, default=0.0))

    def walked(self, *, with_zeros: bool = False) -> Iterator[Path]:
        """The paths that are not zero, the largest first, of equal ones in the order of work.

        Of equal ones the last begun goes on: else all of them would be walked side by side.
        """
        tie = count(0, -1)
        begun = Path((), (self.start,))
        waiting: list[tuple[float, int, Path, bool]] = [(0.0, next(tie), begun, False)]
        while waiting:
            _, _, path, is_whole = heappop(waiting)
            if is_whole:
                yield path
                continue
            so_far = _size(path.value)
            for link in reversed(self.links[path.nodes[-1]]):
                onward = 1.0 if link.onto is None else self.largest[link.onto]
                size = _longer(so_far, _longer(_size(link.coefficient), onward))
                if size or with_zeros:
                    nodes = path.nodes if link.onto is None else (*path.nodes, link.onto)
                    longer = Path((*path.factors, *link.factors), nodes)
                    heappush(waiting, (_rank(size), next(tie), longer, link.onto is None))

    def zeros(self) -> list[ZeroFactor]:
        """The factors that are 0, those that end the most paths first."""
        ways = dict.fromkeys(self.links, 0)
        ways[self.start] = 1
        ended: dict[str, ZeroFactor] = {}
        for node in reversed(self.upward):
            for link in self.links[node] if ways[node] else ():
                if not self.is_zero(link):
                    if link.onto is not None:
                        ways[link.onto] += ways[node]
                    continue
                factor = next(each for each in link.factors if each.value == 0)
                paths = ways[node] * (1 if link.onto is None else self.counts[link.onto])
                before = ended.get(repr(factor.formula), ZeroFactor(factor, 0))
                ended[repr(factor.formula)] = ZeroFactor(factor, before.paths + paths)
        found = [each for each in ended.values() if each.paths]
        return sorted(found, key=lambda each: -each.paths)


def _rank(size: float) -> float:
    """Smaller for larger sizes, the same for what differs by float noise alone."""
    return -round(log(size), 9) if size else inf


def _size(value: Any) -> float:
    size = abs(float(value))
    return inf if isnan(size) else size


def _longer(size: float, onward: float) -> float:
    """The size of a path made longer: 0 · ∞ is no number, and so no path that is zero."""
    product = size * onward
    return inf if isnan(product) else product


def _links_from(workings: Workings, start: EntryNode) -> dict[EntryNode, tuple[Link, ...]]:
    """The links of every entry that can be reached."""
    found: dict[EntryNode, tuple[Link, ...]] = {}
    locals: dict[str, LocalDerivatives] = {}
    waiting = [start]
    with np.errstate(all="ignore"):  # a slope may be infinite, as it stands in the trace
        while waiting:
            node = waiting.pop()
            if node not in found:
                found[node] = tuple(links_at(workings, node, locals))
                waiting += [link.onto for link in found[node] if link.onto is not None]
    return found


def links_at(
    workings: Workings, node: EntryNode, locals: dict[str, LocalDerivatives]
) -> Iterator[Link]:
    """What one entry is the sum of; what is given is a path's end."""
    traced = workings.steps[node.id]
    place = node.row, node.column
    if not is_gradient(traced) or traced.operation == "given":
        entry = workings.entry(node.id, *place)
        return iter([Link(() if entry.value == 1 else (Factor.of(entry),))])
    if traced.operation in LINKS and not is_of_equations(traced.step):
        return LINKS[traced.operation](traced, workings, *place)
    if node.id not in locals:
        locals[node.id] = LocalDerivatives(traced, workings)
    return equation_links(locals[node.id], traced, *place)
