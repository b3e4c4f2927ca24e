"""The document of a spec → a Spec, or every problem of it at once."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from backtrace.functions.losses import LOSSES
from backtrace.spec.agreement import (
    Parts,
    check_agreement,
    check_targets,
    check_units,
    read_ask,
    read_freeze,
)
from backtrace.spec.data import Folders, read_data
from backtrace.spec.fields import HOMES, Fields, fields
from backtrace.spec.given import Given, read_given
from backtrace.spec.layers import LayerDraft, read_layers
from backtrace.spec.model import Conventions, Spec
from backtrace.spec.network import Network, NetworkDraft, settle
from backtrace.spec.problems import Problems, SpecError, count
from backtrace.spec.reader import Document, Mapping
from backtrace.spec.settings import (
    read_arithmetic,
    read_conventions,
    read_decimals,
    read_inputs_gradient,
    read_notation,
)
from backtrace.spec.training import (
    LossDraft,
    read_batch_size,
    read_loss,
    read_optimizer,
    read_regularization,
    read_schedule,
)

TOP_KEYS = tuple(key for key, home in HOMES.items() if home.startswith("at the top level"))
MOST_EPOCHS = 1_000_000
LARGEST_SEED = 2**32 - 1


def build(document: Document, folders: Folders) -> Spec:
    """The spec that a document says. Raises SpecError with all that is wrong in it."""
    problems = document.problems
    top = fields(problems, document.root, "a spec", TOP_KEYS)
    if top is None:
        raise SpecError(problems.found)
    spec = _read(problems, top, folders)
    problems.raise_any()
    assert spec is not None  # whatever keeps a spec from being built has been noted
    return spec


def _read(problems: Problems, top: Fields, folders: Folders) -> Spec | None:
    conventions = read_conventions(problems, top.get("conventions"))
    draft = _read_network(problems, top, conventions, folders)
    loss_node = top.get("loss")
    loss = None if loss_node is None else read_loss(problems, loss_node)
    schedule = read_schedule(problems, top.get("schedule"))
    optimizer = read_optimizer(problems, top, schedule)
    parts = Parts(top, draft.layers, loss, optimizer, schedule, draft.targets)
    settings = _read_settings(problems, parts, conventions)
    draft.seed = settings["seed"]
    draft.upstream = None if loss is None else loss.upstream
    if loss is not None and (loss.upstream or LOSSES[loss.loss.name].targets == "none"):
        draft.targets = None
    check_agreement(problems, parts)
    network = settle(problems, draft)
    _check_samples(problems, parts, network, conventions, settings["batch_size"])
    return _assemble(parts, network, conventions, settings)


def _read_network(
    problems: Problems, top: Fields, conventions: Conventions, folders: Folders
) -> NetworkDraft:
    node = top.require("layers", "Write a list of layers, each with `- activation: …`.")
    layers: list[LayerDraft] = [] if node is None else read_layers(problems, node, folders)
    top.require("inputs", "Write the samples: `inputs: [[1, 2]]`.")
    draft = NetworkDraft(conventions, layers)
    draft.inputs = _read_samples(problems, top, "inputs", folders)
    draft.targets = _read_samples(problems, top, "targets", folders)
    if conventions.layout == "columns":
        _turn(top, draft)
    return draft


def _read_samples(problems: Problems, top: Fields, name: str, folders: Folders) -> Given | None:
    node = top.get(name)
    if node is None:
        return None
    if isinstance(node, Mapping):
        return read_data(problems, node, name, folders)
    return read_given(problems, node, name)


def _turn(top: Fields, draft: NetworkDraft) -> None:
    """Files hold a sample a row; here a sample is a column."""
    for given in (draft.inputs, draft.targets):
        if given is not None and isinstance(top.get(given.name), Mapping):
            given.values = given.values.T


def _read_settings(problems: Problems, parts: Parts, conventions: Conventions) -> dict[str, Any]:
    """The fields of a Spec that stand for themselves."""
    top = parts.top
    title = "" if problems.file.startswith("<") else PurePath(problems.file).stem
    return {
        "title": top.text("title", title),
        "source": top.text("source", ""),
        "regularization": read_regularization(problems, top.get("regularization")),
        "freeze": read_freeze(problems, top, parts.layers),
        "notation": read_notation(problems, top.get("notation"), conventions),
        "arithmetic": read_arithmetic(problems, top.get("arithmetic")),
        "decimals": read_decimals(problems, top.get("display")),
        "batch_size": read_batch_size(problems, top.get("updates")),
        "epochs": top.whole("epochs", 1, 1, MOST_EPOCHS),
        "backpropagate_through": top.choice("backpropagate_through", ("old", "updated"), "old"),
        "output_delta": top.choice("output_delta", ("shortcut", "chain"), "shortcut"),
        "inputs_gradient": read_inputs_gradient(problems, top.get("trace")),
        "ask": read_ask(problems, parts),
        "seed": top.whole("seed", 0, 0, LARGEST_SEED) if "seed" in top else None,
    }


def _check_samples(
    problems: Problems,
    parts: Parts,
    network: Network,
    conventions: Conventions,
    batch_size: int | None,
) -> None:
    """What depends on the settled data: the values of the targets, the size of a batch."""
    rows = conventions.layout == "rows"
    check_units(problems, parts, network.layers[-1] if network.layers else None)
    if parts.loss is not None and parts.targets is not None and network.targets is not None:
        check_targets(problems, parts.loss, parts.targets, network.targets, rows=rows)
    if network.inputs is None or batch_size is None:
        return
    samples = network.inputs.shape[0 if rows else 1]
    if batch_size > samples:
        found = f"a batch of {batch_size} for {count(samples, 'sample')}"
        problems.add(parts.top.key("updates"), found, f"at most {samples}", "Or `updates: batch`.")


def _assemble(
    parts: Parts, network: Network, conventions: Conventions, settings: dict[str, Any]
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


def _loss(draft: LossDraft | None, network: Network) -> Any:
    if draft is None or draft.upstream is None:
        return draft and draft.loss
    from msgspec.structs import replace

    return replace(draft.loss, upstream=network.upstream)
