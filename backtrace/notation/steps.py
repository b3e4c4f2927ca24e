"""How each operation is written: its equation, one entry unfolded, its title and its why.

One row an operation, in ``NOTATION``; every renderer reads a step through the functions here.
"""

from __future__ import annotations

import numpy as np

from backtrace.functions.formula import Equation, Ref, Sentence
from backtrace.notation import backward, forward, loss, update
from backtrace.notation.equations import entries, right_sides
from backtrace.notation.equations.titles import (
    equation_title,
    equation_why,
    is_of_equations,
    short_equation_title,
)
from backtrace.notation.forward import is_identity
from backtrace.notation.symbols import IDS, Symbols
from backtrace.notation.titles import SHORTER, TITLES
from backtrace.notation.whys import WHYS
from backtrace.notation.workings import Stages, Workings, Writing, added, filled_in
from backtrace.spec import ids
from backtrace.tape.steps import Step
from backtrace.tape.trace import Trace, TracedStep

# What the readers call


def equation(traced: TracedStep, trace: Trace, symbols: Symbols | None = None) -> Equation:
    """The equation of a step, its quantities as references; KeyError for a ``given`` step."""
    workings = Workings.of(traced, trace, symbols)
    written = writing(traced.step)
    rule = None if written.rule is None else written.rule(traced.step, workings)
    return Equation(Ref(traced.id), written.right(traced.step, workings), rule)


def entry(
    traced: TracedStep, trace: Trace, i: int, j: int, symbols: Symbols | None = None
) -> Stages:
    """One entry unfolded (indices from 0)."""
    return entry_stages(traced, Workings.of(traced, trace, symbols), i, j)


def entry_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    written = writing(traced.step)
    if written.stages is not None:
        with np.errstate(all="ignore"):  # a product may be infinite where numbers are that large
            return written.stages(traced, workings, i, j)
    return [filled_in(written.right(traced.step, workings), workings, i, j)]


def writing(step: Step) -> Writing:
    """The row of a step; of equations, whose operands may be parts and numbers, one of its own."""
    is_own = is_of_equations(step) and step.operation in right_sides.RIGHTS
    return OF_EQUATIONS if is_own or step.operation == "given" else NOTATION[step.operation]


def is_work(traced: TracedStep, trace: Trace) -> bool:
    """Whether a step has to be worked: not what is given, repeats another or is 1 by its rule, nor
    a part of a line."""
    one = traced.operation == "given" or (
        traced.operation == "activation_derivative" and is_identity(traced.parameters)
    )
    return not (one or repeats(traced, trace) is not None or ids.is_part(traced.id))


def repeats(traced: TracedStep, trace: Trace) -> str | None:
    """The id of the earlier step that this one only repeats (no bias, a linear unit), or None."""
    if traced.operation == "copy":
        moved = {"summed", "undo", "arguments"} & set(traced.parameters)
        return None if moved else traced.operands[0]
    if traced.operation == "total" and traced.parameters.get("samples", 1) == 1:
        terms = trace.update(traced.epoch, traced.batch)[traced.operands[0]]
        return terms.id if terms.value.size == 1 else None
    if traced.operation == "activate" and is_identity(traced.parameters):
        return None if traced.parameters.get("ones") else traced.operands[0]
    if traced.operation == "hadamard":
        g = trace.update(traced.epoch, traced.batch)[traced.operands[1]]
        if g.operation == "activation_derivative" and is_identity(g.parameters):
            return traced.operands[0]
    return None


def title(step: Step, symbols: Symbols = IDS) -> str:
    """What the step does, in a few words."""
    if is_of_equations(step):
        return equation_title(step, symbols)
    if step.role == "loss_after" and step.of and symbols.conventions.sign == "descent":
        return f"{symbols.name(step.of)} with the new parameters"  # it is climbed: no loss
    return TITLES[step.operation](step)


def short_title(step: Step, symbols: Symbols = IDS) -> str:
    """The same in fewer words; empty where there are none."""
    if is_of_equations(step):
        return short_equation_title(step, symbols)
    if step.role == "gradient" and step.of:
        return f"Gradient of {symbols.name(step.of)}"
    return SHORTER[step.operation](step) if step.operation in SHORTER else ""


def why(traced: TracedStep, trace: Trace, symbols: Symbols | None = None) -> Sentence:
    """One sentence: why this step is there, and which shapes force it to be as it is."""
    workings = Workings.of(traced, trace, symbols)
    if is_of_equations(traced.step):
        return equation_why(traced.step, workings)
    return WHYS[traced.operation](traced.step, workings)


OF_EQUATIONS = Writing(right_sides.right, right_sides.rule, entries.entry_stages)
NOTATION: dict[str, Writing] = {
    **dict.fromkeys(right_sides.RIGHTS, OF_EQUATIONS),
    "copy": Writing(forward.copy),
    "matmul": Writing(forward.matmul, stages=forward.matmul_stages),
    "add_bias": Writing(forward.add_bias, stages=forward.add_bias_stages),
    "activate": Writing(forward.activate, forward.activate_rule, forward.activate_stages),
    "error": Writing(loss.error),
    "loss_terms": Writing(loss.addends, loss.addend, loss.addend_stages),
    "total": Writing(loss.total, stages=loss.total_stages),
    "penalty": Writing(loss.penalty, stages=loss.penalty_stages),
    "add": Writing(added),
    "loss_gradient": Writing(
        backward.loss_gradient, backward.loss_gradient_entry, backward.loss_gradient_stages
    ),
    "shortcut_delta": Writing(backward.shortcut_delta),
    "activation_derivative": Writing(
        backward.activation_derivative, backward.derivative_entry, backward.derivative_stages
    ),
    "chain_to_learned": Writing(backward.chain_to_learned, stages=backward.chain_to_learned_stages),
    "hadamard": Writing(backward.hadamard),
    "jacobian_product": Writing(backward.jacobian_product, stages=backward.jacobian_product_stages),
    "sum_samples": Writing(backward.sum_samples, stages=backward.sum_stages),
    "add_penalty": Writing(backward.add_penalty, stages=backward.add_penalty_stages),
    "gradient_norm": Writing(update.gradient_norm, stages=update.gradient_norm_stages),
    "clip_to_norm": Writing(update.clip_to_norm),
    "clip_entries": Writing(
        update.clip_entries, update.clip_entries_rule, update.clip_entries_stages
    ),
    "descend": Writing(update.descend),
    "accumulate": Writing(update.accumulate),
    "accumulate_step": Writing(update.accumulate_step),
    "average": Writing(update.average),
    "accumulate_squares": Writing(update.accumulate_squares),
    "average_squares": Writing(update.average_squares),
    "scale_step": Writing(update.scale_step),
    "look_ahead_step": Writing(update.look_ahead_step),
    "unbias": Writing(update.unbias),
    "look_ahead_average": Writing(update.look_ahead_average),
    "rescale": Writing(update.rescale),
    "adaptive_step": Writing(update.adaptive_step),
    "decayed_step": Writing(update.decayed_step),
    "apply_step": Writing(added),
    "forward_again": Writing(update.forward_again, stages=update.forward_again_stages),
}
