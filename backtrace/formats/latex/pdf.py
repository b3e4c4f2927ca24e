"""A LaTeX document as PDF, set by the TeX that is installed."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from backtrace.formats.latex.scripts import FONTS, LACKS, OTHERS
from backtrace.formats.latex.writer import file
from backtrace.formats.registry import MissingExtraError
from backtrace.page.blocks import Document

PROGRAMS = ("lualatex", "pdflatex")
LACKING = re.compile(rf"^{LACKS}(\w+)".encode(), re.MULTILINE)
LONGEST = 300  # seconds; the fonts of a new TeX are gathered first, once


def _told(scripts: Iterable[str]) -> str:
    """What a page would have holes without, and what has it."""
    fonts = (f"{script}: {FONTS.get(script, OTHERS)[0]}" for script in scripts)
    return (
        f"PDF: lualatex finds no font for words on the page ({', '.join(fonts)}). Install one (in "
        "Debian the packages texlive-luatex, fonts-noto-core and fonts-noto-cjk), or ask for html"
    )


def pdf(document: Document) -> bytes:
    """The document's pages. Raises MissingExtraError where no TeX is installed, or it sets none or
    lacks a font."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise MissingExtraError("PDF needs TeX: install TeX Live (lualatex), or ask for latex")
    with TemporaryDirectory() as folder:
        Path(folder, "page.tex").write_text(file(document), encoding="utf-8")
        command = [program, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape"]
        done = subprocess.run(  # noqa: S603 - the TeX of this machine, on a page of ours
            [*command, "page.tex"], cwd=folder, capture_output=True, timeout=LONGEST, check=False
        )
        lacking = LACKING.findall(done.stdout)
        if lacking:
            raise MissingExtraError(_told(dict.fromkeys(map(bytes.decode, lacking))))
        made = Path(folder, "page.pdf")
        if done.returncode or not made.is_file():
            raise MissingExtraError(f"{Path(program).name} could not set the page; ask for latex")
        return made.read_bytes()
