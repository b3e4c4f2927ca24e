"""Coloured words are read on every ground, coloured lines seen; nothing is said by colour alone."""

import re

import pytest

import backtrace
from backtrace.formats.terminal.colours import STYLES, coloured, uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.page.trace import View

HEX = re.compile(r"#[0-9a-f]{6}")
GROUNDS = {"black": "#000000", "white": "#ffffff", "dark": "#002b36", "light": "#fdf6e3"}
"""A terminal's, the last two those of Solarized."""
READABLE, SEEN = 4.5, 3.0  # the contrasts that WCAG 2.1 asks of words and of what is drawn
DRAWN = {"training", "held out", "bar", "share"}  # lines and bars


def luminance(colour):
    """https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return sum(w * part for w, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one, other):
    darker, lighter = sorted(map(luminance, (one, other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_measure_is_that_of_the_standard():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("role", sorted(set(STYLES) - DRAWN))
def test_a_coloured_word_brings_a_ground_on_which_it_is_read(role):
    colours = HEX.findall(STYLES[role])
    assert len(colours) in (0, 2)
    assert not colours or contrast(*colours) >= READABLE


@pytest.mark.parametrize("role", sorted(DRAWN))
@pytest.mark.parametrize("ground", GROUNDS)
def test_what_is_drawn_is_seen_on_every_ground(role, ground):
    assert contrast(STYLES[role], GROUNDS[ground]) >= SEEN


@pytest.mark.parametrize("style", STYLES.values())
def test_every_colour_is_one_of_256(style):
    steps = {0, 95, 135, 175, 215, 255}  # of each of red, green and blue
    for colour in HEX.findall(style):
        assert {int(colour[at : at + 2], 16) for at in (1, 3, 5)} <= steps


def test_the_direction_is_said_without_a_colour():
    page = passages(backtrace.trace(backtrace.load("small-mlp")), View(), Layout(80))
    headings = [line for lines in page for line in uncoloured(lines).split("\n") if "──" in line]
    assert [" → " in line for line in headings if "Forward" in line] == [True, True]
    assert [" ← " in line for line in headings if "Backward" in line] == [True, True]


def test_the_ground_of_a_name_is_no_wider_than_it():
    text = coloured([[("  W₁ ", "updated.name"), ("  ", "updated.name"), (" 7", "")]], STYLES)
    assert text.plain == "  W₁    7"
    (span,) = text.spans
    assert (text.plain[span.start : span.end], span.style) == ("W₁", STYLES["updated.name"])
