"""A training that has ended as JSON (``backtrace/training/1``)."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from backtrace.formats.json.text import json_text
from backtrace.formats.json.trace import plain
from backtrace.spec.model import Spec
from backtrace.tape.training import Measured, Training

SCHEMA = "backtrace/training/1"


def encode(spec: Spec, training: Training) -> str:
    """The training as JSON text: full precision, non-finite values and fractions as strings."""
    return json_text(as_document(spec, training))


def as_document(spec: Spec, training: Training) -> dict[str, Any]:
    """The training as plain dictionaries and lists.

    ``losses`` and ``accuracies`` have an entry for the start and one after each epoch.
    ``parameters`` are those that are kept, and ``accuracy`` is the training samples' with them;
    ``best_epoch`` is None where they are simply the last ones.
    """
    best = training.progress.best
    measured = [record.training for record in training.records]
    return {
        "schema": SCHEMA,
        "epochs": training.records[-1].epoch,
        "losses": _losses(measured),
        "parameters": {id: plain(v) for id, v in training.state.parameters(spec).items()},
        "accuracy": None if training.kept is None else training.kept.training.accuracy,
        "accuracies": _accuracies(measured),
        "validation": _validation(training),
        "ended": training.ended,
        "best_epoch": None if best is None else best.epoch,
        "divergence": training.divergence and msgspec.to_builtins(training.divergence),
    }


def _losses(measured: list[Measured]) -> Any:
    return plain(np.array([[each.loss for each in measured]]))[0]


def _accuracies(measured: list[Measured]) -> list[float | None] | None:
    shares = [each.accuracy for each in measured]
    return None if shares[0] is None else shares


def _validation(training: Training) -> dict[str, Any] | None:
    """The held-out samples, epoch by epoch, and with what is kept."""
    held = [record.validation for record in training.records if record.validation is not None]
    if not held:
        return None
    kept = training.kept and training.kept.validation
    return {
        "accuracy": kept and kept.accuracy,
        "losses": _losses(held),
        "accuracies": _accuracies(held),
    }
