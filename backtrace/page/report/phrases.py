"""Sentences about verdicts and mistakes: the places of entries, what went wrong, in what words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.check.model import Explanation, Judged, Trivial, Verdict
from backtrace.check.sheets.exercise import Key
from backtrace.functions.formula import Sentence
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import sentence_text
from backtrace.spec import ids
from backtrace.spec.model import Spec
from backtrace.spec.wording import listed

# The order in which a sheet speaks of them: what stands, the mistake, what follows from it.
SPOKEN: tuple[Verdict, ...] = (
    "right",
    "rounded",
    "wrong",
    "carried",
    "unsupported",
    "imprecise",
    "malformed",
    "missing",
)
LEGEND: dict[Verdict, str] = {
    "right": "right",
    "rounded": "right but for their own rounding",
    "wrong": "wrong",
    "carried": "follows from an earlier mistake",
    "unsupported": "the key's value, but not from their own work",
    "imprecise": "too few digits to tell",
    "malformed": "not readable",
    "missing": "asked for, not given",
}
NUMBERS = [
    "no",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
]
# What says in its detail where it is.
NAMED_IN_DETAIL = {
    "given-misread", "entries-exchanged", "lines-exchanged", "copied-wrong", "addend-omitted",
}  # fmt: skip
MOST_LINES = 3  # in any of which a mistake may have been made, that are named
MOST_PLACES = 6  # entries that a sentence lists one by one


class Words:
    """The words for one exercise: its symbols, its samples' letter, its activations."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.has_layers = bool(spec.layers)
        self.loss = "" if spec.loss is None else spec.loss.name
        self.symbols = Symbols.asked_by(spec)
        self.activations = self.symbols.activations

    def name(self, name: str) -> str:
        """The symbol of ``delta2``, or of ``z1@2.3``: ``z₁@2.3``, as it is written in answers."""
        id, at, where = name.partition("@")
        return self.symbols.name(id) + at + where

    def said(self, sentence: Sentence) -> str:
        """A sentence with the exercise's symbols, as text."""
        return sentence_text(sentence, self.symbols)

    def cause(self, explanation: Explanation, judged: str) -> str:
        """What went wrong, after a colon: ``the bias is missing, in z₁``."""
        by_code: dict[str, list[str]] = {}
        for code, id in explanation.mistakes:
            by_code.setdefault(code, []).append(id)
        causes = [
            f"{self._title(code, ids[0], explanation)}{self._place(code, ids, explanation, judged)}"
            for code, ids in by_code.items()
        ]
        if len(causes) > 1:
            return f"two things at once: {'; and '.join(causes)}"
        return causes[0]

    def _title(self, code: str, id: str, explanation: Explanation) -> str:
        """``another activation (tanh was used)``; ``rows 1 and 2 of dW₁ are exchanged``."""
        row = CATALOGUE[code]
        title = self._fitting(row.called, id) or row.title
        if not (explanation.detail and row.detail) or len(explanation.mistakes) > 1:
            return title
        more = row.detail.format(self.said(explanation.detail))
        if row.whole and not explanation.or_else:
            return row.whole.format(self.said(explanation.detail))
        return f"{title} ({'for example ' if explanation.or_else else ''}{more})"

    def _place(self, code: str, ids: list[str], explanation: Explanation, judged: str) -> str:
        """Where it was made, if not in the line itself or said already: ``, in da₁ and da₂``."""
        if code in NAMED_IN_DETAIL:
            return ""
        every = [*ids, *explanation.or_in]
        if every == [judged]:
            return ""
        names = [self.symbols.name(id) for id in every[:MOST_LINES]]
        if len(every) > MOST_LINES:
            names[-1] = "a line before"
        if every[0] == judged:
            names = ["here", *(f"in {name}" for name in names[1:])]
        said = listed(names, "or" if explanation.or_in else "and")
        return f", {said}" if every[0] == judged else f", in {said}"

    def advice(self, explanation: Explanation) -> tuple[str, ...]:
        """What to do about it, in words that fit this exercise's activation and loss."""
        told = (
            self._fitting(CATALOGUE[code].told_of, id) or CATALOGUE[code].tell
            for code, id in explanation.mistakes
        )
        return tuple(dict.fromkeys(told))

    def _fitting(self, said: Mapping[str, str], id: str) -> str:
        """What is said of the step's role, of its layer's activation, or of the loss."""
        named = self._parsed(id)
        layer = 0 if named is None else named.layer or 0
        keys = (named.role if named else "", self.activations.get(layer, ""), self.loss)
        return next((said[key] for key in keys if key in said), "")

    def _parsed(self, id: str) -> ids.Id | None:
        """What an id says; a name of equations, be it ``W1``, says nothing."""
        return ids.parse(id) if self.has_layers else None

    def again(self, name: str) -> str:
        """That a mistake was made before, and costs nothing more."""
        return f"The same mistake as in {self.name(name)}: it is charged once."

    def deed(self, explanations: Sequence[Explanation]) -> str:
        """What some of a class did: ``left out σ′ in δ₂``; a tie is an ``or``."""
        if not explanations:
            return ""
        told = [" and ".join(self._deed(*pair) for pair in e.mistakes) for e in explanations]
        return ", or ".join(dict.fromkeys(told))

    def _deed(self, code: str, id: str) -> str:
        named = self._parsed(id)
        layer = 0 if named is None else named.layer or 0
        has_slope = layer in self.symbols.activations
        slope = f"{self.symbols.activation(layer)}′" if has_slope else "the derivative"
        n = self.symbols.constant("samples")
        return CATALOGUE[code].deed.format(id=self.symbols.name(id), slope=slope, n=n)


