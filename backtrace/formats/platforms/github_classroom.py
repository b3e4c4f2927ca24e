"""An exercise as a template repository for GitHub Classroom, whose workflow checks each push.

The sheet is its README, ``answers.yaml`` is filled in; the marks reach Classroom through its own
``autograding-grading-reporter``, with parts of a quantity's points where parts of it are right.
"""

from __future__ import annotations

from collections.abc import Sequence

from backtrace.formats import answer_forms
from backtrace.formats.markdown import writer as markdown
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.platforms.own_wheel import wheel

FOLDER = ".github/classroom"
# The reporter looks for a job of this name.
WORKFLOW = """name: Autograding Tests
on: [push, workflow_dispatch]
permissions:
  checks: write
  actions: read
  contents: read
jobs:
  run-autograding-tests:
    runs-on: ubuntu-latest
    if: github.actor != 'github-classroom[bot]'
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.12"
      - run: python -m pip install FOLDER/WHEEL
      - id: backtrace
        run: python FOLDER/grade.py
      - uses: classroom-resources/autograding-grading-reporter@v1
        env:
          BACKTRACE_RESULTS: ${{ steps.backtrace.outputs.result }}
        with:
          runners: backtrace
"""
GRADE = '''"""Checks answers.yaml and says the marks as GitHub Classroom's reporter reads them."""

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

OF = {points}  # of all that is asked for
SPEC = Path(__file__).with_name("exercise.yaml")

command = [sys.executable, "-m", "backtrace", "check", str(SPEC), "answers.yaml"]
done = subprocess.run([*command, "--format", "gradescope"], capture_output=True, text=True)
report = json.loads(done.stdout) if done.stdout.strip() else {{"output": done.stderr}}
print(report["output"])
tests = [
    {{
        "name": test["name"],
        "status": "pass" if test["status"] == "passed" else "fail",
        "score": test["score"],
        "message": test["output"],
    }}
    for test in report.get("tests", [])
]
if not tests:
    unread = {{"name": "answers.yaml", "status": "fail", "score": 0}}
    tests = [{{**unread, "message": report["output"]}}]
passed = all(test["status"] == "pass" for test in tests)
result = {{"version": 1, "status": "pass" if passed else "fail", "max_score": OF, "tests": tests}}
with open(os.environ["GITHUB_OUTPUT"], "a", encoding="utf-8") as output:
    print("result=" + base64.b64encode(json.dumps(result).encode()).decode(), file=output)
'''


def repository(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """The files of the one assignment's repository.

    Raises MissingExtraError as ``wheel`` does, NotExpressibleError as ``handed_out`` does.
    """
    (assignment,) = assignments
    name, content = wheel()
    sizes = {each.name: each.shape[0] * each.shape[1] for each in assignment.sheet.asked}
    points = sum(of * sizes[quantity] for quantity, of in assignment.points.items())
    files = {
        "README.md": markdown.file(assignment.document).encode(),
        "answers.yaml": answer_forms.form(assignment.sheet, assignment.handout).encode(),
        ".github/workflows/classroom.yml": _placed(WORKFLOW, name).encode(),
        f"{FOLDER}/grade.py": GRADE.format(points=round(points, 6)).encode(),
        f"{FOLDER}/exercise.yaml": assignment.handed_out.encode(),
        f"{FOLDER}/{name}": content,
    }
    return {f"classroom/{file}": written for file, written in files.items()}


def _placed(workflow: str, wheel_name: str) -> str:
    return workflow.replace("FOLDER", FOLDER).replace("WHEEL", wheel_name)
