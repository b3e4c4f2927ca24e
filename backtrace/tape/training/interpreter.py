"""Epochs by the interpreter of the tape: slower than NumPy calls on fixed arrays, for all else."""

from __future__ import annotations

from collections.abc import Callable

from backtrace.spec.model import Spec, Validation
from backtrace.tape.compile import compile_tape
from backtrace.tape.run import Runner, given_values, starting_values
from backtrace.tape.training.measurer import Measurer
from backtrace.tape.training.records import Measured, State


class Interpreter:
    """Works the tape a step at a time, as a trace does; what ``training.Engine`` says.

    It trains what is not recorded: fractions, rounded lines, an error that goes back through
    updated weights.
    """

    def __init__(self, spec: Spec, state: State) -> None:
        self.spec = spec
        self.start = starting_values(spec)
        self.whole = Measurer(spec, spec.inputs, spec.targets, penalty=True)
        self.number, self.values = state.epoch, dict(state.values)
        self.before = [State(self.number, self.values)]

    def epoch(self) -> Measured:
        before = self.measure()
        self.number += 1
        tape = compile_tape(self.spec, range(self.number, self.number + 1))
        runner = Runner(tape, self.start | given_values(self.spec, self.values))
        for step in tape.steps:
            runner.work(step)
        self.values = {id: runner.left(id) for id in self.values}
        return before

    def measure(self) -> Measured:
        return self.whole.measure(self.values)

    def measuring(self, held_out: Validation) -> Callable[[], Measured]:
        measurer = Measurer(self.spec, held_out.inputs, held_out.targets, penalty=False)
        return lambda: measurer.measure(self.values)

    def keep(self) -> None:
        self.before = [State(self.number, self.values), *self.before[:1]]

    def kept(self, back: int = 0) -> State:
        return self.before[min(back, len(self.before) - 1)]
