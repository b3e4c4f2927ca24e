"""Verification: honest tapes agree, every broken rule is found at its own id, kinks are said."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtrace
from backtrace.spec.model import Arithmetic, Conventions, Matrix, Number, Regularization
from backtrace.tape.compile import compile_tape
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.run import trace
from backtrace.tape.writer import TapeError
from backtrace.verify import Request, verify
from backtrace.verify.evaluations import Evaluations
from tests.sampling import share
from tests.tape.exercises import CONVENTIONS, exercise, networks, pairs
from tests.tape.oracle import expected

FORMS = ("half_lambda", "lambda", "lambda_over_2n")


def wrong(found):
    """The ids that disagree and do not follow from an earlier one."""
    return [each.id for each in found.quantities if not each.agrees and not each.follows]


def quantity(found, id):
    return next(each for each in found.quantities if each.id == id)


# Honest tapes


@pytest.mark.parametrize(("activation", "loss"), pairs())
@pytest.mark.parametrize("output_delta", ["shortcut", "chain"])
def test_every_output_activation_agrees_with_every_loss(activation, loss, output_delta):
    case = pairs().index((activation, loss))
    spec = exercise(
        (3, 2, 4),
        ("tanh", activation),
        loss=loss,
        n=3,
        seed=case,
        conventions=CONVENTIONS[case % 16],
        output_delta=output_delta,
    )
    try:
        found = verify(spec)
    except TapeError:  # a hard sigmoid that is exactly 0 or 1, and its logarithm
        assert activation == "hard_sigmoid"
        assert not np.isfinite(trace(spec)["loss"].value)
        return
    assert found.agrees
    assert {"da0", "dW1", "db1", "delta1", "da1", "delta2"} <= {q.id for q in found.quantities}
    assert all(each.checked.all() for each in found.quantities)


NETWORKS = networks(
    ["mse", "half_sse", "mse_elements", "mae", "huber", "hinge", "upstream", "output"],
    regularization=st.one_of(
        st.none(),
        st.builds(
            Regularization,
            st.sampled_from([Number(0.0), Number(0.1)]),
            st.sampled_from([Number(0.0), Number(0.2)]),
            st.sampled_from(FORMS),
            st.booleans(),
        ),
    ),
    conventions=st.sampled_from(CONVENTIONS),
)


@settings(max_examples=share(80), derandomize=True)
@given(NETWORKS)
def test_random_networks_agree_in_every_convention(network):
    found = verify(exercise(**network))
    assert found.agrees
    # several units of one sample at their kinks at once leave an entry open, nothing else does
    assert not any(each.undecided.any() and not each.kinks for each in found.quantities)


@pytest.mark.parametrize("conventions", CONVENTIONS[::3])
def test_a_penalty_is_verified_where_an_upstream_gradient_stands_for_a_loss(conventions):
    penalty = Regularization(Number(0.1), Number(0.2), "lambda_over_2n", biases=True)
    spec = exercise(
        (2, 3, 2),
        ("tanh", "linear"),
        loss="upstream",
        n=2,
        conventions=conventions,
        regularization=penalty,
    )
    found = verify(spec)
    assert found.agrees
    # l1·sign(W)/n + l2·W/n, which a descent takes away
    sign = -1 if conventions.sign == "descent" else 1
    W2 = trace(spec)["W2"].value
    share_of_penalty = quantity(found, "dW2").numeric - quantity(found, "data_dW2").numeric
    expected_share = sign * (0.1 * np.sign(W2) + 0.2 * W2) / 2
    assert share_of_penalty == pytest.approx(expected_share, abs=1e-9)


@settings(max_examples=share(40), derandomize=True)
@given(NETWORKS)
def test_the_differences_are_the_gradients_of_autograd(network):
    spec = exercise(**network)
    wanted = expected(spec)
    for each in verify(spec).quantities:
        smooth = np.ones(each.tape.shape, dtype=bool)
        for place in each.kinks:
            smooth[place] = False
        size = np.maximum(np.abs(wanted[each.id]), 1e-3)
        assert (np.abs(each.numeric - wanted[each.id]) / size < 1e-6)[smooth].all(), each.id


@pytest.mark.parametrize("kind", ["float32", "exact", "rounded"])
def test_other_arithmetics_are_verified_in_double_precision_and_say_so(kind):
    plain = backtrace.load("mlp-math")
    decimals = 2 if kind == "rounded" else None
    found = verify(msgspec.structs.replace(plain, arithmetic=Arithmetic(kind, decimals)))
    assert found.agrees
    assert "double precision" in found.remarks[0]
    assert not verify(plain).remarks


def test_the_old_weights_are_always_meant():
    old = exercise((2, 3, 2), ("tanh", "linear"), n=2, seed=3)
    updated = msgspec.structs.replace(old, backpropagate_through="updated")
    assert not np.allclose(trace(old)["da1"].value, trace(updated)["da1"].value)
    found = verify(updated)
    assert found.agrees
    assert quantity(found, "da1").tape == pytest.approx(trace(old)["da1"].value, rel=1e-12)
    assert any("updated weights" in remark for remark in found.remarks)


def test_a_later_update_is_verified_with_the_parameters_it_starts_from():
    spec = msgspec.structs.replace(
        exercise((2, 3, 1), ("tanh", "linear"), n=5), batch_size=2, epochs=2
    )
    found = verify(spec, Request(epoch=2, batch=3))
    assert found.agrees
    assert quantity(found, "delta1").tape.shape == (1, 3)  # five samples in twos: the last alone
    assert quantity(found, "dW1").tape == pytest.approx(trace(spec)["dW1@2.3"].value, rel=1e-12)


@pytest.mark.parametrize("name", ["mnist", "digits"])
def test_the_bundled_classifiers_agree_in_every_entry(name):
    found = verify(backtrace.load(name))
    assert found.agrees
    assert all(each.checked.all() for each in found.quantities)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"loss": None, "targets": None, "optimizer": None}, "without a loss"),
        ({"epochs": 1}, "no batch 2 in epoch 1"),
    ],
)
def test_what_can_not_be_verified_is_said(fields, words):
    spec = msgspec.structs.replace(exercise((2, 1), ("tanh",)), **fields)
    with pytest.raises(TapeError, match=words):
        verify(spec, Request(batch=2 if "epochs" in fields else 1))


def test_units_without_a_slope_have_nothing_to_verify():
    spec = exercise((2, 1), ("step",), optimizer=None, inputs_gradient=False)
    with pytest.raises(TapeError, match="step units have no slope"):
        verify(spec)


def test_an_entry_at_the_edge_of_the_loss_is_undecided_and_no_other():
    """σ(60) is rounded to 1, where ln(1 − a) has no differences; σ(6) is as good as any."""
    found = verify(
        backtrace.loads(
            """
