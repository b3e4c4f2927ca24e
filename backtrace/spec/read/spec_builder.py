"""The document of a spec → a Spec, or every problem of it at once."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from msgspec.structs import replace

from backtrace.spec.document.fields import Fields, fields
from backtrace.spec.document.folders import Folders
from backtrace.spec.document.problems import Problems, SpecError
from backtrace.spec.document.reader import Mapping, YamlDocument
from backtrace.spec.document.vocabulary import TOP_KEYS
from backtrace.spec.model import Arithmetic, Conventions, Spec
from backtrace.spec.near_misses import near_miss
from backtrace.spec.read.consistency import (
    Parts,
    check_agreement,
    check_targets,
    check_units,
    read_freeze,
)
from backtrace.spec.read.conventions import (
    read_answer_digits,
    read_arithmetic,
    read_conventions,
    read_decimals,
    read_inputs_gradient,
    read_notation,
)
from backtrace.spec.read.data_files import read_samples
from backtrace.spec.read.holdout import hold_out, read_held_out
from backtrace.spec.read.layers import LayerDraft, read_layers
from backtrace.spec.read.loose_layers import refuse_top_level
from backtrace.spec.read.network import NetworkDraft, SettledNetwork, settle
from backtrace.spec.read.quantities.named_quantities import with_named
from backtrace.spec.read.quantities.quantity_ids import QuantityIds, ShapesOf, unknown_shapes
from backtrace.spec.read.standardizing import read_standardize, standardized
from backtrace.spec.read.training import (
    MOST_EPOCHS,
    ONE_ORDER,
    LossDraft,
    read_clip,
    read_loss,
    read_optimizer,
    read_regularization,
    read_schedule,
    read_training,
    read_updates,
)
from backtrace.spec.wording import count, title_of

LARGEST_SEED = 2**32 - 1


def build(document: YamlDocument, folders: Folders, shapes_of: ShapesOf = unknown_shapes) -> Spec:
    """The spec that a document says. Raises SpecError with all that is wrong in it.

    Without ``shapes_of`` ids and shapes of ``ask`` and ``expect`` are not looked at.
    """
    problems = document.problems
    if isinstance(document.root, Mapping) and _has_equations(document.root.entries):
        from backtrace.spec.equations.builder import build_equations

        return build_equations(document, folders, shapes_of)
    if isinstance(document.root, Mapping):
        refuse_top_level(problems, document.root)
    top = fields(problems, document.root, "a spec", TOP_KEYS)
    if top is None:
        raise SpecError(problems.found)
    spec = _read(problems, top, folders, shapes_of)
    problems.raise_any()
    assert spec is not None  # whatever keeps a spec from being built has been noted
    return spec


def _has_equations(keys: Collection[str]) -> bool:
    """Whether equations are what is meant, though the key may be misspelled."""
    if "layers" in keys or "equations" in keys:
        return "equations" in keys
    unknown = [key for key in keys if key not in TOP_KEYS]
    return "given" in keys or any(near_miss(key, ("equations",)) for key in unknown)


def _read(problems: Problems, top: Fields, folders: Folders, shapes_of: ShapesOf) -> Spec | None:
    conventions = read_conventions(problems, top.get("conventions"))
    arithmetic = read_arithmetic(problems, top.get("arithmetic"))
    folders = replace(folders, dtype=arithmetic.dtype)
    draft = _read_network(problems, top, conventions, folders)
    parts = _read_parts(problems, top, draft)
    settings = _read_settings(problems, parts, conventions, arithmetic)
    draft.seed = settings["seed"]
    check_agreement(problems, parts)
    network = settle(problems, draft)
    _check_values(problems, parts, network, conventions)
    held = read_held_out(problems, top.get("validation"), folders, conventions.layout)
    if held is not None:
        judged = hold_out(problems, held, network, conventions, parts.loss, draft.seed)
        settings["validation"] = judged
    _standardize(problems, top, network, settings, conventions)
    _check_batches(problems, top, network, conventions, settings)
    spec = _assemble(parts, network, conventions, settings)
    whole = None if problems.found else spec
    quantities = QuantityIds(problems, len(parts.layers), whole, shapes_of)
    return with_named(top, spec, quantities)


def _read_parts(problems: Problems, top: Fields, draft: NetworkDraft) -> Parts:
    """What goes with the network; the draft gets what of it has a shape, and loses what has none.

    Targets that the loss does not take are in the parts, for the check of what goes with what.
    """
    node = top.get("loss")
    loss = None if node is None else read_loss(problems, node)
    schedule = read_schedule(problems, top.get("schedule"))
    optimizer = read_optimizer(problems, top, schedule)
    parts = Parts(top, draft.layers, loss, optimizer, schedule, draft.targets)
    if loss is not None:
        draft.upstream = loss.upstream
        if loss.takes == "none":
            draft.targets = None
    return parts


def _read_network(
    problems: Problems, top: Fields, conventions: Conventions, folders: Folders
) -> NetworkDraft:
    node = top.require("layers", "Write a list of layers, each with `- activation: …`.")
    layers: list[LayerDraft] = [] if node is None else read_layers(problems, node, folders)
    top.require("inputs", "Write the samples: `inputs: [[1, 2]]`.")
    draft = NetworkDraft(conventions, layers)
    layout = conventions.layout
    draft.inputs = read_samples(problems, top, "inputs", folders, layout)
    draft.targets = read_samples(problems, top, "targets", folders, layout)
    return draft


def _read_settings(
    problems: Problems, parts: Parts, conventions: Conventions, arithmetic: Arithmetic
) -> dict[str, Any]:
    """The fields of a Spec that stand for themselves."""
    top = parts.top
    updates = read_updates(problems, top.get("updates"))
    training_epochs, stop = read_training(problems, top.get("training"), parts.loss)
    title = title_of(problems.file)
    return {
        "title": top.text("title", title),
        "source": top.text("source", ""),
        "arithmetic": arithmetic,
        "clip": read_clip(problems, top.get("clip")),
        "regularization": read_regularization(problems, top.get("regularization")),
        "freeze": read_freeze(problems, top, parts.layers),
        "notation": read_notation(problems, top.get("notation"), conventions),
        "decimals": read_decimals(problems, top.get("display")),
        "batch_size": updates.batch_size,
        "shuffle": updates.shuffle,
        "epochs": top.whole("epochs", 1, 1, MOST_EPOCHS),
        "training_epochs": training_epochs,
        "stop": stop,
        "backpropagate_through": top.choice("backpropagate_through", ("old", "updated"), "old"),
        "output_delta": top.choice("output_delta", ("shortcut", "chain"), "shortcut"),
        "answer_digits": read_answer_digits(problems, top.get("answers")),
        "accept": top.choice("accept", ("conventions", "none"), "conventions"),
        "inputs_gradient": read_inputs_gradient(problems, top.get("trace")),
        "standardize": read_standardize(problems, top, arithmetic),
        "seed": top.whole("seed", 0, 0, LARGEST_SEED) if "seed" in top else None,
    }


def _standardize(
    problems: Problems,
    top: Fields,
    network: SettledNetwork,
    settings: dict[str, Any],
    conventions: Conventions,
) -> None:
    """Standardizes the inputs, where that is asked for, by those that are not held out."""
    if not settings.pop("standardize") or network.inputs is None:
        return
    if network.inputs.shape[conventions.sample_axis] == 1:
        found = "`standardize` with one sample, of which every feature would become 0"
        problems.add(top.key("standardize"), found, "several samples", code="E217")
        return
    network.inputs, settings["validation"], settings["standardization"] = standardized(
        network.inputs, settings.get("validation"), conventions.layout
    )


def _check_values(
    problems: Problems, parts: Parts, network: SettledNetwork, conventions: Conventions
) -> None:
    """What depends on the settled data: the classes of the outputs, the values of the targets."""
    rows = conventions.layout == "rows"
    check_units(problems, parts, network.layers[-1] if network.layers else None)
    if parts.loss is not None and parts.targets is not None and network.targets is not None:
        check_targets(problems, parts.loss, parts.targets, network.targets, rows=rows)


def _check_batches(
    problems: Problems,
    top: Fields,
    network: SettledNetwork,
    conventions: Conventions,
    settings: dict[str, Any],
) -> None:
    """The size of a batch against the samples that are trained on."""
    size = settings["batch_size"]
    if network.inputs is None or size is None:
        return
    samples = network.inputs.shape[conventions.sample_axis]
    if size > samples:
        found = f"a batch of {size} for {count(samples, 'sample')}"
        problems.add(
            top.key("updates"), found, f"at most {samples}", "Or `updates: batch`.", code="E213"
        )
    elif size == samples and settings["shuffle"]:
        found = f"`shuffle` with a batch of {'the only sample' if samples == 1 else 'all samples'}"
        expected = "a smaller batch, or no `shuffle`"
        problems.add(top.key("updates"), found, expected, ONE_ORDER, code="E213")


def _assemble(
    parts: Parts, network: SettledNetwork, conventions: Conventions, settings: dict[str, Any]
) -> Spec | None:
    layers = [layer for layer in network.layers if layer is not None]
    if network.inputs is None or not layers or len(layers) < len(network.layers):
        return None
    return Spec(
        layers=tuple(layers),
        inputs=network.inputs,
        targets=network.targets,
        loss=_loss(parts.loss, network),
        optimizer=parts.optimizer,
        schedule=parts.schedule,
        conventions=conventions,
        **settings,
    )


def _loss(draft: LossDraft | None, network: SettledNetwork) -> Any:
    if draft is None or draft.upstream is None:
        return draft and draft.loss
    return replace(draft.loss, upstream=network.upstream)
