"""What every tape is written with: steps checked as they are added, and an optimizer's lines."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt, prod
from typing import Any

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.optimizers import OPTIMIZERS, UpdateLine
from backtrace.spec import ids
from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.ids import Id
from backtrace.spec.model import Spec
from backtrace.tape.arguments import argument_shapes, handed_back_shape
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.parameters import trained_ids
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Phase, Step
from backtrace.tape.updates import Update, rate

LARGEST_QUANTITY = 64_000_000
"""Of one quantity: 512 MB of floats. A data set of 60,000 images of 784 pixels has 47 million."""

MOST_OF_FRACTIONS = 2_000_000
"""Products of one line in exact arithmetic, which take about 10 seconds."""


class TapeError(Exception):
    """A network that is well formed but can't be worked as asked; says which step and why."""

    def __init__(self, message: str, code: ErrorCode) -> None:
        super().__init__(message)
        self.code = code


class TapeWriter:
    """Writes the steps of one update."""

    objective: str  # the id of the loss

    def __init__(self, spec: Spec, update: Update, *, first: bool) -> None:
        self.spec = spec
        self.update = update
        self.first = first
        self.setting = Setting(spec.conventions)
        self.steps: list[Step] = []
        self.by_id: dict[str, Step] = {}

    def write(self) -> None:
        """Writes all of them."""
        raise NotImplementedError

    def add(
        self,
        id: Id,
        operation: str,
        operands: tuple[str, ...],
        phase: Phase,
        parameters: dict[str, Any] | None = None,
        text: str = "",
    ) -> str:
        """Adds a step, checked as it is added: operands bound, id new, shapes agreeing.

        ``text`` is its id where that does not follow from the roles.
        """
        parameters = parameters or {}
        name = text or str(id)
        row = OPERATIONS[operation]
        shapes = [self.by_id[name].shape for name in operands]
        try:
            taken = argument_shapes(parameters, shapes)
            shape = handed_back_shape(parameters, row.shape(self.setting, parameters, *taken))
        except ValueError as error:
            raise TapeError(
                f"{name} = {operation}({', '.join(operands)}): {error}", "E221"
            ) from None
        self.check_size(name, shape)
        if self.spec.arithmetic.kind == "exact":
            self.check_work(name, operation, [*shapes, shape])
        self.check_arithmetic(name, operation, operands, parameters)
        return self.append(id, operation, operands, phase, parameters, shape, text)

    def append(  # noqa: PLR0913 - what a step is made of
        self,
        id: Id,
        operation: str,
        operands: tuple[str, ...],
        phase: Phase,
        parameters: dict[str, Any],
        shape: tuple[int, ...],
        text: str = "",
    ) -> str:
        step = Step(
            id=text or str(id),
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
        self.check_new(step.id)
        self.by_id[step.id] = step
        self.steps.append(step)
        return step.id

    def check_new(self, id: str) -> None:
        assert id not in self.by_id, f"{id} is bound twice"

    def check_size(self, id: str, shape: tuple[int, ...]) -> None:
        entries = prod(shape)
        if entries > LARGEST_QUANTITY:
            size = " × ".join(f"{each:,}" for each in shape)
            raise TapeError(
                f"{id} would be {size}, {entries:,} numbers, and one quantity may have at most "
                f"{LARGEST_QUANTITY:,}. Take fewer samples at a time, or fewer units.",
                "E225",
            )

    def check_work(self, id: str, operation: str, shapes: Sequence[tuple[int, ...]]) -> None:
        """Python works fractions one by one. A product takes as many steps as its matrices span."""
        products = prod(map(prod, shapes))
        products = isqrt(products) if operation == "matmul" else max(map(prod, shapes))
        if products > MOST_OF_FRACTIONS:
            raise TapeError(
                f"arithmetic: exact stops at {id}: {products:,} products of fractions, at most "
                f"{MOST_OF_FRACTIONS:,} in one line. Take fewer samples or units, or float64.",
                "E225",
            )

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
            "{round_each_step: 4}.",
            "E220",
        )

    # Given

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

    # Update

    def update_parameters(self, parameters: Sequence[str]) -> None:
        optimizer = self.spec.optimizer
        if optimizer is None:
            return
        row = OPTIMIZERS[optimizer.name]
        for id in parameters:
            if id not in self.spec.freeze:
                gradient = self.clipped(id)
                for line in row.lines[optimizer.form or next(iter(row.lines))]:
                    self.optimizer_line(line, row.states, id, gradient)

    def clipped(self, of: str) -> str:
        """The gradient that an update uses: ``clipped_dW1`` where the spec clips, else ``dW1``."""
        gradient, clip = ids.gradient(of), self.spec.clip
        if clip is None:
            return gradient
        id = Id("clipped_gradient", self.by_id[of].layer, of)
        limit = {"limit": clip.limit}
        if clip.kind == "value":
            return self.add(id, "clip_entries", (gradient,), "update", limit)
        return self.add(id, "clip_to_norm", (gradient, self.gradient_norm()), "update", limit)

    def gradient_norm(self) -> str:
        """The norm of all gradients that an update uses, taken together."""
        id = Id("gradient_norm")
        if str(id) not in self.by_id:
            gradients = tuple(map(ids.gradient, trained_ids(self.spec)))
            self.add(id, "gradient_norm", gradients, "update")
        return str(id)

    def optimizer_line(
        self, line: UpdateLine, states: tuple[str, ...], of: str, gradient: str
    ) -> None:
        assert self.spec.optimizer is not None
        constants: dict[str, Any] = {
            **self.spec.optimizer.constants,
            "rate": rate(self.spec, self.update.t),
            "t": self.update.t + 1,
        }
        parameters = {ours: constants[theirs] for ours, theirs in line.constants.items()}
        names = {ids.gradient(of): gradient}
        operands = (operand.format(of) for operand in line.operands)
        taken = tuple(names.get(operand, operand) for operand in operands)
        role, state = ids.role_of_line(line.id, states)
        id = Id(role, self.by_id[of].layer, of, state)
        self.add(id, line.operation, taken, "update", parameters)

    def after(self) -> None:
        """The loss with the updated parameters, where there is a loss and something changed."""
        new = tuple(ids.updated(id) for id in trained_ids(self.spec))
        if new and self.objective in self.by_id:
            self.add(Id("loss_after"), "forward_again", new, "update")
