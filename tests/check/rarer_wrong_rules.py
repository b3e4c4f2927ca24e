"""The rarer mistakes of the catalogue, as other rules for one line; see ``wrong_rules``."""

import re

import numpy as np

from backtrace.spec.model import Loss
from tests.check.handwork import Rule, total, turned, with_ones, without_bias
from tests.check.textbook import FROM_ERROR, loss_terms, sigmoid, slope_from_error
from tests.check.wrong_rules import Free, after, gradient_mean, right, summed_up, wrong


def own_activation(work, line):
    return work.spec.layers[line.layer - 1].activation.name


# Forward


@wrong("wrong-activation", "a")
def _(work, line):
    """Functions that are no activations: σ(−z), and the tangent of an angle."""
    other = {"sigmoid": lambda z: sigmoid(-z), "tanh": np.tan}.get(own_activation(work, line))
    inside = work.inside(line.layer + 1)
    if other is not None:
        yield Rule(right(line).reads, lambda z: with_ones(other(z), inside))


# Derivatives


@wrong("derivative-incomplete", "g")
def _(work, line):
    name, bare = own_activation(work, line), work.without_ones(line.layer)
    a = (work.name(f"a{line.layer}", line.where),)
    if name in ("sigmoid", "tanh"):
        yield Rule(a, lambda a: 1 - a[..., bare])
    if name == "sigmoid":
        yield Rule(a, lambda a: a[..., bare])


@wrong("preactivation-in-derivative", "g")
def _(work, line):
    short = {"sigmoid": lambda z: z * (1 - z), "tanh": lambda z: 1 - z**2}
    if own_activation(work, line) in short:
        z = (work.name(f"z{line.layer}", line.where),)
        yield Rule(z, short[own_activation(work, line)])


@wrong("derivative-not-cancelled", "delta")
def _(work, line):
    if line.layer == work.last and work.shortcut():
        rule, last = right(line), f"a{line.layer}"
        reads = (*rule.reads, work.name(last, line.where))
        yield Rule(reads, lambda *xs: rule.work(*xs[:-1]) * xs[-1] * (1 - xs[-1]))


@wrong("mean-over-outputs", "loss", "data_loss", "da", "delta")
def _(work, line):
    k = work.spec.layers[-1].units
    reads = {re.sub(r"[\d@.]", "", id) for id in right(line).reads}
    if k > 1 and reads & {"y", "error", "loss_terms"}:
        yield after(right(line), lambda x: x / k)


# Backward


def goes_back(work, line):
    """Whether a da has come back through weights, and was not given or worked from the loss."""
    return line.kind == "da" and right(line).reads[-1][0] == "W"


@wrong("old-weights-used", "da")
def _(work, line):
    if goes_back(work, line) and work.spec.backpropagate_through == "updated":
        old = work.name(f"W{line.layer + 1}", line.where)
        if old != right(line).reads[1]:
            yield Rule((right(line).reads[0], old), right(line).work)


@wrong("weights-omitted-going-back", "da")
def _(work, line):
    if goes_back(work, line):
        ones = np.ones((1, work.shapes[line.id][1]))
        yield Rule(right(line).reads[:1], lambda d: d.sum(axis=-1, keepdims=True) * ones)
        if work.shapes[right(line).reads[0]] == work.shapes[line.id]:
            yield Rule(right(line).reads[:1], lambda d: d)


@wrong("wrong-layer", "da", "dW", "data_dW")
def _(work, line):
    """Weights, or what came in, of another layer whose shapes are the same."""
    rule = right(line)
    if summed_up(line) or (line.kind == "da" and not goes_back(work, line)):
        return
    at, kind, own = (1, "W", line.layer + 1) if line.kind == "da" else (0, "a", line.layer - 1)
    for layer in range(work.last + 1):
        other = work.names[line.where].get(f"{kind}{layer}")
        same = other and layer != own and work.shapes[other] == work.shapes[rule.reads[at]]
        alike = same and work.inside(layer) == work.inside(own)
        if alike and not (kind == "a" and layer == work.last):
            reads = list(rule.reads)
            reads[at] = other
            yield Rule(tuple(reads), rule.work)


