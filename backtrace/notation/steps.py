"""How each operation is written: its equation, one entry unfolded, its title and its why.

One row an operation, in ``NOTATION``; every renderer reads a step through the functions here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.formula import (
    Absolute,
    Apply,
    Constant,
    Equation,
    Expr,
    Fraction,
    Group,
    Power,
    Ref,
    Root,
    Row,
    Sum,
    Symbol,
    Template,
    Terms,
    Text,
    Value,
    rebuilt,
    row,
)
from backtrace.functions.losses import LOSSES
from backtrace.functions.penalties import FORMS
from backtrace.notation.symbols import Symbols
from backtrace.notation.words import TITLES, WHYS
from backtrace.tape.operations import Setting, matmul_operands
from backtrace.tape.steps import Step
from backtrace.tape.trace import Trace, TracedStep

Stages: TypeAlias = list[Expr]
LONG = 12  # terms of a sum written out; of a longer one the first and last few


class Page(msgspec.Struct, frozen=True):
    """What writing a step needs beside the step: its update's steps by id, symbols, conventions."""

    steps: Mapping[str, TracedStep]
    symbols: Symbols
    setting: Setting

    @classmethod
    def of(cls, traced: TracedStep, trace: Trace, symbols: Symbols | None = None) -> Page:
        steps = trace.update(traced.epoch, traced.batch)
        return cls(steps, symbols or Symbols.of(trace), Setting(trace.conventions))

    def value(self, id: str) -> Any:
        return self.steps[id].value

    def entry(self, id: str, i: int, j: int) -> Value:
        """One entry of a quantity; a bias, which has one line, is met by every sample."""
        value = self.value(id)
        if np.ndim(value) == 0:
            return Value(value[()], id)
        rows, columns = value.shape
        i, j = min(i, rows - 1), min(j, columns - 1)
        return Value(value[i, j], id, i, j)


class Written(msgspec.Struct, frozen=True):
    """How one operation is written.

    ``right`` is the right-hand side of its equation; ``rule`` the formula of one entry where
    ``right`` only names a function; ``stages`` one entry unfolded, worked further at each stage
    (without them the references of ``right`` are replaced by their entries).
    """

    right: Callable[[Step, Page], Expr]
    rule: Callable[[Step, Page], Expr] | None = None
    stages: Callable[[TracedStep, Page, int, int], Stages] | None = None


# What the readers call


def equation(traced: TracedStep, trace: Trace, symbols: Symbols | None = None) -> Equation:
    """The equation of a step, its quantities as references; KeyError for a ``given`` step."""
    page = Page.of(traced, trace, symbols)
    written = NOTATION[traced.operation]
    rule = None if written.rule is None else written.rule(traced.step, page)
    return Equation(Ref(traced.id), written.right(traced.step, page), rule)


def entries(
    traced: TracedStep, trace: Trace, symbols: Symbols | None = None
) -> Iterator[tuple[int, int, Stages]]:
    """Every entry unfolded: (row, column, stages), from 0; the value itself is the last ``=``.

    A scalar is row 0, column 0. A stage that would only repeat the one before is left out.
    """
    page = Page.of(traced, trace, symbols)
    shape = traced.shape or (1, 1)
    for i in range(shape[0]):
        for j in range(shape[1]):
            yield i, j, entry_stages(traced, page, i, j)


def entry(
    traced: TracedStep, trace: Trace, i: int, j: int, symbols: Symbols | None = None
) -> Stages:
    """One entry unfolded (indices from 0)."""
    return entry_stages(traced, Page.of(traced, trace, symbols), i, j)


def entry_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    written = NOTATION[traced.operation]
    if written.stages is not None:
        return written.stages(traced, page, i, j)
    return [filled_in(written.right(traced.step, page), page, i, j)]


def repeats(traced: TracedStep, trace: Trace) -> str | None:
    """The id of the earlier step that this one only repeats (no bias, a linear unit), or None."""
    if traced.operation == "copy":
        return traced.operands[0]
    if traced.operation == "activate" and _is_identity(traced.parameters):
        return None if traced.parameters.get("ones") else traced.operands[0]
    if traced.operation == "hadamard":
        g = trace.update(traced.epoch, traced.batch)[traced.operands[1]]
        if g.operation == "activation_derivative" and _is_identity(g.parameters):
            return traced.operands[0]
    return None


