"""``backtrace export``: every format, files whole or not at all, saved traces in place of specs."""

import errno
import json
import os
import signal
import stat
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtrace
from backtrace.cli import output
from backtrace.formats import registry
from backtrace.formats.json.trace import TraceFormatError, decode, encode, exported
from backtrace.formats.json.trace_validation import read
from backtrace.page.trace import View
from tests.cli.running import piped, run
from tests.networks.kinds import LAYERED
from tests.sampling import share

__all__ = ["run"]

TEXT_FORMATS = [name for name in registry.FORMATS if name != "png"]
SMALL = [name for name in LAYERED if name not in ("mnist", "digits")]
ROOT = Path(__file__).parents[2]


# Formats


@pytest.mark.parametrize(("name", "format"), list(product(LAYERED, TEXT_FORMATS)))
def test_every_network_in_every_format(run, tmp_path, name, format):
    row = registry.FORMATS[format]
    details = ["summary", "matrices", "entries"] if name in SMALL else ["matrices"]
    for detail in details if "detail" in row.options else [None]:
        file = tmp_path / f"{detail}{row.ending}"
        options = ["--detail", detail, "--explain"] if detail else []
        done = run("export", name, "-o", str(file), *options)
        assert (done.code, done.out, done.err) == (0, "", "")
        content = file.read_bytes()
        assert content.endswith(b"\n")
        assert registry.is_ours(content)
        content.decode()


def test_a_png_says_who_made_it(tmp_path, run):
    pytest.importorskip("resvg_py")
    file = tmp_path / "n.png"
    assert run("export", "mlp-math", "-o", str(file)).code == 0
    assert file.read_bytes().startswith(b"\x89PNG\r\n")
    assert registry.is_ours(file.read_bytes())


def test_the_table_names_what_exists():
    for name, row in registry.FORMATS.items():
        module, _, function = row.writer.partition(":")
        source = (ROOT / "backtrace" / "formats" / f"{module.replace('.', '/')}.py").read_text(
            encoding="utf-8"
        )
        of_document = "document: blocks.Document, *, fragment"
        takes = "trace: Trace, view: View" if row.of_trace else of_document
        assert f"def {function}({takes}" in source, name
        assert registry.ENDINGS[row.ending] == name


def test_help_names_every_format(run):
    told = run("export", "--help").out
    assert all(name in told for name in registry.FORMATS)


def test_updates_that_are_left_out_are_told_and_how_to_have_them(run, tmp_path):
    """Two epochs of three samples, one a time: of 6 updates 3 are shown."""
    spec = tmp_path / "six.yaml"
    spec.write_text(
        "layers: [{weights: [[1]], bias: 0, activation: linear}]\ninputs: [[1], [2], [3]]\n"
        "targets: [[1], [1], [2]]\nloss: mse\nlearning_rate: 0.1\nupdates: online\nepochs: 2\n"
    )
    done = run("export", str(spec), "-o", str(tmp_path / "six.md"))
    assert (done.code, "3 updates left out" in done.err, "--epochs 2" in done.err) == (
        0,
        True,
        True,
    )
    again = run("export", str(spec), "-o", str(tmp_path / "six.md"), "--epochs", "2")
    assert again.err == ""


def test_the_format_is_the_endings_unless_said(run, tmp_path):
    as_said, by_ending = tmp_path / "a.txt", tmp_path / "a.TEX"
    run("export", "xor", "-o", str(as_said), "--to", "latex")
    run("export", "xor", "-o", str(by_ending))
    assert as_said.read_text() == by_ending.read_text()
    assert run("export", "xor", "-o", "-", "--to", "latex").out == as_said.read_text()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-o", "a.doc"], "a.doc: no format by its ending"),
        (["-o", "-"], "-o -: say with --to"),
        (["-o", "a.md", "--to", "word"], "--to word: no such format"),
        (["-o", "a.pdf"], "Write a .tex and run pdflatex on it"),
        (["-o", "a.json", "--detail", "entries"], "--detail: of no use with --to json"),
        (["-o", "a.md", "--fragment"], "--fragment: of no use with --to markdown"),
        (["-o", "a.svg", "--explain"], "--explain: of no use with --to svg"),
        (["-o", "a.svg", "--detail", "entries"], "--detail: of no use with --to svg"),
        (["-o", "a.json", "--detail", "overview"], "--detail overview: of no use with --to json"),
        (["-o", "a.md", "--only", "delta7"], "--only delta7: there is no such quantity"),
        (["-o", "nowhere/a.md"], "nowhere/a.md: there is no folder nowhere"),
        (["-o", "a.md", "--decimals", "99"], "99"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nothing_written(
    run, tmp_path, monkeypatch, arguments, told
):
    monkeypatch.chdir(tmp_path)
    done = run("export", "xor", *arguments)
    assert done.code == 2
    assert told in done.err
    assert done.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("format", TEXT_FORMATS)
def test_every_option_a_format_heeds_makes_a_difference(run, format):
    usual = run("export", "or-gate", "-o", "-", "--to", format).out
    values = {"detail": ["entries"], "decimals": ["1"], "decimal-mark": [","]}
    for option in registry.FORMATS[format].options:
        words = f"--{option}".split() + values.get(option, [])
        assert run("export", "or-gate", "-o", "-", "--to", format, *words).out != usual, option
    assert run("export", "or-gate", "-o", "-", "--to", format, "--layer", "1").out != usual


# Saved traces


@pytest.mark.parametrize("name", SMALL)
def test_a_saved_trace_is_a_spec_for_every_renderer(run, tmp_path, name):
    saved = tmp_path / "saved.json"
    run("export", name, "-o", str(saved))
    assert decode(saved.read_bytes()) == backtrace.trace(backtrace.load(name))
    for format in TEXT_FORMATS:
        arguments = ["-o", "-", "--to", format]
        assert run("export", str(saved), *arguments).out == run("export", name, *arguments).out
    assert run("trace", str(saved)).out == run("trace", name).out


def test_a_saved_trace_comes_by_stdin_too():
    saved = piped("export", "xor", "-o", "-", "--to", "json").out.encode()
    assert piped("trace", "-", stdin=saved).out == piped("trace", "xor").out


def test_a_specs_own_json_is_still_a_spec(tmp_path, run):
    spec = {"title": "t", "layers": [{"activation": "linear", "weights": [[1]], "bias": "none"}],
            "inputs": [[1]]}  # fmt: skip
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(spec))
    assert run("trace", str(file)).code == 0


