"""``backtrace verify``."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import msgspec

from backtrace.check.judge.published import compare
from backtrace.cli.screen import emit, reading, refuse, show_page
from backtrace.page.report.phrases import Words
from backtrace.page.verification import document as page_of
from backtrace.verify import Request, verify

WELL, DISAGREES = 0, 1
PATIENCE = 1.0  # seconds without a word
_UPDATE = re.compile(r"([1-9][0-9]{0,6})(?:\.([1-9][0-9]{0,6}))?")


def parsed_update(text: str) -> tuple[int, int]:
    """``2`` or ``2.3``: an epoch, and a batch of it. Raises ValueError with what is wrong."""
    match = _UPDATE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no update: an epoch, such as 2, or 2.3 with its batch")
    return int(match[1]), int(match[2] or 1)


def print_verification(
    found: page_of.VerificationReport, width: int | None, *, json: bool, slips: bool
) -> int:
    """Prints what was found, with each known slip where ``slips`` asks; returns the exit code."""
    if json:
        from backtrace.formats.json.verification import encode

        emit(encode(found.verification, found.held, agrees=found.agrees))
    else:
        show_page(page_of.document(msgspec.structs.replace(found, slips=slips)), width)
    return WELL if found.agrees else DISAGREES


def verification(
    source: str, data: Path | None, update: tuple[int, int] | None, *, everything: bool
) -> page_of.VerificationReport:
    """Verifies an update, the first where it is None; exits with 2 where the spec is wrong."""
    from backtrace.tape.loading import load

    with reading(source):
        spec = load(source, data_folder=data)
        epoch, batch = update or (1, 1)
        only_figures = not spec.has_backward and bool(spec.expected)
        if only_figures:
            _check_unused({"--update": update is not None, "--all": everything})
        held = compare(spec)
        with _share_told() as told:
            asked = Request(epoch, batch, everything)
            found = None if only_figures else verify(spec, asked, progress=told)
        return page_of.VerificationReport(
            title=spec.title,
            words=Words(spec),
            verification=found,
            held=held,
            samples=spec.batch_samples(batch),
            arithmetic=spec.arithmetic,
        )


@contextmanager
def _share_told() -> Iterator[Callable[[float], None]]:
    """A line on stderr that says how much is done, from the first second to the end of the block.

    Where stderr is no terminal there is none.
    """
    begun, shown = monotonic(), -1
    seen = sys.stderr.isatty() and os.environ.get("TERM", "") not in ("dumb", "unknown")

    def tell(share: float) -> None:
        nonlocal shown
        percent = int(100 * share)
        if seen and percent > shown and monotonic() - begun >= PATIENCE:
            shown = percent
            print(f"\rVerifying: {percent} %", end="", file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if shown >= 0:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)  # all of the line away


def _check_unused(options: Mapping[str, bool]) -> None:
    """What has no meaning where there are no gradients, only published figures."""
    given = [option for option, used in options.items() if used]
    if given:
        refuse(
            [f"{', '.join(given)}: of no use without a loss; there are no gradients to verify"],
            "E504",
        )
