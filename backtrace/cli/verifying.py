"""``backtrace verify``."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec

from backtrace.check.published import hold
from backtrace.cli.screen import emit, reading, refuse, show
from backtrace.render import verification as page_of
from backtrace.render.wording import Words
from backtrace.tape.verification import Request, verify

WELL, DISAGREES = 0, 1
_UPDATE = re.compile(r"([1-9][0-9]{0,6})(?:\.([1-9][0-9]{0,6}))?")


class VerifyRequest(msgspec.Struct, frozen=True):
    """What the command line asked for; ``update`` is None where it did not say which."""

    spec: str
    data: Path | None
    update: tuple[int, int] | None
    everything: bool
    json: bool
    width: int | None


def parsed_update(text: str) -> tuple[int, int]:
    """``2`` or ``2.3``: an epoch, and a batch of it. Raises ValueError with what is wrong."""
    match = _UPDATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no update: an epoch, such as 2, or 2.3 with its batch")
    return int(match[1]), int(match[2] or 1)


def print_verification(request: VerifyRequest) -> int:
    """Verifies and prints; returns the exit code. Exits with 2 where the spec is wrong."""
    findings = _findings(request)
    if request.json:
        from backtrace.render.verification_json import encode

        emit(encode(findings.verification, findings.held, agrees=findings.agrees))
    else:
        show(lambda page: page_of.lines(findings, page), request.width)
    return WELL if findings.agrees else DISAGREES


def _findings(request: VerifyRequest) -> page_of.Findings:
    from backtrace.spec import load

    with reading():
        spec = load(request.spec, data_folder=request.data)
        epoch, batch = request.update or (1, 1)
        asked = Request(epoch, batch, request.everything)
        only_figures = spec.loss is None and bool(spec.expected)
        if only_figures:
            _check_unused(request)
        found = None if only_figures else verify(spec, asked)
        return page_of.Findings(
            title=spec.title,
            words=Words(spec),
            verification=found,
            held=hold(spec),
            samples=spec.batch_samples(batch),
        )


def _check_unused(request: VerifyRequest) -> None:
    """What has no meaning where there are no gradients, only published figures."""
    useless = {"--update": request.update is not None, "--all": request.everything}
    given = [option for option, used in useless.items() if used]
    if given:
        refuse([f"{', '.join(given)}: of no use without a loss; there are no gradients to verify"])
