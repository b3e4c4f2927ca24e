"""The table of optimizers holds together: lines, states and constants; the schedules by hand."""

from fractions import Fraction

import pytest

from backtrace.functions.number import Number
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES
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


def test_the_table_has_the_optimizers_that_are_promised():
    assert sorted(OPTIMIZERS) == [
        "adagrad", "adam", "adamw", "momentum", "nesterov", "rmsprop", "sgd"
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
