"""Runs the command line: in this process, as a process of its own, or on a terminal."""

import os
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest

from backtrace.cli import main

ROOT = Path(__file__).resolve().parents[2]

ESCAPE = "\x1b"
HUNG = 600  # seconds after which a process that was waited for is said to hang


class Outcome(msgspec.Struct):
    code: int
    out: str
    err: str


@pytest.fixture
def run(capsys, monkeypatch):
    """``run("trace", "mlp-math")`` in this process; an exception would fail the test."""
    for name in ("COLUMNS", "NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)

    def called(*arguments):
        monkeypatch.setattr(sys, "argv", ["backtrace", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Outcome(ended.value.code or 0, captured.out, captured.err)

    return called


def started(*arguments):
    """``backtrace train`` with these arguments as a process that goes on until it is stopped."""
    if os.name != "posix":
        pytest.skip("Windows has no Ctrl-C for a process of its own")
    return subprocess.Popen(
        [sys.executable, "-m", "backtrace", "train", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONIOENCODING": "utf-8"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(happened, process):
    """Until it has happened; the test fails where the process ends before, or hangs."""
    end = time.monotonic() + HUNG
    while not happened():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, "it hangs"
        time.sleep(0.005)


def piped(*arguments, stdin=b"", **environment):
    """A process whose output is a pipe; what it prints is UTF-8, its lines end as the system's."""
    clean = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR", "TERM")}
    done = subprocess.run(
        [sys.executable, "-m", "backtrace", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=clean | {"PYTHONIOENCODING": "utf-8"} | environment,
    )
    out, err = (each.decode().replace(os.linesep, "\n") for each in (done.stdout, done.stderr))
    return Outcome(done.returncode, out, err)


def on_a_terminal(*arguments, typed=b"", columns=80, **environment):
    """What a terminal of so many columns shows, with ``typed`` at its keyboard."""
    pty = pytest.importorskip("pty")
    termios = pytest.importorskip("termios")
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns)) if hasattr(termios, "tcsetwinsize") else None
    clean = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "NO_COLOR")}
    settings = {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8", **environment}
    process = subprocess.Popen(
        [sys.executable, "-m", "backtrace", *arguments],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=clean | settings,
    )
    os.close(theirs)
    os.write(ours, typed)
    shown = everything(ours)
    os.close(ours)
    return Outcome(process.wait(), shown.decode().replace("\r\n", "\n"), "")


def everything(file):
    """All that a terminal shows until the program at its other side has gone."""
    shown = b""
    while True:
        try:
            part = os.read(file, 65536)
        except OSError:  # the other side has closed
            return shown
        if not part:
            return shown
        shown += part
