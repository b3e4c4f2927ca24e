"""One student's sheet: its names, its shapes, what is turned as meant, and what can't be read."""

import json

import pytest

from backtrace.check.answers.reading import read_answers, read_stream, stream_lines
from backtrace.check.answers.tree import AnswersError
from backtrace.check.model import Answers, Figure, Malformed, Unreadable
from tests.check.answer_exercises import AUGMENTED, DESCENT, ONLINE, PLAIN, reader_of
from tests.check.typed import report


def sheet(text, exercise=PLAIN, file="ada.yaml"):
    content = text if isinstance(text, bytes) else text.encode()
    return read_answers(content, file, reader_of(exercise))


def only(text, exercise=PLAIN):
    """What is written of the only quantity on a sheet."""
    answers = sheet(text, exercise)
    assert answers.notes == ()
    (written,) = answers.written
    return written


def texts(cells):
    return [[None if cell is None else cell.text for cell in line] for line in cells]


# The sheet


def test_a_sheet_keeps_the_written_digits_in_the_order_of_work():
    answers = sheet("student: Ada\nanswers:\n  loss: 0.720\n  W1: [[1, 2, 3], [4, 5.0, 6]]\n")
    assert (answers.student, answers.file, answers.notes) == ("Ada", "ada.yaml", ())
    assert [written.id for written in answers.written] == ["W1", "loss"]
    assert texts(answers.written[0].cells) == [["1", "2", "3"], ["4", "5.0", "6"]]
    assert answers.written[1].cells == ((Figure("0.720", 0.72, 0.0005, 3, 3),),)


@pytest.mark.parametrize(
    "text",
    [
        "loss: 0.50",
        "student: ada\nloss: 0.50",
        "Name: ada\nloss: 0.50",
        "answers: {loss: 0.50}",
        "Answers: {L: 0.50}\nStudent: ada",
        '{"answers": {"loss": 0.50}}',
        '{"student": "ada", "answers": {"loss": "0.50"}}',
        '{\n\t"loss":\t0.50\n}',
        '\ufeff{"loss": 0.50}',
        "{student: ada, answers: {loss: 0.50}}",
        b"\xef\xbb\xbfloss: 0.50\r\n",
        "loss: 0.50".encode("utf-16"),
    ],
)
def test_yaml_and_json_with_and_without_a_wrapper(text):
    answers = sheet(text)
    assert (answers.student, answers.notes) == ("ada", ())
    assert texts(answers.written[0].cells) == [["0.50"]]


def test_a_form_that_is_left_blank():
    assert sheet("z1: _\nloss:") == Answers("ada", "ada.yaml", ())


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Ada Lovelace", "Ada Lovelace"),
        ("1234", "1234"),
        ("~", "ada"),
        ("''", "ada"),
        (r'"\e[31mred\e[0m"', "�[31mred�[0m"),
        (r'"a\nb\tc"', "a b c"),
        (r'"\u202Eevil\u200B"', "evil"),
        ("../../etc/passwd", "../../etc/passwd"),
        ("[Ada, Lovelace]", "ada"),
        ('"[red]Ada[/red]"', "[red]Ada[/red]"),
    ],
)
def test_a_name_is_a_text_and_steers_nothing(written, name):
    assert sheet(f"student: {written}\nloss: 1\n").student == name


def test_a_long_name_is_cut():
    assert len(sheet(f"student: {'x' * 5000}\nloss: 1").student) == 200


def test_an_emoji_in_escaped_json_is_read():
    assert sheet(json.dumps({"student": "Ada 😀", "δ2": [1, 2, 3, 4]})).student == "Ada 😀"


def test_an_unknown_name_is_noted_with_its_line():
    answers = sheet("answers:\n  loss: 1\n  zz1: 2\n")
    assert len(answers.written) == 1
    assert answers.notes == (
        'line 3: "zz1" is no quantity of this exercise (did you mean z1?); it was left aside',
    )


def test_thousands_of_unknown_names_are_counted():
    answers = sheet("\n".join(f"q{i}: 1" for i in range(3000)))
    assert len(answers.notes) == 11
    assert answers.notes[-1] == "3000 names are no quantities of this exercise"


