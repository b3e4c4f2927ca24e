"""How the lines of an update are written."""

from __future__ import annotations

from backtrace.functions.formula import (
    Apply,
    Brackets,
    Constant,
    Expr,
    Fraction,
    Power,
    Ref,
    Root,
    Row,
    Sum,
    Symbol,
    Text,
    Value,
    call,
    row,
)
from backtrace.functions.optimizers import line_of, momentums
from backtrace.notation.workings import Stages, Workings, downhill, filled_in, sign, sum_of
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep


def _rate(step: Step) -> Constant:
    return Constant("rate", step.parameters["rate"])


def _beta(step: Step, workings: Workings) -> Constant:
    """β with the name it has in its optimizer: β₁ of Adam's m, β₂ of its v."""
    lines = {
        (other.id, other.operation)
        for other in workings.steps.values()
        if other.phase == "update" and other.of == step.of and other.role != "clipped_gradient"
    }
    line = line_of(step.id, step.of, lines)
    return Constant("beta" if line is None else line.constants["beta"], step.parameters["beta"])


def gradient_norm(step: Step, workings: Workings) -> Expr:
    squares: list[Expr] = [Sum(Power(Ref(id), Text("2"))) for id in step.operands]
    return Root(Row(tuple(sum_of(squares))))


def gradient_norm_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    entries = [Value(g, id) for id in traced.operands for g in workings.value(id).ravel()]
    squares: list[Expr] = [Power(entry, Text("2")) for entry in entries]
    return [Root(Row(tuple(sum_of(squares))))]


def _limit(step: Step) -> Constant:
    return Constant("clip", step.parameters["limit"])


def clip_to_norm(step: Step, workings: Workings) -> Expr:
    gradient, norm = (Ref(id) for id in step.operands)
    return row(call("min", 1, Fraction(_limit(step), norm)), "·", gradient)


def clip_entries(step: Step, workings: Workings) -> Expr:
    return call("clip", Ref(step.operands[0]))


def clip_entries_rule(step: Step, workings: Workings) -> Expr:
    limit = _limit(step)
    return call("max", row("−", limit), call("min", limit, Ref(step.operands[0])))


def clip_entries_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    return [filled_in(clip_entries_rule(traced.step, workings), workings, i, j)]


def descend(step: Step, workings: Workings) -> Expr:
    w, gradient = (Ref(id) for id in step.operands)
    return row(w, sign(workings), _rate(step), "·", gradient)


def accumulate(step: Step, workings: Workings) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    return row(_beta(step, workings), "·", v, " + ", gradient)


def accumulate_step(step: Step, workings: Workings) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    return row(_beta(step, workings), "·", v, sign(workings), _rate(step), "·", gradient)


def average(step: Step, workings: Workings) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    beta = _beta(step, workings)
    return row(beta, "·", v, " + (1 − ", beta, ")·", gradient)


def accumulate_squares(step: Step, workings: Workings) -> Expr:
    s, gradient = (Ref(id) for id in step.operands)
    return row(s, " + ", Power(gradient, Text("2")))


def average_squares(step: Step, workings: Workings) -> Expr:
    s, gradient = (Ref(id) for id in step.operands)
    beta = _beta(step, workings)
    return row(beta, "·", s, " + (1 − ", beta, ")·", Power(gradient, Text("2")))


def scale_step(step: Step, workings: Workings) -> Expr:
    return row(downhill(workings), _rate(step), "·", Ref(step.operands[0]))


def look_ahead_step(step: Step, workings: Workings) -> Expr:
    gradient, v = (Ref(id) for id in step.operands)
    inner = row(gradient, " + ", _beta(step, workings), "·", v)
    return row(downhill(workings), _rate(step), "·", Brackets(inner))


def unbias(step: Step, workings: Workings) -> Expr:
    power = Power(_beta(step, workings), Constant("t", step.parameters["t"]))
    return Fraction(Ref(step.operands[0]), row("1 − ", power))


def look_ahead_average(step: Step, workings: Workings) -> Expr:
    m, gradient = (Ref(id) for id in step.operands)
    p = step.parameters
    found = momentums(float(p["beta"]), float(p["momentum_decay"]), p["t"])
    now, ahead = Constant("mu", found.now), Constant("mu_next", found.next)
    product = Constant("mu_product", found.product)
    return ahead * m / (1 - product * ahead) + (1 - now) * gradient / (1 - product)


def rescale(step: Step, workings: Workings) -> Expr:
    gradient, steps, squares = (Ref(id) for id in step.operands)
    epsilon = Constant("epsilon", step.parameters["epsilon"])
    roots = Fraction(Root(row(steps, " + ", epsilon)), Root(row(squares, " + ", epsilon)))
    return row(roots, "·", gradient)


def adaptive_step(step: Step, workings: Workings) -> Expr:
    m, v = Ref(step.operands[0]), Ref(step.operands[1])
    below = row(Root(v), " + ", Constant("epsilon", step.parameters["epsilon"]))
    return row(downhill(workings), _rate(step), "·", Fraction(m, below))


def decayed_step(step: Step, workings: Workings) -> Expr:
    decay = Constant("weight_decay", step.parameters["weight_decay"])
    w = Ref(step.operands[2])
    return row(adaptive_step(step, workings), " − ", _rate(step), "·", decay, "·", w)


def forward_again(step: Step, workings: Workings) -> Expr:
    names: list[Expr] = [Symbol(id) for id in step.operands]
    symbols = workings.symbols
    return Apply(symbols.unicode(symbols.objective), Row(tuple(sum_of(names, ", "))))


def forward_again_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    return [forward_again(traced.step, workings)]
