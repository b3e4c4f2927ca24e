"""Rules, paragraphs and lines with something at the right margin."""

from backtrace.render.measure import text_width
from backtrace.render.page import Page


def texts(lines):
    return ["".join(part for part, _ in line) for line in lines]


def test_a_rule_is_as_wide_as_the_page():
    assert texts(Page(30).rule("Forward", "layer 1")) == ["── Forward ──────── layer 1 ──"]
    assert texts(Page(20).rule("Given")) == ["── Given ───────────"]
    assert texts(Page(30, unicode=False).rule("Forward", "layer 1", "═")) == [
        "== Forward ======== layer 1 =="
    ]


def test_a_rule_too_short_for_both_ends_puts_one_below():
    assert texts(Page(24).rule("Forward", "layer 1, sigmoid")) == [
        "── Forward ─────────────",
        "    layer 1, sigmoid",
    ]


def test_something_stands_at_the_right_margin():
    page = Page(20)
    assert texts(page.spread([("left", "")], [("right", "")])) == ["left           right"]
    assert texts(page.spread([("left", "")], [("right", "")], [(" = 5", "")])) == [
        "left       right = 5"
    ]
    # ten characters on the left and 4 + 8 more than fit behind nine on the right
    assert texts(page.spread([("1234567890", "")], [("right", "")], [(" = 12345", "")])) == [
        "1234567890     right"
    ]


def test_what_does_not_fit_beside_goes_below_and_is_folded_before_its_signs():
    page = Page(24)
    title = [("10  ", "number"), ("A title of several words here", "title")]
    found = texts(page.spread(title, [("a₁ = σ(z₁) = 1/(1 + e^(−z₁))", "")]))
    assert found == [
        "10  A title of several",
        "    words here",
        "              a₁ = σ(z₁)",
        "       = 1/(1 + e^(−z₁))",
    ]
    assert all(text_width(line) <= 24 for line in found)


def test_phrases_flow_three_apart():
    assert texts(Page(20).flowed(["one fact", "two facts", "three"], "fact")) == [
        "one fact   two facts",
        "three",
    ]
