"""What tables compute, written as expressions of PyTorch: read back with NumPy in its place."""

import types

import numpy as np
import pytest

from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.torch.expression import Expression
from backtrace.functions.activations import ACTIVATIONS, summed
from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.functions.optimizers import SCHEDULES


class Tensor(np.ndarray):
    """An array with PyTorch's names for what NumPy calls otherwise."""

    def clamp(self, min=None, max=None):
        return np.clip(self, min, max)

    def sum(self, axis=None, keepdim=False):
        return np.asarray(self).sum(axis, keepdims=keepdim).view(Tensor)

    def amax(self, axis=None, keepdim=False):
        return np.asarray(self).max(axis, keepdims=keepdim).view(Tensor)


NAMES = ("exp", "expm1", "log", "log1p", "tanh", "sqrt", "abs", "floor", "maximum", "sinh")
TORCH = types.SimpleNamespace(**{name: getattr(np, name) for name in NAMES})
TORCH.where = lambda *operands: np.where(*operands).view(Tensor)


def evaluated(expression, **values):
    with np.errstate(all="ignore"):
        return eval(expression.text, {"torch": TORCH, "np": np, **values})


def tensor(values):
    return np.array(values, dtype=float).view(Tensor)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_written_as_its_table_works_it(name):
    row = ACTIVATIONS[name]
    z = tensor([[-30, -3, -0.5, 0.0, 0.25], [0.5, 1, 2.5, 7, 30]])
    constants = {key: Expression.number(value) for key, value in row.parameters.items()}
    found = evaluated(row.value(Expression("z"), constants), z=z)
    np.testing.assert_allclose(found, row.value(np.asarray(z), row.parameters), rtol=1e-13)


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_written_as_its_table_works_it(name):
    row = LOSSES[name]
    a, y = tensor([[0.1, 0.7, 0.2], [0.4, 0.4, 0.2]]), tensor([[0, 1, 0], [0, 0, 1]])
    parameters = {**row.parameters, "outputs": 3}
    constants = {key: Expression.number(value) for key, value in parameters.items()}
    terms = row.terms(Expression("a"), Expression("y"), constants)
    expected = row.terms(np.asarray(a), np.asarray(y), parameters)
    np.testing.assert_allclose(evaluated(terms, a=a, y=y), expected, rtol=1e-13)


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_is_written_as_its_table_works_it(name):
    row = SCHEDULES[name]
    numbers = {key: Number(1 / 3, "1/3") for key in row.constants} | {"every": Number(2, "2")}
    constants = {key: Expression.number(value) for key, value in numbers.items()}
    written = row.rate(Expression.number(0.1), Expression("t", tensor=False), constants)
    for t in range(5):
        found = eval(written.text, {"t": t})
        assert found == pytest.approx(row.rate(0.1, t, numbers), rel=1e-13)


x, y = Expression("x"), Expression("y")


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (x + y * x, "x + y * x"),
        ((x + y) * x, "(x + y) * x"),
        (x - (y - x), "x - (y - x)"),
        (x - y - x, "x - y - x"),
        (x / (y / x), "x / (y / x)"),
        (x / y / x, "x / y / x"),
        (-x * y, "-x * y"),
        (-(x * y), "-(x * y)"),
        (x + -(y * 2), "x - y * 2"),
        ((-x) ** 2, "(-x) ** 2"),
        ((x**2) ** y, "(x ** 2) ** y"),
        ((x + y) * (x + y), "(x + y) ** 2"),
        (x * 1 + 1 * y, "x + y"),
        (2 * x, "2 * x"),
        (x * Number(1 / 3, "1/3"), "x * (1 / 3)"),
        (x * -0.5, "x * -0.5"),
        ((x > 0) & (x < 1), "(x > 0) & (x < 1)"),
        (np.maximum(x, 0.0), "x.clamp(min=0)"),
        (np.minimum(x + y, 2.5), "(x + y).clamp(max=2.5)"),
        (np.maximum(x, y), "torch.maximum(x, y)"),
        (np.where(x > 0, x, -np.abs(x)), "torch.where(x > 0, x, -torch.abs(x))"),
        (summed(x * y, axis=-1), "(x * y).sum(-1, keepdim=True)"),
        (np.sum(x), "x.sum()"),
        (np.cos(Expression("t", tensor=False)), "np.cos(t)"),
    ],
)
def test_brackets_stand_where_python_needs_them(expression, text):
    assert expression.text == text


@pytest.mark.parametrize("function", [np.linalg.inv, np.add.accumulate, np.sort])
def test_what_has_no_counterpart_is_refused_by_name(function):
    with pytest.raises(NotExpressibleError, match=function.__name__):
        function(x)
