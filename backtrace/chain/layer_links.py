"""What an entry of a gradient of layers is the sum of: an operation a row, from its own operands.

A gradient is linear in the one that arrived. So each entry is a sum of entries that arrived times
local derivatives, and these are entries of the other operands, as they stand in the trace.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from math import isinf
from typing import TypeAlias

from msgspec.structs import replace

from backtrace.chain.model import EntryNode, Factor, Link
from backtrace.functions.activations import filled
from backtrace.functions.formula import Brackets, Expr, Fraction, Negative, Terms, Text, Value
from backtrace.notation.backward import (
    jacobian_entry,
    jacobian_terms,
    loss_gradient_stages,
    penalty_slopes,
    shortcut_delta,
    summed_entries,
)
from backtrace.notation.forward import is_identity, product_terms
from backtrace.notation.layout import factor
from backtrace.notation.workings import Workings, filled_in
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.trace import TracedStep

ARRIVED = frozenset(["activation_gradient", "delta", "data_gradient", "gradient", "share"])
LinkRule: TypeAlias = Callable[[TracedStep, Workings, int, int], Iterator[Link]]


def is_gradient(traced: TracedStep) -> bool:
    """Whether it has arrived from the loss, so that its entries have paths to it."""
    return traced.phase == "backward" and traced.role in ARRIVED


def reached(value: Value) -> EntryNode:
    return EntryNode(value.id, value.row, value.column)


def mean(traced: TracedStep) -> tuple[Factor, ...]:
    """1/n, where a step carries the mean of more than one sample."""
    n = traced.parameters.get("samples", 1)
    one = filled(traced.value[:1, :1], 1)[0, 0]
    return () if n == 1 else (Factor(one / n, lambda: Fraction(Text("1"), Value(n))),)


def negative(applies: object) -> tuple[Factor, ...]:
    return (Factor(-1, lambda: Text("(−1)")),) if applies else ()


def _loss_gradient(traced: TracedStep, workings: Workings, i: int, j: int) -> Iterator[Link]:
    def formula() -> Expr:
        return factor(loss_gradient_stages(_of_a_sum(traced), workings, i, j)[0])

    yield _ending(traced, formula, i, j)


def _shortcut_delta(traced: TracedStep, workings: Workings, i: int, j: int) -> Iterator[Link]:
    def formula() -> Expr:
        difference = shortcut_delta(_of_a_sum(traced).step, workings)
        return Brackets(filled_in(difference, workings, i, j))

    yield _ending(traced, formula, i, j)


def _ending(traced: TracedStep, formula: Callable[[], Expr], i: int, j: int) -> Link:
    """The end of a path, its 1/n by itself."""
    summed = traced.value[i, j] * traced.parameters.get("samples", 1)
    return Link((*mean(traced), Factor(summed, formula)))


def _of_a_sum(traced: TracedStep) -> TracedStep:
    """The same step without its 1/n."""
    parameters = {k: v for k, v in traced.parameters.items() if k != "samples"}
    return replace(traced, step=replace(traced.step, parameters=parameters))


def _hadamard(traced: TracedStep, workings: Workings, i: int, j: int) -> Iterator[Link]:
    """A slope that is 1 everywhere is no factor."""
    onto, slope = (workings.entry(id, i, j) for id in traced.operands)
    if _is_limit(traced, onto):
        yield _limit(traced, workings, i, j)
        return
    passes = is_identity(workings.steps[slope.id].parameters)
    yield Link(() if passes else (Factor.of(slope),), reached(onto))


def _is_limit(traced: TracedStep, arrived: Value) -> bool:
    """Whether an entry is no product of numbers, ∞ · 0, but what it comes to."""
    return "saturated" in traced.parameters and isinf(arrived.value)


def _limit(traced: TracedStep, workings: Workings, i: int, j: int) -> Link:
    """The path ends at δ itself."""
    return Link((Factor.of(workings.entry(traced.id, i, j)),))


def _jacobian_product(traced: TracedStep, workings: Workings, i: int, j: int) -> Iterator[Link]:
    terms = jacobian_terms(traced, workings, i, j)
    if any(_is_limit(traced, onto) for onto, _ in terms):
        yield _limit(traced, workings, i, j)
        return
    for onto, slope in terms:
        formula = partial(_of_jacobian, workings, slope)
        yield Link((Factor(slope.value, formula),), reached(onto))


def _of_jacobian(workings: Workings, slope: Value) -> Expr:
    jacobian = workings.steps[slope.id]
    return Brackets(jacobian_entry(jacobian, workings, slope.row, slope.column))


def _matmul(traced: TracedStep, workings: Workings, i: int, j: int) -> Iterator[Link]:
    for pair in product_terms(traced, workings, i, j):
        at = next(at for at, value in enumerate(pair) if is_gradient(workings.steps[value.id]))
        yield Link((*mean(traced), Factor.of(pair[1 - at])), reached(pair[at]))


def _sum_samples(traced: TracedStep, workings: Workings, i: int, j: int) -> Iterator[Link]:
    factors = (*negative(traced.parameters.get("negate")), *mean(traced))
    for value in summed_entries(traced, workings, i, j):
        yield Link(factors, reached(value))


def _add_penalty(traced: TracedStep, workings: Workings, i: int, j: int) -> Iterator[Link]:
    """The data's gradient as it is, and what the penalty adds: the operation on zeros."""
    data, w = (workings.value(id) for id in traced.operands)
    yield Link((), EntryNode(traced.operands[0], i, j))
    evaluate = OPERATIONS["add_penalty"].evaluate
    added = evaluate(workings.setting, traced.parameters, filled(data, 0), w)[i, j]

    def formula() -> Expr:
        slopes = [filled_in(part, workings, i, j) for part in penalty_slopes(traced.step)]
        whole = Terms(tuple(slopes)) if len(slopes) > 1 else slopes[0]
        return factor(Negative(whole) if workings.setting.descent else whole)

    if added:
        yield Link((Factor(added, formula),))


def _add(traced: TracedStep, workings: Workings, i: int, j: int) -> Iterator[Link]:
    for id in traced.operands:
        yield Link((), EntryNode(id, i, j))


LINKS: dict[str, LinkRule] = {
    "copy": _add,
    "add": _add,
    "loss_gradient": _loss_gradient,
    "shortcut_delta": _shortcut_delta,
    "hadamard": _hadamard,
    "jacobian_product": _jacobian_product,
    "matmul": _matmul,
    "sum_samples": _sum_samples,
    "add_penalty": _add_penalty,
}
