"""What each operation of equations sends back to its arguments, a row each.

A way is one step: the upstream gradient times the local derivative, summed over what was
broadcast, put where the argument was taken from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.tape.arguments import (
    TRANSPOSED,
    Argument,
    argument_shapes,
    arguments_of,
    described,
    summed_over,
)
from backtrace.tape.equation_operations import BY_TARGET
from backtrace.tape.gradients import Draft, ForwardGraph, GradientRule, Upstream, Way
from backtrace.tape.setting import Shape
from backtrace.tape.steps import Step

Arguments: TypeAlias = Sequence[Argument]


class Local:
    """A step, its arguments with their shapes, and the gradient that has arrived."""

    def __init__(self, graph: ForwardGraph, step: Step, upstream: Upstream) -> None:
        self.graph, self.step, self.upstream = graph, step, upstream
        self.arrived = Argument(upstream.id)
        self.value = Argument(step.id)
        self.arguments = arguments_of(step.operands, step.parameters)
        shapes = [graph.steps[id].shape for id in step.operands]
        self.shapes = argument_shapes(step.parameters, shapes)

    @property
    def settings(self) -> dict[str, Any]:
        """The parameters of the step itself, without those that say how operands are taken."""
        numbers = {
            each for each in self.step.parameters.get("arguments", ()) if isinstance(each, str)
        }
        left_out = {"arguments", "line", "loop", *numbers}
        return {k: v for k, v in self.step.parameters.items() if k not in left_out}

    def way(
        self, place: int, operation: str = "copy", using: Arguments | None = None, **parameters: Any
    ) -> Iterator[Way]:
        """To the argument in this place (none where it is a number): ``operation`` of the upstream
        gradient and of what is ``using``; without any the gradient goes on as it is."""
        argument = self.arguments[place]
        if argument.number is not None:
            return
        back = self.back(argument, self.shapes[place])
        if operation == "copy" and using is None and not back:
            yield Way(argument.id, self.upstream)
            return
        yield self.drafted(place, operation, [self.arrived, *(using or ())], parameters | back)

    def drafted(
        self, place: int, operation: str, using: Arguments, parameters: dict[str, Any]
    ) -> Way:
        operands, taken = described(using)
        draft = Draft(operation, operands, parameters | taken)
        return Way(self.arguments[place].id, self.upstream, (draft,))

    def back(self, argument: Argument, shape: Shape) -> dict[str, Any]:
        """How a gradient comes back to the shape of an argument: past a broadcast, past its views.

        Only of an operation that works entry by entry does a shape differ by being broadcast.
        """
        broadcast = self.step.operation in BROADCAST
        found = summed_over(self.step.shape, shape) if broadcast else {}
        return {**found, **self.placed(argument)}

    def placed(self, argument: Argument) -> dict[str, Any]:
        if not argument.views:
            return {}
        whole = list(self.graph.steps[argument.id].shape)
        return {"undo": list(argument.views), "into": whole}


BROADCAST = ("plus", "minus", "times", "over", "larger", "smaller", "activate")


LocalRow: TypeAlias = Callable[[Local], Iterator[Way]]


def _of(row: LocalRow) -> GradientRule:
    def ways(graph: ForwardGraph, step: Step, upstream: Upstream) -> Iterator[Way]:
        yield from row(Local(graph, step, upstream))

    return ways


def _copy(local: Local) -> Iterator[Way]:
    for place in range(len(local.arguments)):
        yield from local.way(place)


def _minus(local: Local) -> Iterator[Way]:
    yield from local.way(0)
    yield from local.way(1, "negate", ())


def _negate(local: Local) -> Iterator[Way]:
    yield from local.way(0, "negate", ())


def _times(local: Local) -> Iterator[Way]:
    x, y = local.arguments
    yield from local.way(0, "times", [y])
    yield from local.way(1, "times", [x])


def _over(local: Local) -> Iterator[Way]:
    x, y = local.arguments
    yield from local.way(0, "over", [y])
    yield from local.way(1, "over_slope", [x, y])


def _larger(local: Local) -> Iterator[Way]:
    largest = local.step.operation == "larger"
    for place in range(2):
        yield from local.way(place, "larger_slope", local.arguments, largest=largest, of=place + 1)


def _activate(local: Local) -> Iterator[Way]:
    if not FUNCTIONS[local.step.parameters["activation"]].differentiable:
        return
    if local.step.parameters["activation"] == "round":
        yield from local.way(0)
        return
    settings = {**local.settings, **local.graph.slope_from(local.step)}
    yield from local.way(0, "chain", local.arguments, **settings)
    if len(local.arguments) > 1:
        yield from local.way(1, "chain_to_learned", local.arguments[:1], **local.settings)


def _softmax(local: Local) -> Iterator[Way]:
    yield from local.way(0, "softmax_slope", [local.value], **local.settings)


def _reduce(local: Local) -> Iterator[Way]:
    yield from local.way(0, "reduce_slope", local.arguments, **local.settings)


def _turned(argument: Argument) -> Argument:
    """An argument transposed; twice is not at all, nor is a number."""
    if argument.number is not None:
        return argument
    views = argument.views
    turned = views[:-1] if views and views[-1] == TRANSPOSED else (*views, TRANSPOSED)
    return Argument(argument.id, turned)


def product(first: Argument, second: Argument) -> tuple[tuple[str, ...], dict[str, Any]]:
    """A matrix product: one factor transposed is said as dense layers say it."""
    if first.views == (TRANSPOSED,) and not second.views:
        return (first.id, second.id), {"transpose": "first"}
    if second.views == (TRANSPOSED,) and not first.views:
        return (first.id, second.id), {"transpose": "second"}
    return described((first, second))


def factors(step: Step) -> list[Argument]:
    """The two factors of a product, however it says that one is transposed."""
    first, second = arguments_of(step.operands, step.parameters)
    transpose = step.parameters.get("transpose", "")
    return [
        _turned(first) if transpose == "first" else first,
        _turned(second) if transpose == "second" else second,
    ]


def _matmul(local: Local) -> Iterator[Way]:
    """By X of X·Y it is δ·Yᵀ, by Y Xᵀ·δ; by the X of Xᵀ·Y at once the transposed of that."""
    x, y = factors(local.step)
    upstream = local.arrived
    for own, first, second in ((x, upstream, _turned(y)), (y, _turned(x), upstream)):
        if own.number is not None:
            continue
        back: dict[str, Any] = {}
        pair = (first, second)
        if own.views == (TRANSPOSED,):
            pair = (_turned(second), _turned(first))
        else:
            back = local.placed(own)
        operands, parameters = product(*pair)
        yield Way(own.id, local.upstream, (Draft("matmul", operands, parameters | back),))


def _stack(local: Local) -> Iterator[Way]:
    """Every part takes its own piece of the gradient."""
    beside, start = local.step.parameters["beside"], 0
    for place, (argument, shape) in enumerate(zip(local.arguments, local.shapes, strict=True)):
        end = start + shape[1 if beside else 0]
        span = [start + 1, end]
        cut: list[Any] = [None, span] if beside else [span, None]
        start = end
        if argument.number is None:
            piece = Argument(local.upstream.id, (cut,))
            yield local.drafted(place, "copy", [piece], local.placed(argument))


def _reshape(local: Local) -> Iterator[Way]:
    yield from local.way(0, "reshape", (), shape=list(local.shapes[0]))


def _rows(local: Local) -> Iterator[Way]:
    yield from local.way(0, "rows_slope", (), **local.settings, height=local.shapes[0][0])


def _pad(local: Local) -> Iterator[Way]:
    width, (height, breadth) = local.step.parameters["width"], local.shapes[0]
    cut: list[Any] = [[width + 1, width + height], [width + 1, width + breadth]]
    piece = Argument(local.upstream.id, (cut,))
    if local.arguments[0].number is None:
        yield local.drafted(0, "copy", [piece], local.placed(local.arguments[0]))


def _conv(local: Local) -> Iterator[Way]:
    x, k = local.arguments
    yield from local.way(0, "conv_input", [k, x], **local.settings)
    yield from local.way(1, "conv_kernel", [x, k], **local.settings)


def _conv_transpose(local: Local) -> Iterator[Way]:
    x, k = local.arguments
    settings = local.settings | {"padding": 0}
    yield from local.way(0, "conv", [k], **settings)
    if k.number is None:  # the input moves over the gradient as the gradient over an input
        yield local.drafted(1, "conv_kernel", [x, local.arrived, k], settings | local.placed(k))


def _pool(local: Local) -> Iterator[Way]:
    yield from local.way(0, "pool_slope", local.arguments, **local.settings)


def _loss(local: Local) -> Iterator[Way]:
    loss = local.step.parameters["loss"]
    yield from local.way(0, "loss_slope", local.arguments, **local.settings, of=1)
    if LOSSES[loss].from_error or loss in BY_TARGET:
        yield from local.way(1, "loss_slope", local.arguments, **local.settings, of=2)


EQUATION_GRADIENTS: dict[str, GradientRule] = {
    name: _of(row)
    for name, row in {
        "copy": _copy,
        "plus": _copy,
        "minus": _minus,
        "negate": _negate,
        "times": _times,
        "over": _over,
        "larger": _larger,
        "smaller": _larger,
        "activate": _activate,
        "softmax": _softmax,
        "reduce": _reduce,
        "matmul": _matmul,
        "stack": _stack,
        "reshape": _reshape,
        "rows": _rows,
        "pad": _pad,
        "conv": _conv,
        "conv_transpose": _conv_transpose,
        "pool": _pool,
        "loss_of": _loss,
    }.items()
}
EQUATION_GRADIENTS |= {"eye": lambda *_: iter(()), "number": lambda *_: iter(())}
