"""``backtrace predict``: a forward pass of single samples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backtrace.cli.screen import emit, reading, refuse, show_page

if TYPE_CHECKING:
    from backtrace.page.prediction import Prediction
    from backtrace.spec.model import Spec

SPAN = re.compile(r"\s*(\d{1,12})(?:\.\.(\d{1,12}))?\s*", re.ASCII)


class PredictRequest(msgspec.Struct, frozen=True):
    """What the command line asked for; ``samples`` count from 1."""

    spec: str
    parameters: str | None
    samples: tuple[range, ...]
    held_out: bool
    data: Path | None
    json: bool
    width: int | None


def parsed_samples(text: str) -> tuple[range, ...]:
    """``3``, ``1..5`` or ``1..3,7``, counting from 1. Raises ValueError with what is wrong."""
    return tuple(_span(part) for part in text.split(","))


def _span(text: str) -> range:
    match = SPAN.fullmatch(text)
    first = int(match[1]) if match else 0
    last = int(match[2] or first) if match else 0
    if not 1 <= first <= last:
        said = "neither a sample, such as 3, nor some, such as 1..5 or 1..3,7"
        raise ValueError(f"{text.strip()!r} is {said}")
    return range(first, last + 1)


def predict(request: PredictRequest) -> None:
    """Loads, works and prints; exits with 2 where spec, parameters or samples are wrong."""
    from backtrace.spec.read.parameters import read_parameters, with_parameters
    from backtrace.tape.loading import load

    with reading(request.spec):
        spec = load(request.spec, data_folder=request.data)
        if spec.equations is not None:
            refuse(
                ["predict takes samples through layers; `backtrace trace` works equations out"],
                "E517",
            )
        if request.parameters is not None:
            spec = with_parameters(spec, read_parameters(request.parameters, spec))
        _check_samples(spec, request)
        found = _worked(spec, request)
    if request.json:
        from backtrace.formats.json.prediction import as_document
        from backtrace.formats.json.report import encode

        emit(encode(as_document(found)))
        return
    from backtrace.page.prediction import document

    with reading(request.spec):
        page = document(found, spec, _origin(request.parameters), held_out=request.held_out)
    show_page(page, request.width)


def _check_samples(spec: Spec, request: PredictRequest) -> None:
    from backtrace.spec.wording import count

    if request.held_out and spec.validation is None:
        mend = "`validation: {every: 5}` holds out every fifth sample"
        refuse([f"--held-out: the spec holds out no samples; {mend}"], "E517")
    number = spec.held_out_samples if request.held_out else spec.samples
    last = max(span[-1] for span in request.samples)
    if last > number:
        verb = "is" if number == 1 else "are"
        which = "held-out sample" if request.held_out else "sample"
        refuse([f"--sample {last}: there {verb} {count(number, which)}"], "E505")


def _worked(spec: Spec, request: PredictRequest) -> list[Prediction]:
    from backtrace.page.prediction import predictions
    from backtrace.spec.excerpt import excerpt
    from backtrace.tape.training import outputs, starting_state

    found: list[Prediction] = []
    for span in request.samples:
        one = excerpt(spec, span[0], span[-1], held_out=request.held_out)
        found += predictions(spec, one, span[0], outputs(one, starting_state(one)))
    return found


def _origin(path: str | None) -> str:
    """Which parameters they are; of a training that was saved, after which epoch."""
    from backtrace.formats.checkpoint import header_of
    from backtrace.spec.data.request import DataError

    if path is None:
        return "as the spec gives them"
    try:
        header = header_of(Path(path).expanduser().read_bytes())
    except (DataError, OSError):  # parameters they are all the same
        header = None
    if header is None:
        return f"of {path}"
    last = f" of {header.epoch:,}" if header.kept != header.epoch else ""
    return f"of {path}, after epoch {header.kept:,}{last}"
