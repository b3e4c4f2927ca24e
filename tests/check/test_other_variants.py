"""Who hands in another student's variant is told so, and no mistakes are made up for it."""

import backtrace
from backtrace.check.judge.checker import Checker
from backtrace.check.judge.other_variants import told_of_another
from tests.check.typed import answers_of

SPEC = """
layers: [{activation: linear, weights: [[WEIGHT]], bias: [1]}]
inputs: [2]
targets: [1]
loss: half_mse
learning_rate: 0.5
"""
VARIANTS = {f"v0{w}": Checker(backtrace.loads(SPEC.replace("WEIGHT", f"{w}"))) for w in (3, 5)}
# of w = 5: z = 2·5 + 1 = 11, e = 10, L = ½·10², dW = 2·10, W − 0.5·20
FIVE = "z1: 11\nerror: 10\nloss: 50\ndelta1: 10\ndW1: 20\nW1_new: -5\n"


def told(own, sheet):
    checker = VARIANTS[own]
    answers = answers_of(checker, sheet)
    return told_of_another(checker.check(answers), answers, checker, VARIANTS)


def test_answers_to_another_variant_are_said_to_be():
    report = told("v03", FIVE)
    assert report.notes == ("these are answers to v05, another variant than this student's",)
    assert not any(q.mistakes for q in report.quantities)
    assert report.score == VARIANTS["v03"].check(answers_of(VARIANTS["v03"], FIVE)).score


def test_ones_own_are_not():
    assert told("v05", FIVE).notes == ()
    wrong = told("v03", FIVE.replace("dW1: 20", "dW1: 21"))
    assert wrong.notes == ()  # neither variant's
