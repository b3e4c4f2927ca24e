"""What a network makes of single samples: the picture, the probabilities, the class, the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isqrt

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.notation.numbers import aligned, cells
from backtrace.notation.symbols import Symbols
from backtrace.page import header
from backtrace.page.blocks import (
    Bar,
    Bars,
    Block,
    Cell,
    Document,
    Listing,
    Paragraph,
    Picture,
    Section,
)
from backtrace.page.inert import inert
from backtrace.page.long_fractions import readable
from backtrace.page.standardizing import standardized_inputs
from backtrace.spec.excerpt import excerpt
from backtrace.spec.ids import id_of
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import are_signs, boundary, by_sample, class_of, classes
from backtrace.tape.run import trace

FEWEST_PIXELS = 16
MOST_BARS = 16  # of more classes those with the largest outputs are shown


class Prediction(msgspec.Struct, frozen=True, eq=False):
    """One sample (``number``, from 1): its outputs, and its targets where it has any.

    ``taken`` and ``true`` are classes from 0 (of a single output with the sign of its class, −1
    and 1), None where the outputs tell no classes apart (or are not finite) and where there is no
    target. ``pixels`` is the sample as a picture, if it is one. ``outputs`` and ``targets`` are
    1-D.
    """

    number: int
    outputs: Array
    targets: Array | None = None
    taken: int | None = None
    true: int | None = None
    pixels: Array | None = None

    @property
    def verdict(self) -> str:
        """``right``, ``wrong``, or nothing where that is not known."""
        if self.taken is None or self.true is None:
            return ""
        return "right" if self.taken == self.true else "wrong"

    @property
    def answer(self) -> str:
        """``predicted 4, correct``."""
        if self.taken is None:
            return ""
        if self.true is None:
            return f"predicted {self.taken}"
        true = "correct" if self.verdict == "right" else f"but it is {self.true}"
        return f"predicted {self.taken}, {true}"


def predictions(spec: Spec, one: Spec, first: int, outputs: Array) -> list[Prediction]:
    """Those of the samples of ``one``, an excerpt of ``spec`` from sample ``first`` on.

    ``outputs`` are their last activations, a sample a row.
    """
    telling, brightest = _tells_classes(spec), white(spec)
    inputs = by_sample(one, one.inputs)
    targets = [None] * len(outputs) if one.targets is None else by_sample(one, one.targets)
    return [
        Prediction(
            first + at,
            output,
            target,
            _class(spec, output) if telling else None,
            _class(spec, target) if telling and target is not None else None,
            pixels(inputs[at], brightest) if brightest else None,
        )
        for at, (output, target) in enumerate(zip(outputs, targets, strict=True))
    ]


def _class(spec: Spec, values: Array) -> int | None:
    """The class that outputs or targets stand for; None where they are not finite."""
    finite = np.isfinite(np.asarray(values, dtype=np.float64)).all()
    if not finite:
        return None
    found = int(class_of(values[None], boundary(spec))[0])
    return 2 * found - 1 if are_signs(spec) and len(values) == 1 else found


def _tells_classes(spec: Spec) -> bool:
    """Whether the outputs are those of classes: by the targets, or, without any, by softmax."""
    softmax = spec.layers[-1].activation.name == "softmax"
    return classes(spec) > 0 or (softmax and spec.targets is None)


def white(spec: Spec) -> float:
    """The largest input of the data, which a picture shows as white; 0 where it has no pictures.

    Samples are taken for pictures where their inputs make a square of at least 4 × 4, none of
    them is negative, and not all are 0.
    """
    inputs = spec.inputs.values
    size = inputs.size // spec.samples
    if isqrt(size) ** 2 != size or size < FEWEST_PIXELS or float(np.min(inputs)) < 0:
        return 0.0
    return float(np.max(inputs))


def pixels(sample: Array, brightest: float) -> Array:
    """The inputs of one sample as greys from 0 (black) to 1, in the rows of a square."""
    values = np.asarray(sample, dtype=np.float64).ravel()
    side = isqrt(values.size)
    greys: Array = np.clip(values.reshape(side, side) / brightest, 0.0, 1.0)
    return greys


# The page


def document(
    found: Sequence[Prediction], spec: Spec, parameters: str, *, held_out: bool
) -> Document:
    """The samples one after another; ``parameters`` says which ones they were worked with.

    ``held_out`` is whether the samples are those that no update sees.
    """
    sketch = trace(msgspec.structs.replace(excerpt(spec, 1, 1), loss=None, optimizer=None))
    symbols = Symbols.of(sketch)
    which = "Held-out sample" if held_out else "Sample"
    said = filter(None, (f"parameters {parameters}", standardized_inputs(spec)))
    return Document(
        inert(spec.title),
        (
            *(Paragraph(words, "fact") for words in said),
            *samples(found, spec, symbols, which),
        ),
        architecture=header.architecture(sketch),
        symbols=symbols,
    )


def samples(
    found: Sequence[Prediction], spec: Spec, symbols: Symbols, which: str = "Sample"
) -> Iterator[Section]:
    """A section for each; outputs that are long fractions as decimals, and a word about it."""
    shown, word = readable({str(at): each.outputs for at, each in enumerate(found)})
    for each, outputs in zip(found, shown.values(), strict=True):
        sample = _Sample(msgspec.structs.replace(each, outputs=outputs), spec, symbols)
        yield Section(f"{which} {each.number}", (sample.block(),), each.answer)
    if word:
        yield Section("", (Paragraph(word, "fact", 2),))


class _Sample:
    def __init__(self, found: Prediction, spec: Spec, symbols: Symbols) -> None:
        self.found, self.decimals = found, spec.decimals
        self.boundary = "0" if are_signs(spec) else "½"
        self.name = symbols.name(id_of("activation", len(spec.layers)))
        self.target = symbols.name(id_of("targets"))

    def block(self) -> Block:
        numbers = self.values() if self.found.taken is None else self.bars()
        shown = self.found.pixels
        return numbers if shown is None else Picture(shown, numbers)

    # Classes

    def bars(self) -> Bars:
        """An output a line: its class, a bar as long as it is large, the number."""
        values = np.asarray(self.found.outputs, dtype=np.float64)
        chosen = self.chosen(values)
        drawn = float(values.min()) >= 0 and float(values.max()) <= 1
        rows = (
            Bar(self.label(at), text, float(values[at]) if drawn else None, self.remark(at))
            for at, text in zip(chosen, self.column(self.found.outputs[chosen]), strict=True)
        )
        return Bars(tuple(rows), len(values) - len(chosen))

    def chosen(self, values: Array) -> list[int]:
        """The outputs to show: all, or the largest and the true one."""
        if len(values) <= MOST_BARS:
            return list(range(len(values)))
        largest = set(np.argsort(-values, kind="stable")[:MOST_BARS].tolist())
        return sorted(largest | ({self.found.true} if self.found.true is not None else set()))

    def label(self, at: int) -> str:
        """The class that an output stands for; the only one of two classes has its symbol."""
        return str(at) if len(self.found.outputs) > 1 else self.name

    def remark(self, at: int) -> Cell:
        """What is said of an output: that it is the largest, that it is the true one."""
        found = self.found
        if len(found.outputs) == 1:
            side = "≥" if (found.taken or 0) > 0 else "<"
            return Cell(f"{side} {self.boundary}", found.verdict or "taken")
        if at == found.taken:
            return Cell("the largest", found.verdict or "taken")
        return Cell("the true one", "label") if at == found.true else Cell("")

    # Other numbers

    def values(self) -> Listing:
        """The outputs and, where there are any, the targets beside them."""
        found = self.found
        columns = [[self.name, *self.column(found.outputs)]]
        if found.targets is not None:
            error = np.asarray(found.outputs, float) - np.asarray(found.targets, float)
            columns.append([self.target, *self.column(found.targets)])
            columns.append([f"{self.name} − {self.target}", *self.column(error)])
        return Listing(tuple(zip(*columns, strict=True)))

    def column(self, values: Array) -> list[str]:
        return aligned([row[0] for row in cells(np.asarray(values)[:, None], self.decimals)])
