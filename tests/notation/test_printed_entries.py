"""What is printed is what was worked: every formula and every entry, read back from its text."""

import msgspec
import numpy as np
import pytest

from backtrace.functions.formula import Ref, Value, parts
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.functions.penalties import FORMS
from backtrace.notation import steps as notation
from backtrace.notation.equations.titles import is_of_equations
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import tokens
from backtrace.spec.model import Clip, Conventions, Number, Optimizer, Regularization
from backtrace.tape.run import trace
from backtrace.tape.setting import Setting
from tests.check.random_exercises import random_spec
from tests.notation.printed import Formula
from tests.notation.random_equations import loss_of_two, random_equations
from tests.tape import exercises
from tests.tape.exercises import exercise

DIGITS = 15
IN_WORDS = ("the 1 that carries the bias", "0 for the true class")
WHOLE = (  # operations of equations whose formula is one of matrices
    *("plus", "minus", "times", "over", "negate", "larger", "smaller", "matmul", "add", "copy"),
    *("activate", "chain", "over_slope"),
)
SEEN = set()


def assert_close(worked, value, traced):
    """SELU's constants are printed with four decimals, a tiny state with three digits or so."""
    rough = traced.parameters.get("activation") == "selu" or "adaptive_step" in traced.operation
    digits = 1e-4 if rough else 1e-7
    wanted = np.asarray(value, dtype=float)
    assert np.shape(worked) in ((), wanted.shape)
    assert (abs(worked - wanted) <= digits * abs(wanted) + 1e-11).all(), (traced.id, worked, value)


def assert_printed_as_worked(worked):
    """Formulas with matrices put in, and every entry at every stage."""
    symbols = Symbols.of(worked)
    for traced in worked:
        if traced.operation in ("given", "forward_again") or not np.isfinite(traced.value).all():
            continue
        SEEN.add(traced.operation)
        assert_formula(traced, worked)
        for i, j in np.ndindex(traced.shape or (1, 1)):
            for stage in notation.entry(traced, worked, i, j, symbols):
                assert_places(stage, worked.update(traced.epoch, traced.batch))
                pieces = tokens(stage, symbols, True, DIGITS)
                text = "".join(pieces)
                if text not in IN_WORDS and "⋯" not in text:
                    value = traced.value[i, j] if traced.shape else traced.value
                    assert_close(Formula([text]).value(), value, traced)


def assert_places(expr, update):
    """Every number that says where it was taken from stands there."""
    if isinstance(expr, Value) and expr.row >= 0:
        assert update[expr.id].value[expr.row, expr.column] == expr.value
    for part in parts(expr):
        assert_places(part, update)


def assert_formula(traced, worked):
    """The step's equation, or what it says of each entry, with the whole matrices in it."""
    equation = notation.equation(traced, worked)
    told = equation.right if equation.rule is None else equation.rule
    if "line" in traced.parameters and traced.operation != "activate":
        told = equation.right  # the rule is the whole line, of which this may be the last part
    pieces = tokens(told, Symbols.of(worked), True, DIGITS)
    last = max((at for at, piece in enumerate(pieces) if piece == " = "), default=-1)
    if is_matrix_formula(traced):
        update = worked.update(traced.epoch, traced.batch)
        setting = Setting(worked.conventions)
        values = [matrix(piece, update, setting) for piece in pieces[last + 1 :]]
        assert_close(Formula(values, traced.shape).value(), traced.value, traced)


def is_matrix_formula(traced):
    """Not what is worked sample by sample, of another entry, or beside a line of 1s."""
    parameters = traced.parameters
    whole = parameters.get("activation") != "softmax" and traced.operation != "jacobian_product"
    named = parameters.get("loss") in ("hinge", "huber") and traced.operation == "loss_terms"
    other = parameters.get("loss") == "hinge"
    if is_of_equations(traced.step) and traced.operation not in WHOLE:
        return False
    if {"arguments", "undo"} & set(parameters):
        return False
    lines = parameters.get("ones") or (traced.operation == "add_penalty" and parameters["omit"])
    return whole and not named and not other and not lines


def matrix(piece, update, setting):
    if not isinstance(piece, Ref):
        return piece
    value = setting.without_bias(update[piece.id].value, piece.omit)
    return value.T if piece.transposed else value


def optimizers():
    for name, row in OPTIMIZERS.items():
        for form in row.lines:
            yield Optimizer(name, Number(0.1, "0.1"), dict(row.constants), form)


