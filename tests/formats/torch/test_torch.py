"""``export --to torch``: the programs run, and do what the trace does."""

import contextlib
import io
import itertools
import re
import subprocess
import sys
from itertools import product

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.torch.program import program
from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.functions.penalties import FORMS
from backtrace.spec.model import (
    Arithmetic,
    Clip,
    Conventions,
    Optimizer,
    Regularization,
    Schedule,
    Stop,
    Validation,
)
from backtrace.tape.training import train
from tests.cli.running import run
from tests.networks.kinds import LAYERED
from tests.tape.exercises import BIASES, CONVENTIONS, DIFFERENTIABLE, exercise, function, pairs

torch = pytest.importorskip("torch", reason="torch is not installed: its programs can't run")

__all__ = ["run"]

UPDATES = 3
EQUAL = {"rtol": 1e-9, "atol": 1e-12}


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """On a busy machine threads wait for each other longer than such small matrices take."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def usual_dtype():
    """The programs choose a type for the process; tests after this one get the usual."""
    yield
    torch.set_default_dtype(torch.float32)


def text_of(spec):
    written = program(spec)
    assert written.beside is None
    return written.content.decode()


def executed(text):
    """The names that a program leaves behind, and what it printed."""
    names, printed = {"__name__": "__main__"}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(text, "program.py", "exec"), names)
    return names, printed.getvalue()


def parameters(names, spec):
    """The parameters that a program ends with, as the spec writes them."""
    found, conventions = {}, spec.conventions
    for number, layer in enumerate(spec.layers, 1):
        module = names[f"layer{number}"]
        weights = module.weight.detach().numpy()  # units × inputs
        bias = None if module.bias is None else module.bias.detach().numpy()[:, None]
        if layer.bias.kind == "first":
            weights = np.hstack([bias, weights])
        elif layer.bias.kind == "last":
            weights = np.hstack([weights, bias])
        elif bias is not None:
            bias = -bias if layer.bias.kind == "threshold" else bias
            found[f"b{number}"] = bias.T if conventions.layout == "rows" else bias
        found[f"W{number}"] = weights.T if conventions.weights == "in_out" else weights
    return found


def left(spec):
    """The parameters after the last update, as the trace has them."""
    trace = backtrace.trace(spec)
    last = trace.update(*trace.updates[-1])
    ids = [id for id in last if re.fullmatch(r"[Wb]\d+", id)]
    return {id: np.asarray(last.get(f"{id}_new", last[id]).value, dtype=float) for id in ids}


def assert_same_course(spec, **tolerances):
    names, _ = executed(text_of(spec))
    found, expected = parameters(names, spec), left(spec)
    assert found.keys() == expected.keys()
    for id, value in expected.items():
        np.testing.assert_allclose(found[id], value, **(tolerances or EQUAL), err_msg=id)


# The same numbers as the trace


@pytest.mark.parametrize("activation", DIFFERENTIABLE)
def test_every_activation(activation):
    for number, output in enumerate(("linear", activation)):
        spec = exercise((3, 4, 2), (activation, output), n=5, seed=number, epochs=UPDATES)
        assert_same_course(spec)


@pytest.mark.parametrize(
    "unit",
    [
        function("linear", slope=Number(1 / 3, "1/3")),
        function("leaky_relu", slope=Number(0.2, "0.2")),
        function("leaky_relu", slope=Number(-0.5, "-0.5")),
        function("elu", alpha=Number(0.7, ".7")),
        function("hard_sigmoid", slope=Number(0.2, "0.2")),
    ],
    ids=lambda unit: f"{unit.name} {next(iter(unit.parameters.values())).text}",
)
def test_every_parameter_of_an_activation(unit):
    assert_same_course(exercise((3, 4, 4, 2), (unit, unit, "linear"), n=5, epochs=UPDATES))


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_with_every_output(loss):
    for (activation, of), mean in product(pairs(), (True, False)):
        if of == loss:
            spec = exercise((3, 4, 3), ("tanh", activation), loss=loss, mean=mean, n=5)
            assert_same_course(msgspec.structs.replace(spec, epochs=UPDATES))
            long_way = msgspec.structs.replace(spec, output_delta="chain", epochs=2)
            assert_same_course(long_way)


def test_a_gradient_that_is_given():
    spec = exercise((3, 4, 2), ("tanh", "sigmoid"), loss="upstream", n=5, batch_size=2, epochs=2)
    assert_same_course(spec)


OPTIMIZER_FORMS = [(name, form) for name, row in OPTIMIZERS.items() for form in row.lines]
SCHEDULES = [
    Schedule(),
    Schedule("step", {"every": Number(2, "2"), "factor": Number(0.5, "0.5")}),
    Schedule("exponential", {"factor": Number(0.9, "0.9")}),
    Schedule("inverse_time", {"decay": Number(0.1, "0.1")}),
    Schedule("list", rates=(Number(0.1, "0.1"), Number(1 / 3, "1/3"), Number(0.05, "0.05"))),
]


@pytest.mark.parametrize(("name", "form"), OPTIMIZER_FORMS)
@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda schedule: schedule.kind)
def test_every_optimizer_with_every_schedule(name, form, schedule):
    if name == "nadam" and int(torch.__version__.split(".")[0]) < 2:
        pytest.skip("the NAdam of PyTorch 1 multiplies a momentum twice into the product")
    row = OPTIMIZERS[name]
    rate = schedule.rates[0] if schedule.rates else Number(0.1, "0.1")
    for constants in (row.constants, {key: Number(0.5, "0.5") for key in row.constants}):
        optimizer = Optimizer(name, rate, dict(constants), form or None)
        spec = exercise(
            (3, 4, 2), ("tanh", "linear"), n=5, optimizer=optimizer, schedule=schedule, epochs=5
        )
        assert_same_course(spec, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("schedule", [SCHEDULES[0], SCHEDULES[1], SCHEDULES[4]], ids=str)
@pytest.mark.parametrize(
    ("name", "form"), [form for form in OPTIMIZER_FORMS if form != ("nadam", "")]
)
def test_what_pytorch_does_not_have_is_written_line_by_line(name, form, schedule, monkeypatch):
    monkeypatch.setattr("backtrace.formats.torch.optimizer.PYTORCHS", {})
    monkeypatch.setattr("backtrace.formats.torch.network.MODULES", {})
    monkeypatch.setattr("backtrace.formats.torch.objective.SUMS", {})
    rate = schedule.rates[0] if schedule.rates else Number(0.1, "0.1")
    optimizer = Optimizer(name, rate, dict(OPTIMIZERS[name].constants), form or None)
    fields = {"optimizer": optimizer, "schedule": schedule, "epochs": 4}
    for activation, loss in zip(DIFFERENTIABLE, itertools.cycle(LOSSES), strict=False):
        if LOSSES[loss].outputs == "any":
            assert_same_course(exercise((3, 4, 2), (activation, "sigmoid"), loss=loss, **fields))


@pytest.mark.parametrize("name", ["momentum", "nesterov"])
def test_a_momentum_of_0_is_none(name):
    optimizer = Optimizer(name, Number(0.1, "0.1"), {"momentum": Number(0.0, "0")}, "accumulate")
    optimizer = msgspec.structs.replace(optimizer, form=None if name == "nesterov" else "step")
    assert_same_course(exercise((3, 4, 2), ("tanh", "linear"), optimizer=optimizer, epochs=4))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("bias", ["added", "first", "threshold"])
def test_every_penalty(form, bias):
    zero, some = Number(0.0, "0"), Number(0.05, "0.05")
    for l1, l2, biases in product((zero, some), (zero, some), (False, True)):
        penalty = Regularization(l1, l2, form, biases)
        spec = exercise((3, 4, 2), ("tanh", "linear"), n=5, biases=bias, regularization=penalty)
        assert_same_course(msgspec.structs.replace(spec, epochs=2, batch_size=2))


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("conventions", CONVENTIONS, ids=str)
def test_every_bias_in_every_convention(bias, conventions):
    mixed = [bias, BIASES[BIASES.index(bias) - 1]]
    spec = exercise((3, 4, 2), ("tanh", "sigmoid"), n=5, biases=mixed, conventions=conventions)
    adam = Optimizer("adam", Number(0.1, "0.1"), dict(OPTIMIZERS["adam"].constants))
    assert_same_course(msgspec.structs.replace(spec, epochs=UPDATES))
    assert_same_course(msgspec.structs.replace(spec, epochs=UPDATES, optimizer=adam, batch_size=2))


@pytest.mark.parametrize("size", [1, 2, 5, 7])
@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("seed", [None, 3])
def test_batches_in_the_order_of_the_trace(size, shuffle, seed):
    spec = exercise((3, 4, 2), ("tanh", "linear"), n=5, batch_size=size, shuffle=shuffle)
    assert_same_course(msgspec.structs.replace(spec, epochs=3, seed=seed))


@pytest.mark.parametrize("frozen", [[], ["b1"]])
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_gradients_are_clipped(name, frozen):
    optimizer = Optimizer(name, Number(0.1, "0.1"), dict(OPTIMIZERS[name].constants))
    fields = {"n": 5, "optimizer": optimizer, "freeze": frozenset(frozen), "epochs": 3}
    for kind, limit in product(("norm", "value"), (0.05, 0.5, 50.0)):
        clip = Clip(kind, Number(limit, str(limit)))
        spec = exercise((3, 4, 2), ("tanh", "linear"), clip=clip, batch_size=2, **fields)
        assert_same_course(spec, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("frozen", [["b1"], ["W1", "b1"], ["b1", "b2"], ["W2"]])
def test_frozen_parameters_stay(frozen):
    spec = exercise((3, 4, 2), ("tanh", "linear"), n=5, freeze=frozenset(frozen), epochs=3)
    assert_same_course(spec)
    with_momentum = Optimizer("momentum", Number(0.1, "0.1"), {"momentum": Number(0.9, "0.9")})
    by_hand = {"optimizer": msgspec.structs.replace(with_momentum, form="step")}
    assert_same_course(msgspec.structs.replace(spec, schedule=SCHEDULES[2], **by_hand))


def test_frozen_lines_of_augmented_weights():
    spec = exercise((3, 4, 2), ("tanh", "linear"), biases="last", freeze=frozenset(["W1"]))
    assert_same_course(msgspec.structs.replace(spec, epochs=3))


@pytest.mark.parametrize("how", ["everything is frozen", "no optimizer"])
def test_without_an_update_the_program_ends_at_the_gradients(how):
    spec = exercise((3, 2), ("tanh",), optimizer=None)
    if how == "everything is frozen":
        spec = exercise((3, 2), ("tanh",), freeze=frozenset(["W1", "b1"]))
    names, printed = executed(text_of(spec))
    assert printed == "The first gradients are those of the trace.\n"
    assert "optimizer" not in names
    assert_same_course(spec)


KINKS = """
layers:
  - {{activation: {unit}, weights: [[1, -1], [2, 0]], bias: [0, 0]}}
  - {{activation: linear, weights: [[1, -1], [1, 2]], bias: none}}
