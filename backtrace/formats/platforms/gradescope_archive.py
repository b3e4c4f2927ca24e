"""An exercise as a Gradescope autograder: the archive that is uploaded there.

It has the spec, what installs this program, and what checks a submission (a YAML, JSON or CSV file
of answers) when one is made; results follow Gradescope's autograder specification.
"""

from __future__ import annotations

from collections.abc import Sequence

from backtrace import __version__
from backtrace.formats.platforms.assignment import Assignment, zipped

SETUP = f"""#!/usr/bin/env bash
set -e
apt-get install -y python3 python3-pip || true
python3 -m pip install "backtrace-nn=={__version__}" || \\
  python3 -m pip install --break-system-packages "backtrace-nn=={__version__}"
"""
RUN = """#!/usr/bin/env python3
# Checks the first answers file of a submission; what students see before the due date is VISIBLE.
import json
import os
import subprocess
import sys
from pathlib import Path

VISIBLE = "{visibility}"
HERE = Path(os.environ.get("AUTOGRADER", "/autograder"))
ENDINGS = (".yaml", ".yml", ".json", ".csv")

answers = sorted(p for p in (HERE / "submission").iterdir() if p.suffix.lower() in ENDINGS)
if answers:
    command = [sys.executable, "-m", "backtrace", "check", str(HERE / "source" / "spec.yaml")]
    done = subprocess.run(
        [*command, str(answers[0]), "--format", "gradescope"], capture_output=True, text=True
    )
    failed = {{"score": 0, "output": done.stderr}}
    results = json.loads(done.stdout) if done.stdout.strip() else failed
else:
    results = {{"score": 0, "output": "No answers file (.yaml, .json, .csv) was handed in."}}
for test in results.get("tests", []):
    test["visibility"] = VISIBLE
folder = HERE / "results"
folder.mkdir(exist_ok=True)
(folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
"""


def archive(assignments: Sequence[Assignment]) -> dict[str, bytes]:
    """The archive of the one assignment; what its tests say is shown after the due date."""
    (assignment,) = assignments
    programs = {
        "setup.sh": SETUP.encode(),
        "run_autograder": RUN.format(visibility="after_due_date").encode(),
    }
    files = {**programs, "spec.yaml": assignment.handed_out.encode()}
    return {"gradescope.zip": zipped(files, frozenset(programs))}
