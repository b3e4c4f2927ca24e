"""Notebooks: run for real, filled in and not; and those from which graders make the students'."""

import contextlib
import io
import json
import re

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from backtrace.formats.platforms.graded_notebooks import nbgrader, otter
from backtrace.formats.platforms.notebook import notebook
from tests.course.test_no_answers import leaks, secrets
from tests.course.test_platforms import NAMES, assignment_of

SOLUTION = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION", re.DOTALL)
HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)\n### END HIDDEN TESTS", re.DOTALL)
PROMPT = re.compile(r'""" # BEGIN PROMPT\n(.*?)\n""" # END PROMPT', re.DOTALL)


def read(content):
    made = nbformat.reads(content.decode(), as_version=4)
    nbformat.validate(made)
    return made


def code_of(made):
    return [cell for cell in made.cells if cell.cell_type == "code"]


def entries(sheet):
    return sum(int(np.prod(quantity.shape)) for quantity in sheet.asked)


def fill(made, sheet):
    """Put in what has to be found, as a student does."""
    for quantity in sheet.asked:
        values = json.dumps(sheet.value(quantity).reshape(quantity.shape).tolist(), default=str)
        (cell,) = (c for c in code_of(made) if c.source.startswith(f'answers["{quantity.name}"]'))
        cell.source = f'answers["{quantity.name}"] = {values}'


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the kernel's own libraries
def test_a_notebook_runs_and_says_how_its_answers_stand(tmp_path):
    assignment = assignment_of("mlp-math")
    made = read(notebook([assignment])["sheet.ipynb"])
    fill(made, assignment.sheet)
    place = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(made, kernel_name="python3", timeout=300, resources=place)
    ran = client.execute()
    assert "36 of 36" in code_of(ran)[-1].outputs[0].text


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_filled_in_is_all_right(name):
    assignment = assignment_of(name)
    made = read(notebook([assignment])["sheet.ipynb"])
    space = {}
    for cell in code_of(made)[:-1]:
        exec(cell.source, space)
    assert all(set(np.ravel(value)) == {"_"} for value in space["answers"].values())
    fill(made, assignment.sheet)
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for cell in code_of(made):
            exec(cell.source, space)
    count = entries(assignment.sheet)
    assert f"{count} of {count}" in said.getvalue()


# --- nbgrader: its schema is version 3; solutions and hidden tests stand between its delimiters


def grades(made, answers):
    """The points of the tests of a notebook, in which the solutions stand or are left out."""
    space, found = {}, {}
    for cell in code_of(made):
        tests = HIDDEN.search(cell.source)
        if tests is None:
            exec(cell.source if answers else SOLUTION.sub("", cell.source), space)
        else:
            *statements, last = tests[1].strip().split("\n")
            exec("\n".join(statements), space)
            role = cell.metadata.nbgrader
            found[role.grade_id] = (eval(last, space), role.points)
    return found


@pytest.mark.parametrize("name", ["mlp-math", "adam", "circuit"])
def test_the_instructors_version_earns_all_and_an_empty_one_nothing(name):
    assignment = assignment_of(name)
    made = read(nbgrader([assignment])["nbgrader.ipynb"])
    full, none = grades(made, answers=True), grades(made, answers=False)
    assert full
    assert all(points == pytest.approx(of) for points, of in full.values())
    assert sum(of for _, of in full.values()) == entries(assignment.sheet)
    assert all(points == 0 for points, _ in none.values())


def test_cells_have_nbgraders_metadata():
    made = read(nbgrader([assignment_of("adam")])["nbgrader.ipynb"])
    roles = [cell.metadata.nbgrader for cell in code_of(made)]
    ids = [role.grade_id for role in roles]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-zA-Z0-9_\-]+", id) for id in ids)  # as nbgrader has it
    for cell, role in zip(code_of(made), roles, strict=True):
        needed = {"schema_version", "grade_id", "grade", "solution", "locked", "task"}
        assert set(role) == needed | ({"points"} if role.grade else set())
        assert (SOLUTION.search(cell.source) is not None) == role.solution
        assert (HIDDEN.search(cell.source) is not None) == role.grade  # else nbgrader refuses it
        assert role.locked != role.solution


def test_what_nbgrader_releases_has_no_answers():
    assignment = assignment_of("multi-neuron")
    made = read(nbgrader([assignment])["nbgrader.ipynb"])
    released = "\n".join(HIDDEN.sub("", SOLUTION.sub("", cell.source)) for cell in made.cells)
    assert not leaks(released, secrets(assignment.sheet.spec))
    assert leaks("\n".join(cell.source for cell in made.cells), secrets(assignment.sheet.spec))


# --- Otter: raw cells begin and end what belongs together


def test_otters_blocks_are_closed_in_order():
    made = read(otter([assignment_of("adam")])["otter/exercise.ipynb"])
    told = [cell.source.split("\n")[0] for cell in made.cells if cell.cell_type == "raw"]
    assert told[0] == "# ASSIGNMENT CONFIG"
    one = ["# BEGIN QUESTION"]
    one += [f"# {way} {block}" for block in ("SOLUTION", "TESTS") for way in ("BEGIN", "END")]
    one += ["# END QUESTION"]
    assert told[1:] == one * (len(told[1:]) // len(one))
    names = re.findall(r"# BEGIN QUESTION\nname: (\w+)\n", "\n".join(c.source for c in made.cells))
    assert len(set(names)) == len(told[1:]) // len(one)


def test_otters_tests_pass_with_the_solutions_and_fail_without(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assignment = assignment_of("mlp-math")
    files = otter([assignment])
    (tmp_path / "exercise.yaml").write_bytes(files["otter/exercise.yaml"])
    cells = code_of(read(files["otter/exercise.ipynb"]))
    solved, empty = {}, {}
    tests = [cell.source for cell in cells if "# BEGIN TEST CONFIG" in cell.source]
    assert len(tests) == entries(assignment.sheet)
    for cell in cells:
        if cell.source not in tests:
            exec(cell.source, solved)
            prompt = PROMPT.search(cell.source)
            exec(cell.source if prompt is None else prompt[1], empty)
    for test in tests:
        exec(test, solved)
        with pytest.raises(AssertionError):
            exec(test, empty)
