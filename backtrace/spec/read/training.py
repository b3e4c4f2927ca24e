"""Loss, optimizer, schedule, regularization and the length of a training, as a spec writes them."""

from __future__ import annotations

from typing import Any

import msgspec

from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES
from backtrace.functions.penalties import FORMS
from backtrace.spec.document.fields import (
    ANY,
    DECAYING,
    FACTOR,
    NOT_NEGATIVE,
    POSITIVE,
    Fields,
    Range,
    choice,
    fields,
    number,
    one_of,
)
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Mapping, Node, Scalar, Sequence, kind
from backtrace.spec.model import Clip, Loss, Optimizer, Regularization, Schedule, Stop
from backtrace.spec.numbers import Number
from backtrace.spec.read.layers import named
from backtrace.spec.read.written_matrix import WrittenMatrix, read_matrix

RATE = msgspec.structs.replace(
    POSITIVE, mend="The rate is written without a minus; the update subtracts by itself."
)
CONSTANT_RANGES: dict[str, Range] = {
    "momentum": DECAYING,
    "beta1": DECAYING,
    "beta2": DECAYING,
    "decay": DECAYING,
    "rho": DECAYING,
    "epsilon": POSITIVE,
    "weight_decay": NOT_NEGATIVE,
    "momentum_decay": NOT_NEGATIVE,
}
RATE_RANGES = {"factor": FACTOR, "decay": NOT_NEGATIVE}


TRAINING_KEYS = ("epochs", "patience", "stop_at_loss")
MOST_EPOCHS = 1_000_000
ONE_ORDER = "The gradient of all samples at once is the same in any order."


class Updates(msgspec.Struct, frozen=True):
    """How the samples are taken: all at once (None) or so many, in an order of each epoch's own."""

    batch_size: int | None = None
    shuffle: bool = False


class LossDraft(msgspec.Struct):
    """The loss, with the upstream gradient before its shape is settled."""

    loss: Loss
    node: Node
    upstream: WrittenMatrix | None = None

    @property
    def takes(self) -> str:
        """The targets that it takes; a gradient that is given takes none."""
        return "none" if self.upstream else LOSSES[self.loss.name].targets


def read_loss(problems: Problems, node: Node) -> LossDraft | None:
    """``mse``, ``{name: half_sse, reduce: mean}`` or ``{upstream: [[1, 1]]}``."""
    if isinstance(node, Mapping) and "upstream" in node.entries:
        entries = Fields(problems, node, "an upstream gradient", ["upstream"])
        given = entries.get("upstream")
        upstream = None if given is None else read_matrix(problems, given, "the upstream gradient")
        return None if upstream is None else LossDraft(Loss("upstream", False), node, upstream)
    name, mapping = named(problems, node, "a loss", LOSSES)
    if not name:
        return None
    row = LOSSES[name]
    if mapping is None:
        return LossDraft(Loss(name, row.mean, dict(row.parameters)), node)
    entries = Fields(problems, mapping, f"the loss {name}", ["name", "reduce", *row.parameters])
    reduce = entries.choice("reduce", ("sum", "mean"), "mean" if row.mean else "sum")
    parameters = {k: entries.number(k, default, POSITIVE) for k, default in row.parameters.items()}
    return LossDraft(Loss(name, reduce == "mean", parameters), node)


def read_optimizer(problems: Problems, top: Fields, schedule: Schedule) -> Optimizer | None:
    """``optimizer:``, or ``learning_rate:``, its short form for sgd, or a list of rates alone."""
    node = top.get("optimizer")
    if "optimizer" in top and "learning_rate" in top:
        top.number("learning_rate", Number(1.0, "1"), RATE)
        problems.add(
            top.key("learning_rate"),
            "`learning_rate` beside `optimizer`",
            "one of the two, since `learning_rate: 0.1` is short for sgd",
            "Put it into the optimizer: `optimizer: {name: …, learning_rate: …}`.",
            code="E116",
        )
    if node is not None:
        return _read_optimizer(problems, node, schedule)
    if "learning_rate" in top and "optimizer" not in top:
        return Optimizer("sgd", top.number("learning_rate", Number(1.0, "1"), RATE))
    if schedule.rates:
        return Optimizer("sgd", schedule.rates[0])
    return None


def read_schedule(problems: Problems, node: Node | None) -> Schedule:
    """``{step: {every: 10, factor: 0.5}}`` and the like, or a list of rates."""
    if node is None:
        return Schedule()
    if isinstance(node, Sequence):
        rates = [number(problems, item, RATE, Number(1.0, "1")) for item in node.items]
        if not rates:
            problems.add(node, "an empty list of rates", "a rate for each update", code="E109")
        return Schedule("list", rates=tuple(rates))
    if not isinstance(node, Mapping):
        words = "a schedule such as {exponential: {factor: 0.9}}, or a list of rates"
        problems.add(node, kind(node), words, code="E110")
        return Schedule()
    entry = one_of(problems, node, "`schedule`", [name for name in SCHEDULES if name != "constant"])
    if entry is None:
        return Schedule()
    return _read_schedule(problems, entry.key.text, entry.value)


def read_clip(problems: Problems, node: Node | None) -> Clip | None:
    """``{norm: 1}``, of all gradients together, or ``{value: 0.5}``, entry by entry."""
    if node is None:
        return None
    if not isinstance(node, Mapping):
        problems.add(node, kind(node), "`{norm: 1}` or `{value: 0.5}`", code="E110")
        return None
    entry = one_of(problems, node, "`clip`", ("norm", "value"))
    if entry is None:
        return None
    limit = number(problems, entry.value, POSITIVE, Number(1.0, "1"))
    return Clip("norm" if entry.key.text == "norm" else "value", limit)


