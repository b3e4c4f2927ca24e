"""What is wrong where a text is not YAML, in the words of someone who writes specs."""

from __future__ import annotations

import re
from typing import NoReturn

from backtrace.spec.document.problems import Place, Problems, cited

_QUOTE_IT = "A text that holds one needs quotes."

# The parser's words (both of libyaml's and of PyYAML's own parser) → found, expected, mend.
_MESSAGES: tuple[tuple[str, str, str, str], ...] = (
    (
        "mapping values are not allowed",
        "a colon that can't stand here",
        "one `key: value` a line",
        (
            "If the colon belongs to a text, put the text in quotes; otherwise look at the "
            "indentation, and for a space missing after the colon of the line before."
        ),
    ),
    (
        "unexpected ':'",
        "a colon without a space after it",
        "`key: value`",
        "Put a space after the colon.",
    ),
    (
        "could not find expected ':'",
        "a line without a `: `",
        "`key: value`",
        "Put a colon and a space between the key and its value.",
    ),
    (
        "unexpected end of stream",
        "a quote that is opened and never closed",
        "its closing quote",
        "Close the text with the quote it was opened with.",
    ),
    (
        "unknown escape character",
        "a backslash that means nothing here",
        'an escape such as "\\n"',
        "Use single quotes: between them a backslash is a backslash.",
    ),
    (
        "did not find expected '-' indicator",
        "a line that is not part of the list above it",
        "an entry that begins with `- ` in the column of the others",
        "Look at the indentation of this line.",
    ),
    (
        "sequence entries are not allowed",
        "a `-` that can't stand here",
        "a list on lines of its own, or in brackets",
        (
            "Write the list as [1, 2], or begin it on the next line. A negative number has no "
            "space after its minus."
        ),
    ),
    (
        "node content",
        "two commas, or a comma without a value",
        "a value",
        "Write the value that is missing, or remove the comma.",
    ),
    (
        "expected key",
        "a line or a sign that belongs to nothing",
        "a key in the column of those above it",
        "Look at the indentation, and for a bracket or a quote too many.",
    ),
    (
        "expected <block end>",
        "a line or a sign that belongs to nothing",
        "a key or an entry in the column of those above it",
        "Look at the indentation, and for a bracket or a quote too many.",
    ),
    (
        "alphabetic or numeric character",
        "a `*` or `&` that begins a value",
        "a value",
        "A text that begins with one needs quotes.",
    ),
    (
        "block scalar",
        "a `|` or `>` with something after it",
        "a text",
        "A text that begins with one needs quotes.",
    ),
    (
        "directive",
        "a line that begins with %",
        "`key: value`",
        "Remove it, or put it in quotes.",
    ),
    (
        "incompatible YAML document",
        "a directive for another version of YAML",
        "`key: value`",
        "Remove the line that begins with %YAML.",
    ),
)


def explain(error: Exception, text: str, problems: Problems, unclosed: Place | None) -> NoReturn:
    """Note what the YAML parser stumbled over and raise the SpecError.

    ``unclosed`` is the innermost list or mapping that was not complete.
    """
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        _explain_unplaced(error, text, problems)
    place = Place(mark.line + 1, mark.column + 1)
    said = str(getattr(error, "problem", ""))
    context = str(getattr(error, "context", "") or "")
    opened = getattr(error, "context_mark", None)
    if opened is not None and re.search(r"expected ',' or '[\]}]'", said):
        _explain_bracket(place, Place(opened.line + 1, opened.column + 1), problems)
    if "node content" in said and unclosed is not None and _at_end(place, problems):
        _explain_bracket(place, unclosed, problems)
    if "cannot start any token" in said:
        _explain_character(place, problems)
    if opened is not None and "simple key" in said + context:
        place = Place(opened.line + 1, opened.column + 1)
    if opened is not None and ("end of stream" in said or "directive" in said):
        place = Place(opened.line + 1, opened.column + 1)
    for words, found, expected, mend in _MESSAGES:
        if words in said or words in context:
            problems.refuse(place, found, expected, mend)
    problems.refuse(place, f"something that is not YAML ({said})", "`key: value`", _QUOTE_IT)


def _explain_unplaced(error: Exception, text: str, problems: Problems) -> NoReturn:
    position = getattr(error, "position", None)
    before = text[:position].split("\n") if isinstance(position, int) else [""]
    reason = str(getattr(error, "reason", "") or type(error).__name__)
    problems.refuse(
        Place(len(before), len(before[-1]) + 1),
        f"something that can't be read ({reason})",
        "YAML",
    )


def _at_end(place: Place, problems: Problems) -> bool:
    """Whether nothing but space follows; the parser may place the end one line further."""
    rest = list(problems.lines[place.line - 1 :])
    return not rest or not "".join([rest[0][place.column - 1 :], *rest[1:]]).strip()


def _explain_bracket(place: Place, opened: Place, problems: Problems) -> NoReturn:
    bracket = problems.lines[opened.line - 1][opened.column - 1 : opened.column]
    closing = {"[": "]", "{": "}"}.get(bracket, "]")
    if place.line == opened.line:
        problems.refuse(
            place,
            "something that does not go on the list",
            f"a comma or `{closing}`",
            f"Separate the entries by commas, and close `{bracket}` with `{closing}`.",
        )
    if _at_end(place, problems):
        where = "by the end of the file"
    else:
        where = f"where line {place.line} begins something else"
    problems.refuse(
        opened,
        f"a `{bracket}` that is not closed {where}",
        f"a comma or `{closing}` before {place.line}:{place.column}",
        f"Close it with `{closing}`; count the brackets of the rows.",
    )


def _explain_character(place: Place, problems: Problems) -> NoReturn:
    line = problems.lines[place.line - 1] if place.line <= len(problems.lines) else ""
    character = line[place.column - 1 : place.column]
    if "\t" in line[: place.column]:
        at = line.index("\t") + 1
        problems.refuse(
            Place(place.line, at),
            "a tab in the indentation",
            "spaces",
            "Replace each tab by spaces: YAML does not say how wide a tab is.",
        )
    problems.refuse(
        place,
        f"{cited(character)}, which can't begin a value",
        "a value",
        f"{_QUOTE_IT}",
    )
