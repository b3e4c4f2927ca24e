"""The words beside a drawing of a network: which sample, what stands where, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from backtrace.notation.symbols import Symbols
from backtrace.page.header import architecture
from backtrace.page.network.units import LayerColumn
from backtrace.spec.ids import family
from backtrace.tape.trace import Trace

MOST_TOLD = 10  # numbers of a layer that are told one after another


class NetworkWords(msgspec.Struct, frozen=True):
    """Words for one sample of the update at ``place``.

    ``samples`` are the numbers of all in it, ``wanted`` the ids that are shown, ``largest`` is what
    there is to say of the largest gradient.
    """

    trace: Trace
    place: tuple[int, int]
    sample: int
    samples: Sequence[int]
    wanted: frozenset[str]
    columns: tuple[LayerColumn, ...]
    largest: str

    @property
    def several(self) -> bool:
        return len(self.samples) > 1

    def about(self) -> str:
        epoch, batch = self.place
        n = len(self.samples)
        of = str(n) if self.samples == range(1, n + 1) else f"a batch of {n}"
        words = [f"sample {self.sample} of {of}"] if self.several else []
        if len(self.trace.updates) > 1:
            words.append(f"epoch {epoch}, batch {batch}")
        said = "; ".join(words)
        return said[:1].upper() + said[1:]

    def forward(self) -> str:
        said = {
            "in a unit its activation ({})": "a1",
            "above it {}": "z1",
            "on an edge its weight ({})": "W1",
        }
        return self.legend("Forward", said)

    def backward(self) -> str:
        over = ", what this sample adds to it" if self.several else ""
        said = {
            "below a unit {}": "delta1",
            f"on an edge the gradient of its weight ({{}}{over})": "dW1",
        }
        return self.legend("Backward", said)

    def legend(self, way: str, said: Mapping[str, str]) -> str:
        """``Backward: below a unit δ₁, …``, of what is shown in any layer."""
        symbols, shown = Symbols.of(self.trace), {family(id) for id in self.wanted}
        found = [
            words.format(symbols.name(id)) for words, id in said.items() if family(id) in shown
        ]
        return f"{way}: {', '.join(found)}" if found else ""

    def told(self) -> str:
        """The inputs, what came of them, what is off, and the gradient that is largest."""
        inputs, *others = self.columns
        layers = [column for column in others if column.layer is not None]
        sentences = [architecture(self.trace), self.about()]
        sentences += [_listed("Inputs", inputs), _listed("Outputs", layers[-1])]
        sentences += self.told_of_loss([column for column in others if column.layer is None])
        sentences += [_off(column) for column in layers]
        return ". ".join(filter(None, [*sentences, self.largest])) + "."

    def told_of_loss(self, columns: Sequence[LayerColumn]) -> list[str]:
        """The targets and the loss."""
        found = []
        for column in columns:
            targets = [edge.forward for edge in column.edges if edge.forward]
            found.append(f"Targets: {', '.join(targets)}" if targets else "")
            name = "What it adds to the loss" if self.several else "Loss"
            (unit,) = column.units
            found.append(f"{name}: {unit.value}" if unit.value else "")
        return found


def _listed(name: str, column: LayerColumn) -> str:
    values = [unit.value for unit in column.units[:MOST_TOLD] if unit.value]
    left = column.size - len(values)
    more = f" and {left} more" if values and left else ""
    return f"{name}: {', '.join(values)}{more}" if values else ""


def _off(column: LayerColumn) -> str:
    """``In layer 1 units 2, 5 are off``."""
    off = [str(unit.place) for unit in column.units if unit.off]
    are = f"units {', '.join(off)} are" if len(off) > 1 else f"unit {''.join(off)} is"
    return f"In layer {column.layer} {are} off" if off else ""
