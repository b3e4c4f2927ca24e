"""Sheets in another convention keep every mark; one wrong rule is not taken for a convention.

The sheets of tanh-sigmoid are real cases; the others are worked by ``handwork``.
"""

from pathlib import Path

import numpy as np
import pytest

import backtrace
from backtrace.check.judge.checker import Checker
from backtrace.check.judge.conventions import other_conventions
from tests.check.generator import generate
from tests.check.grading import ACCUSED, check
from tests.check.typed import answers_of, report, spec_of
from tests.sampling import share

SHEETS = Path(__file__).parent / "sheets"
ALIKE = ("mean-omitted", "mean-twice", "half-factor", "sign-flipped", "ascent-for-descent")


def tanh_sigmoid(conventions=""):
    text = (SHEETS / "tanh-sigmoid.spec.yaml").read_text()
    return backtrace.loads(text.replace("layout: columns", f"layout: columns{conventions}"))


def marked(name, spec=None, **options):
    checker = Checker(spec or tanh_sigmoid(), **options)
    return checker.check(answers_of(checker, (SHEETS / f"{name}.yaml").read_bytes()))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("other-convention-mean-in-gradient", {"mean_in": "gradient"}),
        ("other-convention-descent", {"sign": "descent"}),
    ],
)
def test_a_sheet_in_another_convention_keeps_every_mark(name, said):
    found = marked(name)
    assert found.conventions == said
    assert {q.verdict for q in found.quantities} <= {"right", "rounded"}
    assert found.earned == found.possible == 71


@pytest.mark.parametrize(
    ("own", "name", "said"),
    [
        ("mean_in: gradient", "descent", {"mean_in": "delta", "sign": "descent"}),
        ("sign: descent", "mean-in-gradient", {"mean_in": "gradient", "sign": "gradient"}),
    ],
)
def test_both_at_once(own, name, said):
    found = marked(f"other-convention-{name}", tanh_sigmoid(f", {own}"))
    assert found.conventions == said
    assert found.earned == 71


def test_both_at_once_without_an_update():
    """z = [0.5 -1 1.5], y = [1 0 0.6], half of the mean square: δ = y − z where (z − y)/3 belongs.
    The sign alone is a mistake where no step shows which way it goes, the 1/n a convention: of
    δ = [0.5 1 -0.9] dW = (0.5·1 + 1·(−2) − 0.9·3)/3 = −1.4, db = (0.5 + 1 − 0.9)/3 = 0.2."""
    spec = "layers: [{activation: linear, weights: [[0.5]], bias: [0]}]\n"
    spec += "inputs: [[1], [-2], [3]]\ntargets: [[1], [0], [0.6]]\nloss: half_mse\n"
    spec += "conventions: {mean_in: delta}\n"
    found = report(spec, "delta1: [[0.50], [1.00], [-0.90]]\ndW1: -1.40\ndb1: 0.20\n")
    assert found.conventions == {"mean_in": "gradient"}
    first = found.quantities[0]
    assert (first.name, first.verdict, first.mistakes) == (
        "delta1", "wrong", ("sign-flipped",)
    )  # fmt: skip
    assert {q.verdict for q in found.quantities[1:]} == {"carried"}


@pytest.mark.parametrize(
    ("name", "code", "wrong"),
    [
        ("other-convention-descent", "sign-flipped", "delta2 dW2 db2 delta1 dW1 db1"),
        ("other-convention-mean-in-gradient", "mean-omitted", "delta2 delta1"),
        ("row-wise-throughout", "transposed", "z2 a2 dW1 W1_new"),
        ("transposed-gradients", "transposed", "dW1 W1_new"),
    ],
)
def test_a_course_that_insists_on_its_own_takes_it_for_one_mistake(name, code, wrong):
    """The first quantity that it changes costs its entries, four or nine, the others none."""
    found = marked(name, strict=True)
    assert found.conventions is None
    changed = [q for q in found.quantities if q.verdict == "wrong"]
    assert [q.name for q in changed] == wrong.split()
    assert {q.mistakes for q in changed} == {(code,)}
    assert [q.repeated for q in changed] == [None, *[wrong.split()[0]] * (len(changed) - 1)]
    assert found.earned == 71 - sum(map(len, changed[0].entries))


