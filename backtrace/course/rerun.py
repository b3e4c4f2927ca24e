"""A template worked with other numbers: its tape run again, its text not read anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np

from backtrace.course.template import Template
from backtrace.functions.array import Array
from backtrace.spec.model import Spec
from backtrace.spec.numbers import written_number
from backtrace.tape.arithmetic import arithmetic
from backtrace.tape.compile import compile_tape
from backtrace.tape.loading import loads
from backtrace.tape.run import Values, run, starting_values, trace
from backtrace.tape.trace import Trace


class Rerun:
    """The tape of a template and what it starts from. Raises SpecError where that is no spec.

    ``by_text`` says that a matrix enters the tape otherwise than it stands in the text
    (standardized, say, or with a line of 1s): then each text is read and worked as any spec is.
    """

    def __init__(self, template: Template, folder: Path) -> None:
        self.template, self.folder = template, folder
        texts = [field.texts for field in template.fields]
        self.spec: Spec = loads(template.written(texts, "template"), folder=folder)
        self.start = starting_values(self.spec)
        self.tape = compile_tape(self.spec)
        self.worked = trace(self.spec)
        self.by_text = not self._enters_as_written(texts)

    def trace(self, drawn: Sequence[Sequence[str]]) -> Trace:
        """The trace with other numbers, a list of texts for each field. Raises SpecError."""
        if self.by_text:
            return trace(loads(self.template.written(drawn, "draft"), folder=self.folder))
        steps = tuple(run(self.tape, self.start | self._given(drawn)))
        return msgspec.structs.replace(self.worked, steps=steps)

    def _enters_as_written(self, texts: Sequence[Sequence[str]]) -> bool:
        for field in self.template.fields:
            if field.id not in self.start or self.start[field.id].size != len(field.texts):
                return False
        again = self._given(texts)
        return all(np.array_equal(again[id], self.start[id]) for id in again)

    def _given(self, drawn: Sequence[Sequence[str]]) -> Values:
        """The matrices with these numbers, by id."""
        return {
            field.id: self._matrix(texts, self.start[field.id].shape)
            for field, texts in zip(self.template.fields, drawn, strict=True)
        }

    def _matrix(self, texts: Sequence[str], shape: tuple[int, ...]) -> Array:
        values = np.array([float(written_number(text) or 0) for text in texts])
        written = tuple(map(tuple, np.reshape(texts, shape).tolist()))
        return arithmetic(self.spec.arithmetic).given(values.reshape(shape), written)
