"""Predictions of single samples: classes, bars, numbers, the picture beside them."""

import math

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.formats.json.prediction import as_document
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import lines
from backtrace.notation.symbols import Symbols
from backtrace.page.blocks import Document
from backtrace.page.prediction import MOST_BARS, document, pixels, predictions, samples, white
from backtrace.spec.excerpt import excerpt
from backtrace.spec.model import Matrix

DIGITS = backtrace.load("digits")
XOR = backtrace.load("xor")
MLP = backtrace.load("mlp-math")
SOFTMAX = backtrace.load("softmax")


def of(spec, *outputs, first=1):
    one = excerpt(spec, first, first + len(outputs) - 1)
    return predictions(spec, one, first, np.array(outputs, dtype=float))


def page(spec, found, width=80, unicode=True):
    symbols = Symbols(spec.notation, spec.conventions, {len(spec.layers): "linear"})
    blocks = tuple(samples(found, spec, symbols))
    return uncoloured(lines(Document("", blocks), Layout(width, unicode)))


def probabilities(taken, count=10):
    """0.91 for one class, the rest shared out evenly."""
    shares = [0.09 / (count - 1)] * count
    shares[taken] = 0.91
    return shares


def digit(number):
    return int(np.argmax(DIGITS.targets.values[number - 1]))


def test_the_largest_output_is_the_class():
    first, second = of(DIGITS, probabilities(7), probabilities(digit(4)), first=3)
    assert (first.number, second.number) == (3, 4)
    assert (first.taken, first.true) == (7, digit(3))
    assert (second.taken, second.verdict) == (digit(4), "right")
    assert first.verdict == ("right" if digit(3) == 7 else "wrong")
    assert first.pixels.shape == (8, 8)


def test_a_single_output_tells_two_classes_apart_at_a_half():
    found = of(XOR, [0.5], [0.49])  # the targets are 0 and 1
    assert [(each.taken, each.true, each.verdict) for each in found] == [
        (1, 0, "wrong"),
        (0, 1, "wrong"),
    ]
    assert "◂ ≥ ½" in page(XOR, found[:1])
    assert "◂ < ½" in page(XOR, found[1:])


def test_other_numbers_stand_beside_their_targets():
    (found,) = of(MLP, [4.35])
    assert (found.taken, found.true, found.verdict) == (None, None, "")
    shown = page(MLP, [found]).split("\n")
    assert shown[-1].split() == ["4.35", "3.5", "0.85"]  # the error of mlp-math, 4.35 − 3.5


def test_softmax_without_targets_still_tells_classes():
    spec = msgspec.structs.replace(SOFTMAX, targets=None, loss=None)
    (found,) = of(spec, [0.2, 0.5, 0.3])
    assert (found.taken, found.true) == (1, None)
    assert "predicted 1 ──" in page(spec, [found])


def test_standardized_inputs_are_said_to_be():
    spec = backtrace.loads(
        "layers: [{activation: linear, weights: [[1], [1]], bias: none}]\n"
        "inputs: [[1, 10], [3, 30]]\ntargets: [[0], [1]]\nloss: mse\nstandardize: true\n"
    )
    found = document(of(spec, [0.0]), spec, "as the spec gives them", held_out=False)
    said = " ".join(uncoloured(lines(found, Layout(200))).split())
    assert "standardized" in said
    assert "mean 2, 20; deviation 1, 10" in said  # ½(1 + 3), √(½(1 + 1)); ten times both
    plain = document(of(MLP, [0.0]), MLP, "as the spec gives them", held_out=False)
    assert "standardized" not in uncoloured(lines(plain, Layout(200)))


def test_what_is_not_finite_has_no_class():
    (found,) = of(SOFTMAX, [math.nan, 0.5, 0.5])
    assert found.taken is None
    assert "nan" in page(SOFTMAX, [found])
    assert as_document([found])["samples"][0]["outputs"][0] == "nan"


def test_bars_are_as_long_as_their_outputs():
    lengths = {}
    for line in page(SOFTMAX, of(SOFTMAX, [0.25, 0.5, 0.25])).split("\n")[2:]:
        lengths[line.split()[0]] = line.count("█")
    assert lengths == {"0": 6, "1": 12, "2": 6}  # of 24 columns
    ascii = page(SOFTMAX, of(SOFTMAX, [0.25, 0.5, 0.25]), unicode=False)
    assert ascii.count("#") == 24


def test_scores_that_are_no_probabilities_have_no_bars():
    shown = page(SOFTMAX, of(SOFTMAX, [-1.5, 3.0, 0.25]))
    assert "█" not in shown
    assert "-1.5" in shown
    assert "◂ the largest" in shown


def test_of_many_classes_the_largest_and_the_true_one_are_shown():
    count = 40
    targets = np.zeros((1, count))
    targets[0, 39] = 1
    layer = msgspec.structs.replace(SOFTMAX.layers[-1], units=count)
    spec = msgspec.structs.replace(
        SOFTMAX, layers=(*SOFTMAX.layers[:-1], layer), targets=Matrix(targets)
    )
    outputs = [(count - at) / 820 for at in range(count)]  # 820 = 1 + … + 40
    shown = page(spec, of(spec, outputs)).split("\n")
    labels = [line.split()[0] for line in shown[2:-1]]
    assert labels == [*map(str, range(MOST_BARS)), "39"]
    assert "the true one" in shown[-2]
    assert " 0.0012 " in shown[-2]  # 1/820
    assert shown[-1].strip() == f"and {count - MOST_BARS - 1} smaller ones"


