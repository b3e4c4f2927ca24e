"""Texts of formulas and the trees that they are, written out again with every bracket they need."""

import math
from fractions import Fraction

import pytest

from backtrace.functions.losses import LOSSES
from backtrace.spec.equations.expression import Call, ConstantTerm, NameTerm
from backtrace.spec.equations.syntax import Misread, parse, parse_index
from backtrace.spec.equations.vocabulary import SIGNATURES
from backtrace.spec.equations.written import written
from tests.tape.boards import board

FORMS = [
    ("a+b*c", "a + b * c"),
    ("(a+b)*c", "(a + b) * c"),
    ("a - (b - c)", "a - (b - c)"),
    ("(a - b) - c", "a - b - c"),
    ("a @ b * c / d", "a @ b * c / d"),  # one rank, left to right
    ("a @ (b * c)", "a @ (b * c)"),
    ("a * (b @ c)", "a * (b @ c)"),
    ("a / (b / c)", "a / (b / c)"),
    ("-a^2", "-a^2"),  # the power first
    ("(-a)^2", "(-a)^2"),
    ("-a * b", "-a * b"),
    ("a - -b", "a - -b"),
    ("+a", "a"),
    ("a^-1", "a^(-1)"),
    ("a^(1/2)", "a^(1/2)"),
    ("a ** 2", "a^2"),
    ("(a^2)^3", "(a^2)^3"),
    ("x.T", "x.T"),
    ("(x + y).T @ z", "(x + y).T @ z"),
    ("xᵀ", "x.T"),
    ("x − y", "x - y"),
    ("h[2]", "h_2"),
    ("h[t]", "h_3"),
    ("h[t-1] + h[t+1] + h[2*t]", "h_2 + h_4 + h_6"),
    ("t * x", "3 * x"),
    ("x[2,1]", "x[2,1]"),
    ("x[t,:]", "x[3,:]"),
    ("x[:, 1..2]", "x[:,1..2]"),
    ("x[1..t, t]", "x[1..3,3]"),
    ("(x @ y)[:,:].T[1,:]", "(x @ y)[:,:].T[1,:]"),
    ("h[1][2,:]", "h_1[2,:]"),
    ("lambda * sum(W^2)", "lambda * sum(W^2)"),  # words of Python are names
    ("if + is + None + True", "if + is + None + True"),
    ("lambda[2]", "lambda_2"),
    ("leaky_relu(x, 0.2)", "leaky_relu(x, slope=0.2)"),
    ("leaky_relu(x, slope=0.01)", "leaky_relu(x)"),
    ("softmax(x, each=column)", "softmax(x, each=column)"),
    ("softmax(x, row)", "softmax(x, each=row)"),
    ("var(x, unbiased=True)", "var(x, unbiased=true)"),
    ("round(x, decimals=3)", "round(x, 3)"),
    ("rows(E, 3, t, 1)", "rows(E, 3, 3, 1)"),
    ("reshape(x, 2, columns=3)", "reshape(x, 2, 3)"),
    ("conv(x, k, 1, 0, false)", "conv(x, k)"),
    ("conv(x, k, flip=true, stride=2)", "conv(x, k, stride=2, flip=true)"),
    ("max_pool(x, 3)", "max_pool(x, size=3)"),  # windows side by side
    ("max_pool(x, 3, 2)", "max_pool(x, size=3, stride=2)"),
    ("mean_pool(x, stride=1)", "mean_pool(x, stride=1)"),
    ("sum(sum)", "sum(sum)"),
]
NUMBERS = [
    ("2", Fraction(2)),
    ("1e-3", Fraction(1, 1000)),
    (".5", Fraction(1, 2)),
    ("1/3", Fraction(1, 3)),
    ("-2^2", Fraction(-4)),
    ("2^3^2", Fraction(512)),  # from the right
    ("(1 - 1/3) * 3", Fraction(2)),
    ("2^-2", Fraction(1, 4)),
    ("abs(1/3 - 1)", Fraction(2, 3)),
    ("sqrt(2)", math.sqrt(2)),
    ("exp(1) - ln(2)", math.e - math.log(2)),
    ("2^0.5", math.sqrt(2)),
]


