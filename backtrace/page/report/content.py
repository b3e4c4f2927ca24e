"""What is said of one sheet at a level of hints, in words and symbols; every format prints it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias

import msgspec
import numpy as np

from backtrace.check.answers.figures import EXACT, understood
from backtrace.check.diagnosis.hints import WorkedLine, worked_line
from backtrace.check.judge.checker import Checker
from backtrace.check.judge.exchanged_lines import LINES_EXCHANGED
from backtrace.check.model import (
    STANDING,
    AnswerCell,
    Answers,
    Explanation,
    Figure,
    Judged,
    Malformed,
    Report,
    Verdict,
    WrittenQuantity,
)
from backtrace.check.sheets.exercise import Key
from backtrace.notation.numbers import number
from backtrace.notation.symbols import Symbols
from backtrace.page.inert import inert
from backtrace.page.report.phrases import (
    SPOKEN,
    Words,
    in_words,
    marks,
    name_of,
    not_accepted,
    places,
    withheld_because,
    worked_by,
)
from backtrace.spec.model import Marks
from backtrace.spec.wording import count, shortened

Level: TypeAlias = Literal["none", "where", "what", "how"]
Rows: TypeAlias = "tuple[tuple[str, ...], ...]"

UNEXPLAINED = "wrong, in a way that none of the usual mistakes explains"
ENOUGH = 2  # significant digits of a number, where a course does not ask for others
MOST_NAMES = 6  # quantities that a note lists
LONGEST = 24  # characters of an entry as it is shown; a number that long is shown whole


class Group(msgspec.Struct, frozen=True):
    """Quantities of one verdict, by their symbols, and what there is to say of them; ``label`` is
    the verdict in words: who writes ``_`` has left an entry out, and not missed it."""

    verdict: Verdict
    label: str
    names: tuple[str, ...]
    remark: str = ""


class NamedCause(msgspec.Struct, frozen=True):
    """One way a mistake came about, and what to do about it."""

    named: str
    advice: tuple[str, ...] = ()


class Finding(msgspec.Struct, frozen=True):
    """A mistake: ``where`` (δ₂, all four entries), its possible ``causes``, and the right way.

    ``causes`` is None where the level of hints does not name them, empty where none is known.
    """

    judged: Judged
    symbol: str
    where: str
    first: bool
    causes: tuple[NamedCause, ...] | None = None
    working: WorkedLine | None = None


class Expected(msgspec.Struct, frozen=True):
    """What a quantity should be: at the decimals that were written, or as many as show what is
    wrong; at the spec's, if they are more; and in full.

    ``right`` is whether all of it was written so.
    """

    id: str
    name: str
    symbol: str
    written: Rows
    as_written: Rows
    precise: Rows
    values: tuple[tuple[float, ...], ...]
    right: bool

    @property
    def says_more(self) -> bool:
        """Whether the spec's decimals tell more than those that were written."""
        rough = [float(text) for line in self.as_written for text in line]
        return rough != [float(text) for line in self.precise for text in line]


class Findings(msgspec.Struct, frozen=True):
    """Everything a student is told. ``hints`` has a quantity's lines by its name (``z1@2.3``)."""

    heading: str
    student: str
    standing: str
    report: Report
    groups: tuple[Group, ...]
    mistakes: tuple[Finding, ...]
    notes: tuple[str, ...]
    hints: dict[str, tuple[str, ...]]
    symbols: Symbols
    expected: tuple[Expected, ...] = ()
    withheld: tuple[tuple[str, str], ...] = ()  # marks: of which quantity (z1@2.3), and why


class Commentator:
    """Puts reports on one exercise into words, as far as the level of hints goes.

    Without ``reveal`` nothing that it says contains a value that the student has not written and
    the spec does not give.
    """

    def __init__(self, checker: Checker, level: Level = "how", reveal: bool = False) -> None:
        self.checker = checker
        self.level = level
        self.reveal = reveal
        self.words = Words(checker.spec)

    def findings(self, answers: Answers, report: Report) -> Findings:
        return _Sheet(self, answers, report).findings()


