"""Which parts of a spec go together: loss and activation, loss and targets, names and layers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.spec.document.fields import Fields, names
from backtrace.spec.document.problems import MOST_COLLECTED, Place, Problems
from backtrace.spec.document.reader import Mapping
from backtrace.spec.model import Layer, Matrix, Optimizer, Schedule
from backtrace.spec.near_misses import near_miss
from backtrace.spec.read.layers import LayerDraft
from backtrace.spec.read.training import LossDraft
from backtrace.spec.read.written_matrix import WrittenMatrix
from backtrace.spec.wording import cited, count

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBABILITIES = ("sigmoid", "softmax")
"""Activations whose values lie between 0 and 1 and reach neither, so that a logarithm is finite."""

_TOLERANCE = 1e-6  # of a sum of targets: 0.333333 three times is 1
_SAMPLES = 4096  # that are looked at together


class Parts(msgspec.Struct):
    """What has been read, for the checks of what goes with what."""

    top: Fields
    layers: list[LayerDraft]
    loss: LossDraft | None
    optimizer: Optimizer | None
    schedule: Schedule
    targets: WrittenMatrix | None


def check_agreement(problems: Problems, parts: Parts) -> None:
    """Note what does not go together, whatever the numbers are."""
    _check_loss_and_targets(problems, parts)
    _check_outputs(problems, parts)
    _check_steps(problems, parts)
    _check_training(problems, parts)
    _check_short_cut(problems, parts)


def check_units(problems: Problems, parts: Parts, last: Layer | None) -> None:
    """Note losses over classes on a single unit, which has no rival class."""
    if parts.loss is None or last is None or last.units > 1:
        return
    name, activation = parts.loss.loss.name, last.activation.name
    shares = parts.loss.takes == "distribution" and activation in PROBABILITIES
    if parts.loss.takes == "one_hot" or shares:
        always = ", whose output is always 1" if activation == "softmax" else ""
        problems.add(
            parts.top.key("loss"),
            f"the loss `{name}` on a single `{activation}` unit{always}",
            "two units or more, one for each class",
            "For one unit take `sigmoid` with `binary_cross_entropy`.",
            code="E209",
        )


def check_targets(
    problems: Problems, loss: LossDraft, given: WrittenMatrix, targets: Matrix, *, rows: bool
) -> None:
    """Note targets that the loss can't take; ``rows`` says that a sample is a row."""
    if loss.takes in ("any", "none"):
        return
    values = targets.values if rows else targets.values.T
    signs = loss.takes == "signs"
    outside = _places(values, _no_signs if signs else _outside)
    for sample, unit in outside:
        place = given.place_of(sample, unit) if rows else given.place_of(unit, sample)
        found = f"the target {_written(targets, sample, unit, rows=rows)}"
        expected, mend = ("−1 or 1", _mend_signs) if signs else ("0 to 1", _mend_range)
        problems.add(place, found, f"{expected}, for `{loss.loss.name}`", mend(values), code="E207")
        if given.node is None:
            return
    if len(outside) or loss.takes in ("unit_interval", "signs"):
        return
    wrong = _no_classes if loss.takes == "one_hot" else _no_distributions
    for (sample,) in _places(values, wrong):
        place = given.place_of(sample, 0) if rows else given.place_of(0, sample)
        _add_distribution(problems, place, loss, sample, values[sample])
        if given.node is None:
            return


def check_targets_given(problems: Problems, loss: LossDraft, entries: Fields, place: Place) -> None:
    """Note targets that are missing, and those beside a loss that takes none."""
    if loss.takes != "none" and "targets" not in entries:
        found = f"the loss `{loss.loss.name}` without `targets`"
        problems.add(place, found, "`targets:`", "Write one target for each output.", code="E208")
    if loss.takes == "none" and "targets" in entries:
        found = f"`targets` beside the loss `{loss.loss.name}`, which has none"
        mend = "Remove them, or choose a loss."
        problems.add(entries.key("targets"), found, "no targets", mend, code="E208")


def read_freeze(problems: Problems, top: Fields, layers: list[LayerDraft]) -> frozenset[str]:
    """``freeze: [b1, b2]``: the ids of parameters that exist."""
    node = top.get("freeze")
    if node is None:
        return frozenset()
    known = _parameter_ids(layers)
    chosen = names(problems, node, "parameters")
    for word in chosen:
        if word.text not in known:
            meant = near_miss(word.text, known)
            mend = f"Did you mean `{meant}`?" if meant else ""
            if word.text in [layer.bias_id for layer in layers]:
                mend = "This layer has no bias, or has it in its weights."
            problems.add(
                word,
                cited(word.text),
                f"a parameter: {', '.join(known[:12])}",
                mend,
                code="E211",
            )
    return frozenset(word.text for word in chosen)


