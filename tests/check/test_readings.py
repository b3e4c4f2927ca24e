"""Sheets that mean something as a whole: transposed, new weights as the old, one sample alone."""

import pytest

import backtrace
from backtrace.check.judge.checker import Checker
from tests.check.generator import generate
from tests.check.grading import check
from tests.check.test_conventions import marked, tanh_sigmoid
from tests.check.typed import answers_of, marks, named, report
from tests.sampling import share

GOOD = {"right", "rounded"}


@pytest.mark.parametrize("name", ["row-wise-throughout", "transposed-gradients"])
def test_what_is_transposed_throughout_is_read_so_and_said_once(name):
    found = marked(name)
    assert {q.verdict for q in found.quantities} <= GOOD
    assert found.earned == found.possible == 71
    assert len(found.notes) == 1
    assert not any("transposed" in note for q in found.quantities for note in q.notes)


def test_one_matrix_transposed_is_a_mistake():
    found = marked("transposed-update")
    assert found.notes == ()
    assert [(q.name, q.mistakes) for q in found.quantities if q.verdict == "wrong"] == [
        ("W1_new", ("transposed",))
    ]


# z = X·W = [1 2 / 5 9], δ = [1 2 / 4 8], dW = Xᵀδ = [9 18 / 4 8], W - 0.1·dW = [0.1 0.2 / 2.6 4.2]
ONE_LAYER = """
layers: [{activation: linear, weights: [[1, 2], [3, 5]], bias: none}]
inputs: [[1, 0], [2, 1]]
targets: [[0, 0], [1, 1]]
loss: half_sse
learning_rate: 0.1
"""
TURNED = "dW1: [[9.00, 4.00], [18.00, 8.00]]"


def test_square_matrices_alone_tell_it_by_the_new_weights():
    found = Checker(backtrace.loads(ONE_LAYER))
    lines = f"z1: [[1, 2], [5, 9]]\n{TURNED}\nW1_new: [[0.10, 2.60], [0.20, 4.20]]"
    found = found.check(answers_of(found, lines))
    assert (found.earned, found.possible) == (12, 12)
    assert "written transposed" in found.notes[0]
    strict = Checker(backtrace.loads(ONE_LAYER), strict=True)
    assert strict.check(answers_of(strict, lines)).first_mistake.mistakes == ("transposed",)


def test_a_gradient_the_wrong_way_round_is_a_mistake_where_the_old_weights_are_not():
    """W - 0.1·dWᵀ = [0.1 1.6 / 1.2 4.2]"""
    assert report(ONE_LAYER, TURNED).first_mistake.mistakes == ("transposed",)
    lines = f"{TURNED}\nW1_new: [[0.10, 1.60], [1.20, 4.20]]"
    found = report(ONE_LAYER, lines)
    assert [(q.verdict, q.mistakes) for q in found.quantities] == [
        ("wrong", ("transposed",)),
        ("carried", ()),
    ]


def test_a_course_may_insist_on_its_layout():
    found = marked("transposed-gradients", strict=True)
    assert found.first_mistake.mistakes == ("transposed",)


# z = X·W = [0.1845 + 0.5523, 0.684 + 0.2247] = [0.7368, 0.9087], δ = z - [0, 1]; every line
# to two decimals: δ = [0.74, -0.09], dW = Xᵀδ = [1.11 -0.135 / 0.518 -0.063] and so on.
TWO_DECIMALS = """
layers: [{activation: linear, weights: [[0.123, 0.456], [0.789, 0.321]], bias: none}]
inputs: [[1.5, 0.7]]
targets: [[0, 1]]
loss: half_sse
learning_rate: 0.1
"""
FILLED_UP = {
    "z1": "[[0.740, 0.910]]",
    "loss": "0.280",
    "delta1": "[[0.740, -0.090]]",
    "dW1": "[[1.110, -0.140], [0.520, -0.060]]",
    "W1_new": "[[0.010, 0.470], [0.740, 0.330]]",
}


def filled_up(**other):
    lines = FILLED_UP | other
    return report(TWO_DECIMALS, "\n".join(f"{id}: {text}" for id, text in lines.items()))


def test_zeros_that_fill_all_numbers_up_say_to_how_many_decimals_it_was_worked():
    found = filled_up()
    assert {q.verdict for q in found.quantities} <= GOOD
    assert (found.earned, found.possible) == (13, 13)
    assert found.conventions == {"rounding": "worked to 2 decimals"}


def test_what_is_wrong_is_so_to_the_decimals_that_were_worked():
    """W - 0.1·dW = 0.789 - 0.052 = 0.737, which is no 0.76."""
    found = filled_up(W1_new="[[0.010, 0.470], [0.760, 0.330]]")
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["W1_new"]
    assert (found.earned, found.possible) == (12, 13)


def test_one_number_that_ends_in_a_zero_was_not_filled_up():
    """The same to three decimals: -0.091·1.5 = -0.137, 0.737·0.7 = 0.516; and 0.910 for 0.909."""
    found = filled_up(
        z1="[[0.737, 0.910]]",
        loss="0.276",
        delta1="[[0.737, -0.091]]",
        dW1="[[1.106, -0.137], [0.516, -0.064]]",
        W1_new="[[0.012, 0.470], [0.737, 0.327]]",
    )
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["z1"]


def test_new_weights_under_the_old_names():
    found = marked("new-weights-under-the-old-name")
    assert {q.name: q.verdict in GOOD for q in found.quantities} == {
        "W1_new": True,
        "b1_new": True,
    }
    assert found.earned == found.possible == 12
    assert "W1, b1" in found.notes[-1]
    assert "W1_new, b1_new" in found.notes[-1]


