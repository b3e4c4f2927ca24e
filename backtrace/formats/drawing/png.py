"""The drawing of a trace as a picture (PNG), where the extra that draws it is installed."""

from __future__ import annotations

from importlib import import_module

from backtrace.formats import file_signatures
from backtrace.formats.drawing.svg import svg
from backtrace.formats.registry import MissingExtraError
from backtrace.page.trace import View
from backtrace.tape.trace import Trace

HEADER = 33  # bytes of a PNG's signature and its first chunk
ZOOM = 2  # pixels a side for one of the drawing, so that it is sharp on paper and fine screens


class PictureUnavailableError(MissingExtraError):
    """What draws pictures is not installed; the message says what to install."""


def png(trace: Trace, view: View) -> bytes:
    """The picture. Raises PictureUnavailableError without the extra ``png``."""
    try:
        resvg = import_module("resvg_py")
    except ImportError:
        raise PictureUnavailableError(
            "a .png needs the extra png: pip install 'backtrace-nn[png]'; a .svg needs nothing"
        ) from None
    return _marked(bytes(resvg.svg_to_bytes(svg_string=svg(trace, view), zoom=ZOOM)))


def _marked(picture: bytes) -> bytes:
    """The picture with the name of its maker, a chunk of text, behind its header."""
    import struct
    import zlib

    chunk = b"tEXt" + file_signatures.PNG
    whole = (
        struct.pack(">I", len(file_signatures.PNG)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    )
    return picture[:HEADER] + whole + picture[HEADER:]
