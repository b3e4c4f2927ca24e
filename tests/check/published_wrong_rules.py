"""Mistakes found in published code and asked about, as other rules for one line; see
``wrong_rules``."""

import numpy as np

from tests.check.handwork import Rule
from tests.check.rarer_wrong_rules import own_activation
from tests.check.textbook import slope_from_outputs
from tests.check.wrong_rules import gradient_mean, right, softmaxed, summed_up, takes_mean, wrong

# Backward


def through_slope(work, line):
    """Whether a δ is da ⊙ g of a unit that is curved or off somewhere."""
    has_slope = right(line).reads[0][:2] == "da" and not softmaxed(work, line.layer)
    return has_slope and own_activation(work, line) != "linear"


@wrong("upstream-omitted", "delta")
def _(work, line):
    if through_slope(work, line):
        yield Rule(right(line).reads[1:], lambda g: g * 1.0)


@wrong("mask-of-gradient", "delta")
def _(work, line):
    if through_slope(work, line) and own_activation(work, line) == "relu":
        yield Rule(right(line).reads[:1], lambda da: np.maximum(da, 0))


@wrong("jacobian-diagonal-only", "delta")
def _(work, line):
    if right(line).reads[0][:2] == "da" and softmaxed(work, line.layer):
        a = work.name(f"a{line.layer}", line.where)
        if work.shapes[a] == work.shapes[line.id]:
            yield Rule((right(line).reads[0], a), lambda da, a: da * a * (1 - a))


@wrong("activation-derivative-omitted", "delta")
def _(work, line):
    """∂L/∂a where the short-cut has the slope in it."""
    if line.layer == work.last and work.shortcut():
        over = work.samples[line.where] if takes_mean(work, line) else 1
        reads = (work.name(f"a{line.layer}", line.where), work.name("y", line.where))
        loss, turn = work.spec.loss, work.turn
        yield Rule(reads, lambda a, y: turn * slope_from_outputs(loss, a, y) / over)


@wrong("summed-as-a-whole", "db", "data_db")
def _(work, line):
    if summed_up(line) or work.bias_kind(line.layer) not in ("added", "threshold"):
        return
    turn = -1.0 if work.bias_kind(line.layer) == "threshold" else 1.0
    over, (n, units) = gradient_mean(work, line), work.shapes[right(line).reads[0]]
    if n > 1 and units > 1:
        ones = np.ones((1, units))
        yield Rule(
            right(line).reads, lambda d: turn * d.sum(axis=(-2, -1), keepdims=True) * ones / over
        )


@wrong("value-for-error", "db", "data_db")
def _(work, line):
    """What the inputs' weights have of the gradient, added up."""
    if summed_up(line) or work.bias_kind(line.layer) != "added":
        return
    kind = "data_dW" if f"data_dW{line.layer}" in work.names[line.where] else "dW"
    dw = work.name(f"{kind}{line.layer}", line.where)
    yield Rule((dw,), lambda dw: dw.sum(axis=-2, keepdims=True))


# Updates


@wrong("value-for-error", "W_new", "b_new")
def _(work, line):
    """W − η·W."""
    if work.spec.optimizer.name == "sgd":
        yield Rule(right(line).reads[:1], lambda w: right(line).work(w, w))


def constants(work):
    return {key: float(value) for key, value in work.spec.optimizer.constants.items()}


def down(work):
    return -work.turn * float(work.spec.optimizer.learning_rate)


@wrong("velocity-form", "vW", "vb")
def _(work, line):
    chosen = work.spec.optimizer
    if chosen.name not in ("momentum", "nesterov"):
        return
    beta, rate, reads = constants(work)["momentum"], down(work), right(line).reads
    forms = {
        "accumulate": lambda v, g: beta * v + g,
        "step": lambda v, g: beta * v + rate * g,
        "ema": lambda v, g: beta * v + (1 - beta) * g,
    }
    own = "accumulate" if chosen.name == "nesterov" else chosen.form or "accumulate"
    yield from (Rule(reads, rule) for form, rule in forms.items() if form != own)


@wrong("velocity-form", "step_W", "step_b")
def _(work, line):
    """v itself; or −η·v; or the step of Nesterov."""
    chosen = work.spec.optimizer
    if chosen.name not in ("momentum", "nesterov"):
        return
    beta, rate = constants(work)["momentum"], down(work)
    v = (right(line).reads[-1],)
    if chosen.form != "step":
        yield Rule(v, lambda v: v * 1.0)
    if chosen.form == "step" or chosen.name == "nesterov":
        yield Rule(v, lambda v: rate * v)
    if chosen.name == "momentum":
        g = work.name(f"d{line.id.partition('@')[0].removeprefix('step_')}", line.where)
        yield Rule((g, *v), lambda g, v: rate * (g + beta * v))


@wrong("average-shares", "mW", "mb", "vW", "vb", "sW", "sb")
def _(work, line):
    """β and 1 − β the wrong way round, or one of them left out."""
    chosen, reads, of = work.spec.optimizer, right(line).reads, constants(work)
    if line.kind[0] == "m" or (chosen.name == "momentum" and chosen.form == "ema"):
        beta = of["beta1"] if line.kind[0] == "m" else of["momentum"]
        yield Rule(reads, lambda m, g: (1 - beta) * m + beta * g)
        if line.kind[0] == "m":
            yield Rule(reads, lambda m, g: beta * m + g)
    elif chosen.name in ("momentum", "nesterov"):
        if chosen.form != "step":
            yield Rule(reads, lambda v, g: v + g)
    elif chosen.name != "adagrad":
        beta = of["decay"] if chosen.name == "rmsprop" else of["beta2"]
        yield Rule(reads, lambda s, g: (1 - beta) * s + beta * g**2)
        yield Rule(reads, lambda s, g: beta * s + g**2)
        yield Rule(reads, lambda s, g: s + g**2)


@wrong("correction-of-another-step", "mhatW", "mhatb", "vhatW", "vhatb")
def _(work, line):
    """t begun at 2, or never raised."""
    beta = constants(work)["beta1" if line.kind[0] == "m" else "beta2"]
    own = right(line).work(np.ones((1, 1)))
    for t in (1, 2):
        if abs(1 / (1 - beta**t) - own) > 1e-9:
            yield Rule(right(line).reads, lambda m, t=t: m / (1 - beta**t))


@wrong("root-omitted", "step_W", "step_b")
def _(work, line):
    chosen = work.spec.optimizer
    if chosen.name in ("adam", "adagrad", "rmsprop"):
        rate, epsilon = down(work), constants(work)["epsilon"]
        yield Rule(right(line).reads[:2], lambda m, v: rate * m / (v + epsilon))