class _Sheet:
    """One report being put into words."""

    def __init__(self, commentator: Commentator, answers: Answers, report: Report) -> None:
        self.checker = commentator.checker.of(report)
        self.level = commentator.level
        self.reveal = commentator.reveal
        self.words = commentator.words
        self.answers = report.read or answers
        self.report = report
        self.written: dict[Key, WrittenQuantity] = {
            (w.epoch, w.batch, w.id): w for w in self.answers.written
        }

    def findings(self) -> Findings:
        student, title = inert(self.report.student), inert(self.checker.spec.title)
        groups = tuple(self.groups())
        mistakes = tuple(self.mistakes())
        return Findings(
            heading=f"{title} · answers of {student}" if title else f"Answers of {student}",
            student=student,
            standing=standing(self.report),
            report=self.report,
            groups=groups,
            mistakes=mistakes,
            notes=tuple(self.notes()),
            hints=self.hints(mistakes),
            symbols=self.words.symbols,
            expected=tuple(map(self.expected, self.report.quantities)) if self.reveal else (),
            withheld=tuple(self.withheld()),
        )

    def withheld(self) -> Iterator[tuple[str, str]]:
        """Where carried values earn nothing, and what makes them so."""
        for judged in self.report.quantities:
            if judged.withheld is not None:
                yield judged.name, withheld_because(judged.withheld, self.words)

    # The verdicts

    def groups(self) -> Iterator[Group]:
        """The quantities by verdict; carried ones by their root too, the first mistake apart.

        Entries with too few digits cost marks: they are said also where others are worse; so is
        what stands of a quantity that was written in part.
        """
        gathered: dict[tuple[Verdict, str], list[Judged]] = {}
        for judged in self.report.quantities:
            gathered.setdefault((judged.verdict, self.kind(judged)), []).append(judged)
            for verdict in self.besides(judged) if self.level != "none" else ():
                gathered.setdefault((verdict, self.kind(judged, verdict)), []).append(judged)
        for verdict, kind in sorted(gathered, key=lambda found: SPOKEN.index(found[0])):
            quantities = gathered[verdict, kind]
            names = tuple(self.placed(judged, verdict) for judged in quantities)
            remark = "" if self.level == "none" else self.remark(verdict, quantities)
            is_left_out = verdict == "missing" and not any(map(_blank, quantities))
            yield Group(verdict, "left out" if is_left_out else verdict, names, remark)

    def besides(self, judged: Judged) -> Iterator[Verdict]:
        """The verdicts of entries that are said beside the worst."""
        said: tuple[Verdict, ...] = ("imprecise",)
        if judged.verdict == "missing":
            said = ("right", "rounded", "carried")
        yield from (each for each in said if each != judged.verdict and judged.places(each))

    def kind(self, judged: Judged, verdict: Verdict | None = None) -> str:
        """What keeps quantities of one verdict apart; of the worst, where no other is named."""
        verdict = verdict or judged.verdict
        if self.level == "none":
            return ""
        if verdict == "wrong":
            later = "again" if judged.repeated else "later"
            return "first" if judged == self.report.first_mistake else later
        if verdict == "missing":
            return "" if _blank(judged) else "in part"
        if verdict == "imprecise":
            return "zeros" if _zeros(judged) else "resting" if self.is_resting(judged) else ""
        return judged.root or ""

    def placed(self, judged: Judged, verdict: Verdict) -> str:
        """The symbol, with the place where the verdict is that of a single entry among others, or
        not the worst of its quantity."""
        symbol = self.words.name(judged.name)
        among = verdict != judged.verdict or (verdict == "missing" and not _blank(judged))
        if among and self.level != "none":
            found, total = len(judged.places(verdict)), sum(map(len, judged.entries))
            return places(judged, symbol, verdict) if found == 1 else f"{symbol}({found}/{total})"
        only = len(judged.places(verdict)) == 1 and sum(map(len, judged.entries)) > 1
        told = only and verdict not in STANDING and self.level != "none"
        return places(judged, symbol, verdict) if told else symbol

    def remark(self, verdict: Verdict, quantities: list[Judged]) -> str:
        one, s = quantities[0], "s" if len(quantities) == 1 else ""
        root = self.words.name(one.root) if one.root else ""
        lead = "leads" if root else "lead"
        remarks: dict[Verdict, str] = {
            "right": "as the key, to the digits you wrote",
            "carried": f"follow{s} correctly from your {root or 'earlier numbers'}",
            "unsupported": f"the key's value, but not what your {root or 'own numbers'} {lead} to",
            "imprecise": self.imprecise(one),
            "malformed": "not to be read as it is meant: see below",
            "missing": "asked for, not given" if _blank(one) else "not answered",
        }
        if verdict == "rounded":
            if s:
                return self.rounded(one)
            rounded = "rounded " if any(map(self.is_rounded, quantities)) else ""
            return f"follow from your own {rounded}numbers"
        if verdict == "wrong":
            if one == self.report.first_mistake:
                return "← the first mistake"
            if one.repeated:
                return "← the same mistake again"
            return "← does not follow from your own numbers"
        return remarks[verdict]

    def imprecise(self, judged: Judged) -> str:
        """Why nothing can be told from a number."""
        if _zeros(judged):
            return "too few digits to tell: a 0 has none"
        if self.is_resting(judged):
            return "rests on numbers with too few digits to tell"
        return f"too few digits to tell: {self.asked()}"

    def is_resting(self, judged: Judged) -> bool:
        """Whether numbers that can't be told have digits enough themselves."""
        asked = self.checker.asked
        texts = (judged.written[i - 1][j - 1] for i, j in judged.places("imprecise"))
        cells = [understood(text)[0] for text in texts]
        digits = [cell.digits for cell in cells if isinstance(cell, Figure)]
        return asked.decimals is None and min(digits, default=0) >= (asked.digits or ENOUGH)

    def asked(self) -> str:
        """Which digits would do."""
        asked = self.checker.asked
        if asked.decimals is not None:
            return f"{_decimals(asked.decimals)} {'is' if asked.decimals == 1 else 'are'} asked for"
        if asked.digits is not None:
            digits = count_in_words(asked.digits, "significant digit")
            return f"{digits} {'is' if asked.digits == 1 else 'are'} asked for"
        return "write two significant digits"

    def rounded(self, judged: Judged) -> str:
        """``1.103 follows from your a₁, which has three decimals``."""
        i, j = judged.places("rounded")[0]
        text = inert(judged.written[i - 1][j - 1])
        source = self.source((judged.epoch, judged.batch, judged.id))
        if source is None:
            rounded = "rounded " if self.is_rounded(judged) else ""
            return f"{text} follows from your own {rounded}numbers"
        symbol = self.words.name(name_of(source))
        decimals = self.decimals(source)
        having = f", which has {_decimals(decimals)}" if 0 <= decimals < EXACT else ""
        return f"{text} follows from your {symbol}{having}"

    def is_rounded(self, judged: Judged) -> bool:
        """Whether a quantity, or what it is worked from, has decimals; a fraction has none."""
        place = (judged.epoch, judged.batch, judged.id)
        shown = (self.decimals(at) for at in (place, self.source(place)) if at is not None)
        return any(0 < decimals < EXACT for decimals in shown)

    def source(self, place: Key) -> Key | None:
        """The nearest quantity that was written and that this one is worked from."""
        waiting = list(self.checker.operands[place])
        while waiting:
            place = waiting.pop(0)
            if place in self.written and not self.checker.is_given(place):
                return place
            if place not in self.written:
                waiting += self.checker.operands[place]
        return None

    def decimals(self, place: Key) -> int:
        cells = [cell for line in self.written[place].cells for cell in line]
        return max((cell.decimals for cell in cells if isinstance(cell, Figure)), default=EXACT)

    # The mistakes

    def mistakes(self) -> Iterator[Finding]:
        if self.level == "none":
            return
        first = self.report.first_mistake
        for judged in self.report.quantities:
            if judged.verdict == "wrong":
                yield self.finding(judged, judged == first)

    def finding(self, judged: Judged, first: bool) -> Finding:
        symbol = self.words.name(judged.name)
        where = places(judged, symbol, "wrong")
        if self.level == "where":
            return Finding(judged, symbol, where, first)
        working = None
        if self.level == "how" and first and judged.mistakes != (LINES_EXCHANGED,):
            working = worked_line(self.checker, self.answers, judged)
        causes = tuple(self.cause(explanation, judged) for explanation in judged.explanations)
        return Finding(judged, symbol, where, first, causes, working)

    def cause(self, explanation: Explanation, judged: Judged) -> NamedCause:
        advice: tuple[str, ...] = ()
        if judged.repeated:
            advice = (self.words.again(judged.repeated),)
        elif self.level == "how":
            advice = self.words.advice(explanation)
        return NamedCause(self.words.cause(explanation, judged.id), advice)

    def hints(self, mistakes: tuple[Finding, ...]) -> dict[str, tuple[str, ...]]:
        """What is said of each quantity that is not simply right, for formats that list them."""
        found = {finding.judged.name: tuple(told(finding)) for finding in mistakes}
        for judged in self.report.quantities:
            if judged.verdict not in ("right", "wrong") and self.level != "none":
                faults = tuple(self.faults(judged))
                found[judged.name] = faults or (self.remark(judged.verdict, [judged]),)
        return found

    def faults(self, judged: Judged) -> Iterator[str]:
        """Why entries are no numbers, and why a shape does not fit."""
        symbol = self.words.name(judged.name)
        written = self.written.get((judged.epoch, judged.batch, judged.id))
        if written is None:
            return
        if written.problem:
            yield inert(f"{symbol}: {written.problem}")
        for i, line in enumerate(written.cells or written.raw, 1):
            for j, cell in enumerate(line, 1):
                is_right = bool(written.cells) and judged.entries[i - 1][j - 1] == "right"
                if isinstance(cell, Malformed) and not is_right:
                    yield inert(f"{symbol}[{i},{j}]: {cell.reason}")

    # The notes

    def notes(self) -> Iterator[str]:
        """What was understood, quantities with the same note together; then what is unreadable."""
        said: dict[str, list[str]] = {}
        for judged in self.report.quantities:
            written = self.written.get((judged.epoch, judged.batch, judged.id))
            for note in written.notes if written else ():
                said.setdefault(note, []).append(self.words.name(judged.name))
        if self.report.conventions is not None:
            yield worked_by(self.report.conventions, self.words)
        if self.report.refused is not None:
            yield not_accepted(self.report.refused, self.words)
        for note in self.report.notes:
            yield inert(note)
        for note, symbols in said.items():
            yield inert(f"{_names(symbols)}: {note}")
        for judged in self.report.quantities:
            yield from self.faults(judged)
        if self.level != "none":
            reasons: dict[str, list[str]] = {}
            for name, reason in self.withheld():
                reasons.setdefault(reason, []).append(self.words.name(name))
            for reason, symbols in reasons.items():
                yield f"{_names(symbols)}: no marks, {reason}"
            yield from self.spared()

    def spared(self) -> Iterator[str]:
        """What keeps its marks though it does not follow from a number that a pen miswrote."""
        meant: dict[str, list[str]] = {}
        for judged in self.report.quantities:
            if judged.slip is not None and judged.spared:
                meant.setdefault(judged.slip, []).append(self.words.name(judged.name))
        for slip, symbols in meant.items():
            follow = "they follow" if len(symbols) > 1 else "it follows"
            yield (
                f"{_names(symbols)}: no mark is lost, since {follow} from what you meant in"
                f" {self.words.name(slip)}"
            )

    # The key

    def expected(self, judged: Judged) -> Expected:
        place = (judged.epoch, judged.batch, judged.id)
        values = self.checker.values[place]
        cells = [[understood(text)[0] for text in line] for line in judged.written]
        if np.shape(judged.written) != values.shape:
            cells = []
        usual = self.checker.spec.decimals
        decimals = [
            [
                _telling(value, cells[i][j] if cells else None, judged.entries[i][j], usual)
                for j, value in enumerate(line)
            ]
            for i, line in enumerate(values.tolist())
        ]
        return Expected(
            judged.id,
            judged.name,
            self.words.name(judged.name),
            shown(judged.written),
            _rounded(values.tolist(), decimals),
            _rounded(values.tolist(), [[max(usual, d) for d in line] for line in decimals]),
            tuple(map(tuple, values.tolist())),
            judged.verdict == "right",
        )


