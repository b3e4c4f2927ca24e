"""Weights and biases from files of several arrays: which of them is taken, and in what shape."""

import builtins
import sys
from contextlib import suppress

import numpy as np
import pytest

import backtrace
from backtrace.tape.loading import loads
from tests.spec.specs import only_problem, problems_of

LAYERS = """\
layers:
  - activation: tanh
    weights: {file: FILE}
    bias: BIAS
  - activation: linear
    weights: {file: FILE}
    bias: {file: FILE}
inputs: [[1, 2]]
"""
VALUES = {
    "W1": np.array([[0.5, -1.0, 2.0], [1.5, 0.0, 1 / 3]]),
    "b1": np.array([[0.1, 0.2, 0.3]]),
    "W2": np.array([[1.0], [2.0], [3.0]]),
    "b2": np.array([[-0.5]]),
}
OTHERS = {"vW1": np.ones((2, 3)), "best_W1": np.zeros((2, 3)), "backtrace": np.zeros(9, np.uint8)}


def text_of(file, bias=""):
    return LAYERS.replace("BIAS", bias or f"{{file: {file}}}").replace("FILE", file)


def save(path, values):
    if path.suffix == ".npz":
        np.savez(path, **values)
        return
    from safetensors.numpy import save_file

    save_file({name: np.ascontiguousarray(value) for name, value in values.items()}, path)


def parameters(spec):
    for number, layer in enumerate(spec.layers, 1):
        yield f"W{number}", layer.weights.values
        yield f"b{number}", layer.bias.values.values


@pytest.fixture(params=["p.npz", "p.safetensors"])
def saved(request, tmp_path):
    if request.param.endswith("safetensors"):
        pytest.importorskip("safetensors")
    save(tmp_path / request.param, VALUES | OTHERS)
    return tmp_path, request.param


def test_each_layer_takes_its_own(saved):
    folder, file = saved
    for name, values in parameters(loads(text_of(file), folder=folder)):
        assert np.array_equal(values, VALUES[name])
        assert values.dtype == np.float64


def test_an_array_by_name(saved):
    folder, file = saved
    text = text_of(file).replace(f"{{file: {file}}}", f"{{file: {file}, array: best_W1}}", 1)
    assert not loads(text, folder=folder).layers[0].weights.values.any()
    problem = only_problem(text.replace("best_W1", "bestW1"), folder=folder)
    assert problem.found == f'"{file}": no array "bestW1"'
    assert problem.mend == "Did you mean `best_W1`?"


@pytest.mark.parametrize("form", ["shared", "threshold"])
def test_a_bias_of_another_form(saved, form):
    folder, file = saved
    values = VALUES["b1"] if form == "threshold" else np.array([[0.35]])
    save(folder / file, VALUES | {"b1": values})
    spec = loads(text_of(file, f"{{{form}: {{file: {file}}}}}"), folder=folder)
    assert spec.layers[0].bias.kind == form
    assert np.array_equal(spec.layers[0].bias.values.values, values)


def test_the_parameters_of_a_training_are_those_of_the_next(saved):
    folder, file = saved
    text = text_of(file) + "targets: 1\nloss: mse\nlearning_rate: 0.1\n"
    trace = backtrace.trace(loads(text, folder=folder))
    new = {name: trace[f"{name}_new"].value for name in VALUES}
    save(folder / file, new)
    for name, values in parameters(loads(text, folder=folder)):
        assert np.array_equal(values, new[name])


def test_data_come_from_such_a_file_too(saved):
    folder, file = saved
    images = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    save(folder / file, {"x": images, "y": np.array([2, 0, 1, 2]), "small": np.array(7.0)})
    text = "layers: [{units: 3, activation: softmax, weights: {init: zeros}, bias: none}]\n"
    text += f"inputs: {{file: {file}, array: x, rows: 2..3, columns: [1, 6, 2], scale: 1/2}}\n"
    text += f"targets: {{file: {file}, array: y, rows: 2..3, one_hot: 3}}\nloss: cross_entropy\n"
    spec = loads(text + "arithmetic: float32\n", folder=folder)
    assert spec.inputs.values.tolist() == [[3, 5.5, 3.5], [6, 8.5, 6.5]]
    assert spec.inputs.values.dtype == spec.targets.values.dtype == np.float32
    assert spec.targets.values.tolist() == [[1, 0, 0], [0, 1, 0]]
    problem = problems_of(text.replace("one_hot: 3", "one_hot: 2, rows: 4"), folder=folder)
    assert any("second time" in each.found for each in problem)
    problem = only_problem(text.replace("rows: 2..3, one_hot: 3", "one_hot: 2"), folder=folder)
    assert problem.found == f'"{file}": the label 2 in row 1'
    one = text.replace("array: x, rows: 2..3, columns: [1, 6, 2]", "array: small")
    one = one.replace("array: y, rows: 2..3", "array: y, rows: 1")
    assert loads(one, folder=folder).inputs.values.tolist() == [[3.5]]


