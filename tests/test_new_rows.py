"""A row is enough: a throw-away row of each kind goes through every command and every format.

The kinds, and the tables in which each has a row, are those of the handbook's chapter
`inside`, "What to add where".
"""

import json
import re
import sys
import types

import numpy as np
import pytest

import backtrace
from backtrace.chain.layer_links import LINKS
from backtrace.chain.model import EntryNode, Factor, Link
from backtrace.check.mistakes.catalogue import CATALOGUE, Mistake
from backtrace.check.mistakes.rewrites import Wrong
from backtrace.formats.markdown import writer as markdown
from backtrace.formats.registry import ALL_FORMATS, FORMATS, NETWORK_FORMATS, PageFormat
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.writer import lines
from backtrace.functions.activations import ACTIVATIONS, Activation
from backtrace.functions.formula import Constant, Fraction, Hole, Ref, Root, Sum, Text, call, row
from backtrace.functions.losses import LOSSES, LossRule
from backtrace.functions.number import Number
from backtrace.functions.optimizers import (
    APPLY,
    OPTIMIZERS,
    SCHEDULES,
    RateSchedule,
    UpdateLine,
    UpdateRule,
)
from backtrace.notation.steps import NOTATION
from backtrace.notation.symbols import Symbols
from backtrace.notation.titles import TITLES
from backtrace.notation.whys import WHYS
from backtrace.notation.workings import Writing, downhill
from backtrace.page.blocks import Bullets, Cell, Column, Document, Paragraph, Section, Table
from backtrace.spec.model import Conventions, Notation
from backtrace.spec.read import conventions
from backtrace.tape.arithmetic import ARITHMETICS, FloatArithmetic
from backtrace.tape.gradients import GRADIENTS, Backward, Draft, ForwardGraph, Idioms, Upstream, Way
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.run import worked
from backtrace.tape.setting import Operation, Setting
from backtrace.tape.steps import Step
from tests.cli.running import run
from tests.tape.test_derived_backward import Notebook
from tests.test_readme import section

__all__ = ["run"]

Z, A, Y, E = Hole("z"), Hole("a"), Hole("y"), Hole("e")
MEAN, OUTPUTS = Hole("mean"), Hole("outputs")

# An activation: the angle whose tangent is z


def arctan_slope(z, p):
    return 1 / (1 + z * z)


ARCTAN = Activation(
    symbol="arctan",
    title="arctan",
    value=lambda z, p: np.arctan(z),
    derivative=arctan_slope,
    derivative_from_activation=None,
    formula=call("arctan", Z),
    derivative_formula=1 / (1 + Z**2),
    range=(-np.pi / 2, np.pi / 2),
    derivative_range=(0.0, 1.0),
    derivative_turning=lambda p: (0.0,),
)

# A loss: √(1 + e²) − 1 over the k outputs, whose slope is e/√(1 + e²)


def pseudo_huber_terms(a, y, p):
    return (np.sqrt(1 + (a - y) * (a - y)) - 1) / p["outputs"]


PSEUDO_HUBER = LossRule(
    title="pseudo-Huber loss",
    terms=pseudo_huber_terms,
    gradient=lambda e, p: e / np.sqrt(1 + e * e) / p["outputs"],
    gradient_formula=E / Root(1 + E**2) / OUTPUTS,
    term_formula=(Root(1 + (A - Y) ** 2) - 1) / OUTPUTS,
    formula=row(MEAN, Sum(Root(1 + (A - Y) ** 2) - 1)),
    rational=False,
)

# An optimizer of two new states, and with it an operation: half the sum of a quick and a slow v


def mean_step(s, p, quick, slow):
    return s.downhill(p["rate"] * (quick + slow) / 2)


def mean_line(step, context):
    quick, slow = (Ref(id) for id in step.operands)
    rate = Constant("rate", step.parameters["rate"])
    return row(downhill(context), rate, "·", Fraction(row(quick, " + ", slow), Text("2")))


AGGREGATED = UpdateRule(
    title="aggregated momentum",
    lines={
        "": (
            UpdateLine("q{}", "accumulate", ("q{}_old", "d{}"), {"beta": "beta1"}),
            UpdateLine("u{}", "accumulate", ("u{}_old", "d{}"), {"beta": "beta2"}),
            UpdateLine("step_{}", "mean_step", ("q{}", "u{}"), {"rate": "rate"}),
            APPLY,
        )
    },
    states=("q", "u"),
    constants={"beta1": Number(0.5, "0.5"), "beta2": Number(0.9, "0.9")},
)

