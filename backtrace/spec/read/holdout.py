"""Samples that are held out of a training, to judge it by: a part of the data, or others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from backtrace.functions.losses import LOSSES
from backtrace.spec.document.fields import Fields, Range
from backtrace.spec.document.folders import Folders
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Mapping, Node, kind
from backtrace.spec.document.spans import read_span
from backtrace.spec.model import Conventions, Layout, Matrix, Spec, Validation
from backtrace.spec.numbers import Number
from backtrace.spec.read.consistency import check_targets
from backtrace.spec.read.data_files import read_samples
from backtrace.spec.read.network import SettledNetwork
from backtrace.spec.read.shape_errors import oriented
from backtrace.spec.read.training import LossDraft
from backtrace.spec.read.written_matrix import WrittenMatrix
from backtrace.spec.wording import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAYS = ("every", "share", "rows", "inputs")
_PART = Range("a number above 0 and below 1", lambda x: 0 < x < 1)
_FORMS = "{every: 5}, {share: 0.2}, {rows: 81..100} or {inputs: …, targets: …}"
_EXAMPLE = "Hold out every fifth sample with `validation: {every: 5}`."


class HeldOut(msgspec.Struct):
    """What ``validation:`` asks for, in one of the ``WAYS``; ``rows`` count from 1."""

    entries: Fields
    way: str
    every: int
    share: Number
    rows: range
    inputs: WrittenMatrix | None
    targets: WrittenMatrix | None

    def part(self, samples: int, seed: int | None) -> NDArray[np.bool_]:
        """Which of the samples are held out; _HoldOutError where that is none of them, or all."""
        if self.way == "every":
            return _every(self.every, samples)
        if self.way == "share":
            return _share(self.share, samples, seed or 0)
        return _rows(self.rows, samples)


class _HoldOutError(ValueError):
    """Held-out samples that leave none to train on, or that are none."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"{found}; expected {expected}")
        self.found, self.expected = found, expected


def held_out(spec: Spec, every: int) -> Spec:
    """The spec with every ``every``-th sample held out: the 5th, 10th, … for 5.

    Raises ValueError, in words, where that leaves no sample on one of the two sides, where the
    spec holds out samples already, or where a gradient is given in place of a loss.
    """
    if spec.validation is not None:
        raise ValueError("the spec holds out samples by itself: `validation:`")
    if spec.loss is not None and spec.loss.upstream is not None:
        raise ValueError("a gradient that is given from above has no loss to judge samples by")
    out = _every(every, spec.samples)
    layout = spec.conventions.layout
    targets = None if spec.targets is None else spec.targets.samples(out, layout)
    return msgspec.structs.replace(
        spec,
        inputs=spec.inputs.samples(~out, layout),
        targets=None if spec.targets is None else spec.targets.samples(~out, layout),
        validation=Validation(spec.inputs.samples(out, layout), targets),
    )


def read_held_out(
    problems: Problems, node: Node | None, folders: Folders, layout: Layout
) -> HeldOut | None:
    """``{every: 5}``, ``{share: 0.2}``, ``{rows: 81..100}`` or ``{inputs: …, targets: …}``."""
    if node is None:
        return None
    if not isinstance(node, Mapping):
        problems.add(node, f"{kind(node)} for `validation`", _FORMS, _EXAMPLE)
        return None
    seen = len(problems.found)
    entries = Fields(problems, node, "`validation`", (*WAYS, "targets"))
    rows = entries.get("rows")
    held = HeldOut(
        entries,
        way=_way(problems, entries),
        every=entries.whole("every", 2, 2),
        share=entries.number("share", Number(0.5, "0.5"), _PART),
        rows=(rows and read_span(problems, rows, "rows")) or range(0),
        inputs=read_samples(problems, entries, "inputs", folders, layout),
        targets=read_samples(problems, entries, "targets", folders, layout),
    )
    return None if len(problems.found) > seen else held


def hold_out(
    problems: Problems,
    held: HeldOut,
    network: SettledNetwork,
    conventions: Conventions,
    loss: LossDraft | None,
    seed: int | None,
) -> Validation | None:
    """The held-out samples; those that are a part of the data are taken out of ``network``."""
    if network.inputs is None:
        return None
    if held.way == "inputs":
        return _Others(problems, held, network, conventions).validation(loss)
    try:
        out = held.part(oriented(conventions, network.inputs.shape)[0], seed)
    except _HoldOutError as error:
        place = held.entries.node.entries[held.way].value
        problems.add(place, error.found, error.expected)
        return None
    return _take_out(network, out, conventions.layout)


def _way(problems: Problems, entries: Fields) -> str:
    """How it is said which samples are held out: in one way, and in one only."""
    said = [way for way in WAYS if way in entries]
    for way in said[1:]:
        found = f"`{way}` beside `{said[0]}` in `validation`"
        problems.add(entries.key(way), found, "one of the two", "Remove one.")
    if "targets" in entries and "inputs" not in entries:
        found = "`targets` without `inputs` in `validation`"
        mend = "Write the held-out `inputs:` beside them."
        if said:
            mend = f"Remove them: with `{said[0]}` the targets are those of the data."
        problems.add(entries.key("targets"), found, "both or neither", mend)
    elif not entries.node.entries:
        problems.add(entries.node, "`validation` without a key", _FORMS, _EXAMPLE)
    return said[0] if said else ""


