"""Shapes: what a list or a number stands for, and how a shape that doesn't fit is drawn."""

import numpy as np
import pytest

from backtrace.tape.loading import loads
from tests.spec.specs import network, only_problem, problems_of

COLUMNS = "conventions: {layout: columns}\n"


def weights_of(text):
    return loads(text).layers[0].weights.values.tolist()


# --- every layout and orientation


@pytest.mark.parametrize(
    ("layout", "weights"),
    [("rows", "in_out"), ("rows", "out_in"), ("columns", "in_out"), ("columns", "out_in")],
)
def test_layouts_and_orientations(layout, weights):
    W = "[[1, 2, 3], [4, 5, 6]]" if weights == "in_out" else "[[1, 4], [2, 5], [3, 6]]"
    X = "[[1, 2], [3, 4], [5, 6], [7, 8]]" if layout == "rows" else "[[1, 3, 5, 7], [2, 4, 6, 8]]"
    text = network(W, bias="[1, 2, 3]", inputs=X)
    spec = loads(text + f"conventions: {{layout: {layout}, weights: {weights}}}\n")
    (layer,) = spec.layers
    assert (layer.inputs, layer.units, spec.samples) == (2, 3, 4)
    assert layer.weights.shape == ((2, 3) if weights == "in_out" else (3, 2))
    assert layer.bias.values.shape == ((1, 3) if layout == "rows" else (3, 1))


@pytest.mark.parametrize(
    ("conventions", "weights", "inputs", "said", "drawing"),
    [
        (
            "{}",
            "[[1, 2], [3, 4], [5, 6]]",
            "[[1, 2], [3, 4], [5, 6], [7, 8]]",
            "a0 (4 × 2) · W1 (3 × 2): the 2 columns of a0 meet the 3 rows of W1",
            " a0      W1\n4 × 2 · 3 × 2\n    ╰─≠─╯",
        ),
        (
            "{weights: out_in}",
            "[[1, 2, 3], [4, 5, 6]]",
            "[[1, 2], [3, 4], [5, 6], [7, 8]]",
            "a0 (4 × 2) · W1ᵀ (3 × 2): the 2 columns of a0 meet the 3 rows of W1ᵀ",
            " a0      W1ᵀ\n4 × 2 · 3 × 2\n    ╰─≠─╯",
        ),
        (
            "{layout: columns}",
            "[[1, 2, 3], [4, 5, 6]]",
            "[[1, 2, 3, 4], [5, 6, 7, 8]]",
            "W1 (2 × 3) · a0 (2 × 4): the 3 columns of W1 meet the 2 rows of a0",
            " W1      a0\n2 × 3 · 2 × 4\n    ╰─≠─╯",
        ),
        (
            "{layout: columns, weights: in_out}",
            "[[1, 2], [3, 4], [5, 6]]",
            "[[1, 2, 3, 4], [5, 6, 7, 8]]",
            "W1ᵀ (2 × 3) · a0 (2 × 4): the 3 columns of W1ᵀ meet the 2 rows of a0",
            " W1ᵀ     a0\n2 × 3 · 2 × 4\n    ╰─≠─╯",
        ),
    ],
)
def test_a_product_that_does_not_fit_is_drawn(conventions, weights, inputs, said, drawing):
    problem = only_problem(network(weights, inputs=inputs) + f"conventions: {conventions}\n")
    assert (problem.line, problem.column) == (3, 14)
    assert problem.found == said
    assert [line.rstrip() for line in problem.drawing.splitlines()] == drawing.splitlines()
    assert drawing.splitlines()[1] in str(problem)


def test_the_next_layer_is_held_against_the_units_of_the_last():
    text = (
        "layers:\n"
        "  - {activation: relu, weights: [[1, 2, 3], [4, 5, 6]], bias: none}\n"
        "  - {activation: relu, weights: [[1], [2]], bias: none}\n"
        "  - {activation: relu, weights: [[1, 2], [3, 4]], bias: none}\n"
        "inputs: [[1, 2]]\n"
    )
    second, third = problems_of(text)
    assert second.found.startswith("a1 (1 × 3) · W2 (2 × 1)")
    assert third.found.startswith("a2 (1 × 1) · W3 (2 × 2): the 1 column of a2 meets the 2 rows")