def test_a_slip_in_another_convention_is_still_a_slip():
    text = (SHEETS / "other-convention-descent.yaml").read_text()
    slip = text.replace("0.011, -0.107", "0.011, -0.170").replace("-0.695, 0.447", "-0.695, 0.415")
    checker = Checker(tanh_sigmoid())
    found = checker.check(answers_of(checker, slip))  # 0.5 + 0.5·(−0.170) = 0.415 follows from it
    assert found.conventions == {"sign": "descent"}
    assert [q.name for q in found.quantities if q.verdict in ACCUSED] == ["dW2"]
    assert [q.places("wrong") for q in found.quantities if q.verdict == "wrong"] == [[(2, 2)]]


def test_the_mean_left_out_of_delta_alone_is_a_mistake():
    """Everything after it is twice too large: no 1/n comes back in the gradients."""
    spec = "layers:\n  - {activation: linear, weights: [[2]], bias: none}\n"
    spec += "loss: mse\nlearning_rate: 0.1\ninputs: [[1], [3]]\ntargets: [[1], [4]]\n"
    # z = 2, 6; e = 1, 2; 2e/n = 1, 2, and without the 1/n 2, 4; dW = 1·1 + 3·2 = 7, or 14.
    found = report(spec, "delta1: [[2], [4]]\ndW1: [[14]]\nW1_new: [[0.6]]")
    assert found.conventions is None
    assert found.first_mistake.id == "delta1"
    found = report(spec, "delta1: [[2], [4]]\ndW1: [[7]]\nW1_new: [[1.3]]")
    assert found.conventions == {"mean_in": "gradient"}
    assert found.earned == found.possible == 4


def test_the_mean_left_out_of_one_line_beside_another_mistake_is_no_convention():
    """e = 1, 2 and L = 5/2: of the two that are wrong the one is right without the 1/n, and nothing
    further on has it again."""
    spec = "layers:\n  - {activation: linear, weights: [[2]], bias: none}\n"
    spec += "loss: mse\ninputs: [[1], [3]]\ntargets: [[1], [4]]\n"
    found = report(spec, "loss: 4.00\ndelta1: [[2], [4]]")
    assert found.conventions is None
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["loss", "delta1"]


def test_another_convention_is_seen_where_it_clears_a_third_of_what_is_wrong():
    """δ without its 1/n, 2 and 4, and dW = 7 with it; three entries of the loss are wrong too."""
    spec = "layers:\n  - {activation: linear, weights: [[2]], bias: none}\n"
    spec += "loss: mse\nlearning_rate: 0.1\ninputs: [[1], [3]]\ntargets: [[1], [4]]\n"
    found = report(spec, "loss_terms: [[1.5], [4.5]]\nloss: 9.9\ndelta1: [[2], [4]]\ndW1: [[7]]")
    assert found.conventions == {"mean_in": "gradient"}
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["loss_terms", "loss"]


def test_a_spec_that_accepts_no_other_convention_is_strict():
    own = tanh_sigmoid()
    text = (SHEETS / "tanh-sigmoid.spec.yaml").read_text() + "accept: none\n"
    name = "other-convention-descent"
    assert marked(name, own).earned == 71
    found = marked(name, backtrace.loads(text))
    assert found.conventions is None
    assert found.earned == marked(name, own, strict=True).earned < 71


@pytest.mark.parametrize("seed", range(share(24)))
def test_an_honest_sheet_in_another_convention_is_not_accused_where_it_can_be_told(seed):
    """By the new weights, which a sign comes back in; a sheet without them can't be told."""
    sheet = generate(seed, "honest")
    if not any(name.endswith("_new") for name in sheet.answers):
        return
    for _, spec in other_conventions(sheet.spec):
        found = check(sheet._replace(spec=spec))
        assert [q.name for q in found.quantities if q.verdict in ACCUSED] == []


@pytest.mark.parametrize("code", ALIKE)
def test_one_wrong_rule_is_no_other_convention(code):
    for seed in range(share(8)):
        found = check(generate(seed, code))
        assert (found.conventions or {}).keys() <= {"rounding"}
        assert found.first_mistake is not None


ATTENTION = """
given:
  X: [[-0.7, 0.6], [-1, 1.2], [-0.3, -1.3]]
  Q0: [[0.9, -0.2], [-0.3, 0.7]]
  K0: [[1.2, -0.8], [-0.2, 0.2]]
equations:
  - Q = X @ Q0
  - K = X @ K0
  - S = Q @ K.T / sqrt(2)
  - A = softmax(S)
  - O = A @ K
"""


