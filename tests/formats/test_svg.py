"""The drawing of a trace: well formed, its numbers the trace's, no label upon another."""

import re
import sys
from itertools import combinations
from xml.etree import ElementTree as ET

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtrace
from backtrace.formats.drawing.label_layout import Rectangle, Stroke, overlap, placed
from backtrace.formats.drawing.png import PictureUnavailableError, png
from backtrace.formats.drawing.svg import _Drawing, svg
from backtrace.notation.numbers import number
from backtrace.page.network import network
from backtrace.page.selection import Selection
from backtrace.page.trace import View
from backtrace.spec.bundled import names
from backtrace.spec.model import Conventions
from tests.tape import exercises

TRACES = {name: backtrace.trace(backtrace.load(name)) for name in names()}
WHOLE = Selection()


def drawn(trace, **settings):
    return ET.fromstring(svg(trace, View(**settings)))


def texts(root, role):
    return [
        "".join(e.itertext()).replace("\u200b", "")
        for e in root.iter()
        if role in (e.get("class") or "").split()
    ]


def said(value, decimals=4):
    return number(value, decimals).replace("-", "−")


@pytest.mark.parametrize("name", TRACES)
def test_every_bundled_network_is_drawn(name):
    root = drawn(TRACES[name])
    assert root.tag.endswith("svg")
    assert texts(root, "title") == [TRACES[name].title]
    assert "NaN" not in svg(TRACES[name], View())


@pytest.mark.parametrize("name", ["mlp-math", "or-gate", "softmax", "multi-neuron", "momentum"])
def test_every_number_is_that_of_the_trace(name):
    trace = TRACES[name]
    known = {said(entry, trace.decimals) for step in trace for entry in np.ravel(step.value)}
    root = drawn(trace)
    words = [word for text in texts(root, "halo") for word in text.split()]
    found = [word for word in words if re.fullmatch(r"−?\d+\.?\d*(?:e−?\d+)?", word)]
    assert len(found) > 8
    assert set(found) | set(texts(root, "value")) <= known


def test_numbers_stand_where_they_belong():
    # mlp-math: x = (1, 2), h = ReLU(3.7, -1.3, 1.1), the output 4.35, L = 0.85² = 0.7225
    found = network(TRACES["mlp-math"], WHOLE)
    assert [[u.value for u in column.units] for column in found.columns] == [
        ["1", "2"], ["3.7", "0", "1.1"], ["4.35"], ["0.7225"],
    ]  # fmt: skip
    hidden, output = found.columns[1:3]
    assert [unit.z.number for unit in hidden.units] == ["3.7", "−1.3", "1.1"]
    assert [unit.delta.number for unit in hidden.units] == ["1.7", "0", "0.85"]
    # W1 is [[0.5, -1, 2], [1.5, 0, -0.5]]; dW1 = xᵀ·δ1, its second row 2·(1.7, 0, 0.85)
    assert {(e.source, e.target): (e.forward, e.backward) for e in hidden.edges} == {
        (0, 0): ("0.5", "1.7"), (0, 1): ("−1", "0"), (0, 2): ("2", "0.85"),
        (1, 0): ("1.5", "3.4"), (1, 1): ("0", "0"), (1, 2): ("−0.5", "1.7"),
    }  # fmt: skip
    assert [e.backward for e in output.edges] == ["6.29", "0", "1.87"]  # h·1.7


def in_numbers(found):
    """The network without the symbols, which differ with the layout."""
    return [
        (
            [
                (u.place, u.value, *(each and each.number for each in (u.z, u.delta, u.bias)))
                for u in column.units
            ],
            column.edges,
        )
        for column in found.columns
    ]


@pytest.mark.parametrize("bias", exercises.BIASES)
def test_the_conventions_move_no_number(bias):
    def drawing(conventions):
        fields = {"biases": bias, "conventions": conventions, "n": 3}
        trace = backtrace.trace(exercises.exercise([2, 3, 2], ["tanh", "sigmoid"], **fields))
        return in_numbers(network(trace, Selection(sample=2)))

    expected = drawing(Conventions())
    assert len(expected) == 4
    for layout in ("rows", "columns"):
        for weights in ("in_out", "out_in"):
            assert drawing(Conventions(layout, weights)) == expected


def test_a_sample_of_several():
    trace = TRACES["or-gate"]
    root = drawn(trace, selection=Selection(sample=3))
    # the third sample is (1, 0): z = 0.2 + 0.3 and 0.3 + 0.5
    assert texts(root, "value")[:2] == ["1", "0"]
    assert {"z(1) 0.5", "z(1) 0.8"} <= set(texts(root, "forward"))
    assert "Sample 3 of 4" in texts(root, "fact")


def test_decimals_and_decimal_mark():
    root = drawn(TRACES["or-gate"], decimals=2, decimal_mark=",")
    assert "0,57" in texts(root, "value")  # σ(0.3) = 0.5744


