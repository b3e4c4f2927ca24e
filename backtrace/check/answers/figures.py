"""One written answer → a figure that keeps its digits, or why it is no number."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from math import inf, nan

from backtrace.check.model import AnswerCell, Figure, Malformed, WrittenQuantity
from backtrace.spec.number_reading import read_number
from backtrace.spec.numbers import LONGEST, Number
from backtrace.spec.wording import cited, shortened

EXACT = 17
"""Decimals and significant digits of a fraction: as many as a float can tell apart."""

_BLANK = re.compile(r"_*|\?+|~|null|Null|NULL")
_MINUSES = "−–—‒‐‑﹣－"
_PLAIN_MINUS = str.maketrans(dict.fromkeys(_MINUSES, "-"))
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_DECIMAL_COMMA = re.compile("[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
_PERHAPS_THOUSANDS = re.compile("[+-]?[1-9][0-9]{0,2},[0-9]{3}")
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:([,.])[0-9]{3})+(?!\1)[.,][0-9]+")
_POWER_OF_TEN = re.compile(r"(.+?)\s*[x×·⋅∙*]\s*10\s*(?:\^|\*\*)?\s*[({]?([+-]?[0-9]{1,4})[)}]?")
_MIXED = re.compile(r"([+-]?)([0-9]{1,9}) ([0-9]{1,9})/([0-9]{1,9})")  # 2 17/21
_ABOUT = re.compile(
    r"(?:about|approx(?:\.|imately)?|around|roughly|ca\.?|circa|etwa|rund|environ)\s+(?=[-+.\d])",
    re.IGNORECASE,
)
_APOSTROPHE = re.compile(r"^['’‘](.+?)['’]?$")
_WITH_REMARK = re.compile(r"(.*[\d%]\.?)(?:\s+([^\W\d_]{2,})|\s*\(([^\W\d_][^\d()]+)\))")
_COUNTS = re.compile(  # words that make another number of the one before them
    r"\b(?:per|\w*cent|prozent|pct|half|halves|\w+ths?|quarters?|dozen|hundred|hundert|mille|mil"
    r"|thousand|tausend|\w*illio(?:n|ns|nen)|kilo|mega|milli|micro|nano|minus|neg\w*|plus|times|mal"
    r"|over|root|sqrt|exp|log|ln|pi|tau|or|oder|ou|to|bis|squared|cubed)\b",
    re.IGNORECASE,
)
_OVER_TENS = re.compile(r"([+-]?[0-9]*\.[0-9]+)\s*/\s*1(0+)")  # 4.3465/100
_NO_ANSWER = re.compile(r"[-−–—.…]+|n\.?/?a\.?|none|blank|empty|todo|tbd|x", re.IGNORECASE)
_INFINITE = re.compile(r"([+-]?)\s*(?:\.?inf(?:inity)?|∞)", re.IGNORECASE)
_NOT_FINITE = re.compile(r"[+-]?(?:\.?inf(?:inity)?|\.?nan|∞|undefined|#.*)", re.IGNORECASE)

_WRITE_A_NUMBER = "Write the number you worked out, or _ to leave the entry out"
_REMEMBERED = 40  # characters; longer texts are too rare, and too large, to be kept


def figure(text: str) -> Figure | Malformed:
    """The number that ``text`` writes, with half a unit of its last written digit.

    ``0.50`` has two decimals and stands for 0.495…0.505; ``1.2e3`` for 1150…1250; ``17/4`` for
    itself. A decimal comma and a typographic minus are read as meant (``understood`` says so);
    everything that is no single finite number is Malformed. Never raises.
    """
    cell, _ = understood(text)
    return Malformed("", f"nothing; {_WRITE_A_NUMBER}") if cell is None else cell


def understood(text: str) -> tuple[AnswerCell, str]:
    """The cell that ``text`` writes, None where it is left out, and what had to be understood.

    The second is a sentence for the reader, empty where the number was plainly written.
    """
    return _remembered(text) if len(text) <= _REMEMBERED else _understood(text)


def _understood(text: str) -> tuple[AnswerCell, str]:
    text = " ".join(text.split())
    if _BLANK.fullmatch(text):
        return None, ""
    plain = _figure(text, text)
    if plain is not None:
        return plain, ""
    if len(text) <= LONGEST:
        mended, note = _as_meant(text)
        meant = _figure(mended, text) if note else None
        if meant is not None:
            return meant, note
    infinite = _INFINITE.fullmatch(text.translate(_PLAIN_MINUS))
    value = nan if infinite is None else -inf if infinite[1] == "-" else inf
    return Malformed(shortened(text, LONGEST), _reason(text), value), ""


# A class writes the same few hundred figures again and again.
_remembered = lru_cache(maxsize=16_384)(_understood)


def _figure(mended: str, text: str) -> Figure | None:
    """The figure that ``mended`` writes and that was written as ``text``."""
    number = read_number(mended)
    if not isinstance(number, Number):
        return None
    if "/" in mended:
        return Figure(text, float(number), 0.0, EXACT, EXACT)
    mantissa, _, exponent = mended.lower().partition("e")
    whole, _, places = mantissa.lstrip("+-").partition(".")
    decimals = len(places) - int(exponent or 0)
    half_unit = float(f"5e{-decimals - 1}")  # the float nearest to 0.5 · 10^-decimals
    if half_unit == float("inf"):
        return None  # 0e9999
    digits = len((whole + places).lstrip("0"))
    if not digits and decimals < 0:  # 0e9 is a 0, and says no more than 0 does
        half_unit, decimals = 0.5, 0
    return Figure(text, float(number), half_unit, decimals, digits or 1)


def _as_meant(text: str) -> tuple[str, str]:
    """``text`` as a number is written here, and the sentence that says what was changed.

    A way of writing that is no slip is said of numbers as such: one note for all that have it.
    """
    mended, said = text.lstrip("=≈≅~ "), []
    if mended != text:
        said.append("without the sign before it")
    for mend, saying in _MENDS:
        before, mended = mended, mend(mended)
        said += [saying] if mended != before else []
    if _DECIMAL_COMMA.fullmatch(mended):
        said.append(COMMA)
        mended = mended.replace(",", ".")
    how = " and ".join(said)
    if said and {*said} <= OF_ALL:
        return mended, f"numbers are read {how}"
    return mended, f"{text} is read as {mended}, {how}" if said else ""


def comma_in_doubt(written: Iterable[WrittenQuantity]) -> str:
    """A note on a sheet whose only commas may as well group thousands, as in 1,234, or nothing."""
    cells = (cell for one in written for line in one.cells or one.raw for cell in line)
    plain = ((cell.text, _with_plain_minus(cell.text)) for cell in cells if cell is not None)
    commas = [(text, each) for text, each in plain if _DECIMAL_COMMA.fullmatch(each)]
    if not commas or not all(_PERHAPS_THOUSANDS.fullmatch(each) for _, each in commas):
        return ""
    text = commas[0][0]
    return f"{text} is read {COMMA} (if the comma groups thousands, leave it out)"


def _with_plain_minus(text: str) -> str:
    return text.translate(_PLAIN_MINUS)


def _with_tight_sign(text: str) -> str:
    return re.sub(r"^([+-])\s+", r"\1", text)


def _with_exponent(text: str) -> str:
    match = _POWER_OF_TEN.fullmatch(text.translate(_SUPERSCRIPTS))
    return f"{match[1]}e{match[2]}" if match else text


def _over_tens(text: str) -> str:
    match = _OVER_TENS.fullmatch(text)
    return f"{match[1]}e-{len(match[2])}" if match else text


def _with_one_fraction(text: str) -> str:
    match = _MIXED.fullmatch(text)
    if match is None:
        return text
    sign, whole, above, below = match.groups()
    return f"{sign}{int(whole) * int(below) + int(above)}/{below}"


def _without_about(text: str) -> str:
    return _ABOUT.sub("", text, count=1)


def _without_apostrophe(text: str) -> str:
    """Without what makes a number a text in a spreadsheet: '0.550."""
    return _APOSTROPHE.sub(r"\1", text)


