"""The derived backward pass on a graph that no layered network has: ways that meet."""

import msgspec
import numpy as np

from backtrace.spec.model import Arithmetic, Conventions
from backtrace.tape.arithmetic import arithmetic
from backtrace.tape.gradients import GRADIENTS, Backward, ForwardGraph, Idioms, Upstream
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.run import worked
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step

SETTING, NUMBERS = Setting(Conventions()), arithmetic(Arithmetic())
GIVEN = {
    "x": np.array([[0.3, -0.2], [0.5, 0.7], [-0.4, 0.1]]),
    "W": np.array([[0.2, -0.6], [0.9, 0.4]]),
    "b": np.array([[0.1, -0.3]]),
}
TANH = {"activation": "tanh"}
# s = x·W + b, h = tanh(s), and twice more the same weights: o = tanh(h·W + b) + h, L = Σ o.
FORWARD = [
    Step("x", "given", shape=(3, 2)),
    Step("W", "given", shape=(2, 2)),
    Step("b", "given", shape=(1, 2)),
    Step("p", "matmul", ("x", "W")),
    Step("s", "add_bias", ("p", "b")),
    Step("h", "activate", ("s",), TANH, layer=1),
    Step("q", "matmul", ("h", "W")),
    Step("r", "add_bias", ("q", "b")),
    Step("k", "activate", ("r",), TANH, layer=2),
    Step("o", "add", ("k", "h")),
    Step("t", "loss_terms", ("o",), {"loss": "output"}),
    Step("L", "total", ("t",), {}),
]


class Notebook:
    """Writes down the steps that are derived."""

    def __init__(self):
        self.steps = []
        self.done = []

    def gradient_id(self, id):
        return f"d{id}"

    def way_id(self, id, user):
        return f"d{id}_from_{user}"

    def before_others(self, id):
        return f"data_d{id}"

    def write_gradient(self, draft, of):
        self.steps.append(Step(draft.id, draft.operation, draft.operands, draft.parameters))

    def parameters_done(self, parameters):
        self.done.append(list(parameters))

    def stand_in(self, id):
        return id


def derived(wanted=("W", "b", "x")):
    book = Notebook()
    idioms = Idioms(parameters=("W", "b"), loss_gradient={"loss": "output"})
    graph = ForwardGraph({step.id: step for step in FORWARD}, idioms)
    Backward(FORWARD[3:], graph, wanted, book).walk({"L": Upstream()})
    return book


def loss(given):
    steps = [msgspec.structs.replace(step, phase="forward") for step in FORWARD[3:]]
    return float(worked(steps, given, SETTING, NUMBERS)["L"])


def test_every_gradient_is_that_of_central_differences():
    book = derived()
    values = worked([*FORWARD[3:], *book.steps], GIVEN, SETTING, NUMBERS)
    for id, value in GIVEN.items():
        for place in np.ndindex(value.shape):
            step = np.zeros_like(value)
            step[place] = 1e-6
            up, down = (loss(GIVEN | {id: value + sign * step}) for sign in (1, -1))
            assert abs(values[f"d{id}"][place] - (up - down) / 2e-6) < 1e-8


def test_ways_that_meet_are_added_up_in_a_step_of_their_own():
    steps = {step.id: step for step in derived().steps}
    assert steps["dW"].operation == steps["db"].operation == steps["dh"].operation == "add"
    assert steps["dW"].operands == ("dW_from_q", "dW_from_p")
    assert steps["dh"].operands == ("do", "dh_from_q")  # the sum sends on what it got
    assert [step.id for step in derived().steps][-1] == "dx"


def test_parameters_come_when_all_their_ways_are_walked_and_before_the_error_goes_on():
    assert derived().done == [["W", "b"]]
    order = [step.id for step in derived().steps]
    assert order.index("ds") < order.index("dW") < order.index("db") < order.index("dx")


def test_every_operation_of_the_forward_part_says_what_it_sends_back():
    forward = {"copy", "matmul", "add_bias", "activate", "loss_terms", "total", "penalty", "add"}
    assert set(GRADIENTS) == forward <= set(OPERATIONS)
