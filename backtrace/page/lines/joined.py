"""Which steps are said together: one that only repeats its neighbour, updates from old to new."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from backtrace.functions.formula import Expr, Ref, Text, rebuilt, row
from backtrace.page.blocks import Block
from backtrace.page.board import objective
from backtrace.page.lines.change import change
from backtrace.page.step_block import StepBlock
from backtrace.tape.trace import TracedStep

APPLIED = ("descend", "apply_step")  # the operations that end in an updated parameter
WORDS = {"gradient": "gradient", "clipped_gradient": "clipped gradient", "step": "step"}


class Joined(Block, frozen=True):
    """Steps that are one line: the first is worked, the others have the same value.

    Those that tell their value by themselves (id′(z₂) = 1) are said beside it.
    """

    steps: tuple[StepBlock, ...]

    @property
    def plainly(self) -> tuple[StepBlock, ...]:
        return self.steps

    @property
    def worked(self) -> StepBlock:
        return self.steps[0]

    @property
    def last(self) -> StepBlock:
        return self.steps[-1]

    @property
    def beside(self) -> tuple[StepBlock, ...]:
        return tuple(step for step in self.steps[1:] if _is_told(step))

    @property
    def numbers(self) -> str:
        """``3``, ``10–12``."""
        first, last = self.worked.number, self.last.number
        return str(first) if first == last else f"{first}–{last}"


class Updates(Block, frozen=True):
    """Parameters from their old to their new values, all by the same rule."""

    steps: tuple[StepBlock, ...]

    @property
    def plainly(self) -> tuple[StepBlock, ...]:
        return self.steps

    @property
    def rule(self) -> Expr:
        """``new = old − η·gradient``."""
        equation = self.steps[0].equation
        assert equation is not None
        return row("new = ", _in_words(equation.right, self.steps[0]))


class LossAgain(Block, frozen=True):
    """The loss before an update and after it."""

    step: StepBlock

    @property
    def plainly(self) -> tuple[StepBlock]:
        return (self.step,)

    @property
    def losses(self) -> tuple[TracedStep, TracedStep]:
        goal = objective(self.step.figures.trace)
        assert goal is not None
        return self.step.operand(goal.id), self.step.traced

    @property
    def symbol(self) -> str:
        return self.step.figures.symbols.name(self.losses[0].id)

    @property
    def numbers(self) -> tuple[str, str]:
        """With as many digits as show that they differ."""
        figures = self.step.figures
        before, after = figures.telling([each.value.item() for each in self.losses])
        return before, after

    @property
    def change(self) -> str:
        return change(*(each.value.item() for each in self.losses))


def _in_words(expr: Expr, step: StepBlock) -> Expr:
    if isinstance(expr, Ref):
        return Text(WORDS.get(step.operand(expr.id).role, "old"))
    return rebuilt(expr, lambda part: _in_words(part, step))


def joined(blocks: Iterable[Block]) -> Iterator[Block]:
    """The blocks of a section, the steps among them in lines."""
    steps: list[StepBlock] = []
    for block in blocks:
        if isinstance(block, StepBlock):
            steps.append(block)
            continue
        yield from _lines(steps)
        steps = []
        yield block
    yield from _lines(steps)


def _lines(steps: Iterable[StepBlock]) -> Iterator[Block]:
    for kind, run in groupby(steps, key=_kind):
        if kind == "updated":
            yield Updates(tuple(run))
        elif kind == "loss_after":
            yield from map(LossAgain, run)
        else:
            yield from map(Joined, _runs(run))


def _kind(step: StepBlock) -> str:
    """Whether a step is said in a way of its own."""
    applied = step.traced.role == "updated" and step.traced.operation in APPLIED
    return step.traced.role if applied or step.traced.role == "loss_after" else ""


def _runs(steps: Iterable[StepBlock]) -> Iterator[tuple[StepBlock, ...]]:
    run: list[StepBlock] = []
    for step in steps:
        if run and not _joins(step, run):
            yield tuple(run)
            run = []
        run.append(step)
    if run:
        yield tuple(run)


def _joins(step: StepBlock, run: list[StepBlock]) -> bool:
    """A slope of 1 stands with the gradient that it leaves as it is."""
    return _is_told(step) or step.repeats in [each.id for each in run if not _is_told(each)]


def _is_told(step: StepBlock) -> bool:
    """Whether its formula says that it is 1: id′(z₂) = 1."""
    return step.brief and step.traced.operation == "activation_derivative"
