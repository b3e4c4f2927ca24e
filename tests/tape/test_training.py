"""The training loop against the trace: the same numbers, to the last bit.

But for sums that cancel, which the trace alone clears (``tape/cancellation.py``): here it does not.
"""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

import backtrace
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES
from backtrace.spec.model import (
    Arithmetic,
    Clip,
    Conventions,
    Number,
    Optimizer,
    Regularization,
    Schedule,
    Stop,
)
from backtrace.spec.read.holdout import held_out
from backtrace.tape import chunks as chunking
from backtrace.tape.run import trace
from backtrace.tape.training import Engine, outputs, starting_state, traced_epoch, train
from backtrace.tape.writer import TapeError
from tests.networks.kinds import LAYERED
from tests.sampling import share
from tests.tape.exercises import BIASES, CONVENTIONS, DIFFERENTIABLE, SGD, exercise, pairs

RATE = Number(0.1, "0.1")
OPTIMIZER_FORMS = [
    (name, form) for name, row in OPTIMIZERS.items() for form in row.forms or (None,)
]
SCHEDULED = {
    "constant": {},
    "step": {"every": Number(2, "2"), "factor": Number(0.5, "0.5")},
    "exponential": {"factor": Number(0.9, "0.9")},
    "inverse_time": {"decay": Number(0.1, "0.1")},
}
RATES = tuple(Number(rate, str(rate)) for rate in (0.3, 0.2, 0.05))


@pytest.fixture(autouse=True)
def nothing_cleared(monkeypatch):
    monkeypatch.setattr("backtrace.tape.run.cleared", lambda value, terms: value)


def left(spec, traced):
    """Parameters and optimizer states after the last update of a trace."""
    update = traced.update(*traced.updates[-1])
    ids = starting_state(spec).values
    return {id: update[f"{id}_new" if f"{id}_new" in update else id].value for id in ids}


def assert_same_bits(one, other):
    assert one.keys() == other.keys()
    for id, value in one.items():
        assert value.dtype == other[id].dtype
        assert value.shape == other[id].shape
        bits, others = (np.where(np.isnan(each), np.nan, each) for each in (value, other[id]))
        assert bits.tobytes() == others.tobytes(), id  # a nan is a nan, whatever its sign


def assert_trained_as_traced(spec):
    worked = Engine(spec, starting_state(spec))
    with np.errstate(all="ignore"):
        losses = [worked.epoch().loss for _ in range(spec.epochs)]
    worked.keep()
    traced = trace(spec)
    assert_same_bits(worked.kept().values, left(spec, traced))
    if spec.batches == 1:
        expected = [traced[f"loss@{epoch}"].value for epoch in range(1, spec.epochs + 1)]
        assert np.array_equal(losses, expected, equal_nan=True)


def learning(name):
    """A bundled network, with a rate where its document stops at the gradients."""
    spec = backtrace.load(name)
    return spec if spec.optimizer is not None else replace(spec, optimizer=SGD)


@pytest.mark.parametrize("name", LAYERED)
def test_a_trained_epoch_of_every_bundled_network_is_the_traced_one(name):
    spec = replace(learning(name), epochs=2)
    assert_trained_as_traced(spec)


def test_there_are_bundled_networks():
    assert len(LAYERED) > 10


