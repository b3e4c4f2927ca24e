"""Sheets of answers, typed by hand, for tests of what is said about them."""

from typing import NamedTuple

import backtrace
from backtrace.check.answers.names import reader
from backtrace.check.answers.reading import read_answers
from backtrace.check.judge.checker import Checker
from backtrace.check.model import ClassReport
from backtrace.page.report.classroom import document
from backtrace.page.report.content import Commentator

# z = X·w = [2·1 + 1·3, 2·2 − 1·1] = [5, 3], e = [1, -2], L = ½·(1 + 4) = 2.5, δ = e,
# dw = Xᵀδ = [1·1 + 2·(-2), 3·1 − 1·(-2)] = [-3, 5], w − 0.1·dw = [2.3, 0.5]
TWO_SAMPLES = """
title: "Two samples"
layers:
  - {activation: linear, weights: [[2], [1]], bias: none}
inputs: [[1, 3], [2, -1]]
targets: [[4], [5]]
loss: half_sse
learning_rate: 0.1
"""
ALL_RIGHT = """
student: Ada
answers: {z1: [[5], [3]], loss: 2.5, dW1: [[-3], [5]], W1_new: [[2.3], [0.5]]}
"""
# The gradient with the wrong sign; from it 2 − 0.1·3 = 1.7 and 1 + 0.1·5 = 1.5, written in full.
SIGN_FLIPPED = """
student: Bo
answers:
  z1: [5, 3]
  loss: 2.5
  delta1: [[1], [-2]]
  dW1: [[3.00], [-5.00]]
  W1_new: [[1.700], [1.500]]
"""
HOSTILE = [
    '=HYPERLINK("http://evil.example";"x")',
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "\t=1",
    "＝1+1",
    " =1",
    "| a | b |",
    "[l](http://evil.example) ![i](http://evil.example)",
    "https://evil.example www.evil.example me@evil.example",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "`code` ``` *b* _i_ ~~s~~ **b**",
    "$\\frac{1}{0}$ $$x$$ \\input{x}",
    "[red]red[/red] [link=http://evil.example]x[/link]",
    "\x1b[31mred\x1b]8;;http://evil.example\x07x\x9b31m",
    "a\nb\r\nc\u202eabc\u200b",
    "../../etc/passwd",
    "# head",
    "- item",
    "1. item",
    "> quote",
    "---",
    "@everyone #1 :smile:",
    "&lt;b&gt; &#60;",
    "\\",
]


class Marked(NamedTuple):
    """A sheet that was judged: the checker, its report and what is said of it."""

    checker: object
    report: object
    findings: object
    commentator: object


def exercise(spec=TWO_SAMPLES, **options):
    loaded = backtrace.loads(spec) if "\n" in spec else backtrace.load(spec)
    return Checker(loaded, **options)


def answers(checker, text, file="sheet.yaml"):
    return read_answers(text.encode(), file, reader(checker.tape, checker.spec))


def marked(text, spec=TWO_SAMPLES, level="how", reveal=False, **options):
    checker = exercise(spec, **options)
    sheet = answers(checker, text)
    report = checker.check(sheet)
    commentator = Commentator(checker, level, reveal)
    return Marked(checker, report, commentator.findings(sheet, report), commentator)


def of_class(texts, spec=TWO_SAMPLES, unreadable=(), names=True):
    """The checker, the report on all sheets and what a teacher is shown of it."""
    checker = exercise(spec)
    reports = tuple(checker.check(answers(checker, text)) for text in texts)
    report = ClassReport(reports, tuple(unreadable))
    return checker, report, document(checker, report, names=names)


def named(student, answers="{loss: 2.5}"):
    """A sheet of a student whose name has to survive YAML's own rules."""
    import json

    return f"student: {json.dumps(student)}\nanswers: {answers}\n"
