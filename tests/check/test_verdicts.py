"""Every verdict, and each point on which a verdict may turn, worked once by hand."""

import pytest

from backtrace.page.report.content import standing
from backtrace.spec.model import AnswerDigits
from tests.check.typed import entries, marks, named, quantity, report

# mlp-math: z1 = [3.7 -1.3 1.1], a1 = [3.7 0 1.1], z2 = a2 = 4.35, y = 3.5, e = 0.85,
# loss 0.7225, delta2 1.7, dW2 = [6.29 0 1.87], da1 = [1.7 -3.4 0.85], delta1 = [1.7 0 0.85].
# small-mlp: z1 = a1 = [0.8 1.1], a2 = 1.16, y = 1, delta2 = 0.16, dW2 = [0.128 0.176].
# or-gate: z1 = [0.3 0.7 0.5 0.9 / 0.5 1.0 0.8 1.3], a1 = [0.574442… 0.668187… / …].
# softmax: z2 = [1 2 0.5 / 1.5 0 -1].


# Each verdict


def test_right():
    assert marks("mlp-math", "z1: [3.7, -1.3, 1.1]\nz2: 4.35\nloss: 0.7225") == {
        "z1": "right", "z2": "right", "loss": "right"}  # fmt: skip


def test_right_to_the_digits_written():
    # σ(0.3) = 0.57444: 0.574, 0.5744 and 0.57444 are all right, 0.5746 is not; with e^−0.3 noted
    # as 0.7408 or 0.7409 it may be 0.5744 or, narrowly, 0.5745.
    for written in ("0.574", "0.5744", "0.57444"):
        assert marks("or-gate", f"a1[1,1]: {written}") == {"a1": "missing"}
        assert entries("or-gate", f"a1[1,1]: {written}", "a1")[0].split()[0] == "right"
    assert entries("or-gate", "a1[1,1]: 0.5746", "a1")[0].split()[0] == "wrong"


def test_either_way_of_rounding_a_tie_is_fair():
    # 0.7225 to three decimals
    assert marks("mlp-math", "loss: 0.722") == {"loss": "right"}
    assert marks("mlp-math", "loss: 0.723") == {"loss": "right"}
    assert marks("mlp-math", "loss: 0.724") == {"loss": "wrong"}


def test_rounded():
    # a2 = 0.76193 written 0.76, and 0.76 - 1 = -0.240 where it is -0.2381.
    sheet = "a2: [0.75, 0.77, 0.76, 0.78]\nerror: [0.750, -0.230, -0.240, -0.220]"
    found = quantity("or-gate", sheet, "error", asked=AnswerDigits(digits=2))
    # Exactly e = [0.7509 -0.2304 -0.2381 -0.2217]: only -0.230 is right to three decimals.
    assert found.entries == (("rounded", "right", "rounded", "rounded"),)
    assert (found.verdict, found.earned, found.root) == ("rounded", 4, None)


def test_carried_and_where_it_comes_from():
    # z2 = 4.45, a slip of 0.1; 4.45 - 3.5 = 0.95; 2 · 0.95 = 1.9.
    found = report("mlp-math", "z2: 4.45\nerror: 0.95\nda2: 1.90\ndelta2: 1.90")
    assert [(q.name, q.verdict, q.root) for q in found.quantities] == [
        ("z2", "wrong", None),
        ("error", "carried", "z2"),
        ("da2", "carried", "z2"),
        ("delta2", "carried", "z2"),
    ]
    assert (found.earned, found.possible) == (3, 4)


def test_unsupported():
    # The right error under a wrong prediction: 4.45 - 3.5 is 0.95.
    assert marks("mlp-math", "a2: 4.45\nerror: 0.85") == {"a2": "wrong", "error": "unsupported"}


def test_wrong():
    assert marks("mlp-math", "z1: [3.7, -1.3, 1.2]") == {"z1": "wrong"}
    assert entries("mlp-math", "z1: [3.7, -1.3, 1.2]", "z1") == ["right right wrong"]


def test_imprecise():
    # 0.6 for 0.574…, one digit; 0.57, two; -min-digits 2 accepts the second.
    sheet = "a1: [[0.6, 0.57, _, _], [_, _, _, _]]"
    assert entries("or-gate", "a1: [[0.6, 0.67, _, _], [_, _, _, _]]", "a1")[0] == (
        "imprecise right missing missing"
    )
    assert (
        entries("or-gate", sheet, "a1", asked=AnswerDigits(digits=2))[0]
        == "imprecise wrong missing missing"
    )


