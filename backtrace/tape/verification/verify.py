"""Every gradient, da and delta of a tape against central differences of its forward part."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from backtrace.functions.activations import Array
from backtrace.spec.model import Arithmetic, Spec
from backtrace.tape.arithmetic import Floats
from backtrace.tape.compile import TapeError, compile_tape, differentiable
from backtrace.tape.operations import Setting
from backtrace.tape.run import evaluate, run, starting_values
from backtrace.tape.steps import Step, Tape
from backtrace.tape.verification.cost import Cost, cost
from backtrace.tape.verification.differences import (
    FIRST,
    RUNGS,
    Points,
    Sided,
    Slopes,
    central,
    sided,
)
from backtrace.tape.verification.responses import (
    BySample,
    Crossing,
    ForwardPart,
    Indices,
    OneByOne,
    Passes,
    Reals,
    Response,
)

Flags = NDArray[np.bool_]

TOLERANCE = 1e-7
"""What an entry may be off beside the estimated error of the differences, relative to its size."""

BUDGET = 30_000_000_000  # multiplications, about; what would take more is verified in part
ROUNDS = 6  # passes that an entry takes, usually
FEWEST = 8  # entries of a quantity that are verified however long they take
BLOCK = 50_000  # entries that are worked together
MOST_NAMED = 100  # entries at a kink of which it is worked out where it lies
GRADIENT = re.compile(r"(?:data_)?d([Wb]\d+)|d(a\d+)|delta(\d+)")


class Request(msgspec.Struct, frozen=True):
    """Which update to verify (its epoch and batch, from 1), and whether to leave nothing out."""

    epoch: int = 1
    batch: int = 1
    everything: bool = False
    budget: int = BUDGET


class Kink(msgspec.Struct, frozen=True):
    """An entry without a derivative: the slopes below and above it, and which kinks lie there.

    ``lowest`` and ``highest`` are what the tape may have: every kink of its own takes a slope
    between those of its two sides. ``several`` says that one sample stands at several kinks at
    once, of which differences can't tell the slopes apart.
    """

    below: float
    above: float
    lowest: float
    highest: float
    crossed: tuple[Crossing, ...] = ()
    several: bool = False


class Verified(msgspec.Struct, frozen=True, eq=False):
    """One quantity of the tape beside what the differences make of it, both as the spec has it.

    All arrays have the quantity's shape. ``checked`` are the entries that were verified,
    ``undecided`` those of which differences can't say anything (``numeric`` is nan). ``errors`` is
    how far ``numeric`` may be off. ``follows`` is the earlier id whose mistake explains this one's.
    """

    id: str
    tape: Reals
    numeric: Reals
    errors: Reals
    differences: Reals
    wrong: Flags
    checked: Flags
    undecided: Flags
    kinks: Mapping[tuple[int, int], Kink]
    follows: str = ""

    @property
    def agrees(self) -> bool:
        return not self.wrong.any()

    @property
    def known_throughout(self) -> bool:
        """Whether the differences have a number for every entry."""
        return bool(np.isfinite(self.numeric).all())

    @property
    def worst(self) -> tuple[int, int] | None:
        """The entry (from 0) of the largest difference, a wrong one where there is one."""
        among = self.wrong if self.wrong.any() else self.checked & ~self.undecided
        if not among.any():
            return None
        sizes = np.where(among, self.differences, -1.0)
        sizes = np.where(np.isnan(sizes), np.inf, sizes)
        row, column = np.unravel_index(int(sizes.argmax()), sizes.shape)
        return int(row), int(column)

    @property
    def largest(self) -> float:
        """The largest difference; inf where the tape has no number."""
        return 0.0 if self.worst is None else float(self.differences[self.worst])


class Verification(msgspec.Struct, frozen=True, eq=False):
    """What is known of one update: its quantities in the tape's order, and what each way costs."""

    request: Request
    quantities: tuple[Verified, ...]
    cost: Cost
    remarks: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        return all(quantity.agrees for quantity in self.quantities)


def verify(spec: Spec, request: Request | None = None, tape: Tape | None = None) -> Verification:
    """Holds the gradients of one update against central differences of its forward part.

    They are worked in float64 from the very numbers of the spec, with the weights before the
    update. ``tape`` stands in for the one that the spec is compiled to. Raises TapeError, in
    words, where there is no loss, a unit has no slope, or the update does not exist.
    """
    request = request or Request()
    check_verifiable(spec)
    given = _given(spec, request)
    plain = msgspec.structs.replace(
        spec, arithmetic=Arithmetic(), backpropagate_through="old", optimizer=None
    )
    if tape is None:
        tape = compile_tape(plain, range(request.epoch, request.epoch + 1))
    place = (request.epoch, request.batch)
    steps = [s for s in tape if (s.epoch, s.batch) == place and s.phase != "update"]
    values = _worked(steps, given, Setting(spec.conventions))
    verifier = _Verifier(spec, steps, values, request)
    quantities = tuple(_explained(verifier.quantities(), steps, verifier))
    remarks = (*_remarks(spec), *verifier.remarks)
    return Verification(request, quantities, cost(steps, values, verifier.setting), remarks)


