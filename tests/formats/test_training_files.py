"""The files that a training leaves: the curve as SVG, the page as Markdown."""

import math
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from markdown_it import MarkdownIt

import backtrace
from backtrace.formats.drawing.loss_curve import HEADING, LEFT, LOSS, RIGHT, WIDTH, curve_svg
from backtrace.formats.markdown.writer import file
from backtrace.formats.registry import is_ours
from backtrace.page.training.document import document
from backtrace.tape.training import Divergence
from tests.formats.trainings import XOR, holding_out, made_up, outputs, spec_with

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "<script>alert('x')</script> $x$ `y` | z"
RISING = [0.1, 0.2, 0.3, 0.4]


def drawing(spec, training):
    return ET.fromstring(curve_svg(spec, training))


def trained_markdown(spec, training, outputs=None):
    return file(document(spec, training, outputs))


def points(root, role):
    found = root.find(f"{SVG}polyline[@class='line {role}']").get("points")
    return [tuple(map(float, pair.split(","))) for pair in found.split()]


def test_both_are_recognised_as_ours():
    training = made_up(XOR, [1.0, 0.5])
    assert is_ours(curve_svg(XOR, training).encode())
    assert is_ours(trained_markdown(XOR, training).encode())


def test_the_line_goes_through_the_losses():
    root = drawing(XOR, made_up(XOR, [1.0, 0.5, 0.0]))
    (x1, y1), (x2, y2), (x3, y3) = points(root, "training")
    assert (x1, x3) == (LEFT, WIDTH - RIGHT)
    assert x2 == pytest.approx((x1 + x3) / 2)
    assert y2 == pytest.approx((y1 + y3) / 2)
    assert y3 - y1 == pytest.approx(LOSS)
    assert y1 > HEADING


def test_held_out_losses_and_the_kept_epoch_are_drawn():
    spec = holding_out(XOR)
    root = drawing(spec, made_up(spec, [1.0, 0.6, 0.2], [1.0, 0.5, 0.8], kept=1))
    assert points(root, "held-out")[1][1] > points(root, "held-out")[2][1]
    dot = root.find(f"{SVG}circle[@class='dot']")
    assert (float(dot.get("cx")), float(dot.get("cy"))) == points(root, "held-out")[1]
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert {"training", "held out", "epoch 1, kept"} <= set(texts)


def test_accuracy_has_a_panel_of_its_own_only_where_there_are_classes():
    without = curve_svg(XOR, made_up(XOR, [1.0, 0.5]))
    classed = drawing(XOR, made_up(XOR, [1.0, 0.5], right=[0.25, 1.0]))
    assert "Classified right" not in without
    assert len(classed.findall(f"{SVG}polyline")) == 2


def test_many_epochs_keep_their_extremes_and_stay_small():
    losses = [0.5] * 50_001
    losses[20_000], losses[30_000] = 1.0, 0.0
    text = curve_svg(XOR, made_up(XOR, losses))
    assert len(text) < 40_000
    heights = {y for _, y in points(ET.fromstring(text), "training")}
    assert max(heights) - min(heights) == pytest.approx(LOSS)


@pytest.mark.parametrize("losses", [[1.0], [1.0, math.inf], [math.nan], [1.0, 1e250, math.inf]])
def test_a_drawing_of_hardly_anything_is_one_all_the_same(losses):
    text = curve_svg(XOR, made_up(XOR, losses, kept=0))
    ET.fromstring(text)
    assert not re.search(r"\b(nan|inf)\b", re.sub(r"<(title|desc|text).*?</\1>", "", text))


def test_a_title_is_no_markup():
    spec = spec_with(XOR, title=HOSTILE)
    root = drawing(spec, made_up(spec, [1.0, 0.5]))
    assert root.find(f"{SVG}title").text == HOSTILE
    assert not list(root.iter(f"{SVG}script"))


# Markdown


def tables(text):
    """The cells of each table, a row a list."""
    tokens = MarkdownIt("commonmark").enable("table").parse(text)
    found = []
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            found[-1][-1].append(tokens[at + 1].content)
    return found


def test_epochs_and_confusions_are_tables():
    spec = holding_out(XOR)
    training = made_up(spec, [1.0, 0.5, 0.25], [1.0, 0.5, 0.75], kept=1)
    epochs, confusions = tables(trained_markdown(spec, training, np.array([[0.9], [0.1]])))
    assert epochs == [
        ["epoch", "loss", "held-out loss", ""],
        ["0", "1.00", "1.00", ""],
        ["1", "0.50", "0.50", "kept"],
        ["2", "0.25", "0.75", ""],
    ]
    # the held-out samples are the last two of XOR, with the targets 1 and 0
    assert confusions == [
        ["class", "0", "1", "correct"],
        ["**0**", "1", "", "100 %"],
        ["**1**", "", "1", "100 %"],
    ]


def test_the_chart_has_both_losses():
    spec = holding_out(XOR)
    text = trained_markdown(spec, made_up(spec, RISING, RISING[::-1]))
    chart = re.search(r"```mermaid\n(.*?)```", text, re.DOTALL)[1]
    assert re.findall(r"line \[(.*)\]", chart) == ["0.1, 0.2, 0.3, 0.4", "0.4, 0.3, 0.2, 0.1"]
    assert "magenta" in text


@pytest.mark.parametrize("losses", [[1.0], [1.0, math.nan], [1.0, 1e200]])
def test_what_mermaid_could_not_draw_is_a_table_only(losses):
    text = trained_markdown(XOR, made_up(XOR, losses, kept=0))
    assert "mermaid" not in text
    assert len(tables(text)[0]) == len(losses) + 1


def test_a_divergence_comes_with_what_to_try():
    training = made_up(
        XOR, [1.0, math.inf], kept=0, ended="diverged", divergence=Divergence(1, 1, "z1")
    )
    text = trained_markdown(XOR, training)
    assert "**Diverged after 1 epoch.**" in text
    assert "> Epoch 1: z₁ is the first value that is no longer finite" in text
    assert "\n- a smaller rate, `learning_rate` 0.1 in place of 1\n" in text


def test_a_title_is_no_markup_in_markdown_either():
    spec = spec_with(XOR, title=HOSTILE)
    html = MarkdownIt("commonmark").render(trained_markdown(spec, made_up(spec, [1.0, 0.5])))
    assert "<script>" not in html
    assert "<code>" not in html.partition("<p>")[0]


def test_many_epochs_stay_a_page():
    spec = backtrace.load("mlp-math")
    training = made_up(spec, [1 / (1 + epoch) for epoch in range(5000)])
    assert len(trained_markdown(spec, training)) < 5000


def test_worked_outputs_are_taken_as_they_are():
    training = made_up(XOR, [1.0, 0.5], right=[0.5, 0.5])
    text = trained_markdown(XOR, training, outputs(XOR, training))
    assert "of 4 samples correct" in text


def test_the_curve_has_the_colours_of_a_dark_screen_too():
    svg = curve_svg(XOR, made_up(XOR, [1.0, 0.5]))
    light, dark = svg.partition("<style>")[2].split("@media (prefers-color-scheme: dark)")
    for rule in (".page", "text", ".training", ".tick"):
        colour = re.compile(rf"{re.escape(rule)}{{[^}}]*(#[0-9a-f]{{6}})")
        assert colour.search(light)[1] != colour.search(dark)[1], rule
