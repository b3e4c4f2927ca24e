"""The chapter on conventions: its tables hold one network against itself under all of them."""

import re

import numpy as np
import pytest

import backtrace
from backtrace.formats.json.trace import as_document
from tests.test_readme import TEXT, blocks, rows

EXAMPLE = next(text for text in blocks("yaml") if "two samples" in text)
WAYS = [row for row in rows("One network under all of them") if row]
SHAPES, NUMBERS = WAYS[:5], WAYS[5:]
LAYOUTS = [("rows", "in_out"), ("rows", "out_in"), ("columns", "out_in"), ("columns", "in_out")]
SIGNS = [("gradient", "delta"), ("gradient", "gradient"), ("descent", "delta"),
         ("descent", "gradient")]  # fmt: skip
W, X, Y = np.array([[0.5], [1], [-0.5]]), np.array([[1, 2, 1], [3, 1, 0]]), np.array([[1.5], [2]])


def worked(layout, weights, sign, mean_in):
    """The example's trace under other conventions, its matrices turned as these want them."""
    inputs, targets = (X, Y) if layout == "rows" else (X.T, Y.T)
    written = W if weights == "in_out" else W.T
    text = re.sub(r"weights: \[.*\]\], bias", f"weights: {written.tolist()}, bias", EXAMPLE)
    text = re.sub(r"inputs: .*", f"inputs: {inputs.tolist()}", text)
    text = re.sub(r"targets: .*", f"targets: {targets.tolist()}", text)
    found = {"layout": layout, "weights": weights, "sign": sign, "mean_in": mean_in}
    said = ", ".join(f"{key}: {value}" for key, value in found.items())
    return backtrace.trace(backtrace.loads(f"{text}conventions: {{{said}}}\n"))


@pytest.mark.parametrize("at", range(4))
def test_the_table_of_shapes(at):
    trace = worked(*LAYOUTS[at], "gradient", "delta")
    for row in SHAPES:
        for id in re.findall(r"`(\w+)`", row[0]):
            assert " × ".join(map(str, trace[id].value.shape)) == row[at + 1]


@pytest.mark.parametrize("at", range(4))
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_table_of_numbers(at, layout):
    trace = worked(*layout, *SIGNS[at])
    compared = 0
    for row in NUMBERS:
        for id in re.findall(r"`(\w+)`", row[0]):
            listed = [float(number) for number in row[at + 1].split(", ")]
            assert np.round(trace[id].value.ravel(), 4).tolist() == listed, id
            compared += 1
    assert compared == 6


@pytest.mark.parametrize("at", range(4))
def test_the_formulas_of_a_layout(at):
    steps = as_document(worked(*LAYOUTS[at], "gradient", "delta"))["steps"]
    said = {step["id"]: step["formula"]["text"].replace(" · ", "·") for step in steps}
    listed = {row[0]: row[at + 1] for row in SHAPES}
    assert said["product1"].endswith(f" = {listed['product']}")
    assert said["dW1"] == listed["gradient"]


def test_every_column_stands_under_its_conventions():
    for first, ways in (("", LAYOUTS), ("`sign`, `mean_in`", SIGNS)):
        header = f"| {first} | {' | '.join(', '.join(way) for way in ways)} |"
        assert header.replace("|  |", "| |") in TEXT


@pytest.mark.parametrize("row", rows("Whose conventions"), ids=lambda row: row[0])
def test_the_conventions_of_books_are_conventions(row):
    said, notation = row[1].strip("`"), row[2].strip("`")
    columns = "columns" in said
    weights = [[1, 2, 3]] if columns or "out_in" in said else [[1], [2], [3]]
    text = (
        f"conventions: {said}\nnotation: {notation}\n"
        f"layers: [{{activation: linear, weights: {weights}, bias: 0}}]\n"
        f"inputs: {X.T.tolist() if columns else X.tolist()}\n"
        f"targets: {Y.T.tolist() if columns else Y.tolist()}\nloss: mse\n"
    )
    assert np.isfinite(backtrace.trace(backtrace.loads(text))["loss"].value)
