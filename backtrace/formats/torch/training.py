"""The optimizer, the schedule and the epochs of a spec as the lines of a PyTorch program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.torch.network import parameters
from backtrace.formats.torch.objective import arguments, data_loss, ends_at_z
from backtrace.formats.torch.python_text import constant, factor, remark
from backtrace.functions.number import Number
from backtrace.spec.model import Optimizer, Schedule, Spec
from backtrace.tape.accuracy import classes
from backtrace.tape.compile import trained_ids

SHOWN_EPOCHS = 10  # lines that a training prints, beside the first
ALL = "net.parameters()"
ADAPTIVE = {"adagrad": "AdaGrad", "rmsprop": "RMSProp", "adam": "Adam", "adamw": "AdamW"}


def trains(spec: Spec) -> bool:
    """Whether an update changes anything."""
    return bool(trained_ids(spec))


# --- the samples of an update


def batches(spec: Spec) -> list[str]:
    """The definition of the samples of every update; nothing where all go at once."""
    size = spec.batch_size
    if size is None or (size >= spec.samples and not spec.shuffle):
        return []
    if not spec.shuffle:
        return [f"batches = torch.arange(len(x)).split({size})  # the samples of each update"]
    return [
        "def batches(epoch):",
        '    """The samples of each update, in an order of the seed and the epoch."""',
        f"    order = np.random.default_rng([{spec.seed or 0}, epoch]).permutation(len(x))",
        f"    return torch.from_numpy(order).split({size})",
    ]


def first_batch(spec: Spec) -> str:
    """The expression of the first update's samples; empty where that is all of them."""
    if not batches(spec):
        return ""
    return "batches(1)[0]" if spec.shuffle else "batches[0]"


def taken(spec: Spec, batch: str) -> str:
    """The arguments of the loss, those of the samples ``batch`` where it is not empty."""
    assert spec.loss is not None
    index = f"[{batch}]" if batch else ""
    return ", ".join(f"{name}{index}" for name in arguments(spec.loss))


# --- the optimizer


def optimizer(spec: Spec, lost: Sequence[str] = ()) -> list[str]:
    """What stands before the epochs: the frozen parameters, the optimizer and the schedule.

    ``lost`` are the ids whose first gradients are no more than roundings.
    """
    assert spec.optimizer is not None
    frozen = [p.target for p in parameters(spec) if p.id in spec.freeze]
    lines = [f"{target}.requires_grad_(False)  # frozen" for target in frozen]
    trained = ALL
    if lines:
        lines.append("trained = [p for p in net.parameters() if p.requires_grad]")
        trained = "trained"
    if _by_hand(spec):
        return [*lines, *_velocity(spec, trained)]
    chosen = spec.optimizer
    if (chosen.name, chosen.form) in REMARKS:
        lines += remark(REMARKS[chosen.name, chosen.form])
    trained_on = [id for id in lost if id not in spec.freeze]
    if chosen.name in ADAPTIVE and trained_on:
        lines += remark(
            f"No more than roundings: the first gradients of {', '.join(trained_on)}. "
            f"{ADAPTIVE[chosen.name]} divides by the size of a gradient, so that these may train "
            "otherwise here than in the spec's own training."
        )
    lines.append(f"optimizer = torch.optim.{_call(spec, chosen, trained)}")
    if spec.schedule.kind != "constant":
        lines += _schedule(spec.schedule)
    return lines


def _by_hand(spec: Spec) -> bool:
    """Momentum whose v is the step itself: PyTorch's is another rule once the rate changes."""
    form = spec.optimizer.form if spec.optimizer is not None else None
    return form == "step" and spec.schedule.kind != "constant"


REMARKS: dict[tuple[str, str | None], str] = {
    ("momentum", "step"): (
        "The spec's v is the step itself, v ← βv − ηg; PyTorch's has η outside, the steps are the "
        "same."
    ),
    ("momentum", "ema"): (
        "The spec's v averages the gradients, v ← βv + (1 − β)g; PyTorch's adds them up, so the "
        "rate has the factor 1 − β."
    ),
}


