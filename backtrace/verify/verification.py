"""Every gradient, da and delta of a tape against central differences of its forward part."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec.ids import is_part
from backtrace.spec.model import Arithmetic, Spec
from backtrace.spec.wording import count
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.chunks import one_thread_each
from backtrace.tape.compile import compile_tape
from backtrace.tape.parameters import differentiable
from backtrace.tape.run import run, starting_values, worked
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step, Tape
from backtrace.tape.writer import TapeError
from backtrace.verify.cost import cost
from backtrace.verify.evaluations import Evaluations
from backtrace.verify.gradient_check import GradientCheck
from backtrace.verify.objective import objective
from backtrace.verify.origin import lost_numbers, with_origins
from backtrace.verify.perturbation import Indices, Perturbation
from backtrace.verify.results import Comparison, Request, Verification

Progress = Callable[[float], object]

GRADIENTS = ("activation_gradient", "delta", "data_gradient", "gradient")  # the roles verified
PASSES = 4  # that a row of entries takes, usually
FEWEST = 8  # rows of a quantity that are verified however long they take
AT_ONCE = 200_000_000  # multiplications between two words of how far it is, about
WIDER = 80  # passes in double precision that take as long as those of a row in the widest, about


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
    _check_verifiable(spec)
    given = _given(spec, request)
    plain = msgspec.structs.replace(
        spec, arithmetic=Arithmetic(), backpropagate_through="old", optimizer=None
    )
    if tape is None:
        tape = compile_tape(plain, range(request.epoch, request.epoch + 1))
    place = (request.epoch, request.batch)
    setting = Setting(spec.conventions)
    steps = [s for s in tape if (s.epoch, s.batch) == place and s.phase != "update"]
    aim = objective(steps, -1 if setting.descent else 1)
    values = worked(aim.steps, given, setting, FloatArithmetic(np.float64))
    if aim.terms.id in values and not np.isfinite(values[aim.terms.id]).all():
        raise TapeError("the loss is not a finite number, so that it has no differences", "E223")
    with one_thread_each():  # a stack is many small products, which threads only hold up
        verifier = _Verifier(spec, Evaluations(aim, values, setting), request, progress)
        comparisons = [verifier.comparison(step) for step in verifier.gradients]
        remarks = tuple(_remarks(spec, comparisons))
        quantities = tuple(with_origins(comparisons, verifier.evaluations))
        return Verification(request, quantities, cost(aim.steps, values, setting), remarks)


def _check_verifiable(spec: Spec) -> None:
    """Raises TapeError, in words, for a spec without gradients."""
    if spec.equations is not None:
        if not spec.equations.has_backward:
            raise TapeError(
                "there is nothing to verify without `loss: L` (or `maximize: J`)", "E223"
            )
        return
    if spec.loss is None:
        raise TapeError(
            "there is nothing to verify without a loss: add `loss: mse`, with `targets`", "E223"
        )
    step = [layer for layer in spec.layers if not differentiable(layer)]
    if step:
        raise TapeError(
            f"there is no gradient to verify, since {step[0].activation.name} units have no slope: "
            "take sigmoid, tanh or relu units",
            "E223",
        )


def _given(spec: Spec, request: Request) -> dict[str, Array]:
    """The data and parameters of the update asked for, as the spec's own arithmetic has them."""
    if request.epoch > spec.epochs:
        raise TapeError(
            f"there is no epoch {request.epoch}: the spec works {count(spec.epochs, 'epoch')}; "
            f"write `epochs: {request.epoch}`, so that it is worked",
            "E224",
        )
    tape = compile_tape(spec, range(1, request.epoch + 1))
    place = (request.epoch, request.batch)
    found: dict[str, Array] = {}
    for traced in run(tape, starting_values(spec)):
        if (traced.epoch, traced.batch) == place:
            if traced.phase == "update":
                break
            if traced.operation == "given":
                found[traced.id] = np.asarray(traced.value, dtype=np.float64)
    if found:
        return found
    batches = {step.batch for step in tape if step.epoch == request.epoch}
    raise TapeError(
        f"there is no batch {request.batch} in epoch {request.epoch}, which has {len(batches)}",
        "E224",
    )


def _remarks(spec: Spec, comparisons: Sequence[Comparison]) -> Iterable[str]:
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
            "The spec goes back through the updated weights, which gives no gradient "
            "of the loss below the last layer; what is verified goes back through the old ones."
        )
    entries = sum(each.tape.size for each in comparisons)
    checked = sum(int(each.checked.sum()) for each in comparisons)
    if checked < entries:
        yield (
            f"{checked} of {entries} entries were verified, drawn at random with the spec's "
            "seed; all of them would take long (--all takes them)."
        )