def test_what_would_fit_is_suggested():
    four = "[[1, 2], [3, 4], [5, 6], [7, 8]]"
    turned = only_problem(network("[[1, 2], [3, 4], [5, 6]]", "[1, 2, 3]", four))
    assert "`conventions: {layout: rows, weights: out_in}`" in turned.mend
    layout = only_problem(network("[[1, 2, 3, 4], [4, 5, 6, 7]]", inputs="[[1, 2, 3], [4, 5, 6]]"))
    assert "`conventions: {layout: columns, weights: in_out}`" in layout.mend
    tall = "[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]"
    both = only_problem(network(tall, inputs="[[1, 2, 3], [4, 5, 6]]"))
    assert "`conventions: {layout: columns, weights: out_in}`" in both.mend
    bias = only_problem(network("[[1, 2, 3, 4], [3, 4, 5, 6], [5, 6, 7, 8]]"))
    assert "`bias: {in_weights: first}`" in bias.mend
    one = only_problem(network("[1]"))
    assert one.found.startswith("a0 (1 × 2) · W1 (1 × 1)")
    plain = only_problem(network("[[1], [2], [3], [4], [5]]"))
    assert plain.mend == "W1 needs 2 rows, one for each input."


@pytest.mark.parametrize(
    ("weights", "inputs", "conventions"),
    [
        ("[[1, 2, 3, 4], [4, 5, 6, 7]]", "[[1, 2, 3], [4, 5, 6]]", "columns, weights: in_out"),
        (
            "[[1, 2], [3, 4], [5, 6], [7, 8], [9, 10]]",
            "[[1, 2, 3], [4, 5, 6]]",
            "columns, weights: out_in",
        ),
    ],
)
def test_the_suggested_conventions_do_fit(weights, inputs, conventions):
    text = network(weights, inputs=inputs)
    assert loads(f"{text}conventions: {{layout: {conventions}}}\n").samples == 3


@pytest.mark.parametrize("samples", [1, 5])
@pytest.mark.parametrize(
    ("layout", "weights"), [("rows", "out_in"), ("columns", "in_out"), ("columns", "out_in")]
)
def test_conventions_that_were_left_out_are_named(layout, weights, samples):
    """Of a network of 2, 3, 4 and 1 units: one problem, and with what it says the same network."""
    draws = np.random.default_rng(1)
    ways = {"rows": lambda a: a.tolist(), "columns": lambda a: a.T.tolist()}
    turns = {"in_out": lambda a: a.tolist(), "out_in": lambda a: a.T.tolist()}
    W = [draws.integers(1, 9, shape) for shape in ((2, 3), (3, 4), (4, 1))]
    X, Y = draws.integers(1, 9, (samples, 2)), draws.integers(1, 9, (samples, 1))
    layers = "".join(
        f"  - {{activation: linear, weights: {turns[weights](w)}, bias: {[1] * w.shape[1]}}}\n"
        for w in W
    )
    text = f"layers:\n{layers}inputs: {ways[layout](X)}\ntargets: {ways[layout](Y)}\nloss: mse\n"
    meant = f"conventions: {{layout: {layout}, weights: {weights}}}"
    assert only_problem(text).mend.startswith(f"Everything fits with `{meant}`")
    assert len(loads(f"{text}{meant}\n").layers) == 3


def test_a_list_needs_no_second_layout():
    """One sample is the same network as a row and as a column."""
    problem = only_problem(network("[[1, 2], [3, 4], [5, 6]]", "[1, 2, 3]", "[1, 2]"))
    assert problem.mend == (
        "Everything fits with `conventions: {layout: columns, weights: out_in}` "
        "(a sample is a column, Z = W·A + b)."
    )


def test_data_in_files_is_a_sample_a_row_in_every_layout(tmp_path):
    np.savez(tmp_path / "data.npz", x=np.ones((5, 2)))
    text = network("[[1, 2], [3, 4], [5, 6]]", "[1, 2, 3]", "{file: data.npz, array: x}")
    (problem,) = problems_of(text, data_folder=tmp_path)
    assert "`conventions: {layout: columns, weights: out_in}`" in problem.mend


