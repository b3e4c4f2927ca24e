"""How the lines of an update are written."""

from __future__ import annotations

from backtrace.functions.formula import (
    Apply,
    Constant,
    Expr,
    Fraction,
    Group,
    Power,
    Ref,
    Root,
    Row,
    Symbol,
    Text,
    row,
)
from backtrace.functions.optimizers import line_of
from backtrace.notation.context import Context, Stages, downhill, sign, sum_of
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep


def _rate(step: Step) -> Constant:
    return Constant("rate", step.parameters["rate"])


def _beta(step: Step, context: Context) -> Constant:
    """β with the name it has in its optimizer: β₁ of Adam's m, β₂ of its v."""
    lines = {
        (other.id, other.operation)
        for other in context.steps.values()
        if other.phase == "update" and other.of == step.of
    }
    line = line_of(step.id, step.of, lines)
    return Constant("beta" if line is None else line.constants["beta"], step.parameters["beta"])


def descend(step: Step, context: Context) -> Expr:
    w, gradient = (Ref(id) for id in step.operands)
    return row(w, sign(context), _rate(step), "·", gradient)


def accumulate(step: Step, context: Context) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    return row(_beta(step, context), "·", v, " + ", gradient)


def accumulate_step(step: Step, context: Context) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    return row(_beta(step, context), "·", v, sign(context), _rate(step), "·", gradient)


def average(step: Step, context: Context) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    beta = _beta(step, context)
    return row(beta, "·", v, " + (1 − ", beta, ")·", gradient)


def accumulate_squares(step: Step, context: Context) -> Expr:
    s, gradient = (Ref(id) for id in step.operands)
    return row(s, " + ", Power(gradient, Text("2")))


def average_squares(step: Step, context: Context) -> Expr:
    s, gradient = (Ref(id) for id in step.operands)
    beta = _beta(step, context)
    return row(beta, "·", s, " + (1 − ", beta, ")·", Power(gradient, Text("2")))


def scale_step(step: Step, context: Context) -> Expr:
    return row(downhill(context), _rate(step), "·", Ref(step.operands[0]))


def look_ahead_step(step: Step, context: Context) -> Expr:
    gradient, v = (Ref(id) for id in step.operands)
    inner = row(gradient, " + ", _beta(step, context), "·", v)
    return row(downhill(context), _rate(step), "·", Group(inner))


def unbias(step: Step, context: Context) -> Expr:
    power = Power(_beta(step, context), Constant("t", step.parameters["t"]))
    return Fraction(Ref(step.operands[0]), row("1 − ", power))


def adaptive_step(step: Step, context: Context) -> Expr:
    m, v = Ref(step.operands[0]), Ref(step.operands[1])
    below = row(Root(v), " + ", Constant("epsilon", step.parameters["epsilon"]))
    return row(downhill(context), _rate(step), "·", Fraction(m, below))


def decayed_step(step: Step, context: Context) -> Expr:
    decay = Constant("weight_decay", step.parameters["weight_decay"])
    w = Ref(step.operands[2])
    return row(adaptive_step(step, context), " − ", _rate(step), "·", decay, "·", w)


def forward_again(step: Step, context: Context) -> Expr:
    names: list[Expr] = [Symbol(id) for id in step.operands]
    return Apply(context.symbols.name("loss"), Row(tuple(sum_of(names, ", "))))


def forward_again_stages(traced: TracedStep, context: Context, i: int, j: int) -> Stages:
    return [forward_again(traced.step, context)]
