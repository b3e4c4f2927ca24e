"""The conventions in force, as sentences: layout, loss with its ½ and 1/n, sign, optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.functions.formula import Expr, Ref, Sentence, Symbol, Template, Text, Value, row
from backtrace.functions.losses import LOSSES
from backtrace.notation.symbols import Symbols
from backtrace.page import header
from backtrace.tape.trace import Trace, TracedStep

PRODUCTS = {
    ("rows", "in_out"): r"{A} \cdot {W}",
    ("rows", "out_in"): r"{A} \cdot {W}^{{\top}}",
    ("columns", "out_in"): r"{W} \cdot {A}",
    ("columns", "in_out"): r"{W}^{{\top}} \cdot {A}",
}


def conventions(trace: Trace, symbols: Symbols) -> tuple[Sentence, ...]:
    """What a reader has to know to work the same numbers, a sentence a convention."""
    return tuple(_conventions(trace, symbols))


def _conventions(trace: Trace, symbols: Symbols) -> Iterator[Sentence]:
    yield (f"A sample is a {trace.conventions.layout[:-1]}: ", _matrix_form(trace), ".")
    yield from _loss(trace, symbols)
    yield from _sign(trace)
    yield from _mean(trace, symbols)
    yield from _optimizer(trace)
    said = header.arithmetic_words(trace.arithmetic)
    if said:
        yield (f"{said[0].upper()}{said[1:]}.",)


def _matrix_form(trace: Trace) -> Expr:
    letters = header.letters(trace)
    product = PRODUCTS[trace.conventions.layout, trace.conventions.weights].format_map(letters)
    minus_or_plus = header.bias_sign(trace)
    bias = f" {minus_or_plus.replace('−', '-')} b" if minus_or_plus else ""
    return Template(header.matrix_form(trace), f"{letters['Z']} = {product}{bias}", {})


def _loss(trace: Trace, symbols: Symbols) -> Iterator[Sentence]:
    first = header.first_update(trace)
    terms = first.get("loss_terms")
    if terms is None:
        return
    loss = LOSSES[terms.parameters["loss"]]
    formula: list[Expr | str] = [Symbol("loss"), " = ", _loss_formula(first, terms)]
    if "penalty" in first:
        formula += [" + ", Symbol("penalty")]
    halved: Sentence = ()
    if "½" in loss.formula.text:
        halved = (": the ", Text("½"), " cancels the 2 of the derivative")
    article = "" if loss.title.startswith(("half", "the ")) else "the "
    yield (f"The loss is {article}{loss.title}, ", row(*formula), *halved, ".")


def _loss_formula(first: header.Update, terms: TracedStep) -> Expr:
    loss, parameters = LOSSES[terms.parameters["loss"]], terms.parameters
    total = first.get("data_loss", first.get("loss"))
    averaged = total is not None and "samples" in total.parameters
    mean = Template("1/{samples} ", r"\frac{1}{{samples}} ", {}) if averaged else Text("")
    prediction = Ref(terms.operands[0])
    parts: dict[str, Expr] = {
        name: Value(float(value)) for name, value in parameters.items() if not _is_word(value)
    }
    parts |= {"mean": mean, "a": prediction, "y": Ref("y"), "e": Ref("error")}
    parts["a_true"] = Template("{a}_true", r"{a}[\text{true class}]", {"a": prediction})
    return Template(loss.formula.text, loss.formula.latex, parts)


def _is_word(value: object) -> bool:
    return isinstance(value, str)


def _sign(trace: Trace) -> Iterator[Sentence]:
    if header.shows_delta(trace):
        loss, z = trace.notation.loss, header.letters(trace)["Z"]
        factor = header.delta_factor(trace)
        in_tex = factor.replace("−", "-").replace("·", r" \cdot ")
        tex = rf"\delta = {in_tex}\partial {loss} / \partial {z}"
        yield ("The error of a unit is ", Template(f"δ = {factor}∂{loss}/∂{z}", tex, {}), ".")
    if trace.conventions.sign == "descent":
        yield ("Gradients point downhill: they are added, not subtracted.",)


def _mean(trace: Trace, symbols: Symbols) -> Iterator[Sentence]:
    """Where the 1/n of the loss goes on the way back."""
    over_n: Expr = Template("1/{samples}", "1/{samples}", {})
    if header.mean_is_late(trace):
        yield ("The ", over_n, " of the loss enters in the gradients of the parameters.")
        return
    for traced in header.first_update(trace).values():
        averaged = traced.parameters.get("samples", 1) != 1
        if traced.phase == "backward" and averaged and traced.operation != "given":
            yield ("The ", over_n, " of the loss enters in ", Symbol(traced.id), ".")
            return


def _optimizer(trace: Trace) -> Iterator[Sentence]:
    title, rates = header.optimizer(trace)
    if not title:
        return
    if not rates:
        yield ("No parameter is updated.",)
        return
    shown: list[Expr | str] = [Template("{rate}", "{rate}", {}), " = ", Value(rates[0])]
    if rates[1:]:
        shown += [" … ", Value(rates[-1])]
    yield (f"The update is {title}, ", row(*shown), ".")