inputs: [[1, -0.5], [2, 1], [0, 1.25]]
targets: {targets}
loss: {loss}
learning_rate: 0.1
epochs: 1
"""
SQUARES, CLASSES = "[[1, 2], [0, 1], [1, 1]]", "[[1, 0], [0, 1], [1, 0]]"


@pytest.mark.parametrize(
    ("unit", "loss", "targets"),
    [
        ("relu", "mse", SQUARES),  # z1[1,1] is 0
        ("{name: elu, alpha: 2}", "mse", SQUARES),
        ("selu", "mse", SQUARES),
        ("{name: leaky_relu, slope: 0.1}", "mse", SQUARES),
        ("{name: hard_sigmoid, slope: 0.2}", "mse", SQUARES),  # z1[3,1] is 2.5, a corner
        ("{name: hard_sigmoid, slope: 0.125}", "mse", SQUARES),  # z1[2,1] is 4, a corner
        ("relu", "mae", "[[0, 0], [1, 1], [1, 1]]"),  # an error of 0
        ("relu", "{name: huber, delta: 0.5}", "[[0, 0.5], [1, 1], [1, 1]]"),  # one of 0.5
        ("linear", "hinge", CLASSES),
        ("linear", "binary_hinge", "[[1, -1], [-1, 1], [1, 1]]"),
        ("hard_tanh", "mse", SQUARES),
    ],
)
def test_at_a_kink_the_slope_is_the_traces(unit, loss, targets):
    assert_same_course(backtrace.loads(KINKS.format(unit=unit, loss=loss, targets=targets)))


def test_targets_that_only_nearly_add_up_to_1():
    third = np.full((2, 3), 0.333333)
    spec = exercise((3, 3), ("softmax",), loss="cross_entropy")
    spec = msgspec.structs.replace(
        spec, targets=msgspec.structs.replace(spec.targets, values=third)
    )
    executed(text_of(spec))  # its assertion holds


@pytest.mark.parametrize("arithmetic", [Arithmetic("exact"), Arithmetic("rounded", 3)], ids=str)
def test_what_is_not_a_float_is_worked_in_float64(arithmetic):
    spec = backtrace.load("small-mlp")
    names, _ = executed(text_of(msgspec.structs.replace(spec, arithmetic=arithmetic)))
    for id, value in left(spec).items():
        np.testing.assert_allclose(parameters(names, spec)[id], value, **EQUAL)


def test_float32():
    spec = exercise((3, 4, 2), ("tanh", "softmax"), loss="cross_entropy", n=5, epochs=3)
    spec = msgspec.structs.replace(spec, arithmetic=Arithmetic("float32"))
    assert_same_course(spec, rtol=1e-4, atol=1e-6)
    names, _ = executed(text_of(spec))
    assert {p.dtype for p in names["net"].parameters()} == {torch.float32}


# Watched trainings


def held_out(spec, every=3):
    """The spec with every third sample held out."""
    axis = 0 if spec.conventions.layout == "rows" else 1
    held = np.arange(spec.samples) % every == every - 1

    def of(matrix, rows):
        return msgspec.structs.replace(matrix, values=np.compress(rows, matrix.values, axis))

    validation = Validation(of(spec.inputs, held), of(spec.targets, held))
    kept = {"inputs": of(spec.inputs, ~held), "targets": of(spec.targets, ~held)}
    return msgspec.structs.replace(spec, validation=validation, **kept)


@pytest.mark.parametrize("layout", ["rows", "columns"])
@pytest.mark.parametrize(
    "stop",
    [Stop(), Stop(patience=2), Stop(loss=Number(1.2, "1.2")), Stop(Number(0.1, "0.1"), 4)],
    ids=str,
)
@pytest.mark.parametrize("hold_out", [False, True])
def test_a_watched_training_keeps_and_ends_as_train_does(layout, stop, hold_out):
    conventions = Conventions(layout=layout)
    spec = exercise(
        (3, 6, 3), ("tanh", "softmax"), loss="cross_entropy", n=12, conventions=conventions,
        optimizer=Optimizer("sgd", Number(1.5, "1.5")), stop=stop, epochs=1, training_epochs=30,
        regularization=Regularization(l2=Number(0.01, "0.01")), batch_size=4, shuffle=True,
    )  # fmt: skip
    spec = held_out(spec) if hold_out else spec
    trained = train(msgspec.structs.replace(spec, epochs=30))
    names, _ = executed(text_of(spec))
    assert names["epoch"] == trained.records[-1].epoch
    if stop.patience or hold_out:
        assert names["best_epoch"] == trained.state.epoch
    for id, value in trained.state.parameters(spec).items():
        np.testing.assert_allclose(parameters(names, spec)[id], value, rtol=1e-7, atol=1e-9)


def test_what_is_printed_is_what_train_measures():
    spec = msgspec.structs.replace(backtrace.load("xor"), stop=Stop(), epochs=40)
    spec = msgspec.structs.replace(spec, training_epochs=None)
    _, printed = executed(text_of(spec))
    lines = re.findall(r"epoch +(\d+)  loss (\S+)  accuracy (\S+)%", printed)
    assert [int(epoch) for epoch, _, _ in lines] == [*range(0, 41, 4)]
    records = train(spec).records
    for epoch, loss, accuracy in lines:
        measured = records[int(epoch)].training
        assert loss == f"{measured.loss:.6g}"
        assert accuracy == f"{100 * measured.accuracy:.1f}"


# Bundled networks, as a person runs them


@pytest.mark.parametrize("name", LAYERED)
def test_a_bundled_network(name, tmp_path, run):
    file = tmp_path / "net.py"
    done = run("export", name, "-o", str(file), "--epochs", "2") if trains(name) else run(
        "export", name, "-o", str(file)
    )  # fmt: skip
    assert (done.code, done.out) == (0, "")
    beside = [path.name for path in tmp_path.iterdir() if path != file]
    large = name in ("digits", "mnist")
    assert beside == (["net.npz"] if large else [])
    assert done.err == (
        f"{file.with_suffix('.npz')}: the data and parameters that {file} reads\n" if large else ""
    )
    spec = backtrace.load(name)
    names, _ = executed_file(file)
    spec = msgspec.structs.replace(spec, epochs=2 if trains(name) else 1)
    for id, value in train(spec).state.parameters(spec).items() if trains(name) else ():
        np.testing.assert_allclose(parameters(names, spec)[id], value, **EQUAL)


def trains(name):
    return backtrace.load(name).optimizer is not None


def executed_file(file):
    names, printed = {"__name__": "__main__", "__file__": str(file)}, io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), names)
    return names, printed.getvalue()


@pytest.mark.slow
def test_python_runs_it_without_a_warning_from_any_folder(tmp_path, run):
    file = tmp_path / "a folder" / "mnist é.py"
    file.parent.mkdir()
    assert run("export", "mnist", "-o", str(file)).code == 0
    done = subprocess.run(
        [sys.executable, "-W", "error", str(file)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("The first gradients are those of the trace.\nepoch    0  loss ")


# The assertion can fail


def spoilt(text, name):
    """The program with the first number of ``name`` a hundredth off."""
    found = re.search(rf"^{name} = torch\.tensor\(\[\s*\[(-?[\d.e-]+)", text, re.MULTILINE)
    changed = str(float(found[1]) + 0.01)
    return text[: found.start(1)] + changed + text[found.end(1) :]


@pytest.mark.parametrize("name", ["x", "y", "W1", "b1", "W2", "b2", "dW1", "db1", "dW2", "db2"])
def test_the_assertion_can_fail(name):
    text = text_of(backtrace.load("or-gate"))
    executed(text)
    if name == "x":  # a sample of zeros reaches no weight
        text = text.replace("[1.0, 1.0]])", "[1.0, 1.01]])")
    with pytest.raises(AssertionError, match="not close"):
        executed(text if name == "x" else spoilt(text, name))


@pytest.mark.parametrize("change", [" ** 2 / 2", " / len(x)", "nn.Sigmoid(), "])
def test_another_loss_or_network_fails(change):
    text = text_of(backtrace.load("or-gate"))
    assert change in text
    with pytest.raises(AssertionError, match="not close"):
        executed(text.replace(change, ""))


def slipped(text, target, slip):
    """The program with a slip in one of autograd's gradients before it is compared."""
    line = f"{target}.grad = {slip.format(f'{target}.grad')}\n"
    return text.replace("for parameter, gradient in [", line + "for parameter, gradient in [")


