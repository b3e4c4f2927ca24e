"""Random boards of equations in every format, and as JSON there and back."""

import pytest

import backtrace
from backtrace.formats.json.trace import decode, encode
from backtrace.formats.json.trace_validation import read
from backtrace.formats.registry import FORMATS
from backtrace.page.trace import View
from tests.formats.written import html
from tests.tape.boards import board

TRAINED = "parameters: [g0]\noptimizer: {name: adam, learning_rate: 0.1}\nepochs: 2\n"
CLIPS = ("", "clip: {norm: 0.1}\n", "clip: {value: 0.05}\n")
FORMATS_OF_TEXT = [name for name in FORMATS if name != "png"]


def traced(seed, depth):
    return backtrace.trace(backtrace.loads(board(seed, depth).text + TRAINED + CLIPS[seed % 3]))


@pytest.mark.parametrize("seed", range(20))
def test_json_there_and_back(seed):
    trace = traced(seed, depth=2 + seed % 2)
    text = encode(trace)
    assert decode(text) == trace
    assert encode(read(text.encode())) == text


@pytest.mark.parametrize("format", FORMATS_OF_TEXT)
@pytest.mark.parametrize("seed", range(4))
def test_every_format_writes_it(format, seed):
    for detail in ("summary", "matrices", "entries"):
        view = View(detail=detail, explain=True)
        assert FORMATS[format].render(traced(seed, depth=2), view)


def test_in_html_the_graph_stands_beside_the_text_once():
    page = html(backtrace.trace(backtrace.load("graph")), View())
    beside = page.partition('<aside class="beside"')[2].partition("</aside>")[0]
    assert page.count("<svg") == beside.count("<svg") == 1
    assert "q = x + y" in beside
    assert page.index("<aside") < page.index("<main")
    alone = html(backtrace.trace(backtrace.load("graph")), View(detail="overview"))
    assert "<aside" not in alone
    assert alone.count("<svg") == 1
