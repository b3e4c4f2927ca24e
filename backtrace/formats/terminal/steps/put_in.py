"""The numbers of a step put into its formula, as pieces to be set beside each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from backtrace.formats.terminal.boxes import Mark, NamedMatrix, Piece
from backtrace.formats.terminal.grid import marks
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.matrices import bare_number, printed_block
from backtrace.functions.formula import Ref
from backtrace.notation.text import tokens
from backtrace.notation.writer import needs_brackets
from backtrace.page.elision import is_large
from backtrace.page.figures import Printout
from backtrace.page.sections import ROLES
from backtrace.page.step_block import StepBlock

RESULT = "result"  # the role of what a step comes to


class PutIn:
    """Puts numbers in, and remembers the first large matrix that it has shown in part."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.elided: StepBlock | None = None

    def pieces(self, step: StepBlock) -> list[Piece]:
        """The numbers and the result: only this, or nothing, where the formula says it all."""
        if step.brief and step.tells_value:
            return []
        return [*self.numbers(step), Mark("="), self.result(step)]

    def result(self, step: StepBlock) -> NamedMatrix:
        return self.matrix(step, Ref(step.id), RESULT)

    def numbers(self, step: StepBlock) -> list[Piece]:
        assert step.equation is not None
        if step.brief:
            return []
        if step.is_single:
            return self.stages(step)
        symbols, decimals = step.figures.symbols, step.figures.decimals
        found = tokens(step.equation.right, symbols, True, decimals)
        return list(self.filled(step, list(_joined(_plain_sums(found)))))

    def filled(self, step: StepBlock, found: list[str | Ref]) -> Iterator[Piece]:
        """The marks of a formula and the matrices between them; of numbers, ⊙ is a product."""
        refs = [token for token in found if isinstance(token, Ref)]
        numbers = {ref: bare_number(self.printed(step, ref)) for ref in refs}
        plain = None not in numbers.values()
        for before, token, after in zip(["", *found], found, [*found[1:], ""], strict=False):
            if isinstance(token, str):
                yield from marks(self.layout.say(token.replace("⊙", "·") if plain else token))
                continue
            number = numbers[token]
            if number is None:
                yield self.matrix(step, token, ROLES[step.operand(token.id).phase])
            else:
                yield Mark(self.layout.say(_in_its_place(number, str(before), str(after))))

    def stages(self, step: StepBlock) -> list[Piece]:
        """A number worked from numbers, a stage after the other."""
        figures = step.figures
        (shown,) = step.result.cells[0]
        stages = [
            "".join(map(str, tokens(stage, figures.symbols, True, figures.decimals)))
            for stage in step.stages(0, 0)
        ]
        told = [stage for stage in stages if stage.replace("−", "-") != shown]
        pieces = [piece for stage in told for piece in (Mark("="), Mark(self.layout.say(stage)))]
        return list(pieces[1:])

    def matrix(self, step: StepBlock, ref: Ref, role: str) -> NamedMatrix:
        """A matrix without its name, under it its size where that is to be seen."""
        block = printed_block(self.printed(step, ref), "", role, self.layout)
        return block if step.sized else msgspec.structs.replace(block, dims="")

    def printed(self, step: StepBlock, ref: Ref) -> Printout:
        made, traced = step.printout(ref), step.operand(ref.id)
        if self.elided is None and is_large(made.shape) and None in (*made.rows, *made.columns):
            self.elided = msgspec.structs.replace(step, traced=traced)
        return made


def _in_its_place(number: str, before: str, after: str) -> str:
    """A number among signs: a negative one in brackets, a fraction where a power is taken of it."""
    divided = after.startswith(("²", "^")) or before.endswith("/")
    bracketed = needs_brackets(number, before, after) or ("/" in number and divided)
    return f"({number})" if bracketed else number


def _plain_sums(found: list[str | Ref]) -> list[str | Ref]:
    """The same tokens, without the brackets in Σ(M²): around one matrix they only crowd it."""
    kept: list[str | Ref] = []
    at = 0
    while at < len(found):
        bracketed = found[at : at + 5]
        matrix, *signs = bracketed.pop(2) if len(bracketed) == 5 else "", *bracketed
        if isinstance(matrix, Ref) and signs == ["Σ", "(", "²", ")"]:
            kept += ["Σ ", matrix, "²"]
            at += 5
        else:
            kept.append(found[at])
            at += 1
    return kept


def _joined(found: Iterable[str | Ref]) -> Iterator[str | Ref]:
    """Tokens with neighbouring texts made one."""
    pending = ""
    for token in found:
        if isinstance(token, str):
            pending += token
            continue
        if pending:
            yield pending
        pending = ""
        yield token
    if pending:
        yield pending