layers:
  - {activation: sigmoid, weights: [[60]], bias: none}
inputs: [[1], [0.1]]
targets: [[0], [1]]
loss: binary_cross_entropy
output_delta: chain
"""
        )
    )
    assert found.agrees
    assert quantity(found, "da1").undecided.tolist() == [[True], [False]]
    assert not quantity(found, "delta1").undecided.any()


# Honest tapes near the edges of floating point

SATURATED = {
    # a is 1 − 4.1·10⁻¹¹, and y is 1: of (a − y)² five digits are left
    "tanh at its limit": ("tanh", "[[12]]", "0.3", "1", "mse"),
    "sigmoid at its limit": ("sigmoid", "[[26]]", "0", "1", "mse"),
    "huber": ("sigmoid", "[[24.7]]", "0.1", "1", "huber"),
    "bce by the shortcut": ("sigmoid", "[[32]]", "0", "1", "binary_cross_entropy"),
    "margins of small outputs": ("sigmoid", "[[-28, -25, -27]]", "[0, 0, 0]", "[1, 0, 0]", "hinge"),
    "one softmax unit": ("softmax", "[[3]]", "0", "0.9999999999999999", "mse"),
    "squares that underflow": ("linear", "[[1.0e-200]]", "0", "0", "mse"),
}


@pytest.mark.parametrize("case", SATURATED)
def test_where_digits_are_cancelled_nobody_is_accused(case):
    activation, weights, bias, targets, loss = SATURATED[case]
    found = verify(
        backtrace.loads(
            f"""
