"""An exercise as it is handed out on a platform, and the text of it that students may have."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

import msgspec

from backtrace.check.policy import PLAIN, worth
from backtrace.course.worksheet import Worksheet
from backtrace.formats.registry import NotExpressibleError
from backtrace.page import worksheet as page
from backtrace.page.blocks import Document, Handout
from backtrace.spec.document.rewriting import has_key, without

SAID_ANEW = ("expect", "ask")  # the first has answers, the second may ask for less than a sheet
DATE = (1980, 1, 1, 0, 0, 0)  # the same archive every time


class Assignment(msgspec.Struct, frozen=True):
    """``text`` is the spec's. A variant has a ``name``, the title of the exercise that it is one
    ``of``, and the ``students`` who have it, by what a course knows them by."""

    sheet: Worksheet
    text: str
    handout: Handout
    steps: bool = True
    name: str = ""
    of: str = ""
    students: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        return self.sheet.trace.title or "backtrace"

    @property
    def points(self) -> dict[str, float]:
        """The points of an entry of each quantity that is asked for, by its name."""
        policy = self.sheet.spec.marks or PLAIN
        sizes = {each: each.shape[0] * each.shape[1] for each in self.sheet.asked}
        of = {each: worth(each.name, each.id, size, policy) for each, size in sizes.items()}
        whole = sum(of.values())
        scale = 1.0 if policy.total is None or not whole else float(policy.total) / whole
        return {each.name: of[each] * scale / size for each, size in sizes.items()}

    @property
    def document(self) -> Document:
        """The sheet as it is printed."""
        return page.document(self.sheet, self.handout, steps=self.steps)

    @property
    def form(self) -> Document:
        """The sheet where a platform compares the numbers that are typed in."""
        return page.form(self.sheet, self.handout, steps=self.steps)

    @property
    def handed_out(self) -> str:
        """The spec's text without comments, which may tell anything, and without its answers; it
        asks for what the sheet does, so that nothing that is left out is given away.

        Raises NotExpressibleError where its numbers come from files: it goes where these are not.
        """
        if has_key(self.text, "file"):
            raise NotExpressibleError(
                f"{self.title}: takes numbers from files, which are not where the platform works; "
                "write the numbers into the spec, or ask for another format"
            )
        asked = ", ".join(f'"{quantity.name}"' for quantity in self.sheet.asked)
        return f"{without(self.text, SAID_ANEW)}ask: [{asked}]\n"


def zipped(files: Mapping[str, bytes], programs: frozenset[str] = frozenset()) -> bytes:
    """An archive of files, of which ``programs`` may be run."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as folder:
        for name, content in files.items():
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = (0o755 if name in programs else 0o644) << 16
            folder.writestr(info, content, zipfile.ZIP_DEFLATED)
    return written.getvalue()