def test_what_stands_outside_the_answers_is_noted():
    notes = sheet("answers: {loss: 1}\nz1: 2\n").notes
    assert notes == ('"z1" stands outside `answers` and was left aside',)


def test_the_first_of_two_names_counts():
    answers = sheet(
        "Z1: _\nz1: [[1, 2, 3], [1, 2, 3], [1, 2, 3], [1, 2, 3]]\nL: 1\nloss: 2\nJ: 1\n"
    )
    assert [written.id for written in answers.written] == ["z1", "loss"]
    assert texts(answers.written[1].cells) == [["1"]]
    assert answers.notes == (
        '"L" and "loss" both mean loss, and they differ; the first counts',
        '"L" and "J" both mean loss; the first counts',
    )


def test_epochs_and_batches_come_in_their_order():
    answers = sheet("loss@2.2: 1\nloss@2: 2\nloss: 3\nb2@1.2: 4\n", ONLINE)
    places = [(written.id, written.epoch, written.batch) for written in answers.written]
    assert places == [("loss", 1, 1), ("b2", 1, 2), ("loss", 2, 1), ("loss", 2, 2)]


# Shapes: z1 is 4 × 3, W1 2 × 3, b1 1 × 3, a2 4 × 1, b2 1 × 1, loss a number


@pytest.mark.parametrize(
    ("text", "cells", "note"),
    [
        ("b1: [[1, 2, 3]]", [["1", "2", "3"]], ""),
        ("b1: [1, 2, 3]", [["1", "2", "3"]], "a flat list is read as 1 × 3"),
        ("a2: [1, 2, 3, 4]", [["1"], ["2"], ["3"], ["4"]], "a flat list is read as 4 × 1"),
        ("b1: [[1], [2], [3]]", [["1", "2", "3"]], "3 × 1 is read as 1 × 3, transposed"),
        (
            "W1: [[1, 4], [2, 5], [3, 6]]",
            [["1", "2", "3"], ["4", "5", "6"]],
            "3 × 2 is read as 2 × 3, transposed",
        ),
        ("b2: [7]", [["7"]], "a flat list is read as 1 × 1"),
        ("b2: [[7]]", [["7"]], ""),
        ("loss: 7", [["7"]], ""),
        ("loss: [7]", [["7"]], "a flat list is read as one number"),
        ("loss: [[7]]", [["7"]], ""),
        ("b1:\n- 1\n- 2\n- 3\n", [["1", "2", "3"]], "a flat list is read as 1 × 3"),
        ('{"b1": [[1, 2.50, 3]]}', [["1", "2.50", "3"]], ""),
    ],
)
def test_shapes_are_turned_as_meant(text, cells, note):
    written = only(text)
    assert texts(written.cells) == cells
    assert written.notes == ((note,) if note else ())
    assert written.problem == ""


def test_a_square_matrix_is_never_turned():
    square = PLAIN.replace("[[1, 2, 3], [4, 5, 6]]", "[[1, 2], [4, 5]]").replace(
        "bias: [1, 2, 3]", "bias: [1, 2]"
    )
    square = square.replace("[[1], [2], [3]]", "[[1], [2]]")
    assert texts(only("W1: [[1, 4], [2, 5]]", square).cells) == [["1", "4"], ["2", "5"]]


@pytest.mark.parametrize(
    "text",
    [
        'b1: [1, _, "?"]',
        "b1: [1, ~, null]",
        "b1: [1, ?, ? ]",
        "b1: [1, _, ?]",
        "b1: [[1, _, ~]]",
        '{"b1": [1, null, "_"]}',
    ],
)
def test_entries_are_left_out(text):
    assert texts(only(text).cells) == [["1", None, None]]


def test_a_question_mark_alone_leaves_a_quantity_out():
    assert sheet("loss: ?\nb2: 1 # sure?\n").written[0].id == "b2"


@pytest.mark.parametrize("text", ["b1: [_, _, _]", "b1: [[~, ?, _]]", "b1: _", "b1: ''"])
def test_a_quantity_without_entries_is_not_written(text):
    assert sheet(text).written == ()


