"""The chapter on functions: what its table says of an activation is what the program works."""

import math
import re

import numpy as np
import pytest

from backtrace.functions.activations import ACTIVATIONS
from tests.test_readme import rows

ROWS = {row[0].strip("`"): row for row in rows("Activations") if row[0] != "`softmax`"}
POINTS = [-3.5, -1.25, -0.5, 0.3, 0.75, 2.0, 4.0]
NAMES = {  # what stands in the formulas
    "sigmoid": lambda z: 1 / (1 + math.exp(-z)),
    "bipolar": lambda z: (1 - math.exp(-z)) / (1 + math.exp(-z)),
    "cdf": lambda z: (1 + math.erf(z / math.sqrt(2))) / 2,
    "density": lambda z: math.exp(-z * z / 2) / math.sqrt(2 * math.pi),
    "exp": math.exp,
    "tanh": math.tanh,
    "ln": math.log,
    "abs": abs,
    "min": min,
    "max": max,
}
SPELT = [
    (r", Φ by erf", ""),
    (r"≥", ">="),
    (r"−", "-"),
    (r"·", "*"),
    (r"bσ", "bipolar"),
    (r"σ", "sigmoid"),
    (r"Φ", "cdf"),
    (r"φ", "density"),
    (r"½", "0.5*"),
    (r"\\\|(\w)\\\|", r"abs(\1)"),
    (r"e\^\(([^)]*)\)", r"exp(\1)"),
    (r"e\^(\w)", r"exp(\1)"),
    (r"tanh² z", "tanh(z)**2"),
    (r"tanh z", "tanh(z)"),
    (r"²", "**2"),
    (r"(?<![\w])([zt])\(", r"\1*("),
    (r"\)\(", ")*("),
    (r"\)(sigmoid|z)", r")*\1"),
]


def evaluated(text, z, constants):
    """A formula of the table at ``z``; what stands behind ``, t =`` is worked first."""
    for pattern, spelling in SPELT:
        text = re.sub(pattern, spelling, text)
    formula, _, where = text.partition(", t = ")
    known = {**NAMES, **constants, "z": z}
    if where:
        known["t"] = eval(where, {}, known)
    return eval(formula, {}, known)


@pytest.mark.parametrize("name", ROWS)
def test_the_value_and_the_derivative(name):
    activation = ACTIVATIONS[name]
    constants = {key: float(value) for key, value in activation.parameters.items()}
    value, derivative = ROWS[name][1:3]
    for z in POINTS:
        at = np.array([[z]])
        worked = float(activation.value(at, constants)[0, 0])
        assert evaluated(value, z, constants) == pytest.approx(worked, abs=5e-5), z
        if not activation.differentiable:
            continue
        slope = float(activation.derivative(at, constants)[0, 0])
        told = [evaluated(part, z, constants) for part in derivative.split(" or ")]
        assert any(each == pytest.approx(slope, abs=5e-5) for each in told), z
        if z == 0.3:  # the first of two is that to the right of 0
            assert told[0] == pytest.approx(slope, abs=5e-5)


def test_the_comparison_can_fail():
    assert evaluated("z if z > 0 else slope·z", -2.0, {"slope": 0.5}) == -1
    assert evaluated("σ(z)(1 − σ(z))", 0.0, {}) == 0.25
