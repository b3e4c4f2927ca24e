"""A page is no longer than it was when somebody last read it, and no wider than its rules."""

import pytest

import backtrace
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.page.trace import View
from backtrace.spec import bundled
from tests.golden.line_counts import FILE, WIDTHS, counted
from tests.sampling import some

ROWS = {row.split("\t")[0]: row for row in FILE.read_text(encoding="utf-8").splitlines()}
MOST = {"small-mlp": 60, "scalar-chain": 45}  # lines at 80 columns


def test_every_bundled_network_is_counted():
    assert list(ROWS) == list(bundled.names())


@pytest.mark.parametrize("name", ROWS)
def test_it_takes_the_lines_it_did(name):
    assert counted(name) == ROWS[name]


@pytest.mark.parametrize("name", ROWS)
def test_a_wider_page_is_no_longer(name):
    lines = dict(zip(WIDTHS, map(int, ROWS[name].split("\t")[1:]), strict=True))
    assert list(lines.values()) == sorted(lines.values(), reverse=True)
    assert lines[80] <= MOST.get(name, lines[80])


@pytest.mark.parametrize("name", ["small-mlp", "or-gate", "digits", "attention", "lstm"])
@pytest.mark.parametrize("width", [60, 80, 120, 160])
def test_no_line_is_wider_than_the_rules(name, width):
    page = passages(backtrace.trace(backtrace.load(name)), View(), Layout(width))
    lines = [line for passage in page for line in uncoloured(passage).split("\n")]
    (rule,) = {text_width(line) for line in lines if line.startswith("──")}
    assert max(map(text_width, lines)) == rule


def tones(passage):
    return {tone for line in passage for _, tone in line}


@pytest.mark.parametrize("name", some(bundled.names()))
@pytest.mark.parametrize("width", WIDTHS)
def test_every_step_says_what_it_does(name, width):
    """At the margin, in fewer words or on a line of its own, however narrow the page is."""
    pages = list(passages(backtrace.trace(backtrace.load(name)), View(), Layout(width)))
    steps = [page for page in pages if tones(page) & {"computed.number", "gradient.number"}]
    assert len(steps) > 5
    assert [page for page in steps if "aside" not in tones(page)] == []
