"""The trained parameters and the optimizer's states, each a row of one array."""

from __future__ import annotations

from functools import partial

import numpy as np

from backtrace.functions.array import Array
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec import ids
from backtrace.spec.model import Spec
from backtrace.tape.parameters import parameter_ids, trained_ids
from backtrace.tape.run import Values
from backtrace.tape.training.batches import Batch
from backtrace.tape.training.layout import size_of, views
from backtrace.tape.training.recording import NumPyCall
from backtrace.tape.training.step_recorder import Clock, StepRecorder

GRADIENT_NORM = ids.id_of("gradient_norm")


class ParameterRows:
    """The trained parameters and their optimizer's states: a row each of one array.

    The matrices of the tape are views of them. The lines of an update are the same for every
    parameter, so that they are a call each for all; but where an error goes back through updated
    weights, and in fractions, each step is worked by itself.
    """

    def __init__(self, spec: Spec, values: Values) -> None:
        assert spec.optimizer is not None
        self.spec, self.clock = spec, Clock()
        self.ids = trained_ids(spec)
        self.all_at_once = not spec.arithmetic.has_fractions and spec.backpropagate_through == "old"
        self.states = OPTIMIZERS[spec.optimizer.name].states
        self.shapes = {id: values[id].shape for id in self.ids}
        size, dtype = size_of(self.shapes), values[self.ids[0]].dtype
        self.rows = np.zeros((1 + len(self.states), size), dtype=dtype)
        self.frozen = {id: values[id] for id in parameter_ids(spec) if id not in self.ids}
        self.values: Values = {**self.frozen, **self.spread(self.rows)}
        for id, view in self.spread(self.rows).items():
            view[...] = values[id]
        # The steps of the tape read what was there before the update.
        self.given = {id: self.values[id] for id in parameter_ids(spec)} | {
            ids.state_before(letter, id): self.values[ids.state(letter, id)]
            for letter in self.states
            for id in self.ids
        }

    def spread(self, rows: Array) -> Values:
        """The matrices in such rows, by id."""
        found = views(rows[0], self.shapes)
        for letter, row in zip(self.states, rows[1:], strict=True):
            found |= {ids.state(letter, id): v for id, v in views(row, self.shapes).items()}
        return found

    @property
    def wanted(self) -> list[str]:
        """What a batch is worked for: the gradients, or what the update leaves in the rows."""
        if self.all_at_once:
            return [ids.gradient(id) for id in self.ids]
        states = [ids.state(letter, id) for letter in self.states for id in self.ids]
        return [*(ids.updated(id) for id in self.ids), *states]

    def update(self, batch: Batch) -> tuple[NumPyCall, ...]:
        """The calls of an update after such a batch, whose first sums are those ``wanted``."""
        if not self.all_at_once:
            left = batch.total[: self.rows.size].reshape(self.rows.shape)
            return (partial(np.copyto, self.rows, left),)
        first = ids.gradient(self.ids[0])
        total = batch.total[: self.rows.shape[1]]
        if not batch.in_sums:
            return self._lines(batch, {first: total}, {})
        if set(self.wanted) <= set(batch.totals):
            return self._lines(batch, {}, {first: total})
        gradient, penalised = np.zeros_like(total), batch.recorder()
        for id, goal in views(gradient, self.shapes).items():
            penalised.put(ids.gradient(id), goal)
        return (*penalised.calls(), *self._lines(batch, {first: gradient}, {}))

    def _lines(self, batch: Batch, gradient: Values, totals: Values) -> tuple[NumPyCall, ...]:
        """The first parameter's lines, on the rows of all: the states are overwritten when
        nothing reads them any more."""
        first = self.ids[0]
        norm, measuring = self._norm(batch)
        before = [first, *(ids.state_before(letter, first) for letter in self.states)]
        after = [ids.updated(first), *(ids.state(letter, first) for letter in self.states)]
        given = dict(zip(before, self.rows, strict=True)) | gradient | norm
        recorder = StepRecorder(self.spec, batch.steps, given, self.clock).resting_on(totals)
        recorder[after[0]]
        for id, row in zip(after, self.rows, strict=True):
            recorder.put(id, row)
        return (*measuring, *recorder.calls())

    def _norm(self, batch: Batch) -> tuple[Values, tuple[NumPyCall, ...]]:
        """The norm of all gradients, where an update is clipped by it, and what works it."""
        if GRADIENT_NORM not in batch.steps:
            return {}, ()
        norm, recorder = np.zeros((), dtype=self.rows.dtype), batch.recorder()
        recorder.put(GRADIENT_NORM, norm)
        return {GRADIENT_NORM: norm}, recorder.calls()
