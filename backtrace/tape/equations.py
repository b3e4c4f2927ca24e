"""Equations → the steps of an update: every line and its parts, and the way back through them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from math import prod
from typing import Any, ClassVar

from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec import ids
from backtrace.spec.equations.expression import (
    Call,
    ConstantTerm,
    NameTerm,
    PartTerm,
    Term,
    Transpose,
)
from backtrace.spec.equations.misfits import Misfit, MisfitError, misfit_of
from backtrace.spec.equations.names import names_in, reached
from backtrace.spec.equations.vocabulary import SIGNATURES
from backtrace.spec.equations.written import written
from backtrace.spec.ids import Id, Role
from backtrace.spec.model import EquationLine, Equations, Spec
from backtrace.tape.arguments import TRANSPOSED, Argument, argument_shapes, described
from backtrace.tape.equation_gradients import EQUATION_GRADIENTS, product
from backtrace.tape.equation_operations import sized
from backtrace.tape.gradients import (
    Backward,
    Draft,
    ForwardGraph,
    GradientRule,
    Idioms,
    Upstream,
    Way,
)
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.parameters import trained_ids, upstream_at
from backtrace.tape.setting import Shape
from backtrace.tape.steps import Phase
from backtrace.tape.updates import Update
from backtrace.tape.writer import TapeError, TapeWriter

MOST_ENTRIES = 4_000_000  # of one matrix
MOST_PRODUCTS = 64_000_000  # of all windows of a convolution or a pooling

_BINARY = {"+": "plus", "-": "minus", "*": "times", "/": "over", "@": "matmul", "neg": "negate"}


class EquationsWriter(TapeWriter):
    """Writes the steps of one update."""

    def __init__(self, spec: Spec, update: Update, *, first: bool) -> None:
        super().__init__(spec, update, first=first)
        assert spec.equations is not None
        self.equations: Equations = spec.equations
        self.objective = spec.equations.objective
        self.line_of: dict[str, str] = {}  # a step, by the line that it is of
        self.misfits: list[Misfit] = []

    def write(self) -> None:
        self.given()
        for line in self.equations.lines:
            _LineWriter(self, line).write()
        self.check_objective()
        self.raise_misfits()
        if self.equations.has_backward:
            self.backward()
            self.check_parameters()
            self.raise_misfits()
            self.update_parameters(self.equations.parameters)
            self.after()

    def raise_misfits(self) -> None:
        if self.misfits:
            raise MisfitError(self.misfits)

    def given(self) -> None:
        trained = trained_ids(self.spec)
        for name, matrix in self.equations.given.items():
            id = Id("named", None, name)
            if name in trained:
                self.give_parameter(id, matrix.shape)
            else:
                self.give(id, matrix.shape, {})
        if self.spec.optimizer is not None:
            for name in trained:
                for state in OPTIMIZERS[self.spec.optimizer.name].states:
                    before = Id("state_before", None, name, state)
                    self.give_parameter(before, self.by_id[name].shape)

    def misfit(
        self, line: EquationLine, node: Term, found: str, expected: str, mend: str = ""
    ) -> None:
        self.misfits.append(Misfit(line, node.at, node.length, found, expected, mend))

    def check_objective(self) -> None:
        """That what is differentiated is one number, and a given gradient has its name's shape."""
        by_id = {line.id: line for line in self.equations.lines}
        step = self.by_id.get(self.objective)
        if step is not None and step.shape != (1, 1):
            line, found = by_id[step.id], f"`{step.id}`, a {sized(step.shape)} matrix, as the loss"
            mend = f"Add it up: `sum({step.id})`, or take its mean."
            self.misfit(line, line.tree, found, "one number", mend)
        for name, matrix in self.equations.upstream.items():
            if name in self.by_id and name in by_id and self.by_id[name].shape != matrix.shape:
                own = sized(self.by_id[name].shape)
                found = f"`{name}` of {own}, with {sized(matrix.shape)} upstream"
                line = by_id[name]
                self.misfit(line, line.tree, found, "a gradient in the shape of what it is of")

    def check_new(self, id: str) -> None:
        """Names on the board are a person's choice; those of gradients and updates are not."""
        if id in self.by_id:
            line, node = next(pair for pair in self.names_written() if pair[1].id == id)
            found = f"`{id}`, which is what a step on the way back or of the update will be called"
            self.misfit(line, node, found, "another name", "Rename it.")
            self.raise_misfits()

    def names_written(self) -> Iterator[tuple[EquationLine, NameTerm]]:
        """Every name where it stands: left of an equals sign first, then right of one."""
        for line in self.equations.lines:
            yield line, NameTerm(id=line.id, at=-line.start, length=len(line.id))
        for line in self.equations.lines:
            yield from ((line, name) for name in names_in(line.tree))

    def check_arithmetic(
        self, id: str, operation: str, operands: tuple[str, ...], parameters: dict[str, Any]
    ) -> None:
        if self.spec.arithmetic.kind == "exact" and not OPERATIONS[operation].rational(parameters):
            name = parameters.get("activation") or parameters.get("loss") or operation
            raise leaves_fractions(id, name)

    def check_parameters(self) -> None:
        """That every parameter has a gradient: none goes back through a step, say."""
        starts, lines = self.starts, self.equations.lines
        line = next((each for each in lines if each.id in starts), lines[-1])
        for name in self.equations.parameters:
            if ids.gradient(name) not in self.by_id:
                found = f"`{line.id}`, from which no gradient comes back to `{name}`"
                expected = f"functions with a derivative on the way, or no parameter `{name}`"
                self.misfit(line, line.tree, found, expected)

    # Backward

    @property
    def starts(self) -> list[str]:
        return [self.objective] if self.objective else list(self.equations.upstream)

    def backward(self) -> None:
        starts = self.starts
        reach = reached(self.equations.lines, starts)
        wanted = [
            name
            for name in self.equations.given
            if name in reach and name not in self.equations.constants
        ]
        given = {name: upstream_at(self.equations, name) for name in starts}
        for name, id in given.items():
            role: Role = "gradient" if id == ids.gradient(name) else "share"
            self.append(
                Id(role, None, name), "given", (), "backward", {}, self.by_id[name].shape, id
            )
        forward = [step for step in self.steps if step.phase in ("forward", "loss")]
        by_hand = self.spec.arithmetic.kind == "rounded"
        idioms = Idioms(parameters=tuple(wanted), by_hand=by_hand)
        graph = ForwardGraph(self.by_id, idioms)
        start = {name: Upstream(id) for name, id in given.items()}
        _EquationsBackward(forward, graph, wanted, self).walk(start)

    def is_named(self, id: str) -> bool:
        """Whether it is a name of the board, not a part of a compound line."""
        return self.line_of.get(id, id) == id

    def gradient_id(self, id: str) -> str:
        return ids.gradient(id)

    def way_id(self, id: str, user: str) -> str:
        return ids.share(ids.gradient(id), user or "upstream")

    def before_others(self, id: str) -> str:
        raise NotImplementedError("no penalty is added onto a gradient of equations")

    def write_gradient(self, draft: Draft, of: str) -> None:
        role: Role = "gradient" if draft.id == ids.gradient(of) else "share"
        self.add(
            Id(role, None, of),
            draft.operation,
            draft.operands,
            "backward",
            draft.parameters,
            draft.id,
        )

    def parameters_done(self, parameters: Sequence[str]) -> None:
        """Updates come last, all of them."""

    def stand_in(self, id: str) -> str:
        return id

    def after(self) -> None:
        new = tuple(ids.updated(id) for id in trained_ids(self.spec))
        if new and self.objective:
            id = Id("loss_after", None, self.objective)
            shape = self.by_id[self.objective].shape
            self.append(id, "forward_again", new, "update", {}, shape)