# An operation of the forward pass: three times its operand, and so its gradient


def tripled(s, p, x):
    return 3 * x


def tripled_back(graph, step, upstream):
    (operand,) = step.operands
    yield Way(operand, upstream, (Draft("triple", (upstream.id,)),))


def tripled_link(traced, workings, i, j):
    yield Link((Factor(3, lambda: Text("3")),), EntryNode(traced.operands[0], i, j))


# A schedule: half a turn of a cosine


def cosine(base, t, c):
    return base * (1 + np.cos(np.pi * t / c["decay"])) / 2


# A mistake: the error three times as large


def error_tripled(step, site):
    if step.role == "error":
        yield Wrong("error-tripled", step, factor=3.0)


TRIPLED = Mistake(
    "error-tripled",
    "the error is taken three times",
    "took {id} three times",
    "the error of the prediction",
    "3·(ŷ − y)",
    "The error is one difference.",
    "e = 1.5 instead of 0.5",
    error_tripled,
)

# An arithmetic: every line to twelve decimals


class TwelveDecimals(FloatArithmetic, frozen=True):
    def line(self, value):
        return np.round(super().line(value), 12)


# A page: a block of each of some kinds

PAGE = Document(
    "A page",
    (
        Section("Things", (Bullets(("one thing", ("the gradient ", Ref("dW1")))),)),
        Table((Column("name", left=True), Column("number")), ((Cell("seven"), Cell("7")),)),
        Paragraph("That is all.", "note"),
    ),
    symbols=Symbols(Notation(), Conventions(), {1: "tanh"}),
)

# A format: of a page only what kinds of blocks it has, a line each


def kinds(document, *, fragment):
    return "\n".join(["kinds of blocks", *(type(block).__name__ for block in document.blocks)])


KINDS_OF_BLOCKS = PageFormat("kinds:kinds", ".kinds", (b"kinds of blocks",), frozenset())


ALIKE = OPERATIONS["adaptive_step"].shape
ADDED = {  # by kind, by table, its key and its row
    "activation": {"ACTIVATIONS": (ACTIVATIONS, {"arctan": ARCTAN})},
    "loss": {"LOSSES": (LOSSES, {"pseudo_huber": PSEUDO_HUBER})},
    "optimizer": {"OPTIMIZERS": (OPTIMIZERS, {"aggregated": AGGREGATED})},
    "schedule": {"SCHEDULES": (SCHEDULES, {"cosine": RateSchedule(("decay",), cosine)})},
    "operation": {
        "OPERATIONS": (
            OPERATIONS,
            {
                "mean_step": Operation(mean_step, ALIKE),
                "triple": Operation(tripled, ALIKE),
            },
        ),
        "NOTATION": (NOTATION, {"mean_step": Writing(mean_line)}),
        "TITLES": (
            TITLES,
            {"mean_step": lambda step: "The step, of both velocities"},
        ),
        "WHYS": (
            WHYS,
            {"mean_step": lambda *arguments: ("Two memories, half each.",)},
        ),
        "GRADIENTS": (GRADIENTS, {"triple": tripled_back}),
        "LINKS": (LINKS, {"triple": tripled_link}),
    },
    "mistake": {"CATALOGUE": (CATALOGUE, {"error-tripled": TRIPLED})},
    "page": {},
    "format": {
        "FORMATS": (FORMATS, {"kinds": KINDS_OF_BLOCKS}),
        "ALL_FORMATS": (ALL_FORMATS, {"kinds": KINDS_OF_BLOCKS}),
    },
    "arithmetic": {
        "ARITHMETICS": (
            ARITHMETICS,
            {"twelve_decimals": lambda chosen: TwelveDecimals(np.float64)},
        ),
    },
}
# Tables that are named as what may be added to besides, or that follow from others.
BESIDES = {"NARROWER", "PARTIAL_RESULTS", "NETWORK_FORMATS"}
FOLLOWS = {"ALL_FORMATS"}


@pytest.fixture(autouse=True)
def rows(monkeypatch):
    """Each kind of row, in every table that it must be in."""
    for tables in ADDED.values():
        for table, added in tables.values():
            for key, new in added.items():
                monkeypatch.setitem(table, key, new)
    names = (*conventions.ARITHMETIC, "twelve_decimals")
    monkeypatch.setattr(conventions, "ARITHMETIC", names)
    module = types.ModuleType("backtrace.formats.kinds")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(module, "kinds", kinds, raising=False)


