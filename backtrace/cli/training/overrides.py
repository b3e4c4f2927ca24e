"""What the command line of ``train`` says otherwise than the spec does."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite

import msgspec

from backtrace.cli.screen import refuse
from backtrace.cli.training.request import Overrides
from backtrace.cli.training.spec_text import SpecText
from backtrace.spec.model import Optimizer, Spec, Stop
from backtrace.spec.number_reading import NoNumber, read_number
from backtrace.spec.numbers import Number
from backtrace.spec.wording import count


def overridden(spec: Spec, chosen: Overrides, text: SpecText) -> Spec:
    """The spec as the options have it (a seed is heeded when it is read); ``text`` says it.

    Exits with 2, and everything that is wrong, where they don't go together.
    """
    problems: list[str] = []
    if spec.equations is not None:
        problems += _of_samples(chosen)
        chosen = msgspec.structs.replace(chosen, hold_out=None, batch_size=None, shuffle=None)
    spec = _held_out(spec, chosen, problems)
    spec = msgspec.structs.replace(
        spec,
        epochs=chosen.epochs or spec.epochs_of_training,
        stop=_stop(spec, chosen, problems),
        batch_size=chosen.batch_size or spec.batch_size,
        shuffle=spec.shuffle if chosen.shuffle is None else chosen.shuffle,
        optimizer=_optimizer(spec, chosen, problems),
    )
    problems += _batches(spec)
    problems += _seed(spec, chosen, text)
    if problems:
        refuse(problems, "E520")
    return spec


def top_level(spec: Spec, chosen: Overrides) -> dict[str, str]:
    """The keys of a spec that say the same as the options; not how long to train."""
    said = {}
    if chosen.batch_size is not None or chosen.shuffle is not None:
        shuffled = ", shuffle: true" if spec.shuffle else ""
        said["updates"] = f"{{batch_size: {spec.batch_size}{shuffled}}}"
        if spec.batch_size is None:
            said["updates"] = "batch"
    if chosen.hold_out is not None:
        said["validation"] = f"{{every: {chosen.hold_out}}}"
    if chosen.seed is not None:
        said["seed"] = str(chosen.seed)
    if chosen.learning_rate is not None:
        said["learning_rate"] = chosen.learning_rate
    return said


def _of_samples(chosen: Overrides) -> Iterator[str]:
    """The options that choose among samples, which equations do not tell apart."""
    for name in ("hold_out", "batch_size", "shuffle"):
        if getattr(chosen, name) is not None:
            option = "--" + name.replace("_", "-")
            yield f"{option}: equations have no samples to choose from; an epoch works every line"


def _held_out(spec: Spec, chosen: Overrides, problems: list[str]) -> Spec:
    from backtrace.spec.read.holdout import held_out

    if chosen.hold_out is None:
        return spec
    try:
        return held_out(spec, chosen.hold_out)
    except ValueError as error:
        problems.append(f"--hold-out {chosen.hold_out}: {error}")
        return spec


def _stop(spec: Spec, chosen: Overrides, problems: list[str]) -> Stop:
    loss = spec.stop.loss
    if chosen.stop_at_loss is not None:
        signed = spec.loss is None or spec.loss.name == "output"
        loss = _number("--stop-at-loss", chosen.stop_at_loss, problems)
        if loss is not None and loss < 0 and not signed:
            problems.append(f"--stop-at-loss {chosen.stop_at_loss}: no loss gets below 0")
    return Stop(loss, chosen.patience or spec.stop.patience)


def _optimizer(spec: Spec, chosen: Overrides, problems: list[str]) -> Optimizer | None:
    """The optimizer with the rate that is asked for; plain descent where there was none."""
    if chosen.learning_rate is None:
        return spec.optimizer
    option = f"--learning-rate {chosen.learning_rate}"
    rate = _number("--learning-rate", chosen.learning_rate, problems)
    if rate is not None and not rate > 0:
        problems.append(f"{option}: the rate is a number above 0; the update subtracts by itself")
    if spec.schedule.kind == "list":
        problems.append(f"{option}: the spec lists the rate of each update: `schedule:`")
    if rate is None:
        return spec.optimizer
    if spec.optimizer is None:
        return Optimizer("sgd", rate)
    return msgspec.structs.replace(spec.optimizer, learning_rate=rate)


def _batches(spec: Spec) -> Iterator[str]:
    """What is wrong with the batches, after samples have been held out."""
    size, samples = spec.batch_size, spec.samples
    if size is not None and size > samples:
        yield f"--batch-size {size}: there are {count(samples, 'sample')} to train on"
    elif spec.shuffle and size in (None, samples):
        why = "the gradient of all samples at once is the same in any order"
        yield f"--shuffle: {why}; add a smaller --batch-size"


def _seed(spec: Spec, chosen: Overrides, text: SpecText) -> Iterator[str]:
    """What is wrong with a seed: that nothing heeds it."""
    from backtrace.spec.seeding import is_drawn

    if chosen.seed is not None and not is_drawn(text.document(), spec):
        drawn = "weights by rule, shuffled batches, a share held out"
        yield f"--seed {chosen.seed}: nothing is drawn; a seed decides {drawn}"


def _number(option: str, text: str, problems: list[str]) -> Number | None:
    reading = read_number(text)
    if isinstance(reading, NoNumber) or not isfinite(reading):
        mend = f"; {reading.mend}" if isinstance(reading, NoNumber) and reading.mend else ""
        problems.append(f"{option} {text}: not a number{mend}")
        return None
    return reading
