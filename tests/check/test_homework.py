"""A real solution, handed in by hand and scanned, marked as a fair grader would mark it.

Each verdict below was judged by hand first; the reason stands beside it.
"""

from pathlib import Path

import pytest

from tests.check.typed import report

HOMEWORK = Path(__file__).parent / "homework"

AS_WORKED = {
    # Sums and products of given numbers, exact on the page.
    "product1": "right right right right / right right right right",
    "z1": "right right right right / right right right right",
    "a1": "right right right right / right right right right",
    # 0.4 * 0.574 + 0.6 * 0.622 = 0.6028 and so on: three decimals, as all before.
    "product2": "right right right right",
    "z2": "right right right right",
    # sigma(1.103) = 0.75083, and sigma(1.1035) is still 0.7509: no rounding makes it 0.752.
    "a2": "wrong right right right",
    # 0.752 - 0 is what follows from it.
    "error": "carried right right right",
    # (0.5655 + 0.0529 + 0.0566 + 0.0493) / 8 = 0.0905, and 0.0903 with the right a2: 0.090 is both
    # to rounding.
    "loss": "right",
    # 0.752 * 0.752 * 0.248 = 0.1402, exactly it is 0.1405: the slip in a2 does not reach here.
    "delta2": "right right right right",
    "dW2": "right right",
    "db2": "right",
    "da1": "right right right right / right right right right",
    # [1,1]: 0.056 * 0.574 * 0.426 = 0.01369, with 0.0555 still 0.01357: 0.0135 is a slip.
    # [1,3], [2,1], [2,4]: -0.00406, 0.01980, -0.00386 exactly; 0.017 * 0.622 * 0.378 = 0.0040,
    # 0.084 * 0.622 * 0.378 = 0.01975, 0.0225 * 0.786 * 0.214 = 0.00378 from the rounded lines.
    "delta1": "wrong right rounded right / rounded right right rounded",
    # [2,1]: -0.00235 exactly; (-0.0055 - 0.0038) / 4 = -0.002325.
    "dW1": "right right / rounded right",
    # [1]: 0.00073 exactly; (0.0135 - 0.0036 - 0.0040 - 0.0031) / 4 = 0.0007, and the half units of
    # the four reach 0.00075.
    "db1": "carried / right",
    "W1_new": "right right / right right",
    "b1_new": "right / right",
    "W2_new": "right right",
    # 0.49773 exactly; 0.5 - 0.5 * 0.0045 = 0.49775.
    "b2_new": "rounded",
}

AS_SCANNED = AS_WORKED | {
    # [1,2]: -0.230 * 0.770 * 0.230 = -0.0407, not -0.091. [1,4]: 0.222 * 0.173 = 0.0384 with the
    # slope rounded to 0.173; 0.2225 * 0.1735 = 0.0386: -0.039 is early rounding.
    "delta2": "right wrong right rounded",
    # Not -0.0087, which follows from delta2 above. [1]: of -0.041, which was meant there, at least
    # (0.1395 * 0.574 - 0.0415 * 0.668 - 0.0435 * 0.622 - 0.0395 * 0.711) / 4 = -0.0007,
    # -0.00018 exactly. [2]: in the same way -0.0012 to -0.0003, not 0.
    "dW2": "rounded wrong",
    # The right number, but (0.140 - 0.091 - 0.043 - 0.039) / 4 = -0.008.
    "db2": "unsupported",
    # [,1]: the sign. [,2]: right, but 0.4 * -0.091 = -0.036 and 0.6 * -0.091 = -0.055.
    "da1": "wrong unsupported right right / wrong unsupported right right",
    # [1,1]: -0.056 * 0.574 * 0.426 = -0.0137. [2,1]: -0.084 * 0.622 * 0.378 = -0.0198 with the
    # sign of da1, cut off: 0.0835 would give -0.0196.
    "delta1": "wrong right rounded right / carried right right rounded",
    "dW1": "right right / carried right",
    # [1]: (-0.0135 - 0.0107) / 4 = -0.0061. [2]: right, but (-0.0197 - 0.0141) / 4 = -0.0085.
    "db1": "wrong / unsupported",
    # [1]: 0.4 + 0.5 * 0.0005 = 0.4003. [2]: 0.6 + 0 = 0.6. Both right, neither from dW2 above.
    "W2_new": "unsupported unsupported",
    # Follows from db2, which does not follow.
    "b2_new": "carried",
}


