"""The quiz: what is typed, how it is judged, hints that rise, and answers that are kept."""

import sys

import pytest
import yaml

import backtrace
from backtrace.course.quiz import Quiz
from backtrace.course.typed_numbers import NotANumberError, entries
from backtrace.course.worksheet import worksheet
from tests.cli.running import run  # noqa: F401

CTRL_C = "\x03"


# --- what is typed


@pytest.mark.parametrize(
    ("line", "count", "expected"),
    [
        ("1 2 3", 3, ["1", "2", "3"]),
        ("1, 2.50; -3", 3, ["1", "2.50", "-3"]),
        ("[0.5, 1/3]", 2, ["0.5", "1/3"]),
        ("0.5*1 - 2*0.3", 1, ["-0.1"]),
        ("0.5*1 - 2*0.3", 3, ["-0.1"]),  # one of three
        ("2^3, -(1+1)/4", 2, ["8", "-0.5"]),
        ("exp(0), sqrt(4)", 2, ["1", "2"]),
        ("_, 1", 2, ["_", "1"]),
        ("1", 3, ["1"]),
        ("", 2, []),
    ],
)
def test_numbers_and_sums(line, count, expected):
    assert entries(line, count) == expected


@pytest.mark.parametrize(
    "line",
    [
        *("abc", "1 2 3 4", "__import__('os')", "(1).real", "9**9**9", "10^400", "1/0", "(-1)^0.5"),
        *("'a'", "[1,2][0]", "f(1)", "(" * 300, "True"),
    ],
)
def test_what_is_no_number_is_refused(line):
    with pytest.raises(NotANumberError):
        entries(line, 3)


# --- the state of a quiz


def test_ones_own_value_is_right_to_go_on_with():
    """mlp-math without the bias: z₁ = [3.5 −1 1], so a₁ = [3.5 0 1] follows."""
    quiz = Quiz(worksheet(backtrace.load("mlp-math"), ["z1", "a1"]))
    z, a = quiz.quantities
    assert quiz.put(z, [["3.5", "-1.0", "1.0"]]).verdict == "wrong"
    assert quiz.put(a, [["3.5", "0.0", "1.0"]]).verdict == "carried"
    again = Quiz(worksheet(backtrace.load("mlp-math"), ["z1", "a1"]))
    again.take_up(quiz.text.encode(), "kept")
    assert again.answers == quiz.answers
    assert not list(again.waiting())


# --- over a pipe


@pytest.fixture
def answer(run, monkeypatch, tmp_path):  # noqa: F811
    """``answer("3.5 -1 1", "quit")``: what a quiz of mlp-math says to these lines."""
    kept = tmp_path / "kept.yaml"

    def answered(*lines, options=()):
        typed = iter(lines)

        def read(prompt=""):
            sys.stdout.write(prompt)
            line = next(typed, None)
            if line is None:
                raise EOFError
            if line == CTRL_C:
                raise KeyboardInterrupt
            return line

        monkeypatch.setattr("builtins.input", read)
        done = run("quiz", "mlp-math", "--ask", "product1,z1", "--progress", str(kept), *options)
        return done, kept

    return answered


def test_a_quiz_without_a_mistake(answer):
    done, kept = answer("3.5, -1.0, 1.0", "3.7", "-1.3 1.1")
    assert done.code == 0, done.err
    assert done.out.count("✓ right") == 3  # two verdicts, and the summary
    assert "Z₁[1,2]" in done.out  # what is asked for after one of three
    assert yaml.safe_load(kept.read_text())["answers"] == {
        "product1": [["3.5", "-1.0", "1.0"]],
        "z1": [["3.7", "-1.3", "1.1"]],
    }


def test_hints_say_more_each_time(answer):
    wrong = "3.5, -1.0, 1.0"
    done, _ = answer(wrong, wrong, "", wrong, "", wrong, "skip")
    assert done.code == 1
    first, second, third = done.out.split("not right")[1:4]
    assert "bias" not in first
    assert "the bias is missing" in second
    assert "0.2" not in second
    assert "The rule is" in third
    assert "3.7" not in first + second + third  # what is right is never said
    assert "backtrace new mlp-math --seed" in done.out


def test_back_skip_help_and_quit(answer):
    done, kept = answer("?", "skip", "back", "3.5 -1.0 1.0", "quit")
    assert done.code == 1
    assert "Multiply" in done.out
    assert list(yaml.safe_load(kept.read_text())["answers"]) == ["product1"]
    assert "1 step is left" in done.out


def test_a_kept_quiz_is_gone_on_with_or_begun_anew(answer):
    answer("3.5 -1.0 1.0", "quit")
    refused, kept = answer("3.7 -1.3 1.1")
    assert refused.code == 2
    assert "--resume" in refused.err
    resumed, _ = answer("3.7 -1.3 1.1", options=("--resume",))
    assert resumed.code == 0
    assert len(yaml.safe_load(kept.read_text())["answers"]) == 2
    anew, _ = answer("quit", options=("--force",))
    assert anew.code == 1


def test_what_is_asked_for_has_to_be_there(run, tmp_path):  # noqa: F811
    assert run("quiz", "mlp-math", "--ask", "q9").code == 2
    assert run("quiz", "mlp-math", "--resume", "--progress", str(tmp_path / "none")).code == 2


def test_ctrl_c_keeps_what_was_answered(answer):
    done, kept = answer("3.5 -1.0 1.0", CTRL_C)
    assert done.code == 130
    assert "--resume" in done.err
    assert list(yaml.safe_load(kept.read_text())["answers"]) == ["product1"]
