"""What a spec says of itself: its batches, its samples, what its training keeps."""

import numpy as np
import pytest
from msgspec.structs import replace

import backtrace
from backtrace.spec.model import Matrix, Stop, Validation

VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0], [10.0, 11.0, 12.0]])
TEXTS = tuple(tuple(f"{x:g}/1" for x in row) for row in VALUES.tolist())


def turned(texts):
    return tuple(zip(*texts, strict=True))


@pytest.mark.parametrize(
    ("which", "places"),
    [
        (slice(1, 3), [1, 2]),
        (np.array([True, False, False, True]), [0, 3]),
        (np.array([3, 0, 2]), [3, 0, 2]),
    ],
)
def test_samples_are_taken_with_their_texts(which, places):
    rows, texts = VALUES[places], tuple(TEXTS[place] for place in places)
    taken = Matrix(VALUES, TEXTS).samples(which, "rows")
    assert (taken.values.tolist(), taken.written) == (rows.tolist(), texts)
    taken = Matrix(VALUES.T, turned(TEXTS)).samples(which, "columns")
    assert (taken.values.tolist(), taken.written) == (rows.T.tolist(), turned(texts))
    assert Matrix(VALUES).samples(which, "rows").written is None


def seven(size):
    text = """
    layers: [{activation: linear, weights: [[1]], bias: none}]
    inputs: [[1], [2], [3], [4], [5], [6], [7]]
    """
    return replace(backtrace.loads(text), batch_size=size)


@pytest.mark.parametrize(
    ("size", "parts"),
    [(None, [7]), (7, [7]), (1, [1] * 7), (2, [2, 2, 2, 1]), (3, [3, 3, 1]), (6, [6, 1])],
)
def test_batches_take_all_samples_and_the_last_what_is_left(size, parts):
    spec = seven(size)
    assert spec.batches == len(parts)
    assert [spec.batch_samples(batch) for batch in range(1, spec.batches + 1)] == parts


def test_held_out_samples_are_counted_along_their_axis():
    assert seven(None).held_out_samples == 0
    held = Validation(Matrix(VALUES))
    spec = replace(seven(None), validation=held)
    assert spec.held_out_samples == 4
    columns = replace(spec.conventions, layout="columns")
    assert replace(spec, conventions=columns).held_out_samples == 3


def test_the_best_epoch_is_kept_where_something_judges_it():
    spec = seven(None)
    assert not spec.keeps_best
    assert replace(spec, validation=Validation(Matrix(VALUES))).keeps_best
    assert replace(spec, stop=Stop(patience=3)).keeps_best


def test_a_training_may_be_longer_than_what_is_traced():
    spec = replace(seven(None), epochs=2)
    assert spec.epochs_of_training == 2
    assert replace(spec, training_epochs=500).epochs_of_training == 500
