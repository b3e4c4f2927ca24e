"""What is wrong with a document: where it stands, what was expected there, how to mend it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeAlias

import msgspec

from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.wording import count, listed, printable

MOST_PRINTED = 100
"""Kinds of problems that ``str(SpecError)`` prints; beyond that only their number."""

FEW = 4
"""Words that a sentence can list; more are listed below it."""

MOST_PLACES = 12
"""Places that are named where the same is wrong in several."""

MOST_COLLECTED = 1000
"""Problems after which a document is given up, so that a hopeless one costs no time."""

QUOTE_WIDTH = 72
"""Characters of a source line that are quoted; a longer line shows the part around the caret."""


Part: TypeAlias = Literal["message", "quote", "caret", "drawing", "mend", "choices", "places"]
"""The parts of what is said of a problem, in this order."""


class Place(msgspec.Struct):
    """Where something stands: line and column count from 1, ``length`` is in characters.

    Line 0 means the file as a whole.
    """

    line: int
    column: int
    length: int = 1


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong, complete enough to be mended without looking anything up.

    ``code`` is its number in the handbook; the sentences are for people alone.
    ``quote`` is the source line (or the part of it around the column), ``caret`` the line that
    marks the place under it; both are empty where there is no line to show. ``drawing`` is a
    sketch of the shapes involved, of several lines, or empty. ``choices`` are the words that can
    stand there, where they are too many for a sentence. Problems of one ``rule`` are mended alike.
    """

    file: str
    line: int
    column: int
    found: str
    expected: str
    mend: str
    code: ErrorCode
    quote: str = ""
    caret: str = ""
    drawing: str = ""
    choices: tuple[str, ...] = ()
    rule: str = ""

    @property
    def position(self) -> str:
        """FILE:LINE:COLUMN, or FILE alone for what concerns the file as a whole."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    @property
    def kind(self) -> Hashable:
        """What problems that are mended alike have in common."""
        if self.rule:
            return self.file, self.code, self.rule
        if self.drawing:
            return self
        same = self.mend or self.choices or self.found
        return self.file, self.code, self.expected, same

    def parts(self) -> list[tuple[Part, str]]:
        """What is said of it, line by line; the position comes before the first."""
        expected = f"; expected {self.expected}" if self.expected else ""
        message = f"found {self.found}{expected} [{self.code}]"
        said: list[tuple[Part, str]] = [("message", message)]
        if self.quote:
            said += [("quote", self.quote), ("caret", self.caret)]
        said += [("drawing", line) for line in self.drawing.splitlines()]
        if self.mend:
            said.append(("mend", self.mend))
        if self.choices:
            said.append(("choices", f"It can be {listed(self.choices)}."))
        return said

    def __str__(self) -> str:
        return str(Kind((self,)))


class Kind(msgspec.Struct, frozen=True):
    """Problems that are mended alike: one is told, of the others where they are."""

    problems: tuple[Problem, ...]

    @property
    def told(self) -> Problem:
        return self.problems[0]

    def parts(self) -> list[tuple[Part, str]]:
        """What is said of them all, line by line."""
        said, others = self.told.parts(), self.problems[1:]
        if others:
            places = [f"{each.line}:{each.column}" for each in others[:MOST_PLACES]]
            left = len(others) - len(places)
            places += [count(left, "more place")] if left else []
            said.append(("places", f"The same at {listed(places, 'and')}."))
        return said

    def __str__(self) -> str:
        number = str(self.told.line)
        before: dict[Part, str] = {
            "message": f"{self.told.position}: ",
            "quote": f"  {number} | ",
            "caret": f"  {' ' * len(number)} | ",
            "drawing": "    ",
        }
        return "\n".join(f"{before.get(part, '  ')}{line}" for part, line in self.parts())


class SpecError(Exception):
    """A document (a spec, a data file it names, an answers file) that can't be used.

    ``problems`` holds all that is wrong with it, in the order of the lines, each once.
    """

    problems: tuple[Problem, ...]

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(dict.fromkeys(problems), key=_order))
        super().__init__(self.problems)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The problems by how they are mended, in the order of their first places."""
        kinds: dict[Hashable, list[Problem]] = {}
        for problem in self.problems:
            kinds.setdefault(problem.kind, []).append(problem)
        return tuple(Kind(tuple(alike)) for alike in kinds.values())

    @property
    def printed(self) -> tuple[tuple[Kind, ...], str]:
        """The kinds that are told, and what is said below them of the number of problems."""
        kinds, number = self.kinds, len(self.problems)
        told = kinds[:MOST_PRINTED]
        left = sum(len(kind.problems) for kind in kinds[MOST_PRINTED:])
        if left:
            return told, f"… and {left} more problems"
        return told, f"{number} problems" if number > 1 else ""

    def __str__(self) -> str:
        told, total = self.printed
        return "\n\n".join([*map(str, told), *([total] if total else [])])


