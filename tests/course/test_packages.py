"""Packages of QTI 2.1 and, for Canvas, of QTI 1.2: of the right structure, and read back by others.

The schemas are not to be had here. What QTI 2.1 allows stands below as its information model has
it; a package for Canvas has no element that text2qti, whose packages Canvas takes, has not.
"""

import csv
import io
import json
import re
import zipfile
from decimal import Decimal
from itertools import cycle
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from pyslet.qtiv2.expressions import Equal
from pyslet.qtiv2.variables import ItemSessionState
from pyslet.qtiv2.xml import QTIDocument
from text2qti.config import Config
from text2qti.qti import QTI
from text2qti.quiz import Quiz

import backtrace
from backtrace.course.exercises import fresh
from backtrace.course.template import template
from backtrace.course.worksheet import worksheet
from backtrace.formats.platforms import canvas, qti
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.registry import NotExpressibleError
from backtrace.page.blocks import Handout
from backtrace.spec import bundled
from tests.cli.running import run  # noqa: F401
from tests.course.test_platforms import assignment_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:pyslet")

NAMES = ["mlp-math", "softmax", "graph", "layer-norm"]
TINY = """
layers: [{activation: linear, weights: [[0.0003, 2]], bias: none}]
inputs: [[0.25]]
targets: [[1, 1]]
loss: half_sse
"""


@pytest.fixture(scope="module", params=[*NAMES, "new"])
def assignment(request):
    if request.param != "new":
        return assignment_of(request.param)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("DRAWN", "CHANGED", "LOOKED_INTO"):
            patch.setattr(f"backtrace.course.exercises.{name}", 1)
        draft = fresh(template(bundled.path("multi-neuron").read_bytes(), "t"), "New & <", (3,))
    return Assignment(worksheet(draft.spec), draft.text, Handout("de"))


