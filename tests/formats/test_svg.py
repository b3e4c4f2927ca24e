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
from backtrace.formats.drawing.network import MOST_LABELLED, NetworkDrawing
from backtrace.formats.drawing.palette import DARK, LIGHT
from backtrace.formats.drawing.png import PictureUnavailableError, png
from backtrace.formats.drawing.svg import svg
from backtrace.notation.numbers import number
from backtrace.page import header
from backtrace.page.network.reader import network
from backtrace.page.selection import Selection
from backtrace.page.trace import View
from backtrace.spec.bundled import names
from backtrace.spec.model import Conventions
from tests.networks.kinds import LAYERED
from tests.sampling import share
from tests.tape import exercises

TRACES = {name: backtrace.trace(backtrace.load(name)) for name in names()}
WHOLE = Selection()
SVG = "{http://www.w3.org/2000/svg}"


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


NUMBER = re.compile(r"−?\d+\.?\d*(?:e−?\d+)?")


def numbers(root):
    """Every number that is written in a drawing, but for the layers of symbols."""
    words = [word for text in texts(root, "halo") for word in text.split()]
    return {word for word in words if NUMBER.fullmatch(word)} | set(texts(root, "value"))


@pytest.mark.parametrize("name", ["mlp-math", "small-mlp", "multi-neuron"])
def test_every_number_of_a_single_sample_is_that_of_the_trace(name):
    trace = TRACES[name]
    known = {said(entry, trace.decimals) for step in trace for entry in np.ravel(step.value)}
    found = numbers(drawn(trace))
    assert len(found) > 8
    assert found <= known


def of_sample(trace, sample):
    """A sample's own numbers from the trace's: its lines, the parameters, and what it adds to the
    gradients: the 1/n that enters there times each activation that came in times each δ."""
    rows = trace.conventions.layout == "rows"
    late = 1 / trace["a0"].shape[trace.conventions.sample_axis]
    late = late if trace.conventions.mean_in == "gradient" else 1.0
    line = {
        step.id: (step.value if rows else step.value.T)[sample - 1]
        for step in trace
        if step.role in ("inputs", "targets", "preactivation", "activation", "delta")
    }
    known = list(line.values())
    for layer in range(1, 1 + max(step.layer or 0 for step in trace)):
        delta = line[f"delta{layer}"] * late
        known += [np.outer(line[f"a{layer - 1}"], delta), delta]
        known += [trace[f"W{layer}"].value, trace[f"b{layer}"].value]
    return {said(entry, trace.decimals) for value in known for entry in np.ravel(value)}


@pytest.mark.parametrize("name", ["or-gate", "xor", "softmax"])
@pytest.mark.parametrize("sample", [1, 2])
def test_one_of_several_samples_has_its_own_numbers(name, sample):
    trace = TRACES[name]
    root = drawn(trace, selection=Selection(sample=sample))
    *_, loss = texts(root, "value")
    upstream = {text for text in texts(root, "backward") if " " not in text}
    assert numbers(root) - {loss} - upstream <= of_sample(trace, sample)


@pytest.mark.parametrize("mean_in", ["delta", "gradient"])
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_what_the_samples_add_is_the_gradient_of_all(layout, mean_in):
    conventions = Conventions(layout, mean_in=mean_in)
    spec = exercises.exercise([2, 3, 2], ["tanh", "sigmoid"], conventions=conventions, n=3)
    trace = backtrace.trace(msgspec.structs.replace(spec, decimals=12))
    for layer in (1, 2):
        shares = sum(
            np.array([float(edge.backward.replace("−", "-")) for edge in column.edges])
            for sample in (1, 2, 3)
            for column in [network(trace, Selection(sample=sample)).columns[layer]]
        )
        gradient = trace[f"dW{layer}"].value
        inputs_first = trace.conventions.weights == "in_out"
        expected = (gradient if inputs_first else gradient.T).ravel()
        assert shares == pytest.approx(expected, abs=1e-9)
    losses = [network(trace, Selection(sample=s)).columns[-1].units[0].value for s in (1, 2, 3)]
    assert sum(map(float, losses)) == pytest.approx(float(trace["loss"].value), abs=1e-9)


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
                (
                    *(u.place, u.value),
                    *(each and each.number for each in (u.z, u.delta)),
                    *(each and each.number for pair in u.parameters for each in pair),
                )
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


NETWORKS = [TRACES[name] for name in LAYERED]
NETWORKS += [trace_of(*widths) for widths in [(1, 1), (3, 4, 3), (12, 1, 12), (3, 5, 2)]]