@st.composite
def networks(draw):
    """A spec of any form that can be trained in floats."""
    output, loss = draw(st.sampled_from(pairs()))
    hidden = draw(st.lists(st.sampled_from(DIFFERENTIABLE), max_size=2))
    widths = [draw(st.integers(1, 4)) for _ in range(len(hidden) + 1)]
    widths.append(draw(st.integers(2 if loss in ("hinge", "cross_entropy") else 1, 4)))
    n = draw(st.integers(1, 7))
    size = draw(st.sampled_from([None, *range(1, n + 1)]))
    name, form = draw(st.sampled_from(OPTIMIZER_FORMS))
    constants = dict(OPTIMIZERS[name].constants)
    kind = draw(st.sampled_from([*SCHEDULED, "list"]))
    schedule = Schedule(kind, SCHEDULED.get(kind, {}), RATES if kind == "list" else ())
    penalty = draw(
        st.sampled_from(
            [
                None,
                Regularization(l1=Number(0.1, "0.1"), l2=Number(0.2, "0.2"), form="lambda"),
                Regularization(l2=Number(0.2, "0.2"), form="lambda_over_2n", biases=True),
            ]
        )
    )
    clips = [None, None, Clip("value", Number(0.05)), Clip("norm", Number(0.2))]
    clip = draw(st.sampled_from(clips))
    through = ["old"] if clip is not None and clip.kind == "norm" else ["old", "old", "updated"]
    return exercise(
        widths,
        [*hidden, output],
        biases=[draw(st.sampled_from(BIASES)) for _ in widths[1:]],
        loss=loss,
        mean=draw(st.sampled_from([None, True, False])),
        n=n,
        seed=draw(st.integers(0, 5)),
        conventions=draw(st.sampled_from(CONVENTIONS)),
        optimizer=Optimizer(name, RATE, constants, form),
        inputs_gradient=draw(st.booleans()),
        schedule=schedule,
        regularization=penalty,
        freeze=frozenset(draw(st.sampled_from([[], ["W1"]])) if hidden else []),
        arithmetic=Arithmetic(draw(st.sampled_from(["float64", "float32"]))),
        batch_size=size,
        shuffle=size is not None and size < n and draw(st.booleans()),
        epochs=3,
        output_delta=draw(st.sampled_from(["shortcut", "chain"])),
        backpropagate_through=draw(st.sampled_from(through)),
        clip=clip,
    )


