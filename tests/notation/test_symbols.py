"""Ids as the course writes them, in Unicode and in LaTeX."""

import pytest

from backtrace.notation.symbols import IDS, Symbols
from backtrace.spec.model import Conventions, Notation

TWO_LAYERS = {1: "relu", 2: "sigmoid"}


def symbols(layout="rows", **notation):
    return Symbols(Notation(**notation), Conventions(layout=layout), TWO_LAYERS)


@pytest.mark.parametrize(
    ("id", "unicode", "latex"),
    [
        ("a0", "a₀", "a_{0}"),
        ("W2", "W₂", "W_{2}"),
        ("b1", "b₁", "b_{1}"),
        ("product2", "a₁W₂", "a_{1} W_{2}"),
        ("a1", "a₁", "a_{1}"),
        ("g1", "ReLU′(z₁)", r"\mathrm{ReLU}'(z_{1})"),
        ("g2", "σ′(z₂)", r"\sigma'(z_{2})"),
        ("da1", "da₁", "da_{1}"),
        ("delta2", "δ₂", r"\delta_{2}"),
        ("dW2", "dW₂", "dW_{2}"),
        ("data_dW2", "dW₂ᵈᵃᵗᵃ", r"dW_{2}^{\mathrm{data}}"),
        ("W2_new", "W₂ⁿᵉʷ", r"W_{2}^{\mathrm{new}}"),
        ("b1_new", "b₁ⁿᵉʷ", r"b_{1}^{\mathrm{new}}"),
        # An optimizer's state is a letter of its own, of the parameter below it.
        ("sW1", "s_W₁", "s_{W_{1}}"),
        ("sb1", "s_b₁", "s_{b_{1}}"),
        ("vW2", "v_W₂", "v_{W_{2}}"),
        ("vW2_old", "v_W₂ᵒˡᵈ", r"v_{W_{2}}^{\mathrm{old}}"),
        ("mb1_old", "m_b₁ᵒˡᵈ", r"m_{b_{1}}^{\mathrm{old}}"),
        ("mhatW1", "m̂_W₁", r"\hat m_{W_{1}}"),
        ("step_W1", "step_W₁", r"\mathrm{step}(W_{1})"),
        ("loss", "L", "L"),
        ("loss_after", "Lⁿᵉʷ", r"L^{\mathrm{new}}"),
        ("data_loss", "Lᵈᵃᵗᵃ", r"L^{\mathrm{data}}"),
        ("penalty", "Ω", r"\Omega"),
        ("loss_terms", "ℓ", r"\ell"),
    ],
)
def test_the_usual_notation(id, unicode, latex):
    plain = symbols(inputs="a", prediction="a")
    assert plain.name(id) == unicode
    assert plain.latex(id) == latex


@pytest.mark.parametrize(
    ("id", "notation", "unicode", "latex"),
    [
        ("delta2", {"layer_mark": "round"}, "δ^(2)", r"\delta^{(2)}"),
        ("delta2", {"delta": "dz", "layer_mark": "square"}, "dz^[2]", "dz^{[2]}"),
        ("delta2", {"delta": "partial"}, "∂L/∂z₂", r"\frac{\partial L}{\partial z_{2}}"),
        ("dW1", {"gradient": "delta"}, "ΔW₁", r"\Delta W_{1}"),
        ("dW1", {"gradient": "partial"}, "∂L/∂W₁", r"\frac{\partial L}{\partial W_{1}}"),
        ("W1_new", {"layer_mark": "round"}, "W^(1)_new", r"W_{\mathrm{new}}^{(1)}"),
        ("vW1_old", {"layer_mark": "round"}, "v_W^(1)_old", r"v_{W^{(1)}}^{\mathrm{old}}"),
        ("a1", {"activation": "h", "case": "upper"}, "H₁", "H_{1}"),
        ("a2", {"prediction": "y_hat"}, "ŷ", r"\hat{y}"),
        ("a0", {"inputs": "x"}, "x", "x"),
        ("da1", {"error": "e"}, "e₁", "e_{1}"),
    ],
)
def test_other_notations(id, notation, unicode, latex):
    assert symbols(**notation).name(id) == unicode
    assert symbols(**notation).latex(id) == latex


def test_the_product_is_turned_round_with_the_layout():
    turned = Symbols(Notation(prediction="a"), Conventions("columns", "in_out"), TWO_LAYERS)
    assert turned.name("product2") == "W₂ᵀa₁"
    assert turned.latex("product2") == r"{W_{2}}^{\top} a_{1}"


def test_constants():
    assert symbols(rate="lr").constant("rate") == "lr"
    assert symbols(samples="m").constant("samples") == "m"
    named = symbols()
    assert [named.constant(name) for name in ("beta1", "lambda", "rho")] == ["β₁", "λ", "ρ"]
    assert named.written_in_latex(named.constant_parts("beta1")) == r"\beta_{1}"


def test_where_there_is_no_notation_ids_stand_for_themselves():
    assert IDS.name("vW2_old") == "vW2_old"
