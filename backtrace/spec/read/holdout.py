"""Samples that are held out of a training, to judge it by: a part of the data, or others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from backtrace.spec.document.fields import Fields, Range
from backtrace.spec.document.folders import Folders
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Mapping, Node, kind
from backtrace.spec.document.spans import read_span
from backtrace.spec.model import Conventions, Layout, Matrix, Spec, Validation
from backtrace.spec.numbers import Number
from backtrace.spec.read.consistency import check_targets, check_targets_given
from backtrace.spec.read.data_files import read_samples
from backtrace.spec.read.network import SettledNetwork
from backtrace.spec.read.shape_errors import oriented
from backtrace.spec.read.standardizing import once_more, standardized
from backtrace.spec.read.training import LossDraft
from backtrace.spec.read.written_matrix import WrittenMatrix
from backtrace.spec.wording import count

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAYS = ("every", "share", "rows", "inputs")
PART = Range("a number above 0 and below 1", above=0, below=1)
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
        """Which of the samples are held out. Raises _HoldOutError."""
        if self.way == "rows" and self.rows[-1] > samples:
            raise _HoldOutError(f"row {self.rows[-1]} of {samples}", f"rows up to {samples}")
        numbers = np.arange(1, samples + 1)
        if self.way == "every":
            return _parted(numbers % self.every == 0)
        if self.way == "rows":
            return _parted((numbers >= self.rows[0]) & (numbers <= self.rows[-1]))
        return _parted(_share(self.share, samples, seed or 0))


class _HoldOutError(ValueError):
    """Held-out samples that there are not, or that leave none on one of the two sides."""

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
    out = _parted(np.arange(1, spec.samples + 1) % max(every, 1) == 0)
    layout = spec.conventions.layout
    targets = None if spec.targets is None else spec.targets.samples(out, layout)
    inputs, numbers = spec.inputs.samples(~out, layout), spec.standardization
    held: Validation | None = Validation(spec.inputs.samples(out, layout), targets)
    if numbers is not None:  # by those that are left, and no others
        inputs, held, more = standardized(inputs, held, layout)
        numbers = once_more(numbers, more)
    return msgspec.structs.replace(
        spec,
        inputs=inputs,
        targets=None if spec.targets is None else spec.targets.samples(~out, layout),
        validation=held,
        standardization=numbers,
    )


def read_held_out(
    problems: Problems, node: Node | None, folders: Folders, layout: Layout
) -> HeldOut | None:
    """``{every: 5}``, ``{share: 0.2}``, ``{rows: 81..100}`` or ``{inputs: …, targets: …}``."""
    if node is None:
        return None
    if not isinstance(node, Mapping):
        problems.add(node, f"{kind(node)} for `validation`", _FORMS, _EXAMPLE, code="E110")
        return None
    seen = len(problems.found)
    entries = Fields(problems, node, "`validation`", (*WAYS, "targets"))
    rows = entries.get("rows")
    held = HeldOut(
        entries,
        way=_way(problems, entries),
        every=entries.whole("every", 2, 2),
        share=entries.number("share", Number(0.5, "0.5"), PART),
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
        if loss is None or loss.upstream is not None:
            return None
        return _beside(problems, held, network, conventions, loss)
    try:
        out = held.part(oriented(conventions, network.inputs.shape)[0], seed)
    except _HoldOutError as error:
        place = held.entries.node.entries[held.way].value
        problems.add(place, error.found, error.expected, code="E214")
        return None
    return _take_out(network, out, conventions.layout)


def _way(problems: Problems, entries: Fields) -> str:
    """How it is said which samples are held out: in one way, and in one only."""
    said = [way for way in WAYS if way in entries]
    if len(said) > 1:
        found = f"`{said[1]}` beside `{said[0]}` in `validation`"
        problems.add(entries.key(said[1]), found, "one of the two", "Remove one.", code="E116")
    elif not entries.node.entries:
        problems.add(entries.node, "`validation` without a key", _FORMS, _EXAMPLE, code="E109")
    if "targets" in entries and "inputs" not in entries:
        found, mend = "`targets` without `inputs` in `validation`", "Write the inputs beside them."
        problems.add(entries.key("targets"), found, "both or neither", mend, code="E119")
    return said[0] if said else ""


# --- a part of the data


def _parted(out: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is held out, where that is some of the samples and not all. Raises _HoldOutError."""
    if out.all() or not out.any():
        found = f"{out.sum()} of {count(len(out), 'sample')} held out"
        raise _HoldOutError(found, "at least one on each side")
    return out


def _share(share: Number, samples: int, seed: int) -> NDArray[np.bool_]:
    """A random part, drawn by the seed; an order of the epochs' own begins at epoch 1."""
    exact = share.fraction * samples
    size = (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)  # the nearest
    out = np.zeros(samples, dtype=np.bool_)
    out[np.random.default_rng([seed, 0]).permutation(samples)[:size]] = True
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


def _beside(
    problems: Problems,
    held: HeldOut,
    network: SettledNetwork,
    conventions: Conventions,
    loss: LossDraft,
) -> Validation | None:
    """Held-out samples that stand beside the data, shaped as those of the data are."""
    last = network.layers[-1]
    check_targets_given(problems, loss, held.entries, held.entries.key("inputs"))
    assert network.inputs is not None
    _, features = oriented(conventions, network.inputs.shape)
    inputs = _shaped(problems, held.inputs, features, conventions)
    if inputs is None or last is None or (held.targets is None) != (loss.takes == "none"):
        return None
    if held.targets is None:
        return Validation(inputs)
    targets = _shaped(problems, held.targets, last.units, conventions, inputs)
    if targets is None:
        return None
    rows = conventions.layout == "rows"
    check_targets(problems, loss, held.targets, targets, rows=rows)
    return Validation(inputs, targets)


def _shaped(
    problems: Problems,
    given: WrittenMatrix | None,
    width: int,
    conventions: Conventions,
    inputs: Matrix | None = None,
) -> Matrix | None:
    """Samples of so many numbers each; targets, of as many samples as the ``inputs``."""
    if given is None:
        return None
    wanted = None if inputs is None else oriented(conventions, inputs.shape)[0]
    for shape in given.shapes:
        samples, own = oriented(conventions, shape)
        if own == width and wanted in (None, samples):
            return given.shaped(shape)
    each = "row" if conventions.layout == "rows" else "column"
    many = "each sample" if wanted is None else f"each of {count(wanted, 'sample')}"
    found = f"{given.described()} for the held-out {given.name}"
    problems.add(
        given.place, found, f"a {each} of {count(width, 'number')} for {many}", code="E214"
    )
    return None
