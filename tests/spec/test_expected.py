"""``expect:``: published figures by id, the forms they may have, and what is wrong with others."""

import numpy as np
import pytest

import backtrace
from backtrace.spec import SpecError
from backtrace.spec.model import Published, Slip
from backtrace.tape.run import trace

SPEC = """
layers:
  - {activation: relu, weights: [[0.5, -1, 2], [1.5, 0, -0.5]], bias: [0.2, -0.3, 0.1]}
  - {activation: linear, weights: [[1], [-2], [0.5]], bias: 0.1}
inputs: [[1, 2]]
targets: 3.5
loss: mse
learning_rate: 0.1
epochs: 2
expect:
"""


def read(lines):
    return backtrace.loads(SPEC + "".join(f"  {line}\n" for line in lines.splitlines())).expected


def problem(lines):
    with pytest.raises(SpecError) as caught:
        read(lines)
    assert len(caught.value.problems) == 1, str(caught.value)
    return caught.value.problems[0]


def place(found):
    return found.line - SPEC.count("\n"), found.column


def test_figures_keep_their_digits_and_take_the_quantity_s_shape():
    assert [
        (each.id, each.written) for each in read("z1: [3.70, -1.3, 1.1]\ndW2: [6.29, 0, 1.9]")
    ] == [
        ("z1", (("3.70", "-1.3", "1.1"),)),
        ("dW2", (("6.29",), ("0",), ("1.9",))),
    ]
    assert read("loss: 0.7225")[0].written == (("0.7225",),)


@pytest.mark.parametrize("blank", ["_", "~", '"?"'])
def test_an_entry_that_is_not_printed_is_left_out(blank):
    assert read(f"z1: [3.7, {blank}, 1.1]")[0].written == (("3.7", "", "1.1"),)


def test_a_later_update_a_factor_and_the_line_of_the_source():
    found = read('db1@2: {value: [1, 2, 3], times: 1/2, where: "2/n, in the sum"}')[0]
    assert (found.epoch, found.batch, found.where) == (2, 1, "2/n, in the sum")
    assert found.times == 0.5


def test_slips_are_entries_with_a_reason():
    found = read('z1: {value: [3.7, 1.3, 1.1], slips: {"1,2": "sign; digit", "[1, 3]": digit}}')
    assert found[0].slips == (Slip(1, 2, "sign; digit"), Slip(1, 3, "digit"))


def test_a_source_may_print_a_quantity_several_times():
    found = read("z1:\n  - [[3.7, -1.3, 1.1]]\n  - {where: again, value: [_, _, 1.1]}")
    assert [(each.id, each.where) for each in found] == [("z1", ""), ("z1", "again")]
    assert all(isinstance(each, Published) for each in found)


