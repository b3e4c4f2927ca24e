"""Sums that cancel are 0, as they are by hand: 0.1 + 0.7 − 0.8 is −1.1e-16 in floats."""

import numpy as np
import pytest

import backtrace
from backtrace.tape.training import train

SPEC = """
layers:
  - {{activation: {activation}, weights: [[0.1], [0.7]], bias: {bias}}}
inputs: [[1, 1]]
targets: {target}
loss: {loss}
"""


def traced(activation="relu", bias="-0.8", target="1", loss="half_sse"):
    fields = {"activation": activation, "bias": bias, "target": target, "loss": loss}
    return backtrace.trace(backtrace.loads(SPEC.format(**fields)))


def test_floats_leave_something_of_the_sum():
    assert 0.1 + 0.7 - 0.8 != 0  # what this file is about


@pytest.mark.parametrize("bias", ["-0.8", "{threshold: 0.8}", "{shared: -0.8}"])
def test_a_unit_on_its_kink_is_on_its_kink(bias):
    trace = traced(bias=bias)
    assert trace["z1"].value.tolist() == [[0.0]]
    assert trace["g1"].value.tolist() == [[0.0]]


SUM_OF_SUMS = """
layers:
  - {{activation: {activation}, weights: [[0.45], [-0.42]], bias: {bias}}}
inputs: [[6, 6.5]]
targets: {target}
loss: {loss}
learning_rate: 0.1
"""


def test_what_a_smaller_number_is_added_to_keeps_the_noise_of_its_own_terms():
    """2.7 − 2.73 is −0.03 but for the noise of the 2.73, and with 0.03 there is nothing else."""
    assert 6 * 0.45 - 6.5 * 0.42 + 0.03 > 4 * 2.0**-52 * 0.06  # more than −0.03 and 0.03 make
    text = SUM_OF_SUMS.format(activation="relu", bias=0.03, target=1, loss="half_sse")
    trace = backtrace.trace(backtrace.loads(text))
    assert [trace[id].value.item() for id in ("z1", "a1", "g1", "db1")] == [0, 0, 0, 0]
    assert trace["loss_after"].value.item() == 0.5


def test_so_does_an_error_that_is_taken_of_such_a_sum():
    text = SUM_OF_SUMS.format(activation="linear", bias="none", target=-0.03, loss="mae")
    trace = backtrace.trace(backtrace.loads(text))
    assert [trace[id].value.item() for id in ("error", "da1")] == [0, 0]


def test_so_does_a_line_of_equations():
    trace = backtrace.trace(
        backtrace.loads("""
given: {x: [[6, 6.5]], W: [[0.45], [-0.42]], b: 0.03}
equations: [a = relu(x @ W + b)]
loss: a
""")
    )
    assert trace["a.2"].value.item() == trace["da.2"].value.item() == trace["db"].value.item() == 0


def test_a_slope_is_no_sum_however_large_its_z_is():
    text = SUM_OF_SUMS.format(activation="{name: linear, slope: 1e-3}", bias="1e30", target=1,
                              loss="half_sse")  # fmt: skip
    assert backtrace.trace(backtrace.loads(text))["g1"].value.item() == 1e-3


def test_a_step_of_such_a_sum_is_on_the_side_that_0_is_on():
    by_hand = backtrace.loads(SPEC.format(activation="step", bias="-0.8", target="1", loss="mse"))
    plain = backtrace.trace(by_hand)
    assert plain["a1"].value.tolist() == [[1.0]]  # step(0) = 1, as at any z ≥ 0


def test_an_error_of_0_has_no_slope():
    trace = traced("linear", bias="0", target="0.8", loss="mae")
    assert trace["error"].value.tolist() == [[0.0]]
    assert trace["da1"].value.tolist() == [[0.0]]


def test_gradients_that_cancel_over_the_samples():
    spec = backtrace.loads("""
layers: [{activation: linear, weights: [[1]], bias: 0}]
inputs: [[0.1], [0.7], [0.8]]
targets: [[0], [0], [1.6]]
loss: half_sse
""")
    trace = backtrace.trace(spec)  # δ = 0.1, 0.7, −0.8
    assert trace["db1"].value.tolist() == [[0.0]]


def test_what_is_small_by_itself_stays():
    spec = backtrace.loads("""
layers: [{activation: linear, weights: [[1e-16]], bias: 1e-17}]
inputs: [[1e-3]]
targets: 0
loss: half_sse
""")
    z = backtrace.trace(spec)["z1"].value
    assert np.isclose(z[0, 0], 1e-19 + 1e-17, rtol=1e-12)


def test_fractions_have_no_noise_to_clear():
    spec = backtrace.loads(
        SPEC.format(activation="relu", bias="-0.8", target="1", loss="half_sse")
        + "arithmetic: exact\n"
    )
    assert backtrace.trace(spec)["z1"].value[0, 0] == 0


def test_what_overflows_is_not_taken_for_noise():
    spec = backtrace.loads("""
layers: [{activation: linear, weights: [[1e200], [1e200]], bias: none}]
inputs: [[1e200, 1e200]]
targets: 0
loss: half_sse
""")
    trace = backtrace.trace(spec)
    assert trace["z1"].value.tolist() == [[np.inf]]
    assert trace["loss"].value == np.inf


def test_training_leaves_what_the_trace_clears_and_differs_by_no_more():
    """0.1 + 0.7 − 0.8 again, through units that have no kink there."""
    spec = backtrace.loads("""
layers:
  - {activation: tanh, weights: [[0.1, 0.3], [0.7, 0.2]], bias: [-0.8, 0.1]}
  - {activation: sigmoid, weights: [[0.5], [-0.4]], bias: 0.2}
inputs: [[1, 1], [1, 0]]
targets: [[1], [0]]
loss: half_mse
learning_rate: 0.5
""")
    traced, trained = backtrace.trace(spec), train(spec).state.values
    assert traced["z1"].value[0, 0] == 0
    for id, value in trained.items():
        np.testing.assert_allclose(traced[f"{id}_new"].value, value, rtol=0, atol=1e-12)