@pytest.mark.parametrize("trace", NETWORKS, ids=header.architecture)
def test_no_label_lies_on_another_or_on_a_unit_or_where_lines_cross(trace):
    drawing = NetworkDrawing(network(trace, WHOLE))
    for at, labels in enumerate(drawing.labels):
        edges = drawing.columns[at].edges
        assert len(labels) == (len(edges) if len(edges) <= MOST_LABELLED else 0)
        lines = [drawing.line(at, edge) for edge in edges]
        for one, other in combinations(lines, 2):
            left, right = other.y1 - one.y1, other.y2 - one.y2
            if left * right < 0:  # they cross, so far along
                point = Rectangle(*one.point(left / (left - right)), 0, 0)
                assert not any(overlap(label, point) for label in labels)
        units = [drawing.box(k, p) for k in (at - 1, at) for p in drawing.places[k]] if at else []
        assert not any(overlap(one, other) for one, other in combinations(labels, 2))
        assert not any(overlap(label, unit) for label in labels for unit in units)


def test_everything_is_inside_the_drawing():
    trace = trace_of(4, 3, 2)
    drawing = NetworkDrawing(network(trace, WHOLE))
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


def test_many_edges_are_strips_without_a_word():
    trace = trace_of(4, 4, 3)  # 16 edges, then 12
    drawing = NetworkDrawing(network(trace, WHOLE))
    assert [len(labels) for labels in drawing.labels] == [0, 0, 12, 3]
    root = drawn(trace)
    bars = [e for e in root.iter() if "bar" in (e.get("class") or "").split()]
    standing = {"rises": 0, "falls": 0}
    for bar in bars:
        (sign,) = standing.keys() & set(bar.get("class").split())
        standing[sign] += bar.get("d").count("M")
        up = {part < 0 for part in map(float, re.findall(r"v(-?[\d.]+)", bar.get("d"))) if part}
        assert up <= {sign == "rises"}  # y grows downwards
    # a bar for each number that is not 0: the weights, and what sample 1 adds to their gradients
    delta = trace["delta1"].value[0]
    values = [trace["W1"].value, np.outer(trace["a0"].value[0], delta)]
    assert standing["rises"] == sum(int((value > 0).sum()) for value in values)
    assert standing["falls"] == sum(int((value < 0).sum()) for value in values)


def test_a_unit_that_is_off_is_hatched():
    # mlp-math: of z = (3.7, −1.3, 1.1) the second is below 0
    found = network(TRACES["mlp-math"], WHOLE)
    assert [unit.off for unit in found.columns[1].units] == [False, True, False]
    hatched = [e for e in drawn(TRACES["mlp-math"]).iter() if e.get("class") == "hatch"]
    assert len(hatched) == 1


def test_colour_and_dashes_are_the_sign_of_a_weight_and_width_its_size():
    lines = [e for e in drawn(TRACES["mlp-math"]).iter() if e.tag.endswith("line")]
    # W1 = [[0.5, −1, 2], [1.5, 0, −0.5]], W2 = (1, −2, 0.5), each beside the largest, 2
    signs = [line.get("class").split()[1:] for line in lines[:9]]
    rises, falls = ["rises"], ["falls"]
    assert signs == [rises, falls, rises, rises, [], falls, rises, falls, rises]
    widths = [float(line.get("stroke-width")) for line in lines[:9]]
    sizes = [0.5, 1, 2, 1.5, 0, 0.5, 1, 2, 0.5]
    assert widths == pytest.approx([1 + 2.5 * size / 2 for size in sizes], abs=0.01)


@pytest.mark.parametrize(
    ("only", "layer", "shown"),
    [
        (("W",), None, ["W1", "W2"]),
        (("delta1",), None, ["delta1"]),
        (("a0", "W", "b", "y"), None, ["a0", "W1", "W2", "b1", "b2", "y"]),
        ((), 2, ["W2", "b2", "z2", "a2", "da2", "delta2", "dW2", "db2"]),
    ],
)
def test_what_was_not_asked_for_is_nowhere_in_the_file(only, layer, shown):
    trace = TRACES["mlp-math"]
    root = drawn(trace, selection=Selection(only=only, layer=layer))
    known = {said(entry) for id in shown for entry in np.ravel(trace[id].value)}
    assert numbers(root) <= known
    told = root.findtext(f"{SVG}desc")
    names = {"2", "3", "1"}  # of the layers' sizes, and of units
    assert {word.strip(".,") for word in told.split() if NUMBER.match(word)} <= known | names
    weights = "W" in only or layer == 2
    assert bool([e for e in root.iter() if "rises" in (e.get("class") or "")]) == weights


