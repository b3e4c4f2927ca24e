"""The page of a trace: every number is the trace's, nothing is fetched, strangers' text is text."""

import re
import sys
from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser
from importlib.resources import files
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from html5lib import HTMLParser as StrictParser
from html5lib.html5parser import ParseError
from hypothesis import given, settings
from hypothesis import strategies as st

import backtrace
from backtrace.page.selection import Selection
from backtrace.page.trace import View
from backtrace.spec.model import Arithmetic
from tests.formats.written import html
from tests.networks.kinds import LAYERED
from tests.sampling import share
from tests.tape import exercises

DETAILS = ("summary", "matrices", "entries")
VOID = {"meta", "br", "img", "input", "link", "hr"}
PLACE = re.compile(r"section-(\d+)-(\d+)-\d+$")
TRACES = {name: backtrace.trace(backtrace.load(name)) for name in LAYERED if name != "digits"}


class Element:
    def __init__(self, tag, attributes, parent, update):
        self.tag, self.attributes, self.parent, self.update = tag, attributes, parent, update
        self.text = ""

    def inside(self, **wanted):
        """Whether this or an element around it has these attributes."""
        here = self
        while here is not None:
            if all(here.attributes.get(name.strip("_")) == v for name, v in wanted.items()):
                return True
            here = here.parent
        return False


class Page(HTMLParser):
    """Every element with its text and the update it stands in; fails where tags don't pair."""

    def __init__(self, markup):
        super().__init__()
        self.elements, self.open, self.update = [], [], (1, 1)
        self.comments = []
        self.feed(markup)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        place = PLACE.match(attributes.get("id") or "")
        if place:
            self.update = (int(place[1]), int(place[2]))
        element = Element(tag, attributes, self.open[-1] if self.open else None, self.update)
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, data):
        for element in self.open:
            element.text += data

    def handle_comment(self, data):
        self.comments.append(data)

    def all(self, tag=None, **wanted):
        return [
            element
            for element in self.elements
            if tag in (None, element.tag)
            and all(element.attributes.get(name.strip("_")) == v for name, v in wanted.items())
        ]


def read_back(text, decimal_mark="."):
    """A printed number and the size of half a unit of its last digit."""
    text = text.replace("−", "-").replace(decimal_mark, ".")
    mantissa, _, power = text.partition("·10")
    decimals = len(mantissa.partition(".")[2])
    scale = 10.0 ** int(power or 0)
    return float(mantissa) * scale, 0.5 * 10.0**-decimals * scale


def entries_of(page):
    return [element for element in page.elements if "data-e" in element.attributes]


def true_value(trace, element):
    id, row, column = element.attributes["data-e"].split(".")
    value = trace.update(*element.update)[id].value
    return value[()] if value.shape == () else value[int(row) - 1, int(column) - 1]


def assert_numbers_stand(trace, page, decimal_mark="."):
    """Every number that says where it comes from is that entry, to its printed digits."""
    found = entries_of(page)
    for element in found:
        number, half = read_back(element.text, decimal_mark)
        true = float(true_value(trace, element))
        if element.tag in ("mn", "mrow"):  # in a sum a negative number is subtracted
            number, true = abs(number), abs(true)
        assert abs(number - true) <= half * (1 + 1e-9) + 1e-12 * abs(true), element.attributes
    return len(found)


