"""An exercise as a Gradescope autograder: the archive that is uploaded there.

It has the spec, this program and what installs it, and what checks a submission (a YAML, JSON or
CSV file of answers, or a workbook) when one is made; results follow Gradescope's autograder
specification.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backtrace.formats.platforms.assignment import Assignment, zipped
from backtrace.formats.platforms.own_wheel import wheel

SETUP = """#!/usr/bin/env bash
# Run once, when the autograder's image is built. Ubuntu 22.04 or later has the Python it needs.
set -e
here="${AUTOGRADER:-/autograder}"
command -v apt-get >/dev/null && apt-get update && apt-get install -y python3 python3-venv
python3 -m venv "$here/python"
"$here/python/bin/python" -m pip install "$here/source/WHEEL[xlsx]"
"""
RUN = """#!/usr/bin/env bash
here="${AUTOGRADER:-/autograder}"
exec "$here/python/bin/python" "$here/source/grade.py"
"""
GRADE = '''"""Checks the first answers file of a submission.

Marks and feedback are shown to students from VISIBLE on; what could not be read is told at once.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

VISIBLE = "after_due_date"  # or: visible, after_published, hidden
HERE = Path(os.environ.get("AUTOGRADER", "/autograder"))
ENDINGS = (".yaml", ".yml", ".json", ".csv", ".xlsx")


def folded(text):
    return " ".join(str(text).lower().split())


def spec():
    """Where there are variants, that of a student who hands in, by number, address or name."""
    variants = json.loads((HERE / "source" / "variants.json").read_text(encoding="utf-8"))
    if not variants:
        return "spec.yaml"
    users = json.loads((HERE / "submission_metadata.json").read_text(encoding="utf-8"))["users"]
    told = {folded(value) for user in users for value in user.values()}
    return next((file for student, file in variants.items() if folded(student) in told), None)


def checked():
    answers = sorted(p for p in (HERE / "submission").iterdir() if p.suffix.lower() in ENDINGS)
    if not answers:
        return {"score": 0, "output": "No answers file (.yaml, .json, .csv, .xlsx) was handed in."}
    if spec() is None:
        return {"score": 0, "output": "You are not on the list of who has which variant."}
    command = [sys.executable, "-m", "backtrace", "check", str(HERE / "source" / spec())]
    done = subprocess.run(
        [*command, str(answers[0]), "--format", "gradescope"], capture_output=True, text=True
    )
    failed = {"score": 0, "output": done.stderr}
    return json.loads(done.stdout) if done.stdout.strip() else failed


results = checked()
if results.get("tests"):
    results["visibility"] = VISIBLE
    for test in results["tests"]:
        test["visibility"] = VISIBLE
folder = HERE / "results"
folder.mkdir(exist_ok=True)
(folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
'''


def archives(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """The archive of an assignment, or of all its variants where it is known who has which, else
    one for each. Marks and feedback are shown after the due date.

    Raises MissingExtraError as ``wheel`` does, NotExpressibleError as ``handed_out`` does.
    """
    if len(assignments) == 1 or any(each.students for each in assignments):
        return {"gradescope.zip": _archive(assignments)}
    return {f"{each.name}/gradescope.zip": _archive([each]) for each in assignments}


def _archive(assignments: Sequence[Assignment]) -> bytes:
    name, content = wheel()
    programs = {
        "setup.sh": SETUP.replace("WHEEL", name).encode(),
        "run_autograder": RUN.encode(),
    }
    variants = {student: f"{each.name}.yaml" for each in assignments for student in each.students}
    specs = {f"{each.name}.yaml" if variants else "spec.yaml": each for each in assignments}
    files = {
        **programs,
        "grade.py": GRADE.encode(),
        "variants.json": msgspec.json.encode(variants),
        **{file: each.handed_out.encode() for file, each in specs.items()},
        name: content,
    }
    return zipped(files, frozenset(programs))
