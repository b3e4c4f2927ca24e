"""A course's policy: what quantities are worth, what verdicts earn, which sheet counts."""

import csv
import json
import re

import pytest
from msgspec.structs import replace

import backtrace
from backtrace.check.answers.names import reader
from backtrace.check.answers.reading import read_answers
from backtrace.check.judge.checker import Checker
from backtrace.check.model import ClassReport
from backtrace.check.policy import counted, points
from backtrace.cli import handing_back
from backtrace.formats.csv.results import number
from backtrace.spec import SpecError
from tests.cli.running import run  # noqa: F401

# One unit: z = 2·3 + 1 = 7, a = 7, e = 7 − 2 = 5, L = ½·25 = 12.5; δ = 5, dW = 15.
SPEC = """
layers: [{activation: linear, weights: [[2]], bias: 1}]
inputs: [[3]]
targets: [[2]]
loss: half_sse
learning_rate: 0.1
ask: [z1, loss, delta1, dW1]
"""
# z is wrong (the bias is missing): 6, then L = ½·16, δ = 4, dW = 12 follow from it.
SLIP = "z1: 6.0\na1: 6.0\nloss: 8.0\ndelta1: 4.0\ndW1: 12.0\n"


def report(policy, sheet=SLIP, spec=SPEC):
    checker = Checker(backtrace.loads(f"{spec}\n{policy}"))
    known = reader(checker.tape, checker.spec)
    return checker.check(read_answers(sheet.encode(), "a.yaml", known))


def score(policy, sheet=SLIP):
    found = report(policy, sheet).score
    return found.points, found.of


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", (3, 4)),
        ("marks: {points: {z1: 4, loss: 2}}", (4, 8)),  # 0 of 4; 2 + 1 + 1
        ("marks: {points: {z1: 4, loss: 2}, total: 20}", (10, 20)),
        ("marks: {points: {delta: 3}}", (5, 6)),  # a family: 1 + 3 + 1 of 1 + 1 + 3 + 1
        ("marks: {points: {z1: 0}}", (3, 3)),
        ("marks: {carried: 1/2}", (1.5, 4)),
        ("marks: {carried: 1/2, total: 10}", (3.75, 10)),
        ("marks: {carried: omit}", (0, 1)),
        ("marks: {only_first_mistake: true}", (3, 4)),
    ],
)
def test_points_by_the_policy(policy, expected):
    assert score(policy) == pytest.approx(expected)


def test_the_points_of_quantities_add_up():
    policy = "marks: {points: {z1: 4, loss: 2}}"
    each = points(report(policy).quantities, backtrace.loads(SPEC + policy).marks)
    assert sum(one.of for one in each) == 8
    assert [one.points for one in each if one.of] == [0, 2, 1, 1]


def test_the_command_line_goes_before_the_policy():
    spec = backtrace.loads(SPEC + "marks: {carried: 1/2}")
    assert Checker(spec, credit={"carried": 1.0}).credit["carried"] == 1.0
    assert Checker(spec).credit["carried"] == 0.5


TWICE = """
layers:
  - {activation: sigmoid, weights: [[0.5, 0.25]], bias: [0.1, 0.2]}
  - {activation: sigmoid, weights: [[1], [2]], bias: 0.3}
inputs: [[1], [2], [3]]
targets: [[1], [0], [1]]
loss: half_mse
learning_rate: 0.5
"""


def test_a_mistake_made_again_costs_what_the_policy_says():
    """η left out of every update: one mistake, made at four parameters of 2, 2, 2 and 1 entries."""
    traced = backtrace.trace(backtrace.loads(TWICE))
    lines = []
    for id in ("W1", "b1", "W2", "b2"):
        gradient = traced[f"d{id}"].value
        lines.append(f"d{id}: {[[round(x, 6) for x in row] for row in gradient.tolist()]}")
        wrong = traced[id].value - gradient
        lines.append(f"{id}_new: {[[round(x, 6) for x in row] for row in wrong.tolist()]}")
    sheet = "\n".join(lines)
    free, half, whole = (
        report(f"marks: {{repeated: {share}}}", sheet, TWICE).score for share in (0, 0.5, 1)
    )
    assert free.of == half.of == whole.of == 14
    assert (free.points, half.points, whole.points) == (12, 9.5, 7)  # 2 lost; of 5 again half; all
    assert ClassReport((report("", sheet, TWICE),)).mistakes == {"learning-rate-omitted": 1}
    # One entry of W2_new left out; what is wrong after W1_new costs nothing, what is missing does.
    short = re.sub(r"(W2_new: \[\[[^]]*\], \[)[^]]*", r"\1_", sheet)
    assert report("marks: {only_first_mistake: true}", short, TWICE).score.points == 7 + 2 + 1 + 1


