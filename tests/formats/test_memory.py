"""A trace holds each value once, and what prints it holds no second copy."""

import tracemalloc

import pytest

import backtrace
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.page.selection import Selection, chosen
from backtrace.page.trace import View


@pytest.fixture(scope="module")
def digits():
    return backtrace.trace(backtrace.load("digits"))


def test_an_update_starts_from_the_very_arrays_that_the_one_before_left():
    trace = backtrace.trace(backtrace.load("adam"))
    assert trace["W1@2"].value is trace["W1_new"].value
    assert trace["vW1_old@2"].value is trace["vW1"].value


def test_the_samples_of_a_batch_are_a_view_of_all():
    text = "layers: [{activation: linear, weights: [[1], [2]], bias: none}]\n"
    text += "inputs: [[1, 2], [3, 4]]\ntargets: [[1], [2]]\nloss: mse\nupdates: online\n"
    text += "learning_rate: 0.1\n"
    trace = backtrace.trace(backtrace.loads(text))
    assert trace["a0@1.1"].value.base is not None
    assert trace["a0@1.1"].value.base is trace["a0@1.2"].value.base


def test_a_line_that_only_repeats_another_shares_its_array():
    trace = backtrace.trace(backtrace.load("multi-neuron"))
    assert trace["z1"].operation == "copy"
    assert trace["z1"].value is trace["product1"].value


def test_a_selection_takes_the_values_as_they_are(digits):
    for traced in chosen(digits, Selection(only=("delta", "dW"))):
        assert traced.value is digits[traced.id].value


def test_printing_copies_no_matrix(digits):
    inputs = digits["a0"].value.nbytes
    assert inputs == 1438 * 64 * 8  # four of five images
    for detail in ("matrices", "summary"):
        for _ in passages(digits, View(detail=detail), Layout(80)):
            pass  # once before, so that what is imported does not count
        tracemalloc.start()
        for _ in passages(digits, View(detail=detail), Layout(80)):
            pass
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < inputs  # the page itself is there, and no copy of what is on it
