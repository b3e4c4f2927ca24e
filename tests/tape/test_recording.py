"""What is recorded of formulas, and what the calls give when they are made again."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from msgspec.structs import replace

import backtrace
from backtrace.functions.activations import ACTIVATIONS
from backtrace.tape.chunks import chunk_size
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.training import Engine, starting_state
from backtrace.tape.training.recording import Placeholder, Recording
from tests.tape.exercises import exercise


def calls(spec):
    """How often an update of a full batch makes each call."""
    worked = Engine(spec, starting_state(spec))
    with np.errstate(all="ignore"):
        worked.epoch()
    update = worked._update(spec.samples)
    made = [*update.batch.lanes[0], *update.batch._loss[1], *update.calls]
    return Counter(call.func.__name__ for call in made)


def make(recording):
    for call in recording.calls():
        call()


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.elementwise])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_recorded_can_be_made_again_on_other_numbers(name, dtype):
    row = ACTIVATIONS[name]
    parameters = {key: float(value) for key, value in row.parameters.items()}
    random = np.random.default_rng(1)
    z, other = (random.normal(size=(40, 3)).astype(dtype) for _ in range(2))
    for function in (row.value, row.derivative):
        recording = Recording()
        found = function(recording.given(z), parameters)
        if not isinstance(found, Placeholder):  # the same whatever z is
            assert np.array_equal(found, function(other, parameters))
            continue
        recording.put(found, out := np.empty_like(found.array))
        z[...] = other
        make(recording)
        assert np.array_equal(out, function(other, parameters))


def test_a_call_is_made_once_where_formulas_make_it_twice():
    # or-gate has two sigmoid layers: σ(z) takes e⁻ᶻ, its slope σ(z)·σ(−z) that of +z too: two
    # exponentials a layer, although σ(z) stands twice. a − y is in the error and in the loss.
    made = calls(backtrace.load("or-gate"))
    assert made["exp"] == 4
    assert made["negative"] == 2
    assert made["subtract"] == 2 + 1  # once a sample a column, once a row; the step
    assert made["dot"] == 2 + 1 + 2 + 2  # products, da1, dW, and db as a product with ones


def test_what_only_a_reader_needs_is_not_worked():
    # Without hidden units: product, z, loss, dW and db, the step. No da0, no loss_after.
    spec = exercise([3, 2], ["linear"], loss="half_sse", n=4, inputs_gradient=True)
    made = calls(spec)
    assert made["dot"] == 3  # product1, dW1, db1
    assert made["multiply"] == 2  # e·e in the loss, η·dW; not z·1, δ·1 (linear units of slope 1)


def test_an_update_is_two_calls_for_all_parameters():
    # w − η·dW, whatever the number of matrices
    for widths in ([2, 3, 1], [2, 3, 3, 3, 1]):
        spec = exercise(widths, ["tanh"] * (len(widths) - 1), n=4)
        worked = Engine(spec, starting_state(spec))
        worked.epoch()
        assert len(worked._update(4).calls) == 2


def test_an_epoch_takes_no_memory():
    spec = exercise([20, 30, 10], ["sigmoid", "softmax"], loss="cross_entropy", n=2000)
    worked = Engine(spec, starting_state(spec))
    worked.epoch()
    tracemalloc.start()
    try:
        for _ in range(3):
            worked.epoch()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2000 * 30 * 8 / 2  # half of a1; buffers of NumPy are 64 KB a thread


def test_chunks_share_the_arrays_between():
    spec = exercise([20, 30, 10], ["sigmoid", "softmax"], loss="cross_entropy", n=30_000)
    worked = Engine(spec, starting_state(spec))
    worked.epoch()  # whatever is loaded at first
    tracemalloc.start()
    try:
        worked._measuring(spec, worked.whole)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 5 * 30_000 * 30 * 8  # of the twenty arrays between, five as large as a1


def test_a_product_with_ones_is_one_of_matrices():
    recording, x = Recording(), np.array([[1.0, 2.0], [3.0, 4.0]])
    recording.put(recording.given(x) @ np.ones((2, 1)), out := np.empty((2, 1)))
    x[0, 0] = 5
    make(recording)
    assert out.tolist() == [[7], [7]]


def test_a_step_that_cannot_be_noted_is_one_call_worked_as_in_a_trace(monkeypatch):
    def counted(setting, parameters, z):
        return np.flip(OPERATIONS["copy"].evaluate(setting, parameters, z)) * len(z)

    row = replace(OPERATIONS["activate"], evaluate=counted)
    monkeypatch.setitem(OPERATIONS, "activate", row)
    spec = exercise([3, 2], ["linear"], loss="half_sse", n=4)
    made = calls(spec)
    assert made["_work_out"] == 1
    worked = Engine(spec, starting_state(spec))
    worked.epoch()
    worked.keep()
    assert np.allclose(worked.kept().values["W1"], backtrace.trace(spec)["W1_new"].value)


def test_data_of_ones_are_not_taken_for_a_constant():
    recording, ones = Recording(), np.ones((2, 2))
    found = recording.given(np.full((2, 2), 3.0)) * recording.given(ones)
    recording.put(found, out := np.empty((2, 2)))
    ones[...] = 2
    make(recording)
    assert (out == 6).all()


def test_a_result_may_take_the_place_of_what_it_is_worked_from():
    recording = Recording()
    place, gradient = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    w, g = recording.given(place), recording.given(gradient)
    recording.put(w - 0.5 * g, place)
    assert place.tolist() == [1, 2, 3]  # it is noted only
    make(recording)
    assert place.tolist() == [0, 1, 2]


def test_but_not_before_its_last_reader():
    recording = Recording()
    place, out = np.array([1.0, 2.0, 3.0]), np.empty(3)
    w = recording.given(place)
    new, late = w + 1, w * 10
    recording.put(late, out)
    recording.put(new, place)
    make(recording)
    assert place.tolist() == [2, 3, 4]
    assert out.tolist() == [10, 20, 30]


def test_what_is_times_or_over_1_is_itself():
    recording, x = Recording(), np.array([[-0.0, 2.0]])
    value = recording.given(x)
    one = recording.given(np.ones((1, 1)), constant=True)
    for same in (value * 1, 1 * value, value / 1.0, value * one, one * value):
        assert same is value
    assert (1 / (value + 3)) is not value
    assert (value * recording.given(np.ones((1, 1)))) is not value  # that may change


def test_what_rests_on_constants_is_worked_once():
    recording, x = Recording(), np.array([1.0, 2.0])
    constant = recording.given(np.array([3.0, 4.0]), constant=True)
    recording.put(recording.given(x) + np.exp(constant) * 2, out := np.empty(2))
    assert len(recording.calls()) == 1
    make(recording)
    assert np.array_equal(out, x + np.exp([3.0, 4.0]) * 2)


def test_one_value_may_be_put_in_two_places():
    recording, x = Recording(), np.array([1.0, 2.0])
    value = recording.given(x) * 3
    one, other = np.empty(2), np.empty(2)
    for place in (one, other):
        recording.put(value, place)
    x[...] = [3, 4]
    make(recording)
    assert one.tolist() == other.tolist() == [9, 12]


def test_entries_placed_otherwise_are_placed_again():
    recording, x = Recording(), np.array([[1.0, 2.0], [3.0, 4.0]])
    placeholder = recording.given(x)
    turned = placeholder.rearranged(lambda a: a.T)
    doubled = placeholder.rearranged(lambda a: np.repeat(a, 2, axis=0))
    assert np.shares_memory(turned.array, x)
    recording.put(doubled + 0, out := np.empty((4, 2)))
    x[0] = [5, 6]
    make(recording)
    assert out.tolist() == [[5, 6], [5, 6], [3, 4], [3, 4]]


def test_the_same_calls_have_the_same_buffers():
    buffers, found = {}, []
    for number in (1.0, 2.0):
        recording = Recording(buffers)
        value = (recording.given(np.full((3, 2), number)) + 1) * 2
        found.append(value.array)
        assert (value.array == (number + 1) * 2).all()
    assert found[0] is found[1]


def test_large_batches_are_worked_in_chunks_and_small_ones_are_not():
    # 784 inputs and 3·20 numbers a sample are 6,752 bytes: 310 samples in 2 MB, so 256.
    spec = exercise([784, 10, 10], ["relu", "softmax"], loss="cross_entropy", n=3)
    assert chunk_size(spec) == 256
    assert chunk_size(replace(spec, backpropagate_through="updated")) is None
