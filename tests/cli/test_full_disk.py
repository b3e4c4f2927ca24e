"""A disk that fills up while something is written: it is said, the code is 2, older files stay."""

import os
import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")
LIMIT = 1000  # bytes of a file


def limited(*arguments, **options):
    """The command, none of whose files can grow beyond the limit, as on a disk that is full."""
    return subprocess.run(
        [sys.executable, "-m", "backtrace", *arguments],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT, LIMIT)),
        **options,
    )


@pytest.mark.parametrize("unbuffered", ["", "1"])  # where Python looks at no write twice
@pytest.mark.parametrize(
    "command", [["trace", "mlp-math", "--format", "json"], ["show", "mnist"], ["trace", "adam"]]
)
def test_standard_output_is_written_whole_or_it_is_said(tmp_path, command, unbuffered):
    environment = os.environ | {"PYTHONUNBUFFERED": unbuffered, "PYTHONIOENCODING": "utf-8"}
    with (tmp_path / "out").open("wb") as out:
        done = limited(*command, stdout=out, env=environment)
    assert (done.returncode, (tmp_path / "out").stat().st_size) == (2, LIMIT)
    assert done.stderr.startswith(b"backtrace: could not write the output: ")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["export", "mlp-math", "-o", "kept.md"],
        ["train", "xor", "--epochs", "3", "--quiet", "--save", "kept.npz", "--force"],
        ["train", "xor", "--epochs", "3", "--quiet", "--plot", "kept.svg", "--force"],
    ],
    ids=lambda each: each[-1] if each[-1] != "--force" else each[-2],
)
def test_an_older_file_stays_as_it_was(tmp_path, command):
    kept = next(each for each in command if each.startswith("kept"))
    path = tmp_path / kept
    path.touch()  # an empty file is anybody's
    done = limited(*command, stdout=subprocess.DEVNULL, cwd=tmp_path)
    assert done.returncode == 2
    assert f"{kept}: not written".encode() in done.stderr
    assert [each.name for each in tmp_path.iterdir()] == [kept]
    assert path.read_bytes() == b""
