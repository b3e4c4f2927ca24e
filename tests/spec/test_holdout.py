"""Samples held out of the data: which they are, what is left, and what is said about the rest."""

import re
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

from backtrace.spec.model import Stop, Validation
from backtrace.spec.read.holdout import held_out
from backtrace.tape.loading import loads
from tests.spec.specs import only_problem, problems_of

LAYERS = "layers:\n  - {activation: sigmoid, weights: [[1, 2], [3, 4]], bias: none}\n"
TEN = "".join(f"  - [{sample}, {sample / 10}]\n" for sample in range(1, 11))
CLASSES = "".join(f"  - [{sample % 2}, {1 - sample % 2}]\n" for sample in range(1, 11))
DATA = f"inputs:\n{TEN}targets:\n{CLASSES}"
SPEC = f"{LAYERS}{DATA}loss: cross_entropy\nlearning_rate: 0.1\n"
FIRST = SPEC.count("\n") + 1  # the line of what a test adds
TURNED = (
    LAYERS
    + f"inputs: [{list(range(1, 11))}, {[sample / 10 for sample in range(1, 11)]}]\n"
    + f"targets: [{[sample % 2 for sample in range(1, 11)]}, {[0, 1] * 5}]\n"
    + "loss: cross_entropy\nlearning_rate: 0.1\nconventions: {layout: columns}\n"
)


def numbers(matrix):
    """The samples of inputs that were made here: their first feature is their number."""
    return [int(number) for number in matrix.values[:, 0]]


@pytest.mark.parametrize(
    ("written", "out"),
    [
        ("every: 5", [5, 10]),
        ("every: 3", [3, 6, 9]),
        ("every: 10", [10]),
        ("every: 2", [2, 4, 6, 8, 10]),
        ("rows: 8..10", [8, 9, 10]),
        ("rows: [1, 9]", list(range(1, 10))),
        ("rows: 7", [7]),
    ],
)
def test_a_part_of_the_data_is_taken_out_of_it(written, out):
    spec = loads(SPEC + f"validation: {{{written}}}\n")
    left = [sample for sample in range(1, 11) if sample not in out]
    held = spec.validation
    assert (numbers(held.inputs), numbers(spec.inputs)) == (out, left)
    assert spec.samples == len(left)
    assert held.targets.values.tolist() == [[n % 2, 1 - n % 2] for n in out]
    assert spec.targets.values.tolist() == [[n % 2, 1 - n % 2] for n in left]
    assert held.inputs.written[0] == (str(out[0]), str(out[0] / 10))
    assert len(spec.inputs.written) == len(left)


def test_a_sample_may_be_a_column():
    spec = loads(TURNED + "validation: {every: 5}\n")
    assert spec.validation.inputs.values.tolist() == [[5, 10], [0.5, 1.0]]
    assert spec.validation.targets.values.tolist() == [[1, 0], [0, 1]]
    assert spec.validation.inputs.written == (("5", "10"), ("0.5", "1.0"))
    assert (spec.inputs.shape, spec.targets.shape, spec.samples) == ((2, 8), (2, 8), 8)
    assert spec.inputs.values[0].tolist() == [1, 2, 3, 4, 6, 7, 8, 9]
    assert spec.targets.written[0] == ("1", "0", "1", "0", "0", "1", "0", "1")


@pytest.mark.parametrize(
    ("share", "size"), [("0.2", 2), ("1/3", 3), ("0.25", 3), ("0.94", 9), ("0.05", 1)]
)
def test_a_share_is_rounded_to_the_nearest_number_of_samples(share, size):
    spec = loads(SPEC + f"validation: {{share: {share}}}\n")
    out, left = numbers(spec.validation.inputs), numbers(spec.inputs)
    assert len(out) == size == int(Fraction(share) * 10 + Fraction(1, 2))
    assert sorted(out + left) == list(range(1, 11))
    assert out == sorted(out)


