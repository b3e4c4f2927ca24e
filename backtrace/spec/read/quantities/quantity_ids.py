"""The ids of quantities that a spec names, in ``ask`` and in ``expect``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from backtrace.spec import ids
from backtrace.spec.document.fields import names
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Node, Scalar
from backtrace.spec.ids import At
from backtrace.spec.model import Spec
from backtrace.spec.near_misses import misspelled, near_miss
from backtrace.spec.wording import cited

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
ShapesOf: TypeAlias = Callable[[Spec, int], "Shapes | None"]
"""The shapes, by id, of all that an update over a batch (from 1) works; None if not known."""

_PENALTY = "Add `regularization:`, or remove it: without a penalty `loss` is all there is."
_MENDS = {
    ids.id_of("activation_gradient"): "Add `trace: {inputs_gradient: true}`, so that it is worked.",
    ids.id_of("penalty"): _PENALTY,
    ids.id_of("data_loss"): _PENALTY,
}
_MEND = "`backtrace trace` shows the steps that it has."


def unknown_shapes(spec: Spec, batch: int) -> None:
    """For a spec of which no tape is made."""


class QuantityIds:
    """The ids that a spec may name: those that its trace has.

    Without a ``spec`` (where it has problems of its own) it is enough that there are such ids in a
    network of so many layers (0: nobody knows).
    """

    def __init__(
        self, problems: Problems, layers: int, spec: Spec | None, shapes_of: ShapesOf
    ) -> None:
        self.problems, self.layers, self.spec = problems, layers, spec
        self._shapes_of = shapes_of
        self._shapes: dict[int, Shapes | None] = {}

    def shapes(self, batch: int) -> Shapes | None:
        """The shapes in a batch, worked once for all that is named of it; None if not known."""
        if self.spec is None:
            return None
        if batch not in self._shapes:
            self._shapes[batch] = self._shapes_of(self.spec, batch)
        return self._shapes[batch]

    def of_family(self, name: str) -> list[str]:
        """What the family of a name stands for, of a loop's only what it works: h_1, not h_0.
        Nothing where the name is a quantity by itself."""
        known = self.shapes(1) or {}
        board = self.spec.equations if self.spec is not None else None
        given = board.given if board is not None else ()
        whole = [id for id in known if ids.family(id) == name and id not in given]
        return [] if name in known else whole

    def check(self, word: Scalar, id: str, key: str) -> bool:
        """Whether a trace of the spec has the id; if not, a problem of ``word`` under ``key``."""
        known, is_layered = self.shapes(1), self._is_layered(id)
        if id in known if known is not None else is_layered:
            return True
        if is_layered:
            found, expected = f"{cited(id)} in `{key}`", "a step of this spec's trace"
            self.problems.add(word, found, expected, _MENDS.get(id, _MEND), code="E211")
            return False
        families = map(ids.family, known or {}) if key == "ask" else ()
        meant = misspelled(id, families) or self._meant(id, known or {})
        layers = f"Layers count from 1 to {self.layers}." if self.layers else ""
        expected = f"the id of a quantity of this spec, such as {self._examples()}"
        mend = f"Did you mean `{meant}`?" if meant else layers
        self.problems.add(word, cited(id), expected, mend, code="E211")
        return False

    def _examples(self) -> str:
        if self.spec is None or self.spec.equations is None:
            return "z1, a1 or W1"
        return " or ".join(list(self.shapes(1) or {})[-2:])

    def _is_layered(self, text: str) -> bool:
        id = ids.parse(text)
        return id is not None and not (self.layers and id.layer and id.layer > self.layers)

    def _meant(self, id: str, known: Shapes) -> str:
        """What a student may call so, z1 for net1 and delta2 for dZ2, or what is spelled alike."""
        if self.spec is None:
            return ""
        from backtrace.spec.names import ascii_of, called, inside_partial, key_of  # seldom needed

        key, called_so = key_of(ascii_of(id)), called(self.spec)
        meant = called_so.get(key, "") or called_so.get(inside_partial(key), "")
        return meant if meant in known else near_miss(id, known)


def read_ask(node: Node | None, quantities: QuantityIds) -> tuple[str, ...]:
    """``ask: [z1, delta2@2.1]``; a family, ``delta``, stands for all its ids."""
    if node is None:
        return ()
    asked: list[str] = []
    for word in names(quantities.problems, node, "quantities"):
        whole = quantities.of_family(word.text)
        if not whole:
            at = At.parse(word.text)
            quantities.check(word, word.text if at is None else at.id, "ask")
        asked += whole or [word.text]
    return tuple(dict.fromkeys(asked))