layers: [{{activation: {activation}, weights: {weights}, bias: {bias}}}]
inputs: 1
targets: {targets}
loss: {loss}
"""
        )
    )
    assert found.agrees


@pytest.fixture
def no_wider(monkeypatch):
    """A platform whose long doubles are doubles."""
    narrower = (np.float64, np.float32)
    monkeypatch.setattr(Evaluations, "_precisions", lambda self: narrower)


@pytest.mark.parametrize("case", SATURATED)
def test_in_doubles_alone_nobody_is_accused_either(case, no_wider):
    test_where_digits_are_cancelled_nobody_is_accused(case)


def test_in_doubles_alone_an_error_is_found_at_its_own_id(no_wider):
    spec = exercise(**MULTI)
    assert verify(spec).agrees
    found = verify(spec, tape=changed(spec, "dW2", operands=("data_dW2", "W1")))
    assert wrong(found) == ["dW2"]


@pytest.mark.parametrize("output_delta", ["shortcut", "chain"])
@pytest.mark.parametrize(
    ("activation", "loss"),
    [("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy")],
)
def test_an_output_that_is_rounded_to_its_target_is_not_accused(activation, loss, output_delta):
    """1 − σ(80) is 2·10⁻³⁵, which the loss has from z, and a − y has lost in any float."""
    found = verify(
        backtrace.loads(
            f"""
layers: [{{activation: {activation}, weights: [[80, -80]], bias: [0, 0]}}]
inputs: 1
targets: [[1, 0]]
loss: {loss}
output_delta: {output_delta}
"""
        )
    )
    assert found.agrees


def test_an_output_that_is_lost_beside_1_is_not_accused():
    """σ(−170) is 10⁻⁷⁴: ln(1 − a) is 0 however it is moved, and its slope is −1."""
    found = verify(
        backtrace.loads(
            """
layers: [{activation: sigmoid, weights: [[-170]], bias: none}]
inputs: 1
targets: 0
loss: binary_cross_entropy
output_delta: chain
"""
        )
    )
    assert found.agrees


def test_targets_that_add_up_to_1_but_for_their_last_digit_do():
    spec = backtrace.loads(
        """
layers: [{activation: softmax, weights: [[0.1, 0.2, 0.3]], bias: [0, 0.1, 0.2]}]
inputs: 1
targets: [[0.3333333, 0.3333333, 0.3333333]]
loss: cross_entropy
"""
    )
    assert verify(spec).agrees


def test_far_from_its_limits_an_entry_is_not_too_small_to_tell():
    found = verify(exercise((3, 4, 2), ("relu", "sigmoid"), n=3, seed=2))
    assert not any(each.vague.any() for each in found.quantities)
    assert all(each.told.all() for each in found.quantities)


def scaled(spec, factor):
    layers = [
        msgspec.structs.replace(layer, weights=Matrix(layer.weights.values * factor))
        for layer in spec.layers
    ]
    return msgspec.structs.replace(spec, layers=tuple(layers))


@pytest.mark.parametrize("activation", ["silu", "gelu", "elu"])
def test_an_error_that_is_estimated_too_small_accuses_nobody(activation):
    """With weights ten times as large the first steps are long beside the curves of a SiLU."""
    for seed in (500852, 100116, 7, 8):
        spec = exercise((2, 4), (activation,), biases="last", loss="half_mse", n=7, seed=seed)
        assert verify(scaled(spec, 10)).agrees


def test_from_afar_a_silu_is_not_taken_for_a_relu():
    """z is 10⁹ times as steep as usual: all but the shortest steps jump over the whole curve."""
    spec = backtrace.loads(
        """
layers:
  - {activation: linear, weights: [[1]], bias: none}
  - {activation: silu, weights: [[1.0e9]], bias: -5}
