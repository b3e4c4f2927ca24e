"""The tables that platforms export: the same class in each, read as the plain one is."""

import csv
import io
import re
import zipfile

import numpy as np
import pytest
from openpyxl import Workbook

import backtrace
from backtrace.check.answers import table_rows
from backtrace.check.answers.names import reader
from backtrace.check.answers.table import read_table
from backtrace.check.answers.tree import AnswersError
from backtrace.tape.compile import compile_tape

SPEC = backtrace.loads(
    """
    layers:
      - {activation: sigmoid, weights: [[0.5, -1], [1, 0.5]], bias: [0.1, 0.2]}
      - {activation: softmax, weights: [[1, -1], [0.5, 2]], bias: [0, 0.1]}
    inputs: [[1, 2], [0, 1]]
    targets: [[1, 0], [0, 1]]
    loss: cross_entropy
    ask: [z1, a1, loss, delta2, dW2]
    """
)
READER = reader(compile_tape(SPEC), SPEC)
PEOPLE = [("de-la-Cruz", "小明", "2026001"), ("O'Brien", "Zoë", "2026002"), ("Şahin", "Mia", "007")]
NAMES = [f"{first} {last}" for last, first, _ in PEOPLE]
ENTRIES = [
    *(f"{id}[{i},{j}]" for id in ("z1", "a1") for i in (1, 2) for j in (1, 2)),
    "loss",
    *(f"{id}[{i},{j}]" for id in ("delta2", "dW2") for i in (1, 2) for j in (1, 2)),
]
# What stands in a table need not be right to be read.
NUMBERS = [
    [f"{x:.3f}" for x in np.random.default_rng(n).normal(size=len(ENTRIES))]
    for n in range(len(PEOPLE))
]


def table(header, rows):
    written = io.StringIO()
    csv.writer(written).writerows([header, *rows])
    return written.getvalue().encode()


def read(content, **told):
    answers, unreadable = read_table(content, "class.csv", READER, told)
    assert unreadable == []
    return answers


def said(answers):
    return [(one.student, one.written) for one in answers]


def google(headers):
    who = [["11/12/2026 10:02:33", f"{id}@example.org"] for *_, id in PEOPLE]
    rows = zip(who, NAMES, NUMBERS, strict=True)
    header = ["Timestamp", "Email Address", "Your name", *headers]
    return table(header, ([*w, name, *numbers] for w, name, numbers in rows))


def moodle(headers):
    header = ["Last name", "First name", "ID number", "Institution", "Email address", "State"]
    header += ["Started on", "Completed", "Time taken", "Grade/17.00", *headers]
    started = ["12 November 2026  10:02 AM", "12 November 2026  11:30 AM", "1 hour 27 mins", "-"]
    rows = [
        [last, first, id, "", f"{id}@example.org", "Finished", *started, *numbers]
        for (last, first, id), numbers in zip(PEOPLE, NUMBERS, strict=True)
    ]
    average = ["Overall average", *[""] * 8, "9.41", *["0.5"] * len(headers)]
    return table(header, [*rows, average])


def canvas(headers):
    header = ["name", "id", "sis_id", "section", "section_id", "submitted", "attempt"]
    for number, entry in enumerate(headers, 10000):
        header += [f"{number}: {entry}", "1.0"]
    header += ["n correct", "n incorrect", "score"]
    rows = [
        [name, "55", id, "A", "3", "2026-11-12 10:00:00 UTC", "1"]
        + [cell for number in numbers for cell in (number, "0.0")]
        + ["0", str(len(numbers)), "0.0"]
        for name, (*_, id), numbers in zip(NAMES, PEOPLE, NUMBERS, strict=True)
    ]
    return table(header, rows)


def workbook():
    book = Workbook()
    sheet = book.active
    sheet.append(["student", *ENTRIES])
    for name, numbers in zip(NAMES, NUMBERS, strict=True):
        sheet.append([name, *map(float, numbers)])
    for line in sheet.iter_rows(min_row=2, min_col=2):
        for cell in line:
            cell.number_format = "0.000"
    content = io.BytesIO()
    book.save(content)
    return content.getvalue()


def matrices(row):
    """Four entries of a matrix in one cell, as [[1, 2], [3, 4]]."""
    z1, a1, (loss,), delta2, dw2 = row[:4], row[4:8], row[8:9], row[9:13], row[13:]
    cells = [f"[[{m[0]}, {m[1]}], [{m[2]}, {m[3]}]]" for m in (z1, a1, delta2, dw2)]
    return [*cells[:2], loss, *cells[2:]]


def underscored(entry):
    return entry.replace("[", "_").replace(",", "_").replace("]", "")


