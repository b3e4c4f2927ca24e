"""The forward part of the tape on a set of samples: the outputs, the loss, the accuracy."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec import ids
from backtrace.spec.model import Matrix, Spec
from backtrace.tape.accuracy import class_of, classes
from backtrace.tape.arithmetic import arithmetic, as_floats
from backtrace.tape.compile import TARGETS, compile_tape
from backtrace.tape.operations import Setting
from backtrace.tape.run import Values, starting_values, worked
from backtrace.tape.training.records import Measured

LOSS = ids.id_of("loss")


class Measurer:
    """The forward part of the tape on one set of samples."""

    def __init__(
        self, spec: Spec, inputs: Matrix, targets: Matrix | None, *, penalty: bool
    ) -> None:
        one = on_samples(spec, inputs, targets, penalty=penalty)
        self.setting, self.numbers = Setting(spec.conventions), arithmetic(spec.arithmetic)
        self.classes = classes(spec)
        self.start = starting_values(one)
        tape = compile_tape(one, range(1, 2))
        self.steps = [step for step in tape if step.phase in ("forward", "loss")]
        self.last = ids.id_of("activation", len(spec.layers))

    def outputs(self, values: Mapping[str, Array]) -> Array:
        """The last activation, a sample a row."""
        return self.setting.rows(self.work(values)[self.last])

    def work(self, values: Mapping[str, Array]) -> Values:
        """Every value of the forward part with these parameters."""
        return worked(self.steps, {**self.start, **values}, self.setting, self.numbers)

    def measure(self, values: Mapping[str, Array]) -> Measured:
        """The loss with these parameters, and the accuracy where there are classes."""
        found = self.work(values)
        loss = float(as_floats(found[LOSS]))
        if not self.classes:
            return Measured(loss)
        predicted = class_of(self.setting.rows(found[self.last]))
        right = predicted == class_of(self.setting.rows(found[TARGETS]))
        return Measured(loss, float(np.mean(right)))


def on_samples(spec: Spec, inputs: Matrix, targets: Matrix | None, *, penalty: bool) -> Spec:
    """The same network on these samples, all at once."""
    return msgspec.structs.replace(
        spec,
        inputs=inputs,
        targets=targets,
        batch_size=None,
        shuffle=False,
        regularization=spec.regularization if penalty else None,
        inputs_gradient=False,
    )
