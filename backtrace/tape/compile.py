"""Network → tape: the steps of every update, in the order a person works them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES, UpdateLine
from backtrace.functions.penalties import FORMS
from backtrace.spec import ids
from backtrace.spec.ids import Id, Role
from backtrace.spec.model import Layer, Loss, Matrix, Regularization, Spec
from backtrace.tape.chunks import chunk_size
from backtrace.tape.gradients import Backward, Draft, Graph, Idioms, Upstream
from backtrace.tape.operations import OPERATIONS, Setting
from backtrace.tape.steps import Phase, Step, Tape

if TYPE_CHECKING:
    from numpy.typing import NDArray

INPUTS, TARGETS = str(Id("inputs")), str(Id("targets"))
LOSS_ITSELF = {str(Id("loss")): Upstream()}

# The operands of Z and the transposed one, by layout and by the orientation of the weights.
PRODUCTS = {
    ("rows", "in_out"): (("a", "W"), ""),
    ("rows", "out_in"): (("a", "W"), "second"),
    ("columns", "out_in"): (("W", "a"), ""),
    ("columns", "in_out"): (("W", "a"), "first"),
}


class TapeError(Exception):
    """A network that is well formed but can't be worked as asked; says which step and why."""


class Update(msgspec.Struct, frozen=True):
    """Where an update stands: its epoch and batch (from 1), its samples (a half-open range, from
    0, of the order in which the epoch takes them) and its number t among all updates (from 0)."""

    epoch: int
    batch: int
    start: int
    stop: int
    t: int

    @property
    def samples(self) -> int:
        return self.stop - self.start


def updates(spec: Spec, epochs: range | None = None) -> Iterator[Update]:
    """The updates of these epochs (from 1; all of the spec's), in order."""
    size = spec.batch_samples(1)
    for epoch in epochs or range(1, spec.epochs + 1):
        for batch in range(1, spec.batches + 1):
            start, before = (batch - 1) * size, (epoch - 1) * spec.batches
            stop = start + spec.batch_samples(batch)
            yield Update(epoch, batch, start, stop, before + batch - 1)


def order(spec: Spec, epoch: int) -> NDArray[np.intp] | None:
    """The samples (from 0) in the order in which an epoch takes them; None where that is theirs.

    It depends on the seed and the epoch alone, so that any epoch can be worked by itself.
    """
    return _shuffled(spec.seed or 0, epoch, spec.samples) if spec.shuffle else None


@lru_cache(maxsize=2)
def _shuffled(seed: int, epoch: int, samples: int) -> NDArray[np.intp]:
    return np.random.default_rng([seed, epoch]).permutation(samples)


def compile_tape(spec: Spec, epochs: range | None = None) -> Tape:
    """The tape of these epochs (from 1; all of the spec's).

    The first one's parameters and optimizer states are given; every later update takes up what
    the one before it left. Raises TapeError where fractions are asked of a step that leaves them.
    """
    steps: list[Step] = []
    for update in updates(spec, epochs):
        writer = _Writer(spec, update, first=not steps)
        writer.write()
        steps += writer.steps
    return Tape(tuple(steps), spec.conventions, spec.arithmetic, chunk_size(spec))


def compile_update(spec: Spec, samples: int) -> list[Step]:
    """The steps of an update over so many samples, its parameters and states given."""
    plain = msgspec.structs.replace(spec, shuffle=False)
    writer = _Writer(plain, Update(1, 1, 0, samples, 0), first=True)
    writer.write()
    return writer.steps


def parameter_ids(spec: Spec) -> tuple[str, ...]:
    """``W1``, ``b1``, ``W2``, … as far as the network has them."""
    return tuple(id for id, _ in parameters(spec))


def parameters(spec: Spec) -> Iterator[tuple[str, Matrix]]:
    """The parameters by id, layer by layer, and the matrices that the spec gives them."""
    for number, layer in enumerate(spec.layers, 1):
        yield ids.parameter("weight", number), layer.weights
        if layer.bias.values is not None:
            yield ids.parameter("bias", number), layer.bias.values


