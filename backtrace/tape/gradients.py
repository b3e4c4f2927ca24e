"""The backward pass, derived: what each operation sends back to its operands, a row each.

The forward steps are walked backwards. A step whose gradient is known sends a ``Way`` to each of
its operands: the steps by which the gradient goes on. What arrives at a quantity by several ways
is added up in a step of its own. Parameters are worked before the error goes on to a lower layer,
in the order in which they are given.

The idioms of work by hand come in here and nowhere else: the 1/n is not a step but enters one
(``Upstream.samples``), an output's activation and its loss may be taken in one (``Idioms.fused``),
a penalty is added onto the gradient of the data, a bias inside the weights gets no error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Protocol, TypeAlias

import msgspec

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec import ids
from backtrace.tape.arguments import summed_over
from backtrace.tape.steps import Step

DraftParameters: TypeAlias = dict[str, Any]


class Draft(msgspec.Struct, frozen=True):
    """A step to be written: ``id`` is empty where it is the gradient that is worked."""

    operation: str
    operands: tuple[str, ...]
    parameters: DraftParameters = {}
    id: str = ""


class Upstream(msgspec.Struct, frozen=True):
    """The gradient that has reached a step: its id, empty for the 1 that the loss starts from.

    ``samples`` are the n of a 1/n that no step has yet; it goes on until one takes it. ``limit``
    is what the slope of the output is multiplied to where the gradient of the loss is infinite.
    """

    id: str = ""
    samples: DraftParameters = {}
    limit: DraftParameters = {}


class Way(msgspec.Struct, frozen=True):
    """How a gradient reaches ``operand``: by ``drafts``, the last of which is it.

    Without drafts the ``upstream`` goes on as it is. ``onto``: the last draft takes what has
    arrived by the other ways as its first operand.
    """

    operand: str
    upstream: Upstream
    drafts: tuple[Draft, ...] = ()
    onto: bool = False


class Idioms(msgspec.Struct, frozen=True):
    """What of the conventions decides how a gradient is worked.

    ``mean_in_gradient``: the 1/n enters at the parameters, else as soon as it can. ``fused`` are
    losses that are taken together with the activation before them; ``loss_gradients`` holds
    what the gradient of a loss needs to know (its constants, from where it is stable).
    ``line_of_bias`` says of a weight matrix which of its lines is a bias, ``shared`` names biases
    of one number. ``by_hand``: the slope of an activation is worked from what was written of it,
    1 − a², where that is how people work.
    """

    mean_in_gradient: bool = False
    fused: bool = True
    loss_gradient: DraftParameters = {}
    lambdas: Mapping[str, DraftParameters] = {}
    line_of_bias: Mapping[str, str] = {}
    shared: frozenset[str] = frozenset()
    parameters: tuple[str, ...] = ()
    by_hand: bool = False


class ForwardGraph(msgspec.Struct, frozen=True):
    """The steps by id, and the idioms: what a row looks at."""

    steps: Mapping[str, Step]
    idioms: Idioms

    def own_samples(self, operand: str, upstream: Upstream) -> DraftParameters:
        """The 1/n that the gradient of ``operand`` takes here: only a parameter's does."""
        return upstream.samples if operand in self.idioms.parameters else {}

    def slope_from(self, step: Step) -> DraftParameters:
        """What the slope of an activation is worked from besides its own operands."""
        row = FUNCTIONS[step.parameters["activation"]]
        from_value = row.from_activation_formula is not None or not row.elementwise
        return {"slope_from": step.id} if self.idioms.by_hand and from_value else {}


GradientRule: TypeAlias = Callable[[ForwardGraph, Step, Upstream], Iterator[Way]]


def _through(graph: ForwardGraph, step: Step, upstream: Upstream) -> Iterator[Way]:
    """Sums and copies: the gradient goes on as it is."""
    for operand in step.operands:
        yield Way(operand, upstream)


def _total(graph: ForwardGraph, step: Step, upstream: Upstream) -> Iterator[Way]:
    samples = {k: v for k, v in step.parameters.items() if k == "samples"}
    yield Way(step.operands[0], Upstream(upstream.id, samples))


def _penalty(graph: ForwardGraph, step: Step, upstream: Upstream) -> Iterator[Way]:
    for weights in step.operands:
        yield _of_penalty(graph, weights, upstream)


def _of_penalty(graph: ForwardGraph, weights: str, upstream: Upstream) -> Way:
    draft = Draft("add_penalty", (weights,), dict(graph.idioms.lambdas[weights]))
    return Way(weights, upstream, (draft,), onto=True)


