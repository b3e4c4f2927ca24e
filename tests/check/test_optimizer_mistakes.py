"""Mistakes in the lines of an optimizer that have more than one way, each by its arithmetic."""

import pytest

from tests.check.typed import named

# x = 0.3, w = 0.5 and y = -0.27: z = 0.15, e = 0.42 and dW = 0.42 · 0.3 = 0.126.
ONE_WEIGHT = """
layers: [{activation: linear, weights: 0.5, bias: none}]
inputs: 0.3
targets: -0.27
loss: half_mse
epochs: 2
optimizer: """
ADAM = "{name: adam, learning_rate: 0.1}"
ADAMW = "{name: adamw, learning_rate: 0.1, weight_decay: 0.1}"
MOMENTUM = "{name: momentum, learning_rate: 0.1, form: FORM}"


@pytest.mark.parametrize(
    ("optimizer", "sheet", "code"),
    [
        # 0.5 + 0.1 - 0.1 · 0.1 · 0.5: the step goes uphill, and the weight decays as it should.
        (ADAMW, "dW1: 0.1260\nW1_new: 0.5950", "ascent-for-descent"),
        # with the decay turned as well, 0.5 + 0.1 + 0.005
        (ADAMW, "dW1: 0.1260\nW1_new: 0.6050", "ascent-for-descent"),
        # 0.1 · 0.126/0.126² = 0.7937
        (ADAM, "dW1: 0.1260\nW1_new: -0.2937", "root-omitted"),
        # and v = 0.001 · 0.126² = 0.0000159 shows no digit
        (ADAM, "dW1: 0.1260\nmW1: 0.0126\nvW1: 0.0000\nW1_new: -0.2937", "root-omitted"),
        # 0.5 - 0.7937 - 0.005
        (ADAMW, "dW1: 0.1260\nW1_new: -0.2987", "root-omitted"),
        # 0.1 · 0.126/√0.0000159 = 3.1623
        (ADAM, "dW1: 0.1260\nmhatW1: 0.1260\nW1_new: -2.6623", "bias-correction-omitted"),
    ],
)
def test_a_first_step_worked_wrong_is_named(optimizer, sheet, code):
    (_, mistakes), *others = named(ONE_WEIGHT + optimizer, sheet)
    assert (code in mistakes, others) == (True, [])


@pytest.mark.parametrize(
    ("form", "first", "second"),
    [
        # v = -0.1 · 0.126; w = 0.4874, dW = (0.14622 + 0.27) · 0.3 = 0.124866, and -0.1 of it
        ("step", "vW1: -0.01260\nW1_new: 0.48740\ndW1@2: 0.12487", "vW1@2: -0.01249"),
        # v = 0.1 · 0.126; w = 0.49874, dW = (0.149622 + 0.27) · 0.3 = 0.125887, and 0.1 of it
        ("ema", "vW1: 0.01260\nW1_new: 0.49874\ndW1@2: 0.12589", "vW1@2: 0.01259"),
    ],
)
def test_a_velocity_left_out_is_named_in_every_form(form, first, second):
    spec = ONE_WEIGHT + MOMENTUM.replace("FORM", form)
    assert named(spec, f"{first}\n{second}") == [("vW1@2.1", {"velocity-omitted"})]


def test_an_average_without_its_past_is_named():
    """m = 0.1·0.126; w = 0.5 - 0.1, dW = (0.12 + 0.27)·0.3 = 0.117, and 0.1 of it is 0.0117."""
    first = "dW1: 0.12600\nmW1: 0.01260\nW1_new: 0.40000\ndW1@2: 0.11700\n"
    found = named(ONE_WEIGHT + ADAM, first + "mW1@2: 0.01170\n")
    assert found == [("mW1@2.1", {"velocity-omitted"})]


@pytest.mark.parametrize("average", ["mW1: 0.113400\n", ""])
def test_what_follows_from_a_wrong_average_is_no_mistake_in_the_next_update(average):
    """m = 0.9·0.126: w = 0.5 - 0.1·1.134/0.126 = -0.4, and dW = (-0.12 + 0.27)·0.3 = 0.045. Then
    m̂ = (0.9·0.1134 + 0.1·0.045)/0.19 = 0.560842, v̂ = (0.999·0.126² + 0.045²)/1.999 = 0.008947,
    and 0.1·m̂/√v̂ = 0.592926: further than an average of the gradients can take it."""
    first = f"dW1: 0.126000\n{average}W1_new: -0.400000\n"
    found = named(ONE_WEIGHT + ADAM, f"{first}dW1@2: 0.045000\nW1_new@2: -0.992927")
    assert [id for id, _ in found] == ["mW1" if average else "W1_new"]
