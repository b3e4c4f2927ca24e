"""What people write before they know YAML: one problem each, and what it says is right."""

import pytest

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.document.function_names import AS_EQUATIONS
from backtrace.tape.loading import loads
from tests.spec.specs import only_problem, problems_of

LAYER = """\
  - activation: sigmoid
    weights: [[0.1, 0.2], [0.3, 0.4]]
    bias: [0.1, 0.2]
"""
DATA = "inputs: [[1, 2]]\ntargets: [[0, 1]]\nloss: mse\n"
WHOLE = f"layers:\n{LAYER}{DATA}"
ROWS = "[[0.1, 0.2], [0.3, 0.4]]"


def test_the_whole_one_is_right():
    assert loads(WHOLE).layers[0].weights.values.tolist() == [[0.1, 0.2], [0.3, 0.4]]


# --- layers


@pytest.mark.parametrize(
    "text",
    [
        f"activation: sigmoid\nweights: {ROWS}\nbias: [1, 2]\nx: [1, 2]\ny: [0, 1]\nlr: 0.1\n",
        f"W1: {ROWS}\nb1: [1, 2]\nW2: [[1], [2]]\nb2: 1\ninputs: [1, 2]\n",
        f"hidden layer:\n  weights: {ROWS}\n  bias: 1\noutput layer: {{weights: 1}}\n{DATA}",
    ],
)
def test_a_layer_at_the_top_level_is_told_how_a_spec_looks(text):
    problem = only_problem(text)
    assert (problem.line, problem.column) == (1, 1)
    assert len(problem.drawing.splitlines()) == 3
    assert loads(problem.drawing).layers[0].activation.name == "sigmoid"


def test_sizes_alone_are_told_how_layers_look():
    text = f"layers: [2, 3, 2]\n{DATA}"
    problem = only_problem(text)
    assert (problem.line, problem.column) == (1, 9)
    mended = loads(f"{problem.drawing}\nseed: 1\n{DATA}")
    assert [layer.units for layer in mended.layers] == [3, 2]


@pytest.mark.parametrize("before", ["", "-"])
def test_a_layer_without_a_dash_or_its_space(before):
    layer = LAYER.replace("  - ", f"  {before}").replace("    ", "   " if before else "  ")
    problem = only_problem(f"layers:\n{layer}{DATA}")
    assert (problem.line, problem.column) == (2, 3)
    assert "`- activation: sigmoid`" in problem.mend


def test_a_dash_forgotten_between_two_layers_is_one_problem():
    second = LAYER.replace("  - ", "    ")
    problem = only_problem(f"layers:\n{LAYER}{second}{DATA}")
    assert (problem.line, problem.column) == (5, 5)
    assert "`- activation: …`" in problem.mend


def test_a_dash_before_every_line():
    text = WHOLE.replace("    weights", "  - weights").replace("    bias", "  - bias")
    assert [(each.line, each.column) for each in problems_of(text)] == [(3, 5), (4, 5)]


def test_layers_by_name():
    named = "".join(f"  {name}:\n{LAYER.replace('- ', '  ')}" for name in ("hidden", "output"))
    places = [(each.line, each.column) for each in problems_of(f"layers:\n{named}{DATA}")]
    assert places == [(2, 3), (6, 3)]


def test_what_else_is_wrong_is_found_behind_a_dash():
    text = WHOLE.replace("  - a", "  a").replace("    ", "  ").replace("sigmoid", "sigmod")
    assert [each.line for each in problems_of(text)] == [2, 2]


def test_tabs_are_one_kind():
    text = WHOLE.replace("  - ", "\t- ").replace("    ", "\t  ")
    problems = problems_of(text)
    assert [(each.line, each.column) for each in problems] == [(2, 1), (3, 1), (4, 1)]
    assert len({each.kind for each in problems}) == 1


# --- rows


@pytest.mark.parametrize(
    "written",
    [
        "[0.1, 0.2; 0.3, 0.4]",
        "[0.1 0.2; 0.3 0.4]",
        "0.1 0.2; 0.3 0.4",
        "[[0.1 0.2], [0.3 0.4]]",
        "\n      0.1 0.2\n      0.3 0.4",
        "|\n      0.1, 0.2\n      0.3, 0.4",
        "\n      - 0.1, 0.2\n      - 0.3  0.4",
        "[0.1, 0.2], [0.3, 0.4]",
        "[[0.1, 0.2], [0.3, 0.4]",
        "[[0.1, 0.2, [0.3, 0.4]]",
        "0,1 0,2; 0,3 0,4",
    ],
)
def test_rows_are_shown_as_they_should_be(written):
    problem = only_problem(WHOLE.replace(ROWS, written))
    assert f"Write {ROWS}." in problem.mend


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("[[0.1, 0.2], [0.3, 0.4]]]", "Remove it"),
        ("[[0.1, 0.2] [0.3, 0.4]]", "by commas"),
        ("\n      [0.1, 0.2]\n      [0.3, 0.4]", "a comma between the rows, and brackets"),
        ("[1,2; 3,4; 5,6 7,8]", "Put commas between them"),  # which may be 1.2, or 1 and 2
    ],
)
def test_other_brackets(written, said):
    assert said in problems_of(WHOLE.replace(ROWS, written))[0].mend


