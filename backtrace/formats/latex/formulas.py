r"""Steps as display formulas in amsmath's LaTeX, the same for Markdown and for a TeX document.

A formula is a list of the lines of an ``aligned``. What is too wide for a line is folded before an
operator, a matrix too wide by itself is shown in groups of columns. Three rules come from the
places where Markdown with formulas is read: a row of a matrix ends its line, no line begins with
a sign, and no ``_`` follows a brace.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
from typing import TypeAlias

import msgspec

from backtrace.functions.formula import Expr, Ref
from backtrace.notation.latex import latex, ref_latex
from backtrace.notation.numbers import latex as numeral
from backtrace.page.figures import EMPTY, Figures, Printout, UnfoldedEntry
from backtrace.page.step_block import StepBlock

HOLE = re.compile("\0(\\d+)\0")
OPERATOR = re.compile(r" ?(?:\\cdot|\\odot) | [-+/] ")
COMMAND = re.compile(r"\\[A-Za-z]+")
SILENT = re.compile(r"\\(?:left|right|bigg[lr]|mathrm|text|frac|tfrac|hat|tilde|sqrt|begin|end)\b")
WIDTHS = {".": 0.28, ",": 0.28, "-": 0.78, "+": 1.22, "=": 1.3, " ": 0.1}  # in em
DIGIT = 0.5
SEPARATOR = 1.0  # between two columns
BRACKETS = 1.0
START = 2.2  # = with the space around it
GAP_WIDTH = 1.2
QUAD = 2.0
SizedTex: TypeAlias = tuple[str, float]  # of a formula, and about how wide it is
PLACE = r"\underline{\rule{0pt}{1.5em}\phantom{00.0000}}"  # for a number to be written into
DOTS = {"across": r"\cdots", "down": r"\vdots", "both": r"\ddots"}


class SizedMatrix(msgspec.Struct, frozen=True):
    """A matrix, or a group of its columns, and about how wide it is, in em."""

    tex: str
    width: float


class Formulas(msgspec.Struct, frozen=True):
    """Writes the formulas of steps no wider than ``width`` em."""

    figures: Figures
    width: float

    def symbol(self, id: str) -> str:
        return self.figures.symbols.latex(id)

    def step(self, step: StepBlock) -> list[str]:
        """Symbols, the numbers put in, the result: each from its own ``=`` on."""
        assert step.equation is not None
        left = ref_latex(step.equation.left, self.figures.symbols)
        stated = self.stated(step)
        if step.blank:
            return self.aligned(left, self.to_be_found(step, stated))
        if step.brief and step.tells_value and step.traced.operation == "given":
            return self.aligned(left, [stated])
        if step.brief:
            return self.aligned(left, _beside(stated, self.value(step), self.room(step)))
        result = [block.tex for block in self.value(step)]
        return self.aligned(left, [stated, list(self.numbers(step)), result])

    def to_be_found(self, step: StepBlock, stated: list[str]) -> list[list[str]]:
        """The formula, and below it an empty place for each entry, if it isn't an earlier one."""
        return [stated] if step.brief else [stated, [block.tex for block in self.value(step)]]

    def stated(self, step: StepBlock) -> list[str]:
        """The formula of a step in symbols, without its left side, folded."""
        assert step.equation is not None
        right, rule = step.equation.right, step.equation.rule
        return _folded(self.symbolic(right if rule is None else rule), self.room(step))

    def symbolic(self, expr: Expr) -> str:
        return latex(expr, self.figures.symbols, self.figures.decimals, decimal_mark=self.mark)

    @property
    def mark(self) -> str:
        return self.figures.decimal_mark

    def room(self, step: StepBlock) -> float:
        return self.width - START - text_width(self.symbol(step.id))

    def value(self, step: StepBlock) -> list[SizedMatrix]:
        return self.matrix(step.result, self.room(step), sized=True)

    def summary(self, steps: Sequence[StepBlock]) -> list[str]:
        """A line a quantity: its symbol, its formula where it has one, its value."""
        lines: list[str] = []
        for step in steps:
            left = self.symbol(step.id)
            if step.equation is None:
                lines += self.aligned(left, [[block.tex for block in self.value(step)]])
                continue
            beside = _beside(self.stated(step), self.value(step), self.room(step))
            lines += self.aligned(left, beside)
        return lines

    def given(self, steps: Sequence[StepBlock]) -> list[str]:
        """What is given: what belongs to a layer stands beside each other, if there is room."""
        lines: list[str] = []
        for _, belonging in groupby(steps, key=lambda step: step.traced.layer):
            lines += self.side_by_side(list(belonging))
        return lines

    def side_by_side(self, steps: Sequence[StepBlock]) -> list[str]:
        values = [(self.symbol(step.id), self.value(step)) for step in steps]
        widths = [text_width(name) + sum(b.width for b in blocks) for name, blocks in values]
        if sum(widths) + (START + QUAD) * len(steps) > self.width:
            return [
                line
                for name, blocks in values
                for line in self.aligned(name, [[block.tex for block in blocks]])
            ]
        (first, (block,)), *others = values
        beside = "".join(rf" \qquad {name} = {block.tex}" for name, (block,) in others)
        return [f"{first} &= {block.tex}{beside}"]

    def entry(self, entry: UnfoldedEntry, symbol: str) -> list[str]:
        """One entry: in a line where there is room, else a stage a line."""
        name = symbol
        if entry.place is not None:
            name += f"[{entry.place[0] + 1},{entry.place[1] + 1}]"
        value = numeral(entry.value, self.mark)
        style = (self.figures.symbols, self.figures.decimals)
        written = (latex(stage, *style, True, decimal_mark=self.mark) for stage in entry.stages)
        stages = [*written, value]
        distinct = [s for at, s in enumerate(stages) if at == 0 or s != stages[at - 1]]
        room = self.width - START - text_width(name)
        if sum(text_width(stage) + WIDTHS["="] for stage in distinct) <= room:
            return self.aligned(name, [[" = ".join(distinct)]])
        return self.aligned(name, [_folded(stage, room) for stage in distinct])

    def aligned(self, left: str, lines: Iterable[Sequence[str]]) -> list[str]:
        r"""``left &= first \\ &= second``: the parts of a folded line stand on lines of their own.

        The last line has no ``\\`` yet: ``rows`` puts it between formulas.
        """
        written: list[str] = []
        for parts in lines:
            for at, part in enumerate(parts):
                lead = "&= " if at == 0 else r"&\quad "
                written.append((f"{left} " if not written else "") + lead + part)
        return written

    # The numbers put in

    def numbers(self, step: StepBlock) -> Iterator[str]:
        """The right-hand side with every matrix in its place, folded."""
        assert step.equation is not None
        refs: list[Ref] = []

        def hole(ref: Ref) -> str:
            refs.append(ref)
            return f"\0{len(refs) - 1}\0"

        text = latex(
            step.equation.right, self.figures.symbols, self.figures.decimals, True, hole, self.mark
        )
        shown = [step.printout(ref) for ref in refs]
        room = self.room(step)
        pieces: list[SizedTex] = []
        for chunks in _with_factors(_chunks(_sized(text, shown, room))):
            whole = list(self.filled("".join(chunks), shown, room))
            if len(whole) == 1 and whole[0][1] > room:
                whole = [piece for chunk in chunks for piece in self.filled(chunk, shown, room)]
            pieces += whole
        yield from _packed(pieces, room)

    def filled(self, chunk: str, shown: Sequence[Printout], room: float) -> Iterator[SizedTex]:
        """A chunk with its matrices; more pieces than one where a matrix is in groups."""
        parts = HOLE.split(chunk)
        done, width = parts[0], text_width(parts[0])
        for number, after in zip(parts[1::2], parts[2::2], strict=True):
            inside = done.count(r"\left(") > done.count(r"\right)")
            groups = self.matrix(shown[int(number)], room, sized=not inside)
            if _depths(done)[-1] > 0 and not inside:  # in a fraction, a root: no new line there
                groups = [_stacked(groups)]
            *before, last = groups
            for group in before:
                yield done + group.tex, width + group.width
                done, width = r"\enspace ", 0.5
            done, width = done + last.tex + after, width + last.width + text_width(after)
        yield done, width

    def matrix(self, shown: Printout, room: float, *, sized: bool) -> list[SizedMatrix]:
        """A matrix, with its dimensions under it where ``sized``; in groups where too wide."""
        if shown.shape == ():
            text = self.cell(shown.cells[0][0])
            return [SizedMatrix(text, text_width(text))]
        groups = list(_groups(shown, room))
        whole = len(groups) == 1
        return [
            SizedMatrix(
                _under(self.body(shown, columns), _told(shown, columns, whole=whole))
                if sized or not whole
                else self.body(shown, columns),
                _width(shown, columns),
            )
            for columns in groups
        ]

    def body(self, shown: Printout, columns: range) -> str:
        lines = [self.matrix_row(shown, i, columns) for i in range(len(shown.rows))]
        rows = " \\\\\n".join(lines)
        return f"\\begin{{bmatrix}}\n{rows}\n\\end{{bmatrix}}"

    def matrix_row(self, shown: Printout, i: int, columns: range) -> str:
        texts = []
        for j in columns:
            gap_down, gap_across = shown.rows[i] is None, shown.columns[j] is None
            if gap_down or gap_across:
                kind = "both" if gap_down and gap_across else "down" if gap_down else "across"
                texts.append(DOTS[kind])
            else:
                texts.append(self.cell(shown.cells[i][j]))
        if texts[0].startswith("-"):
            texts[0] = f"{{{texts[0]}}}"
        return " & ".join(texts)

    def cell(self, text: str) -> str:
        return PLACE if text == EMPTY else numeral(text, self.mark)


