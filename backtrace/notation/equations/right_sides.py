"""How the steps of equations are written: what each does, and the line that it completes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeGuard

from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import (
    Brackets,
    Cases,
    Expr,
    Fraction,
    Hole,
    Letter,
    Literal,
    Negative,
    Power,
    Product,
    Ref,
    Sum,
    Terms,
    Text,
    call,
    expression,
    filled,
    row,
)
from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.notation.equations.board import (
    Board,
    constant,
    named,
    power,
    times_sign,
    transposed,
)
from backtrace.notation.layout import factor
from backtrace.notation.loss import entrywise, is_plain
from backtrace.notation.workings import Workings, constants, holes, over_n
from backtrace.spec import ids
from backtrace.spec.equations.expression import Call, ConstantTerm
from backtrace.spec.equations.names import leaves
from backtrace.spec.equations.syntax import parse
from backtrace.tape.arguments import TRANSPOSED, Argument, argument_shapes, arguments_of
from backtrace.tape.equation_operations import entries_of, softmax_axis
from backtrace.tape.steps import Step

# What a step is given


class Taken:
    """A step of equations and the formulas of what it is given, for the row that writes it."""

    def __init__(self, step: Step, workings: Workings) -> None:
        self.step, self.workings = step, workings
        self.parameters = step.parameters
        self.arguments = arguments_of(step.operands, step.parameters)
        shapes = [workings.steps[id].shape for id in step.operands]
        self.shapes = argument_shapes(step.parameters, shapes)
        self.formulas = [self.formula(each) for each in self.arguments]

    def formula(self, each: Argument) -> Expr:
        """A name, transposed, or a part of it, or a number as it was written."""
        if each.number is not None:
            return written_number(each.number, self.step, self.workings)
        found: Expr = Ref(each.id)
        for view in each.views:
            found = transposed(found) if view == TRANSPOSED else row(found, cut_text(view))
        return found

    def sign(self, first: int, second: int) -> str:
        """Between two arguments that are multiplied entry by entry."""
        return times_sign(self.shapes[first], self.shapes[second])


def cut_text(view: Any) -> str:
    return f"[{','.join(_span(span) for span in view)}]"


def _span(span: Any) -> str:
    if span is None:
        return ":"
    return str(span[0]) if span[0] == span[1] else f"{span[0]}..{span[1]}"


def written_number(number: Number, step: Step, workings: Workings) -> Expr:
    """√2 or 1/2, as it stands in the line whose gradient a step may be."""
    for id in (step.id, *(workings.steps[each].of for each in step.operands)):
        line = workings.steps[id].parameters.get("line") if id in workings.steps else None
        for leaf in leaves(parse(line)) if line else ():
            if isinstance(leaf, ConstantTerm) and float(leaf.number) == float(number):
                return constant(leaf)
    return Literal(number)


# The right-hand side of each operation

Right = Callable[[Taken], Expr]


def times(taken: Taken) -> Expr:
    x, y = taken.formulas
    return row(factor(x), taken.sign(0, 1), factor(y))


def _minus(taken: Taken) -> Expr:
    x, y = taken.formulas
    return x - y


def _matmul(taken: Taken) -> Expr:
    x, y = taken.formulas
    transpose = taken.parameters.get("transpose", "")
    first = transposed(x) if transpose == "first" else x
    return row(first, " · ", transposed(y) if transpose == "second" else y)


def _activate(taken: Taken) -> Expr:
    p, z = taken.parameters, taken.formulas[0]
    if p["activation"] == "power":
        return power(_base(z), exponent_of(p))
    return named(p["activation"], taken.formulas, f"{p['decimals']:g}" if "decimals" in p else "")


def _base(x: Expr) -> Expr:
    """In brackets, where what is raised has a mark above already: (S⁽¹⁾)²."""
    is_part = isinstance(x, Ref) and ids.is_part(x.id)
    return Brackets(x) if is_part else x


def exponent_of(parameters: Any) -> Number:
    """A number with its text, which a trace that was read back has no more."""
    exponent = parameters["exponent"]
    if isinstance(exponent, Number):
        return exponent
    return Number(exponent, f"{exponent:g}")


def slope_formula(parameters: Any) -> Expr:
    """The derivative of a function, with a hole for z; of a power n·zⁿ⁻¹ with its n."""
    if parameters["activation"] != "power":
        return FUNCTIONS[parameters["activation"]].derivative_formula
    exponent = exponent_of(parameters)
    less = exponent.fraction - 1
    if not (exponent and less):
        return Literal(exponent)
    z: Expr = Hole("z") if less == 1 else power(Hole("z"), Number(float(less), str(less)))
    number: Expr = Literal(exponent) if exponent > 0 else Brackets(Text(f"−{exponent.text[1:]}"))
    return Product((number, z))


def _chain(taken: Taken) -> Expr:
    g, *arguments = taken.formulas
    p, sign = taken.parameters, taken.sign(0, 1)
    if p["activation"] in ("power", "exp", "sqrt"):
        return _times_slope(taken)
    return row(factor(g), sign, call(f"{FUNCTIONS[p['activation']].symbol}′", *arguments))


def _chain_to_learned(taken: Taken) -> Expr:
    """Upstream times the derivative by what the function learns, which is written out."""
    g, z = taken.formulas
    formula = FUNCTIONS[taken.parameters["activation"]].by_learned_formula
    assert formula is not None
    return row(factor(g), taken.sign(0, 1), filled(formula, {"z": z}))


def _times_slope(taken: Taken) -> Expr:
    """Upstream times the local derivative, which is written out."""
    g, *arguments = taken.formulas
    slope = filled(slope_formula(taken.parameters), holes(taken.step, *arguments))
    if is_reciprocal(slope):
        return Fraction(g, slope.below)
    written = entrywise(slope) if taken.shapes[1] != (1, 1) else slope
    return row(factor(g), taken.sign(0, 1), factor(written))


def is_reciprocal(slope: Expr) -> TypeGuard[Fraction]:
    """1/z: what has arrived is divided by z."""
    return isinstance(slope, Fraction) and slope.above == expression(1)


def _reduced(taken: Taken) -> Expr:
    p, (x,) = taken.parameters, taken.formulas
    return named(p["reduce"], [x], f"each {p['each']}" if "each" in p else "")


def _reduce_slope(taken: Taken) -> Expr:
    p, (g, x) = taken.parameters, taken.formulas
    n = entries_of(p, taken.shapes[1])
    match p["reduce"]:
        case "sum":
            return row(factor(g), "·", "1")
        case "mean":
            return Fraction(g, expression(n))
        case "max":
            return row(factor(g), taken.sign(0, 1), "[", x, " = ", _reduced_of(taken, "max"), "]")
    below = n - bool(p.get("unbiased"))
    centred = Brackets(x - _reduced_of(taken, "mean"))
    return row(factor(g), "·", Fraction(expression(2), expression(below)), "·", centred)


def _reduced_of(taken: Taken, name: str) -> Expr:
    """The mean or the largest of what was reduced."""
    p, x = taken.parameters, taken.formulas[1]
    return named(name, [x], f"each {p['each']}" if "each" in p else "")


def _larger_slope(taken: Taken) -> Expr:
    p, (g, x, y) = taken.parameters, taken.formulas
    return row(factor(g), taken.sign(0, 1), "[", x, chosen_sign(p), y, "]")


def chosen_sign(p: Any) -> str:
    """Where the first of two is chosen, or the second: of two equal ones the first."""
    first, second = (" ≥ ", " < ") if p["largest"] else (" ≤ ", " > ")
    return first if p["of"] == 1 else second


def _over_slope(taken: Taken) -> Expr:
    g, x, y = taken.formulas
    number = taken.arguments[1].number
    is_one = number is not None and float(number) == 1
    above = g if is_one else row(factor(g), taken.sign(0, 1), factor(x))
    return Negative(Fraction(above, Power(_base(y), Text("2"))))


def _loss(taken: Taken) -> Expr:
    return call(taken.parameters["loss"].replace("_", " "), *taken.formulas)


def _loss_slope(taken: Taken) -> Expr:
    """Upstream, 1/n and the derivative of the addends."""
    p, (g, a, y) = taken.parameters, taken.formulas
    over = _over_n(taken.step)
    formula = loss_slope_formula(p)
    if not is_plain(formula):
        return row(factor(g), "·", *over, call(f"{p['loss'].replace('_', ' ')}′", a, y))
    holes = {**constants(taken.step), "e": a - y, "a": a, "y": y}
    written = filled(formula, holes)
    return row(factor(g), "·", *over, factor(_entrywise_of(taken, written)))


def _over_n(step: Step) -> list[Expr | str]:
    over = over_n(step)
    return [over[0], "·"] if over else []


def _entrywise_of(taken: Taken, written: Expr) -> Expr:
    return written if taken.shapes[1] == (1, 1) else entrywise(written)


A, Y, E = Hole("a"), Hole("y"), Hole("e")
BY_TARGET: dict[str, Expr] = {
    "cross_entropy": -call("ln", A),
    "binary_cross_entropy": call("ln", 1 - A) - call("ln", A),
    "kl": call("ln", Y) + 1 - call("ln", A),
    "binary_hinge": Cases(-A, row(Y * A, " < 1"), expression(0)),
}
"""∂term/∂y, of the losses that are not functions of ŷ − y."""


def loss_slope_formula(p: Any) -> Expr:
    """The derivative of an addend, by the prediction or (``of`` 2) by the target."""
    loss = LOSSES[p["loss"]]
    if p.get("of") != 2:
        return loss.gradient_formula
    return Negative(loss.gradient_formula) if loss.from_error else BY_TARGET[p["loss"]]


def _conv_words(p: Any) -> list[str]:
    stride, padding = p.get("stride", 1), p.get("padding", 0)
    words = [f"stride {stride}"] if stride != 1 else []
    words += [f"padding {padding}"] if padding else []
    words += ["the kernel turned"] if p.get("flip") else []
    return [f", {', '.join(words)}"] if words else []


def _windows(sign: str) -> Right:
    def right(taken: Taken) -> Expr:
        x, k = taken.formulas[:2]
        return row(factor(x), sign, factor(k), *_conv_words(taken.parameters))

    return right


def _conv_kernel(taken: Taken) -> Expr:
    g, x = taken.formulas[:2]
    return row(factor(x), " ∗ ", factor(g), *_conv_words(taken.parameters))


def _pool_slope(taken: Taken) -> Expr:
    p, (g, x) = taken.parameters, taken.formulas
    if p["pool"] == "mean":
        return row(Fraction(g, expression(p["size"] ** 2)), " to every entry of its window")
    return row(g, " to the largest of each window of ", x)


def _listed(p: Any) -> str:
    return ", ".join(map(str, p["rows"]))


def _softmax_slope(taken: Taken) -> Expr:
    """The Jacobian times what has arrived, as it is worked: without writing the Jacobian down."""
    g, a = taken.formulas
    axis = softmax_axis(taken.workings.setting, taken.parameters)
    products = row(factor(g), " ⊙ ", factor(a))
    each = Text(f"each {'row' if axis == -1 else 'column'}")
    return row(factor(a), " ⊙ ", Brackets(g - call("sum", products, each)))


def _softmax(taken: Taken) -> Expr:
    each = taken.parameters.get("each", "")
    return named("softmax", taken.formulas, f"each {each}" if each else "")


def _starts(taken: Taken) -> Expr:
    """The gradient by the objective itself, or one that is given."""
    return Text("1") if taken.step.of in _objectives(taken.workings) else Text("given")


def _objectives(workings: Workings) -> set[str]:
    return {each.id for each in workings.steps.values() if each.phase == "loss"}


RIGHTS: dict[str, Right] = {
    "copy": lambda t: t.formulas[0],
    "number": lambda t: t.formulas[0],
    "add": lambda t: Terms(tuple(t.formulas)),
    "matmul": _matmul,
    "activate": _activate,
    "plus": lambda t: t.formulas[0] + t.formulas[1],
    "minus": _minus,
    "times": times,
    "over": lambda t: Fraction(t.formulas[0], t.formulas[1]),
    "negate": lambda t: Negative(t.formulas[0]),
    "larger": lambda t: call("max", *t.formulas),
    "smaller": lambda t: call("min", *t.formulas),
    "over_slope": _over_slope,
    "larger_slope": _larger_slope,
    "chain": _chain,
    "chain_to_learned": _chain_to_learned,
    "softmax": _softmax,
    "softmax_slope": _softmax_slope,
    "reduce": _reduced,
    "reduce_slope": _reduce_slope,
    "stack": lambda t: call("hstack" if t.parameters["beside"] else "vstack", *t.formulas),
    "reshape": lambda t: row(
        factor(t.formulas[0]), " as ", " × ".join(map(str, t.parameters["shape"]))
    ),
    "rows": lambda t: row(factor(t.formulas[0]), f", rows {_listed(t.parameters)}"),
    "rows_slope": lambda t: row(factor(t.formulas[0]), f" into rows {_listed(t.parameters)}"),
    "eye": lambda t: Letter("I"),
    "pad": lambda t: row(factor(t.formulas[0]), f" in a border of {t.parameters['width']}"),
    "conv": _windows(" ∗ "),
    "conv_input": _windows(" ∗ᵀ "),
    "conv_kernel": _conv_kernel,
    "conv_transpose": _windows(" ∗ᵀ "),
    "pool": lambda t: call(f"{t.parameters['pool']} pool", t.formulas[0]),
    "pool_slope": _pool_slope,
    "loss_of": _loss,
    "loss_slope": _loss_slope,
}


def right(step: Step, workings: Workings) -> Expr:
    """The right-hand side: what the operation does to what it is given, and where that goes."""
    local = RIGHTS.get(step.operation, _starts)(Taken(step, workings))
    if "summed" in step.parameters:
        local = Sum(local)
    for view in reversed(step.parameters.get("undo", [])):
        local = _placed(local, view)
    return local


def _placed(local: Expr, view: Any) -> Expr:
    """A gradient back where a view took it from."""
    if view == TRANSPOSED:
        return transposed(local if isinstance(local, Ref) else Brackets(local))
    return row(local, f" into {cut_text(view)}")


# What is said of it in symbols


def rule(step: Step, workings: Workings) -> Expr:
    """The line as it stands on the board; of a function and of a gradient what it is."""
    if "line" not in step.parameters:
        return _written_out(step, workings)
    is_part = ids.is_part(step.id)
    if not is_part and not _is_simple(parse(step.parameters["line"])):
        return as_written(step, workings)
    told = right(step, workings) if is_part else as_written(step, workings)
    definition = DEFINITIONS.get(step.operation)
    worked = None if definition is None else definition(Taken(step, workings))
    return told if worked is None or worked == told else row(told, " = ", worked)


def as_written(step: Step, workings: Workings) -> Expr:
    """The right side of a line, or of a part of it, as it stands on the board."""
    return Board.of(step, workings).formula(parse(step.parameters["line"]))


def _is_simple(tree: Any) -> bool:
    """Whether a line needs one step only."""
    return not isinstance(tree, Call) or not any(_has_call(each) for each in tree.arguments)


def _has_call(tree: Any) -> bool:
    return isinstance(tree, Call) or (hasattr(tree, "inner") and _has_call(tree.inner))


def _definition_of_function(taken: Taken) -> Expr | None:
    name = taken.parameters["activation"]
    if name in ("power", "round"):
        return None
    return filled(FUNCTIONS[name].formula, holes(taken.step, *taken.formulas))


def _definition_of_loss(taken: Taken) -> Expr:
    p, (a, y) = taken.parameters, taken.formulas
    contents = {
        **constants(taken.step),
        "mean": row(*over_n(taken.step)[:1], " ") if over_n(taken.step) else row(),
        "a": a,
        "y": y,
        "a_true": row(a, "[", "true class", "]"),
    }
    return filled(LOSSES[p["loss"]].formula, contents)


DEFINITIONS: dict[str, Callable[[Taken], Expr | None]] = {
    "activate": _definition_of_function,
    "loss_of": _definition_of_loss,
}


def _written_out(step: Step, workings: Workings) -> Expr:
    """The local derivative of a gradient in full, where its right side only names it."""
    if step.operation == "chain" and "undo" not in step.parameters:
        return _times_slope(Taken(step, workings))
    return right(step, workings)
