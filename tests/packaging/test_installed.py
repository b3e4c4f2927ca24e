"""The wheel, installed alone with the lowest versions allowed, and apart with the newest."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BUILD = "import sys; from hatchling import build; print(build.build_wheel(sys.argv[1]))"
SMALL = "threadpoolctl"  # of our dependencies, to see whether there is a registry at all
RUN_ALL = """
import sys
from importlib.metadata import version
from pathlib import Path

import backtrace
from backtrace.cli import main

assert Path(sys.prefix) in Path(backtrace.__file__).parents, backtrace.__file__
for name in sys.argv[1:]:
    sys.argv = ["backtrace", "trace", name, "--detail", "summary"]
    try:
        main()
    except SystemExit as ended:
        assert not ended.code, name
assert backtrace.verify(backtrace.load("mlp-math")).agrees
print(*(f"{name}=={version(name)}" for name in ("numpy", "typer")), sep="\\n", file=sys.stderr)
"""
NETWORKS = sorted(path.stem for path in (ROOT / "networks").glob("*.yaml"))

pytestmark = pytest.mark.slow


def pip(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)],
        capture_output=True,
        check=False,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    if pip("download", "--no-deps", "--dest", folder, SMALL).returncode:
        pytest.skip("pip finds no package registry")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    return folder / built.stdout.split()[-1]


def lowest(wheel):
    """The lowest version of each dependency that the wheel allows."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        text = archive.read(metadata).decode()
    found = re.findall(r"^Requires-Dist: ([\w-]+)(?:<\S+,)?>=([\d.]+)$", text, re.MULTILINE)
    assert len(found) == len(re.findall(r"^Requires-Dist: [^;\n]*$", text, re.MULTILINE)) > 5
    return "".join(f"{name}=={version}\n" for name, version in found)


@pytest.mark.parametrize("versions", ["lowest", "newest"])
def test_the_wheel_alone_works_all_bundled_networks(wheel, tmp_path, versions):
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    programs = environment / ("Scripts" if sys.platform == "win32" else "bin")
    pins = lowest(wheel) if versions == "lowest" else ""
    (tmp_path / "pins.txt").write_text(pins, encoding="utf-8")
    installed = pip(
        *("--python", programs / "python", "install", "--only-binary=:all:", "--no-compile"),
        *("--constraint", tmp_path / "pins.txt", wheel),
    )
    assert installed.returncode == 0, installed.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    worked = subprocess.run(
        [programs / "python", "-I", "-c", RUN_ALL, *NETWORKS],
        cwd=empty,
        capture_output=True,
        check=False,
        encoding="utf-8",
    )
    assert worked.returncode == 0, worked.stderr
    assert len(NETWORKS) > 20
    lowest_of = {*pins.split(), *(f"{pin}.0" for pin in pins.split())}  # 1.24 is 1.24.0
    assert set(worked.stderr.split()) <= lowest_of or not pins
    command = subprocess.run(
        [programs / "backtrace-nn", "trace", "mlp-math", "--format", "json"],
        cwd=empty,
        check=True,
        capture_output=True,
    )
    assert b'"id":"db1"' in command.stdout.replace(b" ", b"")
    assert not list(empty.iterdir())
