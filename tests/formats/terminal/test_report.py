"""A student's sheet on a terminal: pictures, levels of hints, widths, no expected values."""

import pytest

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import STYLES, coloured, uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import lines
from backtrace.page.report.sheet import document
from tests.formats.sheets import ALL_RIGHT, SIGN_FLIPPED, TWO_SAMPLES, marked

# or-gate: δ² is the error alone, (0.751 − 0, 0.770 − 1, …); right is 0.7509²·0.2491 = 0.1405.
OR_GATE = """
student: Cy
answers:
  z1: [[0.3, 0.7, 0.5, 0.9], [0.5, 1.0, 0.8, 1.3]]
  a1: [[0.574, 0.668, 0.622, 0.711], [0.622, 0.731, 0.690, 0.786]]
  z2: [[1.103, 1.206, 1.163, 1.256]]
  a2: [[0.751, 0.770, 0.762, 0.778]]
  delta2: [[0.751, -0.230, -0.238, -0.222]]
  db2: 0.0153
"""


def text(findings, width=80, unicode=True):
    return uncoloured(lines(document(findings), Layout(width, unicode)))


def test_a_sheet_without_a_mistake_is_a_line_a_verdict():
    assert text(marked(ALL_RIGHT).findings).splitlines() == [
        "Two samples · answers of Ada                          7 of 7 entries are correct",
        "",
        " ✓ right  z₁ L dW₁ W₁ⁿᵉʷ  as the key, to the digits you wrote",
    ]


def test_the_first_mistake_is_named_and_worked_and_what_follows_is_not_charged():
    assert text(marked(SIGN_FLIPPED).findings).splitlines() == [
        "Two samples · answers of Bo                           7 of 9 entries are correct",
        "",
        " ✓ right    z₁ L δ₁  as the key, to the digits you wrote",
        " ✗ wrong    dW₁      ← the first mistake",
        " → carried  W₁ⁿᵉʷ    follows correctly from your dW₁",
        "",
        "dW₁, both entries: the sign is the wrong way round.",
        "    You wrote          dW₁ = ⎡  3.00 ⎤",
        "                             ⎣ -5.00 ⎦",
        "    The rule is        dW₁ = xᵀ · δ₁",
        "    With your numbers  dW₁[1,1] = 1·1 + 2·(-2) = ?",
        "    Check which way round the difference is taken: the sign is opposite.",
        "",
        " z₁: a flat list is read as 2 × 1",
    ]


def test_levels_of_hints_go_from_verdicts_to_the_working():
    said = {level: text(marked(SIGN_FLIPPED, level=level).findings) for level in LEVELS}
    assert all("✗ wrong    dW₁" in each for each in said.values())
    assert [level for level in LEVELS if "first mistake" in said[level]] == LEVELS[1:]
    assert [level for level in LEVELS if "sign is the wrong way" in said[level]] == LEVELS[2:]
    assert [level for level in LEVELS if "With your numbers" in said[level]] == LEVELS[3:]


LEVELS = ["none", "where", "what", "how"]


@pytest.mark.parametrize("level", LEVELS)
def test_no_expected_value_is_shown_unless_asked_for(level):
    said = text(marked(OR_GATE, "or-gate", level).findings, 120)
    assert "δ⁽²⁾" in said
    for digits in ("0.1405", "0.140", "0.041", "0.0409", "0.0045"):
        assert digits not in said
    revealed = text(marked(OR_GATE, "or-gate", level, reveal=True).findings, 120)
    assert "0.140" in revealed
    assert "0.1405" in revealed


def test_the_key_shows_only_what_was_not_right_and_at_the_decimals_written():
    revealed = text(marked(SIGN_FLIPPED, reveal=True).findings).partition("Expected")[2]
    assert "z₁\n" not in revealed
    assert "⎡  3.00 ⎤    ⎡ -3.00 ⎤" in revealed
    assert "⎡ 1.700 ⎤    ⎡ 2.300 ⎤" in revealed


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("reveal", [True, False])
def test_no_line_is_wider_than_the_page_and_no_digit_is_lost(width, unicode, reveal):
    said = text(marked(OR_GATE, "or-gate", reveal=reveal).findings, width, unicode)
    assert max(map(text_width, said.splitlines())) <= width
    assert unicode or said.isascii()
    for written in ("0.751", "-0.230", "-0.238", "-0.222"):
        assert written in said


