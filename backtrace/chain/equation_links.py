"""What an entry of a gradient of equations is the sum of: an operation a row.

Most gradients are worked entry by entry: what arrived times a local derivative, whose number is
what the operation makes of a 1 that arrives.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property, partial
from typing import Any, TypeAlias

import numpy as np

from backtrace.chain.layer_links import is_gradient, negative, reached
from backtrace.chain.model import Factor, Link
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.activations import filled as full_of
from backtrace.functions.array import Array
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import (
    Apply,
    Expr,
    Fraction,
    Negative,
    Power,
    Row,
    Text,
    Value,
    expression,
    filled,
    row,
)
from backtrace.notation.equations.entries import (
    PRODUCTS,
    Entries,
    added_up,
    before_placing,
    local_shape,
    loss_slope,
    mean_of,
    pooled_from,
    softmax_line,
    taken_as,
)
from backtrace.notation.equations.right_sides import chosen_sign, slope_formula
from backtrace.notation.layout import factor
from backtrace.notation.workings import Workings, filled_in, holes, over_n
from backtrace.tape.equation_operations import entries_of
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.trace import TracedStep


class LocalDerivatives(Entries):
    """The arguments of a gradient's step, and what it makes of a 1 that arrives."""

    def __init__(self, traced: TracedStep, workings: Workings) -> None:
        super().__init__(traced, workings)
        self.operation = traced.operation

    @cached_property
    def slopes(self) -> Array:
        """The local derivative at each entry, before it is added up or placed."""
        upstream, *others = self.values
        evaluate = OPERATIONS[self.operation].evaluate
        slopes = evaluate(self.setting, self.parameters, full_of(upstream, 1), *others)
        return np.broadcast_to(slopes, local_shape(self))

    def onto(self, place: int, i: int, j: int, *factors: Factor) -> Link:
        """A link to the entry that the argument in this place has at [i, j]."""
        value = self.at(place, i, j)
        assert isinstance(value, Value)
        return Link(factors, reached(value))


EquationLinkRule: TypeAlias = Callable[[LocalDerivatives, int, int], Iterator[Link]]


def equation_links(local: LocalDerivatives, traced: TracedStep, i: int, j: int) -> Iterator[Link]:
    """The links of an entry: of every place that it was added up from."""
    place = before_placing(traced, i, j)
    if place is not None:
        for each in added_up(traced, local, *place):
            yield from EQUATION_LINKS[traced.operation](local, *each)


