"""``list``, ``show``, ``--version``, ``--help``, and how the program starts and stops."""

import io
import subprocess
import sys

import pytest

import backtrace
import backtrace.cli.app
from backtrace.cli import main
from backtrace.cli.app import _name
from backtrace.cli.app import app as commands
from backtrace.spec import bundled
from tests.cli.running import piped, run

__all__ = ["run"]


def test_list_names_every_network_with_its_size_and_purpose(run):
    done = run("list")
    assert done.code == 0
    rows = [row for shelf in bundled.SHELVES.values() for row in shelf]
    assert sorted(row.name for row in rows) == bundled.names()
    for row in rows:
        (line,) = [line for line in done.out.splitlines() if line.split()[:1] == [row.name]]
        assert row.size in line
        assert line.endswith(row.purpose)
        assert len(line) <= 80


@pytest.mark.parametrize("row", [row for shelf in bundled.SHELVES.values() for row in shelf])
def test_the_size_in_the_list_is_that_of_the_network(row):
    spec = backtrace.load(row.name)
    if spec.equations is not None:
        assert row.size == f"{len(spec.equations.lines)} lines"
    else:
        units = [spec.layers[0].inputs, *(layer.units for layer in spec.layers)]
        assert row.size == " → ".join(map(str, units))


def test_the_list_fits_a_terminal_of_ascii(run, monkeypatch):
    monkeypatch.setenv("TERM", "linux")
    done = run("list")
    assert done.code == 0
    assert "2 -> 3 -> 1" in done.out


@pytest.mark.parametrize("width", ["60", "80"])
def test_help_cuts_nothing_off(run, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", width)
    for name in ("", "trace", "export", "train", "check", "verify", "mistakes"):
        said = run(*filter(None, [name, "--help"])).out
        assert "…" not in said
        assert max(map(len, said.splitlines())) <= int(width)
    said = " ".join(run("--help").out.split())
    assert "what is right, what is wrong, what follows from an earlier mistake." in said


def test_show_prints_the_file_without_the_editors_line(run, tmp_path):
    done = run("show", "mlp-math")
    assert done.code == 0
    written = bundled.path("mlp-math").read_bytes()
    assert written == bundled.EDITORS_LINE.encode() + done.out.encode()
    mine = tmp_path / "mine.yaml"
    mine.write_text(done.out, encoding="utf-8")
    assert run("trace", str(mine)).out == run("trace", "mlp-math").out


def test_show_of_no_network_names_those_there_are(run):
    done = run("show", "or-gat")
    assert done.code == 2
    assert done.out == ""
    assert "Did you mean or-gate?" in done.err
    assert "softmax" in run("show", "zzz").err


def test_version(run):
    done = run("--version")
    assert done.code == 0
    assert done.out == f"backtrace {backtrace.__version__}\n"


def test_help_tells_commands_and_exit_codes(run):
    for flag in ("--help", "-h"):
        done = run(flag)
        assert done.code == 0
        assert done.err == ""
        for word in ("trace", "list", "show", "Exit codes: 0", "2 the command line or the spec"):
            assert word in " ".join(done.out.split())


def test_every_command_has_help_and_every_option_says_what_it_does(run):
    assert run("trace", "--help").code == run("list", "-h").code == run("show", "-h").code == 0
    trace = run("trace", "--help").out
    options = [line for line in trace.splitlines() if line.strip().startswith("--")]
    assert len(options) == 12
    assert all(len(line) <= 80 for line in trace.splitlines())


def test_no_command_shows_the_help(run):
    done = run()
    assert "Usage:" in done.out + done.err
    assert done.code in (0, 2)  # Typer's, by its version


@pytest.mark.parametrize("command", commands.registered_commands, ids=_name)
def test_a_command_by_itself_works_or_says_what_it_lacks(run, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.StringIO())  # init asks, and takes what it offers
    done = run(_name(command))
    assert done.code in (0, 2)
    assert done.out + done.err
    assert done.code == 0 or "[E50" in done.err


def test_an_unknown_command_is_refused(run):
    done = run("trase")
    assert done.code == 2
    assert "trase" in done.err


@pytest.mark.parametrize("flag", ["--help", "--version"])
def test_asking_for_help_loads_neither_numpy_nor_yaml(flag):
    code = (
        f"import sys; sys.argv = ['backtrace', {flag!r}]\n"
        "from backtrace.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print({'numpy', 'yaml', 'rich', 'msgspec'} & set(sys.modules), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr.decode().strip() == "set()"


def test_a_trace_to_a_pipe_loads_no_console():
    code = (
        "import sys; sys.argv = ['backtrace', 'trace', 'mlp-math']\n"
        "import numpy; numpys = set(sys.modules)\n"  # NumPy 1 loads its random by itself
        "from backtrace.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'rich.console', 'markdown_it', 'fractions', 'numpy.random', 'gzip', 'pydantic'}\n"
        "print(heavy & set(sys.modules) - numpys, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr.decode().strip() == "set()"


def test_python_dash_m_is_the_same_program():
    assert piped("--version").out == f"backtrace {backtrace.__version__}\n"


def test_ctrl_c_ends_as_shells_expect(monkeypatch):
    def interrupted():
        raise KeyboardInterrupt

    monkeypatch.setattr(backtrace.cli.app, "only", lambda called: interrupted)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130  # 128 + SIGINT


def test_the_api_says_what_it_has():
    assert {"load", "loads", "trace", "Trace", "Spec", "SpecError"} <= set(dir(backtrace))
    with pytest.raises(AttributeError, match="no attribute 'lod'"):
        backtrace.lod  # noqa: B018
