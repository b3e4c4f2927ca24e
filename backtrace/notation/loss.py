"""How the lines of the loss and its penalty are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from backtrace.functions.formula import (
    HALF,
    Absolute,
    Brackets,
    Cases,
    Constant,
    Expr,
    Fraction,
    Hole,
    Power,
    Product,
    Ref,
    Row,
    Sum,
    Text,
    Value,
    call,
    filled,
    mentions,
    parts,
    rebuilt,
    row,
)
from backtrace.functions.losses import LOSSES
from backtrace.functions.penalties import FORMS
from backtrace.notation.layout import factor
from backtrace.notation.workings import (
    Stages,
    Workings,
    constants,
    filled_in,
    over_n,
    scaled,
    signed_sum,
    sum_of,
)
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep

Size: TypeAlias = Callable[[Expr], Expr]
SIZES: dict[str, Size] = {"l2": lambda w: Power(w, Text("2")), "l1": Absolute}


def error(step: Step, workings: Workings) -> Expr:
    a, y = (Ref(id) for id in step.operands)
    return row(y, " − ", a) if workings.setting.descent else row(a, " − ", y)


# The addends


def addends(step: Step, workings: Workings) -> Expr:
    """The formula of one addend on whole matrices, or only its name where it has cases."""
    formula = LOSSES[step.parameters["loss"]].term_formula
    if not is_plain(formula):
        return call("ℓ", *map(Ref, step.operands))
    return entrywise(filled(formula, in_symbols(step)))


def addend(step: Step, workings: Workings) -> Expr:
    return filled(LOSSES[step.parameters["loss"]].term_formula, in_symbols(step))


def in_symbols(step: Step) -> dict[str, Expr]:
    """What the holes of a loss's formulas are filled with: quantities and parameters."""
    names = ("e",) if is_from_error(step) else ("a", "y")
    quantities: dict[str, Expr] = {
        name: Ref(id) for name, id in zip(names, step.operands, strict=False)
    }
    of_true_class = row(Ref(step.operands[0]), "[", "true class", "]")
    return {**constants(step), **quantities, "a_true": of_true_class}


def is_from_error(step: Step) -> bool:
    """Whether a gradient is worked from ŷ − y, which has the sign of the convention already."""
    return step.operation == "loss_gradient" and LOSSES[step.parameters["loss"]].from_error


def is_plain(formula: Expr) -> bool:
    """Whether whole matrices can be put into a formula: no cases, nothing of another entry."""
    if isinstance(formula, Cases) or formula == Hole("a_true"):
        return False
    return all(is_plain(part) for part in parts(formula))


def entrywise(formula: Expr) -> Expr:
    """A formula of one entry as it is written of whole matrices: a ⊙ b, a / b."""
    match formula:
        case Product():
            return _entrywise_product(formula)
        case Fraction() if _has_matrix(formula.below):
            above, below = entrywise(formula.above), entrywise(formula.below)
            together = isinstance(formula.below, Product | Fraction)
            return row(factor(above), " / ", Brackets(below) if together else factor(below))
    return rebuilt(formula, entrywise)


def _entrywise_product(product: Product) -> Expr:
    written: list[Expr] = []
    matrix_before = False
    for item in product.items:
        matrix = _has_matrix(item)
        if written:
            written.append(Text(" ⊙ " if matrix_before and matrix else "·"))
        written.append(factor(entrywise(item)))
        matrix_before = matrix
    return Row(tuple(written))


def _has_matrix(expr: Expr) -> bool:
    return isinstance(expr, Ref) or any(_has_matrix(part) for part in parts(expr))


def addend_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    loss = LOSSES[traced.parameters["loss"]]
    if is_of_true_class(loss.term_formula) and is_true_class(traced, workings, i, j):
        return [Text("0 for the true class")]
    numbers = in_numbers(traced, workings, loss.term_formula, i, j)
    formula = loss.term_formula
    if loss.case is not None:
        formula = loss.case(numbers["a"].value, numbers["y"].value, traced.parameters)
    return [filled(formula, numbers)]


