"""Pictures of samples: in greys, in shades, in ASCII, how wide."""

import numpy as np

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.picture import picture, styles


def test_shades_grow_with_the_grey():
    greys = np.array([[0, 0.25, 0.5, 0.75, 1.0]] * 5)
    for unicode, row in ((True, "│  ░░▒▒▓▓██│"), (False, "|  ..::**##|")):
        lines = uncoloured(picture(greys, Layout(80, unicode))).split("\n")
        assert lines[1:-1] == [row] * 5  # two columns for every pixel, which is then square


def test_half_blocks_carry_two_greys():
    greys = np.zeros((16, 16))
    greys[0, 3] = 1.0  # white above
    lines = picture(greys, Layout(80, colour=True))
    assert len(lines) == 8  # two rows of pixels to a line
    assert [span for span in lines[0] if "23" in span[1]] == [("▀", "grey 23 0")]
    assert styles(lines)["grey 23 0"] == "rgb(255,255,255) on rgb(0,0,0)"
    assert all("".join(text for text, _ in line) == "▀" * 16 for line in lines)


def test_two_rows_of_pixels_share_a_shade_where_there_is_no_colour():
    greys = np.zeros((16, 16))
    greys[::2] = 1.0
    lines = uncoloured(picture(greys, Layout(80))).split("\n")
    assert lines[1:-1] == ["│" + "▒" * 16 + "│"] * 8


def test_an_odd_row_stands_above_black():
    greys = np.ones((15, 15))
    lines = picture(greys, Layout(80, colour=True))
    assert lines[-1] == [("▀" * 15, "grey 23 0")]


def test_large_pictures_shrink_to_the_page():
    greys = np.zeros((200, 200))
    greys[:100] = 1.0
    for colour in (True, False):
        lines = picture(greys, Layout(60, colour=colour))
        assert max(sum(text_width(text) for text, _ in line) for line in lines) <= 60
    assert len(picture(greys, Layout(60, colour=True))) == 25  # 200 / 4 pixels a side, two a line