def test_units_must_agree_with_the_weights():
    text = network().replace("    bias", "    units: 3\n    bias")
    problem = only_problem(text)
    assert problem.found == "W1 for 2 units"
    assert "3 units" in problem.expected


# --- lists and numbers


@pytest.mark.parametrize(
    ("inputs", "weights", "shape", "W"),
    [
        ("[1, 2]", "[[1, 2, 3], [4, 5, 6]]", (1, 2), (2, 3)),
        ("[1, 2]", "[[1, 2, 3]]", (2, 1), (1, 3)),
        ("[[1, 2]]", "[3, 4]", (1, 2), (2, 1)),
        ("[[1], [2]]", "[3, 4, 5]", (2, 1), (1, 3)),
        ("3", "[3, 4, 5]", (1, 1), (1, 3)),
        ("3", "4", (1, 1), (1, 1)),
    ],
)
def test_a_list_or_a_number_stands_for_the_matrix_that_fits(inputs, weights, shape, W):
    spec = loads(network(weights, inputs=inputs))
    assert spec.inputs.shape == shape
    assert spec.layers[0].weights.shape == W


def test_in_columns_layout_a_list_is_a_column_where_that_fits():
    spec = loads(network("[[1, 2], [3, 4]]", bias="[5, 6]", inputs="[7, 8]") + COLUMNS)
    assert spec.inputs.values.tolist() == [[7], [8]]
    assert spec.inputs.written == (("7",), ("8",))
    assert spec.layers[0].bias.values.values.tolist() == [[5], [6]]


def test_where_both_fit_both_are_shown():
    problem = only_problem(network("[3, 4]", inputs="[1, 2]"))
    assert (problem.line, problem.column) == (5, 9)
    assert "as one sample with 2 features and as 2 samples with one feature" in problem.found
    assert "[[1, 2]] for one sample, [[1], [2]] for 2 samples" in problem.mend
    columns = only_problem(network("[3, 4]", inputs="[1, 2]") + COLUMNS)
    assert "[[1], [2]] for one sample, [[1, 2]] for 2 samples" in columns.mend


def test_targets_settle_what_the_inputs_leave_open():
    text = network("[3, 4]", inputs="[1, 2]") + "loss: mse\n"
    assert loads(text + "targets: 5\n").inputs.shape == (1, 2)
    assert loads(text + "targets: [[1, 2], [3, 4]]\n").inputs.shape == (2, 1)


def test_a_list_of_weights_that_fits_no_way_is_drawn_as_those_of_one_unit():
    problem = only_problem(network("[1, 2, 3]"))
    assert problem.found.startswith("a0 (1 × 2) · W1 (3 × 1)")
    turned = only_problem(network("[1, 2, 3]") + "conventions: {weights: out_in}\n")
    assert turned.found.startswith("a0 (1 × 2) · W1ᵀ (3 × 1)")


def test_targets_as_a_list_are_one_for_each_sample():
    text = (
        network("[1, 2]", inputs="[[1, 2], [3, 4], [5, 6]]") + "loss: mse\ntargets: [1, 0, 1/2]\n"
    )
    assert loads(text).targets.values.tolist() == [[1], [0], [0.5]]


@pytest.mark.parametrize(
    ("targets", "found", "mend"),
    [
        ("[[1], [2]]", "3 samples of inputs, 2 of targets", ""),
        ("[[1, 0, 1]]", "3 samples of inputs, 1 of targets", "a sample is a row"),
        ("[[1, 2], [3, 4], [5, 6]]", "1 unit in the last layer, 2 in y", ""),
        ("[1, 2]", "a list of 2 numbers for 3 outputs", ""),
    ],
)
def test_targets_that_do_not_fit(targets, found, mend):
    text = network("[1, 2]", inputs="[[1, 2], [3, 4], [5, 6]]")
    problem = only_problem(text + f"loss: mse\ntargets: {targets}\n")
    assert (problem.line, problem.column) == (7, 10)
    assert found in problem.found
    assert "a1 (3 × 1)" in problem.found
    assert mend in problem.mend
    assert "3 × 1" in problem.drawing