def trace_of(*widths):
    activations = ["sigmoid"] * (len(widths) - 1)
    return backtrace.trace(exercises.exercise(list(widths), activations, n=2))


@pytest.mark.parametrize("widths", [(2, 2, 1), (1, 1), (3, 5, 4, 2), (10, 10, 10), (30, 10, 12)])
def test_no_label_lies_on_another_or_on_a_unit(widths):
    trace = trace_of(*widths)
    drawing = _Drawing(trace, network(trace, WHOLE))
    for at, labels in enumerate(drawing.labels):
        assert len(labels) == len(drawing.columns[at].edges)
        units = [drawing.box(k, p) for k in (at - 1, at) for p in drawing.places[k]] if at else []
        assert not any(overlap(one, other) for one, other in combinations(labels, 2))
        assert not any(overlap(label, unit) for label in labels for unit in units)


def test_everything_is_inside_the_drawing():
    trace = trace_of(4, 3, 2)
    drawing = _Drawing(trace, network(trace, WHOLE))
    for at, column in enumerate(drawing.places):
        for place in column:
            box = drawing.box(at, place)
            assert 0 < box.x - box.width / 2 < box.x + box.width / 2 < drawing.width
            assert 0 <= box.y - box.height / 2 < box.y + box.height / 2 <= drawing.height


def test_a_large_layer_is_elided():
    trace = trace_of(30, 10, 12)
    columns = network(trace, WHOLE).columns
    assert [len(column.units) for column in columns] == [7, 10, 7, 1]
    assert [unit.place for unit in columns[0].units] == [1, 2, 3, 4, 28, 29, 30]
    assert "23 more of 30" in texts(drawn(trace), "size")


def test_a_forward_pass_only():
    spec = msgspec.structs.replace(backtrace.load("mlp-math"), loss=None, targets=None)
    root = drawn(backtrace.trace(spec))
    assert not texts(root, "backward")
    assert "4.35" in texts(root, "value")


def test_it_has_its_own_background_and_nothing_from_elsewhere():
    markup = svg(TRACES["xor"], View())
    root = ET.fromstring(markup)
    first = next(e for e in root if e.tag.endswith("rect"))
    assert first.get("class") == "page"
    assert float(first.get("width")) >= float(root.get("width")) - 1
    bare = markup.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|href|url\(|@import|<image|<script", bare)
    assert svg(TRACES["xor"], View()) == markup


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(), min_size=1, max_size=60))
def test_any_title_is_text(text):
    root = drawn(msgspec.structs.replace(TRACES["delta-rule"], title=text))
    plain = drawn(TRACES["delta-rule"])
    assert {e.tag for e in root.iter()} == {e.tag for e in plain.iter()}
    if text.isprintable():
        assert root.findtext("{http://www.w3.org/2000/svg}title") == text


# Placing


def test_overlapping_rectangles():
    box = Rectangle(0, 0, 10, 2)
    assert overlap(box, Rectangle(9, 0, 10, 2))
    assert not overlap(box, Rectangle(11, 0, 10, 2))
    assert not overlap(box, Rectangle(0, 5, 10, 2))
    # Upright it reaches from -5 to 5, and so across the other; four to the right it does not.
    assert overlap(box, Rectangle(4.5, 3, 10, 2, np.pi / 2))
    assert not overlap(box, Rectangle(7, 3, 10, 2, np.pi / 2))
    # A corner of a turned square: half its diagonal is 7.07.
    assert overlap(Rectangle(0, 0, 10, 10, np.pi / 4), Rectangle(12, 0, 10, 10))
    assert not overlap(Rectangle(0, 0, 10, 10, np.pi / 4), Rectangle(11, 11, 10, 10, 0))


def test_labels_without_room_are_refused():
    line = Stroke(0, 0, 40, 0, 30, 10)
    assert placed([line], []) is not None
    assert placed([line, line], []) is None
    assert placed([line], [Rectangle(20, 0, 40, 10)]) is None


def test_a_label_does_not_stand_where_lines_cross():
    falling, rising = Stroke(0, 0, 100, 60, 20, 10), Stroke(0, 60, 100, 0, 20, 10)
    for label in placed([falling, rising], []):
        assert not overlap(label, Rectangle(50, 30, 0, 0))


# The picture


def test_a_picture():
    pytest.importorskip("resvg_py", reason="the extra png is not installed")
    picture = png(TRACES["delta-rule"], View())
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width = float(drawn(TRACES["delta-rule"]).get("width"))
    assert int.from_bytes(picture[16:20], "big") == pytest.approx(2 * width, abs=2)


def test_without_the_extra_a_picture_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(PictureUnavailableError, match=r"backtrace-nn\[png\]"):
        png(TRACES["delta-rule"], View())