def read_regularization(problems: Problems, node: Node | None) -> Regularization | None:
    """``{l1: 0.01, l2: 0.1, form: half_lambda, biases: false}``."""
    known = ("l1", "l2", "form", "biases")
    entries = node and fields(problems, node, "`regularization`", known)
    if not entries:
        return None
    if "l1" not in entries and "l2" not in entries:
        problems.add(entries.node, "`regularization` without a λ", "`l1:` or `l2:`", code="E109")
    zero = Number(0.0, "0")
    form: Any = entries.choice("form", FORMS, "half_lambda")
    return Regularization(
        l1=entries.number("l1", zero, NOT_NEGATIVE),
        l2=entries.number("l2", zero, NOT_NEGATIVE),
        form=form,
        biases=entries.flag("biases", default=False),
    )


def read_updates(problems: Problems, node: Node | None) -> Updates:
    """``batch``, ``online`` or ``{batch_size: 2, shuffle: true}``."""
    if node is None:
        return Updates()
    if not isinstance(node, Mapping):
        way = choice(problems, node, ("batch", "online"), "batch", ["{batch_size: 2}"])
        return Updates(1 if way == "online" else None)
    entries = Fields(problems, node, "`updates`", ["batch_size", "shuffle"])
    shuffle = entries.flag("shuffle", default=False)
    if "batch_size" in entries:
        return Updates(entries.whole("batch_size", 1, 1), shuffle)
    found = "`shuffle` without `batch_size`" if shuffle else "`updates` without `batch_size`"
    expected = "`{batch_size: 2, shuffle: true}`" if shuffle else "`{batch_size: 2}`"
    problems.add(node, found, expected, ONE_ORDER if shuffle else "", code="E109")
    return Updates()


def read_training(
    problems: Problems, node: Node | None, loss: LossDraft | None
) -> tuple[int | None, Stop]:
    """``training: {epochs: 500, patience: 20, stop_at_loss: 0.01}``; its epochs (None: those of
    the trace), and when it stops before."""
    entries = node and fields(problems, node, "`training`", TRAINING_KEYS)
    if not entries:
        return None, Stop()
    if not entries.node.entries:
        problems.add(
            entries.node, "`training` without a key", "`training: {epochs: 500}`", code="E109"
        )
    signed = loss is None or loss.loss.name == "output"  # the sum of the outputs may be negative
    smallest = entries.number("stop_at_loss", Number(0.0, "0"), ANY if signed else NOT_NEGATIVE)
    stop = Stop(
        loss=smallest if "stop_at_loss" in entries else None,
        patience=entries.whole("patience", 1, 1) if "patience" in entries else None,
    )
    return entries.whole("epochs", 1, 1, MOST_EPOCHS) if "epochs" in entries else None, stop


def _read_optimizer(problems: Problems, node: Node, schedule: Schedule) -> Optimizer | None:
    name, mapping = named(problems, node, "an optimizer", OPTIMIZERS)
    if not name:
        return None
    row = OPTIMIZERS[name]
    known = ["name", "learning_rate", *row.constants, *row.aliases]
    known += ["form"] if row.forms else []
    entries = None if mapping is None else Fields(problems, mapping, f"the optimizer {name}", known)
    rate = _read_rate(problems, node, entries, row.rate, schedule)
    if entries is None:
        return Optimizer(name, rate, dict(row.constants), row.forms[0] if row.forms else None)
    form = entries.choice("form", row.forms, row.forms[0]) if row.forms else None
    constants = {
        key: _read_constant(problems, entries, key, default, row.aliases)
        for key, default in row.constants.items()
    }
    return Optimizer(name, rate, constants, form)


def _read_rate(
    problems: Problems, node: Node, entries: Fields | None, own: Number | None, schedule: Schedule
) -> Number:
    default = schedule.rates[0] if schedule.rates else own or Number(1.0, "1")
    if entries is not None and "learning_rate" in entries:
        return entries.number("learning_rate", default, RATE)
    if not schedule.rates and own is None:
        name = node.text if isinstance(node, Scalar) else "…"
        problems.add(
            node,
            "an optimizer without `learning_rate`",
            "`learning_rate:`",
            f"Write `optimizer: {{name: {name}, learning_rate: 0.1}}`.",
            code="E109",
        )
    return default


def _read_constant(
    problems: Problems, entries: Fields, key: str, default: Number, aliases: dict[str, str]
) -> Number:
    """A constant under its own name or one of those that other books use."""
    said = [name for name in (key, *aliases) if name in entries and aliases.get(name, key) == key]
    for name in said[1:]:
        found = f"`{name}` beside `{said[0]}`"
        problems.add(entries.key(name), found, "one of the two", "They mean the same.", code="E116")
    return entries.number(said[0], default, CONSTANT_RANGES.get(key, ANY)) if said else default


def _read_schedule(problems: Problems, name: str, node: Node) -> Schedule:
    wanted = SCHEDULES[name].constants
    entries = fields(problems, node, f"the schedule {name}", wanted)
    if entries is None:
        return Schedule()
    constants: dict[str, Number] = {}
    for key in wanted:
        entries.require(key, f"Write `{name}: {{{', '.join(f'{k}: …' for k in wanted)}}}`.")
        if key == "every":
            every = entries.whole(key, 1, 1)
            constants[key] = Number(every, str(every))
        else:
            constants[key] = entries.number(key, Number(1.0, "1"), RATE_RANGES[key])
    return Schedule(name, constants)