def assert_links_lead_somewhere(page):
    ids = [element.attributes["id"] for element in page.elements if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        assert link.attributes["href"].startswith("#")
        assert link.attributes["href"][1:] in ids


@pytest.mark.parametrize("name", TRACES)
@pytest.mark.parametrize("detail", DETAILS)
def test_every_number_is_that_of_the_trace(name, detail):
    trace = TRACES[name]
    page = Page(html(trace, View(detail=detail)))
    assert assert_numbers_stand(trace, page) > (8 if detail == "summary" else 30)
    assert_links_lead_somewhere(page)


@pytest.mark.parametrize("name", TRACES)
def test_every_value_shown_of_every_worked_step_can_be_opened(name):
    page = Page(html(TRACES[name], View()))
    results = [e for e in entries_of(page) if e.inside(class_="side result")]
    assert len(results) > 5
    linked = {link.parent for link in page.all("a")}
    closed = {e.attributes["data-e"].split(".")[0] for e in results if e not in linked}
    assert closed <= {"loss_after"}  # it is the whole forward pass once more


@pytest.mark.parametrize("name", ["mlp-math", "or-gate", "adam"])
def test_an_unfolded_entry_ends_in_its_value(name):
    trace = TRACES[name]
    page = Page(html(trace, View()))
    lines = [
        e for e in page.all("li") if re.fullmatch(r".+-\d+-\d+-\d+-\d+", e.attributes.get("id", ""))
    ]
    assert len(lines) > 20
    for line in lines:
        id, epoch, batch, row, column = line.attributes["id"].rsplit("-", 4)
        value = trace.update(int(epoch), int(batch))[id].value
        true = value[()] if value.shape == () else value[int(row) - 1, int(column) - 1]
        number, half = read_back(re.split("[=≈]", line.text)[-1].strip())
        assert abs(number - true) <= half * (1 + 1e-9)


def test_an_entry_is_worked_as_on_paper():
    # X = [1 2], the first column of W1 is (0.5, 1.5): 1·0.5 + 2·1.5 = 0.5 + 3 = 3.5
    page = Page(html(TRACES["mlp-math"], View()))
    (line,) = page.all(id="product1-1-1-1-1")
    assert re.sub(r"\s", "", line.text) == "XW1[1,1]=1·0.5+2·1.5=0.5+3=3.5"


@pytest.mark.parametrize("fraction", [False, True])
def test_decimals_and_decimal_mark(fraction):
    trace = TRACES["or-gate"]
    page = Page(html(trace, View(decimals=2, decimal_mark="," if fraction else ".")))
    texts = [e.text for e in entries_of(page) if e.tag == "td"]
    assert ("0,57" if fraction else "0.57") in texts  # σ(0.3) = 0.5744
    assert_numbers_stand(trace, page, "," if fraction else ".")


def test_exact_numbers_are_fractions():
    spec = msgspec.structs.replace(backtrace.load("mlp-math"), arithmetic=Arithmetic("exact"))
    page = Page(html(backtrace.trace(spec), View()))
    assert "<mfrac>" in html(backtrace.trace(spec), View())
    assert "17⁄4" in {e.text for e in entries_of(page)}  # 4.25 is 17 over 4


def test_a_sample_by_itself():
    trace = TRACES["or-gate"]
    page = Page(html(trace, View(selection=Selection(sample=3))))
    cells = [
        e for e in entries_of(page) if e.attributes["data-e"].startswith("z1.") and e.tag == "td"
    ]
    assert {e.attributes["data-e"] for e in cells} == {"z1.1.3", "z1.2.3"}
    assert_numbers_stand(trace, page)


def test_large_matrices_show_their_corners():
    page = Page(html(TRACES["mnist"], View()))
    weights = [e for e in entries_of(page) if e.attributes["data-e"].startswith("W1.")]
    assert {e.attributes["data-e"] for e in weights} >= {"W1.1.1", "W1.10.784"}
    assert len({e.attributes["data-e"] for e in weights if e.tag == "td"}) <= 25
    assert page.all("td", class_="gap")


# One file, and nothing from elsewhere


@pytest.mark.parametrize("name", ["or-gate", "adam"])
@pytest.mark.parametrize("fragment", [False, True])
def test_nothing_is_fetched(name, fragment):
    markup = html(TRACES[name], View(fragment=fragment))
    said = re.sub(r"'sha256-[^']+'", "", markup)  # a digest may have any letters
    assert not re.search(r"https?:|//[a-z]|url\(|@import|\bsrc=|<link|<img|<iframe|fetch\(", said)
    page = Page(markup)
    assert not [e for e in page.elements if any(a.startswith("on") for a in e.attributes)]
    assert not [e for e in page.elements if "style" in e.attributes]


def test_only_its_own_style_and_script_are_allowed():
    page = Page(html(TRACES["xor"], View()))
    (policy,) = page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    allowed = dict(part.split(" ", 1) for part in policy.attributes["content"].split("; "))
    assert allowed["default-src"] == "'none'"
    for tag in ("style", "script"):
        (element,) = page.all(tag)
        digest = b64encode(sha256(element.text.encode()).digest()).decode()
        assert allowed[f"{tag}-src"] == f"'sha256-{digest}'"


def test_a_page_says_what_it_is():
    page = Page(html(TRACES["xor"], View()))
    assert page.all("html", lang="en")
    assert [len(page.all(tag)) for tag in ("header", "main", "footer", "h1", "title")] == [1] * 5
    assert page.all("meta", name="viewport")
    assert [comment.strip() for comment in page.comments] == ["Made by backtrace."]


PHRASES = {"span", "p", "a", "h1", "h2", "h3", "h4", "h5", "summary", "button", "math", "td"}
IN_PHRASES = {"span", "a", "b", "math", "sup", "sub"}
MATHS = re.compile("m[a-z]+")


@pytest.mark.parametrize("fragment", [False, True])
@pytest.mark.parametrize("name", ["mlp-math", "attention", "adam"])
def test_what_holds_words_holds_nothing_larger(name, fragment):
    """No table in a span, no heading in a paragraph: what browsers put up with and mend."""
    shown = View(detail="entries", explain=True, fragment=fragment)
    found = Page(html(backtrace.trace(backtrace.load(name)), shown))
    for element in found.elements:
        if element.parent is not None and element.parent.tag in PHRASES:
            assert element.tag in IN_PHRASES or MATHS.fullmatch(element.tag), element.tag
        for attribute in ("id", "class", "href", "aria-label", "aria-labelledby"):
            assert element.attributes.get(attribute) != "", (element.tag, attribute)
    named = {each.attributes["id"] for each in found.elements if "id" in each.attributes}
    assert named >= {each.attributes.get("aria-labelledby", "") for each in found.elements} - {""}


def test_fragments_of_one_page_share_no_id():
    """Unless they say the same; then the script gives the later one ids of its own."""
    trace = TRACES["mlp-math"]
    views = View(fragment=True), View(fragment=True, explain=True), View(fragment=True, decimals=2)
    found = [
        {
            each.attributes["id"]
            for each in Page(html(trace, view)).elements
            if "id" in each.attributes
        }
        for view in views
    ]
    assert all(found)
    assert not found[0] & found[1] | found[0] & found[2] | found[1] & found[2]


COLOURS = re.compile(r"--([a-z]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)")
INKS = ("ink", "quiet", "forward", "backward", "updated", "focus")
PAPERS = ("paper", "card", "mark", "into")


@pytest.mark.parametrize("scheme", [0, 1])
def test_every_colour_is_legible_on_what_can_be_behind_it(scheme):
    style = files("backtrace.formats.html").joinpath("page.css").read_text(encoding="utf-8")
    colours = {name: pair[scheme] for name, *pair in COLOURS.findall(style)}
    colours["page"] = ("#ffffff", "#000000")[scheme]
    for ink in INKS:
        for paper in ("page", *PAPERS[: 4 if ink not in ("quiet", "focus") else 2]):
            assert contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)


