"""How the lines of equations and their gradients are written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import (
    Absolute,
    Brackets,
    Exponential,
    Expr,
    Fraction,
    Letter,
    Literal,
    Negative,
    Power,
    Ref,
    Root,
    Text,
    Transposed,
    Value,
    call,
    filled,
    row,
)
from backtrace.functions.number import Number
from backtrace.notation.layout import base, factor, joined
from backtrace.notation.workings import Stages, Workings, Writing, constants, filled_in
from backtrace.spec.equations.expression import (
    Call,
    ConstantTerm,
    NameTerm,
    PartTerm,
    Term,
    Transpose,
)
from backtrace.spec.equations.syntax import parse
from backtrace.spec.equations.written import written
from backtrace.tape.arguments import Argument, arguments_of
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep

# A line as it stands on the board


def line(step: Step, workings: Workings) -> Expr:
    """The formula as written, of a line or of a part of one."""
    return formula(parse(step.parameters["line"]))


def formula(tree: Term) -> Expr:
    """The tree of a line as a formula of the page."""
    match tree:
        case ConstantTerm():
            return _constant(tree)
        case NameTerm():
            return Ref(tree.id)
        case Transpose():
            inner = formula(tree.inner)
            return Ref(inner.id, True) if isinstance(inner, Ref) else Transposed(base(inner))
        case PartTerm():
            return row(base(formula(tree.inner)), _part(written(tree)))
        case Call():
            return _call(tree)


def _constant(tree: ConstantTerm) -> Expr:
    """A number as it was written: √2, ½."""
    if tree.text.replace(".", "").isalnum():
        return Literal(tree.number)
    if tree.text.startswith("sqrt(") and tree.text.endswith(")"):
        inner = parse(tree.text[5:-1])
        return Root(formula(inner)) if isinstance(inner, ConstantTerm) else Literal(tree.number)
    above, slash, below = tree.text.partition("/")
    if slash and above.strip().isdigit() and below.strip().isdigit():
        return Fraction(Text(above.strip()), Text(below.strip()))
    return Brackets(Text(tree.text.replace("*", "·").replace("-", "−")))


def _part(text: str) -> str:
    return text[text.rindex("[") :]


def _call(tree: Call) -> Expr:
    arguments = [formula(each) for each in tree.arguments]
    operator = OPERATORS.get(tree.function)
    if operator is not None:
        return operator(tree, *arguments)
    return named(tree.function, arguments, _settings(written(tree), len(arguments)))


def named(function: str, arguments: list[Expr], settings: str = "") -> Expr:
    """A function by its symbol: σ(z), ReLU(z), softmax(S)."""
    if function == "sqrt":
        return Root(arguments[0])
    if function == "abs":
        return Absolute(arguments[0])
    if function == "exp":
        return Exponential(arguments[0])
    symbol = FUNCTIONS[function].symbol if function in FUNCTIONS else function.replace("_", " ")
    last = [Text(settings)] if settings else []
    return call(symbol, joined([*arguments, *last], ", "))


def _settings(text: str, matrices: int) -> str:
    """What stands behind the matrices in a call: ``stride=2``."""
    depth, commas = 0, []
    for at, sign in enumerate(text):
        depth += (sign in "([") - (sign in ")]")
        if sign == "," and depth == 1:
            commas.append(at)
    if not matrices:
        return text[text.index("(") + 1 : -1]
    return text[commas[matrices - 1] + 1 : -1].strip() if len(commas) >= matrices else ""


def _power(tree: Call, x: Expr) -> Expr:
    exponent = tree.settings["exponent"]
    assert isinstance(exponent, Number)
    return Power(x, Literal(exponent))


OPERATORS: dict[str, Callable[..., Expr]] = {
    "+": lambda tree, x, y: x + y,
    "-": lambda tree, x, y: x - y,
    "*": lambda tree, x, y: row(factor(x), " ⊙ ", factor(y)),
    "/": lambda tree, x, y: Fraction(x, y),
    "@": lambda tree, x, y: row(factor(x), " · ", factor(y)),
    "neg": lambda tree, x: Negative(x),
    "^": _power,
}

# A step, of what it is given


def argument(each: Argument) -> Expr:
    """An argument of a step: a name, transposed, or a part of it, or a number."""
    if each.number is not None:
        return Literal(each.number)
    found: Expr = Ref(each.id)
    for view in each.views:
        if view == "T":
            found = Ref(found.id, True) if isinstance(found, Ref) else Transposed(base(found))
        else:
            found = row(found, f"[{','.join(_span(span) for span in view)}]")
    return found


def _span(span: Any) -> str:
    if span is None:
        return ":"
    return str(span[0]) if span[0] == span[1] else f"{span[0]}..{span[1]}"


def given(step: Step) -> list[Expr]:
    return [argument(each) for each in arguments_of(step.operands, step.parameters)]


def back(step: Step, local: Expr) -> Expr:
    """A share of a gradient: summed over what was broadcast, put where it came from."""
    over = {"rows": "columns", "columns": "rows"}.get(step.parameters.get("summed", ""), "")
    if "summed" in step.parameters:
        local = call(f"Σ {over}".strip(), local)
    views = step.parameters.get("undo", [])
    if views == ["T"]:
        return Transposed(base(local))
    return call("into", local) if views else local


Right = Callable[[Step, Workings], Expr]


def of(write: Callable[..., Expr]) -> Right:
    """The right-hand side of an operation, from what it is given."""

    def right(step: Step, workings: Workings) -> Expr:
        return back(step, write(step.parameters, *given(step)))

    return right


def _sided(sign: str) -> Callable[..., Expr]:
    return lambda p, x, y: row(factor(x), f" {sign} ", factor(y))


def _reduced(p: Any, x: Expr) -> Expr:
    each = f"each {p['each']}" if "each" in p else ""
    return call(p["reduce"], x, *([Text(each)] if each else []))


def _local(p: Any, upstream: Expr, *others: Expr) -> Expr:
    """Upstream · local, where the local derivative has a name only."""
    name = p.get("reduce") or p.get("pool") or p.get("loss") or "∂"
    return row(factor(upstream), " · ", call(f"{name}′".replace("_", " "), *others))


RIGHTS: dict[str, Right] = {
    "plus": of(lambda p, x, y: x + y),
    "minus": of(lambda p, x, y: x - y),
    "times": of(_sided("⊙")),
    "over": of(lambda p, x, y: Fraction(x, y)),
    "negate": of(lambda p, x: Negative(x)),
    "larger": of(lambda p, x, y: call("max", x, y)),
    "smaller": of(lambda p, x, y: call("min", x, y)),
    "over_slope": of(
        lambda p, g, x, y: Negative(Fraction(row(g, " ⊙ ", factor(x)), Power(y, Text("2"))))
    ),
    "larger_slope": of(
        lambda p, g, x, y: row(
            factor(g), " ⊙ [", x, " ≥ " if p["largest"] == (p["of"] == 1) else " < ", y, "]"
        )
    ),
    "chain": of(
        lambda p, g, z: row(factor(g), " ⊙ ", call(f"{FUNCTIONS[p['activation']].symbol}′", z))
    ),
    "softmax": of(lambda p, z: call("softmax", z)),
    "softmax_slope": of(lambda p, g, a: row(factor(g), " ⊡ ", call("J", a))),
    "reduce": of(_reduced),
    "reduce_slope": of(_local),
    "stack": of(lambda p, *parts: call("hstack" if p["beside"] else "vstack", *parts)),
    "reshape": of(lambda p, x: call("reshape", x, Text(" × ".join(map(str, p["shape"]))))),
    "rows": of(lambda p, x: call("rows", x, *(Text(str(r)) for r in p["rows"]))),
    "rows_slope": of(lambda p, g: call("into rows", g, *(Text(str(r)) for r in p["rows"]))),
    "eye": of(lambda p: Letter("I")),
    "number": of(lambda p, x: x),
    "pad": of(lambda p, x: call("pad", x, Text(str(p["width"])))),
    "conv": of(_sided("∗")),
    "conv_input": of(lambda p, g, k, x: row(factor(g), " ⊛ ", factor(k))),
    "conv_kernel": of(lambda p, g, x, k: row(factor(x), " ∗ ", factor(g))),
    "conv_transpose": of(_sided("⊛")),
    "pool": of(lambda p, x: call(f"{p['pool']} pool", x)),
    "pool_slope": of(_local),
    "loss_of": of(lambda p, a, y: call(p["loss"].replace("_", " "), a, y)),
    "loss_slope": of(_local),
}


def entrywise_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    """One entry with its numbers, where each depends on those in its own place alone."""
    return [filled_in(RIGHTS[traced.operation](traced.step, workings), workings, i, j)]


def chain_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    upstream, z = (workings.entry(id, i, j) for id in traced.operands)
    slope = FUNCTIONS[traced.parameters["activation"]].derivative_formula
    return [row(upstream, "·", Brackets(filled(slope, {**constants(traced.step), "z": z})))]


def _writing(operation: str) -> Writing:
    """A line says its formula as written; a gradient the formula of its way."""
    stages = {"chain": chain_stages}.get(operation)
    if operation in ENTRYWISE:
        stages = entrywise_stages
    return Writing(RIGHTS[operation], stages=stages or result_stages)


ENTRYWISE = ("plus", "minus", "times", "over", "negate", "over_slope", "number")


def result_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    """The entry itself, where what it is worked from has another shape."""
    return [Value(traced.value[i, j])]


WRITINGS: dict[str, Writing] = {operation: _writing(operation) for operation in RIGHTS}
