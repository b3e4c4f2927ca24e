"""The JSON Schemas against the readers: what these take is valid, what is invalid they refuse."""

import json
import math
import random
import re

import jsonschema
import pytest
import yaml

import backtrace
from backtrace.check.answers.reading import AnswersError, read_answers, reader
from backtrace.formats.json.schemas import documents
from backtrace.formats.json.schemas.parts import PARTS, number
from backtrace.formats.json.trace import TraceFormatError, decode, encode
from backtrace.spec import bundled
from backtrace.spec.document import fields
from backtrace.spec.read.holdout import PART
from backtrace.spec.read.quantities.expected import NOT_ZERO
from backtrace.spec.read.quantities.marks import SHARE
from backtrace.tape.compile import compile_tape
from tests import test_readme
from tests.cli.running import run
from tests.handbook.generated import SCHEMA

__all__ = ["run"]

VALIDATORS = {
    name: jsonschema.Draft202012Validator(json.loads(documents.text(name)))
    for name in documents.SCHEMAS
}
PLAIN = [  # the scalars of YAML 1.2 that are no texts
    (r"~|null|Null|NULL|", lambda text: None),
    (r"true|True|TRUE|false|False|FALSE", lambda text: text.lower() == "true"),
    (r"[-+]?[0-9]+", int),
    (r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", float),
    (r"[-+]?\.(inf|Inf|INF)", lambda text: -math.inf if text.startswith("-") else math.inf),
]


def as_editors_read(text):
    """The values of a YAML document, as an editor's YAML 1.2 has them."""
    return value_of(yaml.compose(text))


def value_of(node):
    if isinstance(node, yaml.MappingNode):
        return {key.value: value_of(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [value_of(item) for item in node.value]
    for pattern, made in PLAIN if node.style is None else ():
        if re.fullmatch(pattern, node.value):
            return made(node.value)
    return node.value


def is_read(text):
    """Whether the reader of specs takes it."""
    try:
        backtrace.loads(text)
    except backtrace.SpecError:
        return False
    return True


def is_valid(name, document):
    return VALIDATORS[name].is_valid(document)


# Each schema


@pytest.mark.parametrize("name", documents.SCHEMAS)
def test_a_schema_is_one_and_is_printed(run, name):
    jsonschema.Draft202012Validator.check_schema(json.loads(documents.text(name)))
    done = run("schema", name)
    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert max(map(len, done.out.splitlines())) < 400  # what folds is folded


def test_another_schema_is_refused_with_those_there_are(run):
    done = run("schema", "quiz")
    assert done.code == 2
    assert all(name in done.err for name in documents.SCHEMAS)


def test_the_schema_beside_the_networks_is_that_of_a_spec():
    assert SCHEMA.read_text(encoding="utf-8") == documents.text("spec")
    for name in bundled.names():
        text = bundled.path(name).read_text(encoding="utf-8")
        assert text.startswith(f"# yaml-language-server: $schema={SCHEMA.name}\n")


def test_keys_say_what_they_are_for():
    layers = json.loads(documents.text("spec"))["else"]["properties"]
    assert "the first layer first" in layers["layers"]["description"]
    assert all(key.get("description") for key in layers.values())
    assert not any("](" in key["description"] for key in layers.values())


RANGES = [
    (fields.POSITIVE, [0, -1], [0.1, 5]),
    (fields.NOT_NEGATIVE, [-0.1], [0, 5]),
    (fields.DECAYING, [-0.1, 1, 2], [0, 0.9]),
    (fields.FACTOR, [0, 1.1], [0.1, 1]),
    (SHARE, [-0.1, 1.1], [0, 1]),
    (PART, [0, 1], [0.5]),
    (NOT_ZERO, [0], [-1, 2]),
]


@pytest.mark.parametrize(("accepted", "outside", "inside"), RANGES)
def test_a_range_is_the_same_to_both(accepted, outside, inside):
    schema = {"$defs": PARTS, **number(accepted)}
    for value, good in [*((x, False) for x in outside), *((x, True) for x in inside)]:
        assert accepted.accepts(value) is good
        assert jsonschema.Draft202012Validator(schema).is_valid(value) is good


# Specs


@pytest.mark.parametrize("name", bundled.names())
def test_a_bundled_network_is_valid(name):
    text = bundled.path(name).read_text(encoding="utf-8")
    VALIDATORS["spec"].validate(as_editors_read(text))
    VALIDATORS["spec"].validate(yaml.safe_load(text))


@pytest.mark.parametrize("text", test_readme.blocks("yaml"))
def test_an_example_of_the_handbook_is_valid(text):
    VALIDATORS["spec"].validate(as_editors_read(test_readme.completed(text)))


LAYER = "{activation: sigmoid, weights: [[0.5, -1], [1.5, 1/3]], bias: [0.1, 0]}"
WHOLE = f"layers: [{LAYER}]\ninputs: [[1, 2], [0, 1]]\ntargets: [[1, 0], [0.5, 1]]\nloss: mse\n"
BOARD = "given: {X: [[1, 2]], W: [[1], [2]]}\nequations: [z = X @ W, L = sum(z^2)]\nloss: L\n"
GOOD = [
    WHOLE + "title: 5\nsource: true\nepochs: '3'\nlearning_rate: 1/10",
    WHOLE + "learning_rate: 1e-3\nseed: 7\naccept: none\ndisplay: {decimals: 6.0}",
    WHOLE + "optimizer: {name: momentum, learning_rate: .5, form: ema, momentum: 0}",
    WHOLE + "optimizer: {name: adam, learning_rate: '1e-3', beta1: 0}",
    WHOLE + "optimizer: adadelta\nclip: {value: 1}",
    WHOLE + "schedule: [0.1, 0.05]\nupdates: online",
    WHOLE + "learning_rate: 1\nschedule: {step: {every: 2, factor: 1/2}}",
    WHOLE + "updates: {batch_size: 1, shuffle: Yes}\nlearning_rate: 1",
    WHOLE + "regularization: {l2: 0.1, form: lambda, biases: on}",
    WHOLE + "freeze: b1\nlearning_rate: 1\nask: [z1, delta]",
    WHOLE + "arithmetic: {round_each_step: 3}\nstandardize: true\nanswers: {digits: 3}",
    WHOLE + "expect: {z1: [[2.1, ~], ['?', _]], loss: {value: 0.1, times: 2, where: p. 3}}",
    WHOLE + "marks: {points: {z1: 2}, total: 10, carried: 1/2, imprecise: omit}",
    WHOLE + "validation: {every: 2}\nlearning_rate: 1",
    WHOLE.replace("loss: mse", "loss: {name: huber, delta: 2, reduce: sum}"),
    WHOLE.replace("bias: [0.1, 0]", "bias: ~"),
    WHOLE.replace("bias: [0.1, 0]", "bias: {threshold: {init: constant, value: 1}}"),
    WHOLE.replace("[[0.5, -1], [1.5, 1/3]]", "xavier, units: 2"),
    WHOLE.replace("activation: sigmoid", "activation: {name: prelu, alpha: [0.1, 0.2]}"),
    WHOLE.replace("targets: [[1, 0], [0.5, 1]]\nloss: mse", "loss: {upstream: [[1, 1], [0, 1]]}"),
    BOARD,
    BOARD + "parameters: W\nlearning_rate: 1\nconventions: {layout: rows}\nconstants: [X]",
    BOARD.replace("W: [[1], [2]]", "W: {init: uniform, low: -1, shape: [2, 1]}, M: [[-inf, 0]]")
    .replace("L = sum(z^2)", "{for: t = 1..2, do: ['h[t] = z * t + sum(exp(M))']}, L = h_2"),
    BOARD.replace("loss: L", "upstream: {z: 1}"),
]  # fmt: skip
BAD = [
    "layers: []\ninputs: 1",
    "[1, 2]",
    f"layers: [{LAYER}]",
    WHOLE + "colour: red",
    WHOLE + "epochs: 0",
    WHOLE + "epochs: 2.5",
    WHOLE + "seed: -1",
    WHOLE + "learning_rate: -1",
    WHOLE + "learning_rate: 1\noptimizer: {name: sgd, learning_rate: 1}",
    WHOLE + "optimizer: {name: adm, learning_rate: 1}",
    WHOLE + "optimizer: {learning_rate: 1}",
    WHOLE + "optimizer: {name: sgd, learning_rate: 1, momentum: 0.9}",
    WHOLE + "optimizer: {name: adam, learning_rate: 1, beta1: 1}",
    WHOLE + "learning_rate: 1\nschedule: {step: {every: 2}}",
    WHOLE + "learning_rate: 1\nschedule: {exponential: {factor: 1.5}}",
    WHOLE + "learning_rate: 1\nclip: {norm: 1, value: 1}",
    WHOLE + "conventions: {layout: row}",
    WHOLE + "notation: {delta: e}",
    WHOLE + "arithmetic: float16",
    WHOLE + "display: {decimals: 13}",
    WHOLE + "display: 3",
    WHOLE + "updates: {shuffle: true}",
    WHOLE + "updates: sometimes",
    WHOLE + "updates: '{batch_size: 2}'",
    WHOLE + "arithmetic: '{round_each_step: 3}'",
    WHOLE + "regularization: {form: lambda}",
    WHOLE + "validation: {every: 2, share: 0.5}",
    WHOLE + "validation: {share: 1}",
    WHOLE + "validation: {targets: 1}",
    WHOLE + "training: {}",
    WHOLE + "standardize: maybe",
    WHOLE + "answers: {decimals: 2, digits: 2}",
    WHOLE + "marks: {carried: 2}",
    WHOLE + "marks: {submissions: all}",
    WHOLE + "expect: {z1: {slips: {}}}",
    WHOLE + "expect: {z1: {value: 1, times: 0}}",
    WHOLE.replace("sigmoid", "sigmoidal"),
    WHOLE.replace("sigmoid", "{name: leaky_relu, slop: 1}"),
    WHOLE.replace(", bias: [0.1, 0]", ""),
    WHOLE.replace("bias: [0.1, 0]", "bias: {shared: 1, threshold: 1}"),
    WHOLE.replace("bias: [0.1, 0]", "bias: {in_weights: middle}"),
    WHOLE.replace("bias: [0.1, 0]", "bias: {init: xavier}"),
    WHOLE.replace("bias: [0.1, 0]", "bias: {shared: {init: zeros}}"),
    WHOLE.replace("[[0.5, -1], [1.5, 1/3]]", "{init: uniform, std: 1}, units: 2"),
    WHOLE.replace("[[0.5, -1], [1.5, 1/3]]", "glorot, units: 2"),
    WHOLE.replace("1/3", "one third"),
    WHOLE.replace("1/3", "[1]"),
    WHOLE.replace("1/3", "0x1"),
    WHOLE.replace("loss: mse", "loss: {name: mse, delta: 1}"),
    WHOLE.replace("loss: mse", "loss: {name: mse, reduce: max}"),
    WHOLE.replace("inputs: [[1, 2], [0, 1]]", "inputs: {files: x.csv}"),
    WHOLE.replace("inputs: [[1, 2], [0, 1]]", "inputs: {file: x.csv, one_hot: 1}"),
    WHOLE.replace("inputs: [[1, 2], [0, 1]]", "inputs: {file: x.csv, rows: 0..3}"),
    BOARD + "inputs: 1",
    BOARD + "conventions: {sign: descent}",
    BOARD.replace("z = X @ W", "z"),
    BOARD.replace("z = X @ W", "{for: t = 1..3}"),
    BOARD.replace("X:", "2X:"),
    BOARD.replace("W: [[1], [2]]", "W: {init: he}"),
    BOARD.replace("W: [[1], [2]]", "W: {init: he, shape: [2]}"),
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_what_the_reader_takes_is_valid(text):
    assert is_read(text)
    VALIDATORS["spec"].validate(as_editors_read(text))


@pytest.mark.parametrize("text", BAD)
def test_what_is_wrong_is_invalid_and_refused(text):
    assert not is_read(text)
    assert not is_valid("spec", as_editors_read(text))


VALUES = [
    *(0, 1, -1, 2.5, 1e-3, "1/2", "none", "mse", "x", "", True, None, [], {}, [1, 2], [[1, 2]]),
    *({"init": "he"}, {"file": "x.csv"}, {"name": "relu"}, "z1", ["b1"], "true", "~", "-inf"),
]


def places(document, path=()):
    """The paths of all values in a document."""
    yield path
    if isinstance(document, dict | list):
        for key in document if isinstance(document, dict) else range(len(document)):
            yield from places(document[key], (*path, key))


def altered(document, draw):
    """A copy in which one value is another one, or gone, or its key is another."""
    copy = json.loads(json.dumps(document))
    *path, last = draw.choice([path for path in places(copy) if path])
    inside = copy
    for key in path:
        inside = inside[key]
    everything = list(inside.values()) if isinstance(inside, dict) else inside
    if draw.random() < 0.2:
        del inside[last]
    elif draw.random() < 0.2 and isinstance(inside, dict):
        inside[draw.choice(["units", "name", "file", "seed", "loss"])] = inside.pop(last)
    else:
        inside[last] = draw.choice([*VALUES, *everything])
    return copy


def test_no_altered_spec_is_invalid_that_the_reader_takes():
    draw = random.Random(5)
    texts = [*GOOD, *(bundled.path(n).read_text(encoding="utf-8") for n in ("adam", "graph"))]
    refused = invalid = 0
    for _ in range(400):
        document = altered(as_editors_read(draw.choice(texts)), draw)
        text = json.dumps(document)
        taken, valid = is_read(text), is_valid("spec", document)
        assert valid or not taken, text
        refused += not taken
        invalid += not valid
    assert refused > 150
    assert invalid > refused / 2  # and most of what is refused is so for what a schema can say


# Answers


def answers_are_read(text, exercise):
    try:
        read_answers(text.encode(), "a.yaml", exercise)
    except AnswersError:
        return False
    return True


@pytest.fixture(scope="module")
def exercise():
    spec = backtrace.load("mlp-math")
    return reader(compile_tape(spec), spec)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("{student: Ada, answers: {z1: [3.7, -1.3, 1.1], loss: 0.72}}", True),
        ("{z1: [[1, _, '?']], foo: {bar: 1}, loss: ~}", True),
        ("{Answers: {z1: x}, student: [1]}", True),
        ("{answers: {}}", False),
        ("{answers: [1, 2]}", False),
        ("{answers: 5}", False),
        ("{}", False),
        ("[z1, 3]", False),
        ("3", False),
        ("{layers: [], z1: 1}", False),
        ("{equations: [], answers: {z1: 1}}", False),
    ],
)
def test_answers_are_valid_where_they_can_be_read(exercise, text, good):
    assert answers_are_read(text, exercise) is good
    assert is_valid("answers", as_editors_read(text)) is good


# Traces and reports


@pytest.mark.parametrize("name", ["adam", "or-gate", "attention", "softmax"])
def test_a_trace_is_valid(name):
    VALIDATORS["trace"].validate(json.loads(encode(backtrace.trace(backtrace.load(name)))))


def test_an_exact_trace_with_endless_values_is_valid():
    text = WHOLE.replace("sigmoid", "relu") + "arithmetic: exact"
    document = json.loads(encode(backtrace.trace(backtrace.loads(text))))
    VALIDATORS["trace"].validate(document)
    document["steps"][0]["value"] = [["inf", "-inf"], ["nan", "1/3"]]
    VALIDATORS["trace"].validate(document)


def test_no_altered_trace_is_invalid_that_can_be_read():
    draw = random.Random(3)
    whole = json.loads(encode(backtrace.trace(backtrace.load("scalar-chain"))))
    whole["steps"] = whole["steps"][:4]
    refused = invalid = 0
    for _ in range(150):
        document = altered(whole, draw)
        try:
            decode(json.dumps(document))
            taken = True
        except (TraceFormatError, LookupError):
            taken = False
        valid = is_valid("trace", document)
        assert valid or not taken, document
        refused += not taken
        invalid += not valid
    assert refused >= invalid > 30


SHEET = "student: Ada\nanswers: {z1: [3.7, -1.3, 1.1], a1: [3.7, 0, 1.1], delta1: [1, 2, x]}\n"


def test_reports_are_valid(run, tmp_path):
    for name in ("ada", "bob"):
        (tmp_path / f"{name}.yaml").write_text(SHEET, encoding="utf-8")
    (tmp_path / "broken.yaml").write_text("[", encoding="utf-8")
    sheet = str(tmp_path / "ada.yaml")
    for more in ([], ["--reveal"], ["--hints", "none"], ["--strict"]):
        report = json.loads(run("check", "mlp-math", sheet, "--format", "json", *more).out)
        VALIDATORS["report"].validate(report)
        assert set(report) == set(
            VALIDATORS["report"].schema["$defs"]["ReportDocument"]["properties"]
        )
    of_class = json.loads(run("check", "mlp-math", str(tmp_path), "--format", "json").out)
    VALIDATORS["class"].validate(of_class)
    assert len(of_class["unreadable"]) == 1
    assert not is_valid("report", of_class)
    assert not is_valid("class", report)
    report["quantities"][0]["verdict"] = "perfect"
    assert not is_valid("report", report)