def test_the_kinds_and_their_tables_are_those_of_the_readme():
    items = re.findall(
        r"^- \*\*an? (\w+)\*\*((?:.+\n)+?)(?=- |\n)", section("What to add where"), re.M
    )
    named = {kind: set(re.findall(r"`([A-Z_]+)`", text)) - BESIDES for kind, text in items}
    added = {kind: set(tables) - FOLLOWS for kind, tables in ADDED.items()}
    added["arithmetic"].add("ARITHMETIC")
    assert set(named) - set(added) <= {"chapter"}  # which is a file and no row
    assert {kind: named[kind] for kind in added} == added


SPEC = """
title: New rows
layers:
  - {{activation: {activation}, weights: [[0.5, -1], [1.5, 0.25]], bias: [0.2, -0.3]}}
  - {{activation: linear, weights: [[1, 0.5], [-2, 1]], bias: [0.1, 0]}}
inputs: [[1, 2], [-1, 0.5]]
targets: [[1.5, 2], [-1, 0.5]]
loss: {loss}
optimizer: {optimizer}
{schedule}
epochs: 2
"""
USUAL = {
    "activation": "tanh",
    "loss": "mse",
    "optimizer": "{name: sgd, learning_rate: 0.1}",
    "schedule": "",
}
NEW = {
    "activation": {"activation": "arctan"},
    "output activation": {"activation": "arctan"},
    "loss": {"loss": "pseudo_huber"},
    "optimizer": {"optimizer": "{name: aggregated, learning_rate: 1}"},
    "schedule": {"schedule": "schedule: {cosine: {decay: 8}}"},
    "arithmetic": {"schedule": "arithmetic: twelve_decimals"},
}


@pytest.fixture(params=NEW)
def spec(request, tmp_path):
    text = SPEC.format_map(USUAL | NEW[request.param])
    if request.param == "output activation":
        text = text.replace("activation: linear", "activation: arctan")
    file = tmp_path / "new.yaml"
    file.write_text(text, encoding="utf-8")
    return str(file)


TRACES = [
    *([f"--detail={detail}"] for detail in ("summary", "matrices", "entries")),
    ["--explain"],
    ["--explain", "--detail=entries"],
    ["--format=json"],
    ["--only=delta,dW"],
    ["--width=60"],
]


@pytest.mark.parametrize("options", TRACES, ids=" ".join)
def test_it_is_traced(run, spec, options):
    done = run("trace", spec, *options)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize("format", [*FORMATS, *NETWORK_FORMATS])
@pytest.mark.parametrize("detail", ["matrices", "entries"])
def test_it_is_exported(run, spec, format, detail, tmp_path):
    out = str(tmp_path / "out")
    heeded = ALL_FORMATS[format].options
    options = ["--detail", detail] if "detail" in heeded else []
    explained = ["--explain"] if "explain" in heeded else []
    done = run("export", spec, "--to", format, "-o", out, *options, *explained)
    assert (done.code, done.out) == (0, "")


