"""Names of equations as symbols, and lines as they stand on the board."""

import pytest

import backtrace
from backtrace.notation import steps as notation
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import text, to_ascii
from tests.spec.specs import FORWARD, only_problem

BOARD = """
notation: {{gradient: {gradient}}}
given: {{X: [[1, 2], [3, 4]], W_hh: [[1, 0], [0, 1]], gamma_1: 2, W1: 3, logits_2: 4, sigma: 2}}
equations:
  - x_hat = gamma_1 * X @ W_hh * W1
  - c_tilde_2 = x_hat * sigma + logits_2
  - J = sum(c_tilde_2) + sum(x_hat)
loss: J
parameters: [W_hh]
learning_rate: 0.1
"""
NAMES = {
    "W_hh": ("Wₕₕ", r"W_{\mathrm{hh}}", "W_hh"),
    "gamma_1": ("γ₁", r"\gamma_{1}", "gamma1"),
    "W1": ("W₁", "W_{1}", "W1"),
    "logits_2": ("logits₂", r"\mathrm{logits_{2}}", "logits2"),
    "sigma": ("σ", r"\sigma", "sigma"),
    "x_hat": ("x̂", r"\hat x", "x_hat"),
    "c_tilde_2": ("c̃₂", r"\tilde c_{2}", "c_tilde2"),
    "x_hat.1": ("x̂⁽¹⁾", r"\hat x^{(1)}", "x_hat.1"),
    "dW_hh": ("dWₕₕ", r"dW_{\mathrm{hh}}", "dW_hh"),
    "dx_hat_from_c_tilde_2": ("dx̂^(c̃₂)", r"d\hat x^{(\tilde c_{2})}", "dx_hat^(c_tilde2)"),
    "W_hh_new": ("Wₕₕⁿᵉʷ", r"W_{\mathrm{hh}}^{\mathrm{new}}", "W_hh_new"),
    "loss_after": ("Jⁿᵉʷ", r"J^{\mathrm{new}}", "J_new"),
}


def board(gradient="d"):
    return backtrace.trace(backtrace.loads(BOARD.format(gradient=gradient)))


@pytest.mark.parametrize("id", NAMES)
def test_a_name_is_a_symbol(id):
    symbols = Symbols.of(board())
    found = symbols.name(id), symbols.latex(id), to_ascii(symbols.name(id))
    assert found == NAMES[id]


@pytest.mark.parametrize(
    ("gradient", "name", "latex"),
    [
        ("d", "dγ₁", r"d\gamma_{1}"),
        ("partial", "∂J/∂γ₁", r"\frac{\partial J}{\partial \gamma_{1}}"),
        ("bar", "γ̄₁", r"\bar \gamma_{1}"),
    ],
)
def test_a_gradient_is_written_as_the_course_does(gradient, name, latex):
    symbols = Symbols.of(board(gradient))
    assert (symbols.name("dgamma_1"), symbols.latex("dgamma_1")) == (name, latex)


def test_an_index_is_not_taken_twice():
    spec = backtrace.loads("given: {W1: 1, W_1: 2}\nequations:\n  - L = W1 * W_1\nloss: L\n")
    symbols = Symbols.of(backtrace.trace(spec))
    assert (symbols.name("W1"), symbols.name("W_1")) == ("W1", "W₁")


def test_a_bar_is_of_equations_only():
    problem = only_problem(f"{FORWARD}notation: {{gradient: bar}}\n")
    assert "of equations" in problem.expected


@pytest.mark.parametrize(
    ("line", "written"),
    [
        ("A @ B.T / sqrt(2)", "Z = (A · Bᵀ)/√2"),
        ("A * B", "Z = A ⊙ B"),
        ("0.5 * A * k", "Z = 0.5·A·k"),
        ("1/2 * A", "Z = 1/2·A"),
        ("A * (B @ B.T)[1..2,1..2]", "Z = A ⊙ (B · Bᵀ)[1..2,1..2]"),
        ("A - (B - A)", "Z = A − (B − A)"),
        ("(A + B)^2", "Z = (A + B)²"),
        ("k * A^-1", "Z = k·A⁻¹"),
        ("A[1,:] + B[:,2].T", "Z = A[1,:] + B[:,2]ᵀ"),
        ("-A @ B", "Z = −A · B"),
        ("A * B @ B", "Z = (A ⊙ B) · B"),
        ("exp(A) + abs(B) + sum(A)", "Z = e^(A) + |B| + ΣA"),
        ("softmax(A, each=column)", "Z = softmax(A, each=column)"),
        ("conv(A, B, padding=1)", "Z = conv(A, B, padding=1)"),
        ("sigmoid(A)", "Z = σ(A) = 1/(1 + e^(−A))"),
        ("half_mse(A, B)", "Z = half mse(A, B) = 1/n ½Σ(A − B)²"),
    ],
)
def test_a_line_stands_there_as_on_the_board(line, written):
    given = {"A": "[[1, 2], [3, 4]]", "B": "[[2, 1], [1, 2]]", "k": "3"}
    used = ", ".join(f"{name}: {value}" for name, value in given.items() if name in line)
    trace = backtrace.trace(backtrace.loads(f"given: {{{used}}}\nequations:\n  - Z = {line}\n"))
    formula = notation.equation(trace["Z"], trace).formula
    assert text(formula, Symbols.of(trace)) == written


def test_a_gradient_has_the_local_derivative_written_out():
    lines = "- a = tanh(z)\n  - q = a / s\n  - L = sum(q^3)"
    spec = f"given: {{z: [[0.5, 1]], s: 2}}\nequations:\n  {lines}\nloss: L\n"
    trace = backtrace.trace(backtrace.loads(spec))
    symbols = Symbols.of(trace)
    found = {
        id: text(notation.equation(trace[id], trace).formula, symbols)
        for id in ("dq", "da", "dz", "ds")
    }
    assert found == {
        "dq": "dq = dL⁽¹⁾ ⊙ 3·q²",
        "da": "da = dq/s",
        "dz": "dz = da ⊙ (1 − tanh²(z))",
        "ds": "ds = Σ(−(dq ⊙ a)/s²)",
    }
