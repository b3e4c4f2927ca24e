"""``backtrace predict``: a forward pass of single samples."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backtrace.cli.screen import Screen, emit, reading, refuse

if TYPE_CHECKING:
    from backtrace.render.prediction import Prediction
    from backtrace.spec.model import Spec

SAMPLES = re.compile(r"(\d{1,12})(?:\.\.(\d{1,12}))?", re.ASCII)


class PredictRequest(msgspec.Struct, frozen=True):
    """What the command line asked for; ``first`` and ``last`` count the samples from 1."""

    spec: str
    parameters: str | None
    first: int
    last: int
    held_out: bool
    data: Path | None
    json: bool
    width: int | None


def parsed_samples(text: str) -> tuple[int, int]:
    """``3`` or ``1..5`` as the first and the last. Raises ValueError with what is wrong."""
    match = SAMPLES.fullmatch(text.strip())
    first = int(match[1]) if match else 0
    last = int(match[2] or first) if match else 0
    if not 1 <= first <= last:
        raise ValueError(f"{text!r} is neither a sample, such as 3, nor some, such as 1..5")
    return first, last


def predict(request: PredictRequest) -> None:
    """Loads, works and prints; exits with 2 where spec, parameters or samples are wrong."""
    from backtrace.spec import load
    from backtrace.spec.parameters import read_parameters, with_parameters

    with reading():
        spec = load(request.spec, data_folder=request.data)
        if request.parameters is not None:
            spec = with_parameters(spec, read_parameters(request.parameters, spec))
        _check_samples(spec, request)
        found = _worked(spec, request)
    if request.json:
        from backtrace.render.prediction import as_document
        from backtrace.render.report_json import encode

        emit(encode(as_document(found)))
    else:
        _print(found, spec, request)


def _check_samples(spec: Spec, request: PredictRequest) -> None:
    from backtrace.spec.problems import count

    if request.held_out and spec.validation is None:
        mend = "`validation: {every: 5}` holds out every fifth sample"
        refuse([f"--held-out: the spec holds out no samples; {mend}"])
    number = spec.held_out_samples if request.held_out else spec.samples
    if request.last > number:
        verb = "is" if number == 1 else "are"
        which = "held-out sample" if request.held_out else "sample"
        refuse([f"--sample {request.last}: there {verb} {count(number, which)}"])


def _worked(spec: Spec, request: PredictRequest) -> list[Prediction]:
    from backtrace.render.prediction import predictions
    from backtrace.spec.excerpt import excerpt
    from backtrace.tape.training import outputs, starting_state

    one = excerpt(spec, request.first, request.last, held_out=request.held_out)
    return predictions(spec, one, request.first, outputs(one, starting_state(one)))


def _print(found: list[Prediction], spec: Spec, request: PredictRequest) -> None:
    from backtrace.notation.symbols import Symbols
    from backtrace.render import header, picture, prediction
    from backtrace.render.measure import inert
    from backtrace.render.page import Page
    from backtrace.spec.excerpt import excerpt
    from backtrace.tape.run import trace

    screen = Screen.of_stdout(request.width)
    page = Page(screen.width, screen.unicode)
    with reading():
        sketch = trace(msgspec.structs.replace(excerpt(spec, 1, 1), loss=None, optimizer=None))
    title = page.spread([(inert(spec.title), "title")], [(header.architecture(sketch), "")])
    origin = "as the spec gives them" if request.parameters is None else f"of {request.parameters}"
    title += page.paragraph(f"parameters {inert(origin)}", "fact", 0)
    symbols = Symbols.of(sketch)
    lines = prediction.lines(found, spec, symbols, page, colour=screen.colour and screen.unicode)
    screen.show_lines([*title, *lines], prediction.STYLES | picture.styles(lines))