def test_three_decimals_are_precise_whatever_their_significant_digits():
    # db2 = 0.00454 in the OR gate: 0.005 has one significant digit, and three decimals.
    assert marks("or-gate", "db2: 0.005") == {"db2": "right"}
    assert marks("or-gate", "db2: 0.00") == {"db2": "imprecise"}


def test_the_exact_value_is_precise_with_any_digits():
    assert marks("mlp-math", "a0: [1, 2]\nproduct1: [3.5, -1, 1]\nda2: 1.7") == {
        "a0": "right", "product1": "right", "da2": "right"}  # fmt: skip


def test_missing_is_what_was_asked_for_and_not_given():
    spec = MLP + "ask: [z1, loss, dW1]\n"
    found = report(spec, "z1: [3.7, _, 1.1]\nz2: 4.35\nloss: 0.7225")
    assert {q.name: q.verdict for q in found.quantities} == {
        "z1": "missing", "z2": "right", "loss": "right", "dW1": "missing"}  # fmt: skip
    # z1 3 entries, loss 1, dW1 6; z2 was not asked for and earns nothing.
    assert (found.earned, found.possible) == (2 + 1, 3 + 1 + 6)


def test_malformed_is_no_number_or_no_fitting_shape():
    assert entries("mlp-math", "z1: [3.7, many, 1.1]", "z1") == ["right malformed right"]
    assert marks("mlp-math", "z1: [[3.7, -1.3], [1.1, 0]]") == {"z1": "malformed"}
    assert quantity("mlp-math", "z1: [3.7, many, 1.1]", "z1").earned == 2


def test_a_quantity_s_verdict_is_its_worst_entry_s():
    sheet = "z1: [[0.4, 0.7, nothing, _], [0.5, 1.0, 0.8, 1.3]]"
    assert entries("or-gate", sheet, "z1") == [
        "wrong right malformed missing", "right right right right"]  # fmt: skip
    assert marks("or-gate", sheet) == {"z1": "wrong"}


def test_left_out_alone_is_not_judged():
    assert marks("mlp-math", "z1: [_, _, _]\nz2: 4.35") == {"z2": "right"}


MLP = """
layers:
  - {activation: relu, weights: [[0.5, -1, 2], [1.5, 0, -0.5]], bias: [0.2, -0.3, 0.1]}
  - {activation: linear, weights: [[1], [-2], [0.5]], bias: 0.1}
inputs: [[1, 2]]
targets: 3.5
loss: mse
"""


# What a written number stands for


def test_a_written_number_that_is_the_value_stands_for_itself():
    """a1 = [3.7 0 1.1]: were 0 anything from -0.5 to 0.5, and 3.7 from 3.65, a z2 without its bias,
    3.7 + 0.55 = 4.25, would pass as rounding (-2 · 0.5 alone is 1)."""
    sheet = "z1: [3.7, -1.3, 1.1]\na1: [3.7, 0, 1.1]\nz2: 4.25"
    assert marks("mlp-math", sheet)["z2"] == "wrong"
    assert named("mlp-math", sheet) == [("z2", {"bias-omitted"})]


def test_a_zero_that_can_be_nothing_else_is_no_rounded_number():
    """z = 0.3, e = 0.3 − 0.298 = 0.002 = δ, which 0.00 would stand for; after z = −0.3 the unit is
    off, and δ is 0 and no more."""
    spec = """
layers: [{activation: relu, weights: [[0.3]], bias: none}]
inputs: [[1]]
targets: [[0.298]]
loss: half_sse
"""
    found = report(spec, "z1: -0.30\ng1: 0\ndelta1: 0.00")
    assert [q.verdict for q in found.quantities] == ["wrong", "carried", "carried"]
    assert found.earned == 0  # zeros that follow from zeros take no work


