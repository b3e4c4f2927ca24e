"""The trained parameters and the optimizer's states, each a row of one array."""

from __future__ import annotations

import numpy as np

from backtrace.functions.array import Array
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec import ids
from backtrace.spec.model import Spec
from backtrace.tape.compile import parameter_ids, trained_ids
from backtrace.tape.run import Values
from backtrace.tape.training.batches import Batch
from backtrace.tape.training.layout import size_of, views
from backtrace.tape.training.recording import Calls
from backtrace.tape.training.step_recorder import StepRecorder, floats


class ParameterRows:
    """The trained parameters and their optimizer's states: a row each of one array.

    The matrices of the tape are views of them. The lines of an update are the same for every
    parameter, so that they are a call each for all.
    """

    def __init__(self, spec: Spec, values: Values) -> None:
        assert spec.optimizer is not None
        self.spec = spec
        self.ids = trained_ids(spec)
        self.states = OPTIMIZERS[spec.optimizer.name].states
        self.shapes = {id: values[id].shape for id in self.ids}
        size = size_of(self.shapes)
        self.rows = np.zeros((1 + len(self.states), size), dtype=floats(spec).dtype)
        self.frozen = {id: values[id] for id in parameter_ids(spec) if id not in self.ids}
        self.values: Values = {**self.frozen, **self.spread(self.rows)}
        for id, view in self.spread(self.rows).items():
            view[...] = values[id]

    def spread(self, rows: Array) -> Values:
        """The matrices in such rows, by id."""
        found = views(rows[0], self.shapes)
        for letter, row in zip(self.states, rows[1:], strict=True):
            found |= {ids.state(letter, id): v for id, v in views(row, self.shapes).items()}
        return found

    @property
    def gradients(self) -> list[str]:
        return [ids.gradient(id) for id in self.ids]

    def update(self, batch: Batch) -> Calls:
        """The calls of an update after such a batch, whose first sums are the gradients."""
        first, given = self.ids[0], self._before()
        total = batch.total[: self.rows.shape[1]]
        if all(id in batch.totals for id in self.gradients):
            totals = {ids.gradient(first): total}
            return self._lines(StepRecorder(self.spec, batch.steps, given, totals=totals))
        gradient, penalised = np.zeros_like(total), batch.recorder()
        for id, goal in views(gradient, self.shapes).items():
            penalised.put(ids.gradient(id), goal)
        given[ids.gradient(first)] = gradient
        lines = self._lines(StepRecorder(self.spec, batch.steps, given))
        return Calls((penalised.recording.calls(), *lines.calls), lines.numbers)

    def _before(self) -> Values:
        """The rows, as the steps of the first parameter's update call what they read."""
        first = self.ids[0]
        found = {first: self.rows[0]}
        for letter, row in zip(self.states, self.rows[1:], strict=True):
            found[ids.state_before(letter, first)] = row
        return found

    def _lines(self, recorder: StepRecorder) -> Calls:
        """The optimizer's lines: the states are overwritten when nothing reads them any more."""
        first = self.ids[0]
        recorder[ids.updated(first)]
        recorder.put(ids.updated(first), self.rows[0])
        for letter, row in zip(self.states, self.rows[1:], strict=True):
            recorder.put(ids.state(letter, first), row)
        return recorder.recording.calls()
