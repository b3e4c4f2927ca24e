"""What the steps of equations are called, and why each is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import Sentence, Symbol
from backtrace.notation.symbols import Symbols
from backtrace.spec import ids
from backtrace.tape.steps import Step

_WORDS = {
    "copy": "The same",
    "number": "A number",
    "matmul": "Matrix product",
    "plus": "Sum",
    "minus": "Difference",
    "times": "Product, entry by entry",
    "over": "Quotient, entry by entry",
    "negate": "Turn the sign",
    "larger": "The larger of two, entry by entry",
    "smaller": "The smaller of two, entry by entry",
    "softmax": "Softmax",
    "stack": "Put beside each other",
    "reshape": "In another shape",
    "rows": "Take rows",
    "eye": "The identity matrix",
    "pad": "A border of zeros",
    "conv": "Convolution",
    "conv_transpose": "Transposed convolution",
    "loss_of": "Loss",
}
_REDUCED = {"sum": "Sum", "mean": "Mean", "max": "Largest", "var": "Variance"}


def is_of_equations(step: Step) -> bool:
    """Whether a step is a line of equations, a part of one, or a gradient of a name."""
    if step.role in ("named", "share"):
        return True
    return step.role == "gradient" and step.layer is None


def equation_title(step: Step) -> str:
    """What the step does, in a few words."""
    if step.phase == "given":
        return step.id
    if step.phase == "backward":
        return _gradient_title(step)
    if step.operation == "activate":
        return FUNCTIONS[step.parameters["activation"]].title.capitalize()
    if step.operation == "reduce":
        each = step.parameters.get("each")
        return _REDUCED[step.parameters["reduce"]] + (f" of each {each}" if each else "")
    if step.operation == "pool":
        return f"{step.parameters['pool'].capitalize()} of each window"
    return _WORDS[step.operation]


def _gradient_title(step: Step) -> str:
    if step.operation == "given":
        return "Where the gradient starts"
    if step.operation == "add":
        return f"Gradient by {step.of}: add up what arrives"
    user = ids.user_of(step.id, step.of) if step.role == "share" else ""
    return f"Gradient by {step.of}" + (f", by way of {user}" if user else "")


def equation_why(step: Step, symbols: Symbols, shapes: Mapping[str, tuple[int, ...]]) -> Sentence:
    """One sentence: what the line does, or how its gradient comes about."""
    why = WHYS.get(step.operation)
    return ("This line stands on the board.",) if why is None else why(step)


def _chain(step: Step) -> Sentence:
    upstream = step.operands[0] if step.operands else step.id
    return (
        "Chain rule: upstream times local; what has arrived, ",
        *(Symbol(upstream), ", times how fast the line changes with ", Symbol(step.of), "."),
    )


def _sum(step: Step) -> Sentence:
    ways = len(step.operands)
    return (Symbol(step.of), f" is used in {ways} places, and what comes back by each is added up.")


WHYS: dict[str, Callable[[Step], Sentence]] = {
    "add": _sum,
    "chain": _chain,
    "softmax_slope": _chain,
    "reduce_slope": _chain,
    "over_slope": _chain,
    "larger_slope": _chain,
    "pool_slope": _chain,
    "loss_slope": _chain,
    "conv_input": _chain,
    "conv_kernel": _chain,
    "rows_slope": _chain,
}
