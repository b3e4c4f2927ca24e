"""Wrong steps of equations that leave something out: of a sum, of a product, of several ways."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

import msgspec
import numpy as np

from backtrace.check.mistakes.rewrites import UpdateContext, Wrong
from backtrace.functions.formula import Expr, Symbol
from backtrace.notation.equations.board import Board
from backtrace.spec import ids
from backtrace.spec.equations.syntax import parse
from backtrace.tape.steps import Step


def as_equation(step: Step, operation: str, operands: tuple[str, ...], **parameters: Any) -> Step:
    """Another operation, which hands its value back as the step does."""
    kept = {k: v for k, v in step.parameters.items() if k in ("summed", "undo", "into")}
    return msgspec.structs.replace(
        step, operation=operation, operands=operands, parameters=kept | parameters
    )


def of_equations(step: Step) -> bool:
    """Whether a step is a line of equations or its gradient."""
    return step.role in ("named", "share") or (step.role == "gradient" and step.layer is None)


def is_way(step: Step) -> bool:
    return step.phase == "backward" and step.operation != "given"


# Where several ways meet


def way_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    if not is_way(step) or step.operation != "add":
        return
    for missing in step.operands:
        rest = tuple(id for id in step.operands if id != missing)
        if _through_statistics(missing, context):
            continue  # it has a name of its own
        yield Wrong("way-omitted", _added(step, rest), detail=(Symbol(missing), " is missing"))


def _added(step: Step, ways: tuple[str, ...]) -> Step:
    return as_equation(step, "copy" if len(ways) == 1 else "add", ways)


def one_step_only(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Of three ways and more a single one: mostly the last time step's."""
    if not is_way(step) or step.operation != "add" or len(step.operands) < 3:
        return
    if not any(_through_statistics(id, context) for id in step.operands):
        for only in step.operands:
            yield Wrong("one-step-only", _added(step, (only,)), detail=("only ", Symbol(only)))