def _parameter_ids(layers: Iterable[LayerDraft]) -> list[str]:
    """W1, b1, alpha1, … without the biases that don't exist or stand in the weights."""
    found = []
    for layer in layers:
        found.append(layer.weights_id)
        if layer.bias.kind in ("added", "shared", "threshold") or not layer.bias.readable:
            found.append(layer.bias_id)
        if layer.learns_slope:
            found.append(layer.slope_id)
    return found


def _check_loss_and_targets(problems: Problems, parts: Parts) -> None:
    loss, top = parts.loss, parts.top
    if "loss" not in top:
        if "targets" in top:
            mend = "Add `loss: mse`, or remove the targets for a forward pass alone."
            problems.add(
                top.key("targets"), "`targets` without a `loss`", "`loss:`", mend, code="E208"
            )
        return
    if loss is not None:
        check_targets_given(problems, loss, top, top.key("loss"))


def _check_outputs(problems: Problems, parts: Parts) -> None:
    """A loss with a logarithm needs outputs that are probabilities."""
    if parts.loss is None or not parts.layers or parts.loss.upstream is not None:
        return
    last, name = parts.layers[-1], parts.loss.loss.name
    if last.activation is None or last.activation.name in PROBABILITIES:
        return
    if LOSSES[name].outputs == "unit_interval":
        problems.add(
            parts.top.key("loss"),
            f"the loss `{name}` on `{last.activation.name}` outputs",
            "outputs between 0 and 1: `sigmoid` or `softmax` in the last layer",
            f"Change the activation of layer {last.number}, or the loss to `mse`.",
            code="E209",
        )


def _check_steps(problems: Problems, parts: Parts) -> None:
    asked = "an optimizer" if parts.optimizer is not None else ""
    asked = asked or ("`inputs_gradient`" if "trace" in parts.top else "")
    for layer in parts.layers:
        if not asked or layer.activation is None:
            continue
        if not ACTIVATIONS[layer.activation.name].differentiable:
            problems.add(
                layer.place,
                f"the activation `{layer.activation.name}` in layer {layer.number}, with {asked}",
                "an activation with a slope, since the error can't pass back through this one",
                "Take `sigmoid`, or leave out the optimizer for a forward pass.",
                code="E210",
            )


def _check_training(problems: Problems, parts: Parts) -> None:
    """What has no effect where there is no loss, or nothing is updated."""
    top = parts.top
    if "loss" not in top:
        keys = ("optimizer", "learning_rate", "regularization", "trace", "output_delta")
        for key in (*keys, "training", "validation"):
            _add_idle(problems, top, key, "a `loss`")
        return
    untrained = parts.loss is not None and parts.loss.upstream is not None
    if untrained:
        for key in ("training", "validation"):
            _add_untrained(problems, top, key)
    if "optimizer" in top or "learning_rate" in top or parts.optimizer is not None:
        _check_clip(problems, top)
        return
    idle = ("schedule", "clip", "freeze", "epochs", "backpropagate_through")
    for key in idle if untrained else (*idle, "training", "validation"):
        _add_idle(problems, top, key, "`learning_rate` or `optimizer`")


def _check_clip(problems: Problems, top: Fields) -> None:
    """The norm of all gradients is known when the last of them is, which is after the update of
    weights that carry the error back."""
    through = top.node.entries.get("backpropagate_through")
    clip = top.node.entries.get("clip")
    if through is None or clip is None or getattr(through.value, "text", "") != "updated":
        return
    if isinstance(clip.value, Mapping) and "norm" in clip.value.entries:
        found = "a norm of all gradients beside `backpropagate_through: updated`"
        mend = "There the upper layers are updated before the lower gradients are worked."
        problems.add(clip.key, found, "one of the two, or `clip: {value: …}`", mend, code="E116")


def _add_idle(problems: Problems, top: Fields, key: str, wanted: str) -> None:
    if key in top and not _says_default(top, key):
        mend = f"Add {wanted}, or remove `{key}:`."
        problems.add(top.key(key), f"`{key}` without {wanted}", wanted, mend, code="E119")