def test_without_unicode_every_verdict_has_a_mark_and_a_word_of_its_own():
    said = text(marked(SIGN_FLIPPED).findings, unicode=False)
    assert " + right    z1 L delta1  as the key" in said
    assert " x wrong    dW1          <- the first mistake" in said
    assert " > carried  W1_new       follows correctly" in said


def test_colour_adds_nothing_but_colour():
    found = lines(document(marked(SIGN_FLIPPED).findings), Layout(80))
    spelt = "\n".join(line.rstrip() for line in coloured(found, STYLES).plain.splitlines())
    assert spelt == uncoloured(found)


def test_rounding_is_traced_to_the_numbers_it_comes_from():
    # 0.4·0.574 + 0.6·0.622 + 0.5 = 1.1028, while the key's own is 1.1033
    own = "[[1.1028, 1.2058, 1.1628, 1.2560]]"
    rounded = OR_GATE.replace("[[1.103, 1.206, 1.163, 1.256]]", own)
    said = text(marked(rounded, "or-gate").findings, 120)
    assert "1.1028 follows from your a⁽¹⁾, which has three decimals" in said


def test_several_explanations_are_listed_as_one_of_these():
    # ((0.5 − 1)² + (1 − 2)²)/2 = 0.625; with two samples twice of it is the 1/n left out, or a 2
    spec = "layers: [{activation: linear, weights: 0.5, bias: none}]\n"
    spec += "inputs: [[1], [2]]\ntargets: [[1], [2]]\nloss: mse\n"
    tie = marked("answers: {loss: 1.2500}", spec).findings
    assert len(tie.mistakes[0].causes) > 1
    assert "one of these explains it" in text(tie)


def test_an_entry_that_is_no_number_is_cited_with_the_reason():
    sheet = "answers: {z1: [[5], [three]], loss: [[1, 2], [3, 4]]}"
    said = text(marked(sheet).findings)
    assert " ! malformed  z₁[2,1] L" in said
    assert 'z₁[2,1]: "three"' in said
    assert "L: " in said


def test_few_digits_left_out_entries_and_unknown_names_are_said():
    # z2 is 1.1033, …, 1.2557: one digit is fewer than any quantity must show
    said = text(marked("answers: {z2: [[1, _, 1, 1]], delta9: 3}", "or-gate").findings)
    assert " ~ imprecise  z⁽²⁾  too few digits to tell: write two significant digits" in said
    assert '"delta9"' in said


def test_what_was_asked_for_and_not_given_is_missing():
    spec = TWO_SAMPLES + "ask: [z1, dW1]\n"
    said = text(marked("answers: {z1: [[5], [3]]}", spec).findings)
    assert "2 of 4 entries are correct" in said
    assert " · missing  dW₁  asked for, not given" in said
    said = text(marked("answers: {z1: [[5], [_]]}").findings)
    assert " · left out  z₁[2,1]  not answered" in said


def test_what_stands_of_a_quantity_in_part_is_said():
    # z2 is 1.1033, 1.2057, …, and a2 0.7509, 0.7695, …, all right as written
    said = text(marked("answers: {z2: [[1.103, 1.206, _, _]], a2: [[_, 0.770, _, _]]}", "or-gate")
                .findings)  # fmt: skip
    assert " ✓ right     z⁽²⁾(2/4) a⁽²⁾[1,2]  as the key, to the digits you wrote" in said
    assert " · left out  z⁽²⁾(2/4) a⁽²⁾(3/4)  not answered" in said


def test_a_line_of_another_update_has_its_name_where_it_is_worked():
    said = text(marked("answers: {'loss@2.1': 9.99}", "adam").findings)
    assert "With your numbers  L@2.1 = " in said
    assert "With your numbers  L = " in text(marked("answers: {loss: 9.99}", "adam").findings)


LOGISTIC = """
given: {X: [[1, 2], [2, -1]], w: [[0.4], [-0.3]], y: [[1], [0]]}
equations: [z = X @ w, p = sigmoid(z), 'L = binary_cross_entropy(p, y)']
loss: L
constants: [X, y]
"""