def test_a_rounded_number_stands_for_all_it_may_have_been():
    # product2 = 0.4 a1 + 0.6 a1' from 0.57, 0.62: 0.4 · 0.575 + 0.6 · 0.625 = 0.605, at most;
    # 0.6 is what two decimals give at the middle, 0.605 is still fair, 0.606 is not.
    given = "a1: [[0.57, _, _, _], [0.62, _, _, _]]\n"
    for written, verdict in (("0.605", "rounded"), ("0.608", "wrong")):
        sheet = f"{given}product2: [{written}, _, _, _]"
        found = entries("or-gate", sheet, "product2", asked=AnswerDigits(digits=2))[0].split()[0]
        assert found == verdict, written


def test_an_unwritten_line_may_have_been_rounded_too():
    """delta2 in two decimals from a2 in two: g2 unwritten, 0.75 · 0.25 = 0.1875 → 0.19."""
    # 0.75 · 0.19 = 0.1425 → 0.14; exactly 0.1405. With a, 1 − a and g rounded on the way and
    # every time to the wrong side it is 0.755 · 0.2037 = 0.154; 0.17 is not what rounding gives.
    given = "a2: [0.75, 0.77, 0.76, 0.78]\n"
    found = entries(
        "or-gate",
        given + "delta2: [0.14, -0.04, -0.04, -0.04]",
        "delta2",
        asked=AnswerDigits(digits=1),
    )
    assert set(found[0].split()) <= {"right", "rounded"}
    found = entries(
        "or-gate",
        given + "delta2: [0.17, -0.04, -0.04, -0.04]",
        "delta2",
        asked=AnswerDigits(digits=1),
    )
    assert found[0].split()[0] == "wrong"


def test_a_slope_near_0_is_0_or_1_and_nothing_between():
    # z1[1,2] = 0.0 to one decimal, really 0.02: both slopes are fair, a half is not.
    spec = """
layers: [{activation: relu, weights: [[0.01, 1]], bias: none}]
inputs: [[2]]
loss: {upstream: [[1, 1]]}
"""
    for slope, verdict in (("1", "right"), ("0", "rounded"), ("0.5", "wrong")):
        found = entries(
            spec, f"z1: [0.0, 2.0]\ng1: [{slope}, 1]", "g1", asked=AnswerDigits(digits=1)
        )
        assert found == [f"{verdict} right"], slope


def test_saturated_and_tiny_numbers_do_not_divide_by_0():
    # Adam's first step is -0.1 · g/|g| whatever g is: √v̂ = 0.00 leaves it unbounded, imprecise.
    sheet = "mhatW1: [1.0, -5.0]\nvhatW1: [1.0, 25.0]\nstep_W1: [-0.100, 0.100]"
    assert marks("adam", sheet, asked=AnswerDigits(digits=2))["step_W1"] == "right"
    sheet = "mhatW1: [1.0, -5.0]\nvhatW1: [0.0, 25.0]\nstep_W1: [-0.300, 0.100]"
    assert entries("adam", sheet, "step_W1", asked=AnswerDigits(digits=1))[0].split()[0] in (
        "wrong",
        "imprecise",
    )


def test_the_line_that_shows_most_decimals_says_how_finely_it_was_worked():
    """z = 0.5012 + 0.0488 = 0.55 and 0.4512 + 0.0468 = 0.498: who writes three decimals has noted
    0.451 in between, not 0.45, and 0.55 is 0.550."""
    spec = """
layers: [{activation: linear, weights: [[0.5012, 0.4512]], bias: [0.0488, 0.0468]}]
inputs: [[1]]
"""
    assert entries(spec, "z1: [0.55, 0.498]", "z1") == ["right right"]
    assert entries(spec, "z1: [0.55, 0.494]", "z1") == ["right wrong"]


def test_a_bare_whole_number_is_read_to_the_fewest_decimals_of_the_sheet():
    """e = 0.2345 + 0.2655 − 1.5198 = −1.0198 and e² = 1.04: 1 is 1.0 beside the 0.5."""
    spec = """
layers: [{activation: linear, weights: [[0.2345]], bias: 0.2655}]
inputs: [[1]]
targets: [[1.5198]]
loss: sse
"""
    assert marks(spec, "product1: 0.2345\nz1: 0.5\nloss: 1")["loss"] == "right"
    assert marks(spec, "product1: 0.2345\nz1: 0.5000\nloss: 1")["loss"] == "imprecise"


