"""How numbers are printed, by every renderer: decimals, digits, alignment, exact fractions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

HUGE = 9  # digits before the point; with more, a number is printed as 1.5e12
SIGNIFICANT = 3  # of a number too small or too large for its decimals, at least
CONSTANT_DECIMALS = 8  # of η, β, λ, … that have as many
TINY_CONSTANT = 1e-4  # below, a power of ten is written as one
SMALL, LARGE = 0.001, 1000  # a difference outside is written with a power of ten
UNITS = ((1e-3, 1e6, "µs"), (1.0, 1e3, "ms"), (120.0, 1.0, "s"), (7200.0, 1 / 60, "min"))
NOISE = 12  # a float64's digits after these are float noise, as long as nobody asks for them
NOISE_SINGLE = 6  # the same for float32


class Numeral(msgspec.Struct, frozen=True):
    """A decimal number as it would be written: ±0.``digits`` × 10^``point``; zero has no digits."""

    negative: bool
    digits: str
    point: int


def cells(values: Any, decimals: int, decimal_mark: str = ".") -> list[list[str]]:
    """The entries of a 2-D array as texts, with as many decimals as they need, up to ``decimals``.

    ``values`` is float64, float32 or an object array of Fractions (printed ``17/4``). Halves are
    rounded away from zero on the shortest decimal text of a float, without float noise. What
    would print as zero and is not, and what is huge, gets significant digits: ``1.23e-5``.
    """
    single = getattr(values.dtype, "itemsize", 8) == 4
    rows = list(values) if single else values.tolist()
    read = [[_read(entry, decimals) for entry in row] for row in rows]
    places = max((_places(entry, decimals) for row in read for entry in row), default=0)
    return [[_written(entry, places, decimals, decimal_mark) for entry in row] for row in read]


def number(value: Any, decimals: int, decimal_mark: str = ".") -> str:
    """One number (float, Fraction, 0-d array) with the decimals it needs, up to ``decimals``."""
    entry = _read(value[()] if getattr(value, "shape", None) == () else value, decimals)
    return _written(entry, _places(entry, decimals), decimals, decimal_mark)


def constant(value: float, decimals: int, decimal_mark: str = ".") -> str:
    """A constant of the exercise as people write it: 0.001 and 0.333333, but 1e-8."""
    short = scientific(value, 1)
    if 0 < abs(value) < TINY_CONSTANT and float(short) == float(value):
        return short
    return number(value, max(decimals, CONSTANT_DECIMALS), decimal_mark)


def significant(value: float, digits: int = 6) -> str:
    """At most so many significant digits, no needless zeros, never −0: ``0.25``, ``1.5e-7``."""
    return _with_short_exponent(f"{value + 0.0:.{digits}g}")


def scientific(value: float, digits: int) -> str:
    """So many digits and a power of ten: ``1.50e-7``, ``1e6``; inf and nan as their words."""
    return _with_short_exponent(f"{value:.{digits - 1}e}")


def small(value: float) -> str:
    """A difference, by two digits or three: ``0``, ``3.1e-15``, ``0.85``."""
    usual = value == 0 or SMALL <= value < LARGE
    return significant(value, 3) if usual else scientific(value, 2)


def duration(seconds: float) -> str:
    """``85 µs``, ``3.4 ms``, ``12 s``, ``2.5 h``: two digits or three."""
    for limit, factor, unit in UNITS:
        if seconds < limit:
            return f"{_few(seconds * factor)} {unit}"
    return f"{_few(seconds / 3600)} h"


def _few(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def _with_short_exponent(text: str) -> str:
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else text


def aligned(column: Sequence[str], decimal_mark: str = ".") -> list[str]:
    """The texts of a column, padded to one width so that their decimal points stand in line.

    What has none, inf and nan, stands at the right.
    """
    points = {text: _point(text, decimal_mark) for text in column if not _is_word(text)}
    left = max(points.values(), default=0)
    right = max((len(text) - at for text, at in points.items()), default=0)
    ends = {text: right - len(text) + at for text, at in points.items()}
    width = max([left + right, *map(len, column)])
    return [(text + " " * ends.get(text, 0)).rjust(width) for text in column]


def _is_word(text: str) -> bool:
    return text.endswith(("nan", "inf"))


def _point(text: str, decimal_mark: str) -> int:
    """Where the decimal point is, or would be."""
    at = text.find(decimal_mark)
    exponent = text.find("e")
    return at if at >= 0 else exponent if exponent >= 0 else len(text)


def latex(text: str, decimal_mark: str = ".") -> str:
    r"""A printed number in LaTeX: ``1.23 \cdot 10^{-5}``, ``-\tfrac{17}{4}``, ``0{,}5``."""
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    if text == "inf":
        return rf"{sign}\infty"
    if text == "nan":
        return r"\text{nan}"
    above, slash, below = text.partition("/")
    if slash:
        return rf"{sign}\tfrac{{{above}}}{{{below}}}"
    text = text.replace(",", "{,}") if decimal_mark == "," else text
    mantissa, e, exponent = text.partition("e")
    if not e:
        return sign + text
    factor = "" if mantissa == "1" else rf"{mantissa} \cdot "
    return rf"{sign}{factor}10^{{{exponent}}}"


def _read(value: Any, decimals: int) -> Numeral | str:
    """A float as its decimal text without noise; what is no decimal number, as its words."""
    if hasattr(value, "numerator") and not hasattr(value, "hex"):
        return str(value)  # a Fraction or an integer: exact as it stands
    text = _significant(value, decimals)
    if _is_word(text):
        return text
    numeral = _numeral(text)
    if getattr(value, "itemsize", 8) == 4:
        whole = _numeral(str(value))  # 0.12344996 is 0.12345 without noise, and is 0.1234
        return numeral if _shown(numeral, decimals) == _shown(whole, decimals) else whole
    return numeral


def _significant(value: Any, decimals: int) -> str:
    """The float's text with as many digits as mean something: ``3.00000000000e-01``."""
    single = getattr(value, "itemsize", 8) == 4
    kept = NOISE_SINGLE if single else NOISE
    if abs(value) < 10.0 ** (kept - decimals):
        return f"{float(value):.{kept - 1}e}"
    return str(value) if single else repr(float(value))