inputs: 0
loss: {upstream: 1}
"""
    )
    found = verify(spec)
    assert found.agrees
    # silu′(−5) = σ(−5)·(1 − 5·(1 − σ(−5))) = −0.0265474
    da1 = quantity(found, "da1")
    assert da1.tape[0, 0] == pytest.approx(-0.0265474e9, rel=1e-5)
    tape = changed(spec, "da1", parameters={"transpose": "second", "samples": 2})
    assert wrong(verify(spec, tape=tape)) == ["da1"]  # half of it


# Broken tapes

MULTI = {
    "widths": (3, 3, 3, 3),
    "activations": ("tanh", "sigmoid", "tanh"),
    "n": 4,
    "seed": 5,
    "regularization": Regularization(Number(0.1), Number(0.2)),
}


def changed(spec, id, **fields):
    """The tape of a spec with one step of its first update replaced."""
    plain = msgspec.structs.replace(spec, optimizer=None)
    tape = compile_tape(plain, range(1, 2))
    steps = [msgspec.structs.replace(s, **fields) if s.id == id else s for s in tape]
    assert tuple(steps) != tape.steps
    return msgspec.structs.replace(tape, steps=tuple(steps))


def parameters_of(spec, id):
    return next(step.parameters for step in compile_tape(spec) if step.id == id)


@pytest.mark.parametrize(
    ("id", "fields"),
    [
        ("da2", {"parameters": {}}),  # W, where its transpose belongs
        ("da1", {"operands": ("delta2", "W3")}),
        ("data_dW2", {"operands": ("a2", "delta2")}),
        ("data_dW1", {"operands": ("a0", "da1")}),
        ("delta2", {"operands": ("da2", "a2")}),
        ("delta1", {"operation": "copy", "operands": ("da1",)}),
        ("db3", {"parameters": {"negate": True}}),
        ("db2", {"operands": ("da2",)}),
        ("dW3", {"operation": "copy", "operands": ("data_dW3",)}),  # no penalty
        ("dW2", {"operands": ("data_dW2", "W1")}),
        ("da3", {"parameters": {"loss": "mse"}}),  # no 1/n
        ("da3", {"parameters": {"loss": "half_sse", "samples": 4}}),  # no 2
        ("da0", {"operands": ("da1", "W1")}),
    ],
)
def test_a_wrong_step_is_found_at_its_own_id(id, fields):
    spec = exercise(**MULTI)
    assert verify(spec).agrees
    found = verify(spec, tape=changed(spec, id, **fields))
    assert wrong(found) == [id]


@pytest.mark.parametrize("late", [False, True])
def test_a_missing_mean_is_found_where_the_convention_has_it(late):
    conventions = Conventions(mean_in="gradient" if late else "delta")
    spec = exercise(**MULTI, conventions=conventions)
    places = ["data_dW1", "db1", "db3"] if late else ["da3"]
    for id in places:
        kept = {k: v for k, v in parameters_of(spec, id).items() if k != "samples"}
        found = verify(spec, tape=changed(spec, id, parameters=kept))
        assert wrong(found) == [id]


def broken(operation, mistake):
    row = OPERATIONS[operation]
    return msgspec.structs.replace(
        row, evaluate=lambda s, p, *values: mistake(row.evaluate(s, p, *values))
    )


def one_entry_off(value):
    """The largest entry off by a hundred-thousandth of itself."""
    value = np.array(value)
    value.flat[np.abs(value).argmax()] *= 1 + 1e-5
    return value


MISTAKES = {"sign": lambda x: -x, "twice": lambda x: 2 * x, "one entry": one_entry_off}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize(
    ("operation", "ids"),
    [
        ("sum_samples", ["db3", "db2", "db1"]),
        ("hadamard", ["delta3", "delta2", "delta1"]),
        ("loss_gradient", ["da3"]),
        ("activation_derivative", ["delta3", "delta2", "delta1"]),
        ("add_penalty", ["dW3", "dW2", "dW1"]),
    ],
)
def test_a_broken_backward_rule_is_found_at_every_step_of_its_kind(
    monkeypatch, operation, ids, mistake
):
    spec = exercise(**MULTI)
    monkeypatch.setitem(OPERATIONS, operation, broken(operation, MISTAKES[mistake]))
    found, first = verify(spec), ids[0]
    if mistake == "sign":  # at every second step of a chain the sign is right again
        ids = [id for id in ids if not quantity(found, id).agrees]
        assert ids[0] == first
    assert wrong(found) == ids


def test_a_step_s_own_error_of_a_millionth_does_not_follow_from_another():
    spec = exercise((3, 3, 2), ("tanh", "tanh"), n=4, seed=5)
    row = OPERATIONS["hadamard"]

    def evaluate(s, p, da, g):
        return row.evaluate(s, p, da, g) * (2 if g.shape[1] == 2 else 1 + 1e-6)

    OPERATIONS["hadamard"] = msgspec.structs.replace(row, evaluate=evaluate)
    try:
        found = verify(spec)
    finally:
        OPERATIONS["hadamard"] = row
    assert wrong(found) == ["delta2", "delta1"]
    assert quantity(found, "da1").follows == "delta2"


def test_a_shortcut_that_forgets_the_mean_is_found():
    spec = exercise((3, 4), ("softmax",), loss="cross_entropy", n=3)
    tape = changed(spec, "delta1", parameters={"loss": "cross_entropy"})
    assert wrong(verify(spec, tape=tape)) == ["delta1"]


# Kinks


CANCELLING = """
layers:
  - {activation: tanh, weights: [[1], [1]], bias: 0}
  - {activation: relu, weights: [[1, SECOND]], bias: [0, 0]}
  - {activation: linear, weights: [[1], [-1]], bias: 0}
