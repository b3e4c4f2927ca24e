"""Reads one field of a document at a time: a choice, a number, a whole number, a text.

Every function notes what is wrong and returns a default in its place, so that reading goes on
and all problems of a document are found at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection

import msgspec

from backtrace.spec.document.problems import FEW, Place, Problems
from backtrace.spec.document.reader import Entry, Mapping, Node, Scalar, Sequence, kind
from backtrace.spec.document.vocabulary import HOMES, SYNONYMS
from backtrace.spec.near_misses import near_miss
from backtrace.spec.number_reading import NoNumber, read_number
from backtrace.spec.numbers import Number
from backtrace.spec.wording import cited, listed, shortened

YES = {"true", "yes", "on"}
NO = {"false", "no", "off"}


class Range(msgspec.Struct, frozen=True):
    """The numbers a field accepts, and the words for them.

    From ``least`` to ``most``; more than ``above``, less than ``below``; not ``but``.
    """

    words: str
    least: float | None = None
    most: float | None = None
    above: float | None = None
    below: float | None = None
    but: float | None = None
    mend: str = ""

    def accepts(self, x: float) -> bool:
        return (
            (self.least is None or x >= self.least)
            and (self.most is None or x <= self.most)
            and (self.above is None or x > self.above)
            and (self.below is None or x < self.below)
            and x != self.but
        )


ANY = Range("a number")
POSITIVE = Range("a number above 0", above=0)
NOT_NEGATIVE = Range("a number from 0 up", least=0)
DECAYING = Range("a number from 0 up to, but not including, 1", least=0, below=1)
FACTOR = Range("a number above 0 and at most 1", above=0, most=1)


class Fields:
    """The entries of one mapping; keys that nothing reads are problems as soon as it is opened.

    ``what`` names the mapping in messages ("a layer").
    """

    def __init__(
        self, problems: Problems, node: Mapping, what: str, known: Collection[str]
    ) -> None:
        self.problems = problems
        self.node = node
        self.what = what
        for key, entry in node.entries.items():
            if key not in known:
                _unknown_key(problems, entry, what, known)

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def get(self, key: str) -> Node | None:
        """The value of ``key``; None where the key is absent or stands without a value."""
        entry = self.node.entries.get(key)
        if entry is None:
            return None
        if isinstance(entry.value, Scalar) and entry.value.empty:
            self.problems.add(
                entry.key,
                f"`{key}:` without a value",
                "a value",
                "Write the value after the colon, or remove the key.",
                code="E109",
            )
            return None
        return entry.value

    def key(self, key: str) -> Place:
        """Where the key stands, or the mapping, where the key is absent."""
        entry = self.node.entries.get(key)
        return self.node if entry is None else entry.key

    def require(self, key: str, mend: str) -> Node | None:
        """The value of ``key``, whose absence is a problem."""
        if key not in self:
            found = f"{self.what} without `{key}`"
            self.problems.add(self.node, found, f"`{key}:`", mend, code="E109")
        return self.get(key)

    def choice(self, key: str, allowed: Collection[str], default: str) -> str:
        node = self.get(key)
        return default if node is None else choice(self.problems, node, allowed, default)

    def number(self, key: str, default: Number, accepted: Range = ANY) -> Number:
        node = self.get(key)
        return default if node is None else number(self.problems, node, accepted, default)

    def whole(self, key: str, default: int, low: int, high: int | None = None) -> int:
        node = self.get(key)
        return default if node is None else whole(self.problems, node, default, low, high)

    def flag(self, key: str, *, default: bool) -> bool:
        node = self.get(key)
        return default if node is None else flag(self.problems, node, default=default)

    def text(self, key: str, default: str) -> str:
        node = self.get(key)
        if node is None:
            return default
        if isinstance(node, Scalar):
            return node.text
        self.problems.add(
            node, kind(node), "a text", "Write one text; put it in quotes.", code="E110"
        )
        return default


def fields(problems: Problems, node: Node, what: str, known: Collection[str]) -> Fields | None:
    """The fields of a mapping; None, and a problem, where the node is something else."""
    if isinstance(node, Mapping):
        return Fields(problems, node, what, known)
    problems.add(
        node,
        f"{kind(node)} for {what}",
        f"keys and values: {_keys(known)}",
        _missing_space(node, known),
        code="E110",
    )
    return None


def choice(
    problems: Problems,
    node: Node,
    allowed: Collection[str],
    default: str,
    also: Collection[str] = (),
) -> str:
    """One of the allowed words, or ``default`` and a problem, which says what ``also`` may stand
    there."""
    if isinstance(node, Scalar) and node.text in allowed:
        return node.text
    problems.add_choice(node, kind(node), [*allowed, *also], _suggestion(node, allowed), "E112")
    return default


def number(problems: Problems, node: Node, accepted: Range, default: Number) -> Number:
    """A number within a range, or ``default`` and a problem."""
    if not isinstance(node, Scalar):
        problems.add(node, kind(node), accepted.words, code="E110")
        return default
    reading = read_number(node.text)
    if isinstance(reading, NoNumber):
        add_misread(problems, node, reading, accepted.words)
        return default
    if not accepted.accepts(reading):
        problems.add(node, reading.text, accepted.words, accepted.mend, code="E111")
        return default
    return reading


def add_misread(problems: Problems, node: Place, misread: NoNumber, expected: str) -> None:
    """Note a text that is no number."""
    problems.add_alike(node, misread.rule, misread.found, expected, misread.mend, misread.code)


def whole(problems: Problems, node: Node, default: int, low: int, high: int | None = None) -> int:
    """A whole number of ``low`` … ``high``, or ``default`` and a problem."""
    words = f"a whole number from {low} up" if high is None else f"a whole number, {low} to {high}"
    seen = len(problems.found)
    value = number(problems, node, ANY, Number(default))
    if len(problems.found) > seen:
        return default
    if not value.is_integer() or value < low or (high is not None and value > high):
        problems.add(node, value.text, words, code="E111")
        return default
    return int(value)


def flag(problems: Problems, node: Node, *, default: bool) -> bool:
    """``true`` or ``false`` (or yes and no), or ``default`` and a problem."""
    text = node.text.lower() if isinstance(node, Scalar) else ""
    if text in YES or text in NO:
        return text in YES
    problems.add(node, kind(node), "true or false", code="E110")
    return default


def names(problems: Problems, node: Node, what: str) -> list[Scalar]:
    """The words of a list such as ``[b1, b2]``; a single word counts as a list of one."""
    if isinstance(node, Scalar) and not node.null:
        return [node]
    if not isinstance(node, Sequence):
        problems.add(node, kind(node), f"a list of {what}", "Write it as [b1, b2].", code="E110")
        return []
    for item in node.items:
        if not isinstance(item, Scalar):
            problems.add(item, kind(item), f"one of the {what}", code="E110")
    return [item for item in node.items if isinstance(item, Scalar)]


def one_of(problems: Problems, node: Mapping, what: str, allowed: Collection[str]) -> Entry | None:
    """The single entry of a mapping such as ``{step: {every: 10}}``."""
    entries = list(node.entries.values())
    if len(entries) == 1 and entries[0].key.text in allowed:
        return entries[0]
    if len(entries) == 1:
        place, found = entries[0].key, cited(entries[0].key.text)
        problems.add_choice(place, found, allowed, _suggestion(place, allowed), "E112")
    else:
        expected = f"exactly one: {listed([f'`{word}`' for word in allowed])}"
        problems.add(node, f"{what} with {len(entries)} keys", expected, code="E116")
    return None


def _unknown_key(problems: Problems, entry: Entry, what: str, known: Collection[str]) -> None:
    key = entry.key
    name = key.text.strip()
    if name in HOMES:
        few = known if len(known) <= FEW else ()
        mend = f"`{name}:` belongs {HOMES[name]}."
        problems.add_choice(key, f"`{name}` in {what}", few, mend, "E108")
        return
    found = f"the unknown key {cited(key.text)} in {what}"
    mend = _missing_space(key, known) or split_by_comma(entry) or _suggestion(key, known)
    choices = () if mend else known
    problems.add_choice(key, found, choices, mend or "Correct it, or remove it.", "E108")


def split_by_comma(entry: Entry) -> str:
    """``{bias: 0,5}`` is a bias of 0 and a key 5 to YAML."""
    alone = isinstance(entry.value, Scalar) and entry.value.empty
    return "A decimal comma? Write a decimal point." if alone and entry.key.text.isdigit() else ""


def _suggestion(node: Node, allowed: Collection[str]) -> str:
    if not isinstance(node, Scalar):
        return ""
    meant = SYNONYMS.get(re.sub("[ _-]", "", node.text.lower()), "")
    meant = meant if meant in allowed else near_miss(node.text, allowed)
    return f"Did you mean `{meant}`?" if meant else ""


def _keys(known: Collection[str]) -> str:
    keys = [f"`{key}:`" for key in known]
    return f"{', '.join(keys[:5])} …" if len(keys) > 6 else listed(keys)


def _missing_space(node: Node, known: Collection[str]) -> str:
    """``units:10`` is one word to YAML: the space after the colon is missing."""
    match = re.match(r"(\w+):(.+)", node.text) if isinstance(node, Scalar) else None
    if match is None or match[1] not in known:
        return ""
    return f"A space is missing after the colon: `{match[1]}: {shortened(match[2].strip(), 30)}`."
