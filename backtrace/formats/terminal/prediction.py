"""What a network makes of single samples: the picture, the probabilities, the class, the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from backtrace.formats.json.trace import plain as json_value
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.boxes import Line, line_width
from backtrace.formats.terminal.columns import even
from backtrace.formats.terminal.layout import INDENT, STYLES_OF_A_PAGE, Layout
from backtrace.formats.terminal.picture import picture, pixels, white
from backtrace.functions.array import Array
from backtrace.notation.numbers import aligned, cells
from backtrace.notation.symbols import Symbols
from backtrace.page.long_fractions import readable
from backtrace.spec.model import Spec
from backtrace.tape.accuracy import by_sample, class_of, classes

SCHEMA = "backtrace/prediction/1"
STYLES: dict[str, str] = {
    **STYLES_OF_A_PAGE,
    "bar": "cyan",
    "right": "bold green",
    "wrong": "bold red",
    "taken": "bold cyan",
}
MOST_BARS = 16  # of more classes those with the largest outputs are shown
BAR = 24  # columns of the longest bar
SHORTEST = 8  # and where there is little room
EIGHTHS = " ▏▎▍▌▋▊▉█"
GAP = "   "  # between the columns of numbers
APART = 4  # columns between a picture and what stands beside it


class Prediction(msgspec.Struct, frozen=True, eq=False):
    """One sample (``number``, from 1): its outputs, and its targets where it has any.

    ``taken`` and ``true`` are classes from 0, None where the outputs tell no classes apart (or
    are not finite) and where there is no target. ``pixels`` is the sample as a picture, if it
    is one. ``outputs`` and ``targets`` are 1-D.
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
            _class(output) if telling else None,
            _class(target) if telling and target is not None else None,
            pixels(inputs[at], brightest) if brightest else None,
        )
        for at, (output, target) in enumerate(zip(outputs, targets, strict=True))
    ]


def _class(values: Array) -> int | None:
    """The class that outputs or targets stand for; None where they are not finite."""
    finite = np.isfinite(np.asarray(values, dtype=np.float64)).all()
    return int(class_of(values[None])[0]) if finite else None


def _tells_classes(spec: Spec) -> bool:
    """Whether the outputs are those of classes: by the targets, or, without any, by softmax."""
    softmax = spec.layers[-1].activation.name == "softmax"
    return classes(spec) > 0 or (softmax and spec.targets is None)


def as_document(found: Sequence[Prediction]) -> dict[str, Any]:
    """The predictions as JSON has them: values in full precision, classes from 0."""
    return {
        "schema": SCHEMA,
        "samples": [
            {
                "sample": each.number,
                "outputs": _listed(each.outputs),
                "class": each.taken,
                "target": each.true,
                "targets": None if each.targets is None else _listed(each.targets),
            }
            for each in found
        ],
    }


def _listed(values: Array) -> Any:
    """The entries of a list as JSON has them: fractions, inf and nan as strings."""
    return json_value(values[None])[0]


# --- on a terminal


def lines(
    found: Sequence[Prediction],
    spec: Spec,
    symbols: Symbols,
    page: Layout,
    *,
    colour: bool = False,
    held_out: bool = False,
) -> list[Line]:
    """The samples one after another, in lines no wider than the page.

    With ``colour`` pictures are drawn in greys, whose styles ``picture.styles`` gives;
    ``held_out`` is whether the samples are those that no update sees.
    """
    shown, word = _readable(found)
    which = "Held-out sample" if held_out else "Sample"
    sheets = (_Sheet(each, which, spec, symbols, page, colour=colour) for each in shown)
    said: list[Line] = [[], *page.paragraph(word, "fact")] if word else []
    return [*(line for sheet in sheets for line in sheet.lines()), *said]


def _readable(found: Sequence[Prediction]) -> tuple[list[Prediction], str]:
    """Outputs that are long fractions as decimals, and what is said of that."""
    outputs, word = readable({str(at): each.outputs for at, each in enumerate(found)})
    shown = zip(found, outputs.values(), strict=True)
    return [msgspec.structs.replace(each, outputs=values) for each, values in shown], word


