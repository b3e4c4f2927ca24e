"""Formulas as MathML: well formed, of the Core's elements, with the right brackets and signs."""

from itertools import islice, product
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import backtrace
from backtrace.functions.formula import (
    Absolute,
    Apply,
    Brackets,
    Constant,
    Fraction,
    Power,
    Ref,
    Root,
    Sum,
    Symbol,
    Terms,
    Text,
    Value,
    row,
)
from backtrace.notation import steps as notation
from backtrace.notation.mathml import MathML, ref_symbol
from backtrace.notation.symbols import Symbols
from backtrace.spec.bundled import names
from backtrace.spec.model import NOTATION_CHOICES, Conventions, Notation
from tests.tape import exercises

CORE = {
    "math", "mfrac", "mi", "mn", "mo", "mover", "mrow", "mspace", "msqrt", "msub", "msubsup",
    "msup", "mtext", "munder",
}  # fmt: skip
# How many children an element of the Core must have.
ARITY = {"mfrac": 2, "mover": 2, "msub": 2, "msup": 2, "munder": 2, "msubsup": 3}
IDS = (
    "a0", "y", "W1", "b2", "product1", "z2", "a1", "a2", "error", "loss_terms", "loss", "da1",
    "g2", "delta2", "dW2", "data_dW2", "db1", "W2_new", "loss_after", "penalty", "mW1", "vb2",
    "mhatW1", "vhatb2", "step_W2", "vW1_old",
)  # fmt: skip
SYMBOLS = Symbols(Notation(), Conventions(), {1: "relu", 2: "sigmoid"})


def tree(markup):
    return ET.fromstring(f"<math>{markup}</math>")


def text(markup):
    return "".join(tree(markup).itertext())


def is_core(markup):
    for element in tree(markup).iter():
        assert element.tag in CORE
        assert len(element) == ARITY.get(element.tag, len(element))
    return True


def written(expr, *, numbers=True, **settings):
    return MathML(SYMBOLS, numbers=numbers, **settings).formula(expr)


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (Ref("W2"), "<msub><mi>W</mi><mn>2</mn></msub>"),
        (Symbol("delta1"), "<msub><mi>δ</mi><mn>1</mn></msub>"),
        (Fraction(Text("1"), Value(4)), "<mfrac><mn>1</mn><mn>4</mn></mfrac>"),
        (Root(Value(2.0)), "<msqrt><mn>2</mn></msqrt>"),
        (Power(Value(3.0), Text("2")), "<msup><mn>3</mn><mn>2</mn></msup>"),
        (Text("the first"), "<mtext>the first</mtext>"),
        (Value(1.5, "z1", 0, 1), "<mn>1.5</mn>"),
        (Value(float("-inf")), "<mn>−∞</mn>"),
        (Text("<&>"), "<mo>&lt;</mo><mo>&amp;</mo><mo>&gt;</mo>"),
    ],
)
def test_each_kind_of_leaf_and_branch(expr, expected):
    assert written(expr) == expected


@pytest.mark.parametrize(
    ("expr", "expected"),
    [
        (row(Value(2.0), "·", Value(-3.0)), "2·(−3)"),
        (row(Value(-2.0), " + ", Value(1.0)), "−2+1"),
        (Terms((Value(1.0), Value(-2.0), Value(3.0))), "1−2+3"),
        (Power(Value(-2.0), Text("2")), "(−2)2"),
        (Brackets(row(Value(1.0), " − ", Constant("beta", 0.9))), "(1−0.9)"),
        (Absolute(Value(-1.0)), "|−1|"),
        (Sum(Ref("delta1"), "samples"), "∑iδ1"),
        (Apply("ReLU", Ref("z1")), "ReLU(z1)"),
        (Value(1.25e-7), "1.25·10−7"),
    ],
)
def test_it_reads_as_the_text_of_the_formula_does(expr, expected):
    assert text(written(expr)) == expected