def test_the_last_zeros_of_a_whole_number_may_be_idle_but_two_digits_count():
    """13.2 · 100 = 1320: 1300 is 1250 … 1350, and 1000 no more than 950 … 1050."""
    spec = "layers: [{activation: linear, weights: [[13.2]], bias: none}]\ninputs: [[100]]\n"
    for written, verdict in (("1300", "right"), ("1400", "wrong"), ("1000", "wrong")):
        assert marks(spec, f"z1: {written}") == {"z1": verdict}


def test_as_many_digits_as_are_asked_for_are_enough():
    """0.12346 and 1.23456 to four significant digits; three decimals are asked for, or four."""
    spec = (
        "layers: [{activation: linear, weights: [[0.12346, 1.23456]], bias: none}]\ninputs: [[1]]\n"
    )
    sheet = "z1: [0.1235, 1.235]"
    for asked, verdict in ((3, "right"), (4, "imprecise")):
        assert entries(spec, sheet, "z1", asked=AnswerDigits(decimals=asked)) == [
            f"right {verdict}"
        ]
        assert entries(spec, sheet, "z1", asked=AnswerDigits(digits=asked)) == ["right right"]
    assert entries(spec, sheet, "z1", asked=AnswerDigits(digits=5)) == ["imprecise imprecise"]


# Several right ways


def test_a_slope_may_come_from_z_or_from_a():
    # z1 = 0.3: σ′(0.3) = 0.24446. From a1 = 0.574: 0.574 · 0.426 = 0.24452.
    for written in ("0.2445", "0.24452"):
        sheet = f"a1: [[0.574, _, _, _], [_, _, _, _]]\ng1: [[{written}, _, _, _], [_, _, _, _]]"
        assert entries("or-gate", sheet, "g1")[0].split()[0] in ("right", "rounded")


def test_a_loss_may_come_from_the_written_error_or_be_worked_afresh():
    # error slipped to 0.95: the loss of 0.95² = 0.9025 follows from it, 0.7225 from a2 and y.
    assert marks("mlp-math", "error: 0.95\nloss: 0.9025") == {"error": "wrong", "loss": "carried"}
    assert marks("mlp-math", "error: 0.95\nloss: 0.7225") == {"error": "wrong", "loss": "right"}


def test_what_follows_from_a_wrong_line_by_another_form_names_it():
    assert quantity("mlp-math", "error: 0.95\nloss: 0.9025", "loss").root == "error"


def test_the_short_cut_is_right_where_the_spec_goes_the_long_way():
    # One sigmoid, z = 0.5, a = 0.6225, y = 1: δ = a - y = -0.3775 either way.
    spec = """
layers: [{activation: sigmoid, weights: [[0.5]], bias: none}]
inputs: [[1]]
targets: [[1]]
loss: binary_cross_entropy
output_delta: chain
"""
    assert marks(spec, "a1: 0.622\ndelta1: -0.378") == {"a1": "right", "delta1": "right"}


# Explanations, coincidences, order


def test_a_coincidence_is_right_where_it_also_follows():
    # relu-mask forgotten where every unit is on costs nothing: small-mlp's z1 is positive.
    assert marks("small-mlp", "da1: [0.080, 0.096]\ndelta1: [0.080, 0.096]") == {
        "da1": "right", "delta1": "right"}  # fmt: skip


def test_the_first_mistake_is_the_first_in_the_order_of_work_not_of_the_file():
    # z1[1,3] = 1.2 for 1.1 makes the error 0.9 and dW2[1,1] 2 · 0.9 · 3.7 = 6.66: 9 is beyond that.
    sheet = "dW2: [[9.00], [0], [2.16]]\nz1: [3.7, -1.3, 1.2]"
    found = report("mlp-math", sheet)
    assert found.first_mistake.name == "z1"
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["z1", "dW2"]


def test_two_slips_that_stand_on_their_own_are_both_found():
    # 0.85² = 0.7225 ≠ 0.75, 2 · 0.85 = 1.7 ≠ 1.8
    sheet = "error: 0.85\nloss: 0.750\nda2: 1.80"
    assert named("mlp-math", sheet) == [
        ("loss", {"arithmetic-slip"}), ("da2", {"copied-wrong"})]  # fmt: skip


def test_ids_of_later_updates():
    # Momentum, second update: z = [0.5 3.8] (see test_mistakes); 0.9 · 3 + 0.5 + 0.6 = 3.8.
    found = marks("momentum", "z1@2.1: [0.5, 3.8]\nW1_new: [0.9, -0.5]")
    assert found == {"W1_new": "right", "z1@2.1": "right"}
    assert named("momentum", "z1@2.1: [0.5, 3.900]") == [("z1@2.1", {"copied-wrong"})]