def standing(report: Report) -> str:
    """``16 of 20 entries are correct``, and the marks where they differ from that."""
    counted = [q for q in report.quantities if q.possible]
    verdicts = [v for q in counted for line in q.entries for v in line]
    if not verdicts:
        copied = "only numbers of the exercise, which earn nothing"
        return copied if report.quantities else "no answers to this exercise"
    stand = sum(verdict in STANDING for verdict in verdicts)
    said = f"{stand} of {count(len(verdicts), 'entry is', 'entries are')} correct"
    same = (float(stand), float(len(verdicts))) == (report.score.points, report.score.of)
    return said if same else f"{said}, {marks(report.score.points, report.score.of)} marks"


def all_well(report: Report, policy: Marks | None) -> bool:
    """Whether it has full marks by the policy; without one, whether every entry stands for which
    there are marks (where a spec asks for some lines, others have none), and anything is written.
    """
    if policy is not None:
        return report.score.is_full
    counted = [q for q in report.quantities if q.possible]
    return bool(report.quantities) and all(
        verdict in STANDING for q in counted for line in q.entries for verdict in line
    )


def told(finding: Finding) -> Iterator[str]:
    """A mistake in lines of text: where, what, how."""
    yield opening(finding)
    causes = finding.causes or ()
    if len(causes) > 1:
        yield from (f"- {sentence(cause.named, *cause.advice)}" for cause in causes)
    else:
        yield from (advice for cause in causes for advice in cause.advice)
    if finding.working is not None:
        yield f"The rule is: {finding.working.rule}"
        yield f"With your numbers: {finding.working.left} = {finding.working.right} = ?"


