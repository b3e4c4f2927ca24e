"""The quiz: what is typed, how it is judged, hints that rise, and answers that are kept."""

import os
import select
import signal
import subprocess
import sys

import pytest
import yaml

import backtrace
from backtrace.course.quiz import Quiz
from backtrace.course.typed_numbers import NotANumberError, entries
from backtrace.course.worksheet import worksheet
from tests.cli.running import everything, piped, run  # noqa: F401

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
        ("0,593", 1, ["0.593"]),  # the comma of a decimal number, where it can be no other
        ("0,5 -1,25 3,0", 3, ["0.5", "-1.25", "3.0"]),
        ("1,2", 2, ["1", "2"]),
        ("-0.194 -0.189", 2, ["-0.194", "-0.189"]),
        ("0.35 - 0.05", 1, ["0.3"]),
        ("2 17/21", 1, ["2 17/21"]),
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


@pytest.mark.parametrize("line", ["-0.194 -0.189", "0.35 0.65", "0.35, 0.65", "3 -1"])
def test_two_numbers_where_one_is_wanted_are_not_worked_into_one(line):
    with pytest.raises(NotANumberError, match="one number is wanted here, and 2 were typed"):
        entries(line, 1)


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

    def answered(*lines, exercise=("mlp-math", "--ask", "product1,z1"), options=()):
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
        done = run("quiz", *exercise, "--progress", str(kept), *options)
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


def test_a_second_update_begins_with_ones_own_numbers(answer):
    """momentum by hand: W₁ⁿᵉʷ = [0.9, −0.5] (its ``expect``), which the second update's Given must
    not tell before it is asked; with the slip [0.9, −1.5], help for xW₁ of epoch 2 shows −1.5, and
    x·W₁ = [0.9 − 3, 2.7 + 1.5] = [−2.1, 4.2] follows."""
    exercise = ("momentum", "--ask", "W1_new,product1@2")
    done, _ = answer("0.9", "-1.5", "skip", "?", "-2.1", "4.2", exercise=exercise)
    assert done.code == 1, done.err
    before, epoch, after = done.out.partition("Epoch 2")
    assert "Epoch 1" in before
    assert epoch
    assert "-0.5" not in before + after
    assert "-1.5" in after
    assert "→ carried" in after


def test_a_quiz_says_what_is_needed_for_what_it_asks(answer):
    """The rate, the digits and the steps on the way to δ₁; help has the numbers of those too."""
    done, _ = answer("?", "quit", exercise=("small-mlp", "--ask", "delta1"))
    assert "lr = 0.1" in done.out
    assert "4 decimals" in done.out
    before, _, after = done.out.partition("Step 1 of 1: δ₁")
    assert "z₁ = xW₁ + b₁" in before
    assert "0.3" in after.partition("W₁")[2]  # a weight of layer 1, two steps before


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


# --- on a terminal


class Student:
    """Someone at a terminal of 80 columns, who types once what is waited for stands there."""

    def __init__(self, folder, *arguments):
        pty = pytest.importorskip("pty")
        self.ours, theirs = pty.openpty()
        # The first terminal that the leader of a session opens is the one Ctrl-C is typed at.
        opened = 'exec <"$TERMINAL" >"$TERMINAL" 2>&1; exec "$@"'
        program = (sys.executable, "-m", "backtrace", "quiz", *arguments)
        clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "PYTHONPATH")}
        settings = {"TERM": "xterm", "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"}
        # Who runs the tests in the background ignores Ctrl-C, and so would the program.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.process = subprocess.Popen(
            ["sh", "-c", opened, "sh", *program],
            cwd=folder,
            env=clean | settings | {"TERMINAL": os.ttyname(theirs)},
            start_new_session=True,
        )
        signal.signal(signal.SIGINT, before)
        self.theirs = theirs  # open until the program has it open, or it would be gone
        self.shown = b""

    def sees(self, text):
        """What was shown up to this; the test fails where the program ends before."""
        while text.encode() not in self.shown:
            self.reads(text)
        before, _, self.shown = self.shown.partition(text.encode())
        return before.decode()

    def reads(self, text):
        try:
            part = os.read(self.ours, 4096)
        except OSError:
            part = b""
        self.close_theirs()
        assert part, f"{text!r} never came:\n{self.shown.decode(errors='replace')}"
        self.shown += part

    def interrupts_until(self, text):
        """Ctrl-C as people press it: once more where it came just before the program listened."""
        self.types(CTRL_C)
        while text.encode() not in self.shown:
            if select.select([self.ours], [], [], 5)[0]:
                self.reads(text)
            else:
                self.types(CTRL_C)
        return self.sees(text)

    def close_theirs(self):
        """Ours is at its end when the program is: nothing else may have the other side open."""
        if self.theirs is not None:
            os.close(self.theirs)
            self.theirs = None

    def types(self, line):
        os.write(self.ours, line.encode())

    def leaves(self):
        """The exit code, once all is read."""
        self.shown += everything(self.ours)
        os.close(self.ours)
        return self.process.wait(timeout=60)


