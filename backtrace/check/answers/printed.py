"""What programs print around numbers: ``array(…)``, ``tensor(…)``, ``np.float64(…)``, brackets."""

from __future__ import annotations

import re

_KIND = r"(?:\w{1,12}\.)?(?:array|asarray|matrix|[Tt]ensor|float\d{2,3})"
_BEFORE = re.compile(rf"{_KIND}\(")
_OPTION = re.compile(r",\s*(?:dtype|device|grad_fn|requires_grad)\s*=")
_NUMBERS = re.compile(rf"{_KIND}\(([^()\[\],]*)\)")
_LATEX = re.compile(r"\s*\\begin\{(\w?matrix)\}(.*)\\end\{\1\}\s*", re.DOTALL)
_AROUND_ONE = re.compile(r"\s*(?:\[+([^\[\](),;|]*)\]+|\(([^\[\](),;|]*)\)|\|([^\[\](),;|]*)\|)\s*")
LONGEST = 100_000  # characters of what is looked at


def unwrapped(text: str) -> str:
    """What a program has printed, without the kind of thing that it is, and a matrix of LaTeX as
    ``1 2 ; 3 4``; any other text as it stands."""
    if len(text) > LONGEST or not ("(" in text or "\\" in text):
        return text
    in_latex = _LATEX.fullmatch(text)
    if in_latex is not None:
        return in_latex[2].replace("\\\\", ";").replace("&", " ").replace("\n", " ")
    plain = _NUMBERS.sub(r"\1", text)
    inside = plain.strip()
    before = _BEFORE.match(inside)
    if before is None or not inside.endswith(")"):
        return plain
    return _OPTION.split(inside[before.end() : -1], maxsplit=1)[0].strip().rstrip(",")


def alone(text: str) -> str:
    """A single number without the brackets around it."""
    if len(text) > LONGEST or not text.strip().endswith(("]", ")", "|")):
        return text
    plain = unwrapped(text)
    around = _AROUND_ONE.fullmatch(plain)
    return plain if around is None else next(filter(None, around.groups()), "")