class _Verifier:
    """Compares every gradient of one update with its differences."""

    def __init__(
        self, spec: Spec, evaluations: Evaluations, request: Request, progress: Progress
    ) -> None:
        self.spec, self.evaluations, self.request = spec, evaluations, request
        self.progress, self.done, steps = progress, 0, evaluations.steps
        self.gradients = [s for s in steps if _is_verified(s)]
        self.efforts = {step.id: evaluations.effort(step.of) for step in self.gradients}
        self.share = request.budget / len(self.gradients)
        self.rows = {step.id: self._rows(step) for step in self.gradients}
        self.whole = sum(len(rows) * self.efforts[id] for id, rows in self.rows.items())
        self.reasons = lost_numbers(evaluations)

    def _rows(self, step: Step) -> Indices:
        """The entries that are moved together, a unit's in all samples, else each alone.

        Of many rows some are drawn with the spec's seed.
        """
        places = np.arange(int(np.prod(step.shape))).reshape(step.shape)
        together = step.role in ("activation_gradient", "delta")  # no sample reaches another
        rows = self.evaluations.setting.rows(places).T if together else places.reshape(-1, 1)
        affordable = max(FEWEST, int(self.share / (PASSES * self.efforts[step.id])))
        if affordable >= len(rows) or self.request.everything:
            return np.asarray(rows)
        random = np.random.default_rng([self.spec.seed or 0, self.gradients.index(step)])
        return np.asarray(rows[np.sort(random.choice(len(rows), affordable, replace=False))])

    def comparison(self, step: Step) -> Comparison:
        """A gradient beside its differences."""
        factor, tape = self._factor(step), self.evaluations.double[step.id]
        numbers = all(np.isfinite(self.evaluations.wide[id]).all() for id in step.operands)
        check = self._check(step, factor)
        found = check.comparison(step.id, tape, factor, of_numbers=numbers)
        is_mistake = (found.wrong & ~np.isfinite(found.tape)).any()
        reason = () if is_mistake else self.reasons.get(step.id, ())
        return msgspec.structs.replace(found, lost=reason)

    def _check(self, step: Step, factor: float) -> GradientCheck:
        evaluations, effort = self.evaluations, self.efforts[step.id]
        perturbation = Perturbation(evaluations, step.of, penalised=step.role == "gradient")
        places = _places(step, evaluations.by_id[step.of], evaluations.setting)
        values = evaluations.double[step.of].ravel()[places]
        sizes = np.where(np.isfinite(values), np.abs(values), 0)  # a mask has −∞, which stays
        scales = np.maximum(sizes, float(np.sqrt(np.mean(sizes * sizes))) or 1.0)
        tape, doubt = evaluations.wide[step.id] / factor, evaluations.doubt(step.id) / abs(factor)
        check = GradientCheck(perturbation, places, scales, tape, doubt)

        def progress(rows: int) -> None:
            self.done += rows * effort
            self.progress(self.done / self.whole)

        few = FEWEST + int(self.share / (WIDER * effort))
        check.work(self.rows[step.id], AT_ONCE // effort, few, progress)
        return check

    def _factor(self, step: Step) -> float:
        """What the conventions make of a derivative: its sign, and n where the 1/n comes later."""
        loss, conventions = self.spec.loss, self.spec.conventions
        if loss is None:
            return 1.0  # equations say all by themselves
        late = conventions.mean_in == "gradient" and loss.mean
        inner = step.role in ("delta", "activation_gradient")
        samples = self.evaluations.double[self.evaluations.output].shape[conventions.sample_axis]
        # an upstream gradient has the sign of the convention from the start
        downhill = conventions.sign == "descent" and loss.name != "upstream"
        return (-1.0 if downhill else 1.0) * (samples if late and inner else 1)


def _is_verified(step: Step) -> bool:
    """Gradients that are worked, of the names of equations without those of their parts."""
    is_gradient = step.phase == "backward" and step.role in GRADIENTS
    return is_gradient and step.operation != "given" and not is_part(step.of)


def _places(gradient: Step, moved: Step, setting: Setting) -> Indices:
    """The places of a gradient's entries in what is moved, which may carry ones."""
    places = np.arange(int(np.prod(moved.shape))).reshape(moved.shape)
    if moved.shape == gradient.shape:
        return places
    kept = slice(1, None) if moved.parameters["ones"] == "first" else slice(None, -1)
    return places[:, kept] if setting.sample_axis == 0 else places[kept]
