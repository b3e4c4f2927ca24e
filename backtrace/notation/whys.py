"""Why each step is there, in a sentence or two."""

from __future__ import annotations

from collections.abc import Callable

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.formula import (
    HALF,
    Constant,
    Expr,
    Ref,
    Sentence,
    Symbol,
    Text,
    filled,
    mentions,
    rebuilt,
    row,
)
from backtrace.functions.losses import LOSSES, A, Y
from backtrace.functions.optimizers import AVERAGE_OF_STEPS
from backtrace.notation.loss import is_plain
from backtrace.notation.workings import Workings, constants, mean_is_late
from backtrace.spec import ids
from backtrace.tape.steps import Step

Why = Callable[[Step, Workings], Sentence]
ERROR = A - Y
SQUARED = ERROR**2


def _size(shape: tuple[int, ...]) -> Expr:
    """``2 × 3``; a scalar has no size."""
    return Text(" × ".join(str(length) for length in shape))


def _matmul_why(step: Step, workings: Workings) -> Sentence:
    if step.phase == "forward":
        return _product_why(step, workings)
    if step.role == "activation_gradient":
        return _gradient_back_why(step, workings)
    return _weight_gradient_why(step, workings)


def _product_why(step: Step, workings: Workings) -> Sentence:
    first, second = step.operands
    turned = {"first": first, "second": second}.get(step.parameters.get("transpose", ""))
    return (
        "Each unit weighs every number that reaches it and adds them up; ",
        *(Symbol(first), " is ", _size(workings.steps[first].shape), " and "),
        *(Symbol(second), " is ", _size(workings.steps[second].shape)),
        *((", so ", Symbol(turned), " stands transposed") if turned else ()),
        *(", which gives ", _size(step.shape), ": one number for each sample and unit."),
    )


def _gradient_back_why(step: Step, workings: Workings) -> Sentence:
    weights = next(id for id in step.operands if _is_weight(id))
    delta = next(id for id in step.operands if id != weights)
    shapes = {id: _size(workings.steps[id].shape) for id in (weights, delta)}
    force: Sentence = (" (", shapes[weights], ") already faces the right way")
    if step.parameters.get("transpose"):
        meets = (Symbol(delta), " (", shapes[delta], ")")
        force = (" is ", shapes[weights], " and has to stand transposed to meet ", *meets)
    return (
        (
            "Chain rule: each unit feeds every unit of the next layer, so its gradient is the sum "
            "of theirs, each times the weight it went through; "
        ),
        *(Symbol(weights), *force, "."),
    )


def _is_weight(id: str) -> bool:
    """Whether an id is that of weights, old or updated."""
    named = ids.parse(id)
    return named is not None and named.role in ("weight", "updated")


def _weight_gradient_why(step: Step, workings: Workings) -> Sentence:
    first, second = step.operands
    turned = first if step.parameters.get("transpose") == "first" else second
    delta = second if turned == first else first
    return (
        "A weight's gradient is the number that came in through it times the ",
        *(Symbol(delta), f" that it went to, added up over the samples{_averaged(step)}; "),
        *(Symbol(turned), " (", _size(workings.steps[turned].shape)),
        *(") stands transposed so that the result is ", _size(step.shape)),
        *(", the shape of ", Symbol(step.of), "."),
    )


def _averaged(step: Step) -> str:
    """Where the loss's 1/n enters late, the sum is divided."""
    return " and averaged" if step.parameters.get("samples", 1) != 1 else ""


def _sum_why(step: Step, workings: Workings) -> Sentence:
    delta = Symbol(step.operands[0])
    over = f"added up over the samples{_averaged(step)}."
    if step.parameters.get("all"):
        every = f", over all units and all samples{_averaged(step)}."
        return (
            "One shared bias feeds every unit of the layer, so its gradient is the sum of ",
            *(delta, every),
        )
    if step.parameters.get("negate"):
        return (
            "The threshold is subtracted from every weighted sum, so its gradient is minus ",
            *(delta, ", ", over),
        )
    return (
        "The bias enters every weighted sum with the factor 1, so its gradient is ",
        *(delta, " itself, ", over),
    )


def _chain_to_learned_why(step: Step, workings: Workings) -> Sentence:
    da, z = step.operands
    whose = "every unit" if step.shape == (1, 1) else "its unit"
    return (
        *("Where ", Symbol(z), " is negative, the activation is the slope times ", Symbol(z)),
        *("; there it changes by ", Symbol(z), " per unit of the slope, else by nothing. Times "),
        *(Symbol(da), f", added up over {whose} and all samples{_averaged(step)}."),
    )


def _hadamard_why(step: Step, workings: Workings) -> Sentence:
    da, g = step.operands
    minus = "−" if workings.setting.descent else ""
    return (
        "Chain rule: the loss changes by ",
        *(_signed(minus, da), " per unit of the activation, the activation by "),
        *(Symbol(g), " per unit of the pre-activation; the product, entry by entry, is "),
        *(_signed(minus, step.id), "."),
        *_n_times(da, step.id, workings),
    )