def test_digits_are_not_cut_off_because_that_leaves_one_entry_less_wrong():
    """Scores by 2, not √2: (-0.96·(-0.81) + 0.68·0.56)/2 = 0.5792 and so on; S[3,3] is so small
    that 0.003 is both, cut off. e^0.579 + e^0.874 + e^0.035 = 5.2163, and 1.0356/5.2163 = 0.1985
    is written 0.199, which nobody gets who cuts off."""
    sheet = """
Q: [[-0.810, 0.560], [-1.260, 1.040], [0.120, -0.850]]
K: [[-0.960, 0.680], [-1.440, 1.040], [-0.100, -0.020]]
S: [[0.579, 0.874, 0.035], [0.958, 1.448, 0.053], [-0.347, -0.528, 0.003]]
A: [[0.342, 0.459, 0.199], [0.329, 0.538, 0.133], [0.307, 0.256, 0.436]]
"""
    found = report(ATTENTION, sheet)
    assert found.conventions is None
    assert [(q.name, q.mistakes) for q in found.quantities if q.verdict == "wrong"] == [
        ("S", ("scale-misread",))
    ]


WITH_DESCENT = """
conventions: {layout: columns, mean_in: delta}
layers:
  - {activation: relu, weights: [[-0.6, 0.1], [-0.5, -0.2]], bias: [0.1, 0.4]}
  - {activation: linear, weights: [[1.1, 0.7]], bias: [0.5]}
inputs: [[-0.9, 2, 1.6, 0.7], [-0.2, -1.9, 0.8, 0.8]]
targets: [[-0.9, -0.2, 0.3, 0.1]]
loss: half_mse
learning_rate: 0.5
"""
DESCENT = """
z1: [[0.620, -1.290, -0.780, -0.240], [0.890, -0.220, -0.560, -0.110]]
a1: [[0.620, 0.000, 0.000, 0.000], [0.890, 0.000, 0.000, 0.000]]
z2: [[1.805, 0.500, 0.500, 0.500]]
a2: [[1.805, 0.500, 0.500, 0.500]]
error: [[-2.705, -0.700, -0.200, -0.400]]
loss: 1.001
delta2: [[-0.676, -0.175, -0.050, -0.100]]
dW2: [[-0.419, -0.602]]
db2: [[-1.001]]
delta1: [[-0.744, 0.000, 0.000, 0.000], [-0.473, 0.000, 0.000, 0.000]]
dW1: [[0.669, 0.149], [0.426, 0.095]]
db1: [[-0.744], [-0.473]]
W1_new: [[-0.567, 0.107], [-0.479, -0.195]]
b1_new: [[0.063], [0.376]]
W2_new: [[1.079, 0.670]]
b2_new: [[0.450]]
"""


def test_a_mistake_does_not_hide_the_other_sign():
    """e = y - ŷ = -0.9 - 1.805, and + 0.05·dW for + 0.5·dW: -0.6 + 0.05·0.669 = -0.567."""
    found = report(WITH_DESCENT, DESCENT)
    assert found.conventions == {"sign": "descent"}
    wrong = [(q.name, q.mistakes) for q in found.quantities if q.verdict == "wrong"]
    assert wrong == [(id, ("rate-misread",)) for id in ("W1_new", "b1_new", "W2_new", "b2_new")]
    assert found.possible - found.earned == 4  # W1's entries