def trained_ids(spec: Spec) -> tuple[str, ...]:
    """The parameters that an update changes."""
    if spec.optimizer is None:
        return ()
    return tuple(id for id in parameter_ids(spec) if id not in spec.freeze)


def differentiable(layer: Layer) -> bool:
    """Whether an error can be sent back through the layer's units (not through steps)."""
    return ACTIVATIONS[layer.activation.name].differentiable


def given_matrices(spec: Spec) -> dict[str, Matrix]:
    """The matrices that a spec gives, by id, as written (without the augmenting ones)."""
    matrices = {INPUTS: spec.inputs}
    if spec.targets is not None:
        matrices[TARGETS] = spec.targets
    matrices |= parameters(spec)
    if spec.loss is not None and spec.loss.upstream is not None:
        matrices[upstream_id(spec)] = spec.loss.upstream
    return matrices


def upstream_id(spec: Spec) -> str:
    """Where a gradient that is given instead of a loss arrives: the da of the last layer."""
    return ids.id_of("activation_gradient", len(spec.layers))


def rate(spec: Spec, t: int) -> Number | None:
    """η of update t (from 0) by the schedule; None without an optimizer."""
    if spec.optimizer is None:
        return None
    base, schedule = spec.optimizer.learning_rate, spec.schedule
    if schedule.kind == "list":
        return schedule.rates[min(t, len(schedule.rates) - 1)]
    if schedule.kind == "constant":
        return base
    row = SCHEDULES[schedule.kind]
    if spec.arithmetic.has_fractions:
        constants: dict[str, Any] = {k: v.fraction for k, v in schedule.constants.items()}
        exact = row.rate(base.fraction, t, constants)
        return Number(float(exact), str(exact))
    return Number(row.rate(float(base), t, {k: float(v) for k, v in schedule.constants.items()}))


