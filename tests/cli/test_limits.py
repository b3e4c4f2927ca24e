"""What is too large to be worked is refused at once: what it is, the limit, how to go on."""

import json

import pytest

from tests.cli.running import run

__all__ = ["run"]

HUGE = """\
layers: [{{activation: {activation}, weights: 1e200, bias: none}}]
inputs: 1e200
targets: 1
loss: {loss}
learning_rate: 0.1
arithmetic: {arithmetic}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("arithmetic", ["exact", "{round_each_step: 2}"])
def test_fractions_beyond_the_floats(run, here, arithmetic):
    (here / "huge.yaml").write_text(
        HUGE.format(activation="linear", loss="mse", arithmetic=arithmetic)
    )
    (here / "sheet.yaml").write_text("answers: {z1: 1e300}")
    for command in (
        ["trace", "huge.yaml"], ["trace", "huge.yaml", "--format", "json"], ["verify", "huge.yaml"],
        ["check", "huge.yaml", "sheet.yaml"], ["mistakes", "huge.yaml"], ["predict", "huge.yaml"],
        ["export", "huge.yaml", "-o", "huge.md"], ["worksheet", "huge.yaml", "-o", "made"],
    ):  # fmt: skip
        outcome = run(*command)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("huge.yaml: product1 has a fraction beyond 1.8e308")
    assert sorted(each.name for each in here.iterdir()) == ["huge.yaml", "sheet.yaml"]
    diverged = run("train", "huge.yaml", "--epochs", "3")  # 1e200 · 1e200 is no float
    assert diverged.code == 1
    assert "Diverged after 0 epochs" in diverged.out


def test_a_float_of_a_fraction_beyond_them_is_inf(run, here):
    text = HUGE.format(activation="sigmoid", loss="mse", arithmetic="{round_each_step: 2}")
    (here / "huge.yaml").write_text(text)
    learnt = run("train", "huge.yaml", "--epochs", "1", "--format", "json")  # σ(∞) = 1, the target
    assert '"losses":[0.0,0.0]' in learnt.out


def deep(layers, more=""):
    one = "- {activation: tanh, weights: 0.9, bias: 0.1}\n"
    return f"layers:\n{one * layers}inputs: 0.5\ntargets: 1\nloss: mse\nlearning_rate: 0.1\n{more}"


def wide(units, more=""):
    targets = ", ".join(["1"] + ["0"] * (units - 1))
    return f"""\
