"""Answers files and streams → what each student wrote, by the ids of the exercise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import PurePath
from typing import BinaryIO

from backtrace.check.answers.figures import comma_in_doubt
from backtrace.check.answers.fitting import fit, places, scattered
from backtrace.check.answers.names import Quantity, Reader, Reference, reader
from backtrace.check.answers.numbering import counted_otherwise
from backtrace.check.answers.tree import LIMITS, AnswersError, inert, read_sheet
from backtrace.check.model import Answers, Unreadable, WrittenQuantity
from backtrace.spec.document.reader import Entry, Mapping, Node, Scalar, kind
from backtrace.spec.wording import cited

__all__ = ["AnswersError", "read_answers", "read_stream", "reader", "stream_lines"]

MOST_NOTES = 20
"""Notes on a sheet as a whole; of more only the number is said."""
OF_A_SPEC = {"layers", "equations"}
MOST_EXPLAINED = 10
"""Unknown names whose near miss is looked for; it takes time."""


def read_answers(content: bytes, file: str, reader: Reader) -> Answers:
    """The answers in a YAML or JSON text: ``{student: …, answers: {z1: …}}``, or the ids alone.

    ``file`` is the name used in messages, and its stem is the student's name where none is
    given. Written quantities come in the tape's order. Raises AnswersError where the text can't
    be read at all; what concerns a name or a quantity is said in the notes.
    """
    return _answers(content, file, 1, inert(PurePath(file).stem), reader)


def read_stream(
    lines: Iterable[bytes], reader: Reader, file: str = "<stdin>"
) -> Iterator[Answers | Unreadable]:
    """The answers of a stream, one JSON object a line; a line that can't be read stops nothing.

    Only one line is held at a time, if ``lines`` are; ``stream_lines`` bounds their length.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield _answers(line, file, number, f"line {number}", reader)
        except AnswersError as error:
            yield Unreadable(f"{file}:{number}", error.reason)


def stream_lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a binary stream, each cut a byte beyond what ``read_stream`` accepts."""
    limit = LIMITS.bytes + 1
    while line := stream.readline(limit):
        rest = line
        while len(rest) == limit and not rest.endswith(b"\n"):
            rest = stream.readline(limit)
        yield line


def most_notes(notes: Iterable[str]) -> tuple[str, ...]:
    """The notes without repeats, and of too many only their number."""
    kept = tuple(dict.fromkeys(notes))
    if len(kept) <= MOST_NOTES:
        return kept
    return (*kept[:MOST_NOTES], f"and {len(kept) - MOST_NOTES} more of this kind")


def _answers(content: bytes, file: str, line: int, unnamed: str, reader: Reader) -> Answers:
    root = read_sheet(content, file, line)
    if not isinstance(root, Mapping):
        raise _misshapen(root, file, line, "keys and values, such as `z1: [0.5, 1]`")
    if is_spec(root):
        swapped = "found a spec; expected answers: `backtrace check SPEC ANSWERS`"
        raise AnswersError(file, f"{inert(file)}: {swapped}", "E402")
    notes: list[str] = []
    student, answers = _parts(root, file, line, notes)
    if not answers.entries:
        nothing = "found no answers; expected ids and values, such as `z1: [0.5, 1]`"
        raise AnswersError(file, f"{inert(file)}: {nothing}", "E401")
    written = _Collector(reader, notes).collect(answers)
    notes += filter(None, [comma_in_doubt(written)])
    return Answers(inert(student) or unnamed, inert(file), written, most_notes(notes))


def is_spec(root: Node) -> bool:
    """Whether what was read is an exercise and not answers to one."""
    return isinstance(root, Mapping) and not OF_A_SPEC.isdisjoint(root.entries)


def _misshapen(node: Node, file: str, first_line: int, expected: str) -> AnswersError:
    place = f":{node.line + first_line - 1}:{node.column}" if node.line else ""
    reason = f"{inert(file)}{place}: found {kind(node)}; expected {expected}"
    return AnswersError(file, reason, "E401")


def _parts(root: Mapping, file: str, line: int, notes: list[str]) -> tuple[str, Mapping]:
    """The student's name, empty where there is none, and the mapping of ids to answers."""
    keys = {key.strip().lower(): key for key in reversed(root.entries)}
    named = keys.get("student", keys.get("name"))
    student = _student(root, named, notes)
    wrapper = keys.get("answers")
    rest = {key: entry for key, entry in root.entries.items() if key != named}
    if wrapper is None:
        return student, Mapping(root.line, root.column, 1, rest)
    answers = root.entries[wrapper].value
    outside = [key for key in rest if key != wrapper]
    notes += [f"{cited(key)} stands outside `answers` and was left aside" for key in outside]
    if isinstance(answers, Scalar) and (answers.empty or answers.null):
        return student, Mapping(answers.line, answers.column)
    if not isinstance(answers, Mapping):
        raise _misshapen(answers, file, line, "ids and values under `answers`")
    return student, answers