inputs: [[0, 0]]
targets: 1
loss: mse
"""


@pytest.mark.parametrize(("second", "undecided"), [("-1", True), ("2", False)])
def test_kinks_whose_slopes_cancel_are_undecided(second, undecided):
    """relu(x) − relu(−x) is x, where ReLU′(0) = 0 gives 0.

    relu(x) − relu(2x) has the slope 0 below and −1 above, and 0 lies between them.
    """
    found = verify(backtrace.loads(CANCELLING.replace("SECOND", second)))
    assert found.agrees
    ids = [each.id for each in found.quantities if each.undecided.any()]
    assert ids == (["da1", "delta1", "db1"] if undecided else [])


def test_an_entry_s_own_kink_counts_among_several():
    """With W = −1 the slopes 0.01·1 above and 1·0.01 below are equal; LReLU′(0)² is 0.0001."""
    spec = backtrace.loads(
        """
layers:
  - {activation: leaky_relu, weights: [[1]], bias: none}
  - {activation: leaky_relu, weights: [[-1]], bias: none}
inputs: 0
loss: {upstream: 1}
"""
    )
    found = verify(spec)
    assert found.agrees
    assert quantity(found, "delta1").undecided.all()


def test_bends_are_no_kinks_that_excuse_an_entry():
    """Two ELUs at 0 have slopes: what lies outside is wrong."""
    spec = backtrace.loads(
        """
layers:
  - {activation: linear, weights: [[1]], bias: none}
  - {activation: elu, weights: [[1, -1]], bias: none}
inputs: 0
loss: {upstream: [[1, -2]]}
"""
    )
    assert verify(spec).agrees
    tape = changed(spec, "delta2", operation="copy", operands=("g2",))
    assert wrong(verify(spec, tape=tape)) == ["delta2"]


def relu_at_zero(bias):
    return backtrace.loads(
        f"""
layers:
  - {{activation: relu, weights: [[0.5, -1, 2], [1.5, 0, -0.5]], bias: [0.2, {bias}, 0.1]}}
  - {{activation: linear, weights: [[1], [-2], [0.5]], bias: 0.1}}
