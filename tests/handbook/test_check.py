"""The chapter on checking: its picture of intervals is drawn to scale, of numbers that hold."""

import math
import re

from tests.test_readme import blocks

(PICTURE,) = (text.splitlines() for text in blocks("text") if "own work" in text)
SCALE, AXIS, KEY, OWN, *WRITTEN = PICTURE
FIRST, LAST = (float(SCALE.split()[at]) for at in (0, -1))
ZERO, END = AXIS.index("├"), AXIS.index("┤")


def place(value):
    """The column of a value on the axis."""
    return ZERO + (value - FIRST) * (END - ZERO) / (LAST - FIRST)


def ends(line):
    return line.index("├"), line.index("┤")


def test_the_key_is_where_the_program_has_it():
    exact = 20 / (1 + math.exp(-(0.4 * 0.5 + 0.58 * 0.3)))
    assert f"{exact:.4f}"[:6] == KEY.split()[-1]
    assert abs(KEY.index("╿") - place(exact)) < 1


def test_the_own_work_is_all_that_the_written_activation_stands_for():
    assert ends(OWN) == (round(place(20 * 0.585)), round(place(20 * 0.595)))
    assert "20·0.585 … 20·0.595" in OWN


def test_a_written_number_stands_for_what_rounds_to_it():
    exact = 20 / (1 + math.exp(-0.374))
    verdicts = {}
    for line in WRITTEN:
        number = float(re.search(r"written ([\d.]+)", line)[1])
        low, high = number - 0.005, number + 0.005
        as_key, as_own = low <= exact <= high, low <= 20 * 0.595 and high >= 20 * 0.585
        verdicts[line.split()[-1]] = (as_key, as_own)
        if number <= LAST:
            assert ends(line) == (round(place(low)), round(place(high)))
    assert verdicts == {"right": (True, True), "rounded": (False, True), "wrong": (False, False)}
