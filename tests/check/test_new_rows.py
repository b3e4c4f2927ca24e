"""A new loss, activation or mistake is a row: throw-away rows, and what is judged by them."""

from math import log

import numpy as np
import pytest
from msgspec.structs import replace

from backtrace.check.mistakes.catalogue import CATALOGUE, Mistake
from backtrace.check.mistakes.rewrites import Wrong
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.model import AnswerDigits
from tests.check.typed import marks, named

# x = [1 2], W = [0.5 0.25]ᵀ, b = 0.1: z = 1.1.
SPEC = """
layers:
  - {{activation: {activation}, weights: [[0.5], [0.25]], bias: 0.1}}
inputs: [[1, 2]]
targets: {target}
loss: {loss}
"""


def spec(activation="linear", loss="mse", target=0.4):
    return SPEC.format(activation=activation, loss=loss, target=target)


@pytest.fixture
def quartic(monkeypatch):
    """Σe⁴/4, a loss of the error."""
    row = replace(LOSSES["mse"], terms=lambda a, y, p: (a - y) ** 4 / 4, gradient=lambda e, p: e**3)
    monkeypatch.setitem(LOSSES, "quartic", row)


def test_a_loss_of_the_error(quartic):
    # e = 0.7: e⁴/4 = 0.060025, e³ = 0.343
    sheet = "error: 0.700\nloss: 0.0600\ndelta1: 0.343\ndW1: [[0.343], [0.686]]"
    assert set(marks(spec(loss="quartic"), sheet).values()) == {"right"}
    wrong = sheet.replace("delta1: 0.343", "delta1: 0.700")
    assert marks(spec(loss="quartic"), wrong)["delta1"] == "wrong"


def test_what_follows_from_a_rounded_error(quartic):
    # 0.70 stands for 0.695 … 0.705, whose cubes are 0.3357 … 0.3504.
    text = spec(loss="quartic", target=0.3964)
    for value, verdict in (("0.3430", "rounded"), ("0.3520", "wrong")):
        found = marks(text, f"error: 0.70\ndelta1: {value}", asked=AnswerDigits(digits=2))
        assert found == {"error": "right", "delta1": verdict}


def test_a_loss_of_the_prediction(monkeypatch):
    # The divergence y ln(y/a), −y/a by a; σ(1.1) = 0.750260.
    row = replace(
        LOSSES["cross_entropy"],
        terms=lambda a, y, p: y * np.log(y / a),
        stable={},
        shortcut="",
        targets="unit_interval",
    )
    monkeypatch.setitem(LOSSES, "divergence", row)
    loss, da = 0.4 * log(0.4 / 0.750260), -0.4 / 0.750260
    sheet = f"a1: 0.7503\nloss: {loss:.4f}\nda1: {da:.4f}"
    assert set(marks(spec("sigmoid", "divergence"), sheet).values()) == {"right"}
    assert marks(spec("sigmoid", "divergence"), f"a1: 0.7503\nda1: {-da:.4f}")["da1"] == "wrong"


def test_an_activation(monkeypatch):
    # arctan z, 1/(1 + z²); arctan 1.1 = 0.832981, 1/2.21 = 0.452489
    row = replace(
        ACTIVATIONS["tanh"],
        value=lambda z, p: np.arctan(z),
        derivative=lambda z, p: 1 / (1 + z * z),
        derivative_from_activation=None,
        from_activation_formula=None,
        range=(-np.pi / 2, np.pi / 2),
    )
    monkeypatch.setitem(ACTIVATIONS, "arctan", row)
    # 2(0.832981 − 0.4) = 0.865963, times 0.452489: 0.391838
    sheet = "z1: 1.100\na1: 0.8330\ng1: 0.4525\nda1: 0.8660\ndelta1: 0.3918"
    assert set(marks(spec("arctan"), sheet).values()) == {"right"}
    assert marks(spec("arctan"), sheet.replace("0.4525", "0.5475"))["g1"] == "wrong"


def test_a_mistake(monkeypatch):
    def doubled(step, context):
        if step.role == "preactivation":
            product, bias = step.operands
            wrong = replace(step, operation="add", operands=(product, bias, bias))
            yield Wrong("bias-doubled", wrong)

    row = Mistake(
        code="bias-doubled",
        title="the bias is added twice",
        deed="added the bias twice in {id}",
        where="z",
        rule="z + b",
        tell="Add it once.",
        example="z = 1.2",
        wrongs=doubled,
    )
    monkeypatch.setitem(CATALOGUE, "bias-doubled", row)
    assert named(spec(), "z1: 1.200") == [("z1", {"bias-doubled"})]