def test_class_numbers_for_several_units_are_seen():
    text = network(activation="softmax", inputs="[[1, 2], [3, 4], [5, 6]]")
    problem = only_problem(text + "loss: cross_entropy\ntargets: [0, 1, 1]\n")
    assert "one-hot, a row each: [[1, 0], [0, 1], [0, 1]]" in problem.mend


def test_an_upstream_gradient_must_have_the_shape_of_the_outputs():
    problem = only_problem(network() + "loss: {upstream: [[1, 1, 1]]}\n")
    assert (problem.line, problem.column) == (6, 18)
    assert problem.found.startswith("a1 (1 × 2) − da1 (1 × 3)")


# --- biases


@pytest.mark.parametrize(
    ("bias", "kind", "values"),
    [
        ("none", "none", None),
        ("~", "none", None),
        ("[1, 2]", "added", [[1, 2]]),
        ("[[1, 2]]", "added", [[1, 2]]),
        ("{shared: 0.35}", "shared", [[0.35]]),
        ("{threshold: [1, 2]}", "threshold", [[1, 2]]),
        ("{init: zeros}", "added", [[0, 0]]),
        ("{init: constant, value: 0.1}", "added", [[0.1, 0.1]]),
    ],
)
def test_forms_of_bias(bias, kind, values):
    read = loads(network(bias=bias)).layers[0].bias
    assert read.kind == kind
    assert (read.values and read.values.values.tolist()) == values


def test_one_number_is_the_bias_of_one_unit():
    bias = loads(network("[1, 2]", bias="{threshold: 0.3}")).layers[0].bias
    assert (bias.kind, bias.values.written) == ("threshold", (("0.3",),))


@pytest.mark.parametrize("place", ["first", "last"])
@pytest.mark.parametrize(
    ("conventions", "weights", "inputs"),
    [
        ("{}", "[[1, 2], [3, 4], [5, 6]]", "[[1, 2]]"),
        ("{layout: columns}", "[[1, 3, 5], [2, 4, 6]]", "[[1], [2]]"),
        ("{weights: out_in}", "[[1, 3, 5], [2, 4, 6]]", "[[1, 2]]"),
    ],
)
def test_a_bias_in_the_weights_is_one_more_line(place, conventions, weights, inputs):
    text = network(weights, f"{{in_weights: {place}}}", inputs)
    (layer,) = loads(text + f"conventions: {conventions}\n").layers
    assert (layer.inputs, layer.units) == (2, 2)
    assert layer.weights.values.size == 6
    assert (layer.bias.kind, layer.bias.values) == (place, None)


def test_a_missing_bias_line_is_drawn_with_the_one():
    problem = only_problem(network(bias="{in_weights: first}"))
    assert problem.found == (
        "[1 a0] (1 × 3) · W1 (2 × 2): the 3 columns of [1 a0] meet the 2 rows of W1"
    )
    assert problem.mend == "W1 needs 3 rows, one for each input and one for the bias."


@pytest.mark.parametrize(
    ("bias", "column", "said", "mend"),
    [
        ("[1, 2, 3]", 11, "product1 (1 × 2) + b1 (1 × 3): 3 biases for 2 units", "each unit"),
        ("0.1", 11, "product1 (1 × 2) + b1 (1 × 1): 1 bias for 2 units", "{shared: 0.1}"),
        ("[[1], [2]]", 11, "product1 (1 × 2) + b1 (2 × 1)", "plain list"),
        ("{threshold: 1}", 23, "product1 (1 × 2) − b1 (1 × 1)", "shared"),
        ("{shared: [1, 2]}", 20, "a list of 2 numbers for the shared bias", "[0.1, 0.2]"),
    ],
)
def test_biases_that_do_not_fit(bias, column, said, mend):
    problem = only_problem(network(bias=bias))
    assert (problem.line, problem.column) == (4, column)
    assert said in problem.found
    assert mend in problem.mend