def table(found):
    return {q.name: " / ".join(" ".join(line) for line in q.entries) for q in found.quantities}


@pytest.fixture(scope="module")
def worked():
    return report("or-gate", (HOMEWORK / "or-gate.yaml").read_bytes())


@pytest.fixture(scope="module")
def scanned():
    return report("or-gate", (HOMEWORK / "or-gate-as-scanned.yaml").read_bytes())


def test_every_verdict_is_a_fair_grader_s(worked):
    assert table(worked) == AS_WORKED


def test_the_two_genuine_slips_and_nothing_else_cost_a_mark(worked):
    # 8 + 8 + 8 + 4 + 4 + 4 + 4 + 1 + 4 + 2 + 1 + 8 + 8 + 4 + 2 + 4 + 2 + 2 + 1 = 79
    assert (worked.earned, worked.possible) == (77, 79)


def test_the_slips_are_found_at_their_step(worked):
    assert worked.first_mistake.name == "a2"
    wrong = {q.name: (q.places("wrong"), q.mistakes) for q in worked.quantities if q.explanations}
    assert wrong == {
        "a2": ([(1, 1)], ("copied-wrong",)),
        "delta1": ([(1, 1)], ("cut-off",)),
    }


def test_what_is_carried_says_from_where(worked):
    roots = {q.name: q.root for q in worked.quantities if q.root}
    assert roots == {"error": "a2", "db1": "delta1"}


def test_every_verdict_on_the_figures_of_the_scan(scanned):
    assert table(scanned) == AS_SCANNED


def test_a_single_wrong_digit_of_the_scan_is_a_slip(scanned):
    named = {q.name: q.mistakes for q in scanned.quantities if q.verdict == "wrong"}
    digit = ("copied-wrong",)
    assert named == {
        "a2": digit, "delta2": digit, "dW2": ("arithmetic-slip",), "da1": ("sign-slip",),
        "delta1": ("cut-off",), "db1": ("arithmetic-slip",),
    }  # fmt: skip


# What he wrote beside the lines


def test_squares_taken_for_the_halved_terms_are_named():
    """Three of his four squares (0.059 is another slip): the loss of this exercise halves them."""
    sheet = "{a2: [0.752, 0.770, 0.762, 0.778], loss_terms: [0.565, _, 0.056, 0.049]}"
    found = {q.name: q for q in report("or-gate", sheet).quantities}
    # 0.752^2 = 0.5655, 0.238^2 = 0.0566, 0.222^2 = 0.0493: the first two are cut off, as 0.7515
    # and 0.2375 show (0.5648, 0.0564).
    assert found["loss_terms"].mistakes == ("half-factor",)
    assert found["loss_terms"].places("wrong") == [(1, 1), (1, 3), (1, 4)]


def test_the_sum_of_squares_taken_for_the_loss():
    """0.723 is Σe²; the loss is 1/(2n) of it. n = 4: 0.723 = 8 · 0.0904."""
    sheet = "{a2: [0.751, 0.770, 0.762, 0.778], loss: 0.723}"
    (loss,) = (q for q in report("or-gate", sheet).quantities if q.name == "loss")
    assert loss.verdict == "wrong"
    assert {"half-factor", "mean-omitted"} <= set(loss.mistakes)


def test_the_mean_of_squares_taken_for_the_loss():
    """0.181 = 0.723 / 4, the MSE without its half. By chance Σ|e| / 2n is that as well:
    (0.751 + 0.230 + 0.238 + 0.222) / 8 = 0.1801. A tie is reported as a tie."""
    sheet = "{a2: [0.751, 0.770, 0.762, 0.778], loss: 0.181}"
    (loss,) = (q for q in report("or-gate", sheet).quantities if q.name == "loss")
    assert set(loss.mistakes) == {"half-factor", "square-omitted"}
    # A digit more tells them apart: 0.5640 + 0.0529 + 0.0566 + 0.0493 = 0.7228, over 4 0.1807.
    sheet = "{a2: [0.7510, 0.7700, 0.7620, 0.7780], loss: 0.1807}"
    (loss,) = (q for q in report("or-gate", sheet).quantities if q.name == "loss")
    assert loss.mistakes == ("half-factor",)
