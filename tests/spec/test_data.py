"""Data from files: every format, what is taken from it, and what is said about damaged ones."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from backtrace.tape.loading import load, loads
from tests.spec.files import idx, inputs_of, problem_of, spec_of
from tests.spec.specs import network, only_problem

IMAGES = np.arange(24, dtype=np.uint8).reshape(3, 2, 4) * 10  # three images of 2 × 4
LABELS = np.array([2, 0, 1], dtype=np.uint8)
HAS_DEVICES = pytest.mark.skipif(not Path("/dev/zero").exists(), reason="there is no /dev/zero")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "images-idx3-ubyte").write_bytes(idx(IMAGES))
    (tmp_path / "labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(LABELS)))
    (tmp_path / "data.csv").write_text("x1,x2,y\n1,0.5,0\n2,-1.5,1\n\n3,2.5,0\n")
    np.save(tmp_path / "data.npy", np.array([[1.0, 2.0], [3.0, 4.0]]))
    np.savez(tmp_path / "data.npz", x_train=np.eye(2), W1=np.array([[1.0, 2.0], [3.0, 4.0]]))
    return tmp_path


def test_idx_files_are_flattened_scaled_and_one_hot(folder):
    spec = spec_of(
        folder,
        "{file: images-idx3-ubyte, scale: 1/10}",
        "{file: labels-idx1-ubyte.gz, one_hot: 3}",
    )
    assert spec.inputs.values.tolist() == [
        [0, 1, 2, 3, 4, 5, 6, 7],
        [8, 9, 10, 11, 12, 13, 14, 15],
        [16, 17, 18, 19, 20, 21, 22, 23],
    ]
    assert spec.targets.values.tolist() == [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
    assert spec.inputs.written is None


def test_the_1_of_a_class_is_scaled_and_its_label_is_not(folder):
    """As a course has it whose units cannot reach 1."""
    given = "{file: labels-idx1-ubyte.gz, one_hot: 3, scale: 0.9}"
    spec = spec_of(folder, "{file: images-idx3-ubyte}", given)
    assert spec.targets.values.tolist() == [[0, 0, 0.9], [0.9, 0, 0], [0, 0.9, 0]]


def test_columns_layout_turns_the_samples_of_a_file(folder):
    spec = spec_of(
        folder,
        "{file: images-idx3-ubyte}",
        "{file: labels-idx1-ubyte.gz, one_hot: 3}",
        more="conventions: {layout: columns}\n",
    )
    assert spec.inputs.shape == (8, 3)
    assert spec.targets.values.tolist() == [[0, 1, 0], [0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("rows", "first"), [("2..3", [80, 160]), ("[2, 3]", [80, 160]), ("2", [80])]
)
def test_rows_are_counted_from_one_with_both_ends(folder, rows, first):
    values = inputs_of(folder, f"{{file: images-idx3-ubyte, rows: {rows}}}")
    assert [row[0] for row in values] == first


@pytest.mark.parametrize(
    ("code", "kind"), [(0x09, "i1"), (0x0B, "i2"), (0x0C, "i4"), (0x0D, "f4"), (0x0E, "f8")]
)
def test_all_types_of_idx(folder, code, kind):
    (folder / "typed").write_bytes(idx(np.array([[-1, 2], [3, 100]], dtype=kind), code))
    assert inputs_of(folder, "{file: typed}") == [[-1, 2], [3, 100]]


@pytest.mark.parametrize(
    ("columns", "values"),
    [
        ("[1, 2]", [[1, 0.5], [2, -1.5], [3, 2.5]]),
        ("1..2", [[1, 0.5], [2, -1.5], [3, 2.5]]),
        ("3", [[0], [1], [0]]),
        ("[3, 2, 1]", [[0, 0.5, 1], [1, -1.5, 2], [0, 2.5, 3]]),
    ],
)
def test_csv_columns(folder, columns, values):
    text = f"{{file: data.csv, header: true, columns: {columns}}}"
    assert inputs_of(folder, text) == values


def test_csv_rows_come_after_the_header_and_may_hold_fractions(folder):
    text = "{file: data.csv, header: true, rows: 2..3, columns: 1}"
    assert inputs_of(folder, text) == [[2], [3]]
    (folder / "thirds.csv").write_text('1/3,"2"\r\n-1/4,.5\r\n')
    assert inputs_of(folder, "{file: thirds.csv}") == [[1 / 3, 2], [-0.25, 0.5]]


def test_numpy_files(folder):
    assert inputs_of(folder, "{file: data.npy, rows: 2}") == [[3, 4]]
    assert inputs_of(folder, "{file: data.npz, array: x_train}") == [[1, 0], [0, 1]]


def test_parameters_from_a_file_go_by_their_name(folder):
    (layer,) = spec_of(folder, "[[1, 2]]", weights="{file: data.npz}", units=2).layers
    assert layer.weights.values.tolist() == [[1, 2], [3, 4]]


def test_the_data_folder_takes_the_place_of_the_one_of_the_spec(folder, tmp_path_factory):
    text = network("{init: zeros}", inputs="{file: mnist/images-idx3-ubyte.gz}")
    text = text.replace("    bias", "    units: 1\n    bias")
    spec = loads(text, folder=tmp_path_factory.mktemp("spec"), data_folder=folder)
    assert spec.inputs.shape == (3, 8)
    (folder / "images-idx3-ubyte").rename(folder / "images.idx3-ubyte")
    assert loads(text, data_folder=folder).inputs.shape == (3, 8)


def test_a_file_that_is_not_in_the_data_folder(folder):
    text = network(inputs="{file: mnist/other.npy}")
    problem = only_problem(text, data_folder=folder)
    assert problem.found == f'"mnist/other.npy": no such file in "{folder}"'
    away = only_problem(text, data_folder=folder / "away")
    assert f'there is no folder "{folder / "away"}"' in away.found


def test_files_are_relative_to_the_spec(folder):
    path = folder / "s.yaml"
    path.write_text(network(inputs="{file: data.npy}"))
    assert load(path).inputs.values.tolist() == [[1, 2], [3, 4]]
    assert load(str(path), data_folder=folder).title == "s"


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (idx(IMAGES)[:-3], "an end in row 3"),
        (idx(IMAGES)[:10], "an end in the header"),
        (idx(IMAGES) + b"x", "more bytes after the last entry"),
        (struct.pack(">BBBBI", 0, 0, 8, 1, 2**32 - 1) + b"123", "an end in row 4"),
        (b"\0\1\2\3\4", "bytes 00 01 02 03"),
        (gzip.compress(idx(IMAGES), mtime=0)[:-12], "a damaged or truncated gzip file"),
        (b"\x1f\x8bnonsense", "a damaged or truncated gzip file"),
        (b"1,2\n3,x\n", '"x" in row 2, column 2'),
        (b"1,2\n3\n", "1 column in row 2"),
        (b"1,nan\n", "nan in row 1, column 2"),
        (b"x1,x2\n1,2\n", '"x1" in row 1, column 1'),
        (b"1;2\n3;4\n", "in row 1, column 1"),
        (b"\xff\xfe1\n", "in row 1, column 1"),
        (b"\n\n", "no rows"),
        (b"\x93NUMPY\x01\x00nonsense", "a damaged .npy"),
        (b"PK\x03\x04nonsense", "a damaged .npz"),
    ],
)
def test_damaged_files(folder, content, found):
    (folder / "damaged").write_bytes(content)
    problem = problem_of(folder, "{file: damaged}")
    assert problem.column == 16
    assert found in problem.found
    assert problem.found.startswith('"damaged": ')


def test_a_csv_with_names_suggests_a_header(folder):
    assert "`header: true`" in problem_of(folder, "{file: data.csv}").mend


def test_pickled_arrays_are_not_loaded(folder):
    np.save(folder / "pickled.npy", np.array([{"a": 1}]), allow_pickle=True)
    assert "or one of Python objects" in problem_of(folder, "{file: pickled.npy}").found


@pytest.mark.parametrize(
    ("inputs", "found", "mend"),
    [
        ("{file: nowhere.csv}", "no such file in", ""),
        ("{file: datas.csv}", "no such file in", "`data.csv`"),
        ("{file: away/data.csv}", "there is no folder", ""),
        ("{file: .}", "a folder", "Name a file"),
        pytest.param("{file: /dev/zero}", "no regular file", "", marks=HAS_DEVICES),
        ("{file: images-idx3-ubyte, rows: 2..9}", "3 rows", "fewer"),
        ("{file: data.npy, columns: 3}", "2 columns", "from 1"),
        ("{file: data.npz}", '2 arrays: "x_train" and "W1"', "array: NAME"),
        ("{file: data.npz, array: x_trian}", 'no array "x_trian"', "`x_train`"),
        ("{file: labels-idx1-ubyte.gz, one_hot: 2}", "the label 2 in row 1", "from 0"),
        ("{file: data.npy, one_hot: 3}", "2 columns", "columns: 1"),
        ("{file: data.npy, rows: 0..2}", '"0"', "from 1"),
        ("{file: data.npy, rows: 2..1}", "2 to 1", ""),
        ("{file: data.npy, rows: some}", '"some"', "from 1"),
        ("{file: data.npy, scale: 1:255}", "not a single number", "value"),
        ("{file: data.npy, one_hot: 1}", "1", ""),
        ("{fiel: data.npy}", '"fiel"', "`file`"),
        ("{file: [a]}", "a list", ""),
    ],
)
def test_what_a_spec_can_ask_wrongly(folder, inputs, found, mend):
    text = network("{init: zeros}", inputs=inputs).replace("    bias", "    units: 1\n    bias")
    from tests.spec.specs import problems_of

    problems = problems_of(text, folder=folder)
    assert any(found in problem.found and mend in problem.mend for problem in problems), problems
    assert {problem.line for problem in problems} == {6}


def test_inputs_and_targets_must_be_as_many(folder):
    with pytest.raises(Exception, match="3 samples of inputs, 2 of targets"):
        spec_of(
            folder,
            "{file: images-idx3-ubyte}",
            "{file: labels-idx1-ubyte.gz, one_hot: 3, rows: 1..2}",
        )
