"""Workbooks: a form filled in is graded as any other, and a key works itself."""

import io
import math
import re

import numpy as np
import pytest
from openpyxl import Workbook, load_workbook
from openpyxl.utils import get_column_letter

import backtrace
from backtrace.check.answers.names import reader
from backtrace.check.answers.table import read_table
from backtrace.check.judge.checker import Checker
from backtrace.course.worksheet import worksheet
from backtrace.formats.xlsx import workbook
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.page.blocks import Handout
from backtrace.spec import bundled
from backtrace.tape.arithmetic import arithmetic
from backtrace.tape.loading import loads
from backtrace.tape.run import trace
from tests.cli.running import run  # noqa: F401
from tests.course.spreadsheet import formulas, numbers

pytest.importorskip("xlsxwriter", reason="the extra xlsx is not installed")

NETWORKS = [name for name in bundled.names() if name not in {"digits", "mnist"}]
FIRST_ROW, FIRST_COLUMN = 6, 3  # of the first matrix, as a spreadsheet counts


def cell(row, column):
    return f"{get_column_letter(column)}{row}"


def cells_of(row, shape):
    height, width = shape or (1, 1)
    return [[cell(row + i, FIRST_COLUMN + j) for j in range(width)] for i in range(height)]


def rows_by_id(content):
    """The row of each id in the first column."""
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    return {sheet.cell(row, 1).value: row for row in range(FIRST_ROW, sheet.max_row + 1)}


def given_cells(content, worked, id):
    """Where a given quantity of the first update stands: they come first, a row between two."""
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    headings = [sheet.cell(row, 1).value for row in range(1, sheet.max_row + 1)]
    row = headings.index("Given") + 2
    for traced in worked:
        if traced.id == id:
            return cells_of(row, traced.shape)
        row += (traced.shape or (1, 1))[0] + 1
    raise KeyError(id)


def close(found, expected, arithmetic):
    # float32 has 24 bits, and a sum of a dozen terms loses some; −inf is written as −1E+300.
    if math.isinf(expected):
        return abs(found) >= 1e300
    tolerance = 1e-5 if arithmetic.kind == "float32" else 1e-9
    return math.isclose(found, expected, rel_tol=tolerance, abs_tol=tolerance)


def assert_is_worked(sheet, worked, changed=None):
    content = workbook.key(sheet, Handout())
    found, rows = numbers(content, changed), rows_by_id(content)
    for quantity in sheet.asked:
        traced = worked.update(quantity.epoch, quantity.batch)[quantity.id]
        value = np.atleast_2d(traced.value).astype(float)
        places = cells_of(rows[quantity.name], value.shape)
        for place, number in zip(np.ravel(places), value.ravel(), strict=True):
            told = f"{quantity.name} {place}: {found[place]} for {number}"
            assert close(found[place], number, worked.arithmetic), told


@pytest.mark.parametrize("name", NETWORKS)
def test_the_formulas_of_a_key_work_the_trace(name):
    sheet = worksheet(backtrace.load(name))
    assert_is_worked(sheet, sheet.trace)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_changed_weight_changes_everything_that_rests_on_it(name):
    """The trace that the changed weight gives, in every entry."""
    spec = backtrace.load(name)
    sheet = worksheet(spec)
    given = [each for each in sheet.trace.update().values() if each.phase == "given"]
    weights = [each for each in given if each.role not in ("inputs", "targets", "state_before")]
    weight = next(each for each in weights if np.all(np.isfinite(each.value.astype(float))))
    value = weight.value.astype(float)
    value[0, 0] += 0.125
    changed = trace(spec, state={weight.id: arithmetic(spec.arithmetic).given(value)})
    place = given_cells(workbook.key(sheet, Handout()), sheet.trace, weight.id)[0][0]
    assert_is_worked(sheet, changed, {place: value[0, 0]})


@pytest.mark.parametrize("name", NETWORKS)
def test_a_key_is_checked_as_all_right(name):
    spec = backtrace.load(name)
    checker = Checker(spec)
    content = workbook.key(worksheet(spec), Handout())
    (answers,), _ = read_table(content, "key.xlsx", reader(checker.tape, spec))
    report = checker.check(answers)
    assert report.earned == report.possible > 0


def test_a_class_in_a_workbook_stays_a_class():
    """Also where a student is called as the name of the form's row is, and a row is left empty."""
    spec = backtrace.load("mlp-math")
    book = Workbook()
    for row in (["student", "loss"], ["student", 1.5], [], ["loss", 2.5], ["Bob", 3.5]):
        book.active.append(row)
    written = io.BytesIO()
    book.save(written)
    answers, unreadable = read_table(written.getvalue(), "c.xlsx", reader(Checker(spec).tape, spec))
    assert not unreadable
    assert [each.student for each in answers] == ["student", "loss", "Bob"]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"])