def test_who_writes_the_same_wrong_numbers_keeps_name_and_keys():
    checker = Checker(backtrace.loads(SPEC))
    ada = read_answers(SLIP.encode(), "a.yaml", reader(checker.tape, checker.spec))
    for name, id in (("Ada", "007"), ("Bo", "008")):
        found = checker.check(replace(ada, student=name, keys={"id": id}))
        assert (found.student, found.keys, found.identity) == (name, {"id": id}, (id,))


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        ("submissions: last", [1, 2]),
        ("submissions: first", [0, 2]),
        ("submissions: best", [0, 2]),
        (None, [0, 1, 2]),
    ],
)
def test_which_of_a_students_sheets_counts(policy, kept):
    text = "" if policy is None else f"marks: {{{policy}}}"
    sheets = ["student: Ada\nz1: 7.0", "student: Ada\nz1: 9.0", "student: Bo\nz1: 7.0"]
    reports = [report(text, sheet) for sheet in sheets]
    spec = backtrace.loads(f"{SPEC}\n{text}")
    assert counted(reports, spec.marks) == kept


def test_the_best_sheet_is_that_with_the_most_points():
    """Two entries against one that is worth ten."""
    text = "marks: {submissions: best, points: {dW1: 10}}"
    two, ten = "student: Ada\nz1: 7.0\nloss: 12.5\n", "student: Ada\ndW1: 15.0\n"
    reports = [report(text, sheet) for sheet in (two, ten)]
    assert [each.earned for each in reports] == [2, 1]
    assert [each.score.points for each in reports] == [2, 10]
    assert counted(reports, backtrace.loads(f"{SPEC}\n{text}").marks) == [1]


def test_without_anything_that_counts_nothing_is_full():
    """The given numbers, written again: 0 points of 0."""
    found = report(
        "marks: {total: 20}", "W1: 2\n", SPEC.replace("ask: [z1, loss, delta1, dW1]", "")
    )
    assert (found.score.points, found.score.of, found.score.is_full) == (0, 0, False)


@pytest.mark.parametrize(
    "policy",
    [
        "marks: {points: {q9: 1}}",
        "marks: {points: {z1: -1}}",
        "marks: {total: 0}",
        "marks: {carried: 2}",
        "marks: {wrong: 1}",
        "marks: {submissions: any}",
        "marks: 20",
    ],
)
def test_a_policy_that_can_not_be_is_a_problem(policy):
    with pytest.raises(SpecError) as refused:
        backtrace.loads(f"{SPEC}\n{policy}")
    assert len(refused.value.problems) == 1


# --- the command


@pytest.fixture
def classroom(tmp_path):
    (tmp_path / "spec.yaml").write_text(SPEC + "marks: {total: 20}\n")
    (tmp_path / "class.csv").write_text(
        "First name,Last name,ID number,z1,loss,delta1,dW1\n"
        "Ada,Lovelace,007,7.0,12.5,5.0,15.0\n"
        "Bo,Diddley,008,6.0,8.0,4.0,12.0\n"
        "Bo,Diddley,008,7.0,12.5,5.0,9.0\n"
    )
    return tmp_path


def test_results_and_feedback(run, classroom):  # noqa: F811
    marks, pages = classroom / "marks.csv", classroom / "feedback"
    command = ("check", str(classroom / "spec.yaml"), str(classroom / "class.csv"))
    wanted = ("--results", str(marks), "--feedback", str(pages), "--feedback-as", "html")
    assert run(*command, *wanted).code == 1
    rows = list(csv.DictReader(marks.read_text().splitlines()))
    assert [(row["id"], row["points"], row["of"]) for row in rows] == [
        ("007", "20", "20"),
        ("008", "15", "20"),  # the last one counts: dW is wrong
    ]
    assert {path.name for path in pages.iterdir()} == {"007.html", "008.html"}
    assert "Bo Diddley" in (pages / "008.html").read_text()
    assert run(*command, *wanted).code == 1  # what backtrace has written is written anew


def test_a_page_has_a_name_that_the_file_system_takes(run, classroom, monkeypatch):  # noqa: F811
    """Also one whose encoding lacks a letter, and Windows, to which ``nul`` is a device."""
    monkeypatch.setattr(handing_back, "ENCODING", "ascii")
    table, pages = classroom / "class.csv", classroom / "feedback"
    rows = [f"{student},7.0,12.5,5.0,15.0" for student in ("Łucja", "NUL", "com1.x")]
    table.write_text("\n".join(["student,z1,loss,delta1,dW1", *rows]), encoding="utf-8")
    run("check", str(classroom / "spec.yaml"), str(table), "--feedback", str(pages))
    assert {path.stem for path in pages.iterdir()} == {"ucja", "NUL_", "com1.x_"}


