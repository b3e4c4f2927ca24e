"""Equations on the tape: values and gradients of random boards against complex steps."""

from __future__ import annotations

import numpy as np
import pytest

import backtrace
from tests.tape.boards import board


@pytest.mark.parametrize("seed", range(90))
def test_every_value_and_gradient_of_a_random_board(seed):
    assert_right(board(seed, depth=2 + seed % 3))


def assert_right(drawn):
    """Every name's value, and the gradient of each that L depends on."""
    trace = backtrace.trace(backtrace.loads(drawn.text))
    for name, value in drawn.worked().items():
        close(trace, name, value.real)
        wanted = drawn.gradient(name)
        if f"d{name}" in trace:
            close(trace, f"d{name}", wanted)
        else:
            assert not wanted.any(), name


def close(trace, id, expected):
    found = np.asarray(trace[id].value, dtype=float)
    assert found.shape == expected.shape, id
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-11, err_msg=id)
