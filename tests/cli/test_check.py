"""``check`` and ``mistakes``: what they read, print and refuse, and their exit codes."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from itertools import islice

import pytest
import yaml

from backtrace.cli.checking import counted
from backtrace.cli.side_by_side import NoProcessesError, in_order
from tests.cli.running import ESCAPE, on_a_terminal, piped, run
from tests.formats.sheets import ALL_RIGHT, SIGN_FLIPPED, TWO_SAMPLES

__all__ = ["run"]


@pytest.fixture
def homework(tmp_path):
    """A folder with the spec, and a class in a folder of its own."""
    (tmp_path / "spec.yaml").write_text(TWO_SAMPLES, encoding="utf-8")
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ada.yaml").write_text(ALL_RIGHT, encoding="utf-8")
    (tmp_path / "class" / "bo.yaml").write_text(SIGN_FLIPPED, encoding="utf-8")
    (tmp_path / "bad.yaml").write_text("student: [\n", encoding="utf-8")
    return tmp_path


@pytest.fixture
def check(run, homework):
    """``check("ada.yaml", "--hints", "none")`` with the class's files by their names."""

    def called(*arguments):
        paths = [homework / "class" / a if a.endswith(".yaml") else a for a in arguments]
        return run("check", str(homework / "spec.yaml"), *map(str, paths))

    return called


def test_exit_code_0_for_answers_that_stand_and_1_for_mistakes(check):
    assert check("ada.yaml").code == 0
    done = check("bo.yaml")
    assert (done.code, done.err) == (1, "")
    assert "7 of 9 entries are correct" in done.out


@pytest.fixture
def large_class(homework):
    """A table of nine students, of whom one writes no number."""
    rows = [f"s{k},{3 + k % 2},{'five' if k == 7 else 5}" for k in range(9)]
    table = homework / "class.csv"
    table.write_text("\n".join(["student,z1[1],z1[2]", *rows]), encoding="utf-8")
    return table


@pytest.mark.parametrize("form", ["json", "jsonl", "csv", "text"])
def test_a_large_class_is_judged_side_by_side_in_its_order(
    run, homework, large_class, monkeypatch, form
):
    arguments = ("check", str(homework / "spec.yaml"), str(large_class), "--format", form)
    alone = run(*arguments)
    monkeypatch.setattr("backtrace.cli.checking.MANY", 4)
    monkeypatch.setattr("backtrace.cli.side_by_side.AT_ONCE", 2)
    monkeypatch.setattr("backtrace.cli.side_by_side.cores", lambda: 2)
    judged_here = []
    monkeypatch.setattr("backtrace.cli.checking.Grader.judged", judged_here.append)
    together = run(*arguments)
    assert (together.code, together.out, together.err) == (alone.code, alone.out, alone.err)
    assert judged_here == []


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_where_there_are_no_processes_one_does_all(run, homework, large_class, monkeypatch, form):
    arguments = ("check", str(homework / "spec.yaml"), str(large_class), "--format", form)
    alone = run(*arguments)

    def two_and_no_more(work, items, start, given):
        start(*given)
        taken = [*islice(items, 6)]  # of which four are left undone
        yield from map(work, taken[:2])
        raise NoProcessesError

    monkeypatch.setattr("backtrace.cli.checking.MANY", 4)
    monkeypatch.setattr("backtrace.cli.side_by_side.in_order", two_and_no_more)
    assert run(*arguments).out == alone.out
    monkeypatch.setattr("backtrace.cli.side_by_side.in_order", in_order)
    monkeypatch.setattr("backtrace.cli.side_by_side.cores", lambda: 1)
    assert run(*arguments).out == alone.out


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes")
def test_a_spec_from_a_pipe_is_read_once(run, homework, large_class, monkeypatch):
    alone = run("check", str(homework / "spec.yaml"), str(large_class), "--format", "csv")
    pipe = homework / "pipe.yaml"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(TWO_SAMPLES,))
    writer.start()
    monkeypatch.setattr("backtrace.cli.checking.MANY", 4)
    monkeypatch.setattr("backtrace.cli.side_by_side.in_order", None)
    assert run("check", str(pipe), str(large_class), "--format", "csv").out == alone.out
    writer.join()


def test_what_is_missing_or_empty_is_not_all_well(run, homework):
    sheet = homework / "few.yaml"
    for text in ("answers: {z1: [[5], [_]]}", "answers: {z1: _}"):
        sheet.write_text(text, encoding="utf-8")
        assert run("check", str(homework / "spec.yaml"), str(sheet)).code == 1