def opening(finding: Finding) -> str:
    """The first line on a mistake: ``δ₂, all four entries: the bias is missing.``"""
    if finding.causes is None:
        return f"{finding.where}: {'the first mistake.' if finding.first else 'a mistake.'}"
    if finding.judged.alike:
        several = in_words(finding.judged.alike)
        return f"{finding.where}: wrong; {several} mistakes can't be told apart from these digits."
    if not finding.causes:
        return f"{finding.where}: {UNEXPLAINED}."
    if len(finding.causes) == 1:
        return f"{finding.where}: {finding.causes[0].named}."
    return f"{finding.where}: wrong, and one of these explains it:"


def sentence(named: str, *advice: str) -> str:
    return " ".join((f"{named[0].upper()}{named[1:]}.", *advice))


def shown(rows: Rows) -> Rows:
    """Written entries as a page shows them: ``_`` for what was left out, words cut short."""
    return tuple(tuple(_entry(text) for text in line) for line in rows)


def _entry(text: str) -> str:
    if not text.strip():
        return "_"
    numeric = not any(c.isalpha() and c not in "eE" for c in text)
    return inert(text) if numeric else shortened(inert(text), LONGEST)


def _zeros(judged: Judged) -> bool:
    """Whether all that has too few digits is a 0."""
    return not any(
        set("123456789") & set(judged.written[i - 1][j - 1]) for i, j in judged.places("imprecise")
    )