def _loss_terms(graph: ForwardGraph, step: Step, upstream: Upstream) -> Iterator[Way]:
    prediction = step.operands[0]
    row, before = LOSSES[step.parameters["loss"]], graph.steps.get(prediction)
    now = {} if graph.idioms.mean_in_gradient else upstream.samples
    unused = upstream.samples if graph.idioms.mean_in_gradient else {}
    activation = None if before is None else before.parameters.get("activation")
    if graph.idioms.fused and row.shortcut and activation == row.shortcut:
        assert before is not None
        parameters = now | {"loss": step.parameters["loss"]}
        draft = Draft("shortcut_delta", step.operands[:2], parameters)
        yield Way(before.operands[0], Upstream("", unused), (draft,))
        return
    operands = ("error",) if row.from_error else step.operands
    draft = Draft("loss_gradient", operands, _with_mean(graph.idioms.loss_gradient, now))
    limit: DraftParameters = {}
    if before is not None and activation in row.through and not graph.idioms.by_hand:
        of = [before.operands[0], step.operands[1]]
        about = {"loss": step.parameters["loss"], "activation": activation, **now, "of": of}
        limit = {"saturated": about}
    yield Way(prediction, Upstream("", unused, limit), (draft,))


def _with_mean(parameters: DraftParameters, samples: DraftParameters) -> DraftParameters:
    """The 1/n stands before what names the pre-activation."""
    stable = {k: v for k, v in parameters.items() if k in ("stable_from", "activation")}
    return {k: v for k, v in parameters.items() if k not in stable} | samples | stable


def _activate(graph: ForwardGraph, step: Step, upstream: Upstream) -> Iterator[Way]:
    z, *learned = step.operands
    function = {k: v for k, v in step.parameters.items() if k != "ones"}
    worked_from = graph.slope_from(step)
    of_slope = {**(step.parameters if worked_from else function), **worked_from}
    slope = Draft("activation_derivative", step.operands, of_slope, ids.id_of("slope", step.layer))
    elementwise = ACTIVATIONS[step.parameters["activation"]].elementwise
    product = "hadamard" if elementwise else "jacobian_product"
    onward = Upstream(upstream.id, upstream.samples)
    yield Way(z, onward, (slope, Draft(product, (upstream.id, slope.id), upstream.limit)))
    for id in learned:
        summed = summed_over(graph.steps[z].shape, graph.steps[id].shape)
        parameters = {**function, **summed, **graph.own_samples(id, upstream)}
        yield Way(id, upstream, (Draft("chain_to_learned", (upstream.id, z), parameters),))


def _add_bias(graph: ForwardGraph, step: Step, upstream: Upstream) -> Iterator[Way]:
    product, bias = step.operands
    yield Way(product, upstream)
    whole = {"all": True} if bias in graph.idioms.shared else {}
    negative = {"negate": True} if step.parameters.get("subtract") else {}
    parameters = whole | negative | graph.own_samples(bias, upstream)
    yield Way(bias, upstream, (Draft("sum_samples", (upstream.id,), parameters),))


# Of X·Y, X·Yᵀ and Xᵀ·Y: the gradients by X and by Y as products, and which factor is transposed.
_OF_PRODUCT = {
    "": (("δ", "Y", "second"), ("X", "δ", "first")),
    "second": (("δ", "Y", ""), ("δ", "X", "first")),
    "first": (("Y", "δ", "second"), ("X", "δ", "")),
}


def _matmul(graph: ForwardGraph, step: Step, upstream: Upstream) -> Iterator[Way]:
    factors = dict(zip("XY", step.operands, strict=True)) | {"δ": upstream.id}
    forms = _OF_PRODUCT[step.parameters.get("transpose", "")]
    for operand, (first, second, transpose) in zip(step.operands, forms, strict=True):
        operands = (factors[first], factors[second])
        parameters: DraftParameters = {"transpose": transpose} if transpose else {}
        parameters |= graph.own_samples(operand, upstream) | _omitted(graph, operand, operands)
        yield Way(operand, upstream, (Draft("matmul", operands, parameters),))


def _omitted(graph: ForwardGraph, operand: str, operands: tuple[str, ...]) -> DraftParameters:
    """Past a bias inside the weights: what carries the 1 gets no error for it."""
    lines = graph.idioms.line_of_bias
    for side, factor in zip(("first", "second"), operands, strict=True):
        if factor in lines and operand not in lines:
            return {"omit": lines[factor], "omit_from": side}
    return {}