# --- a part of the data


def _every(every: int, samples: int) -> NDArray[np.bool_]:
    if every < 2:
        raise _HoldOutError(f"every sample held out (`every: {every}`)", "2 or more")
    if every > samples:
        found = f"`every: {every}` of {count(samples, 'sample')}, which is none of them"
        raise _HoldOutError(found, f"2 to {samples}" if samples > 1 else "more samples")
    return np.asarray(np.arange(1, samples + 1) % every == 0)


def _share(share: Number, samples: int, seed: int) -> NDArray[np.bool_]:
    """A random part, drawn by the seed; an order of the epochs' own begins at epoch 1."""
    exact = share.fraction * samples
    size = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)  # the nearest
    if not 0 < size < samples:
        which = "all" if size else "none"
        found = f"{share.text} of {count(samples, 'sample')}, which is {which} of them"
        raise _HoldOutError(found, "at least one sample on each side")
    out = np.zeros(samples, dtype=np.bool_)
    out[np.random.default_rng([seed, 0]).permutation(samples)[:size]] = True
    return out


def _rows(rows: range, samples: int) -> NDArray[np.bool_]:
    first, last = rows[0], rows[-1]
    said = f"row {first}" if first == last else f"rows {first} to {last}"
    if last > samples:
        raise _HoldOutError(f"{said} of {count(samples, 'sample')}", f"rows up to {samples}")
    if len(rows) == samples:
        found = f"{said}, which is every sample" if samples > 1 else "the only sample"
        raise _HoldOutError(found, "at least one sample to train on")
    out = np.zeros(samples, dtype=np.bool_)
    out[first - 1 : last] = True
    return out


def _take_out(network: SettledNetwork, out: NDArray[np.bool_], layout: Layout) -> Validation:
    inputs, targets = network.inputs, network.targets
    assert inputs is not None
    network.inputs = inputs.samples(~out, layout)
    if targets is None:
        return Validation(inputs.samples(out, layout))
    network.targets = targets.samples(~out, layout)
    return Validation(inputs.samples(out, layout), targets.samples(out, layout))


# --- samples of their own


class _Others:
    """Held-out samples that stand beside the data, shaped as those of the data are."""

    def __init__(
        self, problems: Problems, held: HeldOut, network: SettledNetwork, conventions: Conventions
    ) -> None:
        self.problems, self.held, self.network = problems, held, network
        self.conventions = conventions
        self.each = "row" if conventions.layout == "rows" else "column"

    def validation(self, loss: LossDraft | None) -> Validation | None:
        inputs = self.inputs()
        if loss is None or loss.upstream is not None or inputs is None:
            return None
        if LOSSES[loss.loss.name].targets == "none":
            return self.without_targets(loss, inputs)
        targets = self.targets(inputs)
        if targets is None or self.held.targets is None:
            return None
        rows = self.conventions.layout == "rows"
        check_targets(self.problems, loss, self.held.targets, targets, rows=rows)
        return Validation(inputs, targets)

    def inputs(self) -> Matrix | None:
        given, own = self.held.inputs, self.network.inputs
        assert given is not None
        assert own is not None
        _, features = oriented(self.conventions, own.shape)
        for shape in given.shapes:
            if oriented(self.conventions, shape)[1] == features:
                return given.shaped(shape)
        found = f"{given.described()} for the held-out inputs"
        expected = f"a sample a {self.each}, each of {count(features, 'number')} as in `inputs`"
        self.problems.add(given.place, found, expected)
        return None

    def targets(self, inputs: Matrix) -> Matrix | None:
        given, last = self.held.targets, self.network.layers[-1]
        if given is None:
            found = "held-out `inputs` without `targets`"
            mend = "Write one for each output of each sample."
            self.problems.add(self.held.entries.key("inputs"), found, "`targets:`", mend)
        if given is None or last is None:
            return None
        samples, _ = oriented(self.conventions, inputs.shape)
        shape = oriented(self.conventions, (samples, last.units))
        if shape in given.shapes:
            return given.shaped(shape)
        found = f"{given.described()} for the targets of {count(samples, 'held-out sample')}"
        expected = f"{count(last.units, 'number')} a {self.each}, a {self.each} for each sample"
        self.problems.add(given.place, found, expected)
        return None

    def without_targets(self, loss: LossDraft, inputs: Matrix) -> Validation | None:
        if "targets" not in self.held.entries:
            return Validation(inputs)
        found = f"held-out `targets` beside the loss `{loss.loss.name}`, which has none"
        self.problems.add(self.held.entries.key("targets"), found, "no targets", "Remove them.")
        return None
