"""What platforms take: Moodle's questions; and the same from Python."""

import re
from importlib.resources import files
from xml.etree import ElementTree as ET

import numpy as np
import pytest

import backtrace
from backtrace.course.worksheet import worksheet
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.platforms.moodle import questions
from backtrace.formats.worksheet_files import PLATFORMS
from backtrace.page.blocks import Handout
from backtrace.spec import bundled
from tests.cli.running import run  # noqa: F401

NAMES = ["mlp-math", "or-gate", "softmax", "attention", "adam"]
PLACE = re.compile(r"\{1:NUMERICAL:((?:\\.|[^{}\\])*)\}")


def assignment_of(name, /, **told):
    text = bundled.path(name).read_text(encoding="utf-8")
    return Assignment(worksheet(backtrace.load(name)), text, Handout(), **told)


def question_of(*assignments):
    return ET.fromstring(questions(assignments)["moodle.xml"])


# --- Moodle


def marks_of(place, answer):
    """What Moodle gives for a number: that of the first answer that it is near enough to."""
    for told in re.split(r"(?<!\\)~", place):
        head, _, feedback = told.partition("#")
        share = 100.0 if head.startswith("=") else float(re.match(r"%(\d+)%", head)[1])
        value, tolerance = map(float, re.sub(r"^(=|%\d+%)", "", head).split(":"))
        if abs(answer - value) <= tolerance:
            return share, feedback
    return 0.0, ""


@pytest.fixture(scope="module", params=NAMES)
def moodle(request):
    assignment = assignment_of(request.param, of="A <course>, 1/2")
    return assignment.sheet, question_of(assignment)


def test_every_entry_has_a_place_that_takes_what_is_right_to_its_decimals(moodle):
    sheet, root = moodle
    text = root.find("question[@type='cloze']/questiontext/text").text
    places = PLACE.findall(text)
    entries = [x for quantity in sheet.asked for x in np.ravel(sheet.value(quantity))]
    unit = 10.0**-sheet.decimals
    assert len(places) == len(entries)
    for place, x in zip(places, entries, strict=True):
        assert marks_of(place, round(float(x), sheet.decimals))[0] == 100
        for step in (-1, 1):
            assert marks_of(place, round(float(x), sheet.decimals) + step * unit)[0] == 0


def test_variants_are_questions_of_one_category():
    first, second = (assignment_of(name, of="A <course>, 1/2") for name in ("xor", "or-gate"))
    root = question_of(first, second)
    categories = [each.text for each in root.iterfind("question[@type='category']/category/text")]
    assert categories == ["$course$/top/A <course>, 1//2"]  # Moodle's way to write a slash
    names = [each.text for each in root.iterfind("question[@type='cloze']/name/text")]
    assert names == [first.title, second.title]


@pytest.mark.parametrize(
    ("marks", "weights"),
    [("{total: 10}", {"1"}), ("{points: {z1: 1, error: 2}}", {"1", "3", "6"})],
)
def test_weights_are_in_the_proportions_of_the_marks(marks, weights):
    """The three entries of z1 have 1/3 each and error 2: times three, 1 and 6, the others 3."""
    text = bundled.path("mlp-math").read_text(encoding="utf-8") + f"marks: {marks}\n"
    question = question_of(Assignment(worksheet(backtrace.loads(text)), text, Handout()))
    written = question.find("question[@type='cloze']/questiontext/text").text
    assert set(re.findall(r"\{(\d+):NUMERICAL", written)) == weights


def test_a_place_knows_the_number_of_a_mistake():
    """mlp-math: z₁ = [3.7 −1.3 1.1]; without the bias of 0.2 its first entry is 3.5."""
    text = question_of(assignment_of("mlp-math")).find("question[@type='cloze']/questiontext/text")
    place = PLACE.findall(text.text)[3]
    assert marks_of(place, 3.7)[0] == 100
    assert marks_of(place, 3.5) == (0, "the bias is missing")


# --- from Python


def test_check_takes_numbers_texts_lists_and_arrays():
    spec = backtrace.load("mlp-math")
    answers = {
        "z1": np.array([[3.7, -1.3, 1.1]]),
        "loss": "0.72",
        "delta2": 1.7,
        "a1": ["3.7", "_", 1],
    }
    report = backtrace.check(spec, answers)
    verdicts = {quantity.id: quantity.verdict for quantity in report.quantities}
    assert verdicts["z1"] == verdicts["loss"] == verdicts["delta2"] == "right"
    text = bundled.path("mlp-math").read_text(encoding="utf-8")
    assert backtrace.check(text, answers) == report


def test_what_has_the_name_of_a_package_may_be_called_whatever_was_imported():
    import backtrace.check.model
    import backtrace.verify.results

    spec = backtrace.load("mlp-math")
    assert backtrace.check(spec, {"loss": "0.7225"}).score.is_full
    assert backtrace.verify(spec).agrees


def test_the_other_commands_from_python(capsys):
    assert "bias is missing" in backtrace.feedback(
        backtrace.load("mlp-math"), "z1: [3.5, -1.0, 1.0]"
    )
    assert set(backtrace.worksheet("mlp-math", ["md"], ask=["z1"])) == {
        *("sheet.md", "key.md", "answers.yaml", "answers.csv", "key.yaml")
    }
    assert backtrace.export(backtrace.load("mlp-math"), "latex").startswith(b"%")
    fresh = backtrace.loads(backtrace.new(seed=1, hidden=(3,)))
    assert [layer.units for layer in fresh.layers] == [3, 1]
    assert len(backtrace.train(backtrace.load("xor")).records) > 1
    assert capsys.readouterr() == ("", "")


def test_every_format_is_in_the_help_and_in_the_handbook(run):  # noqa: F811
    told = "".join(run("worksheet", "--help").out.replace("│", " ").split())
    chapter = files("backtrace").joinpath("handbook", "courses.md").read_text(encoding="utf-8")
    for name in PLATFORMS:
        assert name in told
        assert f"| `{name}` |" in chapter


def test_the_command_writes_what_platforms_take(run, tmp_path):  # noqa: F811
    done = run("worksheet", "mlp-math", "-o", str(tmp_path), "--to", "moodle,gradescope,ipynb")
    assert done.code == 0, done.err
    forms = {"answers.yaml", "answers.csv", "key.yaml"}
    assert {path.name for path in tmp_path.iterdir()} == forms | {*("lecturer", "sheet.ipynb")}
    lecturer = {path.name for path in (tmp_path / "lecturer").iterdir()}
    assert lecturer == {"moodle.xml", "gradescope.zip"}
