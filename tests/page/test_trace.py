"""The page that all formats share: its sections, sentences, matrices and entries."""

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.functions.formula import Expr, Ref
from backtrace.notation.numbers import number
from backtrace.notation.text import text
from backtrace.page.blocks import Course, Omission, Section, Table
from backtrace.page.selection import Selection
from backtrace.page.step_block import Gallery, Summary
from backtrace.page.trace import View, document
from backtrace.spec import bundled

CANCELS = "the ½ cancels the 2 of the derivative."
TRACES = {name: backtrace.trace(backtrace.load(name)) for name in bundled.names()}


def page(name, **view):
    made = document(TRACES[name], View(**view))
    return msgspec.structs.replace(made, blocks=tuple(made.blocks))


def said(sentence, symbols):
    return "".join(p if isinstance(p, str) else text(p, symbols, 12) for p in sentence)


def sections(blocks):
    """The sections of a page that have steps."""
    for block in blocks:
        if isinstance(block, Summary):
            yield from block.sections
        elif isinstance(block, Section) and block.part == "pass":
            yield from sections(block.blocks)
        elif isinstance(block, Section) and block.part != "losses":
            yield block


def steps(made):
    found = [block for section in sections(made.blocks) for block in section.blocks]
    return [
        step for each in found for step in (each.steps if isinstance(each, Gallery) else [each])
    ]


def step(made, id):
    return next(each for each in steps(made) if each.id == id)


@pytest.mark.parametrize("name", bundled.names())
def test_every_step_of_the_trace_stands_on_the_page_in_order(name):
    assert [each.traced for each in steps(page(name))] == list(TRACES[name])


def test_sections_follow_the_hand():
    headings = [each.heading or each.title for each in sections(page("mlp-math").blocks)]
    assert headings == [
        "Given",
        "Forward, layer 1 (ReLU)",
        "Forward, layer 2 (linear)",
        "Loss",
        "Backward, layer 2 (linear)",
        "Backward, layer 1 (ReLU)",
    ]


def test_the_numbers_of_the_steps_leave_out_what_is_given():
    numbers = [each.number for each in steps(page("mlp-math"))]
    assert numbers == [""] * 6 + list(map(str, range(1, 20)))


def test_the_parts_of_a_line_lead_up_to_it():
    """q has two parts before it, s none; dq goes to z at once, through both of them to x."""
    text = "given: {x: 2, y: 3, z: 5}\nequations: [q = (x + y)^2 * z, s = q + 1]\nloss: s\n"
    numbers = {
        each.id: each.number
        for each in steps(document(backtrace.trace(backtrace.loads(text)), View()))
    }
    forward = {"q.1": "1.1", "q.2": "1.2", "q": "1", "s": "2"}
    backward = {"ds": "3", "dq": "4", "dz": "5", "dq.2": "6.1", "dq.1": "6.2", "dx": "6", "dy": "7"}
    assert {id: numbers[id] for id in (*forward, *backward)} == forward | backward


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "or-gate",
            [
                "A sample is a column: z = W·a + b.",
                "The loss is half the mean squared error, C = 1/n ½Σ(a^(2) − y)²: " + CANCELS,
                "The gradient at a pre-activation is δ = n·∂C/∂z.",  # the 1/n comes later
                "The 1/n of the loss enters in the gradients of the parameters.",
                "The update is gradient descent, lr = 0.5.",
            ],
        ),
        (
            "softmax",
            [
                "A sample is a row: z = a·W + b.",
                "The loss is the cross-entropy, L = −1/n Σ y ln ŷ.",
                "The gradient at a pre-activation is δ = ∂L/∂z.",
                "The 1/n of the loss enters in δ₂.",
                "The update is gradient descent, η = 0.5.",
            ],
        ),
        (
            "delta-rule",
            [
                "A sample is a column: z = w·a.",
                "The loss is half the sum of squared errors, J = ½Σ(ŷ − y)²: " + CANCELS,
                "The gradient at a pre-activation is δ = −∂J/∂z.",
                "Gradients point downhill: they are added, not subtracted.",
                "The update is gradient descent, α = 0.05.",
            ],
        ),
    ],
)
def test_the_conventions_in_force(name, expected):
    made = page(name)
    assert [said(sentence, made.symbols) for sentence in made.conventions] == expected


def test_symbols_in_sentences_are_formulas():
    made = page("mlp-math", explain=True)
    why = step(made, "da1").why
    formulas = [text(part, made.symbols) for part in why if not isinstance(part, str)]
    assert formulas == ["W₂", "3 × 1", "δ₂", "1 × 1"]
    (note,) = step(made, "delta1").remarks
    assert said(note, made.symbols) == (
        "Unit 2 was off (Z₁[1,2] = -1.3 ≤ 0), so no gradient passes through it."
    )
    assert [text(p, made.symbols) for p in note if not isinstance(p, str)] == ["Z₁[1,2] = -1.3 ≤ 0"]


def test_a_minus_belongs_to_its_formula():
    made = page("delta-rule", explain=True)
    formulas = [text(p, made.symbols) for p in step(made, "delta1").why if not isinstance(p, str)]
    assert formulas[0] == "−e₁"  # descent: e is the negative of the derivative


def test_without_asking_nothing_is_explained():
    assert all(each.why == () for each in steps(page("mlp-math")))