def test_exit_code_2_for_the_spec_and_the_command_line(run, check, homework):
    assert run("check", "no-such-network", str(homework / "bad.yaml")).code == 2
    assert check("ada.yaml", "--credit", "carried=2").code == 2
    assert check("ada.yaml", "--credit", "carried=nan").code == 2
    assert check("ada.yaml", "--credit", "sloppy=1").code == 2
    assert check("ada.yaml", "--format", "xml").code == 2
    assert check("ada.yaml", "--format", "json", "--width", "80").code == 2
    done = check("ada.yaml", "bo.yaml", "--format", "gradescope")
    assert (done.code, done.out) == (2, "")
    assert "one student" in done.err
    assert "--hints" in check("ada.yaml", "bo.yaml", "--hints", "what").err
    assert run("check", "-", "-").code == 2


def test_exit_code_3_for_answers_that_cannot_be_read(run, homework):
    spec = str(homework / "spec.yaml")
    done = run("check", spec, str(homework / "bad.yaml"))
    assert (done.code, done.out) == (3, "")
    assert "bad.yaml:1:" in done.err
    assert run("check", spec, str(homework / "none.yaml")).code == 3
    empty = homework / "empty"
    empty.mkdir()
    assert run("check", spec, str(empty)).code == 3


def test_the_spec_and_the_answers_the_wrong_way_round_are_told(run, homework):
    spec, sheet = str(homework / "spec.yaml"), str(homework / "class" / "ada.yaml")
    done = run("check", sheet, spec)
    assert (done.code, done.err) == (
        2,
        "the spec comes first: backtrace check SPEC ANSWERS [E402]\n",
    )
    assert run("check", sheet, "mlp-math").err == done.err
    assert run("check", spec, spec).code == 3


def test_one_bad_file_does_not_stop_the_class(run, homework):
    spec, bad = str(homework / "spec.yaml"), str(homework / "bad.yaml")
    done = run("check", spec, str(homework / "class"), bad, "--names")
    assert done.code == 3
    assert "Ada        7/7" in done.out
    assert "Bo         7/9" in done.out
    assert "bad.yaml:1:" in "".join(done.out.split())  # a long path is folded
    done = run("check", spec, str(homework / "class"), bad, "--format", "json")
    document = json.loads(done.out)
    assert [each["student"] for each in document["reports"]] == ["Ada", "Bo"]
    assert len(document["unreadable"]) == 1
    assert document["mistakes"] == {"sign-flipped": 1}


def test_a_class_has_the_code_of_its_worst_sheet(check):
    assert check("ada.yaml", "ada.yaml").code == 0
    assert check("ada.yaml", "bo.yaml").code == 1


def test_a_table_is_a_class_even_with_one_row(run, homework):
    table = homework / "class.csv"
    table.write_text('student,"z1[1,1]","z1[2,1]",loss\nDi,5,3,2.5\n', encoding="utf-8")
    done = run("check", str(homework / "spec.yaml"), str(table), "--format", "json")
    assert (done.code, json.loads(done.out)["schema"]) == (0, "backtrace/class/1")
    done = run("check", str(homework / "spec.yaml"), str(table), "--format", "csv")
    assert done.out.splitlines()[1].startswith('"Di","')


def test_stdin_is_the_spec_or_the_answers(homework):
    spec, bo = homework / "spec.yaml", homework / "class" / "bo.yaml"
    done = piped("check", str(spec), "-", stdin=bo.read_bytes())
    assert done.code == 1
    assert "answers of Bo" in done.out
    done = piped("check", "-", str(bo), stdin=spec.read_bytes())
    assert done.code == 1
    assert "answers of Bo" in done.out


def test_a_stream_has_a_report_for_each_line(homework):
    lines = [
        {"student": "Ada", "answers": {"loss": 2.5}},
        "not an object",
        {"student": "Bo", "answers": {"dW1": [[3.00], [-5.00]]}},
    ]
    stdin = "".join(json.dumps(line) + "\n" for line in lines).encode()
    done = piped("check", str(homework / "spec.yaml"), "-", "--format", "jsonl", stdin=stdin)
    assert done.code == 3
    ada, bad, bo = map(json.loads, done.out.splitlines())
    assert (ada["schema"], ada["student"]) == ("backtrace/report/1", "Ada")
    assert (bad["schema"], bad["file"]) == ("backtrace/unreadable/1", "<stdin>:2")
    assert bo["first_mistake"]["id"] == "dW1"
    done = piped("check", str(homework / "spec.yaml"), "-", "--format", "jsonl", stdin=b"")
    assert (done.code, done.out) == (0, "")