def test_a_slip_in_the_first_update_is_carried_into_the_second():
    # W1_new[1,1] = 0.8 for 0.9: z = [0.8-1+0.6 2.4+0.5+0.6] = [0.4 3.5]
    found = report("momentum", "W1_new: [0.80, -0.50]\nz1@2.1: [0.40, 3.50]")
    assert [(q.name, q.verdict, q.root) for q in found.quantities] == [
        ("W1_new", "wrong", None), ("z1@2.1", "carried", "W1_new")]  # fmt: skip


# Marks


def test_a_credit_policy():
    sheet = "a2: 5.02\nerror: 0.85\nda2: 1.70\ndelta2: 1.80"
    # wrong, unsupported, right (from the error 0.85), wrong
    assert report("mlp-math", sheet).earned == 1
    assert report("mlp-math", sheet, credit={"unsupported": 0.5}).earned == 1.5
    assert report("mlp-math", sheet, credit={"right": 2, "wrong": 0.25}).earned == 2.5


def test_a_slip_of_the_pen_that_has_a_name_is_charged_once():
    # a2 = 4.35, and 0.85 = 4.35 - 3.5: the digit is wrong on the page alone. Nobody knows what 5.02
    # was to be.
    found = report("mlp-math", "a2: 4.45\nerror: 0.85\nda2: 1.70")
    assert [q.verdict for q in found.quantities] == ["wrong", "unsupported", "right"]
    assert (found.earned, found.possible) == (2, 3)
    assert [q.slip for q in found.quantities] == [None, "a2", None]
    assert report("mlp-math", "a2: 5.02\nerror: 0.85\nda2: 1.70").earned == 1
    half = report("mlp-math", "a2: 4.45\nerror: 0.85\nda2: 1.70", credit={"unsupported": 0.5})
    assert half.earned == 2


def test_carried_by_half():
    sheet = "z2: 4.45\nerror: 0.95"
    assert report("mlp-math", sheet, credit={"carried": 0.5}).earned == 0.5


def test_nothing_is_earned_on_an_activation_that_was_made_all_zero():
    # a1 = 0: then z2 = b2 = 0.1 costs no work.
    found = quantity("mlp-math", "a1: [0, 0, 0]\nz2: 0.10\nproduct2: 0", "product2")
    assert (found.verdict, found.earned, found.possible) == ("carried", 0, 1)


def test_who_fills_three_lines_with_one_number_earns_nothing_by_it():
    """z1, a1 are right; 4 for 4.35 is wrong, as it is for e = 0.5 and da2 = 2·4 in what follows."""
    right = "z1: [3.7, -1.3, 1.1]\na1: [3.7, 0, 1.1]\n"
    filled = "z2: 4.00\na2: 4.00\nerror: 4.00\nda2: 4.00\ndelta2: 4.00"
    found = {q.name: q for q in report("mlp-math", right + filled).quantities}
    wrong = [name for name, q in found.items() if q.verdict == "wrong"]
    assert wrong == ["z2", "error", "da2"]
    for name in ("a2", "delta2"):
        assert (found[name].verdict, found[name].earned) == ("carried", 0)
        assert found[name].withheld.holds == "filled"


def test_what_follows_on_a_sheet_that_is_two_thirds_wrong_is_earned_and_not_beyond():
    """z1 and the loss are wrong, the error follows: two to one; with dW1 it is three to one."""
    spec = """
layers: [{activation: linear, weights: [[2]], bias: 1}]
inputs: [[3]]
targets: [[2]]
loss: half_sse
"""
    sheet = "z1: 6.00\nerror: 4.00\nloss: 9.90\n"  # 2·3 + 1 = 7; 6 − 2 = 4; ½·16 = 8
    assert quantity(spec, sheet, "error").earned == 1
    assert quantity(spec, sheet + "dW1: 9.90\n", "error").earned == 0


