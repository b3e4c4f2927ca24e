"""Every gradient, da and delta of a tape against central differences of its forward part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.functions.losses import LOSSES
from backtrace.spec.ids import Role
from backtrace.spec.model import Arithmetic, Spec
from backtrace.spec.wording import count
from backtrace.tape.arithmetic import Floats
from backtrace.tape.chunks import one_thread_each
from backtrace.tape.compile import TapeError, compile_tape, differentiable
from backtrace.tape.operations import Setting
from backtrace.tape.run import Values, run, starting_values, worked
from backtrace.tape.steps import Step, Tape
from backtrace.verify.cost import cost, multiplications
from backtrace.verify.forward import Forward, Indices, Perturbation, Precision
from backtrace.verify.gradient_check import GradientCheck
from backtrace.verify.origin import lost_numbers, with_origins
from backtrace.verify.results import Comparison, Request, Verification
from backtrace.verify.sampling import FEWEST, sampled

GRADIENTS: dict[Role, bool] = {  # and whether the penalty is in them
    "activation_gradient": False,
    "delta": False,
    "data_gradient": False,
    "gradient": True,
}
AT_ONCE = 200_000_000  # multiplications between two words of how far it is, about
DEAR = 100_000_000  # multiplications of a pass that is not worked wider than double precision
WIDER = 80  # passes in double precision that the passes of a row in the widest one take, about
LUCK = 4  # times as far off as it happens to be, a narrower value may be
Progress: TypeAlias = Callable[[float], object]


def verify(
    spec: Spec,
    request: Request | None = None,
    tape: Tape | None = None,
    progress: Progress = lambda share: None,
) -> Verification:
    """Holds the gradients of one update against central differences of its forward part.

    They are worked from the very numbers of the spec, with the weights before the update. ``tape``
    stands in for the one that the spec is compiled to; ``progress`` hears, again and again, which
    share of the work is done. Raises TapeError, in words, where there is no loss, a unit has no
    slope, or the update does not exist.
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
    values = worked(steps, given, setting, Floats(np.float64))
    if not np.isfinite(values.get("loss", 0)):
        raise TapeError("the loss is not a finite number, so that it has no differences")
    with one_thread_each():  # a stack is many small products, which threads only hold up
        verifier = _Verifier(spec, steps, values, request, progress)
        comparisons = verifier.comparisons()
        remarks = (*_remarks(spec), *_sampling_remark(comparisons))
        quantities = tuple(with_origins(comparisons, steps, values, setting))
        return Verification(request, quantities, cost(steps, values, setting), remarks)


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


def _sampling_remark(comparisons: Sequence[Comparison]) -> Iterable[str]:
    entries = sum(each.tape.size for each in comparisons)
    checked = sum(int(each.checked.sum()) for each in comparisons)
    if checked < entries:
        yield (
            f"{checked} of {entries} entries were verified, drawn at random with the spec's "
            "seed; all of them would take long (--all takes them)."
        )


