"""Interval rules: no true value ever falls outside, and where it matters nothing is given away."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtrace.check.rules.evaluation import interval as bounds
from backtrace.check.rules.intervals import (
    Interval,
    absolute,
    added,
    between,
    divided,
    mapped,
    multiplied,
    point,
    scaled,
    subtracted,
    summed,
    widened,
)
from backtrace.check.rules.intervals import product as matrix_product
from backtrace.check.rules.noting import Noting
from backtrace.check.rules.right_forms import RIGHT_FORMS
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.model import Conventions
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.setting import Setting
from tests.check.equation_draws import elementary, equation_draws, learned
from tests.sampling import share

ROWS, COLUMNS = Setting(Conventions("rows", "in_out")), Setting(Conventions("columns", "out_in"))
SETTINGS = {
    "rows": ROWS,
    "columns": COLUMNS,
    "rows, descent": Setting(Conventions("rows", "in_out", "descent")),
}
N, K = 2, 3  # samples, units

# Centres at kinks, turning points, saturated; widths from nothing to much.
CENTRES = (0.0, 0.5, -0.5, 1.0, -1.0, 3.0, -3.0, 50.0, -50.0, 1.2, -0.75, -2.4)
WIDTHS = (0.0, 0.0, 1e-9, 0.01, 0.3, 4.0)


class Draw:
    """Random operands, a sample a row; ``turned`` puts them in the layout of the setting."""

    def __init__(self, random, setting):
        self.random, self.setting = random, setting
        self.rows = setting.sample_axis == 0

    def one_of(self, *choices):
        return choices[int(self.random.integers(len(choices)))]

    def interval(self, shape, low=-np.inf, high=np.inf):
        near = self.random.choice(CENTRES, size=shape)
        free = self.random.normal(0, 2, size=shape)
        centre = np.where(self.random.random(shape) < 0.6, near, free)
        width = self.random.choice(WIDTHS, size=shape) * self.random.random(shape)
        lo = np.where(self.random.random(shape) < 0.3, centre, centre - width)
        return self.turned(np.clip(lo, low, high), np.clip(centre + width, low, high))

    def share(self, shape):
        """Inside (0, 1), as an output of sigmoid or softmax is."""
        lo = self.random.uniform(0.001, 0.9, size=shape)
        return self.turned(lo, lo + self.random.choice((0, 0.01, 0.09), size=shape))

    def turned(self, lo, hi):
        return (lo, hi) if self.rows else (lo.T.copy(), hi.T.copy())

    def exactly(self, values):
        return self.turned(np.array(values, dtype=float), np.array(values, dtype=float))

    def one_hot(self):
        return self.exactly(np.eye(K)[self.random.integers(K, size=N)])

    def maybe_mean(self):
        return self.one_of({}, {"samples": N})

    def penalty(self):
        form, over = self.one_of(("half_lambda", 1), ("lambda", 1), ("lambda_over_2n", N))
        return {"form": form, "l1": self.one_of(0.0, 0.1), "l2": 0.2, "over": over}


def alike(count, **limits):
    return lambda d: ({}, [d.interval((N, K), **limits) for _ in range(count)])


def activation(d, table=tuple(ACTIVATIONS)):
    name = d.one_of(*table)
    parameters = {k: float(v) for k, v in ACTIVATIONS[name].constants.items()}
    return {"activation": name, **parameters}


def matmul(d):
    transpose, x, y = d.one_of(
        ("", (2, 3), (3, 2)), ("first", (3, 2), (3, 2)), ("second", (2, 3), (2, 3))
    )
    x, y = d.interval(x), d.interval(y)
    if d.rows:
        return {"transpose": transpose, **d.maybe_mean()}, [x, y]
    return {"transpose": transpose, **d.maybe_mean()}, [y, x] if not transpose else [x, y]


def matmul_without_bias(d):
    """δ through a weight matrix that carries the bias in a line of its own."""
    omit = d.one_of("first", "last")
    delta, w = d.interval((N, 2)), d.interval((K + 1, 2))
    if d.rows:
        return {"transpose": "second", "omit": omit, "omit_from": "second"}, [delta, w]
    return {"transpose": "first", "omit": omit, "omit_from": "first"}, [w, delta]


def activate(d):
    chosen = activation(d) | {"ones": d.one_of("", "first", "last")}
    return chosen, [d.interval((N, K)), *learned(d, chosen)]


def slope(d):
    table = tuple(name for name, row in ACTIVATIONS.items() if row.differentiable)
    chosen = activation(d, table)
    return chosen, [d.interval((N, K)), *learned(d, chosen)]


def slope_from_a(d):
    table = [n for n, row in ACTIVATIONS.items() if row.derivative_from_activation is not None]
    chosen = activation(d, tuple(table))
    row = ACTIVATIONS[chosen["activation"]]
    if not row.elementwise:
        return chosen, [d.share((N, K))]
    low, high = row.range
    return chosen, [d.interval((N, K), low=max(low, -60), high=min(high, 60))]


def loss(d, table=tuple(LOSSES)):
    name = d.one_of(*table)
    parameters = {k: float(v) for k, v in LOSSES[name].parameters.items()}
    return {"loss": name, "outputs": K, **parameters}


def a_and_y(d, name):
    if name == "output":
        return [d.interval((N, K))]
    if name == "hinge":
        return [d.interval((N, K)), d.one_hot()]
    if name == "binary_hinge":
        return [d.interval((N, K)), d.exactly(d.random.choice((-1, 1), size=(N, K)))]
    if name == "kl":
        return [d.share((N, K)), d.exactly(d.random.dirichlet(np.ones(K), size=N))]
    if name == "cross_entropy":
        return [d.share((N, K)), d.one_hot()]
    if name == "binary_cross_entropy":
        return [d.share((N, K)), d.exactly(d.random.choice((0, 1, 0.3), size=(N, K)))]
    return [d.interval((N, K)), d.interval((N, K))]


def loss_terms(d):
    parameters = loss(d)
    return parameters, a_and_y(d, parameters["loss"])


def loss_gradient(d):
    parameters = loss(d)
    name = parameters["loss"]
    operands = a_and_y(d, name)
    operands = operands[:1] if LOSSES[name].from_error else operands
    return parameters | d.maybe_mean(), operands


def terms_from_z(d):
    name, unit = d.one_of(
        ("binary_cross_entropy", "sigmoid"), ("cross_entropy", "softmax"),
        ("cross_entropy", "sigmoid"), ("kl", "softmax"), ("kl", "sigmoid"),
    )  # fmt: skip
    y = d.one_hot() if name == "cross_entropy" else a_and_y(d, name)[1]
    return {"loss": name, "activation": unit}, [d.interval((N, K)), y]


OF_THE_ERROR = tuple(name for name, row in LOSSES.items() if row.from_error)


def terms_from_error(d):
    return loss(d, OF_THE_ERROR), [d.interval((N, K))]


def gradient_from_activation(d):
    return loss(d, OF_THE_ERROR) | d.maybe_mean(), [d.interval((N, K)), d.interval((N, K))]


def jacobian_product(d):
    return {}, [d.interval((N, K)), d.interval((N * K, K))]


def penalty(d):
    omit = [d.one_of("", "first", "last"), ""]
    return d.penalty() | {"omit": omit}, [d.interval((3, 2)), d.interval((2, 2))]


def add_penalty(d):
    return d.penalty() | {"omit": d.one_of("", "first", "last")}, [
        d.interval((3, 2)), d.interval((3, 2)),
    ]  # fmt: skip


def with_parameters(count, **parameters):
    return lambda d: (parameters, [d.interval((N, K)) for _ in range(count)])


def adaptive(count):
    def draw(d):
        low = d.interval((N, K), low=0, high=60)
        rest = [d.interval((N, K)) for _ in range(count - 2)]
        parameters = {"rate": 0.1, "epsilon": 1e-8, "weight_decay": 0.01}
        return parameters, [d.interval((N, K)), low, *rest]

    return draw


def rescale(d):
    squares = [d.interval((N, K), low=0, high=60) for _ in range(2)]
    return {"epsilon": 1e-6}, [d.interval((N, K)), *squares]


DRAWS = {
    "copy": alike(1),
    "matmul": lambda d: d.one_of(matmul, matmul_without_bias)(d),
    "add_bias": lambda d: (
        {"subtract": d.one_of(False, True)}, [d.interval((N, K)), d.interval((1, K))]),
    "activate": lambda d: d.one_of(activate, elementary)(d),
    "activation_derivative": slope,
    "error": alike(2),
    "loss_terms": loss_terms,
    "total": lambda d: (d.maybe_mean(), [d.interval((N, K))]),
    "penalty": penalty,
    "add": alike(2),
    "loss_gradient": loss_gradient,
    "shortcut_delta": lambda d: (d.maybe_mean(), [d.interval((N, K)), d.interval((N, K))]),
    "hadamard": alike(2),
    "jacobian_product": jacobian_product,
    "sum_samples": lambda d: (
        {"all": d.one_of(False, True), "negate": d.one_of(False, True), **d.maybe_mean()},
        [d.interval((N, K))]),
    "add_penalty": add_penalty,
    "gradient_norm": alike(2),
    "clip_to_norm": lambda d: (
        {"limit": d.one_of(0.5, 3.0)}, [d.interval((N, K)), d.interval((1, 1), low=0, high=60)]),
    "clip_entries": with_parameters(1, limit=0.5),
    "descend": with_parameters(2, rate=0.3),
    "accumulate": with_parameters(2, beta=0.9),
    "accumulate_step": with_parameters(2, beta=0.9, rate=0.1),
    "average": with_parameters(2, beta=0.9),
    "accumulate_squares": with_parameters(2),
    "average_squares": with_parameters(2, beta=0.99),
    "scale_step": with_parameters(1, rate=0.3),
    "look_ahead_step": with_parameters(2, rate=0.1, beta=0.9),
    "unbias": with_parameters(1, beta=0.9, t=2),
    "look_ahead_average": with_parameters(2, beta=0.9, momentum_decay=0.004, t=2),
    "rescale": rescale,
    "adaptive_step": adaptive(2),
    "decayed_step": adaptive(3),
    "apply_step": alike(2),
    "derivative_from_activation": slope_from_a,
    "loss_terms_from_z": terms_from_z,
    "loss_terms_from_error": terms_from_error,
    "loss_gradient_from_activation": gradient_from_activation,
    "error_averaged": lambda d: (d.maybe_mean(), [d.interval((N, K))]),
    **equation_draws(a_and_y),
}  # fmt: skip


# The true value of the forms that the tape has no operation for


def _slope_from_a(s, p, a):
    row = ACTIVATIONS[p["activation"]]
    if row.elementwise:
        return row.derivative_from_activation(a, p)
    jacobians = [np.diag(line) - np.outer(line, line) for line in s.rows(a)]
    return s.rows(np.concatenate(jacobians))


def _terms_from_z(s, p, z, y):
    return OPERATIONS["loss_terms"].evaluate(s, p, z, y, z)


def _gradient_from_a(s, p, a, y):
    error = y - a if s.descent else a - y
    return LOSSES[p["loss"]].gradient(error, p) / p.get("samples", 1)


FORMS = {
    "derivative_from_activation": _slope_from_a,
    "loss_terms_from_z": _terms_from_z,
    "error_averaged": lambda s, p, e: e / p.get("samples", 1),
    "loss_terms_from_error": lambda s, p, e: LOSSES[p["loss"]].terms(e, 0 * e, p),
    "loss_gradient_from_activation": _gradient_from_a,
}


def true_value(operation, setting, parameters, operands):
    form = FORMS.get(operation)
    evaluate = OPERATIONS[operation].evaluate if form is None else form
    with np.errstate(all="ignore"):
        return np.array(evaluate(setting, parameters, *operands), dtype=float, ndmin=2)


def outside(box, value):
    """How far an entry lies outside its nearest piece, at most, relatively."""
    away = np.maximum(box.lo - value, value - box.hi).min(axis=0)
    return float((away / (1 + np.abs(value))).max())


def test_every_rule_is_drawn():
    assert set(DRAWS) == {*OPERATIONS, *RIGHT_FORMS} - {"given", "forward_again"}


@pytest.mark.parametrize("setting", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("operation", DRAWS)
@settings(max_examples=share(25), derandomize=True)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_true_value_falls_outside(operation, setting, seed):
    random = np.random.default_rng(seed)
    draw = Draw(random, setting)
    parameters, operands = DRAWS[operation](draw)
    boxes = [point(lo) if (lo == hi).all() else Interval(lo[None], hi[None]) for lo, hi in operands]
    with np.errstate(all="ignore"):
        box = bounds(operation, setting, parameters, *boxes)
    for _ in range(6):
        at = [random.choice((0.0, 1.0, random.random()), size=lo.shape) for lo, _ in operands]
        inside = [
            np.clip(lo + t * (hi - lo), lo, hi) for t, (lo, hi) in zip(at, operands, strict=True)
        ]
        value = true_value(operation, setting, parameters, inside)
        assert value.shape == box.shape
        # The value itself is computed with rounding: 1e-13 is a thousand times what that costs.
        assert outside(box, value) <= 1e-13, (parameters, inside)


def test_the_measure_notices_a_rule_that_is_too_narrow():
    box = Interval(np.array([[[0.1, 0.0]]]), np.array([[[0.2, 1.0]]]))
    assert outside(box, np.array([[0.21, 0.5]])) > 0
    assert outside(box, np.array([[0.15, 1.0]])) <= 0


# Nothing given away


def interval(lo, hi):
    return between(np.array(lo, dtype=float, ndmin=2), np.array(hi, dtype=float, ndmin=2))


def ends(box):
    return [(lo, hi) for lo, hi in zip(box.lo[:, 0, 0].tolist(), box.hi[:, 0, 0].tolist(),
                                       strict=True)]  # fmt: skip


SIGMOID = {"activation": "sigmoid"}


def test_the_slope_of_a_sigmoid_across_0_is_at_most_a_quarter():
    # σ′(1) = σ(1)(1 − σ(1)) = 0.7310586 · 0.2689414 = 0.1966119 on either side.
    ((lo, hi),) = ends(bounds("activation_derivative", ROWS, SIGMOID, interval(-1, 1)))
    assert hi == pytest.approx(0.25, abs=1e-14)
    assert lo == pytest.approx(0.1966119, abs=1e-7)


def test_the_slope_worked_from_a_is_one_function():
    # a(1 − a) over [0.4, 0.7]: 0.24 and 0.21 at the ends, 0.25 at ½; 0.4 · 0.3 as two intervals.
    box = bounds("derivative_from_activation", ROWS, SIGMOID, interval(0.4, 0.7))
    ((lo, hi),) = ends(box)
    assert (lo, hi) == (pytest.approx(0.21), pytest.approx(0.25))


def test_a_relu_near_0_is_off_or_on_and_nothing_between():
    box = bounds("activation_derivative", ROWS, {"activation": "relu"}, interval(-0.05, 0.05))
    assert {(round(lo, 12), round(hi, 12)) for lo, hi in ends(box)} == {(0, 0), (1, 1)}


def test_a_set_stays_a_set_through_a_product():
    g = bounds("activation_derivative", ROWS, {"activation": "relu"}, interval(-0.05, 0.05))
    delta = bounds("hadamard", ROWS, {}, interval(1.7, 1.7), g)
    assert {(round(lo, 12), round(hi, 12)) for lo, hi in ends(delta)} == {(0, 0), (1.7, 1.7)}


@pytest.mark.parametrize("seed", range(5))
def test_a_softmax_s_bounds_are_its_corners(seed):
    random = np.random.default_rng(seed)
    lo = random.normal(size=(1, K))
    hi = lo + random.uniform(0, 0.5, size=(1, K))
    box = bounds("activate", ROWS, {"activation": "softmax"}, interval(lo, hi))
    corners = np.array(list(product(*zip(lo[0], hi[0], strict=True))))
    shares = np.exp(corners) / np.exp(corners).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(box.lo[0, 0], shares.min(axis=0), rtol=1e-13)
    np.testing.assert_allclose(box.hi[0, 0], shares.max(axis=0), rtol=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_a_jacobian_s_bounds_are_those_of_a_fine_grid(seed):
    random = np.random.default_rng(seed)
    lo = random.normal(size=(1, K))
    hi = lo + random.uniform(0.1, 1.5, size=(1, K))
    box = bounds("activation_derivative", ROWS, {"activation": "softmax"}, interval(lo, hi))
    axes = [np.linspace(*bounds, 41) for bounds in zip(lo[0], hi[0], strict=True)]
    grid = np.array(list(product(*axes)))
    a = np.exp(grid) / np.exp(grid).sum(axis=1, keepdims=True)
    jacobians = np.einsum("si,ij->sij", a, np.eye(K)) - np.einsum("si,sj->sij", a, a)
    np.testing.assert_allclose(box.lo[0], jacobians.min(axis=0), atol=2e-4)
    np.testing.assert_allclose(box.hi[0], jacobians.max(axis=0), atol=2e-4)


def test_a_square_is_never_negative_and_no_product_of_two():
    x = interval(-1, 2)
    assert ends(x * x) == [(0.0, pytest.approx(4.0))]
    assert ends(absolute(interval(-1, 2))) == [(0.0, 2.0)]


def test_an_off_relu_is_exactly_off():
    box = bounds("activate", ROWS, {"activation": "relu"}, interval(-2, -1))
    assert ends(box) == [(0.0, 0.0)]


def test_half_a_unit_of_a_number_that_is_noted():
    """To three digits 123 is 122.5 … 123.5 and 0.0456 half of 0.0001 each way; a 0 is 0."""
    size = np.array([123.0, 0.0456, 0.0])
    assert Noting(0.0, 3).error(size) == pytest.approx([0.5, 0.00005, 0.0], rel=1e-12)
    assert Noting(0.005, 3).error(size) == pytest.approx(
        [0.5, 0.005, 0.0], rel=1e-12
    )  # the coarser
    assert Noting(0.005).error(size) == pytest.approx([0.005] * 3, rel=1e-12)


def test_of_a_number_whose_digits_are_cut_off_nearly_a_unit_is_lost():
    """-0.0196 is -0.01 to two decimals, 0.0456 is 0.04; 0.3, which is 0.29999999999999999 in
    floats, stays. To one digit 123 is 100."""
    x = Interval(*np.array([[[[-0.0196, 0.0456, 0.1 * 3]]]] * 2))
    for end in (cut := Noting(0.005, cut=True).rounded(x)).lo, cut.hi:
        assert end == pytest.approx(np.array([[[-0.01, 0.04, 0.3]]]), abs=1e-12)
    assert Noting(0.005, cut=True).error(np.ones(1)) == pytest.approx([0.01])
    whole = Interval(*np.full((2, 1, 1, 1), 123.0))
    assert Noting(0.0, 1, cut=True).rounded(whole).lo == pytest.approx(np.full((1, 1, 1), 100.0))


def test_a_divisor_that_may_be_0_leaves_nothing_to_say():
    assert divided(interval(1, 2), interval(-1, 1)).unbounded.all()
    assert divided(interval(1, 2), interval(-1, 0)).unbounded.all()  # -1 and below
    ((lo, _),) = ends(divided(interval(1, 2), interval(-1, 0)))
    assert lo < -1e9
    assert not divided(interval(1, 2), interval(1, 4)).unbounded.any()
    assert ends(divided(interval(1, 2), interval(1, 4))) == [
        (pytest.approx(0.25), pytest.approx(2.0))
    ]


def test_a_pair_of_jumps_leaves_three_pieces():
    # A hard sigmoid's slope: 0, ⅙, 0 across −3 … 3.
    parameters = {"activation": "hard_sigmoid", "slope": 1 / 6}
    box = bounds("activation_derivative", ROWS, parameters, interval(-4, 4))
    assert {(round(lo, 6), round(hi, 6)) for lo, hi in ends(box)} == {(0, 0), (0.166667, 0.166667)}


# Rounding outward


numbers = st.floats(-1e6, 1e6, allow_nan=False)


@settings(max_examples=share(60), derandomize=True)
@given(x=numbers, y=numbers)
def test_bounds_are_rounded_outward(x, y):
    one, two = point(x), point(y)
    exact = {
        added: Fraction(x) + Fraction(y),
        subtracted: Fraction(x) - Fraction(y),
        multiplied: Fraction(x) * Fraction(y),
        matrix_product: Fraction(x) * Fraction(y),
    }
    for operation, value in exact.items():
        ((lo, hi),) = ends(operation(one, two))
        tiny = Fraction(1, 10**300)  # below the smallest float with all its digits
        assert Fraction(lo) - tiny <= value <= Fraction(hi) + tiny, operation


@settings(max_examples=share(40), derandomize=True)
@given(xs=st.lists(numbers, min_size=1, max_size=30))
def test_a_sum_holds_the_exact_sum(xs):
    box = summed(point([xs]), 1)
    exact = sum(map(Fraction, xs), Fraction())
    assert Fraction(float(box.lo[0, 0, 0])) <= exact <= Fraction(float(box.hi[0, 0, 0]))


def test_one_third_of_three_halves():
    ((lo, hi),) = ends(scaled(interval(1.5, 1.5), 1 / 3))
    assert lo < 0.5 * Fraction(1 / 3) * 3 < hi


# What rounding an unwritten line may cost


def test_a_number_that_rounding_leaves_alone_is_not_widened():
    assert ends(widened(point(3.7), 0.005, 0.01)) == [(3.7, 3.7)]
    assert ends(widened(point(0.0), 0.005, 0.01)) == [(0.0, 0.0)]


def test_what_is_no_single_number_is_widened_around_a_round_middle_too():
    ((lo, hi),) = ends(widened(interval(3.6, 3.8), 0.005, 0.01))
    assert (lo, hi) == (pytest.approx(3.595), pytest.approx(3.805))


def test_a_number_with_more_digits_is_widened():
    ((lo, hi),) = ends(widened(point(3.701), 0.005, 0.01))
    assert (lo, hi) == (pytest.approx(3.696), pytest.approx(3.706))


def test_turning_points_outside_an_interval_do_not_count():
    box = mapped(interval(1, 2), lambda x: (x - 3) ** 2, (3.0,))
    assert ends(box) == [(pytest.approx(1.0), pytest.approx(4.0))]