def test_the_picture_stands_beside_the_bars_where_there_is_room():
    (found,) = of(DIGITS, probabilities(7))
    wide, narrow = (page(DIGITS, [found], width).split("\n") for width in (80, 40))
    assert any("│" in line and "◂ the largest" in line for line in wide)
    assert not any("│" in line and "◂ the largest" in line for line in narrow)
    assert any("◂ the largest" in line for line in narrow)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize(
    ("spec", "outputs"),
    [(DIGITS, probabilities(3)), (XOR, [0.123]), (MLP, [1e-12]), (SOFTMAX, [-1e12, 0.5, 3])],
)
def test_no_line_is_wider_than_the_page(width, unicode, spec, outputs):
    shown = page(spec, of(spec, outputs), width, unicode)
    assert max(map(text_width, shown.split("\n"))) <= width
    assert shown.isascii() or unicode


def test_the_document_counts_classes_from_zero_and_keeps_every_digit():
    outputs = [0.1 + 0.2, 0.6, 0.1]
    found = as_document(of(SOFTMAX, outputs))
    assert found["schema"] == "backtrace/prediction/1"
    (sample,) = found["samples"]
    assert sample["outputs"] == outputs
    assert sample["class"] == 1
    assert sample["target"] == int(np.argmax(SOFTMAX.targets.values[0]))
    assert sample["targets"] == SOFTMAX.targets.values[0].tolist()


def test_a_class_of_signs_is_minus_1_or_1():
    spec = backtrace.loads("""
layers: [{activation: linear, weights: [[1], [1]], bias: 0}]
inputs: [[1, 2], [2, 1]]
targets: [[1], [-1]]
loss: binary_hinge
""")
    found = of(spec, [-0.25], [-0.75])
    told = [(each["class"], each["target"]) for each in as_document(found)["samples"]]
    assert told == [(-1, 1), (-1, -1)]
    assert [each.answer for each in found] == ["predicted -1, but it is 1",
                                               "predicted -1, correct"]  # fmt: skip
    assert "< 0" in page(spec, found)


def test_a_regression_has_no_class():
    (sample,) = as_document(of(MLP, [4.35]))["samples"]
    assert (sample["class"], sample["target"], sample["targets"]) == (None, None, [3.5])


def test_columns_are_samples_where_the_spec_says_so():
    spec = backtrace.load("or-gate")  # a sample is a column
    found = of(spec, [0.9], [0.9], first=1)
    assert [each.true for each in found] == [0, 1]


def test_an_excerpt_is_of_the_held_out_samples_where_these_are_asked_for():
    assert DIGITS.validation is not None
    one = excerpt(DIGITS, 2, 3, held_out=True)
    assert np.array_equal(one.inputs.values, DIGITS.validation.inputs.values[1:3])
    assert np.array_equal(one.targets.values, DIGITS.validation.targets.values[1:3])
    assert one.validation is None


def test_an_excerpt_keeps_the_written_numbers_and_the_gradient_from_above():
    rows = excerpt(XOR, 2, 2)
    assert rows.inputs.written == XOR.inputs.written[1:2]
    columns = excerpt(backtrace.load("or-gate"), 3, 3)
    assert len(columns.inputs.written[0]) == 1
    spec = backtrace.loads(
        "{layers: [{activation: linear, weights: 2, bias: 0}], inputs: [[1], [2]], "
        "loss: {upstream: [[3], [4]]}}"
    )
    # dW = a0ᵀ · upstream: of the second sample 2·4
    assert backtrace.trace(excerpt(spec, 2, 2))["dW1"].value.tolist() == [[8]]


# Pictures


def spec_of(*rows):
    return msgspec.structs.replace(XOR, inputs=Matrix(np.array(rows, dtype=float)))


def test_a_square_of_greys_is_a_picture():
    data = np.arange(16.0)
    brightest = white(spec_of(data, 2 * data))
    assert brightest == 30
    greys = pixels(data, brightest)
    assert greys.shape == (4, 4)
    assert greys[3, 3] == 15 / 30  # the largest of all data is white
    assert greys[0, 1] == 1 / 30


@pytest.mark.parametrize(
    "data",
    [
        np.arange(9.0),  # too small
        np.arange(17.0),  # no square
        np.arange(16.0) - 1,  # a negative grey
        np.zeros(16),  # nothing to be seen
    ],
)
def test_other_inputs_are_no_picture(data):
    assert white(spec_of(data)) == 0


def test_a_column_may_be_a_picture():
    columns = msgspec.structs.replace(XOR.conventions, layout="columns")
    data = Matrix(np.ones((16, 3)))
    assert white(msgspec.structs.replace(XOR, inputs=data, conventions=columns)) == 1


def test_a_page_says_which_parameters_and_which_samples():
    page = document(of(XOR, [0.9], first=2), XOR, "of trained.npz", held_out=True)
    shown = uncoloured(lines(page, Layout(80))).split("\n")
    assert shown[0].startswith("XOR ")
    assert shown[1] == "parameters of trained.npz"
    assert shown[3].startswith("── Held-out sample 2 ─")
    assert shown[3].endswith(" predicted 1, correct ──")  # the target of [0, 1] is 1