class _Verifier:
    """The gradients of one update, one after another.

    Verdicts are about the tape worked in the widest precision; how far it is from that in a
    narrower one tells what rounding does to it, however much its lines cancel.
    """

    def __init__(
        self,
        spec: Spec,
        steps: Sequence[Step],
        values: Values,
        request: Request,
        progress: Progress,
    ) -> None:
        self.spec, self.request, self.progress = spec, request, progress
        self.setting, self.values = Setting(spec.conventions), values
        self.by_id = {step.id: step for step in steps}
        self.gradients = [s for s in steps if s.phase == "backward" and s.role in GRADIENTS]
        wide, narrow = _precisions(steps, values, self.setting)
        self.wide = self.worked(steps, wide)
        self.narrow = values if narrow is np.float64 else self.worked(steps, narrow)
        self.forward = Forward(steps, self.wide, self.narrow, self.setting)
        self.efforts = {step.id: self.forward.effort(step.of) for step in self.gradients}
        self.reasons = lost_numbers(steps, values)
        self.done = 0.0

    def worked(self, steps: Sequence[Step], precision: Precision) -> Values:
        """The values in a precision; targets that should add up to 1 do so to its last digit."""
        given = {step.id: step for step in steps if step.phase == "given"}
        start = {id: np.asarray(self.values[id], dtype=precision) for id in given}
        loss = self.spec.loss
        if loss is not None and loss.name in LOSSES and LOSSES[loss.name].targets == "distribution":
            id = next(id for id, step in given.items() if step.role == "targets")
            start[id] = start[id] / start[id].sum(axis=1 - self.setting.sample_axis, keepdims=True)
        return worked(steps, start, self.setting, Floats(precision))

    def comparisons(self) -> list[Comparison]:
        rows = {step.id: self.rows(step) for step in self.gradients}
        counts = {id: len(each) for id, each in rows.items()}
        chosen = sampled(counts, self.efforts, self.request, self.spec.seed or 0)
        self.whole = sum(len(each) * self.efforts[id] for id, each in chosen.items())
        return [self.comparison(step, rows[step.id][chosen[step.id]]) for step in self.gradients]

    def rows(self, step: Step) -> Indices:
        """The entries that are moved together: each alone, or a unit's in all samples."""
        places = np.arange(int(np.prod(step.shape))).reshape(step.shape)
        if step.role not in ("activation_gradient", "delta") or not self.samples_are_apart(step):
            return places.reshape(-1, 1)
        return np.asarray(self.setting.rows(places).T)

    def samples_are_apart(self, step: Step) -> bool:
        """Whether moving every other sample leaves the loss of the rest as it is."""
        moved = self.setting.rows(self.frame(step))[1::2].ravel()
        if not moved.size:
            return True
        step_lengths = self.setting.rows(self.scales(step))[1::2].ravel() / 128
        found = Perturbation(self.forward, step.of).responses(moved[None], step_lengths[None])
        rest = found[0, ::2]
        return not rest[np.isfinite(rest)].any()

    def comparison(self, step: Step, rows: Indices) -> Comparison:
        """The gradients of one step beside their differences."""
        factor, effort = self.factor(step), self.efforts[step.id]
        perturbation = Perturbation(self.forward, step.of, penalised=GRADIENTS[step.role])
        with np.errstate(invalid="ignore"):
            tape = self.wide[step.id] / factor
            doubt = LUCK * np.abs(tape - self.narrow[step.id] / factor)
        doubt = np.where(np.isfinite(doubt), doubt, np.inf)
        check = GradientCheck(perturbation, self.frame(step), self.scales(step), tape, doubt)
        passes = self.request.budget / len(self.gradients) / effort

        def progress(rows: int) -> None:
            self.done += rows * effort
            self.progress(min(1.0, self.done / self.whole))

        few = FEWEST + int(passes / WIDER)
        check.work(rows, max(1, AT_ONCE // effort), few, progress)
        numbers = all(np.isfinite(self.wide[id]).all() for id in step.operands)
        found = check.comparison(step.id, self.values[step.id], factor, steps_on=numbers)
        excused = not (found.wrong & ~np.isfinite(found.tape)).any()
        reason = self.reasons.get(step.id, ())
        return msgspec.structs.replace(found, lost=reason if excused else ())

    def factor(self, step: Step) -> float:
        """What the conventions make of a derivative: its sign, and n where the 1/n comes later."""
        loss, n = self.spec.loss, self.forward.samples
        assert loss is not None
        late = self.spec.conventions.mean_in == "gradient" and loss.mean
        inner = step.role in ("delta", "activation_gradient")
        # an upstream gradient has the sign of the convention from the start
        sign = -1.0 if self.setting.descent and loss.name != "upstream" else 1.0
        return sign * (n if late and inner else 1)

    def frame(self, step: Step) -> Indices:
        """The places of a gradient's entries in what is moved, which may carry ones."""
        moved = self.by_id[step.of]
        places = np.arange(int(np.prod(moved.shape))).reshape(moved.shape)
        if moved.shape == step.shape:
            return places
        kept = slice(1, None) if moved.parameters["ones"] == "first" else slice(None, -1)
        return places[:, kept] if self.setting.sample_axis == 0 else places[kept]

    def scales(self, step: Step) -> Array:
        """How far each entry is moved, about: as far as it is large, and as moves a z by 1."""
        sizes = np.abs(np.asarray(self.wide[step.of], dtype=np.float64).ravel()[self.frame(step)])
        usual, unit = np.sqrt(np.mean(sizes * sizes)), self.unit(step.of)
        sizes = np.maximum(sizes, usual)
        return np.where(sizes > 0, np.minimum(sizes, unit), unit)

    def unit(self, id: str) -> float:
        """The largest change of an entry that moves a pre-activation by no more than about 1."""
        products = [s for s in self.by_id.values() if s.operation == "matmul" and id in s.operands]
        if self.by_id[id].role != "weight" or not products:
            return 1.0
        inputs = next(other for other in products[0].operands if other != id)
        largest = float(np.max(np.abs(self.values[inputs]), initial=0.0))
        return 1.0 / largest if largest > 0 else 1.0


def _precisions(
    steps: Sequence[Step], values: Values, setting: Setting
) -> tuple[Precision, Precision]:
    """The widest precision, and a narrower one beside it.

    Some platforms have none wider than double; and where a pass takes many multiplications it
    would take too long, since only those of doubles are fast.
    """
    shapes = {id: np.shape(value) for id, value in values.items()}
    forward = (step for step in steps if step.phase == "forward")
    dear = sum(multiplications(step, shapes, setting) for step in forward) > DEAR
    wider = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps
    return (np.float64, np.float32) if dear or not wider else (np.longdouble, np.float64)