def _shown(entry: Numeral, decimals: int) -> int:
    """The digits that are printed of it, as one number."""
    extreme = _is_extreme(entry, decimals)
    return _rounded(entry.digits, max(SIGNIFICANT, decimals) if extreme else entry.point + decimals)


def _numeral(text: str) -> Numeral:
    mantissa, _, exponent = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) - (len(whole) + len(fraction) - len(digits)) + int(exponent or 0)
    digits = digits.rstrip("0")
    return Numeral(text.startswith("-"), digits, point if digits else 0)


def _places(entry: Numeral | str, decimals: int) -> int:
    """How many decimals an entry asks for in its matrix."""
    if isinstance(entry, str) or _is_extreme(entry, decimals):
        return 0
    return min(decimals, max(0, len(entry.digits) - entry.point))


def _is_extreme(entry: Numeral, decimals: int) -> bool:
    """Whether it would be printed as zero without being zero, or is huge."""
    if not entry.digits:
        return False
    return entry.point > HUGE or _rounded(entry.digits, entry.point + decimals) == 0


def _rounded(digits: str, keep: int) -> int:
    """The first ``keep`` digits as a number, the rest rounded half away from zero."""
    if keep < 0:
        return 0
    kept = int(digits[:keep].ljust(keep, "0") or "0")
    return kept + (keep < len(digits) and digits[keep] >= "5")


def _written(entry: Numeral | str, places: int, decimals: int, mark: str) -> str:
    if isinstance(entry, str):
        return entry
    if _is_extreme(entry, decimals):
        return _in_powers(entry, max(SIGNIFICANT, decimals), mark)
    scaled = _rounded(entry.digits, entry.point + places)
    sign = "-" if entry.negative and scaled else ""
    text = str(scaled).rjust(places + 1, "0")
    whole, fraction = (text[:-places], text[-places:]) if places else (text, "")
    return sign + whole + (mark + fraction if fraction else "")


def _in_powers(entry: Numeral, significant: int, mark: str) -> str:
    digits = str(_rounded(entry.digits, significant))
    exponent = entry.point - 1 + len(digits) - significant  # 9.996 carries into 1.00e1
    digits = digits.rstrip("0")
    mantissa = digits[0] + (mark + digits[1:] if digits[1:] else "")
    return f"{'-' if entry.negative else ''}{mantissa}e{exponent}"