def statistics_as_constants(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Batch normalisation whose mean, variance or both are not differentiated."""
    if not is_way(step) or step.operation != "add":
        return
    through = [id for id in step.operands if _through_statistics(id, context)]
    for missing in ([through] if len(through) > 1 else []) + [[id] for id in through]:
        rest = tuple(id for id in step.operands if id not in missing)
        if rest:
            yield Wrong("statistics-as-constants", _added(step, rest))


def _through_statistics(id: str, context: UpdateContext) -> bool:
    """Whether a way comes back through a mean or a variance; through the squares of one too."""
    way = context.steps[id]
    if way.operation == "chain" and way.parameters["activation"] == "power":
        way = context.steps[way.operands[0]]
    return way.operation == "reduce_slope" and way.parameters["reduce"] in ("mean", "var")


# Sums


def addend_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """A term of a sum left out: the state before, the short-cut, a part of the objective. Of a bias
    or a mask it has a name of its own."""
    adds = step.operation in ("plus", "minus") and "arguments" not in step.parameters
    if not adds or step.phase not in ("forward", "loss"):
        return
    first, second = step.operands
    kept = {second: as_equation(step, "copy", (first,))}
    if step.operation == "plus" or step.phase == "loss":
        kept[first] = as_equation(step, "copy" if step.operation == "plus" else "negate", (second,))
    for missing, wrong in kept.items():
        rest = context.steps[wrong.operands[0]]
        sums = ids.is_part(missing) and context.steps[missing].operation in ("plus", "minus")
        own_name = _is_bias(missing, step, context) or _is_mask(missing, step, context)
        if rest.shape != step.shape or sums or own_name or _is_bias(rest.id, step, context):
            continue
        yield Wrong("addend-omitted", wrong, detail=(_as_written(missing, context), " is missing"))


def _as_written(id: str, context: UpdateContext) -> Expr:
    """A quantity by its name, a part of a line by what it is worked from."""
    if not ids.is_part(id):
        return Symbol(id)
    lines = [each for each in context.steps.values() if "line" in each.parameters]
    board = Board(context.steps, {each.parameters["line"]: each.shape for each in lines})
    return board.formula(parse(context.steps[id].parameters["line"]))


def bias_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """What is given and added to every row left out."""
    if step.operation != "plus" or "arguments" in step.parameters:
        return
    first, second = step.operands
    if _is_bias(second, step, context) and context.steps[first].shape == step.shape:
        yield Wrong("bias-omitted", as_equation(step, "copy", (first,)))


def _is_bias(id: str, step: Step, context: UpdateContext) -> bool:
    """Whether what a line adds is given and learned, and is nothing but added anywhere."""
    is_given = context.steps[id].phase == "given" and not _is_mask(id, step, context)
    users = (each for each in context.steps.values() if id in each.operands)
    is_added = all(each.operation == "plus" for each in users if each.phase in ("forward", "loss"))
    return is_given and is_added and id in learned_names(context)


def learned_names(context: UpdateContext) -> Collection[str]:
    """The given names that an update changes, or of which a gradient is wanted."""
    board = context.spec.equations
    assert board is not None, "of equations alone"
    return board.parameters or board.given.keys() - board.constants


# Masks and other given factors


def mask_omitted(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """A given factor or a gate left out on the way back, a mask or a gate on the way forward."""
    for mask in step.operands if step.operation == "plus" else ():
        if _is_mask(mask, step, context):
            rest = tuple(id for id in step.operands if id != mask)
            yield Wrong("mask-omitted", as_equation(step, "copy", rest), detail=(Symbol(mask),))
    if step.operation != "times" or step.parameters.keys() & {"arguments", "summed"}:
        return
    first, second = step.operands
    for factor, other in ((second, first), (first, second)):
        masks = factor == second if is_way(step) else _multiplies(factor, step, context)
        is_given = masks and context.steps[factor].phase == "given"
        if is_given or _is_gate(factor, other, step, context):
            yield Wrong(
                "mask-omitted", as_equation(step, "copy", (other,)), detail=(Symbol(factor),)
            )


def _multiplies(id: str, step: Step, context: UpdateContext) -> bool:
    """Whether what a line multiplies is given for every entry, and nothing that is learned."""
    board, each = context.spec.equations, context.steps[id]
    constant = board is not None and id in board.constants
    return constant and each.shape == step.shape != (1, 1)


def _is_gate(id: str, other: str, step: Step, context: UpdateContext) -> bool:
    """Whether a factor has a name and is worked by a sigmoid, and lets that much through of what
    is no such number."""
    each, shape = context.steps[id], context.steps[other].shape
    is_gate = each.parameters.get("activation") == "sigmoid" and not ids.is_part(id)
    return is_gate and each.operation == "activate" and each.shape == shape == step.shape


def _is_mask(id: str, step: Step, context: UpdateContext) -> bool:
    """Whether what a line adds is given for every entry, and is −∞ somewhere or nothing that is
    learned. A bias is a row, or has a gradient."""
    board, each = context.spec.equations, context.steps[id]
    if board is None or id not in board.given or each.shape != step.shape or step.shape == (1, 1):
        return False
    return id in board.constants or not np.isfinite(board.given[id].values).all()


def mask_after_softmax(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """A softmax of all scores, those that are masked put to 0 after it."""
    before = context.steps.get(step.operands[0]) if step.operation == "softmax" else None
    if before is None or before.operation != "plus" or "arguments" in before.parameters:
        return
    masks = [id for id in before.operands if _is_mask(id, before, context)]
    if len(masks) == 1:
        scores = tuple(id for id in before.operands if id not in masks)
        wrong = msgspec.structs.replace(
            step, operation="masked_softmax", operands=(*scores, masks[0])
        )
        yield Wrong("mask-after-softmax", wrong)