def test_a_transposed_matrix_knows_where_its_entries_come_from():
    made = page("mlp-math")
    shown = step(made, "dW1").printout(Ref("a0", transposed=True))
    assert (shown.shape, shown.cells, shown.place(1, 0)) == ((2, 1), (("1",), ("2",)), (0, 1))


def test_a_large_matrix_shows_its_corners_or_the_lines_where_most_is():
    made = page("mnist")
    product = step(made, "product1")
    shown = product.printout(Ref("W1"))
    value, images = TRACES["mnist"]["W1"].value, TRACES["mnist"]["a0"].value
    assert shown.shape == (10, 784)
    assert shown.rows == (0, 1, None, 9)
    dots, *columns, more = shown.columns  # of 784 pixels, whose corners are black in every image
    assert (dots, more) == (None, None)
    assert columns == [columns[0], columns[0] + 1, columns[0] + 2]
    assert (images[columns] > 0).any(axis=1).all()
    assert shown.cells[3][1] == number(value[9, columns[0]], 4)
    assert shown.cells[2] == ("",) * 5
    assert product.printout(Ref("a0")).rows == shown.columns
    assert {entry.place for entry in product.entries()} == {
        (i, j) for i in (0, 1, 9) for j in (0, 1, 9)
    }


def test_entries_of_one_sample_are_those_of_its_row():
    made = page("xor", detail="entries", selection=Selection(sample=3))
    z1 = step(made, "z1")
    assert {entry.place for entry in z1.entries()} == {(2, 0), (2, 1)}
    assert [entry.value for entry in z1.entries()] == list(z1.result.cells[0])
    assert made.notice.startswith("Sample 3 by itself")


def test_decimals_and_mark_are_the_views():
    made = page("mlp-math", decimals=1, decimal_mark=",")
    assert step(made, "z1").result.cells == (("3,7", "-1,3", "1,1"),)
    assert step(made, "loss").result.cells == (("0,7",),)  # 0.7225


def test_summary_has_the_main_quantities_and_what_is_given():
    ids = {each.id for each in steps(page("mlp-math", detail="summary"))}
    assert {"a0", "W1", "z1", "a1", "loss", "delta1", "dW1"} <= ids
    assert not {"product1", "da1", "g1", "loss_terms"} & ids


SPEC = """
title: t
layers: [{activation: linear, weights: [[1]], bias: none}]
inputs: [[1]]
targets: 0
loss: half_sse
learning_rate: 0.5
epochs: 40
"""


def test_of_many_updates_the_first_and_the_last_are_shown_and_all_losses_counted():
    trace = backtrace.trace(backtrace.loads(SPEC))
    losses, *blocks = document(trace, View()).blocks
    assert [getattr(block, "title", block) for block in blocks] == [
        "Epoch 1",
        "Epoch 2",
        Omission(37),
        "Epoch 40",
    ]
    # the weight halves with each update, w = 2^-t, so the loss is ½·4^-t
    course, table = losses.blocks
    assert isinstance(course, Course)
    assert np.allclose(course.values, [0.5 * 4.0**-t for t in range(41)])
    assert isinstance(table, Table)
    assert [column.header for column in table.columns] == ["epoch", "loss before", "loss after"]
    rows = [[cell.text for cell in row] for row in table.rows]
    # decimals that tell the losses apart, as far as a table goes
    assert (rows[0], rows[10], len(rows)) == (["1", "0.5000000", "0.1250000"], ["⋮"] * 3, 16)
    every = list(document(trace, View(selection=Selection(epochs=40))).blocks)
    assert len(every) == 1 + 40


@pytest.mark.parametrize("name", ["adam", "or-gate", "softmax"])
def test_nothing_is_formatted_before_it_is_asked_for(name, monkeypatch):
    monkeypatch.setattr("backtrace.page.figures.Figures.printout", None)
    assert steps(page(name))


def test_the_structure_holds_no_value_twice():
    made = page("xor")
    assert step(made, "z1").traced is TRACES["xor"]["z1"]
    assert isinstance(step(made, "z1").equation.right, Expr)
    assert msgspec.structs.asdict(step(made, "z1"))["traced"].value is TRACES["xor"]["z1"].value


def why_of(name, id):
    made = page(name, explain=True)
    return said(step(made, id).why, made.symbols)


def test_why_a_step_is_there_is_said_once_a_page():
    """Two layers of sigmoids have every backward step twice."""
    found = [each.why for each in steps(page("or-gate", explain=True)) if each.why]
    words = [tuple(part for part in why if isinstance(part, str)) for why in found]
    assert len(words) == len(set(words)) > 10


@pytest.mark.parametrize(
    ("name", "derived"),
    [
        ("small-mlp", "½·(ŷ − y)² by ŷ is ½·2·(ŷ − y): the 2 comes down from the square and the ½"),
        ("mlp-math", "(Ŷ − Y)² by Ŷ is 2·(Ŷ − Y): the 2 comes down from the square."),
    ],
)
def test_the_first_backward_step_says_where_the_half_and_the_two_went(name, derived):
    assert f"The derivative of {derived}" in why_of(name, "da2")


def test_a_mean_that_enters_late_is_left_out_until_the_gradients_of_the_parameters():
    assert "it comes in with the gradients of the weights" in why_of("or-gate", "da2")
    assert "are n times the derivatives" in why_of("or-gate", "delta2")
    assert "added up over the samples and averaged" in why_of("or-gate", "dW2")
    assert "added up over the samples and averaged" in why_of("or-gate", "db2")
    assert "averaged" not in why_of("small-mlp", "dW2")
