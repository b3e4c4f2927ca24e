"""A class in one table: separators, unquoted indices, encodings, and rows that can't be read."""

import pytest

from backtrace.check.answers.table import read_table
from backtrace.check.answers.tree import AnswersError
from backtrace.check.model import Figure, Malformed
from tests.check.answer_exercises import PLAIN, reader_of


def table(text, file="class.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return read_table(content, file, reader_of(PLAIN))


def students(text):
    answers, unreadable = table(text)
    assert unreadable == []
    return {one.student: one for one in answers}


def texts(answers):
    """Id → rows of written texts."""
    return {
        written.id: [
            [None if cell is None else cell.text for cell in line] for line in written.cells
        ]
        for written in answers.written
    }


ADA = {"b1": [["1", "-0.50", None]], "loss": [["0.720"]]}


@pytest.mark.parametrize(
    "text",
    [
        "student,b1[1,1],b1[1,2],loss\nAda,1,-0.50,0.720\n",
        "student, b1[1,1], b1[1, 2], loss\nAda, 1, -0.50, 0.720\n",
        'student,"b1[1,1]","b1[1,2]",loss\r\n"Ada","1",-0.50,0.720\r\n',
        "student;b1[1,1];b1[1,2];loss\nAda;1;-0.50;0.720",
        "student\tb1[1,1]\tb1[1,2]\tloss\nAda\t1\t-0.50\t0.720\n",
        "sep=;\nstudent;b1[1,1];b1[1,2];loss\nAda;1;-0.50;0.720\n",
        "\ufeffStudent,b₁[1],b₁[2],L\nAda,1,-0.50,0.720\n",
        "\n,,\nName,b1(1;1),B1[1][2],cost\n\nAda,1,-0.50,0.720\n,,,\n",
        "loss,student,b1[1,3],b1[1,1],b1[1,2]\n0.720,Ada,,1,-0.50\n",
        "student,b1[1,1],b1[1,2],loss\nAda,1,-0.50,0.720,,,\n",
        "student,b1[1,1],b1[1,2],loss\rAda,1,-0.50,0.720\r",
        "student,b1[1,1],b1[1,2],loss\nAda,1,-0.50,0.720\n".encode("utf-16"),
    ],
)
def test_ways_of_writing_a_table(text):
    ada = students(text)["Ada"]
    assert (texts(ada), ada.notes) == (ADA, ())
    assert [written.id for written in ada.written] == ["b1", "loss"]


def test_the_written_digits_are_kept():
    (loss,) = students("student,loss\nAda,0.720\n")["Ada"].written
    assert loss.cells == ((Figure("0.720", 0.72, 0.0005, 3, 3),),)


def test_decimal_commas_between_semicolons():
    ada = students("student;b1[1,1];b1[1,2];loss\nAda;0,5;−0,25;1\n")["Ada"]
    assert [cell and cell.value for cell in ada.written[0].cells[0]] == [0.5, -0.25, None]
    assert ada.written[0].notes == (
        "numbers are read with a decimal comma",
        "numbers are read with a typographic minus and with a decimal comma",
    )


def test_quoted_decimal_commas_between_commas():
    ada = students('student,loss\nAda,"0,72"\n')["Ada"]
    assert ada.written[0].cells[0][0].value == 0.72


def test_an_empty_cell_is_left_out_and_so_is_an_empty_quantity():
    found = students("student,b1[1],b1[2],loss\nAda,,2,\nBo,_,?,~\n")
    assert texts(found["Ada"]) == {"b1": [[None, "2", None]]}
    assert found["Bo"].written == ()


def test_what_is_no_number_stays_in_its_place():
    ada = students("student,b1[1],b1[2]\nAda,#DIV/0!,2\n")["Ada"]
    assert isinstance(ada.written[0].cells[0][0], Malformed)
    assert ada.written[0].cells[0][1].value == 2


def test_a_table_in_the_encoding_of_an_older_excel():
    found = students("student;loss\nJürgen;–0,5\n".encode("cp1252"))
    assert found["Jürgen"].written[0].cells[0][0].value == -0.5
    assert found["Jürgen"].notes == ("the table is not in UTF-8, and was read as Windows-1252",)


def test_two_rows_of_one_student_are_kept_and_said():
    answers, _ = table("student,loss\nAda,1\nBo,2\nAda,3\n")
    assert [texts(one)["loss"] for one in answers] == [[["1"]], [["2"]], [["3"]]]
    (said,) = answers[2].notes
    assert said.startswith('"Ada" has two rows, lines 2 and 4: both are marked; `marks:')
    assert [one.notes for one in answers[:2]] == [(), ()]


@pytest.mark.parametrize("which", ["last", "best", "first"])
def test_of_two_rows_it_is_said_which_counts(which):
    reader = reader_of(f"{PLAIN}marks: {{submissions: {which}}}\n")
    answers, _ = read_table(b"student,loss\nAda,1\nAda,3\n", "class.csv", reader)
    assert answers[1].notes == (f'"Ada" has two rows, lines 2 and 3: the {which} one counts',)


def test_a_comma_that_may_group_thousands_is_said_once_and_only_in_doubt():
    doubtful, clear = (
        students(f"student;loss;b2\nAda;−1,234;{b}\n")["Ada"] for b in ("2,345", "0,5")
    )
    assert doubtful.notes == (
        "2,345 is read with a decimal comma (if the comma groups thousands, leave it out)",
    )
    assert clear.notes == ()


def test_students_without_a_name_and_tables_without_names():
    answers, _ = table("student,loss\n,1\n")
    assert answers[0].student == "row 2"
    answers, _ = table("z1[1,1],loss\n3,1\n")
    assert (answers[0].student, texts(answers[0])["loss"]) == ("row 2", [["1"]])


def test_a_first_column_that_is_no_quantity_has_the_names():
    ada = students("Chiffre,loss\nAda,1\n")["Ada"]
    assert ada.notes == ('column "Chiffre" is read as the students\' names',)


def test_columns_that_mean_nothing_are_said():
    ada = students("student,shoes,zz1[1,1],loss,z1,z1[9,9],loss\nAda,44,1,2,3,4,5\n")["Ada"]
    assert texts(ada) == {"loss": [["2"]]}
    assert ada.notes == (
        'column "shoes" is no quantity of this exercise; it was left aside',
        'column "zz1[1,1]" is no quantity of this exercise (did you mean z1?); it was left aside',
        'columns "loss" and "loss" mean the same; the first counts',
        'column "z1" was left aside: its entries follow',
        '"z1[9,9]" was left aside: z1 is 4 × 3, its indices count from 1',
    )


def test_indices_counted_from_0_or_turned_are_understood():
    ada = students("student,b1[0],b1[2],a2[1,3]\nAda,5,6,7\n")["Ada"]
    assert texts(ada) == {"b1": [["5", None, "6"]], "a2": [[None], [None], ["7"], [None]]}
    assert [written.notes for written in ada.written] == [
        ("b1: its indices are read as counted from 0",),
        ("a2: its indices are read as column, row",),
    ]


def test_layers_counted_from_0_are_read_as_on_a_sheet():
    ada = students("student,z0[1,2],dW0_1_1,z1[1],loss\nAda,5,6,7,8\n")["Ada"]
    first_lines = {id: rows[0] for id, rows in texts(ada).items()}
    assert first_lines["z1"] == [None, "5", None]
    assert (first_lines["dW1"][0], first_lines["z2"], first_lines["loss"]) == ("6", ["7"], ["8"])
    assert ada.notes == ('the first layer is counted as 0 here: "z0[1,2]" is read as z1',)


def test_a_whole_column_beside_entries_does_not_move_them():
    ada = students("student,b1,b1[1,1],b1[1,2]\nAda,9,1,2\n")["Ada"]
    assert texts(ada) == {"b1": [["1", "2", None]]}


def test_ragged_rows_cost_only_themselves():
    answers, unreadable = table("student,b1[1,1],loss\nA,1\nB,1,2\nC,0,5,0,72\nD,3,4\n")
    assert [one.student for one in answers] == ["B", "D"]
    assert [(one.file, one.reason) for one in unreadable] == [
        ("class.csv:2", "class.csv:2:1: found 2 cells; expected 3, as the header has [E404]"),
        (
            "class.csv:4",
            (
                "class.csv:4:1: found 5 cells; expected 3, as the header has; "
                "a decimal comma needs quotes, or `;` between the cells [E404]"
            ),
        ),
    ]


def test_a_quote_that_is_never_closed_costs_its_row_only():
    rows = "".join(f"S{i},{i}\n" for i in range(30))
    answers, unreadable = table(f'student,loss\n"Ada,1\n{rows}')
    assert len(answers) == 30
    assert [one.file for one in unreadable] == ["class.csv:2"]
    assert "never closed" in unreadable[0].reason


def test_a_quoted_cell_may_run_over_lines():
    answers, unreadable = table('student,loss\n"Ada\nLovelace",1\nBo,2\n')
    assert [one.student for one in answers] == ["Ada Lovelace", "Bo"]
    assert unreadable == []


def test_a_control_character_costs_its_row_only():
    answers, unreadable = table(b"student,loss\nA,1\n\x1b[31mB,2\n\x00,3\nC,4\n")
    assert [one.student for one in answers] == ["A", "C"]
    assert [one.file for one in unreadable] == ["class.csv:3", "class.csv:4"]


def test_names_and_formulas_are_texts():
    found = students('student,loss\n"=HYPERLINK(""x"")",1\n\u202eevil,=1+1\n')
    assert set(found) == {'=HYPERLINK("x")', "evil"}
    assert isinstance(found["evil"].written[0].cells[0][0], Malformed)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b"", "class.csv:1:1: found nothing"),
        (b"\n\n,,\n", "class.csv:1:1: found nothing"),
        (b"sep=;\n", "class.csv:1:1: found nothing"),
        (b'"student,loss\nAda,1\n', "class.csv:1:1: found a quote that is opened"),
        (b"0.5,1\n2,3\n" * 2, "class.csv:1:1: found no column that is a quantity"),
        (b"x" * 50_000_001, "50000001 bytes; expected at most 50000000"),
    ],
)
def test_a_table_without_a_header_can_not_be_read(text, found):
    with pytest.raises(AnswersError) as raised:
        table(text)
    assert found in raised.value.reason


def test_a_header_made_to_be_slow_is_not():
    table("student,loss," + "z1[1," * 50_000 + "\n")
    table("student,loss" + ",[" * 50_000 + "\n")
    table("student,loss,x[1" + ",1]x[1" * 20_000 + "\n")
