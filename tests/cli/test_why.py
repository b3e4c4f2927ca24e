"""``backtrace why``: what is asked for is found, in every format; what is not there is said."""

import json
import re

import pytest

from tests.cli.running import piped, run
from tests.networks.kinds import LAYERED

__all__ = ["run"]

ONE = """layers: [{activation: linear, weights: [[2]], bias: none}]
inputs: [[3]]
targets: [[5]]
loss: half_sse
learning_rate: 0.1
epochs: 3
"""


def test_the_example_of_the_manual(run):
    """∂L/∂W₁[2,1] = x₂ · ReLU′(z₁[1]) · W₂[1] · (ŷ − y) = 2 · 1 · 0.5 · 0.16 = 0.16."""
    shown = run("why", "small-mlp", "dW1[2,1]").out
    assert "∂L/∂W₁[2,1] = x[2] · ReLU′(z₁[1]) · W₂[1] · (ŷ − y)" in shown
    assert re.search(r"2 +· +1 +· +0.5 +· +0.16 += 0.16\n", shown)
    assert "the update takes it\nfrom 0.3 to 0.284." in shown


def test_paths_add_up_and_zeros_are_told(run):
    shown = run("why", "xor", "dW1[1,1]").out
    assert "4 paths lead from it to L" in shown
    assert "2 paths are zero: x[1,1] = 0; x[2,1] = 0." in shown
    assert re.search(r"= -0.0334\n.*\n.*=  0.0110\n +.*= -0.0224\n", shown)


def test_a_unit_that_is_off_is_named(run):
    shown = run("why", "mlp-math", "dW1[1,2]").out
    assert "It is zero: unit 2 is off, ReLU′(Z₁[2]) = 0." in shown
    assert "So a small change of W₁[1,2] leaves L as it is." in shown


def test_further_paths_are_counted_and_added_up(run):
    shown = run("why", "attention", "dW_Q[1,2]", "--width", "100").out
    assert "54 paths lead from it to L" in shown
    assert "12 further paths" in shown
    assert "34 paths are zero" in shown


@pytest.mark.parametrize(
    "name",
    [
        "dW1[2,1]",
        "dW_1[2,1]",
        "∂L/∂W1[2,1]",
        "∂L/∂W₁[2,1]",
        "dL/dW1[2,1]",
        "dW1[2;1]",
        "dW1@1[2,1]",
    ],
)
def test_an_entry_has_many_names(run, name):
    assert run("why", "small-mlp", name).out.startswith("Why dW1[2,1] is 0.16")


def test_other_entries_are_unfolded_down_to_what_is_given(run):
    """z₁[1] = 1·0.1 + 2·0.3 + 0.1 = 0.8 of the bundled numbers."""
    shown = run("why", "small-mlp", "z1[1,1]").out
    assert "z₁[1] = x[1]·W₁[1,1] + x[2]·W₁[2,1] + b₁[1] = 1·0.1 + 2·0.3 + 0.1" in shown
    assert "x[1] = 1   x[2] = 2   W₁[1,1] = 0.1   W₁[2,1] = 0.3   b₁[1] = 0.1" in shown
    assert run("why", "small-mlp", "b1[2]").out.count("b₁[2] = 0.1") == 1


def test_an_update_has_the_chain_of_its_gradient(run):
    shown = run("why", "small-mlp", "W1_new[2,1]").out
    assert "W₁ⁿᵉʷ[2,1] = W₁[2,1] − 0.1·∂L/∂W₁[2,1] = 0.3 − 0.1·0.16 = 0.284" in shown
    assert "x[2] · ReLU′(z₁[1]) · W₂[1] · (ŷ − y)" in shown


def test_a_later_update(run, tmp_path):
    """w: 2, error 6 − 5; dw = 3·1, w_new 1.7; then 3·1.7 − 5 = 0.1, dw = 0.3."""
    spec = tmp_path / "one.yaml"
    spec.write_text(ONE)
    assert run("why", str(spec), "dW1").out.startswith("Why dW1 is 3 ")
    assert run("why", str(spec), "dW1@2").out.startswith("Why dW1@2.1 is 0.3 ")
    refused = run("why", "mlp-math", "dW1[1,1]@1.2")
    assert refused.code == 2
    assert refused.err == "dW1[1,1]@1.2: the last update is epoch 1, batch 1 [E512]\n"