def _blank(judged: Judged) -> bool:
    """Whether nothing at all was written."""
    return all(verdict == "missing" for line in judged.entries for verdict in line)


def _names(symbols: list[str]) -> str:
    """Quantities that a note concerns; of too many only the first, and how many more."""
    more = len(symbols) - MOST_NAMES
    return ", ".join(symbols) if more <= 1 else f"{', '.join(symbols[:MOST_NAMES])} and {more} more"


def _decimals(decimals: int) -> str:
    return "no decimals" if decimals == 0 else count_in_words(decimals, "decimal")


def count_in_words(number: int, noun: str) -> str:
    return f"{in_words(number)} {noun}{'' if number == 1 else 's'}"


def _telling(value: float, cell: AnswerCell, verdict: Verdict, otherwise: int) -> int:
    """The decimals to which a value is shown: those written, or as many as tell it from what was
    written and is something else."""
    if not isinstance(cell, Figure) or not 0 <= cell.decimals < EXACT:
        return otherwise
    if verdict not in ("wrong", "carried", "imprecise"):
        return cell.decimals
    telling = (d for d in range(cell.decimals, EXACT) if float(_at(value, d)) != cell.value)
    return next(telling, cell.decimals)


def _rounded(values: list[list[float]], decimals: list[list[int]]) -> Rows:
    return tuple(
        tuple(_at(value, d) for value, d in zip(*lines, strict=True))
        for lines in zip(values, decimals, strict=True)
    )


def _at(value: Any, decimals: int) -> str:
    """A value with exactly so many decimals (a tiny one keeps its digits: 1.23e-5)."""
    text = number(value, decimals)
    if "e" in text or "n" in text or decimals == 0:
        return text
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(decimals, '0')}"