def _without_mark(text: str) -> str:
    return text.rstrip("?.,;✓✔ ")


def _without_remark(text: str) -> str:
    """Without a unit, or words in brackets, behind a number: 0.866 nats, 0.327 (rounded)."""
    match = _WITH_REMARK.fullmatch(text)
    if match is None or _COUNTS.search(match[2] or match[3]):
        return text
    return match[1]


def _with_hundredths(text: str) -> str:
    number = text.removesuffix("%").rstrip()
    return text if number == text or "e" in number.lower() else f"{number}e-2"


MINUS, COMMA = "with a typographic minus", "with a decimal comma"
MARK, REMARK = "without the mark after them", "without the words after them"
PERCENT, APOSTROPHE = "with % as hundredths", "without the apostrophe before them"
OF_ALL = {MINUS, COMMA, MARK, REMARK, PERCENT, APOSTROPHE}
_MENDS = (
    (_without_apostrophe, APOSTROPHE),
    (_with_plain_minus, MINUS),
    (_without_about, "without the word before it"),
    (_without_mark, MARK),
    (_without_remark, REMARK),
    (_with_hundredths, PERCENT),
    (_with_tight_sign, "without the space after its sign"),
    (_with_exponent, "with a power of ten"),
    (_over_tens, "with a power of ten below it"),
    (_with_one_fraction, "a mixed number"),
)


def _reason(text: str) -> str:
    """Why ``text`` is no figure, and how to write what was probably meant."""
    if len(text) <= LONGEST:
        invisible = next((c for c in text if not c.isprintable()), "")
        if invisible:
            return f"{cited(text)}, with an invisible character (U+{ord(invisible):04X}). Delete it"
        if _NO_ANSWER.fullmatch(text):
            return f"{cited(text)}, which is no number. {_WRITE_A_NUMBER}"
        if _NOT_FINITE.fullmatch(text):
            return f"{cited(text)}, which is not a finite number. {_WRITE_A_NUMBER}"
        if _GROUPED.fullmatch(text):
            return f"{cited(text)}, with its digits in groups. Write them without separators"
    from backtrace.spec.number_reading import diagnose

    misreading = diagnose(text)
    return f"{misreading.found}. {misreading.mend.removesuffix('.')}"
