"""Answers typed by hand, read as a file and checked: what is said of each quantity."""

from functools import cache

import backtrace
from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.checker import Checker


@cache
def exercise(name):
    """A bundled network."""
    return backtrace.load(name)


def spec_of(source):
    """A spec: itself, a bundled name, or YAML."""
    if not isinstance(source, str):
        return source
    return backtrace.loads(source) if "\n" in source else exercise(source)


def answers_of(checker, sheet):
    content = sheet if isinstance(sheet, bytes) else sheet.encode()
    return read_answers(content, "sheet.yaml", reader(checker.tape, checker.spec))


def report(source, sheet, **options):
    """The checker's report on a sheet in YAML; nothing on it may be left aside unnoticed."""
    checker = Checker(spec_of(source), **options)
    answers = answers_of(checker, sheet)
    assert answers.notes == (), answers.notes
    return checker.check(answers)


def marks(source, sheet, **options):
    """Every quantity's verdict by name."""
    return {q.name: q.verdict for q in report(source, sheet, **options).quantities}


def quantity(source, sheet, name, **options):
    """What is said of one quantity."""
    return next(q for q in report(source, sheet, **options).quantities if q.name == name)


def entries(source, sheet, name, **options):
    """The verdicts of one quantity's entries, a line a row."""
    found = quantity(source, sheet, name, **options).entries
    return [" ".join(line) for line in found]


def named(source, sheet, **options):
    """The mistakes found: (quantity, codes) of each wrong one, in the order of work."""
    found = report(source, sheet, **options).quantities
    return [(q.name, set(q.mistakes)) for q in found if q.verdict == "wrong"]


def listed(cells):
    """Nested lists of texts as YAML writes them."""
    return cells if isinstance(cells, str) else f"[{', '.join(map(listed, cells))}]"