def name_of(place: Key) -> str:
    """``delta2``, or of another update than the first ``z1@2.3``."""
    epoch, batch, id = place
    return id if (epoch, batch) == (1, 1) else f"{id}@{epoch}.{batch}"


def places(judged: Judged, symbol: str, *verdicts: Verdict) -> str:
    """``δ₂, all four entries``; ``δ₂[1,2] and [1,3]``; ``δ₂, 9 of 12 entries``."""
    found = len(judged.places(*verdicts))
    by_place = found <= MOST_PLACES and found < sum(map(len, judged.entries))
    which = entries(judged, *verdicts)
    return f"{symbol}{which}" if by_place or not which else f"{symbol}, {which}"


def entries(judged: Judged, *verdicts: Verdict) -> str:
    """``all four entries``; ``[1,2] and [1,3]``; nothing where there is only one."""
    found = judged.places(*verdicts)
    total = sum(map(len, judged.entries))
    if len(found) == total:
        return "" if total == 1 else f"{_all(total)} entries"
    if len(found) > MOST_PLACES:
        return f"{len(found)} of {total} entries"
    return listed([f"[{i},{j}]" for i, j in found], "and")


def _all(total: int) -> str:
    return "both" if total == 2 else f"all {in_words(total)}"


def done_by(students: int, deed: str) -> str:
    """A deed as it is said of so many: one ``has`` what several ``have``."""
    return deed if students > 1 else re.sub(r"^have |(?<=, or )have ", "has ", deed)


def in_words(number: int) -> str:
    return NUMBERS[number] if 0 <= number < len(NUMBERS) else str(number)


def marks(earned: float, possible: float) -> str:
    """``14.5 of 20``."""
    return f"{plain_number(earned)} of {plain_number(possible)}"


def plain_number(value: float) -> str:
    """A mark without needless digits: ``14``, ``14.5``, ``0.33``."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


TRIVIAL = {
    "zeros": "since {id}, which the work rests on, is all 0",
    "ones": "since {id}, which the work rests on, is all 1",
    "copy": "since {id}, which the work rests on, is a copy of numbers given",
    "filled": "since one number fills this and others that are wrong",
    "chance": "since most of the sheet is wrong, or only copies what is",
    "unmoved": "since the update leaves every parameter as it was",
}
CONVENTION_SAID = {
    ("mean_in", "gradient"): "with the 1/{n} in the gradients, not before them",
    ("mean_in", "delta"): "with the 1/{n} before the gradients, not in them",
    ("sign", "descent"): "with the descent sign (y − ŷ, then + {rate})",
    ("sign", "gradient"): "with the gradient's sign (ŷ − y, then − {rate})",
}


def withheld_because(why: Trivial, words: Words) -> str:
    """Why a carried value earns nothing: ``since δ₂, which the work rests on, is all 0``."""
    return TRIVIAL[why.holds].format(id=words.name(why.id))


def worked_by(conventions: Mapping[str, str], words: Words) -> str:
    """In which other way a whole sheet was worked, in a sentence or two."""
    said = _conventions_said(conventions, words)
    worked = f"Worked {' and '.join(said)}: the sheet is read so." if said else ""
    return " ".join(filter(None, (worked, _rounded_by(conventions))))


def not_accepted(conventions: Mapping[str, str], words: Words) -> str:
    """In which other convention a whole sheet was worked, though the course insists on its own."""
    parts = _conventions_said(conventions, words)
    if conventions.get("rounding") == "cut off":
        parts.append("with digits cut off, not rounded")
    said = " and ".join(parts)
    return f"Worked {said}: one mistake, since this course keeps to its own convention."


def _conventions_said(conventions: Mapping[str, str], words: Words) -> list[str]:
    named = [CONVENTION_SAID[item] for item in conventions.items() if item in CONVENTION_SAID]
    constant = words.symbols.constant
    return [each.format(n=constant("samples"), rate=constant("rate")) for each in named]


def convention_words(conventions: Mapping[str, str], words: Words) -> Iterator[str]:
    """The same of many sheets, after their number: ``are cut off, not rounded``."""
    for said in _conventions_said(conventions, words):
        yield f"are worked {said}: they are read so"
    rounding = conventions.get("rounding", "")
    if rounding == "cut off":
        yield "are cut off, not rounded: they are read so"
    elif rounding:
        yield f"are {rounding}, and written to more: more digits should be carried"


def _rounded_by(conventions: Mapping[str, str]) -> str:
    rounding = conventions.get("rounding", "")
    if rounding == "cut off":
        return "Your numbers look cut off, not rounded: they are read so."
    if rounding:
        return f"{rounding[0].upper()}{rounding[1:]}, and written to more: carry more digits."
    return ""