@pytest.mark.parametrize(
    ("lines", "at", "found", "mend"),
    [
        ("z9: 1", (1, 3), '"z9"', "Layers count from 1 to 2."),
        ("delta_1: 1", (1, 3), '"delta_1"', "Did you mean `delta1`?"),
        ("net1: [3.7, -1.3, 1.1]", (1, 3), '"net1"', "Did you mean `z1`?"),
        ("dZ2: 1", (1, 3), '"dZ2"', "Did you mean `delta2`?"),
        ("X: [1, 2]", (1, 3), '"X"', "Did you mean `a0`?"),
        ("∂L/∂W2: [1, 2, 3]", (1, 3), '"∂L/∂W2"', "Did you mean `dW2`?"),
        ("b1_new: null", (1, 11), "no figure for b1_new", "Remove it"),
        ("z1@x: 1", (1, 3), '"z1@x"', "`z1@2.3` with its batch"),
        ("z1@3: 1", (1, 3), "epoch 3, batch 1", "Write `epochs: 3`"),
        ("z1@2.2: 1", (1, 3), "epoch 2, batch 2", ""),
        ("z1: [1, 2]", (1, 7), "a list of 2 numbers for z1", ""),
        ("dW1: [[1, 2], [3, 4], [5, 6]]", (1, 8), "a 3 × 2 matrix for dW1", "lies on its side"),
        ("loss: [1, 2]", (1, 9), "a list of 2 numbers for loss", ""),
        ("z1: [1, two, 3]", (1, 11), '"two"', ""),
        ("z1: [_, _, _]", (1, 7), "no figure for z1", ""),
        ("z1: {slips: {}}", (1, 7), "what is expected of z1 without `value`", "Add `value:`"),
        ("z1: {value: [1, 2, 3], sign: wrong}", (1, 26), "`sign` in what is expected of z1", ""),
        ("loss: {value: 1, times: 0}", (1, 27), "0", ""),
        ('loss: {value: 1, slips: {"1,2": x}}', (1, 28), "the entry 1,2", ""),
        ('z1: {value: [_, 1, 2], slips: {"1,1": x}}', (1, 34), "the entry 1,1", ""),
        ("loss: {value: 1, slips: {one: x}}", (1, 28), '"one"', "A row and a column from 1"),
        ('loss: {value: 1, slips: {"1,1": }}', (1, 35), "nothing", "sign"),
        ("loss: {value: 1, slips: wrong}", (1, 27), '"wrong" for `slips`', ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(lines, at, found, mend):
    said = problem(lines)
    assert place(said) == at
    assert said.found.startswith(found)
    assert mend in said.mend


def test_the_whole_block_may_be_no_mapping():
    with pytest.raises(SpecError) as caught:
        backtrace.loads(SPEC.rstrip() + " [z1]\n")
    assert "a list for `expect`" in caught.value.problems[0].found


def test_problems_of_figures_come_with_those_of_the_network():
    text = SPEC.replace("relu", "reluu") + "  z1: [1, two, 3]\n"
    with pytest.raises(SpecError) as caught:
        backtrace.loads(text)
    assert [each.found for each in caught.value.problems] == ['"reluu"', '"two"']


MOMENTUM = "optimizer: {name: momentum, learning_rate: 0.1, form: FORM}\n"


@pytest.mark.parametrize("optimizer", ["", "learning_rate: 0.1\n", MOMENTUM])
def test_what_a_trace_has_can_be_asked_for_and_published(optimizer):
    text = SPEC.replace("learning_rate: 0.1\nepochs: 2\nexpect:\n", "")
    text += optimizer.replace("FORM", "accumulate")
    worked = {each.id: each for each in trace(backtrace.loads(text))}
    assert ("loss_after" in worked, "W1_new" in worked) == (bool(optimizer), bool(optimizer))
    assert ("vW1_old" in worked) == (optimizer == MOMENTUM)
    lines = [f"  {id}: {np.asarray(each.value).tolist()}\n" for id, each in worked.items()]
    spec = backtrace.loads(f"{text}ask: [{', '.join(worked)}]\nexpect:\n{''.join(lines)}")
    assert spec.ask == tuple(worked)
    for each in spec.expected:
        shape = (len(each.written), len(each.written[0]))
        assert shape == (worked[each.id].shape or (1, 1))


@pytest.mark.parametrize("id", ["vW1_old", "vW1", "mhatW1", "W3", "y1", "da0", "penalty", "named"])
def test_what_a_trace_does_not_have_can_be_neither(id):
    asked = SPEC.replace("expect:\n", f"ask: [{id}]\n")
    for text in (asked, SPEC + f"  {id}: 1\n"):
        with pytest.raises(SpecError) as caught:
            backtrace.loads(text)
        (problem,) = caught.value.problems
        assert problem.code == "E211"
        assert problem.found.startswith(f'"{id}"')


def test_the_shape_is_that_of_the_batch():
    text = SPEC.replace("[[1, 2]]", "[[1, 2], [3, 4], [5, 6]]").replace("3.5", "[1, 2, 3]")
    text = text.replace("epochs: 2", "updates: {batch_size: 2}")
    spec = backtrace.loads(text + "  z2@1.1: [1, 2]\n  z2@1.2: 3\n")
    assert [each.written for each in spec.expected] == [(("1",), ("2",)), (("3",),)]
    with pytest.raises(SpecError, match="a list of 2 numbers"):
        backtrace.loads(text + "  z2@1.2: [1, 2]\n")


def test_where_fractions_are_left_figures_are_read_by_their_shapes_all_the_same():
    exact = SPEC.replace("relu", "sigmoid").replace("expect:", "arithmetic: exact\nexpect:")
    assert backtrace.loads(exact + "  z1: [1, 2, 3]\n").expected[0].written == (("1", "2", "3"),)


def test_what_is_not_worked_says_how_it_would_be():
    said = problem("da0: [1, 2]")
    assert place(said) == (1, 3)
    assert said.mend == "Add `trace: {inputs_gradient: true}`, so that it is worked."


def test_a_wrong_question_is_said_with_all_else_that_is_wrong():
    text = SPEC.replace("expect:\n", "ask: [dW7]\n").replace("[[1], [-2], [0.5]]", "[[1], [-2]]")
    with pytest.raises(SpecError) as caught:
        backtrace.loads(text)
    assert len(caught.value.problems) == 2
    assert caught.value.problems[1].found == '"dW7"'


def test_ids_and_slips_say_nothing_of_what_is_not_known():
    """Without layers nobody knows how many there are, nor how a list lies."""
    figures = '  z2: 4.35\n  dW2: {value: [6.29, 0, 1.9], slips: {"2,1": sign}}\n'
    for text in (SPEC.replace("layers:", "layer:"), SPEC.replace("relu", "reluu")):
        with pytest.raises(SpecError) as caught:
            backtrace.loads(text + figures)
        assert all(problem.line < SPEC.count("\n") for problem in caught.value.problems)
