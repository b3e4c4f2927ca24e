"""Fractions, rounding on every line and float32, each against numbers worked another way."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import numpy as np
import pytest

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.model import (
    Arithmetic,
    Bias,
    Conventions,
    Function,
    Layer,
    Loss,
    Matrix,
    Number,
    Optimizer,
    Regularization,
    Spec,
)
from backtrace.tape.arithmetic import round_half_away
from backtrace.tape.loading import loads
from backtrace.tape.run import trace
from backtrace.tape.writer import TapeError
from tests.tape.exercises import SGD, exercise, function
from tests.tape.oracle import disagreements, expected, values

EXACT = Arithmetic("exact")


def written(*rows):
    """A matrix as a person wrote it: ``written("0.1 1/3", "2 -1")``."""
    texts = tuple(tuple(row.split()) for row in rows)
    numbers = [[float(Fraction(text)) for text in row] for row in texts]
    return Matrix(np.array(numbers), texts)


def layer(activation, weights, bias=None, kind="added"):
    inputs, units = weights.shape
    inside = kind in ("first", "last")
    form = Bias("none") if bias is None and not inside else Bias(kind, bias)
    activation = activation if isinstance(activation, Function) else function(activation)
    return Layer(inputs - inside, units, activation, weights, form)


def fractions(*rows):
    return [[Fraction(text) for text in row.split()] for row in rows]


def product(x, y):
    return [[sum(a * b for a, b in zip(r, c, strict=True)) for c in zip(*y, strict=True)]
            for r in x]  # fmt: skip


def turned(x):
    return [list(row) for row in zip(*x, strict=True)]


def each(f, *matrices):
    return [[f(*entries) for entries in zip(*rows, strict=True)]
            for rows in zip(*matrices, strict=True)]  # fmt: skip


# Exact


def test_fractions_through_a_whole_update():
    """Two samples, 2–2–1, leaky ReLU with slope 1/3, mean squared error, η = 1/7."""
    x, y = ("1/3 0.1", "-2 1e-1"), ("1/7", "2")
    w1, b1, w2 = ("0.5 -1/3", "2 3"), ("0.1 -0.2",), ("1/9", "-0.7")
    spec = Spec(
        title="",
        layers=(
            layer(Function("leaky_relu", {"slope": Number(1 / 3, "1/3")}), written(*w1),
                  written(*b1)),
            layer("linear", written(*w2)),
        ),
        inputs=written(*x),
        targets=written(*y),
        loss=Loss("mse", mean=True),
        optimizer=Optimizer("sgd", Number(1 / 7, "1/7")),
        arithmetic=EXACT,
    )  # fmt: skip
    X, Y, W1, (B1,), W2 = (fractions(*rows) for rows in (x, y, w1, b1, w2))
    third = Fraction(1, 3)
    z1 = [[p + b for p, b in zip(row, B1, strict=True)] for row in product(X, W1)]
    a1 = each(lambda z: z if z > 0 else z * third, z1)
    a2 = product(a1, W2)
    delta2 = each(lambda a, t: 2 * (a - t) / 2, a2, Y)
    da1 = product(delta2, turned(W2))
    delta1 = each(lambda d, z: d if z > 0 else d * third, da1, z1)
    dW1 = product(turned(X), delta1)
    traced = trace(spec)
    wanted = {
        "a0": X, "z1": z1, "a1": a1, "a2": a2, "delta2": delta2, "delta1": delta1, "dW1": dW1,
        "dW2": product(turned(a1), delta2),
        "db1": [[sum(column) for column in zip(*delta1, strict=True)]],
        "W1_new": each(lambda w, d: w - d / 7, W1, dW1),
    }  # fmt: skip
    for id, value in wanted.items():
        assert traced[id].value.tolist() == value
    loss = sum((a - t) ** 2 for (a,), (t,) in zip(a2, Y, strict=True)) / 2
    assert traced["loss"].value.item() == loss
    for step in traced:
        assert all(type(entry) is Fraction for entry in step.value.ravel())


@pytest.mark.parametrize("kind", ["first", "last"])
def test_a_third_stays_a_third_beside_the_ones(kind):
    weights = written("1", "1")
    spec = Spec("", (layer("linear", weights, kind=kind),), written("1/3"), arithmetic=EXACT)
    assert trace(spec)["z1"].value.item() == Fraction(4, 3)
    assert sorted(trace(spec)["a0"].value.ravel()) == [Fraction(1, 3), 1]


@pytest.mark.parametrize("sign", ["gradient", "descent"])
def test_a_third_stays_a_third_as_an_upstream_gradient(sign):
    upstream = Loss("upstream", mean=False, upstream=written("1/3"))
    spec = Spec("", (layer("linear", written("1")),), written("1/7"), loss=upstream,
                arithmetic=EXACT, conventions=Conventions(sign=sign))  # fmt: skip
    turn = -1 if sign == "descent" else 1
    assert trace(spec)["dW1"].value.item() == turn * Fraction(1, 21)


@pytest.mark.parametrize(
    "activation", [name for name, row in ACTIVATIONS.items() if row.rational and row.differentiable]
)
@pytest.mark.parametrize("loss", [name for name, row in LOSSES.items() if row.rational])
def test_what_stays_rational_agrees_with_autograd(activation, loss):
    penalty = Regularization(Number(0.1, "0.1"), Number(0.2, "0.2"), "lambda_over_2n")
    spec = exercise(
        (2, 3, 3), (activation, activation), biases=("threshold", "last"), loss=loss, n=2, seed=4,
        arithmetic=EXACT, regularization=penalty,
    )  # fmt: skip
    traced = trace(spec)
    assert disagreements(values(traced.update()), expected(spec)) == []
    for step in traced:
        assert all(isinstance(entry, Fraction) for entry in step.value.ravel()), step.id


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
@pytest.mark.parametrize("form", [None, "step", "ema"])
def test_momentum_stays_rational(name, form):
    if form is not None and name == "nesterov":
        return
    optimizer = Optimizer(name, Number(0.1, "0.1"), {"momentum": Number(0.9, "9/10")}, form)
    spec = exercise((2, 2), ("relu",), arithmetic=EXACT, optimizer=optimizer, epochs=2)
    floats = exercise((2, 2), ("relu",), optimizer=optimizer, epochs=2)
    for exact, step in zip(trace(spec), trace(floats), strict=True):
        assert all(type(entry) is Fraction for entry in exact.value.ravel())
        assert np.allclose(exact.value.astype(float), step.value, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize(
    ("activations", "fields", "step"),
    [
        (("sigmoid", "linear"), {}, r"a1 = activate\(z1\): sigmoid"),
        (("relu", "softmax"), {}, r"a2 = activate\(z2\): softmax"),
        (("relu", "hard_sigmoid"), {"loss": "cross_entropy"}, "loss_terms = .*: cross_entropy"),
        (("relu", "linear"), {"optimizer": "adam"}, "step_W1 = .*: a square root"),
        (("relu", "linear"), {"optimizer": "adagrad"}, "step_W1 = .*: a square root"),
    ],
)
def test_the_step_that_leaves_the_fractions_is_named(activations, fields, step):
    if "optimizer" in fields:
        name = fields["optimizer"]
        chosen = Optimizer(name, Number(0.1), dict(OPTIMIZERS[name].constants))
        fields = {**fields, "optimizer": chosen}
    with pytest.raises(TapeError, match=step):
        trace(exercise((2, 3, 2), activations, arithmetic=EXACT, **fields))


# Rounded


def to(places, value):
    """The decimal's own halves away from zero."""
    return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)