@pytest.mark.parametrize(("text", "form"), FORMS)
def test_a_text_is_the_tree_that_is_written_so(text, form):
    assert written(parse(text, {"t": 3})) == form
    assert written(parse(form)) == form


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_numbers_alone_are_worked_at_once(text, value):
    tree = parse(text)
    assert isinstance(tree, ConstantTerm)
    assert tree.text == text
    assert tree.rational == isinstance(value, Fraction)
    found = tree.number.fraction if tree.rational else float(tree.number)
    assert found == pytest.approx(value, abs=1e-15) if not tree.rational else found == value


def test_every_function_is_read():
    for name, signature in SIGNATURES.items():
        settings = {"rows": ["2"], "reshape": ["2", "3"]}.get(name, ["2"] * len(signature.required))
        arguments = ["x", "y"][: signature.least] + settings
        tree = parse(f"{name}({', '.join(arguments)})")
        assert isinstance(tree, Call)
        assert tree.function == name
        assert tree.arguments == tuple(
            NameTerm(id=id, at=len(name) + 1 + 3 * place)
            for place, id in enumerate(["x", "y"][: signature.least])
        )
    assert set(LOSSES) - set(SIGNATURES) == {"output"}  # Σŷ is sum(y_hat)


@pytest.mark.parametrize("seed", range(40))
def test_what_is_written_reads_as_it_did(seed):
    for term in board(seed, depth=3).lines.values():
        form = written(parse(term.text))
        assert written(parse(form)) == form


def test_a_node_says_where_it_stands():
    text = "tanh(x @ U + h[t-1]) - lambda^2"
    tree = parse(text, {"t": 1})
    places = {written(node): text[node.at : node.at + node.length] for node in _nodes(tree)}
    assert places == {
        "tanh(x @ U + h_0) - lambda^2": text,
        "tanh(x @ U + h_0)": "tanh(x @ U + h[t-1])",
        "x @ U + h_0": "x @ U + h[t-1]",
        "x @ U": "x @ U",
        "x": "x",
        "U": "U",
        "h_0": "h[t-1]",
        "lambda^2": "lambda^2",
        "lambda": "lambda",
    }


def _nodes(tree):
    yield tree
    for each in getattr(tree, "arguments", ()):
        yield from _nodes(each)


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("t", 3), ("t-1", 2), ("2*t+1", 7)])
def test_indexes(text, number):
    assert parse_index(text, {"t": 3}) == number


HOSTILE = [
    "(" * 10_000 + "x" + ")" * 10_000,
    "-" * 1_900 + "x",
    "x" + ".T" * 900,
    "x" + "[1,1]" * 390,
    "x ** 10 ** 10 ** 10",
    "10 ** 10 ** 10",
    "9^9^9^9",
    "1e400 * x",
    "x.__class__",
    "x.T.__init__.__globals__",
    "__import__('os').system('true')",
    "open('x')",
    "(lambda: x)()",
    "[x for x in y]",
    "{1: 2}",
    "f'{x}'",
    "x := 2",
    "await x",
    "*x",
    "x, y",
    "x\ty\0",
    "eye(eye(2))",
    "h[" + "9" * 1_900 + "]",
    "h[" + "9" * 900 + "*" + "9" * 900 + "]",
    "sum(" * 59 + "x" + ")" * 59 + "+ y" * 400,
    "x" * 100_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_read_or_refused(text):
    form, wrong = outcome(text)
    if wrong is None:
        assert len(form) < 2 * len(text) + 10
        return
    assert 0 <= wrong.at <= len(text)
    assert wrong.length >= 1
    assert wrong.found
    assert wrong.expected


def outcome(text):
    """How it is written, or why it can't be read; never anything else."""
    try:
        return written(parse(text)), None
    except Misread as wrong:
        return "", wrong