def test_a_list_of_one_row_stays_one():
    assert only_problem(WHOLE.replace("[0.1, 0.2]\n", "0.1 0.2\n")).mend == "Write [0.1, 0.2]."


# --- decimal commas


def test_decimal_commas_are_told_once():
    text = WHOLE.replace("0.", "0,").replace("[[1, 2]]", "[1,05, 0,1]")
    problems = problems_of(text)
    assert len({each.kind for each in problems}) == 1
    assert {each.code for each in problems} == {"E114"}


def test_decimals_that_begin_with_a_0_are_no_whole_number():
    problem = only_problem(WHOLE.replace("[[1, 2]]", "[1,05,2]"))
    assert problem.mend == "Write [1.05, 2]."


def test_a_shape_that_decimal_points_mend_is_not_told():
    problem = only_problem(WHOLE.replace("[[1, 2]]", "[0,5, 1]"))
    assert "write [0.5, 1]" in problem.mend


@pytest.mark.parametrize(
    "text",
    [
        WHOLE + "optimizer: {name: sgd, learning_rate: 0,05}\n",
        "given: {x: 0,05}\nequations:\n  - y = x\n",
    ],
)
def test_a_comma_that_makes_a_key_of_decimals(text):
    assert any(each.mend.startswith("A decimal comma?") for each in problems_of(text))


# --- class numbers


@pytest.mark.parametrize(
    ("layout", "targets", "shown"),
    [
        ("rows", "[0, 2]", "[[1, 0, 0], [0, 0, 1]]"),
        ("columns", "[0, 2]", "[[1, 0], [0, 0], [0, 1]]"),
        ("columns", "[[1, 3]]", "[[1, 0], [0, 0], [0, 1]]"),  # from 1
    ],
)
def test_class_numbers_are_shown_one_hot_in_the_layout(layout, targets, shown):
    W = "[[1, 2, 3], [4, 5, 6]]" if layout == "rows" else "[[1, 4], [2, 5], [3, 6]]"
    text = (
        f"layers:\n  - {{activation: softmax, weights: {W}, bias: [0, 0, 0]}}\n"
        f"inputs: [[1, 2], [3, 4]]\ntargets: «»\nloss: cross_entropy\n"
        f"conventions: {{layout: {layout}}}\n"
    )
    assert only_problem(text.replace("«»", targets)).mend.endswith(f": {shown}.")
    assert loads(text.replace("«»", shown)).targets is not None


# --- names of functions


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("rellu", "relu"),
        ("reul", "relu"),
        ("tahn", "tanh"),
        ("Sigmoid", "sigmoid"),
        ("sotfmax", "softmax"),
        ("leakyrelu", "leaky_relu"),
        ("lrelu", "leaky_relu"),
    ],
)
def test_a_misspelled_activation_is_recognised(written, meant):
    problem = only_problem(WHOLE.replace("sigmoid", written))
    assert problem.mend == f"Did you mean `{meant}`?"


@pytest.mark.parametrize("written", ["relu6", "crelu", "signum", "arctan", "celu", "swiglu", "erf"])
def test_another_activation_is_not_taken_for_one_of_these(written):
    problem = only_problem(WHOLE.replace("sigmoid", written))
    assert "Did you mean" not in problem.mend
    assert len(problem.choices) == len(ACTIVATIONS)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("1/2 MSE", "half_mse"),
        ("0.5*mse", "half_mse"),
        ("½ mse", "half_mse"),
        ("mse/2", "half_mse"),
        ("half mean squared error", "half_mse"),
        ("1/2 SSE", "half_sse"),
        ("MSELoss", "mse"),
        ("mes", "mse"),
        ("crossentropy", "cross_entropy"),
        ("binary crossentropi", "binary_cross_entropy"),
    ],
)
def test_a_loss_keeps_its_half(written, meant):
    problem = only_problem(WHOLE.replace("loss: mse", f'loss: "{written}"'))
    assert problem.mend == f"Did you mean `{meant}`?"


@pytest.mark.parametrize("written", ["rmse", "msle", "mape", "cosine", "1/2 cross entropy"])
def test_another_loss_is_not_taken_for_one_of_these(written):
    problem = only_problem(WHOLE.replace("loss: mse", f'loss: "{written}"'))
    assert "Did you mean" not in problem.mend
    assert len(problem.choices) == len(LOSSES)


@pytest.mark.parametrize("line", sorted(set(AS_EQUATIONS.values())))
def test_equations_can_write_what_is_said_of_them(line):
    if line.startswith("a"):
        text = f"given: {{z: [[0.1, 0.2]]}}\nequations:\n  - {line}\n  - L = sum(a)\n"
    else:
        text = f"given: {{a: [[0.3, 0.4]], y: [[0.5, 0.6]]}}\nequations:\n  - {line}\n"
    assert loads(f"{text}loss: L\n").has_backward