def _passed_on(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    yield local.onto(0, i, j)


def _negate(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    yield local.onto(0, i, j, *negative(True))


def _entrywise(formula: Callable[[LocalDerivatives, int, int], Expr]) -> EquationLinkRule:
    """What arrived at an entry times the derivative there, which ``formula`` writes."""

    def links(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
        def written() -> Expr:
            return factor(filled_in(formula(local, i, j), local.workings, i, j))

        yield local.onto(0, i, j, Factor(local.slopes[i, j], written))

    return links


def _over_slope(local: LocalDerivatives, i: int, j: int) -> Expr:
    x, y = local.at(1, i, j), local.at(2, i, j)
    return Negative(Fraction(x, Power(y, Text("2"))))


def _larger_slope(local: LocalDerivatives, i: int, j: int) -> Expr:
    x, y = local.at(1, i, j), local.at(2, i, j)
    return row("[", x, chosen_sign(local.parameters), y, "]")


def _chain(local: LocalDerivatives, i: int, j: int) -> Expr:
    """An activation's derivative by its name, that of another function by its formula."""
    p, (_, z, *learned) = local.parameters, local.all(i, j)
    if p["activation"] in ACTIVATIONS:
        return Apply(f"{ACTIVATIONS[p['activation']].symbol}′", z)
    return filled(slope_formula(p), holes(local.step, z, *learned))


def _chain_to_learned(local: LocalDerivatives, i: int, j: int) -> Expr:
    formula = FUNCTIONS[local.parameters["activation"]].by_learned_formula
    assert formula is not None
    return Row((*over_n(local.step), filled(formula, {"z": local.at(1, i, j)})))


def _reduce_slope(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    p, value = local.parameters, local.slopes[i, j]
    if p["reduce"] == "sum":
        yield local.onto(0, i, j)
    elif p["reduce"] == "max":
        yield local.onto(0, i, j, Factor(value, lambda: row("[", local.at(1, i, j), " = max", "]")))
    else:
        yield local.onto(0, i, j, Factor(value, lambda: _share(local, i, j)))


def _share(local: LocalDerivatives, i: int, j: int) -> Expr:
    """Of a mean 1/n, of a variance 2/n · (x − mean)."""
    p, n = local.parameters, entries_of(local.parameters, local.shapes[1])
    if p["reduce"] == "mean":
        return Fraction(Text("1"), expression(n))
    mean = mean_of(local, 1, local.along(1, i, j, p.get("each", "")))
    below = expression(n - bool(p.get("unbiased")))
    centred = row("(", local.at(1, i, j), " − ", Value(mean), ")")
    return row(Fraction(Text("2"), below), "·", centred)


def _softmax_slope(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    """Back from each entry of the same softmax by −aₖaᵢ, from the entry itself by aᵢ(1 − aᵢ)."""
    own, own_value = local.at(1, i, j), local.value(1, i, j)
    for place in local.along(1, i, j, softmax_line(local)):
        if place == (i, j):
            formula, value = row(own, "·(1 − ", own, ")"), own_value * (1 - own_value)
        else:
            formula = row("(−", local.at(1, *place), "·", own, ")")
            value = 0 - local.value(1, *place) * own_value
        yield local.onto(0, *place, Factor(value, partial(row, formula)))


def _product(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    """A sum of products, of which one factor has arrived and the other is the derivative."""
    at = next(at for at, each in enumerate(local.arguments) if _has_arrived(local, each.id))
    for pair in PRODUCTS[local.operation](local, i, j):
        place = 1 - at, *pair[1 - at]
        yield local.onto(at, *pair[at], Factor(local.value(*place), partial(local.at, *place)))


def _has_arrived(local: LocalDerivatives, id: str) -> bool:
    return bool(id) and is_gradient(local.workings.steps[id])


def _rows_slope(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    return (local.onto(0, at, j) for at in taken_as(local, i))


def _reshape(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    number = i * local.parameters["shape"][1] + j
    yield local.onto(0, *divmod(number, local.shapes[0][1]))


def _pool_slope(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    size = local.parameters["size"] ** 2
    shares: tuple[Factor, ...] = ()
    if local.parameters["pool"] == "mean":
        one: Any = full_of(local.values[0][:1, :1], 1)[0, 0]
        shares = (Factor(one / size, lambda: Fraction(Text("1"), expression(size))),)
    return (local.onto(0, *window, *shares) for window in pooled_from(local, i, j))


def _add(local: LocalDerivatives, i: int, j: int) -> Iterator[Link]:
    return (local.onto(place, i, j) for place in range(len(local.arguments)))


EQUATION_LINKS: dict[str, EquationLinkRule] = {
    "copy": _passed_on,
    "add": _add,
    "negate": _negate,
    "times": _entrywise(lambda local, i, j: local.at(1, i, j)),
    "over": _entrywise(lambda local, i, j: Fraction(Text("1"), local.at(1, i, j))),
    "over_slope": _entrywise(_over_slope),
    "larger_slope": _entrywise(_larger_slope),
    "chain": _entrywise(_chain),
    "chain_to_learned": _entrywise(_chain_to_learned),
    "loss_slope": _entrywise(loss_slope),
    "reduce_slope": _reduce_slope,
    "softmax_slope": _softmax_slope,
    **dict.fromkeys(PRODUCTS, _product),
    "reshape": _reshape,
    "rows_slope": _rows_slope,
    "pool_slope": _pool_slope,
}