class Problems:
    """Collects the problems of one document; ``lines`` are quoted from."""

    def __init__(self, file: str, lines: Sequence[str] = ()) -> None:
        self.file = file
        self.lines = lines
        self.found: list[Problem] = []

    def add(
        self,
        place: Place,
        found: str,
        expected: str,
        mend: str = "",
        *,
        code: ErrorCode,
        drawing: str = "",
    ) -> None:
        """Note that ``found`` stands at ``place`` where ``expected`` belongs.

        Raises SpecError with those noted so far when there are ``MOST_COLLECTED`` of them.
        """
        self._note(place, found, expected, mend, {"code": code, "drawing": drawing})

    def add_alike(
        self, place: Place, rule: str, found: str, expected: str, mend: str, code: ErrorCode
    ) -> None:
        """Note what is mended as all else of the ``rule`` is."""
        self._note(place, found, expected, mend, {"rule": rule, "code": code})

    def add_choice(
        self, place: Place, found: str, choices: Collection[str], mend: str, code: ErrorCode
    ) -> None:
        """Note what stands where one of some words belongs."""
        quoted = tuple(f"`{word}`" for word in choices)
        if len(quoted) > FEW:
            self._note(place, found, "", mend, {"choices": quoted, "code": code})
        else:
            self._note(place, found, listed(quoted), mend, {"code": code})

    def _note(
        self, place: Place, found: str, expected: str, mend: str, more: Mapping[str, Any]
    ) -> None:
        quote, caret = self._quote(place)
        at = (self.file, place.line, place.column)
        self.found.append(Problem(*at, found, expected, mend, quote=quote, caret=caret, **more))
        if len(self.found) >= MOST_COLLECTED:
            raise SpecError(self.found)

    def scratch(self) -> Problems:
        """An empty collector for the same document, to try a reading that may be dropped."""
        return Problems(self.file, self.lines)

    def raise_any(self) -> None:
        """Raise a SpecError with all problems noted so far, if there are any."""
        if self.found:
            raise SpecError(self.found)

    def refuse(
        self, place: Place, found: str, expected: str, mend: str = "", *, code: ErrorCode
    ) -> NoReturn:
        """Note one more problem and raise: nothing after it can be read."""
        self.add(place, found, expected, mend, code=code)
        raise SpecError(self.found)

    def _quote(self, place: Place) -> tuple[str, str]:
        if not 1 <= place.line <= len(self.lines):
            return "", ""
        line = self.lines[place.line - 1]
        at = min(place.column - 1, len(line))
        start = _window_start(len(line), at)
        before = ("…" if start else "") + printable(line[start:at])
        after = printable(line[at : start + QUOTE_WIDTH])
        more = "…" if start + QUOTE_WIDTH < len(line) else ""
        marks = max(1, min(place.length, len(after)))
        return before + after + more, " " * _width(before) + "^" * _width(after[:marks] or "^")


def whole_file(
    file: str, found: str, expected: str, mend: str = "", *, code: ErrorCode
) -> SpecError:
    """The error for a file that can't be read at all."""
    return SpecError([Problem(file, 0, 0, found, expected, mend, code)])


def _order(problem: Problem) -> tuple[int, int, str]:
    return problem.line, problem.column, problem.found


def _window_start(length: int, at: int) -> int:
    """Where the quoted part of a long line begins, so that the place ``at`` is well inside."""
    if length <= QUOTE_WIDTH or at < QUOTE_WIDTH * 2 // 3:
        return 0
    return min(at - QUOTE_WIDTH // 2, max(0, length - QUOTE_WIDTH))


def _width(text: str) -> int:
    """Columns of a terminal that ``text`` takes: East Asian characters take two, accents none."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
