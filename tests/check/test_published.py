"""Published figures against a trace: by their digits, slips, and marks that are not true."""

import pytest

import backtrace
from backtrace.check.judge.published import compare, stands_for, totals

SPEC = """
layers:
  - {activation: linear, weights: [[0.5], [0.25]], bias: 0.1}
inputs: [[1, 2], [3, -1]]
targets: [[1], [2]]
loss: half_mse
learning_rate: 0.5
expect:
"""
# z = 0.5 + 0.5 + 0.1 and 1.5 − 0.25 + 0.1; e = 0.1 and −0.65; ½·½·(0.01 + 0.4225) = 0.108125


def standings(line):
    (found,) = compare(backtrace.loads(f"{SPEC}  {line}\n"))
    return [each.standing for each in found.figures], found.agrees


@pytest.mark.parametrize(
    ("text", "value", "stands"),
    [
        ("0.10", 0.095, True),
        ("0.10", 0.105, True),
        ("0.10", 0.1051, False),
        ("0.1", 0.1499, True),
        ("1.2e3", 1249, True),
        ("1.2e3", 1251, False),
        ("1/3", 1 / 3, True),
        ("1/3", 0.3333, False),
        ("0", 0.4, True),
        ("-.091", -0.0915, True),
        (".140", 0.14046, True),
        ("0.3", 0.1 + 0.2, True),
    ],
)
def test_a_figure_stands_for_half_a_unit_of_its_last_digit(text, value, stands):
    assert stands_for(text, value) is stands


@pytest.mark.parametrize(
    ("line", "found", "agrees"),
    [
        ("z1: [[1.1], [1.35]]", ["agrees", "agrees"], True),
        ("z1: [[1.1], [1.4]]", ["agrees", "agrees"], True),
        ("z1: [[1.1], [1.3]]", ["agrees", "agrees"], True),  # a tie, either way
        ("z1: [[1.1], [1.36]]", ["agrees", "differs"], False),
        ("z1: [[1.1], [_]]", ["agrees"], True),
        ("loss: 0.1081", ["agrees"], True),
        ("loss: 0.1082", ["differs"], False),
        ("loss: {value: 0.4325, times: 4}", ["agrees"], True),
        ("loss: {value: 0.108, times: 4}", ["differs"], False),
        ('z1: {value: [[1.1], [-1.35]], slips: {"2,1": sign}}', ["agrees", "slip"], True),
        ('z1: {value: [[1.1], [1.35]], slips: {"2,1": sign}}', ["agrees", "stale"], False),
        ('z1: {value: [[1.2], [-1.35]], slips: {"2,1": sign}}', ["differs", "slip"], False),
    ],
)
def test_figures_slips_and_stale_marks(line, found, agrees):
    assert standings(line) == (found, agrees)


def test_the_trace_is_in_the_spec_s_own_arithmetic():
    rounded = SPEC.replace("expect:", "arithmetic: {round_each_step: 1}\nexpect:")
    (found,) = compare(backtrace.loads(f"{rounded}  z1: [[1.1], [1.350]]\n"))
    assert [each.standing for each in found.figures] == ["agrees", "differs"]  # 1.4 there


def test_figures_of_a_later_update():
    """dW = ½·(0.1·1 − 0.65·3, 0.1·2 + 0.65) = (−0.925, 0.425)."""
    text = SPEC.replace("expect:", "epochs: 2\nexpect:")
    (found,) = compare(backtrace.loads(f"{text}  W1@2: [0.9625, 0.0375]\n"))
    assert found.agrees


@pytest.mark.parametrize(
    ("text", "close", "decimals"), [("1.34", True, 2), ("1.33", False, 2), ("1.7", False, 1)]
)
def test_a_figure_may_be_off_by_one_in_its_last_digit(text, close, decimals):
    """1.35: 1.34 stands for 1.335 to 1.345, and the next digit for up to 1.355."""
    (found,) = compare(backtrace.loads(f"{SPEC}  z1: [[1.1], [{text}]]\n"))
    held = found.figures[1]
    assert (held.is_close, held.decimals) == (close, decimals)


# or-gate, counted in the solution: figures that agree and slips, line by line, in its order.
OR_GATE = {
    "W1": [(4, 0), (4, 0)],
    "a0": [(8, 0)],
    "b1": [(2, 0), (2, 0)],
    "product1": [(8, 0)],
    "z1": [(8, 0)],
    "a1": [(8, 0), (3, 1), (7, 1), (7, 1)],
    "W2": [(2, 0), (1, 1), (2, 0)],
    "b2": [(1, 0), (1, 0)],
    "product2": [(4, 0)],
    "z2": [(4, 0), (0, 4)],
    "a2": [(3, 1)],
    "y": [(4, 0)],
    "loss_terms": [(1, 3)],
    "loss": [(0, 1), (1, 0), (1, 0), (1, 0)],
    "error": [(3, 1)],
    "delta2": [(2, 2), (1, 3), (4, 0)],
    "da1": [(6, 2)],
    "delta1": [(4, 4), (1, 7)],
    "dW2": [(0, 2), (0, 2), (0, 2), (0, 2), (2, 0)],
    "db2": [(1, 0), (1, 0), (0, 1)],
    "dW1": [(0, 4), (3, 1), (1, 3)],
    "db1": [(1, 1), (1, 1), (1, 1)],
    "W2_new": [(2, 0)],
    "b2_new": [(0, 1), (0, 1)],
    "W1_new": [(4, 0)],
    "b1_new": [(2, 0)],
}


def test_every_line_of_the_solution_is_held():
    found = {}
    for each in compare(backtrace.load("or-gate")):
        found.setdefault(each.published.id, []).append((each.count("agrees"), each.count("slip")))
    assert found == OR_GATE


@pytest.mark.parametrize(
    ("name", "agreeing", "slips"),
    [("mlp-math", 53, 0), ("small-mlp", 44, 0), ("or-gate", 127, 54)],
)
def test_the_documents_figures_stand_and_their_slips_are_slips(name, agreeing, slips):
    found = totals(compare(backtrace.load(name)))
    assert found == {"agrees": agreeing, "differs": 0, "slip": slips, "stale": 0}


@pytest.mark.parametrize("name", ["delta-rule", "delta-rule-sigmoid", "momentum"])
def test_figures_worked_by_hand_stand(name):
    found = compare(backtrace.load(name))
    assert found
    assert all(each.agrees for each in found)