@settings(max_examples=share(400), suppress_health_check=list(HealthCheck))
@given(networks())
def test_a_trained_epoch_of_any_network_is_the_traced_one(spec):
    assert_trained_as_traced(spec)


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of two samples, so that a few samples make several lanes of several chunks."""
    monkeypatch.setattr("backtrace.tape.chunks.FEWEST", 2)
    monkeypatch.setattr("backtrace.tape.chunks.MOST", 2)


@settings(max_examples=share(150), suppress_health_check=list(HealthCheck))
@given(networks(), st.integers(3, 45))
def test_in_chunks_too(small_chunks, spec, n):
    again = exercise(
        [spec.layers[0].inputs, *(layer.units for layer in spec.layers)],
        [layer.activation for layer in spec.layers],
        biases=[layer.bias.kind for layer in spec.layers],
        loss=spec.loss.name,
        mean=spec.loss.mean,
        n=n,
        conventions=spec.conventions,
    )
    spec = replace(spec, inputs=again.inputs, targets=again.targets, batch_size=None)
    spec = replace(spec, backpropagate_through="old", shuffle=False)
    worked = Engine(spec, starting_state(spec))
    assert len(worked._update(n).batch.lanes) > 1
    assert_trained_as_traced(spec)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_chunked_is_unchunked_within_rounding(monkeypatch, loss):
    # 300 samples of 5 inputs: sums of 300 products, each off by at most some units of 2^-53.
    output = "softmax" if loss == "cross_entropy" else "tanh"
    spec = exercise([5, 4, 3], ["sigmoid", output], loss=loss, n=300, epochs=5)
    whole = train(spec)
    monkeypatch.setattr("backtrace.tape.chunks.FEWEST", 16)
    monkeypatch.setattr("backtrace.tape.chunks.MOST", 16)
    chunked = train(spec)
    for id, value in whole.state.values.items():
        assert np.allclose(chunked.state.values[id], value, rtol=1e-12, atol=1e-15)
    assert any(
        chunked.state.values[id].tobytes() != value.tobytes()
        for id, value in whole.state.values.items()
    )  # or it was never worked in chunks


def test_the_sums_do_not_depend_on_the_processors(monkeypatch, small_chunks):
    spec = exercise([3, 4, 2], ["tanh", "sigmoid"], n=41, epochs=3)
    found = []
    for processors in (1, 2, 3, 16):
        monkeypatch.setattr("backtrace.tape.training.batches._processors", lambda n=processors: n)
        found.append(train(spec).state.values)
    for other in found[1:]:
        assert_same_bits(found[0], other)


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_large_batches_are_the_same_every_time(kind):
    # Products large enough for BLAS to share them among threads, if it were let.
    spec = exercise(
        [300, 10, 4],
        ["relu", "softmax"],
        loss="cross_entropy",
        n=6000,
        arithmetic=Arithmetic(kind),
        epochs=3,
    )
    assert len(Engine(spec, starting_state(spec))._update(6000).batch.lanes) > 1
    found = [train(spec).state.values for _ in range(2)]
    for other in found[1:]:
        assert_same_bits(found[0], other)
    assert_same_bits(found[0], left(spec, trace(spec)))


def test_a_sum_of_chunks_that_overflows_is_only_infinite(small_chunks):
    # (1e154)² is 1e308, finite in each of two chunks; their sum is beyond 1.8e308.
    spec = backtrace.loads(
        """
        layers: [{activation: linear, weights: [[1]], bias: none}]
        inputs: [[1e154], [0], [1e154]]
        targets: [[0], [0], [0]]
        loss: sse
        """
    )
    assert trace(spec)["loss"].value == np.inf  # and no warning, which pytest makes an error


def test_lanes_take_every_sample_once_in_order():
    for samples in range(3, 200):
        lanes = chunking.lanes_of(2, samples)
        spans = [span for lane in lanes for span in lane]
        ends = [0, *(end for _, end in spans)]
        assert [start for start, _ in spans] == ends[:-1]
        assert ends[-1] == samples
        assert 1 < len(lanes) <= chunking.LANES


def test_data_that_are_all_ones_are_data():
    # A batch of ones is no constant: the next batch has others.
    text = """
    layers: [{activation: linear, weights: [[1, 0]], bias: none}]
    inputs: [[1], [2]]
    targets: [[1, 0], [0, 1]]
    loss: hinge
    learning_rate: 0.1
    updates: online
    epochs: 3
    """
    assert_trained_as_traced(backtrace.loads(text))
    ones = backtrace.loads(
        text.replace("[[1, 0], [0, 1]]", "[[1], [1]]")
        .replace("[[1, 0]]", "[[1]]")
        .replace("hinge", "half_sse")
        .replace("[[1], [2]]", "[[1], [3]]")
    )
    assert_trained_as_traced(ones)


@pytest.mark.parametrize("seed", range(4))
def test_what_is_left_out_of_a_loop_leaves_the_order_in_memory(seed):
    """δ = da ⊙ 1 is not worked, though it stands in memory by rows and da by columns: of the same
    numbers in another order BLAS may make other bits."""
    columns = Conventions(layout="columns", weights="in_out")
    spec = exercise(
        [1, 2], ["linear"], biases="none", loss="mae", n=3, seed=seed, conventions=columns, epochs=3
    )
    assert_trained_as_traced(spec)


# --- what a training says


def test_losses_are_before_each_epoch_and_at_the_end():
    spec = replace(backtrace.load("xor"), epochs=3)
    done = train(spec)
    traced = trace(spec)
    before = [float(traced[f"loss@{epoch}"].value) for epoch in (1, 2, 3)]
    after = float(traced["loss_after@3"].value)
    assert [record.training.loss for record in done.records] == [*before, after]
    assert [record.epoch for record in done.records] == [0, 1, 2, 3]
    assert done.ended == "epochs"


def test_batches_are_measured_over_all_samples():
    # One unit w = 1 without bias, inputs 1 and 3, targets 0: loss ½Σ(wx)² = ½(1 + 9) = 5 before
    # the first of the two updates; w − 0.1·1·1 = 0.9, then 0.9 − 0.1·2.7·3 = 0.09; ½·0.0081·10.
    text = """
    layers: [{activation: linear, weights: [[1]], bias: none}]
    inputs: [[1], [3]]
    targets: [[0], [0]]
    loss: half_sse
    learning_rate: 0.1
    updates: online
    """
    done = train(backtrace.loads(text))
    assert [r.training.loss for r in done.records] == pytest.approx([5, 0.0405], rel=1e-12)
    assert done.state.values["W1"] == pytest.approx(0.09, rel=1e-12)


def test_shuffled_batches_follow_the_seed():
    spec = exercise([2, 3, 1], ["tanh", "linear"], n=9, batch_size=2, shuffle=True, epochs=3)
    one, same = (train(replace(spec, seed=1)).state.values for _ in range(2))
    assert_same_bits(one, same)
    other = train(replace(spec, seed=2)).state.values
    assert other["W1"].tobytes() != one["W1"].tobytes()
    orders = [tuple(trace(spec)["a0@1.1"].parameters["order"]), trace(spec)["a0@2.1"]]
    assert orders[0] != orders[1].parameters["order"]


@pytest.mark.parametrize(
    ("epoch", "expected"), [(1, [7, 5, 8, 6, 2, 3, 1, 4, 9]), (2, [6, 9, 5, 1, 3, 4, 2, 7, 8])]
)
def test_the_order_of_a_seed_and_an_epoch_stays_what_it_is(epoch, expected):
    """A saved training is taken up again in the order in which it would have gone on."""
    spec = exercise([2, 1], ["linear"], n=9, batch_size=4, shuffle=True, epochs=2)
    assert (np.random.default_rng([4, epoch]).permutation(9) + 1).tolist() == expected
    batches = [
        step.parameters["order"]
        for step in trace(replace(spec, seed=4))
        if step.id == "a0" and step.epoch == epoch
    ]
    assert batches == [expected[:4], expected[4:8], expected[8:]]


def test_every_sample_is_taken_once_in_an_epoch():
    spec = exercise([2, 1], ["linear"], n=9, batch_size=2, shuffle=True, epochs=1)
    taken = [s for step in trace(spec) if step.id == "a0" for s in step.parameters["order"]]
    assert sorted(taken) == list(range(1, 10))


def test_a_training_stops_at_a_loss():
    spec = replace(backtrace.load("xor"), epochs=5000, stop=Stop(loss=Number(0.05, "0.05")))
    done = train(spec)
    losses = [record.training.loss for record in done.records]
    assert done.ended == "loss"
    assert losses[-1] <= 0.05 < losses[-2]
    assert done.state.epoch == len(losses) - 1
    assert_same_bits(done.state.values, train(replace(spec, epochs=done.state.epoch)).state.values)


def overfitting():
    """Few noisy samples and many units: the held-out loss falls and then rises."""
    random = np.random.default_rng(3)
    spec = exercise([1, 12, 1], ["tanh", "linear"], n=24, epochs=3000)
    x = np.sort(random.uniform(-2, 2, (24, 1)), axis=0)
    y = np.sin(2 * x) + random.normal(scale=0.4, size=(24, 1))
    matrix = type(spec.inputs)
    from backtrace.spec.model import Validation

    held = Validation(matrix(x[1::2]), matrix(y[1::2]))
    return replace(spec, inputs=matrix(x[::2]), targets=matrix(y[::2]), validation=held)


def test_the_best_epoch_is_kept_and_patience_ends_the_training():
    spec = replace(overfitting(), stop=Stop(patience=50))
    done = train(spec)
    losses = [record.validation.loss for record in done.records]
    best = int(np.argmin(losses))
    assert done.ended == "patience"
    assert done.state.epoch == best
    assert len(losses) - 1 == best + 50
    assert done.kept == done.records[best]
    until_best = train(replace(spec, epochs=best, stop=Stop()))
    assert_same_bits(done.state.values, until_best.state.values)


def test_the_last_epoch_is_kept_where_nothing_is_held_out():
    done = train(replace(backtrace.load("or-gate"), epochs=7))
    assert done.state.epoch == 7


@pytest.mark.parametrize("kind", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("arithmetic", ["float64", "float32"])
def test_a_training_taken_up_again_is_an_unbroken_one(kind, arithmetic):
    spec = replace(
        overfitting(),
        epochs=40,
        optimizer=Optimizer(kind, Number(0.01, "0.01"), dict(OPTIMIZERS[kind].constants)),
        schedule=Schedule("exponential", SCHEDULED["exponential"]),
        arithmetic=Arithmetic(arithmetic),
        batch_size=5,
        shuffle=True,
        seed=4,
    )
    whole = train(spec)
    for stop in (0, 1, 17, 39):
        part = train(replace(spec, epochs=stop))
        again = train(spec, part.progress)
        assert again.records == whole.records
        assert again.ended == whole.ended
        assert_same_bits(again.state.values, whole.state.values)
        assert_same_bits(again.progress.last.values, whole.progress.last.values)


def test_an_interrupted_training_stands_where_its_epoch_began():
    spec = replace(backtrace.load("xor"), epochs=20)

    def interrupt(record, progress):
        if record.epoch == 5:
            raise KeyboardInterrupt
        return False

    done = train(spec, watch=interrupt)
    assert done.ended == "interrupted"
    assert done.progress.last.epoch == 5
    again = train(spec, done.progress)
    assert_same_bits(again.state.values, train(spec).state.values)
    assert again.records == train(spec).records


INTERRUPTED = {
    "floats": {},
    "updated weights": {"backpropagate_through": "updated"},
    "a penalty": {"regularization": Regularization(l2=Number(0.2, "0.2"))},
}


@pytest.mark.parametrize("kind", INTERRUPTED)
@pytest.mark.parametrize("behind", [0, 3])
def test_a_training_given_up_half_way_has_a_record_of_where_it_stands(monkeypatch, kind, behind):
    spec = held_out(replace(backtrace.load("xor"), **INTERRUPTED[kind]), 4)
    worker = Engine
    work = worker.epoch

    def half(self):
        measured = work(self)
        if self.number > behind:  # with values that are no epoch's any more
            raise KeyboardInterrupt
        return measured

    expected = train(replace(spec, epochs=behind))
    monkeypatch.setattr(worker, "epoch", half)
    done = train(replace(spec, epochs=20))
    assert (done.ended, done.progress.last.epoch) == ("interrupted", behind)
    assert done.records == expected.records
    assert done.kept == expected.records[expected.state.epoch]
    assert_same_bits(done.state.values, expected.state.values)


@pytest.mark.parametrize("kind", INTERRUPTED)
def test_interrupted_before_the_first_epoch_it_stands_at_the_start(monkeypatch, kind):
    spec = held_out(replace(backtrace.load("xor"), **INTERRUPTED[kind]), 4)
    worker = Engine
    as_it_is = worker.measuring

    def measuring(self, samples):
        monkeypatch.setattr(worker, "measuring", as_it_is)  # only the first time

        def interrupted():
            raise KeyboardInterrupt

        return interrupted

    monkeypatch.setattr(worker, "measuring", measuring)
    done = train(replace(spec, epochs=20))
    monkeypatch.undo()
    assert done.records == train(replace(spec, epochs=0)).records
    assert_same_bits(done.state.values, starting_state(spec).values)


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_the_outputs_are_those_of_the_held_out_samples_where_there_are_any(layout):
    weights = "[[0.5], [2]]" if layout == "rows" else "[[0.5, 2]]"
    inputs = "[[1, 2], [3, 4], [5, 6]]" if layout == "rows" else "[[1, 3, 5], [2, 4, 6]]"
    spec = backtrace.loads(
        f"layers: [{{activation: linear, weights: {weights}, bias: 1}}]\ninputs: {inputs}\n"
        f"conventions: {{layout: {layout}}}\n"
    )
    # 0.5·x1 + 2·x2 + 1
    assert outputs(spec, starting_state(spec)).tolist() == [[5.5], [10.5], [15.5]]
    assert outputs(held_out(spec, 2), starting_state(spec)).tolist() == [[10.5]]


def test_an_epoch_can_be_traced_from_the_state_before_it():
    spec = replace(backtrace.load("adam"), epochs=6)
    state = train(replace(spec, epochs=4)).state
    traced, whole = traced_epoch(spec, state), trace(spec)
    for step in traced:
        assert step.epoch == 5
        expected = whole[f"{step.id}@5.{step.batch}"]
        assert np.array_equal(step.value, expected.value)


def test_divergence_is_found_where_it_began():
    # One weight, x = 1, target 0, loss w²: w ← w − 2·η·w = −1e154·w or so with η = 1e154/2, so
    # that w is −1e154, its square 1e308 and twice that again 1e308·1e154: not finite.
    text = """
    layers: [{activation: linear, weights: [[1]], bias: none}]
    inputs: [[1]]
    targets: [[0]]
    loss: mse
    learning_rate: 0.5e154
    epochs: 10
    """
    done = train(backtrace.loads(text))
    # after epoch 1: w = 1 − 1e154; its loss 1e308 is finite, dW = −2e154, η·dW = 1e308, w finite;
    # after epoch 2: w = 1e308 or so, and its square, the loss after the update, is the first that
    # is not finite.
    assert done.ended == "diverged"
    assert (done.divergence.epoch, done.divergence.id) == (2, "loss_after")
    assert np.isfinite(done.state.values["W1"]).all()


def test_a_loss_that_climbs_is_said():
    text = """
    layers: [{activation: linear, weights: [[1]], bias: none}]
    inputs: [[1]]
    targets: [[0]]
    loss: half_sse
    learning_rate: 2.5
    epochs: 30
    """
    done = train(backtrace.loads(text))  # w ← −1.5·w: the loss is 2.25 times as large every time
    assert done.ended == "epochs"
    assert done.divergence.epoch == 1
    assert not done.divergence.id
    assert train(replace(backtrace.loads(text), epochs=5)).divergence is None


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("loss: mse\ntargets: 1", "learning_rate"),
        ("", "loss"),
        ("learning_rate: 1\nloss: mse\ntargets: 1\nfreeze: [W1]", "freeze"),
    ],
)
def test_what_cannot_be_trained_is_said_in_words(text, word):
    network = "layers: [{activation: linear, weights: [[1]], bias: none}]\ninputs: [[1]]\n"
    with pytest.raises(TapeError, match=word):
        train(backtrace.loads(network + text))


def test_units_without_a_derivative_are_refused():
    text = "layers: [{activation: step, weights: [[1]], bias: none}]\ninputs: [[1]]\ntargets: 1\n"
    spec = replace(backtrace.loads(text + "loss: mse"), optimizer=SGD)
    with pytest.raises(TapeError, match="step"):
        train(spec)


def test_fractions_are_trained_exactly():
    # w ← w − ½·(w·1 − 0)·1 = w/2, three times from 1: 1/8, and the loss ½w² = 1/128.
    text = """
    layers: [{activation: linear, weights: [[1]], bias: none}]
    inputs: [[1]]
    targets: [[0]]
    loss: half_sse
    learning_rate: 1/2
    epochs: 3
    arithmetic: exact
    """
    done = train(backtrace.loads(text))
    assert str(done.state.values["W1"][0, 0]) == "1/8"
    assert done.records[-1].training.loss == 1 / 128


def test_fractions_beyond_the_floats_are_a_divergence():
    # w ← w − 10·2w = −19·w: its square is beyond 1.8e308 after some 120 epochs.
    text = """
    layers: [{activation: linear, weights: [[1]], bias: none}]
    inputs: [[1]]
    targets: [[0]]
    loss: mse
    learning_rate: 10
    epochs: 400
    arithmetic: exact
    """
    done = train(backtrace.loads(text))
    assert done.ended == "diverged"
    assert done.divergence.id in ("loss_terms", "loss_after")
    assert 110 < done.divergence.epoch < 130


def test_every_schedule_is_trained():
    assert set(SCHEDULED) == set(SCHEDULES)


def test_an_explosion_is_said_however_short_and_whatever_its_way():
    # momentum on inputs of the size of 255: the loss grows by many decades an epoch
    text = """
    layers: [{activation: linear, weights: [[0.5], [-0.5]], bias: 0}]
    inputs: [[255, 128], [64, 32]]
    targets: [[1], [2]]
    loss: mse
    optimizer: {name: momentum, learning_rate: 0.01}
    epochs: 5
    """
    done = train(backtrace.loads(text))
    assert done.ended == "epochs"
    assert done.records[-1].training.loss > 1e9 * done.records[0].training.loss
    assert done.divergence.epoch == 1


def test_a_falling_loss_and_a_zigzag_are_no_explosion():
    done = train(replace(backtrace.load("xor"), epochs=50))
    assert done.divergence is None
    # w ← −0.9·w: the loss ½w² falls to 0.81 of itself every time
    zigzag = """
    layers: [{activation: linear, weights: [[1]], bias: none}]
    inputs: [[1]]
    targets: [[0]]
    loss: half_sse
    learning_rate: 1.9
    epochs: 30
    """
    assert train(backtrace.loads(zigzag)).divergence is None


def test_outputs_are_those_of_the_trace_some_samples_at_a_time(small_chunks):
    from backtrace.tape.training import outputs

    for layout in CONVENTIONS[:1] + CONVENTIONS[-1:]:
        spec = exercise([3, 4, 2], ["tanh", "sigmoid"], n=7, conventions=layout)
        found = outputs(spec, starting_state(spec))
        expected = trace(spec)["a2"].value
        expected = expected if layout.layout == "rows" else expected.T
        assert found.shape == (7, 2)
        assert np.allclose(found, expected, rtol=1e-14)
