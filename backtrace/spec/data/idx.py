"""The IDX format of MNIST: 00 00, a type, the number of dimensions, the sizes, the entries."""

from __future__ import annotations

import struct

import numpy as np

from backtrace.spec.data.entries import Layout, read_entries
from backtrace.spec.data.request import DataError, Loaded, Request
from backtrace.spec.data.stream import Stream

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
MOST_DIMENSIONS = 8


def read_idx(stream: Stream, request: Request) -> Loaded:
    """The array of an IDX file, an image a row. Raises DataError."""
    magic = stream.read(4)
    dimensions = magic[3]
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        expected = f"1 to {MOST_DIMENSIONS}, as an IDX file has"
        raise DataError(f"{dimensions} dimensions at {stream.at(3)}", expected)
    header = stream.read(4 * dimensions)
    if len(header) < 4 * dimensions:
        raise DataError(
            f"an end at {stream.at(stream.position)}, within the header",
            f"{4 + 4 * dimensions} bytes of it, for {dimensions} dimensions",
            "The file is truncated; fetch it again.",
        )
    sizes = struct.unpack(f">{dimensions}I", header)
    return read_entries(stream, Layout(np.dtype(TYPES[magic[2]]), sizes), request)
