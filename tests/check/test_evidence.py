"""Explanations are held against the rest of the sheet."""

from tests.check.test_mistakes import SQUARE, said
from tests.check.typed import marks, quantity, report

# x = [1 2], W = [0.5 0.3]ᵀ, b = 0.4: z = 1.5, e = 1.5 - 1 = 0.5, dW = [0.5 1.0], db = 0.5
LINE = """
layers: [{activation: linear, weights: [[0.5], [0.3]], bias: 0.4}]
inputs: [1, 2]
targets: 1
loss: half_sse
learning_rate: 0.1
"""


def test_the_misread_number_is_the_one_that_explains_the_lines_further_down():
    """z = 2.0 may come of 1.5 for x1, of 1.0 for W1[1,1], of 0.9 for b1 and so on. With e = 1.0,
    dW = [1.0 2.0]; only b1 read as 0.9 gives b1_new = 0.9 - 0.1·1.0 = 0.8 as well."""
    sheet = "z1: 2.000\ndW1: [1.000, 2.000]\nb1_new: 0.800\n"
    (found,) = quantity(LINE, sheet, "z1").explanations
    assert (found.codes, said(found)) == (("given-misread",), "b1[1,1] read as 0.9")
    assert marks(LINE, sheet)["b1_new"] == "carried"


def test_a_sign_of_a_given_number_that_is_lost_here_and_further_down_was_misread():
    """z = 0.5 + 0.6 - 0.4 = 0.7, e = -0.3, dW = [-0.3 -0.6]: a bias taken off, if b1_new is 0.4 +
    0.03; it is -0.4 + 0.03 if b1 was read as -0.4, and nothing is wrong but that."""
    sheet = "z1: 0.700\ndW1: [-0.300, -0.600]\n"
    assert quantity(LINE, sheet + "b1_new: 0.430\n", "z1").mistakes == ("sign-flipped",)
    sheet += "b1_new: -0.370\n"
    (found,) = quantity(LINE, sheet, "z1").explanations
    assert (found.codes, said(found)) == (("given-misread",), "b1[1,1] read as -0.4")
    assert marks(LINE, sheet)["b1_new"] == "carried"


def test_several_numbers_that_may_have_been_misread_are_said_to_be_several():
    found = quantity(LINE, "z1: 2.000\n", "z1").explanations[0]
    assert (found.codes, found.or_else) == (("given-misread",), True)


def test_a_mistake_that_may_lie_in_several_lines_says_where():
    """-dW2 is that of -delta2, of -da2 and of -error: [-6+1 -3-3 / -7 -3.5]."""
    (found,) = quantity(SQUARE, "dW2: [[-5, -6], [-7, -3.5]]", "dW2").explanations
    assert found.mistakes == (("sign-flipped", "dW2"),)
    assert {"delta2", "error"} <= set(found.or_in)


def test_a_step_of_averages_that_were_worked_wrong_has_no_bound():
    """dW = 0.5·2 = 1 and 0.1·g² = 0.001·1 where v̂ = 1 belongs: the step is 0.1·1/√0.001 = 3.162,
    over thirty times the longest first step of Adam."""
    spec = LINE.replace("learning_rate: 0.1", "optimizer: {name: adam, learning_rate: 0.1}")
    sheet = """dW1: [0.500, 1.000]\nmhatW1: [0.500, 1.000]\nvhatW1: [0.000250, 0.001000]
step_W1: [-3.162, -3.162]\n"""
    found = report(spec, sheet)
    assert [q.verdict for q in found.quantities] == ["right", "right", "wrong", "carried"]
    assert found.first_mistake.mistakes == ("bias-correction-omitted",)


def test_a_tangent_beyond_its_pole_is_a_number_too():
    # tan 2 = -2.1850, tan 1.9 = -2.9271, tan 0.5 = 0.5463
    spec = "layers: [{activation: tanh, weights: [[2, 1.9, 0.5]], bias: none}]\ninputs: 1\n"
    spec += "loss: output\n"
    (found,) = quantity(spec, "a1: [-2.1850, -2.9271, 0.5463]", "a1").explanations
    assert (found.codes, said(found)) == (("wrong-activation",), "tan")


def test_a_rule_that_would_give_anything_explains_nothing():
    """v̂ rounds to 0.0000, so that a wrong m̂ or v̂ allows steps of any length."""
    spec = "layers: [{activation: linear, weights: 0.5, bias: none}]\ninputs: 0.3\ntargets: 0.5\n"
    spec += "loss: half_mse\noptimizer: {name: adam, learning_rate: 0.1}\n"
    sheet = "dW1: -0.105\nvW1: 0.0000\nstep_W1: 123.45\n"
    assert quantity(spec, sheet, "step_W1").mistakes == ("arithmetic-slip",)