def test_what_a_saved_trace_cannot_do_is_said(run, tmp_path):
    whole, part = tmp_path / "whole.json", tmp_path / "part.json"
    run("export", "xor", "-o", str(whole))
    run("export", "xor", "-o", str(part), "--only", "delta")
    for arguments, told in (
        ([str(part)], "a part of a trace (a0 of epoch 1, batch 1 is missing)"),
        ([str(whole), "--epochs", "3"], f"--epochs 3: {whole} is a saved trace of 1"),
        ([str(whole), "--data", str(tmp_path)], "is a saved trace, which names no files"),
    ):
        done = run("export", *arguments, "-o", "-", "--to", "markdown")
        assert (done.code, done.out) == (2, "")
        assert told in done.err


def test_json_carries_the_decimals_to_print():
    trace = backtrace.trace(backtrace.load("xor"))
    again = decode(exported(trace, View(decimals=2)))
    assert again == msgspec.structs.replace(trace, decimals=2)


DOCUMENTS = [
    json.loads(encode(backtrace.trace(backtrace.load(name)))) for name in ("softmax", "attention")
]
ODD = st.sampled_from([
    None, -1, 0, 10**400, 1.5, "", "x", "\\input{x}", "<b>", "1/0", "nan", [], {}, [[]],
    [[1], [2, 3]], True, "W9999999", "a0", ["a0"], "given", "matmul",
])  # fmt: skip


@st.composite
def spoilt(draw):
    """A saved trace with one thing changed or gone, somewhere."""
    document = json.loads(json.dumps(draw(st.sampled_from(DOCUMENTS))))
    here, key = document, draw(st.sampled_from(sorted(document)))
    while isinstance(here[key], dict | list) and here[key] and draw(st.booleans()):
        here = here[key]
        key = draw(st.sampled_from(sorted(here) if isinstance(here, dict) else range(len(here))))
    if draw(st.booleans()):
        here[key] = draw(ODD)
    else:
        del here[key]
    return document


def test_a_line_of_a_board_that_has_another_name_is_refused():
    """As its own loss with the new parameters it would have no title."""
    text = json.dumps(DOCUMENTS[1])
    assert text.count('"id": "loss_after"') == 1
    with pytest.raises(TraceFormatError, match="can't be written"):
        read(text.replace('"id": "loss_after"', '"id": "lo_after"').encode())


@given(spoilt())
@settings(max_examples=share(100))
def test_a_spoilt_trace_is_refused_or_printed(document):
    try:
        trace = read(json.dumps(document).encode())
    except TraceFormatError:
        return
    for format in ("markdown", "latex", "json"):
        page = registry.FORMATS[format].render(trace, View(detail="entries", explain=True))
        assert b"\\input{x}" not in page or format != "latex"


# Files


def test_somebody_elses_file_is_left_alone_without_force(run, tmp_path):
    file = tmp_path / "notes.md"
    file.write_text("mine")
    done = run("export", "xor", "-o", str(file))
    assert (done.code, file.read_text()) == (2, "mine")
    assert "a file that backtrace did not make; --force replaces it" in done.err
    assert run("export", "xor", "-o", str(file), "--force").code == 0
    assert run("export", "mlp-math", "-o", str(file)).code == 0  # ours now
    assert "MLP Math" in file.read_text()