def test_ones_that_are_right_make_no_step_trivial():
    """z = 0.5 1 1.5 2, all on. After z = −0.5 the slope 1 does not follow, but it is right; da is
    wrong, and δ = 9 · 1 is worked as well as the others are."""
    spec = """
layers: [{activation: relu, weights: [[0.5]], bias: none}]
inputs: [[1], [2], [3], [4]]
targets: [[0], [0], [0], [0]]
loss: half_sse
"""
    sheet = "z1: [-0.50, 1.00, 1.50, 2.00]\ng1: [1, 1, 1, 1]\n"
    sheet += "da1: [9.00, 1.00, 1.50, 2.00]\ndelta1: [9.00, 1.00, 1.50, 2.00]"
    found = {q.name: q for q in report(spec, sheet).quantities}
    assert [q.verdict for q in found.values()] == ["wrong", "wrong", "unsupported", "carried"]
    assert (found["delta1"].earned, found["delta1"].withheld) == (4, None)


def test_a_given_number_copied_wrong_is_charged_there_alone():
    # b1 = [0.2 -0.3 0.1] copied as [0.2 0.3 0.1]: z1 = [3.7 -0.7 1.1]
    found = report("mlp-math", "b1: [0.2, 0.3, 0.1]\nz1: [3.7, -0.7, 1.1]")
    assert [(q.name, q.verdict) for q in found.quantities] == [("b1", "wrong"), ("z1", "carried")]
    assert found.quantities[0].mistakes == ("given-misread",)
    assert (found.earned, found.possible) == (3, 4)  # z1, and of b1 the entry that is off


def test_a_given_number_written_again_earns_nothing():
    # W2 = [0.4 0.6], b2 = 0.5: 0 and 1 may stand for them, and show no digit of them.
    copied = report("or-gate", "a0: [[0, 0, 1, 1], [0, 1, 0, 1]]\nW2: [0, 1]\nb2: 0")
    assert [q.verdict for q in copied.quantities] == ["right", "imprecise", "imprecise"]
    assert (copied.earned, copied.possible) == (0, 0)
    assert standing(copied) == "only numbers of the exercise, which earn nothing"


# Masks


def test_what_a_mask_has_is_minus_infinity_and_no_number():
    spec = "given: {X: [[1, 2]], M: [[0, -.inf]]}\nequations: [S = X + M]\n"
    for written, verdict in (("-inf", "right"), ("−∞", "right"), ("inf", "malformed")):
        assert entries(spec, f"S: [1, {written}]", "S") == [f"right {verdict}"], written
    assert entries(spec, "S: [1, -1.0e9]", "S") == ["right wrong"]


# Cut-off digits


def test_a_sheet_cut_off_throughout_is_read_so():
    """±2/3 is 0.6666 in four decimals, cut off, and 0.6667 rounded."""
    cut, rounded = ("[" + ", ".join([text, f"-{text}"] * 3) + "]" for text in ("0.6666", "0.6667"))
    found = report(SIXTHS, f"product1: {cut}")
    assert (found.quantities[0].verdict, found.conventions) == ("right", {"rounding": "cut off"})
    assert report(SIXTHS, f"product1: {rounded}").conventions is None
    assert marks(SIXTHS, f"product1: {cut}", strict=True) == {"product1": "wrong"}
    mixed = cut.replace("0.6666", "0.6667", 1)
    assert marks(SIXTHS, f"product1: {mixed}") == {"product1": "wrong"}


def test_a_course_that_insists_on_rounding_takes_cut_off_digits_for_a_mistake_with_a_name():
    """±2/3 again; -0.6666 - 1 is -1.6666, which follows."""
    spec = SIXTHS + "targets: [[1, 1, 1, 1, 1, 1]]\nloss: sse\n"
    cut = "[" + ", ".join(["0.6666", "-0.6666"] * 3) + "]"
    errors = "[" + ", ".join(["-0.3333", "-1.6666"] * 3) + "]"
    found = report(spec, f"z1: {cut}\nerror: {errors}", strict=True)
    assert (found.conventions, found.refused) == (None, {"rounding": "cut off"})
    assert [q.verdict for q in found.quantities] == ["wrong", "right"]
    assert [q.mistakes for q in found.quantities] == [("cut-off",), ()]


def test_what_is_exact_says_nothing_of_how_the_rest_was_cut():
    """0.29 · 100 is 28.999999999999996 in floats: its 0.29 is neither cut off nor rounded."""
    spec = """
layers: [{activation: linear, weights: [[2/3, 5/3, 0.29, 0.57, 0.58]], bias: none}]
inputs: [[1]]
"""
    found = report(spec, "product1: [0.66, 1.66, 0.29, 0.57, 0.58]")
    assert (found.quantities[0].verdict, found.conventions) == ("right", {"rounding": "cut off"})


