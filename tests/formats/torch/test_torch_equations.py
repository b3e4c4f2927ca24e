"""``export --to torch`` of equations: their text, and what the programs do where there is torch."""

import ast
import contextlib
import io

import numpy as np
import pytest
from msgspec.structs import replace

import backtrace
from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.torch.equations import ALONG, CHOICES, PYTORCHS, WINDOWS, program_names
from backtrace.formats.torch.program import program
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.equations.vocabulary import SIGNATURES
from backtrace.spec.model import Arithmetic, Clip, Number, Optimizer, Schedule, Stop
from backtrace.tape.run import trace
from backtrace.tape.training import train
from tests.networks.kinds import EQUATIONS
from tests.tape.boards import board

RATE = Number(0.1, "0.1")
FORMS = [
    (name, form)
    for name, row in OPTIMIZERS.items()
    for form in row.forms or (None,)
    if name != "nadam"  # PyTorch 1 multiplies a momentum twice into its product
]
WITH_A_LOSS = [n for n in EQUATIONS if backtrace.load(n).equations.has_backward]


def text_of(spec):
    written = program(spec)
    assert written.beside is None
    return written.content.decode()


# The text


@pytest.mark.parametrize("name", WITH_A_LOSS)
def test_every_bundled_board_is_a_program(name):
    names = {
        node.targets[0].id
        for node in ast.walk(ast.parse(text_of(backtrace.load(name))))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for line in backtrace.load(name).equations.lines:
        assert names & {line.id, f"{line.id}_"}  # F is PyTorch's


def test_a_line_reads_as_on_the_board():
    text = text_of(backtrace.load("recurrent"))
    assert "    # t = 1\n    h_1 = torch.tanh(W_xh @ x_1 + W_hh @ h_0 + b_h)\n" in text
    assert "    p_3 = torch.softmax(o_3, 0)\n" in text  # a sample is a column
    assert "    L_3 = cross_entropy(p_3.T, y_3.T)\n" in text
    assert "check(W_hh.grad, dW_hh)\n" in text
    assert "net = nn.ParameterList([W_xh, W_hh, W_hy, b_h, b_y])\n" in text


def test_names_that_mean_something_else_in_python_are_changed():
    names = program_names(["x", "lambda", "torch", "torch_", "sigmoid", "L"], {"L"})
    assert names == {
        "x": "x",
        "lambda": "lambda_",
        "torch": "torch__",
        "torch_": "torch_",
        "sigmoid": "sigmoid_",
        "L": "L_",
    }


@pytest.mark.parametrize(
    ("expression", "written"),
    [
        ("-x^2", "-x ** 2"),
        ("(x - 1) * (2 - x) / 3", "(x - 1) * (2 - x) / 3"),
        ("x - (y - x)", "x - (y - x)"),
        ("(x @ y.T)[1,:]", "(x @ y.T)[0:1, :]"),
        ("sum(x, each=column)", "x.sum(0, keepdim=True)"),
        ("var(x + y, unbiased=true)", "(x + y).var((0, 1), unbiased=True, keepdim=True)"),
        ("rows(x, 2, 1, 2)", "x[[1, 0, 1]]"),
        ("maximum(x, y)", "torch.where(x >= y, x, y)"),
        ("vstack(x[1,1], 2)", "torch.vstack([x[0:1, 0:1], torch.tensor([[float(2)]])])"),
        (
            "conv(x, y, padding=1, flip=true)",
            "F.conv2d(x[None, None], y.flip(0, 1)[None, None], stride=1, padding=1)[0, 0]",
        ),
        ("leaky_relu(x, slope=0.2)", "F.leaky_relu(x, 0.2)"),
    ],
)
def test_expressions(expression, written):
    spec = backtrace.loads(
        "{given: {x: [[1, 2], [3, 4]], y: [[5, 6], [7, 8]]}, "
        f'equations: ["q = {expression}", "p = y * 2", L = sum(q) + sum(p) + sum(x)], loss: L}}'
    )
    lines = [line.strip() for line in text_of(spec).splitlines()]
    start = lines.index('"""The equations, line by line."""') + 1
    found = " ".join(lines[start : next(i for i, each in enumerate(lines) if each[:4] == "p = ")])
    assert found.replace("q = ( ", "q = ").removesuffix(" )") == f"q = {written}"


def test_the_program_has_words_for_all_that_a_line_may_call():
    known = {*ALONG, *CHOICES, *PYTORCHS, *WINDOWS, *FUNCTIONS, *LOSSES, "rows"}
    assert SIGNATURES.keys() <= known


def test_without_a_loss_there_is_no_program():
    with pytest.raises(NotExpressibleError, match="`loss: L`"):
        program(backtrace.load("perceptron"))


def test_many_numbers_are_in_a_file_beside_it():
    rows = [[round(i * j / 400, 3) for j in range(21)] for i in range(20)]
    spec = backtrace.loads(
        f"{{given: {{X: {rows}, W: 1}}, equations: [L = mean(X * W)], loss: L, parameters: [W]}}"
    )
    written = program(spec, "p.npz")
    with np.load(io.BytesIO(written.beside)) as arrays:
        assert sorted(arrays) == ["W", "X", "dW", "dX"]
    assert b'X = torch.from_numpy(given["X"]).requires_grad_()' in written.content
    assert b'W = nn.Parameter(torch.from_numpy(given["W"]))' in written.content


# What they do


@pytest.fixture
def executed():
    """Runs a program; the names that it leaves behind, and what it printed."""
    torch = pytest.importorskip("torch", reason="torch is not installed: its programs can't run")
    torch.set_num_threads(1)

    def run(text):
        names, printed = {"__name__": "__main__"}, io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(text, "program.py", "exec"), names)
        return names, printed.getvalue()

    yield run
    torch.set_default_dtype(torch.float32)


