"""How many samples a network classifies as their targets say."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import AnyArray, Array
from backtrace.functions.losses import LOSSES
from backtrace.spec.model import Matrix, Spec

HALF = 0.5
SIGNS = "signs"  # −1 and 1, what a loss of the margin asks of targets
CLASSIFYING = ("unit_interval", "distribution", "one_hot")  # what their losses ask of targets


def classes(spec: Spec) -> int:
    """The classes that a spec's outputs tell apart; 0 where they are no classes.

    Of several outputs, each stands for one, and the targets are one-hot; a single one tells two
    apart, its targets being 0 and 1. A loss of signs has −1 in the place of 0. Sums and other
    numbers as targets are a regression.
    """
    if spec.targets is None or spec.loss is None:
        return 0
    output = ACTIVATIONS[spec.layers[-1].activation.name]
    classifying = LOSSES[spec.loss.name].targets in (*CLASSIFYING, SIGNS)
    if not classifying and output.range != (0.0, 1.0):
        return 0
    targets = by_sample(spec, spec.targets)
    if not np.isin(targets, (-1, 1) if are_signs(spec) else (0, 1)).all():
        return 0
    if targets.shape[1] == 1:
        return 2
    return targets.shape[1] if ((targets == 1).sum(axis=1) == 1).all() else 0


def are_signs(spec: Spec) -> bool:
    """Whether the targets of two classes are −1 and 1."""
    row = None if spec.loss is None else LOSSES.get(spec.loss.name)  # an upstream has none
    return row is not None and row.targets == SIGNS


def boundary(spec: Spec) -> float:
    """From where on a single output stands for the second class."""
    return 0.0 if are_signs(spec) else HALF


def by_sample(spec: Spec, matrix: Matrix) -> NDArray[np.floating[Any]]:
    """The values of inputs or targets with a sample a row."""
    return matrix.values if spec.conventions.layout == "rows" else matrix.values.T


def class_of(outputs: AnyArray, boundary: float) -> AnyArray:
    """The class of each sample: the largest of its outputs (from 0; of a tie the first), or
    whether its only one is at least the ``boundary``. ``outputs`` (predictions or targets) has a
    sample a row."""
    if outputs.shape[1] == 1:
        return outputs[:, 0] >= boundary
    return np.argmax(outputs, axis=1)


def confusion(outputs: Array, targets: Array, classes: int, boundary: float) -> NDArray[np.intp]:
    """classes × classes: how many samples of the class of the row were taken for the column's."""
    table = np.zeros((classes, classes), dtype=np.intp)
    true, taken_for = (class_of(each, boundary).astype(np.intp) for each in (targets, outputs))
    np.add.at(table, (true, taken_for), 1)
    return table