def test_a_number_may_be_misread_in_one_of_the_lines_that_use_it():
    """a = z = 2.0 needs 0.5 more, of x, W or b; in dW = e·x x is right, in the update W and b, for
    e = 1.0."""
    sheet = "a1: 2.000\ndW1: [1.000, 2.000]\nW1_new: [0.400, 0.100]\nb1_new: 0.300\n"
    assert quantity(LINE, sheet, "a1").mistakes == ("given-misread", "arithmetic-slip")
    assert [*marks(LINE, sheet).values()] == ["wrong", *["carried"] * 3]


def test_two_numbers_that_were_exchanged_explain_more_than_one_that_was_misread():
    """z = 0.3·1 + 0.5·2 + 0.4 = 1.7 is also that of b = 0.6; e = 0.7, dW = [0.7 1.4], and the new
    weights are 0.3 - 0.07 and 0.5 - 0.14."""
    sheet = "z1: 1.700\nW1_new: [0.230, 0.360]\n"
    (found,) = quantity(LINE, sheet, "z1").explanations
    assert (found.codes, said(found)) == (("entries-exchanged",), "rows 1 and 2 of W1")
    assert marks(LINE, sheet)["W1_new"] == "carried"


def test_two_numbers_that_were_exchanged_explain_more_than_a_sign():
    """0.5·2 - 0.5·1 for 0.5·1 - 0.5·2 is the negative as well; e = 0.5 - 1, and dW = -0.5·[2 1]."""
    spec = LINE.replace("[[0.5], [0.3]], bias: 0.4", "[[0.5], [-0.5]], bias: none")
    sheet = "z1: 0.500\ndW1: [-1.000, -0.500]\n"
    (found,) = quantity(spec, sheet, "z1").explanations
    assert (found.codes, said(found)) == (("entries-exchanged",), "columns 1 and 2 of a0")
    assert marks(spec, sheet)["dW1"] == "carried"


def test_the_way_of_a_first_step_is_that_of_the_wrong_gradient_where_only_averages_are_written():
    """y - a for a - y: db = -0.5 and dW = [-0.5 -1], of which m is a tenth and v = g²/1000; each
    weight rises by η = 0.1."""
    spec = LINE.replace("learning_rate: 0.1", "optimizer: {name: adam, learning_rate: 0.1}")
    sheet = """db1: -0.50000\nmW1: [-0.05000, -0.10000]\nvW1: [0.00025, 0.00100]
W1_new: [0.60000, 0.40000]\n"""
    found = marks(spec, sheet)
    assert (found["db1"], found["mW1"], found["W1_new"]) == ("wrong", "carried", "carried")


def test_an_activation_out_of_its_range_is_all_that_its_digits_allow():
    """-ln(1 + e^-0.733) = -0.39240, and 1 - e^0.39240 = -0.4805 where 1 - e^0.392 is -0.4799."""
    spec = (
        "layers: [{activation: softplus, weights: -0.733, bias: none}]\ninputs: 1\nloss: output\n"
    )
    assert marks(spec, "a1: -0.392\ng1: -0.481\n") == {"a1": "wrong", "g1": "carried"}
    assert marks(spec, "a1: -0.392\ng1: -0.483\n")["g1"] == "wrong"


# One deed that explains most lines


def test_a_number_misread_explains_more_than_a_rule_that_fits_one_line():
    """Of Adam's first step the sign alone shows. With W2 read as -0.2: a2 = -0.1, e < 0, dW2 < 0
    and W2_new = -0.2 + 0.3; dW1 = -0.2·e > 0 and W1_new = 0.5 - 0.3, as if δ1 had lost its sign."""
    spec = """
layers: [{activation: linear, weights: 0.5, bias: none},
         {activation: linear, weights: 0.2, bias: none}]
inputs: 1
targets: 1
loss: half_sse
optimizer: {name: adam, learning_rate: 0.3}
"""
    sheet = "W1_new: 0.2000\nW2_new: 0.1000\n"
    (found,) = quantity(spec, sheet, "W1_new").explanations
    assert (found.codes, said(found)) == (("given-misread",), "W2[1,1] read as -0.2")
    assert marks(spec, sheet)["W2_new"] == "carried"


