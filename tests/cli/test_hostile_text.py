"""Nothing that a file, a name or an argument says reaches the terminal as an order to it."""

import json
import os
import sys
from io import StringIO

import numpy as np
import pytest

from tests.cli.running import piped, run

__all__ = ["run"]

HOSTILE = "\x1b]0;x\x07\x1b[31m\x9b2J\u202e\x7f\r\x08"
ESCAPED = "".join(f"\\u{ord(letter):04x}" for letter in HOSTILE)
NETWORK = """\
title: "{text}"
source: "{text}"
layers: [{{activation: sigmoid, weights: 0.5, bias: 0.1}}]
inputs: 1
targets: 1
loss: mse
learning_rate: 0.1
"""
NAMING = [  # what a spec, and answers, are named in
    ["trace"], ["trace", "--format", "json"], ["train", "--epochs", "2"], ["verify"], ["why", "W1"],
    ["predict"], ["mistakes"], ["check", "sheet"], ["check", "sheet", "--format", "json"],
    ["export", "-o", "-", "--to", "json"], ["export", "-o", "-", "--to", "markdown"],
    ["export", "-o", "-", "--to", "torch"], ["worksheet", "-o", "made"], ["quiz"],
]  # fmt: skip
ARGUMENTS = [
    ["trace", "--only"], ["trace", "--layer"], ["trace", "--data"], ["trace", "--format"],
    ["trace", f"--{HOSTILE}"], ["export", "-o"], ["export", "-o", "x.md", "--to"],
    ["train", "--resume"], ["train", "--save"], ["train", "--log"], ["train", "--plot"],
    ["train", "--trace-epoch"], ["train", "--epochs", "2", "--trace-epoch", "1", "--trace-to"],
    ["predict", "--parameters"], ["predict", "--sample"], ["check", "sheet", "--columns"],
    ["check", "sheet", "--results"], ["check"], ["why"], ["worksheet", "-o", "x", "--ask"],
]  # fmt: skip


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", StringIO())
    (tmp_path / "plain.yaml").write_text(NETWORK.format(text="plain"))
    (tmp_path / "sheet").write_text(
        f'{{student: "{ESCAPED}", answers: {{z1: 0.6, "q{ESCAPED}": 1}}}}'
    )
    return tmp_path


def assert_tame(outcome):
    shown = outcome.out + outcome.err
    assert [letter for letter in shown if not letter.isprintable() and letter not in "\n\xa0"] == []
    assert outcome.code in (0, 1, 2, 3)


@pytest.mark.parametrize("command", NAMING, ids=" ".join)
def test_names_and_words_of_files(run, folder, command):
    (folder / f"s{HOSTILE}.yaml").write_text(NETWORK.format(text=ESCAPED))
    (folder / f"w{HOSTILE}.yaml").write_text("layers: 3\n")
    for spec in (f"s{HOSTILE}.yaml", f"w{HOSTILE}.yaml", f"none{HOSTILE}"):
        assert_tame(run(command[0], spec, *command[1:]))


@pytest.mark.parametrize("command", ARGUMENTS, ids=lambda each: ascii(" ".join(each)))
def test_arguments(run, folder, command):
    assert_tame(run(command[0], "plain.yaml", *command[1:], HOSTILE))


def test_commands_and_names_that_there_are_not(run):
    for arguments in ([HOSTILE], ["show", HOSTILE], ["mistakes", HOSTILE], ["help", HOSTILE]):
        assert_tame(run(*arguments))


def test_a_saved_trace(run, folder):
    run("export", "plain.yaml", "-o", "plain.json")
    saved = json.loads((folder / "plain.json").read_text())
    saved["title"] = HOSTILE
    (folder / "titled.json").write_text(json.dumps(saved))
    assert_tame(run("trace", "titled.json"))
    for key, value in (("id", HOSTILE), ("operation", HOSTILE), ("operands", [HOSTILE])):
        broken = json.loads((folder / "plain.json").read_text())
        broken["steps"][-1][key] = value
        (folder / "broken.json").write_text(json.dumps(broken))
        outcome = run("trace", "broken.json")
        assert_tame(outcome)
        assert outcome.code == 2


def test_a_checkpoint(run, folder):
    run("train", "plain.yaml", "--epochs", "2", "--save", "p.npz")
    with np.load("p.npz") as saved:
        arrays = dict(saved)
    header = json.loads(arrays["backtrace"].tobytes())
    for key, value in (
        ("schema", HOSTILE), ("columns", [HOSTILE]), ("fingerprint", {HOSTILE: HOSTILE}),
        ("fingerprint", header["fingerprint"] | {"the optimizer": HOSTILE}),
    ):  # fmt: skip
        arrays["backtrace"] = np.frombuffer(json.dumps(header | {key: value}).encode(), np.uint8)
        np.savez("q.npz", **arrays)
        outcome = run("train", "plain.yaml", "--resume", "q.npz")
        assert_tame(outcome)
        assert outcome.code == 2


@pytest.mark.skipif(os.name == "nt", reason="names of files are text there")
def test_a_name_that_is_no_text(folder):
    name = b"n\xff.yaml"
    (folder / os.fsdecode(name)).write_text(NETWORK.format(text="x").partition("\n")[2])
    for arguments in ([], ["--format", "json"]):
        outcome = piped("trace", os.fsdecode(name), *arguments)
        assert (outcome.code, outcome.err) == (0, "")
        assert "n?" in outcome.out


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_stdout_that_is_not_unicode(encoding):
    plain = json.loads(piped("trace", "mlp-math", "--format", "json").out)
    shown = piped("trace", "mlp-math", "--format", "json", PYTHONIOENCODING=encoding)
    assert shown.code == 0
    assert json.loads(shown.out) == plain  # JSON is UTF-8, wherever it goes
    assert (
        piped("show", "attention", PYTHONIOENCODING=encoding).out == piped("show", "attention").out
    )


def test_names_that_no_file_can_have(run, folder):
    """Said of the file, with the code that its place has; not of the output."""
    long = "x" * 300
    for arguments, code in (
        (["trace", long], 2), (["check", long, "sheet"], 2), (["check", "plain.yaml", long], 3),
        (["worksheet", "plain.yaml", "-o", long], 2), (["init", "-o", long], 2),
        (["train", "plain.yaml", "--resume", long], 2),
    ):  # fmt: skip
        outcome = run(*arguments)
        assert (outcome.code, outcome.out) == (code, "")
        assert long[:90] in outcome.err
    (folder / "manifest.yaml").write_text(f'variants: {{v01: "{long}", v02: "a\\0b"}}')
    assert run("check", ".", "sheet").code == 2
