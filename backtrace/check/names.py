"""The quantities of an exercise and every name that a student may call them by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

import msgspec

from backtrace.functions.activations import ACTIVATIONS
from backtrace.spec.model import Spec
from backtrace.spec.problems import cited, near_miss
from backtrace.tape.steps import Step, Tape

_LONGEST = 100  # characters of a name

# What NFKC and folding would lose, or not bring to the letters of an id.
_LETTERS = str.maketrans(
    {
        "Δ": "delta",
        "∆": "delta",
        "δ": "delta",
        "∂": "d",
        "∇": "grad",
        "σ": "sigma",
        "φ": "phi",
        "ϕ": "phi",
        "ŷ": "y_hat",
        "Ŷ": "y_hat",
        "ℓ": "loss_terms",
        "Ω": "penalty",
        "⊤": "T",
    }
    | dict.fromkeys("′’‘´`ʹ", "'")
)
# Marks that say nothing, unless they keep two numbers apart: z_1, z^(1), z[1], W1·x.
_MARKS = r"[\s_^(){}\[\]|.·⋅∙*×@\\]+"
_IDLE = re.compile(rf"(?<![0-9]){_MARKS}|{_MARKS}(?![0-9])")
_PARTIAL = re.compile("d(?:l|j|c|e|loss|cost)/?d(.+)")
_KEEPS_CASE = re.compile("[EL][0-9]*")  # E is a loss, e an error; L a loss, l one of its terms

_WHERE = r"\s*@\s*([0-9]{1,6})(?:\.([0-9]{1,6}))?"
_INDEX = r"\s*(?<!\^)[\[(]\s*([0-9]{1,6})\s*(?:(?:[,;]|\]\s*\[)\s*([0-9]{1,6})\s*)?[\])]"
_INDEXED = re.compile(rf"(.+?)(?:{_WHERE})?{_INDEX}(?:{_WHERE})?")
_WHOLE = re.compile(rf"(.+?)(?:{_WHERE})?")

_LOSS = ("L", "J", "C", "E", "cost", "total_loss", "E_total")
_LOSS_AFTER = ("loss_new", "new_loss", "L_new", "J_new", "C_new", "E_new", "L'", "J'", "C'")
_EVERY_STATE = ("v", "m", "s", "mhat", "vhat", "step_")


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
    scalar: bool = False
    ones: tuple[int, int] | None = None

    @property
    def name(self) -> str:
        """``z1``, or ``z1@2.3`` outside the first update."""
        first = (self.epoch, self.batch) == (1, 1)
        return self.id if first else f"{self.id}@{self.epoch}.{self.batch}"


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
        self._ids = _every_name(spec, dict.fromkeys(step.id for step in tape.steps))
        self._found: dict[str, Reference] = {}

    def find(self, name: str) -> Reference | None:
        """The quantity or the entry that ``name`` means, or None (``explain`` says why)."""
        reference = self._found.get(name)
        if reference is None and len(name) <= _LONGEST:
            reference = self._find(_ascii(name))
            if reference is not None and len(self._found) < 10_000:
                self._found[name] = reference
        return reference

    def explain(self, name: str) -> str:
        """Why ``name`` means nothing here, and what may have been meant."""
        told = self._special(name) if len(name) <= _LONGEST else ""
        return f"{cited(name)} {told or self._near(name)}; it was left aside"

    def _find(self, name: str) -> Reference | None:
        for pattern in (_INDEXED, _WHOLE):
            match = pattern.fullmatch(name)
            if match is None:
                continue
            base, epoch, batch, *rest = match.groups()
            index = tuple(int(number) for number in rest[:2] if number)
            if any(rest[2:]):
                epoch, batch = rest[2:]
            place = (int(epoch or 1), int(batch or 1))
            quantity = self.quantities.get((*place, self._id(base)))
            if quantity is not None:
                return Reference(quantity, index, self._derivative_note(base, quantity))
        return None

    def _id(self, base: str) -> str:
        id = self._named(base)
        return "" if id and self._has_another_sign(base, id) else id

    def _named(self, base: str) -> str:
        """The id, of whatever exercise, that ``base`` names; ∂L/∂z2 and dL_dz2 name dz2."""
        key = _key(base)
        partial = None if key in self._ids else _PARTIAL.fullmatch(key)
        return self._ids.get(f"d{partial[1]}" if partial else key, "")

    def _has_another_sign(self, base: str, id: str) -> bool:
        """δ and dW are −∂L/∂z and −∂L/∂W under ``descent``, and there alone ΔW is dW.

        Where the course itself writes ∂L/∂z for what it calls δ, its students may.
        """
        key = _key(base)
        if self.spec.conventions.sign == "gradient":
            return re.fullmatch("delta[wb][0-9]+", key) is not None
        notation = self.spec.notation
        written = {"delta": notation.delta, "da": notation.error}.get(
            id.rstrip("0123456789"), notation.gradient
        )
        return key not in self._ids and written != "partial"

    def _derivative_note(self, base: str, quantity: Quantity) -> str:
        """A note where g is called by another function's name than the layer's own."""
        if quantity.id[0] != "g":
            return ""
        layer = int(quantity.id[1:])
        own = self.spec.layers[layer - 1].activation.name
        called = _FUNCTIONS.get(re.split("prime|'", _key(base))[0], "")
        if called in ("", own):
            return ""
        return f"{cited(base)} is read as g{layer}, the derivative of layer {layer}'s {own}"

    def _special(self, name: str) -> str:
        match = _INDEXED.fullmatch(_ascii(name)) or _WHOLE.fullmatch(_ascii(name))
        base, epoch, batch = match.groups()[:3] if match else ("", "", "")
        id = self._named(base)
        if id and self._has_another_sign(base, id):
            return self._other_sign(id)
        if (1, 1, id) in self.quantities and epoch:
            return f"speaks of epoch {epoch}, batch {batch or 1}, which this exercise has not"
        return f"({id}) is not a step of this exercise" if id else ""

    def _other_sign(self, id: str) -> str:
        if self.spec.conventions.sign == "descent":
            return f"is the negative of {id} in this exercise; write {id}"
        step = " or step_" + id[1:] if (1, 1, f"step_{id[1:]}") in self.quantities else ""
        return f"may mean the gradient or the change of {id[1:]}; write {id}{step}"

    def _near(self, name: str) -> str:
        ids = dict.fromkeys(id for _, _, id in self.quantities)
        name = _ascii(name[:_LONGEST])
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


def _quantity(step: Step, order: int, spec: Spec) -> Quantity:
    rows, columns = step.shape or (1, 1)
    ones = _ones(step.id, (rows, columns), spec)
    return Quantity(step.id, step.epoch, step.batch, (rows, columns), order, not step.shape, ones)


def _ones(id: str, shape: tuple[int, int], spec: Spec) -> tuple[int, int] | None:
    """Where the activation ``id`` carries the ones of a bias inside the next layer's weights."""
    layer = int(id[1:]) if re.fullmatch("a[0-9]+", id) else len(spec.layers)
    if layer >= len(spec.layers):
        return None
    kind = spec.layers[layer].bias.kind
    if kind not in ("first", "last"):
        return None
    axis = 1 - spec.conventions.sample_axis
    return axis, 0 if kind == "first" else shape[axis] - 1


