"""The page of equations: its header, its sections, its notes, its graph."""

import pytest

import backtrace
from backtrace.formats.json.trace import decode, encode
from backtrace.formats.registry import FORMATS
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import sentence_text
from backtrace.page.blocks import Section
from backtrace.page.graph import Graph, columns, graph
from backtrace.page.header import facts
from backtrace.page.selection import Selection, problems
from backtrace.page.step_block import StepBlock
from backtrace.page.trace import View, document
from backtrace.spec import bundled

BOARDS = [name for name in bundled.names() if backtrace.load(name).equations]
GRAPH = "given: {x: -2, y: 5, z: -4}\nequations:\n  - q = x + y\n  - f = q * z\nloss: f\n"
LOOP = (
    "given: {h_0: 1, w: 2, x_1: 3, x_2: 1}\nequations:\n  - for: t = 1..2\n    do:\n"
    "      - h[t] = h[t-1] * w + x[t]\n  - L = h_2 * w\nloss: L\n"
)


def traced(text):
    return backtrace.trace(backtrace.loads(text))


def sections(trace, view=None):
    return [each for each in document(trace, view or View()).blocks if isinstance(each, Section)]


def steps(trace, view=None):
    found = (block for section in sections(trace, view) for block in section.blocks)
    return {block.id: block for block in found if isinstance(block, StepBlock)}


def said(sentence, trace):
    return sentence_text(sentence, Symbols.of(trace))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GRAPH, ["dy is ∂f/∂y", "no update"]),
        (GRAPH.replace("loss: f\n", ""), ["forward only"]),
        (
            GRAPH.replace("loss: f", "maximize: f\nparameters: [x]\nlearning_rate: 0.5"),
            ["dy is ∂f/∂y", "gradient ascent, η = 0.5"],
        ),
        (
            GRAPH.replace(
                "loss: f", "maximize: f\nparameters: [x]\noptimizer: {name: adam, learning_rate: 1}"
            ),
            ["dy is ∂f/∂y", "Adam, η = 1", "an update climbs"],
        ),
        (GRAPH + "notation: {gradient: bar}\n", ["y\N{COMBINING MACRON} is ∂f/∂y", "no update"]),
    ],
)
def test_the_header_says_what_gradients_are(text, expected):
    trace = traced(text)
    assert facts(trace, Symbols.of(trace)) == expected


def test_what_is_climbed_is_no_loss():
    text = GRAPH.replace("loss: f", "maximize: f\nparameters: [x]\nlearning_rate: 0.5")
    found = steps(traced(text), View(explain=True))
    assert found["loss_after"].title == "f with the new parameters"
    (why,) = found["x_new"].why
    assert why == "The gradient points uphill; a small step along it makes what is climbed larger."


def test_an_explanation_says_what_the_line_does_not():
    """A sum of alike matrices needs no word; a row that every row meets has one."""
    text = "given: {X: [[1, 2], [3, 4]], b: [[1, 1]]}\nequations: [P = X + X, Q = P + b]\n"
    trace = traced(text)
    found = steps(trace, View(explain=True))
    assert found["P"].why == ()
    assert said(found["Q"].why, trace) == "b, 1 × 2, meets every row of P."


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("dX", "X is a constant and has no gradient"),
        ("d_x", "X is a constant and has no gradient"),
        ("dU", "U has no gradient: L does not depend on it"),
        ("dV", "there is no such quantity"),
    ],
)
def test_a_gradient_that_there_is_not_has_a_reason(name, reason):
    text = "given: {X: 2, W: 3}\nequations: [L = X * W, U = W + 1]\nloss: L\nconstants: [X]\n"
    (problem,) = problems(traced(text), Selection(only=(name,)))
    assert problem.startswith(f"--only {name}: {reason}")


def test_parts_and_shares_are_explained():
    trace = traced(LOOP)
    told = facts(trace, Symbols.of(trace))
    assert told[1:3] == ["h₁⁽¹⁾ is a part of h₁", "dw^(L) is what w gets by way of L"]