def check_verifiable(spec: Spec) -> None:
    """Raises TapeError, in words, for a spec without gradients."""
    if spec.loss is None:
        raise TapeError(
            "there is nothing to verify without a loss: add `loss: mse`, with `targets`"
        )
    step = [layer for layer in spec.layers if not differentiable(layer)]
    if step:
        raise TapeError(
            f"there is no gradient to verify, since {step[0].activation.name} units have no slope: "
            "take sigmoid, tanh or relu units"
        )


def _given(spec: Spec, request: Request) -> dict[str, Array]:
    """The data and parameters of the update asked for, as the spec's own arithmetic has them."""
    tape = compile_tape(spec, range(1, request.epoch + 1))
    place = (request.epoch, request.batch)
    found: dict[str, Array] = {}
    for traced in run(tape, starting_values(spec)):
        if (traced.epoch, traced.batch) == place:
            if traced.phase != "given":
                return found
            found[traced.id] = np.asarray(traced.value, dtype=np.float64)
    batches = {step.batch for step in tape if step.epoch == request.epoch}
    raise TapeError(
        f"there is no batch {request.batch} in epoch {request.epoch}, which has {len(batches)}"
    )


def _worked(
    steps: Iterable[Step], given: Mapping[str, Array], setting: Setting
) -> dict[str, Array]:
    values, numbers = dict(given), Floats(np.float64)
    for step in steps:
        if step.phase != "given":
            values[step.id] = evaluate(setting, numbers, step, values)
    loss = values.get("loss")
    if loss is not None and not np.isfinite(loss):
        raise TapeError("the loss is not a finite number, so that it has no differences")
    return values


def _remarks(spec: Spec) -> Iterable[str]:
    """What a reader would otherwise wonder about, a sentence each."""
    words = {
        "float32": "in single precision",
        "exact": "in fractions",
        "rounded": f"with every line rounded to {spec.arithmetic.decimals} decimals",
    }.get(spec.arithmetic.kind)
    if words:
        yield (
            f"The spec works {words}; tape and differences are worked in double precision "
            "here, from the same numbers."
        )
    if spec.backpropagate_through == "updated" and spec.optimizer is not None:
        yield (
            "The spec sends the error back through the updated weights, which gives no gradient "
            "of the loss below the last layer; what is verified goes back through the old ones."
        )


def moved_by(id: str) -> str:
    """The quantity whose gradient ``id`` is: W1 of dW1 and data_dW1, a1 of da1, z1 of delta1."""
    match = GRADIENT.fullmatch(id)
    assert match is not None
    parameter, activation, layer = match.groups()
    return parameter or activation or f"z{layer}"


