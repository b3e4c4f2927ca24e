"""CSV files: names and labels as people download them, and where a message says the trouble is."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtrace.spec.data import comma_separated as reading
from backtrace.spec.data.contents import read_table
from backtrace.spec.data.request import ChosenColumns, DataRequest
from tests.spec.files import inputs_of, problem_of, spec_of

KAGGLE = "label,pixel0,pixel1,pixel2,pixel3\n2,0,51,102,255\n0,255,0,0,51\n1,0,0,0,0\n"
IRIS = "sepal,petal,species\n5.1,1.4,setosa\n7,4.7,versicolor\n6.3,6,virginica\n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "train.csv").write_text(KAGGLE)
    (tmp_path / "iris.csv").write_text(IRIS)
    return tmp_path


@pytest.mark.parametrize(
    ("inputs", "targets"),
    [
        ("header: true, columns: [2, 5]", "header: true, columns: 1"),
        ("columns: [pixel0, pixel3]", "columns: label"),
        ("header: true, columns: pixel0..pixel3", 'columns: "label"'),
        ("columns: [pixel0, 3, 4, pixel3]", "columns: [label]"),
    ],
)
def test_labels_and_pixels_of_one_file(folder, inputs, targets):
    spec = spec_of(
        folder,
        f"{{file: train.csv, {inputs}, scale: 1/255}}",
        f"{{file: train.csv, {targets}, one_hot: 3}}",
    )
    wanted = np.array([[0, 51, 102, 255], [255, 0, 0, 51], [0, 0, 0, 0]]) * (1 / 255)
    assert np.array_equal(spec.inputs.values, wanted)
    assert spec.targets.values.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]


def test_columns_by_name_in_any_order(folder):
    values = inputs_of(folder, "{file: train.csv, columns: [pixel3, label, pixel1]}")
    assert values == [[255, 2, 51], [51, 0, 0], [0, 1, 0]]


def test_texts_may_stand_in_columns_that_are_not_taken(folder):
    values = inputs_of(folder, "{file: iris.csv, columns: [sepal, petal]}")
    assert values == [[5.1, 1.4], [7, 4.7], [6.3, 6]]
    problem = problem_of(folder, "{file: iris.csv, header: true}")
    assert '"setosa" in row 1 (line 2), column 3' in problem.found


def test_what_excel_puts_first_is_no_part_of_a_name_nor_of_a_number(folder):
    (folder / "excel.csv").write_bytes(("\ufeff" + KAGGLE).encode())
    assert inputs_of(folder, "{file: excel.csv, columns: label}") == [[2], [0], [1]]
    (folder / "plain.csv").write_bytes("\ufeff1,2\n3,4\n5,6\n".encode())
    assert inputs_of(folder, "{file: plain.csv}") == [[1, 2], [3, 4], [5, 6]]


@pytest.mark.parametrize(
    "content",
    [
        KAGGLE.replace("\n", "\r\n"),
        "\ufeff" + KAGGLE,
        KAGGLE.replace("\n", "\n\n"),
        KAGGLE.rstrip("\n"),
        '"label","pixel0","pixel1","pixel2","pixel3"\n' + KAGGLE.partition("\n")[2],
        KAGGLE.replace("label", ' "a, label"').replace("51", '"51"'),
        KAGGLE.replace(",", ", "),
    ],
)
def test_lines_as_different_programs_write_them(folder, content):
    (folder / "train.csv").write_bytes(content.encode())
    values = inputs_of(folder, "{file: train.csv, header: true, columns: [2, 5]}")
    assert values == [[0, 51, 102, 255], [255, 0, 0, 51], [0, 0, 0, 0]]


@pytest.mark.parametrize(
    ("asked", "found", "mend"),
    [
        ("columns: pixle1", 'no column "pixle1"', "`pixel1`"),
        ("columns: [pixel3, pixel0]", 'column "pixel0" before "pixel3"', ""),
        ("columns: [pixel0, 6]", "5 columns", "from 1"),
        ("columns: [1, 6], header: true", "5 columns", "from 1"),
        ("rows: 3..4, columns: label", "3 rows", "fewer"),
        ("rows: 4, header: true", "3 rows", "fewer"),
    ],
)
def test_what_a_file_does_not_have(folder, asked, found, mend):
    problem = problem_of(folder, f"{{file: train.csv, {asked}}}")
    assert found in problem.found
    assert mend in problem.mend


def test_names_need_a_header(folder):
    problem = problem_of(folder, "{file: train.csv, header: false, columns: label}")
    assert "`header: false`" in problem.found
    np.save(folder / "x.npy", np.eye(2))
    problem = problem_of(folder, "{file: x.npy, columns: label}")
    assert "without names" in problem.found
    problem = problem_of(folder, "{file: x.npy, header: true}")
    assert "which has none" in problem.found


def test_a_name_that_two_columns_have(folder):
    (folder / "twice.csv").write_text("x,y,x\n1,2,3\n")
    assert '2 columns "x"' in problem_of(folder, "{file: twice.csv, columns: x}").found
    assert inputs_of(folder, "{file: twice.csv, columns: y}") == [[2]]


@pytest.mark.parametrize(
    ("content", "asked", "place"),
    [
        ("1\n2\n3\n", "", "the label 3 in row 3"),
        ("y\n1\n2\n\n3\n", "header: true,", "the label 3 in row 3 (line 5)"),
        ("y\n9\n1\n2\n3\n", "header: true, rows: 2..4,", "the label 3 in row 4 (line 5)"),
        ("y\n9\n1.5\n", "columns: y, rows: 2,", "the label 1.5 in row 2 (line 3)"),
        ("0\n-1\n", "", "the label -1 in row 2"),
    ],
)
def test_a_label_out_of_range_is_found_in_the_file(folder, content, asked, place):
    (folder / "labels.csv").write_text(content)
    problem = problem_of(folder, f"{{file: labels.csv, {asked} one_hot: 3}}")
    assert problem.found.endswith(place)
    assert problem.expected == "whole numbers from 0 to 2"


@pytest.mark.parametrize(
    ("content", "asked", "found"),
    [
        ("1,2\n3,x\n", "", '"x" in row 2, column 2'),
        ("a,b\n1,2\n\n3,x\n", ", header: true", '"x" in row 2 (line 4), column 2'),
        ("a,b\n1,2\n3,x\n", ", columns: b, rows: 2", '"x" in row 2 (line 3), column 2'),
        ("1,2\n3,4\n5,\n", "", "in row 3, column 2"),
        ("1,2\n3,4\n5\n", "", "1 column in row 3"),
        ("1,2\n3,4,5\n", ", columns: 1", "3 columns in row 2"),
        ("a,b\n1,2\n3\n", ", header: true", "1 column in row 2 (line 3)"),
        ('1,2\n"3,4"\n', "", "1 column in row 2"),
        ("1,2\n3,inf\n", "", "inf in row 2, column 2"),
        ("a,b\n1,2\n3,nan\n", ", columns: b", "nan in row 2 (line 3), column 2"),
        ("a,b\n", ", header: true", "no rows"),
    ],
)
def test_where_the_trouble_is(folder, content, asked, found):
    (folder / "bad.csv").write_text(content)
    assert problem_of(folder, f"{{file: bad.csv{asked}}}").found.endswith(found)


def test_bytes_that_are_no_text(folder):
    (folder / "bad.csv").write_bytes(b"caf\xe9,x\n3,4\n5,\xe9\n")
    problem = problem_of(folder, "{file: bad.csv, header: true}")
    assert problem.found.endswith('"�" in row 2 (line 3), column 2')
    assert "UTF-8" in problem.mend
    assert inputs_of(folder, "{file: bad.csv, header: true, columns: 1}") == [[3], [5]]


def test_quotes_that_are_not_closed_in_their_line(folder):
    (folder / "open.csv").write_text('1\n"2\n"\n')
    assert "nothing in row 3, column 1" in problem_of(folder, "{file: open.csv}").found


def test_a_cell_longer_than_the_csv_module_takes(folder):
    (folder / "long.csv").write_text('1\n"' + "x" * 200_000 + '"\n')
    assert "200002 characters" in problem_of(folder, "{file: long.csv}").found


@given(st.data())
def test_blocks_of_any_size_give_the_same_numbers(tmp_path_factory, data):
    count = data.draw(st.integers(1, 30))
    table = np.arange(count * 3).reshape(count, 3) / 4
    blank = data.draw(st.lists(st.booleans(), min_size=count, max_size=count))
    lines = [",".join(map(str, row)) + "\n" * (1 + b) for row, b in zip(table, blank, strict=True)]
    first = data.draw(st.integers(1, count))
    last = data.draw(st.integers(first, count))
    path = tmp_path_factory.mktemp("csv") / "x.csv.gz"
    path.write_bytes(gzip.compress(("a,b,c\n" + "".join(lines)).encode()))
    request = DataRequest("x", rows=(first, last), columns=ChosenColumns(("c", 1, "b")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading, "_BLOCK", data.draw(st.integers(1, 9)))
        found = read_table(path, request)
    assert np.array_equal(found.entries, table[first - 1 : last, [2, 0, 1]])
    assert found.first == first
    text = ("a,b,c\n" + "".join(lines)).splitlines()
    starts = [text[number - 1].split(",")[0] for number in found.lines]
    assert starts == [str(row[0]) for row in table[first - 1 : last]]


def test_rows_beyond_those_asked_for_may_be_anything(folder):
    (folder / "long.csv").write_text("1,2\n3,4\n5,6\nx\n")
    assert inputs_of(folder, "{file: long.csv, rows: 1..2}") == [[1, 2], [3, 4]]
