"""What is recorded of formulas, and what is left of it when it is bound to arrays."""

import tracemalloc
from collections import Counter

import numpy as np
import pytest
from msgspec.structs import replace

import backtrace
from backtrace.functions.activations import ACTIVATIONS
from backtrace.tape.training import engine, starting_state
from backtrace.tape.training.program import Program
from backtrace.tape.training.recording import Recording, Varying
from backtrace.tape.training.symbols import Symbol
from tests.tape.exercises import exercise


def calls(spec):
    """How often an update of a full batch makes each call."""
    worked = engine(spec, starting_state(spec))
    with np.errstate(all="ignore"):
        worked.epoch()
    update = worked._update(spec.samples)
    made = [*update.batch.calls.calls, *update.step.calls]
    return Counter(call.func.__name__ for call in made)


@pytest.mark.parametrize("name", list(ACTIVATIONS))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_what_is_recorded_can_be_made_again_on_other_numbers(name, dtype):
    row = ACTIVATIONS[name]
    parameters = {key: float(value) for key, value in row.parameters.items()}
    random = np.random.default_rng(1)
    first, other = (random.normal(size=(40, 3)).astype(dtype) for _ in range(2))
    for function in (row.value, row.derivative):
        recording = Recording()
        given = recording.given(first)
        found = function(given, parameters)
        if not isinstance(found, Symbol):  # the same whatever z is
            assert np.array_equal(found, function(other, parameters))
            continue
        out = np.empty_like(found.array)
        program = Program(recording, [found])
        program.bound({given: other}, {found: out})()
        assert np.array_equal(out, function(other, parameters))
        assert out.dtype == dtype


def test_a_call_is_made_once_where_formulas_make_it_twice():
    # or-gate has two sigmoid layers: σ(z) takes e⁻ᶻ, its slope σ(z)·σ(−z) that of +z too: two
    # exponentials a layer, although σ(z) stands twice. a − y is in the error and in the loss.
    made = calls(backtrace.load("or-gate"))
    assert made["exp"] == 4
    assert made["dot"] == 2 + 1 + 2 + 2  # products, da1, dW, and db as a product with ones


def test_what_only_a_reader_needs_is_not_worked():
    # Without hidden units: product, z, loss, dW and db, the step. No da0, no loss_after.
    spec = exercise([3, 2], ["linear"], loss="half_sse", n=4, inputs_gradient=True)
    made = calls(spec)
    assert made["dot"] == 3  # product1, dW1, db1
    assert made["multiply"] == 2  # e·e in the loss, η·dW


def test_an_update_is_two_calls_for_all_parameters():
    # w − η·dW, whatever the number of matrices
    for widths in ([2, 3, 1], [2, 3, 3, 3, 1]):
        spec = exercise(widths, ["tanh"] * (len(widths) - 1), n=4)
        worked = engine(spec, starting_state(spec))
        worked.epoch()
        assert len(worked._update(4).step.calls) == 2


def test_an_epoch_takes_no_memory():
    spec = exercise([20, 30, 10], ["sigmoid", "softmax"], loss="cross_entropy", n=2000)
    worked = engine(spec, starting_state(spec))
    worked.epoch()
    tracemalloc.start()
    try:
        for _ in range(3):
            worked.epoch()
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 2000 * 30 * 8 / 4  # a quarter of a1; NumPy's own buffers are 64 KB


def test_a_number_that_varies_is_worked_as_python_does():
    recording = Recording()
    t = Varying(lambda t: t + 1)
    x = recording.given(np.array([[3.0]]))
    found = x / (1 - 0.9**t)
    made = Program(recording, [found]).bound(
        {x: np.array([[3.0]])}, {found: (out := np.empty((1, 1)))}
    )
    for update in (0, 1, 7, 250):
        made(update)
        assert out[0, 0] == 3.0 / (1 - 0.9 ** (update + 1))


def test_data_of_ones_are_not_taken_for_a_constant():
    recording = Recording()
    x, ones = recording.given(np.full((2, 2), 3.0)), recording.given(np.ones((2, 2)))
    found = x * ones
    out = np.empty((2, 2))
    made = Program(recording, [found]).bound(
        {x: np.full((2, 2), 3.0), ones: np.full((2, 2), 2.0)}, {found: out}
    )
    made()
    assert (out == 6).all()


def test_a_result_may_take_the_place_of_what_it_is_worked_from():
    recording = Recording()
    w, g = (recording.given(np.ones(3)) for _ in range(2))
    new = w - 0.5 * g
    place, gradient = np.array([1.0, 2.0, 3.0]), np.array([2.0, 2.0, 2.0])
    Program(recording, [new]).bound({w: place, g: gradient}, {new: place})()
    assert place.tolist() == [0, 1, 2]


def test_but_not_before_its_last_reader():
    recording = Recording()
    w = recording.given(np.ones(3))
    new = w + 1
    late = w * 10  # read after the new one is there
    place, out = np.array([1.0, 2.0, 3.0]), np.empty(3)
    Program(recording, [new, late]).bound({w: place}, {new: place, late: out})()
    assert place.tolist() == [2, 3, 4]
    assert out.tolist() == [10, 20, 30]


def test_large_batches_are_worked_in_chunks_and_small_ones_are_not():
    # 784 inputs and 3·20 numbers a sample are 6,752 bytes: 621 samples in 4 MB, so 512.
    from backtrace.tape.chunks import chunk_size

    spec = exercise([784, 10, 10], ["relu", "softmax"], loss="cross_entropy", n=3)
    assert chunk_size(spec) == 512
    assert chunk_size(replace(spec, backpropagate_through="updated")) is None
