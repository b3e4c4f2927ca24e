"""The loss curve: its scales, its dots, its marks, whatever the losses are."""

import math
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.curve import ROWS, curve, legend
from backtrace.formats.terminal.layout import Layout
from backtrace.page.training.chart import LOG_FROM, accuracies, losses, tick_labels, value_scale
from backtrace.tape.training import Measured, Record


def records(values, held=None, start=0):
    return [
        Record(epoch, Measured(value), None if held is None else Measured(held[at]))
        for at, (epoch, value) in enumerate(enumerate(values, start))
    ]


def drawn(chart, width=80, unicode=True):
    return uncoloured(curve(chart, Layout(width, unicode))).split("\n")


# Scales


def test_ticks_are_round_and_the_scale_ends_on_them():
    scale = value_scale([0.13, 0.87])
    assert scale.ticks == pytest.approx((0, 0.2, 0.4, 0.6, 0.8, 1.0))
    assert (scale.low, scale.high, scale.log) == (0, pytest.approx(1.0), False)
    assert tick_labels(scale) == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]


def test_values_far_from_zero_do_not_start_there():
    scale = value_scale([1000.5, 1001.5])
    assert scale.low == pytest.approx(1000.4)
    assert scale.high == pytest.approx(1001.6)
    labels = tick_labels(scale)
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize(
    ("values", "log"),
    [([1, 1 / LOG_FROM], False), ([1, 0.99 / LOG_FROM], True), ([1, 0], False), ([5, -3], False)],
)
def test_more_than_two_decades_make_it_logarithmic_where_all_is_positive(values, log):
    assert value_scale(values).log is log


def test_a_logarithmic_scale_has_powers_of_ten_and_places_them_evenly():
    scale = value_scale([10.0, 1e-4])
    assert tick_labels(scale) == ["1e-4", "0.001", "0.01", "0.1", "1", "10"]
    assert [scale.place(tick) for tick in scale.ticks] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=6))
@example([5e-324])
@example([-1e-310, 1e-310])
@example([5e-324, 1e-300])
@example([0.1, 0.1 + 2**-56])
@example([-1e299, -1e299 * (1 + 2**-52)])
def test_every_value_has_its_place_on_the_scale(values):
    scale = value_scale(values)
    assert all(-1e-6 <= scale.place(value) <= 1 + 1e-6 for value in values)
    assert all(-1e-6 <= scale.place(tick) <= 1 + 1e-6 for tick in scale.ticks)
    assert len(tick_labels(scale)) == len(scale.ticks) >= 1


# Lines


def test_a_straight_line_goes_from_corner_to_corner():
    lines = drawn(losses(records([1.1, 0.0], start=1)), 40, unicode=False)[:ROWS]
    fields = [line.partition("|" if "|" in line else "+")[2] for line in lines]
    width = max(map(len, fields))
    assert fields[-1].endswith("*")  # 0.0 at the last epoch
    assert len(fields[-1]) == width
    middles = [
        sum(at for at, c in enumerate(field) if c == "*") / field.count("*")
        for field in fields
        if "*" in field
    ]
    assert middles == sorted(middles)
    falls = [later - earlier for earlier, later in pairwise(middles[1:-1])]
    assert max(falls) - min(falls) < 2  # evenly, but for whole characters


def test_a_braille_line_has_the_dots_of_its_corners():
    lines = drawn(losses(records([1.0, 0.0])), 60)
    first, last = lines[0].partition("┤")[2], lines[ROWS - 1].partition("┤")[2]
    assert ord(first[0]) - 0x2800 & 0x01  # the dot at the top left
    assert ord(last[-1]) - 0x2800 & 0x80  # the dot at the bottom right