def rows(formulas: Iterable[Sequence[str]]) -> str:
    r"""The lines of several formulas as the inside of an ``aligned``, with ``\\`` between them."""
    return " \\\\\n".join(line for formula in formulas for line in formula)


def text_width(tex: str) -> float:
    """About how wide a formula without matrices is, in em."""
    plain = COMMAND.sub("x", SILENT.sub("", tex))
    scripts = sum(len(part) for part in re.findall(r"[_^]\{([^{}]*)\}", plain))
    letters = plain.translate(str.maketrans("", "", "{}_^\n"))
    return sum(WIDTHS.get(character, DIGIT + 0.08) for character in letters) - 0.15 * scripts


def _stacked(groups: list[SizedMatrix]) -> SizedMatrix:
    """Groups of columns below each other, as one block."""
    if len(groups) == 1:
        return groups[0]
    lines = " \\\\\n".join(group.tex for group in groups)
    tex = f"\\begin{{gathered}}\n{lines}\n\\end{{gathered}}"
    return SizedMatrix(tex, max(group.width for group in groups))


def _under(body: str, told: str) -> str:
    return rf"\underset{{{told}}}{{\underbrace{{{body}}}}}"


def _told(shown: Printout, columns: range, *, whole: bool) -> str:
    """What stands under a matrix: its dimensions, and which of its columns these are."""
    size = rf"{shown.shape[0]} \times {shown.shape[1]}"
    if whole:
        return size
    if len(columns) == 1:
        return rf"\text{{column {columns.stop} of }} {size}"
    return rf"\text{{columns {columns.start + 1} to {columns.stop} of }} {size}"


