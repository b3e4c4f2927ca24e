"""What stands on a sheet to be filled in: what is given, each step's formula, and empty places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import msgspec

from backtrace.course.languages import LANGUAGES, Words
from backtrace.course.worksheet import Worksheet, update_of
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.formula import Constant, Expr, Sentence, Value, parts, row
from backtrace.notation.steps import equation
from backtrace.notation.symbols import Symbols
from backtrace.notation.workings import mean_is_late
from backtrace.page import board, header
from backtrace.page import trace as trace_page
from backtrace.page.blocks import (
    Block,
    Bullets,
    Document,
    Handout,
    Paragraph,
    Room,
    Section,
)
from backtrace.page.selection import Selection
from backtrace.page.step_block import Gallery, StepBlock
from backtrace.spec import ids
from backtrace.tape.trace import TracedStep

ROOM = 2  # lines to work in beside those that the result itself takes
MORE_ROOM = 2  # where sums have to be worked
SUMS = frozenset(
    ["matmul", "sum_samples", "jacobian_product", "chain_to_learned", "loss_terms", "conv"]
)
WHOLE = trace_page.View(selection=Selection(full=True))
OF_AN_UPDATE = {"samples", "t", "mu", "mu_next", "mu_product"}  # counted, or worked from others
MOST_RATES = 12  # that a schedule's are told one by one
RULE = "_" * 16  # where a name is written


def document(sheet: Worksheet, handout: Handout, *, steps: bool = True) -> Document:
    """The sheet; without ``steps`` what has to be worked stands there without its formulas."""
    exact = sheet.trace.arithmetic.kind == "exact"
    return _empty(sheet, handout, "instructions exact" if exact else "instructions", steps=steps)


def form(sheet: Worksheet, handout: Handout, *, steps: bool = True) -> Document:
    """The sheet where a machine compares the numbers that are typed in with the key's: it can't
    follow what was rounded on the way, and takes no fractions."""
    return _empty(sheet, handout, "instructions form", steps=steps)


def _empty(sheet: Worksheet, handout: Handout, told: str, *, steps: bool) -> Document:
    writer = _Sheet(sheet, LANGUAGES[handout.language], Symbols.of(sheet.trace))
    page = trace_page.document(sheet.trace, WHOLE)
    blocks = writer.sections(page.blocks) if steps else writer.without_steps(page.blocks)
    return writer.document(sheet.trace.title, (*writer.above(told), *blocks), handout)


def key(sheet: Worksheet, handout: Handout) -> Document:
    """The same sheet with every place filled in, and the numbers put into its formulas."""
    writer = _Sheet(sheet, LANGUAGES[handout.language], Symbols.of(sheet.trace), filled=True)
    blocks = tuple(writer.sections(trace_page.document(sheet.trace, WHOLE).blocks))
    title = " · ".join(filter(None, (sheet.trace.title, writer.words["key"])))
    return writer.document(title, blocks, handout)


def introduction(sheet: Worksheet, handout: Handout) -> tuple[Block, ...]:
    """What has to be known before the first step: network, conventions, constants, digits."""
    exact = sheet.trace.arithmetic.kind == "exact"
    writer = _Sheet(sheet, LANGUAGES[handout.language], Symbols.of(sheet.trace))
    return tuple(writer.facts("instructions exact" if exact else "instructions form"))


def given(sheet: Worksheet, epoch: int, batch: int, handout: Handout) -> Section:
    """What an update starts from; where there are several, beside the title which one it is."""
    writer = _Sheet(sheet, LANGUAGES[handout.language], Symbols.of(sheet.trace))
    steps = [
        step
        for step in _steps(trace_page.document(sheet.trace, WHOLE).blocks)
        if (step.traced.phase, *update_of(step.traced)) == ("given", epoch, batch)
    ]
    aside = sheet.update_name(writer.words, (epoch, batch))
    blocks = tuple(writer.gallery(Gallery(tuple(steps))))
    return Section(writer.words["section given"], blocks, aside, part="given", anchor="given")


class _Sheet(msgspec.Struct, frozen=True):
    """``filled``: it is the key."""

    sheet: Worksheet
    words: Words
    symbols: Symbols
    filled: bool = False

    def document(self, title: str, blocks: tuple[Block, ...], handout: Handout) -> Document:
        return Document(title=title, blocks=blocks, symbols=self.symbols, handout=handout)

    # What stands above

    def above(self, told: str) -> Iterator[Block]:
        words = self.words
        yield Paragraph(f"{words['name']}: {RULE}    {words['date']}: {RULE}", "label")
        yield from self.facts(told)

    def facts(self, told: str) -> Iterator[Block]:
        words, trace = self.words, self.sheet.trace
        network = header.architecture(trace)
        known = {words["network"]: network, words["source"]: trace.source}
        facts = (f"{label}: {said}" for label, said in known.items() if said)
        yield Bullets((*facts, *self.conventions()))
        yield Paragraph(words[told].format(decimals=self.sheet.decimals))

    def conventions(self) -> Iterator[Sentence]:
        """What has to be known to work the same numbers, as formulas and few words."""
        words, trace = self.words, self.sheet.trace
        if not board.is_board(trace):
            layout = words[trace.conventions.layout]
            yield (f"{layout}: ", header.matrix_form(trace))
            yield from ((said,) for said in (header.loss(trace), header.sign(trace)) if said)
            if mean_is_late(trace):
                yield row(1 / Constant("samples")), words["mean late"]
        if board.climbs(trace) and header.optimizer(trace)[0] not in header.ASCENTS:
            yield (words["climbs"],)
        elif trace.conventions.sign == "descent" and not board.is_board(trace):
            yield (words["descent"],)
        yield from self.update()
        arithmetic = trace.arithmetic
        if arithmetic.kind != "float64":
            yield (words[arithmetic.kind].format(decimals=arithmetic.decimals),)

    def update(self) -> Iterator[Sentence]:
        title, rates = header.optimizer(self.sheet.trace)
        constants = self.constants()
        varying = [Value(rate) for rate in constants.pop("rate", ())]
        if rates is not None and 1 < len(varying) <= MOST_RATES:
            each = [part for rate in varying for part in (rate, "; ")][:-1]
            rates = row(Constant("rate"), " = ", *each)
        if title:
            title = self.words.get(title, title)
            yield (title,) if rates is None else (f"{title}, ", rates)
        if constants:
            told = [row(Constant(name), " = ", Value(of[0])) for name, of in constants.items()]
            yield tuple(part for one in told for part in (one, ", "))[:-1]

    def constants(self) -> dict[str, list[float]]:
        """The numbers that formulas of the loss, the gradients and the updates have a letter for,
        one for each update where they differ."""
        found: dict[str, dict[tuple[int, int], float]] = {}
        trace = self.sheet.trace
        for traced in trace:
            if traced.phase in ("loss", "backward", "update") and traced.operation != "given":
                formula = equation(traced, trace, self.symbols).formula
                for each in _constants(formula):
                    found.setdefault(each.name, {})[update_of(traced)] = each.value
        return {
            name: [*(values.values() if len({*values.values()}) > 1 else [*values.values()][:1])]
            for name, values in found.items()
            if name not in OF_AN_UPDATE
        }

    # The steps

    def sections(self, blocks: Iterable[Block]) -> Iterator[Section]:
        """The sections of a trace with what belongs on the sheet; those that are empty go."""
        for block in blocks:
            if not isinstance(block, Section) or block.part == "losses":
                continue
            if block.part == "pass":
                inner: tuple[Block, ...] = tuple(self.sections(block.blocks))
                update = update_of(next(_steps((block,))).traced)
                title = self.sheet.update_name(self.words, update)
            else:
                inner = tuple(self.of_section(block.blocks))
                title = self.words[f"section {block.part}"]
            if inner:
                aside = self.aside(block)
                heading = f"{title} · {aside}" if aside else ""
                yield Section(title, inner, aside, heading, block.part, block.anchor)

    def aside(self, section: Section) -> str:
        if section.part == "pass" or not section.aside:
            return ""
        layer = next(_steps((section,))).traced.layer
        return section.aside if layer is None else self.words["layer"].format(number=layer)

    def of_section(self, blocks: Iterable[Block]) -> Iterator[Block]:
        for block in blocks:
            if isinstance(block, Gallery):
                yield from self.gallery(block)
            elif isinstance(block, StepBlock):
                yield from self.step(block)

    def gallery(self, given: Gallery) -> Iterator[Block]:
        """What is given; what an update takes up from another one that is asked only on the key."""
        told = [step for step in given.steps if self.filled or self.sheet.shows(step.traced)]
        if told:
            yield Gallery(tuple(told))
        if len(told) < len(given.steps):
            yield Paragraph(self.words["taken up"])

    def step(self, step: StepBlock) -> Iterator[Block]:
        sheet, traced = self.sheet, step.traced
        asked = sheet.asks(traced)
        if not (asked or sheet.shows(traced) or sheet.says(traced)):
            return
        changed = {"title": self.title(traced), "notes": (), "why": ()}
        if self.filled:
            yield msgspec.structs.replace(step, **changed)
        elif asked:
            yield msgspec.structs.replace(step, **changed, blank=True, brief=False)
            yield Room(_room(step))
        else:  # the numbers put in might be asked for
            shown = sheet.shows(traced)
            yield msgspec.structs.replace(step, **changed, blank=not shown, brief=True)

    def without_steps(self, blocks: Iterable[Block]) -> Iterator[Section]:
        """What is given or shown, the formulas that no one could know, and below them the empty
        places alone; all that for each update until nothing more is asked."""
        found = list(_steps(blocks))
        updates = self.sheet.trace.updates
        last = self.sheet.asked[-1]
        for update in updates[: updates.index((last.epoch, last.batch)) + 1]:
            own = [step for step in found if update_of(step.traced) == update]
            inner = tuple(self.places(own, update))
            if len(updates) == 1:
                yield from inner
            else:
                anchor = "update-{}-{}".format(*update)
                yield Section(
                    self.sheet.update_name(self.words, update), inner, part="pass", anchor=anchor
                )

    def places(self, steps: list[StepBlock], update: tuple[int, int]) -> Iterator[Section]:
        known = [
            step for step in steps if step.traced.phase == "given" or self.sheet.shows(step.traced)
        ]
        empty = [step for step in steps if self.sheet.asks(step.traced)]
        start: list[Block] = [*self.gallery(Gallery(tuple(known)))]
        at = "" if len(self.sheet.trace.updates) == 1 else "-{}-{}".format(*update)
        if update == self.sheet.trace.updates[0]:
            rules = tuple(self.rules())
            start += [Bullets(rules)] if rules else []
        if start:
            title = self.words["section given"]
            yield Section(title, tuple(start), part="given", anchor=f"given{at}")
        inner: list[Block] = []
        for step in empty:
            inner += [Gallery((msgspec.structs.replace(step, blank=True),)), Room(_room(step))]
        if inner:
            title = self.words["to work"]
            yield Section(title, tuple(inner), part="forward", anchor=f"work{at}")

    def rules(self) -> Iterator[Sentence]:
        """The formulas of a board, and an update that goes by a state of its own: what makes the
        exercise this one and not another."""
        trace = self.sheet.trace
        first = header.first_update(trace).values()
        updated = [traced for traced in first if traced.phase == "update" and traced.of]
        own = {updated[0].of} if any(traced.role == "state" for traced in updated) else set()
        lines = [
            traced
            for traced in first
            if (board.is_board(trace) and traced.phase in ("forward", "loss"))
            or traced.role in ("penalty", "gradient_norm")
            or (traced.role == "clipped_gradient" and traced.of == updated[0].of)
            or (traced.phase == "update" and traced.of in own)
        ]
        lines = [traced for traced in lines if not ids.is_part(traced.id)]
        for traced in lines:
            yield (equation(traced, trace, self.symbols).formula,)

    def title(self, traced: TracedStep) -> str:
        """What a step does, by the role of what it works out."""
        write = TITLES.get(traced.role)
        if write is not None:
            return write(self, traced)
        return self.words[traced.role].format(**self.fields(traced))

    def fields(self, traced: TracedStep) -> Mapping[str, str]:
        whose = ids.parse(traced.of) if traced.of else None
        is_layered = whose is not None and whose.role in ("weight", "bias") and traced.layer
        parameter = self.words[whose.role] if whose and is_layered else self.name(traced.of)
        return {"parameter": parameter, "name": self.name(traced.of or traced.id)}

    def name(self, id: str) -> str:
        return self.symbols.name(id) if id else ""


def _preactivation(sheet: _Sheet, traced: TracedStep) -> str:
    subtracted = traced.parameters.get("subtract")
    return sheet.words["threshold" if subtracted else "preactivation"]


def _activation(sheet: _Sheet, traced: TracedStep) -> str:
    function = ACTIVATIONS[traced.parameters["activation"]].title
    return sheet.words["activation"].format(function=function)


def _activation_gradient(sheet: _Sheet, traced: TracedStep) -> str:
    named = ids.parse(traced.id)
    layer = named.layer if named is not None else None
    if layer == 0:
        return sheet.words["inputs_gradient"]
    return sheet.words["output_gradient" if layer == sheet.symbols.last else traced.role]


def _gradient(sheet: _Sheet, traced: TracedStep) -> str:
    fields = sheet.fields(traced)
    key = "named gradient" if board.is_board(sheet.sheet.trace) else "gradient"
    return sheet.words[key].format(**fields)


def _share(sheet: _Sheet, traced: TracedStep) -> str:
    user = sheet.name(ids.user_of(traced.id, traced.of))
    return sheet.words["share"].format(user=user, **sheet.fields(traced))


TITLES: dict[str, Callable[[_Sheet, TracedStep], str]] = {
    "preactivation": _preactivation,
    "activation": _activation,
    "activation_gradient": _activation_gradient,
    "gradient": _gradient,
    "share": _share,
}


def _constants(formula: Expr) -> Iterator[Constant]:
    if isinstance(formula, Constant):
        yield formula
    for part in parts(formula):
        yield from _constants(part)


def _room(step: StepBlock) -> int:
    """Lines to work in: more for sums, and for more entries."""
    rows = step.value.shape[0] if step.value.shape else 1
    more = MORE_ROOM if step.traced.operation in SUMS else 0
    return int(ROOM + more + min(rows, 4))


def _steps(blocks: Iterable[Block]) -> Iterator[StepBlock]:
    """The steps in blocks, also those of their sections and galleries."""
    for block in blocks:
        if isinstance(block, Section):
            yield from _steps(block.blocks)
        elif isinstance(block, Gallery):
            yield from block.steps
        elif isinstance(block, StepBlock):
            yield block
