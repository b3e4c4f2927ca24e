"""Pictures of samples: what is one, in greys, in shades, in ASCII, how wide."""

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.picture import picture, pixels, styles, white
from backtrace.spec.model import Matrix

SPEC = backtrace.load("xor")


def spec_of(*rows):
    return msgspec.structs.replace(SPEC, inputs=Matrix(np.array(rows, dtype=float)))


def test_a_square_of_greys_is_a_picture():
    data = np.arange(16.0)
    brightest = white(spec_of(data, 2 * data))
    assert brightest == 30
    greys = pixels(data, brightest)
    assert greys.shape == (4, 4)
    assert greys[3, 3] == 15 / 30  # the largest of all data is white
    assert greys[0, 1] == 1 / 30


@pytest.mark.parametrize(
    "data",
    [
        np.arange(9.0),  # too small
        np.arange(17.0),  # no square
        np.arange(16.0) - 1,  # a negative grey
        np.zeros(16),  # nothing to be seen
    ],
)
def test_other_inputs_are_no_picture(data):
    assert white(spec_of(data)) == 0


def test_columns_are_samples_where_the_spec_says_so():
    columns = msgspec.structs.replace(spec_of([1.0] * 3).conventions, layout="columns")
    data = Matrix(np.ones((16, 3)))
    assert white(msgspec.structs.replace(SPEC, inputs=data, conventions=columns)) == 1


def test_shades_grow_with_the_grey():
    greys = np.array([[0, 0.25, 0.5, 0.75, 1.0]] * 5)
    for unicode, row in ((True, "│  ░░▒▒▓▓██│"), (False, "|  ..::**##|")):
        lines = uncoloured(picture(greys, Layout(80, unicode), colour=False)).split("\n")
        assert lines[1:-1] == [row] * 5  # two columns for every pixel, which is then square


def test_half_blocks_carry_two_greys():
    greys = np.zeros((16, 16))
    greys[0, 3] = 1.0  # white above
    lines = picture(greys, Layout(80), colour=True)
    assert len(lines) == 8  # two rows of pixels to a line
    assert [span for span in lines[0] if "23" in span[1]] == [("▀", "grey 23 0")]
    assert styles(lines)["grey 23 0"] == "rgb(255,255,255) on rgb(0,0,0)"
    assert all("".join(text for text, _ in line) == "▀" * 16 for line in lines)


def test_two_rows_of_pixels_share_a_shade_where_there_is_no_colour():
    greys = np.zeros((16, 16))
    greys[::2] = 1.0
    lines = uncoloured(picture(greys, Layout(80), colour=False)).split("\n")
    assert lines[1:-1] == ["│" + "▒" * 16 + "│"] * 8


def test_an_odd_row_stands_above_black():
    greys = np.ones((15, 15))
    lines = picture(greys, Layout(80), colour=True)
    assert lines[-1] == [("▀" * 15, "grey 23 0")]


def test_large_pictures_shrink_to_the_page():
    greys = np.zeros((200, 200))
    greys[:100] = 1.0
    for colour in (True, False):
        lines = picture(greys, Layout(60), colour=colour)
        assert max(sum(text_width(text) for text, _ in line) for line in lines) <= 60
    assert len(picture(greys, Layout(60), colour=True)) == 25  # 200 / 4 pixels a side, two a line