@pytest.mark.parametrize("places", [1, 2, 3, 5])
def test_every_line_is_rounded_before_the_next_uses_it(places):
    """One sample through sigmoid and linear, worked line by line in decimals."""
    x, y = [Decimal("0.35"), Decimal("-1.2")], Decimal("0.7")
    W1 = [[Decimal("0.5"), Decimal("0.25")], [Decimal("1.15"), Decimal("-0.45")]]
    b1, W2 = [Decimal("0.05"), Decimal("0.1")], [Decimal("1.5"), Decimal("-2.5")]
    p1 = [to(places, x[0] * W1[0][j] + x[1] * W1[1][j]) for j in (0, 1)]
    z1 = [to(places, p + b) for p, b in zip(p1, b1, strict=True)]
    a1 = [to(places, 1 / (1 + (-z).exp())) for z in z1]
    z2 = to(places, a1[0] * W2[0] + a1[1] * W2[1])
    error = to(places, z2 - y)
    terms = to(places, error * error / 2)
    delta2 = error  # ½e² has the slope e, the linear unit the slope 1
    da1 = [to(places, delta2 * w) for w in W2]
    # σ′ is one line on the page, a function of z as the tape has it: not of the rounded a.
    s = [1 / (1 + (-z).exp()) for z in z1]
    g1 = [to(places, q * (1 - q)) for q in s]
    delta1 = [to(places, d * g) for d, g in zip(da1, g1, strict=True)]
    dW1 = [[to(places, xi * d) for d in delta1] for xi in x]
    new = [[to(places, w - Decimal("0.1") * d) for w, d in zip(ws, ds, strict=True)]
           for ws, ds in zip(W1, dW1, strict=True)]  # fmt: skip
    spec = Spec(
        title="",
        layers=(
            layer("sigmoid", written("0.5 0.25", "1.15 -0.45"), written("0.05 0.1")),
            layer("linear", written("1.5", "-2.5")),
        ),
        inputs=written("0.35 -1.2"),
        targets=written("0.7"),
        loss=Loss("half_sse", mean=False),
        optimizer=SGD,
        arithmetic=Arithmetic("rounded", places),
    )
    traced = trace(spec)
    wanted = {
        "product1": [p1], "z1": [z1], "a1": [a1], "z2": [[z2]], "error": [[error]],
        "loss_terms": [[terms]], "delta2": [[delta2]], "da1": [da1], "g1": [g1],
        "delta1": [delta1], "dW1": dW1, "W1_new": new,
    }  # fmt: skip
    for id, value in wanted.items():
        assert traced[id].value.tolist() == [[float(entry) for entry in row] for row in value], id
    assert all(step.value.dtype == np.float64 for step in traced)


