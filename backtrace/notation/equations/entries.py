"""One entry of a step of equations unfolded: with its numbers, a stage after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, TypeAlias

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import (
    Apply,
    Brackets,
    Cases,
    Exponential,
    Expr,
    Fraction,
    Literal,
    Negative,
    Power,
    Row,
    Text,
    Value,
    call,
    expression,
    filled,
    row,
)
from backtrace.functions.losses import LOSSES
from backtrace.notation.equations.board import power
from backtrace.notation.equations.right_sides import (
    Taken,
    chosen_sign,
    exponent_of,
    is_reciprocal,
    loss_slope_formula,
    slope_formula,
)
from backtrace.notation.layout import factor
from backtrace.notation.workings import (
    Stages,
    Workings,
    constants,
    filled_in,
    holes,
    over_n,
    scaled,
    signed_sum,
    sum_of,
)
from backtrace.tape.arguments import argument_shapes, handed_back, taken, viewed
from backtrace.tape.equation_operations import entries_of, pool_winners, softmax_axis
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.setting import Shape
from backtrace.tape.trace import TracedStep

Place = tuple[int, int]
Pairs: TypeAlias = "Callable[[Entries, int, int], Iterator[tuple[Place, Place]]]"
Stage: TypeAlias = "Callable[[Entries, int, int], Stages]"
NOTHING: Expr = Text("0")


class Entries(Taken):
    """The arguments of a step entry by entry, as its operation gets them."""

    def __init__(self, traced: TracedStep, workings: Workings) -> None:
        super().__init__(traced.step, workings)
        self.setting = workings.setting
        operands = [workings.value(id) for id in traced.operands]
        self.values: list[Array] = taken(traced.parameters, operands)
        shapes = [np.shape(value) for value in operands]
        places = iter([np.arange(a * b).reshape(a, b) for a, b in shapes])
        self.places = [
            None if each.number is not None else viewed(next(places), each.views)
            for each in self.arguments
        ]

    def value(self, place: int, i: int, j: int) -> Any:
        value = self.values[place]
        return value[min(i, value.shape[0] - 1), min(j, value.shape[1] - 1)]

    def at(self, place: int, i: int, j: int) -> Expr:
        """The entry of an argument; a row, a column or a number is met again and again."""
        where = self.places[place]
        if where is None:
            return self.formulas[place]
        i, j = min(i, where.shape[0] - 1), min(j, where.shape[1] - 1)
        id = self.arguments[place].id
        width = self.workings.value(id).shape[1]
        source = divmod(int(where[i, j]), width)
        return Value(self.values[place][i, j], id, *source)

    def all(self, i: int, j: int) -> list[Expr]:
        return [self.at(place, i, j) for place in range(len(self.arguments))]

    def along(self, place: int, i: int, j: int, axis: Any) -> list[Place]:
        """The places that are taken together with [i, j] of an argument: of its row, its column,
        or all."""
        rows, columns = self.shapes[place]
        if axis == "row":
            return [(i, k) for k in range(columns)]
        if axis == "column":
            return [(k, j) for k in range(rows)]
        return list(product(range(rows), range(columns)))


def entry_stages(traced: TracedStep, workings: Workings, i: int, j: int) -> Stages:
    """The entry at [i, j] of a step: placed where it came from, added up over what was broadcast,
    worked."""
    entries = Entries(traced, workings)
    place = before_placing(traced, i, j)
    if place is None:
        return [NOTHING]
    write = STAGES.get(traced.operation, _given)
    places = added_up(traced, entries, *place)
    if len(places) == 1:
        return write(entries, *places[0])
    evaluate = OPERATIONS[traced.operation].evaluate
    local = evaluate(entries.setting, traced.parameters, *entries.values)
    whole = np.broadcast_to(local, local_shape(entries))
    terms = [write(entries, *each)[0] for each in places]
    values = [term for term in terms if isinstance(term, Value)]
    if len(values) == len(terms):
        return [Row(tuple(signed_sum(values)))]
    worked = signed_sum([Value(whole[each]) for each in places])
    return [Row(tuple(sum_of([factor(term) for term in terms]))), Row(tuple(worked))]


def before_placing(traced: TracedStep, i: int, j: int) -> Place | None:
    """Where an entry of a gradient stood before it was placed; None where zeros are put."""
    p = traced.parameters
    if "undo" not in p:
        return i, j
    rows, columns = argument_shapes({"arguments": [p["undo"]]}, [tuple(p["into"])])[0]
    numbered = np.arange(1.0, rows * columns + 1).reshape(rows, columns)
    placed = handed_back({"undo": p["undo"], "into": p["into"]}, numbered)
    number = int(placed[i, j])
    return divmod(number - 1, columns) if number else None


def local_shape(entries: Entries) -> Shape:
    rows = max(shape[0] for shape in entries.shapes)
    return rows, max(shape[1] for shape in entries.shapes)


def added_up(traced: TracedStep, entries: Entries, i: int, j: int) -> list[Place]:
    if "summed" not in traced.parameters:
        return [(i, j)]
    rows, columns = local_shape(entries)
    over = {"rows": ([i], range(columns)), "columns": (range(rows), [j])}
    return list(product(*over.get(traced.parameters["summed"], (range(rows), range(columns)))))


# Entry by entry


def _with_signs(write: Callable[..., Expr]) -> Stage:
    def stages(entries: Entries, i: int, j: int) -> Stages:
        return [write(*entries.all(i, j))]

    return stages


def _given(entries: Entries, i: int, j: int) -> Stages:
    return [Value(entries.workings.value(entries.step.id)[i, j])]


def _times(x: Expr, y: Expr) -> Expr:
    return row(factor(x), "·", factor(y))


def _over_slope(g: Expr, x: Expr, y: Expr) -> Expr:
    return Negative(Fraction(_times(g, x), Power(y, Text("2"))))


def _larger_slope(entries: Entries, i: int, j: int) -> Stages:
    g, x, y = entries.all(i, j)
    return [Cases(g, row(x, chosen_sign(entries.parameters), y), NOTHING)]


def _activate(entries: Entries, i: int, j: int) -> Stages:
    p, arguments = entries.parameters, entries.all(i, j)
    if p["activation"] == "power":
        return [power(arguments[0], exponent_of(p))]
    return [filled(FUNCTIONS[p["activation"]].formula, holes(entries.step, *arguments))]


def _chain(entries: Entries, i: int, j: int) -> Stages:
    """Upstream times the local derivative, from z and, where that is how one works, from a."""
    g, *arguments = entries.all(i, j)
    p = entries.parameters
    slope = filled(slope_formula(p), holes(entries.step, *arguments))
    stages: Stages = [_upstream(g, slope)]
    from_activation = FUNCTIONS[p["activation"]].from_activation_formula
    a = _activation(entries)
    if from_activation is not None and a is not None:
        value = Value(a.value[i, j], a.id, i, j)
        if "slope_from" in p:
            stages = []
        stages.append(_upstream(g, filled(from_activation, {"a": value})))
    return stages


def _chain_to_learned(entries: Entries, i: int, j: int) -> Stages:
    g, z = entries.all(i, j)
    formula = FUNCTIONS[entries.parameters["activation"]].by_learned_formula
    assert formula is not None
    return [_upstream(g, filled(formula, {"z": z}))]


def _activation(entries: Entries) -> TracedStep | None:
    """The forward step whose function a gradient goes back through."""
    upstream = entries.workings.steps[entries.arguments[0].id]
    forward = entries.workings.steps.get(upstream.of)
    z = entries.arguments[1]
    if forward is None or forward.operation != "activate" or z.views:
        return None
    return forward if forward.operands == (z.id,) else None


def _upstream(g: Expr, slope: Expr) -> Expr:
    if is_reciprocal(slope):
        return Fraction(g, slope.below)
    closed = isinstance(slope, Apply | Exponential | Power | Value | Literal)
    return row(factor(g), "·", slope if closed else Brackets(slope))


# Sums of products


def _summed(terms: list[tuple[Expr, Any]]) -> Stages:
    """Terms written as products, and worked."""
    if not terms:
        return [NOTHING]
    written: Stages = [Row(tuple(sum_of([term for term, _ in terms])))]
    return written if len(terms) == 1 else [*written, Row(tuple(_worked(terms)))]


def _worked(terms: list[tuple[Expr, Any]]) -> list[Expr]:
    return signed_sum([Value(value) for _, value in terms])


def _of_products(places: Pairs) -> Stage:
    """A sum of products of an entry of the first argument and one of the second."""

    def stages(entries: Entries, i: int, j: int) -> Stages:
        return _summed([_term(entries, *pair) for pair in places(entries, i, j)])

    return stages


def _term(entries: Entries, first: Place, second: Place) -> tuple[Expr, Any]:
    """A product of entries, and its value."""
    value = entries.value(0, *first) * entries.value(1, *second)
    return row(entries.at(0, *first), "·", entries.at(1, *second)), value


def _matmul(entries: Entries, i: int, j: int) -> Iterator[tuple[Place, Place]]:
    transpose = entries.parameters.get("transpose", "")
    for k in range(entries.shapes[0][0 if transpose == "first" else 1]):
        left = (k, i) if transpose == "first" else (i, k)
        yield left, (j, k) if transpose == "second" else (k, j)


def _add(entries: Entries, i: int, j: int) -> Stages:
    values: list[Any] = entries.all(i, j)
    return [Row(tuple(signed_sum(values)))]


# Rows and columns


def softmax_line(entries: Entries) -> str:
    return "row" if softmax_axis(entries.setting, entries.parameters) == -1 else "column"


def _softmax(entries: Entries, i: int, j: int) -> Stages:
    places = entries.along(0, i, j, softmax_line(entries))
    powers: list[Expr] = [Exponential(entries.at(0, *place)) for place in places]
    return [Fraction(Exponential(entries.at(0, i, j)), Row(tuple(sum_of(powers))))]


def _softmax_slope(entries: Entries, i: int, j: int) -> Stages:
    """aᵢ times what has arrived there less Σ δₖaₖ over its softmax."""
    g, a = entries.all(i, j)
    places = entries.along(1, i, j, softmax_line(entries))
    terms = [_term(entries, place, place) for place in places]
    whole = sum(value for _, value in terms[1:]) + terms[0][1]
    written = Brackets(Row(tuple(sum_of([term for term, _ in terms]))))
    return [row(a, "·", Brackets(g - inner)) for inner in (written, Value(whole))]


def _reduce(entries: Entries, i: int, j: int) -> Stages:
    p = entries.parameters
    places = entries.along(0, i, j, p.get("each", ""))
    values: list[Any] = [entries.at(0, *place) for place in places]
    match p["reduce"]:
        case "sum":
            return [Row(tuple(signed_sum(values)))]
        case "max":
            return [call("max", *values) if len(values) > 1 else values[0]]
        case "mean":
            return [Fraction(Row(tuple(signed_sum(values))), expression(len(values)))]
    return _variance(entries, places)


def _variance(entries: Entries, places: list[Place]) -> Stages:
    mean = mean_of(entries, 0, places)
    below = expression(len(places) - bool(entries.parameters.get("unbiased")))
    squares = [(entries.at(0, *each), entries.value(0, *each) - mean) for each in places]
    written: list[Expr] = [Power(_less(x, mean), Text("2")) for x, _ in squares]
    worked = signed_sum([Value(centred * centred) for _, centred in squares])
    return [Fraction(Row(tuple(sum_of(written))), below), Fraction(Row(tuple(worked)), below)]


def mean_of(entries: Entries, place: int, places: list[Place]) -> Any:
    total = sum(entries.value(place, *each) for each in places)
    return total / len(places)


def _less(x: Expr, mean: Any) -> Expr:
    return Brackets(row(x, " − ", Value(mean)))


def _reduce_slope(entries: Entries, i: int, j: int) -> Stages:
    p, g = entries.parameters, entries.at(0, i, j)
    places = entries.along(1, i, j, p.get("each", ""))
    match p["reduce"]:
        case "sum":
            return [g]
        case "mean":
            return [Fraction(g, expression(len(places)))]
        case "max":
            values = [entries.value(1, *place) for place in places]
            wins = places[int(np.argmax(np.array(values, dtype=float)))] == (i, j)
            return [row(g, "·", "1" if wins else "0")]
    below = entries_of(p, entries.shapes[1]) - bool(p.get("unbiased"))
    centred = _less(entries.at(1, i, j), mean_of(entries, 1, places))
    return [row(g, "·", Fraction(Text("2"), expression(below)), "·", centred)]


# Placing


def _copied(place: Callable[[Entries, int, int], tuple[int, int, int] | None]) -> Stage:
    """An entry that is taken from somewhere, or a zero."""

    def stages(entries: Entries, i: int, j: int) -> Stages:
        found = place(entries, i, j)
        return [NOTHING if found is None else entries.at(*found)]

    return stages


def _of_stack(entries: Entries, i: int, j: int) -> tuple[int, int, int]:
    beside = bool(entries.parameters["beside"])
    at = j if beside else i
    for place, shape in enumerate(entries.shapes):
        if at < shape[beside]:
            return (place, i, at) if beside else (place, at, j)
        at -= shape[beside]
    raise IndexError(at)


def _of_reshaped(entries: Entries, i: int, j: int) -> tuple[int, int, int]:
    number = i * entries.parameters["shape"][1] + j
    return 0, *divmod(number, entries.shapes[0][1])


def _of_padded(entries: Entries, i: int, j: int) -> tuple[int, int, int] | None:
    width, (rows, columns) = entries.parameters["width"], entries.shapes[0]
    i, j = i - width, j - width
    return (0, i, j) if 0 <= i < rows and 0 <= j < columns else None


def _rows_slope(entries: Entries, i: int, j: int) -> Stages:
    found: list[Any] = [entries.at(0, at, j) for at in taken_as(entries, i)]
    return [Row(tuple(signed_sum(found)))] if found else [NOTHING]


def taken_as(entries: Entries, i: int) -> list[int]:
    """The rows of the gradient that have come from this one."""
    return [at for at, number in enumerate(entries.parameters["rows"]) if number == i + 1]


def _eye(entries: Entries, i: int, j: int) -> Stages:
    return [Text("1" if i == j else "0")]


# Windows


class Windows(msgspec.Struct, frozen=True):
    """Which entry of an image lies under which entry of a kernel, in which window."""

    image: Shape
    kernel: Shape
    stride: int
    padding: int = 0
    flip: bool = False

    @classmethod
    def of(cls, parameters: Any, image: Shape, kernel: Shape) -> Windows:
        p = parameters
        return cls(image, kernel, p["stride"], p.get("padding", 0), bool(p.get("flip")))

    def under(self, window: Place) -> Iterator[tuple[Place, Place]]:
        """Of a window each place of the image with that of the kernel on it; none of the border."""
        for u, v in product(range(self.kernel[0]), range(self.kernel[1])):
            r = window[0] * self.stride + u - self.padding
            c = window[1] * self.stride + v - self.padding
            if 0 <= r < self.image[0] and 0 <= c < self.image[1]:
                yield (r, c), self.turned(u, v)

    def turned(self, u: int, v: int) -> Place:
        return (self.kernel[0] - 1 - u, self.kernel[1] - 1 - v) if self.flip else (u, v)

    def all(self, windows: Shape) -> Iterator[tuple[Place, Place, Place]]:
        for window in product(range(windows[0]), range(windows[1])):
            for pixel, weight in self.under(window):
                yield window, pixel, weight


def _conv(entries: Entries, i: int, j: int) -> Iterator[tuple[Place, Place]]:
    return Windows.of(entries.parameters, *entries.shapes).under((i, j))


def _conv_input(entries: Entries, i: int, j: int) -> Iterator[tuple[Place, Place]]:
    upstream, kernel, image = entries.shapes
    found = Windows.of(entries.parameters, image, kernel).all(upstream)
    return ((w, k) for w, x, k in found if x == (i, j))


def _conv_kernel(entries: Entries, i: int, j: int) -> Iterator[tuple[Place, Place]]:
    upstream, image, kernel = entries.shapes
    found = Windows.of(entries.parameters, image, kernel).all(upstream)
    return ((w, x) for w, x, k in found if k == (i, j))


def _conv_transpose(entries: Entries, i: int, j: int) -> Iterator[tuple[Place, Place]]:
    p, (x, kernel) = entries.parameters, entries.shapes
    whole = tuple((a - 1) * p["stride"] + b for a, b in zip(x, kernel, strict=True))
    found = Windows(whole, kernel, p["stride"]).all(x)
    return ((w, k) for w, pixel, k in found if pixel == (i, j))


def _pool_windows(entries: Entries, place: int) -> Windows:
    size = entries.parameters["size"]
    return Windows(entries.shapes[place], (size, size), entries.parameters["stride"])


def _pool(entries: Entries, i: int, j: int) -> Stages:
    values: list[Any] = [entries.at(0, *x) for x, _ in _pool_windows(entries, 0).under((i, j))]
    if entries.parameters["pool"] == "max":
        return [call("max", *values) if len(values) > 1 else values[0]]
    return [Fraction(Row(tuple(signed_sum(values))), expression(len(values)))]


def _pool_slope(entries: Entries, i: int, j: int) -> Stages:
    """From each window around an entry: its share of a mean, all of it or nothing of a largest."""
    p, parts = entries.parameters, pooled_from(entries, i, j)
    found: list[Any] = [entries.at(0, *window) for window in parts]
    if not found:
        return [NOTHING]
    if p["pool"] == "mean":
        share = expression(p["size"] ** 2)
        return [Row(tuple(sum_of([Fraction(g, share) for g in found])))]
    return [Row(tuple(signed_sum(found)))]


def pooled_from(entries: Entries, i: int, j: int) -> list[Place]:
    """The windows around an entry that it has a part in: of the largest, those that it won."""
    p = entries.parameters
    found = _pool_windows(entries, 1).all(entries.shapes[0])
    around = [(window, u * p["size"] + v) for window, x, (u, v) in found if x == (i, j)]
    if p["pool"] == "mean":
        return [window for window, _ in around]
    winners = pool_winners(p, entries.values[1])
    return [window for window, at in around if winners[at][window]]


# Losses


def _loss(entries: Entries, i: int, j: int) -> Stages:
    """The addends, with 1/n before them; then each worked."""
    loss, p = LOSSES[entries.parameters["loss"]], entries.parameters
    rows, columns = entries.shapes[0]
    places = list(product(range(rows), range(columns)))
    written = [_addend(entries, *place) for place in places]
    s = entries.setting
    terms = s.rows(loss.terms(s.rows(entries.values[0]), s.rows(entries.values[1]), p))
    worked = signed_sum([Value(terms[place]) for place in places])
    alone = len(places) == 1 and "samples" not in p
    told = written if alone else [factor(each) for each in written]
    return [scaled(entries.step, sum_of(told)), scaled(entries.step, worked)]


def _addend(entries: Entries, i: int, j: int) -> Expr:
    loss, p = LOSSES[entries.parameters["loss"]], entries.parameters
    formula = loss.term_formula
    if loss.case is not None:
        formula = loss.case(entries.value(0, i, j), entries.value(1, i, j), p)
    if not loss.entrywise and float(entries.value(1, i, j)):
        return Text("0")
    return filled(formula, _of_loss(entries, i, j))


def _of_loss(entries: Entries, i: int, j: int) -> dict[str, Expr]:
    """What the holes of a loss's formulas are filled with at one entry."""
    a, y = entries.at(-2, i, j), entries.at(-1, i, j)
    holes: dict[str, Expr] = {**constants(entries.step), "a": a, "y": y}
    holes["e"] = a - y
    axis = "row" if entries.setting.sample_axis == 0 else "column"
    places = entries.along(len(entries.arguments) - 1, i, j, axis)
    targets = [float(entries.value(-1, *place)) for place in places]
    holes["a_true"] = entries.at(-2, *places[int(np.argmax(targets))])
    return holes