@wrong("value-for-error", "delta", "da", "dW", "data_dW")
def _(work, line):
    """An activation, a pre-activation or the loss where the gradient belongs."""
    rule = right(line)
    if summed_up(line):
        return
    at = 1 if line.kind in ("dW", "data_dW") else 0
    arrives = re.sub(r"[\d@.].*", "", rule.reads[at])
    layer = line.layer + 1 if line.kind == "da" else line.layer
    for other in taken_for(work, line, arrives, layer, rule.reads[at]):
        reads = list(rule.reads)
        reads[at] = other
        yield Rule(tuple(reads), rule.work)


@wrong("value-for-error", "delta", "da")
def _(work, line):
    """The same written down as δ or da. An error is δ without its slope, and an output where the
    error stands is a target taken for 0."""
    from_error = {re.sub(r"[\d@.].*", "", id) for id in right(line).reads} & {"y", "error"}
    for other in taken_for(work, line, line.kind, line.layer, line.id):
        kind = re.sub(r"[\d@.].*", "", other)
        if kind != "error" and not (from_error and kind == "a"):
            yield Rule((other,), lambda x: x)


def taken_for(work, line, kind, layer, id):
    """What may be taken for a δ or da of the same shape."""
    taken = {"da": ("a", "z"), "delta": ("a",)}.get(kind, ())
    names = [f"{kind}{layer}" for kind in taken]
    names += ["loss_terms"] if layer == work.last and taken else []
    names += ["error"] if layer == work.last and kind == "delta" else []
    for name in names:
        other = work.names[line.where].get(name)
        if other and work.shapes[other] == work.shapes[id]:
            yield other


@wrong("value-for-error", "da")
def _(work, line):
    """Of one sample: the entries of dW of the next layer, added up for every unit."""
    if goes_back(work, line) and work.samples[line.where] == 1:
        inside, over = work.inside(line.layer + 1), gradient_mean(work, line)
        a = work.name(f"a{line.layer}", line.where)
        yield Rule(
            (a, right(line).reads[0]),
            lambda a, d: turned(
                without_bias(turned(a) @ d / over, inside).sum(axis=-1, keepdims=True)
            ),
        )


@wrong("summed-wrong-axis", "db", "data_db")
def _(work, line):
    rule, turn = right(line), -1.0 if work.bias_kind(line.layer) == "threshold" else 1.0
    if summed_up(line) or work.bias_kind(line.layer) == "shared":
        return
    over, (n, units) = gradient_mean(work, line), work.shapes[rule.reads[0]]
    summed = Rule(rule.reads, lambda d: turned(turn * d.sum(axis=-1, keepdims=True)) / over)
    if n == units > 1:
        yield summed
    elif n > 1 and units > 1 and line.kind == "db":
        yield Free(summed)


# The loss


@wrong("complement-omitted", "loss_terms")
def _(work, line):
    if work.spec.loss.name == "binary_cross_entropy":
        yield Rule(
            right(line).reads, lambda a, y: loss_terms(Loss("cross_entropy", mean=False), a, y)
        )


@wrong("square-omitted", "loss_terms")
def _(work, line):
    factor = {"sse": 1.0, "half_sse": 0.5, "mse": 1.0, "half_mse": 0.5}.get(work.spec.loss.name)
    if factor:
        yield Rule(right(line).reads, lambda a, y: factor * np.abs(a - y))


SQUARES = ("sse", "half_sse", "mse", "half_mse", "mse_elements")


def others(work):
    """The losses that are taken for the exercise's: of another kind, not by a ½ or a 1/n."""
    own, last = work.spec.loss.name, work.spec.layers[-1].activation.name
    if own not in SQUARES:
        yield from ("half_sse", "sse")
    if own not in ("mae", "hinge"):
        yield "mae"
    probable = {"sigmoid": "binary_cross_entropy", "softmax": "cross_entropy"}
    if last in probable and own not in probable.values():
        yield probable[last]