class _EquationsBackward(Backward):
    """The way back: what arrives from one line is one share, and every name has a gradient."""

    rows: ClassVar[Mapping[str, GradientRule]] = EQUATION_GRADIENTS
    writer: EquationsWriter

    def added(self, id: str, name: str, ways: Sequence[tuple[str, Way]]) -> Upstream:
        lines = [
            (line, [way for _, way in group])
            for line, group in groupby(ways, key=lambda pair: self.writer.line_of.get(pair[0], ""))
        ]
        if len(lines) == 1:
            return self.share(id, name, *lines[0])
        shares = [self.share(id, self.writer.way_id(id, line), line, own) for line, own in lines]
        self.add_up(id, name, shares)
        return Upstream(name)

    def share(self, id: str, name: str, line: str, ways: Sequence[Way]) -> Upstream:
        """What comes from one line, in which a name may be used several times."""
        if len(ways) == 1:
            return self.written(id, name, ways[0])
        whole = self.writer.way_id(id, line)
        pieces = [
            self.written(id, ids.numbered(whole, number), way) for number, way in enumerate(ways, 1)
        ]
        self.add_up(id, name, pieces)
        return Upstream(name)

    def add_up(self, id: str, name: str, parts: Sequence[Upstream]) -> None:
        self.writer.write_gradient(Draft("add", tuple(part.id for part in parts), {}, name), id)

    def written(self, id: str, name: str, way: Way) -> Upstream:
        goes_on = not way.drafts and (way.upstream.id == name or not self.writer.is_named(id))
        if way.drafts or goes_on:
            return super().written(id, name, way)
        self.writer.write_gradient(Draft("copy", (way.upstream.id,), {}, name), id)
        return Upstream(name)


