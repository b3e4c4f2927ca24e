"""A PReLU's slope in what is written for other programs: files of weights, specs, PyTorch."""

import re

import numpy as np
import pytest

from backtrace.formats.registry import FORMATS
from backtrace.formats.torch.program import program
from backtrace.formats.trained_spec import Origin, trained_spec
from backtrace.formats.weights import starting_parameters
from backtrace.page.network.reader import network
from backtrace.page.selection import Selection
from backtrace.page.trace import View
from backtrace.spec.read.parameters import read_parameters, with_parameters
from backtrace.tape.loading import loads
from backtrace.tape.run import trace
from backtrace.tape.training import train

TEXT = """
layers:
- activation: {unit}
  weights: [[1, 2], [-2, 1]]
  bias: none
- {{activation: linear, weights: [[2], [0.5]], bias: 0.5}}
inputs: [[1, 2], [0, 1]]
targets: [[1.5], [0.5]]
loss: mse
learning_rate: 0.01
epochs: 3
"""


def spec_of(unit, more=""):
    return loads(TEXT.format(unit=unit) + more)


@pytest.mark.parametrize("unit", ["prelu", "{name: prelu, alpha: [0.25, -1]}"])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_a_trained_spec_goes_on_from_the_trained_slope(unit, layout):
    text = TEXT.format(unit=unit)
    if layout == "columns":
        text = text.replace("inputs: [[1, 2], [0, 1]]", "inputs: [[1, 0], [2, 1]]")
        text = text.replace("[[1.5], [0.5]]", "[[1.5, 0.5]]")
        text += "conventions: {layout: columns, weights: in_out}\n"
    spec = loads(text)
    state = train(spec).state
    assert not np.array_equal(state.values["alpha1"], spec.layers[0].slope.values)
    again = loads(trained_spec(spec, state, None, Origin(text.encode(), str)))
    for id, value in starting_parameters(again).items():
        np.testing.assert_array_equal(value, state.values[id])


def test_it_stands_in_a_file_of_weights(tmp_path):
    spec = spec_of("{name: prelu, alpha: 0.75}")
    path = tmp_path / "w.npz"
    np.savez(path, **starting_parameters(spec))
    other = spec_of("prelu")
    assert with_parameters(other, read_parameters(path, other)).layers[0].slope.values == 0.75


def test_pytorch_has_a_module_for_it():
    more = "regularization: {l2: 0.1, biases: true}\nfreeze: [alpha1]\n"
    text = program(spec_of("{name: prelu, alpha: [0.25, -1]}", more)).content.decode()
    assert "prelu1 = nn.PReLU(2)" in text
    assert "net = nn.Sequential(layer1, prelu1, layer2)" in text
    assert "    prelu1.weight.copy_(alpha1.flatten())" in text
    assert "    (prelu1.weight, dalpha1.flatten())," in text
    assert "parameters = [layer1.weight, layer2.weight, layer2.bias]" in text  # of the penalty
    assert "# All but what is frozen: prelu1.weight." in text
    (trained,) = re.findall(r"^trained = .*$", text, re.MULTILINE)
    assert "layer2.bias" in trained
    assert "prelu1" not in trained


def test_in_equations_pytorch_is_told_what_it_is():
    text = program(
        loads(
            "given: {z: [[2, -3]], alpha: [[0.25, 0.5]]}\n"
            'equations: ["a = prelu(z, alpha)", L = sum(a)]\nloss: L\n'
        )
    ).content.decode()
    assert "def prelu(z, alpha):" in text
    assert "return torch.where(z > 0, z, z * alpha)" in text
    assert "a = prelu(z, alpha)" in text


@pytest.mark.parametrize("format", ["markdown", "latex", "html"])
def test_every_page_has_its_lines(format):
    page = FORMATS[format].render(trace(spec_of("prelu")), View()).decode()
    assert "Gradient of the slope" in page
    assert ("α" if format == "html" else "\\alpha_{1}") in page


def test_the_drawing_has_it_below_its_units():
    # z₁ = (-3, 4), a₁ = (-0.75, 4), ŷ = 1: δ₂ = 2 · (1 − 1.5)/2, da₁ = -0.5 · (2, 0.5), of which
    # min(0, z₁) makes -1 · -3 and 0
    worked = trace(spec_of("{name: prelu, alpha: [0.25, -1]}"), range(1, 2))
    units = network(worked, Selection(sample=1)).columns[1].units
    said = [[(each.symbol, each.number) for each in unit.parameters[-1]] for unit in units]
    assert said == [[("α₁", "0.25"), ("dα₁", "3")], [("α₁", "−1"), ("dα₁", "0")]]
    drawn = FORMATS["svg"].render(worked, View(selection=Selection(sample=1))).decode()
    assert re.search("α₁ 0.25<.*dα₁ 3<", re.sub("<tspan[^>]*>", "", drawn))
