"""The trained parameters and the optimizer's states, each a row of one array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from backtrace.functions.array import Array
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.model import Spec
from backtrace.tape.compile import parameter_ids, trained_ids
from backtrace.tape.run import Values
from backtrace.tape.steps import Step
from backtrace.tape.training.layout import Layout
from backtrace.tape.training.program import Calls, Program
from backtrace.tape.training.recorded import RecordedUpdate, floats, late_means


class Learner:
    """The trained parameters and their optimizer's states: a row each of one array.

    The matrices of the tape are views of them. The lines of an update are the same for every
    parameter, so that they are a call each for all.
    """

    def __init__(self, spec: Spec, values: Values) -> None:
        assert spec.optimizer is not None
        self.ids = trained_ids(spec)
        self.states = OPTIMIZERS[spec.optimizer.name].states
        self.layout = Layout({id: values[id].shape for id in self.ids})
        dtype = floats(spec).dtype
        self.rows = np.zeros((1 + len(self.states), self.layout.size), dtype=dtype)
        self.gradient = np.zeros(self.layout.size, dtype=dtype)
        self.gradients = self.layout.views(self.gradient)
        self.frozen = {id: values[id] for id in parameter_ids(spec) if id not in self.ids}
        self.values: Values = {**self.frozen, **self.spread(self.rows)}
        self.take(values)

    def spread(self, rows: Array) -> Values:
        """The matrices of a copy of ``rows``, by id."""
        found: Values = {}
        for name, row in zip(("", *self.states), rows, strict=True):
            found |= {name + id: view for id, view in self.layout.views(row).items()}
        return found

    def take(self, values: Values) -> None:
        """Copies these parameters and states into the rows; KeyError where one is missing."""
        for id, view in self.spread(self.rows).items():
            view[...] = values[id]

    def updating(self, spec: Spec, steps: Sequence[Step]) -> Calls:
        """The lines of an update, on all parameters at once."""
        first = self.ids[0]
        gradient = {f"d{first}": self.gradient}
        given = {first: self.rows[0]}
        given |= {f"{state}{first}_old": row for state, row in self._states()}
        if late_means(steps, self.ids):
            done = RecordedUpdate(spec, steps, given, totals=gradient)
        else:
            done = RecordedUpdate(spec, steps, given | gradient)
        given |= gradient
        results = {done.symbol(f"{first}_new"): self.rows[0]}
        results |= {done.symbol(f"{state}{first}"): row for state, row in self._states()}
        return Program(done.recording, results).bound(done.arrays(given), results)

    def _states(self) -> list[tuple[str, Array]]:
        return list(zip(self.states, self.rows[1:], strict=True))