def test_what_is_said_of_the_columns_is_not_said_to_each_student(run, classroom):  # noqa: F811
    table, pages = classroom / "class.csv", classroom / "feedback"
    table.write_text("student,z1,shoes\nAda,7.0,44\nBo,7.0,45\n")
    done = run("check", str(classroom / "spec.yaml"), str(table), "--feedback", str(pages))
    assert "shoes" in done.out
    assert not any("shoes" in path.read_text() for path in pages.iterdir())


@pytest.mark.parametrize(
    ("value", "shown"), [(45 * (20 / 45) + 4e-15, "20"), (40 / 3, "13.33"), (0.5, "0.5"), (0, "0")]
)
def test_marks_have_no_digits_of_adding_up(value, shown):
    assert repr(number(value)) == shown


def test_full_marks_by_the_policy_are_all_well(run, classroom):  # noqa: F811
    sheet = classroom / "ada.yaml"
    sheet.write_text("z1: 9.0\nloss: 12.5\ndelta1: 5.0\ndW1: 15.0\n")
    spec = classroom / "free.yaml"
    spec.write_text(SPEC + "marks: {points: {z1: 0}, unsupported: 1}\n")
    assert run("check", str(spec), str(sheet)).code == 0
    assert run("check", str(classroom / "spec.yaml"), str(sheet)).code == 1


def test_a_line_that_nobody_asked_for_does_not_count(run, classroom):  # noqa: F811
    sheet = classroom / "ada.yaml"
    sheet.write_text("z1: 7.0\ndW1: 99\n")  # 2·3 + 1
    spec = classroom / "asked.yaml"
    plain = "\n".join(line for line in SPEC.splitlines() if not line.startswith("ask"))
    for ask, code in (("[z1]", 0), ("[dW1]", 1), ("[z1, loss]", 1)):
        spec.write_text(f"{plain}\nask: {ask}\n")
        assert run("check", str(spec), str(sheet)).code == code


def test_the_json_of_a_report_has_points_and_keys(run, classroom):  # noqa: F811
    done = run(
        "check", str(classroom / "spec.yaml"), str(classroom / "class.csv"), "--format", "json"
    )
    ada = json.loads(done.out)["reports"][0]
    assert ada["score"] == {"earned": 4, "possible": 4, "points": 20, "of": 20}
    assert ada["keys"] == {"id": "007"}


# --- variants


@pytest.fixture
def variants(tmp_path):
    (tmp_path / "v01.yaml").write_text(SPEC)
    (tmp_path / "v02.yaml").write_text(SPEC.replace("[[3]]", "[[4]]"))  # z = 9, L = ½·49
    (tmp_path / "manifest.yaml").write_text(
        'variants: {"v01": v01.yaml, "v02": v02.yaml}\nstudents: {"007": v01, "Bo Diddley": v02}\n'
    )
    (tmp_path / "class.csv").write_text(
        "student,id,z1,loss,delta1\nAda,007,7.0,12.5,\nBo Diddley,,9.0,24.5,\nEve,,9.0,24.5,\n"
    )
    return tmp_path


def test_each_sheet_is_taken_by_its_own_variant(run, variants):  # noqa: F811
    done = run("check", str(variants), str(variants / "class.csv"), "--format", "json")
    assert done.code == 3  # nobody knows what Eve has
    said = json.loads(done.out)
    assert [one["student"] for one in said["reports"]] == ["Ada", "Bo Diddley"]
    assert all(
        quantity["verdict"] == "right"
        for one in said["reports"]
        for quantity in one["quantities"]
        if quantity["id"] in ("z1", "loss")
    )
    reason = said["unreadable"][0]["reason"]
    assert "Eve" in reason
    assert '"007"' in reason  # what the manifest knows students by


def test_a_student_is_known_by_the_id_before_the_name(run, variants):  # noqa: F811
    """Two are called Bo Diddley; the manifest has the one by name and the other by number."""
    rows = "student,id,z1,loss,delta1\nBo Diddley,007,7.0,12.5,5.0\nBo Diddley,,9.0,24.5,7.0\n"
    (variants / "class.csv").write_text(rows)
    done = run("check", str(variants), str(variants / "class.csv"), "--format", "json")
    verdicts = [one["quantities"][0]["verdict"] for one in json.loads(done.out)["reports"]]
    assert verdicts == ["right", "right"]


@pytest.mark.parametrize(
    "manifest",
    [
        "variants: {a: nowhere.yaml}",
        "variants: {a: v01.yaml}\nstudents: {x: b}",
        "students: {x: a}",
        "variants: [v01.yaml]",
    ],
)
def test_a_manifest_that_can_not_be_is_refused(run, variants, manifest):  # noqa: F811
    (variants / "manifest.yaml").write_text(manifest)
    done = run("check", str(variants), str(variants / "class.csv"))
    assert done.code == 2
    assert "manifest.yaml:" in done.err


def test_a_folder_without_a_manifest_is_no_exercise(run, tmp_path):  # noqa: F811
    assert run("check", str(tmp_path), "x.csv").code == 2