IN_ROWS = """
conventions: {layout: rows, mean_in: gradient}
layers:
  - {activation: sigmoid, weights: [[-0.5, 0.4], [1, 0.9]], bias: [-0.9, -0.6]}
  - {activation: sigmoid, weights: [[0.3], [0.3]], bias: [0.9]}
inputs: [[0.1, 1.8], [0.8, -0.4], [2, 0.1], [0.3, 2]]
targets: [[0.7], [0], [0.7], [0]]
loss: mse
learning_rate: 0.5
"""
IN_COLUMNS = """
z1: [[0.850, -1.700, -1.800, 0.950], [1.060, -0.640, 0.290, 1.320]]
a1: [[0.701, 0.154, 0.142, 0.721], [0.743, 0.345, 0.572, 0.789]]
z2: [[1.333, 1.050, 1.114, 1.353]]
a2: [[0.791, 0.741, 0.753, 0.795]]
error: [[0.091, 0.741, 0.053, 0.795]]
loss: 0.298
delta2: [[0.030, 0.285, 0.020, 0.259]]
dW2: [[0.064, 0.084]]
db2: [[0.149]]
da1: [[0.237, 0.222, 0.226, 0.239], [0.237, 0.222, 0.226, 0.239]]
delta1: [[0.050, 0.029, 0.028, 0.048], [0.045, 0.050, 0.055, 0.040]]
dW1: [[0.025, 0.044], [0.042, 0.037]]
db1: [[0.039], [0.048]]
W1_new: [[-0.513, 0.978], [0.379, 0.882]]
b1_new: [[-0.920], [-0.624]]
W2_new: [[0.268, 0.258]]
b2_new: [[0.826]]
"""


def test_a_mistake_does_not_hide_that_all_is_transposed():
    """da₁ = a₂·W₂ᵀ = 0.791·0.3 and so on; W₁ - 0.5·dW₁ = -0.5 - 0.5·0.025 is right, turned."""
    checker = Checker(spec_of(IN_ROWS))
    found = checker.check(answers_of(checker, IN_COLUMNS))
    assert [q.name for q in found.quantities if q.verdict == "wrong"] == ["da1"]


UPHILL = """
conventions: {layout: rows, mean_in: delta}
layers:
  - {activation: sigmoid, weights: [[-1.1, 0.9], [-0.6, -0.2]], bias: [-0.2, 0.1]}
  - {activation: sigmoid, weights: [[0.6], [0.4]], bias: [-0.8]}
inputs: [[-1.6, 0.1], [0.1, 0.1], [0.6, 1.3]]
targets: [[0.7], [0.4], [0.6]]
loss: half_mse
learning_rate: 0.05
epochs: 2
"""
TWO_MISTAKES = """
product1@1: [[1.700, -1.460], [-0.1700, 7.000e-2], [-1.440, 0.2800]]
a1@1: [[0.8176, 0.2042], [0.4085, 0.5424], [0.1625, 0.5939]]
product2@1: [[0.5722], [0.4621], [0.3350]]
z2@1: [[-0.2278], [-0.3379], [-0.4650]]
error@1: [[-0.2567], [1.632e-2], [-0.2142]]
loss@1: 1.867e-2
da2@1: [[-8.556e-2], [5.439e-3], [-7.140e-2]]
delta2@1: [[-2.112e-2], [1.322e-3], [-1.692e-2]]
dW2@1: [[-1.947e-2], [-1.364e-2]]
db2@1: [[-3.671e-2]]
da1@1: [[0.2660, 0.1773], [0.2498, 0.1665], [0.2315, 0.1543]]
g1@1: [[0.1491, 0.1625], [0.2416, 0.2482], [0.1361, 0.2412]]
delta1@1: [[3.967e-2, 2.882e-2], [6.036e-2, 4.133e-2], [3.150e-2, 3.722e-2]]
dW1@1: [[-3.854e-2, -1.965e-2], [5.095e-2, 5.540e-2]]
b1_new@1: [[-0.1934, 0.1054]]
b2_new@1: [[-0.8018]]
z1@2: [[1.510, -1.353], [-0.3634, 0.1755], [-1.631, 0.3884]]
a1@2: [[0.8190, 0.2054], [0.4101, 0.5438], [0.1637, 0.5959]]
product2@2: [[0.5727], [0.4628], [0.3360]]
z2@2: [[-0.2292], [-0.3390], [-0.4659]]
error@2: [[-0.2570], [1.605e-2], [-0.2144]]
loss_terms@2: [[3.304e-2], [1.288e-4], [2.298e-2]]
da2@2: [[-8.568e-2], [5.350e-3], [-7.147e-2]]
g2@2: [[0.2467], [0.2430], [0.2369]]
delta2@2: [[-2.114e-2], [1.300e-3], [-1.693e-2]]
dW2@2: [[-1.955e-2], [-1.373e-2]]
db2@2: [[-3.677e-2]]
g1@2: [[0.1482, 0.1632], [0.2419, 0.2481], [0.1369, 0.2408]]
db1@2: [[0.1312, 0.1072]]
W1_new@2: [[-1.104, 0.8980], [-0.5949, -0.1945]]
b1_new@2: [[-0.1869, 0.1107]]
W2_new@2: [[0.5980], [0.3986]]
b2_new@2: [[-0.8037]]
"""


