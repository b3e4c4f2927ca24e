"""Where printed digits don't add up the sign is ≈, in every format, and the header says why once.

Every sum and product of numbers on a page is worked again from the digits that stand there.
"""

import re

import pytest

import backtrace
from backtrace.chain.explanation import Explanation
from backtrace.chain.model import EntryNode
from backtrace.formats.html.writer import file as html_file
from backtrace.formats.latex.writer import file as latex_file
from backtrace.formats.markdown.writer import file as markdown_file
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.formats.terminal.writer import lines as terminal_lines
from backtrace.page.trace import View, document
from backtrace.page.why.document import document as why_document

PLACES = 4
MORE = "where the printed digits don"
SIGN = re.compile(r"[=≈]")
SUM = re.compile(r"[-+*0-9.() ]+")
ENTRY = re.compile(r"\[\d+,\d+\]\s*&?[=≈]")
TEX = {r"\cdot": "*", r"\approx": "≈", "&": "", r"\\": "", r"\quad": ""}
ROWS = re.compile(r'<li id="[^"]*" data-line.*?</li>')
UNEVEN = re.compile("<mfrac|<msup")  # which their text alone does not show
TAG = re.compile(r"<[^>]*>")
WRITERS = {"markdown": markdown_file, "latex": latex_file, "html": html_file}


def plain(text):
    """A formula of sums and products in the signs of Python."""
    for tex, sign in TEX.items():
        text = text.replace(tex, sign)
    return text.replace("−", "-").replace("·", "*")


def rows_of(form, page):
    """The lines of a page on which an entry is worked."""
    if form == "html":
        return [TAG.sub("", row) for row in ROWS.findall(page) if not UNEVEN.search(row)]
    return [line for line in page.split("\n") if ENTRY.search(line)]


def signs(row):
    """Each stage that is a sum of numbers: what it comes to, the sign behind it, the value."""
    stages = [plain(stage).strip() for stage in SIGN.split(row)][1:]
    printed = SIGN.findall(row.replace(r"\approx", "≈"))[1:]
    value = stages[-1] if stages else ""
    if re.fullmatch(r"-?[0-9.]+", value):
        for stage, sign in zip(stages, printed, strict=False):
            if SUM.fullmatch(stage):
                yield eval(stage), sign, float(value), value


def assert_signs(form, page):
    """Returns how many sums are exact and how many aren't."""
    found = {"=": 0, "≈": 0}
    for row in rows_of(form, page):
        for worked, sign, value, text in signs(row.replace(r"\approx", "≈")):
            unit = 10.0 ** -max(PLACES, len(text.partition(".")[2]))
            off = abs(worked - value) > unit * 0.5001
            assert sign == ("≈" if off else "="), row
            found[sign] += 1
    return found


def pages_of(name):
    trace = backtrace.trace(backtrace.load(name))
    view = View(detail="entries")
    lines = [line for passage in passages(trace, view, Layout(120)) for line in passage]
    yield "terminal", uncoloured(lines)
    for form, write in WRITERS.items():
        yield form, write(document(trace, view))


@pytest.mark.parametrize("name", ["softmax", "multi-neuron"])
def test_the_sign_is_that_of_the_printed_digits_and_the_header_says_so_once(name):
    for form, page in pages_of(name):
        found = assert_signs(form, page)
        assert min(found.values()) > 0, (form, found)
        assert page.count(MORE) == 1, form


def test_a_short_result_is_as_exact_as_the_digits_that_lines_have():
    """Twice 0.3333 and once is 0.9999, not the 1 that stands there, however few digits that has."""
    layer = "layers: [{activation: linear, weights: [[1/3], [1/3]], bias: none}]"
    trace = backtrace.trace(backtrace.loads(f"{layer}\ninputs: [[2, 1]]\n"))
    page = markdown_file(document(trace, View(detail="entries")))
    sums = r"2\cdot 0.3333 + 1\cdot 0.3333 \approx 0.6667 + 0.3333 = 1"
    assert sums in page


def test_nothing_is_said_where_all_digits_stand_on_the_page():
    for form, page in pages_of("mlp-math"):
        assert assert_signs(form, page)["≈"] == 0
        assert MORE not in page


def test_why_has_the_sign_of_its_printed_paths():
    # 0.4686 + 0.3831 + 0.2312 − 0.1402 = 0.9427, and dW1[2,1] is 0.9426
    trace = backtrace.trace(backtrace.load("softmax"))
    found = Explanation.of(trace, trace.update(1, 1)["dW1"], EntryNode("dW1", 1, 0))
    page = why_document(found)
    assert re.search(r"\n +≈ +0\.9426\n", uncoloured(terminal_lines(page, Layout(80))))
    assert r"&\approx 0.9426" in markdown_file(page)
    assert r"&\approx 0.9426" in latex_file(page)
    assert "≈ 0.9426" in TAG.sub("", html_file(page))
    for form, write in WRITERS.items():
        assert write(page).count(MORE) == 1, form
