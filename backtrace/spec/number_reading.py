"""Text that stands where a number belongs → the number, or what its writer probably meant."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from backtrace.spec.numbers import LONGEST, Number, written_number
from backtrace.spec.wording import cited

_MINUSES = str.maketrans(dict.fromkeys("−–—‒‐‑﹣－", "-"))
_LOOKALIKES = str.maketrans({"O": "0", "o": "0", "l": "1", "I": "1", "S": "5", "B": "8"})
_GROUPED = re.compile("[+-]?[0-9]{1,3}(?:[,'’ \u00a0\u202f][0-9]{3})+(?:\\.[0-9]*)?")
_EXPRESSION = re.compile(
    r"[0-9.(+-][0-9.eE+*/^():\s-]*[+*/^:-][0-9.eE+*/^():\s-]*[0-9.)]|(?:sqrt|exp|ln|log|pi|π)\b.*"
)
_TRUTHS = {"yes", "no", "on", "off", "true", "false", "y", "n"}
_ENDLESS = {"inf", "infinity", "∞", ".inf"}


class NoNumber(msgspec.Struct, frozen=True):
    """Why a text is no number: what it looks like, and how to write what was meant.

    What is mended alike is of one ``rule``.
    """

    found: str
    mend: str
    code: Literal["E113", "E114"] = "E113"
    rule: str = ""


def read_number(text: str) -> Number | NoNumber:
    """The number that ``text`` writes, or a NoNumber that says what the writer meant."""
    number = written_number(text)
    return diagnose(text.strip(" ")) if number is None else number


def diagnose(text: str) -> NoNumber:
    """What ``text``, which is no number that can be used, looks like and how to write it."""
    if len(text) > LONGEST:
        found = f"{len(text)} characters, {cited(text, 24)}"
        return NoNumber(found, f"A number has at most {LONGEST} characters here; round it.")
    for rule in _RULES:
        misreading = rule(text)
        if misreading is not None:
            alike = misreading.rule or rule.__name__
            return msgspec.structs.replace(misreading, rule=alike)
    return NoNumber(cited(text), "Numbers are written 2, -0.5, 1e-3 or 1/3.")


def comma_reading(texts: Sequence[str], tight: Sequence[bool]) -> list[str]:
    """The numbers with decimal commas that YAML may have taken apart, or an empty list.

    ``[0,593, 0,597]`` is four integers to YAML. ``tight[i]`` says that entry i follows the comma
    before it without a space; such an entry, if it is all digits, may be the decimals of the
    integer before it. That is likely where a space follows every other comma, or where all
    the integers are 0, or where decimals begin with a 0, as no integer does.
    """
    merged: list[str] = []
    joined, spaced, below_one, odd = False, len(texts) > 2, True, False
    for i, text in enumerate(texts):
        joined = not joined and i > 0 and tight[i] and _split_by_comma(texts[i - 1], text)
        if joined:
            below_one = below_one and merged[-1].lstrip("+-") == "0"
            odd = odd or (text.startswith("0") and len(text) > 1)
            merged[-1] += "." + text
        else:
            spaced = spaced and not (i > 0 and tight[i])
            merged.append(text)
    likely = len(merged) < len(texts) and (spaced or below_one or odd)
    return merged if likely else []


def _split_by_comma(whole: str, decimals: str) -> bool:
    return (
        re.fullmatch("[+-]?[0-9]+", whole) is not None
        and re.fullmatch("[0-9]+", decimals) is not None
    )


def _nothing(text: str) -> NoNumber | None:
    if text in ("", "~", "null", "Null", "NULL"):
        return NoNumber("nothing", "Write the number.")
    return None


def _truth(text: str) -> NoNumber | None:
    if text.lower() not in _TRUTHS:
        return None
    digit = "1" if text.lower() in ("yes", "on", "true", "y") else "0"
    return NoNumber(f"the word {cited(text)}", f"If a yes or no is meant, write {digit}.")


def _not_finite(text: str) -> NoNumber | None:
    bare = text.lower().lstrip("+-−").lstrip(".")
    if bare in _ENDLESS or bare == "nan":
        mend = "Every given number is finite; replace it by one."
        return NoNumber(f"{cited(text)}, which is not a finite number", mend)
    return None


def _odd_character(text: str) -> NoNumber | None:
    """A text that would be a number, were it not for some of its characters."""
    for what, mended, mend in (
        (" with a typographic minus", text.translate(_MINUSES), "Type the minus of the keyboard"),
        (", with its digits in groups", _ungrouped(text), "Write"),
        (" with a letter for a digit", text.translate(_LOOKALIKES), "Type the digit"),
        (", a mixed number", _improper(text), "Write"),
        (", written with special characters", _plain(text), "Write"),
        (", with a space after its sign", re.sub(r"^([+-])\s+", r"\1", text), "Write"),
    ):
        if mended != text and written_number(mended) is not None:
            return NoNumber(cited(text) + what, f"{mend}: {mended}.", rule=what)
    return None


def _ungrouped(text: str) -> str:
    return re.sub("[^0-9.+-]", "", text) if _GROUPED.fullmatch(text) else text.replace("_", "")


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).replace("\u2044", "/").strip()


def _improper(text: str) -> str:
    """2½ as 5/2."""
    apart = "".join(f" {_plain(c)}" if "/" in _plain(c) else c for c in text)
    match = re.fullmatch("([+-]?)([0-9]+) +([0-9]+)/([0-9]+)", apart)
    if match is None or "/" in text:
        return text
    sign, (whole, above, below) = match[1], map(int, match.groups()[1:])
    return f"{sign}{whole * below + above}/{below}"


def _decimal_comma(text: str) -> NoNumber | None:
    if not re.fullmatch("[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?", text):
        return None
    mend = f"Write a decimal point: {text.replace(',', '.')}."
    return NoNumber(f"{cited(text)}, a decimal comma", mend, "E114")


def _leading_zero(text: str) -> NoNumber | None:
    match = re.fullmatch("([+-]?)0+([0-9].*)", text)
    if match is None or written_number(match[1] + match[2]) is None:
        return None
    point = f", or {match[1]}0.{match[2]} if a point is missing" if match[2].isdigit() else ""
    found = f"{cited(text)}, which begins with a 0"
    return NoNumber(found, f"Write {match[1]}{match[2]}{point}.")


def _too_large_or_small(text: str) -> NoNumber | None:
    match = re.fullmatch(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)[eE]([+-]?)[0-9]+", text)
    if match is None:
        return None
    if match[1] == "-":
        found = f"{cited(text)}, closer to 0 than 1e-308"
        return NoNumber(found, "Write 0 if that is meant.", rule="small")
    return NoNumber(f"{cited(text)}, beyond 1e308", "Write a number that a computer can hold.")


def _percent(text: str) -> NoNumber | None:
    number = text.removesuffix("%").rstrip()
    if number == text or written_number(number) is None:
        return None
    whole = re.fullmatch("[+-]?[0-9]+", number)
    mend = f"Write {number}/100." if whole else "Divide it by 100."
    return NoNumber(f"{cited(text)}, a percentage", mend)


def _odd_fraction(text: str) -> NoNumber | None:
    above, slash, below = text.partition("/")
    divisor = written_number(below)
    if not slash or divisor is None or written_number(above) is None:
        return None
    if float(divisor) == 0:
        found = f"{cited(text)}, a division by 0"
        return NoNumber(found, "Write a finite number.", rule="division by 0")
    mend = "A fraction has a whole number above and one below: 1/3, -2/5."
    return NoNumber(f"the fraction {cited(text)}", mend)


def _two_numbers(text: str) -> NoNumber | None:
    parts = [part for part in re.split(r"[\s;|]+", text) if part]
    if len(parts) < 2 or any(written_number(part) is None for part in parts):
        return None
    return NoNumber(
        f"{len(parts)} numbers in one place, {cited(text)}",
        f"Put commas between them: {', '.join(parts[:4])}{', …' if len(parts) > 4 else ''}.",
    )


def _expression(text: str) -> NoNumber | None:
    if _EXPRESSION.fullmatch(text):
        return NoNumber(f"{cited(text)}, which is not a single number", "Write its value.")
    return None


_RULES: tuple[Callable[[str], NoNumber | None], ...] = (
    *(_nothing, _truth, _not_finite, _decimal_comma, _odd_character, _leading_zero),
    *(_too_large_or_small, _percent, _odd_fraction, _two_numbers, _expression),
)