def in_numbers(
    traced: TracedStep, workings: Workings, formula: Expr, i: int, j: int
) -> dict[str, Value]:
    """The holes of a loss's formula filled with the entries at (i, j)."""
    step = traced.step
    names = ("e",) if is_from_error(step) else ("a", "y")
    entries = {
        name: workings.entry(id, i, j) for name, id in zip(names, step.operands, strict=False)
    }
    if is_of_true_class(formula):
        entries["a_true"] = _true_entry(traced, workings, i, j)
    return {**constants(step), **entries}


def is_of_true_class(formula: Expr) -> bool:
    """Whether a formula compares an entry with that of its sample's true class."""
    return mentions(formula, Hole("a_true"))


def is_true_class(traced: TracedStep, workings: Workings, i: int, j: int) -> bool:
    return float(workings.entry(traced.operands[1], i, j).value) != 0


def _true_entry(traced: TracedStep, workings: Workings, i: int, j: int) -> Value:
    a, y = traced.operands
    targets = workings.value(y)
    if workings.setting.sample_axis == 0:
        return workings.entry(a, i, int(np.argmax(targets[i])))
    return workings.entry(a, int(np.argmax(targets[:, j])), j)


def total(step: Step, workings: Workings) -> Expr:
    return Row((*over_n(step), Sum(Ref(step.operands[0]))))


def total_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    id = traced.operands[0]
    rows, columns = workings.value(id).shape
    values = [workings.entry(id, r, c) for r in range(rows) for c in range(columns)]
    return [scaled(traced.step, signed_sum(values))]


# The penalty


def penalty(step: Step, workings: Workings) -> Expr:
    refs = [Ref(id, False, omit) for id, omit in _penalised(step)]

    def summed(size: Size) -> Expr:
        sums: list[Expr] = [Sum(size(ref)) for ref in refs]
        return sums[0] if len(sums) == 1 else Brackets(Row(tuple(sum_of(sums))))

    return _charged(step, summed)


def penalty_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    """Every weight squared (or its size) and added up, under the λ of the form."""
    values: list[Value] = []
    for id, omit in _penalised(traced.step):
        matrix = workings.setting.without_bias(workings.value(id), omit)
        values += [Value(value, id) for value in matrix.ravel()]

    def summed(size: Size) -> Expr:
        return Brackets(Row(tuple(sum_of([size(value) for value in values]))))

    return [filled_in(_charged(traced.step, summed), workings, 0, 0)]


def _penalised(step: Step) -> list[tuple[str, str]]:
    return list(zip(step.operands, step.parameters["omit"], strict=True))


def _charged(step: Step, summed: Callable[[Size], Expr]) -> Expr:
    """λ of each part times its sum."""
    charges: list[Expr] = []
    for part, size in SIZES.items():
        if float(step.parameters[part]):
            above, below = FORMS[step.parameters["form"]].l2 if part == "l2" else (1, 1)
            charges.append(row(*weighted(step, part, above, below), "·", summed(size)))
    return Row(tuple(sum_of(charges))) if charges else Text("0")


def weighted(step: Step, part: str, above: int, below: int) -> list[Expr]:
    """λ · above/below, over n where the form says so: ½·λ, λ, 2·λ, λ/n, λ/(2·n)."""
    both = float(step.parameters["l1"]) and float(step.parameters["l2"])
    constant = Constant("lambda1" if part == "l1" and both else "lambda", step.parameters[part])
    times: list[Expr] = [] if above == 1 else [Text(f"{above}·")]
    if FORMS[step.parameters["form"]].per_sample:
        n = Constant("samples", step.parameters["over"])
        return [*times, Fraction(constant, n if below == 1 else row(f"{below}·", n))]
    halved: list[Expr] = [] if below == 1 else [HALF, Text("·")]
    return [*halved, *times, constant]
