"""Ids → symbols, as the course writes them: δ₂, δ^(2), dZ^[2] or ∂L/∂z₂, a or h."""

from __future__ import annotations

import re

import msgspec

from backtrace.functions.activations import ACTIVATIONS
from backtrace.spec.model import Conventions, Notation
from backtrace.tape.trace import Trace

# Constants of an exercise: Unicode, LaTeX. (`text.to_ascii` spells the Unicode of both kinds.)
CONSTANTS: dict[str, tuple[str, str]] = {
    "eta": ("η", r"\eta"),
    "alpha": ("α", r"\alpha"),
    "lr": ("lr", r"\mathrm{lr}"),
    "n": ("n", "n"),
    "m": ("m", "m"),
    "beta": ("β", r"\beta"),
    "momentum": ("β", r"\beta"),
    "beta1": ("β₁", r"\beta_{1}"),
    "beta2": ("β₂", r"\beta_{2}"),
    "epsilon": ("ε", r"\varepsilon"),
    "lambda": ("λ", r"\lambda"),
    "lambda1": ("λ₁", r"\lambda_{1}"),
    "t": ("t", "t"),
}

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
SMALL_TAGS = {"new": "ⁿᵉʷ", "old": "ᵒˡᵈ", "data": "ᵈᵃᵗᵃ"}
ID = re.compile(r"(product|delta|mhat|vhat|data_d|step_|da|dW|db|[a-zA-Z])([Wb]?)(\d+)(_new|_old)?")


