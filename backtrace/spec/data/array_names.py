"""Which of several arrays in a file is meant."""

from __future__ import annotations

from backtrace.spec.data.request import DataError, DataRequest, some_of, unknown_name
from backtrace.spec.ids import parse
from backtrace.spec.wording import cited, count


def pick(names: list[str], request: DataRequest) -> str:
    """The array named by ``array:``, else the one named as the quantity, else the only one.

    The weights of one layer are not taken for those of another. Raises DataError.
    """
    if request.array and request.array not in names:
        raise unknown_name("array", request.array, names)
    if request.array or request.name in names:
        return request.array or request.name
    stranger = _is_parameter(request.name) and any(map(_is_parameter, names))
    if len(names) == 1 and not stranger:
        return names[0]
    raise DataError(
        f"{count(len(names), 'array')}: {some_of(names, 'and')}" if names else "no arrays",
        f"one named {cited(request.name)}" if stranger else "the name of one",
        "Say which: `array: NAME`." if names else "",
    )


def _is_parameter(name: str) -> bool:
    known = parse(name)
    return known is not None and known.role in ("weight", "bias")