def _student(root: Mapping, key: str | None, notes: list[str]) -> str:
    node = None if key is None else root.entries[key].value
    if isinstance(node, Scalar):
        return "" if node.null or node.text.strip() == "_" else node.text
    if node is not None:
        notes.append(f"the student's name is {kind(node)}, and was left aside")
    return ""


class _Collector:
    """Gathers what a sheet says of each quantity; the first of two names counts."""

    def __init__(self, reader: Reader, notes: list[str]) -> None:
        self.reader = reader
        self.notes = notes
        self.written: dict[str, WrittenQuantity] = {}
        self.orders: dict[str, int] = {}
        self.keys: dict[str, str] = {}
        self.entries: dict[str, list[tuple[str, Reference, Node]]] = {}
        self.unknown = 0

    def collect(self, answers: Mapping) -> tuple[WrittenQuantity, ...]:
        named = [*self.under_headings(answers)]
        note, renamed = counted_otherwise(self.reader, [key for key, _ in named])
        self.notes += filter(None, [note])
        for key, entry in named:
            reference = renamed.get(key) or self.reader.find(key)
            if reference is None:
                self.leave_aside(key, entry.key)
            elif reference.index:
                name = reference.quantity.name
                self.entries.setdefault(name, []).append((key, reference, entry.value))
            else:
                written = fit(reference.quantity, entry.value, self.reader)
                self.take(key, reference, written)
        for entries in self.entries.values():
            self.take_entries(entries)
        if self.unknown > MOST_EXPLAINED:
            self.notes.append(f"{self.unknown} names are no quantities of this exercise")
        ordered = sorted(self.written, key=self.orders.__getitem__)
        return tuple(self.written[name] for name in ordered)

    def under_headings(self, answers: Mapping) -> Iterator[tuple[str, Entry]]:
        """The names and what stands under them, those under a heading such as `forward` too."""
        for key, entry in answers.entries.items():
            if isinstance(entry.value, Mapping) and self.reader.find(key) is None:
                yield from self.under_headings(entry.value)
            else:
                yield key, entry

    def leave_aside(self, key: str, place: Scalar) -> None:
        """Notes a name that means nothing; of a stranger's thousands most are only counted."""
        self.unknown += 1
        if self.unknown <= MOST_EXPLAINED:
            line = f"line {place.line}: " if place.line else ""
            self.notes.append(line + self.reader.explain(key))

    def take(self, key: str, reference: Reference, written: WrittenQuantity | None) -> None:
        """Notes what was written; a second name counts only where the first left all out."""
        if written is None:
            return
        name = reference.quantity.name
        first = self.written.get(name)
        if first is None:
            if reference.note:
                written = _noted(written, reference.note)
            self.written[name] = written
            self.orders[name] = reference.quantity.order
            self.keys[name] = key
            return
        differ = "" if first.cells == written.cells else ", and they differ"
        self.notes.append(
            f"{cited(self.keys[name])} and {cited(key)} both mean {name}{differ}; the first counts"
        )

    def take_entries(self, entries: list[tuple[str, Reference, Node]]) -> None:
        quantity = entries[0][1].quantity
        found, note = places(quantity, [reference.index for _, reference, _ in entries])
        texts: dict[tuple[int, int], str] = {}
        for (key, _, node), place in zip(entries, found, strict=True):
            if place is None:
                self.notes.append(out_of_range(key, quantity))
            elif place in texts:
                self.notes.append(f"{cited(key)} comes a second time; the first one counts")
            elif isinstance(node, Scalar):
                texts[place] = node.text
            else:
                self.notes.append(f"{cited(key)} is {kind(node)} where one number is meant")
        key, reference, _ = entries[0]
        self.take(key, reference, scattered(quantity, texts, [note] if note else [], self.reader))


def out_of_range(name: str, quantity: Quantity) -> str:
    """The note on an entry that a quantity does not have."""
    rows, columns = quantity.shape
    shape = f"{rows} × {columns}"
    return f"{cited(name)} was left aside: {quantity.name} is {shape}, its indices count from 1"


def _noted(written: WrittenQuantity, note: str) -> WrittenQuantity:
    from msgspec.structs import replace

    return replace(written, notes=(note, *written.notes))