@pytest.mark.parametrize(
    ("x", "w", "places", "rounded"),
    [
        ("0.5", "0.35", 2, 0.18),  # 0.175 in floats is 0.17499999999999999
        ("0.5", "-0.35", 2, -0.18),
        ("1.1", "1.1", 1, 1.2),  # 1.21
        ("0.15", "1", 1, 0.2),  # 0.15 in floats is 0.1499999999999999944
        ("1.005", "1", 2, 1.01),  # 1.00499999999999989
        ("-2.5", "1", 0, -3.0),
        ("0.3", "0.01", 2, 0.0),
    ],
)
def test_a_half_is_a_half_and_goes_away_from_zero(x, w, places, rounded):
    spec = Spec("", (layer("linear", written(w)),), written(x),
                arithmetic=Arithmetic("rounded", places))  # fmt: skip
    assert trace(spec)["product1"].value.item() == rounded


def test_what_is_given_is_not_rounded():
    spec = Spec("", (layer("linear", written("3")),), written("0.125"),
                arithmetic=Arithmetic("rounded", 1))  # fmt: skip
    traced = trace(spec)
    assert traced["a0"].value.item() == 0.125
    assert traced["product1"].value.item() == 0.4  # 0.375, not 3 · 0.1


def test_the_logarithm_is_taken_of_the_rounded_activation():
    """σ(1) = 0.731…, written 0.7: the next line is −ln 0.7 = 0.3566…, not −ln 0.731… = 0.3132…"""
    spec = Spec("", (layer("sigmoid", written("1")),), written("1"), written("1"),
                loss=Loss("binary_cross_entropy", mean=True),
                arithmetic=Arithmetic("rounded", 1))  # fmt: skip
    assert trace(spec)["loss_terms"].value.item() == 0.4


def test_the_loss_after_a_rounded_update_is_rounded_line_by_line():
    """w = 0.3, x = 1, y = 0.95: e = −0.7 (−0.65), dw = −0.7, w_new = 0.3 + 0.35 = 0.7 (0.65);
    then e = 0.7 − 0.95 = −0.3 (−0.25), and ½·0.09 = 0.045 is written 0.0."""
    spec = Spec("", (layer("linear", written("0.3")),), written("1"), written("0.95"),
                loss=Loss("half_sse", mean=False), optimizer=Optimizer("sgd", Number(0.5, "0.5")),
                arithmetic=Arithmetic("rounded", 1))  # fmt: skip
    traced = trace(spec)
    assert traced["error"].value.item() == -0.7
    assert traced["W1_new"].value.item() == 0.7
    assert traced["loss_after"].value.item() == 0.0


@pytest.mark.parametrize("text", ["0.5", "2.5", "-0.125", "1e-9", "123456.78905", "-1.45", "0.05"])
@pytest.mark.parametrize("places", [0, 1, 2, 4])
def test_rounding_agrees_with_decimal(text, places):
    assert round_half_away(Fraction(text), places) == Fraction(to(places, Decimal(text)))
    assert round_half_away(float(text), places) == Fraction(to(places, Decimal(text)))


def test_infinity_and_nan_pass_through_rounding():
    assert round_half_away(float("inf"), 2) == float("inf")
    assert np.isnan(round_half_away(float("nan"), 2))