class _Sheet:
    def __init__(
        self,
        found: Prediction,
        which: str,
        spec: Spec,
        symbols: Symbols,
        page: Layout,
        *,
        colour: bool,
    ) -> None:
        self.found, self.which, self.spec, self.symbols = found, which, spec, symbols
        self.page, self.colour = page, colour
        self.name = symbols.name(f"a{len(spec.layers)}")

    def lines(self) -> Iterator[Line]:
        yield []
        yield from self.page.rule(f"{self.which} {self.found.number}", self.answer())
        if self.found.pixels is None:
            yield from self.under([], self.said(self.page.width - INDENT))
            return
        shown = picture(self.found.pixels, self.page, colour=self.colour)
        room = self.page.width - INDENT - line_width(shown[0]) - APART
        beside = self.said(room)
        if max(map(line_width, beside), default=0) <= room:
            yield from self.together(shown, beside)
        else:
            yield from self.under([*shown, []], self.said(self.page.width - INDENT))

    def said(self, room: int) -> list[Line]:
        """The numbers, in lines of ``room`` columns where that is enough for them."""
        return list(self.values() if self.found.taken is None else self.bars(room))

    def under(self, shown: list[Line], said: list[Line]) -> Iterator[Line]:
        """The picture, and what is said of it under it."""
        width = max(map(line_width, shown), default=0)
        indent = " " * INDENT if INDENT + width <= self.page.width else ""
        yield from ([(indent, ""), *line] if line else [] for line in shown)
        yield from ([(" " * INDENT, ""), *line] for line in said)

    def together(self, shown: list[Line], beside: list[Line]) -> Iterator[Line]:
        """The picture, and beside its middle what is said of it."""
        width, height = line_width(shown[0]), len(shown)
        said: list[Line] = [*([[]] * max(0, (height - len(beside)) // 2)), *beside]
        for at in range(max(height, len(said))):
            left: Line = shown[at] if at < height else [(" " * width, "")]
            right = said[at] if at < len(said) else []
            gap: Line = [(" " * APART, "")] if right else []
            yield [(" " * INDENT, ""), *left, *gap, *right]

    def answer(self) -> str:
        """``taken for 4, which is right``."""
        found = self.found
        if found.taken is None:
            return ""
        if found.true is None:
            return f"taken for {found.taken}"
        true = "which is right" if found.verdict == "right" else f"but it is {found.true}"
        return f"taken for {found.taken}, {true}"

    # Classes

    def bars(self, room: int) -> Iterator[Line]:
        """An output a line: its class, a bar as long as it is large, the number."""
        values = np.asarray(self.found.outputs, dtype=np.float64)
        chosen = self.chosen(values)
        texts = aligned([row[0] for row in self.texts(self.found.outputs[chosen])])
        remarks = [self.remark(at, len(values)) for at in chosen]
        label = max(text_width(self.label(at)) for at in chosen)
        left = room - label - max(map(len, texts)) - max(map(line_width, remarks)) - 2
        longest = max(SHORTEST, min(BAR, left))
        has_bars = float(values.min()) >= 0 and float(values.max()) <= 1
        for at, text, remark in zip(chosen, texts, remarks, strict=True):
            bar: Line = [(self.bar(values[at], longest) + " ", "bar")] if has_bars else []
            yield [(self.label(at).rjust(label) + " ", "label"), *bar, (text, ""), *remark]
        if len(chosen) < len(values):
            yield [(self.page.say(f"and {len(values) - len(chosen)} smaller ones"), "fact")]

    def chosen(self, values: Array) -> list[int]:
        """The outputs to show: all, or the largest and the true one."""
        if len(values) <= MOST_BARS:
            return list(range(len(values)))
        largest = set(np.argsort(-values, kind="stable")[:MOST_BARS].tolist())
        return sorted(largest | ({self.found.true} if self.found.true is not None else set()))

    def label(self, at: int) -> str:
        """The class that an output stands for; the only one of two classes has its symbol."""
        return str(at) if len(self.found.outputs) > 1 else self.page.say(self.name)

    def remark(self, at: int, count: int) -> Line:
        """What is said behind a bar: that it is the largest, that it is the true one."""
        found = self.found
        arrow = "◂" if self.page.unicode else "<"
        if count == 1:
            side = "≥" if found.taken else "<"
            half = self.page.say("½")
            return [("  ", ""), (f"{arrow} {self.page.say(side)} {half}", found.verdict or "taken")]
        if at == found.taken:
            return [("  ", ""), (f"{arrow} the largest", found.verdict or "taken")]
        if at == found.true:
            return [("  ", ""), (f"{arrow} the true one", "label")]
        return []

    def bar(self, value: float, longest: int) -> str:
        eighths = round(value * longest * 8)
        if not self.page.unicode:
            return ("#" * round(eighths / 8)).ljust(longest)
        whole, rest = divmod(eighths, 8)
        return ("█" * whole + (EIGHTHS[rest] if rest else "")).ljust(longest)

    # Other numbers

    def values(self) -> Iterator[Line]:
        """The outputs and, where there are any, the targets beside them."""
        found = self.found
        columns = [[self.page.say(self.name), *self.column(found.outputs)]]
        if found.targets is not None:
            error = np.asarray(found.outputs, float) - np.asarray(found.targets, float)
            y = self.page.say(self.symbols.name("y"))
            difference = self.page.say(f"{self.name} − {self.symbols.name('y')}")
            columns += [[y, *self.column(found.targets)], [difference, *self.column(error)]]
        for at, row in enumerate(zip(*map(even, columns), strict=True)):
            yield [(GAP.join(row), "label" if at == 0 else "")]

    def column(self, values: Array) -> list[str]:
        return aligned([row[0] for row in self.texts(values)])

    def texts(self, values: Array) -> list[list[str]]:
        return cells(np.asarray(values).reshape(-1, 1), self.spec.decimals)