def test_the_only_array_is_taken_unless_it_is_another_parameter(tmp_path):
    np.savez(tmp_path / "one.npz", weights=VALUES["W1"])
    layer = "layers: [{activation: tanh, weights: {file: one.npz}, bias: none}]\n"
    text = layer + "inputs: [[1, 2]]\n"
    assert loads(text, folder=tmp_path).layers[0].weights.shape == (2, 3)
    np.savez(tmp_path / "one.npz", W2=VALUES["W1"])
    problem = only_problem(text, folder=tmp_path)
    assert problem.found == '"one.npz": 1 array: "W2"'
    assert problem.expected == 'one named "W1"'


def test_fractions_that_stand_as_texts_stay_exact(tmp_path):
    texts = {"W1": np.array([["1/3", "0.1", "-2"], ["17/4", "1e-3", "0"]]), "b1": ["1/7", "2", "3"]}
    values = {name: np.array([["1/2"], ["2"], ["3"]]) for name in ("W2",)}
    np.savez(tmp_path / "p.npz", **texts, **values, b2=np.array("1/9"))
    spec = loads(text_of("p.npz") + "arithmetic: exact\n", folder=tmp_path)
    assert spec.layers[0].weights.written == (("1/3", "0.1", "-2"), ("17/4", "1e-3", "0"))
    assert spec.layers[0].weights.values.tolist() == [[1 / 3, 0.1, -2], [4.25, 1e-3, 0]]
    assert spec.layers[0].bias.values.written == (("1/7", "2", "3"),)
    assert spec.layers[1].bias.values.values.tolist() == [[1 / 9]]
    np.savez(tmp_path / "p.npz", **(texts | {"W1": [["a", "1", "1"]] * 2}), **values, b2=[["0"]])
    assert '"a"' in only_problem(text_of("p.npz"), folder=tmp_path).found


# --- .safetensors

DAMAGED = "a damaged .safetensors, or one of types that NumPy does not have"


@pytest.fixture
def tensors(tmp_path):
    pytest.importorskip("safetensors")
    path = tmp_path / "p.safetensors"
    save(path, VALUES)
    return path


def found_in(path):
    text = "layers: [{activation: tanh, weights: {file: p.safetensors}, bias: none}]\n"
    return only_problem(text + "inputs: [[1, 2]]\n", folder=path.parent)


def test_a_safetensors_file_without_its_library(tensors, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors", None)
    problem = found_in(tensors)
    assert "extra safetensors" in problem.found
    assert "pip install 'backtrace-nn[safetensors]'" in problem.mend


def test_a_safetensors_file_that_ends_early_or_late(tensors):
    content = tensors.read_bytes()
    for damaged in (*(content[:end] for end in range(9, len(content))), content + b"more"):
        tensors.write_bytes(damaged)
        assert found_in(tensors).found.endswith(DAMAGED)


def test_any_byte_of_a_safetensors_file(tensors):
    content = tensors.read_bytes()
    header = int.from_bytes(content[:8], "little")
    text = "layers: [{activation: tanh, weights: {file: p.safetensors}, bias: none}]\n"
    text += "inputs: [[1, 2]]\n"
    for at in range(8 + header):  # what follows are the numbers, of which it has no checksum
        for change in (1, 0x80):
            damaged = bytearray(content)
            damaged[at] ^= change
            tensors.write_bytes(bytes(damaged))
            with suppress(backtrace.SpecError):
                loads(text, folder=tensors.parent)


def test_types_that_numpy_does_not_have(tensors):
    import json

    header = {"W1": {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}}
    text = json.dumps(header).encode()
    tensors.write_bytes(len(text).to_bytes(8, "little") + text + bytes(12))
    assert found_in(tensors).found.endswith(DAMAGED)


def test_the_library_is_loaded_only_for_its_files(tmp_path):
    np.savez(tmp_path / "p.npz", **VALUES)
    imported = []
    real = builtins.__import__
    for module in [name for name in sys.modules if name.split(".")[0] == "safetensors"]:
        del sys.modules[module]
    try:
        builtins.__import__ = lambda name, *rest: imported.append(name) or real(name, *rest)
        loads(text_of("p.npz"), folder=tmp_path)
    finally:
        builtins.__import__ = real
    assert "safetensors" not in imported
    assert "safetensors" not in sys.modules
