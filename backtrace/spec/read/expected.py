"""Published figures of an exercise (``expect:``), read by id with what is known to be wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import numpy as np

from backtrace.spec.document.fields import Fields, Range, fields
from backtrace.spec.document.problems import Problems, cited, count, near_miss
from backtrace.spec.document.reader import Entry, Mapping, Node, Scalar, Sequence, kind
from backtrace.spec.model import Published, Slip, Spec
from backtrace.spec.numbers import Number
from backtrace.spec.quantities import shapes
from backtrace.spec.read.given import Given, read_given

BLANKS = ("_", "?", "~")
KEYS = ("value", "slips", "times", "where")
FORM = "the figures as they are printed, `_` for an entry that is not"
_NAME = re.compile(r"([^@]+)(?:@([0-9]{1,7})(?:\.([0-9]{1,7}))?)?")
_NOT_ZERO = Range("a number other than 0", lambda x: x != 0)
_INDEX = re.compile(r"([1-9][0-9]{0,6}) ?, ?([1-9][0-9]{0,6})")


def read_expected(
    problems: Problems, node: Node | None, spec: Spec | None
) -> tuple[Published, ...]:
    """``expect: {z1: [[3.7, -1.3, 1.1]], loss: 0.7225, delta2: {value: …, slips: {"1,2": why}}}``.

    Without a ``spec`` (where it has problems of its own) ids and shapes are not looked at.
    """
    if node is None:
        return ()
    if not isinstance(node, Mapping):
        mend = "Write an id a line under `expect:`."
        problems.add(node, f"{kind(node)} for `expect`", "figures by id, such as `z1: …`", mend)
        return ()
    reader = _Reader(problems, spec)
    return tuple(found for entry in node.entries.values() for found in reader.quantity(entry))


class _Reader:
    def __init__(self, problems: Problems, spec: Spec | None) -> None:
        self.problems, self.spec = problems, spec
        self._shapes: dict[int, dict[str, tuple[int, int]]] = {}

    def shapes(self, spec: Spec, batch: int) -> dict[str, tuple[int, int]]:
        """The shapes in a batch, worked once for all that is printed of it."""
        if batch not in self._shapes:
            self._shapes[batch] = dict(shapes(spec, batch))
        return self._shapes[batch]

    def quantity(self, entry: Entry) -> Iterator[Published]:
        """What is published of one id, once or several times over."""
        name = self.name(entry.key)
        for node in _printings(entry.value):
            found = self.printing(entry.key, name, node)
            if found is not None:
                yield found

    # Names

    def name(self, key: Scalar) -> tuple[str, int, int] | None:
        """The id, epoch and batch, or None and a problem."""
        match = _NAME.fullmatch(key.text)
        if match is None:
            mend = "Another update's is written `z1@2`, or `z1@2.3` with its batch."
            self.problems.add(key, cited(key.text), "the id of a quantity, such as z1 or dW1", mend)
            return None
        id, epoch, batch = match[1], int(match[2] or 1), int(match[3] or 1)
        known = self.spec is None or (self.is_known(key, id) and self.is_worked(key, epoch, batch))
        return (id, epoch, batch) if known else None

    def is_known(self, key: Scalar, id: str) -> bool:
        assert self.spec is not None
        known = self.shapes(self.spec, 1)
        if id in known:
            return True
        meant = _as_a_student_names_it(self.spec, id)
        meant = meant if meant in known else near_miss(id, known)
        layers = f"Layers count from 1 to {len(self.spec.layers)}."
        words = "the id of a quantity of this spec, such as z1, a1 or W1"
        mend = f"Did you mean `{meant}`?" if meant else layers
        self.problems.add(key, cited(id), words, mend)
        return False

    def is_worked(self, key: Scalar, epoch: int, batch: int) -> bool:
        assert self.spec is not None
        batches = self.spec.batches
        if 1 <= epoch <= self.spec.epochs and 1 <= batch <= batches:
            return True
        has = f"{count(self.spec.epochs, 'epoch')} of {count(batches, 'batch', 'batches')}"
        mend = f"Write `epochs: {epoch}`, so that it is worked." if batch <= batches else ""
        found = f"epoch {epoch}, batch {batch}"
        self.problems.add(key, found, f"an update that the spec works: it has {has}", mend)
        return False

    # Figures

    def printing(
        self, key: Scalar, name: tuple[str, int, int] | None, node: Node
    ) -> Published | None:
        """The figures as they stand in one place of the source."""
        entries: Fields | None = None
        value: Node | None = node
        if isinstance(node, Mapping):
            entries = fields(self.problems, node, f"what is expected of {key.text}", KEYS)
            assert entries is not None
            value = entries.require("value", f"Add `value:`, {FORM}.")
        written = None if value is None else self.written(key.text, value, name)
        if written is None:
            return None
        id, epoch, batch = name or ("", 1, 1)
        found = Published(
            id, written, epoch, batch, line=key.line, column=key.column, file=self.problems.file
        )
        if entries is None:
            return found
        return msgspec.structs.replace(
            found,
            slips=self.slips(entries, written),
            times=entries.number("times", Number(1.0, "1"), _NOT_ZERO),
            where=entries.text("where", ""),
        )

    def written(
        self, called: str, node: Node, name: tuple[str, int, int] | None
    ) -> tuple[tuple[str, ...], ...] | None:
        """The texts in the quantity's shape, empty where nothing is printed."""
        filled = _filled(node)
        given = read_given(self.problems, filled, called)
        if given is None:
            return None
        blank = np.array(_blanks(node))
        if blank.all():
            self.problems.add(node, f"no figure for {called}", FORM, "Remove it, or write one.")
            return None
        shape = self.shape(given, name)
        if shape is None:
            return None
        texts = given.shaped(shape).written
        assert texts is not None
        rows = zip(texts, blank.reshape(shape).tolist(), strict=True)
        return tuple(tuple("" if b else text for text, b in zip(*row, strict=True)) for row in rows)

    def shape(self, given: Given, name: tuple[str, int, int] | None) -> tuple[int, int] | None:
        if name is None or self.spec is None:
            return given.shapes[0]
        id, _, batch = name
        wanted = self.shapes(self.spec, batch)[id]
        if wanted in given.shapes:
            return wanted
        rows, columns = wanted
        words = "one number" if wanted == (1, 1) else f"a {rows} × {columns} matrix"
        found = f"{given.described()} for {given.name}"
        mend = ""
        if wanted[::-1] in given.shapes:
            mend = f"It lies on its side: the spec's layout is {self.spec.conventions.layout}."
        self.problems.add(given.place, found, words, mend)
        return None

    # Slips

    def slips(self, entries: Fields, written: tuple[tuple[str, ...], ...]) -> tuple[Slip, ...]:
        node = entries.get("slips")
        if node is None:
            return ()
        if not isinstance(node, Mapping):
            words = 'entries and what is wrong with them, such as {"1,2": a digit}'
            self.problems.add(node, f"{kind(node)} for `slips`", words)
            return ()
        found = [self.slip(entry, written) for entry in node.entries.values()]
        return tuple(slip for slip in found if slip is not None)

    def slip(self, entry: Entry, written: tuple[tuple[str, ...], ...]) -> Slip | None:
        """``"1,2": a digit``: an entry that is printed, and wrong."""
        match = _INDEX.fullmatch(entry.key.text.strip("[] "))
        if match is None:
            mend = 'A row and a column from 1, in quotes: "1,2".'
            self.problems.add(entry.key, cited(entry.key.text), "the place of an entry", mend)
            return None
        row, column = int(match[1]), int(match[2])
        if row > len(written) or column > len(written[0]) or not written[row - 1][column - 1]:
            shape = f"{len(written)} × {len(written[0])}"
            words = f"an entry that `value` prints, which is {shape}"
            self.problems.add(entry.key, f"the entry {row},{column}", words)
            return None
        if not isinstance(entry.value, Scalar) or not entry.value.text.strip():
            words = "what is wrong with the figure, in a word or two"
            self.problems.add(entry.value, kind(entry.value), words, 'Such as "sign" or "digit".')
            return None
        return Slip(row, column, entry.value.text)


