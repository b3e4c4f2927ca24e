"""Where a spec comes from: a path, a bundled name, the standard input."""

import io
import sys
from pathlib import Path

import pytest

import backtrace
from backtrace.spec import SpecError, bundled
from backtrace.tape.loading import load, loads
from tests.spec.specs import FORWARD


def only_problem(source, **options):
    with pytest.raises(SpecError) as raised:
        load(source, **options)
    (problem,) = raised.value.problems
    return problem


def test_every_bundled_network_is_valid():
    assert "mlp-math" in bundled.names()
    for name in bundled.names():
        spec = load(name)
        assert spec.layers or spec.equations is not None
        assert bundled.path(name).is_file()


def test_a_name_that_is_not_bundled():
    with pytest.raises(KeyError):
        bundled.path("no-such-network")


def test_a_path_a_name_and_the_package_give_the_same():
    spec = load(bundled.path("mlp-math"))
    assert spec.title == load("mlp-math").title == backtrace.load("mlp-math").title


def test_a_file_comes_before_a_bundled_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mlp-math").write_text("title: mine\n" + FORWARD)
    assert load("mlp-math").title == "mine"


def test_a_folder_does_not_hide_a_bundled_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mlp-math").mkdir()
    assert load("mlp-math").layers


def test_the_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(FORWARD.encode())))
    assert load("-").samples == 1
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a: [")))
    assert only_problem("-").position == "<stdin>:1:4"


@pytest.mark.parametrize(
    ("source", "found", "mend"),
    [
        ("mlp-maths", "no bundled network of this name", "`mlp-math`"),
        ("mlp_math", "no bundled network of this name", "`mlp-math`"),
        ("mlp-math.yaml", "no file", "`mlp-math`"),
        ("nowhere/else.yaml", 'no file "nowhere/else.yaml"', "backtrace list"),
        ("zzz", "no bundled network", "backtrace list"),
        ("", "a folder", ""),
        ("a\0b", "can't be read", ""),
    ],
)
def test_what_is_not_there(tmp_path, monkeypatch, source, found, mend):
    monkeypatch.chdir(tmp_path)
    problem = only_problem(source)
    assert problem.position == source
    assert found in problem.found
    assert mend in problem.mend


def test_a_folder_is_no_spec(tmp_path):
    assert only_problem(tmp_path).found == "a folder"
    assert only_problem(str(tmp_path)).line == 0


def test_a_huge_file_is_not_read(tmp_path):
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"# " + b"x" * 5_000_000)
    assert "bytes" in only_problem(path).found


def test_a_text_has_the_name_it_is_given():
    with pytest.raises(SpecError, match=r"^mine:1:1: found an empty document"):
        loads("", "mine")
    with pytest.raises(SpecError, match=r"^<text>:1:1: "):
        loads("")
