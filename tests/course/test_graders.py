"""What checks a submission elsewhere: the files are run as Gradescope and GitHub run them, with the
program that they carry along."""

import base64
import io
import json
import os
import subprocess
import sys
import zipfile

import pytest
import yaml

from backtrace.formats.answer_forms import filled
from backtrace.formats.platforms.github_classroom import repository
from backtrace.formats.platforms.gradescope_archive import archives
from backtrace.formats.platforms.own_wheel import wheel
from tests.course.test_platforms import assignment_of

ENTRIES = 36  # of mlp-math


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Where pip has installed the wheel that is carried along."""
    folder = tmp_path_factory.mktemp("wheel")
    name, content = wheel()
    (folder / name).write_bytes(content)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*command, "--target", folder / "site", folder / name], check=True)
    return folder / "site"


def environment(site, **variables):
    return {**os.environ, **variables, "PYTHONPATH": str(site)}


def test_the_wheel_is_this_program_without_what_has_answers(site):
    code = "import backtrace; print(backtrace.__file__)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(site),
        cwd=site,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == str(site / "backtrace" / "__init__.py")
    assert not {path.name for path in (site / "backtrace").iterdir()} & {"networks", "handbook"}
    assert (site / "bin" / "backtrace").exists()


# --- Gradescope


def graded(site, tmp_path, files, assignments=(), users=()):
    """What Gradescope gets, the archive being unpacked and its ``run_autograder`` run."""
    if os.name != "posix":
        pytest.skip("Gradescope runs Linux")
    content = archives(assignments or [assignment_of("mlp-math")])["gradescope.zip"]
    with zipfile.ZipFile(io.BytesIO(content)) as folder:
        for name in ("setup.sh", "run_autograder"):
            assert folder.getinfo(name).external_attr >> 16 & 0o100
        folder.extractall(tmp_path / "source")
    assert wheel()[0] in (tmp_path / "source" / "setup.sh").read_text()
    python = tmp_path / "python" / "bin" / "python"  # which setup.sh makes
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    (tmp_path / "submission_metadata.json").write_text(json.dumps({"users": users}))
    (tmp_path / "submission").mkdir()
    for name, text in files.items():
        (tmp_path / "submission" / name).write_text(text)
    subprocess.run(
        ["bash", str(tmp_path / "source" / "run_autograder")],
        env=environment(site, AUTOGRADER=str(tmp_path)),
        check=True,
    )
    return json.loads((tmp_path / "results" / "results.json").read_text())


def test_the_unpacked_archive_grades(site, tmp_path):
    results = graded(site, tmp_path, {"a.yaml": "z1: [3.7, -1.3, 1.1]\nloss: 9.00\n"})
    assert results["score"] == 3
    tests = {test["name"].partition("(")[2]: test for test in results["tests"]}
    assert tests["z1): right"]["score"] == tests["z1): right"]["max_score"] == 3
    assert tests["loss): wrong"]["score"] == 0
    # what is left out is not given away
    assert sum(test["max_score"] for test in results["tests"]) == ENTRIES
    shown = {test["visibility"] for test in results["tests"]} | {results["visibility"]}
    assert shown == {"after_due_date"}


@pytest.mark.parametrize("files", [{}, {"a.yaml": "[1, 2"}])
def test_a_submission_without_answers_has_no_marks_and_is_told_so(site, tmp_path, files):
    results = graded(site, tmp_path, files)
    assert results["score"] == 0
    assert results["output"]
    assert results.get("visibility", "visible") == "visible"


@pytest.mark.parametrize(("email", "score"), [("ADA@x.org", 36), ("bo@x.org", 0), ("cy@x.org", 0)])
def test_of_variants_each_student_has_their_own(site, tmp_path, email, score):
    """Ada hands in what is right of hers; to Bo's variant it does not belong; Cy is on no list."""
    first = assignment_of("mlp-math", name="v01", students=("7", "ada@x.org"))
    second = assignment_of("small-mlp", name="v02", students=("8", "bo@x.org"))
    users = [{"email": email, "id": 1, "name": "A"}]
    handed_in = {"a.yaml": "z1: [3.7, -1.3, 1.1]" if score == 0 else filled(first.sheet)}
    results = graded(site, tmp_path, handed_in, [first, second], users)
    assert results["score"] == score
    assert ("which variant" in results["output"]) == (email == "cy@x.org")


def test_variants_of_nobody_have_an_archive_each():
    variants = [assignment_of("mlp-math", name=name) for name in ("v01", "v02")]
    assert set(archives(variants)) == {"v01/gradescope.zip", "v02/gradescope.zip"}


# --- GitHub Classroom


@pytest.fixture(scope="module")
def classroom():
    return repository([assignment_of("mlp-math")])


def pushed(site, tmp_path, classroom, answers):
    """What the reporter of GitHub Classroom gets when such answers are pushed."""
    for name, content in classroom.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    here = tmp_path / "classroom"
    (here / "answers.yaml").write_text(answers)
    workflow = yaml.safe_load((here / ".github/workflows/classroom.yml").read_text())
    (step,) = (s for s in steps(workflow) if s.get("id") == "backtrace")
    python, script = step["run"].split()
    assert python == "python"
    subprocess.run(
        [sys.executable, script],
        env=environment(site, GITHUB_OUTPUT=str(tmp_path / "output")),
        cwd=here,
        check=True,
    )
    name, _, written = (tmp_path / "output").read_text().strip().partition("=")
    assert name == "result"
    return json.loads(base64.b64decode(written))


def steps(workflow):
    return workflow["jobs"]["run-autograding-tests"]["steps"]


def test_the_workflow_names_what_is_in_the_repository(classroom):
    workflow = yaml.safe_load(classroom["classroom/.github/workflows/classroom.yml"])
    for step in steps(workflow):
        file = step.get("run", "").rpartition(" ")[2]
        assert not file or f"classroom/{file}" in classroom
    (graded,) = (step["id"] for step in steps(workflow) if "id" in step)
    reporter = steps(workflow)[-1]
    assert reporter["with"]["runners"] == graded
    assert reporter["env"] == {
        f"{graded.upper()}_RESULTS": f"${{{{ steps.{graded}.outputs.result }}}}"
    }


def test_a_push_of_right_answers_passes(site, tmp_path, classroom):
    result = pushed(site, tmp_path, classroom, filled(assignment_of("mlp-math").sheet))
    assert result["status"] == "pass"
    assert result["max_score"] == sum(test["score"] for test in result["tests"]) == ENTRIES


@pytest.mark.parametrize(("answers", "score"), [("z1: [3.7, -1.3, 9]", 2), ("[1, 2", 0)])
def test_a_push_of_others_has_what_it_earns_and_says_why(site, tmp_path, classroom, answers, score):
    result = pushed(site, tmp_path, classroom, answers)
    assert result["status"] == "fail"
    assert result["max_score"] == ENTRIES
    assert sum(test["score"] for test in result["tests"]) == score
    assert any(test["message"] for test in result["tests"])
