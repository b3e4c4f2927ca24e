"""The action that verifies a course's specs, and the workflows, as GitHub runs and reads them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
GITHUB = ROOT / ".github"
ACTION = GITHUB / "actions" / "verify"
RIGHT = """
layers: [{activation: linear, weights: [[1], [2]], bias: 0}]
inputs: [[1, 2]]
targets: 1
loss: mse
"""


def documents():
    return sorted(GITHUB.rglob("*.yml"))


@pytest.fixture
def action(tmp_path):
    """Runs the last step of the action on files in a folder, with globs."""
    if os.name != "posix":
        pytest.skip("which bash GitHub takes on Windows is GitHub's matter")

    def run(globs, **files):
        for name, text in files.items():
            path = tmp_path / f"{name}.yaml"
            path.write_text(text, encoding="utf-8")
        step = yaml.safe_load((ACTION / "action.yml").read_text(encoding="utf-8"))["runs"]["steps"][
            -1
        ]
        command = step["run"].replace("python ", f'"{sys.executable}" ')
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path,
            env={
                "SPECS": globs,
                "ACTION": str(ACTION),
                "PYTHONPATH": str(ROOT),
                "PATH": os.environ["PATH"],
            },
            capture_output=True,
            check=False,
            encoding="utf-8",
        )

    return run


def test_specs_that_hold(action):
    done = action("**/*.yaml\n\n", first=RIGHT, second=RIGHT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "2 of 2 specs verified"


def test_a_spec_that_fails_is_named_and_the_others_are_verified(action):
    wrong = RIGHT + "expect: {z1: 6}\n"
    done = action("a.yaml\nb.yaml\n*.yaml", a=wrong, b=RIGHT, c=RIGHT + "los: mse\n")
    assert done.returncode == 1
    errors = [line for line in done.stdout.splitlines() if line.startswith("::error")]
    assert errors == [
        "::error file=a.yaml::backtrace verify a.yaml exits with 1",
        "::error file=c.yaml::backtrace verify c.yaml exits with 2",
    ]
    assert done.stdout.endswith("1 of 3 specs verified\n")


def test_a_glob_that_finds_nothing_is_an_error(action):
    done = action("*.yaml\nexercises/*.yaml", a=RIGHT)
    assert done.returncode == 2
    assert "::error::no file is called exercises/*.yaml" in done.stdout


def test_github_marks_the_line_of_a_problem(action):
    done = action("*.yaml", a=RIGHT + "los: mse\n")
    (matcher,) = msgspec.json.decode((ACTION / "problems.json").read_bytes())["problemMatcher"]
    (pattern,) = matcher["pattern"]
    (found,) = filter(
        None, (re.match(pattern["regexp"], line) for line in done.stdout.splitlines())
    )
    said = {name: found[number] for name, number in pattern.items() if name != "regexp"}
    assert said.pop("message").startswith("found the unknown key")
    assert said == {"file": "a.yaml", "line": "6", "column": "1", "code": "E108"}


def test_the_oldest_and_the_newest_python_are_tested():
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    oldest = re.search(r'^requires-python = ">=(.*)"$', project, re.MULTILINE)[1]
    named = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', project)
    workflow = yaml.safe_load((GITHUB / "workflows" / "test.yml").read_text(encoding="utf-8"))
    assert workflow["jobs"]["tests"]["strategy"]["matrix"]["python"] == named
    assert named[0] == oldest


def test_what_publishes_has_no_password_and_waits_for_the_tests():
    jobs = yaml.safe_load((GITHUB / "workflows" / "publish.yml").read_text(encoding="utf-8"))[
        "jobs"
    ]
    assert jobs["publish"]["permissions"] == {"id-token": "write"}
    assert jobs["publish"]["needs"] == "build"
    assert jobs["build"]["needs"] == "tests"
    assert not any("secrets" in path.read_text(encoding="utf-8") for path in documents())
