"""Arrays that keep what is noted on the way to a line: each product before the sum, e^z before the
quotient, a square before it is halved.

The rules of ``handwork`` are worked on them unchanged. A sum of noted numbers needs no note of its
own, nor does a number that is only compared, turned or cut.
"""

import numpy as np

NOTED = (np.multiply, np.divide, np.exp, np.log, np.tanh, np.sqrt, np.square, np.power)


class Paper:
    """The notes of one line in their order, and what each is moved by, by its number."""

    def __init__(self, nudges=None):
        self.nudges = nudges or {}
        self.notes = []

    def note(self, value):
        """Puts a partial result down; what the line goes on with."""
        value = value + self.nudges.get(len(self.notes), 0.0)
        self.notes.append(value)
        return value

    def work(self, rule, operands):
        """The line by that rule on these operands, a plain array."""
        return np.asarray(rule.work(*(_on(self, x) for x in operands)), dtype=float)


class _Noted(np.ndarray):
    paper: Paper

    def __array_finalize__(self, other):
        self.paper = getattr(other, "paper", None)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **keywords):
        paper = next(x.paper for x in inputs if isinstance(x, _Noted))
        plain = [np.asarray(x) for x in inputs]
        if ufunc is np.matmul:
            return _on(paper, _product(paper, *plain))
        value = getattr(ufunc, method)(*plain, **keywords)
        if ufunc in NOTED and method == "__call__":
            value = paper.note(value)
        return _on(paper, value)

    def __array_function__(self, function, types, arguments, keywords):
        found = super().__array_function__(function, types, arguments, keywords)
        return _on(self.paper, found) if isinstance(found, np.ndarray) else found


def _product(paper, x, y):
    """A matrix product, each product of two numbers noted before the sum."""
    return paper.note(x[..., :, :, None] * y[..., None, :, :]).sum(axis=-2)


def _on(paper, x):
    found = np.asarray(x).view(_Noted)
    found.paper = paper
    return found
