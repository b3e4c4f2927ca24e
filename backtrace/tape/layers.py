"""A dense network → the steps of an update: layer by layer, its loss, and the way back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.functions.penalties import FORMS
from backtrace.spec import ids
from backtrace.spec.ids import Id, Role
from backtrace.spec.model import Layer, Loss, Regularization, Spec
from backtrace.tape.gradients import Backward, Draft, ForwardGraph, Idioms, Upstream
from backtrace.tape.parameters import (
    INPUTS,
    TARGETS,
    differentiable,
    parameter_ids,
    trained_ids,
    upstream_id,
)
from backtrace.tape.steps import Step
from backtrace.tape.updates import Update, order
from backtrace.tape.writer import TapeWriter

LOSS_ITSELF = {str(Id("loss")): Upstream()}

# The operands of Z and the transposed one, by layout and by the orientation of the weights.
PRODUCTS = {
    ("rows", "in_out"): (("a", "W"), ""),
    ("rows", "out_in"): (("a", "W"), "second"),
    ("columns", "out_in"): (("W", "a"), ""),
    ("columns", "in_out"): (("W", "a"), "first"),
}


MOST_FEATURES = 24  # whose means and deviations the given inputs have with them


class LayersWriter(TapeWriter):
    """Writes the steps of one update of a dense network; each method is a section."""

    objective = str(Id("loss"))

    def __init__(self, spec: Spec, update: Update, *, first: bool) -> None:
        super().__init__(spec, update, first=first)
        self.last = len(spec.layers)
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

    # Given

    def given(self) -> None:
        samples: dict[str, Any] = {"samples": [self.update.start + 1, self.update.stop]}
        shuffled = order(self.spec, self.update.epoch)
        if shuffled is not None:
            samples["order"] = (shuffled[self.update.start : self.update.stop] + 1).tolist()
        ones = {"ones": self.ones(0)} if self.ones(0) else {}
        shape = self.batch_shape(self.spec.inputs.shape, self.ones(0))
        self.give(Id("inputs"), shape, samples | ones | _standardizing(self.spec))
        if self.spec.targets is not None:
            self.give(Id("targets"), self.batch_shape(self.spec.targets.shape), samples)
        for number, layer in enumerate(self.spec.layers, 1):
            self.give_parameter(Id("weight", number), layer.weights.shape)
            if layer.bias.values is not None:
                self.give_parameter(Id("bias", number), layer.bias.values.shape)
            if layer.slope is not None:
                self.give_parameter(Id("learned_slope", number), layer.slope.shape)
        if self.spec.loss is not None and self.spec.loss.upstream is not None:
            last = self.id_in("activation_gradient", self.last)
            self.give(last, self.batch_shape(self.spec.loss.upstream.shape), samples)
        if self.spec.optimizer is not None:
            for id in trained_ids(self.spec):
                for state in OPTIMIZERS[self.spec.optimizer.name].states:
                    before = Id("state_before", self.by_id[id].layer, id, state)
                    self.give_parameter(before, self.by_id[id].shape)

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
            learned = () if layer.slope is None else (ids.parameter("learned_slope", number),)
            a, operands = Id("activation", number), (z, *learned)
            activation = self.add(a, "activate", operands, "forward", parameters)

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
        row = LOSSES[loss.name]
        if row.has_error:
            self.add(Id("error"), "error", (a, y), "loss")
        operands = (a,) if row.targets == "none" else (a, y)
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
        graph = ForwardGraph(self.by_id, self.idioms(loss))
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
            by_hand=self.spec.arithmetic.kind == "rounded",
        )

    # What the derivation asks of its writer: see ``gradients.Writer``

    def gradient_id(self, id: str) -> str:
        return str(self.gradient_of(self.by_id[id]))

    def gradient_of(self, step: Step) -> Id:
        """What the gradient of a step is: the error that reaches an activation, a δ, a dW."""
        if step.role in ids.PARAMETERS:
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
        is_weight = self.by_id[id].role == "weight"
        return ids.updated(id) if is_weight and ids.updated(id) in self.by_id else id

    # Update

    def updates(self) -> None:
        if self.spec.backpropagate_through == "old":
            self.update_parameters(parameter_ids(self.spec))


def _standardizing(spec: Spec) -> dict[str, Any]:
    """By what the inputs were standardized, if they were; of many features only by how many."""
    numbers = spec.standardization
    if numbers is None:
        return {}
    found: dict[str, Any] = {"samples": numbers.samples}
    if len(numbers.mean) <= MOST_FEATURES:
        found |= {"mean": list(numbers.mean), "deviation": list(numbers.deviation)}
    return {"standardized": found}