# Names


def _ascii(name: str) -> str:
    """``name`` in the letters of ids: δ₂ → delta2, ŷ → y_hat, W₂ᵀ → W2T."""
    name = unicodedata.normalize("NFC", name).translate(_LETTERS)
    return re.sub("([mv])\u0302", r"\1hat", unicodedata.normalize("NFKC", name)).strip()


def _key(name: str) -> str:
    """What is the same for all spellings of a name: no case, no marks around its numbers."""
    bare = _IDLE.sub("", name)
    return bare if _KEEPS_CASE.fullmatch(bare) else bare.lower()


def _every_name(spec: Spec, ids: dict[str, None]) -> dict[str, str]:
    """Key → id, also of ids that other exercises have: a name of those can be explained.

    The tape's own ids come first, and no name is ever taken from an earlier id.
    """
    names = {_key(id): id for id in ids}
    for id, aliases in _aliases(spec):
        for alias in (id, *aliases):
            names.setdefault(_key(alias), id)
    return names


def _aliases(spec: Spec) -> Iterator[tuple[str, tuple[str, ...]]]:
    last = len(spec.layers)
    name = () if spec.loss is None else (spec.loss.name,)
    yield "a0", ("x", "x0", "h0", "inputs", "input")
    yield "y", ("targets", "target", "labels", "y_true")
    yield "error", ("e", "errors")
    yield "loss", (*_LOSS, *name)
    yield "loss_terms", ("losses",)
    yield "loss_after", _LOSS_AFTER
    yield "data_loss", ("L_data", "J_data", "C_data", "E_data")
    yield "penalty", ()
    yield "da0", ("dx", "dh0")
    yield f"a{last}", ("y_hat", "prediction", "predictions", "output", "outputs", "y_pred")
    yield f"da{last}", ("dy_hat", "dy_pred")
    for layer in range(1, last + 1):
        yield from _of_layer(layer)
        for parameter in (f"W{layer}", f"b{layer}"):
            yield from _of_parameter(parameter)


def _of_layer(layer: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    n = layer
    below = [f"{letter}{n - 1}" for letter in ("a", "h", "out")] + (["x"] if n == 1 else [])
    weights = (f"W{n}", f"W{n}T")
    orders = ((a, w) for a in below for w in weights)
    yield f"product{n}", tuple(word for a, w in orders for word in (a + w, w + a, f"{w}{a}T"))
    yield f"z{n}", (f"net{n}", f"in{n}")
    yield f"a{n}", (f"h{n}", f"out{n}")
    yield f"da{n}", (f"dh{n}", f"e{n}", f"dout{n}")
    yield f"delta{n}", (f"dz{n}", f"d{n}", f"dnet{n}")
    forms = ("{0}prime{1}", "{0}'{1}", "{0}'z{1}", "{0}primez{1}", "{0}'net{1}", "{0}{1}'")
    yield f"g{n}", tuple(form.format(name, n) for name in _FUNCTIONS for form in forms)


def _of_parameter(parameter: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    p, letter, layer = parameter, parameter[0], parameter[1:]
    yield p, ()
    yield f"d{p}", (f"grad{p}", f"delta{p}")
    yield f"data_d{p}", (f"d{p}data",)
    yield f"{p}_new", (f"{p}'", f"new{p}", f"{letter}new{layer}", f"{p}updated", f"updated{p}")
    for state in _EVERY_STATE:
        yield f"{state}{p}", ()
        yield f"{state}{p}_old", ()


# Key of a function's name → the function, "" for those that mean any: sigma_prime2, f'(z2).
_FUNCTIONS: dict[str, str] = {
    **dict.fromkeys(("f", "g", "phi", "act"), ""),
    **{_key(_ascii(row.symbol)): name for name, row in ACTIVATIONS.items()},
    **{_key(name): name for name in ACTIVATIONS},
}