inputs: [[1, 2]]
targets: 3.5
loss: mse
"""
    )


@pytest.mark.parametrize("bias", ["1", "1.00000000000001", "0.99999999999999"])
def test_a_relu_at_zero_is_said_with_the_slopes_of_both_sides(bias):
    """δ2 = 2·(4.35 − 3.5) = 1.7 comes back to unit 2 as −3.4 where it is on, as 0 where not."""
    found = verify(relu_at_zero(bias))
    assert found.agrees
    kinks = quantity(found, "delta1").kinks
    assert list(kinks) == [(0, 1)]
    near = 1e-9 if bias == "1" else 1e-4
    assert (kinks[0, 1].below, kinks[0, 1].above) == pytest.approx((0, -3.4), abs=near)
    assert [(each.id, each.index) for each in kinks[0, 1].crossed] == [("z1", (1, 2))]
    assert list(quantity(found, "dW1").kinks) == [(0, 1), (1, 1)]
    assert not quantity(found, "da1").kinks


@pytest.mark.parametrize(("bias", "slope"), [("0.9999999999", 0), ("1.0000000001", -3.4)])
def test_a_relu_beside_zero_has_the_slope_of_its_side(bias, slope):
    delta1 = quantity(verify(relu_at_zero(bias)), "delta1")
    assert not delta1.kinks
    assert delta1.numeric[0, 1] == pytest.approx(slope, abs=1e-5)


def test_at_a_kink_a_slope_outside_both_sides_is_wrong():
    spec = relu_at_zero("1")
    tape = changed(spec, "delta1", operation="sum_samples", operands=("da1",), parameters={})
    assert verify(spec, tape=tape).agrees  # −3.4, the slope above, is as good a choice
    tape = changed(spec, "db1", parameters={"negate": True}, operands=("da1",))
    found = verify(spec, tape=tape)  # 3.4 is none
    assert quantity(found, "db1").wrong.tolist() == [[True, True, True]]


def test_samples_may_stand_at_kinks_of_opposite_directions():
    """As w rises from 0 the unit comes on in sample 1, as it falls in sample 2.

    With ReLU′(0) = 0 in both the gradient is 0, which does not lie between the loss's own slopes
    below and above, 6 and 2: each sample has a choice of its own.
    """
    spec = backtrace.loads(
        """
layers:
  - {activation: relu, weights: [[0]], bias: none}
inputs: [[1], [-3]]
loss: {upstream: [[2], [-2]]}
"""
    )
    found = quantity(verify(spec), "dW1")
    kink = found.kinks[0, 0]
    # above 0 sample 1 is on: 2·1; below 0 sample 2 is: −2·(−3)
    assert (kink.below, kink.above) == pytest.approx((6, 2))
    assert found.tape[0, 0] == 0
    assert found.agrees


def test_a_kink_of_a_later_layer_is_met_by_an_earlier_weight():
    spec = backtrace.loads(
        """
layers:
  - {activation: tanh, weights: [[1]], bias: none}
  - {activation: relu, weights: [[1]], bias: none}
inputs: [[0], [1]]
targets: [[1], [1]]
loss: mse
trace: {inputs_gradient: true}
"""
    )
    found = verify(spec)
    assert found.agrees
    assert [c.id for c in quantity(found, "da0").kinks[0, 0].crossed] == ["z2"]
    assert not quantity(found, "dW1").kinks  # with an input of 0 no weight moves z


@pytest.mark.parametrize(
    ("loss", "id"), [("mae", "da1"), ("hinge", "da1"), ("huber", None), ("mse", None)]
)
def test_kinks_of_losses(loss, id):
    """ŷ = y for mae; for hinge 1 + ŷ2 − ŷ1 = 0; Huber's bend at |e| = 1 has a slope."""
    targets = {"mae": "[[1, 0]]", "hinge": "[[1, 0]]", "huber": "[[0, 1]]", "mse": "[[1, 0]]"}
    spec = backtrace.loads(
        f"""
layers:
  - {{activation: linear, weights: [[1, 0], [0, 1]], bias: none}}
inputs: [[1, 0]]
targets: {targets[loss]}
loss: {loss}
"""
    )
    found = verify(spec)
    assert found.agrees
    assert bool(quantity(found, "da1").kinks) == (id is not None)