def _call(spec: Spec, chosen: Optimizer, trained: str) -> str:
    c = chosen.constants
    listed = spec.schedule.kind == "list"
    rate = "1.0" if listed else constant(chosen.learning_rate)
    if chosen.name == "sgd":
        return f"SGD({trained}, lr={rate})"
    if chosen.name in ("momentum", "nesterov"):
        return f"SGD({trained}, {_momentum(chosen, rate)})"
    if chosen.name in ("adam", "adamw"):
        betas = f"betas=({constant(c['beta1'])}, {constant(c['beta2'])})"
        decay = f", weight_decay={constant(c['weight_decay'])}" if chosen.name == "adamw" else ""
        name = {"adam": "Adam", "adamw": "AdamW"}[chosen.name]
        return f"{name}({trained}, lr={rate}, {betas}, eps={constant(c['epsilon'])}{decay})"
    if chosen.name == "adagrad":
        return f"Adagrad({trained}, lr={rate}, eps={constant(c['epsilon'])})"
    if chosen.name == "rmsprop":
        alpha, eps = constant(c["decay"]), constant(c["epsilon"])
        return f"RMSprop({trained}, lr={rate}, alpha={alpha}, eps={eps})"
    raise NotExpressibleError(f"the optimizer {chosen.name} has no counterpart in PyTorch")


def _momentum(chosen: Optimizer, rate: str) -> str:
    beta = chosen.constants["momentum"]
    if chosen.form == "ema":
        rate = f"(1 - {factor(beta)}) * {rate}"
    # without momentum there is nothing to look ahead with, and PyTorch refuses
    nesterov = ", nesterov=True" if chosen.name == "nesterov" and float(beta) != 0 else ""
    return f"lr={rate}, momentum={constant(beta)}{nesterov}"


def _schedule(schedule: Schedule) -> Iterator[str]:
    if schedule.kind == "list":
        yield f"rates = [{', '.join(constant(rate) for rate in schedule.rates)}]"
    yield "schedule = torch.optim.lr_scheduler.LambdaLR("
    yield f"    optimizer, lambda t: {_factor_at_t(schedule)}  # t counts updates from 0"
    yield ")"


def _factor_at_t(schedule: Schedule) -> str:
    c: dict[str, Number] = schedule.constants
    if schedule.kind == "step":
        return f"{factor(c['factor'])} ** (t // {constant(c['every'])})"
    if schedule.kind == "exponential":
        return f"{factor(c['factor'])}**t"
    if schedule.kind == "inverse_time":
        return f"1 / (1 + {factor(c['decay'])} * t)"
    if schedule.kind == "list":
        return "rates[min(t, len(rates) - 1)]"
    raise NotExpressibleError(f"the schedule {schedule.kind} has no counterpart in PyTorch")


def _velocity(spec: Spec, trained: str) -> Iterator[str]:
    """Momentum in the form v ← βv − ηg, w ← w + v, with a rate that changes."""
    assert spec.optimizer is not None
    base = "" if spec.schedule.kind == "list" else f"{factor(spec.optimizer.learning_rate)} * "
    if spec.schedule.kind == "list":
        yield f"rates = [{', '.join(constant(rate) for rate in spec.schedule.rates)}]"
    if trained == ALL:
        yield "trained = list(net.parameters())"
    yield "velocity = [torch.zeros_like(p) for p in trained]"
    yield from ("t = 0  # the updates behind it", "", "")
    yield "def step():"
    yield '    """v ← βv − ηg, w ← w + v: the rate is in v, in PyTorch\'s momentum it is not."""'
    yield "    global t"
    yield "    with torch.no_grad():"
    yield "        for p, v in zip(trained, velocity):"
    beta = factor(spec.optimizer.constants["momentum"])
    yield f"            v.mul_({beta}).sub_({base}{_in_product(spec.schedule)} * p.grad)"
    yield "            p.add_(v)"
    yield "    t += 1"


def _in_product(schedule: Schedule) -> str:
    text = _factor_at_t(schedule)
    return f"({text})" if schedule.kind == "inverse_time" else text


# --- the epochs


def training(spec: Spec) -> list[list[str]]:
    """The report of an epoch and the loop over them, a block each."""
    blocks = [[f"EPOCHS, SHOWN = {spec.epochs_of_training}, {_shown(spec)}"]]
    if _shown(spec) == 1:
        blocks = [[f"EPOCHS = {spec.epochs_of_training}"]]
    if classes(spec):
        blocks.append(_accuracy(spec))
    blocks.append(list(_report(spec)))
    stops = spec.keeps_best or spec.stop.loss is not None
    blocks.append(list(_watched(spec) if stops else _epochs(spec)))
    return blocks


