"""``backtrace quiz``: an exercise step by step, each value asked for, judged and hinted at."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

import msgspec

from backtrace.check.answers.names import Quantity
from backtrace.check.answers.tree import AnswersError
from backtrace.check.model import MARK, STANDING, Judged, Verdict
from backtrace.cli.output import Output
from backtrace.cli.screen import Screen, reading, refuse, refuse_answers, show_page, tell
from backtrace.course.quiz import BLANK, Quiz, Rows
from backtrace.course.typed_numbers import NotANumberError, entries
from backtrace.course.worksheet import WorksheetError, worksheet
from backtrace.notation import steps as notation
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import sentence_text, text
from backtrace.page.blocks import Answer, Block, Document, Handout, Matrices
from backtrace.page.elision import is_large
from backtrace.page.report import sheet as page
from backtrace.page.report.content import Commentator, Level
from backtrace.page.worksheet import given, introduction
from backtrace.spec.wording import count
from backtrace.tape.loading import load
from backtrace.tape.trace import TracedStep

START = b"# A quiz of backtrace"
LEVELS: tuple[Level, ...] = ("where", "what", "how")  # of hints, each says more
HELP = (
    "Type the numbers of a row with spaces or commas between them, or one at a time; 1/3 and "
    "0.5*1 - 2*0.3 are worked out. Other words: ? for help, skip, back, quit."
)
SAID: dict[Verdict, str] = {
    "right": "right",
    "rounded": "right, worked from your rounded numbers",
    "carried": "right from your own numbers; a mistake lies before it",
    "unsupported": "the right number, but not what your own numbers lead to",
    "imprecise": "too few digits to tell",
    "missing": "not all of it is there",
    "malformed": "not a number",
    "wrong": "not right",
}
INTERRUPTED = 130
MOST_SEEDS = 4  # of a next exercise that are tried


class QuizRequest(msgspec.Struct, frozen=True):
    """What the command line asked for; ``progress`` is the file that keeps the answers."""

    spec: str
    ask: tuple[str, ...]
    show: tuple[str, ...]
    progress: str
    resume: bool
    force: bool
    data: Path | None
    width: int | None


class _Quit(Exception):  # noqa: N818 - nothing went wrong
    """The student has had enough."""


class _Back(Exception):  # noqa: N818 - nothing went wrong
    """The student wants to go back to what was asked before."""


def quiz(request: QuizRequest) -> int:
    """Asks until everything is answered, or the student quits; the exit code."""
    with reading(request.spec):
        spec = load(request.spec, data_folder=request.data)
        try:
            asked = Quiz(worksheet(spec, request.ask, request.show))
        except WorksheetError as error:
            refuse(error.problems, error.code)
    name = request.progress or f"{Path(request.spec).stem or 'quiz'}.answers.yaml"
    _take_up(asked, name, request)
    file = Output(name, force=request.force or request.resume, is_ours=_is_quiz)
    table = _Table(asked, request)
    try:
        table.ask_all()
    except KeyboardInterrupt:
        table.keep(file)
        tell(f"\nKept in {name}; --resume goes on.")
        return INTERRUPTED
    table.keep(file)
    table.sum_up(name)
    if not asked.answers:
        return 1
    report = asked.report()
    done = not any(True for _ in asked.waiting())
    return 0 if done and report.first_mistake is None else 1


def _is_quiz(start: bytes) -> bool:
    return start.startswith(START)


def _take_up(asked: Quiz, name: str, request: QuizRequest) -> None:
    path = Path(name).expanduser()
    if request.resume:
        try:
            asked.take_up(path.read_bytes(), name)
        except OSError as error:
            refuse([f"--resume: {name} can't be read ({error.strerror})"], "E515")
        except AnswersError as error:
            refuse_answers(error)
    elif path.exists() and not request.force:
        refuse(
            [f"{name}: answers are there already; --resume goes on, --force begins anew"], "E515"
        )


class _Table:
    """Where the student sits: prompts, verdicts, hints."""

    def __init__(self, asked: Quiz, request: QuizRequest) -> None:
        self.quiz, self.request = asked, request
        self.trace = asked.sheet.trace
        self.symbols = Symbols.of(self.trace)
        self.commentators = [Commentator(asked.checker, level) for level in LEVELS]
        self.layout = Screen.of_stdout(request.width).layout
        self.ahead = ""  # a line that was typed where something else was asked

    def ask_all(self) -> None:
        """Every quantity that has no answer yet, in the order of work."""
        quantities = self.quiz.quantities
        self.say(f"{self.trace.title}. {count(len(quantities), 'step')}. {HELP}")
        self.show(*introduction(self.quiz.sheet, Handout()))
        waiting = {quantity.name for quantity in self.quiz.waiting()}
        at, shown = 0, (0, 0)
        while at < len(quantities):
            if quantities[at].name not in waiting:
                at += 1
                continue
            update = (quantities[at].epoch, quantities[at].batch)
            if update != shown:
                self.show_given(*update)
                shown = update
            try:
                self.step(at)
                at += 1
            except _Back:
                at = max(at - 1, 0)
                waiting.add(quantities[at].name)
            except (_Quit, EOFError):
                print()
                return

    def say(self, words: str, inset: str = "") -> None:
        """Words, folded to the reader's terminal."""
        said, width = self.layout.say(words), self.layout.width
        tell(fill(said, width, initial_indent=inset, subsequent_indent=inset), sys.stdout)

    def show_given(self, epoch: int, batch: int) -> None:
        self.show(given(self.quiz.sheet, epoch, batch, Handout()))

    def show(self, *blocks: Block) -> None:
        page = Document("", blocks, symbols=self.symbols, trace=self.trace)
        show_page(page, self.request.width)

    def step(self, at: int) -> None:
        """One quantity: asked until it stands, or the student goes on."""
        quantity = self.quiz.quantities[at]
        traced = self.trace.update(quantity.epoch, quantity.batch)[quantity.id]
        formula = self.formula(traced)
        shape = "" if quantity.shape == (1, 1) else f"   {quantity.shape[0]} × {quantity.shape[1]}"
        steps = len(self.quiz.quantities)
        print()
        for between in self.quiz.way_to(quantity):
            self.say(self.formula(between), "  ")
        self.say(f"Step {at + 1} of {steps}: {formula}{shape}")
        level, rows = 0, self.quiz.begun(quantity)
        while True:
            judged = self.quiz.put(quantity, self.filled(quantity, rows))
            if judged is None:
                self.say(f"{self.symbols.name(quantity.id)} is left out.", "  ")
                return
            self.say(f"{MARK[judged.verdict]} {SAID[judged.verdict]}", "  ")
            if judged.verdict in STANDING:
                return
            self.hint(judged, level)
            if not self.again():
                return
            level = min(level + 1, len(LEVELS) - 1)
            rows = [[BLANK] * quantity.shape[1] for _ in range(quantity.shape[0])]

    def formula(self, traced: TracedStep) -> str:
        return text(notation.equation(traced, self.trace, self.symbols).formula, self.symbols)

    def again(self) -> bool:
        """Whether the student tries once more; numbers are the answer to that already."""
        said = self.line("  Enter tries again, skip goes on with your numbers: ")
        self.ahead = "" if said == "skip" else said
        return said != "skip"

    def filled(self, quantity: Quantity, rows: Rows) -> Rows:
        """The blanks of a quantity asked for, a row after the other, or fewer at a time. What was
        typed is kept also where the student has enough in the midst of it."""
        blanks = [
            (i, j) for i, row in enumerate(rows) for j, text in enumerate(row) if text == BLANK
        ]
        try:
            while blanks:
                i, j = blanks[0]
                left = sum(row == i for row, _ in blanks)
                typed = self.line(f"  {self.prompt(quantity, i, j)}: ")
                if typed == "skip":
                    break
                if typed == "?":
                    self.help(quantity)
                    continue
                try:
                    given = entries(typed, left)
                except NotANumberError as error:
                    self.say(f"{error}. ? says what is wanted.", "  ")
                    continue
                for (row, column), text in zip(blanks, given, strict=False):
                    rows[row][column] = text
                blanks = blanks[len(given) :]
        except (_Quit, _Back, EOFError, KeyboardInterrupt):
            if any(text != BLANK for row in rows for text in row):
                self.quiz.answers[quantity.name] = rows
            raise
        return rows

    def prompt(self, quantity: Quantity, i: int, there: int) -> str:
        symbol = self.symbols.name(quantity.id)
        rows, columns = quantity.shape
        if rows == columns == 1:
            return symbol
        if columns == 1:
            return f"{symbol}, row {i + 1} (one number)"
        if there:
            return f"{symbol}[{i + 1},{there + 1}]"
        line = f"{symbol}, row {i + 1}" if rows > 1 else symbol
        return f"{line} ({columns} numbers)"

    def line(self, prompt: str) -> str:
        """What is typed next, in lower case where it is a word. Raises _Quit, _Back, EOFError."""
        typed, self.ahead = self.ahead, ""
        if not typed:
            typed = input(self.layout.say(prompt)).strip()
            if not sys.stdin.isatty():
                print()  # what is typed over a pipe shows no line of its own
        word = typed.lower()
        if word in ("quit", "q"):
            raise _Quit
        if word == "back":
            raise _Back
        return word if word in ("skip", "?") else typed

    def help(self, quantity: Quantity) -> None:
        """Before an answer: what the step does, and why, and the numbers that it is worked from."""
        traced = self.trace.update(quantity.epoch, quantity.batch)[quantity.id]
        why = sentence_text(notation.why(traced, self.trace, self.symbols), self.symbols)
        self.say(f"{notation.title(traced.step, self.symbols)}. {why}", "  ")
        operands = tuple(
            Answer(id, self.symbols.name(id), (("", tuple(map(tuple, rows))),))
            for id, rows in self.quiz.operands(quantity).items()
            if not is_large((len(rows), len(rows[0])))
        )
        if operands:
            self.show(Matrices(operands))
        self.say(HELP, "  ")

    def hint(self, judged: Judged, level: int) -> None:
        """What is told of a mistake at a level."""
        commentator = self.commentators[level]
        written = self.quiz.written()
        findings = commentator.findings(written, self.quiz.checker.check(written))
        for line in findings.hints.get(judged.name, ()):
            self.say(line, "  ")

    # The end

    def keep(self, file: Output) -> None:
        if self.quiz.answers:
            file.write(f"{START.decode()}: {self.trace.title}\n{self.quiz.text}".encode())

    def sum_up(self, name: str) -> None:
        """How all of it stands, and what comes next."""
        if not self.quiz.answers:
            print("Nothing was answered.")
            return
        written = self.quiz.written()
        report = self.quiz.checker.check(written)
        print()
        findings = self.commentators[-1].findings(written, report)
        document = msgspec.structs.replace(page.document(findings), title=self.trace.title)
        show_page(document, self.request.width)
        left = list(self.quiz.waiting())
        if left:
            are = "is" if len(left) == 1 else "are"
            still = f"{count(len(left), 'step')} {are} left"
            tell(f"\n{still}; --resume goes on from {name}.", sys.stdout)
        for line in self.next(set().union(*(judged.mistakes for judged in report.quantities))):
            tell(line, sys.stdout)

    def next(self, codes: set[str]) -> Iterator[str]:
        """A fresh exercise in which the same mistakes would show."""
        if not codes or self.request.spec == "-":
            return
        seed = next((s for s in range(1, MOST_SEEDS) if self.shows(s, codes)), None)
        if seed is not None:
            again = f"backtrace new {self.request.spec} --seed {seed}"
            yield f"\nAnother one that shows the same: {again}"

    def shows(self, seed: int, codes: set[str]) -> bool:
        from backtrace.check.diagnosis.revealing import revealing
        from backtrace.course.exercises import fresh
        from backtrace.course.template import template
        from backtrace.spec.document.problems import SpecError
        from backtrace.spec.document.spec_source import read_source

        content, file, folder = read_source(self.request.spec)
        try:
            draft = fresh(template(content, file), "another", (seed,), folder)
        except SpecError:
            return False
        found = revealing(draft.spec)
        rules = {code for code in codes if code in found.revealed or code in found.absent}
        return rules <= set(found.revealed)