@pytest.mark.parametrize(
    ("text", "problem", "raw"),
    [
        ("b1: [1, 2]", "a list of 2 numbers where 1 × 3 is meant", [["1", "2"]]),
        ("b1: 1", "one number where 1 × 3 is meant", [["1"]]),
        ("W1: [1, 2, 3, 4, 5, 6]", "a list of 6 numbers where 2 × 3 is meant", [list("123456")]),
        (
            "b1: [[1, 2, 3], [4, 5, 6]]",
            "2 × 3 where 1 × 3 is meant",
            [["1", "2", "3"], ["4", "5", "6"]],
        ),
        (
            "W1: [[1, 2, 3], [4, 5]]",
            "rows of different lengths (3 and 2) where 2 × 3 is meant",
            [["1", "2", "3"], ["4", "5"]],
        ),
        ("W1: [[1, 2, 3], 4]", "lists and single numbers side by side where 2 × 3 is meant", []),
        ("W1: [[[1, 2, 3], [4, 5, 6]]]", "lists more than two deep where 2 × 3 is meant", []),
        ("W1: {a: 1}", "keys and values where 2 × 3 is meant", []),
        ("W1: []", "an empty list where 2 × 3 is meant", []),
        ("loss: [1, 2]", "a list of 2 numbers where one number is meant", [["1", "2"]]),
        (
            'W1: "[[1, 2, 3], [4, 5, 6]"',
            "a list in quotes (write it without them) where 2 × 3 is meant",
            [["[[1, 2, 3], [4, 5, 6]"]],
        ),
    ],
)
def test_what_fits_no_way_round_is_kept_raw(text, problem, raw):
    written = only(text)
    assert (written.cells, written.problem) == ((), problem)
    assert texts(written.raw) == raw


def test_an_absurdly_large_matrix_is_not_kept():
    written = only(f"b1: [{', '.join('1' * 20_000)}]")
    assert written.problem == "a list of 20000 numbers where 1 × 3 is meant"
    assert written.raw == ()


# Numbers


def test_decimal_commas_that_yaml_took_apart_are_put_together():
    written = only("b1: [0,593, 0,597, 1]")
    assert [cell.value for cell in written.cells[0]] == [0.593, 0.597, 1.0]
    assert [cell.decimals for cell in written.cells[0]] == [3, 3, 0]
    assert "read with decimal commas" in written.notes[0]
    assert "0,593" in written.notes[0]
    matrix = only("W1: [[0,1, 0,2, 0,3], [0,4, 0,5, 0,6]]")
    assert [[cell.value for cell in line] for line in matrix.cells] == [
        [0.1, 0.2, 0.3],
        [0.4, 0.5, 0.6],
    ]


@pytest.mark.parametrize("typed", ["0.5, -7, 1.25", "0,5, -7, 1,25", "0.5 , -7 , 1.25"])
def test_a_list_without_brackets_may_have_commas(typed):
    written = sheet(f"b1: {typed}").written[0]
    assert [cell.value for cell in written.cells[0]] == [0.5, -7, 1.25]


def test_commas_of_a_list_that_fits_are_left_alone():
    written = only("b1: [0,593, 7]")
    assert [cell.value for cell in written.cells[0]] == [0, 593, 7]


def test_a_number_is_read_as_meant_and_said_once():
    written = only("b1: ['0,5', −0.5, '−0,25']\n")
    assert [cell.value for cell in written.cells[0]] == [0.5, -0.5, -0.25]
    assert [cell.text for cell in written.cells[0]] == ["0,5", "−0.5", "−0,25"]
    assert written.notes[:2] == (
        "a flat list is read as 1 × 3",
        "numbers are read with a decimal comma",
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("b1: b1 = [1, 2, 3]", [1, 2, 3]),
        ('b1: "b1 = 1 2 3"', [1, 2, 3]),
        ("b1: {b1: [1, 2, 3]}", [1, 2, 3]),
        ("loss: L = 0.853", [0.853]),
        ("loss: loss≈0.853", [0.853]),
        ("b1[1]: b1[1] = 7", [7, None, None]),
    ],
)
def test_a_quantity_may_have_its_own_name_again(text, values):
    written = only(text)
    assert [cell and cell.value for cell in written.cells[0]] == values
    assert "numbers are read without the name before them" in written.notes


