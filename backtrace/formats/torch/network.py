"""The layers of a spec as PyTorch's modules, and how its parameters are laid into them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backtrace.formats.torch.expression import Expression
from backtrace.formats.torch.python_text import WIDTH, constant, factor, folded, remark
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.number import Number
from backtrace.spec import ids
from backtrace.spec.model import Function, Layer, Spec

SLOPES = "prelu"  # the modules that learn one: prelu1


class Parameter(msgspec.Struct, frozen=True):
    """A parameter of the program: ``target`` = ``id`` with ``view`` behind it, perhaps negated.

    ``view`` undoes the spec's orientation; the bias of a threshold is its negative.
    """

    target: str  # layer1.weight
    id: str  # W1
    view: str  # .T
    negated: bool = False

    @property
    def is_bias(self) -> bool:
        return self.target.endswith(".bias")

    @property
    def is_slope(self) -> bool:
        return self.target.startswith(SLOPES)

    def value(self, name: str, *, negated: bool = False) -> str:
        """The expression of what has the parameter's shape in the spec: itself, its gradient."""
        minus = "-" if self.negated != negated else ""
        return f"{minus}{name}{self.view}"


def parameters(spec: Spec) -> list[Parameter]:
    """Every parameter of the program, in the network's order."""
    return [p for number in range(1, len(spec.layers) + 1) for p in _parameters(spec, number)]


def _parameters(spec: Spec, number: int) -> Iterator[Parameter]:
    yield from _of_linear(spec, number)
    if spec.layers[number - 1].slope is not None:
        own = ids.parameter("learned_slope", number)
        yield Parameter(f"{SLOPES}{number}.weight", own, ".flatten()")


def _of_linear(spec: Spec, number: int) -> Iterator[Parameter]:
    kind = spec.layers[number - 1].bias.kind
    across = spec.conventions.weights == "in_out"
    target, id = f"layer{number}", ids.parameter("weight", number)
    transposed = ".T" if across else ""
    if kind not in ("first", "last"):
        yield Parameter(f"{target}.weight", id, transposed)
        if kind != "none":
            own = ids.parameter("bias", number)
            yield Parameter(f"{target}.bias", own, ".flatten()", negated=kind == "threshold")
        return
    kept, line = ("1:", "0") if kind == "first" else (":-1", "-1")
    before = "" if across else ":, "
    yield Parameter(f"{target}.weight", id, f"[{before}{kept}]{transposed}")
    yield Parameter(f"{target}.bias", id, f"[{before}{line}]")


# --- activations

MODULES = {
    "linear": "",
    "sigmoid": "nn.Sigmoid()",
    "tanh": "nn.Tanh()",
    "softsign": "nn.Softsign()",
    "relu": "nn.ReLU()",
    "leaky_relu": "nn.LeakyReLU({slope})",
    "elu": "nn.ELU(alpha={alpha})",
    "selu": "nn.SELU()",
    "gelu": "nn.GELU()",
    "silu": "nn.SiLU()",
    "mish": "nn.Mish()",
    "hard_tanh": "nn.Hardtanh()",
    "softplus": "nn.Softplus(threshold=40)",  # above 40 its line is exact, above 20 not yet
    "softmax": "nn.Softmax(dim=1)",
}
"""What PyTorch has, and works as the table does; every other activation is written as a class.

Not nn.Hardsigmoid: its derivative is a sixth in single precision whatever the type.
"""


def module(unit: Function) -> str:
    """The expression of an activation, empty for a linear one."""
    constants = {name: constant(value) for name, value in unit.parameters.items()}
    if _is_ours(unit):
        return f"{_class_name(unit)}({', '.join(constants.values())})"
    return MODULES[unit.name].format_map(constants)


def _is_ours(unit: Function) -> bool:
    """Whether the program has to define it: PyTorch's linear units have no slope of their own."""
    sloped = unit.name == "linear" and float(unit.parameters["slope"]) != 1
    return sloped or unit.name not in MODULES


def _class_name(unit: Function) -> str:
    return "".join(word.capitalize() for word in unit.name.split("_")) + "Units"


