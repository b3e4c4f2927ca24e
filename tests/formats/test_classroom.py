"""A class: the table, what went wrong in words, whom to talk to, in text, Markdown, CSV, JSON."""

import csv
import io
import json

import numpy as np
import pytest

import backtrace
from backtrace.check.model import ClassReport, Unreadable
from backtrace.formats.csv import classroom as class_table
from backtrace.formats.html import writer as html
from backtrace.formats.json import report as report_json
from backtrace.formats.markdown import writer as markdown
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import lines
from backtrace.page.blocks import Bullets
from backtrace.page.report.classroom import document
from tests.formats.sheets import (
    ALL_RIGHT,
    SIGN_FLIPPED,
    TWO_SAMPLES,
    answers,
    exercise,
    named,
    of_class,
)

BAD = Unreadable("bad.yaml", "bad.yaml:1:1: found nothing; expected answers")
# Nothing explains 7.5 and 11.25; the update is the key's, though the gradient leads elsewhere.
ODD = """
student: Cy
answers: {dW1: [[7.50], [11.25]], W1_new: [[2.300], [0.500]]}
"""


def text(room, width=80, unicode=True):
    return uncoloured(lines(room, Layout(width, unicode)))


def table(checker, report):
    return list(csv.reader(io.StringIO(class_table.encode(checker, report))))


def below(room, title):
    """The rows or the items of the section of that title."""
    ((*_, block),) = [section.blocks for section in room.blocks if section.title == title]
    return block.items if isinstance(block, Bullets) else block.rows


def students(room):
    rows = [name for name, *_ in room.blocks[-1].blocks[0].rows]
    return [name.text for name in rows if name.tone != "label"]


def test_the_table_has_a_row_a_student_and_a_column_a_step():
    _, _, room = of_class([ALL_RIGHT, SIGN_FLIPPED])
    said = text(room).splitlines()
    at = next(at for at, line in enumerate(said) if "By name" in line)
    assert said[at + 1 : at + 5] == [
        " student  marks  z₁   L    δ₁   dW₁  W₁ⁿᵉʷ",
        " Ada        7/7  ✓    ✓         ✓    ✓",
        " Bo         7/9  ✓    ✓    ✓    ✗ 2  →",
        " % right         100  100  100  50   50",
    ]
    assert "✗ wrong, in so many entries" in text(room)


def test_who_is_who_stands_there_only_when_asked_for():
    misspelt = named("Di", "{losss: 1}")
    for names in (False, True):
        _, _, room = of_class([ALL_RIGHT, SIGN_FLIPPED, ODD, misspelt], names=names)
        for page in (text(room), markdown.text(room), html.file(room)):
            assert ("Ada" in page) == ("By name" in page) == names
            assert ("Cy" in page) == ("Di" in page) == names
    assert "1 student: " in text(of_class([ALL_RIGHT, misspelt], names=False)[2])


def test_marks_are_a_distribution():
    _, _, room = of_class([ALL_RIGHT] * 3 + [SIGN_FLIPPED] * 2, TWO_SAMPLES + "ask: [z1, dW1]\n")
    # z1 and dW1 have two entries each: four marks, two of them with both of dW1 wrong
    bars = [(bar.label, bar.number, bar.share) for bar in below(room, "Marks")]
    assert bars == [("4", "3", 1), ("3 to below 4", "0", 0), ("2 to below 3", "2", 2 / 3)]


def test_marks_out_of_different_totals_are_shares():
    _, _, room = of_class([ALL_RIGHT, SIGN_FLIPPED])  # 7 of 7, and 7 of 9: 78 %
    marks = next(each for each in room.blocks if each.title == "Marks").blocks[0].rows
    assert [(bar.label, bar.number) for bar in marks if bar.number != "0"] == [
        ("100 %", "1"),
        ("70 to below 80 %", "1"),
    ]


def test_steps_say_how_many_have_them_right_and_where_mistakes_begin():
    _, _, room = of_class([ALL_RIGHT] * 3 + [SIGN_FLIPPED])
    (steps,) = [each.blocks for each in room.blocks if each.title == "Step by step"]
    bars = [(bar.label, bar.number, bar.remark.text) for bar in steps[0].rows]
    assert bars == [("dW₁", "75 %", "the first mistake of 1"), ("W₁ⁿᵉʷ", "75 %", "")]
    assert steps[1].words == "Right for all who gave them: z₁, L, δ₁."


def test_what_many_sheets_have_in_common_is_said_first():
    odd = "{z1: [[5], [7.1]]}"  # 3 is right; 7.1 for it is no known mistake
    sheets = [named(f"S{n}", odd.replace("7.1", text)) for n, text in enumerate(["7.1", "7.10"])]
    title = "What many sheets have in common"
    assert title not in text(of_class([ALL_RIGHT])[2])
    room = of_class([*sheets, named("S3", odd), ALL_RIGHT])[2]
    given = "look at what they were given"
    said = f"3 sheets have 7.1 for z₁[2,1], which no known mistake gives: {given}"
    assert below(room, title) == (said,)
    assert title not in text(of_class([*sheets, ALL_RIGHT])[2])


