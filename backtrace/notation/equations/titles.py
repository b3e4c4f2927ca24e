"""What the steps of equations are called, and why each is there."""

from __future__ import annotations

from collections.abc import Mapping

from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.formula import Sentence, Symbol, row
from backtrace.notation.equations.board import steps_of
from backtrace.notation.equations.right_sides import Taken, right
from backtrace.notation.symbols import Symbols
from backtrace.notation.workings import Workings
from backtrace.spec import ids
from backtrace.tape.equation_gradients import BROADCAST
from backtrace.tape.equation_operations import sized
from backtrace.tape.steps import Step
from backtrace.tape.trace import TracedStep

WORDS = {
    "copy": "the same",
    "number": "a number",
    "matmul": "matrix product",
    "plus": "sum",
    "minus": "difference",
    "times": "product, entry by entry",
    "over": "quotient, entry by entry",
    "negate": "turn the sign",
    "larger": "the larger of two, entry by entry",
    "smaller": "the smaller of two, entry by entry",
    "softmax": "softmax",
    "stack": "put together",
    "reshape": "in another shape",
    "rows": "take rows",
    "eye": "the identity matrix",
    "pad": "a border of zeros",
    "conv": "convolution",
    "conv_transpose": "transposed convolution",
    "loss_of": "loss",
}
OF_NUMBERS = {"times": "product", "over": "quotient", "larger": "the larger", "matmul": "product"}
REDUCED = {"sum": "sum", "mean": "mean", "max": "the largest", "var": "variance"}


def is_of_equations(step: Step) -> bool:
    """Whether a step is a line of equations, a part of one, or a gradient of a name."""
    if step.role in ("named", "share"):
        return True
    return step.role == "gradient" and step.layer is None


def equation_title(step: Step, symbols: Symbols) -> str:
    """What the step does, in a few words; of a compound line, which part of it."""
    if step.phase == "given":
        return step.id
    if step.phase == "backward":
        return _gradient_title(step, symbols)
    line, part = ids.line_and_part(step.id)
    words = _words(step)
    if not part:
        return words[:1].upper() + words[1:]
    return f"For {symbols.name(line)}: {words}"


def short_equation_title(step: Step, symbols: Symbols) -> str:
    """The same in fewer words, where there is little room."""
    if step.phase != "backward":
        words = _words(step).partition(",")[0]
        return words[:1].upper() + words[1:]
    if step.role == "share":
        user, _ = ids.line_and_part(ids.user_of(step.id, step.of))
        return f"By way of {symbols.name(user)}"
    return "The start" if step.operation == "given" else "Gradient"


def _words(step: Step) -> str:
    if step.operation == "activate":
        return FUNCTIONS[step.parameters["activation"]].title
    if step.operation == "reduce":
        each = step.parameters.get("each")
        return REDUCED[step.parameters["reduce"]] + (f" of each {each}" if each else "")
    if step.operation == "pool":
        kind = {"max": "the largest", "mean": "the mean"}[step.parameters["pool"]]
        return f"{kind} of each window"
    if step.shape == (1, 1):
        return OF_NUMBERS.get(step.operation, WORDS[step.operation])
    if step.operation in ("times", "over") and "arguments" in step.parameters:
        numbers = [each for each in step.parameters["arguments"] if isinstance(each, str)]
        return OF_NUMBERS[step.operation] if numbers else WORDS[step.operation]
    return WORDS[step.operation]


def _gradient_title(step: Step, symbols: Symbols) -> str:
    of = symbols.name(step.of)
    if step.operation == "given":
        return "Where the gradient starts"
    if step.role == "share":
        user, piece = ids.line_and_part(ids.user_of(step.id, step.of))
        which = f", place {piece}" if piece else ""
        return f"What {of} gets by way of {symbols.name(user)}{which}"
    if step.operation == "add":
        return f"Gradient by {of}: add up what arrives"
    return f"Gradient by {of}"


# Why


def equation_why(step: Step, workings: Workings) -> Sentence:
    """One sentence: what the line does, or the chain rule of the line that is gone back through."""
    if step.phase != "backward":
        return _forward_why(step, workings)
    if step.operation == "given":
        return _start_why(step)
    if step.operation == "add":
        return _sum_why(step, workings.symbols)
    return _chain_why(step, workings)


def _forward_why(step: Step, workings: Workings) -> Sentence:
    line, part = ids.line_and_part(step.id)
    if part:
        return ("A part of the line of ", Symbol(line), ": what stands inside is worked first.")
    return FORWARD.get(step.operation) or _broadcast_why(step, workings)