GRADIENTS: dict[str, GradientRule] = {
    "copy": _through,
    "add": _through,
    "matmul": _matmul,
    "add_bias": _add_bias,
    "activate": _activate,
    "loss_terms": _loss_terms,
    "total": _total,
    "penalty": _penalty,
}


class Writer(Protocol):
    """Who writes the steps that are derived, and names them."""

    def gradient_id(self, id: str) -> str:
        """What the gradient of a quantity is called."""

    def way_id(self, id: str, user: str) -> str:
        """What one way's share of it is called."""

    def before_others(self, id: str) -> str:
        """What a gradient is called before a penalty is added onto it."""

    def write_gradient(self, draft: Draft, of: str) -> None:
        """Writes one step of the gradient of ``of``."""

    def parameters_done(self, parameters: Sequence[str]) -> None:
        """Called when the gradients of these parameters stand, before the error goes on."""

    def stand_in(self, id: str) -> str:
        """The operand that stands for ``id`` in the backward pass (updated weights)."""


class Backward:
    """One walk back over ``forward``, from what ``start`` gives the gradients of."""

    rows: ClassVar[Mapping[str, GradientRule]] = GRADIENTS

    def __init__(
        self,
        forward: Sequence[Step],
        graph: ForwardGraph,
        wanted: Sequence[str],
        writer: Writer,
    ) -> None:
        self.forward = forward
        self.graph = graph
        self.wanted = wanted  # of what is given: the parameters, and on request the inputs
        self.writer = writer
        self.ways: dict[str, list[tuple[str, Way]]] = {}
        users = {operand: step.id for step in reversed(forward) for operand in step.operands}
        self.first_user = {id: users[id] for id in wanted if id in users}
        self.ready: list[str] = []

    def walk(self, start: Mapping[str, Upstream], penalised: Sequence[str] = ()) -> None:
        """``penalised``: what a penalty is on that is no step, where no loss is."""
        for id, upstream in start.items():
            self.ways[id] = [("", Way(id, upstream))]
        for weights in penalised:
            self.ways[weights] = [("", _of_penalty(self.graph, weights, Upstream()))]
        for step in reversed(self.forward):
            if step.id in self.ways:
                upstream = self.gathered(step.id)
                for way in self.rows[step.operation](self.graph, step, upstream):
                    self.ways.setdefault(way.operand, []).append((step.id, way))
            self.ready += [id for id, user in self.first_user.items() if user == step.id]
        self.write_ready()
        for id in self.wanted:
            if id not in self.graph.idioms.parameters and id in self.ways:
                self.gathered(id)

    def write_ready(self) -> None:
        """The gradients of the parameters whose ways have all been walked."""
        parameters = self.graph.idioms.parameters
        done = [id for id in parameters if id in self.ready and id in self.ways]
        self.ready = [id for id in self.ready if id not in parameters]
        for id in done:
            self.gathered(id)
        if done:
            self.writer.parameters_done(done)

    def gathered(self, id: str) -> Upstream:
        """Writes the gradient of ``id`` from all the ways by which it arrives."""
        ways = self.ways.pop(id)
        if id not in self.graph.idioms.parameters and any(way.drafts for _, way in ways):
            self.write_ready()
        base = [(user, way) for user, way in ways if not way.onto]
        onto = [way for _, way in ways if way.onto]
        name = self.writer.before_others(id) if onto else self.writer.gradient_id(id)
        upstream = self.added(id, name, base)
        for way in onto:
            (draft,) = way.drafts
            name = self.writer.gradient_id(id)
            operands = (upstream.id, *draft.operands)
            draft = msgspec.structs.replace(draft, id=name, operands=operands)
            self.writer.write_gradient(draft, id)
            upstream = Upstream(name, upstream.samples)
        return upstream

    def added(self, id: str, name: str, ways: Sequence[tuple[str, Way]]) -> Upstream:
        """The sum of several ways, or the one there is."""
        if len(ways) == 1:
            return self.written(id, name, ways[0][1])
        shares = [self.written(id, self.writer.way_id(id, user), way).id for user, way in ways]
        self.writer.write_gradient(Draft("add", tuple(shares), {}, name), id)
        return Upstream(name, ways[0][1].upstream.samples)

    def written(self, id: str, name: str, way: Way) -> Upstream:
        if not way.drafts:
            return way.upstream
        *before, last = way.drafts
        for draft in (*before, msgspec.structs.replace(last, id=name)):
            operands = tuple(map(self.writer.stand_in, draft.operands))
            self.writer.write_gradient(msgspec.structs.replace(draft, operands=operands), id)
        return msgspec.structs.replace(way.upstream, id=name)
