"""Which entry is asked for: ``dW1[2,1]``, ``loss``, ``delta1[1,1]@2.1``, ``∂L/∂W₁[2,1]``."""

from __future__ import annotations

import re

import msgspec

from backtrace.chain.model import EntryNode
from backtrace.page.selection import meant, spellings, unknown, without_gradient
from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.ids import At
from backtrace.spec.names import ascii_of, inside_partial, key_of
from backtrace.tape.trace import Trace, TracedStep

_WHERE = r"((?:@[0-9]{1,7}(?:\.[0-9]{1,7})?)?)"
_INDEX = r"(?<!\^)[\[(]\s*([0-9]{1,6})\s*(?:[,;]\s*([0-9]{1,6})\s*)?[\])]"
_INDEXED = re.compile(rf"(.+?){_WHERE}{_INDEX}{_WHERE}")


class NoSuchEntryError(ValueError):
    """A trace has not what is asked for; the message says what it has."""

    code: ErrorCode = "E512"


class Asked(msgspec.Struct, frozen=True):
    """A name, of which update it speaks, and the index behind it (from 1, as it was written)."""

    text: str
    at: At
    index: tuple[int, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Asked:
        match = _INDEXED.fullmatch(text.strip())
        name, before, row, column, behind = match.groups("") if match else (text.strip(), *[""] * 4)
        at = At.parse(name + (before or behind)) or At(name)
        return cls(text, at, tuple(int(number) for number in (row, column) if number))

    def located(self, trace: Trace) -> tuple[TracedStep, EntryNode]:
        """The step and the entry. Raises NoSuchEntryError."""
        place = (self.at.epoch, self.at.batch)
        if place not in trace.updates:
            epoch, batch = trace.updates[-1]
            raise NoSuchEntryError(f"{self.text}: the last update is epoch {epoch}, batch {batch}")
        id, index = self._named(trace)
        traced = trace.update(*place).get(id)
        if traced is None:
            raise NoSuchEntryError(f"{self.text}: {id} is not worked in this update")
        return traced, EntryNode(id, *self._place(traced, index))

    def _named(self, trace: Trace) -> tuple[str, tuple[int, ...]]:
        """The id that the name means, with its index; h[2] may be a name by itself."""
        ids = dict.fromkeys(step.id for step in trace)
        spelt = {(spelling, id) for spelling, id in spellings(trace) if id in ids}
        whole = f"{self.at.id}[{','.join(map(str, self.index))}]"
        for name, index in ((self.at.id, self.index), (whole, ())):
            partial = inside_partial(key_of(ascii_of(name)))
            by_key = next((id for id in ids if key_of(id) == partial), "")
            for id in (meant(name, spelt), by_key):
                if id in ids:
                    return id, index
        why = without_gradient(self.at.id, trace) or unknown(self.at.id, list(ids))
        raise NoSuchEntryError(f"{self.text}: {why}")

    def _place(self, traced: TracedStep, index: tuple[int, ...]) -> tuple[int, int]:
        """Row and column from 0; a row or a column needs one number, a number none."""
        rows, columns = traced.shape or (1, 1)
        if len(index) == 1 and 1 in (rows, columns):
            index = (1, *index) if rows == 1 else (*index, 1)
        if not index and rows == columns == 1:
            index = (1, 1)
        name, shape = traced.id, f"{rows} × {columns}"
        if len(index) != 2:
            raise NoSuchEntryError(f"{self.text}: {name} is {shape}; ask for an entry: {name}[1,1]")
        if not (1 <= index[0] <= rows and 1 <= index[1] <= columns):
            counts = f"its rows are 1 to {rows}, its columns 1 to {columns}"
            raise NoSuchEntryError(f"{self.text}: {name} is {shape}: {counts}")
        return index[0] - 1, index[1] - 1
