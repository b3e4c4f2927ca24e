"""What is installed holds the networks and their data: the wheel is built and looked into."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]

BUILD = """
import sys
from hatchling import build
print(build.build_wheel(sys.argv[1]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel as pip would build it, without a network or a new environment."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(folder)],
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    )
    return zipfile.ZipFile(folder / built.stdout.split()[-1])


def test_every_file_of_the_networks_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    files = [path for path in (PROJECT / "networks").rglob("*") if path.is_file()]
    assert len(files) >= 16
    for path in files:
        name = f"backtrace/networks/{path.relative_to(PROJECT / 'networks').as_posix()}"
        assert wheel.read(name) == path.read_bytes()


def test_every_chapter_of_the_handbook_is_in_the_wheel(wheel: zipfile.ZipFile) -> None:
    files = list((PROJECT / "backtrace" / "handbook").iterdir())
    assert len(files) > 15
    for path in files:
        assert wheel.read(f"backtrace/handbook/{path.name}") == path.read_bytes()


def test_the_wheel_holds_the_package_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert tops == {"backtrace", f"{_dist_info(wheel)}"}


def test_its_command_is_backtrace_and_for_uvx_and_pipx_the_name_of_the_wheel(
    wheel: zipfile.ZipFile,
) -> None:
    entry_points = wheel.read(f"{_dist_info(wheel)}/entry_points.txt").decode()
    assert entry_points.split() == [
        "[console_scripts]",
        *("backtrace", "=", "backtrace.cli:main"),
        *("backtrace-nn", "=", "backtrace.cli:main"),
    ]


def test_the_licence_and_the_attribution_come_with_it(wheel: zipfile.ZipFile) -> None:
    licence = wheel.read(f"{_dist_info(wheel)}/licenses/LICENSE").decode()
    assert "the backtrace authors" in licence
    assert "https://doi.org/10.24432/C50P49" in licence


def test_its_page_links_to_nothing_that_is_not_there(wheel: zipfile.ZipFile) -> None:
    """PyPI shows the README without the files beside it."""
    metadata = wheel.read(f"{_dist_info(wheel)}/METADATA").decode()
    head, _, page = metadata.partition("\n\n")
    assert "Description-Content-Type: text/markdown" in head
    assert page.startswith("# backtrace\n")
    links = re.findall(r"\]\(([^)]*)\)", page)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    assert "python3 -m pip install backtrace-nn && backtrace trace mlp-math" in page
    assert "pip install ." not in page
    assert "repository" not in page.lower().replace("machine learning repository", "")
    named = set(re.findall(r"\(`backtrace help (\w+)`\)", page))
    chapters = {path.stem for path in (PROJECT / "backtrace" / "handbook").glob("*.md")}
    assert named == chapters - {"README"}


def _dist_info(wheel: zipfile.ZipFile) -> str:
    return next(name.partition("/")[0] for name in wheel.namelist() if ".dist-info/" in name)
