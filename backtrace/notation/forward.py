"""How the lines of the forward pass are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import (
    Apply,
    Exponential,
    Expr,
    Fraction,
    Ref,
    Row,
    Terms,
    Text,
    Value,
    filled,
    row,
)
from backtrace.notation.workings import (
    Stages,
    Workings,
    holes,
    over_n,
    scaled,
    signed_sum,
    sum_of,
)
from backtrace.tape.operations import matmul_operands
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep


def matmul(step: Step, workings: Workings) -> Expr:
    transpose, omit = step.parameters.get("transpose", ""), step.parameters.get("omit", "")
    omitted = {"first": (omit, ""), "second": ("", omit)}.get(
        step.parameters.get("omit_from", ""), ("", "")
    )
    first = Ref(step.operands[0], transpose == "first", omitted[0])
    second = Ref(step.operands[1], transpose == "second", omitted[1])
    return Row((*over_n(step), first, Text(" · "), second))


def products(
    traced: TracedStep, workings: Workings, i: int, j: int
) -> tuple[list[Expr], list[Value]]:
    """The terms of one entry of a matrix product: as factors, and multiplied out."""
    pairs = product_terms(traced, workings, i, j)
    factors: list[Expr] = [row(a, "·", b) for a, b in pairs]
    return factors, [Value(a.value * b.value) for a, b in pairs]


def product_terms(
    traced: TracedStep, workings: Workings, i: int, j: int
) -> list[tuple[Value, Value]]:
    """The two factors of each term of one entry of a matrix product."""
    first, second = traced.operands
    x, y = workings.value(first), workings.value(second)
    left, right = matmul_operands(workings.setting, traced.parameters, x, y)
    places = _source_places(traced, workings, left.shape[1], i, j)
    return [
        (Value(left[i, k], first, *source), Value(right[k, j], second, *target))
        for k, (source, target) in enumerate(places)
    ]


def _source_places(
    traced: TracedStep, workings: Workings, length: int, i: int, j: int
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where in the two operands each factor of an entry stands (before transposing)."""
    transpose = traced.parameters.get("transpose", "")
    first_shift, second_shift = _shifts(traced, workings)
    places = []
    for k in range(length):
        left = (k, i) if transpose == "first" else (i, k)
        right = (j, k) if transpose == "second" else (k, j)
        places.append(
            (
                (left[0] + first_shift[0], left[1] + first_shift[1]),
                (right[0] + second_shift[0], right[1] + second_shift[1]),
            )
        )
    return places


def _shifts(traced: TracedStep, workings: Workings) -> tuple[tuple[int, int], tuple[int, int]]:
    """By how much a leading bias line, left out, moves the entries of the operand it is in."""
    if traced.parameters.get("omit") != "first":
        return (0, 0), (0, 0)
    shift = (1, 0) if workings.setting.input_axis == 0 else (0, 1)
    return (shift, (0, 0)) if traced.parameters["omit_from"] == "first" else ((0, 0), shift)


def matmul_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    factors, worked = products(traced, workings, i, j)
    stages = [scaled(traced.step, sum_of(factors))]
    return stages if len(worked) == 1 else [*stages, scaled(traced.step, signed_sum(worked))]


def add_bias(step: Step, workings: Workings) -> Expr:
    sign = " − " if step.parameters.get("subtract") else " + "
    return row(Ref(step.operands[0]), sign, Ref(step.operands[1]))


def add_bias_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    """The whole weighted sum with its bias: 1·0.5 + 2·1.5 + 0.2."""
    product, bias = (workings.entry(id, i, j) for id in traced.operands)
    sums: Stages = [product]
    step = workings.steps[traced.operands[0]]
    if step.operation == "matmul":
        factors, _ = products(step, workings, i, j)
        sums.insert(0, Row(tuple(sum_of(factors))))
    if traced.parameters.get("subtract"):
        return [row(added, " − ", bias) for added in sums]
    return [Terms((added, bias)) for added in sums]


def copy(step: Step, workings: Workings) -> Expr:
    return Ref(step.operands[0])


def activate(step: Step, workings: Workings) -> Expr:
    if is_identity(step.parameters):
        return Ref(step.operands[0])
    return Apply(FUNCTIONS[step.parameters["activation"]].symbol, Ref(step.operands[0]))


def activate_rule(step: Step, workings: Workings) -> Expr:
    formula = FUNCTIONS[step.parameters["activation"]].formula
    worked = filled(formula, holes(step, *map(Ref, step.operands)))
    called = activate(step, workings)
    return called if isinstance(called, Ref) or worked == called else row(called, " = ", worked)


def activate_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    i, j, is_one = _before_ones(traced, workings, i, j)
    if is_one:
        return [Text("the 1 that carries the bias")]
    entries = [workings.entry(id, i, j) for id in traced.operands]
    if is_identity(traced.parameters):
        return list(entries)
    activation = FUNCTIONS[traced.parameters["activation"]]
    if not activation.elementwise:
        return [_softmax_entry(traced, workings, i, j)]
    return [filled(activation.formula, holes(traced.step, *entries))]


def _before_ones(traced: TracedStep, workings: Workings, i: int, j: int) -> tuple[int, int, bool]:
    """The entry of z behind an entry of an a that carries a 1, and whether it is that 1."""
    ones = traced.parameters.get("ones", "")
    if not ones:
        return i, j, False
    along = 1 - workings.setting.sample_axis
    at = (i, j)[along]
    if at == (0 if ones == "first" else traced.shape[along] - 1):
        return i, j, True
    at -= ones == "first"
    return (at, j, False) if along == 0 else (i, at, False)


def _softmax_entry(traced: TracedStep, workings: Workings, i: int, j: int) -> Expr:
    z, (rows, columns) = traced.operands[0], workings.value(traced.operands[0]).shape
    along_columns = workings.setting.sample_axis == 0
    places = [(i, k) for k in range(columns)] if along_columns else [(k, j) for k in range(rows)]
    powers: list[Expr] = [Exponential(workings.entry(z, *place)) for place in places]
    return Fraction(Exponential(workings.entry(z, i, j)), Row(tuple(sum_of(powers))))


def is_identity(parameters: Mapping[str, Any]) -> bool:
    """Whether an activation passes on what it gets."""
    return bool(parameters.get("activation") == "linear" and float(parameters["slope"]) == 1)
