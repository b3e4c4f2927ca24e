"""The table of optimizers holds together: lines, states and constants; the schedules by hand."""

from fractions import Fraction

import pytest

from backtrace.functions.number import Number
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES, Momentums, momentums
from backtrace.tape.operations import OPERATIONS

LINES = [(name, form) for name, row in OPTIMIZERS.items() for form in row.lines]


@pytest.mark.parametrize(("name", "form"), LINES)
def test_every_line_is_worked_from_earlier_ones(name, form):
    row = OPTIMIZERS[name]
    bound = {"{}", "d{}", *(f"{state}{{}}_old" for state in row.states)}
    for line in row.lines[form]:
        assert line.operation in OPERATIONS
        assert set(line.operands) <= bound
        assert line.id not in bound
        bound.add(line.id)
    assert row.lines[form][-1].id == "{}_new"
    # what an update carries over, it works anew; a step is shown where there is a state
    assert {f"{state}{{}}" for state in row.states} <= bound
    assert ("step_{}" in bound) == bool(row.states)


@pytest.mark.parametrize(("name", "form"), LINES)
def test_every_constant_is_used_and_every_used_one_is_there(name, form):
    row = OPTIMIZERS[name]
    used = {theirs for line in row.lines[form] for theirs in line.constants.values()}
    assert used - {"t"} == {"rate", *row.constants}  # t counts the updates
    assert all(isinstance(value, Number) for value in row.constants.values())
    assert set(row.aliases.values()) <= set(row.constants)
    assert not set(row.aliases) & set(row.constants)


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_every_column_of_every_row_is_there(name):
    row = OPTIMIZERS[name]
    assert row.title
    assert row.source or name == "sgd"
    assert row.rational == (name in ("sgd", "momentum", "nesterov"))
    assert row.forms == (("accumulate", "step", "ema") if name == "momentum" else ())


def test_the_momentums_of_nadam_by_hand():
    """0.9·(1 − ½·0.96), 0.9·(1 − ½·0.96²) and 0.9·(1 − ½·0.96³) with a decay of 1."""
    first, second, third = 0.9 * 0.52, 0.9 * 0.5392, 0.9 * 0.557632
    assert momentums(0.9, 1.0, 1) == Momentums(*map(pytest.approx, (first, second, first)))
    found = momentums(0.9, 1.0, 2)
    assert found == Momentums(*map(pytest.approx, (second, third, first * second)))
    far = momentums(0.9, 0.004, 100_000)
    assert far.now == pytest.approx(0.9)
    assert 1 - far.product == 1


def test_the_table_has_the_optimizers_that_are_promised():
    assert sorted(OPTIMIZERS) == [
        "adadelta", "adagrad", "adam", "adamw", "momentum", "nadam", "nesterov", "rmsprop", "sgd"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "constants", "rates"),
    [
        ("constant", {}, [8, 8, 8, 8]),
        ("step", {"every": 2, "factor": 0.5}, [8, 8, 4, 4, 2]),
        ("exponential", {"factor": 0.5}, [8, 4, 2, 1]),
        ("inverse_time", {"decay": 1}, [8, 4, Fraction(8, 3), 2]),
    ],
)
def test_schedules_by_hand(name, constants, rates):
    """η₀ = 8; updates are counted from 0."""
    row = SCHEDULES[name]
    assert row.constants == tuple(constants)
    exact = {key: Fraction(value) for key, value in constants.items()}
    assert [row.rate(Fraction(8), t, exact) for t in range(len(rates))] == rates


def test_every_schedule_is_tried_here():
    assert set(SCHEDULES) == {"constant", "step", "exponential", "inverse_time"}