def test_sheets_cut_off_or_under_another_convention_are_counted():
    """An OR gate's z₂ is 1.10278…; cut off to three decimals it is 1.102."""
    spec = backtrace.load("or-gate")
    steps = {s.id: np.atleast_2d(s.value) for s in backtrace.trace(spec) if s.phase != "given"}
    cut = {id: np.trunc(v * 1000 + np.sign(v) * 1e-9) / 1000 for id, v in steps.items()}
    sheet = {id: [[f"{x:.3f}" for x in row] for row in v] for id, v in cut.items()}
    sheets = [f"student: S{n}\nanswers: {json.dumps(sheet)}" for n in range(3)]
    _, report, room = of_class(sheets, "or-gate")
    assert [each.conventions for each in report.reports] == [{"rounding": "cut off"}] * 3
    assert "3 sheets are cut off, not rounded: they are read so" in text(room)
    assert "cut off" not in text(of_class(sheets[:2], "or-gate")[2])


def test_mistakes_are_counted_in_sentences():
    _, report, room = of_class([ALL_RIGHT, SIGN_FLIPPED, SIGN_FLIPPED.replace("Bo", "Cy")])
    assert below(room, "What to teach again") == (("2 of 3", 2 / 3, "have the wrong sign in dW₁"),)
    assert f"2 of 3  {'█' * 13:20}  have the wrong sign in dW₁" in text(room)
    assert report.mistakes == {"sign-flipped": 2}
    _, _, room = of_class([SIGN_FLIPPED])
    assert f"1 of 1  {'█' * 20}  has the wrong sign in dW₁" in text(room)


def test_what_one_alone_has_wrong_and_nothing_explains_is_nothing_to_teach():
    teach, unexplained = "What to teach again", "have dW₁ wrong, in a way that no known mistake"
    assert teach not in text(of_class([ALL_RIGHT, ODD])[2])
    (row,) = below(of_class([ALL_RIGHT, ODD, ODD.replace("Cy", "Di")])[2], teach)
    assert row[0] == "2 of 3"
    assert row[2].startswith(unexplained)


def test_a_mistake_made_again_is_one_deed():
    """An OR gate's 1/n left out of db₂ and of db₁: the same misconception."""
    spec = backtrace.load("or-gate")
    steps = {s.id: np.atleast_2d(s.value) for s in backtrace.trace(spec) if s.phase != "given"}
    wrong = {id: v * 4 if id in ("db1", "db2") else v for id, v in steps.items()}
    sheet = {
        id: [[f"{x:.5f}" for x in row] for row in wrong[id]]
        for id in ("delta2", "db2", "delta1", "db1")
    }
    _, report, room = of_class([f"student: Mo\nanswers: {json.dumps(sheet)}"], "or-gate")
    assert [q.mistakes for q in report.reports[0].quantities if q.mistakes] == [
        ("mean-omitted",)
    ] * 2
    assert len(below(room, "What to teach again")) == 1


def test_students_are_to_be_talked_to_for_what_no_table_shows():
    _, _, room = of_class([ALL_RIGHT, SIGN_FLIPPED, ODD])
    (found,) = [each.blocks for each in room.blocks if each.title == "Whom to talk to"]
    # two entries of four are worth nothing for being wrong, two for not following
    assert [each.words for each in found] == [
        "Less than half of the marks",
        "Cy (0 of 4)",
        "dW₁ is wrong, and no known mistake explains it",
        "Cy (both entries)",
        "W₁ⁿᵉʷ as in the key, but not from their own numbers",
        "Cy",
    ]


def test_students_of_one_reason_stand_together():
    _, _, room = of_class([ALL_RIGHT, ODD, ODD.replace("Cy", "Di")])
    (found,) = [each.blocks for each in room.blocks if each.title == "Whom to talk to"]
    assert [each.words for each in found][1::2] == [
        "Cy (0 of 4), Di (0 of 4)",
        "Cy (both entries), Di (both entries)",
        "Cy, Di",
    ]


def test_how_sheets_were_read_is_said_once():
    # a misspelt name on both sheets, on different lines; z1 is 2 × 1, and Bo's lies on its side
    ada = named("Ada", "{z1: [[5], [3]], losss: 2.5}")
    bo = "title: x\n" + named("Bo", "{z1: [[5, 3]], losss: 2.5}")
    _, _, room = of_class([ada, bo])
    unknown = '"losss" is no quantity of this exercise (did you mean loss?); it was left aside'
    assert unknown in below(room, "Notes")
    assert "Bo: z₁: 1 × 2 is read as 2 × 1, transposed" in below(room, "Notes")
    assert " ".join(text(room).split()).count(unknown) == 1
    assert "- Bo: z₁: 1 × 2 is read as" in markdown.text(room).replace("&#58;", ":")
    assert "Notes" not in text(of_class([ALL_RIGHT])[2])


