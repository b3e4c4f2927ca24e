"""The quantities of an exercise and every name that a student may call them by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import msgspec

from backtrace.notation.symbols import EquationSymbols
from backtrace.spec import ids
from backtrace.spec.equations.answer_names import EquationNames
from backtrace.spec.ids import At, Role, id_of
from backtrace.spec.model import Spec
from backtrace.spec.names import FUNCTIONS, ascii_of, called, inside_partial, key_of
from backtrace.spec.near_misses import near_miss
from backtrace.spec.wording import cited
from backtrace.tape.steps import Step, Tape

_LONGEST = 100  # characters of a name

_WHERE = r"\s*@\s*([0-9]{1,6})(?:\.([0-9]{1,6}))?"
_INDEX = r"\s*(?<!\^)[\[(]\s*([0-9]{1,6})\s*(?:(?:[,;]|\]\s*\[)\s*([0-9]{1,6})\s*)?[\])]"
_INDEXED = re.compile(rf"(.+?)(?:{_WHERE})?{_INDEX}(?:{_WHERE})?")
_WHOLE = re.compile(rf"(.+?)(?:{_WHERE})?")


class Quantity(msgspec.Struct, frozen=True):
    """One value of the tape. ``order`` is its place in the order of work.

    ``shape`` is rows × columns, 1 × 1 for a scalar. ``ones`` is the line of an activation that
    holds the ones of a bias inside the next weights: its axis (0: a row) and index.
    """

    id: str
    epoch: int
    batch: int
    shape: tuple[int, int]
    order: int
    role: Role = "named"
    layer: int | None = None
    scalar: bool = False
    ones: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """``z1``, or ``z1@2.3`` outside the first update."""
        return str(At(self.id, self.epoch, self.batch))


class Reference(msgspec.Struct, frozen=True):
    """What a name means: a quantity, or with an ``index`` (from 1, as written) one entry of it."""

    quantity: Quantity
    index: tuple[int, ...] = ()
    note: str = ""


class Reader:
    """Finds the quantities of one exercise by the names that students give them."""

    def __init__(self, tape: Tape, spec: Spec) -> None:
        self.spec = spec
        self.last = len(spec.layers)
        self.quantities = {
            (step.epoch, step.batch, step.id): _quantity(step, order, spec)
            for order, step in enumerate(tape.steps)
        }
        names = dict.fromkeys(step.id for step in tape.steps)
        self._ids = called(spec, names)
        self._lines = _names_of_lines(tape, spec)
        self._found: dict[str, Reference] = {}

    def find(self, name: str) -> Reference | None:
        """The quantity or the entry that ``name`` means, or None (``explain`` says why)."""
        reference = self._found.get(name)
        if reference is None and len(name) <= _LONGEST:
            reference = self._as_printed(name) or self._find(ascii_of(name))
            if reference is not None and len(self._found) < 10_000:
                self._found[name] = reference
        return reference

    def explain(self, name: str) -> str:
        """What became of a ``name`` that means nothing here, and what may have been meant."""
        return f"{self.unknown(name)}; it was left aside"

    def unknown(self, name: str) -> str:
        """Why ``name`` means nothing here, and what may have been meant."""
        meant = self._special(name) if len(name) <= _LONGEST else ""
        return f"{cited(name)} {meant or self._near(name)}"

    def _as_printed(self, name: str) -> Reference | None:
        """S⁽¹⁾, the symbol of a part of a line, would else be read as an entry of S."""
        if self._lines is None or name.isascii():
            return None
        for base, place, index in taken_apart(unicodedata.normalize("NFC", name).strip()):
            quantity = self.quantities.get((*place, self._lines.printed.get(base, "")))
            if quantity is not None:
                return Reference(quantity, index)
        return None

    def _find(self, name: str) -> Reference | None:
        for base, place, index in taken_apart(name):
            quantity = self.quantities.get((*place, self._id(base)))
            if self._lines is not None and len(index) == 1:  # h[2] is h_2
                indexed = self.quantities.get((*place, self._lines.id(f"{base}_{index[0]}")))
                if indexed is not None:
                    return Reference(indexed)
            if quantity is not None:
                return Reference(quantity, index, self._derivative_note(base, quantity))
        return None

    def _id(self, base: str) -> str:
        id = self._named(base)
        return "" if id and self._has_another_sign(base, id) else id

    def _named(self, base: str) -> str:
        """The id, of whatever exercise, that ``base`` names; ∂L/∂z2 and dL_dz2 name dz2."""
        if self._lines is not None:
            return self._lines.id(base) or self._lines.alike(base)
        key = key_of(base)
        return self._ids.get(key, "") or self._ids.get(inside_partial(key), "")

    def _has_another_sign(self, base: str, id: str) -> bool:
        """δ and dW are −∂L/∂z and −∂L/∂W under ``descent``, and there alone ΔW is dW.

        Where the course itself writes ∂L/∂z for what it calls δ, its students may.
        """
        if self._lines is not None:
            return False
        key = key_of(base)
        if self.spec.conventions.sign == "gradient":
            return re.fullmatch("delta[wb][0-9]*", key) is not None
        notation = self.spec.notation
        named = ids.parse(id)
        written = {"delta": notation.delta, "activation_gradient": notation.error}.get(
            named.role if named else "", notation.gradient
        )
        return key not in self._ids and written != "partial"

    def _derivative_note(self, base: str, quantity: Quantity) -> str:
        """A note where g is called by another function's name than the layer's own."""
        if quantity.role != "slope" or quantity.layer is None:
            return ""
        own = self.spec.layers[quantity.layer - 1].activation.name
        function = FUNCTIONS.get(re.split("prime|'", key_of(base))[0], "")
        if function in ("", own):
            return ""
        which = f"the derivative of layer {quantity.layer}'s {own}"
        return f"{cited(base)} is read as {quantity.id}, {which}"

    def _special(self, name: str) -> str:
        match = _INDEXED.fullmatch(ascii_of(name)) or _WHOLE.fullmatch(ascii_of(name))
        base, epoch, batch = match.groups()[:3] if match else ("", "", "")
        id = self._named(base)
        if id and self._has_another_sign(base, id):
            return self._other_sign(id)
        if (1, 1, id) in self.quantities and epoch:
            return f"speaks of epoch {epoch}, batch {batch or 1}, which this exercise has not"
        other = "" if id in ("", name) else f"({id}) "
        return f"{other}is not a step of this exercise" if id else ""

    def _other_sign(self, id: str) -> str:
        if self.spec.conventions.sign == "descent":
            return f"is the negative of {id} in this exercise; write {id}"
        named = ids.parse(id)
        parameter = named.of if named else ""
        change = id_of("step", of=parameter)
        step = f" or {change}" if (1, 1, change) in self.quantities else ""
        return f"may mean the gradient or the change of {parameter}; write {id}{step}"

    def _near(self, name: str) -> str:
        ids = dict.fromkeys(id for _, _, id in self.quantities)
        name = ascii_of(name[:_LONGEST])
        match = _INDEXED.fullmatch(name)
        meant = near_miss(match[1] if match else name, ids)
        question = f" (did you mean {meant}?)" if meant else ""
        return f"is no quantity of this exercise{question}"


def reader(tape: Tape, spec: Spec) -> Reader:
    """The reader of answers to one exercise; ``tape`` is the one compiled from ``spec``."""
    return Reader(tape, spec)


def shape_of(quantity: Quantity) -> str:
    """``one number`` or ``2 × 3``."""
    rows, columns = quantity.shape
    return "one number" if quantity.scalar else f"{rows} × {columns}"


def taken_apart(name: str) -> Iterator[tuple[str, tuple[int, int], tuple[int, ...]]]:
    """What may be the name alone, the update (epoch, batch) and the index (from 1) behind it."""
    for pattern in (_INDEXED, _WHOLE):
        match = pattern.fullmatch(name)
        if match is None:
            continue
        base, epoch, batch, *rest = match.groups()
        index = tuple(int(number) for number in rest[:2] if number)
        if any(rest[2:]):
            epoch, batch = rest[2:]
        yield base, (int(epoch or 1), int(batch or 1)), index


def _names_of_lines(tape: Tape, spec: Spec) -> EquationNames | None:
    if spec.equations is None:
        return None
    steps = {step.id: step for step in tape.steps}
    symbols = EquationSymbols(spec.notation, steps.values(), spec.conventions)
    printed = {id: unicodedata.normalize("NFC", symbols.name(id)) for id in steps}
    return EquationNames(spec.equations, printed)


def _quantity(step: Step, order: int, spec: Spec) -> Quantity:
    rows, columns = step.shape or (1, 1)
    return Quantity(
        step.id,
        step.epoch,
        step.batch,
        (rows, columns),
        order,
        step.role,
        step.layer,
        scalar=not step.shape or (spec.equations is not None and step.shape == (1, 1)),
        ones=_ones(step, (rows, columns), spec),
    )


def _ones(step: Step, shape: tuple[int, int], spec: Spec) -> tuple[int, int] | None:
    """Where an activation carries the ones of a bias inside the next layer's weights."""
    layer = step.layer or 0
    if step.role not in ("inputs", "activation") or layer >= len(spec.layers):
        return None
    kind = spec.layers[layer].bias.kind
    if kind not in ("first", "last"):
        return None
    axis = 1 - spec.conventions.sample_axis
    return axis, 0 if kind == "first" else shape[axis] - 1