def test_a_small_negative_number_cut_off_is_0():
    spec = SIXTHS.replace("[[2/3", "[[-0.008, 2/3")
    cut = "0.00, 0.66, -0.66, 0.66, -0.66, 0.66, -0.66"
    found = report(spec, f"product1: [{cut}]")
    assert set(found.quantities[0].entries[0]) == {"right"}
    assert found.conventions == {"rounding": "cut off"}


def test_lines_that_were_not_written_may_have_been_cut_off_as_well():
    """1.015 · 0.66 = 0.6699 is 0.66, with 0.0099 it is 0.6699 and 0.66 again, and 10 · 0.66 = 6.60.
    Half a unit a line, as who rounds has it, would not take these lines below 6.64."""
    spec = """
layers:
  - {activation: linear, weights: [[2/3]], bias: none}
  - {activation: linear, weights: [[1.015]], bias: 0.0099}
  - {activation: linear, weights: [[10]], bias: none}
inputs: [[1], [1], [1], [-1]]
"""
    # −1.015 · 0.66 = −0.6699 is −0.66, with 0.0099 it is −0.6501 and −0.65
    found = report(spec, "a1: [0.66, 0.66, 0.66, -0.66]\nz3: [6.60, 6.60, 6.60, -6.50]")
    assert [(q.name, q.verdict) for q in found.quantities] == [("a1", "right"), ("z3", "rounded")]
    assert found.conventions == {"rounding": "cut off"}


def test_one_number_cut_off_is_a_slip():
    assert marks(THIRDS, "product1: [0.6666, -0.6667]") == {"product1": "wrong"}


SIXTHS = """
layers: [{activation: linear, weights: [[2/3, -2/3, 2/3, -2/3, 2/3, -2/3]], bias: none}]
inputs: [[1]]
"""
THIRDS = """
layers: [{activation: linear, weights: [[2/3, -2/3]], bias: none}]
inputs: [[1]]
"""


# Conventions that ask for something of their own


def test_a_spec_that_rounds_each_line_is_marked_by_its_own_lines():
    # Two lines of the OR gate in three decimals: a1 = 0.574, and 0.4 · 0.574 + 0.6 · 0.622 = 0.603.
    spec = """
layers:
  - {activation: sigmoid, weights: [[0.2, 0.4], [0.3, 0.5]], bias: [0.3, 0.5]}
  - {activation: sigmoid, weights: [[0.4, 0.6]], bias: [0.5]}
inputs: [[0], [0]]
conventions: {layout: columns}
arithmetic: {round_each_step: 3}
"""
    assert marks(spec, "a1: [0.574, 0.622]\nproduct2: 0.603") == {
        "a1": "right", "product2": "right"}  # fmt: skip
    # As a calculator with more digits shows the line, and as the trace prints it in four decimals.
    assert marks(spec, "a1: [0.5740, 0.6220]\nproduct2: 0.6030")["product2"] == "right"
    assert marks(spec, "a1: [0.57444, 0.62246]")["a1"] == "rounded"
    assert marks(spec, "a1: [0.576, 0.622]")["a1"] == "wrong"


def test_a_slope_may_be_worked_from_either_where_each_line_is_rounded():
    # a = tanh(1.32) = 0.867 as written, and 1 − 0.867² = 0.2483; 1 − tanh²(1.32) = 0.2487.
    spec = """
layers: [{activation: tanh, weights: [[1]], bias: none}]
inputs: [[1.32]]
targets: [[0]]
loss: half_mse
arithmetic: {round_each_step: 3}
"""
    assert marks(spec, "a1: 0.867\ng1: 0.248\ndelta1: 0.215") == {
        "a1": "right", "g1": "right", "delta1": "right"}  # fmt: skip
    assert marks(spec, "a1: 0.867\ng1: 0.249\ndelta1: 0.216") == {
        "a1": "right", "g1": "rounded", "delta1": "rounded"}  # fmt: skip
    assert marks(spec, "a1: 0.867\ng1: 0.264")["g1"] == "wrong"


