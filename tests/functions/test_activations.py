"""The activations against their definitions in long decimals, and every column of their table."""

import math
from decimal import Decimal, localcontext
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtrace.functions.activations import (
    ACTIVATIONS,
    Activation,
    log_softmax,
    softmax,
    softmax_jacobian,
)
from backtrace.functions.number import Number
from tests.functions.holes import holes

D = Decimal
POINTS = (-1000, -745, -709, -400, -40, -37, -20, -8.5, -3.5, -1, -0.1, -1e-3, -1e-9, 0,
          1e-9, 1e-3, 0.1, 0.7, 1, 2.9, 3.5, 8.5, 20, 37, 40, 400, 709, 745, 1000)  # fmt: skip
ELEMENTWISE = [name for name, row in ACTIVATIONS.items() if row.elementwise]
OTHERS = {
    "linear": [{"slope": 0.6}, {"slope": -2.0}],
    "leaky_relu": [{"slope": 0.2}, {"slope": 0.0}],
    "prelu": [{"alpha": -0.5}, {"alpha": 2.0}],
    "elu": [{"alpha": 0.5}, {"alpha": 2.0}],
    "hard_sigmoid": [{"slope": 0.2}],
}
EVERY = [(name, {**row.parameters, **chosen})
         for name, row in ACTIVATIONS.items() if row.elementwise
         for chosen in ({}, *OTHERS.get(name, []))]  # fmt: skip
NOT_ONE_TO_ONE = ("gelu", "silu", "mish")
LEARNED = ("prelu",)  # of any sign, so that no form from a holds for all
DIGITS = 900  # e^−1000 beside 1 in one sum, and thirty digits over
GRID = np.linspace(-9, 9, 18001)  # a step of 0.001


def floats(parameters):
    return {name: float(value) for name, value in parameters.items()}


def of(row, column, z, parameters):
    return getattr(row, column)(np.asarray(z, dtype=float), floats(parameters))


# The definitions, in decimals


def logistic(z):
    return 1 / (1 + (-z).exp())


def tanh(z):
    return (z.exp() - (-z).exp()) / (z.exp() + (-z).exp())


def erfc(x):
    """1 − 2/√π Σ (−1)ᵏ x²ᵏ⁺¹/(k!(2k+1)), in as many digits as its cancellation takes."""
    term, total, k = x, x, 0
    while abs(term) > D(10) ** -(DIGITS - 20):
        k += 1
        term *= -x * x / k
        total += term / (2 * k + 1)
    return 1 - 2 * total / pi().sqrt()


def pi():
    """16·arctan(1/5) − 4·arctan(1/239), after Machin."""

    def arctan(below):
        power, total, k = 1 / below, 1 / below, 1
        while abs(power) > D(10) ** -DIGITS:
            power /= -below * below
            k += 2
            total += power / k
        return total

    return 16 * arctan(D(5)) - 4 * arctan(D(239))


# α and λ of selu from Klambauer et al., equation 14: α = −√(2/π)/(erfc(1/√2)·e^½ − 1), λ by its
# closed form, both as the authors' code gives them.
SELU_ALPHA = D("1.6732632423543772848170429916717")
SELU_SCALE = D("1.0507009873554804934193349852946")


def step_at(z, below, above):
    return above if z > 0 else below


def softplus(z):
    return (1 + z.exp()).ln()


