"""A spec to begin from: a small network, or the same as formulas, with comments that teach."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import wrap

import msgspec

from backtrace.course.blueprint import Blueprint
from backtrace.course.exercises import fresh
from backtrace.course.template import template
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.equations.vocabulary import SIGNATURES

SEED = 1  # the same options give the same file
WIDTH = 79  # of a comment
TITLE = "My network"

UNITS = [name for name, row in ACTIVATIONS.items() if row.differentiable and not row.learned]
"""The activations that there is a choice of: an error passes back through them."""


def starter(shape: Blueprint, *, equations: bool) -> str:
    """The text of a spec with pleasant numbers; ``equations`` has formulas in place of layers."""
    lines = list(_board(shape) if equations else _network(shape))
    drawn_from = template("\n".join(lines).encode(), "the network asked for")
    commented = msgspec.structs.replace(drawn_from, lines=tuple(lines))
    return "\n".join(_spaced(fresh(commented, TITLE, (SEED,)).text)) + "\n"


def _spaced(text: str) -> Iterator[str]:
    """With an empty line for each bare #, and above what a comment begins."""
    before = "#"
    for line in text.splitlines():
        if line.startswith("#") and not before.startswith("#"):
            yield ""
        yield "" if line == "#" else line
        before = line


def _said(*paragraphs: str) -> Iterator[str]:
    for words in paragraphs:
        yield from (f"# {line}" for line in wrap(words, WIDTH - 2))


def _network(shape: Blueprint) -> Iterator[str]:
    rows = shape.layout == "rows"
    yield from _said(
        "A network for backtrace. Change whatever you like: what does not fit is said, with its "
        "line. `backtrace trace` with the name of this file works it, step by step."
    )
    yield "#"
    yield from _said(
        "The layers, from the inputs to the outputs. A weight matrix has "
        f"{'a row an input and a column a unit' if rows else 'a row a unit and a column an input'};"
        " how many there are follows from it. `bias: none` leaves the bias out.",
        f"Activations: {', '.join(UNITS)}.",
    )
    yield "layers:"
    for name, weights, bias in shape.layers:
        yield f"  - activation: {name}"
        yield f"    weights: {weights}"
        yield f"    bias: {bias}"
    line = "row" if rows else "column"
    yield from _said(f"What goes in: a {line} a sample.")
    yield f"inputs: {shape.inputs_text}"
    if shape.targets_text:
        yield from _said(f"What should come out: a {line} a sample.")
        yield f"targets: {shape.targets_text}"
    yield from _said(
        f"The loss, here the {LOSSES[shape.loss_name].title}; the first lines of the trace have "
        f"its formula. Losses: {', '.join(LOSSES)}."
    )
    yield f"loss: {shape.loss_name}"
    yield from _update(shape)
    formula = "Z = A·W + b" if rows else "Z = W·A + b"
    yield from _said(
        f"As your course writes it. layout: {shape.layout}, a sample is a {shape.layout[:-1]}: "
        f"{formula} (the other is {'columns' if rows else 'rows'}). sign: gradient, δ = ∂L/∂z and "
        "w − η·dW (the other is descent, w + η·Δw)."
    )
    yield f"conventions: {{layout: {shape.layout}, sign: {shape.sign}}}"
    yield from _said("Decimals to print.")
    yield "display: {decimals: 4}"


def _board(shape: Blueprint) -> Iterator[str]:
    line = "row" if shape.layout == "rows" else "column"
    yield from _said(
        "Formulas for backtrace, as they stand on the board. Change whatever you like: what does "
        "not fit is said, with its line. `backtrace trace` with the name of this file works them, "
        "forward and back."
    )
    yield "#"
    yield from _said(f"layout: {shape.layout}. A flat list is a {line}, a sample is a {line}.")
    yield f"conventions: {{layout: {shape.layout}}}"
    yield from _said("What is given, under names of your own: numbers, lists, matrices.")
    yield "given:"
    yield f"  X: {shape.inputs_text}"
    if shape.targets_text:
        yield f"  Y: {shape.targets_text}"
    layers = list(shape.layers)
    for number, (_, weights, bias) in enumerate(layers, 1):
        yield f"  W{number}: {weights}"
        yield f"  b{number}: {bias}"
    yield from _said(
        "The formulas, NAME = EXPRESSION, in order. @ is the matrix product, + - * / go entry by "
        "entry, ^ is a power, x.T is transposed; a row or a column is added to every line.",
        f"Functions: {', '.join(name for name in SIGNATURES if name not in LOSSES)}.",
        f"Losses, of a prediction and its target: {', '.join(_losses())}.",
    )
    yield "equations:"
    yield from _lines(shape)
    yield from _said("What is differentiated: a name that is a single number.")
    yield "loss: L"
    yield from _said("Whose gradients are not wanted; every other name gets one, dNAME.")
    yield f"constants: [{'X, Y' if shape.targets_text else 'X'}]"
    if shape.rate != "none":
        yield from _said("What an update changes.")
        names = (f"W{number}, b{number}" for number in range(1, len(layers) + 1))
        yield f"parameters: [{', '.join(names)}]"
    yield from _update(shape)
    yield from _said("Decimals to print.")
    yield "display: {decimals: 4}"


def _lines(shape: Blueprint) -> Iterator[str]:
    """The formulas of a dense network; a linear unit needs none of its own."""
    before = "X"
    for number, (name, _, _) in enumerate(shape.layers, 1):
        weights = f"W{number}"
        product = f"{before} @ {weights}" if shape.layout == "rows" else f"{weights} @ {before}"
        before = f"Z{number}"
        yield f"  - {before} = {product} + b{number}"
        if name != "linear":
            yield f"  - A{number} = {name}({before})"
            before = f"A{number}"
    yield f"  - L = {f'{shape.loss_name}({before}, Y)' if shape.targets_text else f'sum({before})'}"


def _losses() -> list[str]:
    return [name for name in SIGNATURES if name in LOSSES]


def _update(shape: Blueprint) -> Iterator[str]:
    if shape.rate != "none":
        yield from _said("One step downhill, new = old − η · gradient. Without it there is none.")
        yield f"learning_rate: {shape.rate}"