@wrong("wrong-loss", "loss_terms")
def _(work, line):
    if "y" in right(line).reads:
        for name in others(work):
            other = Loss(name, mean=False)
            yield Rule(right(line).reads, lambda a, y, other=other: loss_terms(other, a, y))


@wrong("wrong-loss", "da")
def _(work, line):
    if line.layer != work.last or not {"y", "error"} & set(right(line).reads):
        return
    turn = work.turn
    over = work.samples[line.where] if work.averaged and work.mean_in == "delta" else 1
    reads = (work.name(f"a{line.layer}", line.where), work.name("y", line.where))
    for name in others(work):
        if name in FROM_ERROR and name != "mae":  # the sign of e is not what anyone takes
            yield Rule(
                reads,
                lambda a, y, name=name: (
                    turn * slope_from_error(Loss(name, mean=False), a - y) / over
                ),
            )


@wrong("broadcast-over-samples", "loss", "data_loss")
def _(work, line):
    """Every output against every target, as n × 1 minus n does it in NumPy: n² of them."""
    n, k = work.samples[line.where], work.spec.layers[-1].units
    loss, reads = work.spec.loss, set(right(line).reads)
    if n == 1 or k > 1 or loss.name not in FROM_ERROR or not any("loss_terms" in r for r in reads):
        return
    reads = (work.name(f"a{work.last}", line.where), work.name("y", line.where))
    for over in {n * n, n} if work.averaged else {1}:
        yield Rule(reads, lambda a, y, o=over: total(loss_terms(loss, a - turned(y), 0.0)) / o)


# The update


@wrong("old-value-dropped", "W_new", "b_new")
def _(work, line):
    rule = right(line)
    yield Rule(rule.reads, lambda w, change: rule.work(w, change) - w)


@wrong("velocity-omitted", "vW", "vb", "sW", "sb")
def _(work, line):
    """The gradient, or its square, in the place of what keeps a share of its past."""
    chosen = work.spec.optimizer
    if chosen.name in ("momentum", "nesterov") and chosen.form != "step":
        yield Rule(right(line).reads[1:], lambda g: g * 1.0)


@wrong("bias-correction-omitted", "mhatW", "mhatb", "vhatW", "vhatb")
def _(work, line):
    yield Rule(right(line).reads, lambda m: m * 1.0)


@wrong("square-omitted", "vW", "vb", "sW", "sb")
def _(work, line):
    constants = {key: float(value) for key, value in work.spec.optimizer.constants.items()}
    share = {"adam": "beta2", "adamw": "beta2", "rmsprop": "decay"}.get(work.spec.optimizer.name)
    if share:
        keep = constants[share]
        yield Rule(right(line).reads, lambda s, g: keep * s + (1 - keep) * g)
    elif work.spec.optimizer.name == "adagrad":
        yield Rule(right(line).reads, lambda s, g: s + g)


@wrong("rate-misread", "step_W", "step_b")
def _(work, line):
    """The point of η moved, where the step itself is written."""
    chosen = work.spec.optimizer
    if chosen.name != "adamw" and chosen.form != "step":
        for factor in (10, 0.1):
            if abs(factor * float(chosen.learning_rate) - 1) > 1e-9:
                yield after(right(line), lambda step, k=factor: k * step)


def exchanged(values):
    """A matrix with two of its rows, or of its columns, exchanged."""
    for axis in (0, 1):
        for one in range(values.shape[axis] - 1):
            order = np.arange(values.shape[axis])
            order[[one, one + 1]] = one + 1, one
            yield lambda x, axis=axis - 2, order=order: np.take(x, order, axis)


@wrong("entries-exchanged", "z", "a", "delta", "da", "dW", "W_new", "db")
def _(work, line):
    """Rows or columns of the result, each in the other's place; a 1 that is put to it stays."""
    if line.kind == "a" and work.inside(line.layer + 1):
        return
    for change in exchanged(np.empty(work.shapes[line.id])):
        yield after(right(line), change)