def test_a_share_is_drawn_by_the_seed():
    drawn = {
        seed: numbers(loads(SPEC + f"validation: {{share: 0.3}}\n{seed}").validation.inputs)
        for seed in ("", "seed: 0\n", "seed: 1\n", "seed: 2\n", "seed: 3\n")
    }
    assert drawn[""] == drawn["seed: 0\n"]
    again = loads(SPEC + "seed: 1\nvalidation: {share: 0.3}\n").validation
    assert numbers(again.inputs) == drawn["seed: 1\n"]
    assert len({tuple(out) for out in drawn.values()}) > 2
    assert any(out != [8, 9, 10] for out in drawn.values())


def test_samples_of_their_own_leave_the_data_whole():
    spec = loads(
        SPEC
        + "validation: {inputs: [[1, 2], [3, 4], [1/3, 6]], targets: [[1, 0]]}\n".replace(
            "[[1, 0]]", "[[1, 0], [0, 1], [0.5, 0.5]]"
        )
    )
    assert spec.samples == 10
    assert spec.validation.inputs.written[2] == ("1/3", "6")
    assert spec.validation.targets.values.tolist() == [[1, 0], [0, 1], [0.5, 0.5]]


def test_a_list_is_a_sample_where_it_has_the_features_and_a_feature_where_there_is_one():
    own = "validation: {inputs: [1, 2], targets: [0, 1]}\n"
    assert loads(SPEC + own).validation.inputs.shape == (1, 2)
    narrow = "layers:\n  - {activation: linear, weights: [[2]], bias: none}\n"
    narrow += "inputs: [[1], [2], [3]]\ntargets: [1, 2, 3]\nloss: mse\nlearning_rate: 1\n"
    assert loads(narrow + own).validation.inputs.shape == (2, 1)
    assert loads(narrow + own).validation.targets.shape == (2, 1)