class _LineWriter:
    """Writes one line: a step for each of its parts, the last of which has the line's name."""

    def __init__(self, writer: EquationsWriter, line: EquationLine) -> None:
        self.writer, self.line = writer, line
        self.parts = 0
        self.round = {"loop": line.loop} if line.loop else {}

    def write(self) -> None:
        tree = self.line.tree
        if not isinstance(tree, Call):
            argument = self.argument(tree)
            if argument is not None:
                operation = "copy" if argument.number is None else "number"
                self.step(tree, operation, [argument], {}, whole=True)
            return
        self.call(tree, whole=True)

    def argument(self, node: Term) -> Argument | None:
        """What an operation is given; None where its shape is not known, which has been told."""
        if isinstance(node, ConstantTerm):
            return self.constant(node)
        if isinstance(node, NameTerm):
            return Argument(node.id) if node.id in self.writer.by_id else None
        if isinstance(node, Call):
            return self.call(node, whole=False)
        inner = self.argument(node.inner)
        if inner is None or inner.number is not None:
            return inner
        return self.viewed(node, Argument(inner.id, (*inner.views, _view(node))))

    def viewed(self, node: Term, argument: Argument) -> Argument | None:
        """A part, if the matrix has it."""
        try:
            self.shape_of(argument)
        except ValueError as error:
            expected, mend = "rows and columns that it has", "Both are counted from 1."
            self.writer.misfit(self.line, node, str(error), expected, mend)
            return None
        return argument

    def constant(self, node: ConstantTerm) -> Argument:
        if self.writer.spec.arithmetic.kind == "exact" and not node.rational:
            raise leaves_fractions(self.line.id, node.text)
        return Argument(number=node.number)

    def call(self, node: Call, *, whole: bool) -> Argument | None:
        arguments = [self.argument(each) for each in node.arguments]
        known = [each for each in arguments if each is not None]
        if len(known) < len(arguments):
            return None
        operation, settings = _operation(node)
        return self.step(node, operation, known, settings, whole=whole)

    def step(
        self,
        node: Term,
        operation: str,
        arguments: Sequence[Argument],
        settings: dict[str, Any],
        *,
        whole: bool,
    ) -> Argument | None:
        shapes = [self.shape_of(each) for each in arguments]
        settings |= _settings_of_loss(self.writer, settings, shapes)
        operands, taken = product(*arguments) if operation == "matmul" else described(arguments)
        try:
            self.check_shape(operation, settings, shapes)
        except ValueError as error:
            self.writer.misfits.append(misfit_of(self.line, node, operation, shapes, str(error)))
            return None
        id = self.name(whole=whole)
        parameters = settings | taken | {"line": written(node)} | self.round
        self.writer.add(Id("named", None, id), operation, operands, self.phase, parameters)
        self.writer.line_of[id] = self.line.id
        return Argument(id)

    def check_shape(
        self, operation: str, settings: dict[str, Any], shapes: Sequence[Shape]
    ) -> None:
        """ValueError, in words, where the operation can't take these shapes, or makes too much."""
        rows, columns = OPERATIONS[operation].shape(self.writer.setting, settings, *shapes)
        if rows * columns > MOST_ENTRIES:
            raise ValueError(f"a {sized((rows, columns))} matrix, which is too large for a board")
        products = rows * columns * _window(operation, settings, shapes)
        if products > MOST_PRODUCTS:
            raise ValueError(f"{products:,} products in its windows, at most {MOST_PRODUCTS:,}")

    @property
    def phase(self) -> Phase:
        return "loss" if self.line.id == self.writer.objective else "forward"

    def name(self, *, whole: bool) -> str:
        if whole:
            return self.line.id
        self.parts += 1
        return ids.numbered(self.line.id, self.parts)

    def shape_of(self, argument: Argument) -> Shape:
        operands, taken = described([argument])
        return argument_shapes(taken, [self.writer.by_id[id].shape for id in operands])[0]


