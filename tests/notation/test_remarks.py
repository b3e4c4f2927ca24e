"""Sentences about units that were off."""

import pytest

import backtrace
from backtrace.notation.remarks import remarks
from backtrace.notation.symbols import Symbols

# z = x·W + 0: with x = 1 simply the row of weights
ONE = """
title: "t"
layers:
  - {{activation: relu, weights: [{weights}], bias: none}}
  - {{activation: linear, weights: {below}, bias: none}}
inputs: {inputs}
targets: {targets}
loss: mse
"""


def said(weights, samples=1):
    units = len(weights)
    text = ONE.format(
        weights=weights,
        below=[[1]] * units,
        inputs=[[1]] * samples,
        targets=[[1]] * samples,
    )
    trace = backtrace.trace(backtrace.loads(text))
    return remarks(trace["delta1"], trace, Symbols.of(trace))


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1, 2], ()),
        ([1, -2], ("unit 2 was off (z₁[1,2] = -2 ≤ 0), so no error passes through it",)),
        (
            [-1, 2, -0.5],
            (
                (
                    "units 1 and 3 were off (z₁[1,1] = -1 ≤ 0, z₁[1,3] = -0.5 ≤ 0), "
                    "so no error passes through them"
                ),
            ),
        ),
        (
            [-1, -2, -3, -4, 5],
            (
                (
                    "4 entries of 5 in ReLU′(z₁) are 0: where a unit was off, "
                    "no error passes through it"
                ),
            ),
        ),
    ],
)
def test_units_that_were_off_are_named(weights, expected):
    assert said(weights) == expected


def test_of_several_samples_the_entries_are_counted():
    assert said([1, -2], samples=3)[0].startswith("3 entries of 6 in ReLU′(z₁) are 0")


def test_other_steps_have_no_remark():
    trace = backtrace.trace(backtrace.load("mlp-math"))
    symbols = Symbols.of(trace)
    assert [step.id for step in trace if remarks(step, trace, symbols)] == ["delta1"]
