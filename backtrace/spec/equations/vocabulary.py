"""The functions that equations know: what each takes, and what it may be told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.elementary import ELEMENTARY
from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.spec.equations.expression import CallSetting

FunctionKind: TypeAlias = Literal["number", "count", "size", "flag", "each"]
"""What a setting is: any number, a whole number from 0 up or from 1 up, true or false, a word."""

ANY = 64  # operands that a function takes which takes any number of them


class Signature(msgspec.Struct, frozen=True):
    """``least`` … ``most`` matrices, then settings, in this order or by name."""

    operation: str
    least: int = 1
    most: int = 1
    settings: dict[str, FunctionKind] = {}
    required: tuple[str, ...] = ()
    listed: bool = False  # any number of whole numbers follows the matrices: rows(E, 3, 1)


def _of_rows() -> dict[str, Signature]:
    """Activations, elementary functions and losses, with the parameters of their rows."""
    found = {}
    for name, row in (*ACTIVATIONS.items(), *ELEMENTARY.items()):
        if row.elementwise and name not in ("power", "round"):
            matrices = 1 + bool(row.learned)
            settings: dict[str, FunctionKind] = dict.fromkeys(row.constants, "number")
            found[name] = Signature("activate", matrices, matrices, settings)
    for name, loss in LOSSES.items():
        if loss.targets != "none":
            found[name] = Signature("loss", 2, 2, dict.fromkeys(loss.parameters, "number"))
    return found


_WINDOW: dict[str, FunctionKind] = {"size": "size", "stride": "size"}

SIGNATURES: dict[str, Signature] = {
    **_of_rows(),
    "round": Signature("activate", settings={"decimals": "count"}, required=("decimals",)),
    "softmax": Signature("softmax", settings={"each": "each"}),
    "sum": Signature("reduce", settings={"each": "each"}),
    "mean": Signature("reduce", settings={"each": "each"}),
    "max": Signature("reduce", settings={"each": "each"}),
    "var": Signature("reduce", settings={"each": "each", "unbiased": "flag"}),
    "maximum": Signature("larger", 2, 2),
    "minimum": Signature("smaller", 2, 2),
    "hstack": Signature("stack", 1, ANY),
    "vstack": Signature("stack", 1, ANY),
    "flatten": Signature("reshape"),
    "reshape": Signature(
        "reshape", settings={"rows": "size", "columns": "size"}, required=("rows", "columns")
    ),
    "rows": Signature("rows", listed=True),
    "eye": Signature("eye", 0, 0, {"size": "size"}, ("size",)),
    "pad": Signature("pad", settings={"width": "count"}, required=("width",)),
    "conv": Signature("conv", 2, 2, {"stride": "size", "padding": "count", "flip": "flag"}),
    "conv_transpose": Signature("conv_transpose", 2, 2, {"stride": "size"}),
    "max_pool": Signature("pool", settings=_WINDOW),
    "mean_pool": Signature("pool", settings=_WINDOW),
}

DEFAULTS: dict[str, dict[str, CallSetting]] = {
    "conv": {"stride": Number(1, "1"), "padding": Number(0, "0"), "flip": False},
    "conv_transpose": {"stride": Number(1, "1")},
    "max_pool": {"size": Number(2, "2"), "stride": Number(2, "2")},
    "mean_pool": {"size": Number(2, "2"), "stride": Number(2, "2")},
    "var": {"unbiased": False},
    **{name: dict(row.constants) for name, row in ACTIVATIONS.items() if row.constants},
    **{name: dict(row.parameters) for name, row in LOSSES.items() if row.parameters},
}


def defaults_of(function: str, written: Mapping[str, CallSetting]) -> dict[str, CallSetting]:
    """What holds for the settings that are not written. Windows of a pooling lie side by side."""
    found = DEFAULTS.get(function, {})
    if SIGNATURES[function].operation == "pool":
        return found | {"stride": written.get("size", found["size"])}
    return found


SYNONYMS = {
    "log": "ln",
    "dot": "@",
    "matmul": "@",
    "logistic": "sigmoid",
    "sigma": "sigmoid",
    "average": "mean",
    "concat": "hstack",
    "concatenate": "hstack",
    "variance": "var",
    "avg_pool": "mean_pool",
    "maxpool": "max_pool",
    "conv2d": "conv",
    "convolve": "conv",
    "identity": "eye",
    "embedding": "rows",
    "power": "^",
    "pow": "^",
}
"""What other books and libraries call them."""
