"""What is wrong where a text is not YAML, in the words of someone who writes specs.

Told from the text at the two places that the parser names: where it stopped, and where the thing
began that it was reading. Its own words differ from one release to the next.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from backtrace.spec.document.problems import Place, Problems, SpecError

MOST_QUOTED = 200  # characters of a line that is shown as it should be
_CLOSING = {"[": "]", "{": "}"}
_QUOTED = {'"': re.compile(r'"(?:\\.|[^"\\])*"', re.DOTALL), "'": re.compile("'(?:''|[^'])*'")}
_ESCAPE = re.compile(r"\\[0-9A-Za-z]{0,8}$")
_AFTER_VALUES = (",", "]", "}")
_NO_BEGINNING = tuple("%@`|>*&!")  # of a text without quotes
_TIGHT_DASH = re.compile(r"^( *)-([A-Za-z_]+:.*)$")
_ROWS = re.compile(r"^(?P<before>[^\[\]]*?)(?P<rows>\[[^\[\]]*\](?:\s*,\s*\[[^\[\]]*\])+)\s*$")
_OPEN_ROW = re.compile(r"([^\]\[\s,])(\s*,\s*\[)")
_COMMENT = re.compile(r"\s+#.*$")


class Stumble(msgspec.Struct, frozen=True):
    """Where the parser stopped (``place``), and what it was reading since (``begun``).

    ``scanning`` says that it could make nothing of the characters, rather than of what they are
    together; ``unclosed`` is the innermost list or mapping that was not complete.
    """

    lines: tuple[str, ...]
    scanning: bool
    place: Place
    begun: Place  # or ``place``, where it began nothing
    unclosed: Place | None

    @property
    def sign(self) -> str:
        """The character where it stopped; empty at the end of a line."""
        return self.rest(self.place)[:1].strip("\n")

    @property
    def first(self) -> str:
        """The character that it was reading since."""
        return "" if self.at_once else self.rest(self.begun)[:1]

    @property
    def at_once(self) -> bool:
        """Whether it stopped where it began."""
        return _same(self.begun, self.place)

    @property
    def at_end(self) -> bool:
        """Whether nothing but space follows; the parser may place the end one line further."""
        return not self.rest(self.place).strip()

    @property
    def open_bracket(self) -> Place | None:
        """The bracket that is not closed, or None where there is none."""
        within = self.unclosed
        return within if within and self.rest(within)[:1] in _CLOSING else None

    def rest(self, place: Place) -> str:
        """The text from a place on."""
        return "\n".join(self.lines[place.line - 1 :])[place.column - 1 :]


class SyntaxMistake(msgspec.Struct, frozen=True):
    """What stands where the parser stopped, or with ``at_begun`` where it began."""

    fits: Callable[[Stumble], bool]
    found: str
    expected: str
    mend: str
    at_begun: bool = False


def _in_quotes(stumble: Stumble) -> bool:
    """Whether it stopped between two quotes, or after one that has no other."""
    if not stumble.scanning or stumble.first not in _QUOTED:
        return False
    match = _QUOTED[stumble.first].match(stumble.rest(stumble.begun))
    return match is None or len(stumble.rest(stumble.place)) > len(match.string) - match.end()


def _in_escape(stumble: Stumble) -> bool:
    if not _in_quotes(stumble) or stumble.first != '"' or stumble.at_end:
        return False
    before = stumble.lines[stumble.place.line - 1][: stumble.place.column - 1]
    return stumble.sign == "\\" or _ESCAPE.search(before) is not None


def _in_odd_beginning(stumble: Stumble) -> bool:
    """Whether it was reading something that begins with a sign of YAML's own."""
    return stumble.scanning and stumble.rest(stumble.begun)[:1] in _NO_BEGINNING


def _in_list(stumble: Stumble) -> bool:
    """Whether it was reading a list of lines that begin with a dash each."""
    return re.match("-[ \n]", stumble.rest(stumble.begun)) is not None


def _on_one_line(stumble: Stumble) -> bool:
    """Whether it stopped within the line in which it began, but not at once."""
    return bool(stumble.first) and stumble.begun.line == stumble.place.line


_MISTAKES: tuple[SyntaxMistake, ...] = (
    SyntaxMistake(
        _in_escape,
        "a backslash that means nothing here",
        'an escape such as "\\n"',
        "Use single quotes: between them a backslash is a backslash.",
    ),
    SyntaxMistake(
        _in_quotes,
        "a quote that is opened and never closed",
        "its closing quote",
        "Close the text with the quote it was opened with.",
        at_begun=True,
    ),
    SyntaxMistake(
        _in_odd_beginning,
        "a text that begins with a sign of YAML's own",
        "a value",
        "A text that begins with one of % @ ` | > * & ! needs quotes.",
        at_begun=True,
    ),
    SyntaxMistake(
        lambda stumble: stumble.sign == ":" and stumble.scanning and _on_one_line(stumble),
        "a colon without a space after it",
        "`key: value`",
        "Put a space after the colon.",
    ),
    SyntaxMistake(
        lambda stumble: stumble.sign == ":" and stumble.scanning and stumble.at_once,
        "a colon that can't stand here",
        "one `key: value` a line",
        (
            "If the colon belongs to a text, put the text in quotes; otherwise look at the "
            "indentation, and for a space missing after the colon of the line before."
        ),
    ),
    SyntaxMistake(
        lambda stumble: stumble.sign == "]" and not _is_open(stumble, "]"),
        "a `]` too many",
        "as many `]` as `[`",
        "Remove it; count the brackets of the rows.",
    ),
    SyntaxMistake(
        lambda stumble: stumble.sign == "[" and not stumble.scanning and not stumble.open_bracket,
        "a second row that is not in the list of the first",
        "rows between the brackets of a matrix",
        "Put a comma between the rows, and brackets around them all: [[1, 2], [3, 4]].",
    ),
    SyntaxMistake(
        lambda stumble: stumble.at_once and stumble.sign == "-",
        "a `-` that can't stand here",
        "a list on lines of its own, or in brackets",
        (
            "Write the list as [1, 2], or begin it on the next line. A negative number has no "
            "space after its minus."
        ),
    ),
    SyntaxMistake(
        lambda stumble: stumble.scanning and not stumble.at_once,
        "a line without a `: `",
        "`key: value`",
        "Put a colon and a space between the key and its value.",
        at_begun=True,
    ),
    SyntaxMistake(
        lambda stumble: not stumble.scanning and _in_list(stumble),
        "a line that is not part of the list above it",
        "an entry that begins with `- ` in the column of the others",
        "Look at the indentation of this line.",
    ),
    SyntaxMistake(
        lambda stumble: not stumble.scanning and stumble.at_once and stumble.sign in _AFTER_VALUES,
        "two commas, or a comma without a value",
        "a value",
        "Write the value that is missing, or remove the comma.",
    ),
    SyntaxMistake(
        lambda stumble: True,
        "a line or a sign that belongs to nothing",
        "a key in the column of those above it",
        "Look at the indentation, and for a bracket or a quote too many.",
    ),
)