DEFINITIONS = {
    "linear": (lambda z, slope: slope * z, lambda z, slope: slope),
    "sigmoid": (logistic, lambda z: logistic(z) * (1 - logistic(z))),
    "tanh": (tanh, lambda z: 1 - tanh(z) ** 2),
    "bipolar_sigmoid": (
        lambda z: (1 - (-z).exp()) / (1 + (-z).exp()),
        lambda z: 2 * (-z).exp() / (1 + (-z).exp()) ** 2,  # by the quotient rule
    ),
    "softsign": (lambda z: z / (1 + abs(z)), lambda z: 1 / (1 + abs(z)) ** 2),
    "mish": (
        lambda z: z * tanh(softplus(z)),
        lambda z: tanh(softplus(z)) + z * (1 - tanh(softplus(z)) ** 2) * logistic(z),
    ),
    "hard_tanh": (lambda z: min(D(1), max(D(-1), z)), lambda z: D(int(-1 < z < 1))),
    "relu": (lambda z: max(z, D(0)), lambda z: step_at(z, D(0), D(1))),
    "leaky_relu": (
        lambda z, slope: step_at(z, slope * z, z),
        lambda z, slope: step_at(z, slope, D(1)),
    ),
    "prelu": (
        lambda z, alpha: step_at(z, alpha * z, z),
        lambda z, alpha: step_at(z, alpha, D(1)),
    ),
    "elu": (
        lambda z, alpha: step_at(z, alpha * (z.exp() - 1), z),
        lambda z, alpha: step_at(z, alpha * z.exp(), D(1)),
    ),
    "selu": (
        lambda z: SELU_SCALE * step_at(z, SELU_ALPHA * (z.exp() - 1), z),
        lambda z: SELU_SCALE * step_at(z, SELU_ALPHA * z.exp(), D(1)),
    ),
    "silu": (
        lambda z: z * logistic(z),
        lambda z: logistic(z) + z * logistic(z) * (1 - logistic(z)),
    ),
    "softplus": (softplus, logistic),
    "hard_sigmoid": (
        lambda z, slope: min(D(1), max(D(0), slope * z + D("0.5"))),
        lambda z, slope: slope if 0 < slope * z + D("0.5") < 1 else D(0),
    ),
    "step": (lambda z: D(int(z >= 0)), lambda z: D(0)),
}


def rounded_to_floats(function, points, parameters):
    constants = {name: D(float(value)) for name, value in parameters.items()}
    with localcontext() as context:
        context.prec = DIGITS
        return np.array([float(function(D(point), **constants)) for point in points])


@pytest.mark.parametrize("which", ["value", "derivative"])
@pytest.mark.parametrize(("name", "parameters"), [case for case in EVERY if case[0] in DEFINITIONS])
def test_to_twelve_digits_from_minus_to_plus_a_thousand(name, parameters, which):
    definition = DEFINITIONS[name][which == "derivative"]
    right = rounded_to_floats(definition, POINTS, parameters)
    ours = of(ACTIVATIONS[name], which, POINTS, parameters)
    # Below 1e-300 a float has lost digits, and below 5e-324 there is nothing but 0.
    np.testing.assert_allclose(ours, right, rtol=1e-12, atol=1e-300)


@pytest.mark.parametrize("point", [-40, -37, -20, -8.5, -3, -0.75, -1e-9, 0, 1e-9, 0.7, 3, 8.5, 40])
def test_gelu_to_twelve_digits(point):
    with localcontext() as context:
        context.prec = DIGITS + 400
        z = D(point)
        above = erfc(-z / D(2).sqrt()) / 2
        density = (-z * z / 2).exp() / (2 * pi()).sqrt()
        value, slope = float(z * above), float(above + z * density)
    row = ACTIVATIONS["gelu"]
    assert of(row, "value", [point], {})[0] == pytest.approx(value, rel=1e-12, abs=1e-300)
    assert of(row, "derivative", [point], {})[0] == pytest.approx(slope, rel=1e-12, abs=1e-300)


def test_gelu_far_out():
    row = ACTIVATIONS["gelu"]
    assert of(row, "value", [-1000, 1000], {}).tolist() == [0, 1000]
    assert of(row, "derivative", [-1000, 1000], {}).tolist() == [0, 1]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivatives_are_the_slopes_of_the_values(name):
    """(g(z + h) − g(z − h))/2h, away from the joints of what is defined piece by piece."""
    row, h = ACTIVATIONS[name], 1e-5
    joints = (0, *row.kinks(row.parameters))
    z = np.array([x for x in GRID if all(abs(x - joint) > 1e-4 for joint in joints)])
    above, below = (of(row, "value", z + side, row.parameters) for side in (h, -h))
    slopes = (above - below) / (2 * h)
    np.testing.assert_allclose(of(row, "derivative", z, row.parameters), slopes, atol=1e-8)