def test_a_gradient_that_vanishes_is_compared_too():
    text = text_of(exercise((1, *[1] * 8), ("sigmoid",) * 8, biases="none"))
    executed(text)
    tiny = float(re.search(r"dW1 = torch.tensor\(\[\[(\S+)\]\]", text)[1])
    assert 0 < abs(tiny) < 1e-7
    with pytest.raises(AssertionError, match="not close"):
        executed(slipped(text, "layer1.weight", "-{}"))


SLIPS = {
    "a wrong sign": "-{}",
    "the 1/n forgotten": "{} * len(x)",
    "a 1/n too many": "{} / len(x)",
    "transposed": "{}.T.contiguous()",
}


@pytest.mark.parametrize("single", [False, True])
@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_one_gradient_is_caught(slip, single):
    kind = Arithmetic("float32" if single else "float64")
    for seed, (activation, loss) in enumerate(pairs()[::5]):
        widths, units = (3, 3, 3), (DIFFERENTIABLE[seed % len(DIFFERENTIABLE)], activation)
        spec = exercise(widths, units, loss=loss, n=7, seed=seed, optimizer=None, arithmetic=kind)
        if (activation, loss) == ("softmax", "output"):
            continue  # the outputs add up to 1: nothing is left of the gradients but roundings
        text = text_of(spec)
        names, _ = executed(text)
        for target in ("layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias"):
            layer, parameter = target.split(".")
            nothing = not getattr(names[layer], parameter).grad.any()
            if nothing or (slip == "transposed" and parameter == "bias"):
                continue
            with pytest.raises(AssertionError, match="not close"):
                executed(slipped(text, target, SLIPS[slip]))