def test_decimal_commas_are_suspected_where_shapes_do_not_fit():
    commas = only_problem(network("[[1,5, 2,5], [3,5, 4,5]]", bias="[1, 2]"))
    assert "decimal commas in W1" in commas.found
    assert "[[1.5, 2.5], [3.5, 4.5]]" in commas.mend


def test_what_decimal_points_do_not_mend_is_said_beside_them():
    commas, misfit = problems_of(network("[[1,5, 2,5], [3,5, 4,5]]", bias="[1, 2, 3]"))
    assert "decimal commas in W1" in commas.found
    assert "3 biases for 4 units" in misfit.found


def test_whole_numbers_written_closely_are_not_suspected():
    assert weights_of(network("[[1,5, 2,5], [3,5, 4,5]]")) == [[1, 5, 2, 5], [3, 5, 4, 5]]


# --- weights by rule


def by_rule(rule, *, units=200, bias="none", more="", inputs="[[1, 2, 3]]"):
    text = network(rule, bias, inputs).replace("    bias", f"    units: {units}\n    bias")
    return loads(text + more).layers[0]


def test_weights_by_rule_have_their_ranges():
    uniform = by_rule("{init: uniform, low: 2, high: 3}").weights.values
    assert uniform.shape == (3, 200)
    assert 2 <= uniform.min() < 2.1
    assert 2.9 < uniform.max() <= 3
    bound = np.sqrt(6 / 203)
    xavier = by_rule("xavier").weights.values
    assert 0.95 * bound < np.abs(xavier).max() <= bound
    # 600 draws: the standard deviation of the estimate is 1/√1200, so 15 % is five of them
    assert by_rule("{init: he}").weights.values.std() == pytest.approx(np.sqrt(2 / 3), rel=0.15)
    normal = by_rule("{init: normal, mean: 5, std: 0.5}").weights.values
    assert normal.std() == pytest.approx(0.5, rel=0.15)
    assert normal.mean() == pytest.approx(5, abs=0.1)
    assert by_rule("{init: constant, value: 0.25}").weights.values.tolist() == [[0.25] * 200] * 3
    assert not by_rule("zeros").weights.values.any()


def test_weights_by_rule_have_no_written_text():
    assert by_rule("he").weights.written is None


def test_a_seed_gives_the_same_numbers_and_another_gives_others():
    first = by_rule("he", more="seed: 1\n").weights.values
    assert (by_rule("he", more="seed: 1\n").weights.values == first).all()
    assert not (by_rule("he", more="seed: 2\n").weights.values == first).any()
    assert (by_rule("he").weights.values == by_rule("he").weights.values).all()


def test_each_layer_draws_its_own_numbers_whatever_the_others_do():
    layer = "  - {activation: tanh, units: 3, weights: he, bias: {init: normal}}\n"
    inputs = "inputs: [[1, 2, 3]]\n"
    one = loads("layers:\n" + layer + inputs).layers
    two = loads("layers:\n" + layer + layer + inputs).layers
    assert (one[0].weights.values == two[0].weights.values).all()
    assert not (two[1].weights.values == two[0].weights.values).any()
    assert (one[0].bias.values.values == two[0].bias.values.values).all()


def test_both_orientations_draw_the_same_network():
    straight = by_rule("he").weights.values
    turned = by_rule("he", more="conventions: {weights: out_in}\n").weights.values
    assert (turned == straight.T).all()


def test_augmented_weights_by_rule_have_the_line_of_the_bias():
    assert by_rule("he", bias="{in_weights: last}").weights.shape == (4, 200)


def test_weights_by_rule_need_units():
    problem = only_problem(network("{init: he}"))
    assert (problem.line, problem.column) == (3, 14)
    assert "without `units`" in problem.found


def test_rules_check_their_ranges():
    text = network("{init: uniform, low: 1, high: 0}").replace("    bias", "    units: 1\n    bias")
    assert "low 1 above high 0" in only_problem(text).found
    text = network("{init: normal, std: -1}").replace("    bias", "    units: 1\n    bias")
    assert only_problem(text).found == "-1"
