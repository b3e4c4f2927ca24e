"""Which of several arrays in a file is meant."""

from __future__ import annotations

import re

from backtrace.spec.data.request import DataError, Request
from backtrace.spec.document.problems import cited, count, listed, near_miss

_PARAMETER = re.compile("[Wb][1-9][0-9]*")
_SHOWN = 12


def pick(names: list[str], request: Request) -> str:
    """The array named by ``array:``, else the one named as the quantity, else the only one.

    The weights of one layer are not taken for those of another. Raises DataError.
    """
    if request.array:
        return _asked(names, request.array)
    if request.name in names:
        return request.name
    strangers = _PARAMETER.fullmatch(request.name) and any(map(_PARAMETER.fullmatch, names))
    if len(names) == 1 and not strangers:
        return names[0]
    shown = ", ".join([cited(name) for name in names[:_SHOWN]] + ["…"] * (len(names) > _SHOWN))
    raise DataError(
        f"{count(len(names), 'array')}: {shown}" if names else "no arrays",
        f"one named {cited(request.name)}" if strangers else "the name of one",
        "Say which: `array: NAME`." if names else "",
    )


def _asked(names: list[str], name: str) -> str:
    if name in names:
        return name
    meant = near_miss(name, names)
    raise DataError(
        f"no array {cited(name)}",
        f"one of {listed([cited(known) for known in names[:_SHOWN]])}",
        f"Did you mean `{meant}`?" if meant else "",
    )