def test_rounded_lines_are_said_to_be(run, tmp_path):
    """z = 0.3, a = tanh 0.3 = 0.3, tanh′ = 1 − 0.09 = 0.9, e = −0.7, δ = −0.63, written −0.6."""
    spec = tmp_path / "rounded.yaml"
    spec.write_text(
        "layers: [{activation: tanh, weights: [[0.3]], bias: none}]\ninputs: [[1]]\n"
        "targets: [[1]]\nloss: half_sse\narithmetic: {round_each_step: 1}\n"
    )
    shown = run("why", str(spec), "dW1").out
    assert shown.startswith("Why dW1 is -0.6")
    assert "= -0.63\n" in shown
    assert "Every line of the trace was rounded: there it is -0.6." in shown


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("dW1", "dW1: dW1 is 2 × 3; ask for an entry: dW1[1,1]"),
        ("dW1[3,1]", "dW1[3,1]: dW1 is 2 × 3: its rows are 1 to 2, its columns 1 to 3"),
        ("dW1[2]", "dW1[2]: dW1 is 2 × 3; ask for an entry: dW1[1,1]"),
        ("dW1[x]", "dW1[x]: there is no such quantity; did you mean dW1?"),
        ("dW9[1,1]", "dW9[1,1]: there is no such quantity; did you mean dW2?"),
        ("nonsense", "nonsense: there is no such quantity"),
    ],
)
def test_what_is_not_there_is_said(run, asked, said):
    refused = run("why", "mlp-math", asked)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err == f"{said} [E512]\n"


def test_an_entry_in_round_brackets(run):
    assert run("why", "mlp-math", "dW1(1,2)").out == run("why", "mlp-math", "dW1[1,2]").out


def test_every_format(run):
    markdown = run("why", "small-mlp", "dW1[2,1]", "--format", "markdown").out
    assert r"\cdot ReLU" not in markdown
    assert r"&= 2 \cdot 1 \cdot 0.5 \cdot 0.16 \\" in markdown
    latex = run("why", "small-mlp", "dW1[2,1]", "--format", "latex").out
    assert r"\begin{align*}" in latex
    assert r"&= 2 \cdot 1 \cdot 0.5 \cdot 0.16 \\" in latex
    html = run("why", "small-mlp", "dW1[2,1]", "--format", "html").out
    assert html.startswith("<!doctype html>")
    assert '<table class="chain">' in html
    assert run("why", "small-mlp", "dW1[2,1]", "--format", "html", "--width", "80").code == 2


def test_json_has_the_numbers_in_full(run):
    found = json.loads(run("why", "or-gate", "dW1[1,1]", "--format", "json").out)
    assert (found["schema"], found["id"], found["entry"]) == ("backtrace/why/1", "dW1", [1, 1])
    (chain,) = found["chains"]
    assert chain["zero"]["paths"] == 2
    products = [path["product"] for path in chain["paths"]]
    assert sum(products) == pytest.approx(found["value"], rel=1e-12)
    for path in chain["paths"]:
        product = 1.0
        for factor in path["factors"]:
            product *= factor["value"]
        assert product == pytest.approx(path["product"], rel=1e-12)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("name", LAYERED)
def test_no_line_is_wider_than_the_page(run, name, width):
    shown = run("why", name, "dW1[1,1]", "--width", str(width)).out
    assert max(map(len, shown.splitlines())) <= width


def test_a_saved_trace_and_plain_ascii(run, tmp_path):
    saved = tmp_path / "trace.json"
    run("export", "mlp-math", "-o", str(saved))
    assert run("why", str(saved), "dW1[2,1]").out == run("why", "mlp-math", "dW1[2,1]").out
    shown = piped("why", "small-mlp", "dW1[2,1]", PYTHONIOENCODING="ascii").out
    assert "dL/dW1[2,1] = x[2] * ReLU'(z1[1]) * W2[1] * (y_hat - y)" in shown
    assert shown.isascii()
