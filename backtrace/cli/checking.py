"""``backtrace check``: reads the answers, judges them, prints what is said of them."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from time import monotonic
from typing import TypeAlias, TypeVar

import msgspec

from backtrace.check.answers.files import content, read_files
from backtrace.check.answers.names import reader
from backtrace.check.answers.reading import is_spec, read_answers, read_stream, stream_lines
from backtrace.check.answers.tree import LIMITS, AnswersError, read_sheet
from backtrace.check.judge.checker import Checker
from backtrace.check.judge.other_variants import told_of_another
from backtrace.check.model import Answers, ClassReport, Report, Unreadable
from backtrace.check.policy import counted as counting
from backtrace.cli.check_request import CheckRequest, problems
from backtrace.cli.handing_back import write_feedback, write_results
from backtrace.cli.screen import (
    complain,
    emit,
    print_page,
    reading,
    refuse,
    refuse_answers,
    tell,
)
from backtrace.course.manifest import MANIFEST, Manifest, read_manifest
from backtrace.formats.csv import results
from backtrace.formats.json import gradescope
from backtrace.formats.json import report as report_json
from backtrace.page.report import classroom, sheet
from backtrace.page.report.content import Commentator, Findings, all_well
from backtrace.spec import SpecError, bundled
from backtrace.spec.document.reader import Mapping, Scalar
from backtrace.spec.model import Marks
from backtrace.spec.wording import cited
from backtrace.tape.loading import load

WELL, MISTAKEN, UNREAD = 0, 1, 3
STDIN = "<stdin>"
MANY = 200  # sheets, for which several processes are worth their start
Found: TypeAlias = Answers | Unreadable
Made = TypeVar("Made")


class Graded(msgspec.Struct, frozen=True):
    """A sheet, what is said of it, and the exercise that it is of."""

    answers: Answers
    report: Report
    checker: Checker


def check(request: CheckRequest) -> int:
    """Judges and prints; returns the exit code (3 before 1). Exits with 2 for wrong requests."""
    found = list(problems(request))
    if found:
        refuse(found, "E504")
    grader = Grader(request)
    if request.format == "jsonl":
        return grader.stream()
    return grader.of_class() if request.several else grader.of_student()


class Grader:
    """An exercise, or the variants of one, ready to judge answers to it."""

    def __init__(self, request: CheckRequest) -> None:
        self.request = request
        self.manifest, self.checkers = _exercises(request)
        self.checker = next(iter(self.checkers.values()))
        self.reader = reader(self.checker.tape, self.checker.spec)
        self.told = {} if request.columns is None else _told(request.columns)
        self.commentators: dict[Checker, Commentator] = {}

    @property
    def policy(self) -> Marks | None:
        return self.checker.spec.marks

    def checker_of(self, answers: Answers) -> Checker | Unreadable:
        """The exercise that a sheet is of: of variants the one that the manifest says."""
        if self.manifest is None:
            return self.checker
        variant = self.manifest.variant_of(answers)
        if variant is not None:
            return self.checkers[variant]
        first = next(iter(self.manifest.students), "")
        known = f"; it knows its students by names such as {cited(first)}" if first else ""
        reason = (
            f"{self.request.spec}: {MANIFEST} has no variant for {cited(answers.student)}{known} "
            "[E410]"
        )
        return Unreadable(answers.file, reason)

    def commentator(self, checker: Checker) -> Commentator:
        if checker not in self.commentators:
            own = Commentator(checker, self.request.level, self.request.reveal)
            self.commentators[checker] = own
        return self.commentators[checker]

    def judged(self, found: Answers | Unreadable) -> Graded | Unreadable:
        """A sheet with its report."""
        if isinstance(found, Unreadable):
            return found
        checker = self.checker_of(found)
        if isinstance(checker, Unreadable):
            return checker
        report = told_of_another(checker.check(found), found, checker, self.checkers)
        return Graded(found, report, checker)

    def code(self, reports: Iterable[Report]) -> int:
        return WELL if all(all_well(each, self.policy) for each in reports) else MISTAKEN

    def findings(self, graded: Graded) -> Findings:
        return self.commentator(graded.checker).findings(graded.answers, graded.report)

    def answers(self) -> Iterator[Answers | Unreadable]:
        """Every sheet, one after another."""
        for path in self.request.answers:
            if path == "-":
                yield from self.stdin()
        files = [path for path in self.request.answers if path != "-"]
        yield from read_files(files, self.reader, self.told)

    def stdin(self) -> Iterator[Answers | Unreadable]:
        stream = sys.stdin.buffer
        if self.request.format == "jsonl":
            yield from read_stream(stream_lines(stream), self.reader, STDIN)
            return
        try:
            yield read_answers(stream.read(LIMITS.bytes + 1), STDIN, self.reader)
        except AnswersError as error:
            yield Unreadable(STDIN, error.reason)

    # One student

    def of_student(self) -> int:
        found = self.judged(next(self.answers()))
        if isinstance(found, Unreadable):
            return self.refused(found)
        self.print_sheet(found)
        return self.code([found.report])

    def refused(self, unreadable: Unreadable) -> int:
        """A sheet that can't be read: Gradescope's student wants to be told all the same."""
        if self.request.format == "gradescope":
            emit(report_json.encode(gradescope.refused(unreadable)))
        tell(unreadable.reason)
        return UNREAD

    def print_sheet(self, graded: Graded) -> None:
        if self.request.format == "json":
            emit(report_json.encode(self.document(graded)))
            return
        findings = self.findings(graded)
        if self.request.format == "gradescope":
            words = self.commentator(graded.checker).words
            emit(report_json.encode(gradescope.results(findings, words)))
        else:
            print_page(sheet.document(findings), self.request.format, self.request.width)

    # A class

    def of_class(self) -> int:
        graded: list[Graded] = []
        unreadable: list[Unreadable] = []
        for found in counted(self.all_judged()):
            if isinstance(found, Unreadable):
                unreadable.append(found)
            else:
                graded.append(found)
        kept = counting([each.report for each in graded], self.policy)
        graded = [graded[at] for at in kept]
        if not graded and not unreadable:
            complain(f"{', '.join(self.request.answers)}: no answers in it", "E409")
            return UNREAD
        report = ClassReport(tuple(each.report for each in graded), tuple(unreadable))
        self.hand_back(graded)
        self.print_class(graded, report)
        return UNREAD if unreadable else self.code(report.reports)

    def all_judged(self) -> Iterator[Graded | Unreadable]:
        """Every sheet with its report, in their order."""
        return (self.with_report(*each) for each in self.all_made(self.report, _report))

    def all_made(
        self, here: Callable[[Found], Made], there: Callable[[Found], Made]
    ) -> Iterator[tuple[Found, Made]]:
        """What is made of every sheet, in their order: ``here``, or ``there`` by other processes
        where sheets are many."""
        answers = self.answers()
        if self.request.is_of_files:
            some = [*islice(answers, MANY)]
            answers = chain(some, answers)
            if len(some) == MANY:
                left = yield from self.made_side_by_side(answers, there)
                answers = chain(left, answers)
        yield from ((each, here(each)) for each in answers)

    def made_side_by_side(
        self, answers: Iterator[Found], there: Callable[[Found], Made]
    ) -> Generator[tuple[Found, Made], None, Iterable[Found]]:
        """The same by several processes; returns those that they took and left undone."""
        from backtrace.cli.side_by_side import NoProcessesError, in_order

        waiting = deque[Found]()

        def taken() -> Iterator[Found]:
            for each in answers:
                waiting.append(each)
                yield each

        with suppress(NoProcessesError):
            for made in in_order(there, taken(), _start, (self.request,)):
                yield waiting.popleft(), made
        return waiting

    def report(self, found: Found) -> Report | Unreadable:
        judged = self.judged(found)
        return judged if isinstance(judged, Unreadable) else judged.report

    def with_report(
        self, found: Answers | Unreadable, report: Report | Unreadable
    ) -> Graded | Unreadable:
        """A sheet that another process has judged."""
        if isinstance(found, Unreadable):
            return found
        if isinstance(report, Unreadable):
            return report
        checker = self.checker_of(found)
        return checker if isinstance(checker, Unreadable) else Graded(found, report, checker)

    def hand_back(self, graded: Sequence[Graded]) -> None:
        """Each student's own page, and the table of marks, where they are asked for."""
        request = self.request
        if request.results is not None:
            table = results.encode([each.report for each in graded], self.policy)
            write_results(request.results, table, force=request.force)
        if request.feedback is not None:
            told = _for_students(graded)
            pages = [(each.report, sheet.document(self.findings(each))) for each in told]
            write_feedback(request.feedback, pages, request.feedback_format, force=request.force)

    def print_class(self, graded: list[Graded], report: ClassReport) -> None:
        if self.request.format == "json":
            reports = map(self.document, graded)
            emit(report_json.encode(report_json.class_report(report, reports)))
        elif self.request.format == "csv":
            from backtrace.formats.csv import classroom as class_table

            emit(class_table.encode(self.checker, report).removesuffix("\n"))
        else:
            title = None if self.manifest is None else self.manifest.title
            names = self.request.names
            page = classroom.document(self.checker, report, names=names, title=title)
            print_page(page, self.request.format, self.request.width)
            if self.request.format == "text" and not names and sys.stdout.isatty():
                tell("\n--names names the students; --results FILE.csv writes their marks.")

    def document(self, graded: Graded) -> report_json.ReportDocument:
        return report_json.report(self.findings(graded), self.request.level)

    # A stream

    def stream(self) -> int:
        """A report a line as soon as it is worked; returns the worst exit code."""
        worst, empty = WELL, True
        for _, (line, code) in counted(self.all_made(self.line, _line)):
            emit(line)
            worst, empty = max(worst, code), False
        return UNREAD if empty and self.request.answers != ("-",) else worst

    def line(self, found: Answers | Unreadable) -> tuple[str, int]:
        """The line that answers a sheet, and its exit code."""
        judged = self.judged(found)
        if isinstance(judged, Unreadable):
            return report_json.encode(report_json.unreadable(judged)), UNREAD
        return report_json.encode(self.document(judged)), self.code([judged.report])