def unzipped(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def local(element):
    return element.tag.rpartition("}")[2]


def attributes_of(element):
    return {name.rpartition("}")[2] for name in element.attrib}


def found(root, name):
    return [each for each in root.iter() if local(each) == name]


def expected(sheet):
    return [float(x) for quantity in sheet.asked for x in np.ravel(sheet.value(quantity))]


# --- QTI 2.1

FLOW = r"((h4|p|ul|table) )*"
INLINE = r"((math|strong|textEntryInteraction|table) )*"
VALUED = r"defaultValue "
ITEM = "identifier title adaptive timeDependent toolName toolVersion schemaLocation"
MODEL = {  # element: its children in their order, and its attributes (? may be left out)
    "assessmentItem": (
        r"(responseDeclaration )*(outcomeDeclaration )*itemBody responseProcessing ",
        ITEM,
    ),
    "responseDeclaration": (r"correctResponse ", "identifier cardinality baseType"),
    "outcomeDeclaration": (VALUED, "identifier cardinality baseType"),
    "correctResponse": (r"(value )+", ""),
    "defaultValue": (r"(value )+", ""),
    "value": ("", ""),
    "itemBody": (FLOW, ""),
    "h4": (INLINE, ""),
    "p": (INLINE, ""),
    "strong": (INLINE, ""),
    "ul": (r"(li )*", ""),
    "li": (INLINE, ""),
    "table": (r"(tbody )+", ""),
    "tbody": (r"(tr )+", ""),
    "tr": (r"(td )+", ""),
    "td": (INLINE, ""),
    "textEntryInteraction": ("", "responseIdentifier expectedLength"),
    "responseProcessing": (r"(responseCondition )*", ""),
    "responseCondition": (r"responseIf ", ""),
    "responseIf": (r"equal (setOutcomeValue )+", ""),
    "equal": (r"variable correct ", "toleranceMode tolerance"),
    "variable": ("", "identifier"),
    "correct": ("", "identifier"),
    "setOutcomeValue": (r"sum ", "identifier"),
    "sum": (r"((variable|baseValue|testVariables) )+", ""),
    "baseValue": ("", "baseType"),
    "assessmentTest": (
        r"(outcomeDeclaration )*(testPart )+outcomeProcessing ",
        "identifier title toolName toolVersion schemaLocation",
    ),
    "testPart": (r"(assessmentSection )+", "identifier navigationMode submissionMode"),
    "assessmentSection": (
        r"(selection ordering )?(assessmentItemRef )+",
        "identifier title visible",
    ),
    "selection": ("", "select"),
    "ordering": ("", "shuffle"),
    "assessmentItemRef": ("", "identifier href"),
    "outcomeProcessing": (r"(setOutcomeValue )*", ""),
    "testVariables": ("", "variableIdentifier"),
}


def check_model(element):
    name = local(element)
    if name == "math":
        assert element.tag == f"{{{qti.MATH}}}math"
        return
    assert element.tag == f"{{{qti.QTI}}}{name}"
    children, attributes = MODEL[name]
    assert re.fullmatch(children, "".join(f"{local(each)} " for each in element)), name
    assert attributes_of(element) == set(attributes.split()), name
    for each in element:
        check_model(each)


def item_of(assignment):
    files = unzipped(qti.package([assignment])["qti.zip"])
    (name,) = (name for name in files if name.startswith("item"))
    return files, name


def test_qti_has_the_structure_of_its_information_model(assignment):
    files, name = item_of(assignment)
    check_model(ET.fromstring(files[name]))
    check_model(ET.fromstring(files["test.xml"]))
    manifest = ET.fromstring(files["imsmanifest.xml"])
    hrefs = {each.get("href") for each in found(manifest, "file")}
    assert hrefs == set(files) - {"imsmanifest.xml"}
    resources = {each.get("identifier") for each in found(manifest, "resource")}
    assert {each.get("identifierref") for each in found(manifest, "dependency")} <= resources
    item = ET.fromstring(files[name])
    places = {each.get("responseIdentifier") for each in found(item, "textEntryInteraction")}
    assert places == {each.get("identifier") for each in found(item, "responseDeclaration")}
    assert item.get("title") == assignment.title


def played(content, answer):
    """The points that another program gives for answers: (these, all that there are)."""
    document = QTIDocument()
    document.read(src=io.BytesIO(content))
    state = ItemSessionState(document.root)
    state.begin_session()
    for each in document.root.find_children_depth_first(Equal):
        each.tolerance = each.tolerance.split()  # it keeps the list as a text
    for id in [key for key in state.map if re.fullmatch(r"R\d+", key)]:
        state[id].set_value(answer(float(state[f"{id}.CORRECT"].value)))
    state.end_attempt()
    return state["SCORE"].value, state["MAXSCORE"].value


def test_qti_played_by_another_program_gives_marks_by_the_decimals_asked_for(assignment):
    files, name = item_of(assignment)
    sheet = assignment.sheet
    decimals, unit = sheet.decimals, 10.0**-sheet.decimals
    declared = [float(each.text) for each in found(ET.fromstring(files[name]), "value")]
    assert declared[: len(expected(sheet))] == pytest.approx(expected(sheet), abs=1e-11)
    got, whole = played(files[name], lambda x: round(x, decimals))
    assert got == pytest.approx(whole)
    assert whole == len(expected(sheet))  # no `marks`: an entry is a point
    ways = cycle([-unit, unit])
    assert played(files[name], lambda x: round(x, decimals) + next(ways))[0] == 0


def test_variants_are_items_of_which_a_test_picks_one():
    variants = [assignment_of(name, of="Both") for name in ("xor", "or-gate")]
    files = unzipped(qti.package(variants)["qti.zip"])
    test = ET.fromstring(files["test.xml"])
    check_model(test)
    assert test.get("title") == "Both"
    assert [each.get("select") for each in found(test, "selection")] == ["1"]
    assert {each.get("href") for each in found(test, "assessmentItemRef")} == {
        name for name in files if name.startswith("item")
    }


# --- Canvas


def accepts(item, answer):
    """As Canvas marks: it reads bounds and answer as decimal numbers, and takes what lies between
    them."""
    low, high = (Decimal(found(item, name)[0].text) for name in ("vargte", "varlte"))
    return low <= Decimal(answer) <= high


def quiz_of(assignment):
    files = unzipped(canvas.package([assignment])["canvas.zip"])
    manifest = ET.fromstring(files["imsmanifest.xml"])
    assert {each.get("href") for each in found(manifest, "file")} == set(files) - {
        "imsmanifest.xml"
    }
    (resource,) = (r for r in found(manifest, "resource") if r.get("type") == "imsqti_xmlv1p2")
    return files, ET.fromstring(files[found(resource, "file")[0].get("href")])


def questions_of(quiz):
    return [each for each in found(quiz, "item") if found(each, "render_fib")]


def test_canvas_takes_each_entry_to_the_decimals_asked_for(assignment):
    _, quiz = quiz_of(assignment)
    sheet = assignment.sheet
    questions, values = questions_of(quiz), expected(sheet)
    assert len(questions) == len(values)
    decimals = min(sheet.decimals, 4)  # which Canvas keeps
    unit = 10.0**-decimals
    for item, x in zip(questions, values, strict=True):
        assert float(found(item, "varequal")[0].text) == pytest.approx(x, abs=1e-11)
        assert accepts(item, f"{x:.{decimals}f}")
        for step in (-unit, unit):
            assert not accepts(item, f"{round(x, decimals) + step:.{decimals}f}")


def shape(element, above=""):
    """Every element of a tree by its path, with the names of its attributes."""
    path = f"{above}/{local(element)}"
    yield path, attributes_of(element)
    for each in element:
        yield from shape(each, path)


def test_a_package_for_canvas_is_made_as_text2qti_makes_it():
    text = "quiz title: A\n\ntext: Given\n\n1. z\n= 3.7 +- 0.5\n"
    theirs = QTI(Quiz(text, config=Config(), source_name="a"))
    ours = unzipped(canvas.package([assignment_of("mlp-math")])["canvas.zip"])
    (quiz,) = (name for name in ours if name.count("/") and not name.endswith("meta.xml"))
    for content, known in [
        (ours["imsmanifest.xml"], theirs.imsmanifest_xml),
        (ours[quiz], theirs.assessment),
        (ours[f"{quiz.partition('/')[0]}/assessment_meta.xml"], theirs.assessment_meta),
    ]:
        allowed = dict(shape(ET.fromstring(known)))
        for path, attributes in shape(ET.fromstring(content)):
            assert path in allowed
            assert attributes <= allowed[path] | {"schemaLocation"}, path


def test_what_canvas_exports_of_a_quiz_is_read_back_as_all_right(run, tmp_path):  # noqa: F811
    """Its student analysis has a column a question: the question's number and its text, without
    tags."""
    assignment = assignment_of("multi-neuron")
    _, quiz = quiz_of(assignment)
    texts = [found(item, "mattext")[0].text for item in questions_of(quiz)]
    headers = [
        f"{at}: {re.sub(r'<[^>]*>', '', text)}".strip() for at, text in enumerate(texts, 10000)
    ]
    answers = [f"{x:.4f}" for x in expected(assignment.sheet)]
    table = [["name", "id", "submitted", "attempt"], ["Ada", "7", "2026-05-01 09:00:00 UTC", "1"]]
    for header, answer in zip(headers, answers, strict=True):
        table = [[*table[0], header, "1.0"], [*table[1], answer, "1.0"]]
    file = tmp_path / "canvas.csv"
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(table)
    done = run("check", "multi-neuron", str(file), "--format", "json")
    assert done.code == 0, done.err
    (report,) = json.loads(done.out)["reports"]
    score = report["score"]
    assert score["earned"] == score["possible"] == len(answers)


@pytest.mark.parametrize("form", ["canvas", "qti"])
def test_canvas_does_not_get_an_answer_that_it_reads_as_0(run, tmp_path, form):  # noqa: F811
    """z = [0.25 · 0.0003, 0.25 · 2] = [0.000075, 0.5]."""
    spec = tmp_path / "tiny.yaml"
    spec.write_text(TINY)
    refused = run("worksheet", str(spec), "-o", str(tmp_path / "out"), "--to", f"{form},md")
    assert refused.code == 2
    assert "product1[1,1] (7.5e-05)" in refused.err
    assert "product1[1,2]" not in refused.err
    assert "--show product1" in refused.err
    assert not (tmp_path / "out").exists()
    done = run(
        *("worksheet", str(spec), "-o", str(tmp_path / "out"), "--to", form),
        *("--ask", "loss,delta1"),
    )
    assert done.code == 0, done.err


def test_canvas_takes_a_0():
    """Unit 2 of mlp-math is off: δ₁ = [1.7 0 0.85]."""
    _, quiz = quiz_of(assignment_of("mlp-math"))
    zeros = [q for q in questions_of(quiz) if found(q, "varequal")[0].text == "0"]
    assert zeros
    assert all(accepts(each, "0") and accepts(each, "0.0000") for each in zeros)


@pytest.mark.parametrize("writer", [qti.package, canvas.package])
def test_what_nobody_can_type_is_refused(writer):
    text = "given: {a: [[0, -inf]]}\nequations: [s = a * 2, L = sum(exp(a))]\nloss: L\n"
    sheet = worksheet(backtrace.loads(text))
    with pytest.raises(NotExpressibleError, match=r"s\[1,2\]"):
        writer([Assignment(sheet, text, Handout())])


def test_the_marks_of_a_course_are_those_of_the_questions():
    """12 points in all, of which dW1 (6 entries) has as many as all others (of 16 entries) have."""
    text = bundled.path("mlp-math").read_text(encoding="utf-8")
    text += "marks: {points: {dW1: 2, dW2: 1}, total: 6}\nask: [z1, dW1, dW2]\n"
    made = Assignment(worksheet(backtrace.loads(text)), text, Handout())
    # z1 has 3 entries at 1: 3 + 2 + 1 = 6 points
    assert made.points == pytest.approx({"z1": 1, "dW1": 1 / 3, "dW2": 1 / 3})
    files, quiz = quiz_of(made)
    points = [
        float(found(found(q, "itemmetadata")[0], "fieldentry")[1].text) for q in questions_of(quiz)
    ]
    assert sum(points) == pytest.approx(6)
    files, name = item_of(made)
    assert played(files[name], lambda x: x) == pytest.approx((6, 6))