def _is_identity(parameters: Mapping[str, Any]) -> bool:
    return bool(parameters.get("activation") == "linear" and float(parameters["slope"]) == 1)


def title(step: Step) -> str:
    """What the step does, in a few words."""
    return TITLES[step.operation](step)


def why(traced: TracedStep, trace: Trace, symbols: Symbols | None = None) -> str:
    """One sentence: why this step is there, and which shapes force it to be as it is."""
    page = Page.of(traced, trace, symbols)
    shapes = {id: page.steps[id].shape for id in traced.operands if id in page.steps}
    return WHYS[traced.operation](traced.step, page.symbols, shapes)


def filled_in(expr: Expr, page: Page, i: int, j: int) -> Expr:
    """A right-hand side with every quantity replaced by its entry at (i, j)."""
    if isinstance(expr, Ref):
        return page.entry(expr.id, i, j)
    if isinstance(expr, Constant):
        return Value(expr.value)
    if isinstance(expr, Text):
        return Text(expr.text.replace("⊙", "·"))
    return rebuilt(expr, lambda part: filled_in(part, page, i, j))


# Pieces that several operations share


def _over_n(step: Step) -> list[Expr]:
    """1/n · in front, where the step carries the mean of more than one sample."""
    n = step.parameters.get("samples", 1)
    return [] if n == 1 else [Fraction(Text("1"), Constant("samples", n)), Text(" · ")]


def _sign(page: Page) -> str:
    return " + " if page.setting.descent else " − "


def _downhill(page: Page) -> str:
    return "" if page.setting.descent else "−"


def sum_of(terms: list[Expr], separator: str = " + ") -> list[Expr]:
    """Terms with ``separator`` between them; of a long sum only the first and last few."""
    if len(terms) > LONG:
        terms = [*terms[:4], Text("⋯"), *terms[-2:]]
    joined: list[Expr] = []
    for term in terms:
        joined += [Text(separator), term] if joined else [term]
    return joined


def signed_sum(values: list[Value]) -> list[Expr]:
    """Worked terms added up: a negative one is subtracted rather than put in brackets."""
    if len(values) > LONG:
        return sum_of(list(values))
    return [values[0] if len(values) == 1 else Terms(tuple(values))]


def _scaled(step: Step, inner: list[Expr]) -> Expr:
    """1/n · ( … ) around a sum, where the step carries the mean."""
    n = step.parameters.get("samples", 1)
    if n == 1:
        return Row(tuple(inner))
    alone = len(inner) == 1 and not isinstance(inner[0], Terms)
    bracketed: Expr = Row(tuple(inner)) if alone else Group(Row(tuple(inner)))
    return Row((Fraction(Text("1"), Value(n)), Text(" · "), bracketed))


# Forward


def _matmul(step: Step, page: Page) -> Expr:
    transpose, omit = step.parameters.get("transpose", ""), step.parameters.get("omit", "")
    omitted = {"first": (omit, ""), "second": ("", omit)}.get(
        step.parameters.get("omit_from", ""), ("", "")
    )
    first = Ref(step.operands[0], transpose == "first", omitted[0])
    second = Ref(step.operands[1], transpose == "second", omitted[1])
    return Row((*_over_n(step), first, Text(" · "), second))


def products(traced: TracedStep, page: Page, i: int, j: int) -> tuple[list[Expr], list[Value]]:
    """The terms of one entry of a matrix product: as factors, and multiplied out."""
    first, second = traced.operands
    x, y = page.value(first), page.value(second)
    left, right = matmul_operands(page.setting, traced.parameters, x, y)
    places = _source_places(traced, page, left.shape[1], i, j)
    factors: list[Expr] = []
    worked: list[Value] = []
    for k, (source, target) in enumerate(places):
        a, b = left[i, k], right[k, j]
        factors.append(row(Value(a, first, *source), "·", Value(b, second, *target)))
        worked.append(Value(a * b))
    return factors, worked


