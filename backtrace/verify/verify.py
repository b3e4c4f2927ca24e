"""Every gradient, da and delta of a tape against central differences of its forward part."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.document.problems import count
from backtrace.spec.model import Arithmetic, Spec
from backtrace.tape.arithmetic import Floats
from backtrace.tape.chunks import one_thread_each
from backtrace.tape.compile import TapeError, compile_tape, differentiable
from backtrace.tape.operations import Setting
from backtrace.tape.run import Values, run, starting_values, worked
from backtrace.tape.steps import Step, Tape
from backtrace.verify.blame import explained
from backtrace.verify.cost import cost
from backtrace.verify.differences import Points
from backtrace.verify.forward_part import ForwardPart
from backtrace.verify.forward_stacks import ForwardStacks
from backtrace.verify.found import Found
from backtrace.verify.lost import lost_numbers
from backtrace.verify.responses import BySample, Indices, OneByOne
from backtrace.verify.results import Request, Verification, Verified
from backtrace.verify.rounding import rounding
from backtrace.verify.sampling import sampled

BLOCK = 50_000  # entries that are worked together
AT_ONCE = 200_000_000  # multiplications of a pass with each of them, about
Told: TypeAlias = Callable[[float], object]
GRADIENT = re.compile(r"(?:data_)?d([Wb]\d+)|d(a\d+)|delta(\d+)")


def verify(
    spec: Spec,
    request: Request | None = None,
    tape: Tape | None = None,
    told: Told | None = None,
) -> Verification:
    """Holds the gradients of one update against central differences of its forward part.

    They are worked in float64 from the very numbers of the spec, with the weights before the
    update. ``tape`` stands in for the one that the spec is compiled to; ``told`` hears, again and
    again, which share of the work is done. Raises TapeError, in words, where there is no loss, a
    unit has no slope, or the update does not exist.
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
    setting = Setting(spec.conventions)
    values = _worked(steps, given, setting)
    with one_thread_each():  # a stack is many small products, which threads only hold up
        verifier = _Verifier(spec, steps, values, request, told or _nobody)
        quantities = tuple(explained(verifier.quantities(), steps, values, setting))
        remarks = (*_remarks(spec), *verifier.remarks)
        return Verification(request, quantities, cost(steps, values, setting), remarks)


def _nobody(share: float) -> None:
    """Hears how far a verification has come, where nobody asks."""


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
    if request.epoch > spec.epochs:
        raise TapeError(
            f"there is no epoch {request.epoch}: the spec works {count(spec.epochs, 'epoch')}; "
            f"write `epochs: {request.epoch}`, so that it is worked"
        )
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


def _worked(steps: Iterable[Step], given: Mapping[str, Array], setting: Setting) -> Values:
    values = worked(steps, given, setting, Floats(np.float64))
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
        self,
        spec: Spec,
        steps: Sequence[Step],
        values: Mapping[str, Array],
        request: Request,
        told: Told,
    ) -> None:
        self.spec, self.steps, self.values, self.request = spec, steps, values, request
        self.told, self.done = told, 0.0
        self.setting = Setting(spec.conventions)
        self.part = ForwardPart(steps, values, self.setting)
        self.remarks: list[str] = []
        self.moved = {
            step.id: moved_by(step.id)
            for step in steps
            if step.phase == "backward" and GRADIENT.fullmatch(step.id)
        }
        self.ids = list(self.moved)
        self.by_id = {step.id: step for step in steps}
        self.chosen = sampled(self.moved, self.part, request, spec.seed or 0)
        self.efforts = {id: max(self.part.effort(moved), 1) for id, moved in self.moved.items()}
        self.whole = sum(self.chosen[id].size * self.efforts[id] for id in self.ids)
        self.lost = lost_numbers(steps, values)

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
        stacks = ForwardStacks(self.part, moved, penalised=id.startswith(("dW", "db")))
        tape = np.asarray(self.values[id], dtype=np.float64)
        frame = self.frame(moved, tape.shape)
        points = _points(stacks, frame, self.unit(moved))
        passes = self.request.budget / len(self.ids) / self.efforts[id]
        doubt = rounding(id, moved, self.steps, self.values, self.setting)
        found = Found(id, tape, self.factor(id), passes, doubt)
        work = self.one_by_one if moved[0] in "Wb" else self.by_sample
        work(found, stacks, frame, points, self.chosen[id])
        reason = self.lost.get(id, "")
        rests_on_numbers = all(operand not in self.lost for operand in self.by_id[id].operands)
        verified = found.verified(rests_on_numbers=rests_on_numbers)
        excused = bool(reason) and not (verified.wrong & ~np.isfinite(tape)).any()
        return msgspec.structs.replace(verified, lost=reason) if excused else verified

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

    def blocks(self, id: str, chosen: Indices, most: int) -> Iterator[Indices]:
        """The moves of an id in blocks, none of which takes long; after each it is told of."""
        together = max(1, min(most, int(AT_ONCE / self.efforts[id])))
        for start in range(0, len(chosen), together):
            block = chosen[start : start + together]
            yield block
            self.done += block.size * self.efforts[id]
            self.told(min(1.0, self.done / self.whole))

    def one_by_one(
        self, found: Found, stacks: ForwardStacks, frame: Indices, points: Points, chosen: Indices
    ) -> None:
        for at in self.blocks(found.id, chosen, BLOCK):
            places = frame.ravel()[at]
            found.take(at, OneByOne(stacks, places), _among(points, at))

    def by_sample(
        self, found: Found, stacks: ForwardStacks, frame: Indices, points: Points, chosen: Indices
    ) -> None:
        """A unit at a time moves in all samples at once, if no sample reaches another."""
        in_order = self.by_unit(np.arange(frame.size).reshape(frame.shape))
        places = self.by_unit(frame)
        for units in self.blocks(found.id, chosen, BLOCK // places.shape[1]):
            at = in_order[units].ravel()
            here = _among(points, at)
            response = BySample(stacks, places[units])
            if response.samples_are_apart(here.scales / 16):
                found.take(at, response, here)
            else:
                found.take(at, OneByOne(stacks, places[units].ravel()), here)


def _points(stacks: ForwardStacks, frame: Indices, unit: float) -> Points:
    """The entries with their scales: powers of two, so that a step is what it says."""
    values = stacks.value.ravel()[frame.ravel()]
    usual = float(np.sqrt(np.mean(values * values))) if values.size else 0.0
    sizes = np.maximum(np.abs(values), usual)
    sizes = np.where(sizes > 0, np.minimum(sizes, unit), unit)
    return Points(values, np.exp2(np.round(np.log2(sizes))), stacks.reach)


def _among(points: Points, at: Indices) -> Points:
    return Points(points.values[at], points.scales[at], points.reach)
