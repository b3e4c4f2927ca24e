"""The paths of an entry on a terminal: factors over their numbers, in columns if there is room."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

from backtrace.formats.measure import padded, text_width
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import INDENT, Layout, formula_lines
from backtrace.functions.formula import Expr
from backtrace.notation.numbers import aligned
from backtrace.page.figures import EXACTLY
from backtrace.page.why.blocks import Chain, Derivations, ShownPath

TIMES, EQUALS = " · ", " = "
Say = Callable[[Expr], str]  # a formula in the terminal's characters


def chain(block: Chain, layout: Layout, say: Say) -> Iterator[Line]:
    """``dW = `` and beside it each path, its numbers below, the products at the right."""
    written = [_texts(path, layout, say) for path in block.paths]
    columns = [texts for pair in written for texts in pair]
    widths = [max(map(text_width, column)) for column in zip_longest(*columns, fillvalue="")]
    left, times = say(block.left), layout.say(TIMES)
    products = aligned([*(path.product for path in block.paths), *_closing(block)])
    across = sum(widths) + len(times) * (len(widths) - 1)
    room = layout.breadth - across - 2 * len(EQUALS) - text_width(products[0])
    if room < INDENT:
        yield from _folded(block, written, layout, left)
        return
    margin, head = INDENT + text_width(left), EQUALS
    if margin > room:  # the name of the entry on a line of its own
        yield [(" " * INDENT + left, "heading")]
        margin, left = INDENT, ""
    name = [(" " * (margin - text_width(left)) + left, "heading")]
    for at, (symbols, numbers) in enumerate(written):
        yield [*name, (head, ""), (_beside(symbols, widths, times), "gradient")]
        worked = _beside(numbers, widths, times).ljust(across)
        name, head = [(" " * margin, "")], " + "
        product = _product(products[at], layout, block.paths[at].sign)
        yield [*name, ("   " + worked, ""), *product]
    if block.further:
        words = block.further.ljust(across)
        yield [*name, (head, ""), (words, "fact"), *_product(products[len(written)], layout)]
    if block.sums:
        total = _product(products[-1], layout, block.sign, "heading")
        yield [*name, (" " * (across + 3), ""), *total]


def _product(text: str, layout: Layout, sign: str = EXACTLY, role: str = "") -> Line:
    return [(f" {layout.say(sign)} ", ""), (text, role)]


def _closing(block: Chain) -> list[str]:
    return [*([block.rest] if block.further else []), block.total]


def _texts(path: ShownPath, layout: Layout, say: Say) -> tuple[list[str], list[str]]:
    """The factors in symbols, and as numbers, a negative one behind another in brackets."""
    symbols = [say(formula) for formula, _ in path.factors]
    numbers = [
        f"({number})" if at and number.startswith("-") else number
        for at, (_, number) in enumerate(path.factors)
    ]
    return symbols, numbers


def _beside(texts: Sequence[str], widths: Sequence[int], mark: str) -> str:
    return mark.join(padded(text, width) for text, width in zip(texts, widths, strict=False))


def _folded(
    block: Chain, written: Sequence[tuple[list[str], list[str]]], layout: Layout, left: str
) -> Iterator[Line]:
    """Each path by itself: its formula, its numbers and its product, as many lines as they need."""
    times, margin = layout.say(TIMES), " " * (INDENT + 2)
    room = layout.breadth - len(margin)
    for at, (path, (symbols, numbers)) in enumerate(zip(block.paths, written, strict=True)):
        head = f"{left}{EQUALS}" if not at else "+ "
        parts = formula_lines(head + times.join(symbols), room)
        yield [(" " * INDENT + parts[0], "gradient")]
        yield from ([(margin + part, "gradient")] for part in parts[1:])
        worked = f"= {times.join(numbers)} {layout.say(path.sign)} {path.product}"
        yield from ([(margin + part, "")] for part in formula_lines(worked, room))
    if block.further:
        yield [(f"{' ' * INDENT}+ {block.further}{EQUALS}{block.rest}", "fact")]
    if block.sums:
        yield [(f"{margin}{layout.say(block.sign)} ", ""), (block.total, "heading")]


def derivations(block: Derivations, layout: Layout, say: Say) -> Iterator[Line]:
    """The = signs below each other; what is too long is folded before its signs."""
    names = [layout.say(line.name) for line in block.lines]
    width = max(map(text_width, names))
    head = INDENT + width + len(EQUALS)
    for name, line in zip(names, block.lines, strict=True):
        label = " " * INDENT + name + " " * (width - text_width(name))
        signed = (f"{layout.say(sign)} {say(stage)}" for sign, stage in line.stages)
        text = " ".join(signed).removeprefix(EQUALS.lstrip())
        first, *more = formula_lines(text, max(layout.breadth - head, 16))
        yield [(label, "computed"), (EQUALS + first, "")]
        yield from ([(" " * head + part, "")] for part in more)
