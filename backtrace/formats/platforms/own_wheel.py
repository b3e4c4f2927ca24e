"""This program as a wheel, for machines that check what is handed in.

They need this version, wherever it may be published. The bundled networks and the handbook, which
have answers, are left out.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from backtrace.formats.platforms.assignment import zipped
from backtrace.formats.registry import MissingExtraError

NAME = "backtrace-nn"
PACKAGE = Path(__file__).resolve().parents[2]
LEFT_OUT = frozenset(["networks", "handbook", "__pycache__"])
WHEEL = """Wheel-Version: 1.0
Generator: backtrace
Root-Is-Purelib: true
Tag: py3-none-any
"""


@cache
def wheel() -> tuple[str, bytes]:
    """The wheel's name, by which pip knows it, and its content.

    Raises MissingExtraError where this program is not installed, only imported.
    """
    try:
        own = distribution(NAME)
    except PackageNotFoundError:
        raise MissingExtraError("this program has to be installed to be carried along") from None
    name = f"{NAME.replace('-', '_')}-{own.version}"
    files = {
        path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes()
        for path in sorted(PACKAGE.rglob("*"))
        if path.is_file() and not LEFT_OUT & {*path.relative_to(PACKAGE).parts}
    }
    told = {"METADATA": _metadata(own), "WHEEL": WHEEL}
    for kept in ("entry_points.txt", "licenses/LICENSE"):
        told[kept] = own.read_text(kept) or ""
    files |= {f"{name}.dist-info/{file}": text.encode() for file, text in told.items()}
    record = f"{name}.dist-info/RECORD"
    files[record] = "".join(f"{file},,\n" for file in (*files, record)).encode()
    return f"{name}-py3-none-any.whl", zipped(files)


def _metadata(own: Distribution) -> str:
    needed = (each for each in own.requires or () if "extra ==" not in each or "xlsx" in each)
    lines = [f"Name: {NAME}", f"Version: {own.version}", "Provides-Extra: xlsx"]
    lines += [f"Requires-Python: {own.metadata['Requires-Python']}"]
    return "\n".join(["Metadata-Version: 2.1", *lines, *(f"Requires-Dist: {n}" for n in needed)])