def contrast(one, other):
    """Of WCAG 2: (lighter + 0.05) / (darker + 0.05), of relative luminances."""
    lighter, darker = sorted(map(luminance, (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("name", TRACES)
def test_headings_go_down_one_level_at_a_time(name):
    page = Page(html(TRACES[name], View()))
    levels = [int(e.tag[1]) for e in page.elements if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert all(table.attributes.get("aria-label") for table in page.all("table", class_="matrix"))


def test_a_fragment_is_one_element_without_a_page_around_it():
    markup = html(TRACES["xor"], View(fragment=True))
    page = Page(markup)
    assert page.elements[0].attributes == {"class": "backtrace"}
    assert not page.all("html")
    assert not page.all("body")
    (style,) = page.all("style")
    bare = re.sub(r"@[^{]*\{|/\*.*?\*/", "", style.text)
    selectors = re.findall(r"([^{}]+)\{", bare)
    assert len(selectors) > 50
    assert all(".backtrace" in each for part in selectors for each in part.split(","))


def test_the_same_trace_gives_the_same_page():
    assert html(TRACES["xor"], View()) == html(TRACES["xor"], View())


def test_explanations_and_losses():
    page = Page(html(TRACES["adam"], View(explain=True)))
    whys = [each.text for each in page.all("p", class_="why")]
    assert len(whys) == len(set(whys)) > 10  # each is said once
    (losses,) = page.all("table", class_="losses")
    before = float(TRACES["adam"]["loss"].value)
    assert f"{before:g}" in losses.text


# Strangers' text


HOSTILE = [
    "<script>alert(1)</script>",
    "</title></style></script><img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "]]>--><!-- &lt;b&gt; &amp; $x$ \\(y\\)",
    "\x1b[31mred\x07 \u202egnihtyna",
]


def assert_inert(text):
    trace = TRACES["mlp-math"]
    plain = Page(html(trace, View()))
    page = Page(html(msgspec.structs.replace(trace, title=text, source=text), View()))
    assert [e.tag for e in page.elements] == [e.tag for e in plain.elements]
    assert [e.attributes for e in page.elements] == [e.attributes for e in plain.elements]
    (heading,) = page.all("h1")
    if text.isprintable():
        assert heading.text == text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", heading.text)


@pytest.mark.parametrize("text", HOSTILE)
def test_titles_and_sources_are_text(text):
    assert_inert(text)


@settings(max_examples=share(60))
@given(st.text(st.characters(), min_size=1, max_size=40))
def test_any_title_is_text(text):
    assert_inert(text)


# Everything a network can be


@pytest.mark.parametrize("bias", exercises.BIASES)
@pytest.mark.parametrize("conventions", exercises.CONVENTIONS[1::4])
def test_every_form_of_bias_in_every_layout(bias, conventions):
    spec = exercises.exercise([2, 3, 2], ["relu", "sigmoid"], biases=bias, conventions=conventions)
    trace = backtrace.trace(spec)
    page = Page(html(trace, View()))
    assert assert_numbers_stand(trace, page) > 100
    assert_links_lead_somewhere(page)


@pytest.mark.parametrize(("activation", "loss"), exercises.pairs()[::3])
def test_every_activation_and_loss_the_long_way(activation, loss):
    spec = exercises.exercise([2, 2], [activation], loss=loss, output_delta="chain")
    trace = backtrace.trace(spec)
    page = Page(html(trace, View()))
    assert assert_numbers_stand(trace, page) > 20
    assert_links_lead_somewhere(page)


@pytest.mark.parametrize("loss", ["upstream", None])
def test_without_a_loss(loss):
    spec = exercises.exercise([2, 3, 2], ["relu", "tanh"], loss=loss or "mse")
    if loss is None:
        spec = msgspec.structs.replace(spec, loss=None, targets=None, optimizer=None)
    trace = backtrace.trace(spec)
    page = Page(html(trace, View()))
    assert assert_numbers_stand(trace, page) > 50
    assert_links_lead_somewhere(page)


def test_a_notebook_shows_it_both_ways():
    trace = TRACES["mlp-math"]
    shown = trace._repr_html_()
    assert shown.startswith('<div class="backtrace">')
    assert assert_numbers_stand(trace, Page(shown)) > 100
    assert "MLP Math" in trace._repr_markdown_()


def test_the_tape_loads_no_renderer_for_it():
    import subprocess

    code = "import backtrace.tape.trace, sys; print([m for m in sys.modules if '.formats' in m])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_reading_back_notices_a_wrong_digit():
    trace = TRACES["mlp-math"]
    page = Page(html(trace, View()).replace("4.25", "4.26"))
    with pytest.raises(AssertionError):
        assert_numbers_stand(trace, page)
    assert np.isclose(trace["product2"].value, 4.25)


def test_the_network_stands_beside_the_derivation():
    text = html(TRACES["small-mlp"], View())
    before, _, after = text.partition('<main id="derivation">')
    assert '<aside class="beside" aria-labelledby="network">' in before
    assert (
        before.count('<svg class="drawing" role="img" aria-label="2 → 2 (ReLU) → 1 (linear).') == 1
    )
    assert "<svg" not in after
    assert ' style="' not in text  # what the page's policy would not have


def test_an_overview_is_all_of_its_page():
    text = html(TRACES["or-gate"], View(detail="overview"))
    assert text.count("<svg") == 1
    assert "<aside" not in text
    assert 'aria-label="Forward: x = [0  0  1  1 ; 0  1  0  1]' in text
    assert "a<sup>(1)</sup>" in html(TRACES["or-gate"], View())  # in the legend of the network


@pytest.mark.parametrize(
    ("name", "detail"), [("mlp-math", "matrices"), ("graph", "matrices"), ("or-gate", "overview")]
)
def test_the_page_is_valid(name, detail):
    """As the standard reads it: no tag astray, no attribute twice, none where it may not stand."""
    trace = TRACES.get(name) or backtrace.trace(backtrace.load(name))
    page, fragment = (html(trace, View(detail=detail, fragment=part)) for part in (False, True))
    for whole in (page, f"<!doctype html><title>Two</title>{fragment}"):
        StrictParser(strict=True).parse(whole)


@pytest.mark.parametrize("page", ["<p>a</div>", "<p id=a id=b>", "<table><p></table>"])
def test_a_page_that_is_not_is_seen(page):
    with pytest.raises(ParseError):
        StrictParser(strict=True).parse(f"<!doctype html><title>x</title>{page}")