PLAIN = table(["student", *ENTRIES], ([n, *row] for n, row in zip(NAMES, NUMBERS, strict=True)))
RESPONSES = [f"Response {number}" for number in range(1, len(ENTRIES) + 1)]
TABLES = {
    "google": google(ENTRIES),
    "google, questions": google([f"What is {entry}?" for entry in ENTRIES]),
    "google, sentences": google([f"Enter {entry} (three decimals)" for entry in ENTRIES]),
    "moodle": moodle(ENTRIES),
    "moodle, responses": moodle(RESPONSES),
    "canvas": canvas(ENTRIES),
    "underscores": table(
        ["student", *map(underscored, ENTRIES)],
        ([n, *row] for n, row in zip(NAMES, NUMBERS, strict=True)),
    ),
    "subscripts": table(
        ["student", *(e.replace("z1", "z₁").replace("delta2", "δ₂") for e in ENTRIES)],
        ([n, *row] for n, row in zip(NAMES, NUMBERS, strict=True)),
    ),
    "a workbook": workbook(),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_platforms_table_says_the_same(name):
    assert said(read(TABLES[name])) == said(read(PLAIN))
    notes = {note for one in read(TABLES[name]) for note in one.notes}
    assert len(notes) == (name == "moodle, responses")


def test_a_matrix_may_stand_in_a_cell():
    header = ["student", "z1", "a1", "loss", "delta2", "dW2"]
    rows = ([n, *matrices(row)] for n, row in zip(NAMES, NUMBERS, strict=True))
    assert said(read(table(header, rows))) == said(read(PLAIN))


@pytest.mark.parametrize(
    "asks",
    ["What is your name?", "Full name (as in the register)", "Wie ist Ihr Name?", "Nom et prénom"],
)
@pytest.mark.parametrize("before", [["Timestamp"], ["Timestamp", "Email Address"]])
def test_a_question_for_the_name_is_one(asks, before):
    who = [["11/12/2026 10:02:33", f"{id}@example.org"][: len(before)] for *_, id in PEOPLE]
    rows = ([*w, n, *row] for w, n, row in zip(who, NAMES, NUMBERS, strict=True))
    found = read(table([*before, asks, *ENTRIES], rows))
    assert said(found) == said(read(PLAIN))
    assert not any(one.notes for one in found)


def test_when_a_form_was_sent_is_nobodys_name():
    rows = (["10:02", n, *row] for n, row in zip(NAMES, NUMBERS, strict=True))
    found = read(table(["Timestamp", "Wer bist du?", *ENTRIES], rows))
    assert said(found) == said(read(PLAIN))


def test_what_there_is_to_join_on_is_kept():
    assert [one.keys for one in read(TABLES["moodle"])] == [
        {"id": id, "email": f"{id}@example.org"} for *_, id in PEOPLE
    ]
    assert [one.keys["id"] for one in read(TABLES["canvas"])] == [id for *_, id in PEOPLE]
    assert read(TABLES["google"])[0].sent == "11/12/2026 10:02:33"


def test_who_has_no_id_is_not_one_with_the_others_who_have_none():
    rows = ([name, "", *row] for name, row in zip(NAMES, NUMBERS, strict=True))
    found = read(table(["student", "id", *ENTRIES], rows))
    assert [one.keys for one in found] == [{}] * 3
    assert [one.identity for one in found] == [(name,) for name in NAMES]
    assert not any(one.notes for one in found)


def test_one_empty_cell_makes_no_row_of_averages():
    """A last name alone, where neither id nor address is told, is somebody's."""
    found = read(table(["last name", "id", *ENTRIES], [["Lovelace", "", *NUMBERS[0]]]))
    assert [one.student for one in found] == ["Lovelace"]


def test_columns_are_what_they_are_told_to_be():
    strange = [f"Column {number}" for number in range(len(ENTRIES))]
    content = table(["Who", *strange], ([n, *row] for n, row in zip(NAMES, NUMBERS, strict=True)))
    told = dict(zip(ENTRIES, strange, strict=True))
    assert said(read(content, student="Who", **told)) == said(read(PLAIN))


def test_a_class_without_columns_is_no_class_of_zeros():
    content = table(["student", "loss", "shoes"], [["Ada", "0.5", "44"]])
    with pytest.raises(AnswersError) as refused:
        read(content)
    for part in ("class.csv:1:1", "4 of the 5", "z1", "--columns", '"shoes"'):
        assert part in refused.value.reason


@pytest.mark.parametrize("told", [{"student": "Nobody"}, {"q9": "loss"}])
def test_a_mapping_that_can_not_be_is_refused(told):
    with pytest.raises(AnswersError):
        read(PLAIN, **told)


def test_a_damaged_workbook_is_said_to_be_one():
    with pytest.raises(AnswersError) as refused:
        read(workbook()[:900])
    assert "no workbook" in refused.value.reason


def test_a_workbook_is_read_up_to_a_size(monkeypatch):
    """Of its cells, and of the bytes packed in it; what it says of its size is no matter."""
    for limit, most in (("MOST_CELLS_OF_A_WORKBOOK", 20), ("MOST_BYTES_OF_A_WORKBOOK", 2_000)):
        with monkeypatch.context() as patched:
            patched.setattr(table_rows, limit, most)
            with pytest.raises(AnswersError) as refused:
                read(workbook())
            assert "too large" in refused.value.reason
    said = workbook_saying("A1:XFD1048576")
    assert len(table_rows.workbook_rows(said, "class.xlsx")) == 1 + len(NAMES)


def workbook_saying(size):
    """The same workbook, which says of its sheet that it is of this size."""
    content = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook())) as packed, zipfile.ZipFile(content, "w") as made:
        for each in packed.namelist():
            text = packed.read(each)
            if each.endswith("sheet1.xml"):
                text = re.sub(rb'(?<=<dimension ref=")[^"]*', size.encode(), text)
                assert size.encode() in text
            made.writestr(each, text)
    return content.getvalue()