layers: [{{units: {units}, activation: softmax, weights: {{init: xavier}}, bias: none}}]
inputs: 1
targets: [[{targets}]]
loss: cross_entropy
learning_rate: 0.1
{more}
"""


def drawn(units):
    layer = f"{{units: {units}, activation: relu, weights: {{init: he}}, bias: none}}"
    return f"layers: [{layer}]\ninputs: [{[1] * 21}]\nloss: output\nlearning_rate: 0.1\n"


def test_a_network_deeper_than_python_s_stack(run, here):
    (here / "deep.yaml").write_text(deep(200))
    (here / "sheet.yaml").write_text("answers: {z1: 0.55}")
    trained = json.loads(run("train", "deep.yaml", "--epochs", "1", "--format", "json").out)
    traced = run("trace", "deep.yaml", "--only", "loss,loss_after", "--format", "json")
    before, after = json.loads(traced.out)["steps"]
    assert trained["losses"] == [before["value"], after["value"]]
    assert run("check", "deep.yaml", "sheet.yaml").code == 0  # 0.5 · 0.9 + 0.1


@pytest.mark.parametrize(
    ("spec", "command", "said"),
    [
        (drawn(10**9), ["trace"], "found 1000000000; expected a whole number, 1 to 1000000"),
        (drawn(10**6), ["train"], "21,000,000 of them; expected at most 20,000,000"),
        (wide(9000, "output_delta: chain"), ["trace"], "g1 would be 9,000 × 9,000, 81,000,000"),
        (wide(9000, "output_delta: chain"), ["train", "--epochs", "2"], "at most 64,000,000"),
        (wide(4000), ["mistakes"], "a1, a softmax of 1 × 4,000, is too large to be checked"),
        (wide(4000), ["check", "sheet.yaml"], "16,000,000 corners"),
        (deep(1, "epochs: 20000"), ["trace"], "20,000 updates have"),
        (deep(1, "epochs: 20000"), ["check", "sheet.yaml"], "at most 20,000"),
        (deep(100), ["mistakes"], "an update has 1,206 steps"),
    ],
    ids=range(9),
)
def test_too_large(run, here, spec, command, said):
    (here / "spec.yaml").write_text(spec)
    (here / "sheet.yaml").write_text("answers: {z1: 0.55}")
    outcome = run(command[0], "spec.yaml", *command[1:])
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert outcome.err.startswith("spec.yaml:")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("max_pool(pad(x, 500), size=100, stride=1)", "8,154,090,000 products"),
        ("conv_transpose(pad(x, 90), pad(x, 90))", "products in its windows, at most 64,000,000"),
        ("pad(x, 2000)", "4002 × 4002 matrix, which is too large for a board"),
        ("round(x, 400)", "at most 12 decimals"),
    ],
)
def test_too_large_for_a_board(run, here, line, said):
    given = "given: {x: [[1, 2], [3, 4]]}\n"
    (here / "board.yaml").write_text(f"{given}equations: ['A = {line}', 'L = sum(A)']\nloss: L\n")
    outcome = run("trace", "board.yaml")
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err


def squared(times):
    """A fraction whose digits double with every line."""
    lines = ["x0 = 1/3 + x"] + [f"x{n} = x{n - 1} * x{n - 1}" for n in range(1, times + 1)]
    return f"given: {{x: 1/7}}\narithmetic: exact\nequations: [{', '.join(lines)}]\n"


def matrix(rows, columns, line):
    rule = f"{{init: uniform, low: -1, high: 1, shape: [{rows}, {columns}]}}"
    return f"given: {{A: {rule}}}\nseed: 1\narithmetic: exact\nequations: [L = {line}]\nloss: L\n"


CUBED = """\
given: {x: 1/3}
equations: [L = x * x * x]
loss: L
parameters: [x]
learning_rate: 1/7
arithmetic: exact
"""

OVER_NOTHING = """\
given: {x: 2, y: 0}
equations: [L = x / y]
loss: L
parameters: [x]
learning_rate: 1
arithmetic: exact
"""


@pytest.mark.parametrize(
    ("spec", "command", "said"),
    [
        # 10/21 raised to 2¹⁷ has 2¹⁷ · log₁₀ (10 · 21) = 304,378 digits
        (squared(60), ["trace"], "x17: a fraction would have 304,37"),
        (squared(60), ["check", "sheet.yaml"], "may have at most 200,000"),
        (CUBED, ["trace", "--epochs", "50"], "they grow with every line"),
        (CUBED, ["train", "--epochs", "50"], " epochs, arithmetic: exact stops at"),
        (matrix(300, 200, "sum(A @ A.T)"), ["trace"], "stops at L.1: 18,000,000 products"),
        (matrix(2000, 1001, "sum(A)"), ["trace"], "stops at L: 2,002,000 products"),
        (OVER_NOTHING, ["train", "--epochs", "2"], "exact stops at dx: a division by 0"),
    ],
    ids=range(7),
)  # fmt: skip
def test_fractions_that_can_not_go_on(run, here, spec, command, said):
    (here / "spec.yaml").write_text(spec)
    (here / "sheet.yaml").write_text("answers: {x1: 0.55}")
    outcome = run(command[0], "spec.yaml", *command[1:])
    assert (outcome.code, outcome.out) == (2, "")
    assert said in outcome.err
    assert outcome.err.startswith("spec.yaml:")


def test_a_page_of_very_many_sums_is_refused_and_a_part_of_it_is_not(run, here):
    """xW₁ and its like have 100 entries, dW₁ and W₁ⁿᵉʷ 100·100 each: 20,000 and more."""
    row = ", ".join(["0.5"] * 100)
    (here / "wide.yaml").write_text(
        "layers: [{units: 100, activation: linear, weights: {init: normal}, bias: none}]\n"
        f"inputs: [[{row}]]\ntargets: [[{row}]]\nloss: mse\nlearning_rate: 0.1\nseed: 1\n"
    )
    asked = ("trace", "wide.yaml", "--detail", "entries", "--full")
    refused = run(*asked)
    assert (refused.code, refused.out) == (2, "")
    assert "sums to write out" in refused.err
    assert run(*asked, "--only", "z1").code == 0


def test_fractions_may_be_long(run, here):
    (here / "spec.yaml").write_text(squared(12))
    assert run("trace", "spec.yaml").code == 0
