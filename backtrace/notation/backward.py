"""How the lines of the backward pass are written."""

from __future__ import annotations

from math import gcd

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.formula import (
    Apply,
    Brackets,
    Expr,
    Literal,
    Negative,
    Ref,
    Row,
    Sum,
    Terms,
    Text,
    Value,
    call,
    filled,
    row,
)
from backtrace.functions.losses import LOSSES
from backtrace.functions.penalties import FORMS
from backtrace.notation.equations.entries import entry_stages
from backtrace.notation.equations.right_sides import right
from backtrace.notation.layout import factor
from backtrace.notation.loss import (
    entrywise,
    in_numbers,
    in_symbols,
    is_from_error,
    is_of_true_class,
    is_plain,
    is_true_class,
    weighted,
)
from backtrace.notation.workings import (
    Stages,
    Workings,
    filled_in,
    holes,
    over_n,
    scaled,
    signed_sum,
    sum_of,
)
from backtrace.spec.ids import id_of
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep


def loss_gradient(step: Step, workings: Workings) -> Expr:
    """The formula on whole matrices, or only its name where it has cases."""
    loss = LOSSES[step.parameters["loss"]]
    formula = loss.gradient_formula
    if isinstance(formula, Literal):
        written: Expr = row(formula, " for every output")
    elif is_plain(formula):
        written = entrywise(filled(formula, in_symbols(step)))
    else:
        named = (
            loss.term_formula.function
            if loss.case and isinstance(loss.term_formula, Apply)
            else "ℓ"
        )
        written = call(f"{named}′", *map(Ref, step.operands))
    return _with_mean(step, workings, written, factor(written))


def loss_gradient_entry(step: Step, workings: Workings) -> Expr:
    written = filled(LOSSES[step.parameters["loss"]].gradient_formula, in_symbols(step))
    return _with_mean(step, workings, written, factor(written))


def loss_gradient_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    written = _gradient_entry(traced, workings, i, j)
    return [
        filled_in(_with_mean(traced.step, workings, written, Brackets(written)), workings, i, j)
    ]


def _gradient_entry(traced: TracedStep, workings: Workings, i: int, j: int) -> Expr:
    """An entry with its numbers; what all others of its sample push back on the true class."""
    formula = LOSSES[traced.parameters["loss"]].gradient_formula
    if not (is_of_true_class(formula) and is_true_class(traced, workings, i, j)):
        return filled(formula, in_numbers(traced, workings, formula, i, j))
    rows = workings.setting.sample_axis == 0
    units = range(traced.shape[1 if rows else 0])
    places = [(i, unit) if rows else (unit, j) for unit in units if unit != (j if rows else i)]
    entries = [filled(formula, in_numbers(traced, workings, formula, *place)) for place in places]
    return Negative(Terms(tuple(entries)) if len(entries) > 1 else entries[0])


def _with_mean(step: Step, workings: Workings, written: Expr, inside: Expr) -> Expr:
    """The sign of the convention and 1/n in front of ``inside``; without them ``written``."""
    flipped = workings.setting.descent and not is_from_error(step)
    over = over_n(step)
    if not flipped and not over:
        return written
    return Row((*([Text("−")] if flipped else []), *over, inside))


def shortcut_delta(step: Step, workings: Workings) -> Expr:
    a, y = (Ref(id) for id in step.operands)
    error = row(y, " − ", a) if workings.setting.descent else row(a, " − ", y)
    over = over_n(step)
    return Row((*over, Brackets(error))) if over else error


def activation_derivative(step: Step, workings: Workings) -> Expr:
    row = ACTIVATIONS[step.parameters["activation"]]
    worked_from = step.parameters.get("slope_from")
    if worked_from and row.from_activation_formula is not None and "ones" not in step.parameters:
        return entrywise(filled(row.from_activation_formula, {"a": Ref(worked_from)}))
    return Apply(f"{row.symbol}′", Ref(step.operands[0]))


def derivative_entry(step: Step, workings: Workings) -> Expr:
    row = ACTIVATIONS[step.parameters["activation"]]
    worked_from = step.parameters.get("slope_from")
    if worked_from and row.from_activation_formula is not None:
        return filled(row.from_activation_formula, {"a": Ref(worked_from)})
    return filled(row.derivative_formula, holes(step, *map(Ref, step.operands)))


def derivative_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    activation = ACTIVATIONS[traced.parameters["activation"]]
    if not activation.elementwise:
        return [jacobian_entry(traced, workings, i, j)]
    entries = [workings.entry(id, i, j) for id in traced.operands]
    stages: Stages = [filled(activation.derivative_formula, holes(traced.step, *entries))]
    if "slope_from" in traced.parameters:
        stages = []
    if activation.from_activation_formula is not None:
        a = _activation_entry(traced, workings, i, j)
        stages.append(filled(activation.from_activation_formula, {"a": a}))
    return stages


