"""Which lines stand for a long matrix."""

import numpy as np

from backtrace.page.blocks import DotsLegend
from backtrace.page.elision import Elision, windows


def with_numbers_at(shape, *places):
    found = np.zeros(shape)
    for place in places:
        found[place] = 1
    return found


def test_where_the_corners_are_zero_the_lines_where_most_is():
    # 20 columns, of which the 8th to the 10th have four numbers, and no other three have as many
    image = with_numbers_at((2, 20), (0, 7), (0, 8), (1, 8), (1, 9), (0, 15), (1, 15))
    assert windows([image]) == {20: range(7, 10)}
    chosen = Elision(windows=windows([image]))
    assert chosen.lines(20, "a0", elided=True) == [7, 8, 9]
    assert chosen.lines(20, "a0", elided=False) == list(range(20))
    whole = Elision(windows=windows([image]), full=True)
    assert whole.lines(20, "a0", elided=True) == list(range(20))


def test_where_something_stands_at_the_corners_they_are_shown():
    assert windows([np.ones((2, 20))]) == {}
    assert windows([np.zeros((2, 20))]) == {}  # it is 0 all over
    assert windows([with_numbers_at((2, 12), (0, 6))]) == {}  # 12 columns can all be shown
    assert Elision().lines(20, "a0", elided=True) == [0, 1, 19]


def test_infinite_numbers_count_for_nothing():
    assert windows([np.full((2, 20), np.inf)]) == {}


def test_the_legend_says_which_lines_are_shown():
    assert DotsLegend().where == ""
    told = "Of 784 lines 179 to 181 are shown, where the largest numbers are."
    assert DotsLegend(((784, range(178, 181)),)).where == told
