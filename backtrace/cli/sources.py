"""What SPEC names: a spec to be worked, or a trace that was saved."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import msgspec

from backtrace.cli.screen import reading, refuse
from backtrace.tape.trace import Trace

HEAD = 512  # bytes in which a saved trace says what it is
BEGINNING = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"schema"\s*:\s*"backtrace/trace/')


def worked(source: str, data: Path | None, epochs: int | None) -> Trace:
    """The trace of a spec, over ``epochs`` epochs where that is not None; or a saved trace, which
    has as many as it has. Exits with 2 where it is neither."""
    content = saved_content(source)
    if content is not None:
        return _saved(source, content, data, epochs)
    from backtrace.tape.loading import load
    from backtrace.tape.run import trace

    with reading(source):
        spec = load(source, data_folder=data)
        if epochs is not None:
            if epochs > 1 and spec.optimizer is None:
                still = "the spec has no learning_rate and no optimizer"
                refuse(
                    [f"--epochs {epochs}: {still}, so that every epoch would be the same"], "E516"
                )
            spec = msgspec.structs.replace(spec, epochs=epochs)
        return trace(spec)


def saved_content(source: str) -> bytes | None:
    """The bytes of a saved trace; None where the source is something else, or can't be read.

    The beginning says which it is, so that a spec is read once, by its own reader.
    """
    if source == "-":
        stdin: Any = sys.stdin.buffer
        start = stdin.peek(HEAD)[:HEAD]
        return bytes(stdin.read()) if BEGINNING.match(start) else None
    try:
        with Path(source).expanduser().open("rb") as stream:
            start = stream.read(HEAD)
            return start + stream.read() if BEGINNING.match(start) else None
    except (OSError, ValueError):
        return None


def _saved(source: str, content: bytes, data: Path | None, epochs: int | None) -> Trace:
    from backtrace.formats.json.trace import TraceFormatError
    from backtrace.formats.json.trace_validation import read

    name = "<stdin>" if source == "-" else source
    try:
        trace = read(content)
    except TraceFormatError as error:
        refuse([f"{name}: {error}"], error.code)
    if data is not None:
        refuse([f"--data: {name} is a saved trace, which names no files"], "E603")
    last = max(epoch for epoch, _ in trace.updates)
    if epochs is not None and epochs > last:
        refuse([f"--epochs {epochs}: {name} is a saved trace of {last}"], "E516")
    return trace
