"""Names and answers from strangers steer nothing: not a terminal, a browser, a spreadsheet."""

import csv
import io
import json
import re

import pytest

from backtrace.check.model import Answers, ClassReport, Report, Unreadable
from backtrace.formats.csv import classroom as class_table
from backtrace.formats.escaping import markdown, spreadsheet
from backtrace.formats.json import gradescope
from backtrace.formats.json import report as report_json
from backtrace.formats.markdown import writer as markdown_writer
from backtrace.formats.terminal.colours import STYLES, coloured, uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import lines
from backtrace.page.report.classroom import document
from backtrace.page.report.content import Commentator
from backtrace.page.report.sheet import document as sheet_page
from tests.formats.sheets import HOSTILE, SIGN_FLIPPED, answers, exercise

STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")
CHECKER = exercise()


def hostile_report(text):
    """A report with the text wherever a stranger's text can be, past everything the reader does."""
    sheet = answers(CHECKER, SIGN_FLIPPED)
    written = tuple(
        type(each)(each.id, each.epoch, each.batch, each.cells, (text,), each.problem, each.raw)
        for each in sheet.written
    )
    sheet = Answers(text, text, written, (text,))
    judged = CHECKER.check(sheet)
    return sheet, Report(text, text, judged.quantities, (text,))


def everything(text):
    """What every format makes of it, by the format's name."""
    sheet, judged = hostile_report(text)
    commentator = Commentator(CHECKER)
    said = commentator.findings(sheet, judged)
    whole = ClassReport((judged,), (Unreadable(text, text),))
    room = document(CHECKER, whole)
    return {
        "text": uncoloured(lines(sheet_page(said), Layout(80))),
        "class text": uncoloured(lines(room, Layout(80))),
        "markdown": markdown_writer.text(sheet_page(said)),
        "class markdown": markdown_writer.text(room),
        "csv": class_table.encode(CHECKER, whole),
        "json": report_json.encode(report_json.report(said)),
        "class json": report_json.encode(report_json.class_report(whole, [])),
        "stream": report_json.encode(report_json.unreadable(Unreadable(text, text))),
        "gradescope": report_json.encode(gradescope.results(said, commentator.words)),
    }


@pytest.mark.parametrize("text", HOSTILE)
def test_no_format_lets_a_control_character_through(text):
    for form, said in everything(text).items():
        assert not STEERING.search(said), form


@pytest.mark.parametrize("text", HOSTILE)
def test_json_stays_json_of_the_same_shape(text):
    said = everything(text)
    assert set(json.loads(said["json"])) == set(json.loads(everything("Ada")["json"]))
    assert json.loads(said["stream"])["schema"] == "backtrace/unreadable/1"
    assert len(json.loads(said["gradescope"])["tests"]) == 5


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_of_a_spreadsheet_is_a_formula(text):
    rows = list(csv.reader(io.StringIO(everything(text)["csv"])))
    assert {len(row) for row in rows} == {len(rows[0])}
    for cell in (cell for row in rows for cell in row):
        assert not cell.lstrip(' \t\r\n"').startswith(
            ("=", "+", "-", "@", "|", "＝", "＋", "－", "＠")
        )


def test_numbers_of_a_spreadsheet_stay_numbers():
    rows = list(csv.reader(io.StringIO(everything("Ada")["csv"])))
    assert rows[1][2:4] == ["7", "9"]
    assert spreadsheet("Ada") == "Ada"
    assert spreadsheet("=1") == "'=1"
    assert spreadsheet(' "=1') == "' \"=1"


def test_a_separator_of_another_language_splits_no_cell():
    said = everything("a;=1+1")["csv"]
    assert '"a;=1+1"' in said


def unescaped(said):
    """Markdown without what is escaped, and without what the page itself writes."""
    said = re.sub(r"\\[\\`*_\[\]|~]", "", said)
    said = re.sub(r"<span>(?:&#36;|[@#])</span>", "", said)
    return re.sub(r"\$\$\n.*?\n\$\$", "", said, flags=re.S)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", ["markdown", "class markdown"])
def test_markdown_has_no_markup_of_a_stranger(text, form):
    said = unescaped(everything(text)[form])
    plain = unescaped(everything("Ada")[form])
    for sign in ("<", ">", "`", "$", "![", "](", "~~", "://", "www.", "@"):
        assert said.count(sign) == plain.count(sign), sign
    assert said.count("**") == plain.count("**")
    assert len(said.splitlines()) == len(plain.splitlines())
    starts = [re.match(r"\W*", line)[0][:2] for line in plain.splitlines()]
    for start, line in zip(starts, said.splitlines(), strict=True):
        assert line.startswith(start[:1])


@pytest.mark.parametrize("text", HOSTILE)
def test_a_table_keeps_its_columns(text):
    def bars(said):
        return [line.replace("\\|", "").count("|") for line in said.splitlines()]

    for form in ("markdown", "class markdown"):
        assert bars(everything(text)[form]) == bars(everything("Ada")[form])


def test_markdown_leaves_ordinary_text_as_it_is():
    for text in ("Zoë Müller-Lüdenscheidt", "0.5 and -0.25", "z^(2) follows: yes", "张伟"):
        assert markdown(text) == text


@pytest.mark.parametrize(("text", "escaped"), [
    ("1. x", "&#49;. x"),
    ("- x", "&#45; x"),
    ("---", "&#45;--"),
    ("http://x", "http&#58;//x"),
    ("WWW.x", "WWW&#46;x"),
    ("a&lt;", "a&amp;lt;"),
])  # fmt: skip
def test_markdown_escapes(text, escaped):
    assert markdown(text) == escaped


@pytest.mark.parametrize("text", HOSTILE)
def test_rich_takes_no_markup_from_a_name(text):
    sheet, judged = hostile_report(text)
    found = lines(sheet_page(Commentator(CHECKER).findings(sheet, judged)), Layout(80))
    shown = coloured(found, STYLES)
    assert [line.rstrip() for line in shown.plain.split("\n")] == uncoloured(found).split("\n")
    assert not any(span.style and "link" in str(span.style) for span in shown.spans)