@pytest.mark.parametrize(("name", "parameters"), EVERY)
def test_the_derivative_from_the_activation_is_the_derivative(name, parameters):
    row = ACTIVATIONS[name]
    if row.derivative_from_activation is None:
        assert name in (*NOT_ONE_TO_ONE, *LEARNED)
        return
    a = of(row, "value", GRID, parameters)
    np.testing.assert_allclose(
        of(row, "derivative_from_activation", a, parameters),
        of(row, "derivative", GRID, parameters),
        rtol=1e-9,
        atol=1e-12,
    )


# The columns


def monotonic_between(x, y, turning):
    """Whether y rises or falls, without turning, between any two neighbours of ``turning``."""
    edges = [-math.inf, *sorted(turning), math.inf]
    for low, high in pairwise(edges):
        steps = np.diff(y[(x > low) & (x < high)])
        if (steps > 1e-12).any() and (steps < -1e-12).any():
            return False
    return True


def turns(x, y, point):
    """Whether y stops rising or falling, or jumps, at ``point``."""
    left, right = x < point, x > point
    before, after = np.diff(y[left][-60:]), np.diff(y[right][:60])
    jump = abs(y[right][0] - y[left][-1]) > 0.05
    return jump or not (np.sign(before.sum()) == np.sign(after.sum()) != 0)


COLUMNS = {
    "turning": ("value", lambda row, p: GRID),
    "derivative_turning": ("derivative", lambda row, p: GRID),
    "from_activation_turning": (
        "derivative_from_activation",
        lambda row, p: np.linspace(*np.clip(_activations_range(row, p), -9, 9), 18001),
    ),
}


def _activations_range(row, p):
    values = of(row, "value", GRID, p)
    return values.min() - 0.5, values.max() + 0.5


@pytest.mark.parametrize("column", sorted(COLUMNS))
@pytest.mark.parametrize(("name", "parameters"), EVERY)
def test_between_turning_points_a_function_is_monotonic(name, parameters, column):
    row, (function, domain) = ACTIVATIONS[name], COLUMNS[column]
    if getattr(row, function) is None:
        return
    x = domain(row, parameters)
    if column == "from_activation_turning":  # only what an activation can be
        x = x[(x >= row.range[0]) & (x <= row.range[1])]
    turning = getattr(row, column)(floats(parameters))
    assert monotonic_between(x, of(row, function, x, parameters), turning)


@pytest.mark.parametrize("name", NOT_ONE_TO_ONE)
def test_the_turning_points_of_the_curved_ones_are_where_the_slope_is_0(name):
    row = ACTIVATIONS[name]
    (minimum,) = row.turning({})
    assert of(row, "derivative", [minimum], {})[0] == pytest.approx(0, abs=1e-15)
    assert row.range[0] == pytest.approx(of(row, "value", [minimum], {})[0], abs=1e-15)
    low, high = row.derivative_turning({})
    for point in (low, high):
        beside = of(row, "derivative", [point - 1e-3, point, point + 1e-3], {})
        assert (beside[1] - beside[0]) * (beside[2] - beside[1]) < 0
        # at an extremum the sides differ by the third order only: 1e-9 times a constant
        assert beside[0] == pytest.approx(beside[2], abs=1e-9)
    assert row.derivative_range == pytest.approx(
        of(row, "derivative", [low, high], {}).tolist(), abs=1e-15
    )


@pytest.mark.parametrize(("name", "parameters"), EVERY)
def test_a_turning_point_is_one(name, parameters):
    row, p = ACTIVATIONS[name], floats(parameters)
    if p.get("slope") == 0 or name == "leaky_relu" or (name in ("elu", "prelu") and p["alpha"] > 0):
        return  # their table allows falling branches as well: 0 may or may not turn them
    for point in row.turning(p):
        assert turns(GRID, of(row, "value", GRID, parameters), point)
    for point in row.derivative_turning(p):
        assert turns(GRID, of(row, "derivative", GRID, parameters), point)