def assert_runs(executed, spec):
    """It asserts the gradients and the first update by itself, and ends where the training does."""
    names, printed = executed(text_of(spec))
    assert printed.startswith("The first gradients are those of the trace.\n")
    if spec.optimizer is None:
        return
    assert "\nThe first update is that of the trace.\n" in printed
    floats = replace(spec, arithmetic=Arithmetic(spec.arithmetic.dtype))
    ended = train(replace(floats, epochs=spec.epochs_of_training)).state.parameters(spec)
    loose = spec.arithmetic.kind == "float32"
    equal = {"rtol": 1e-3, "atol": 1e-4} if loose else {"rtol": 1e-7, "atol": 1e-9}
    for found, expected in zip(names["net"].parameters(), ended.values(), strict=True):
        np.testing.assert_allclose(found.detach().numpy(), expected, **equal)


@pytest.mark.parametrize("kind", ["float64", "float32", "rounded"])
@pytest.mark.parametrize("name", WITH_A_LOSS)
def test_programs_of_bundled_boards_do_what_the_trace_does(executed, name, kind):
    arithmetic = Arithmetic(kind, 3 if kind == "rounded" else None)
    assert_runs(executed, replace(backtrace.load(name), arithmetic=arithmetic, epochs=3))


@pytest.mark.parametrize("seed", range(60))
def test_programs_of_any_board_do_what_the_trace_does(executed, seed):
    spec = backtrace.loads(board(seed, 3).text)
    if seed % 2:
        spec = backtrace.loads(board(seed, 3).text.replace("loss: L", "maximize: L"))
    name, form = FORMS[seed % len(FORMS)]
    reached = {step.of for step in trace(spec) if step.role == "gradient"}
    chosen = tuple(each for each in spec.equations.given if each in reached)[: 1 + seed % 4]
    schedule = Schedule("list", {}, (RATE, Number(0.01, "0.01"))) if seed % 3 else Schedule()
    assert_runs(
        executed,
        replace(
            spec,
            equations=replace(spec.equations, parameters=chosen),
            optimizer=Optimizer(name, RATE, OPTIMIZERS[name].constants, form) if chosen else None,
            schedule=schedule,
            clip=(None, Clip("norm", RATE), Clip("value", RATE))[seed % 3],
            stop=Stop(patience=2) if seed % 5 == 0 else Stop(),
            epochs=4,
        ),
    )


HARD = {
    "of equal ones the first has the gradient": (
        "x: [[2, 2], [1, 2]], y: [[2, 3], [0, 2]]",
        [
            "a = max(x) + sum(max(x, each=row)) + sum(max_pool(x))",
            "L = a + sum(maximum(x, y) * x) + sum(minimum(x, y))",
        ],
        "loss: L",
    ),
    "kinks": (
        "x: [0, 1, -1], y: [1, 1, 1]",
        [
            "a = sum(relu(x)) + sum(abs(x)) + sum(hard_tanh(x)) + sum(softplus(x))",
            "L = a + binary_hinge(x, y) + mae(x, y) + huber(x, y)",
        ],
        "loss: L",
    ),
    "the logarithm of 0 is not taken": (
        "a: [0, 1], y: [0, 1]",
        ["L = cross_entropy(a, y)"],
        "loss: L\nconstants: [y]",
    ),
    "targets have a gradient": (
        "a: [0.2, 0.8], y: [0, 1], p: [0.4, 0.6]",
        ["L = cross_entropy(a, y) + binary_cross_entropy(a, y) + kl(a, p) + mse(p, a)"],
        "loss: L",
    ),
    "a mask, a word of Python": (
        "S: [[1, 2]], M: [[0, -inf]], lambda: 2",
        ["A = softmax(S + M)", "L = sum(A * lambda * S)"],
        "loss: L\nconstants: [M]",
    ),
    "given gradients": (
        "X: [[1, 2]], W: [[1], [3]]",
        ["Y = X @ W", "Z = Y * Y", "P = 2 * Y"],
        "upstream: {Z: 2, P: 1}",
    ),
    "what no gradient goes through": (
        "x: [1, -2], y: 3",
        ["s = step(x)", "c = 2", "L = sum(s * y + c * x)"],
        "loss: L",
    ),
    "rounding": ("x: [1.25, -2.35]", ["r = round(x, 1)", "L = sum(r * x)"], "loss: L"),
}


@pytest.mark.parametrize("name", HARD)
def test_programs_of_hard_places(executed, name):
    given, lines, more = HARD[name]
    listed = "".join(f"  - {line}\n" for line in lines)
    assert_runs(executed, backtrace.loads(f"given: {{{given}}}\nequations:\n{listed}{more}\n"))