@pytest.mark.parametrize("text", ["loss: b1 = 0.853", "loss: 3 = 0.853", "loss: L = 1 = 2",
                                  "b1[1]: b1[2] = 7", "loss: {b1: 3}"])  # fmt: skip
def test_another_name_before_a_number_is_not_passed_over(text):
    written = only(text)
    cells = written.cells[0] if written.cells else ()
    assert not any(isinstance(cell, Figure) for cell in cells)


def test_what_is_no_number_is_malformed_in_its_place():
    written = only("b1: [[1, nan, 3]]")
    assert isinstance(written.cells[0][1], Malformed)
    assert written.problem == ""
    assert texts(written.cells) == [["1", "nan", "3"]]
    assert isinstance(only('{"loss": NaN}').cells[0][0], Malformed)
    assert isinstance(only('{"loss": true}').cells[0][0], Malformed)


# The ones of a bias in the weights: a0 is 4 × 2 with them, a1 3 × 2


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("a1: [[1, 1], [3, 4], [5, 6]]", False),
        ("a1: [[3, 4], [5, 6]]", True),
        ("a1: [[_, _], [3, 4], [5, 6]]", True),
        ("a1: [[1, 3, 5], [1, 4, 6]]", False),
    ],
)
def test_the_ones_may_be_left_out(text, left_out):
    written = only(text, AUGMENTED)
    assert [[cell.value for cell in line] for line in written.cells] == [[1, 1], [3, 4], [5, 6]]
    note = "the ones of the bias were left out, and are taken as written"
    assert (note in written.notes) is left_out


def test_the_ones_of_the_inputs_may_be_left_out_of_a_transposed_matrix():
    written = only("X: [[1, 3, 5], [2, 4, 6]]", AUGMENTED)
    assert texts(written.cells) == [["1", "1"], ["1", "2"], ["3", "4"], ["5", "6"]]


def test_ones_are_not_made_up_where_nothing_else_is_written():
    assert sheet("a1: [[_, _], [_, _]]", AUGMENTED).written == ()


# Entry by entry


def test_entries_are_gathered():
    answers = sheet("z1[1,1]: 0.5\nz1[4,3]: 0,7\nb1[2]: 1\n")
    z1, b1 = sorted(answers.written, key=lambda written: written.id, reverse=True)
    blank = [None, None, None]
    assert texts(z1.cells) == [["0.5", None, None], blank, blank, [None, None, "0,7"]]
    assert texts(b1.cells) == [[None, "1", None]]
    assert z1.notes == ("numbers are read with a decimal comma",)


@pytest.mark.parametrize(
    ("text", "cells", "note"),
    [
        ("b1[1,3]: 7", [[None, None, "7"]], ""),
        ("b1[3,1]: 7", [[None, None, "7"]], "b1: its indices are read as column, row"),
        ("b1[0]: 5\nb1[2]: 7", [["5", None, "7"]], "b1: its indices are read as counted from 0"),
        ("a2[3]: 7", [[None], [None], ["7"], [None]], ""),
        ("loss[1]: 7", [["7"]], ""),
    ],
)
def test_indices_are_read_as_meant(text, cells, note):
    written = only(text)
    assert texts(written.cells) == cells
    assert written.notes == ((note,) if note else ())


def test_indices_out_of_range_are_noted():
    answers = sheet("z1[5,5]: 1\nz1[1,1]: 2\nz1[2]: 3\n")
    assert texts(answers.written[0].cells)[0] == ["2", None, None]
    assert answers.notes == (
        '"z1[5,5]" was left aside: z1 is 4 × 3, its indices count from 1',
        '"z1[2]" was left aside: z1 is 4 × 3, its indices count from 1',
    )


def test_the_derivative_of_another_function_is_noted_on_the_quantity():
    written = only("relu_prime1[1,1]: 1\n")
    assert written.id == "g1"
    assert "the derivative of layer 1's sigmoid" in written.notes[0]