def _n_times(da: str, delta: str, workings: Workings) -> Sentence:
    """What is said of gradients from which the 1/n of the loss is left out."""
    if not mean_is_late(workings.steps.values()):
        return ()
    n = Constant("samples")
    return (
        *(" ", Symbol(da), " and ", Symbol(delta), " are ", n, " times the derivatives: the "),
        *(row("1/", n), " of the loss comes in with the gradients of the weights and biases."),
    )


def _signed(minus: str, id: str) -> Expr:
    return row(minus, Symbol(id)) if minus else Symbol(id)


def _loss_gradient_why(step: Step, workings: Workings) -> Sentence:
    descent = workings.setting.descent
    downhill = ", with a minus, for it points downhill" if descent else ""
    return (
        (
            "Backpropagation starts where the loss touches the network: how fast it "
            f"({LOSSES[step.parameters['loss']].title}) changes with each prediction{downhill}."
        ),
        *_derived(step, workings),
        *_mean(step, workings),
    )


def _derived(step: Step, workings: Workings) -> Sentence:
    """``The derivative of ½·(ŷ − y)² by ŷ is ½·2·(ŷ − y): …``; nothing where there are cases."""
    loss = LOSSES[step.parameters["loss"]]
    if not (is_plain(loss.gradient_formula) and is_plain(loss.term_formula)):
        return ()
    terms = next(each for each in workings.steps.values() if each.operation == "loss_terms")
    names = zip(("a", "y"), map(Ref, terms.operands), strict=False)
    quantities: dict[str, Expr] = {**constants(terms.step), **dict(names)}
    square = mentions(loss.term_formula, SQUARED)
    derivative = _brought_down(loss.term_formula) if square else loss.gradient_formula
    quantities["e"] = filled(ERROR, quantities) if "y" in quantities else Text("")
    said = ": the 2 comes down from the square"
    said += " and the ½ takes it away" if mentions(loss.term_formula, HALF) else ""
    return (
        *(" The derivative of ", in_names(filled(loss.term_formula, quantities))),
        *(" by ", Symbol(terms.operands[0]), " is "),
        *(in_names(filled(derivative, quantities)), f"{said if square else ''}."),
    )


def _brought_down(expr: Expr) -> Expr:
    """The derivative of a formula with a square in it: 2 times what was squared."""
    return 2 * ERROR if expr == SQUARED else rebuilt(expr, _brought_down)


def in_names(expr: Expr) -> Expr:
    """The same formula with symbols, also where numbers are put in."""
    return Symbol(expr.id) if isinstance(expr, Ref) else rebuilt(expr, in_names)


def _mean(step: Step, workings: Workings) -> Sentence:
    """Where the 1/n of the loss enters."""
    over = row("1/", Constant("samples"))
    if step.parameters.get("samples", 1) != 1:
        return (" The ", over, " of the loss enters here.")
    if mean_is_late(workings.steps.values()):
        return (
            *(" The ", over, " of the loss is left out here: it comes in with the gradients of "),
            "the weights and biases.",
        )
    return ()


def _shortcut_why(step: Step, workings: Workings) -> Sentence:
    loss = LOSSES[step.parameters["loss"]]
    a, y = step.operands
    return (
        f"The derivative of the {loss.title} and the slope of the {loss.shortcut} multiply out to ",
        *(
            row(Symbol(a), " − ", Symbol(y)),
            ": the denominators cancel, so both are done in one line.",
        ),
        *_mean(step, workings),
    )


def _squares_why(step: Step, workings: Workings) -> Sentence:
    if step.state == AVERAGE_OF_STEPS:
        return ("The recent size of the steps, whatever their sign.",)
    return ("The recent size of the gradient, whatever its sign.",)


def _scale_why(step: Step, workings: Workings) -> Sentence:
    source = ids.parse(step.operands[0])
    velocity = source is None or source.role == "state"
    return (f"The learning rate says how far {'along the velocity ' if velocity else ''}to go.",)


def _activate_why(step: Step, workings: Workings) -> Sentence:
    if step.parameters["activation"] == "linear":
        return ("A linear unit passes its weighted sum on, so that any number can come out.",)
    if not ACTIVATIONS[step.parameters["activation"]].elementwise:
        return ("The softmax turns each sample's sums into probabilities: positive, and 1 in all.",)
    return (
        "The activation bends the weighted sum; without it, two layers would multiply out to one.",
    )


def _descend_why(step: Step, workings: Workings) -> Sentence:
    if not workings.setting.descent:
        return ("The gradient points uphill; a small step the other way makes the loss smaller.",)
    if workings.symbols.single_numbers:  # of equations, whose gradients are what they are
        return ("The gradient points uphill; a small step along it makes what is climbed larger.",)
    return ("The gradient points downhill here; a small step along it makes the loss smaller.",)


def _always(*sentence: str | Expr) -> Why:
    return lambda step, workings: sentence


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
