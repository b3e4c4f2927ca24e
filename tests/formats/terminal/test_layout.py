"""Rules, paragraphs and lines with something at the right margin."""

from backtrace.formats.measure import text_width
from backtrace.formats.terminal.layout import Layout, formula_lines


def texts(lines):
    return ["".join(part for part, _ in line) for line in lines]


def test_a_rule_is_as_wide_as_the_page():
    assert texts(Layout(30).rule("Forward", "layer 1")) == ["── Forward ──────── layer 1 ──"]
    assert texts(Layout(20).rule("Given")) == ["── Given ───────────"]
    assert texts(Layout(30, unicode=False).rule("Forward", "layer 1", "═")) == [
        "== Forward ======== layer 1 =="
    ]


def test_a_title_too_long_for_a_rule_is_folded():
    lines = Layout(20).rule("A heading that is wider than that", "aside")
    assert ["".join(part for part, _ in line).strip() for line in lines] == [
        "A heading that is", "wider than that", "aside",
    ]  # fmt: skip


def test_a_rule_too_short_for_both_ends_puts_one_below():
    assert texts(Layout(24).rule("Forward", "layer 1, sigmoid")) == [
        "── Forward ─────────────",
        "    layer 1, sigmoid",
    ]


def test_something_stands_at_the_right_margin():
    page = Layout(20)
    assert texts(page.spread([("left", "")], [("right", "")])) == ["left           right"]


def test_on_a_wide_page_the_right_margin_stays_in_sight():
    (line,) = texts(Layout(160).spread([("left", "")], [("right", "")]))
    assert len(line) == 120
    assert all(len(line) <= 120 for line in texts(Layout(160).rule("Forward", "layer 1")))
    assert all(len(line) <= 120 for line in texts(Layout(160).paragraph("word " * 90, "")))


def test_a_formula_is_folded_outside_its_brackets_first():
    formula = "J = ½·(A + B) + (1 − y)·ln(1 − a)"
    assert formula_lines(formula, 33) == [formula]
    assert formula_lines(formula, 32) == ["J", "= ½·(A + B) + (1 − y)·ln(1 − a)"]
    assert formula_lines(formula, 25) == ["J = ½·(A + B)", "+ (1 − y)·ln(1 − a)"]
    assert formula_lines(formula, 12) == ["J", "= ½·(A + B)", "+ (1", "− y)·ln(1", "− a)"]


def test_what_does_not_fit_beside_goes_below_in_its_colour():
    page = Layout(24)
    title = [("10  ", "number"), ("A title of several words here", "title")]
    found = page.spread(title, [("every gradient agrees with both", "right")])
    assert texts(found) == [
        "10  A title of several",
        "    words here",
        "          every gradient",
        "        agrees with both",
    ]
    assert all(text_width(line) <= 24 for line in texts(found))
    assert [line[-1][1] for line in found[2:]] == ["right", "right"]


def test_phrases_flow_three_apart():
    assert texts(Layout(20).flowed(["one fact", "two facts", "three"], "fact")) == [
        "one fact   two facts",
        "three",
    ]
