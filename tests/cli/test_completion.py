"""``backtrace completion``: the scripts, in the shells that are there."""

import os
import re
import select
import shlex
import shutil
import subprocess
import sys
import time

import pytest

from tests.cli.running import HUNG, ROOT, run

__all__ = ["run"]

CASES = [  # what is typed, what is offered, and what is not
    ("backtrace tr", {"trace", "train"}, {"list", "--help"}),
    ("backtrace trace ml", {"mlp-math"}, {"mnist"}),
    ("backtrace trace mlp-math --de", {"--detail"}, {"--data"}),
    ("backtrace trace mlp-math --detail ", {"overview", "entries"}, {"net.yaml"}),
    ("backtrace trace --width 80 --only d net.yaml --layer 1 n", set(), {"new", "mlp-math"}),
    ("backtrace trace n", {"net.yaml"}, {"answers.yaml", "new"}),
    ("backtrace trace mlp-math --only delta,dW", {"delta,dW", "delta,dW2"}, {"delta,db1"}),
    ("backtrace trace net.yaml --only dW", {"dW", "dW1"}, {"dW2"}),
    ("backtrace why attention dW_", {"dW_Q", "dW_K"}, {"W_Q"}),
    ("backtrace check mlp-math an", {"answers.yaml"}, {"net.yaml"}),
    ("backtrace export mlp-math --to s", {"svg", "safetensors"}, {"json", "net.yaml"}),
    ("backtrace new --loss hu", {"huber"}, {"hinge"}),
    ("backtrace init --activation s", {"sigmoid", "softplus"}, {"step"}),
    ("backtrace init --layout ", {"rows", "columns"}, {"net.yaml"}),
    ("backtrace mistakes relu", {"relu-mask-ignored"}, {"mlp-math"}),
    ("backtrace help tr", {"training", "trace"}, {"check"}),
    ("backtrace completion f", {"fish"}, {"bash"}),
    ("backtrace-nn show scal", {"scalar-chain"}, {"softmax"}),
]
SPEC = """
layers: [{activation: linear, weights: [[1]], bias: 0}]
inputs: [[1]]
targets: 1
loss: mse
"""
BASH = (
    'source completion.bash; eval "COMP_WORDS=($1)"; COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); '
    'complete -p "${COMP_WORDS[0]}" >/dev/null && _backtrace && printf "%s\\n" "${COMPREPLY[@]}"'
)
OFFERS = {
    "bash": lambda typed: ["bash", "--norc", "-c", BASH, "bash", _words(typed)],
    "fish": lambda typed: [
        *("fish", "--no-config", "-c"),
        f"source completion.fish; complete -C {shlex.quote(typed)}",
    ],
}


def _words(typed):
    """The words of a line, the last of which may be empty."""
    return " ".join(word or "''" for word in typed.split(" "))


@pytest.fixture
def folder(run, tmp_path):
    if os.name != "posix":
        pytest.skip("the shells are those of POSIX")
    """A folder with files, the scripts and a program of our name, as an environment for shells."""
    for shell in ("bash", "zsh", "fish"):
        script = run("completion", shell)
        assert (script.code, script.err) == (0, "")
        (tmp_path / f"completion.{shell}").write_text(script.out, encoding="utf-8")
    (tmp_path / "net.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "answers.yaml").write_text("z1: 1\n", encoding="utf-8")
    programs = tmp_path / ".programs"
    programs.mkdir()
    for name in ("backtrace", "backtrace-nn"):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m backtrace "$@"\n')
        program.chmod(0o755)
    environment = {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(programs),
        "TERM": "dumb",
        "LANG": "C.UTF-8",
    }
    return tmp_path, environment


@pytest.mark.parametrize("shell", OFFERS)
def test_what_is_offered(shell, folder):
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    place, environment = folder
    for typed, offered, kept_back in CASES:
        done = subprocess.run(
            OFFERS[shell](typed),
            cwd=place,
            env=environment,
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
        assert done.stderr == ""
        found = {line.split("\t")[0] for line in done.stdout.splitlines()}
        assert offered <= found, f"{typed}: {done.stdout}"
        assert not kept_back & found, f"{typed}: {done.stdout}"


TYPED = [  # with a Tab, and what the shell then makes of the line
    ("backtrace trace mlp-m\t", "backtrace trace mlp-math"),
    ("backtrace trace mlp-math --det\tov\t", "backtrace trace mlp-math --detail overview"),
    ("backtrace trace net.y\t--only delta,dW1\t", "backtrace trace net.yaml --only delta,dW1"),
    ("backtrace check mlp-math ans\t", "backtrace check mlp-math answers.yaml"),
    ("backtrace-nn sh\tscal\t", "backtrace-nn show scalar-chain"),
]
STARTS = {
    "bash": ["bash", "--norc", "-i"],
    "zsh": ["zsh", "-f", "-i"],
}
READY = {
    "bash": "PS1=; source completion.bash; bind 'set enable-bracketed-paste off'; echo re''ady\n",
    "zsh": "PS1=; unsetopt zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; "
    "source ./completion.zsh; echo re''ady\n",
}


@pytest.mark.parametrize("shell", STARTS)
def test_tab_completes_the_line(shell, folder):
    """The line is echoed when Enter is pressed, by ``:``, which does nothing with it."""
    if shutil.which(shell) is None:
        pytest.skip(f"there is no {shell}")
    pty = pytest.importorskip("pty")
    place, environment = folder
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        STARTS[shell],
        cwd=place,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        os.write(ours, READY[shell].encode())
        _until(ours, "ready")
        for typed, line in TYPED:
            os.write(ours, typed.encode())
            _until(ours, line)
            os.write(ours, b"\x15echo do''ne\n")
            _until(ours, "done")
    finally:
        os.close(ours)
        process.kill()
        process.wait()


def _until(terminal, wanted):
    """Reads what a shell shows until it shows this."""
    end, shown = time.monotonic() + HUNG, ""
    while wanted not in re.sub(".\x08|\r", "", shown):  # zsh takes a space back
        left = end - time.monotonic()
        assert left > 0, shown
        assert select.select([terminal], [], [], min(left, 30))[0], f"{wanted}: {shown!r}"
        shown += os.read(terminal, 4096).decode(errors="replace")


def test_another_shell_is_refused(run):
    assert "[E503]" in run("completion", "tcsh").err
    assert "say which" in run("completion").err
