"""Worksheets: what is asked stands empty on every sheet, and what is filled in is right."""

import re
from string import Formatter

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.check.answers.names import reader
from backtrace.check.answers.reading import read_answers
from backtrace.check.judge.checker import Checker
from backtrace.course.languages import LANGUAGES
from backtrace.course.worksheet import WorksheetError, worksheet
from backtrace.formats import answer_forms
from backtrace.formats.html import writer as html
from backtrace.formats.latex import writer as latex
from backtrace.formats.markdown import writer as markdown
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.page import worksheet as page
from backtrace.page.blocks import Handout
from backtrace.spec import bundled
from backtrace.spec.model import Notation
from tests.cli.running import run  # noqa: F401

LARGE = {"digits", "mnist"}
NETWORKS = [name for name in bundled.names() if name not in LARGE]
WRITERS = {"markdown": markdown.file, "latex": latex.file, "html": html.file}
NUMBER = re.compile(r"(?<![\d.])-?\d+\.\d{3,}(?![\d.])")


def judged(spec, content):
    checker = Checker(spec)
    known = reader(checker.tape, spec)
    return checker.check(read_answers(content.encode(), "key.yaml", known))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_filled_key_is_all_right(name):
    spec = backtrace.load(name)
    report = judged(spec, answer_forms.filled(worksheet(spec)))
    assert report.earned == report.possible > 0


@pytest.mark.parametrize("form", WRITERS)
@pytest.mark.parametrize("name", NETWORKS)
def test_nothing_that_is_asked_stands_on_a_sheet(name, form):
    """Every number of three decimals or more on it is given, to as many."""
    spec = backtrace.load(name)
    sheet = worksheet(spec)
    for steps in (True, False):
        text = WRITERS[form](page.document(sheet, Handout(), steps=steps))
        body = (
            re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
            .replace("−", "-")
            .replace("00.0000", "")
        )
        given = [
            float(x)
            for step in sheet.trace
            if step.phase == "given" and "from" not in step.parameters  # W1 of a second update
            for x in np.ravel(step.value)
        ]
        rates = [
            float(x)
            for step in sheet.trace
            for x in step.parameters.values()
            if isinstance(x, (int, float))
        ]
        for number in NUMBER.findall(body):
            close = 0.51 * 10 ** -len(number.partition(".")[2])
            assert any(abs(float(number) - known) <= close for known in [*given, *rates]), number


def test_what_is_shown_stands_there_and_is_not_asked():
    # mlp-math: Z₁ = [1 2]·W₁ + b₁ = [3.7 −1.3 1.1] (its source's own numbers).
    spec = backtrace.load("mlp-math")
    sheet = worksheet(spec, show=["Z1"])
    assert "z1" not in {quantity.id for quantity in sheet.asked}
    text = markdown.file(page.document(sheet, Handout()))
    assert "3.7 & -1.3 & 1.1" in text
    assert "3.5 & -1.0 & 1.0" not in text  # X·W₁, which is put into the shown step's formula


def test_a_family_and_a_students_name_are_asked_for():
    spec = backtrace.load("mlp-math")
    asked = worksheet(spec, ask=["delta", "dZ2", "h1"]).asked
    assert [quantity.id for quantity in asked] == ["a1", "delta2", "delta1"]  # the order of work


def test_a_name_of_a_loop_asks_for_all_of_its_lines():
    loop = """
given: {h_0: 1, x: [[1], [2]]}
equations:
  - {for: t = 1..2, do: ["h[t] = tanh(x[t,1] * h[t-1])"]}
"""
    asked = worksheet(backtrace.loads(loop), ask=["h"]).asked
    assert [quantity.id for quantity in asked] == ["h_1", "h_2"]  # h_0 is given
    assert backtrace.loads(f"{loop}ask: [h]\n").ask == ("h_1", "h_2")