def _for_students(graded: Sequence[Graded]) -> Iterator[Graded]:
    """The sheets without the notes that all of a class have: these are of the table's columns,
    which are its lecturer's."""
    several = len(graded) > 1
    shared = set.intersection(*({*g.report.notes} for g in graded)) if several else set[str]()
    for each in graded:
        notes = tuple(note for note in each.report.notes if note not in shared)
        own = msgspec.structs.replace(each.report, notes=notes)
        yield msgspec.structs.replace(each, report=own)


def _exercises(request: CheckRequest) -> tuple[Manifest | None, dict[str, Checker]]:
    """The exercise, or the variants of a folder, by their names."""
    folder = Path(request.spec).expanduser()
    if not folder.is_dir():
        return None, {"": _checker(request.spec, request)}
    if not (folder / MANIFEST).is_file():
        refuse(
            [f"{request.spec}: a folder without {MANIFEST}, which says what the variants are"],
            "E410",
        )
    with reading(request.spec):
        manifest = read_manifest(folder)
    checkers = {name: _checker(str(path), request) for name, path in manifest.variants.items()}
    forms = {tuple(checker.steps) for checker in checkers.values()}
    if len(forms) > 1:
        refuse(
            [f"{request.spec}: the variants have different quantities; check each by itself"],
            "E410",
        )
    return manifest, checkers