def test_the_rounds_of_a_loop_are_sections():
    found = [(section.title, section.aside) for section in sections(traced(LOOP))]
    assert found[:3] == [("Given", ""), ("Forward", "t = 1"), ("Forward", "t = 2")]
    backward = [aside for title, aside in found if title == "Backward" and aside]
    assert list(dict.fromkeys(backward)) == ["t = 2", "t = 1"]


def test_each_gradient_says_the_chain_rule_of_its_line():
    trace = traced(LOOP)
    found = steps(trace, View(explain=True))
    assert said(found["dh_1"].why, trace).startswith("Chain rule through h₂⁽¹⁾ = h₁·w: ")
    assert said(found["dw"].why, trace) == (
        "w is used in L, h₂ and h₁: three ways, and what comes back by each is added up."
    )


def test_what_was_repeated_is_said_to_be_added_up():
    given = "given: {A: [[1, 2], [3, 4]], b: [1, 2], c: [[1], [2]], k: 3}\n"
    trace = traced(f"{given}equations:\n  - Z = A * b + c + k\n  - L = sum(Z)\nloss: L\n")
    notes = {id: [said(note, trace) for note in step.notes] for id, step in steps(trace).items()}
    assert notes["db"] == ["b is used for every row, so its gradient is the sum of the rows"]
    assert notes["dc"] == ["c is used for every column, so its gradient is the sum of the columns"]
    assert notes["dk"] == ["k is used for every entry, so its gradient is the sum of all entries"]
    assert notes["dA"] == []


def test_the_largest_of_a_window_is_named():
    trace = traced("given: {X: [[1, 5], [2, 0]]}\nequations:\n  - P = max_pool(X)\n")
    assert [said(note, trace) for note in steps(trace)["P"].notes] == [
        "the largest: P[1,1] is X[1,2]"
    ]


def test_one_number_is_no_matrix():
    assert steps(traced(GRAPH))["f"].result.shape == ()


@pytest.mark.parametrize("option", ["sample", "layer"])
def test_there_are_no_layers_and_no_samples(option):
    (problem,) = problems(traced(GRAPH), Selection(**{option: 1}))
    assert f"equations have no {option}s" in problem


def test_the_graph_has_values_and_gradients():
    """(x + y)z at −2, 5, −4: q = 3, f = −12, and by hand df/dq = z = −4, df/dz = q = 3."""
    drawn = graph(traced(GRAPH), (1, 1))
    assert [node.line for node in drawn.nodes] == ["x", "y", "z", "q = x + y", "f = q·z"]
    edges = {
        (drawn.nodes[e.source].id, drawn.nodes[e.target].id): (e.value.text, e.gradient.text)
        for e in drawn.edges
    }
    assert edges == {
        ("x", "q"): ("−2", "−4"),
        ("y", "q"): ("5", "−4"),
        ("q", "f"): ("3", "−4"),
        ("z", "f"): ("−4", "3"),
    }
    assert drawn.depths == [0, 0, 1, 1, 2]  # z stands beside q, which it meets in f


def test_an_edge_past_a_column_has_a_place_in_it():
    drawn = graph(
        traced("given: {x: 2}\nequations:\n  - a = x^2\n  - L = a * x\nloss: L\n"), (1, 1)
    )
    assert [sorted(node for node, _ in column) for column in columns(drawn)] == [[0], [-1, 1], [2]]


@pytest.mark.parametrize("name", BOARDS)
def test_every_board_is_written_in_every_format(name):
    trace = backtrace.trace(backtrace.load(name))
    for view in (View(), View(detail="entries", explain=True), View(detail="summary")):
        for each in ("markdown", "latex", "html", "svg"):
            assert FORMATS[each].render(trace, view)
    assert decode(encode(trace)) == trace


def test_a_trace_with_several_updates_has_no_graph():
    text = GRAPH + "parameters: [x]\nlearning_rate: 0.1\n"
    for epochs, drawn in ((1, 1), (2, 0)):
        blocks = document(traced(f"{text}epochs: {epochs}\n"), View()).blocks
        assert sum(isinstance(block, Graph) for block in blocks) == drawn