COMMANDS = [
    ["verify"],
    ["verify", "--format=json"],
    ["train"],
    ["train", "--epochs=20", "--shuffle", "--batch-size=1"],
    ["train", "--format=json"],
    ["predict"],
    ["mistakes"],
    ["mistakes", "--format=json"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_it_goes_through_every_command(run, spec, command):
    done = run(command[0], spec, *command[1:])
    assert done.code == 0, done.out + done.err


def answers(spec, decimals, change=lambda name, value: value):
    """A sheet of every worked step of the first update, as a careful student rounds."""
    trace = backtrace.trace(backtrace.load(spec))
    written = {
        step.id: np.round(np.asarray(change(step.id, step.value), dtype=float), decimals).tolist()
        for step in trace.update(1, 1).values()
        if step.phase != "given"
    }
    return "\n".join(f"{id}: {value}" for id, value in written.items())


@pytest.mark.parametrize("decimals", [5, 9])
@pytest.mark.parametrize("format", ["text", "markdown", "json"])
def test_right_answers_are_right(run, spec, decimals, format, tmp_path):
    sheet = tmp_path / "sheet.yaml"
    sheet.write_text(answers(spec, decimals), encoding="utf-8")
    done = run("check", spec, str(sheet), "--format", format)
    assert done.code == 0, done.out + done.err
    assert "unsupported" not in done.out


@pytest.mark.parametrize("wrong", ["a1", "g1", "delta2", "da2", "loss", "W1_new", "dW2"])
def test_wrong_answers_are_wrong(run, spec, wrong, tmp_path):
    def change(id, value):
        return value + 0.5 if id == wrong else value

    sheet = tmp_path / "sheet.yaml"
    sheet.write_text(answers(spec, 5, change), encoding="utf-8")
    for options in (["--reveal"], ["--hints=what"], ["--format=json"]):
        done = run("check", spec, str(sheet), *options)
        assert done.code == 1, done.out + done.err


def test_its_names_stand_in_messages(run, tmp_path):
    file = tmp_path / "typo.yaml"
    for field, name in (
        ("activation", "arctan"),
        ("loss", "pseudo_huber"),
        ("optimizer", "aggregated"),
    ):
        value = f"{{name: {name}x, learning_rate: 1}}" if field == "optimizer" else f"{name}x"
        file.write_text(SPEC.format_map(USUAL | {field: value}), encoding="utf-8")
        done = run("trace", str(file))
        assert done.code == 2
        assert f"`{name}`" in done.err


def test_two_states_have_two_symbols(run, tmp_path):
    file = tmp_path / "new.yaml"
    file.write_text(SPEC.format_map(USUAL | NEW["optimizer"]), encoding="utf-8")
    done = run("trace", str(file), "--only", "qW1,uW1,step_W1")
    assert "q_W₁" in done.out
    assert "u_W₁" in done.out


@pytest.mark.parametrize("key", ["activation", "loss", "optimizer", "schedule"])
def test_its_program_runs_in_pytorch(run, key, tmp_path):
    pytest.importorskip("torch", reason="torch is not installed: its programs can't run")
    file = tmp_path / "new.yaml"
    file.write_text(SPEC.format_map(USUAL | NEW[key]), encoding="utf-8")
    assert run("export", str(file), "--to", "torch", "-o", str(tmp_path / "net.py")).code == 0
    trained = json.loads(run("train", str(file), "--format=json").out)
    names = {"__name__": "__main__"}
    exec(compile((tmp_path / "net.py").read_text(encoding="utf-8"), "net.py", "exec"), names)
    loss = names["loss"](names["x"], names["y"]).item()
    assert loss == pytest.approx(trained["losses"][-1], rel=1e-9)


def test_a_mistake_is_named_wherever_mistakes_are(run, tmp_path):
    file = tmp_path / "new.yaml"
    file.write_text(SPEC.format_map(USUAL), encoding="utf-8")
    sheet = tmp_path / "sheet.yaml"
    tripled = answers(file, 5, lambda name, value: value * 3 if name == "error" else value)
    sheet.write_text(tripled, encoding="utf-8")
    for format in ("text", "markdown"):
        assert TRIPLED.title in run("check", str(file), str(sheet), "--format", format).out
    assert "error-tripled" in run("check", str(file), str(sheet), "--format=json").out
    other = tmp_path / "other.yaml"
    other.write_text(tripled, encoding="utf-8")
    assert "took e three times" in run("check", str(file), str(sheet), str(other)).out
    assert TRIPLED.title in run("mistakes").out
    assert run("mistakes", str(file)).code == 0


def test_a_format_is_offered_and_written(run, tmp_path):
    out = tmp_path / "out.txt"
    assert run("export", "or-gate", "--to", "kinds", "-o", str(out)).code == 0
    written = out.read_text(encoding="utf-8").split("\n")
    assert written[0] == "kinds of blocks"
    assert "Section" in written
    assert run("export", "or-gate", "--to", "kinds", "-o", str(out)).code == 0  # it is ours


def test_a_page_is_written_by_the_terminal_and_by_markdown():
    terminal, paper = uncoloured(lines(PAGE, Layout(60, True))), markdown.text(PAGE)
    for words in ("A page", "Things", "one thing", "the gradient", "seven", "That is all."):
        assert words in terminal
        assert words in paper
    assert "dW₁" in terminal
    assert "dW_{1}" in paper


def test_an_operation_sends_its_gradient_back():
    forward = [
        Step("x", "given", shape=(2, 1)),
        Step("u", "triple", ("x",)),
        Step("t", "loss_terms", ("u",), {"loss": "output"}),
        Step("L", "total", ("t",)),
    ]
    book = Notebook()
    graph = ForwardGraph(
        {step.id: step for step in forward}, Idioms(loss_gradient={"loss": "output"})
    )
    Backward(forward[1:], graph, ("x",), book).walk({"L": Upstream()})
    x = {"x": np.array([[0.5], [2.0]])}
    values = worked(
        [*forward[1:], *book.steps], x, Setting(Conventions()), FloatArithmetic(np.float64)
    )
    assert values["dx"].tolist() == [[3.0], [3.0]]