def _window(operation: str, settings: Mapping[str, Any], shapes: Sequence[Shape]) -> int:
    """How many entries of its operand an entry of a convolution or a pooling is made of."""
    if operation in ("conv", "conv_transpose"):
        return prod(shapes[1])
    return int(settings["size"]) ** 2 if operation == "pool" else 1


def leaves_fractions(id: str, what: str) -> TapeError:
    return TapeError(
        f"arithmetic: exact stops at {id}: {what} leaves the fractions. "
        "Take arithmetic: float64 or {round_each_step: 4}.",
        "E220",
    )


def _view(node: Transpose | PartTerm) -> Any:
    if isinstance(node, Transpose):
        return TRANSPOSED
    spans = (node.rows, node.columns)
    return [None if span is None else list(span) for span in spans]


def _whole(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Counts as integers, everything else as it is."""
    return {
        key: int(value) if isinstance(value, Number) and float(value).is_integer() else value
        for key, value in settings.items()
    }


def _operation(node: Call) -> tuple[str, dict[str, Any]]:
    """The operation of a call and its parameters."""
    name = node.function
    if name in _BINARY:
        return _BINARY[name], {}
    if name == "^":
        return "activate", {"activation": "power", **node.settings}
    operation = SIGNATURES[name].operation
    prepare = _PREPARED.get(operation)
    return {"loss": "loss_of"}.get(operation, operation), (
        dict(node.settings) if prepare is None else prepare(name, node.settings)
    )


_PREPARED: dict[str, Callable[[str, Mapping[str, Any]], dict[str, Any]]] = {
    "activate": lambda name, settings: {"activation": name, **settings},
    "loss": lambda name, settings: {"loss": name, **settings},
    "reduce": lambda name, settings: {"reduce": name, **settings},
    "stack": lambda name, settings: {"beside": name == "hstack"},
    "reshape": lambda name, settings: {
        "shape": [int(settings["rows"]), int(settings["columns"])] if settings else [1, 0]
    },
    "rows": lambda name, settings: {"rows": [int(row) for row in settings.values()]},
    "eye": lambda name, settings: _whole(settings),
    "pad": lambda name, settings: _whole(settings),
    "conv": lambda name, settings: _whole(settings),
    "conv_transpose": lambda name, settings: _whole(settings),
    "pool": lambda name, settings: {"pool": name.removesuffix("_pool"), **_whole(settings)},
}


def _settings_of_loss(
    writer: EquationsWriter, settings: Mapping[str, Any], shapes: Sequence[Shape]
) -> dict[str, Any]:
    """What depends on the shapes: a loss's n and k, the length of a flattened matrix."""
    if "loss" in settings:
        row, axis = LOSSES[settings["loss"]], writer.setting.sample_axis
        found = {"samples": shapes[0][axis]} if row.mean else {}
        return found | ({"outputs": shapes[0][1 - axis]} if row.counts_outputs else {})
    if settings.get("shape") == [1, 0]:
        return {"shape": [1, shapes[0][0] * shapes[0][1]]}
    return {}