@pytest.mark.parametrize(("activation", "loss"), exercises.pairs())
def test_every_activation_and_loss(activation, loss):
    for n, sign, output_delta in ((1, "descent", "shortcut"), (3, "gradient", "chain")):
        conventions = msgspec.structs.replace(exercises.CONVENTIONS[0], sign=sign)
        spec = exercise(
            (2, 3), (activation,), n=n, loss=loss, conventions=conventions,
            output_delta=output_delta,
        )  # fmt: skip
        assert_printed_as_worked(trace(spec))


@pytest.mark.parametrize("bias", exercises.BIASES)
@pytest.mark.parametrize("conventions", exercises.CONVENTIONS[::3])
def test_every_bias_and_convention(bias, conventions):
    spec = exercise((2, 3, 2), ("sigmoid", "elu"), biases=bias, n=3, conventions=conventions)
    assert_printed_as_worked(trace(spec))


@pytest.mark.parametrize("optimizer", list(optimizers()), ids=lambda each: each.name + each.form)
@pytest.mark.parametrize("sign", ["gradient", "descent"])
def test_every_optimizer(optimizer, sign):
    conventions = msgspec.structs.replace(exercises.CONVENTIONS[0], sign=sign)
    spec = exercise(
        (2, 2, 1), ("tanh", "linear"), optimizer=optimizer, epochs=3, conventions=conventions
    )
    assert_printed_as_worked(trace(spec))


@pytest.mark.parametrize("kind", ["norm", "value"])
@pytest.mark.parametrize("limit", ["0.05", "100"])
def test_every_way_of_clipping(kind, limit):
    spec = exercise((2, 2, 1), ("tanh", "linear"), n=2, epochs=2)
    clipped = msgspec.structs.replace(spec, clip=Clip(kind, Number(float(limit), limit)))
    assert_printed_as_worked(trace(clipped))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.3), (0.2, 0.0), (0.2, 0.3)])
@pytest.mark.parametrize("bias", ["added", "first"])
def test_every_penalty(form, l1, l2, bias):
    part = Regularization(l1=Number(l1), l2=Number(l2), form=form, biases=bias == "added")
    for sign in ("gradient", "descent"):
        conventions = msgspec.structs.replace(exercises.CONVENTIONS[0], sign=sign)
        spec = exercise(
            (2, 2, 1), ("tanh", "linear"), biases=bias, n=3, regularization=part,
            conventions=conventions,
        )  # fmt: skip
        assert_printed_as_worked(trace(spec))


def test_a_hinge_of_samples_in_columns():
    """Each sample has its own true class, which stands in its column."""
    columns = Conventions("columns", "out_in")
    found = trace(exercise((2, 3), ("linear",), loss="hinge", n=5, conventions=columns))
    assert len(set(np.argmax(found["y"].value, axis=0))) > 1
    assert_printed_as_worked(found)


@pytest.mark.parametrize("seed", range(15))
def test_random_exercises(seed):
    assert_printed_as_worked(
        trace(random_spec(np.random.default_rng(seed), penalised=seed % 3 == 0))
    )


@pytest.mark.parametrize("seed", range(20))
def test_random_equations(seed):
    assert_printed_as_worked(trace(random_equations(seed)))


@pytest.mark.parametrize("loss", [name for name, row in LOSSES.items() if row.targets != "none"])
def test_every_loss_of_equations(loss):
    assert_printed_as_worked(trace(loss_of_two(loss)))
    if loss not in ("hinge", "binary_hinge"):
        assert_printed_as_worked(trace(loss_of_two(loss, targets=True)))


def test_every_operation_was_tried():
    assert SEEN in (set(), set(notation.NOTATION) - {"forward_again"})  # empty where only this runs


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 − 2·3", -5),
        ("½·(1 − 3)²", 2),
        ("1/2 · (-1 + 3)", 1),
        ("2·(-3)", -6),
        ("1 if -2 > 0 else 0.5·4", 2),
        ("−(1 + |-2|)", -3),
        ("max(0, 1 − 3)", 0),
        ("2 − tanh²(0)", 2),
        ("e^(−0)/(e^0 + e^0)", 0.5),
        ("√4/(√(1 + 3) + 0)", 1),
        ("0.5³", 0.125),
    ],
)
def test_the_evaluator_by_hand(text, value):
    assert Formula([text]).value() == pytest.approx(value)


def test_the_evaluator_of_matrices():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]])
    assert Formula([a, " · ", b]).value() == 11
    assert (Formula([a, " ⊙ ", a]).value() == [[1, 4]]).all()
    assert (Formula(["1/2 · Σ", b], (1, 1)).value() == 3.5).all()
