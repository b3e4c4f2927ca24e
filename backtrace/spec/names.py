"""Every name that a student may call a quantity by, and what is the same for all its spellings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from backtrace.functions.activations import ACTIVATIONS
from backtrace.spec.ids import PARAMETERS, Role, family, id_of
from backtrace.spec.model import Spec

# What NFKC and folding would lose, or not bring to the letters of an id.
_LETTERS = str.maketrans(
    {
        "Δ": "delta",
        "∆": "delta",
        "δ": "delta",
        "α": "alpha",
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

_LOSS = ("L", "J", "C", "E", "cost", "total_loss", "E_total")
_LOSS_AFTER = ("loss_new", "new_loss", "L_new", "J_new", "C_new", "E_new", "L'", "J'", "C'")
_EVERY_STATE = ("v", "m", "s", "mhat", "vhat", "step_")


def called(spec: Spec, ids: Iterable[str] = ()) -> dict[str, str]:
    """Key → id, also of ids that other exercises have: a name of those can be explained.

    ``ids``, those of the exercise itself, come first, and no name is ever taken from an earlier id.
    """
    names = {key_of(id): id for id in ids}
    for id, aliases in _aliases(spec):
        for alias in (id, *aliases):
            names.setdefault(key_of(alias), id)
    if len(spec.layers) == 1:  # which needs no number
        for key, id in [*names.items()]:
            if re.fullmatch(r"\D+1\D*", key):
                names.setdefault(key.replace("1", ""), id)
    return names


def inside_partial(key: str) -> str:
    """``dz2`` of ``dldz2``, the key of ∂L/∂z2; nothing where there is no such derivative."""
    match = _PARTIAL.fullmatch(key)
    return f"d{match[1]}" if match else ""


def ascii_of(name: str) -> str:
    """``name`` in the letters of ids: δ₂ → delta2, ŷ → y_hat, W₂ᵀ → W2T."""
    name = unicodedata.normalize("NFC", name).translate(_LETTERS)
    return re.sub("([mv])\u0302", r"\1hat", unicodedata.normalize("NFKC", name)).strip()


def key_of(name: str) -> str:
    """What is the same for all spellings of a name: no case, no marks around its numbers."""
    bare = without_marks(name)
    return bare if _KEEPS_CASE.fullmatch(bare) else bare.lower()


def without_marks(name: str) -> str:
    """``name`` without the marks around its letters: W_Q is WQ, but h_1_1 is h1_1."""
    return _IDLE.sub("", name)


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
    yield "gradient_norm", ("norm", "grad_norm", "total_norm", "norm_g")
    yield "da0", ("dx", "dh0")
    yield f"a{last}", ("y_hat", "prediction", "predictions", "output", "outputs", "y_pred")
    yield f"da{last}", ("dy_hat", "dy_pred")
    for layer in range(1, last + 1):
        yield from _of_layer(layer)
        for role in PARAMETERS:
            yield from _of_parameter(role, layer)


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
    yield f"g{n}", tuple(form.format(name, n) for name in FUNCTIONS for form in forms)


def _of_parameter(role: Role, layer: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    p, letter = id_of(role, layer), family(id_of(role, layer))
    yield p, ()
    yield f"d{p}", (f"grad{p}", f"delta{p}")
    yield f"data_d{p}", (f"d{p}data",)
    yield f"clipped_d{p}", (f"d{p}clipped", f"d{p}clip", f"clipd{p}", f"clippedgrad{p}")
    yield f"{p}_new", (f"{p}'", f"new{p}", f"{letter}new{layer}", f"{p}updated", f"updated{p}")
    for state in _EVERY_STATE:
        yield f"{state}{p}", ()
        yield f"{state}{p}_old", ()


# Key of a function's name → the function, "" for those that mean any: sigma_prime2, f'(z2).
FUNCTIONS: dict[str, str] = {
    **dict.fromkeys(("f", "g", "phi", "act"), ""),
    **{key_of(ascii_of(row.symbol)): name for name, row in ACTIVATIONS.items()},
    **{key_of(name): name for name in ACTIVATIONS},
}
