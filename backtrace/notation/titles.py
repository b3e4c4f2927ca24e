"""What each step is called."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.optimizers import AVERAGE_OF_STEPS
from backtrace.spec import ids
from backtrace.spec.ids import Role
from backtrace.tape.steps import Step

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
        return f"Multiply the {source} by the weights"
    if step.role == "activation_gradient":
        return "Send the gradient back through the weights"
    return "Gradient of the weights"


def _sum_title(step: Step) -> str:
    thing = "threshold" if step.parameters.get("negate") else "bias"
    return f"Gradient of the {thing}"


def _parameter_title(words: str) -> Callable[[Step], str]:
    def titled(step: Step) -> str:
        if step.layer is None:
            return words.format(step.of)
        owner = ids.parse(step.of)
        return words.format("the biases" if owner is None else OF_ROLE[owner.role])

    return titled


OF_ROLE: Mapping[Role, str] = {
    "weight": "the weights",
    "bias": "the biases",
    "learned_slope": "the slope",
}


def _squares_title(step: Step) -> str:
    size = "steps" if step.state == AVERAGE_OF_STEPS else "gradient"
    return _parameter_title(f"Running average of the squared {size} of {{}}")(step)


def _given_title(step: Step) -> str:
    match step.role:
        case "inputs":
            return "Inputs"
        case "targets":
            return "Targets"
        case "activation_gradient":
            return "The gradient that arrives"
        case "state_before":
            return "Optimizer state"
    things = {"weight": "Weights", "learned_slope": "Learned slope"}
    return f"{things.get(step.role, 'Bias')} of layer {step.layer}"


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
    "chain_to_learned": lambda step: "Gradient of the slope",
    "error": lambda step: "Error of the prediction",
    "loss_terms": lambda step: "Loss of each entry",
    "total": _total_title,
    "penalty": lambda step: "Penalty on the weights",
    "add": lambda step: "Loss with its penalty",
    "loss_gradient": lambda step: "Gradient at the prediction",
    "shortcut_delta": lambda step: "Gradient of the output layer, by the shortcut",
    "hadamard": lambda step: "Back through the activation, entry by entry",
    "jacobian_product": lambda step: "Back through the softmax, sample by sample",
    "sum_samples": _sum_title,
    "add_penalty": lambda step: "Add the penalty's gradient",
    "gradient_norm": lambda step: "How long all gradients are together",
    "clip_to_norm": _parameter_title("Clip the gradient of {}"),
    "clip_entries": _parameter_title("Clip the gradient of {}, entry by entry"),
    "descend": _parameter_title("Update {}"),
    "accumulate": _parameter_title("Velocity of {}"),
    "accumulate_step": _parameter_title("Velocity of {}"),
    "average": _parameter_title("Running average of the gradient of {}"),
    "accumulate_squares": _parameter_title("Squared gradients of {}, added up"),
    "average_squares": _squares_title,
    "scale_step": lambda step: "The step to take",
    "look_ahead_step": lambda step: "The step, looking ahead",
    "unbias": lambda step: "Correct the average for its start at 0",
    "look_ahead_average": lambda step: "The average, corrected and looking ahead",
    "rescale": lambda step: "The gradient, in the size of earlier steps",
    "adaptive_step": lambda step: "The step, entry by entry",
    "decayed_step": lambda step: "The step, with decay of the weights",
    "apply_step": _parameter_title("Update {}"),
    "forward_again": lambda step: "The loss with the new parameters",
}


# Where there is little room; what has no row here has one title.
SHORTER: dict[str, Callable[[Step], str]] = {
    "matmul": lambda step: "Times the weights",
    "activation_derivative": lambda step: f"Slope: {_activation(step)}′",
    "activate": lambda step: _activation(step)[:1].upper() + _activation(step)[1:],
    "error": lambda step: "Error",
    "penalty": lambda step: "Penalty",
    "loss_gradient": lambda step: "Gradient",
    "total": lambda step: _total_title(step).partition(":")[0],
    "shortcut_delta": lambda step: "Gradient, by the shortcut",
    "hadamard": lambda step: "Times the slope",
    "jacobian_product": lambda step: "Back through the softmax",
    "accumulate": lambda step: "Velocity",
    "accumulate_step": lambda step: "Velocity",
    "average": lambda step: "Running average",
    "accumulate_squares": lambda step: "Added up",
    "average_squares": lambda step: "Running average",
    "unbias": lambda step: "Start corrected",
    "look_ahead_average": lambda step: "Looking ahead",
    "look_ahead_step": lambda step: "Looking ahead",
    "rescale": lambda step: "In another size",
    "adaptive_step": lambda step: "The step",
    "decayed_step": lambda step: "The step",
    "forward_again": lambda step: "The new loss",
}