def _column_width(shown: Printout, column: int) -> float:
    return max(text_width(line[column]) for line in shown.cells) or GAP_WIDTH


def _width(shown: Printout, columns: range) -> float:
    widths = [_column_width(shown, column) for column in columns]
    return sum(widths) + SEPARATOR * (len(widths) - 1) + BRACKETS


def matrix_width(shown: Printout) -> float:
    """About how wide a matrix is, in em."""
    return _width(shown, range(len(shown.columns)))


def _groups(shown: Printout, room: float) -> Iterator[range]:
    """Consecutive columns that fit into a line; an elided matrix stays as it is."""
    start, stop = 0, len(shown.columns)
    if None not in shown.columns:
        for at in range(1, stop):
            if _width(shown, range(start, at + 1)) > room:
                yield range(start, at)
                start = at
    yield range(start, stop)


def _packed(pieces: Iterable[SizedTex], room: float) -> Iterator[str]:
    """Pieces beside each other, in lines of at most ``room`` em."""
    line, width = "", 0.0
    for piece, wide in pieces:
        if line and width + wide > room:
            yield line.strip()
            line, width = "", 0.0
        line, width = line + piece, width + wide
    yield line.strip()


# Brackets and folding


def _sized(text: str, shown: Sequence[Printout], room: float) -> str:
    r"""Round brackets around matrices as tall as these: ``\left(``, or, where the formula has to
    be folded inside them, of a fixed size."""
    for opened, closed in _brackets(text):
        inner = text[opened + 1 : closed]
        holes = [shown[int(number)] for number in HOLE.findall(inner)]
        if not any(each.shape for each in holes):
            continue
        if text_width(HOLE.sub("", inner)) + sum(map(matrix_width, holes)) <= room - 2:
            left, right = r"\left( ", r" \right)"
        else:
            left, right = r"\biggl( ", r" \biggr)"
        rest = inner + right + text[closed + 1 :]
        return text[:opened] + left + _sized(rest, shown, room)
    return text