@pytest.mark.parametrize(
    ("place", "first", "second", "whole"),
    [("first", "[[0.5], [1]]", "[[1], [2]]", "[1, 1.5]"),
     ("last", "[[1], [0.5]]", "[[2], [1]]", "[1.5, 1]")],
)  # fmt: skip
def test_the_one_of_an_augmented_activation_may_be_left_out(place, first, second, whole):
    # z1 = 0.5 + 1·1 = 1.5; with the bias first a1 = [1 1.5], or 1.5 without the 1; 1 + 2·1.5 = 4.
    spec = f"""
layers:
  - {{activation: linear, weights: {first}, bias: {{in_weights: {place}}}}}
  - {{activation: linear, weights: {second}, bias: {{in_weights: {place}}}}}
inputs: [[1]]
"""
    assert set(marks(spec, f"a1: {whole}\nz2: 4.0").values()) == {"right"}
    found = report(spec, "a1: 1.5\nz2: 4.0")
    assert [q.earned for q in found.quantities if q.name == "z2"] == [1]
    assert not {q.verdict for q in found.quantities} & {"wrong", "malformed", "unsupported"}


# z = [0.3 -19.511]
BESIDE = """
layers: [{activation: linear, weights: [[0.3, -19.511]], bias: none}]
inputs: [[1]]
"""


def test_a_bare_0_beside_decimals_is_no_number_that_rounds_to_0():
    """0.3 is 0.300 beside -19.511; beside whole numbers 0 may be anything up to a half."""
    assert entries(BESIDE, "z1: [[0, -19.511]]", "z1") == ["wrong right"]
    assert entries(BESIDE, "z1: [[0, -20]]", "z1") == ["imprecise right"]
    assert entries(BESIDE, "z1: [[0, 0]]", "z1") == ["imprecise wrong"]


def test_a_0_of_significant_digits_is_as_fine_as_its_line():
    """z = [3.5003 2.162] and e = [0.5 0.25]; b_new = [0.5003 - 0.5, 0.412 - 0.25] = [0.0003 0.162]:
    to three digits 0 beside 0.162 is 0.000."""
    spec = """
layers: [{activation: linear, weights: [[1.2, 0.7]], bias: [[0.5003, 0.412]]}]
inputs: [[2.5]]
targets: [[3.0003, 1.912]]
loss: half_sse
learning_rate: 1
"""
    sheet = "z1: [[3.50, 2.16]]\ndelta1: [[0.500, 0.250]]\ndW1: [[1.25, 0.625]]\n"
    assert entries(spec, sheet + "b1_new: [[0, 0.162]]", "b1_new") == ["right right"]


def test_from_a_matrix_of_no_shape_nothing_is_carried():
    """z = 1.004 + 0.02·100 and δ = 2.004, to two decimals 2.00: dW = [2.00 200.00] is rounded, and
    rests on nothing of the four entries that are written for δ."""
    spec = """
layers: [{activation: linear, weights: [[1.004], [0.02]], bias: none}]
inputs: [[1, 100]]
targets: 1
loss: half_sse
"""
    rounded = marks(spec, "delta1: [[1, 2], [3, 4]]\ndW1: [2.00, 200.00]")
    assert rounded == {"delta1": "malformed", "dW1": "rounded"}
    assert marks(spec, "delta1: [[1, 2], [3, 4]]\ndW1: [2.60, 260.00]")["dW1"] == "wrong"


# z1 = 0.2·0.3 = 0.06 and 0.05; beside decimals a 0 has as many, or one fewer
SMALL = """
given: {x: [[0.3, 0.25]], u: [[1.111, 2.222]], v: [[0.0012, 0.0014]]}
equations: [z = 0.2 * x, w = u + 0.001, t = v * 0.25, L = sum(z) + sum(w) + sum(t)]
loss: L
"""


def test_nothing_but_zeros_are_read_to_the_decimals_of_the_page():
    # w = 1.112 and 2.223, t = 0.0003 and 0.00035, L = 0.11 + 3.335 + 0.00065
    lines = "w: [[1.112, 2.223]]\nL: 3.446"
    assert marks(SMALL, f"z: [[0, 0]]\n{lines}")["z"] == "wrong"
    assert marks(SMALL, f"t: [[0, 0]]\n{lines}")["t"] == "imprecise"
    assert marks(SMALL, "z: [[0, 0]]")["z"] == "imprecise"