def _add_untrained(problems: Problems, top: Fields, key: str) -> None:
    """A gradient that is given from above says nothing of how good the outputs are."""
    if key in top:
        found = f"`{key}` beside `upstream`, which has no loss to train on"
        problems.add(top.key(key), found, "a `loss` by name", f"Remove `{key}:`.", code="E119")


def _says_default(top: Fields, key: str) -> bool:
    """``epochs: 1`` asks for nothing that isn't so anyway."""
    text = getattr(top.node.entries[key].value, "text", "")
    return (key, text) in (("epochs", "1"), ("backpropagate_through", "old"))


def _check_short_cut(problems: Problems, parts: Parts) -> None:
    if parts.loss is None or not parts.layers or "output_delta" not in parts.top:
        return
    entry = parts.top.node.entries["output_delta"]
    last = parts.layers[-1].activation
    row = LOSSES.get(parts.loss.loss.name)
    if getattr(entry.value, "text", "") != "shortcut" or last is None:
        return
    if row is None or row.shortcut != last.name:
        problems.add(
            entry.value,
            f"`shortcut` for `{parts.loss.loss.name}` on `{last.name}` outputs",
            "`cross_entropy` or `kl` on `softmax`, or `binary_cross_entropy` on `sigmoid`",
            "Remove it: every other pair takes the chain rule.",
            code="E216",
        )


def _written(targets: Matrix, sample: int, unit: int, *, rows: bool) -> str:
    row, column = (sample, unit) if rows else (unit, sample)
    if targets.written is None:
        return f"{targets.values[row, column]:g} of sample {sample + 1}"
    return targets.written[row][column]


def _places(
    values: NDArray[Any], wrong: Callable[[NDArray[Any]], NDArray[np.bool_]]
) -> list[tuple[int, ...]]:
    """The indices of what is ``wrong``, sample by sample; it is asked about some at a time.

    So a large data set takes no second one of its size.
    """
    found: list[tuple[int, ...]] = []
    for start in range(0, len(values), _SAMPLES):
        places = np.argwhere(wrong(values[start : start + _SAMPLES])).tolist()
        found.extend((start + place[0], *place[1:]) for place in places[:MOST_COLLECTED])
        if len(found) >= MOST_COLLECTED:
            break
    return found


def _outside(targets: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((targets < 0) | (targets > 1))


def _no_signs(targets: NDArray[Any]) -> NDArray[np.bool_]:
    return ~np.isin(targets, (-1, 1))


def _no_distributions(targets: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a sample's targets don't add up to 1, each."""
    sums = targets.sum(axis=1, dtype=np.float64)
    return np.asarray(np.abs(sums - 1) > _TOLERANCE)


def _no_classes(targets: NDArray[Any]) -> NDArray[np.bool_]:
    """Whether a sample's targets are something else than a single 1 among zeros, each."""
    ones = targets == 1
    return np.asarray((ones.sum(axis=1) != 1) | ((targets != 0) & ~ones).any(axis=1))


def _mend_range(values: NDArray[Any]) -> str:
    """Targets of −1 and 1 belong to tanh; whole numbers above 1 are class numbers."""
    if not _places(values, lambda part: ~np.isin(part, (-1, 0, 1))):
        return "If the classes are −1 and 1, write 0 and 1."
    if not _places(values, lambda part: (part != np.floor(part)) | (part < 0)):
        return "If these are class numbers, write each one-hot: a 1 for its class, zeros else."
    return "For targets of any size take `mse`."


def _mend_signs(values: NDArray[Any]) -> str:
    if not _places(values, lambda part: ~np.isin(part, (0, 1))):
        return "If the classes are 0 and 1, write -1 and 1."
    return "For classes that are one-hot take `hinge`, for targets of any size `mse`."


def _add_distribution(
    problems: Problems,
    place: Place,
    loss: LossDraft,
    sample: int,
    row: NDArray[Any],
) -> None:
    if loss.loss.name == "hinge":
        ones = int((row == 1).sum())
        found = f"the targets of sample {sample + 1}, with {count(ones, 'entry', 'entries')} 1"
        expected = "a single 1, at the true class, and zeros"
        mend = "Write them one-hot: a 1 for the true class, zeros for the others."
    else:
        found = f"the targets of sample {sample + 1}, which add up to {row.sum():g}"
        expected = f"1, for `{loss.loss.name}`"
        mend = "If each output answers a yes or no of its own, use `binary_cross_entropy`."
    problems.add(place, found, expected, mend, code="E207")