def test_files_hold_a_sample_a_row_also_where_it_is_a_column(tmp_path):
    np.save(tmp_path / "x.npy", np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    (tmp_path / "y.csv").write_text("0\n1\n1\n")
    own = "validation: {inputs: {file: x.npy, scale: 1/2}, targets: {file: y.csv, one_hot: 2}}\n"
    assert loads(SPEC + own, folder=tmp_path).validation.targets.values.tolist() == [
        [1, 0],
        [0, 1],
        [0, 1],
    ]
    turned = loads(TURNED + own, folder=tmp_path).validation
    assert turned.inputs.values.tolist() == [[0.5, 1.5, 2.5], [1, 2, 3]]
    assert turned.targets.values.tolist() == [[1, 0, 0], [0, 1, 1]]


def test_a_part_of_a_file_is_held_out_and_its_numbers_stay_as_they_are(tmp_path):
    values = np.random.default_rng(3).normal(size=(100, 2))
    np.savez(tmp_path / "d.npz", inputs=values, y=np.arange(100) % 2)
    text = LAYERS + "inputs: {file: d.npz, array: inputs}\nloss: mse\nlearning_rate: 1\n"
    text += "targets: {file: d.npz, array: y, one_hot: 2}\nvalidation: {every: 4}\n"
    spec = loads(text, folder=tmp_path)
    kept = np.arange(100) % 4 != 3
    np.testing.assert_array_equal(spec.inputs.values, values[kept])
    np.testing.assert_array_equal(spec.validation.inputs.values, values[~kept])
    assert spec.inputs.written is None


def test_no_second_copy_of_the_data_stays(tmp_path):
    values = np.random.default_rng(3).normal(size=(4_000, 200))
    np.save(tmp_path / "x.npy", values)
    columns = ", ".join(["[1, 2]"] * 200)
    text = f"layers:\n  - {{activation: sigmoid, weights: [{columns}], bias: none}}\n"
    text += "inputs: {file: x.npy}\nloss: output\nlearning_rate: 1\nvalidation: {every: 5}\n"
    loads(text, folder=tmp_path)  # once before, so that what is imported does not count
    tracemalloc.start()
    spec = loads(text, folder=tmp_path)
    left, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spec.inputs.values.nbytes + spec.validation.inputs.values.nbytes == values.nbytes
    assert left < 1.1 * values.nbytes
    assert peak < 2.2 * values.nbytes  # what is read grows an eighth ahead of itself


@pytest.mark.parametrize("arithmetic", ["float32", "float64"])
def test_held_out_data_have_the_type_of_the_others(tmp_path, arithmetic):
    np.save(tmp_path / "x.npy", np.full((5, 2), 0.1))
    text = f"{LAYERS}inputs: {{file: x.npy}}\nloss: output\nlearning_rate: 1\n"
    text += f"arithmetic: {arithmetic}\n"
    for own in ("{every: 2}", "{inputs: {file: x.npy}}"):
        spec = loads(f"{text}validation: {own}\n", folder=tmp_path)
        assert spec.inputs.values.dtype == spec.validation.inputs.values.dtype


def test_a_loss_without_targets_needs_none_of_the_held_out_samples_either():
    text = LAYERS + "inputs: [[1, 2], [3, 4]]\nloss: output\nlearning_rate: 1\n"
    assert loads(text + "validation: {inputs: [[1, 2]]}\n").validation.targets is None
    spec = loads(text + "validation: {every: 2}\n")
    assert (spec.targets, spec.validation.targets, spec.samples) == (None, None, 1)


@pytest.mark.parametrize(
    ("written", "column", "found", "expected"),
    [
        ("0.2", 13, '"0.2" for `validation`', "{share: 0.2}"),
        ("[1, 2]", 13, "a list for `validation`", "{rows: 81..100}"),
        ("{}", 13, "`validation` without a key", "{every: 5}"),
        ("{evry: 5}", 14, '"evry" in `validation`', "a meaning"),
        ("{every: 1}", 21, "1", "from 2 up"),
        ("{every: 2.5}", 21, "2.5", "from 2 up"),
        ("{every: 11}", 21, "0 of 10 samples held out", "on each side"),
        ("{share: 20}", 21, "20", "above 0 and below 1"),
        ("{share: 0}", 21, "0", "above 0 and below 1"),
        ("{share: 0.04}", 21, "0 of 10 samples held out", "on each side"),
        ("{share: 0.96}", 21, "10 of 10 samples held out", "on each side"),
        ("{rows: 9..11}", 20, "row 11 of 10", "rows up to 10"),
        ("{rows: 11}", 20, "row 11 of 10", "rows up to 10"),
        ("{rows: 1..10}", 20, "10 of 10 samples held out", "on each side"),
        ("{rows: 5..4}", 20, "5 to 4", "the smaller end first"),
        ("{rows: last}", 20, '"last"', "a whole number"),
        ("{every: 2, share: 0.2}", 24, "`share` beside `every`", "one of the two"),
        ("{targets: [[1, 0]]}", 14, "`targets` without `inputs`", "both"),
        ("{every: 5, targets: [[1, 0]]}", 24, "`targets` without `inputs`", "both"),
        ("{inputs: [[1, 2]]}", 14, "the loss `cross_entropy` without `targets`", "`targets:`"),
        (
            "{inputs: [1, 2, 3], targets: [1, 0]}",
            22,
            "a list of 3 numbers",
            "a row of 2 numbers",
        ),
        ("{inputs: [[1, 2]], targets: [[1]]}", 41, "a 1 × 1 matrix", "a row of 2 numbers"),
        (
            "{inputs: [[1, 2]], targets: [[1, 0], [1, 0]]}",
            41,
            "a 2 × 2 matrix",
            "each of 1 sample",
        ),
        ("{inputs: [[1, x]], targets: [[1, 0]]}", 27, '"x"', "a number"),
        ("{inputs: [[1, 2]], targets: [[1, 1]]}", 43, "which add up to 2", "1, for"),
        ("{inputs: [[1, 2]], targets: [[2, -1]]}", 43, "the target 2", "0 to 1"),
        ("{inputs: {file: x.csv}, targets: [[1, 0]]}", 29, "no such file", "a file that exists"),
    ],
)
def test_what_can_not_be_held_out(written, column, found, expected):
    text = SPEC + f"validation: {written}\n"
    problem = problems_of(text)[0]
    assert (problem.line, problem.column) == (FIRST, column), problem
    assert found in problem.found
    assert expected in problem.expected
    assert len(problems_of(text)) == (2 if "2, -1" in written else 1)


def test_held_out_targets_where_the_loss_has_none():
    text = LAYERS + "inputs: [[1, 2]]\nloss: output\nlearning_rate: 1\n"
    problem = only_problem(text + "validation: {inputs: [[1, 2]], targets: [[1, 2]]}\n")
    assert (problem.line, problem.column) == (6, 32)
    assert "`targets` beside the loss `output`" in problem.found


@pytest.mark.parametrize("own", ["{every: 2}", "{inputs: [[1, 2]], targets: [[1, 0]]}"])
def test_only_a_training_holds_samples_out(own):
    forward = LAYERS + "inputs: [[1, 2], [3, 4]]\n"
    without = "`validation` without "
    assert without + "a `loss`" in only_problem(forward + f"validation: {own}\n").found
    measured = forward + f"targets: [[1, 0], [0, 1]]\nloss: mse\nvalidation: {own}\n"
    assert without + "`learning_rate`" in only_problem(measured).found
    above = forward + f"loss: {{upstream: [[1, 1], [1, 1]]}}\nvalidation: {own}\n"
    assert "beside `upstream`" in only_problem(above).found


def test_a_batch_is_of_the_samples_that_are_left():
    problem = only_problem(SPEC + "validation: {every: 5}\nupdates: {batch_size: 9}\n")
    assert "a batch of 9 for 8 samples" in problem.found
    assert loads(SPEC + "validation: {every: 5}\nupdates: {batch_size: 8}\n").batch_size == 8


def test_all_problems_of_the_held_out_samples_are_listed_with_those_of_the_data():
    text = SPEC.replace("[3, 0.3]", "[3, x]") + "validation: {inputs: [[u, 2]], targets: z}\n"
    assert [problem.found for problem in problems_of(text)] == ['"x"', '"u"', '"z"']


# For the command line


def test_every_kth_sample_of_a_spec_that_is_built():
    spec = held_out(loads(SPEC), 5)
    said = loads(SPEC + "validation: {every: 5}\n")
    for one, other in ((spec, said), (spec.validation, said.validation)):
        np.testing.assert_array_equal(one.inputs.values, other.inputs.values)
        np.testing.assert_array_equal(one.targets.values, other.targets.values)
        assert one.inputs.written == other.inputs.written
    assert numbers(loads(SPEC).inputs) == list(range(1, 11))


def test_the_spec_that_samples_are_taken_from_stays_whole():
    whole = loads(SPEC)
    held_out(whole, 2).inputs.values[0, 0] = 99
    assert numbers(whole.inputs) == list(range(1, 11))
    assert whole.validation is None


@pytest.mark.parametrize(
    ("every", "words"),
    [
        (1, "10 of 10 samples held out; expected at least one on each side"),
        (0, "10 of 10 samples held out; expected at least one on each side"),
        (11, "0 of 10 samples held out; expected at least one on each side"),
    ],
)
def test_every_kth_sample_that_does_not_exist(every, words):
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        held_out(loads(SPEC), every)


def test_samples_are_not_held_out_twice_nor_without_a_loss_by_name():
    with pytest.raises(ValueError, match="holds out samples by itself"):
        held_out(loads(SPEC + "validation: {every: 5}\n"), 5)
    above = LAYERS + "inputs: [[1, 2], [3, 4]]\nloss: {upstream: [[1, 1], [1, 1]]}\n"
    with pytest.raises(ValueError, match="given from above"):
        held_out(loads(above), 2)


def test_without_the_key_nothing_is_held_out():
    spec = loads(SPEC)
    assert (spec.validation, spec.stop, spec.training_epochs) == (None, Stop(), None)
    assert isinstance(loads(SPEC + "validation: {every: 5}\n").validation, Validation)
