"""From the sheet and back: what is filled in from the trace is all right, on every form.

A form is filled as people fill it, rounded to three or four decimals: as YAML, as a row of a
class's table, as a workbook, and as Moodle exports the responses to a Cloze question. The exercises
are the bundled networks and two hundred that are drawn.
"""

import csv
import io
import re

import msgspec
import numpy as np
import pytest
import yaml
from openpyxl import load_workbook

import backtrace
from backtrace.check.answers.names import reader
from backtrace.check.answers.reading import read_answers
from backtrace.check.answers.table import read_table
from backtrace.check.judge.checker import Checker
from backtrace.course.blueprint import Blueprint
from backtrace.course.exercises import fresh
from backtrace.course.template import template
from backtrace.course.worksheet import worksheet
from backtrace.formats import answer_forms
from backtrace.formats.xlsx import workbook
from backtrace.page.blocks import Handout
from backtrace.spec import bundled

LARGE = {"digits", "mnist"}  # nobody fills in thousands of entries
NETWORKS = [name for name in bundled.names() if name not in LARGE]
DRAWN = range(200)
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky_relu", "softplus", "elu")
LOSSES = ("mse", "half_sse", "binary_cross_entropy", "cross_entropy", "mae", "huber", "hinge")


def shape_of(number):
    """A network for each number, all kinds by turns."""
    random = np.random.default_rng([7, number])
    return Blueprint(
        inputs=int(random.integers(1, 4)),
        hidden=tuple(int(n) for n in random.integers(1, 4, size=number % 3)),
        outputs=int(random.integers(2, 4)),
        samples=int(random.integers(1, 4)),
        activation=ACTIVATIONS[number % len(ACTIVATIONS)],
        loss=LOSSES[number % len(LOSSES)],
        layout=("rows", "columns")[number // 2 % 2],
        sign=("gradient", "descent")[number // 3 % 2],
        rate=("0.1", "0.5", "none")[number % 3],
    )


def drawn(number, monkeypatch):
    """An exercise that is drawn: of a shape, or every fourth one of a bundled template."""
    for name, tried in (("DRAWN", 2), ("CHANGED", 0), ("LOOKED_INTO", 1)):
        monkeypatch.setattr(f"backtrace.course.exercises.{name}", tried)
    if number % 4:
        text = shape_of(number).text.encode()
    else:
        text = bundled.path(NETWORKS[number // 4 % len(NETWORKS)]).read_bytes()
    return fresh(template(text, "drawn"), "Drawn", (number,)).spec


def texts(sheet, decimals):
    """What a person writes for each quantity asked for: rounded; a fraction where it is exact."""

    def written(x):
        return str(x) if sheet.spec.arithmetic.kind == "exact" else f"{float(x):.{decimals}f}"

    return {
        quantity.name: [[written(x) for x in row] for row in np.atleast_2d(sheet.value(quantity))]
        for quantity in sheet.asked
    }


def as_yaml(sheet, rows):
    answers = {name: one if len(one) * len(one[0]) > 1 else one[0][0] for name, one in rows.items()}
    return yaml.safe_dump({"student": "Ada", "answers": answers}).encode()


def table(header, row):
    written = io.StringIO()
    csv.writer(written).writerows([header, row])
    return written.getvalue().encode()


def flat(rows):
    return [text for one in rows.values() for line in one for text in line]


def as_csv(sheet, rows):
    header, _ = csv.reader(io.StringIO(answer_forms.table(sheet)))
    return table(header, ["Ada", *flat(rows)])


def as_moodle(sheet, rows):
    """One Cloze question: qtype_multianswer joins `part {i}: {response}` with semicolons."""
    parts = "; ".join(f"part {at}: {text}" for at, text in enumerate(flat(rows), 1))
    header = ["Last name", "First name", "ID number", "Email address", "State", "Started on"]
    person = ["Lovelace", "Ada", "2026001", "ada@example.org", "Finished", "12 November 2026"]
    return table([*header, "Grade/10.00", "Response 1"], [*person, "-", parts])


def as_workbook(sheet, rows):
    book = load_workbook(io.BytesIO(workbook.form(sheet, Handout())))
    page = book.worksheets[0]
    for row in range(1, page.max_row + 1):
        name = page.cell(row, 1).value
        for i, line in enumerate(rows.get(name, [["Ada"]] if name == "student" else [])):
            for j, text in enumerate(line):
                page.cell(row + i, 3 + j).value = text
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


FORMS = {
    "yaml": (as_yaml, "ada.yaml"),
    "csv": (as_csv, "class.csv"),
    "moodle": (as_moodle, "class.csv"),
    "xlsx": (as_workbook, "ada.xlsx"),
}


def report_on(checker, content, file):
    known = reader(checker.tape, checker.spec)
    if file.endswith(".yaml"):
        return checker.check(read_answers(content, file, known))
    (answers,), unreadable = read_table(content, file, known)
    assert not unreadable
    return checker.check(answers)


def assert_comes_back_right(spec, decimals, forms):
    sheet, checker = worksheet(spec), Checker(spec)
    rows = texts(sheet, decimals)
    for form in forms:
        write, file = FORMS[form]
        report = report_on(checker, write(sheet, rows), file)
        astray = [q for q in report.quantities if q.earned < q.possible and not has_few_digits(q)]
        assert (form, [(q.name, q.verdict) for q in astray]) == (form, [])
        assert {q.name for q in report.quantities} == set(rows)


def has_few_digits(judged):
    """Whether even the largest entry shows fewer than two digits, which is too few to tell."""
    digits = (re.sub(r"\D", "", text).lstrip("0") for line in judged.written for text in line)
    return judged.verdict == "imprecise" and max(map(len, digits)) < 2


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("decimals", "forms"), [(3, ("yaml", "xlsx")), (4, ("csv", "moodle"))])
def test_a_bundled_network_comes_back_right(name, decimals, forms):
    assert_comes_back_right(backtrace.load(name), decimals, forms)


@pytest.mark.parametrize("number", DRAWN)
def test_a_drawn_exercise_comes_back_right(number, monkeypatch):
    form = list(FORMS)[number // 2 % len(FORMS)]
    assert_comes_back_right(drawn(number, monkeypatch), 3 + number % 2, [form])


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_drawn_exercises_answers_are_not_right_for_another(number, monkeypatch):
    """Of the same shape, with other numbers."""
    monkeypatch.setattr("backtrace.course.exercises.DRAWN", 2)
    monkeypatch.setattr("backtrace.course.exercises.CHANGED", 0)
    monkeypatch.setattr("backtrace.course.exercises.LOOKED_INTO", 1)
    source = template(shape_of(number).text.encode(), "drawn")
    own, other = (fresh(source, "Drawn", (number, k)).spec for k in (1, 2))
    content = as_yaml(worksheet(own), texts(worksheet(own), 4))
    report = report_on(Checker(other), content, "ada.yaml")
    assert not report.score.is_full
    assert report.first_mistake is not None


def test_numbered_responses_are_in_the_order_of_the_form_whatever_the_order_of_ask():
    spec = backtrace.load("mlp-math")
    spec = msgspec.structs.replace(spec, ask=("delta2", "z1", "loss"))
    sheet = worksheet(spec)
    assert [quantity.name for quantity in sheet.asked] == ["z1", "loss", "delta2"]
    assert_comes_back_right(spec, 4, ["moodle"])