class _Verifier:
    """The quantities of one update, one after another."""

    def __init__(
        self, spec: Spec, steps: Sequence[Step], values: Mapping[str, Array], request: Request
    ) -> None:
        self.spec, self.steps, self.values, self.request = spec, steps, values, request
        self.setting = Setting(spec.conventions)
        self.part = ForwardPart(steps, values, self.setting)
        self.remarks: list[str] = []
        self.moved = {
            step.id: moved_by(step.id)
            for step in steps
            if step.phase == "backward" and GRADIENT.fullmatch(step.id)
        }
        self.ids = list(self.moved)
        self.chosen = self.choice()

    def quantities(self) -> list[Verified]:
        found = [self.quantity(id) for id in self.ids]
        entries = sum(each.tape.size for each in found)
        checked = sum(int(each.checked.sum()) for each in found)
        if checked < entries:
            self.remarks.append(
                f"{checked} of {entries} entries were verified, drawn at random with the spec's "
                "seed; all of them would take long (--all takes them)."
            )
        return found

    def quantity(self, id: str) -> Verified:
        """One id beside its differences."""
        moved = self.moved[id]
        passes = Passes(self.part, moved, penalised=id.startswith(("dW", "db")))
        tape = np.asarray(self.values[id], dtype=np.float64)
        frame = self.frame(moved, tape.shape)
        points = _points(passes, frame, self.unit(moved))
        effort = max(self.part.effort(moved), 1)
        found = _Found(id, tape, self.factor(id), self.request.budget / len(self.ids) / effort)
        work = self.one_by_one if moved[0] in "Wb" else self.by_sample
        work(found, passes, frame, points, self.chosen[id])
        return found.verified()

    def factor(self, id: str) -> float:
        """What the conventions make of a derivative: its sign, and n where the 1/n comes later."""
        loss, n = self.spec.loss, self.part.samples
        assert loss is not None
        late = self.spec.conventions.mean_in == "gradient" and loss.mean
        inner = id.startswith("delta") or re.fullmatch(r"da\d+", id) is not None
        # an upstream gradient has the sign of the convention from the start
        sign = -1.0 if self.setting.descent and loss.name != "upstream" else 1.0
        return sign * (n if late and inner else 1)

    def frame(self, id: str, shape: tuple[int, ...]) -> Indices:
        """The places of the quantity's entries among those of ``id``, which may carry ones."""
        places = np.arange(self.values[id].size).reshape(self.values[id].shape)
        if places.shape == shape:
            return np.asarray(places)
        kind = self.spec.layers[int(id[1:])].bias.kind
        kept = slice(1, None) if kind == "first" else slice(None, -1)
        return np.asarray(places[:, kept] if self.setting.sample_axis == 0 else places[kept])

    def by_unit(self, frame: Indices) -> Indices:
        """The places with a unit a row, whatever the layout."""
        return np.asarray(self.setting.rows(frame).T)

    def unit(self, id: str) -> float:
        """The largest scale of an entry of ``id`` that moves a z by about 1."""
        if id[0] != "W":
            return 1.0
        inputs = np.max(np.abs(self.values[f"a{int(id[1:]) - 1}"]), initial=0.0)
        return 1.0 / float(inputs) if inputs > 0 else 1.0

    def choice(self) -> dict[str, Indices]:
        """By id, which of its entries (of an a or a z, which units) are verified."""
        efforts = {id: ROUNDS * max(self.part.effort(self.moved[id]), 1) for id in self.ids}
        moves = {id: self.moves(id) for id in self.ids}
        left, found = float(self.request.budget), {}
        cheapest_first = sorted(self.ids, key=lambda each: moves[each] * efforts[each])
        for number, id in enumerate(cheapest_first):
            share = left / (len(self.ids) - number)
            affordable = max(FEWEST, int(share / efforts[id]))
            found[id] = np.arange(moves[id])
            if affordable < moves[id] and not self.request.everything:
                random = np.random.default_rng([self.spec.seed or 0, self.ids.index(id)])
                found[id] = np.sort(random.choice(moves[id], size=affordable, replace=False))
            left -= found[id].size * efforts[id]
        return found

    def moves(self, id: str) -> int:
        """How many moves verify all entries of ``id``: a unit moves in all samples at once."""
        shape = self.values[id].shape
        alone = self.moved[id][0] in "Wb"
        return int(np.prod(shape)) if alone else int(shape[1 - self.setting.sample_axis])

    def one_by_one(
        self, found: _Found, passes: Passes, frame: Indices, points: Points, chosen: Indices
    ) -> None:
        for start in range(0, len(chosen), BLOCK):
            at = chosen[start : start + BLOCK]
            places = frame.ravel()[at]
            found.take(at, OneByOne(passes, places), _among(points, at))

    def by_sample(
        self, found: _Found, passes: Passes, frame: Indices, points: Points, chosen: Indices
    ) -> None:
        """A unit at a time moves in all samples at once, if no sample reaches another."""
        in_order = self.by_unit(np.arange(frame.size).reshape(frame.shape))
        places = self.by_unit(frame)
        together = max(1, BLOCK // places.shape[1])
        for start in range(0, len(chosen), together):
            units = chosen[start : start + together]
            at = in_order[units].ravel()
            here = _among(points, at)
            response = BySample(passes, places[units])
            if response.samples_are_apart(here.scales / 16):
                found.take(at, response, here)
            else:
                found.take(at, OneByOne(passes, places[units].ravel()), here)


def _points(passes: Passes, frame: Indices, unit: float) -> Points:
    """The entries with their scales: powers of two, so that a step is what it says."""
    values = passes.value.ravel()[frame.ravel()]
    usual = float(np.sqrt(np.mean(values * values))) if values.size else 0.0
    sizes = np.maximum(np.abs(values), usual)
    sizes = np.where(sizes > 0, np.minimum(sizes, unit), unit)
    return Points(values, np.exp2(np.round(np.log2(sizes))), passes.reach)


def _among(points: Points, at: Indices) -> Points:
    return Points(points.values[at], points.scales[at], points.reach)


class _Found:
    """What has been found of one quantity so far; entries are places in its flattened matrix."""

    def __init__(self, id: str, tape: Reals, factor: float, passes: float) -> None:
        """``passes`` are as many as may be spent on the slopes of each side."""
        self.id, self.tape, self.factor, self.passes = id, tape, factor, passes
        size = tape.size
        self.numeric, self.errors = np.full(size, np.nan), np.full(size, np.nan)
        self.low, self.high = np.full(size, np.nan), np.full(size, np.nan)
        self.checked = np.zeros(size, dtype=bool)
        self.kinks: dict[tuple[int, int], Kink] = {}

    def take(self, at: Indices, response: Response, points: Points) -> None:
        """Works the slopes of these entries."""
        slopes = central(response, points)
        self.checked[at] = True
        self._set(at, slopes)
        rough = np.flatnonzero(~slopes.smooth)[: self.most_kinks(response)]
        for entry, both in zip(rough, sided(response, points, rough), strict=True):
            if both is not None:
                self._take_kink(int(at[entry]), int(entry), both, response, points)

    def most_kinks(self, response: Response) -> int:
        """How many entries may have the slopes of each side worked, for what that takes."""
        one = isinstance(response, OneByOne)
        return int(self.passes / (2 * RUNGS)) + FEWEST if one else self.tape.size

    def _set(self, at: Indices, slopes: Slopes) -> None:
        values = np.where(slopes.smooth, slopes.values, np.nan) * self.factor
        self.numeric[at] = self.low[at] = self.high[at] = values
        self.errors[at] = slopes.errors * abs(self.factor)

    def _take_kink(
        self, place: int, entry: int, slopes: Sided, response: Response, points: Points
    ) -> None:
        self.errors[place] = slopes.error * abs(self.factor)
        self.numeric[place] = (slopes.below + slopes.above) / 2 * self.factor
        low, high = sorted((slopes.lowest * self.factor, slopes.highest * self.factor))
        self.low[place], self.high[place] = low, high
        if not slopes.is_kink:
            return
        below, above = slopes.below * self.factor, slopes.above * self.factor
        index = divmod(place, self.tape.shape[1])
        crossed: tuple[Crossing, ...] = ()
        if len(self.kinks) < MOST_NAMED or not low <= self.tape[index] <= high:
            crossed = self._crossed(entry, response, points)
        several = response.passes.several_in_a_sample(crossed)
        self.kinks[index] = Kink(below, above, low, high, crossed, several)

    def _crossed(self, entry: int, response: Response, points: Points) -> tuple[Crossing, ...]:
        """The kinks that the shortest steps cross."""
        step = points.scales[entry] * FIRST * 0.5**RUNGS
        found: dict[Crossing, None] = {}
        for sign in (-1, 1):
            moved = response.moved(entry, sign * step)
            found.update(dict.fromkeys(response.passes.crossed(moved)))
        return tuple(found)

    def verified(self) -> Verified:
        tape = self.tape.ravel()
        with np.errstate(invalid="ignore"):
            outside = np.fmax(np.fmax(self.low - tape, tape - self.high), 0.0)
            outside = np.where(np.isfinite(tape), outside, np.inf)
            size = np.fmax(np.abs(tape), np.abs(self.numeric))
            allowed = TOLERANCE * np.where(np.isfinite(size), size, 0.0) + self.errors
            off = ~(outside <= allowed)
        undecided = self.checked & (np.isnan(self.numeric) | (off & self._at_several_kinks()))
        known = self.checked & ~undecided
        shape = self.tape.shape
        return Verified(
            id=self.id,
            tape=self.tape,
            numeric=self.numeric.reshape(shape),
            errors=self.errors.reshape(shape),
            differences=np.where(known, outside, np.nan).reshape(shape),
            wrong=(known & off).reshape(shape),
            checked=self.checked.reshape(shape),
            undecided=undecided.reshape(shape),
            kinks=self.kinks,
        )

    def _at_several_kinks(self) -> Flags:
        found = np.zeros(self.tape.shape, dtype=bool)
        for place, kink in self.kinks.items():
            found[place] = kink.several
        return found.ravel()


def _explained(
    found: Sequence[Verified], steps: Sequence[Step], verifier: _Verifier
) -> Iterable[Verified]:
    """The quantities, each that is wrong only because an earlier one is with that one's id."""
    by_id = {step.id: step for step in steps}
    wrong = {each.id: each for each in found if not each.agrees}
    numeric = {each.id: each.numeric for each in wrong.values() if each.known_throughout}
    for each in found:
        blamed = [id for id in by_id[each.id].operands if id in wrong]
        if each.id in wrong and blamed and set(blamed) <= set(numeric):
            values = {**verifier.values, **numeric}
            if _is_right(by_id[each.id], values, each, verifier.setting):
                yield msgspec.structs.replace(each, follows=blamed[0])
                continue
        yield each


def _is_right(step: Step, values: Mapping[str, Array], each: Verified, setting: Setting) -> bool:
    """Whether a step gives what the differences have, when it is worked on what they have."""
    worked = evaluate(setting, Floats(np.float64), step, values)
    typical = float(np.nanmax(np.abs(each.numeric)))
    close = np.abs(worked - each.numeric) <= 1e-6 * (np.abs(each.numeric) + typical) + each.errors
    return bool(close[each.checked & ~each.undecided].all())