def _brackets(text: str) -> list[tuple[int, int]]:
    """Where the round brackets open and close, the outer ones first; ``\\left(`` is done."""
    stack: list[int] = []
    found: list[tuple[int, int]] = []
    for at, character in enumerate(text):
        if character == "(":
            stack.append(at)
        elif character == ")" and stack:
            found.append((stack.pop(), at))
    return sorted(pair for pair in found if not text[: pair[0]].endswith((r"\left", r"\biggl")))


def _depths(text: str) -> list[int]:
    r"""How deep in braces and in ``\left( … \right)`` each character stands."""
    steps = [0] * (len(text) + 1)
    for match in re.finditer(r"\\left\(|\\right\)|[{}]", text):
        steps[match.start()] += 1 if match[0] in ("{", r"\left(") else -1
    return list(accumulate(steps))


def _chunks(text: str) -> list[str]:
    """A formula cut before its outermost operators."""
    depths = _depths(text)
    cuts = [match.start() for match in OPERATOR.finditer(text) if depths[match.start()] == 0]
    edges = [0, *(cut for cut in cuts if cut), len(text)]
    return [text[start:stop] for start, stop in pairwise(edges)]


def _with_factors(chunks: Iterable[str]) -> Iterator[list[str]]:
    """The chunks, a number in front of a matrix (− 0.5 ·) together with it."""
    together: list[str] = []
    for chunk in chunks:
        together.append(chunk)
        if HOLE.search(chunk):
            yield together
            together = []
    if together:
        yield together


def _folded(text: str, room: float) -> list[str]:
    """A formula without matrices in lines of at most ``room`` em, as far as it has operators."""
    lines = [""]
    for chunk in _chunks(text):
        if lines[-1] and text_width(lines[-1] + chunk) > room:
            lines.append("")
        lines[-1] += chunk
    return [line.strip() for line in lines]


def _beside(stated: list[str], value: list[SizedMatrix], room: float) -> list[list[str]]:
    """A formula and its value on one line, or, where there is no room, each from its own ``=``."""
    texts = [block.tex for block in value]
    if len(stated) == len(value) == 1 and text_width(stated[0]) + value[0].width + START <= room:
        return [[f"{stated[0]} = {texts[0]}"]]
    return [stated, texts]
