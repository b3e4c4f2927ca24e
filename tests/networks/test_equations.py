"""The bundled equations: every value, gradient and update against the same formulas in NumPy."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

import backtrace
from backtrace.spec import bundled
from backtrace.spec.model import Equations
from tests.networks.formulas import gradient, worked
from tests.networks.kinds import EQUATIONS

MASKED = (
    ("  X: [[1, 0]", "  M: [[0, -inf, -inf], [0, 0, -inf], [0, 0, 0]]\n  X: [[1, 0]"),
    ("sqrt(2) #", "sqrt(2) + M #"),
    ("constants: [Y]", "constants: [Y, M]"),
)


@cache
def traced(name: str) -> tuple[Equations, backtrace.Trace]:
    spec = backtrace.load(name)
    assert spec.equations is not None
    return spec.equations, backtrace.trace(spec)


def given_of(equations: Equations) -> dict[str, NDArray[np.float64]]:
    return {name: matrix.values for name, matrix in equations.given.items()}


def starts_of(equations: Equations) -> dict[str, NDArray[np.float64]]:
    upstream = {name: matrix.values for name, matrix in equations.upstream.items()}
    return {equations.objective: np.ones((1, 1))} if equations.objective else upstream


def close(trace: backtrace.Trace, id: str, expected: NDArray[np.float64]) -> None:
    found = np.asarray(trace[id].value, dtype=float)
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-14, err_msg=id)
    assert found.shape == expected.shape


def agrees(name: str, equations: Equations, trace: backtrace.Trace) -> None:
    """Every name and the gradient of every one that is reached."""
    given = given_of(equations)
    for id, value in worked(name, given).items():
        close(trace, id, value.real)
        if f"d{id}" in trace and id not in equations.constants:
            close(trace, f"d{id}", gradient(name, given, starts_of(equations), id))


@pytest.mark.parametrize("name", EQUATIONS)
def test_every_value_and_gradient(name: str) -> None:
    agrees(name, *traced(name))


@pytest.mark.parametrize("name", EQUATIONS)
def test_every_line_and_what_is_no_constant_has_a_gradient(name: str) -> None:
    equations, trace = traced(name)
    names = [*equations.given, *(line.id for line in equations.lines)]
    wanted = [id for id in names if id not in equations.constants]
    assert [id for id in wanted if (f"d{id}" in trace) != equations.has_backward] == []


def updated(name: str) -> dict[str, NDArray[np.float64]]:
    """What is given, with the parameters after one step down by plain gradient descent."""
    spec, (equations, _) = backtrace.load(name), traced(name)
    given, after = given_of(equations), given_of(equations)
    for id in equations.parameters:
        assert spec.optimizer is not None
        step = float(spec.optimizer.learning_rate)
        after[id] = given[id] - step * gradient(name, given, starts_of(equations), id)
    return after


@pytest.mark.parametrize("name", [name for name in EQUATIONS if backtrace.load(name).optimizer])
def test_every_update_and_the_loss_after(name: str) -> None:
    equations, trace = traced(name)
    after = updated(name)
    for id in equations.parameters:
        close(trace, f"{id}_new", after[id])
    loss = worked(name, after)[equations.objective].real
    close(trace, "loss_after", loss)
    assert loss < worked(name, given_of(equations))[equations.objective].real


@pytest.mark.parametrize("name", EQUATIONS)
def test_every_figure_that_is_printed_is_what_the_formulas_give(name: str) -> None:
    """``expect``, to its own digits."""
    equations, _ = traced(name)
    given, after = given_of(equations), updated(name)
    values = worked(name, given)
    published = backtrace.load(name).expected
    assert len(published) >= 7
    for each in published:
        if each.id == "loss_after":
            right = worked(name, after)[equations.objective].real
        elif each.id.endswith("_new"):
            right = after[each.id.removesuffix("_new")]
        elif each.id in values:
            right = values[each.id].real
        else:
            right = gradient(name, given, starts_of(equations), each.id.removeprefix("d"))
        printed = np.asarray(each.written, dtype=float)
        assert np.abs(printed - right).max() <= 0.5e-4 + 1e-12, each.id


def test_attention_under_the_mask_that_its_comment_gives() -> None:
    text = bundled.path("attention").read_text(encoding="utf-8")
    assert "#   M: [[0, -inf, -inf], [0, 0, -inf], [0, 0, 0]]\n" in text
    assert "`S = Q @ K.T / sqrt(2) + M`" in text
    for before, after in MASKED:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    spec = backtrace.loads(text)
    assert spec.equations is not None
    trace = backtrace.trace(spec)
    agrees("attention", spec.equations, trace)
    above = np.triu_indices(3, 1)
    assert (np.asarray(trace["A"].value)[above] == 0).all()
    assert (np.asarray(trace["dS"].value)[above] == 0).all()
