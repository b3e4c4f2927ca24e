"""Parameters from files of their own: what fits, what is refused and in what words."""

import gzip
import io
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backtrace
from backtrace.spec import SpecError
from backtrace.spec.read.parameters import parameters, read_parameters, with_parameters

SPEC = backtrace.load("mlp-math")  # W1 is 2 × 3, b1 1 × 3, W2 3 × 1, b2 1 × 1
VALUES = {
    "W1": np.arange(6.0).reshape(2, 3),
    "b1": np.array([[7.0, 8.0, 9.0]]),
    "W2": np.array([[1.5], [2.5], [3.5]]),
    "b2": np.array([[-0.1]]),
}


@pytest.fixture
def npz(tmp_path):
    def write(**changes):
        arrays = {k: v for k, v in (VALUES | changes).items() if v is not None}
        path = tmp_path / "parameters.npz"
        np.savez(path, **arrays)
        return path

    return write


def said(path, spec=SPEC):
    with pytest.raises(SpecError) as refused:
        read_parameters(path, spec)
    return str(refused.value)


def same(found):
    if set(found) != set(VALUES):
        return False
    return all(np.array_equal(found[id].values, VALUES[id]) for id in VALUES)


def test_what_was_saved_comes_back(npz):
    path = npz(vW1=np.ones((2, 3)), backtrace=np.frombuffer(b"{}", dtype=np.uint8))
    assert same(read_parameters(path, SPEC))
    assert same(read_parameters(str(path), SPEC))


def test_a_list_of_numbers_lies_as_the_spec_has_it(npz):
    path = npz(b1=np.array([7, 8, 9]), b2=np.float32(-0.1), W2=np.array([1.5, 2.5, 3.5]))
    found = read_parameters(path, SPEC)
    assert found["b1"].values.tolist() == [[7, 8, 9]]
    assert found["W2"].shape == (3, 1)
    assert found["b2"].values.tolist() == [[float(np.float32(-0.1))]]
    assert {value.values.dtype for value in found.values()} == {np.dtype("float64")}


def test_the_spec_goes_on_from_them(npz):
    spec = with_parameters(SPEC, read_parameters(npz(), SPEC))
    assert same(parameters(spec))
    # z1 = [1 2]·[[0 1 2], [3 4 5]] + [7 8 9]
    assert backtrace.trace(spec)["z1"].value.tolist() == [[6 + 7, 9 + 8, 12 + 9]]


def test_another_spec_is_a_file_of_parameters(tmp_path):
    path = tmp_path / "other.yaml"
    text = backtrace.spec.bundled.path("mlp-math").read_text(encoding="utf-8")
    path.write_text(text, encoding="utf-8")
    found = read_parameters(path, SPEC)
    assert all(np.array_equal(found[id].values, m.values) for id, m in parameters(SPEC).items())


def test_exact_arithmetic_gets_its_fractions(tmp_path):
    text = """
layers: [{activation: linear, weights: [[1/3], [2]], bias: 0.1}]
inputs: [[3, 1]]
arithmetic: exact
"""
    path = tmp_path / "third.yaml"
    path.write_text(text)
    spec = backtrace.loads(text)
    found = read_parameters(path, spec)
    assert found["W1"].written == (("1/3",), ("2",))
    assert backtrace.trace(with_parameters(spec, found))["z1"].value[0, 0] == Fraction(31, 10)
    floats = read_parameters(path, backtrace.loads(text.replace("exact", "float64")))
    assert floats["W1"].values.tolist() == [[1 / 3], [2.0]]
    assert floats["W1"].written is None


def test_everything_that_is_wrong_is_said_at_once(npz):
    words = said(npz(W1=VALUES["W1"].T, b2=None, b1=np.array([[1, np.nan, 3]])))
    assert "W1 of 3 × 2; expected 2 × 3" in words
    assert "It lies transposed" in words
    assert "nan in row 1, column 2 in b1; expected finite numbers" in words
    assert "no b2; expected an array b2 of 1 × 1" in words
    assert "It has W1, b1 and W2." in words
    assert "parameters.npz" in words
    assert "3 problems" in words


def test_another_network_is_named_as_such(npz):
    words = said(npz(W2=np.ones((4, 1))))
    assert "W2 of 4 × 1; expected 3 × 1" in words
    assert "transposed" not in words


@pytest.mark.parametrize("wrong", [np.array([["a"] * 3] * 2), np.ones((2, 3)) * 1j])
def test_what_is_no_number_is_refused(npz, wrong):
    assert "W1" in said(npz(W1=wrong))


def test_objects_are_not_unpickled(tmp_path):
    path = tmp_path / "objects.npz"
    np.savez(path, W1=np.array([[print]], dtype=object))
    assert "or one of Python objects" in said(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("none.npz", None, "no such file"),
        ("empty.npz", b"", "an empty file"),
        ("text.npz", b"title: x\n", "no .npz"),
        ("text.safetensors", b"title: x\n", "no .safetensors"),
        ("cut.npz", b"PK\x03\x04 and then nothing", "a damaged .npz"),
        ("other.yaml", b"layers: 3\n", "layers"),
    ],
)
def test_files_that_are_none(tmp_path, name, content, words):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert words in said(path)
    assert name in said(path)