def test_different_totals_are_explained_unless_the_spec_asks():
    hint = "`ask:` in the spec names what counts for all"
    sheets = [ALL_RIGHT, SIGN_FLIPPED]  # 7 and 9 entries
    _, _, room = of_class(sheets)
    assert hint in text(room)
    assert "marks from" not in room.standing
    assert room.standing == "7 of 7 to 9 marks"
    assert hint not in text(of_class([ALL_RIGHT, ALL_RIGHT])[2])
    assert hint not in text(of_class(sheets, TWO_SAMPLES + "ask: [z1, dW1]\n")[2])


def test_full_marks_out_of_different_totals_are_said_to_be_full():
    fewer = named("Bo", "{z1: [[5], [3]], loss: 2.5}")  # 3 entries, and Ada's 7
    assert of_class([ALL_RIGHT, fewer])[2].standing == "full marks, out of 3 to 7"
    wrong = named("Cy", "{z1: [[5], [3]], loss: 2.5, dW1: [[-3], [6]]}")  # 4 of 5: 80 %
    standing = of_class([ALL_RIGHT, fewer, wrong])[2].standing
    assert standing == "80% or more of their marks, out of 3 to 7"


def test_students_of_one_name_are_told_apart():
    checker = exercise()
    sheets = [("a/1.yaml", ALL_RIGHT), ("a/2.yaml", ALL_RIGHT), ("a/3.yaml", SIGN_FLIPPED)]
    reports = tuple(checker.check(answers(checker, sheet, file)) for file, sheet in sheets)
    room = document(checker, ClassReport(reports), names=True)
    assert students(room) == ["Ada (1.yaml)", "Ada (2.yaml)", "Bo"]
    # rows of one table have one file
    _, _, room = of_class([ALL_RIGHT, ALL_RIGHT, SIGN_FLIPPED])
    assert students(room) == ["Ada (1 of 2)", "Ada (2 of 2)", "Bo"]


def test_unreadable_files_are_listed_with_their_reason():
    _, _, room = of_class([ALL_RIGHT], unreadable=[BAD])
    assert "bad.yaml:1:1: found nothing; expected answers" in text(room)
    assert "- bad.yaml&#58;1&#58;1: found nothing" in markdown.text(room)


def test_a_class_of_unreadable_files_only():
    checker, report, room = of_class([], unreadable=[BAD])
    assert "nobody's answers could be read" in text(room)
    assert len(table(checker, report)) == 2
    assert "bad.yaml" in markdown.text(room)


@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_wide_table_is_split_into_blocks_that_fit(width, unicode):
    answers = (
        "{z1: [[0.3, 0.7, 0.5, 0.9], [0.5, 1.0, 0.8, 1.3]], b1: [[0.3], [0.5]], b2: 0.5, loss: 1}"
    )
    long = "A name that is very long indeed, and goes on for longer than any column 张伟"
    _, _, room = of_class([named(long, answers), named("Bo", answers)], "or-gate")
    said = text(room, width, unicode)
    assert max(map(text_width, said.splitlines())) <= width
    assert unicode or said.isascii()
    heads = [line for line in said.splitlines() if line.startswith(" student")]
    assert sum(line.count("(1)") + line.count("⁽¹⁾") for line in heads) == 2
    assert "1 student" not in said


def test_steps_of_several_updates_are_named_with_theirs():
    answers = "{z1: 5, z1@1.2: 3.1}"
    checker, report, room = of_class([named("Ada", answers)], TWO_SAMPLES + "updates: online\n")
    said = text(room)
    assert " student  marks  z₁@1.1  z₁@1.2" in said
    assert "z1@1.2" in table(checker, report)[0]
    assert "| z₁<span>@</span>1.2 |" in markdown.text(room)


def test_csv_has_ids_verdicts_and_numbers():
    checker, report, _ = of_class([ALL_RIGHT, SIGN_FLIPPED], unreadable=[BAD])
    header, ada, bo, bad = table(checker, report)
    assert header == [
        "student",
        "file",
        "earned",
        "possible",
        "first_mistake",
        "mistakes",
        "z1",
        "loss",
        "delta1",
        "dW1",
        "W1_new",
        "unreadable",
    ]
    assert ada[:6] == ["Ada", "sheet.yaml", "7", "7", "", ""]
    assert dict(zip(header, bo, strict=True)) == {
        "student": "Bo",
        "file": "sheet.yaml",
        "earned": "7",
        "possible": "9",
        "first_mistake": "dW1",
        "mistakes": "sign-flipped",
        "z1": "right",
        "loss": "right",
        "delta1": "right",
        "dW1": "wrong",
        "W1_new": "carried",
        "unreadable": "",
    }
    assert (bad[1], bad[-1]) == (BAD.file, BAD.reason)


def test_json_of_a_class_has_its_reports_and_counts():
    _, report, _ = of_class([ALL_RIGHT, SIGN_FLIPPED], unreadable=[BAD])
    document = report_json.class_report(report, [{"student": "Ada"}, {"student": "Bo"}])
    assert json.loads(report_json.encode(document)) == {
        "schema": "backtrace/class/1",
        "reports": [{"student": "Ada"}, {"student": "Bo"}],
        "unreadable": [{"file": BAD.file, "reason": BAD.reason}],
        "mistakes": {"sign-flipped": 1},
    }