def test_a_sign_belongs_to_what_follows_where_nothing_stands_before_it():
    minus = '<mo form="prefix">−</mo>'
    assert written(row("−", Ref("z1"))).startswith("<mo>−</mo>")  # the first is a prefix anyway
    assert minus in written(row(Value(2.0), "·", "−", Ref("z1")))
    assert minus not in written(row(Value(2.0), " − ", Ref("z1")))
    assert MathML(SYMBOLS).formula(Text(" + "), continues=True) == '<mo form="infix">+</mo>'


def test_a_value_says_where_it_comes_from():
    attributes = MathML(SYMBOLS, attributes=lambda v: f' data-e="{v.id}.{v.row}.{v.column}"')
    markup = attributes.formula(row(Value(1.0, "a0", 0, 1), "·", Value(-2e-9, "W1", 1, 0)))
    found = {e.get("data-e"): "".join(e.itertext()) for e in tree(markup).iter() if e.attrib}
    assert found["a0.0.1"] == "1"
    assert found["W1.1.0"] == "−2·10−9"


def test_scripts_of_a_transposed_symbol_stand_together():
    assert ref_symbol(Ref("W2", transposed=True), SYMBOLS) == (
        '<msubsup><mi>W</mi><mn>2</mn><mi mathvariant="normal">⊤</mi></msubsup>'
    )


def test_a_symbol_beside_a_matrix_has_no_fraction_in_it():
    partial = Symbols(Notation(delta="partial", layer_mark="round"), Conventions(), {1: "relu"})
    assert text(ref_symbol(Ref("delta1"), partial)) == "∂L/∂z(1)"
    assert "mfrac" not in ref_symbol(Ref("delta1"), partial)


def test_constants_and_decimal_marks():
    rate = Constant("rate", 0.5)
    assert text(written(rate, numbers=False)) == "η"
    assert text(written(rate, decimal_mark=",")) == "0,5"


@pytest.mark.parametrize(
    "choice", [dict(zip(NOTATION_CHOICES, values, strict=False)) for values in zip(*(
        (row * 4)[:4] for row in NOTATION_CHOICES.values()), strict=True)]
)  # fmt: skip
@pytest.mark.parametrize("layout", ["rows", "columns"])
def test_every_symbol_of_every_notation_is_read(choice, layout):
    symbols = Symbols(Notation(**choice), Conventions(layout=layout), {1: "relu", 2: "softmax"})
    for id, transposed in product(IDS, (False, True)):
        assert is_core(ref_symbol(Ref(id, transposed), symbols))
        assert is_core(MathML(symbols).formula(Ref(id, transposed)))


def all_formulas(trace, most=4):
    symbols = Symbols.of(trace)
    for traced in trace:
        if traced.phase != "given":
            yield symbols, notation.equation(traced, trace, symbols).formula
            yield symbols, notation.equation(traced, trace, symbols).right
            for i, j in islice(np.ndindex(traced.shape or (1, 1)), most):
                stages = notation.entry(traced, trace, i, j, symbols)
                yield from ((symbols, stage) for stage in stages)


def assert_written(trace):
    count = 0
    for symbols, formula in all_formulas(trace):
        for numbers in (False, True):
            assert is_core(MathML(symbols, numbers=numbers).formula(formula))
            count += 1
    assert count > 10


@pytest.mark.parametrize("name", [name for name in names() if name != "digits"])
def test_every_formula_of_every_bundled_network(name):
    assert_written(backtrace.trace(backtrace.load(name)))


@pytest.mark.parametrize(("activation", "loss"), exercises.pairs())
@pytest.mark.parametrize("output_delta", ["chain", "shortcut"])
def test_every_formula_of_every_activation_and_loss(activation, loss, output_delta):
    fields = {"loss": loss, "output_delta": output_delta}
    spec = exercises.exercise([2, 3, 2], ["tanh", activation], **fields)
    assert_written(backtrace.trace(spec))


@pytest.mark.parametrize("bias", exercises.BIASES)
@pytest.mark.parametrize("conventions", exercises.CONVENTIONS[::5])
def test_every_formula_of_every_bias(bias, conventions):
    fields = {"biases": bias, "conventions": conventions}
    assert_written(backtrace.trace(exercises.exercise([2, 3, 2], ["gelu", "elu"], **fields)))
