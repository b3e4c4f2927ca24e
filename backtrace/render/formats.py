"""The formats a trace can be exported to, a row a format; each is a module of its own."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from backtrace.render.derivation import View
    from backtrace.tape.trace import Trace

DERIVATION = frozenset(["detail", "explain", "decimals", "decimal-mark"])
DRAWN = frozenset(["decimals", "decimal-mark"])


class MissingExtraError(RuntimeError):
    """A format's library is not installed; the message says what to install."""


class PageFormat(msgspec.Struct, frozen=True):
    """A format: where its renderer is, what its files are called and how they are recognised.

    ``renderer`` is ``module:function`` in ``backtrace.render``: a pure function of a trace and a
    ``View`` that gives text or, of a picture, bytes. One of ``marks`` stands near the beginning of
    every file it writes. ``options`` names those it heeds beside the selection.
    """

    renderer: str
    ending: str
    marks: tuple[bytes, ...]
    options: frozenset[str]

    def render(self, trace: Trace, view: View) -> bytes:
        """The file's content. Raises MissingExtraError where a library is not installed."""
        module, _, name = self.renderer.partition(":")
        written = getattr(import_module(f"backtrace.render.{module}"), name)(trace, view)
        return written.encode() if isinstance(written, str) else bytes(written)


FORMATS: dict[str, PageFormat] = {
    "markdown": PageFormat(
        "markdown:markdown", ".md", (b"<!-- Made by backtrace. -->",), DERIVATION
    ),
    "latex": PageFormat(
        "latex_document:latex_document",
        ".tex",
        (b"% Made by backtrace.",),
        DERIVATION | {"fragment"},
    ),
    "html": PageFormat(
        "html:html",
        ".html",
        (b"<!-- Made by backtrace. -->", b'<div class="backtrace">'),
        DERIVATION | {"fragment"},
    ),
    "json": PageFormat(
        "json:exported", ".json", (b'"schema":"backtrace/trace/',), frozenset(["decimals"])
    ),
    "svg": PageFormat(
        "svg:svg",
        ".svg",
        (b"<!-- Made by backtrace. -->",),
        DRAWN,
    ),
    "png": PageFormat(
        "png:png", ".png", (b"Software\0backtrace",), frozenset(["decimals", "decimal-mark"])
    ),
}
ENDINGS = {row.ending: name for name, row in FORMATS.items()} | {
    ".markdown": "markdown",
    ".latex": "latex",
    ".htm": "html",
}
START = 4096  # bytes of a file in which its mark is


def is_ours(start: bytes) -> bool:
    """Whether a file that begins with these bytes was written by one of the renderers."""
    squeezed = start[:START].replace(b'": "', b'":"')
    return any(mark in squeezed for row in FORMATS.values() for mark in row.marks)