def test_a_given_weight_miscopied_is_no_new_weight():
    """W1 = (0.2, −0.4, …) with one sign lost; the new weights differ in every entry."""
    lines = "W1: [[0.2, 0.4, 0.1], [0.7, 0.3, -0.6], [-0.5, 0.9, 0.4]]"
    checker = Checker(tanh_sigmoid())
    found = checker.check(answers_of(checker, lines))
    assert found.notes == ()
    assert [(q.name, q.mistakes) for q in found.quantities] == [("W1", ("given-misread",))]


def test_the_first_sample_alone():
    found = marked("first-sample-only")
    for each in found.quantities:
        assert {line[0] for line in each.entries} <= GOOD
        assert {line[1] for line in each.entries} == {"missing"}
    assert (found.earned, found.possible) == (12, 24)
    assert found.notes == ("z1, a1, z2, a2, delta2: this is sample 1; sample 2 is missing",)


SQUARE = """
layers:
  - {activation: linear, weights: [[1, 2], [3, 4]], bias: none}
  - {activation: linear, weights: [[1], [2]], bias: none}
inputs: [[1, 0], [2, 1], [0, 3]]
targets: [[1], [2], [3]]
loss: sse
"""


def test_a_sample_is_a_row_where_rows_are_samples():
    # z1 = 1·(1, 2) + 0·(3, 4); z2 = 1·1 + 2·2
    found = report(SQUARE, "z1: [1, 2]\nz2: [5]")
    assert [q.entries[0] for q in found.quantities] == [("right", "right"), ("right",)]
    assert found.notes == ("z1, z2: this is sample 1; samples 2 to 3 are missing",)


def test_another_sample_than_the_first_may_be_the_one():
    # z1 = 2·(1, 2) + 1·(3, 4); z2 = 5·1 + 8·2
    found = report(SQUARE, "z1: [5, 8]\nz2: [21]")
    assert [q.entries[1] for q in found.quantities] == [("right", "right"), ("right",)]
    assert {q.entries[0][0] for q in found.quantities} == {"missing"}
    assert found.notes == ("z1, z2: this is sample 2; the other samples are missing",)


def test_a_line_that_is_no_first_sample_is_still_malformed():
    found = report(SQUARE, "z1: [7, 9]")
    assert found.notes == ()
    assert found.quantities[0].verdict == "malformed"


@pytest.mark.parametrize("code", ["transposed", "weights-not-transposed", "batch-not-summed"])
def test_one_wrong_rule_is_no_reading_of_the_whole(code):
    for seed in range(share(8)):
        found = check(generate(seed, code))
        assert found.read is None
        assert found.first_mistake is not None


def test_a_bias_left_as_it_was_is_no_rounded_one():
    """0.5·1.317 + 0.9 = 1.5585, e = 1.2585 = db, dW = 1.2585·1.317, b - 0.01·db = 0.8874: 0.9 has
    lost no zeros. By a step of 0.00001·db it would be 0.9000."""
    spec = """
layers: [{activation: linear, weights: 0.5, bias: 0.9}]
inputs: 1.317
targets: 0.3
loss: half_sse
learning_rate: RATE
"""
    sheet = "z1: 1.5585\nerror: 1.2585\ndW1: 1.6574\ndb1: 1.2585\nW1_new: 0.4834\nb1_new: 0.9\n"
    found = named(spec.replace("RATE", "0.01"), sheet)
    assert found == [("b1_new", {"update-omitted"})]
    # To as many decimals as another line has, 0.9 - 0.0003·1.2585 = 0.8996 is 0.9.
    coarser = sheet.replace("1.6574", "1.657").replace("0.4834", "0.4995")
    assert marks(spec.replace("RATE", "0.0003"), coarser)["b1_new"] != "wrong"
    small = sheet.replace("0.4834", "0.5000")
    assert marks(spec.replace("RATE", "0.00001"), small)["b1_new"] == "right"


def test_who_forgets_the_biases_keeps_the_marks_of_the_next_pass():
    """z = 0.5·1.317 + 0.9 and -0.4·1.317 + 0.7, dW = 1.317·e, W - 0.1·dW = 0.5 - 0.1657 and -0.4 +
    0.0167; then z = 0.3343·1.317 + 0.9 and -0.3833·1.317 + 0.7."""
    spec = """
layers: [{activation: linear, weights: [[0.5, -0.4]], bias: [0.9, 0.7]}]
inputs: 1.317
targets: [[0.3, 0.3]]
loss: half_sse
learning_rate: 0.1
epochs: 2
"""
    sheet = """
z1: [[1.5585, 0.1732]]
error: [[1.2585, -0.1268]]
dW1: [[1.6574, -0.1670]]
db1: [[1.2585, -0.1268]]
W1_new: [[0.3343, -0.3833]]
b1_new: [[0.9000, 0.7000]]
z1@2: [[1.3403, 0.1952]]
error@2: [[1.0403, -0.1048]]
"""
    # A rate too small to show is no likelier for having been one twice.
    found = report(spec, f"{sheet}b1_new@2: [[0.9000, 0.7000]]\n")
    assert {q.name: q.earned for q in found.quantities if q.earned != 2} == {"b1_new": 0}
    assert [q.mistakes for q in found.quantities if q.mistakes] == [("update-omitted",)] * 2
    same = sheet.replace("[[0.3343, -0.3833]]", "[[0.5000, -0.4000]]")
    same = same.replace("1.3403, 0.1952", "1.5585, 0.1732").replace(
        "1.0403, -0.1048", "1.2585, -0.1268"
    )
    idle = {q.name for q in report(spec, same).quantities if not q.earned}
    assert idle >= {"W1_new", "b1_new", "z1@2.1"}