@pytest.mark.parametrize(("name", "parameters"), EVERY)
def test_values_and_slopes_stay_in_their_ranges(name, parameters):
    row, far = ACTIVATIONS[name], np.concatenate([GRID, POINTS])
    for function, (low, high) in (("value", row.range), ("derivative", row.derivative_range)):
        found = of(row, function, far, parameters)
        slack = 1e-15 * max(abs(found).max(), 1)
        assert low - slack <= found.min()
        assert found.max() <= high + slack


TIGHT = ("sigmoid", "tanh", "bipolar_sigmoid", "relu", "selu", "gelu", "silu", "mish", "softplus",
         "hard_tanh", "hard_sigmoid", "step")  # fmt: skip


@pytest.mark.parametrize("name", TIGHT)
def test_the_finite_ends_of_a_range_are_reached(name):
    row, far = ACTIVATIONS[name], np.concatenate([GRID, POINTS])
    for function, ends in (("value", row.range), ("derivative", row.derivative_range)):
        found = of(row, function, far, row.parameters)
        for end, reached in zip(ends, (found.min(), found.max()), strict=True):
            assert math.isinf(end) or reached == pytest.approx(end, abs=1e-6)


@pytest.mark.parametrize(("name", "parameters"), EVERY)
def test_kinks_are_the_points_where_the_slopes_of_the_sides_differ(name, parameters):
    row, p, h = ACTIVATIONS[name], floats(parameters), 1e-6
    kinks = row.kinks(p)
    points = np.union1d(np.arange(-9, 9.5, 0.5), kinks)
    value = of(row, "value", points, parameters)
    right = (of(row, "value", points + h, parameters) - value) / h
    left = (value - of(row, "value", points - h, parameters)) / h
    broken = points[abs(right - left) > 1e-3]
    assert broken.tolist() == (sorted(kinks) if p.get("slope") != 1 else [])


@pytest.mark.parametrize("name", LEARNED)
def test_the_derivative_by_what_is_learned_by_differences(name):
    """A function linear in it changes by the same amount on either side."""
    row = ACTIVATIONS[name]
    start = float(row.parameters[row.learned])
    above, below = (of(row, "value", GRID, {row.learned: start + h}) for h in (0.5, -0.5))
    np.testing.assert_allclose(
        of(row, "by_learned", GRID, row.parameters), above - below, atol=1e-14
    )


def test_the_usual_choice_at_a_kink():
    """ReLU′(0) = 0, and the others are continued from the left, or flat at their ends."""
    chosen = {name: of(ACTIVATIONS[name], "derivative", [0.0], ACTIVATIONS[name].parameters)[0]
              for name in ("relu", "leaky_relu", "step")}  # fmt: skip
    assert chosen == {"relu": 0, "leaky_relu": 0.01, "step": 0}
    assert of(ACTIVATIONS["elu"], "derivative", [0.0], {"alpha": 2})[0] == 2
    hard = ACTIVATIONS["hard_sigmoid"]
    assert of(hard, "derivative", [-3.0, 3.0], hard.parameters).tolist() == [0, 0]
    assert of(ACTIVATIONS["hard_tanh"], "derivative", [-1.0, 1.0], {}).tolist() == [0, 0]
    # and who works the slope from the activation comes to the same
    elu = {"alpha": 2}
    for row, p in [(ACTIVATIONS["elu"], elu), *((r, r.parameters) for r in ACTIVATIONS.values())]:
        kinks = list(row.kinks(p))
        if row.derivative_from_activation is not None and row.elementwise and kinks:
            a = of(row, "value", kinks, p)
            from_a = of(row, "derivative_from_activation", a, p)
            assert from_a.tolist() == pytest.approx(of(row, "derivative", kinks, p).tolist())


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_every_column_of_every_row_is_there(name):
    row = ACTIVATIONS[name]
    for column in msgspec.structs.fields(Activation):
        value = getattr(row, column.name)
        if column.name == "derivative_from_activation":
            assert (value is None) == (name in (*NOT_ONE_TO_ONE, *LEARNED))
        elif column.name.startswith("by_learned"):
            assert (value is None) == (name not in LEARNED)
        elif column.name in ("symbol", "title"):
            assert value
        elif column.name == "from_activation_formula":
            assert value is None or holes(value) == {"a"}
        elif column.name.endswith("formula"):
            assert holes(value) <= {"z", *row.parameters}
        elif column.name.endswith("range"):
            assert value[0] <= value[1]
        elif column.name.endswith("turning") or column.name == "kinks":
            assert all(math.isfinite(point) for point in value(floats(row.parameters)))
    assert all(isinstance(value, Number) and value.text for value in row.parameters.values())
    assert row.elementwise == (name != "softmax")
    assert row.differentiable == (name != "step")