def _shown(spec: Spec) -> int:
    """Every how many epochs one is printed."""
    return max(1, spec.epochs_of_training // SHOWN_EPOCHS)


def _accuracy(spec: Spec) -> list[str]:
    words = "The share of samples whose largest output is that of their class."
    right = "net(x).argmax(1) == y.argmax(1)"
    if spec.layers[-1].units == 1:
        words = "The share of samples whose output lies on the right side of one half."
        right = "(net(x) >= 0.5) == (y >= 0.5)"
        if ends_at_z(spec):
            words = "The share of samples whose z lies on the right side of 0, so σ(z) of one half."
            right = "(net(x) >= 0) == (y >= 0.5)"
    return ["def accuracy(x, y):", f'    """{words}"""', f"    return ({right}).double().mean()"]


def _report(spec: Spec) -> Iterator[str]:
    yield "def report(epoch):"
    yield "    with torch.no_grad():"
    yield f'        line = f"epoch {{epoch:4}}  loss {{loss({taken(spec, "")}):.6g}}"'
    if classes(spec):
        yield '        line += f"  accuracy {accuracy(x, y):.1%}"'
    if spec.validation is not None:
        held = _held_out(spec)
        yield f'        line += f"  held out: loss {{{data_loss(spec)}({held}):.6g}}"'
        if classes(spec):
            yield f'        line += f"  accuracy {{accuracy({held}):.1%}}"'
    yield "    print(line)"


def _held_out(spec: Spec) -> str:
    assert spec.loss is not None
    return ", ".join(f"{name}_held_out" for name in arguments(spec.loss))


def _epochs(spec: Spec) -> Iterator[str]:
    yield "report(0)"
    yield "for epoch in range(1, EPOCHS + 1):"
    yield from _updates(spec, "    ")
    if _shown(spec) == 1:
        yield "    report(epoch)"
        return
    yield "    if epoch % SHOWN == 0 or epoch == EPOCHS:"
    yield "        report(epoch)"


def _updates(spec: Spec, indent: str) -> Iterator[str]:
    """The updates of one epoch."""
    index = ""
    if batches(spec):
        of = "batches(epoch)" if spec.shuffle else "batches"
        yield f"{indent}for batch in {of}:"
        indent, index = f"{indent}    ", "batch"
    owner = "net" if _by_hand(spec) else "optimizer"
    yield f"{indent}{owner}.zero_grad()"
    yield f"{indent}loss({taken(spec, index)}).backward()"
    if _by_hand(spec):
        yield f"{indent}step()"
        return
    yield f"{indent}optimizer.step()"
    if spec.schedule.kind != "constant":
        yield f"{indent}schedule.step()"


def _watched(spec: Spec) -> Iterator[str]:
    """The epochs with what stops them and what is kept; the loss is taken before each."""
    judged = taken(spec, "") if spec.validation is None else _held_out(spec)
    name = "loss" if spec.validation is None else data_loss(spec)
    best = spec.keeps_best
    if best:
        yield 'lowest, best_epoch = float("inf"), 0'
    yield "for epoch in range(EPOCHS + 1):"
    yield "    if epoch > 0:  # the first round only measures the start"
    yield from _updates(spec, "        ")
    yield "    with torch.no_grad():"
    yield f"        judged = {name}({judged}).item()"
    if best:
        yield "    if judged < lowest:"
        yield "        lowest, best_epoch, best = judged, epoch, copy.deepcopy(net.state_dict())"
    yield from _shown_or_done(spec)
    if best:
        yield "net.load_state_dict(best)"
        yield 'print("The best is kept:")'
        yield "report(best_epoch)"


def _shown_or_done(spec: Spec) -> Iterator[str]:
    """Which epochs are printed, and, where something stops the training, after which it ends."""
    stops = ["epoch == EPOCHS"]
    if spec.stop.loss is not None:
        stops.append(f"judged <= {constant(spec.stop.loss)}")
    if spec.stop.patience is not None:
        stops.append(f"epoch - best_epoch >= {spec.stop.patience}")
    done = stops[0]
    if stops[1:]:
        yield f"    done = {' or '.join(stops)}"
        done = "done"
    if _shown(spec) == 1:
        yield "    report(epoch)"
    else:
        yield f"    if {done} or epoch % SHOWN == 0:"
        yield "        report(epoch)"
    if stops[1:]:
        yield "    if done:"
        yield "        break"