def test_a_folder_is_said_to_be_one(tmp_path):
    assert "a folder" in said(tmp_path)


@given(st.data())
def test_no_damage_ends_in_a_traceback_or_passes_unseen(data):
    import tempfile
    from pathlib import Path

    buffer = io.BytesIO()
    np.savez(buffer, **VALUES)
    content = bytearray(buffer.getvalue())
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    else:
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] ^= data.draw(st.integers(1, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "damaged.npz"
        path.write_bytes(content)
        try:
            found = read_parameters(path, SPEC)
        except SpecError:
            return
        assert same(found)  # a byte that means nothing: a time, an attribute


def test_safetensors(tmp_path):
    library = pytest.importorskip("safetensors.numpy")
    path = tmp_path / "parameters.safetensors"
    library.save_file(VALUES, path)
    assert same(read_parameters(path, SPEC))
    library.save_file({"W1": VALUES["W1"]}, path)
    assert "no W2" in said(path)
    path.write_bytes(path.read_bytes()[:-9])
    assert "damaged" in said(path)


# What a layer's `weights: {file: …}` reads, and how it is refused, is what `--parameters` does


BOTH = """
layers: [{activation: linear, weights: {file: FILE}, bias: none}]
inputs: [[1, 2]]
arithmetic: exact
"""
PLAIN = backtrace.loads(BOTH.replace("{file: FILE}", "[[1], [1]]"))
LONG = Fraction(10**120 + 1, 3 * 10**120)  # of 242 characters


def archive(values, **other):
    buffer = io.BytesIO()
    np.savez(buffer, W1=values, **other)
    return buffer.getvalue()


def tensors(values):
    return pytest.importorskip("safetensors.numpy").save({"W1": values})


def by_parameters(path):
    with_file = with_parameters(PLAIN, read_parameters(path, PLAIN))
    return backtrace.trace(with_file)["z1"].value.tolist()


def by_weights(path):
    spec = backtrace.loads(BOTH.replace("FILE", path.name), folder=path.parent)
    return backtrace.trace(spec)["z1"].value.tolist()


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: archive(np.array([[True], [False]])), 1),  # 1·1 + 2·0
        (lambda: archive(np.array([[3], [4]], dtype=">i2")), 11),
        (lambda: archive(np.asfortranarray(np.array([[0.5], [0.25]], dtype=np.float16))), 1),
        (lambda: gzip.compress(archive(np.array([[3.0], [4.0]]))), 11),
        (lambda: gzip.compress(archive(np.array([["1/3"], ["-1/2"]]))), Fraction(-2, 3)),
        (lambda: archive(np.array([[str(LONG)], ["0"]])), LONG),
        (lambda: tensors(np.array([[3.0], [4.0]])), 11),
        (lambda: tensors(np.array([[True], [True]])), 3),
    ],
)
def test_the_same_numbers(tmp_path, make, expected):
    path = tmp_path / "p"
    path.write_bytes(make())
    assert by_parameters(path) == by_weights(path) == [[expected]]


NUMBERS = np.array([[0.5], [-1.5]])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"", "an empty file"),
        (lambda: archive(NUMBERS)[:-40], "a damaged .npz"),
        (lambda: archive(NUMBERS).replace(NUMBERS.tobytes(), bytes(16), 1), "a damaged .npz"),
        (lambda: archive(NUMBERS).replace(b"descr", b"de\0cr"), "a damaged .npz"),
        (lambda: archive(np.array([[print], [1]])), "or one of Python objects"),
        (lambda: gzip.compress(archive(NUMBERS))[:-9], "a damaged or truncated gzip file"),
        (lambda: tensors(NUMBERS)[:-9], "a damaged .safetensors"),
    ],
)
def test_the_same_refusal(tmp_path, make, words):
    path = tmp_path / "p"
    path.write_bytes(make())
    with pytest.raises(SpecError) as refused:
        by_weights(path)
    assert words in str(refused.value)
    (inside,) = refused.value.problems
    with pytest.raises(SpecError) as refused:
        by_parameters(path)
    (beside,) = refused.value.problems
    assert inside.found == f'"p": {beside.found}'
    assert (inside.expected, inside.mend) == (beside.expected, beside.mend)


@pytest.mark.parametrize("text", ["1/0", "x" * 200, "9" * 400, "0,5", "1e9999"])
def test_texts_that_are_no_numbers(tmp_path, text):
    path = tmp_path / "p"
    path.write_bytes(archive(np.array([["1"], [text]])))
    for read in (by_weights, by_parameters):
        with pytest.raises(SpecError) as refused:
            read(path)
        assert "expected a number" in str(refused.value)
    assert "in W1" in str(refused.value)


def test_texts_of_no_characters(tmp_path):
    path = tmp_path / "p"
    texts = np.array([["1"], ["2"]])
    texts.view(np.uint32)[1] = 0xFFFFFFFF
    path.write_bytes(archive(texts))
    for read in (by_weights, by_parameters):
        with pytest.raises(SpecError, match="damaged texts"):
            read(path)


def test_a_missing_library_is_said_with_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "safetensors", None)
    path = tmp_path / "parameters.safetensors"
    path.write_bytes(b"\x10\0\0\0\0\0\0\0{" + b" " * 30)
    assert "pip install 'backtrace-nn[safetensors]'" in said(path)
