"""The ids of quantities: what each names, written and read in this one place.

An id is a text such as ``z1``, ``dW2``, ``vW2_old``, ``W2_new``: the key of a value in a tape, a
file, a command line. What it names is an ``Id``: its role, its layer, and whose it is. Steps carry
all three, so that no reader has to look at the text.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, TypeAlias

import msgspec

from backtrace.functions.optimizers import OPTIMIZERS

Role: TypeAlias = Literal[
    "inputs",  # a0
    "targets",  # y
    "weight",  # W1
    "bias",  # b1
    "learned_slope",  # alpha1, of the layer's activation
    "product",  # the weighted sum before the bias
    "preactivation",  # z1
    "activation",  # a1
    "error",  # ŷ − y
    "loss_terms",
    "data_loss",
    "penalty",
    "loss",
    "activation_gradient",  # da1, the error that reaches an activation; da0 of the inputs
    "slope",  # g1, the activation's derivative at z1
    "delta",  # delta1
    "data_gradient",  # data_dW1, without the penalty
    "gradient",  # dW1, db1
    "share",  # dX_from_S, of a gradient what comes from one of several lines
    "gradient_norm",  # of all gradients together, by which they are clipped
    "clipped_gradient",  # clipped_dW1, what an update uses
    "state_before",  # vW1_old
    "state",  # vW1, mW1, sW1
    "corrected_state",  # mhatW1, vhatW1
    "step",  # step_W1
    "updated",  # W1_new
    "loss_after",
    "named",  # whatever a line of equations, or another program, calls by a name of its own
]

# Quantities of no layer, and the letters of those that every layer has.
_SINGLE: dict[Role, str] = {
    "inputs": "a0",
    "targets": "y",
    "error": "error",
    "loss_terms": "loss_terms",
    "data_loss": "data_loss",
    "penalty": "penalty",
    "loss": "loss",
    "gradient_norm": "gradient_norm",
    "loss_after": "loss_after",
}
_LAYERED: dict[Role, str] = {
    "weight": "W",
    "bias": "b",
    "learned_slope": "alpha",
    "product": "product",
    "preactivation": "z",
    "activation": "a",
    "activation_gradient": "da",
    "slope": "g",
    "delta": "delta",
}
# What is of a parameter, ``{}``, and of one of an optimizer's states by its letter.
_OF_PARAMETER: dict[Role, str] = {
    "data_gradient": "data_d{}",
    "gradient": "d{}",
    "clipped_gradient": "clipped_d{}",
    "step": "step_{}",
    "updated": "{}_new",
}
_OF_STATE: dict[Role, str] = {
    "state": "{}",
    "corrected_state": "{}",
    "state_before": "{}_old",
}
_WHOSE: dict[Role, Role] = {  # a layer's own: of which of its quantities
    "activation_gradient": "activation",
    "slope": "preactivation",
    "delta": "preactivation",
}
_SINGLE_ROLES = {text: role for role, text in _SINGLE.items()}
_LAYERED_ROLES = {text: role for role, text in _LAYERED.items()}
_LAYER = r"(?:0|[1-9][0-9]{0,6})"
_LAYERED_ID = re.compile(rf"({'|'.join(_LAYERED.values())})({_LAYER})")
PARAMETERS: tuple[Role, ...] = ("weight", "bias", "learned_slope")
_PARAMETER = "|".join(_LAYERED[role] for role in PARAMETERS)
_PARAMETER_ID = re.compile(rf"([a-z_]*?)({_PARAMETER})({_LAYER})(_new|_old)?")
_AT = re.compile(r"([^@]+)(?:@([0-9]{1,7})(?:\.([0-9]{1,7}))?)?")


class Id(msgspec.Struct, frozen=True):
    """What an id names.

    ``of`` is whose it is: the parameter of ``dW2`` and ``vW2_old`` (``W2``), the activation of
    ``da2`` (``a2``), the pre-activation of ``g2`` and ``delta2`` (``z2``). ``state`` is the letter
    of an optimizer's state (``v``, ``mhat``).
    """

    role: Role
    layer: int | None = None
    of: str = ""
    state: str = ""

    def __str__(self) -> str:
        return id_of(self.role, self.layer, self.of, self.state)


class At(msgspec.Struct, frozen=True):
    """An id and the update it is of, its epoch and batch counted from 1: ``z1@2.3``."""

    id: str
    epoch: int = 1
    batch: int = 1

    def __str__(self) -> str:
        """The id alone in the first update."""
        first = (self.epoch, self.batch) == (1, 1)
        return self.id if first else f"{self.id}@{self.epoch}.{self.batch}"

    @classmethod
    def parse(cls, text: str) -> At | None:
        """``z1``, ``z1@2`` (its first batch) or ``z1@2.3``; None where it is none of them."""
        match = _AT.fullmatch(text)
        return None if match is None else cls(match[1], int(match[2] or 1), int(match[3] or 1))


# Writing


def id_of(role: Role, layer: int | None = None, of: str = "", state: str = "") -> str:
    """The text of an id; what is ``named`` is ``of`` itself."""
    if role == "named":
        return of
    if role in _OF_PARAMETER:
        return _OF_PARAMETER[role].format(of)
    if role in _OF_STATE:
        return _OF_STATE[role].format(f"{state}{of}")
    if not layer and role in ("activation", "inputs"):
        return _SINGLE["inputs"]
    return f"{_LAYERED[role]}{layer or 0}" if role in _LAYERED else _SINGLE[role]


def gradient(parameter: str) -> str:
    """``dW2`` of ``W2``."""
    return id_of("gradient", of=parameter)


def updated(parameter: str) -> str:
    """``W2_new`` of ``W2``."""
    return id_of("updated", of=parameter)


def state(letter: str, parameter: str) -> str:
    """``vW2``."""
    return id_of("state", of=parameter, state=letter)


def state_before(letter: str, parameter: str) -> str:
    """``vW2_old``."""
    return id_of("state_before", of=parameter, state=letter)


def share(gradient: str, user: str) -> str:
    """``da1_from_z3``: the part of a gradient that comes from one of several users."""
    return f"{gradient}_from_{user}"


def parameter(role: Literal["weight", "bias", "learned_slope"], layer: int) -> str:
    """``W2``, ``b2``, ``alpha2``."""
    return id_of(role, layer)


def numbered(id: str, number: int) -> str:
    """``S.1``: a part of a compound line."""
    return f"{id}.{number}"


def is_part(id: str) -> bool:
    """Whether it is a part of a compound line, which has no name of its own."""
    return "." in id


def line_and_part(id: str) -> tuple[str, int]:
    """``S.1`` is part 1 of the line S; of what is no part the number is 0."""
    line, dot, part = id.rpartition(".")
    return (line, int(part)) if dot else (id, 0)


def user_of(share: str, of: str) -> str:
    """Which line a share of the gradient of ``of`` comes from."""
    return share.removeprefix(f"{gradient(of)}_from_")


# Reading


def family(id: str) -> str:
    """The id without its layer: ``W1_new`` is a ``W_new``; or its number in a loop: z of z_1."""
    return re.sub(r"(?:_\d+)+|\d+", "", id, count=1)


def parse(text: str) -> Id | None:
    """What an id of a layered network names; None where it is none."""
    if text in _SINGLE_ROLES:
        return Id(_SINGLE_ROLES[text])
    match = _LAYERED_ID.fullmatch(text)
    if match is not None:
        return _layered(_LAYERED_ROLES[match[1]], int(match[2]))
    match = _PARAMETER_ID.fullmatch(text)
    return None if match is None else _of_parameter(*match.groups(""))


def _layered(role: Role, layer: int) -> Id | None:
    whose = _WHOSE.get(role)
    of = "" if whose is None else id_of(whose, layer)
    if layer == 0:  # of the inputs there is only the gradient
        return Id(role, None, of) if role == "activation_gradient" else None
    return Id(role, layer, of)


def _of_parameter(head: str, letter: str, layer: str, tail: str) -> Id | None:
    whose, number = f"{letter}{layer}", int(layer)
    text = head + "{}" + tail
    for role, form in _OF_PARAMETER.items():
        if form == text:
            return Id(role, number, whose) if number else None
    states = {state for row in OPTIMIZERS.values() for state in row.states}
    if number == 0 or not head or tail == "_new":
        return None
    if head in states:
        return Id("state_before" if tail else "state", number, whose, head)
    known = head in corrected_states() and not tail
    return Id("corrected_state", number, whose, head) if known else None


def among_names(text: str, names: Collection[str], objective: str) -> Id:
    """What an id names on a board of equations, whose lines and givens these are.

    ``dQ`` is the gradient by Q, ``dX_from_Q`` a share of one, ``Q_new``, ``vQ_old``, ``step_Q``
    as of layers; what is none of these is a name, or a part of its line.
    """
    if text in names or (is_part(text) and line_and_part(text)[0] in names):
        return Id("named", None, text)
    if text == _SINGLE["loss_after"]:
        return Id("loss_after", None, objective)
    if text == _SINGLE["gradient_norm"]:
        return Id("gradient_norm")
    for name in sorted(names, key=len, reverse=True):
        if text.startswith(share(gradient(name), "")):
            return Id("share", None, name)
        found = _of_name(text, name)
        if found is not None:
            return found
    line = next((name for name in names if text.startswith(gradient(f"{name}."))), None)
    return Id("named", None, text) if line is None else _of_part(text)


def _of_part(text: str) -> Id:
    """``dS.1``, and ``dS.1_from_S``."""
    of, way, _ = text.removeprefix("d").partition("_from_")
    return Id("share" if way else "gradient", None, of)


def _of_name(text: str, name: str) -> Id | None:
    for role, form in _OF_PARAMETER.items():
        if role != "data_gradient" and form.format(name) == text:
            return Id(role, None, name)
    kept = {state for row in OPTIMIZERS.values() for state in row.states}
    for letter in kept | corrected_states():
        if text == f"{letter}{name}":
            return Id("state" if letter in kept else "corrected_state", None, name, letter)
        if text == f"{letter}{name}_old":
            return Id("state_before", None, name, letter)
    return None


def corrected_states() -> set[str]:
    """The letters of what optimizers work out from a state and don't keep: ``mhat``, ``vhat``."""
    kept = {state for row in OPTIMIZERS.values() for state in row.states}
    lines = (line for row in OPTIMIZERS.values() for form in row.lines.values() for line in form)
    forms = {"step_{}", "{}_new"}
    return {line.id.format("") for line in lines if line.id not in forms} - kept


def role_of_line(form: str, states: tuple[str, ...]) -> tuple[Role, str]:
    """Role and letter of what a line of an optimizer works out: ``v{}`` is the state v."""
    for role in ("step", "updated"):
        if form == _OF_PARAMETER[role]:
            return role, ""
    letter = form.format("")
    return ("state" if letter in states else "corrected_state"), letter
