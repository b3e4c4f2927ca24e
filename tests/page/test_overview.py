"""The overview: what stands in which column, and how columns are put into rows."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

import backtrace
from backtrace.page.overview import Overview, in_rows
from backtrace.page.selection import Selection
from backtrace.page.step_block import Summary
from backtrace.page.trace import View, document


def blocks(name, **view):
    trace = backtrace.trace(backtrace.load(name))
    return list(document(trace, View(detail="overview", **view)).blocks)


def columns(name, **view):
    """The ids of each column: above, forward, backward, below."""
    (block,) = blocks(name, **view)
    return [
        [
            [step.id for step in column.above],
            column.forward and column.forward.id,
            column.backward and column.backward.id,
            [step.id for step in column.below],
        ]
        for column in block.every_column
    ]


def test_what_belongs_to_a_layer_stands_in_its_column():
    assert columns("small-mlp") == [
        [[], "a0", None, []],
        [["W1", "b1"], "a1", "delta1", ["dW1", "db1", "W1_new", "b1_new"]],
        [["W2", "b2"], "a2", "delta2", ["dW2", "db2", "W2_new", "b2_new"]],
        [["y"], "loss", None, ["loss_after"]],
    ]


def test_what_was_chosen_is_all_there_is():
    assert columns("small-mlp", selection=Selection(only=("delta",))) == [
        [[], None, "delta1", []],
        [[], None, "delta2", []],
    ]


def test_a_forward_pass_does_not_turn():
    spec = msgspec.structs.replace(backtrace.load("mlp-math"), loss=None, targets=None)
    (block,) = document(backtrace.trace(spec), View(detail="overview")).blocks
    assert block.loss is None
    assert not block.turns


def test_the_gradient_of_the_inputs_comes_home_to_them():
    spec = msgspec.structs.replace(backtrace.load("mlp-math"), inputs_gradient=True)
    (block,) = document(backtrace.trace(spec), View(detail="overview")).blocks
    assert block.columns[0].backward.id == "da0"


def test_several_updates_have_an_overview_each():
    found = [block.blocks for block in blocks("adam") if getattr(block, "part", "") == "pass"]
    assert [[type(each) for each in inner] for inner in found] == [[Overview], [Overview]]


def test_equations_are_their_graph_or_where_it_is_large_a_summary():
    (graph,) = blocks("attention")
    assert graph.alone
    assert [type(block) for block in blocks("lstm")] == [Summary]


@given(st.lists(st.floats(1, 60), min_size=1, max_size=12), st.integers(10, 120))
def test_rows_are_few_full_and_even(widths, room):
    rows = in_rows(widths, room)
    assert [at for row in rows for at in row] == list(range(len(widths)))
    sums = [sum(widths[at] for at in row) for row in rows]
    assert all(total <= room or len(row) == 1 for total, row in zip(sums, rows, strict=True))
    # no way to fill rows from the left takes fewer: each begins with what did not fit before it
    greedy, filled = 1, 0.0
    for width in widths:
        greedy, filled = (
            (greedy + 1, width) if filled and filled + width > room else (greedy, filled + width)
        )
    assert len(rows) == greedy