def test_another_activation_is_told_by_the_lines_further_down():
    """tanh 0.6 = 0.5370 and tanh -0.9 = -0.7163 in an a1 that was not written: a2 is their sum, and
    a(1 - a) is 0.2486 and -1.2294, where one number alone could be that of any misread one."""
    spec = """
layers: [{activation: sigmoid, weights: [[0.6, -0.9]], bias: none},
         {activation: linear, weights: [[1], [1]], bias: none}]
inputs: 1
targets: 1
loss: half_sse
"""
    sheet = "a2: -0.1793\ng1: [0.2486, -1.2294]\n"
    (found,) = quantity(spec, sheet, "a2").explanations
    assert (found.codes, said(found)) == (("wrong-activation",), "tanh")
    assert marks(spec, sheet)["g1"] == "carried"


def test_an_activation_left_out_is_so_where_the_slope_is_worked_from_it():
    """a1 = z1 = 0.5, a2 = 1.0, e = 1.0 - 0.2 = 0.8; da1 = 1.6, g1 = 1 - 0.5² = 0.75: dW1 = 1.2, and
    W2_new = 2 - 0.1·0.8·0.5."""
    spec = """
layers: [{activation: tanh, weights: 0.5, bias: none},
         {activation: linear, weights: 2, bias: none}]
inputs: 1
targets: 0.2
loss: half_sse
learning_rate: 0.1
"""
    sheet = "W1_new: 0.3800\nW2_new: 1.9600\n"
    assert quantity(spec, sheet, "W1_new").mistakes == ("activation-omitted",)
    assert marks(spec, sheet)["W2_new"] == "carried"


def test_of_tied_mistakes_the_one_that_was_made_again_stands_alone():
    """m̂ = dW = [1 -1] and 1 for b: + 0.1·[1 -1] is also the right step, its entries exchanged."""
    spec = LINE.replace("inputs: [1, 2]", "inputs: [1, -1]").replace("targets: 1", "targets: -0.4")
    spec = spec.replace("learning_rate: 0.1", "optimizer: {name: adam, learning_rate: 0.1}")
    sheet = "mhatW1: [1.000, -1.000]\nstep_W1: [0.100, -0.100]\nstep_b1: 0.100\n"
    found = {q.name: q for q in report(spec, sheet).quantities}
    assert found["step_W1"].mistakes == found["step_b1"].mistakes == ("ascent-for-descent",)
    assert found["step_b1"].repeated == "step_W1"


# A slip of the pen


def test_what_follows_from_a_repaired_number_by_ones_own_rounding_is_no_mistake():
    """z = 0.735, a = sigma(0.74) = 0.677 from the rounded one: neither from -0.74 nor the key's."""
    spec = "layers: [{activation: sigmoid, weights: 0.735, bias: none}]\ninputs: 1\nloss: output\n"
    assert marks(spec, "z1: -0.74\na1: 0.677\n") == {"z1": "wrong", "a1": "rounded"}
    assert marks(spec, "z1: -0.74\na1: 0.679\n")["a1"] == "wrong"
    # sigma(0.735) = 0.676 is the key's, which anybody may have
    assert marks(spec, "z1: -0.74\na1: 0.676\n")["a1"] == "unsupported"


def test_entries_exchanged_on_the_page_alone_leave_the_keys_numbers_unsupported():
    """dW = 0.5·[1 2] written as [1.0 0.5], and the new weights worked from the right ones."""
    sheet = "dW1: [1.000, 0.500]\nW1_new: [0.450, 0.200]\n"
    assert marks(LINE, sheet) == {"dW1": "wrong", "W1_new": "unsupported"}


# The same mistake elsewhere


def test_a_rate_that_explains_several_weights_explains_a_single_bias():
    """0.25·[0.5 1] and 0.25·0.5 taken off, for 0.1: one number alone speaks for no rate."""
    sheet = "W1_new: [0.3750, 0.0500]\nb1_new: 0.2750\n"
    found = report(LINE, sheet).quantities
    assert [q.mistakes for q in found] == [("rate-misread",)] * 2
    assert found[1].repeated == "W1_new"


def test_of_tied_mistakes_the_one_that_explains_most_lines_is_told():
    """0.018 is the sum of delta2, and to three decimals that of da2 / 4; dW1 is a sum alone."""
    sheet = """delta2: [0.140, -0.041, -0.043, -0.038]
db2: 0.018
delta1: [[0.014, -0.004, -0.004, -0.003], [0.020, -0.005, -0.006, -0.004]]
dW1: [[-0.007, -0.007], [-0.010, -0.009]]
"""
    found = {q.name: q for q in report("or-gate", sheet).quantities}
    assert found["db2"].mistakes == found["dW1"].mistakes == ("mean-omitted",)
    assert found["dW1"].repeated == "db2"
