"""Published figures of an exercise (``expect:``), read by id with what is known to be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from backtrace.spec.document.fields import Fields, Range
from backtrace.spec.document.reader import Entry, Mapping, Node, Scalar, Sequence, kind
from backtrace.spec.ids import At
from backtrace.spec.model import Published, Slip
from backtrace.spec.numbers import Number
from backtrace.spec.read.quantities.quantity_ids import QuantityIds
from backtrace.spec.read.written_matrix import WrittenMatrix, read_matrix
from backtrace.spec.wording import cited, count

BLANKS = {text: Number(0.0, "") for text in ("_", "?", "~", "null", "Null", "NULL")}
KEYS = ("value", "slips", "times", "where")
FORM = "the figures as they are printed, `_` for an entry that is not"
NOT_ZERO = Range("a number other than 0", but=0)
_INDEX = re.compile(r"([1-9][0-9]{0,6}) ?, ?([1-9][0-9]{0,6})")


def read_expected(node: Node | None, quantities: QuantityIds) -> tuple[Published, ...]:
    """``expect: {z1: [[3.7, -1.3, 1.1]], loss: 0.7225, delta2: {value: …, slips: {"1,2": why}}}``.

    Of a spec with problems of its own the shapes are not looked at.
    """
    if node is None:
        return ()
    if not isinstance(node, Mapping):
        mend = "Write an id a line under `expect:`."
        found, expected = f"{kind(node)} for `expect`", "figures by id, such as `z1: …`"
        quantities.problems.add(node, found, expected, mend, code="E110")
        return ()
    reader = _FigureReader(quantities)
    return tuple(found for entry in node.entries.values() for found in reader.quantity(entry))


class _FigureReader:
    def __init__(self, quantities: QuantityIds) -> None:
        self.quantities = quantities
        self.problems, self.spec = quantities.problems, quantities.spec

    def quantity(self, entry: Entry) -> Iterator[Published]:
        """What is published of one id, once or several times over."""
        at = self.at(entry.key)
        for node in _printings(entry.value):
            found = self.printing(entry.key, at, node)
            if found is not None:
                yield found

    # Names

    def at(self, key: Scalar) -> At | None:
        """The id, epoch and batch, or None and a problem."""
        at = At.parse(key.text)
        if at is None:
            mend = "Another update's is written `z1@2`, or `z1@2.3` with its batch."
            expected = "the id of a quantity, such as z1 or dW1"
            self.problems.add(key, cited(key.text), expected, mend, code="E211")
            return None
        known = self.quantities.check(key, at.id, "expect") and self.is_worked(key, at)
        return at if known else None

    def is_worked(self, key: Scalar, at: At) -> bool:
        """Whether the spec has the update."""
        if self.spec is None:
            return True
        epochs, batches = self.spec.epochs, self.spec.batches
        if 1 <= at.epoch <= epochs and 1 <= at.batch <= batches:
            return True
        has = f"{count(epochs, 'epoch')} of {count(batches, 'batch', 'batches')}"
        mend = f"Write `epochs: {at.epoch}`, so that it is worked." if at.batch <= batches else ""
        found = f"epoch {at.epoch}, batch {at.batch}"
        self.problems.add(
            key, found, f"an update that the spec works: it has {has}", mend, code="E212"
        )
        return False

    # Figures

    def printing(self, key: Scalar, at: At | None, node: Node) -> Published | None:
        """The figures as they stand in one place of the source."""
        entries: Fields | None = None
        value: Node | None = node
        if isinstance(node, Mapping):
            entries = Fields(self.problems, node, f"what is expected of {key.text}", KEYS)
            value = entries.require("value", f"Add `value:`, {FORM}.")
        written = None if value is None else self.written(key.text, value, at)
        if written is None:
            return None
        at = at or At("")
        found = Published(at.id, written, at.epoch, at.batch)
        if entries is None:
            return found
        return msgspec.structs.replace(
            found,
            slips=self.slips(entries, written),
            times=entries.number("times", Number(1.0, "1"), NOT_ZERO),
            where=entries.text("where", ""),
        )

    def written(self, called: str, node: Node, at: At | None) -> tuple[tuple[str, ...], ...] | None:
        """The texts in the quantity's shape, empty where nothing is printed."""
        given = read_matrix(self.problems, node, called, BLANKS)
        if given is None or given.written is None:
            return None
        if not any(text for row in given.written for text in row):
            self.problems.add(
                node, f"no figure for {called}", FORM, "Remove it, or write one.", code="E212"
            )
            return None
        shape = self.shape(given, at)
        return None if shape is None else given.shaped(shape).written

    def shape(self, given: WrittenMatrix, at: At | None) -> tuple[int, int] | None:
        known = None if at is None else self.quantities.shapes(at.batch)
        if at is None or known is None:
            return given.shapes[0]
        rows, columns = known[at.id] or (1, 1)
        if (rows, columns) in given.shapes:
            return rows, columns
        words = "one number" if (rows, columns) == (1, 1) else f"a {rows} × {columns} matrix"
        mend = ""
        if (columns, rows) in given.shapes and self.spec is not None:
            mend = f"It lies on its side: the spec's layout is {self.spec.conventions.layout}."
        found = f"{given.described()} for {given.name}"
        self.problems.add(given.place, found, words, mend, code="E212")
        return None

    # Slips

    def slips(self, entries: Fields, written: tuple[tuple[str, ...], ...]) -> tuple[Slip, ...]:
        node = entries.get("slips")
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            words = 'entries and what is wrong with them, such as {"1,2": a digit}'
            self.problems.add(node, f"{kind(node)} for `slips`", words, code="E110")
            return ()
        found = [self.slip(entry, written) for entry in node.entries.values()]
        return tuple(slip for slip in found if slip is not None)

    def slip(self, entry: Entry, written: tuple[tuple[str, ...], ...]) -> Slip | None:
        """``"1,2": a digit``: an entry that is printed, and wrong."""
        match = _INDEX.fullmatch(entry.key.text.strip("[] "))
        if match is None:
            mend = 'A row and a column from 1, in quotes: "1,2".'
            self.problems.add(
                entry.key, cited(entry.key.text), "the place of an entry", mend, code="E212"
            )
            return None
        row, column = int(match[1]), int(match[2])
        if self.spec is not None and not _is_printed(written, row, column):
            shape = f"{len(written)} × {len(written[0])}"
            words = f"an entry that `value` prints, which is {shape}"
            self.problems.add(entry.key, f"the entry {row},{column}", words, code="E212")
            return None
        if not isinstance(entry.value, Scalar) or not entry.value.text.strip():
            words = "what is wrong with the figure, in a word or two"
            self.problems.add(
                entry.value, kind(entry.value), words, 'Such as "sign" or "digit".', code="E212"
            )
            return None
        return Slip(row, column, entry.value.text)


def _is_printed(written: tuple[tuple[str, ...], ...], row: int, column: int) -> bool:
    return row <= len(written) and column <= len(written[0]) and bool(written[row - 1][column - 1])


def _printings(node: Node) -> list[Node]:
    """A list of mappings is a list of places where the source prints the quantity."""
    several = isinstance(node, Sequence) and any(isinstance(i, Mapping) for i in node.items)
    return node.items if several and isinstance(node, Sequence) else [node]