def test_each_line_of_a_pipe_is_answered_before_the_next_is_written(homework):
    command = [sys.executable, "-m", "backtrace", "check", str(homework / "spec.yaml"), "-"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([*command, "--format", "jsonl"], **pipes) as running:
        guard = threading.Timer(60, running.kill)  # who waits for more lines waits for ever
        guard.start()
        for name in ("Ada", "Bo"):
            line = {"student": name, "answers": {"loss": 2.5}}
            running.stdin.write(json.dumps(line).encode() + b"\n")
            running.stdin.flush()
            assert json.loads(running.stdout.readline() or "{}").get("student") == name
        guard.cancel()


def test_files_can_be_streamed_too(check):
    done = check("ada.yaml", "bo.yaml", "--format", "jsonl")
    assert done.code == 1
    assert [json.loads(line)["student"] for line in done.out.splitlines()] == ["Ada", "Bo"]


def test_hints_and_reveal_reach_the_sheet(check):
    assert "first mistake" not in check("bo.yaml", "--hints", "none").out
    assert "With your numbers" not in check("bo.yaml", "--hints", "what").out
    assert "Expected" not in check("bo.yaml").out
    assert "2.300" in check("bo.yaml", "--reveal").out
    json_sheet = json.loads(check("bo.yaml", "--reveal", "--format", "json").out)
    assert json_sheet["quantities"][3]["expected"] == [[-3], [5]]


def test_credit_changes_the_marks(check):
    # 5 right entries, 2 carried
    done = check("bo.yaml", "--credit", "carried=0.25, wrong=0", "--format", "json")
    assert json.loads(done.out)["score"] == {
        "earned": 5.5,
        "possible": 9,
        "points": 5.5,
        "of": 9,
    }


def test_the_digits_asked_for_reach_the_checker(run, homework):
    sheet = homework / "cut.yaml"
    spec = homework / "sigmoid.yaml"
    spec.write_text(
        "layers:\n  - {activation: sigmoid, weights: [[1]], bias: none}\ninputs: [[0.3]]\n",
        encoding="utf-8",
    )
    # σ(0.3) = 0.574442516…: cut off after four places 0.5744, after five 0.57444
    sheet.write_text("answers: {a1: 0.57}", encoding="utf-8")
    assert run("check", str(spec), str(sheet)).code == 0
    assert run("check", str(spec), str(sheet), "--decimals", "3").code == 1
    assert run("check", str(spec), str(sheet), "--min-digits", "3").code == 1
    assert run("check", str(spec), str(sheet), "--decimals", "3", "--min-digits", "3").code == 2
    sheet.write_text("answers: {a1: 0.6}", encoding="utf-8")
    assert run("check", str(spec), str(sheet)).code == 1
    assert run("check", str(spec), str(sheet), "--min-digits", "1").code == 0


def test_gradescope_is_told_of_a_submission_that_cannot_be_read(run, homework):
    done = run(
        "check", str(homework / "spec.yaml"), str(homework / "bad.yaml"), "--format", "gradescope"
    )
    assert done.code == 3
    assert json.loads(done.out)["score"] == 0


def test_a_class_on_a_terminal_is_told_how_to_be_named(homework):
    arguments = ("check", str(homework / "spec.yaml"), str(homework / "class"))
    assert "--names names the students" in on_a_terminal(*arguments).out
    assert "names the students" not in on_a_terminal(*arguments, "--names").out
    piped_out = piped(*arguments)
    assert "names the students" not in piped_out.out + piped_out.err


def test_colour_only_on_a_terminal_that_wants_it(homework):
    arguments = ("check", str(homework / "spec.yaml"), str(homework / "class" / "bo.yaml"))
    assert ESCAPE not in piped(*arguments).out
    assert ESCAPE in on_a_terminal(*arguments).out
    assert ESCAPE not in on_a_terminal(*arguments, NO_COLOR="1").out
    assert ESCAPE not in on_a_terminal(*arguments, TERM="dumb").out


def test_documents_are_utf_8_whatever_the_terminal_speaks(homework):
    arguments = ("check", str(homework / "spec.yaml"), str(homework / "class" / "bo.yaml"))
    done = piped(*arguments, "--format", "markdown", PYTHONIOENCODING="ascii")
    assert "dW₁" in done.out
    done = piped(*arguments, PYTHONIOENCODING="ascii")
    assert done.out.isascii()


class Terminal(io.StringIO):
    """A stderr that says it is a terminal."""

    def isatty(self):
        return True


def test_progress_is_shown_on_a_terminal_after_a_second(monkeypatch):
    seconds = iter([0.0, 0.9, 1.1, 1.2, 2.0])  # the start, then after each of four sheets
    monkeypatch.setattr("backtrace.cli.checking.monotonic", lambda: next(seconds))
    stderr = Terminal()
    monkeypatch.setattr("sys.stderr", stderr)
    assert list(counted("abcd")) == list("abcd")
    shown, wiped = stderr.getvalue().rsplit("\r", 2)[0], stderr.getvalue().endswith(" \r")
    assert shown == "\r2 sheets\r4 sheets"
    assert wiped


def test_no_progress_is_shown_in_a_pipe(monkeypatch):
    monkeypatch.setattr("sys.stderr", io.StringIO())
    monkeypatch.setattr(time, "monotonic", lambda: pytest.fail("nobody waits"))
    assert list(counted("abcd")) == list("abcd")


def test_mistakes_lists_the_catalogue_and_what_an_exercise_hides(run):
    assert "activation-derivative-omitted" in run("mistakes").out
    assert json.loads(run("mistakes", "--format", "json").out)["schema"] == "backtrace/mistakes/1"
    done = run("mistakes", "or-gate", "--format", "json")
    assert (done.code, json.loads(done.out)["schema"]) == (0, "backtrace/hidden/1")
    assert "| bias-omitted |" in run("mistakes", "--format", "markdown").out.replace("`", "")
    one = run("mistakes", "bias-omitted", "--format", "json")
    assert [each["code"] for each in json.loads(one.out)["mistakes"]] == ["bias-omitted"]
    assert "wrong rule" in run("mistakes", "bias-omitted").out
    assert run("mistakes", "no-such-network").code == 2
    assert run("mistakes", "--format", "json", "--width", "80").code == 2
    assert run("mistakes", "--data", ".").code == 2


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("option", [("--hints", "none"), ("--reveal",), ("--names",)])
@pytest.mark.parametrize("form", ["text", "markdown", "html", "csv", "json", "jsonl", "gradescope"])
def test_an_option_shapes_what_is_printed_or_is_refused_by_its_name(
    run, homework, tmp_path, form, option, several
):
    """Bo's gradient has the wrong sign: there is something to hint at and to reveal."""
    sheet = homework / "class" / "bo.yaml"
    if form == "jsonl":
        answers = yaml.safe_load(sheet.read_text())
        sheet = tmp_path / "stream.jsonl"
        sheet.write_text(json.dumps(answers) + "\n")
    given = [str(sheet), *([str(homework / "class" / "ada.yaml")] if several else [])]
    command = ("check", str(homework / "spec.yaml"), *given, "--format", form)
    plain, told = run(*command), run(*command, *option)
    if told.code == 2:
        assert told.out == ""
        assert option[0] in told.err or plain.code == 2
    else:
        assert told.out != plain.out


def test_a_mistake_that_is_repeated_is_said_once(run, tmp_path):
    """z₁ = [3.3 7.7], e = 3.3 − 15.4 + 0.1 − 3.5 = −15.5, δ₁ = [−15.5 31]; every η is left out."""
    (tmp_path / "spec.yaml").write_text(
        "layers:\n"
        "  - {activation: linear, weights: [[2, 1], [0.5, 3]], bias: [0.3, 0.7]}\n"
        "  - {activation: linear, weights: [[1], [-2]], bias: 0.1}\n"
        "inputs: [[1, 2]]\ntargets: 3.5\nloss: half_sse\nlearning_rate: 0.1\n"
    )
    (tmp_path / "answers.yaml").write_text(
        "dW1: [[-15.5, 31.0], [-31.0, 62.0]]\nW1_new: [[17.5, -30.0], [31.5, -59.0]]\n"
        "db1: [-15.5, 31.0]\nb1_new: [15.8, -30.3]\ndW2: [[-51.15], [-119.35]]\n"
        "W2_new: [[52.15], [117.35]]\ndb2: -15.5\nb2_new: 15.6\n"
    )
    said = run("check", str(tmp_path / "spec.yaml"), str(tmp_path / "answers.yaml")).out
    again = "b₁ⁿᵉʷ, both entries; W₂ⁿᵉʷ, both entries; b₂ⁿᵉʷ: the learning rate is missing.\n"
    assert again + "    The same mistake as in W₁ⁿᵉʷ: it is charged once.\n" in said
    assert said.count("charged once") == 1