PIXELS = """
layers:
  - activation: sigmoid
    weights: [[0.05, -0.3, 0.02], [-0.02, 0.1, 0.04], [0.01, -0.2, -0.01]]
    bias: [0, 0, 0]
  - {{activation: sigmoid, weights: [[1.5], [-0.5], [0.8]], bias: 0}}
inputs: [[255, 12, 80], [130, 7, 44], [31, 240, 9], [200, 99, 180]]
targets: [[1], [0], [1], [0]]
loss: binary_cross_entropy
arithmetic: {}
"""


@pytest.mark.parametrize(("arithmetic", "off"), [("float32", 1.1), ("float64", 1.0001)])
@pytest.mark.parametrize("target", ["layer1.weight", "layer1.bias", "layer2.weight", "layer2.bias"])
def test_unscaled_pixels_leave_the_assertion_sharp(arithmetic, off, target):
    text = text_of(backtrace.loads(PIXELS.format(arithmetic)))
    executed(text)
    with pytest.raises(AssertionError, match="not close"):
        executed(slipped(text, target, f"{{}} * {off}"))


def scaled_inputs(spec, by):
    inputs = msgspec.structs.replace(spec.inputs, values=spec.inputs.values * by)
    return msgspec.structs.replace(spec, inputs=inputs)