def _printings(node: Node) -> list[Node]:
    """A list of mappings is a list of places where the source prints the quantity."""
    several = isinstance(node, Sequence) and any(isinstance(i, Mapping) for i in node.items)
    return node.items if several and isinstance(node, Sequence) else [node]


def _as_a_student_names_it(spec: Spec, name: str) -> str:
    """The id that answers may call by this name: z1 for net1, delta2 for dZ2; or nothing."""
    from backtrace.spec.names import ascii_of, called, inside_partial, key_of  # seldom needed

    key, names = key_of(ascii_of(name)), called(spec)
    return names.get(key, "") or names.get(inside_partial(key), "")


def _is_blank(node: Scalar) -> bool:
    return node.text.strip() in BLANKS or node.null


def _filled(node: Node) -> Node:
    """The node with a 0 for each blank, to be read as any matrix is."""
    if isinstance(node, Scalar):
        return msgspec.structs.replace(node, text="0") if _is_blank(node) else node
    if isinstance(node, Sequence):
        return msgspec.structs.replace(node, items=[_filled(item) for item in node.items])
    return node


def _blanks(node: Node) -> list[list[bool]]:
    """Which entries are blank, of a node that has been read as a matrix."""
    if isinstance(node, Scalar):
        return [[_is_blank(node)]]
    assert isinstance(node, Sequence)
    if all(isinstance(item, Scalar) for item in node.items):
        return [[_is_blank(item) for item in node.items if isinstance(item, Scalar)]]
    return [row for item in node.items for row in _blanks(item)]
