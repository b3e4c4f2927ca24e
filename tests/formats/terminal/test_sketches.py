"""Pictures of what was learned on a terminal: in rows that fit, samples where they belong."""

import numpy as np
import pytest

from backtrace.formats.terminal.boxes import line_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.picture import styles
from backtrace.formats.terminal.sketches import sketch_lines
from backtrace.page.training.sketches import Mark, Sketch, Sketches

RAMP = np.tile(np.linspace(0, 1, 20), (20, 1))
MARKS = (Mark(0, 0, False), Mark(19, 19, True))
FOUR = Sketches(
    tuple(Sketch(f"epoch {at}", RAMP, MARKS) for at in range(4)), "What it is.", ("low", "high")
)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
@pytest.mark.parametrize("colour", [True, False])
def test_pictures_stand_in_rows_that_fit(width, unicode, colour):
    lines = list(sketch_lines(FOUR, Layout(width, unicode, colour)))
    assert max(map(line_width, lines)) <= width
    text = uncoloured(lines)
    assert unicode or text.isascii()
    assert all(f"epoch {at}" in text for at in range(4))
    assert [text.count(sign) for sign in ("○●" if unicode else "o@")] >= [4, 4]


def test_rows_are_even():
    rows = [
        line for line in uncoloured(list(sketch_lines(FOUR, Layout(80)))).split("\n") if "┌" in line
    ]
    assert [row.count("┌") for row in rows][:2] == [2, 2]


def test_a_shade_goes_from_orange_by_white_to_blue():
    found = styles(sketch_lines(FOUR, Layout(80, colour=True)))
    assert "rgb(200,90,0) on rgb(200,90,0)" in found.values()
    assert "rgb(20,90,190) on rgb(20,90,190)" in found.values()


def test_a_large_picture_is_shrunk():
    shown = Sketches((Sketch("unit 1", np.zeros((28, 28))),), "", ("dark", "light"))
    assert (
        uncoloured(list(sketch_lines(shown, Layout(80)))).split("\n")[1].strip() == f"┌{'─' * 14}┐"
    )