@pytest.mark.parametrize("by", [20, 255])
def test_a_saturated_softmax_passes_its_own_assertion(by):
    ran = 0
    for seed in range(40):
        widths, units = ((3, 4, 3), ("tanh", "softmax")) if seed % 2 else ((3, 3), ("softmax",))
        loss = "binary_cross_entropy"
        spec = exercise(widths, units, loss=loss, n=2, seed=seed, optimizer=None)
        with contextlib.suppress(NotExpressibleError):  # an output of 1 where the target is not
            executed(text_of(scaled_inputs(spec, by)))
            ran += 1
    assert ran >= 20


@pytest.mark.parametrize("single", [False, True])
def test_honest_programs_pass_whatever_the_sizes(single):
    """Widths, data and weights of every size: only what is not finite is refused."""
    kind = Arithmetic("float32" if single else "float64")
    for seed, ((activation, loss), scale) in enumerate(product(pairs(), (1, 255))):
        hidden = DIFFERENTIABLE[seed % len(DIFFERENTIABLE)]
        spec = exercise((3, 4, 3), (hidden, activation), loss=loss, n=7, seed=seed, optimizer=None)
        spec = msgspec.structs.replace(scaled_inputs(spec, scale), arithmetic=kind)
        with contextlib.suppress(NotExpressibleError):
            executed(text_of(spec))
