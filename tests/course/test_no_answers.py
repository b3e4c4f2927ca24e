"""No expected value in anything that is handed to students: searched for in every file of every
format, inside archives and workbooks too."""

import io
import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pytest
import yaml

import backtrace
from backtrace.course.worksheet import worksheet
from backtrace.formats.worksheet_files import FORMATS, OF_THE_LECTURER
from backtrace.spec import bundled
from tests.cli.running import run  # noqa: F401

SECRET = "spoken-of-only-in-a-comment"
NAMES = ["multi-neuron", "recurrent"]  # of many digits, the first with `expect`
BY_THE_SPEC = ("gradescope.zip", "exercise.yaml")
HAS_PDF = shutil.which("pdftotext") and shutil.which("lualatex")


def texts(name, content):
    """All text of a file, by where it stands: of each file in an archive, of the pages of a PDF.

    This program itself, which some carry along, has numbers in its source, but no exercise's.
    """
    if name.endswith(".whl"):
        return
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for inner in archive.namelist():
                yield from texts(f"{name}/{inner}", archive.read(inner))
    elif content.startswith(b"%PDF"):
        done = subprocess.run(
            ["pdftotext", "-layout", "-", "-"], input=content, capture_output=True, check=True
        )
        yield name, done.stdout.decode()
    else:
        yield name, content.decode("utf-8")


def told(value):
    """How a number with digits enough to be known by stands in a text: cut or rounded to three
    decimals, then whatever digits."""
    size = abs(float(value))
    cut, rounded = f"{np.floor(size * 1000) / 1000:.3f}", f"{size:.3f}"
    return {text for text in (cut, rounded) if len(text.replace(".", "").strip("0")) >= 3}


def secrets(spec):
    """The texts that would tell what is asked for, and are not given."""
    sheet = worksheet(spec)
    given = {
        text
        for step in sheet.trace
        if step.phase == "given" and "from" not in step.parameters  # W1 of a second update
        for x in np.ravel(step.value)
        for text in told(x)
    }
    asked = {
        text
        for quantity in sheet.asked
        for x in np.ravel(sheet.value(quantity))
        for text in told(x)
    }
    return asked - given


def leaks(text, hidden):
    """Which of the texts stand in it, each at the beginning of a number."""
    one_of_them = "|".join(map(re.escape, sorted(hidden)))
    return set(re.findall(rf"(?<![\d.])(?:{one_of_them})", text.replace("00.0000", "")))


def is_of_the_lecturer(path):
    return OF_THE_LECTURER in path.parts or path.name.startswith("key.")


@pytest.fixture(scope="module", params=NAMES)
def folder(request, tmp_path_factory):
    """A spec with a remark, and all files of all formats that can be made here."""
    spec = tmp_path_factory.mktemp("spec") / "exercise.yaml"
    text = bundled.path(request.param).read_text(encoding="utf-8")
    spec.write_text(f"# {SECRET}\n{text}", encoding="utf-8")
    formats = [form for form in FORMATS if form != "pdf" or (HAS_PDF and request.param == NAMES[0])]
    return backtrace.load(spec), backtrace.worksheet(str(spec), formats)


def test_no_answer_is_in_what_students_get(folder):
    spec, files = folder
    hidden = secrets(spec)
    assert len(hidden) > 10
    students = {
        Path(name): content for name, content in files.items() if not is_of_the_lecturer(Path(name))
    }
    assert len(students) >= 7
    for path, content in students.items():
        for where, text in texts(str(path), content):
            assert not leaks(text, hidden), where
            assert SECRET not in text, where
            assert "expect:" not in text, where


def test_the_search_finds_the_answers_in_the_files_of_the_lecturer(folder):
    """Else it might find nothing anywhere. What checks by the spec alone has none."""
    spec, files = folder
    hidden = secrets(spec)
    for name, content in files.items():
        if is_of_the_lecturer(Path(name)) and not name.endswith(BY_THE_SPEC):
            known = set().union(*(leaks(text, hidden) for _, text in texts(name, content)))
            assert len(known) > len(hidden) / 2, name


def test_variants_of_a_class_have_one_archive_that_knows_who_has_which(run, tmp_path, monkeypatch):  # noqa: F811
    """By whatever only one of them is called: there are two Adas."""
    for name in ("DRAWN", "CHANGED", "LOOKED_INTO"):
        monkeypatch.setattr(f"backtrace.course.exercises.{name}", 1)
    students = tmp_path / "list.csv"
    students.write_text("Name,ID number,Email\nAda,007,a@x.org\nAda,008,b@x.org\nBo,009,c@x.org\n")
    folder = tmp_path / "v"
    done = run(
        *("new", "graph", "--variants", "2", "--seed", "1", "-o", str(folder)),
        *("--students", str(students), "--to", "gradescope"),
    )
    assert done.code == 0, done.err
    with zipfile.ZipFile(folder / OF_THE_LECTURER / "gradescope.zip") as archive:
        known = json.loads(archive.read("variants.json"))
        assert {"v01.yaml", "v02.yaml"} <= set(archive.namelist())
    assert set(known) == {"007", "a@x.org", "008", "b@x.org", "009", "c@x.org", "Bo"}
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())["students"]
    assert {number: known[number] for number in manifest} == {
        number: f"{variant}.yaml" for number, variant in manifest.items()
    }


def test_variants_keep_their_answers_apart(run, tmp_path, monkeypatch):  # noqa: F811
    for name in ("DRAWN", "CHANGED", "LOOKED_INTO"):
        monkeypatch.setattr(f"backtrace.course.exercises.{name}", 1)  # how pleasant is not asked
    folder = tmp_path / "v"
    done = run(
        *("new", "xor", "--variants", "2", "--seed", "1", "-o", str(folder)),
        *("--to", "md,moodle,gradescope,ipynb"),
    )
    assert done.code == 0, done.err
    lecturers = {
        path.relative_to(folder).as_posix() for path in (folder / OF_THE_LECTURER).rglob("*.*")
    }
    assert lecturers == {
        *("lecturer/moodle.xml", "lecturer/v01/gradescope.zip", "lecturer/v02/gradescope.zip")
    }
    for name in ("v01", "v02"):
        spec = backtrace.load(folder / f"{name}.yaml")
        for path in (folder / name).iterdir():
            if not is_of_the_lecturer(path.relative_to(folder)):
                for where, text in texts(path.name, path.read_bytes()):
                    assert not leaks(text, secrets(spec)), where