def test_what_leads_to_what_is_asked_stands_there_as_formulas():
    """δ₁ needs all that comes before it, but not the gradients of layer 2 nor the loss; where a₁
    is given away, not what leads to a₁ alone."""
    spec = backtrace.load("or-gate")
    needed = {"product1", "z1", "a1", "product2", "z2", "a2", "error", "da2", "g2", "delta2"}
    needed |= {"da1", "g1"}
    assert worksheet(spec, ask=["delta1"]).on_the_way == needed
    shown = worksheet(spec, ask=["delta2"], show=["a1"])
    assert shown.on_the_way == {"product2", "z2", "a2", "error", "da2", "g2"}
    text = markdown.file(page.document(shown, Handout("de")))
    assert r"z^{(2)} &= W^{(2)} a^{(1)} + b^{(2)}" in text
    assert "## Rückwärts · Schicht 2\n" in text
    assert text.count(r"\underline") == 4  # places: δ₂ of four samples


def test_a_second_update_does_not_tell_what_the_first_is_asked_for():
    """W₁ⁿᵉʷ of the first update tells its gradient; where no such thing is asked, it is given, and
    a frozen weight always is."""
    spec = backtrace.load("momentum")

    def given(spec, **asked):
        sheet = worksheet(spec, **asked)
        return sheet.shows(sheet.trace["W1@2"])

    assert not given(spec)
    assert not given(spec, ask=["dW1", "dW1@2"])
    assert given(spec, ask=["dW1@2"])
    assert given(spec, ask=["dW1", "dW1@2"], show=["W1_new"])
    frozen = msgspec.structs.replace(spec, freeze=frozenset(["W1"]))
    assert given(frozen, ask=["dW1", "dW1@2"])


LAW = """
layers: [{weights: [[1]], bias: 0, activation: linear}]
inputs: [[1]]
targets: 2
loss: {name: huber, delta: 0.3}
regularization: {l2: 0.03}
optimizer: {name: momentum, learning_rate: 0.5, momentum: 0.9, form: ema}
schedule: {exponential: {factor: 0.7}}
clip: {norm: 0.4}
epochs: 2
"""


def test_a_sheet_has_all_the_constants_and_without_steps_the_rules_too():
    sheet = worksheet(backtrace.loads(LAW), ask=["W1_new", "W1_new@2"])
    steps, bare = (
        markdown.file(page.document(sheet, Handout(), steps=steps)) for steps in (True, False)
    )
    for text in (steps, bare):
        for constant in (r"\eta = 0.5; 0.35", r"\lambda = 0.03", r"\beta = 0.9", "c = 0.4"):
            assert constant in text
    assert r"- $v_{W_{1}} = \beta\cdot v_{W_{1}}^{\mathrm{old}} + (1 - \beta)" in bare
    assert bare.index("## Epoch 1") < bare.index(r"W_{1}^{\mathrm{new}} &=") < bare.index("Epoch 2")


def test_where_the_mean_enters_has_the_courses_letter():
    spec = msgspec.structs.replace(backtrace.load("or-gate"), notation=Notation(samples="m"))
    for language in LANGUAGES:
        text = markdown.file(page.document(worksheet(spec), Handout(language)))
        assert rf"- $\frac{{1}}{{m}}${LANGUAGES[language]['mean late']}" in text


def test_a_form_says_of_which_update_a_quantity_is():
    form = answer_forms.form(worksheet(backtrace.load("momentum"), ask=["db1@2"]), Handout("de"))
    assert "  db1@2.1: _  # db₁, 1 × 1, Epoche 2\n" in form


def test_a_board_without_steps_keeps_its_equations():
    sheet = worksheet(backtrace.load("attention"), ask=["dW_Q"])
    text = markdown.file(page.document(sheet, Handout(), steps=False))
    assert r"- $Q = X \cdot W_{Q}$" in text
    assert r"\mathrm{softmax}(S)" in text
    assert "dS" not in text


