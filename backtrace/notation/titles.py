"""What each step is called, and the one sentence that says why it is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.formula import Constant, Expr, Sentence, Symbol, Text, row
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import AVERAGE_OF_STEPS
from backtrace.notation.symbols import Symbols
from backtrace.spec import ids
from backtrace.spec.ids import Role
from backtrace.tape.steps import Step

Shapes = Mapping[str, tuple[int, ...]]
Why = Callable[[Step, Symbols, Shapes], Sentence]


def _size(shape: tuple[int, ...]) -> Expr:
    """``2 × 3``; a scalar has no size."""
    return Text(" × ".join(str(length) for length in shape))


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


# Whys


def _matmul_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    if step.phase == "forward":
        return _product_why(step, shapes)
    if step.role == "activation_gradient":
        return _error_back_why(step, shapes)
    return _weight_gradient_why(step, shapes)


def _product_why(step: Step, shapes: Shapes) -> Sentence:
    first, second = step.operands
    turned = {"first": first, "second": second}.get(step.parameters.get("transpose", ""))
    return (
        "Each unit weighs every number that reaches it and adds them up; ",
        *(Symbol(first), " is ", _size(shapes[first]), " and "),
        *(Symbol(second), " is ", _size(shapes[second])),
        *((", so ", Symbol(turned), " stands transposed") if turned else ()),
        *(", which gives ", _size(step.shape), ": one number for each sample and unit."),
    )


def _error_back_why(step: Step, shapes: Shapes) -> Sentence:
    layer = (step.layer or 0) + 1
    weights = next(id for id in step.operands if _is_weight(id))
    delta = next(id for id in step.operands if id != weights)
    force: Sentence = (" (", _size(shapes[weights]), ") already faces the right way")
    if step.parameters.get("transpose"):
        meets = (Symbol(delta), " (", _size(shapes[delta]), ")")
        force = (" is ", _size(shapes[weights]), " and has to stand transposed to meet ", *meets)
    return (
        (
            f"Chain rule: each unit feeds every unit of layer {layer}, so its gradient is "
            "their deltas, each times the weight it went through; "
        ),
        *(Symbol(weights), *force, "."),
    )


def _is_weight(id: str) -> bool:
    """Whether an id is that of weights, old or updated."""
    named = ids.parse(id)
    return named is not None and named.role in ("weight", "updated")


def _weight_gradient_why(step: Step, shapes: Shapes) -> Sentence:
    first, second = step.operands
    turned = first if step.parameters.get("transpose") == "first" else second
    return (
        (
            "A weight's gradient is the number that came in through it times the delta it went to, "
            "added up over the samples; "
        ),
        *(
            Symbol(turned),
            " (",
            _size(shapes[turned]),
            ") stands transposed so that the result is ",
        ),
        *(_size(step.shape), ", the shape of ", Symbol(step.of), "."),
    )


def _sum_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    averaged = " and averaged" if "samples" in step.parameters else ""
    if step.parameters.get("all"):
        return (
            (
                "One shared bias feeds every unit of the layer, so its gradient is the sum of all "
                f"their deltas, over all samples{averaged}."
            ),
        )
    if step.parameters.get("negate"):
        return (
            (
                "The threshold is subtracted from every weighted sum, so its gradient is minus the "
                f"delta, added up over the samples{averaged}."
            ),
        )
    return (
        (
            "The bias enters every weighted sum with the factor 1, so its gradient is the delta "
            f"itself, added up over the samples{averaged}."
        ),
    )


def _chain_to_learned_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    da, z = step.operands
    averaged = " and averaged" if "samples" in step.parameters else ""
    whose = "every unit" if step.shape == (1, 1) else "its unit"
    return (
        *("Where ", Symbol(z), " is negative, the activation is the slope times ", Symbol(z)),
        *("; there it changes by ", Symbol(z), " per unit of the slope, else by nothing. Times "),
        *(Symbol(da), f", added up over {whose} and all samples{averaged}."),
    )


def _hadamard_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    da, g = step.operands
    minus = "−" if symbols.conventions.sign == "descent" else ""
    return (
        "Chain rule: the loss changes by ",
        *(_signed(minus, da), " per unit of the activation, the activation by "),
        *(Symbol(g), " per unit of the pre-activation; the product, entry by entry, is "),
        *(_signed(minus, step.id), "."),
    )


def _signed(minus: str, id: str) -> Expr:
    return row(minus, Symbol(id)) if minus else Symbol(id)


def _loss_gradient_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    mean: Sentence = (" The ", row("1/", Constant("samples")), " of the loss enters here.")
    descent = symbols.conventions.sign == "descent"
    downhill = ", with a minus, for it points downhill" if descent else ""
    return (
        (
            "Backpropagation starts where the loss touches the network: how fast it "
            f"({LOSSES[step.parameters['loss']].title}) changes with each prediction{downhill}."
        ),
        *(mean if step.parameters.get("samples", 1) != 1 else ()),
    )


def _shortcut_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    loss = LOSSES[step.parameters["loss"]]
    a, y = step.operands
    return (
        f"The derivative of the {loss.title} and the slope of the {loss.shortcut} multiply out to ",
        *(
            row(Symbol(a), " − ", Symbol(y)),
            ": the denominators cancel, so both are done in one line.",
        ),
    )


def _squares_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    if step.state == AVERAGE_OF_STEPS:
        return ("The recent size of the steps, whatever their sign.",)
    return ("The recent size of the gradient, whatever its sign.",)


def _scale_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    source = ids.parse(step.operands[0])
    velocity = source is None or source.role == "state"
    return (f"The learning rate says how far {'along the velocity ' if velocity else ''}to go.",)


def _activate_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    if step.parameters["activation"] == "linear":
        return ("A linear unit passes its weighted sum on, so that any number can come out.",)
    if not ACTIVATIONS[step.parameters["activation"]].elementwise:
        return ("The softmax turns each sample's sums into probabilities: positive, and 1 in all.",)
    return (
        "The activation bends the weighted sum; without it, two layers would multiply out to one.",
    )


def _descend_why(step: Step, symbols: Symbols, shapes: Shapes) -> Sentence:
    if symbols.conventions.sign == "gradient":
        return ("The gradient points uphill; a small step the other way makes the loss smaller.",)
    if symbols.single_numbers:  # of equations, whose gradients are what they are
        return ("The gradient points uphill; a small step along it makes what is climbed larger.",)
    return ("The gradient points downhill here; a small step along it makes the loss smaller.",)


def _always(*sentence: str | Expr) -> Why:
    return lambda step, symbols, shapes: sentence


WHYS: dict[str, Why] = {
    "given": _always("This number is part of the exercise."),
    "copy": _always("There is nothing to add, so this is the line before."),
    "matmul": _matmul_why,
    "add_bias": _always("The bias moves each unit's sum up or down, the same for every sample."),
    "activate": _activate_why,
    "activation_derivative": _always(
        "The chain rule asks how fast the activation changes at this pre-activation."
    ),
    "chain_to_learned": _chain_to_learned_why,
    "error": _always("How far each prediction is from its target, with its sign."),
    "loss_terms": _always("Each entry is charged by itself; the loss puts the charges together."),
    "total": _always("One number says how wrong the network is; this is what is made smaller."),
    "penalty": _always("Large weights are charged as well, so that the network stays simple."),
    "add": _always("What is minimised is the loss of the data and the penalty together."),
    "loss_gradient": _loss_gradient_why,
    "shortcut_delta": _shortcut_why,
    "hadamard": _hadamard_why,
    "jacobian_product": _always(
        "Every output of a softmax depends on every pre-activation, so each sample's gradient is "
        "multiplied by the whole Jacobian, not entry by entry."
    ),
    "sum_samples": _sum_why,
    "add_penalty": _always(
        "The penalty pulls each weight towards 0, in proportion to ", Constant("lambda"), "."
    ),
    "gradient_norm": _always(
        "All gradients are one long vector; its length, the root of the sum of the squares of "
        "every entry, says whether the step would be too long."
    ),
    "clip_to_norm": _always(
        "All gradients are shortened by the same factor, so that together they are no longer than ",
        *(Constant("clip"), " and point where they did."),
    ),
    "clip_entries": _always(
        "No entry moves its parameter by more than it would at ", Constant("clip"), "."
    ),
    "descend": _descend_why,
    "accumulate": _always("The velocity remembers earlier gradients, each step a little less."),
    "accumulate_step": _always("The velocity remembers earlier steps, each time a little less."),
    "average": _always("A running average forgets old gradients slowly and smooths the noise."),
    "accumulate_squares": _always("Squared gradients add up: what has moved much moves less now."),
    "average_squares": _squares_why,
    "scale_step": _scale_why,
    "look_ahead_step": _always(
        "Nesterov takes the gradient where the velocity is about to lead, not where it stands."
    ),
    "unbias": _always("The average began at 0 and is too small at first; this undoes that."),
    "look_ahead_average": _always(
        "The gradient of now enters at once and the average as the next update will weigh it, ",
        "each corrected for its start at 0; the momentum grows: ",
        *(Constant("mu"), " = ", Constant("beta1"), "(1 − ½·0.96^(", Constant("momentum_decay")),
        *("·t)), ", Constant("mu_next"), " is the next one, ", Constant("mu_product")),
        " the product of all so far.",
    ),
    "rescale": _always(
        "The gradient over its own recent size has no unit; times the recent size of the steps it "
        "has that of the parameter."
    ),
    "adaptive_step": _always(
        "Each entry is divided by the size of its own gradients, so that all move alike."
    ),
    "decayed_step": _always(
        "The step of Adam, and apart from it each weight shrinks by the same share."
    ),
    "apply_step": _always("The step is added to the parameter."),
    "forward_again": _always("The forward pass once more shows what the update was worth."),
}