def _loss_slope(entries: Entries, i: int, j: int) -> Stages:
    """Upstream, 1/n, and the derivative of the addends in which the entry stands."""
    whole = row(factor(entries.at(0, i, j)), "·", loss_slope(entries, i, j))
    return [filled_in(whole, entries.workings, i, j)]


def loss_slope(entries: Entries, i: int, j: int) -> Expr:
    formula = loss_slope_formula(entries.parameters)
    slope = filled(formula, _of_loss(entries, i, j))
    loss = LOSSES[entries.parameters["loss"]]
    if not loss.entrywise and float(entries.value(-1, i, j)):
        slope = _of_true_class(entries, formula, i, j)
    over = over_n(entries.step)
    mean = [over[0], Text("·")] if over else []
    return Row((*mean, Brackets(slope)))


def _of_true_class(entries: Entries, formula: Expr, i: int, j: int) -> Expr:
    """What all others of its sample push back on the true class."""
    axis = "row" if entries.setting.sample_axis == 0 else "column"
    places = entries.along(len(entries.arguments) - 1, i, j, axis)
    others = [
        Brackets(filled(formula, _of_loss(entries, *place))) for place in places if place != (i, j)
    ]
    return Negative(Brackets(Row(tuple(sum_of(list(others))))))


PRODUCTS: dict[str, Pairs] = {
    "matmul": _matmul,
    "conv": _conv,
    "conv_input": _conv_input,
    "conv_kernel": _conv_kernel,
    "conv_transpose": _conv_transpose,
}
STAGES: dict[str, Stage] = {
    "copy": _with_signs(lambda x: x),
    "number": _with_signs(lambda x: x),
    "plus": _with_signs(lambda x, y: x + y),
    "minus": _with_signs(lambda x, y: x - y),
    "times": _with_signs(_times),
    "over": _with_signs(Fraction),
    "negate": _with_signs(Negative),
    "larger": _with_signs(lambda x, y: call("max", x, y)),
    "smaller": _with_signs(lambda x, y: call("min", x, y)),
    "over_slope": _with_signs(_over_slope),
    "larger_slope": _larger_slope,
    "activate": _activate,
    "chain": _chain,
    "chain_to_learned": _chain_to_learned,
    "add": _add,
    "softmax": _softmax,
    "softmax_slope": _softmax_slope,
    "reduce": _reduce,
    "reduce_slope": _reduce_slope,
    "stack": _copied(_of_stack),
    "reshape": _copied(_of_reshaped),
    "rows": _copied(lambda entries, i, j: (0, entries.parameters["rows"][i] - 1, j)),
    "rows_slope": _rows_slope,
    "eye": _eye,
    "pad": _copied(_of_padded),
    "pool": _pool,
    "pool_slope": _pool_slope,
    "loss_of": _loss,
    "loss_slope": _loss_slope,
    **{operation: _of_products(places) for operation, places in PRODUCTS.items()},
}