def test_the_specs_own_ask_holds():
    spec = msgspec.structs.replace(backtrace.load("mlp-math"), ask=("z1", "delta1"))
    assert [quantity.id for quantity in worksheet(spec).asked] == ["z1", "delta1"]


@pytest.mark.parametrize(
    ("ask", "show", "problems"),
    [(["q7"], ["nothing"], 2), (["z1[1,1]"], [], 1), (["z1"], ["z1"], 1)],
)
def test_names_that_mean_nothing_are_all_said(ask, show, problems):
    with pytest.raises(WorksheetError) as refused:
        worksheet(backtrace.load("mlp-math"), ask, show)
    assert len(refused.value.problems) == problems


# --- languages


def fields(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_lacks_a_word_or_a_field(language):
    words = LANGUAGES[language]
    assert words.keys() == LANGUAGES["en"].keys()
    assert all(words.values())
    for key, text in LANGUAGES["en"].items():
        assert fields(words[key]) == fields(text), key


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
@pytest.mark.parametrize("name", ["or-gate", "adam", "momentum", "softmax", "lstm", "dropout"])
def test_no_english_is_left_on_a_sheet(name, language):
    """Its words are the language's, the title's, the source's, or the name of a method."""
    spec = backtrace.load(name)
    sheet = worksheet(spec)
    text = markdown.file(page.document(sheet, Handout(language)))
    words = set(re.findall(r"[a-z]{3,}", re.sub(r"\$\$.*?\$\$|\$[^$]*\$", "", text, flags=re.S)))
    own = " ".join([*LANGUAGES[language].values(), spec.title, spec.source]).lower()
    optimizers = [row for row in OPTIMIZERS.values() if row.title not in LANGUAGES["en"]]
    names = " ".join(row.title for row in [*ACTIVATIONS.values(), *optimizers]).lower()
    foreign = {word for word in words if word not in own and word not in names}
    assert foreign <= {"made", "backtrace", "br"}


# --- the command


def test_the_folder_has_sheet_key_and_forms(run, tmp_path):  # noqa: F811
    folder = tmp_path / "sheets" / "one"
    done = run("worksheet", "mlp-math", "-o", str(folder), "--to", "md,html,tex")
    assert done.code == 0, done.err
    printed = [f"{name}.{ending}" for ending in ("md", "html", "tex") for name in ("sheet", "key")]
    names = {*printed, "answers.yaml", "answers.csv", "key.yaml"}
    assert {path.name for path in folder.iterdir()} == names
    assert run("check", "mlp-math", str(folder / "key.yaml")).code == 0


def test_a_form_that_somebody_has_filled_in_stays(run, tmp_path):  # noqa: F811
    command = ("worksheet", "mlp-math", "-o", str(tmp_path), "--to", "md")
    assert run(*command).code == 0
    assert run(*command).code == 0  # the same files once more
    form = tmp_path / "answers.yaml"
    filled = form.read_text().replace("_", "1", 1)
    form.write_text(filled)
    (tmp_path / "sheet.md").unlink()
    refused = run(*command)
    assert refused.code == 2
    assert "answers.yaml" in refused.err
    assert form.read_text() == filled
    assert not (tmp_path / "sheet.md").exists()  # all or nothing
    assert run(*command, "--force").code == 0
    assert "_" in form.read_text()


@pytest.mark.parametrize("wrong", [("--to", "docx"), ("--language", "xx"), ("--ask", "q9")])
def test_what_there_is_none_of_is_refused(run, tmp_path, wrong):  # noqa: F811
    refused = run("worksheet", "mlp-math", "-o", str(tmp_path / "new"), *wrong)
    assert refused.code == 2
    assert wrong[1] in refused.err
    assert not (tmp_path / "new").exists()


def test_a_key_has_no_digits_that_only_adding_up_in_doubles_leaves():
    """1.16 − 1 is 0.16 by hand and 0.15999999999999992 in doubles."""
    key = answer_forms.filled(worksheet(backtrace.load("small-mlp")))
    assert "\n  error: 0.16  #" in key
