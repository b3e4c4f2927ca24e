"""The conventions in force, as sentences: layout, loss with its ½ and 1/n, sign, optimizer."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.functions.formula import HALF, Constant, Expr, Sentence, Symbol, parts, row
from backtrace.functions.losses import LOSSES
from backtrace.notation.text import whole
from backtrace.notation.workings import mean_is_late
from backtrace.page import board, header
from backtrace.tape.trace import Trace


def conventions(trace: Trace) -> tuple[Sentence, ...]:
    """What a reader has to know to work the same numbers, a sentence a convention."""
    return tuple(_conventions(trace))


def _conventions(trace: Trace) -> Iterator[Sentence]:
    if board.is_board(trace):
        yield from map(whole, board.facts(trace))
    else:
        yield from _of_layers(trace)
    yield from _optimizer(trace)
    said = header.arithmetic_words(trace.arithmetic)
    if said:
        yield (f"{said[0].upper()}{said[1:]}.",)


def _of_layers(trace: Trace) -> Iterator[Sentence]:
    yield (f"A sample is a {trace.conventions.layout[:-1]}: ", header.matrix_form(trace), ".")
    yield from _loss(trace)
    delta = header.sign(trace)
    if delta is not None:
        yield ("The gradient at a pre-activation is ", delta, ".")
    if trace.conventions.sign == "descent":
        yield ("Gradients point downhill: they are added, not subtracted.",)
    yield from _mean(trace)


def _loss(trace: Trace) -> Iterator[Sentence]:
    formula = header.loss(trace)
    if formula is None:
        return
    loss = LOSSES[header.first_update(trace)["loss_terms"].parameters["loss"]]
    halved = (
        (": the ", HALF, " cancels the 2 of the derivative") if _is_halved(loss.formula) else ()
    )
    article = "" if loss.title.startswith(("half", "the ")) else "the "
    yield (f"The loss is {article}{loss.title}, ", formula, *halved, ".")


def _is_halved(formula: Expr) -> bool:
    return formula == HALF or any(map(_is_halved, parts(formula)))


def _mean(trace: Trace) -> Iterator[Sentence]:
    """Where the 1/n of the loss goes on the way back."""
    over_n = row("1/", Constant("samples"))
    if mean_is_late(trace):
        yield ("The ", over_n, " of the loss enters in the gradients of the parameters.")
        return
    for traced in header.first_update(trace).values():
        averaged = traced.parameters.get("samples", 1) != 1
        if traced.phase == "backward" and averaged and traced.operation != "given":
            yield ("The ", over_n, " of the loss enters in ", Symbol(traced.id), ".")
            return


def _optimizer(trace: Trace) -> Iterator[Sentence]:
    title, rates = header.optimizer(trace)
    if rates is not None:
        yield (f"The update is {title}, ", rates, ".")
        clipping = header.clipping(trace)
        if clipping:
            yield ("Its ", *clipping, ".")
    elif title:
        yield ("No parameter is updated.",)
