"""The bytes of .npz and .safetensors files: what is in them, and the same every time."""

import io
import time
import zipfile
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as arrays

import backtrace
from backtrace.formats import weights
from backtrace.formats.registry import MissingExtraError, is_ours
from tests.sampling import share

VALUES = {
    "W1": np.arange(6.0).reshape(2, 3).T,  # its lines lie across
    "b1": np.array([[0.1, -0.0, np.inf]], dtype=np.float32),
    "count": np.array(3),
    "text": np.frombuffer(b'{"epoch": 1}', dtype=np.uint8),
}


def read_npz(content):
    with np.load(io.BytesIO(content)) as archive:
        return dict(archive)


def read_safetensors(content):
    return pytest.importorskip("safetensors.numpy").load(content)


def assert_same(found, expected):
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name].dtype == value.dtype
        assert found[name].shape == value.shape
        np.testing.assert_array_equal(found[name], value)


def test_an_npz_gives_the_arrays_back():
    assert_same(read_npz(weights.npz(VALUES)), VALUES)
    packed = weights.npz(VALUES, compression=zipfile.ZIP_DEFLATED)
    assert_same(read_npz(packed), VALUES)


def test_data_are_packed_where_that_is_asked():
    zeros = {"x": np.zeros((100, 100))}
    assert len(weights.npz(zeros)) > 80_000
    assert len(weights.npz(zeros, compression=zipfile.ZIP_DEFLATED)) < 8_000


def test_a_safetensors_gives_the_arrays_back():
    pytest.importorskip("safetensors")
    assert_same(read_safetensors(weights.safetensors(VALUES)), VALUES)


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=0, max_dims=3, min_side=0)))
@settings(max_examples=share(50))
def test_any_array_comes_back(array):
    assert_same(read_npz(weights.npz({"a": array})), {"a": array})


@pytest.mark.parametrize("written", [weights.npz, weights.safetensors])
def test_the_same_arrays_give_the_same_bytes_at_any_time(written, monkeypatch):
    if written is weights.safetensors:
        pytest.importorskip("safetensors")
    before = written(VALUES)
    monkeypatch.setattr(time, "time", lambda: 2_000_000_000.0)
    assert written(VALUES) == before
    assert is_ours(before)


def test_an_npz_of_somebody_else_is_not_ours():
    other = io.BytesIO()
    np.savez(other, **VALUES)
    assert not is_ours(other.getvalue())


@pytest.mark.parametrize(
    ("written", "read"), [(weights.npz, read_npz), (weights.safetensors, read_safetensors)]
)
def test_fractions_become_floats(written, read):
    if written is weights.safetensors:
        pytest.importorskip("safetensors")
    halves = np.array([[Fraction(1, 2), Fraction(-1, 3)]], dtype=object)
    np.testing.assert_array_equal(read(written({"W1": halves}))["W1"], [[0.5, -1 / 3]])


@pytest.mark.parametrize("name", ["mlp-math", "or-gate", "digits"])
def test_starting_parameters_are_those_of_the_trace(name):
    spec = backtrace.load(name)
    trace = backtrace.trace(spec)
    found = read_npz(weights.starting_npz(spec).content)
    assert_same(found, {id: trace[id].value for id in ("W1", "b1", "W2", "b2")})


def test_single_precision_stays_single():
    text = "layers: [{activation: tanh, weights: [[0.1]], bias: 1/3}]\ninputs: 1\n"
    found = weights.starting_parameters(backtrace.loads(text + "arithmetic: float32"))
    assert_same(found, {"W1": np.float32([[0.1]]), "b1": np.float32([[1 / 3]])})


def test_without_the_library_it_is_said_what_to_install(monkeypatch):
    def missing(name):
        raise ImportError(name)

    monkeypatch.setattr(weights, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"pip install 'backtrace-nn\[safetensors\]'"):
        weights.safetensors(VALUES)
