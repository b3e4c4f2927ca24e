"""Every kind of error has a number, a section in the handbook, and an example that provokes it."""

import ast
import re
import shlex
import sys
from typing import get_args

import pytest

from backtrace.page import handbook
from backtrace.spec.error_codes import ErrorCode
from backtrace.tape.writer import TapeError
from tests.cli.running import ROOT, on_a_terminal, run  # noqa: F401 - a fixture

PACKAGE = ROOT / "backtrace"
CHAPTER = handbook.chapter("errors")
CODES = get_args(ErrorCode)
TOP_KEY = re.compile(r"^(\w+):.*\n(?:[ \-].*\n)*", re.MULTILINE)
NOT_INSTALLED = {"E510": "resvg_py"}


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


(BASE,) = blocks(CHAPTER.partition("\n## ")[0], "yaml")


def completed(fragment):
    """The spec that has no fault, with the keys of the fragment in place of its own."""
    if re.search("^equations:", fragment, re.MULTILINE):
        return fragment
    said = {match[1] for match in TOP_KEY.finditer(fragment)}
    kept = (match[0] for match in TOP_KEY.finditer(BASE) if match[1] not in said)
    return "".join(kept) + fragment


def parts_of(section):
    """What is typed for an example, each with what stands below it."""
    for fragment in blocks(section, "yaml"):
        yield "cat net.yaml", completed(fragment)
        yield "backtrace trace net.yaml", ""
    for block in blocks(section, "console"):
        parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
        yield from zip(parts[::2], parts[1::2], strict=True)


def typed(command, shown, call, folder):
    """What a command does in the folder; what it says, where it is one of ours."""
    command, _, file = command.partition(" > ")
    name, *arguments = shlex.split(command)
    if name == "backtrace":
        done = call(*arguments)
        if file:
            (folder / file).write_text(done.out, encoding="utf-8")
        return done
    path = folder / (file or arguments[0])
    path.parent.mkdir(exist_ok=True)
    text = shown if name == "cat" else arguments[0].encode("latin-1").decode("unicode_escape")
    path.write_bytes(text.encode("utf-8" if name == "cat" else "latin-1"))
    return None


def test_every_kind_has_a_section_and_there_is_no_other():
    assert tuple(re.findall(r"^### (E\d{3})$", CHAPTER, re.MULTILINE)) == CODES
    assert list(CODES) == sorted(set(CODES))


@pytest.mark.parametrize("code", CODES)
def test_the_example_of_a_kind_provokes_it_and_no_other(code, run, tmp_path, monkeypatch):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    if code in NOT_INSTALLED:
        monkeypatch.setitem(sys.modules, NOT_INSTALLED[code], None)
    section = handbook.find(code)
    for block in blocks(section, "pycon"):
        with pytest.raises(TapeError) as caught:
            exec(re.sub(r"^>>> ", "", block, flags=re.MULTILINE), {})
        assert caught.value.code == code
        return
    done = [typed(command, shown, run, tmp_path) for command, shown in parts_of(section)]
    last = done[-1]
    assert set(re.findall(r"\[(E\d{3})\]", last.out + last.err)) == {code}, last.err
    assert last.code in (2, 3)
    assert not any(each.code for each in done[:-1] if each is not None)


INNER = {  # errors that are caught and told by others, under their numbers
    *("MisfitError", "_HoldOutError", "MissingColumnsError", "UnwritableError"),
    *(
        "NoProcessesError",
        "NotANumberError",
        "IdleOptionError",
        "_SignalledError",
        "_Quit",
        "_Back",
        "_TooLargeError",
    ),
}


def test_every_error_of_ours_says_its_number():
    """Whoever refuses or collects problems must name one, which mypy sees to."""
    without = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            bases = {ast.unparse(base) for base in getattr(node, "bases", ())}
            is_error = any(re.search(r"(Error|Exception|BadParameter)$", base) for base in bases)
            if is_error and not re.search(r"\bcode\b|\bSpecError\b", ast.unparse(node)):
                own = bases & {"DataError", "MissingExtraError"}  # which have theirs
                without |= set() if own else {node.name}
    assert without - {"SpecError"} == INNER


def test_the_program_ends_in_a_few_places_only():
    """All others ask one of these, and so for a number."""
    ends = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if re.search(
            r"\bsys\.exit\(|\bSystemExit\b|\bos\._exit\(", path.read_text(encoding="utf-8")
        )
    }
    assert ends == {
        *("cli/__init__.py", "cli/screen.py", "cli/output.py"),
        "cli/training/checkpoints.py",
    }


def test_the_spec_that_the_examples_are_put_into_is_without_fault(run, tmp_path):  # noqa: F811
    (tmp_path / "net.yaml").write_text(BASE, encoding="utf-8")
    assert run("trace", str(tmp_path / "net.yaml")).code == 0


def test_a_number_is_looked_up_in_the_handbook(run):  # noqa: F811
    assert "unknown key" in run("help", "e108").out.lower()


@pytest.mark.parametrize("name", ["mlp-meth", "mlp-math"])
def test_a_person_at_a_terminal_is_told_where_a_number_is_explained(name):
    code = {"mlp-meth": "E118", "mlp-math": "E505"}[name]
    shown = on_a_terminal("trace", name, "--only", "q9", NO_COLOR="1").out
    assert f"[{code}]\n" in shown
    assert shown.endswith(f"backtrace help {code} says more.\n")
