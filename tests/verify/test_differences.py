"""Slopes and jumps of functions whose derivatives are known."""

import math

import numpy as np
import pytest

from backtrace.verify.differences import slopes


class Known:
    """Functions of one number each, as a perturbation whose columns are they."""

    def __init__(self, *functions, at):
        self.functions, self.at = functions, at

    def responses(self, places, offsets):
        moved = [[f(self.at + h) - f(self.at) for f in self.functions] for h in offsets[:, 0]]
        return np.array(moved)


def slope_of(*functions, at, exponent=14, roundings=1.0):
    places, sizes = np.zeros((1, 1), dtype=int), np.full(len(functions), roundings)
    found = slopes(Known(*functions, at=at), places, np.ones((1, 1)), sizes, exponent)
    return [float(field[0, 0]) for field in found]


@pytest.mark.parametrize(
    ("function", "at", "slope"),
    [
        (math.exp, 0.3, math.exp(0.3)),
        (math.sin, 2.0, math.cos(2.0)),
        (lambda x: math.sin(300 * x), 0.1, 300 * math.cos(30)),
        (lambda x: x**5, 0.0, 0.0),
        (lambda x: 1e-8 * x, 4.0, 1e-8),
        (lambda x: 7.0, 1.0, 0.0),
    ],
)
def test_a_slope_is_within_its_error_and_the_error_is_small(function, at, slope):
    value, jump, _, error, step = slope_of(function, at=at)
    assert abs(value - slope) <= error < 1e-3 * max(abs(slope), 1e-6)
    assert (jump, step) == (0, 2.0**-14)


def test_one_extrapolation_removes_the_square_of_the_step():
    """(x + h)³ − (x − h)³ is 6x²h + 2h³: D(h) is 3x² + h², and nothing else is left of it."""
    value, _, _, error, _ = slope_of(lambda x: x**3, at=1.0, exponent=4, roundings=0.0)
    assert value == pytest.approx(3.0, abs=1e-13)
    assert error == pytest.approx(2.0**-8 - 2.0**-10, rel=1e-6)


def test_a_jump_is_the_difference_of_the_slopes_of_both_sides():
    value, jump, spread, error, _ = slope_of(lambda x: 3 * x + 2 * abs(x) + x * x, at=0.0)
    assert (value, jump, spread) == pytest.approx((3, 4, 4), abs=1e-9)
    assert error < 1e-9


def test_jumps_of_two_samples_may_cancel_and_their_spreads_add_up():
    value, jump, spread, _, _ = slope_of(abs, lambda x: -abs(x), at=0.0)
    assert (value, jump, spread) == pytest.approx((0, 0, 4), abs=1e-9)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.3, 0.5, 0.7, 0.99])
def test_a_kink_beside_the_point_is_within_the_error(share):
    """The slope of the point's own side lies between those of both, give or take the error."""
    kink = share * 2.0**-14
    value, _, spread, error, _ = slope_of(lambda x: max(0.0, x - kink), at=0.0)
    assert value - spread / 2 - error <= 0 <= value + spread / 2 + error


def test_what_is_no_number_has_no_slope():
    value, _, _, error, _ = slope_of(lambda x: math.log(x) if x > 0 else math.nan, at=2.0**-20)
    assert math.isnan(value)
    assert error == math.inf