def _broadcast_why(step: Step, workings: Workings) -> Sentence:
    """What a row, a column or a number meets again and again; what is alike needs no word."""
    taken = Taken(step, workings)
    given = list(zip(taken.formulas, taken.shapes, taken.arguments, strict=True))
    whole = [formula for formula, shape, _ in given if shape == step.shape]
    less = [each for each in given if each[1] != step.shape and each[2].number is None]
    if step.operation not in BROADCAST or not whole or not less:
        return ()
    formula, shape, _ = less[0]
    rows, columns = (a != b for a, b in zip(shape, step.shape, strict=True))
    each = "entry" if rows and columns else "row" if rows else "column"
    return (formula, f", {sized(shape)}, meets every {each} of ", whole[0], ".")


FORWARD: dict[str, Sentence] = {
    "matmul": ("Each entry is a row of the first times a column of the second.",),
    "softmax": ("What adds up to 1, and keeps the order: e to each, over their sum.",),
    "conv": ("The kernel lies on each window: products of what lies on each other, added up.",),
    "pool": ("One number for each window.",),
    "reduce": ("Several entries become one.",),
    "loss_of": ("One number says how far the prediction is from the target.",),
}


def _start_why(step: Step) -> Sentence:
    if step.role == "gradient":
        return (Symbol(step.of), " changes by exactly as much as it changes: by itself, it is 1.")
    return ("This gradient is given: it arrives from what is not on the board.",)


def _sum_why(step: Step, symbols: Symbols) -> Sentence:
    """``X is used in Q, K and V: three ways``; or several places of one line."""
    count = COUNTS.get(len(step.operands), str(len(step.operands)))
    users = [ids.line_and_part(ids.user_of(each, step.of)) for each in step.operands]
    names = list(dict.fromkeys(symbols.name(line) for line, _ in users))
    where = " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
    ways = "ways" if len(names) > 1 else "places"
    added = f": {count} {ways}, and what comes back by each is added up."
    return (Symbol(step.of), f" is used in {where}{added}")


COUNTS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}


def gone_through(step: Step, steps: Mapping[str, TracedStep]) -> TracedStep | None:
    """The line, or the part of one, through which a gradient comes back: that of what has arrived,
    or a part of it that passes on what has arrived."""
    arrived = next((steps[id] for id in step.operands if steps[id].phase == "backward"), None)
    if arrived is None:
        return None
    line, _ = ids.line_and_part(arrived.of)
    users = [each for each in steps_of(line, steps) if step.of in each.operands]
    return next((user for user in users if user.id == arrived.of), users[-1] if users else None)


def _chain_why(step: Step, workings: Workings) -> Sentence:
    user = gone_through(step, workings.steps)
    if user is None:
        return ("Chain rule: what has arrived times the local derivative.",)
    local = LOCAL.get(step.operation, "what has arrived times the local derivative")
    if step.operation == "copy" and user.operation not in ("plus", "minus"):
        local = "these entries are passed on as they are, the local derivative is 1"
    line = row(Symbol(user.id), " = ", right(user.step, workings))
    return ("Chain rule through ", line, ": ", local, *_summed_words(step), ".")


def _summed_words(step: Step) -> Sentence:
    summed = step.parameters.get("summed")
    if summed is None:
        return ()
    return ("; it was repeated, so all its places are added up",)


LOCAL = {
    "copy": "a sum passes the gradient on as it is, the local derivative is 1",
    "negate": "the local derivative of −x is −1",
    "times": "the local derivative of a product by one factor is the other factor",
    "over": "the local derivative of x/y by x is 1/y",
    "over_slope": "the local derivative of x/y by y is −x/y²",
    "larger_slope": "the one that was chosen gets all of it, the other one nothing",
    "matmul": (
        "the gradient by a factor is what has arrived and the other factor, transposed, on the "
        "side where it stands"
    ),
    "chain": "entry by entry, what has arrived times the slope of the function there",
    "chain_to_learned": "the local derivative of the function by its slope is min(0, z)",
    "softmax_slope": ("every output depends on every input, by the Jacobian aᵢ(1 − aᵢ) and −aᵢaⱼ"),
    "reduce_slope": "every entry gets its share of what has arrived at the one number",
    "loss_slope": "what has arrived times the derivative of the loss",
    "conv_input": (
        "every entry of what has arrived goes back over its window, times the kernel; where "
        "windows overlap, it is added up"
    ),
    "conv_kernel": (
        "an entry of the kernel has met every window, so it gets the sum of what has arrived "
        "times what lay under it"
    ),
    "conv": "every entry gets the window of what has arrived that it was spread over",
    "pool_slope": "only what has made the number gets it: the largest, or each its part of a mean",
    "reshape": "the same numbers in the shape they came from",
    "rows_slope": "each row goes back to where it was taken from",
}