# float32


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
@pytest.mark.parametrize(
    ("activations", "loss"),
    [
        (("gelu", "softmax"), "cross_entropy"),
        (("elu", "sigmoid"), "binary_cross_entropy"),
        (("selu", "hard_sigmoid"), "mse_elements"),
        (("softplus", "silu"), "huber"),
        (("leaky_relu", "relu"), "hinge"),
        (("tanh", "softmax"), "mae"),
        (("sigmoid", "linear"), "upstream"),
    ],
)
def test_float32_on_every_line_and_close_to_float64(name, activations, loss):
    case = {
        "widths": (2, 3, 4), "activations": activations, "loss": loss,
        "biases": ("first", "shared"), "n": 5, "epochs": 2,
        "optimizer": Optimizer(name, Number(0.1), dict(OPTIMIZERS[name].constants)),
        "regularization": Regularization(Number(0.1), Number(0.2), biases=True),
    }  # fmt: skip
    single, double = (
        trace(exercise(**case, arithmetic=Arithmetic(kind))) for kind in ("float32", "float64")
    )
    for first, second in zip(single, double, strict=True):
        assert first.value.dtype == np.float32, first.id
        # A first adaptive step is η·g/|g|: where g is near 0, its rounding is all there is.
        if first.epoch == 1 and first.phase != "update":
            np.testing.assert_allclose(first.value, second.value, rtol=2e-5, atol=2e-6)


def test_float32_is_worked_in_float32():
    """1 + 2⁻²⁵ is 1 in float32 and not in float64."""
    tiny = str(2.0**-25)
    spec = Spec("", (layer("linear", written("1"), written(tiny)),), written("1"),
                arithmetic=Arithmetic("float32"))  # fmt: skip
    assert trace(spec)["z1"].value.item() == 1.0


# Worked by hand to three decimals, from the activation that stands there; from z it is another.
BY_HAND = [
    ("tanh", "1.32", 0.248),  # a = 0.867, 1 − 0.867² = 0.248311; 1 − tanh²(1.32) = 0.24869
    ("sigmoid", "0.09", 0.25),  # a = 0.522, 0.522 · 0.478 = 0.249516; σ′(0.09) = 0.24949
    ("bipolar_sigmoid", "0.19", 0.495),  # a = 0.095, ½(1 − 0.095²) = 0.49549; from z 0.49551
    ("softsign", "0.014", 0.972),  # a = 0.014, (1 − 0.014)² = 0.972196; from z 0.97258
]


@pytest.mark.parametrize("bias", ["none", "{in_weights: first}"])
@pytest.mark.parametrize(("activation", "z", "slope"), BY_HAND)
def test_a_slope_is_worked_from_the_activation_that_was_written(activation, z, slope, bias):
    ahead = "[[0], [1]]" if bias != "none" else "[[1]]"
    worked = trace(
        loads(
            f"layers:\n  - {{activation: {activation}, weights: [[1]], bias: none}}\n"
            f"  - {{activation: linear, weights: {ahead}, bias: {bias}}}\n"
            f"inputs: [[{z}]]\ntargets: [[0]]\nloss: mse\narithmetic: {{round_each_step: 3}}\n",
            "s.yaml",
        )
    )
    assert worked.update(1, 1)["g1"].value.item() == slope


@pytest.mark.parametrize(("activation", "z", "slope"), BY_HAND)
def test_so_is_that_of_a_line_of_equations(activation, z, slope):
    worked = trace(
        loads(
            f"given: {{z: [[1, {z}]]}}\nequations:\n"
            f"  - h = {activation}(z[:,2].T)\n  - L = sum(h)\n"
            "loss: L\narithmetic: {round_each_step: 3}\n",
            "s.yaml",
        )
    )
    assert worked.update(1, 1)["dz"].value[0, 1] == slope


def test_a_jacobian_is_worked_from_the_softmax_that_was_written():
    # a = (0.478, 0.522): 0.478 · 0.522 = 0.249516; σ′(0.09) = 0.24949
    worked = trace(
        loads(
            "layers:\n  - {activation: softmax, weights: [[0, 1]], bias: none}\n"
            "inputs: [[0.09]]\ntargets: [[0, 1]]\nloss: mse\narithmetic: {round_each_step: 3}\n",
            "s.yaml",
        )
    )
    assert worked.update(1, 1)["g1"].value.tolist() == [[0.25, -0.25], [-0.25, 0.25]]


def test_the_half_of_a_slope_is_a_half():
    # a = tanh(0.05) = 0.050, 1 − 0.05² = 0.9975, rounded away from zero
    worked = trace(
        loads(
            "layers:\n  - {activation: tanh, weights: [[1]], bias: none}\n"
            "inputs: [[0.05]]\ntargets: [[0]]\nloss: mse\narithmetic: {round_each_step: 3}\n",
            "s.yaml",
        )
    )
    assert worked.update(1, 1)["g1"].value.item() == 0.998