def test_a_student_at_a_terminal_who_is_interrupted_and_goes_on(tmp_path):
    asked = ("mlp-math", "--ask", "product1,z1,a1")
    ada = Student(tmp_path, *asked)
    assert "Step 1 of 3: XW₁ = X · W₁" in ada.sees("XW₁ (3 numbers): ")
    ada.types("0.5*1 + 1.5*2, -1*1+0*2, 1\n")  # 3.5, −1, 1
    ada.sees("✓ right")
    ada.sees("Z₁ (3 numbers): ")
    ada.types("?\n")
    help = ada.sees("Z₁ (3 numbers): ")
    assert "[ 3.5  -1  1 ]" in help.replace("\r", "")  # her own product, as she has it
    assert "0.2  -0.3  0.1" in help
    ada.types("3.5 -1 1.0\n")
    ada.sees("not right")
    ada.sees("Enter tries again")
    ada.types("7.4/2\n")  # an answer to that, too: 3.7
    ada.sees("Z₁[1,2]: ")
    ada.interrupts_until("--resume goes on")
    assert ada.leaves() == 130
    kept = tmp_path / "mlp-math.answers.yaml"
    assert yaml.safe_load(kept.read_text())["answers"] == {
        "product1": [["3.5", "-1", "1"]],
        "z1": [["3.7", "_", "_"]],
    }
    again = Student(tmp_path, *asked, "--resume")
    before = again.sees("Z₁[1,2]: ")
    assert "Step 2 of 3" in before
    assert "Step 1" not in before
    again.types("-1.3 1.1\n")
    again.sees("✓ right")
    again.sees("H₁ (3 numbers): ")
    again.types("back\n")
    again.sees("Z₁ (3 numbers): ")
    again.types("3.7 -1.3 1.1\n")
    again.sees("H₁ (3 numbers): ")
    again.types("37/10 0 1,1\n")
    again.sees("? says what is wanted")
    again.types("37/10, 0, 1.1\n")
    again.sees("✓ right")
    assert again.leaves() == 0
    shown = again.shown.decode()
    assert "9 of 9 entries are correct" in shown
    assert "answers of" not in shown


def test_what_was_typed_before_quitting_is_kept_and_only_the_rest_is_asked_for(answer):
    _, kept = answer("3.5 -1.0", "quit")
    assert yaml.safe_load(kept.read_text())["answers"] == {"product1": [["3.5", "-1.0", "_"]]}
    resumed, _ = answer("1.0", "3.7 -1.3 1.1", options=("--resume",))
    assert resumed.code == 0
    assert "XW₁[1,3]: " in resumed.out


def test_layers_marks_are_raised_and_a_matrix_of_one_number_is_one(run, monkeypatch, tmp_path):  # noqa: F811
    """or-gate writes layers as W⁽²⁾; its b⁽²⁾ is 1 × 1, δ⁽²⁾·1ᵀ its gradient."""
    spec = backtrace.load("or-gate")
    value = backtrace.trace(spec)["db2"].value
    kept = str(tmp_path / "kept.yaml")
    monkeypatch.setattr("builtins.input", lambda prompt="": f"{float(value.item()):.4f}")
    done = run("quiz", "or-gate", "--ask", "db2", "--progress", kept)
    assert done.code == 0, done.out
    assert "^(2)" not in done.out
    assert "1 × 1" not in done.out
    assert "Step 1 of 1: ∂C/∂b⁽²⁾" in done.out


def test_what_is_shown_helps_and_is_not_asked_for(answer):
    done, _ = answer("?", "quit", options=("--ask", "z1", "--show", "product1"))
    assert "Step 1 of 1" in done.out
    assert "3.5" in done.out


def test_a_quiz_follows_over_a_pipe(tmp_path):
    kept = str(tmp_path / "kept.yaml")
    typed = b"3.5 -1.0 1.0\n3.7 -1.3 1.1\n"
    asked = ("quiz", "mlp-math", "--ask", "product1,z1", "--progress", kept)
    done = piped(*asked, stdin=typed)
    assert done.code == 0, done.err
    lines = done.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert "\x1b" not in done.out
    assert [line for line in lines if "✓" in line][:2] == ["  ✓ right", "  ✓ right"]


@pytest.mark.parametrize(
    "text", ['"3"', "\ufeff3", "3\\", "\\x41", "3\x7f", "½\u2028", "#", "]: *"]
)
def test_what_is_kept_is_taken_up_whatever_was_written(text):
    quiz = Quiz(worksheet(backtrace.load("mlp-math"), ["z1", "a1", "loss"]))
    again = Quiz(worksheet(backtrace.load("mlp-math"), ["z1", "a1", "loss"]))
    z, _, loss = quiz.quantities
    quiz.put(z, [[text, "-1.0", "1.0"]])
    quiz.put(loss, [[text]])
    again.take_up(quiz.text.encode(), "kept")
    assert quiz.text.replace("\n", "").isprintable()
    assert [*again.answers] == [*quiz.answers]
    if text.isprintable():  # else it is kept as it is shown
        assert again.answers == quiz.answers
