"""Network → tape: the steps of every update, in the order a person works them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES, Line
from backtrace.functions.penalties import FORMS
from backtrace.spec.model import Layer, Loss, Matrix, Spec
from backtrace.tape.chunks import chunk_size
from backtrace.tape.operations import OPERATIONS, Setting
from backtrace.tape.steps import Phase, Step, Tape

if TYPE_CHECKING:
    from numpy.typing import NDArray

# The operands and the transposed one, by layout and by the orientation of the weights. In rows
# layout Z = A·W, da = δ·Wᵀ and dW = Aᵀ·δ; the others follow by transposing both sides.
PRODUCTS = {
    ("rows", "in_out"): (("a", "W"), ""),
    ("rows", "out_in"): (("a", "W"), "second"),
    ("columns", "out_in"): (("W", "a"), ""),
    ("columns", "in_out"): (("W", "a"), "first"),
}
ERRORS_BACK = {
    ("rows", "in_out"): (("delta", "W"), "second"),
    ("rows", "out_in"): (("delta", "W"), ""),
    ("columns", "out_in"): (("W", "delta"), "first"),
    ("columns", "in_out"): (("W", "delta"), ""),
}
WEIGHT_GRADIENTS = {
    ("rows", "in_out"): (("a", "delta"), "first"),
    ("rows", "out_in"): (("delta", "a"), "first"),
    ("columns", "out_in"): (("delta", "a"), "second"),
    ("columns", "in_out"): (("a", "delta"), "second"),
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
    ids: list[str] = []
    for number, layer in enumerate(spec.layers, 1):
        ids.append(f"W{number}")
        if layer.bias.values is not None:
            ids.append(f"b{number}")
    return tuple(ids)


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
    matrices = {"a0": spec.inputs}
    if spec.targets is not None:
        matrices["y"] = spec.targets
    for number, layer in enumerate(spec.layers, 1):
        matrices[f"W{number}"] = layer.weights
        if layer.bias.values is not None:
            matrices[f"b{number}"] = layer.bias.values
    if spec.loss is not None and spec.loss.upstream is not None:
        matrices[f"da{len(spec.layers)}"] = spec.loss.upstream
    return matrices


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
    if spec.arithmetic.kind in ("exact", "rounded"):
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
        self.orientation = (spec.conventions.layout, spec.conventions.weights)
        self.last = len(spec.layers)
        self.steps: list[Step] = []
        self.shapes: dict[str, tuple[int, ...]] = {}
        mean_in = spec.conventions.mean_in
        averaged = spec.loss is not None and spec.loss.mean
        samples = {"samples": update.samples} if averaged else {}
        self.loss_mean = samples
        self.delta_mean = samples if mean_in == "delta" else {}
        self.gradient_mean = samples if mean_in == "gradient" else {}

    def write(self) -> None:
        self.given()
        self.forward()
        if self.spec.loss is None:
            return
        self.loss(self.spec.loss)
        if all(differentiable(layer) for layer in self.spec.layers):
            self.backward(self.spec.loss)
            self.after()

    def add(
        self,
        id: str,
        operation: str,
        operands: tuple[str, ...],
        phase: Phase,
        layer: int | None,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        """Adds a step, checked as it is added: operands bound, id new, shapes agreeing."""
        parameters = parameters or {}
        row = OPERATIONS[operation]
        assert id not in self.shapes, f"{id} is bound twice"
        try:
            shape = row.shape(self.setting, parameters, *(self.shapes[name] for name in operands))
        except ValueError as error:
            raise TapeError(f"{id} = {operation}({', '.join(operands)}): {error}") from None
        self.check_arithmetic(id, operation, operands, parameters)
        self.shapes[id] = shape
        self.steps.append(
            Step(
                id,
                operation,
                operands,
                parameters,
                phase,
                layer,
                self.update.epoch,
                self.update.batch,
                shape,
            )
        )

    def check_arithmetic(
        self, id: str, operation: str, operands: tuple[str, ...], parameters: dict[str, Any]
    ) -> None:
        if self.spec.arithmetic.kind != "exact" or OPERATIONS[operation].rational(parameters):
            return
        name = parameters.get("activation") or parameters.get("loss") or "a square root"
        raise TapeError(
            f"arithmetic: exact stops at {id} = {operation}({', '.join(operands)}): {name} "
            "leaves the fractions. Use linear, relu, leaky_relu, hard_sigmoid or step units with "
            "a squared, absolute, Huber or hinge loss, or take arithmetic: float64 or "
            "{round_each_step: 4}."
        )

    # Given

    def given(self) -> None:
        samples: dict[str, Any] = {"samples": [self.update.start + 1, self.update.stop]}
        shuffled = order(self.spec, self.update.epoch)
        if shuffled is not None:
            samples["order"] = (shuffled[self.update.start : self.update.stop] + 1).tolist()
        a0 = self.spec.inputs.shape
        ones = {"ones": self.ones(0)} if self.ones(0) else {}
        self.give("a0", self.batch_shape((a0[0], a0[1]), self.ones(0)), samples | ones, None)
        if self.spec.targets is not None:
            self.give("y", self.batch_shape(self.spec.targets.shape), samples, None)
        for number, layer in enumerate(self.spec.layers, 1):
            self.give_parameter(f"W{number}", layer.weights.shape, number)
            if layer.bias.values is not None:
                self.give_parameter(f"b{number}", layer.bias.values.shape, number)
        if self.spec.loss is not None and self.spec.loss.upstream is not None:
            shape = self.batch_shape(self.spec.loss.upstream.shape)
            self.give(f"da{self.last}", shape, samples, self.last)
        if self.spec.optimizer is not None:
            for id in trained_ids(self.spec):
                for state in OPTIMIZERS[self.spec.optimizer.name].states:
                    self.give_parameter(f"{state}{id}_old", self.shapes[id], int(id[1:]))

    def give(
        self, id: str, shape: tuple[int, ...], parameters: dict[str, Any], layer: int | None
    ) -> None:
        place = (self.update.epoch, self.update.batch)
        self.shapes[id] = shape
        self.steps.append(Step(id, "given", (), parameters, "given", layer, *place, shape))

    def give_parameter(self, id: str, shape: tuple[int, ...], layer: int) -> None:
        """A parameter or a state: what the update before left, from the second update on."""
        name = id.removesuffix("_old")
        after = name if name != id or name in self.spec.freeze else f"{name}_new"
        if self.spec.optimizer is None:
            after = name
        self.give(id, shape, {} if self.first else {"from": after}, layer)

    def batch_shape(self, shape: tuple[int, int], ones: str = "") -> tuple[int, int]:
        features = shape[1 - self.setting.sample_axis] + bool(ones)
        n = self.update.samples
        return (n, features) if self.setting.sample_axis == 0 else (features, n)

    def ones(self, layer: int) -> str:
        """Where the activation of ``layer`` carries a 1 for a bias inside the next weights."""
        if layer >= self.last:
            return ""
        kind = self.spec.layers[layer].bias.kind
        return kind if kind in ("first", "last") else ""

    # Forward

    def forward(self) -> None:
        for number, layer in enumerate(self.spec.layers, 1):
            operands, transpose = self.factors(PRODUCTS, number, number - 1)
            parameters = {"transpose": transpose} if transpose else {}
            self.add(f"product{number}", "matmul", operands, "forward", number, parameters)
            self.bias(number, layer)
            ones = self.ones(number)
            parameters = {**self.activation(layer), **({"ones": ones} if ones else {})}
            self.add(f"a{number}", "activate", (f"z{number}",), "forward", number, parameters)

    def bias(self, number: int, layer: Layer) -> None:
        product = f"product{number}"
        if layer.bias.values is None:
            self.add(f"z{number}", "copy", (product,), "forward", number)
            return
        parameters = {"subtract": True} if layer.bias.kind == "threshold" else {}
        operands = (product, f"b{number}")
        self.add(f"z{number}", "add_bias", operands, "forward", number, parameters)

    def activation(self, layer: Layer) -> dict[str, Any]:
        return {"activation": layer.activation.name, **layer.activation.parameters}

    def factors(
        self, table: dict[tuple[str, str], tuple[tuple[str, str], str]], layer: int, inputs: int
    ) -> tuple[tuple[str, ...], str]:
        """The ids of a product's two factors; ``inputs`` is the layer whose a is meant."""
        (first, second), transpose = table[self.orientation]
        numbers = {"a": inputs, "W": layer, "delta": layer}
        return (f"{first}{numbers[first]}", f"{second}{numbers[second]}"), transpose

    # Loss

    def loss(self, loss: Loss) -> None:
        if loss.name == "upstream":
            return
        a, y = f"a{self.last}", "y"
        row, targets = LOSSES[loss.name], self.spec.targets is not None
        if targets and row.targets != "one_hot":
            self.add("error", "error", (a, y), "loss", None)
        operands = (a, y) if targets else (a,)
        self.add("loss_terms", "loss_terms", operands, "loss", None, self.terms_parameters(loss))
        if self.spec.regularization is None:
            self.add("loss", "total", ("loss_terms",), "loss", None, self.loss_mean)
            return
        self.add("data_loss", "total", ("loss_terms",), "loss", None, self.loss_mean)
        weights = self.penalised()
        parameters = self.lambdas([self.bias_line(id) for id in weights])
        self.add("penalty", "penalty", weights, "loss", None, parameters)
        self.add("loss", "add", ("data_loss", "penalty"), "loss", None)

    def terms_parameters(self, loss: Loss) -> dict[str, Any]:
        """With the pre-activation named where ln of a rounded 0 would be taken otherwise."""
        return self.loss_parameters(loss) | self.from_z(LOSSES[loss.name].stable)

    def from_z(self, stable: dict[str, Any]) -> dict[str, Any]:
        """The pre-activation named, where the output's activation is in ``stable``."""
        activation = self.spec.layers[-1].activation.name
        by_hand = self.spec.arithmetic.kind == "rounded"  # then ln is taken of the rounded a
        if activation not in stable or by_hand:
            return {}
        return {"stable_from": f"z{self.last}", "activation": activation}

    def loss_parameters(self, loss: Loss) -> dict[str, Any]:
        outputs = self.spec.layers[-1].units
        counted = {"outputs": outputs} if loss.name == "mse_elements" else {}
        return {"loss": loss.name, **loss.parameters, **counted}

    def penalised(self) -> tuple[str, ...]:
        assert self.spec.regularization is not None
        biases = self.spec.regularization.biases
        return tuple(id for id in parameter_ids(self.spec) if id[0] == "W" or biases)

    def bias_line(self, id: str) -> str:
        """Which line of a weight matrix is a bias that the penalty leaves alone."""
        assert self.spec.regularization is not None
        kind = self.spec.layers[int(id[1:]) - 1].bias.kind
        inside = id[0] == "W" and kind in ("first", "last")
        return kind if inside and not self.spec.regularization.biases else ""

    def lambdas(self, omit: list[str] | str) -> dict[str, Any]:
        part = self.spec.regularization
        assert part is not None
        over = self.update.samples if FORMS[part.form].per_sample else 1
        return {"form": part.form, "l1": part.l1, "l2": part.l2, "over": over, "omit": omit}

    # Backward

    def backward(self, loss: Loss) -> None:
        updated_first = self.spec.backpropagate_through == "updated"
        for number in range(self.last, 0, -1):
            layer = self.spec.layers[number - 1]
            self.delta(number, layer, loss)
            self.gradients(number, layer)
            if updated_first:
                self.update_parameters(number)
            if number > 1 or self.spec.inputs_gradient:
                self.error_back(number)
        if not updated_first:
            for number in range(1, self.last + 1):
                self.update_parameters(number)

    def delta(self, number: int, layer: Layer, loss: Loss) -> None:
        if number == self.last and self.takes_shortcut(loss):
            operands = (f"a{number}", "y")
            self.add(
                f"delta{number}",
                "shortcut_delta",
                operands,
                "backward",
                number,
                self.delta_mean | {"loss": loss.name},
            )
            return
        if number == self.last:
            self.loss_gradient(loss)
        z, parameters = (f"z{number}",), self.activation(layer)
        self.add(f"g{number}", "activation_derivative", z, "backward", number, parameters)
        elementwise = ACTIVATIONS[layer.activation.name].elementwise
        operation = "hadamard" if elementwise else "jacobian_product"
        operands = (f"da{number}", f"g{number}")
        self.add(f"delta{number}", operation, operands, "backward", number)

    def takes_shortcut(self, loss: Loss) -> bool:
        if loss.name == "upstream" or self.spec.output_delta == "chain":
            return False
        return LOSSES[loss.name].shortcut == self.spec.layers[-1].activation.name

    def loss_gradient(self, loss: Loss) -> None:
        if loss.name == "upstream":
            return
        a, y = f"a{self.last}", "y"
        if LOSSES[loss.name].from_error:
            operands: tuple[str, ...] = ("error",)
        else:
            operands = (a, y) if self.spec.targets is not None else (a,)
        stable = self.from_z(LOSSES[loss.name].stable_gradient)
        parameters = self.loss_parameters(loss) | self.delta_mean | stable
        self.add(f"da{self.last}", "loss_gradient", operands, "backward", self.last, parameters)

    def gradients(self, number: int, layer: Layer) -> None:
        operands, transpose = self.factors(WEIGHT_GRADIENTS, number, number - 1)
        parameters: dict[str, Any] = {"transpose": transpose} | self.gradient_mean
        self.gradient(f"W{number}", "matmul", operands, number, parameters)
        if layer.bias.values is None:
            return
        whole = {"all": True} if layer.bias.kind == "shared" else {}
        negative = {"negate": True} if layer.bias.kind == "threshold" else {}
        parameters = whole | negative | self.gradient_mean
        self.gradient(f"b{number}", "sum_samples", (f"delta{number}",), number, parameters)

    def gradient(
        self,
        id: str,
        operation: str,
        operands: tuple[str, ...],
        number: int,
        parameters: dict[str, Any],
    ) -> None:
        penalised = self.spec.regularization is not None and id in self.penalised()
        name = f"data_d{id}" if penalised else f"d{id}"
        self.add(name, operation, operands, "backward", number, parameters)
        if penalised:
            lambdas = self.lambdas(self.bias_line(id))
            self.add(f"d{id}", "add_penalty", (name, id), "backward", number, lambdas)

    def error_back(self, number: int) -> None:
        operands, transpose = self.factors(ERRORS_BACK, number, number - 1)
        weights = f"W{number}"
        through_updated = self.spec.backpropagate_through == "updated" and (
            f"{weights}_new" in self.shapes
        )
        if through_updated:
            operands = tuple(f"{id}_new" if id == weights else id for id in operands)
        parameters: dict[str, Any] = {"transpose": transpose} if transpose else {}
        kind = self.spec.layers[number - 1].bias.kind
        if kind in ("first", "last"):
            second = operands[1].startswith("W")
            parameters |= {"omit": kind, "omit_from": "second" if second else "first"}
        self.add(f"da{number - 1}", "matmul", operands, "backward", number - 1 or None, parameters)

    # Update

    def update_parameters(self, number: int) -> None:
        optimizer = self.spec.optimizer
        if optimizer is None:
            return
        for id in (f"W{number}", f"b{number}"):
            if id in self.shapes and id not in self.spec.freeze:
                row = OPTIMIZERS[optimizer.name]
                for line in row.lines[optimizer.form or next(iter(row.lines))]:
                    self.optimizer_line(line, id, number)

    def optimizer_line(self, line: Line, id: str, number: int) -> None:
        assert self.spec.optimizer is not None
        constants: dict[str, Any] = {
            **self.spec.optimizer.constants,
            "rate": rate(self.spec, self.update.t),
        }
        parameters = {ours: constants[theirs] for ours, theirs in line.constants.items()}
        if line.operation == "unbias":
            parameters["t"] = self.update.t + 1
        operands = tuple(operand.format(id) for operand in line.operands)
        self.add(line.id.format(id), line.operation, operands, "update", number, parameters)

    def after(self) -> None:
        """The loss with the updated parameters, where there is a loss and something changed."""
        new = tuple(f"{id}_new" for id in trained_ids(self.spec))
        if new and "loss" in self.shapes:
            self.add("loss_after", "forward_again", new, "update", None)