class Name(msgspec.Struct, frozen=True):
    """The parts of one symbol: ``before`` (d, Δ, ∂L/∂), the letter, its layer and a tag (new)."""

    letter: str
    latex_letter: str
    layer: int | None = None
    before: str = ""  # "", "d", "Δ" or "∂"
    tag: str = ""
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
        return self._unicode(self.parts(id))

    def latex(self, id: str) -> str:
        """The symbol in LaTeX, subscript before superscript: ``W_{2}``, ``\\delta^{(2)}``."""
        return self._latex(self.parts(id))

    def constant(self, name: str, script: str = "unicode") -> str:
        """The symbol of a constant: ``rate``, ``samples``, ``beta1``, ``lambda``, …"""
        chosen = {"rate": self.notation.rate, "samples": self.notation.samples}.get(name, name)
        return CONSTANTS[chosen][("unicode", "latex").index(script)]

    def activation(self, layer: int) -> str:
        """The symbol of a layer's activation: σ, ReLU, tanh."""
        return ACTIVATIONS[self.activations[layer]].symbol

    def parts(self, id: str) -> Name:
        """The symbol of an id, taken apart."""
        if id not in self._names:
            self._names[id] = self._parts(id)
        return self._names[id]

    def _parts(self, id: str) -> Name:
        loss = self.notation.loss
        whole = {
            "y": self._letter("y"),
            "loss": _plain(loss),
            "loss_after": _plain(loss, tag="new"),
            "data_loss": _plain(loss, tag="data"),
            "penalty": Name("Ω", r"\Omega"),
            "loss_terms": Name("ℓ", r"\ell"),
            "error": _plain("e"),
        }
        if id in whole:
            return whole[id]
        match = ID.fullmatch(id)
        if match is None:
            return _plain(id)
        kind, parameter, layer, tag = match.groups()
        return self._layered(kind, parameter, int(layer), (tag or "")[1:])

    def _layered(self, kind: str, parameter: str, layer: int, tag: str) -> Name:
        if kind in ("mhat", "vhat", "step_") or (parameter and kind in "vms"):
            return self._state(kind, f"{parameter}{layer}", tag)
        if kind in ("data_d", "dW", "db"):
            letter = parameter or kind[1]
            before = {"d": "d", "partial": "∂", "delta": "Δ"}[self.notation.gradient]
            return self._mark(
                self._letter(letter), layer, before, "data" if kind == "data_d" else tag
            )
        if kind == "product":
            return self._product(layer)
        if kind == "g":
            return self._derivative(layer)
        if kind in ("a", "da", "delta"):
            return self._of_unit(kind, layer)
        return self._mark(self._letter(kind), layer, "", tag)

    def _of_unit(self, kind: str, layer: int) -> Name:
        notation = self.notation
        if kind == "delta":
            if notation.delta == "delta":
                return Name("δ", r"\delta", layer)
            return self._mark(self._letter("z"), layer, "d" if notation.delta == "dz" else "∂")
        if kind == "da" and notation.error == "e":
            return Name("e", "e", layer)
        activation = self._activation_letter(layer)
        if kind == "a":
            return activation
        return msgspec.structs.replace(activation, before="d" if notation.error == "d" else "∂")

    def _activation_letter(self, layer: int) -> Name:
        notation = self.notation
        if layer == 0 and notation.inputs == "x":
            return self._letter("x")
        if layer == self.last and layer and notation.prediction == "y_hat":
            hat = self.notation.case == "upper"
            return Name("Ŷ" if hat else "ŷ", r"\hat{Y}" if hat else r"\hat{y}")
        letter = "a" if layer == 0 else notation.activation
        return self._mark(self._letter(letter), layer)

    def _product(self, layer: int) -> Name:
        weights, below = self.parts(f"W{layer}"), self.parts(f"a{layer - 1}")
        rows = self.conventions.layout == "rows"
        as_is = self.conventions.weights == ("in_out" if rows else "out_in")
        factors = ((below, False), (weights, not as_is))
        return Name("", "", layer, factors=factors if rows else factors[::-1])

    def _derivative(self, layer: int) -> Name:
        z = self.parts(f"z{layer}")
        if layer not in self.activations:
            return Name("g", "g", layer)
        row = ACTIVATIONS[self.activations[layer]]
        if not row.elementwise:
            return Name("J", "J", layer)
        return Name(f"{row.symbol}′", f"{row.latex}'", argument=z)

    def _state(self, kind: str, parameter: str, tag: str) -> Name:
        letters = {
            "mhat": Name("m̂", r"\hat m"),
            "vhat": Name("v̂", r"\hat v"),
            "step_": Name("step", r"\mathrm{step}"),
        }
        letter = letters.get(kind, _plain(kind))
        return msgspec.structs.replace(letter, tag=tag, of=self.parts(parameter))

    def _letter(self, letter: str) -> Name:
        """A matrix's letter in the case the course writes; weights have a rule of their own."""
        if letter == "W":
            return _plain(self.notation.weight)
        upper = self.notation.case == "upper" and letter in "xzahy"
        return _plain(letter.upper() if upper else letter)

    def _mark(self, name: Name, layer: int, before: str = "", tag: str = "") -> Name:
        return msgspec.structs.replace(name, layer=layer, before=before, tag=tag)

    # The two scripts

    def _unicode(self, name: Name) -> str:
        if name.factors:
            return "".join(self._unicode(f) + ("ᵀ" if t else "") for f, t in name.factors)
        text = name.letter
        subscript = self.notation.layer_mark == "subscript"
        if name.of is not None:
            text += f"_{self._unicode(name.of)}"
        if name.layer is not None:
            text += self._layer(name.layer)
        if name.tag:
            text += SMALL_TAGS[name.tag] if subscript else f"_{name.tag}"
        if name.argument is not None:
            text += f"({self._unicode(name.argument)})"
        return f"∂{self.notation.loss}/∂{text}" if name.before == "∂" else name.before + text

    def _layer(self, layer: int) -> str:
        marks = {
            "subscript": str(layer).translate(SUBSCRIPTS),
            "round": f"^({layer})",
            "square": f"^[{layer}]",
        }
        return marks[self.notation.layer_mark]

    def _latex(self, name: Name) -> str:
        if name.factors:
            return " ".join(
                (f"{{{self._latex(f)}}}^{{\\top}}" if t else self._latex(f))
                for f, t in name.factors
            )
        if name.of is not None and name.latex_letter.endswith("}"):
            return f"{name.latex_letter}({self._latex(name.of)})"  # Markdown: }_{ opens emphasis
        text = name.latex_letter + self._latex_marks(name)
        if name.argument is not None:
            text += f"({self._latex(name.argument)})"
        if name.before == "∂":
            return f"\\frac{{\\partial {self.notation.loss}}}{{\\partial {text}}}"
        return {"": "", "d": "d", "Δ": r"\Delta "}[name.before] + text

    def _latex_marks(self, name: Name) -> str:
        """Subscript and superscript: a layer is one or the other, as the course writes."""
        below: list[str] = [] if name.of is None else [self._latex(name.of)]
        above: list[str] = []
        subscript = self.notation.layer_mark == "subscript"
        if name.layer is not None:
            mark = self._layer(name.layer).strip("^") if not subscript else str(name.layer)
            (below if subscript else above).append(mark)
        if name.tag:
            tag = f"\\mathrm{{{name.tag}}}"
            (above if subscript or name.of is not None else below).append(tag)
        text = f"_{{{', '.join(below)}}}" if below else ""
        return text + (f"^{{{', '.join(above)}}}" if above else "")


def _plain(letter: str, tag: str = "") -> Name:
    return Name(letter, letter, tag=tag)