def _activation_entry(traced: TracedStep, workings: Workings, i: int, j: int) -> Value:
    """The activation of the same unit, past the 1 that its matrix may carry in front."""
    a = workings.steps[id_of("activation", traced.layer)]
    if a.parameters.get("ones") == "first":
        i, j = (i, j + 1) if workings.setting.sample_axis == 0 else (i + 1, j)
    return workings.entry(a.id, i, j)


def jacobian_entry(traced: TracedStep, workings: Workings, i: int, j: int) -> Expr:
    a = id_of("activation", traced.layer)
    rows = workings.setting.sample_axis == 0
    k = workings.value(a).shape[1 if rows else 0]
    stacked, other = (i, j) if rows else (j, i)
    sample, unit = divmod(stacked, k)
    one, two = (workings.entry(a, *((sample, u) if rows else (u, sample))) for u in (unit, other))
    if unit == other:
        return one * (1 - two)
    return row("−", one, "·", two)


def chain_to_learned(step: Step, workings: Workings) -> Expr:
    return Row((*over_n(step), right(step, workings)))


def chain_to_learned_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    return [scaled(traced.step, [stage]) for stage in entry_stages(traced, workings, i, j)]


def hadamard(step: Step, workings: Workings) -> Expr:
    return row(Ref(step.operands[0]), " ⊙ ", Ref(step.operands[1]))


def jacobian_product(step: Step, workings: Workings) -> Expr:
    da, g = (Ref(id) for id in step.operands)
    return row(da, " ⊡ ", g) if workings.setting.sample_axis == 0 else row(g, " ⊡ ", da)


def jacobian_product_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    pairs = jacobian_terms(traced, workings, i, j)
    factors: list[Expr] = [row(left, "·", right) for left, right in pairs]
    worked = [Value(left.value * right.value) for left, right in pairs]
    return [Row(tuple(sum_of(factors))), Row(tuple(signed_sum(worked)))]


def jacobian_terms(
    traced: TracedStep, workings: Workings, i: int, j: int
) -> list[tuple[Value, Value]]:
    """What arrived at each output of a sample, with the entry of the Jacobian it meets."""
    da, g = traced.operands
    rows = workings.setting.sample_axis == 0
    sample, unit = (i, j) if rows else (j, i)
    k = traced.shape[1 if rows else 0]
    pairs = []
    for other in range(k):
        stacked = (sample * k + unit, other)
        left = workings.entry(da, *((sample, other) if rows else (other, sample)))
        pairs.append((left, workings.entry(g, *(stacked if rows else stacked[::-1]))))
    return pairs


def sum_samples(step: Step, workings: Workings) -> Expr:
    delta = Ref(step.operands[0])
    minus = [Text("−")] if step.parameters.get("negate") else []
    n = workings.steps[delta.id].shape[workings.setting.sample_axis]
    if n == 1 and not step.parameters.get("all"):
        return Row((*minus, delta))
    over = "" if step.parameters.get("all") else "samples"
    return Row((*minus, *over_n(step), Sum(delta, over)))


def sum_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    values = summed_entries(traced, workings, i, j)
    summed = signed_sum(values)
    if traced.parameters.get("negate"):
        alone = len(values) == 1
        summed = [Text("−"), *(summed if alone else [Brackets(Row(tuple(summed)))])]
    return [scaled(traced.step, summed)]


def summed_entries(traced: TracedStep, workings: Workings, i: int, j: int) -> list[Value]:
    """The entries that a sum over samples, or over all, adds up."""
    id = traced.operands[0]
    rows, columns = workings.value(id).shape
    if traced.parameters.get("all"):
        return [workings.entry(id, r, c) for r in range(rows) for c in range(columns)]
    if workings.setting.sample_axis == 0:
        return [workings.entry(id, r, j) for r in range(rows)]
    return [workings.entry(id, i, c) for c in range(columns)]


def add_penalty(step: Step, workings: Workings) -> Expr:
    sign = " − " if workings.setting.descent else " + "
    parts: list[Expr] = [Ref(step.operands[0])]
    for part in penalty_slopes(step):
        parts += [Text(sign), part]
    return Row(tuple(parts))


def penalty_slopes(step: Step) -> list[Expr]:
    """What a penalty adds to the gradient of its weights: λ·W, λ·sign(W)."""
    w = Ref(step.operands[1])
    parts: list[Expr] = []
    if float(step.parameters["l2"]):
        above, below = FORMS[step.parameters["form"]].l2
        common = gcd(2 * above, below)  # the 2 of the square's derivative
        factor = weighted(step, "l2", 2 * above // common, below // common)
        parts.append(Row((*factor, Text("·"), w)))
    if float(step.parameters["l1"]):
        parts.append(Row((*weighted(step, "l1", 1, 1), Text("·"), Apply("sign", w))))
    return parts


def add_penalty_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    omit = traced.parameters.get("omit", "")
    at = (i, j)[workings.setting.input_axis]
    length = traced.shape[workings.setting.input_axis]
    if omit and at == (0 if omit == "first" else length - 1):
        return [workings.entry(traced.operands[0], i, j)]
    return [filled_in(add_penalty(traced.step, workings), workings, i, j)]
