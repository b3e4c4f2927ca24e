"""Slips of the hand: what befalls one written number."""

from itertools import pairwise

import numpy as np

from tests.check.random_exercises import pick

SLIPS = ("sign-slip", "point-moved", "digits-swapped", "copied-wrong", "arithmetic-slip")


def slipped(random, code, texts, values):
    """Changes one entry of ``texts``; none where no entry can suffer that slip."""
    places = list(np.ndindex(texts.shape))
    random.shuffle(places)
    for place in map(tuple, places):
        found = list(SLIP[code](texts[place], float(values[place])))
        if found:
            texts[place] = pick(random, found)
            return


def _sign(text, value):
    if float(text):
        yield text[1:] if text[0] == "-" else f"-{text}"


def _point(text, value):
    """One place to the left or to the right, no digit lost."""
    decimals = len(text.partition(".")[2])
    if sum(text.strip("-0.").count(digit) for digit in "0123456789") > 1:
        yield f"{float(text) / 10:.{decimals + 1}f}"
        if decimals > 0:
            yield f"{float(text) * 10:.{decimals - 1}f}"


def _swapped(text, value):
    digits = [k for k, character in enumerate(text) if character.isdigit()]
    for one, two in pairwise(digits):
        if text[one] != text[two]:
            letters = list(text)
            letters[one], letters[two] = letters[two], letters[one]
            yield "".join(letters)


def _copied(text, value):
    for at, own in enumerate(text):
        if own.isdigit():
            yield from (f"{text[:at]}{d}{text[at + 1 :]}" for d in "0123456789" if d != own)


def _worked(text, value):
    """Anything else, from 3 units to twice the number off."""
    decimals = len(text.partition(".")[2])
    for share in (0.07, -0.13, 0.37, -0.61, 1.9):
        far = share * max(abs(float(text)), 30 * 10.0**-decimals)
        yield f"{float(text) + far:.{decimals}f}"


SLIP = {
    "sign-slip": _sign,
    "point-moved": _point,
    "digits-swapped": _swapped,
    "copied-wrong": _copied,
    "arithmetic-slip": _worked,
}