def test_constants_stand_in_cells_and_all_that_rests_on_them_follows(optimizer):
    """The trace that another rate gives, in every entry; no formula has it in itself."""
    text = f"""
layers: [{{activation: linear, weights: [[0.5]], bias: 0.25}}]
inputs: [[2], [3]]
targets: [[1], [5]]
loss: half_mse
epochs: 2
optimizer: {{name: {optimizer}, learning_rate: 0.125}}
"""
    sheet = worksheet(loads(text))
    content = workbook.key(sheet, Handout())
    assert not any("0.125" in formula for formula in formulas(content).values())
    page = load_workbook(io.BytesIO(content)).worksheets[0]
    labels = {page.cell(row, 2).value: row for row in range(FIRST_ROW, page.max_row + 1)}
    other = trace(loads(text.replace("0.125", "0.25")))
    assert_is_worked(sheet, other, {cell(labels["η"], FIRST_COLUMN): 0.25})


# --- every row of the tables


def live(text):
    """The key of a spec, in which every worked entry is a formula; its values are the trace's."""
    sheet = worksheet(loads(text))
    content = workbook.key(sheet, Handout())
    assert_is_worked(sheet, sheet.trace)
    entries = sum(t.value.size for t in sheet.trace if t.operation != "given")
    assert len(formulas(content)) >= entries
    return content


LAYERS = """
layers:
  - {{activation: {hidden}, weights: [[0.5, -1, 2], [1.5, 0.25, -0.5]], bias: [0.2, -0.3, 0.1]}}
  - {{activation: {output}, weights: [[1, 0.5], [-2, 0.3], [0.5, -0.7]], bias: [0.1, -0.2]}}
inputs: [[0.3, -0.6], [-0.4, 0.2]]
targets: {targets}
loss: {loss}
{more}
"""


@pytest.mark.parametrize("name", [name for name, row in ACTIVATIONS.items() if row.differentiable])
def test_every_activation_is_live(name):
    more = "learning_rate: 0.1"
    live(
        LAYERS.format(
            hidden=name, output="linear", targets="[[1, 0], [0, 1]]", loss="mse", more=more
        )
    )


TARGETS = {"signs": "[[1, -1], [-1, 1]]", "unit_interval": "[[1, 0.2], [0, 1]]"}
OUTPUTS = {"binary_cross_entropy": ["sigmoid"], "cross_entropy": ["softmax", "sigmoid"]}


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_is_live(name):
    for output in OUTPUTS.get(name, ["softmax" if name == "kl" else "linear"]):
        for delta in ("shortcut", "chain"):
            text = LAYERS.format(
                hidden="tanh",
                output=output,
                loss=name,
                targets=TARGETS.get(LOSSES[name].targets, "[[1, 0], [0, 1]]"),
                more=f"output_delta: {delta}" if LOSSES[name].shortcut == output else "",
            )
            live(text.replace("targets: [[1, 0], [0, 1]]\n", "") if name == "output" else text)


def test_a_delta_that_is_infinity_times_nothing_stands_as_a_number():
    """A cell holds no ∞: what is worked from such a δ is live, δ itself is not."""
    sheet = worksheet(loads(SATURATED))
    content = workbook.key(sheet, Handout())
    row = rows_by_id(content)["delta1"]
    assert cell(row, FIRST_COLUMN) not in formulas(content)
    page = load_workbook(io.BytesIO(content)).worksheets[0]
    assert [page.cell(row + i, FIRST_COLUMN).value for i in range(2)] == [0.5, -0.5]
    assert cell(rows_by_id(content)["dW1"], FIRST_COLUMN) in formulas(content)


SATURATED = """
layers: [{activation: sigmoid, weights: 1, bias: none}]
inputs: [[800], [-800]]
targets: [[0], [1]]
loss: binary_cross_entropy
output_delta: chain
"""


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_is_live(name):
    more = f"optimizer: {{name: {name}, learning_rate: 0.1}}\nepochs: 2"
    live(
        LAYERS.format(
            hidden="tanh", output="linear", targets="[[1, 0], [0, 1]]", loss="mse", more=more
        )
    )


def test_what_no_formula_works_is_a_number_with_a_note():
    text = (
        "given: {x: [[0.26, 0.71]]}\nequations:\n  - r = round(x, 1)\n  - L = sum(r * r)\nloss: L\n"
    )
    content = workbook.key(worksheet(loads(text)), Handout())
    # 0.26 and 0.71 to one decimal are 0.3 and 0.7; 0.3² + 0.7² = 0.58.
    sheet = load_workbook(io.BytesIO(content)).worksheets[0]
    row = rows_by_id(content)["r"]
    assert [sheet.cell(row, column).value for column in (3, 4)] == [0.3, 0.7]
    assert "formula" in sheet.cell(row, 3).comment.text
    assert numbers(content)[cell(rows_by_id(content)["L"], 3)] == pytest.approx(0.58)


def test_a_square_of_a_negative_is_no_negative_square():
    # −x² at x = 3 is −9; in a spreadsheet -C6^2 would be 9.
    text = "given: {x: 3}\nequations:\n  - L = -(x ^ 2)\nloss: L\n"
    content = workbook.key(worksheet(loads(text)), Handout())
    assert numbers(content)[cell(rows_by_id(content)["L"], 3)] == -9


