"""What each step is called, and the one sentence that says why it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.notation.symbols import Symbols
from backtrace.tape.steps import Step

Shapes = Mapping[str, tuple[int, ...]]
Why = Callable[[Step, Symbols, Shapes], str]


def size(shape: tuple[int, ...]) -> str:
    """``2 × 3``; a scalar has no size."""
    return " × ".join(str(length) for length in shape)


LISTED = 8  # samples of a batch that are named one by one
BEGUN = 5  # of a larger one


def sample_words(numbers: Sequence[int]) -> str:
    """``sample 3``, ``samples 1–4``, or in another order ``samples 4, 1``; of a large batch its
    first ones: ``samples 9, 2, 7, 4, 1, … (32)``."""
    if len(numbers) == 1:
        return f"sample {numbers[0]}"
    if all(later == number + 1 for number, later in pairwise(numbers)):
        return f"samples {numbers[0]}–{numbers[-1]}"
    if len(numbers) <= LISTED:
        return f"samples {', '.join(map(str, numbers))}"
    return f"samples {', '.join(map(str, numbers[:BEGUN]))}, … ({len(numbers)})"


def _activation(step: Step) -> str:
    return ACTIVATIONS[step.parameters["activation"]].title


# Titles


def _matmul_title(step: Step) -> str:
    if step.phase == "forward":
        source = "inputs" if step.layer == 1 else f"activations of layer {(step.layer or 1) - 1}"
        return f"Mix the {source} with the weights"
    if step.role == "activation_gradient":
        return "Send the error back through the weights"
    return "Gradient of the weights"


def _sum_title(step: Step) -> str:
    thing = "threshold" if step.parameters.get("negate") else "bias"
    return f"Gradient of the {thing}"


def _parameter_title(words: str) -> Callable[[Step], str]:
    def titled(step: Step) -> str:
        id = step.operands[0].removesuffix("_old")
        return words.format(
            "the biases" if id.rstrip("0123456789").endswith("b") else "the weights"
        )

    return titled


def _given_title(step: Step) -> str:
    names = {"a0": "Inputs", "y": "Targets"}
    if step.id in names:
        return names[step.id]
    if step.role == "activation_gradient":
        return "The gradient that arrives"
    if step.id.endswith("_old"):
        return "Optimizer state"
    return f"{'Weights' if step.id[0] == 'W' else 'Bias'} of layer {step.layer}"


def _total_title(step: Step) -> str:
    averaged = step.parameters.get("samples", 1) != 1
    return "Loss: the average over the samples" if averaged else "Loss: all entries added up"


TITLES: dict[str, Callable[[Step], str]] = {
    "given": _given_title,
    "copy": lambda step: "Take the step" if step.phase == "update" else "No bias to add",
    "matmul": _matmul_title,
    "add_bias": lambda step: (
        "Subtract the threshold" if step.parameters.get("subtract") else "Add the bias"
    ),
    "activate": lambda step: f"Activate: {_activation(step)}",
    "activation_derivative": lambda step: f"Slope of the activation: {_activation(step)}′",
    "error": lambda step: "Error of the prediction",
    "loss_terms": lambda step: "Loss of each entry",
    "total": _total_title,
    "penalty": lambda step: "Penalty on the weights",
    "add": lambda step: "Loss with its penalty",
    "loss_gradient": lambda step: "Error that reaches the prediction",
    "shortcut_delta": lambda step: "Delta of the output, by the short-cut",
    "hadamard": lambda step: "Through the activation, entry by entry",
    "jacobian_product": lambda step: "Through the softmax, sample by sample",
    "sum_samples": _sum_title,
    "add_penalty": lambda step: "Add the penalty's gradient",
    "descend": _parameter_title("Update {}"),
    "accumulate": _parameter_title("Velocity of {}"),
    "accumulate_step": _parameter_title("Velocity of {}"),
    "average": _parameter_title("Running average of the gradient of {}"),
    "accumulate_squares": _parameter_title("Squared gradients of {}, added up"),
    "average_squares": _parameter_title("Running average of the squared gradient of {}"),
    "scale_step": lambda step: "The step to take",
    "look_ahead_step": lambda step: "The step, looking ahead",
    "unbias": lambda step: "Correct the average for its start at 0",
    "adaptive_step": lambda step: "The step, entry by entry",
    "decayed_step": lambda step: "The step, with decay of the weights",
    "apply_step": _parameter_title("Update {}"),
    "forward_again": lambda step: "The loss with the new parameters",
}


# Whys


def _matmul_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    if step.phase == "forward":
        return _product_why(step, symbols, shapes)
    if step.role == "activation_gradient":
        return _error_back_why(step, symbols, shapes)
    return _weight_gradient_why(step, symbols, shapes)


def _product_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    first, second = (symbols.name(id) for id in step.operands)
    sizes = " and ".join(f"{symbols.name(id)} is {size(shapes[id])}" for id in step.operands)
    turned = {"first": first, "second": second}.get(step.parameters.get("transpose", ""), "")
    stands = f", so {turned} stands transposed" if turned else ""
    return (
        f"Each unit weighs every number that reaches it and adds them up; {sizes}{stands}, "
        f"which gives {size(step.shape)}: one number for each sample and unit."
    )


def _error_back_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    layer = (step.layer or 0) + 1
    weights = next(id for id in step.operands if id.startswith("W"))
    delta = next(id for id in step.operands if id != weights)
    transposed = bool(step.parameters.get("transpose"))
    force = (
        f"{symbols.name(weights)} is {size(shapes[weights])} and has to stand transposed to meet "
        f"{symbols.name(delta)} ({size(shapes[delta])})"
        if transposed
        else f"{symbols.name(weights)} ({size(shapes[weights])}) already faces the right way"
    )
    return (
        f"Chain rule: each unit feeds every unit of layer {layer}, so its error is their deltas, "
        f"each times the weight it went through; {force}."
    )


def _weight_gradient_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    parameter = step.id.removeprefix("data_").removeprefix("d")
    a = next(id for id in step.operands if id.startswith("a"))
    delta = next(id for id in step.operands if id != a)
    turned = (
        a if (step.parameters.get("transpose") == "first") == (step.operands[0] == a) else delta
    )
    return (
        f"A weight's gradient is the number that came in through it times the delta it went to, "
        f"added up over the samples; {symbols.name(turned)} ({size(shapes[turned])}) stands "
        f"transposed so that the result is {size(step.shape)}, the shape of "
        f"{symbols.name(parameter)}."
    )


def _sum_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    averaged = " and averaged" if "samples" in step.parameters else ""
    if step.parameters.get("all"):
        return (
            "One shared bias feeds every unit of the layer, so its gradient is the sum of all "
            f"their deltas, over all samples{averaged}."
        )
    if step.parameters.get("negate"):
        return (
            "The threshold is subtracted from every weighted sum, so its gradient is minus the "
            f"delta, added up over the samples{averaged}."
        )
    return (
        "The bias enters every weighted sum with the factor 1, so its gradient is the delta "
        f"itself, added up over the samples{averaged}."
    )


def _hadamard_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    da, g = step.operands
    minus = "−" if symbols.conventions.sign == "descent" else ""
    return (
        f"Chain rule: the loss changes by {minus}{symbols.name(da)} per unit of the activation, "
        f"the activation by {symbols.name(g)} per unit of the pre-activation; the product, entry "
        f"by entry, is {minus}{symbols.name(step.id)}."
    )


def _loss_gradient_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    mean = (
        f" The 1/{symbols.constant('samples')} of the loss enters here."
        if step.parameters.get("samples", 1) != 1
        else ""
    )
    descent = symbols.conventions.sign == "descent"
    downhill = ", with a minus, for it points downhill" if descent else ""
    return (
        "Backpropagation starts where the loss touches the network: how fast it "
        f"({LOSSES[step.parameters['loss']].title}) changes with each prediction{downhill}.{mean}"
    )


def _shortcut_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    row = LOSSES[step.parameters["loss"]]
    a, y = (symbols.name(id) for id in step.operands)
    return (
        f"The derivative of the {row.title} and the slope of the {row.shortcut} multiply out to "
        f"{a} − {y}: the denominators cancel, so both are done in one line."
    )


def _activate_why(step: Step, symbols: Symbols, shapes: Shapes) -> str:
    if step.parameters["activation"] == "linear":
        return "A linear unit passes its weighted sum on, so that any number can come out."
    if step.parameters["activation"] == "softmax":
        return "The softmax turns each sample's sums into probabilities: positive, and 1 in all."
    return (
        "The activation bends the weighted sum; without it, two layers would multiply out to one."
    )


def _plain(sentence: str) -> Why:
    return lambda step, symbols, shapes: sentence


WHYS: dict[str, Why] = {
    "given": _plain("This number is part of the exercise."),
    "copy": _plain("There is nothing to add, so this is the line before."),
    "matmul": _matmul_why,
    "add_bias": _plain("The bias moves each unit's sum up or down, the same for every sample."),
    "activate": _activate_why,
    "activation_derivative": _plain(
        "The chain rule asks how fast the activation changes at this pre-activation."
    ),
    "error": _plain("How far each prediction is from its target, with its sign."),
    "loss_terms": _plain("Each entry is charged by itself; the loss puts the charges together."),
    "total": _plain("One number says how wrong the network is; this is what is made smaller."),
    "penalty": _plain("Large weights are charged as well, so that the network stays simple."),
    "add": _plain("What is minimised is the loss of the data and the penalty together."),
    "loss_gradient": _loss_gradient_why,
    "shortcut_delta": _shortcut_why,
    "hadamard": _hadamard_why,
    "jacobian_product": _plain(
        "Every output of a softmax depends on every pre-activation, so each sample's error is "
        "multiplied by the whole Jacobian, not entry by entry."
    ),
    "sum_samples": _sum_why,
    "add_penalty": _plain("The penalty pulls each weight towards 0, in proportion to λ."),
    "descend": _plain(
        "The gradient points uphill; a small step the other way makes the loss smaller."
    ),
    "accumulate": _plain("The velocity remembers earlier gradients, each step a little less."),
    "accumulate_step": _plain("The velocity remembers earlier steps, each time a little less."),
    "average": _plain("A running average forgets old gradients slowly and smooths the noise."),
    "accumulate_squares": _plain("Squared gradients add up: what has moved much moves less now."),
    "average_squares": _plain("The recent size of the gradient, whatever its sign."),
    "scale_step": _plain("The learning rate says how far along the velocity to go."),
    "look_ahead_step": _plain(
        "Nesterov takes the gradient where the velocity is about to lead, not where it stands."
    ),
    "unbias": _plain("The average began at 0 and is too small at first; this undoes that."),
    "adaptive_step": _plain(
        "Each entry is divided by the size of its own gradients, so that all move alike."
    ),
    "decayed_step": _plain(
        "The step of Adam, and apart from it each weight shrinks by the same share."
    ),
    "apply_step": _plain("The step is added to the parameter."),
    "forward_again": _plain("The forward pass once more shows what the update was worth."),
}
