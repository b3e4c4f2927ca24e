"""Damaged files of every kind are read, or refused in words; nothing beside them is touched.

Specs, answers and data files have fuzz tests of their own, by their readers.
"""

import random
import re

import pytest

from tests.cli.running import run
from tests.sampling import share

__all__ = ["run"]

READ = {  # by the file that is damaged, the command that reads it
    "trace.json": ["trace", "trace.json"],
    "saved.npz": ["train", "spec.yaml", "--resume", "saved.npz", "--epochs", "3", "--quiet"],
    "saved.yaml": ["predict", "spec.yaml", "--parameters", "saved.yaml"],
    "answers.xlsx": ["check", "spec.yaml", "answers.xlsx"],
    "made/manifest.yaml": ["check", "made", "sheet.yaml"],
    "columns.yaml": ["check", "spec.yaml", "class.csv", "--columns", "columns.yaml"],
}
SPEC = """\
layers:
  - {activation: relu, weights: [[0.5, -1], [1, 2]], bias: [0.1, 0]}
inputs: [[1, 2], [3, 4]]
targets: [[1, 0], [0, 1]]
loss: mse
learning_rate: 0.1
"""
PIECES = [b"\0", b"\xff\xfe", b"\x1b[31m", b"\xed\xa0\x80", b"\r", b"\xe2\x80\xa8", b"[" * 3000,
          b"{" * 40, b"1e999", b"9" * 90, b"nan", b"-", b'"', b"\xc2\xbd"]  # fmt: skip
NUMBER = re.compile(rb"-?\d+(\.\d+)?")
NUMBERS = [b"1e308", b"-1e308", b"1e-308", b"1/0", b"null", b"true", b"-1", b"99999999999999999999"]


def damaged(content, turn):
    """The content with one to four things wrong, the same ones for the same turn."""
    chance = random.Random(turn)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content) + 1)
        to = at + chance.choice([1, 4, 60])
        content = chance.choice([
            content[:at],
            content[:at] + content[to:],
            content[:at] + content[at:to] * 3 + content[to:],
            content[:at] + chance.choice(PIECES) + content[at:],
            content[:at] + bytes([chance.randrange(256)]) + content[at + 1 :],
            NUMBER.sub(lambda _: chance.choice(NUMBERS), content, count=chance.choice([1, 3])),
        ])  # fmt: skip
    return content


@pytest.mark.parametrize("name", READ)
def test_damage_is_read_or_refused(run, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.yaml").write_text(SPEC)
    (tmp_path / "sheet.yaml").write_text("student: Ada\nanswers: {z1: [[2.6, 3], [5.6, 5]]}\n")
    (tmp_path / "class.csv").write_text("ID,Response 1\n7,2.6\n")
    (tmp_path / "columns.yaml").write_text('student: ID\n"z1[1,1]": "Response 1"\n')
    run("export", "spec.yaml", "-o", "trace.json")
    run("train", "spec.yaml", "--epochs", "2", "--save", "saved.npz")
    run("train", "spec.yaml", "--epochs", "2", "--save", "saved.yaml")
    run("worksheet", "spec.yaml", "-o", "sheets", "--to", "xlsx")
    (form,) = tmp_path.glob("sheets/answers.xlsx")
    form.rename("answers.xlsx")
    run("new", "--variants", "2", "--seed", "1", "-o", "made")
    whole = (tmp_path / name).read_bytes()
    before = contents(tmp_path, name)
    for turn in range(share(20)):
        (tmp_path / name).write_bytes(damaged(whole, turn))
        outcome = run(*READ[name])
        assert outcome.code in (0, 1, 2, 3), turn
        assert outcome.out or outcome.err
        assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", outcome.out + outcome.err), turn
    assert contents(tmp_path, name) == before


def contents(folder, name):
    """Every other file there is."""
    files = (path for path in folder.rglob("*") if path.is_file() and path != folder / name)
    return {str(path): path.read_bytes() for path in files}