def definitions(spec: Spec, *, ends_at_z: bool) -> list[list[str]]:
    """The definitions of the activations that PyTorch does not have, a block each."""
    layers = spec.layers[: -1 if ends_at_z else None]
    units = [layer.activation for layer in layers if layer.slope is None]
    ours = {unit.name: unit for unit in units if _is_ours(unit)}
    return [list(_class(unit)) for unit in ours.values()]


def _class(unit: Function) -> Iterator[str]:
    row, names = ACTIVATIONS[unit.name], ", ".join(unit.parameters)
    constants = {name: Expression(f"self.{name}", tensor=False) for name in unit.parameters}
    yield f"class {_class_name(unit)}(nn.Module):"
    yield f'    """The {row.title} units of a layer."""'
    if names:
        yield from ("", f"    def __init__(self, {names}):", "        super().__init__()")
        yield from (f"        self.{name} = {name}" for name in unit.parameters)
    yield from ("", "    def forward(self, z):")
    yield from folded("return ", f"{row.value(Expression('z'), constants)}", "", " " * 8)


# --- the network


def network(spec: Spec, *, ends_at_z: bool) -> list[str]:
    """The lines that build ``net`` and lay the starting parameters into it.

    ``ends_at_z`` leaves the output's activation to the loss.
    """
    lines = list(_remarks(spec))
    for number, layer in enumerate(spec.layers, 1):
        lines += _layer(number, layer)
    lines += _sequence(spec, ends_at_z=ends_at_z)
    lines.append("with torch.no_grad():")
    lines += [f"    {p.target}.copy_({p.value(p.id)})" for p in parameters(spec)]
    return lines


def _layer(number: int, layer: Layer) -> Iterator[str]:
    bias = ", bias=False" if layer.bias.kind == "none" else ""
    yield f"layer{number} = nn.Linear({layer.inputs}, {layer.units}{bias})"
    if layer.bias.kind == "shared":
        yield f"layer{number}.bias = nn.Parameter(torch.zeros(1))  # one for all its units"
    if layer.slope is not None:
        yield f"{SLOPES}{number} = nn.PReLU({layer.slope.values.size})"


def _modules(spec: Spec, *, ends_at_z: bool) -> list[str]:
    """The activations, empty strings where a layer has none in the program."""
    found = [
        module(layer.activation) if layer.slope is None else f"{SLOPES}{number}"
        for number, layer in enumerate(spec.layers, 1)
    ]
    return [*found[:-1], ""] if ends_at_z else found


def _sequence(spec: Spec, *, ends_at_z: bool) -> list[str]:
    parts = [
        f"layer{number}, {activation}" if activation else f"layer{number}"
        for number, activation in enumerate(_modules(spec, ends_at_z=ends_at_z), 1)
    ]
    ending = ""
    if ends_at_z:
        title = ACTIVATIONS[spec.layers[-1].activation.name].title
        ending = f"  # up to z{len(parts)}: the {title} is in the loss"
    line = f"net = nn.Sequential({', '.join(parts)})"
    if len(line) + len(ending) <= WIDTH:
        return [line + ending]
    return [f"net = nn.Sequential({ending}", *(f"    {part}," for part in parts), ")"]


def _remarks(spec: Spec) -> Iterator[str]:
    """Where the spec's conventions are not PyTorch's."""
    kinds = [layer.bias.kind for layer in spec.layers]
    said = ["The network."]
    if spec.conventions.weights == "in_out":
        said.append(
            "The spec's weights are inputs × units; nn.Linear keeps units × inputs, hence .T."
        )
    for kind in ("first", "last"):
        if kind in kinds:
            line = "row" if spec.conventions.weights == "in_out" else "column"
            layers = " and ".join(f"W{i}" for i, this in enumerate(kinds, 1) if this == kind)
            said.append(f"The {kind} {line} of {layers} is the bias.")
    if "threshold" in kinds:
        said.append("A threshold is subtracted: the bias of nn.Linear is its negative.")
    yield from remark(" ".join(said))


def scaled(number: Number | float, text: str) -> str:
    """``number`` times an expression; 1 is left out."""
    return text if float(number) == 1 else f"{factor(number)} * {text}"
