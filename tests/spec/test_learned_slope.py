"""How the slope of a PReLU is written, and what is said of one that can't be."""

import numpy as np
import pytest

from backtrace.spec.document.problems import SpecError
from backtrace.tape.loading import load, loads

TEXT = "layers:\n- {{activation: {}, weights: [[1, 2], [3, 4]], bias: none}}\ninputs: [[1, 2]]\n"


def slope(activation):
    return loads(TEXT.format(activation)).layers[0].slope


def test_without_a_number_it_is_a_quarter():
    assert slope("prelu").written == (("0.25",),)
    assert slope("{name: prelu}").values.tolist() == [[0.25]]


@pytest.mark.parametrize(
    ("written", "values"),
    [("1/3", [[1 / 3]]), ("[0.1, 2]", [[0.1, 2]]), ("[-1]", [[-1]]), ("[[0.1, 2]]", [[0.1, 2]])],
)  # fmt: skip
def test_a_number_or_one_a_unit(written, values):
    assert slope(f"{{name: prelu, alpha: {written}}}").values.tolist() == values


def test_in_columns_it_stands_as_a_bias_does():
    text = TEXT.format("{name: prelu, alpha: [0.1, 0.2]}") + "conventions: {layout: columns}\n"
    found = loads(text.replace("[[1, 2]]", "[[1], [2]]")).layers[0].slope
    assert found.values.tolist() == [[0.1], [0.2]]


def test_from_a_file(tmp_path):
    np.savez(tmp_path / "p.npz", alpha1=[[0.5]], W1=np.eye(2))
    path = tmp_path / "spec.yaml"
    path.write_text(TEXT.format("{name: prelu, alpha: {file: p.npz}}"))
    assert load(path).layers[0].slope.values.tolist() == [[0.5]]


@pytest.mark.parametrize(
    ("activation", "found"),
    [
        ("{name: prelu, alpha: [1, 2, 3]}", "a list of 3 numbers for the slope of layer 1"),
        ("{name: prelu, alpha: x}", '"x"'),
        ("{name: prelu, slope: 0.1}", '"slope"'),
        ("{name: relu, alpha: 0.1}", '"alpha"'),
        ("PReLU", '"PReLU"'),
    ],
)
def test_what_can_not_be_one(activation, found):
    with pytest.raises(SpecError) as error:
        loads(TEXT.format(activation))
    (problem,) = error.value.problems
    assert found in problem.found
    assert problem.line == 2


def test_it_can_be_frozen_where_it_is():
    more = "loss: output\nlearning_rate: 0.1\nfreeze: [alpha1]\n"
    assert loads(TEXT.format("prelu") + more).freeze == {"alpha1"}
    with pytest.raises(SpecError, match="alpha1"):
        loads(TEXT.format("relu") + more)
