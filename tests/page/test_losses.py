"""Losses that differ look so, wherever they stand to be compared."""

import pytest

import backtrace
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.page.lines.change import telling_decimals
from backtrace.page.trace import View
from tests.formats.written import html, latex, markdown

# The OR gate's loss falls by 0.022 % an update: 0.090344, 0.090324, …, the same in four decimals.
THREE = backtrace.trace(backtrace.load("or-gate"), range(1, 4))
ONE = backtrace.trace(backtrace.load("or-gate"))
LOSSES = [float(each.value) for each in THREE if each.id in ("loss", "loss_after")]


@pytest.mark.parametrize(
    ("values", "decimals", "most", "told"),
    [
        ([0.25, 0.24], 4, 12, 4),
        ([0.09034, 0.09032], 4, 12, 5),
        ([0.5, 0.5, 0.4], 1, 12, 1),  # what is equal may look so
        ([1.0, 1.0 + 1e-9], 4, 8, 4),  # more digits than are shown would be needed
        ([1.0, 1.0 + 1e-9, 1.00002], 4, 8, 5),  # as far as it can be told
        ([float("inf"), 1.0], 4, 8, 4),
    ],
)
def test_as_few_digits_as_tell_neighbours_apart(values, decimals, most, told):
    assert telling_decimals(values, decimals, most) == told


def test_the_table_of_losses():
    assert len({f"{loss:.4f}" for loss in LOSSES}) == 1
    table = markdown(THREE, View()).partition("| epoch |")[2].partition("\n\n")[0]
    told = [cell for row in table.split("\n")[2:] for cell in row.strip("| ").split(" | ")[1:]]
    assert told == [f"{loss:.5f}" for loss in LOSSES]


@pytest.mark.parametrize("detail", ["overview", "summary"])
def test_a_page_on_which_the_two_stand_alone(detail):
    before, after = (f"{loss:.5f}" for loss in LOSSES[:2])
    pages = passages(ONE, View(detail=detail), Layout(80))
    said = "\n".join(map(uncoloured, pages))
    assert before in said
    assert after in said
    for write in (markdown, html, latex) if detail == "overview" else ():
        assert before in write(ONE, View(detail=detail))
        assert after in write(ONE, View(detail=detail))


def test_the_table_of_results():
    said = markdown(ONE, View()).partition("## Results")[2].partition("\n\n## ")[0]
    assert f"{LOSSES[0]:.5f}" in said
    assert f"{LOSSES[1]:.5f}" in said
