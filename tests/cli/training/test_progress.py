"""The progress bar: on a terminal only, rarely drawn, gone at the end."""

import io
import re
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr
from itertools import pairwise

import msgspec
import pytest

import backtrace
from backtrace.cli.training import progress
from backtrace.cli.training.progress import watching
from backtrace.tape.training import Measured, Progress, Record, starting_state
from tests.cli.running import ESCAPE, on_a_terminal, piped

SPEC = msgspec.structs.replace(backtrace.load("xor"), epochs=1000)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@contextmanager
def bar_on(stream, quiet=False):
    """The bar of a training whose stderr is ``stream``."""
    with redirect_stderr(stream), watching(SPEC, quiet) as seen:
        yield seen


def record(epoch):
    return Record(epoch, Measured(1 / (1 + epoch), 0.75))


def standing():
    return Progress((), starting_state(SPEC))


@pytest.fixture(autouse=True)
def surroundings(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 0.0

        def __call__(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(progress, "monotonic", clock)
    return clock


@pytest.fixture
def drawn(monkeypatch):
    """The (epoch, time) of everything that is drawn."""
    found = []
    draw = progress._Bar.draw

    def noted(bar, record):
        found.append((record.epoch, bar.drawn))
        draw(bar, record)

    monkeypatch.setattr(progress._Bar, "draw", noted)
    return found


def test_nothing_in_a_pipe_or_where_it_is_not_wanted(monkeypatch):
    pipe, unwanted, dumb = io.StringIO(), Terminal(), Terminal()
    with bar_on(pipe) as seen:
        seen(record(1), standing)
    with bar_on(unwanted, quiet=True) as seen:
        seen(record(1), standing)
    monkeypatch.setenv("TERM", "dumb")
    with bar_on(dumb) as seen:
        seen(record(1), standing)
    assert (pipe.getvalue(), unwanted.getvalue(), dumb.getvalue()) == ("", "", "")


def test_the_bar_says_epoch_loss_and_accuracy(clock):
    terminal = Terminal()
    with bar_on(terminal) as seen:
        for epoch in range(500):
            clock.now += 0.15
            seen(record(epoch), standing)
    assert "Epoch 499 of 1,000" in terminal.getvalue()
    assert "loss 0.002" in terminal.getvalue()
    assert "75.0 % right" in terminal.getvalue()


@pytest.mark.parametrize("columns", [40, 44, 50, 60, 70, 80, 120])
def test_no_number_is_cut_on_a_narrow_terminal(columns, clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    with bar_on(terminal) as seen:
        seen(record(999), standing)
    assert "Epoch 999 of 1,000" in terminal.getvalue()
    assert "loss 0.001" in terminal.getvalue()
    assert "…" not in terminal.getvalue()


@pytest.mark.parametrize("columns", [8, 12, 20, 24, 30])
def test_columns_are_left_out_of_a_very_narrow_terminal(columns, clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    terminal = Terminal()
    with bar_on(terminal) as seen:
        seen(record(999), standing)
    plain = re.sub(r"\x1b\[[?\d]*[A-Za-z]", "", terminal.getvalue())
    shown = [line.rstrip() for line in re.split("[\r\n]+", plain) if line.strip()][-1]
    assert shown == ("Epoch 999 of 1,000" if columns >= 18 else "999")
    assert len(shown) <= columns


def test_it_is_drawn_ten_times_a_second_at_most(clock, drawn):
    with bar_on(Terminal()) as seen:
        for epoch in range(100_000):
            clock.now += 1e-4
            seen(record(epoch % 1000), standing)
    times = [at for _, at in drawn]
    assert 50 <= len(times) <= 101  # in ten seconds
    assert all(later - earlier >= 0.0999 for earlier, later in pairwise(times))


def test_slow_epochs_are_each_drawn(clock, drawn):
    with bar_on(Terminal()) as seen:
        for epoch in range(50):
            clock.now += 0.5
            seen(record(epoch), standing)
    assert [epoch for epoch, _ in drawn] == list(range(50))


def test_the_bar_is_gone_when_the_block_ends(clock):
    terminal = Terminal()
    with bar_on(terminal) as seen:
        seen(record(1), standing)
    assert terminal.getvalue().rstrip().endswith(f"{ESCAPE}[2K")


def test_below_the_bar_is_what_the_network_says_of_every_point(clock):
    class Unicode(Terminal):
        encoding = "utf-8"

    terminal = Unicode()
    with bar_on(terminal) as seen:
        seen(record(0), standing)
    plain = re.sub(r"\x1b\[[?;\d]*[A-Za-z]", "", terminal.getvalue())
    assert plain.count("▀▀▀") > 10
    # XOR: of the four samples two have the target 1
    assert plain.count("●") == plain.count("○") > 1
    assert "epoch 0" in plain


def test_rich_is_loaded_for_a_bar_only():
    program = (
        "import sys, backtrace; from backtrace.cli.training.progress import watching; "
        "watching(backtrace.load('xor')).__enter__(); print('rich' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_training_on_a_terminal_and_in_a_pipe():
    assert "Epoch " in on_a_terminal("train", "xor", "--epochs", "3000").out
    quiet = piped("train", "xor", "--epochs", "30")
    assert (quiet.code, quiet.err) == (0, "")
    assert "Finished all 30 epochs" in quiet.out
