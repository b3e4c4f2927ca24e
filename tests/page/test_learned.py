"""What was learned, in pictures: surfaces, what units look for, the misread ones."""

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.cli.training.snapshots import MOST, Snapshots
from backtrace.page.training.learned import MOST_MISREAD, has_surface, learned, stages, surface
from backtrace.tape.training import (
    Measured,
    Progress,
    Record,
    State,
    outputs,
    starting_state,
    train,
)

LINE = """
title: A line
layers:
  - {activation: linear, weights: [[1], [2]], bias: -1}
inputs: [[0, 0], [1, 0], [0, 1], [1, 1]]
targets: [[-1], [0], [1], [2]]
loss: mse
learning_rate: 0.1
"""
COLUMNS = """
title: A line
conventions: {layout: columns}
layers:
  - {activation: linear, weights: [[1, 2]], bias: -1}
inputs: [[0, 1, 0, 1], [0, 0, 1, 1]]
targets: [[-1, 0, 1, 2]]
loss: mse
learning_rate: 0.1
"""
IMAGES = """
title: Four pixels a side
layers:
  - activation: relu
    weights: {weights}
    bias: none
  - {{activation: softmax, weights: [[1, -1], [-1, 1]], bias: none}}
inputs: {inputs}
targets: [[1, 0], [0, 1], [1, 0]]
loss: cross_entropy
learning_rate: 0.1
"""


def trained(text, **changes):
    spec = msgspec.structs.replace(backtrace.loads(text), **changes)
    states = {}

    def watch(record, progress):
        states[record.epoch] = progress().last
        return False

    return spec, train(spec, None, watch), states


@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_surface_is_what_the_network_says(layout):
    spec = backtrace.loads(LINE if layout == "rows" else COLUMNS)
    found = surface(spec, starting_state(spec))
    # x₁ + 2x₂ − 1 over −0.15 … 1.15 each way, x₂ upwards, between the targets −1 and 2
    places = np.linspace(-0.15, 1.15, 20)
    expected = np.array([[x + 2 * y - 1 for x in places] for y in places[::-1]])
    assert found == pytest.approx(np.clip((expected + 1) / 3, 0, 1))


def test_the_stages_are_thirds_of_the_way_down():
    spec, training, _ = trained(LINE, epochs=40)
    start = starting_state(spec)
    losses = [9.0, 8.5, 6.1, 5.9, 3.2, 2.0, 0.0]
    records = [Record(at, Measured(loss)) for at, loss in enumerate(losses)]
    every = {at: msgspec.structs.replace(start, epoch=at) for at in range(7)}
    ended = msgspec.structs.replace(training, records=tuple(records), state=every[6])
    # from 9 to 0: 6 is nearest to 6.1 (or 5.9, which comes later), 3 to 3.2
    assert [state.epoch for state in stages(ended, every)] == [0, 2, 4, 6]


def test_only_points_of_a_plane_have_a_surface():
    assert has_surface(backtrace.load("xor"))
    assert not has_surface(backtrace.load("delta-rule"))  # three inputs
    assert not has_surface(backtrace.load("circuit"))


def images(**changes):
    weights = [[0.0, 0.0] for _ in range(16)]
    weights[0], weights[5] = [1.0, 0.0], [-0.5, 2.0]
    pixels = [[float(at == lit) for at in range(16)] for lit in (0, 0, 5)]
    return backtrace.loads(IMAGES.format(weights=weights, inputs=pixels).replace("epochs: 0\n", ""))


def test_a_unit_looks_for_light_where_its_weights_are_above_zero():
    spec = images()
    shown = msgspec.structs.replace(train(spec), state=starting_state(spec))
    sections = {each.title: each.blocks[0] for each in learned(spec, shown, None, {})}
    first, second = sections["What each hidden unit looks for"].sketches
    # the largest weight is 2: 1 lies a quarter above the middle, −0.5 an eighth below it
    assert first.shades[0, 0] == 0.75
    assert first.shades[1, 1] == 0.375
    assert second.shades[1, 1] == 1
    assert np.count_nonzero(first.shades != 0.5) == 2


def test_the_misread_are_shown():
    spec = images()
    training = train(spec)
    # the first pixel lights unit 1 and is class 0, the sixth unit 2, class 1: samples 2, 3 are not
    said = outputs(spec, starting_state(spec))
    sections = {each.title: each.blocks[0] for each in learned(spec, training, said, {})}
    captions = [each.caption for each in sections["Misread"].sketches]
    assert captions == ["1 taken for 0", "0 taken for 1"]
    assert len(captions) <= MOST_MISREAD
    assert sections["Misread"].sketches[1].shades[1, 1] == 1


def test_a_diverged_training_shows_nothing():
    spec, training, states = trained(LINE, epochs=400)
    wild = msgspec.structs.replace(
        backtrace.loads(LINE.replace("0.1", "50").replace("[[1], [2]]", "[[3], [0]]")), epochs=400
    )
    assert list(learned(spec, training, None, states))
    ended = train(wild)
    assert ended.divergence is not None
    assert not list(learned(wild, ended, None, {0: starting_state(wild)}))


def test_snapshots_are_few_and_even():
    snapshots = Snapshots()
    for epoch in range(1001):
        state = State(epoch, {})
        snapshots.seen(Record(epoch, Measured(1.0)), lambda state=state: Progress((), state))
    kept = list(snapshots.states)
    assert len(kept) <= MOST
    assert kept[0] == 0
    assert set(np.diff(kept)) == {16}  # 1000 / 64, the next power of two