class _Writer:
    """Writes the steps of one update; each method is a section of the derivation."""

    def __init__(self, spec: Spec, update: Update, *, first: bool) -> None:
        self.spec = spec
        self.update = update
        self.first = first
        self.setting = Setting(spec.conventions)
        self.last = len(spec.layers)
        self.steps: list[Step] = []
        self.by_id: dict[str, Step] = {}
        averaged = spec.loss is not None and spec.loss.mean
        self.loss_mean = {"samples": update.samples} if averaged else {}

    def write(self) -> None:
        self.given()
        self.forward()
        if self.spec.loss is None:
            return
        self.loss(self.spec.loss)
        if all(differentiable(layer) for layer in self.spec.layers):
            self.backward(self.spec.loss)
            self.updates()
            self.after()

    def add(
        self,
        id: Id,
        operation: str,
        operands: tuple[str, ...],
        phase: Phase,
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """Adds a step, checked as it is added: operands bound, id new, shapes agreeing."""
        parameters = parameters or {}
        row = OPERATIONS[operation]
        shapes = (self.by_id[name].shape for name in operands)
        try:
            shape = row.shape(self.setting, parameters, *shapes)
        except ValueError as error:
            raise TapeError(f"{id} = {operation}({', '.join(operands)}): {error}") from None
        self.check_arithmetic(str(id), operation, operands, parameters)
        return self.append(id, operation, operands, phase, parameters, shape)

    def append(
        self,
        id: Id,
        operation: str,
        operands: tuple[str, ...],
        phase: Phase,
        parameters: dict[str, Any],
        shape: tuple[int, ...],
    ) -> str:
        step = Step(
            id=str(id),
            operation=operation,
            operands=operands,
            parameters=parameters,
            phase=phase,
            layer=id.layer,
            epoch=self.update.epoch,
            batch=self.update.batch,
            shape=shape,
            role=id.role,
            of=id.of,
            state=id.state,
        )
        assert step.id not in self.by_id, f"{id} is bound twice"
        self.by_id[step.id] = step
        self.steps.append(step)
        return step.id

    def check_arithmetic(
        self, id: str, operation: str, operands: tuple[str, ...], parameters: dict[str, Any]
    ) -> None:
        if self.spec.arithmetic.kind != "exact" or OPERATIONS[operation].rational(parameters):
            return
        name = parameters.get("activation") or parameters.get("loss") or "a square root"
        *units, last = (name for name, row in ACTIVATIONS.items() if row.rational)
        raise TapeError(
            f"arithmetic: exact stops at {id} = {operation}({', '.join(operands)}): {name} "
            f"leaves the fractions. Use {', '.join(units)} or {last} units with "
            "a squared, absolute, Huber or hinge loss, or take arithmetic: float64 or "
            "{round_each_step: 4}."
        )

    # Given

    def given(self) -> None:
        samples: dict[str, Any] = {"samples": [self.update.start + 1, self.update.stop]}
        shuffled = order(self.spec, self.update.epoch)
        if shuffled is not None:
            samples["order"] = (shuffled[self.update.start : self.update.stop] + 1).tolist()
        ones = {"ones": self.ones(0)} if self.ones(0) else {}
        shape = self.batch_shape(self.spec.inputs.shape, self.ones(0))
        self.give(Id("inputs"), shape, samples | ones)
        if self.spec.targets is not None:
            self.give(Id("targets"), self.batch_shape(self.spec.targets.shape), samples)
        for number, layer in enumerate(self.spec.layers, 1):
            self.give_parameter(Id("weight", number), layer.weights.shape)
            if layer.bias.values is not None:
                self.give_parameter(Id("bias", number), layer.bias.values.shape)
        if self.spec.loss is not None and self.spec.loss.upstream is not None:
            last = self.id_in("activation_gradient", self.last)
            self.give(last, self.batch_shape(self.spec.loss.upstream.shape), samples)
        if self.spec.optimizer is not None:
            for id in trained_ids(self.spec):
                for state in OPTIMIZERS[self.spec.optimizer.name].states:
                    before = Id("state_before", self.by_id[id].layer, id, state)
                    self.give_parameter(before, self.by_id[id].shape)

    def give(self, id: Id, shape: tuple[int, ...], parameters: dict[str, Any]) -> None:
        self.append(id, "given", (), "given", parameters, shape)

    def give_parameter(self, id: Id, shape: tuple[int, ...]) -> None:
        """A parameter or a state: what the update before left, from the second update on."""
        self.give(id, shape, {} if self.first else {"from": self.left_as(id)})

    def left_as(self, id: Id) -> str:
        """What the update before calls what it left of a parameter or a state."""
        if id.role == "state_before":
            return ids.state(id.state, id.of)
        is_trained = self.spec.optimizer is not None and str(id) not in self.spec.freeze
        return ids.updated(str(id)) if is_trained else str(id)

    def batch_shape(self, shape: tuple[int, ...], ones: str = "") -> tuple[int, int]:
        features = shape[1 - self.setting.sample_axis] + bool(ones)
        n = self.update.samples
        return (n, features) if self.setting.sample_axis == 0 else (features, n)

    def ones(self, layer: int) -> str:
        """Where the activation of ``layer`` carries a 1 for a bias inside the next weights."""
        return self.line_of_bias(layer + 1) if layer < self.last else ""

    def line_of_bias(self, layer: int) -> str:
        """Which line of a layer's weights is its bias: "first", "last" or "" for none."""
        kind = self.spec.layers[layer - 1].bias.kind
        return kind if kind in ("first", "last") else ""

    def id_in(self, role: Role, layer: int) -> Id:
        """A quantity of a layer, as ``ids.parse`` has it."""
        id = ids.parse(ids.id_of(role, layer))
        assert id is not None
        return id

    # Forward

    def forward(self) -> None:
        activation = INPUTS
        for number, layer in enumerate(self.spec.layers, 1):
            z = self.preactivation(number, layer, activation)
            ones = {"ones": self.ones(number)} if self.ones(number) else {}
            parameters = self.function(layer) | ones
            activation = self.add(Id("activation", number), "activate", (z,), "forward", parameters)

    def preactivation(self, number: int, layer: Layer, inputs: str) -> str:
        product = self.product(number, inputs)
        z = Id("preactivation", number)
        if layer.bias.values is None:
            return self.add(z, "copy", (product,), "forward")
        parameters = {"subtract": True} if layer.bias.kind == "threshold" else {}
        operands = (product, ids.parameter("bias", number))
        return self.add(z, "add_bias", operands, "forward", parameters)

    def product(self, number: int, inputs: str) -> str:
        conventions = self.spec.conventions
        order, transpose = PRODUCTS[conventions.layout, conventions.weights]
        factors = {"a": inputs, "W": ids.parameter("weight", number)}
        operands = tuple(factors[factor] for factor in order)
        parameters = {"transpose": transpose} if transpose else {}
        return self.add(Id("product", number), "matmul", operands, "forward", parameters)

    def function(self, layer: Layer) -> dict[str, Any]:
        return {"activation": layer.activation.name, **layer.activation.parameters}

    # Loss

    def loss(self, loss: Loss) -> None:
        if loss.name == "upstream":
            return
        a, y = self.prediction, TARGETS
        row, targets = LOSSES[loss.name], self.spec.targets is not None
        if targets and row.targets != "one_hot":
            self.add(Id("error"), "error", (a, y), "loss")
        operands = (a, y) if targets else (a,)
        # With the pre-activation named where ln of a rounded 0 would be taken otherwise.
        parameters = self.loss_parameters(loss) | self.from_z(row.stable)
        terms = self.add(Id("loss_terms"), "loss_terms", operands, "loss", parameters)
        if self.spec.regularization is None:
            self.add(Id("loss"), "total", (terms,), "loss", self.loss_mean)
            return
        data = self.add(Id("data_loss"), "total", (terms,), "loss", self.loss_mean)
        weights = self.penalised(self.spec.regularization)
        lambdas = self.lambdas([self.unpenalised_line(id) for id in weights])
        penalty = self.add(Id("penalty"), "penalty", weights, "loss", lambdas)
        self.add(Id("loss"), "add", (data, penalty), "loss")

    @property
    def prediction(self) -> str:
        return ids.id_of("activation", self.last)

    def from_z(self, stable: dict[str, Any]) -> dict[str, Any]:
        """The pre-activation named, where the output's activation is in ``stable``."""
        activation = self.spec.layers[-1].activation.name
        by_hand = self.spec.arithmetic.kind == "rounded"  # then ln is taken of the rounded a
        if activation not in stable or by_hand:
            return {}
        return {"stable_from": ids.id_of("preactivation", self.last), "activation": activation}

    def loss_parameters(self, loss: Loss) -> dict[str, Any]:
        outputs = self.spec.layers[-1].units
        counted = {"outputs": outputs} if LOSSES[loss.name].counts_outputs else {}
        return {"loss": loss.name, **loss.parameters, **counted}

    def penalised(self, part: Regularization) -> tuple[str, ...]:
        """The weights, and the biases where the penalty is on them, too."""
        penalised = ("weight", "bias") if part.biases else ("weight",)
        return tuple(id for id in parameter_ids(self.spec) if self.by_id[id].role in penalised)

    def unpenalised_line(self, id: str) -> str:
        """Which line of a weight matrix is a bias that the penalty leaves alone."""
        step, part = self.by_id[id], self.spec.regularization
        assert part is not None
        leaves = step.role == "weight" and not part.biases
        return self.line_of_bias(step.layer or 0) if leaves else ""

    def lambdas(self, omit: list[str] | str) -> dict[str, Any]:
        part = self.spec.regularization
        assert part is not None
        over = self.update.samples if FORMS[part.form].per_sample else 1
        return {"form": part.form, "l1": part.l1, "l2": part.l2, "over": over, "omit": omit}

    # Backward

    def backward(self, loss: Loss) -> None:
        wanted = parameter_ids(self.spec) + ((INPUTS,) if self.spec.inputs_gradient else ())
        forward = [step for step in self.steps if step.phase in ("forward", "loss")]
        graph = Graph(self.by_id, self.idioms(loss))
        back = Backward(forward, graph, wanted, self)
        if loss.name == "upstream":
            start = {self.prediction: Upstream(upstream_id(self.spec))}
            back.walk(start, tuple(graph.idioms.lambdas))
        else:
            back.walk(LOSS_ITSELF)

    def idioms(self, loss: Loss) -> Idioms:
        layers = range(1, self.last + 1)
        lines = {ids.parameter("weight", n): self.line_of_bias(n) for n in layers}
        shared = [n for n in layers if self.spec.layers[n - 1].bias.kind == "shared"]
        part, gradient = self.spec.regularization, {}
        if loss.name != "upstream":
            stable = self.from_z(LOSSES[loss.name].stable_gradient)
            gradient = self.loss_parameters(loss) | stable
        penalised = () if part is None else self.penalised(part)
        return Idioms(
            parameters=parameter_ids(self.spec),
            mean_in_gradient=self.spec.conventions.mean_in == "gradient",
            fused=self.spec.output_delta == "shortcut",
            loss_gradient=gradient,
            lambdas={id: self.lambdas(self.unpenalised_line(id)) for id in penalised},
            line_of_bias={id: line for id, line in lines.items() if line},
            shared=frozenset(ids.parameter("bias", n) for n in shared),
        )

    # What the derivation asks of its writer: see ``gradients.Writer``

    def gradient_id(self, id: str) -> str:
        return str(self.gradient_of(self.by_id[id]))

    def gradient_of(self, step: Step) -> Id:
        """What the gradient of a step is: the error that reaches an activation, a δ, a dW."""
        if step.role in ("weight", "bias"):
            return Id("gradient", step.layer, step.id)
        role: Role = "delta" if step.role == "preactivation" else "activation_gradient"
        return self.id_in(role, step.layer or 0)

    def way_id(self, id: str, user: str) -> str:
        return ids.share(self.gradient_id(id), user)

    def before_others(self, id: str) -> str:
        return str(Id("data_gradient", self.by_id[id].layer, id))

    def write_gradient(self, draft: Draft, of: str) -> None:
        id = ids.parse(draft.id)
        assert id is not None
        self.add(id, draft.operation, draft.operands, "backward", draft.parameters)

    def parameters_done(self, parameters: Sequence[str]) -> None:
        if self.spec.backpropagate_through == "updated":
            self.update_parameters(parameters)

    def stand_in(self, id: str) -> str:
        """An updated weight, where the error goes back through those."""
        return ids.updated(id) if ids.updated(id) in self.by_id else id

    # Update

    def updates(self) -> None:
        if self.spec.backpropagate_through == "old":
            self.update_parameters(parameter_ids(self.spec))

    def update_parameters(self, parameters: Sequence[str]) -> None:
        optimizer = self.spec.optimizer
        if optimizer is None:
            return
        row = OPTIMIZERS[optimizer.name]
        for id in parameters:
            if id not in self.spec.freeze:
                for line in row.lines[optimizer.form or next(iter(row.lines))]:
                    self.optimizer_line(line, row.states, id)

    def optimizer_line(self, line: UpdateLine, states: tuple[str, ...], of: str) -> None:
        assert self.spec.optimizer is not None
        constants: dict[str, Any] = {
            **self.spec.optimizer.constants,
            "rate": rate(self.spec, self.update.t),
            "t": self.update.t + 1,
        }
        parameters = {ours: constants[theirs] for ours, theirs in line.constants.items()}
        operands = tuple(operand.format(of) for operand in line.operands)
        role, state = ids.role_of_line(line.id, states)
        id = Id(role, self.by_id[of].layer, of, state)
        self.add(id, line.operation, operands, "update", parameters)

    def after(self) -> None:
        """The loss with the updated parameters, where there is a loss and something changed."""
        new = tuple(ids.updated(id) for id in trained_ids(self.spec))
        if new and str(Id("loss")) in self.by_id:
            self.add(Id("loss_after"), "forward_again", new, "update")