def test_the_way_back_through_a_sigmoid_is_the_short_one_unless_the_long_is_written():
    # z = [-0.2 1.1], p = [0.4502 0.7503]; dz = p − y without the 1/2
    sheet = "p: [[0.4502], [0.7503]], dz: [[-0.5498], [0.7503]]"
    said = text(marked(f"answers: {{{sheet}}}", LOGISTIC).findings)
    assert "dz = 1/n · (p − y)" in said
    assert "dz[1,1] = 1/2 · (0.4502 − 1) = ?" in said
    # dp = ½[-1/0.4502 1/0.2497] = [-1.1106 2.0024]
    long = text(marked(f"answers: {{dp: [[-1.1106], [2.0024]], {sheet}}}", LOGISTIC).findings)
    assert "dz = dp ⊙ σ(z) ⊙ (1 − σ(z))" in long


def test_several_lines_of_which_no_more_is_known_are_said_together():
    sheet = "z1: [[51.7], [38.3]], delta1: [[1], [-7.71]], dW1: [[81.1], [77.7]]"
    found = marked(f"answers: {{{sheet}, W1_new: [[0.17], [99.9]]}}").findings
    said = " ".join(text(found).split())
    assert said.count("none of the usual mistakes explains") == 2  # the first by itself
    assert "W₁ⁿᵉʷ: wrong, in a way" in said


def test_a_mistake_made_again_is_not_said_to_follow_from_nothing():
    """dW = [-3 5] and W_new = [2.3 0.5], each under the other's name."""
    found = marked("answers: {dW1: [[2.30], [0.50]], W1_new: [[-3.00], [5.00]]}").findings
    assert [each.judged.repeated for each in found.mistakes] == [None, "dW1"]
    assert "✗ wrong  W₁ⁿᵉʷ  ← the same mistake again" in text(found)


def test_numbers_in_fractions_are_rounded_nowhere():
    # A first step of Adam is 0.1·g/(|g| + ε): a hair less than 1/10
    said = text(marked("answers: {step_W1: [-1/10, 1/10]}", "adam").findings)
    assert " ≈ rounded  step_W₁  1/10" not in said
    assert "rounded numbers" not in said


def test_a_note_on_many_quantities_names_the_first_of_them():
    ids = ("z1", "error", "da1", "dW1", "mW1", "vW1", "mhatW1", "vhatW1")
    values = ("[-0.5, 4.5]", "[-2, 1]", "[-2, 1]", "[1, -5]", "[0.1, -0.5]", "[0.001, 0.025]",
              "[1, -5]", "[1, 25]")  # fmt: skip
    sheet = ", ".join(f"{id}: {value}" for id, value in zip(ids, values, strict=True))
    said = text(marked(f"answers: {{{sheet}}}", "adam").findings)
    assert "z₁, e, dŷ, dW₁, m_W₁, v_W₁ and 2 more: a flat list is read as 2 × 1" in said


def test_a_zero_is_not_asked_for_more_digits():
    # v = 0.001·1² = 0.001
    said = text(marked("answers: {vb1: 0.00}", "adam").findings)
    assert " ~ imprecise  v_b₁  too few digits to tell: a 0 has none" in said


def test_a_number_of_digits_enough_is_not_asked_for_more():
    # v = 0.00 of 0.001 may be anything to 0.005, and step = 0.1·1/√v with it
    said = text(
        marked("answers: {mhatb1: 1.000, vb1: 0.00, step_b1: 0.0813}", "adam").findings, 120
    )
    assert " ~ imprecise  step_b₁  rests on numbers with too few digits to tell" in said


def test_the_rule_of_a_sum_is_the_sum():
    # db = Σdz = ½(-0.55 + 0.75)
    spec = LOGISTIC.replace("X @ w", "X @ w + b").replace("w: [[", "b: 0, w: [[")
    assert "db = Σdz" in text(marked("answers: {db: 7.7123}", spec).findings)


def test_marks_are_said_where_they_differ_from_the_entries_that_stand():
    said = text(marked(SIGN_FLIPPED, credit={"carried": 0.5}).findings)
    # 5 right entries, 2 carried at half a mark
    assert "7 of 9 entries are correct, 6 of 9 marks" in said


def test_a_large_matrix_is_not_printed_whole():
    rows = ", ".join(f"[{k}, {k}]" for k in range(1, 41))
    spec = f"""
layers:
  - {{activation: linear, weights: [[1, 0], [0, 1]], bias: none}}
inputs: [{rows}]
"""
    wrong = ", ".join(f"[{k}.25, {k}]" for k in range(1, 41))
    said = text(marked(f"answers: {{z1: [{wrong}]}}", spec).findings)
    assert "z₁, 40 of 80 entries" in said
    assert "[12,1] = 12.25" in said
    assert "28 more" in said
    assert "13.25" not in said