def test_the_result_is_told_in_words():
    told = drawn(TRACES["mlp-math"]).findtext(f"{SVG}desc")
    assert told == (
        "2 → 3 (ReLU) → 1 (linear). Inputs: 1, 2. Outputs: 4.35. Targets: Y 3.5. Loss: 0.7225. "
        "In layer 1 unit 2 is off. "
        "The largest gradient of a weight is 6.29, in layer 2 from unit 1 to unit 1."
    )


def luminance(colour):
    """Of #rrggbb, as the WCAG define it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return np.dot(linear, (0.2126, 0.7152, 0.0722))


def contrast(one, other):
    light, dark = sorted(map(luminance, (one, other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_words_and_lines_can_be_told_from_the_paper(colours):
    for role in ("ink", "quiet", "forward", "backward", "updated", "rises", "falls"):
        for ground in ("paper", "unit", "card", "goal"):
            assert contrast(colours[role], colours[ground]) >= 4.5
    assert contrast(colours["wire"], colours["paper"]) >= 3


def test_it_is_dark_where_the_screen_is():
    style = drawn(TRACES["xor"]).findtext(f"{SVG}style")
    light, dark = style.split("@media (prefers-color-scheme: dark)")
    for role in ("paper", "ink", "forward", "backward", "rises", "falls"):
        assert LIGHT[role] in light
        assert DARK[role] in dark


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


@settings(max_examples=share(60))
@given(st.text(st.characters(), min_size=1, max_size=60))
def test_any_title_is_text(text):
    root = drawn(msgspec.structs.replace(TRACES["delta-rule"], title=text))
    plain = drawn(TRACES["delta-rule"])
    assert {e.tag for e in root.iter()} == {e.tag for e in plain.iter()}
    if text.isprintable():
        assert root.findtext(f"{SVG}title") == text


# The overview


def bare(number):
    """Without the zeros that a column has at its ends."""
    return number.rstrip("0").rstrip(".") if "." in number else number


@pytest.mark.parametrize("name", ["small-mlp", "or-gate", "mlp-math", "scalar-chain", "xor"])
def test_the_overview_has_the_numbers_of_the_trace(name):
    trace = TRACES[name]
    root = drawn(trace, detail="overview")
    known = {bare(said(entry)) for step in trace for entry in np.ravel(step.value)}
    losses = [float(step.value) for step in trace if step.role in ("loss", "loss_after")]
    known |= {bare(f"{loss:.5f}") for loss in losses}  # as many as tell them apart
    found = set(map(bare, texts(root, "entry")))
    assert len(found) > 10
    assert found <= known


def test_in_the_overview_a_layers_weights_gradient_and_new_weights_begin_in_one_place():
    root = drawn(TRACES["small-mlp"], detail="overview")
    names = [e for e in root.iter() if "name" in (e.get("class") or "").split()]
    for layer in ("₁", "₂"):
        own = {e.text: e.get("x") for e in names if layer in e.text and e.text[-2] not in "aδ"}
        assert own.keys() == {
            f"{before}{letter}{layer}{after}"
            for letter in "Wb"
            for before, after in (("", ""), ("∂L/∂", ""), ("", "ⁿᵉʷ"))
        }
        assert len(set(own.values())) == 1


def test_the_overview_in_words():
    told = drawn(TRACES["small-mlp"], detail="overview").findtext(f"{SVG}desc")
    # h = (0.8, 1.1), the output 0.8·0.5 + 1.1·0.6 + 0.1, the loss ½·0.16²
    forward, backward = told.split(" Backward: ")
    assert forward.endswith("b₂ = 0.1, ŷ = 1.16, y = 1, L = 0.0128.")
    assert backward.startswith("Lⁿᵉʷ = 0.0017, δ₂ = 0.16, ∂L/∂W₂ = [0.128 ; 0.176], ∂L/∂b₂ = 0.16")


def test_the_overview_of_what_was_chosen_has_nothing_else():
    root = drawn(TRACES["small-mlp"], detail="overview", selection=Selection(only=("W",)))
    assert set(texts(root, "entry")) == {"0.1", "0.2", "0.3", "0.4", "0.5", "0.6"}
    assert not [e for e in root.iter() if "way" in (e.get("class") or "").split()]


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


def test_of_many_inputs_those_are_drawn_where_something_is():
    # the corners of all ten images are black
    (inputs, *_) = network(TRACES["mnist"], Selection()).columns
    places = [unit.place for unit in inputs.units]
    assert places == list(range(places[0], places[0] + 7))
    assert any(unit.value != "0" for unit in inputs.units)
    assert "777 more of 784" in texts(drawn(TRACES["mnist"]), "size")
