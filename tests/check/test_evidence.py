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