def test_the_sign_of_the_error_says_which_convention_it_is():
    """ŷ - y as it should be; W₂ᵀ times a₂ and not δ₂ in da₁, and + in every update: the descent
    sign would have the updates right, and the error wrong."""
    found = report(UPHILL, TWO_MISTAKES)
    assert found.conventions is None
    verdicts = {q.name: q.verdict for q in found.quantities}
    assert verdicts["error"] == "right"
    assert found.quantities[[q.verdict for q in found.quantities].index("wrong")].name == "da1"


CUT_OFF = [
    (99032, "upstream-omitted"),
    (99550, "z-times-slope"),
    (99553, "sign-slip"),
    (90008, "weights-not-transposed"),  # whatever follows from it tells of digits, too
    (130016, "matrix-product-for-hadamard"),
    (131022, "sign-slip"),
    (201011, "transposed"),
]


@pytest.mark.parametrize(("seed", "code"), CUT_OFF)
def test_a_mistake_does_not_hide_that_digits_were_cut_off(seed, code):
    sheet = generate(seed, code)
    assert sheet.habit.truncates
    found = check(sheet)
    assert found.conventions == {"rounding": "cut off"}
    assert [q.name for q in found.quantities if q.verdict in ACCUSED] == [sheet.truth.id]


# Columns, the delta rule and the 1/n at the end, together


def sheet_of(lines):
    return "\n".join(f"{id}: {np.round(value, 4).tolist()}" for id, value in lines.items())


def test_columns_the_delta_rule_and_the_mean_at_the_end_together():
    """Two layers of a course that has samples in columns, W + η dW and Δ·aᵀ / n."""
    x, y = np.array([[0.7, 1.1, -0.6], [-1.2, 0.4, 0.9]]), np.array([[1, 0, 1], [0, 1, 1]])
    w1, w2 = np.array([[0.3, 0.8], [-0.5, 0.2]]), np.array([[0.6, 0.9], [-0.4, 0.5]])
    a1 = 1 / (1 + np.exp(-w1 @ x))
    a2 = 1 / (1 + np.exp(-w2 @ a1))
    delta2 = (y - a2) * a2 * (1 - a2)
    delta1 = w2.T @ delta2 * a1 * (1 - a1)
    dw2, dw1 = delta2 @ a1.T / 3, delta1 @ x.T / 3
    lines = {"a1": a1, "a2": a2, "delta2": delta2, "dW2": dw2, "delta1": delta1, "dW1": dw1}
    spec = f"""
layers:
  - {{activation: sigmoid, weights: {w1.T.tolist()}, bias: none}}
  - {{activation: sigmoid, weights: {w2.T.tolist()}, bias: none}}
inputs: {x.T.tolist()}
targets: {y.T.tolist()}
loss: half_mse
learning_rate: 0.5
"""
    new = {"W1_new": w1 + 0.5 * dw1, "W2_new": w2 + 0.5 * dw2}
    found = report(spec, sheet_of(lines | new))
    assert found.earned == found.possible
    assert found.conventions == {"mean_in": "gradient", "sign": "descent"}
    assert "transposed" in found.notes[0]


def test_a_mistake_beside_another_convention_is_charged_alone():
    """By the delta rule, with the penalty's 0.2·w added where it is taken away."""
    x, y, w = np.array([1.0, -2.0, 0.5]), np.array([1.0, 3.0, -1.0]), 2.0
    e = y - w * x
    dw = (e * x).mean() + 0.2 * w
    spec = f"""
layers: [{{activation: linear, weights: [[2]], bias: none}}]
inputs: {x[:, None].tolist()}
targets: {y[:, None].tolist()}
loss: half_mse
learning_rate: 0.1
regularization: {{l2: 0.2}}
"""
    lines = {"error": e[:, None], "dW1": [[dw]], "W1_new": [[w + 0.1 * dw]]}
    found = report(spec, sheet_of(lines))
    assert found.conventions == {"sign": "descent"}
    wrong = [(q.name, q.mistakes) for q in found.quantities if q.verdict == "wrong"]
    assert wrong == [("dW1", ("sign-flipped",))]
