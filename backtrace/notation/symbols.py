"""Ids → symbols, as the course writes them: δ₂, δ^(2), dZ^[2] or ∂L/∂z₂, a or h."""

from __future__ import annotations

import msgspec

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.optimizers import letter_of_state
from backtrace.notation.letters import latex_letter
from backtrace.spec import ids
from backtrace.spec.ids import Id
from backtrace.spec.model import Conventions, Notation
from backtrace.tape.trace import Trace

# Constants of an exercise by the names they have in specs; a name that is not here is its letter.
CONSTANTS = {
    "eta": "η",
    "alpha": "α",
    "beta": "β",
    "momentum": "β",
    "beta1": "β₁",
    "beta2": "β₂",
    "decay": "β",
    "rho": "ρ",
    "gamma": "γ",
    "epsilon": "ε",
    "lambda": "λ",
    "lambda1": "λ₁",
    "weight_decay": "λ",
    "momentum_decay": "ψ",
    "mu": "μ",
    "mu_next": "ν",
    "mu_product": "Π",
}

DIGITS, SMALL_DIGITS = "0123456789", "₀₁₂₃₄₅₆₇₈₉"
SUBSCRIPTS = str.maketrans(DIGITS, SMALL_DIGITS)
SMALL_TAGS = {"new": "ⁿᵉʷ", "old": "ᵒˡᵈ", "data": "ᵈᵃᵗᵃ"}


class Name(msgspec.Struct, frozen=True):
    """The parts of one symbol: ``before`` (d, Δ, ∂L/∂), the letter, its layer and a tag (new)."""

    letter: str
    layer: int | None = None
    before: str = ""  # "", "d", "Δ" or "∂"
    tag: str = ""
    index: str = ""  # a number below whatever the layers' mark: β₁
    of: Name | None = None  # the state of a parameter: v_W₂
    factors: tuple[tuple[Name, bool], ...] = ()  # a product: its factors, transposed or not
    argument: Name | None = None  # a function of a quantity: σ′(z₂)


