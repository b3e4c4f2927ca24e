"""Notebooks with solutions and hidden tests, from which nbgrader and Otter make the students'.

Both are graded by ``backtrace.check``: a mistake that is carried on costs once, and a part of a
quantity earns a part of its points.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isfinite

from backtrace.check.answers.names import Quantity
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.platforms.notebook import Cell, assigned, blanks, code, parts, written

START = "answers = {}"
HIDDEN = "### BEGIN HIDDEN TESTS\n{tests}\n### END HIDDEN TESTS"
MARKS = "from backtrace.check.call import marks"
SPEC_FILE = "exercise.yaml"
CONFIGURED = f"""# ASSIGNMENT CONFIG
init_cell: true
export_cell: true
check_all_cell: false
autograder_files: [{SPEC_FILE}]"""
SOLVED = """{solution} # SOLUTION NO PROMPT
\""" # BEGIN PROMPT
{blanks}
\""" # END PROMPT"""
EARNED = """\""" # BEGIN TEST CONFIG
hidden: true
points: {points:g}
\""" # END TEST CONFIG
from pathlib import Path

{marks}

assert marks(Path("{file}").read_text(encoding="utf-8"), answers)["{name}"] > {enough:.6g}"""


def nbgrader(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """The instructor's version: ``nbgrader generate_assignment`` makes the students'.

    A test's value is what nbgrader takes for the points of its cell.
    """
    (assignment,) = assignments
    return {"nbgrader.ipynb": written(_of_nbgrader(assignment))}


def _of_nbgrader(assignment: Assignment) -> Iterator[Cell]:
    told = f"{MARKS}\n\nSPEC = {assignment.handed_out!r}\n"  # in the first of the tests
    yield _with_role(code(START), "start")
    for said, quantity in parts(assignment):
        yield said
        if quantity is None:
            continue
        solution = f"### BEGIN SOLUTION\n{_solved(assignment, quantity)}\n### END SOLUTION"
        answer = code(f"{blanks(quantity)}\n{solution}")
        yield _with_role(answer, f"answer {quantity.name}", solution=True)
        tests = f'{told}marks(SPEC, answers)["{quantity.name}"]'
        test = code("# Graded when it is handed in.\n" + HIDDEN.format(tests=tests))
        points = assignment.points[quantity.name] * quantity.shape[0] * quantity.shape[1]
        yield _with_role(test, f"test {quantity.name}", points=points)
        told = ""


def _with_role(cell: Cell, id: str, *, solution: bool = False, points: float | None = None) -> Cell:
    """A cell as nbgrader's schema has it: one to be answered, a test of so many points, or one that
    stays as it is."""
    role = {
        "schema_version": 3,
        "grade_id": "".join(c if c.isalnum() else "-" for c in id),
        "solution": solution,
        "grade": points is not None,
        "locked": not solution,
        "task": False,
    }
    if points is not None:
        role["points"] = points
    return {**cell, "metadata": {"nbgrader": role}}


def otter(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """The master notebook of ``otter assign``, and the spec that goes to the grader alone."""
    (assignment,) = assignments
    return {
        "otter/exercise.ipynb": written(_of_otter(assignment)),
        f"otter/{SPEC_FILE}": assignment.handed_out.encode(),
    }


def _of_otter(assignment: Assignment) -> Iterator[Cell]:
    yield _raw(CONFIGURED)
    yield code(START)
    for said, quantity in parts(assignment):
        if quantity is None:
            yield said
            continue
        name = "".join(c if c.isalnum() else "_" for c in quantity.name)
        size = quantity.shape[0] * quantity.shape[1]
        each = assignment.points[quantity.name]
        yield _raw(f"# BEGIN QUESTION\nname: {name}\npoints: {each * size:g}")
        yield said
        yield _raw("# BEGIN SOLUTION")
        solution = _solved(assignment, quantity)
        yield code(SOLVED.format(solution=solution, blanks=blanks(quantity)))
        yield _raw("# END SOLUTION")
        yield _raw("# BEGIN TESTS")
        for number in range(size):  # a test passes or not: one for each entry's worth of points
            enough = (number + 0.999) * each
            yield code(
                EARNED.format(
                    points=each, marks=MARKS, file=SPEC_FILE, name=quantity.name, enough=enough
                )
            )
        yield _raw("# END TESTS")
        yield _raw("# END QUESTION")


def _solved(assignment: Assignment, quantity: Quantity) -> str:
    value = assignment.sheet.value(quantity).reshape(quantity.shape).tolist()
    rows = [[x if isfinite(x) else str(x) for x in row] for row in value]
    return assigned(quantity, rows if quantity.shape != (1, 1) else rows[0][0])


def _raw(source: str) -> Cell:
    return {"cell_type": "raw", "metadata": {}, "source": source}