def _checker(source: str, request: CheckRequest) -> Checker:
    with reading(source):
        try:
            spec = load(source, data_folder=request.data)
        except SpecError:
            if any(map(_holds_spec, request.answers)):
                refuse(["the spec comes first: backtrace check SPEC ANSWERS"], "E402")
            raise
        return Checker(spec, request.asked, request.credit, strict=request.strict)


def _told(file: str) -> dict[str, str]:
    """The headers of columns by what they mean, from a YAML file."""
    try:
        root = read_sheet(content(Path(file), LIMITS.bytes), file)
    except AnswersError as error:
        refuse_answers(error)
    entries = root.entries if isinstance(root, Mapping) else {}
    nodes = {key: entry.value for key, entry in entries.items()}
    told = {key: node.text for key, node in nodes.items() if isinstance(node, Scalar)}
    if not told or len(told) < len(nodes):
        expected = 'ids and the headers of their columns, such as `z1[1,1]: "Response 1"`'
        refuse([f"{file}: expected {expected}"], "E407")
    return told


def _holds_spec(path: str) -> bool:
    """Whether an answers file is a spec, given in the wrong place."""
    if path in bundled.names() and not Path(path).exists():
        return True
    try:
        return path != "-" and is_spec(read_sheet(content(Path(path), LIMITS.bytes), path))
    except AnswersError:
        return False


_graders: list[Grader] = []  # of a process that judges for another


def _start(request: CheckRequest) -> None:
    _graders.append(Grader(request))


def _report(found: Found) -> Report | Unreadable:
    return _graders[-1].report(found)


def _line(found: Found) -> tuple[str, int]:
    return _graders[-1].line(found)


Sheet = TypeVar("Sheet")


def counted(found: Iterable[Sheet]) -> Iterator[Sheet]:
    """``found``, with a count on the terminal's stderr once it takes longer than a second."""
    if not sys.stderr.isatty():
        yield from found
        return
    start = last = monotonic()
    for number, each in enumerate(found, 1):
        yield each
        now = monotonic()
        if now - start > 1 and now - last > 0.2:
            print(f"\r{number} sheets", end="", file=sys.stderr, flush=True)
            last = now
    if last > start:
        print(f"\r{' ' * 24}\r", end="", file=sys.stderr, flush=True)