def _source_places(
    traced: TracedStep, page: Page, length: int, i: int, j: int
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where in the two operands each factor of an entry stands (before transposing)."""
    transpose = traced.parameters.get("transpose", "")
    first_shift, second_shift = _shifts(traced, page)
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


def _shifts(traced: TracedStep, page: Page) -> tuple[tuple[int, int], tuple[int, int]]:
    """By how much a leading bias line, left out, moves the entries of the operand it is in."""
    if traced.parameters.get("omit") != "first":
        return (0, 0), (0, 0)
    shift = (1, 0) if page.setting.input_axis == 0 else (0, 1)
    return (shift, (0, 0)) if traced.parameters["omit_from"] == "first" else ((0, 0), shift)


def _matmul_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    factors, worked = products(traced, page, i, j)
    stages = [_scaled(traced.step, sum_of(factors))]
    return stages if len(worked) == 1 else [*stages, _scaled(traced.step, signed_sum(worked))]


def _add_bias(step: Step, page: Page) -> Expr:
    sign = " − " if step.parameters.get("subtract") else " + "
    return row(Ref(step.operands[0]), sign, Ref(step.operands[1]))


def _add_bias_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    """The whole weighted sum with its bias: 1·0.5 + 2·1.5 + 0.2."""
    product, bias = (page.entry(id, i, j) for id in traced.operands)
    sums: Stages = [product]
    step = page.steps[traced.operands[0]]
    if step.operation == "matmul":
        factors, _ = products(step, page, i, j)
        sums.insert(0, Row(tuple(sum_of(factors))))
    if traced.parameters.get("subtract"):
        return [row(added, " − ", bias) for added in sums]
    return [Terms((added, bias)) for added in sums]


def _copy(step: Step, page: Page) -> Expr:
    return Ref(step.operands[0])


def _function_parts(step: Step) -> dict[str, Expr]:
    """The parameters of a function's row as parts of its formula."""
    known = ("slope", "alpha", "delta", "outputs")
    return {name: Value(step.parameters[name]) for name in known if name in step.parameters}


def _activate(step: Step, page: Page) -> Expr:
    if _is_identity(step.parameters):
        return Ref(step.operands[0])
    return Apply(ACTIVATIONS[step.parameters["activation"]].symbol, Ref(step.operands[0]))


def _activate_rule(step: Step, page: Page) -> Expr:
    called = _activate(step, page)
    if isinstance(called, Ref) or step.parameters["activation"] == "tanh":
        return called
    formula = ACTIVATIONS[step.parameters["activation"]].formula
    z = Ref(step.operands[0])
    return row(called, " = ", Template(formula.text, formula.latex, _with(step, z=z)))


def _with(step: Step, **parts: Expr) -> dict[str, Expr]:
    return {**_function_parts(step), **parts}


def _activate_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    i, j, is_one = _before_ones(traced, page, i, j)
    if is_one:
        return [Text("the 1 that carries the bias")]
    z = page.entry(traced.operands[0], i, j)
    if _is_identity(traced.parameters):
        return [z]
    activation = traced.parameters["activation"]
    if activation == "softmax":
        return [_softmax_entry(traced, page, i, j)]
    formula = ACTIVATIONS[activation].formula
    return [Template(formula.text, formula.latex, _with(traced.step, z=z))]


def _before_ones(traced: TracedStep, page: Page, i: int, j: int) -> tuple[int, int, bool]:
    """The entry of z behind an entry of an a that carries a 1, and whether it is that 1."""
    ones = traced.parameters.get("ones", "")
    if not ones:
        return i, j, False
    along = 1 - page.setting.sample_axis
    at = (i, j)[along]
    if at == (0 if ones == "first" else traced.shape[along] - 1):
        return i, j, True
    at -= ones == "first"
    return (at, j, False) if along == 0 else (i, at, False)


def _softmax_entry(traced: TracedStep, page: Page, i: int, j: int) -> Expr:
    z, (rows, columns) = traced.operands[0], page.value(traced.operands[0]).shape
    along_columns = page.setting.sample_axis == 0
    places = [(i, k) for k in range(columns)] if along_columns else [(k, j) for k in range(rows)]
    powers: list[Expr] = [_exponential(page.entry(z, *place)) for place in places]
    return Fraction(_exponential(page.entry(z, i, j)), Row(tuple(sum_of(powers))))


def _exponential(value: Value) -> Expr:
    return Template("e^{z}", "e^{{z}}", {"z": value})


# Loss


def _error(step: Step, page: Page) -> Expr:
    a, y = (Ref(id) for id in step.operands)
    return row(y, " − ", a) if page.setting.descent else row(a, " − ", y)


def _loss_terms(step: Step, page: Page) -> Expr:
    refs = [Ref(id) for id in step.operands]
    if step.parameters["loss"] == "output":
        return refs[0]
    if step.parameters["loss"] in SQUARES:
        square = row("(", refs[0], " − ", refs[1], ")²")
        return Row((*SQUARES[step.parameters["loss"]](step), *square.items))
    if step.parameters["loss"] in WRITTEN_OUT:
        return WRITTEN_OUT[step.parameters["loss"]](*refs)
    return Apply("ℓ", row(refs[0], ", ", refs[1]))


SQUARES: dict[str, Callable[[Step], tuple[Expr, ...]]] = {
    "sse": lambda step: (),
    "mse": lambda step: (),
    "half_sse": lambda step: (Text("½·"),),
    "half_mse": lambda step: (Text("½·"),),
    "mse_elements": lambda step: (
        Fraction(Text("1"), Value(step.parameters["outputs"])),
        Text("·"),
    ),
}


WRITTEN_OUT: dict[str, Callable[[Ref, Ref], Expr]] = {
    "mae": lambda a, y: Absolute(row(a, " − ", y)),
    "huber": lambda a, y: Apply("h", row(a, " − ", y)),
    "cross_entropy": lambda a, y: row("−", y, " ⊙ ", Apply("ln", a)),
    "binary_cross_entropy": lambda a, y: row(
        "−(", y, " ⊙ ", Apply("ln", a), " + (1 − ", y, ") ⊙ ", Apply("ln", row("1 − ", a)), ")"
    ),
}


def _loss_rule(step: Step, page: Page) -> Expr:
    formula = LOSSES[step.parameters["loss"]].term_formula
    return Template(formula.text, formula.latex, _with(step, **_loss_refs(step, page)))


def _loss_refs(step: Step, page: Page) -> dict[str, Expr]:
    if LOSSES[step.parameters["loss"]].from_error and step.operation == "loss_gradient":
        return {"e": Ref(step.operands[0])}
    refs: dict[str, Expr] = {"a": Ref(step.operands[0])}
    if len(step.operands) > 1:
        refs["y"] = Ref(step.operands[1])
    refs["a_true"] = Template("{a}_true", r"{a}[\text{true class}]", {"a": Ref(step.operands[0])})
    return refs


def _loss_term_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    if traced.parameters["loss"] == "hinge":
        return [_hinge_term(traced, page, i, j)]
    formula = LOSSES[traced.parameters["loss"]].term_formula
    parts: dict[str, Expr] = {"a": page.entry(traced.operands[0], i, j)}
    if len(traced.operands) > 1:
        parts["y"] = page.entry(traced.operands[1], i, j)
    if traced.parameters["loss"] == "huber":
        return [_huber_term(traced, parts)]
    return [Template(formula.text, formula.latex, _with(traced.step, **parts))]


def _huber_term(traced: TracedStep, parts: dict[str, Expr]) -> Expr:
    a, y, delta = parts["a"], parts["y"], traced.parameters["delta"]
    assert isinstance(a, Value)
    assert isinstance(y, Value)
    if abs(a.value - y.value) <= delta:
        return Template("½·({a} − {y})²", r"\tfrac{1}{2} ({a} - {y})^{2}", parts)
    text = "{delta}·(|{a} − {y}| − ½·{delta})"
    tex = r"{delta} \cdot (\lvert {a} - {y} \rvert - \tfrac{1}{2} \cdot {delta})"
    return Template(text, tex, {**parts, "delta": Value(delta)})


def _hinge_term(traced: TracedStep, page: Page, i: int, j: int) -> Expr:
    a, y = traced.operands
    if float(page.entry(y, i, j).value) != 0:
        return Text("0 for the true class")
    parts: dict[str, Expr] = {"a": page.entry(a, i, j), "a_true": _true_entry(page, a, y, i, j)}
    formula = LOSSES["hinge"].term_formula
    return Template(formula.text, formula.latex, parts)


def _true_entry(page: Page, a: str, y: str, i: int, j: int) -> Value:
    """The prediction for the true class of the sample that the entry belongs to."""
    targets = page.value(y)
    if page.setting.sample_axis == 0:
        return page.entry(a, i, int(np.argmax(targets[i])))
    return page.entry(a, int(np.argmax(targets[:, j])), j)


def _total(step: Step, page: Page) -> Expr:
    return Row((*_over_n(step), Sum(Ref(step.operands[0]))))


def _total_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    id = traced.operands[0]
    rows, columns = page.value(id).shape
    values = [page.entry(id, r, c) for r in range(rows) for c in range(columns)]
    return [_scaled(traced.step, signed_sum(values))]


def _lambda(step: Step, page: Page, part: str) -> Expr:
    both = float(step.parameters["l1"]) and float(step.parameters["l2"])
    name = "lambda1" if part == "l1" and both else "lambda"
    return Constant(name, step.parameters[part])


def _penalty(step: Step, page: Page) -> Expr:
    form = FORMS[step.parameters["form"]]
    refs = [Ref(id, False, omit) for id, omit in _penalised(step)]
    parts: list[Expr] = []
    for part, inside in (("l2", _squared), ("l1", _absolute)):
        if float(step.parameters[part]) == 0:
            continue
        factor = _penalty_factor(step, page, part, form.per_sample)
        summed = sum_of([Sum(inside(ref)) for ref in refs])
        whole: list[Expr] = summed if len(summed) == 1 else [Group(Row(tuple(summed)))]
        parts += [*([Text(" + ")] if parts else []), *factor, Text("·"), *whole]
    return Row(tuple(parts or [Text("0")]))


def _penalised(step: Step) -> list[tuple[str, str]]:
    return list(zip(step.operands, step.parameters["omit"], strict=True))


def _squared(ref: Ref) -> Expr:
    return Power(ref, Text("2"))


def _absolute(ref: Ref) -> Expr:
    return Absolute(ref)


def _penalty_factor(step: Step, page: Page, part: str, per_sample: bool) -> list[Expr]:
    factor = _lambda(step, page, part)
    halved = part == "l2" and FORMS[step.parameters["form"]].l2 == (1, 2)
    if per_sample:
        n = Constant("samples", step.parameters["over"])
        return [Fraction(factor, row("2·", n) if halved else n)]
    return [Text("½·"), factor] if halved else [factor]


def _add(step: Step, page: Page) -> Expr:
    return row(Ref(step.operands[0]), " + ", Ref(step.operands[1]))


# Backward


def _loss_gradient(step: Step, page: Page) -> Expr:
    loss, refs = step.parameters["loss"], [Ref(id) for id in step.operands]
    minus = [Text("−")] if page.setting.descent and not LOSSES[loss].from_error else []
    inner: dict[str, Callable[[], list[Expr]]] = {
        "sse": lambda: [Text("2·"), refs[0]],
        "mse": lambda: [Text("2·"), refs[0]],
        "half_sse": lambda: [refs[0]],
        "half_mse": lambda: [refs[0]],
        "mse_elements": lambda: [
            Fraction(Text("2"), Value(step.parameters["outputs"])),
            Text("·"),
            refs[0],
        ],
        "mae": lambda: [Apply("sign", refs[0])],
        "huber": lambda: [Apply("h′", refs[0])],
        "binary_cross_entropy": lambda: [
            row("(", refs[0], " − ", refs[1], ") / (", refs[0], " ⊙ (1 − ", refs[0], "))")
        ],
        "cross_entropy": lambda: [row("(−", refs[1], " / ", refs[0], ")")],
        "hinge": lambda: [Apply("ℓ′", row(refs[0], ", ", refs[1]))],
        "output": lambda: [Text("1 for every output")],
    }
    return Row((*minus, *_over_n(step), *inner[loss]()))


def _loss_gradient_rule(step: Step, page: Page) -> Expr:
    formula = LOSSES[step.parameters["loss"]].gradient_formula
    filled = Template(formula.text, formula.latex, _with(step, **_loss_refs(step, page)))
    minus = "−" if page.setting.descent and not LOSSES[step.parameters["loss"]].from_error else ""
    over_n = _over_n(step)
    if not over_n and not minus:
        return filled
    return Row((Text(minus), *over_n, Group(filled) if minus else filled))


def _loss_gradient_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    step, loss = traced.step, traced.parameters["loss"]
    formula = LOSSES[loss].gradient_formula
    parts: dict[str, Expr]
    if LOSSES[loss].from_error:
        parts = {"e": page.entry(traced.operands[0], i, j)}
    else:
        ids = dict(zip(("a", "y"), traced.operands, strict=False))
        parts = {name: page.entry(id, i, j) for name, id in ids.items()}
    if loss == "hinge":
        a, y = traced.operands
        parts["a_true"] = _true_entry(page, a, y, i, j)
    filled = Template(formula.text, formula.latex, _with(step, **parts))
    minus = "−" if page.setting.descent and not LOSSES[loss].from_error else ""
    n = step.parameters.get("samples", 1)
    over_n: list[Expr] = [] if n == 1 else [Fraction(Text("1"), Value(n)), Text(" · ")]
    if not minus and not over_n:
        return [filled]
    return [Row((Text(minus), *over_n, Group(filled)))]


def _shortcut_delta(step: Step, page: Page) -> Expr:
    a, y = (Ref(id) for id in step.operands)
    error = row(y, " − ", a) if page.setting.descent else row(a, " − ", y)
    over_n = _over_n(step)
    return Row((*over_n, Group(error))) if over_n else error


def _activation_derivative(step: Step, page: Page) -> Expr:
    symbol = ACTIVATIONS[step.parameters["activation"]].symbol
    return Apply(f"{symbol}′", Ref(step.operands[0]))


def _derivative_rule(step: Step, page: Page) -> Expr:
    name = step.parameters["activation"]
    if name == "softmax":
        return Template("diag(a) − a·aᵀ for each sample", r"\mathrm{diag}(a) - a a^{\top}", {})
    formula = ACTIVATIONS[name].derivative_formula
    return Template(formula.text, formula.latex, _with(step, z=Ref(step.operands[0])))


def _derivative_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    name = traced.parameters["activation"]
    if name == "softmax":
        return [_jacobian_entry(traced, page, i, j)]
    formula, from_a = (
        ACTIVATIONS[name].derivative_formula,
        ACTIVATIONS[name].from_activation_formula,
    )
    z = page.entry(traced.operands[0], i, j)
    first = Template(formula.text, formula.latex, _with(traced.step, z=z))
    if from_a is None or name not in ("sigmoid", "tanh"):
        return [first]
    a = _activation_entry(traced, page, i, j)
    return [first, Template(from_a.text, from_a.latex, _with(traced.step, a=a))]


def _activation_entry(traced: TracedStep, page: Page, i: int, j: int) -> Value:
    """The activation of the same unit, past the 1 that its matrix may carry in front."""
    a = page.steps[f"a{traced.layer}"]
    if a.parameters.get("ones") == "first":
        i, j = (i, j + 1) if page.setting.sample_axis == 0 else (i + 1, j)
    return page.entry(a.id, i, j)


def _jacobian_entry(traced: TracedStep, page: Page, i: int, j: int) -> Expr:
    a = f"a{traced.layer}"
    rows = page.setting.sample_axis == 0
    k = page.value(a).shape[1 if rows else 0]
    stacked, other = (i, j) if rows else (j, i)
    sample, unit = divmod(stacked, k)
    one, two = (page.entry(a, *((sample, u) if rows else (u, sample))) for u in (unit, other))
    if unit == other:
        return row(one, "·(1 − ", two, ")")
    return row("−", one, "·", two)


def _hadamard(step: Step, page: Page) -> Expr:
    return row(Ref(step.operands[0]), " ⊙ ", Ref(step.operands[1]))


def _jacobian_product(step: Step, page: Page) -> Expr:
    da, g = (Ref(id) for id in step.operands)
    return row(da, " ⊡ ", g) if page.setting.sample_axis == 0 else row(g, " ⊡ ", da)


def _jacobian_product_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    da, g = traced.operands
    rows = page.setting.sample_axis == 0
    sample, unit = (i, j) if rows else (j, i)
    k = traced.shape[1 if rows else 0]
    factors: list[Expr] = []
    worked: list[Value] = []
    for other in range(k):
        stacked = (sample * k + unit, other)
        left = page.entry(da, *((sample, other) if rows else (other, sample)))
        right = page.entry(g, *(stacked if rows else stacked[::-1]))
        factors.append(row(left, "·", right))
        worked.append(Value(left.value * right.value))
    return [Row(tuple(sum_of(factors))), Row(tuple(signed_sum(worked)))]


def _sum_samples(step: Step, page: Page) -> Expr:
    delta = Ref(step.operands[0])
    minus = [Text("−")] if step.parameters.get("negate") else []
    n = page.steps[delta.id].shape[page.setting.sample_axis]
    if n == 1 and not step.parameters.get("all"):
        return Row((*minus, delta))
    over = "" if step.parameters.get("all") else "samples"
    return Row((*minus, *_over_n(step), Sum(delta, over)))


def _sum_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    id = traced.operands[0]
    rows, columns = page.value(id).shape
    if traced.parameters.get("all"):
        values = [page.entry(id, r, c) for r in range(rows) for c in range(columns)]
    elif page.setting.sample_axis == 0:
        values = [page.entry(id, r, j) for r in range(rows)]
    else:
        values = [page.entry(id, i, c) for c in range(columns)]
    summed = signed_sum(values)
    if traced.parameters.get("negate"):
        alone = len(values) == 1
        summed = [Text("−"), *(summed if alone else [Group(Row(tuple(summed)))])]
    return [_scaled(traced.step, summed)]


def _add_penalty(step: Step, page: Page) -> Expr:
    data, w = (Ref(id) for id in step.operands)
    sign = _sign(page).replace("+", "±").replace("−", "+").replace("±", "−")
    parts: list[Expr] = [data]
    if float(step.parameters["l2"]):
        parts += [Text(sign), *_gradient_factor(step, page), Text("·"), w]
    if float(step.parameters["l1"]):
        form = FORMS[step.parameters["form"]]
        factor = _penalty_factor(step, page, "l1", form.per_sample)
        parts += [Text(sign), *factor, Text("·"), Apply("sign", w)]
    return Row(tuple(parts))


def _gradient_factor(step: Step, page: Page) -> list[Expr]:
    """λ, 2λ or λ/n in front of w."""
    factor, form = _lambda(step, page, "l2"), step.parameters["form"]
    if FORMS[form].per_sample:
        return [Fraction(factor, Constant("samples", step.parameters["over"]))]
    return [Text("2·"), factor] if form == "lambda" else [factor]


def _add_penalty_stages(traced: TracedStep, page: Page, i: int, j: int) -> Stages:
    omit = traced.parameters.get("omit", "")
    at = (i, j)[page.setting.input_axis]
    length = traced.shape[page.setting.input_axis]
    if omit and at == (0 if omit == "first" else length - 1):
        return [page.entry(traced.operands[0], i, j)]
    return [filled_in(_add_penalty(traced.step, page), page, i, j)]


# Update


def _rate(step: Step) -> Constant:
    return Constant("rate", step.parameters["rate"])


def _beta(step: Step, page: Page) -> Constant:
    """β with the name it has in its optimizer: β₁ of Adam's m, β₂ of its v."""
    adam = any(id.startswith("mhat") for id in page.steps)
    if not adam:
        return Constant("beta", step.parameters["beta"])
    name = "beta1" if step.id.startswith("m") else "beta2"
    return Constant(name, step.parameters["beta"])


def _descend(step: Step, page: Page) -> Expr:
    w, gradient = (Ref(id) for id in step.operands)
    return row(w, _sign(page), _rate(step), "·", gradient)


def _accumulate(step: Step, page: Page) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    return row(_beta(step, page), "·", v, " + ", gradient)


def _accumulate_step(step: Step, page: Page) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    return row(_beta(step, page), "·", v, _sign(page), _rate(step), "·", gradient)


def _average(step: Step, page: Page) -> Expr:
    v, gradient = (Ref(id) for id in step.operands)
    beta = _beta(step, page)
    return row(beta, "·", v, " + (1 − ", beta, ")·", gradient)


def _accumulate_squares(step: Step, page: Page) -> Expr:
    s, gradient = (Ref(id) for id in step.operands)
    return row(s, " + ", Power(gradient, Text("2")))


def _average_squares(step: Step, page: Page) -> Expr:
    s, gradient = (Ref(id) for id in step.operands)
    beta = _beta(step, page)
    return row(beta, "·", s, " + (1 − ", beta, ")·", Power(gradient, Text("2")))


def _scale_step(step: Step, page: Page) -> Expr:
    return row(_downhill(page), _rate(step), "·", Ref(step.operands[0]))


def _look_ahead_step(step: Step, page: Page) -> Expr:
    gradient, v = (Ref(id) for id in step.operands)
    inner = row(gradient, " + ", _beta(step, page), "·", v)
    return row(_downhill(page), _rate(step), "·", Group(inner))


def _unbias(step: Step, page: Page) -> Expr:
    power = Power(_beta(step, page), Constant("t", step.parameters["t"]))
    return Fraction(Ref(step.operands[0]), row("1 − ", power))


def _adaptive_step(step: Step, page: Page) -> Expr:
    m, v = Ref(step.operands[0]), Ref(step.operands[1])
    below = row(Root(v), " + ", Constant("epsilon", step.parameters["epsilon"]))
    return row(_downhill(page), _rate(step), "·", Fraction(m, below))


def _decayed_step(step: Step, page: Page) -> Expr:
    decay = Constant("lambda", step.parameters["weight_decay"])
    w = Ref(step.operands[2])
    return row(_adaptive_step(step, page), " − ", _rate(step), "·", decay, "·", w)


def _forward_again(step: Step, page: Page) -> Expr:
    names: list[Expr] = [Symbol(id) for id in step.operands]
    return Apply(page.symbols.name("loss"), Row(tuple(sum_of(names, ", "))))


NOTATION: dict[str, Written] = {
    "copy": Written(_copy),
    "matmul": Written(_matmul, stages=_matmul_stages),
    "add_bias": Written(_add_bias, stages=_add_bias_stages),
    "activate": Written(_activate, _activate_rule, _activate_stages),
    "activation_derivative": Written(_activation_derivative, _derivative_rule, _derivative_stages),
    "error": Written(_error),
    "loss_terms": Written(_loss_terms, _loss_rule, _loss_term_stages),
    "total": Written(_total, stages=_total_stages),
    "penalty": Written(_penalty, stages=lambda traced, page, i, j: _penalty_stages(traced, page)),
    "add": Written(_add),
    "loss_gradient": Written(_loss_gradient, _loss_gradient_rule, _loss_gradient_stages),
    "shortcut_delta": Written(_shortcut_delta),
    "hadamard": Written(_hadamard),
    "jacobian_product": Written(_jacobian_product, stages=_jacobian_product_stages),
    "sum_samples": Written(_sum_samples, stages=_sum_stages),
    "add_penalty": Written(_add_penalty, stages=_add_penalty_stages),
    "descend": Written(_descend),
    "accumulate": Written(_accumulate),
    "accumulate_step": Written(_accumulate_step),
    "average": Written(_average),
    "accumulate_squares": Written(_accumulate_squares),
    "average_squares": Written(_average_squares),
    "scale_step": Written(_scale_step),
    "look_ahead_step": Written(_look_ahead_step),
    "unbias": Written(_unbias),
    "adaptive_step": Written(_adaptive_step),
    "decayed_step": Written(_decayed_step),
    "apply_step": Written(_add),
    "forward_again": Written(
        _forward_again, stages=lambda traced, page, i, j: [_forward_again(traced.step, page)]
    ),
}


def _penalty_stages(traced: TracedStep, page: Page) -> Stages:
    """Every weight squared (or its size) and added up, under the λ of the form."""
    values: list[Value] = []
    for id, omit in _penalised(traced.step):
        matrix = page.setting.without_bias(page.value(id), omit)
        values += [Value(value, id) for value in matrix.ravel()]
    parts: list[Expr] = []
    form = FORMS[traced.parameters["form"]]
    for part in ("l2", "l1"):
        if float(traced.parameters[part]) == 0:
            continue
        square = part == "l2"
        terms: list[Expr] = [Power(v, Text("2")) if square else Absolute(v) for v in values]
        factor = _penalty_factor(traced.step, page, part, form.per_sample)
        summed = Group(Row(tuple(sum_of(terms))))
        parts += [*([Text(" + ")] if parts else []), *factor, Text("·"), summed]
    return [filled_in(Row(tuple(parts or [Text("0")])), page, 0, 0)]