# --- the form


def filled(content, answers, student="Ada"):
    """A form with ``answers`` (rows of what is typed, by id) in it."""
    book = load_workbook(io.BytesIO(content))
    sheet = book.worksheets[0]
    for row in range(1, sheet.max_row + 1):
        name = sheet.cell(row, 1).value
        if name == "student":
            sheet.cell(row, FIRST_COLUMN).value = student
        for i, line in enumerate(answers.get(name, [])):
            for j, typed in enumerate(line):
                sheet.cell(row + i, FIRST_COLUMN + j).value = typed
    written = io.BytesIO()
    book.save(written)
    return written.getvalue()


def typed(sheet, decimals=4):
    def text(x):
        return str(x) if sheet.spec.arithmetic.kind == "exact" else f"{float(x):.{decimals}f}"

    return {
        quantity.name: [[text(x) for x in row] for row in np.atleast_2d(sheet.value(quantity))]
        for quantity in sheet.asked
    }


def test_an_empty_form_has_no_answers_and_nothing_that_is_asked():
    spec = backtrace.load("mlp-math")
    sheet = worksheet(spec, show=["z1"])
    content = workbook.form(sheet, Handout())
    (answers,), _ = read_table(content, "ada.xlsx", reader(Checker(spec).tape, spec))
    assert answers.student == "ada"
    assert not answers.written
    given = {float(x) for t in sheet.trace if t.phase == "given" for x in np.ravel(t.value)}
    assert set(numbers(content).values()) == given | {3.7, -1.3, 1.1}  # Z₁, which is shown


def test_numbers_are_read_as_they_are_shown(run, tmp_path):  # noqa: F811
    # Z₁ = [3.7 −1.3 1.1]: a number, a quotient, a decimal comma. 37/10 is 3.7.
    form = workbook.form(worksheet(backtrace.load("mlp-math"), ask=["z1"]), Handout())
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(filled(form, {"z1": [["37/10", -1.3, "1,1"]]}))
    done = run("check", "mlp-math", str(path))
    assert done.code == 0, done.out + done.err
    assert "3 of 3" in done.out  # a sheet of its own, no table of a class


def test_a_number_has_the_decimals_of_its_format():
    spec = backtrace.load("mlp-math")
    book = load_workbook(io.BytesIO(workbook.form(worksheet(spec, ask=["loss"]), Handout())))
    sheet = book.worksheets[0]
    row = next(row for row in range(1, sheet.max_row + 1) if sheet.cell(row, 1).value == "loss")
    sheet.cell(row, FIRST_COLUMN).value, sheet.cell(row, FIRST_COLUMN).number_format = 2.0, "0.00"
    written = io.BytesIO()
    book.save(written)
    (answers,), _ = read_table(written.getvalue(), "a.xlsx", reader(Checker(spec).tape, spec))
    assert answers.written[0].cells[0][0].text == "2.00"


def test_a_column_typed_as_a_row_is_read_and_what_stands_beside_is_said():
    # z₁ = [0.8 1.1], ŷ = 0.5·0.8 + 0.6·1.1 + 0.1 = 1.16, e = 0.16: dW₂ = a₁ᵀ·0.16, δ₁ = 0.16·W₂ᵀ
    spec = backtrace.load("small-mlp")
    form = workbook.form(worksheet(spec, ask=["dW2", "db1", "db2"]), Handout())
    written = {"dW2": [["0.128", "0.176"]], "db2": [["", "0.16"]], "db1": [["0.080", "0.096", "7"]]}
    checker = Checker(spec)
    (answers,), _ = read_table(filled(form, written), "a.xlsx", reader(checker.tape, spec))
    assert [each.verdict for each in checker.check(answers).quantities] == ["right"] * 3
    turned, moved, more = (note for each in answers.written for note in each.notes)
    assert turned == "dW2: its indices are read as column, row"
    assert re.fullmatch(r"db2: read from D\d+ on", moved)
    assert re.fullmatch(r'db1: "7" in E\d+ is outside its place, and was left aside', more)


def test_a_folder_of_forms_is_a_class(run, tmp_path):  # noqa: F811
    sheet = worksheet(backtrace.load("mlp-math"))
    form = workbook.form(sheet, Handout("fr"))
    for student in ("Ada", "Bob"):
        (tmp_path / f"{student}.xlsx").write_bytes(filled(form, typed(sheet), student))
    done = run("check", "mlp-math", str(tmp_path), "--names")
    assert done.code == 0, done.out + done.err
    assert "Ada" in done.out
    assert "Bob" in done.out


def test_the_command_writes_both_and_the_key_is_right(run, tmp_path):  # noqa: F811
    command = ("worksheet", "adam", "-o", str(tmp_path), "--to", "xlsx", "--language", "zh")
    assert run(*command).code == 0
    assert run(*command).code == 0  # the same bytes once more
    assert {"answers.xlsx", "key.xlsx"} <= {path.name for path in tmp_path.iterdir()}
    done = run("check", "adam", str(tmp_path / "key.xlsx"))
    assert done.code == 0, done.out + done.err
