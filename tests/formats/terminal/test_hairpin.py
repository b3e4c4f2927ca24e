"""The overview on a terminal: the hairpin at every width, and while it fills in."""

import re

import pytest

import backtrace
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import line_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.page.trace import View
from tests.networks.kinds import LAYERED


def page(name, layout, **view):
    trace = backtrace.trace(backtrace.load(name))
    return [
        line
        for passage in passages(trace, View(detail="overview", **view), layout)
        for line in passage
    ]


def text(name, width=80, **layout):
    return uncoloured(page(name, Layout(width, **layout)))


def test_there_above_and_back_beneath():
    lines = text("small-mlp").split("\n")
    forward = next(at for at, line in enumerate(lines) if line.startswith("x "))
    # x = (1, 2), h = (0.8, 1.1), the output 0.8·0.5 + 1.1·0.6 + 0.1 = 1.16, the loss ½·0.16²
    assert re.sub("━+", "━", lines[forward]).split("  ") == [
        "x [ 1", "2 ]", "━▶ a₁ [ 0.8", "1.1 ]", "", "", "━▶ ŷ 1.16", " ━▶ L 0.0128 ╮",
    ]  # fmt: skip
    # δ₂ = 1.16 − 1; δ₁ = 0.16·(0.5, 0.6), both units are on
    assert re.sub("━+", "━", lines[forward + 1]).split() == (
        ["◀━", "δ₁", "[", "0.080", "0.096", "]", "◀━", "δ₂", "0.16", "◀━╯"]
    )


def test_a_layers_weights_gradient_and_new_weights_stand_in_one_column():
    lines = text("small-mlp").split("\n")
    places = [
        (match[2], match.start())
        for line in lines
        for match in re.finditer(r"(?<!\S)(?:∂L/∂)?([WB])([₁₂])(?:ⁿᵉʷ)? +[⎡⎣]", line)
    ]
    assert len(places) == 6
    assert len(set(places)) == 2  # a place a layer


@pytest.mark.parametrize("name", [*LAYERED, "attention", "circuit", "gru"])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_line_is_wider_than_the_page(name, width):
    for layout in (Layout(width), Layout(width, unicode=False)):
        lines = uncoloured(page(name, layout)).split("\n")
        assert max(map(text_width, lines)) <= width
        assert layout.unicode or "".join(lines).isascii()


@pytest.mark.parametrize("name", LAYERED)
def test_a_bundled_network_takes_a_screen_an_update(name):
    updates = len(backtrace.trace(backtrace.load(name)).updates)
    assert text(name).count("\n") <= 6 + 26 * updates


def test_a_large_matrix_is_its_size():
    shown = text("digits")
    assert "W₁ 64 × 10" in shown
    assert shown.count("\n") < 16


def test_it_fills_in_without_moving():
    whole = page("xor", Layout(80))
    steps = len(backtrace.trace(backtrace.load("xor")))
    before = ""
    for reached in range(steps + 1):
        lines = page("xor", Layout(80), reached=reached)
        assert [line_width(line) for line in lines] == [line_width(line) for line in whole]
        now = "\n".join("".join(words for words, _ in line) for line in lines)
        # what has been written stays: a place is blank or as in the end
        assert all(old in (new, " ") for new, old in zip(now, before, strict=False))
        before = now
    assert lines == whole