# As the program prints them: spaces between entries, semicolons between rows


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("b1: 1 2 3", [["1", "2", "3"]]),
        ("b1: [ 1  2  3 ]", [["1", "2", "3"]]),
        ("W1: 1 2 3 ; 4 5 6", [["1", "2", "3"], ["4", "5", "6"]]),
        ("W1: [1 2 3; 4 _ 6]", [["1", "2", "3"], ["4", None, "6"]]),
        ("W1: [[1 2 3], [4 5 6]]", [["1", "2", "3"], ["4", "5", "6"]]),
        ('W1: ["1 2 3;", "4 5 6"]', [["1", "2", "3"], ["4", "5", "6"]]),
        ("W1: |\n  1 2 3\n  4, 5, _\n", [["1", "2", "3"], ["4", "5", None]]),
        ("W1: |\n  [[1, 2, 3],\n   [4, 5, 6]]\n", [["1", "2", "3"], ["4", "5", "6"]]),
        ('W1: "1 2 3\\n4 5 6"', [["1", "2", "3"], ["4", "5", "6"]]),
        ('b1: "(1, 2, 3)"', [["1", "2", "3"]]),
        ('b1: "b1 = (1, 2, 3)"', [["1", "2", "3"]]),
        ('b1: "0,1 | 2 | 3"', [["0,1", "2", "3"]]),
        ('b1: "1\\t2\\t3"', [["1", "2", "3"]]),
        ("loss: 2 17/21", [["2 17/21"]]),
    ],
)
def test_matrices_as_they_are_printed(text, cells):
    assert texts(only(text).cells) == cells


def test_a_mixed_number_is_one_number():
    (figure,) = only("loss: 2 17/21").cells[0]
    assert figure.value == pytest.approx(59 / 21, rel=1e-15)  # 2·21 + 17 = 59


# What can't be read


