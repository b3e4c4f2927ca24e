"""Whatever a stranger sends is read or refused in words, and what is read keeps its promises."""

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from backtrace.check.answers.reading import read_answers, read_stream
from backtrace.check.answers.table import read_table
from backtrace.check.answers.tree import AnswersError
from backtrace.check.model import Answers, Figure, Malformed
from tests.check.answer_exercises import AUGMENTED, ONLINE, PLAIN, reader_of
from tests.sampling import share

SHEET = """student: Ada
answers:
  X: [[0, 0], [0, 1], [1, 0], [1, 1]]
  z1: [[0.5, -1.25, _], [1, 2, 3], [0,593, 0,597], ['1/3', ~, ?]]
  δ₂: [0.1, 0.2, −0.3, 1e-3]
  b1[1,2]: 3
  "W2'": [[1], [2], [3]]
  loss@2.1: 0.72
"""
TABLE = """student,z1[1,1],"z1[1,2]",δ2[1],loss
Ada,0.5,"0,25",,1e-3
"Bo
B",−1,_,?,nan
"""
NAMES = [
    "z1",
    "Z1[1,1]",
    "a1",
    "X",
    "loss",
    "L",
    "b2",
    "ΔW2",
    "dL/dz2",
    "z1@2.1",
    "student",
    "answers",
]


def check(answers, reader):
    """What every sheet that was read must hold."""
    assert isinstance(answers, Answers)
    assert answers.student
    assert len(answers.student) <= 200
    assert (answers.student + answers.file).isprintable()
    orders = []
    for written in answers.written:
        quantity = reader.quantities[(written.epoch, written.batch, written.id)]
        orders.append(quantity.order)
        shape = (len(written.cells), len(written.cells[0]) if written.cells else 0)
        assert shape == ((0, 0) if written.problem else quantity.shape)
        assert len({len(line) for line in written.cells}) <= 1
        for line in written.cells + written.raw:
            assert all(cell is None or isinstance(cell, Figure | Malformed) for cell in line)
            assert all(cell.text.isprintable() for cell in line if cell)
    assert orders == sorted(set(orders))
    notes = [*answers.notes, *(note for written in answers.written for note in written.notes)]
    assert all(note.isprintable() for note in notes)


def caught(read):
    """What is read, or the only error that may be raised."""
    try:
        return read(), None
    except AnswersError as error:
        return None, error


def try_sheet(content):
    for exercise in (PLAIN, ONLINE, AUGMENTED):
        reader = reader_of(exercise)
        answers, error = caught(lambda reader=reader: read_answers(content, "f.yaml", reader))
        if error is None:
            check(answers, reader)
        else:
            assert error.reason.startswith("f.yaml")
            assert error.reason.isprintable()


def mutated(text):
    """``text`` with a piece of it replaced by bytes or by pieces of itself."""
    content = text.encode()
    pieces = st.one_of(
        st.binary(max_size=6),
        st.sampled_from(
            [b"[", b"]", b"{", b"}", b"'", b'"', b",", b";", b"\n", b"\t", b"?", b"&a "]
        ),
        st.integers(0, len(content)).map(lambda at: content[at : at + 9]),
    )
    place = st.integers(0, len(content))
    return st.tuples(place, st.integers(0, 12), pieces).map(
        lambda cut: content[: cut[0]] + cut[2] + content[cut[0] + cut[1] :]
    )


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=16,
)


@given(st.binary(max_size=200))
def test_any_bytes(content):
    try_sheet(content)


@given(mutated(SHEET))
@settings(max_examples=share(300))
def test_mutated_sheets(content):
    try_sheet(content)


@given(st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=6), values, max_size=6))
def test_any_json(document):
    try_sheet(json.dumps(document).encode())


@given(mutated(TABLE))
@settings(max_examples=share(300))
def test_mutated_tables(content):
    reader = reader_of(PLAIN)
    found, error = caught(lambda: read_table(content, "f.csv", reader))
    answers, unreadable = found or ([], [])
    assert error is None or error.reason.isprintable()
    for one in answers:
        check(one, reader)
    assert all(one.reason.startswith(one.file) and one.reason.isprintable() for one in unreadable)


@given(st.lists(st.binary(max_size=40) | mutated('{"student": "A", "z1[1,1]": 0.50}'), max_size=5))
def test_any_stream_gives_one_result_a_line(lines):
    found = list(read_stream(lines, reader_of(PLAIN)))
    assert len(found) == sum(1 for line in lines if line.strip())