def test_a_refused_spec_leaves_the_file(run, tmp_path):
    file = tmp_path / "page.md"
    run("export", "xor", "-o", str(file))
    before = file.read_bytes()
    assert run("export", "no-such-network", "-o", str(file)).code == 2
    assert file.read_bytes() == before


def test_a_link_stays_and_the_mode_too(run, tmp_path):
    file, link = tmp_path / "real.md", tmp_path / "link.md"
    run("export", "xor", "-o", str(file))
    file.chmod(0o640)
    link.symlink_to(file)
    run("export", "mlp-math", "-o", str(link))
    assert link.is_symlink()
    assert "MLP Math" in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640 or os.name != "posix"


def failing(*arguments, limit, **options):
    resource = pytest.importorskip("resource", reason="limits of a process are POSIX's")

    def before():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    command = [sys.executable, "-m", "backtrace", "export", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, preexec_fn=before, cwd=ROOT, check=False, **options
    )


def test_a_disk_that_is_full_leaves_the_old_file(tmp_path, run):
    file = tmp_path / "page.md"
    run("export", "mlp-math", "-o", str(file))
    before = file.read_bytes()
    done = failing("or-gate", "-o", str(file), limit=2000)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{file}: not written (File too large); the file is as it was" in done.stderr
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_standard_output_is_said():
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "backtrace", "export", "xor", "-o", "-", "--to", "json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, cwd=ROOT, check=False)
    assert done.returncode == 2
    assert b"standard output: not written (No space left on device)" in done.stderr


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_said(run, tmp_path):
    tmp_path.chmod(0o500)
    done = run("export", "xor", "-o", str(tmp_path / "page.md"))
    tmp_path.chmod(0o700)
    assert done.code == 2
    assert "Permission denied" in done.err


@pytest.mark.parametrize("error", [PermissionError(13, "Permission denied"), OSError(28, "full")])
def test_a_failure_at_any_moment_leaves_the_old_file(tmp_path, run, monkeypatch, error):
    file = tmp_path / "page.md"
    run("export", "mlp-math", "-o", str(file))
    before = file.read_bytes()

    def refuses(*arguments):
        raise error

    for moment in ("fsync", "open", "fdopen"):
        with monkeypatch.context() as patched:
            patched.setattr(output.os, moment, refuses)
            done = run("export", "xor", "-o", str(file))
        assert done.code == 2
        assert f"not written ({error.strerror}); the file is as it was" in done.err
        assert file.read_bytes() == before
        assert list(tmp_path.iterdir()) == [file]


@pytest.fixture
def heard():
    """Ctrl-C as a terminal sends it: a shell has what runs in its background ignore it."""
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, usual)


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX's")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGINT"])
@pytest.mark.usefixtures("heard")
def test_a_signal_leaves_the_old_file_and_no_other(tmp_path, name, monkeypatch, capsys):
    number = getattr(signal, name)
    file = tmp_path / "page.md"
    file.write_bytes(b"<!-- Made by backtrace. -->")

    def interrupted(descriptor):
        os.kill(os.getpid(), number)
        time.sleep(5)

    monkeypatch.setattr(output.os, "fsync", interrupted)
    made = output.Output(str(file), force=False, is_ours=registry.is_ours)
    with pytest.raises((SystemExit, KeyboardInterrupt)) as ended:
        made.write(b"new")
    assert isinstance(ended.value, KeyboardInterrupt) or ended.value.code == 128 + number
    assert "the file is as it was" in capsys.readouterr().err
    assert file.read_bytes() == b"<!-- Made by backtrace. -->"
    assert list(tmp_path.iterdir()) == [file]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_a_reader_that_stops_early_is_no_error():
    command = f"{sys.executable} -m backtrace export xor -o - --to html | head -c 10"
    done = subprocess.run(command, shell=True, capture_output=True, cwd=ROOT, check=False)
    assert (len(done.stdout), done.stderr) == (10, b"")


# Length


@pytest.mark.parametrize("format", ["markdown", "latex"])
def test_a_long_trace_has_every_update(format):
    spec = backtrace.load("momentum")
    trace = backtrace.trace(msgspec.structs.replace(spec, epochs=30))
    from backtrace.page.selection import Selection

    page = registry.FORMATS[format].render(trace, View(selection=Selection(epochs=30))).decode()
    assert page.count("Epoch ") == 30
    assert np.isfinite(trace["loss@30"].value)


@pytest.mark.parametrize("windows", [True, False])
def test_windows_calls_a_reader_that_is_gone_an_invalid_argument(monkeypatch, windows):
    monkeypatch.setattr(output, "WINDOWS", windows)
    assert output.is_unread(OSError(errno.EPIPE, "Broken pipe"))
    assert output.is_unread(OSError(errno.EINVAL, "Invalid argument")) == windows
    assert not output.is_unread(OSError(errno.EINVAL, "Invalid argument", "a?b.md"))
    assert not output.is_unread(OSError(errno.ENOSPC, "No space left on device"))