@pytest.mark.parametrize(
    ("text", "place", "found"),
    [
        (b"", "", "nothing"),
        (b"  \n", "", "nothing"),
        (b"- 1\n", ":1:1", "a list"),
        (b"42", ":1:1", '"42"'),
        (b"# only a comment\n", ":1:1", "an empty document"),
        (b"answers: [1, 2]\n", ":1:10", "a list"),
        (b"student: a\nanswers:\n  z1: [1, 2\n  z2: 1\n", ":3:7", "not closed"),
        (b"a: &x 1\n", ":1:4", "the anchor"),
        (b"z1: *x\n", ":1:5", "the alias"),
        (b"z1: !!python/object/apply:os.system [ls]\n", ":1:5", "the tag"),
        (b"z1: 1\n---\nz2: 1\n", ":2:1", "second document"),
        (b"loss: \xff\n", ":1:7", "0xFF"),
        (b"loss: \x1b[31m\n", ":1:7", "U+001B"),
        (b"loss: 1 " + b"#" * 1_000_000, "", "1000008 bytes"),
        (b"z1: " + b"[" * 5000 + b"]" * 5000, ":1:20", "more than 16 deep"),
        (b'{"z1": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", ":1:23", "more than 16 deep"),
        (b"z1: [" + b"1," * 150_000 + b"1]", ":1:", "more than 100000 values"),
        (b'{"z1": [' + b"1," * 150_000 + b"1]}", ":1:", "more than 100000 values"),
        (b'{"z1": 1', ":1:1", "not closed"),
        (b"loss: 1\nloss: 2\nz1: [1\n", ":3:5", "not closed"),
        (b"loss: 1\nloss: 2\n", ":2:1", '"loss" a second time'),
        (b'{"loss": 1, "loss": 2}', "", '"loss" a second time'),
        (b"answers:", "", "no answers"),
        (b"answers: ~", "", "no answers"),
        (b"student: ada", "", "no answers"),
        (b"{}", "", "no answers"),
    ],
)
def test_what_can_not_be_read_says_where_and_why(text, place, found):
    with pytest.raises(AnswersError) as raised:
        sheet(text)
    reason = raised.value.reason
    assert raised.value.file == "ada.yaml"
    assert reason.startswith(f"ada.yaml{place}")
    assert reason.isprintable()
    assert found in reason
    assert "spec" not in reason
    assert "inputs:" not in reason
    assert "layers:" not in reason


def test_a_spec_in_the_place_of_answers_is_told():
    with pytest.raises(AnswersError, match="found a spec; expected answers"):
        sheet("layers: []\ninputs: [1]\n")


def test_an_overlong_digit_string_is_malformed_and_harmless():
    written = only("loss: " + "9" * 900_000)
    assert isinstance(written.cells[0][0], Malformed)
    assert len(written.cells[0][0].text) <= 100
    assert isinstance(only('{"loss": ' + "9" * 900_000 + "}").cells[0][0], Malformed)


# Streams


class Lines:
    """A binary stream that remembers how much was asked of it at once."""

    def __init__(self, content):
        self.content, self.largest = content, 0

    def readline(self, limit):
        end = self.content.find(b"\n") + 1 or len(self.content)
        line, self.content = self.content[: min(end, limit)], self.content[min(end, limit) :]
        self.largest = max(self.largest, len(line))
        return line


def test_a_stream_is_read_line_by_line():
    lines = [b'{"student": "A", "loss": 0.50}\n', b"\n", b"nonsense\n", b'{"z1@9": 1}\n', b"{"]
    first, second, third, fourth = read_stream(lines, reader_of(PLAIN), "class.jsonl")
    assert (first.student, texts(first.written[0].cells)) == ("A", [["0.50"]])
    assert second == Unreadable("class.jsonl:3", second.reason)
    assert second.reason.startswith("class.jsonl:3:1: found")
    assert (third.student, third.written) == ("line 4", ())
    assert fourth.reason.startswith("class.jsonl:5:1: found")


def test_a_stream_is_lazy():
    def endless():
        while True:
            yield b'{"loss": 1}'

    answers = read_stream(endless(), reader_of(PLAIN))
    assert [next(answers).student for _ in range(3)] == ["line 1", "line 2", "line 3"]


def test_an_endless_line_takes_no_memory_and_costs_only_itself():
    stream = Lines(b'{"loss": 1}\n' + b"x" * 4_000_000 + b'\n{"loss": 2}')
    found = list(read_stream(stream_lines(stream), reader_of(PLAIN)))
    assert [type(one) for one in found] == [Answers, Unreadable, Answers]
    assert "expected at most 1000000 bytes" in found[1].reason
    assert found[2].student == "line 3"
    assert stream.largest == 1_000_001


def test_descent_reads_the_change_as_the_gradient():
    assert only("ΔW1: [[1, 2, 3], [4, 5, 6]]", DESCENT).id == "dW1"


def test_what_stands_under_headings_is_read():
    answers = sheet("forward: {z1: _, a2: {first: {loss: 2}}}\nbackward: {nobody: {db2: 0.5}}\n")
    assert [each.id for each in answers.written] == ["a2", "db2"]
    answers = sheet("forward:\n  z1[1,1]: 1\n  z1[1,2]: 2\nbackward: {layer 2: {db2: 0.5}}\n")
    assert [each.id for each in answers.written] == ["z1", "db2"]
    assert answers.notes == ()


# Layers that are not counted from 1


def meant(names, exercise=PLAIN):
    """The ids that a sheet of these names means, as it has them."""
    text = "".join(f"{name}: {number}\n" for number, name in enumerate(names.split()))
    written = sheet(text, exercise).written
    return {each.id: each.cells[0][0].text for each in written if isinstance(each.cells, tuple)}


@pytest.mark.parametrize(
    ("names", "ids"),
    [
        ("z0[1,1] a0[1,1] z1[1,1] a1[1,1] delta0[1,1]", "z1 a1 z2 a2 delta1"),
        ("Z[0][1,1] dL/dW0[1,1] W_0_new[1,1] b1_new[1,1]", "z1 dW1 W1_new b2_new"),
        ("z0[1,1] a1[1,1] z1[1,1] a2[1,1]", "z1 a1 z2 a2"),  # a0 is x
        ("z1[1,1] z2[1,1] W0_new[1,1] W1_new[1,1]", "z1 z2 W1_new W2_new"),
        ("z1[1,1] a0[1,1] a1[1,1]", "z1 a0 a1"),
        ("a1[1,1] z2[1,1] a2[1,1] z3[1,1] a3[1,1] delta3[1,1]", "a0 z1 a1 z2 a2 delta2"),
        ("z2[1,1] z3[1,1] W1_new[1,1] W2_new[1,1]", "z1 z2 W1_new W2_new"),  # Θ⁽¹⁾ leads to z⁽²⁾
        ("W_3_new[1,1] W_2_new[1,1] z1[1,1]", "W2_new W1_new z1"),
        ("z2[1,1] a2[1,1] a1[1,1]", "z2 a2 a1"),
    ],
)
def test_layers_are_read_as_they_are_counted(names, ids):
    expected = {id: str(number) for number, id in enumerate(ids.split())}
    assert meant(names) == expected


def test_another_first_number_is_said_once():
    answers = sheet("z0: [[1, 2, 3]]\nz1: [[4]]\n", PLAIN)
    assert answers.notes == ('the first layer is counted as 0 here: "z0" is read as z1',)


@pytest.mark.parametrize(("names", "kept"), [("z0 z2", "z2"), ("z1 z3", "z1")])
def test_a_number_that_no_layer_has_beside_one_that_only_it_has_is_a_stranger(names, kept):
    answers = sheet("".join(f"{name}[1,1]: 1\n" for name in names.split()), PLAIN)
    assert [each.id for each in answers.written] == [kept]
    assert len(answers.notes) == 1


# What programs print around numbers


MATRIX = [["1", "-2.5", "3e-2"], ["4", "5", "6"]]


@pytest.mark.parametrize(
    "text",
    [
        "|\n  array([[ 1, -2.5, 3e-2],\n         [ 4,  5,  6]])",
        "|\n  array([[1, -2.5, 3e-2], [4, 5, 6]], dtype=float32)",
        "|\n  tensor([[1, -2.5, 3e-2],\n          [4, 5, 6]], grad_fn=<AddBackward0>)",
        "np.array([[1, -2.5, 3e-2], [4, 5, 6]])",
        "'[[1, -2.5, 3e-2], [4, 5, 6]]'",
        "[[np.float64(1), np.float64(-2.5), np.float64(3e-2)], [4, 5, 6]]",
        r"\begin{bmatrix} 1 & -2.5 & 3e-2 \\ 4 & 5 & 6 \end{bmatrix}",
        "[['(1)', '(-2.5)', '[3e-2]'], [4, 5, 6]]",
    ],
)
def test_what_a_program_prints_around_a_matrix(text):
    written = only(f"W1: {text}\n")
    assert written.notes == ()
    assert [[cell.text for cell in row] for row in written.cells] == MATRIX


@pytest.mark.parametrize(
    "text",
    [
        "np.float64(0.72)",
        "tensor(0.72, grad_fn=<MseLossBackward0>)",
        "'[0.72]'",
        "'| 0.72 |'",
        "'(0.72)'",
        "array(0.72)",
    ],
)
def test_what_a_program_prints_around_a_number(text):
    assert texts(only(f"loss: {text}\n").cells) == [["0.72"]]


@pytest.mark.parametrize("text", ["sin(0.72)", "array", "(0.72", "f(array(1))", "np.array(1, 2)"])
def test_what_is_no_number_in_brackets_either(text):
    (written,) = sheet(f"loss: '{text}'\n").written
    cells = written.cells or written.raw
    assert isinstance(cells[0][0], Malformed)


def test_a_spreadsheet_s_lines_part_columns_with_semicolons_where_commas_are_decimal():
    written = only("W1: |\n  1,5; -2,5; 3,25\n  4,0; 5,0; 6,0\n")
    values = [[cell.value for cell in row] for row in written.cells]
    assert values == [[1.5, -2.5, 3.25], [4, 5, 6]]


# Where the outputs' share of a mean comes in


def test_a_loss_averaged_over_the_outputs_may_have_the_share_at_its_end():
    """e = [0.5 0.7 / 0.8 -0.4], e² = [0.25 0.49 / 0.64 0.16], 1.54 / 4 = 0.385."""
    spec = """
layers: [{activation: linear, weights: [[1, 1]], bias: none}]
inputs: [[1], [2]]
targets: [[0.5, 0.3], [1.2, 2.4]]
loss: mse_elements
"""
    found = report(spec, "loss_terms: [[0.25, 0.49], [0.64, 0.16]]\nloss: 0.385")
    assert (found.earned, found.possible) == (5, 5)
    assert "outputs" in found.notes[0]
    once = report(spec, "loss_terms: [[0.25, 0.49], [0.64, 0.16]]\nloss: 0.770")
    assert [q.name for q in once.quantities if q.verdict == "wrong"] == ["loss"]
