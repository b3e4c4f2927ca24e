"""Ids → symbols, as the course writes them: δ₂, δ^(2), dZ^[2] or ∂L/∂z₂, a or h; dQ or Q̄."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

import msgspec
from msgspec.structs import replace

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.optimizers import letter_of_state
from backtrace.notation.letters import ACCENTS, GREEK
from backtrace.notation.names import (
    DIGITS,
    RAISED_DIGITS,
    SMALL_DIGITS,
    SMALL_TAGS,
    SUBSCRIPTS,
    Name,
    accented,
    index_below,
    latex_with_accents,
)
from backtrace.spec import ids
from backtrace.spec.ids import Id
from backtrace.spec.model import Conventions, Notation, Spec
from backtrace.tape.compile import compile_update
from backtrace.tape.steps import Step
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
    "clip": "c",
    "mu": "μ",
    "mu_next": "ν",
    "mu_product": "Π",
}


class Symbols:
    """The symbols of one exercise. ``activations`` (by layer) are needed for g, ``last`` for ŷ.

    ``single_numbers``: whether a 1 × 1 matrix is written as the number in it.
    """

    single_numbers: ClassVar[bool] = False

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
        self._texts: dict[str, str] = {}

    @staticmethod
    def of(trace: Trace) -> Symbols:
        """The symbols that a trace asks for."""
        first = trace.update(*trace.updates[0])
        if any(step.role == "named" for step in first.values()):
            steps = [step.step for step in first.values()]
            return EquationSymbols(trace.notation, steps, trace.conventions)
        activations = {
            step.layer: step.parameters["activation"]
            for step in first.values()
            if step.operation == "activate" and step.layer is not None
        }
        return Symbols(trace.notation, trace.conventions, activations)

    @staticmethod
    def asked_by(spec: Spec) -> Symbols:
        """The symbols that a spec asks for."""
        if spec.equations is not None:
            steps = compile_update(spec, spec.batch_samples(1))
            return EquationSymbols(spec.notation, steps, spec.conventions)
        activations = {k: layer.activation.name for k, layer in enumerate(spec.layers, 1)}
        return Symbols(spec.notation, spec.conventions, activations)

    @property
    def objective(self) -> Name:
        """What is differentiated: the L of ∂L/∂z."""
        return Name(self.notation.loss)

    def name(self, id: str) -> str:
        """The symbol in Unicode: ``W₂``, ``δ^(2)``, ``∂L/∂z₂``."""
        if id not in self._texts:
            self._texts[id] = self.unicode(self.parts(id))
        return self._texts[id]

    def latex(self, id: str) -> str:
        """The symbol in LaTeX, subscript before superscript: ``W_{2}``, ``\\delta^{(2)}``."""
        return self.written_in_latex(self.parts(id))

    def entry(self, id: str, index: tuple[int, ...]) -> Name:
        """The symbol of one entry: W₁[2,1]; of a derivative σ′(z₁[2]), for it is worked there."""
        name = self.parts(id)
        if name.argument is None:
            return replace(name, index=index)
        return replace(name, argument=replace(name.argument, index=index))

    def constant(self, name: str) -> str:
        """The symbol of a constant: ``rate``, ``samples``, ``beta1``, ``lambda``, …"""
        chosen = {"rate": self.notation.rate, "samples": self.notation.samples}.get(name, name)
        return CONSTANTS.get(chosen, chosen)

    def constant_parts(self, name: str) -> Name:
        """The symbol of a constant, taken apart."""
        symbol = self.constant(name)
        letter = symbol.rstrip(SMALL_DIGITS)
        index = "".join(DIGITS[SMALL_DIGITS.index(digit)] for digit in symbol[len(letter) :])
        return Name(letter, below=(index,) if index else ())

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
            case "weight" | "bias" | "learned_slope" | "updated":
                tag = "new" if named.role == "updated" else ""
                return Name(self._parameter_letter(named), layer, tag=tag)
            case "gradient" | "data_gradient" | "clipped_gradient":
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
            "gradient_norm": Name("norm"),
            "loss_terms": Name("ℓ"),
            "error": Name("e"),
        }

    def _parameter_letter(self, named: Id) -> str:
        whose = ids.parse(named.of) if named.of else named
        assert whose is not None
        letters = {"weight": self.notation.weight, "learned_slope": CONSTANTS["alpha"]}
        return letters.get(whose.role, "b")

    def _gradient(self, named: Id) -> Name:
        before = {"partial": "∂", "delta": "Δ"}.get(self.notation.gradient, "d")
        tag = {"data_gradient": "data", "clipped_gradient": "clip"}.get(named.role, "")
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
            product = "".join(self.unicode(f) + ("ᵀ" if t else "") for f, t in name.factors)
            return f"({product}){name.entry_mark}" if name.index else product
        text = accented(name) + index_below(name.below)
        subscript = self.notation.layer_mark == "subscript"
        if name.of is not None:
            text += f"_{self.unicode(name.of)}"
        if name.layer is not None:
            text += self.layer_mark(name.layer)
        if name.tag:
            text += SMALL_TAGS[name.tag] if subscript else f"_{name.tag}"
        if name.part:
            text += f"⁽{str(name.part).translate(RAISED_DIGITS)}⁾"
        if name.way is not None:
            text += f"^({self.unicode(name.way)})" + (f",{name.piece}" if name.piece else "")
        if name.argument is not None:
            text += f"({self.unicode(name.argument)})"
        text += name.entry_mark
        if name.before == "∂":
            return f"∂{self.unicode(self.objective)}/∂{text}"
        return name.before + text

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
            product = " ".join(
                (f"{{{self.written_in_latex(f)}}}^{{\\top}}" if t else self.written_in_latex(f))
                for f, t in name.factors
            )
            return f"({product}){name.entry_mark}" if name.index else product
        letter, name = latex_with_accents(name)
        if name.of is not None and letter.endswith("}"):
            of = self.written_in_latex(name.of)
            return f"{letter}({of}){name.entry_mark}"  # Markdown: }_{ opens emphasis
        text = letter + self._latex_marks(name)
        if name.argument is not None:
            text += f"({self.written_in_latex(name.argument)})"
        text += name.entry_mark
        if name.before == "∂":
            above = self.written_in_latex(self.objective)
            return f"\\frac{{\\partial {above}}}{{\\partial {text}}}"
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
        below: list[str | Name] = [] if name.of is None else [name.of]
        below += [each if each.isdigit() else Name(each) for each in name.below]
        above: list[str | Name] = []
        subscript = self.notation.layer_mark == "subscript"
        if name.layer is not None:
            mark = str(name.layer) if subscript else self.layer_mark(name.layer).strip("^")
            (below if subscript else above).append(mark)
        if name.tag:
            (above if subscript or name.of is not None else below).append(Name(name.tag))
        if name.part:
            above.append(f"({name.part})")
        if name.way is not None:
            above += [Name("", argument=name.way), *([str(name.piece)] if name.piece else [])]
        return below, above


class EquationSymbols(Symbols):
    """The symbols of a trace of equations, by the roles of its steps.

    No name means what it would in a network of layers: ``W1``, ``error`` are names like others.
    """

    single_numbers = True

    def __init__(
        self, notation: Notation, steps: Iterable[Step], conventions: Conventions | None = None
    ) -> None:
        super().__init__(notation, conventions)
        self.steps = {step.id: step for step in steps}
        self.goal = next((s.of for s in self.steps.values() if _starts(s)), notation.loss)

    @property
    def objective(self) -> Name:
        return self.parts(self.goal)

    def _parts(self, id: str) -> Name:
        step = self.steps.get(id)
        if step is None:
            return self.written(id)
        match step.role:
            case "gradient":
                return self.gradient(step.of)
            case "share":
                return self.share(step)
            case "clipped_gradient":
                return replace(self.gradient(step.of), tag="clip")
            case "gradient_norm":
                return self._whole()[step.role]
            case "updated" | "loss_after":
                return replace(self.parts(step.of), tag="new")
            case "state" | "corrected_state" | "state_before" | "step":
                return self._state(Id(step.role, None, step.of, step.state))
        return self.written(id)

    def written(self, id: str) -> Name:
        """A name of the board, or a part of its line."""
        line, part = ids.line_and_part(id)
        return replace(self.letter(line), part=part)

    def letter(self, name: str) -> Name:
        """``h_1`` has an index, ``x_hat`` an accent; ``W1`` has an index unless there is a W_1."""
        first, *marks = name.split("_")
        accents = tuple(mark for mark in marks if mark in ACCENTS)
        below = [_letter(mark) for mark in marks if mark and mark not in ACCENTS]
        bare = first.rstrip(DIGITS)
        number = first[len(bare) :]
        if number and not marks and f"{bare}_{number}" not in self.steps:
            first, below = bare, [number]
        return Name(_letter(first), below=tuple(below), accents=accents)

    def gradient(self, of: str) -> Name:
        name = self.parts(of)
        if self.notation.gradient == "bar":
            return replace(name, accents=(*name.accents, "bar"))
        return replace(name, before="∂" if self.notation.gradient == "partial" else "d")

    def share(self, step: Step) -> Name:
        """What of a gradient comes by way of one line, and of this the first, the second …"""
        user, piece = ids.line_and_part(ids.user_of(step.id, step.of))
        return replace(self.gradient(step.of), way=self.parts(user), piece=piece)


def _starts(step: Step) -> bool:
    """Whether it is the 1 from which the gradients of an objective come."""
    return step.phase == "loss" and step.role == "named" and not ids.line_and_part(step.id)[1]


def _letter(text: str) -> str:
    return GREEK.get(text, text)


class _Ids(Symbols):
    """Every quantity by its id."""

    def parts(self, id: str) -> Name:
        return Name(id)


IDS: Symbols = _Ids(Notation())
