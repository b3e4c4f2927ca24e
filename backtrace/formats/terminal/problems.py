"""What is wrong with a spec, as wide as the terminal: place, message, quoted line, what to do."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.formats.measure import text_width, wrapped
from backtrace.formats.terminal.boxes import Line
from backtrace.formats.terminal.layout import Layout
from backtrace.spec.document.problems import Kind, Problem, SpecError

INSET = "  "
ROLES = {"choices": "fact", "places": "place"}  # of parts that are said quietly


def lines(error: SpecError, layout: Layout, *, folds: bool = True) -> list[Line]:
    """Every kind of problem once, an empty line between them, and how many there are.

    Unless it ``folds``, a position and what is found there stay on one line.
    """
    kinds, total = error.printed
    page: list[Line] = []
    for kind in kinds:
        page += [*_kind(kind, layout, folds), []]
    return [*page, [(total, "fact")]] if total else page[:-1]


def _kind(kind: Kind, layout: Layout, folds: bool) -> Iterator[Line]:
    problem = kind.told
    quoted = _quoted(problem.quote, problem.caret, layout.breadth - _margin(problem.line))
    for part, words in kind.parts():
        if part == "message":
            yield from _message(problem, words, layout, folds)
        elif part == "quote":
            yield [(f"{INSET}{problem.line} | ", "place"), (quoted[0], "quote")]
        elif part == "caret":
            margin, caret = " " * len(f"{INSET}{problem.line}") + " | ", quoted[1].lstrip()
            before = " " * (len(quoted[1]) - len(caret))
            yield [(margin, "place"), (before, ""), (caret, "caret")]
        elif part == "drawing":
            yield [(INSET * 2 + layout.say(words), part)]
        else:
            for line in wrapped(layout.say(words), layout.breadth - len(INSET)):
                yield [(INSET, ""), (line, ROLES.get(part, part))]


def _message(problem: Problem, words: str, layout: Layout, folds: bool) -> Iterator[Line]:
    """The position and what is found there, folded beneath it; the error's number at the end."""
    place, number = layout.say(problem.position) + ":", f"[{problem.code}]"
    said = f"{place} {layout.say(words)}"
    first, *more = wrapped(said, layout.breadth - len(INSET)) if folds else [said]
    shown = len(place) if first.startswith(place) else len(first)
    lines: list[Line] = [[(first[:shown], "place"), (first[shown:], "message")]]
    lines += [[(INSET, ""), (line, "message")] for line in more]
    last, role = lines[-1][-1]
    if last.endswith(number):
        lines[-1][-1:] = [(last.removesuffix(number), role), (number, "number")]
    yield from lines


def _margin(line: int) -> int:
    return len(f"{INSET}{line} | ")


def _quoted(quote: str, caret: str, room: int) -> tuple[str, str]:
    """The quoted line and its caret, or as much around the caret as there is room for."""
    at = len(caret) - len(caret.lstrip())
    if text_width(quote) <= room:
        return quote, caret
    start = max(0, min(at - room // 2, len(quote) - room + 1))
    cut = quote[start : start + room - 2]
    before = "…" if start else ""
    after = "…" if start + len(cut) < len(quote) else ""
    return before + cut + after, (" " * len(before) + caret[start:])[: len(cut) + len(before)]