def test_the_table_has_the_activations_that_are_promised():
    assert sorted(ACTIVATIONS) == sorted(
        ["linear", "sigmoid", "tanh", "bipolar_sigmoid", "softsign", "relu", "leaky_relu", "elu",
         "prelu", "selu", "gelu", "silu", "mish", "softplus", "hard_tanh", "hard_sigmoid", "step",
         "softmax"]
    )  # fmt: skip


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_float_type_is_kept(name, dtype):
    row, parameters = ACTIVATIONS[name], floats(ACTIVATIONS[name].parameters)
    z = np.array([[-1000, -1, 0, 2, 1000]], dtype=dtype)
    a = row.value(z, parameters)
    assert a.dtype == dtype
    assert row.derivative(z, parameters).dtype == dtype
    if row.derivative_from_activation is not None:
        assert row.derivative_from_activation(a, parameters).dtype == dtype


@pytest.mark.parametrize("name", [name for name in ELEMENTWISE if name != "step"])
def test_nan_stays_nan(name):
    """A network that has diverged must not look alive again behind a unit; a step unit, which is
    never trained, answers one question only."""
    assert np.isnan(of(ACTIVATIONS[name], "value", [math.nan], ACTIVATIONS[name].parameters)[0])


# Softmax


def softmax_in_decimals(z):
    with localcontext() as context:
        context.prec = DIGITS
        powers = [D(entry).exp() for entry in z]
        total = sum(powers)
        return [float(power / total) for power in powers], [
            float((power / total).ln()) for power in powers
        ]


@pytest.mark.parametrize(
    "z",
    [[0], [0, 0, 0], [1, 2, 3], [1000, -1000, 0], [1000, 999, 998.5], [-1000, -1001], [40, -40],
     [0.1, 37, -3]],
)  # fmt: skip
def test_softmax_and_its_logarithm_to_twelve_digits(z):
    right, logs = softmax_in_decimals(z)
    rows = np.array([z, z[::-1]], dtype=float)
    np.testing.assert_allclose(softmax(rows, axis=1)[0], right, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(softmax(rows.T, axis=0)[::-1, 1], right, rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(log_softmax(rows, axis=1)[0], logs, rtol=1e-12, atol=1e-300)


@given(st.lists(st.floats(-1000, 1000), min_size=1, max_size=5), st.floats(-1000, 1000))
def test_softmax_sums_to_1_and_forgets_a_shift(z, shift):
    row = np.array([z])
    assert softmax(row, axis=1).sum() == pytest.approx(1, abs=1e-14)
    np.testing.assert_allclose(softmax(row + shift, axis=1), softmax(row, axis=1), rtol=1e-9)


def test_the_jacobian_of_softmax_stacks_its_samples():
    """aᵢ([i = j] − aⱼ) for each sample, an entry at a time."""
    a = np.array([[0.2, 0.3, 0.5], [0.7, 0.2, 0.1]])
    right = [
        [sample[i] * ((i == j) - sample[j]) for j in range(3)] for sample in a for i in range(3)
    ]
    np.testing.assert_allclose(softmax_jacobian(a), right, rtol=1e-15)
    row = ACTIVATIONS["softmax"]
    assert row.derivative_range[0] <= np.min(right)
    assert np.max(right) <= row.derivative_range[1]
    np.testing.assert_array_equal(row.derivative_from_activation(a, {}), softmax_jacobian(a))