def explain(error: Any, problems: Problems, unclosed: Place | None, *, scanning: bool) -> NoReturn:
    """Note what the YAML parser stumbled over and raise the SpecError.

    ``unclosed`` is the innermost list or mapping that was not complete, ``scanning`` as in a
    Stumble.
    """
    place = _place(error.problem_mark)
    begun = _place(error.context_mark or error.problem_mark)
    stumble = Stumble(tuple(problems.lines), scanning, place, begun, unclosed)
    bracket = stumble.open_bracket
    if bracket and not scanning and (stumble.at_end or _same(begun, bracket)):
        _refuse_bracket(stumble, bracket, problems)
    if scanning and stumble.sign == "\t":
        _refuse_tabs(problems)
    _check_dashes(stumble, problems)
    _check_rows(stumble, problems)
    mistake = next(each for each in _MISTAKES if each.fits(stumble))
    at = begun if mistake.at_begun else place
    problems.refuse(at, mistake.found, mistake.expected, mistake.mend, code="E101")


def _same(one: Place, other: Place) -> bool:
    return (one.line, one.column) == (other.line, other.column)


def _place(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _refuse_bracket(stumble: Stumble, opened: Place, problems: Problems) -> NoReturn:
    bracket = stumble.rest(opened)[:1]
    closing, place = _CLOSING[bracket], stumble.place
    if place.line == opened.line:
        problems.refuse(
            place,
            "something that does not go on the list",
            f"a comma or `{closing}`",
            f"Separate the entries by commas, and close `{bracket}` with `{closing}`.",
            code="E101",
        )
    where = f"where line {place.line} begins something else"
    line = problems.lines[opened.line - 1][opened.column - 1 :]
    mended = _closed(_COMMENT.sub("", line).rstrip(), bracket)
    mend = f"Write {mended}." if mended else "Count the brackets of the rows."
    problems.refuse(
        opened,
        f"a `{bracket}` that is not closed {'by the end of the file' if stumble.at_end else where}",
        f"a comma or `{closing}` before {place.line}:{place.column}",
        f"Close it with `{closing}`. {mend}",
        code="E101",
    )


def _closed(line: str, bracket: str) -> str:
    """A matrix on one line with the bracket that one of its rows, or it itself, is without."""
    if bracket != "[" or len(line) > MOST_QUOTED:
        return ""
    row = _OPEN_ROW.sub(r"\1]\2", line, count=1)
    ended = f"{line}]"
    return next((way for way in (row, ended) if way.count("[") == way.count("]")), "")


def _is_open(stumble: Stumble, closing: str) -> bool:
    """Whether a bracket that ``closing`` would close is open where it stopped."""
    bracket = stumble.open_bracket
    return bracket is not None and _CLOSING[stumble.rest(bracket)[:1]] == closing


def _check_dashes(stumble: Stumble, problems: Problems) -> None:
    """A dash without its space: what it is before is one word to YAML, up to the next colon."""
    above = [line for line in stumble.lines[: stumble.place.line] if line.strip()]
    for line in reversed(above[-2:]):
        tight = _TIGHT_DASH.match(line)
        if tight:
            place = Place(stumble.lines.index(line) + 1, len(tight[1]) + 1)
            found, expected = "a dash without a space after it", "a dash and a space"
            mend = f"Write `- {tight[2]}`."
            problems.refuse(place, found, expected, mend, code="E101")


def _check_rows(stumble: Stumble, problems: Problems) -> None:
    """Rows beside each other without the brackets around them all."""
    at_place = stumble.lines[stumble.place.line - 1 : stumble.place.line]  # none at the end
    line = _COMMENT.sub("", "".join(at_place))
    rows = None if stumble.open_bracket else _ROWS.match(line)
    if rows and len(line) <= MOST_QUOTED:
        place = Place(stumble.place.line, rows.start("rows") + 1, len(rows["rows"]))
        mend = f"Write [{rows['rows']}]."
        found = "rows without brackets around them all"
        problems.refuse(place, found, "one list of rows", mend, code="E101")


def _refuse_tabs(problems: Problems) -> NoReturn:
    """Each line that begins with spaces and tabs, or with tabs alone."""
    for number, line in enumerate(problems.lines, 1):
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent:
            problems.add(
                Place(number, indent.index("\t") + 1),
                "a tab in the indentation",
                "spaces",
                "Replace each tab by spaces: YAML does not say how wide a tab is.",
                code="E101",
            )
    raise SpecError(problems.found)