class Symbols:
    """The symbols of one exercise. ``activations`` (by layer) are needed for g, ``last`` for ŷ."""

    def __init__(
        self,
        notation: Notation,
        conventions: Conventions | None = None,
        activations: dict[int, str] | None = None,
    ) -> None:
        self.notation = notation
        self.conventions = conventions or Conventions()
        self.activations = activations or {}
        self.last = max(self.activations, default=0)
        self._names: dict[str, Name] = {}

    @classmethod
    def of(cls, trace: Trace) -> Symbols:
        """The symbols that a trace asks for."""
        first = trace.update(*trace.updates[0])
        activations = {
            step.layer: step.parameters["activation"]
            for step in first.values()
            if step.operation == "activate" and step.layer is not None
        }
        return cls(trace.notation, trace.conventions, activations)

    def name(self, id: str) -> str:
        """The symbol in Unicode: ``W₂``, ``δ^(2)``, ``∂L/∂z₂``."""
        return self.unicode(self.parts(id))

    def latex(self, id: str) -> str:
        """The symbol in LaTeX, subscript before superscript: ``W_{2}``, ``\\delta^{(2)}``."""
        return self.written_in_latex(self.parts(id))

    def constant(self, name: str) -> str:
        """The symbol of a constant: ``rate``, ``samples``, ``beta1``, ``lambda``, …"""
        chosen = {"rate": self.notation.rate, "samples": self.notation.samples}.get(name, name)
        return CONSTANTS.get(chosen, chosen)

    def constant_parts(self, name: str) -> Name:
        """The symbol of a constant, taken apart."""
        symbol = self.constant(name)
        letter = symbol.rstrip(SMALL_DIGITS)
        index = "".join(DIGITS[SMALL_DIGITS.index(digit)] for digit in symbol[len(letter) :])
        return Name(letter, index=index)

    def activation(self, layer: int) -> str:
        """The symbol of a layer's activation: σ, ReLU, tanh."""
        return ACTIVATIONS[self.activations[layer]].symbol

    def parts(self, id: str) -> Name:
        """The symbol of an id, taken apart."""
        if id not in self._names:
            self._names[id] = self._parts(id)
        return self._names[id]

    def _parts(self, id: str) -> Name:
        named = ids.parse(id)
        if named is None:
            return Name(id)
        if named.role in self._whole():
            return self._whole()[named.role]
        layer = named.layer or 0
        match named.role:
            case "inputs" | "activation":
                return self._activation_letter(layer)
            case "activation_gradient":
                return self._error_letter(named)
            case "delta":
                return self._delta_letter(layer)
            case "product":
                return self._product(layer)
            case "slope":
                return self._derivative(layer)
            case "preactivation":
                return Name(self._letter("z"), layer)
            case "weight" | "bias" | "updated":
                tag = "new" if named.role == "updated" else ""
                return Name(self._parameter_letter(named), layer, tag=tag)
            case "gradient" | "data_gradient":
                return self._gradient(named)
        return self._state(named)

    def _whole(self) -> dict[str, Name]:
        """What belongs to no layer, by role."""
        loss = self.notation.loss
        return {
            "targets": Name(self._letter("y")),
            "loss": Name(loss),
            "loss_after": Name(loss, tag="new"),
            "data_loss": Name(loss, tag="data"),
            "penalty": Name("Ω"),
            "loss_terms": Name("ℓ"),
            "error": Name("e"),
        }

    def _parameter_letter(self, named: Id) -> str:
        whose = ids.parse(named.of) if named.of else named
        is_weight = whose is not None and whose.role == "weight"
        return self.notation.weight if is_weight else "b"

    def _gradient(self, named: Id) -> Name:
        before = {"d": "d", "partial": "∂", "delta": "Δ"}[self.notation.gradient]
        tag = "data" if named.role == "data_gradient" else ""
        return Name(self._parameter_letter(named), named.layer, before, tag)

    def _delta_letter(self, layer: int) -> Name:
        if self.notation.delta == "delta":
            return Name("δ", layer)
        return Name(self._letter("z"), layer, "d" if self.notation.delta == "dz" else "∂")

    def _error_letter(self, named: Id) -> Name:
        layer = named.layer or 0
        if self.notation.error == "e":
            return Name("e", layer)
        before = "d" if self.notation.error == "d" else "∂"
        return msgspec.structs.replace(self._activation_letter(layer), before=before)

    def _activation_letter(self, layer: int) -> Name:
        notation = self.notation
        if layer == 0 and notation.inputs == "x":
            return Name(self._letter("x"))
        if layer == self.last and layer and notation.prediction == "y_hat":
            return Name("Ŷ" if notation.case == "upper" else "ŷ")
        return Name(self._letter("a" if layer == 0 else notation.activation), layer)

    def _product(self, layer: int) -> Name:
        weights = self.parts(ids.parameter("weight", layer))
        below = self.parts(ids.id_of("activation", layer - 1))
        rows = self.conventions.layout == "rows"
        as_is = self.conventions.weights == ("in_out" if rows else "out_in")
        factors = ((below, False), (weights, not as_is))
        return Name("", layer, factors=factors if rows else factors[::-1])

    def _derivative(self, layer: int) -> Name:
        if layer not in self.activations:
            return Name("g", layer)
        row = ACTIVATIONS[self.activations[layer]]
        if not row.elementwise:
            return Name("J", layer)
        return Name(f"{row.symbol}′", argument=self.parts(ids.id_of("preactivation", layer)))

    def _state(self, named: Id) -> Name:
        """An optimizer's own: the state before and after, what is made of it, the step."""
        letter = "step" if named.role == "step" else letter_of_state(named.state)
        tag = "old" if named.role == "state_before" else ""
        return Name(letter, tag=tag, of=self.parts(named.of))

    def _letter(self, letter: str) -> str:
        """A matrix's letter in the case the course writes; weights have a rule of their own."""
        return letter.upper() if self.notation.case == "upper" else letter

    # The two scripts

    def unicode(self, name: Name) -> str:
        """A symbol in Unicode."""
        if name.factors:
            return "".join(self.unicode(f) + ("ᵀ" if t else "") for f, t in name.factors)
        text = name.letter + name.index.translate(SUBSCRIPTS)
        subscript = self.notation.layer_mark == "subscript"
        if name.of is not None:
            text += f"_{self.unicode(name.of)}"
        if name.layer is not None:
            text += self.layer_mark(name.layer)
        if name.tag:
            text += SMALL_TAGS[name.tag] if subscript else f"_{name.tag}"
        if name.argument is not None:
            text += f"({self.unicode(name.argument)})"
        return f"∂{self.notation.loss}/∂{text}" if name.before == "∂" else name.before + text

    def layer_mark(self, layer: int) -> str:
        """How a layer is marked in Unicode: ₂, ^(2) or ^[2]."""
        marks = {
            "subscript": str(layer).translate(SUBSCRIPTS),
            "round": f"^({layer})",
            "square": f"^[{layer}]",
        }
        return marks[self.notation.layer_mark]

    def written_in_latex(self, name: Name) -> str:
        """A symbol in LaTeX."""
        if name.factors:
            return " ".join(
                (f"{{{self.written_in_latex(f)}}}^{{\\top}}" if t else self.written_in_latex(f))
                for f, t in name.factors
            )
        letter = latex_letter(name.letter)
        if name.of is not None and letter.endswith("}"):
            of = self.written_in_latex(name.of)
            return f"{letter}({of})"  # Markdown: }_{ opens emphasis
        text = letter + self._latex_marks(name)
        if name.argument is not None:
            text += f"({self.written_in_latex(name.argument)})"
        if name.before == "∂":
            return f"\\frac{{\\partial {self.notation.loss}}}{{\\partial {text}}}"
        return {"": "", "d": "d", "Δ": r"\Delta "}[name.before] + text

    def _latex_marks(self, name: Name) -> str:
        below, above = self.marks(name)
        written = [
            [each if isinstance(each, str) else self.written_in_latex(each) for each in marks]
            for marks in (below, above)
        ]
        scripts = zip("_^", written, strict=True)
        return "".join(f"{sign}{{{', '.join(each)}}}" for sign, each in scripts if each)

    def marks(self, name: Name) -> tuple[list[str | Name], list[str | Name]]:
        """Subscripts and superscripts: a layer is one or the other, as the course writes."""
        below: list[str | Name] = [each for each in (name.of, name.index) if each]
        above: list[str | Name] = []
        subscript = self.notation.layer_mark == "subscript"
        if name.layer is not None:
            mark = str(name.layer) if subscript else self.layer_mark(name.layer).strip("^")
            (below if subscript else above).append(mark)
        if name.tag:
            (above if subscript or name.of is not None else below).append(Name(name.tag))
        return below, above


class _Ids(Symbols):
    """Every quantity by its id."""

    def parts(self, id: str) -> Name:
        return Name(id)


IDS: Symbols = _Ids(Notation())
