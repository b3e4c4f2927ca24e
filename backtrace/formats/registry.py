"""The formats of an export, a row a format: of a trace, and of the network itself."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING
from zlib import crc32

import msgspec

from backtrace.formats import file_signatures as signatures

if TYPE_CHECKING:
    from backtrace.page.trace import View
    from backtrace.spec.error_codes import ErrorCode
    from backtrace.spec.model import Spec
    from backtrace.tape.trace import Trace

DERIVATION = frozenset(["detail", "detail overview", "explain", "decimals", "decimal-mark"])
DRAWN = frozenset(["detail overview", "decimals", "decimal-mark"])


class MissingExtraError(RuntimeError):
    """A format's library is not installed; the message says what to install."""

    code: ErrorCode = "E510"


class PageFormat(msgspec.Struct, frozen=True):
    """A format: where its writer is, what its files are called and how they are recognised.

    ``writer`` is ``module:function`` in ``backtrace.formats``: a pure function that gives text or,
    of a picture, bytes, of a ``Document`` and whether it is to be a ``fragment``, or, where
    ``of_trace``, of a trace and a ``View``. One of ``marks`` stands near the beginning of every
    file it writes. ``options`` names those it heeds beside the selection.
    """

    writer: str
    ending: str
    marks: tuple[bytes, ...]
    options: frozenset[str]
    of_trace: bool = False

    def render(self, trace: Trace, view: View) -> bytes:
        """The file's content. Raises MissingExtraError where a library is not installed."""
        module, _, name = self.writer.partition(":")
        write = getattr(import_module(f"backtrace.formats.{module}"), name)
        if self.of_trace:
            written = write(trace, view)
        else:
            from backtrace.page.trace import document

            written = write(document(trace, view), fragment=view.fragment)
        return written.encode() if isinstance(written, str) else bytes(written)


class Written(msgspec.Struct, frozen=True):
    """A file's content and, where it needs a file beside it, the content of that."""

    content: bytes
    beside: bytes | None = None


class NetworkFormat(msgspec.Struct, frozen=True):
    """A format of a network, not of its derivation.

    ``renderer`` is ``module:function`` in ``backtrace.formats``: a pure function of a spec and of
    the name of a file that may stand beside it (empty: none may) that gives a ``Written``.
    ``ending``, ``marks`` and ``options`` are as in a ``PageFormat``; ``beside`` is the ending of
    the file beside it, empty where the format never needs one. ``changed`` says of a file of this
    format, which people go on working in, whether somebody has.
    """

    renderer: str
    ending: str
    marks: tuple[bytes, ...]
    options: frozenset[str] = frozenset()
    beside: str = ""
    changed: Callable[[bytes], bool] | None = None

    def render(self, spec: Spec, beside: str = "") -> Written:
        """What is to be written.

        Raises MissingExtraError where a library is not installed, NotExpressibleError where the
        format can't say what the spec asks.
        """
        module, _, name = self.renderer.partition(":")
        written = getattr(import_module(f"backtrace.formats.{module}"), name)(spec, beside)
        assert isinstance(written, Written)
        return written


class NotExpressibleError(ValueError):
    """A spec that a format has no words for; the message says what and why."""

    code: ErrorCode = "E511"


FORMATS: dict[str, PageFormat] = {
    "markdown": PageFormat(
        "markdown.writer:file", ".md", (signatures.TAGGED.encode(),), DERIVATION
    ),
    "latex": PageFormat(
        "latex.writer:file",
        ".tex",
        (signatures.TEX.encode(),),
        DERIVATION | {"fragment"},
    ),
    "html": PageFormat(
        "html.writer:file",
        ".html",
        (signatures.TAGGED.encode(), signatures.FRAGMENT.encode()),
        DERIVATION | {"fragment"},
    ),
    "json": PageFormat(
        "json.trace:exported",
        ".json",
        (signatures.TRACE.encode(),),
        frozenset(["decimals"]),
        of_trace=True,
    ),
    "svg": PageFormat(
        "drawing.svg:svg", ".svg", (signatures.TAGGED.encode(),), DRAWN, of_trace=True
    ),
    "png": PageFormat("drawing.png:png", ".png", (signatures.PNG,), DRAWN, of_trace=True),
}


def _program_changed(content: bytes) -> bool:
    """Whether the checksum in the first line of a program is no longer that of the rest."""
    first, _, rest = content.partition(b"\n")
    return not first.endswith(checksum(rest))


def checksum(rest: bytes) -> bytes:
    """What stands at the end of a program's first line, for the lines below it."""
    return b"%08x" % crc32(rest)


NETWORK_FORMATS: dict[str, NetworkFormat] = {
    "torch": NetworkFormat(
        "torch.program:program",
        ".py",
        (signatures.PROGRAM.encode(),),
        frozenset(["epochs"]),
        beside=".npz",
        changed=_program_changed,
    ),
    "npz": NetworkFormat("weights:starting_npz", ".npz", (signatures.ARCHIVE,)),
    "safetensors": NetworkFormat(
        "weights:starting_safetensors", ".safetensors", (signatures.SAFETENSORS,)
    ),
}
ALL_FORMATS: dict[str, PageFormat | NetworkFormat] = {**FORMATS, **NETWORK_FORMATS}
ENDINGS = {row.ending: name for name, row in ALL_FORMATS.items()} | {
    ".markdown": "markdown",
    ".latex": "latex",
    ".htm": "html",
}
START = 4096  # bytes of a file in which its mark is


def is_ours(start: bytes) -> bool:
    """Whether a file that begins with these bytes was written by one of the renderers."""
    squeezed = start[:START].replace(b'": "', b'":"')
    return any(mark in squeezed for row in ALL_FORMATS.values() for mark in row.marks)