def test_the_line_of_held_out_samples_is_another_one():
    chart = losses(records([1.0, 0.0, 0.0], held=[1.0, 1.0, 1.0]))
    text = "\n".join(drawn(chart, 60, unicode=False))
    assert "*" in text
    assert "o" in text.partition("\n")[0]
    both = drawn(losses(records([0.0, 0.0], held=[1.0, 1.0])), 60)
    top, bottom = both[0].partition("┤")[2], both[ROWS - 1].partition("┤")[2]
    assert top.count("⠉") < bottom.count("⣀")  # half of its dots are left out
    assert legend(chart, Layout(60)) == [
        ("──", "training", "training"),
        ("╌╌", "held out", "held out"),
    ]


def test_the_kept_epoch_is_marked_where_its_loss_is():
    chart = losses(records([1.0, 0.2, 0.6, 1.0]), kept=1)
    marked = [line for line in drawn(chart, 60) if "◆" in line]
    assert len(marked) == 1
    at = marked[0].index("◆")
    axis = next(line for line in drawn(chart, 60) if "└" in line)
    ticks = [i for i, c in enumerate(axis) if c == "┬"]
    assert at == ticks[1]  # the ticks are the epochs 0, 1, 2 and 3
    assert ("◆", "epoch 1, kept", "best") in legend(chart, Layout(60))


def test_the_kept_epoch_is_that_of_the_held_out_loss():
    chart = losses(records([1.0, 0.5, 0.1], held=[1.0, 0.6, 0.9]), kept=1)
    assert chart.kept == (1.0, 0.6)


# Losses of every kind


def test_a_single_epoch_has_no_curve():
    assert curve(losses(records([0.7])), Layout(80)) == []
    assert legend(losses(records([0.7])), Layout(80)) == []
    assert curve(losses([]), Layout(80)) == []


def test_what_is_not_finite_is_left_out_and_the_epochs_stay():
    chart = losses(records([1.0, 1e80, math.inf, math.nan]))
    assert chart.series[0].points == ((0, 1.0), (1, 1e80))
    assert chart.epochs.high == 3
    assert chart.values.log
    assert len(drawn(chart)) == ROWS + 2


def test_nothing_finite_has_no_curve():
    assert curve(losses(records([math.nan, math.inf])), Layout(80)) == []


def test_a_kept_epoch_that_is_not_finite_is_not_drawn():
    assert not any("◆" in line for line in drawn(losses(records([1.0, math.nan, 0.5]), kept=1)))


@pytest.mark.parametrize("at", [10_000, 10_030, 10_070, 10_110])  # some 140 epochs to a dot
def test_a_spike_among_thousands_of_epochs_is_drawn(at):
    values = [0.1] * 20_001
    values[at] = 1.0
    field = drawn(losses(records(values)), 80)[0].partition("┤")[2]
    assert 33 <= len(field.rstrip("⠀ ")) <= 39  # it ends in the middle of some seventy columns


@pytest.mark.parametrize("width", [40, 80, 100, 120])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("held", [True, False])
def test_no_line_is_wider_than_the_page(width, unicode, held):
    values = [2.5 * math.exp(-epoch / 90) + 1e-6 for epoch in range(1001)]
    chart = losses(records(values, values[::-1] if held else None), kept=500)
    lines = drawn(chart, width, unicode)
    assert max(map(text_width, lines)) <= width
    assert all(line.isascii() for line in lines) or unicode


@given(
    st.lists(
        st.floats(allow_nan=True, allow_infinity=True, width=64) | st.just(0.0),
        min_size=0,
        max_size=12,
    ),
    st.integers(0, 12),
)
def test_no_losses_break_the_chart(values, kept):
    chart = losses(records(values), kept)
    for unicode in (True, False):
        lines = curve(chart, Layout(50, unicode))
        assert not lines or len(lines) == ROWS + 2


def test_accuracy_has_lines_only_where_there_are_classes():
    plain = accuracies(records([1.0, 0.5]))
    assert plain.series[0].points == ()
    classed = [Record(0, Measured(1.0, 0.25)), Record(1, Measured(0.5, 0.75), Measured(0.6, 0.5))]
    training, held = accuracies(classed).series
    assert training.points == ((0, 25), (1, 75))
    assert held.points == ((1, 50),)
