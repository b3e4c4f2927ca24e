"""Wrong steps of equations with another quantity for a factor, or with one factor too many."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backtrace.check.mistakes.equation_terms import as_equation, is_way, of_equations
from backtrace.check.mistakes.rewrites import SHORT_FORMULAS, UpdateContext, Wrong
from backtrace.functions.formula import Symbol
from backtrace.spec import ids
from backtrace.tape.steps import Step


def another_factor(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """In a gradient a quantity of the forward pass that is not the one that stood there: the state
    of another time step; what that was worked from, or was worked from it: x for x̂; or the other
    factor of the product: dS·Q for dS·K."""
    if not (is_way(step) and of_equations(step)) or step.operation not in ("matmul", "times"):
        return
    if "arguments" in step.parameters:
        return
    for operand in (context.steps[id] for id in step.operands):
        if operand.phase == "backward":
            continue
        own = context.steps[step.of]  # of u·a a given u, not a state; of a product either factor
        beside = [*_beside(operand, context)]
        if own.phase != "given":
            is_product = step.operation == "matmul" and operand.phase == own.phase
            beside = [id for id in beside if id != own.id] + [own.id] * is_product
        for other in (context.steps[id] for id in beside):
            if other.id != operand.id and other.shape == operand.shape:
                yield _with_factor(step, operand, other)


def another_weight(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """In a product what is given for another line: K = X·W_Q; dh₁ = Wᵀ·dz₂ for Uᵀ·dz₂."""
    weights = _weights(context) if step.operation == "matmul" else []
    for operand in (context.steps[id] for id in step.operands if id in weights):
        for other in (context.steps[id] for id in weights if id != operand.id):
            if other.shape == operand.shape:
                yield _with_factor(step, operand, other)


def _weights(context: UpdateContext) -> list[str]:
    board = context.spec.equations
    return [id for id in board.given if id not in board.constants] if board is not None else []


def weights_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """What comes back as it stands, or each entry the sum of it."""
    if step.operation != "matmul" or not is_way(step) or "arguments" in step.parameters:
        return
    at = [k for k, id in enumerate(step.operands) if id in _weights(context)]
    if len(at) != 1:
        return
    (back,) = (id for k, id in enumerate(step.operands) if k != at[0])
    if context.steps[back].phase != "backward":
        return
    if context.steps[back].shape == step.shape:
        yield Wrong("weights-omitted-going-back", as_equation(step, "copy", (back,)))
    unweighted = msgspec.structs.replace(
        step, operation="product_with_ones", parameters={**step.parameters, "at": at[0]}
    )
    yield Wrong("weights-omitted-going-back", unweighted)


def factors_crossed(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """In a sum of two products the factor of the other one: z·h₀ + (1 − z)·c, i and f."""
    products = [context.steps[id] for id in step.operands]
    plain = all(
        each.operation == "times" and ids.is_part(each.id) and "arguments" not in each.parameters
        for each in products
    )
    if step.operation != "plus" or not plain or "arguments" in step.parameters:
        return
    (a, b), (c, d) = (each.operands for each in products)
    if len({context.steps[id].shape for id in (a, b, c, d)}) == 1:
        wrong = as_equation(step, "sum_of_products", (a, d, c, b))
        yield Wrong("another-factor", wrong, detail=("the other product's factor",))


def _with_factor(step: Step, operand: Step, other: Step) -> Wrong:
    operands = tuple(other.id if id == operand.id else id for id in step.operands)
    wrong = msgspec.structs.replace(step, operands=operands)
    return Wrong("another-factor", wrong, detail=(Symbol(other.id),))


def preactivation_in_derivative(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """The short formula of a slope with z put into it."""
    fragment = SHORT_FORMULAS.get(step.parameters.get("activation", ""))
    if step.operation == "chain" and fragment is not None:
        wrong = as_equation(step, "chain_by_fragment", step.operands, fragment=fragment)
        yield Wrong("preactivation-in-derivative", wrong)


CANCELLING = {"softmax": "cross_entropy", "sigmoid": "binary_cross_entropy"}


def derivative_not_cancelled(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """a − y times the slope, where that has cancelled."""
    is_softmax = step.operation == "softmax_slope"
    output = "softmax" if is_softmax else step.parameters.get("activation", "")
    if not is_softmax and step.operation != "chain":
        return
    slope = context.steps[step.operands[0]]
    if slope.operation == "loss_slope" and slope.parameters["loss"] == CANCELLING.get(output):
        samples = float(slope.parameters.get("samples", 1))
        wrong = as_equation(step, "error_times_slope", slope.operands[1:3], samples=samples)
        yield Wrong("derivative-not-cancelled", wrong)


def _beside(line: Step, context: UpdateContext) -> Iterator[str]:
    """The named quantities of the forward pass that are taken for another: of its loop, before it
    (of its shape all the way) and after it, parts of a line left out."""
    family, behind, ahead = ids.family(line.id), {line.id}, {line.id}
    for other in [*context.steps.values()][::-1]:
        if other.id in behind and (other.shape == line.shape or ids.is_part(other.id)):
            behind |= {*other.operands}
    for other in context.steps.values():
        before = {id for id in other.operands if id == line.id or ids.is_part(id)}
        ahead |= {other.id} if before & ahead else set()
    for other in context.steps.values():
        if other.phase not in ("given", "forward") or other.id == line.id or ids.is_part(other.id):
            continue
        if other.id in behind | ahead or ids.family(other.id) == family:
            yield other.id