def test_the_penalty_of_a_weight_that_is_zero_has_a_kink():
    spec = exercise((2, 1), ("tanh",), regularization=Regularization(l1=Number(0.5)))
    weights = spec.layers[0].weights.values
    weights[0, 0] = 0
    found = verify(spec)
    assert found.agrees
    kink = quantity(found, "dW1").kinks[0, 0]
    assert kink.above - kink.below == pytest.approx(1.0)  # ±λ
    assert [each.id for each in kink.crossed] == ["W1"]
    assert not quantity(found, "data_dW1").kinks


@pytest.mark.parametrize("distance", [0, 1e-12, 1e-9, 1e-8, 1e-7, 3e-7, 1e-6, 1e-5, 1e-4, 1e-3])
@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "selu", "elu", "hard_sigmoid"])
def test_close_to_a_kink_nobody_is_accused(activation, distance):
    for side in (distance, -distance):
        spec = exercise((2, 3, 2), (activation, activation), n=2, seed=1)
        layer = spec.layers[0]
        kink = 3.0 if activation == "hard_sigmoid" else 0.0
        first = spec.inputs.values[0] @ layer.weights.values
        layer.bias.values.values[0, 1] = kink - first[1] + side
        found = verify(spec)
        assert found.agrees
        assert not any(each.undecided.any() for each in found.quantities)


# Large networks


def test_the_share_that_is_done_rises_to_the_whole():
    shares = []
    verify(exercise((20, 10, 3), ("tanh", "linear"), n=7), progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)
    assert len(shares) >= 8  # once a quantity at least


def test_products_are_worked_by_one_thread_each(monkeypatch):
    """With several they wait for each other: many are small."""
    from threadpoolctl import threadpool_info

    threads = []
    spec = exercise((3, 2), ("tanh",))
    verify(spec, progress=lambda share: threads.extend(p["num_threads"] for p in threadpool_info()))
    assert set(threads) <= {1}


def test_no_epoch_is_verified_that_the_spec_does_not_work():
    with pytest.raises(TapeError, match="no epoch 3: the spec works 1 epoch"):
        verify(exercise((2, 1), ("tanh",)), Request(epoch=3))


def test_a_large_network_is_verified_in_part_by_the_seed_or_whole_on_request():
    spec = exercise((20, 10, 3), ("tanh", "linear"), n=7)
    part, again = (verify(spec, Request(budget=200_000)) for _ in range(2))
    whole = verify(spec, Request(budget=200_000, everything=True))
    checked = quantity(part, "dW1").checked
    assert 0 < checked.sum() < checked.size
    assert (checked == quantity(again, "dW1").checked).all()
    other = verify(msgspec.structs.replace(spec, seed=9), Request(budget=200_000))
    assert (checked != quantity(other, "dW1").checked).any()
    assert any("--all" in remark for remark in part.remarks)
    assert quantity(whole, "dW1").checked.all()
    assert whole.agrees
    assert part.agrees


# Cost


def test_passes_and_multiplications_are_counted_from_the_shapes():
    """mlp-math, 1 → 3 → 1 on one sample with two features, and or-gate, 2 → 2 → 1 on four."""
    cost = verify(backtrace.load("mlp-math")).cost
    assert cost.parameters == 2 * 3 + 3 + 3 + 1
    assert cost.forward.multiplications == 2 * 3 + 3 * 1
    # δ2, dW2, dH1, δ1, dW1
    assert cost.backward.multiplications == 1 + 3 + 3 + 3 + 6
    assert cost.finite_differences.forward_passes == 14
    assert cost.finite_differences.multiplications == 14 * 9
    assert cost.central_differences.multiplications == 26 * 9
    assert cost.backpropagation.multiplications == 9 + 16
    gate = verify(backtrace.load("or-gate")).cost
    assert gate.parameters == 9
    assert gate.forward.multiplications == 4 * (2 * 2 + 2)
    assert gate.backward.multiplications == 4 * (1 + 2 + 2 + 2 + 4)
    assert gate.forward.seconds > 0
