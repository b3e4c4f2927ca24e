"""The confusion table: counts, shares, folding without a cut."""

import re

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.confusion_table import confusion_lines
from backtrace.formats.terminal.layout import Layout
from backtrace.page.training.confusion import Confusion, confusion_of, percent
from backtrace.spec.model import Matrix, Validation
from backtrace.tape.training import train

COUNTS = np.array([[8, 2, 0], [0, 5, 0], [1, 0, 0]])


def text(counts, width=80, unicode=True):
    return uncoloured(confusion_lines(Confusion(np.array(counts)), Layout(width, unicode)))


def test_rows_are_the_true_classes():
    assert text(COUNTS).split("\n") == [
        "           predicted",
        "    class  0  1  2   correct",
        "        0  8  2  ·    80.0 %",
        "        1  ·  5  ·     100 %",
        "        2  1  ·  ·       0 %",
    ]
    assert Confusion(COUNTS).heading == "13 of 16 samples correct, 81.3 %"
    assert Confusion(COUNTS, held_out=True).heading == "13 of 16 held-out samples correct, 81.3 %"


def test_a_class_without_samples_has_no_share():
    assert Confusion(np.array([[1, 0], [0, 0]])).share(1) == "–"
    assert "-" in text([[1, 0], [0, 0]], unicode=False).split("\n")[-1]


@pytest.mark.parametrize(
    ("share", "words"),
    [(1, "100 %"), (0, "0 %"), (0.9999, "99.9 %"), (0.0001, "0.1 %"), (0.969, "96.9 %")],
)
def test_hundred_percent_is_all(share, words):
    assert percent(share) == words


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("unicode", [True, False])
def test_many_classes_fold_and_lose_no_count(width, unicode):
    counts = np.arange(20 * 20).reshape(20, 20) * 1009 + 1
    found = text(counts, width, unicode)
    assert max(map(text_width, found.split("\n"))) <= width
    blocks = [[line.split() for line in block.split("\n")] for block in found.split("\n\n")]
    rows = {at: [] for at in range(20)}
    for block in blocks:
        last = block is blocks[-1]
        for row in block[2:]:
            cells = row[1:-2] if last else row[1:]  # without the share and its sign
            rows[int(row[0])] += map(int, cells)
    assert np.array_equal([rows[at] for at in range(20)], counts)


def test_very_many_classes_are_listed_by_their_mistakes():
    counts = 5 * np.eye(100, dtype=int)
    counts[7, 12], counts[3, 4] = 30, 1
    assert text(counts).split("\n") == [
        "    class 7 predicted as 12: 30 times",
        "    class 3 predicted as 4: once",
    ]
    every = np.ones((40, 40), dtype=int)
    assert re.search(r"… and 1,548 other pairs", text(every))  # 40·39 − 12


def test_the_targets_are_those_of_the_held_out_samples_where_there_are_any():
    spec = backtrace.load("xor")
    outputs = np.array([[0.9], [0.9], [0.1], [0.2]])  # the targets are 0, 1, 1, 0
    assert confusion_of(spec, outputs).counts.tolist() == [[1, 1], [1, 1]]
    held = Validation(Matrix(np.zeros((1, 2))), Matrix(np.ones((1, 1))))
    judged = confusion_of(msgspec.structs.replace(spec, validation=held), np.array([[0.3]]))
    assert judged.counts.tolist() == [[0, 0], [1, 0]]
    assert judged.held_out


MARGIN = """
layers: [{activation: linear, weights: [[0.5], [-0.5]], bias: 0}]
inputs: [[1, 2], [2, 1], [-1, -1], [0, -2]]
targets: [[1], [1], [-1], [-1]]
loss: binary_hinge
learning_rate: 0.1
"""


def test_targets_of_signs_are_two_classes():
    """z = ½(x₁ − x₂) = −½, ½, 0 and 1: of a 0 the sign is taken as +, so the second alone is
    right."""
    spec = backtrace.loads(MARGIN)
    found = confusion_of(spec, np.array([[-0.5], [0.5], [0.0], [1.0]]))
    assert found.counts.tolist() == [[0, 2], [1, 1]]
    assert found.names == ("-1", "1")
    assert train(spec).records[0].training.accuracy == 0.25


def test_several_outputs_of_signs_are_a_class_each():
    text = MARGIN.replace("[[0.5], [-0.5]]", "[[1, 0], [0, 1]]").replace("bias: 0", "bias: none")
    classes = "[[1, -1], [1, -1], [-1, 1], [1, -1]]"
    spec = backtrace.loads(text.replace("[[1], [1], [-1], [-1]]", classes))
    outputs = np.array([[1, 2], [2, 1], [-1, -1], [0, -2]])  # taken for 1, 0, 0 and 0
    assert confusion_of(spec, outputs).counts.tolist() == [[2, 1], [1, 0]]
    assert confusion_of(spec, outputs).names == ("0", "1")


def test_other_outputs_have_no_confusion():
    assert confusion_of(backtrace.load("mlp-math"), np.array([[4.35]])) is None
    assert confusion_of(backtrace.load("xor"), None) is None
