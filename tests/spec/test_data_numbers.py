"""The numbers of a file, in every type and order, and the memory that reading them takes."""

import gzip
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from backtrace.spec.data.request import ChosenColumns, DataError
from backtrace.tape.arithmetic import FloatArithmetic, arithmetic
from backtrace.tape.loading import loads
from tests.sampling import share
from tests.spec.files import idx, values_of

KINDS = ("?", "u1", "i1", "<u2", ">i4", "<i8", "<u8", "<f2", ">f4", "<f8", ">f8")
SPEC = """\
layers: [{{units: 10, activation: sigmoid, weights: {{init: zeros}}, bias: none}}]
inputs: {{file: images, scale: 1/255}}
targets: {{file: labels, one_hot: 10}}
loss: {loss}
arithmetic: {arithmetic}
conventions: {{layout: {layout}}}
"""


@pytest.fixture
def folder(tmp_path):
    chance = np.random.default_rng(3)
    pixels = chance.integers(0, 256, (20_000, 10, 10), dtype=np.uint8)
    (tmp_path / "images").write_bytes(gzip.compress(idx(pixels), 1))
    (tmp_path / "labels").write_bytes(idx(chance.integers(0, 10, 20_000, dtype=np.uint8)))
    return tmp_path, pixels.reshape(20_000, 100)


def spec_of(folder, arithmetic, layout="rows", loss="binary_cross_entropy"):
    text = SPEC.format(arithmetic=arithmetic, layout=layout, loss=loss)
    return loads(text, folder=folder)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_file_becomes_what_its_arithmetic_takes_as_it_is(folder, dtype):
    spec = spec_of(folder[0], dtype)
    exact = folder[1].astype(np.float64) * (1 / 255)
    assert spec.inputs.values.dtype == spec.targets.values.dtype == dtype
    assert np.array_equal(spec.inputs.values, exact.astype(dtype))
    numbers = arithmetic(spec.arithmetic)
    assert isinstance(numbers, FloatArithmetic)
    assert numbers.given(spec.inputs.values) is spec.inputs.values


@pytest.mark.parametrize("other", ["float64", "exact", "{round_each_step: 3}"])
def test_only_float32_loses_digits(tmp_path, other):
    np.save(tmp_path / "x.npy", np.array([[0.1, 1 / 3]]))
    text = "layers: [{{activation: linear, weights: [[1], [1]], bias: none}}]\n"
    text += "inputs: {{file: x.npy}}\narithmetic: {}\n"
    assert loads(text.format(other), folder=tmp_path).inputs.values.tolist() == [[0.1, 1 / 3]]
    short = loads(text.format("float32"), folder=tmp_path).inputs.values
    assert short.dtype == np.float32
    assert short.tolist() == [[float(np.float32(0.1)), float(np.float32(1 / 3))]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize("loss", ["binary_cross_entropy", "hinge", "mse"])
def test_a_data_set_is_in_memory_once(folder, dtype, layout, loss):
    spec_of(folder[0], dtype)  # imports
    tracemalloc.start()
    try:
        spec = spec_of(folder[0], dtype, layout, loss)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    data = spec.inputs.values.nbytes + spec.targets.values.nbytes
    assert data > 8_000_000
    assert peak < data + 5_000_000


@settings(max_examples=share(150))
@given(st.data())
def test_any_array_comes_out_as_numpy_has_it(tmp_path_factory, data):
    shape = tuple(data.draw(st.lists(st.integers(1, 7), min_size=0, max_size=4)))
    kind = np.dtype(data.draw(st.sampled_from(KINDS)))
    ordinary = {"allow_nan": False, "allow_infinity": False} if kind.kind == "f" else {}
    array = data.draw(arrays.arrays(kind, shape, elements=arrays.from_dtype(kind, **ordinary)))
    array = np.asfortranarray(array) if shape and data.draw(st.booleans()) else array
    table = array.reshape(shape[0] if shape else 1, -1).astype(np.float64)
    rows, width = table.shape
    first = data.draw(st.integers(1, rows))
    last = data.draw(st.integers(first, rows))
    columns = tuple(data.draw(st.lists(st.integers(1, width), max_size=4)))
    scale = data.draw(st.sampled_from([1.0, 1 / 255, -2.0]))
    path = tmp_path_factory.mktemp("array") / "x"
    if data.draw(st.booleans()):
        np.save(path.with_suffix(".npy"), array)
        path = path.with_suffix(".npy")
    else:
        np.savez(path.with_suffix(".npz"), x=array, other=np.eye(2))
        path = path.with_suffix(".npz")
    asked = {"rows": (first, last), "columns": ChosenColumns(columns) if columns else None}
    wanted = table[first - 1 : last]
    wanted = wanted[:, [column - 1 for column in columns]] if columns else wanted
    with np.errstate(all="ignore"):
        wanted = wanted * scale
    if not np.isfinite(wanted).all():  # a number near the largest, times -2
        with pytest.raises(DataError, match=r"inf in row .*, times -2"):
            values_of(path, scale, **asked)
        return
    assert np.array_equal(values_of(path, scale, **asked), wanted)


@settings(max_examples=share(60))
@given(
    arrays.arrays(np.uint8, arrays.array_shapes(min_dims=1, max_dims=3, max_side=9)),
    st.sampled_from([1.0, 1 / 255, 1 / 3]),
    st.booleans(),
)
def test_float32_is_float64_rounded_once(tmp_path_factory, array, scale, packed):
    path = tmp_path_factory.mktemp("idx") / "x"
    path.write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    short = values_of(path, scale, "float32")
    exact = values_of(path, scale)
    assert np.array_equal(exact, array.reshape(len(array), -1).astype(np.float64) * scale)
    assert np.array_equal(short, exact.astype(np.float32))


@pytest.mark.parametrize(
    ("loss", "wrong", "said"),
    [
        ("cross_entropy", 0.5, "the targets of sample 9001, which add up to 0.5"),
        ("hinge", 0.5, "the targets of sample 9001, with 0 entries 1"),
        ("binary_cross_entropy", -1, "the target -1 of sample 9001"),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_target_that_the_loss_can_not_take_is_found_far_down(tmp_path, loss, wrong, said, dtype):
    targets = np.eye(4)[np.arange(9100) % 4]
    targets[9000] = 0
    targets[9000, 1] = wrong
    np.savez(tmp_path / "d.npz", x=np.ones((9100, 2)), y=targets)
    text = "layers: [{units: 4, activation: softmax, weights: {init: zeros}, bias: none}]\n"
    text += "inputs: {file: d.npz, array: x}\ntargets: {file: d.npz, array: y}\n"
    with pytest.raises(Exception, match=said):
        loads(text + f"loss: {loss}\narithmetic: {dtype}\n", folder=tmp_path)
