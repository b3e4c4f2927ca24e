"""Every mistake of the catalogue, as another rule for one line of a network.

Written from the catalogue's one-line descriptions alone. A ``Wrong`` stands for one student who
works that line by it, once, and everything else as it should be.
"""

import re
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from tests.check.handwork import Rule, total, turned, with_ones, without_bias
from tests.check.textbook import activation, softmax

MEANT = ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus")


class Wrong(NamedTuple):
    """``rule`` stands in for the line's own. A given matrix may be ``misread``: (id, values), in
    this line alone where ``once``, else wherever it is used. ``free``: the result has a shape of
    its own, with which no later line can be worked."""

    code: str
    id: str
    rule: Rule | None
    misread: tuple | None = None
    once: bool = False
    free: bool = False


CATALOGUE = {}


def wrong(code, *kinds):
    """Registers a function (work, line) → wrong rules for lines of these kinds."""

    def register(function):
        for kind in kinds:
            CATALOGUE.setdefault(code, {}).setdefault(kind, []).append(function)
        return function

    return register


def wrong_rules(work, line, codes=None):
    """Every Wrong at one line, of these codes (all where None), misreadings apart."""
    for code, kinds in CATALOGUE.items():
        if codes is not None and code not in codes:
            continue
        for function in kinds.get(line.kind, ()):
            for made in function(work, line):
                free = isinstance(made, Free)
                rule = made.rule if free else made
                yield Wrong(code, line.id, rule, free=free)


class Free(NamedTuple):
    rule: Rule


def right(line):
    return line.rules[0]


def after(rule, change):
    """The rule's result, changed."""
    return Rule(rule.reads, lambda *xs: change(rule.work(*xs)))


def softmaxed(work, layer):
    return work.spec.layers[layer - 1].activation.name == "softmax"


# Forward


@wrong("bias-omitted", "z")
def _(work, line):
    if work.has_bias(line.layer):
        yield Rule(right(line).reads[:1], lambda product: product)


@wrong("bias-omitted", "product")
def _(work, line):
    """A bias in the weights: its 1 is forgotten."""
    inside = work.inside(line.layer)
    if inside:
        bare = slice(1, None) if inside == "first" else slice(None, -1)
        yield Rule(right(line).reads, lambda a, w: a[..., bare] @ without_bias(w, inside))


@wrong("activation-omitted", "a")
def _(work, line):
    inside = work.inside(line.layer + 1)
    yield Rule(right(line).reads, lambda z: with_ones(z, inside))


@wrong("wrong-activation", "a")
def _(work, line):
    inside = work.inside(line.layer + 1)
    for name in meant_instead(work, line):
        value = activation(name).value
        yield Rule(right(line).reads, lambda z, value=value: with_ones(value(z), inside))


@wrong("wrong-activation", "g")
def _(work, line):
    if softmaxed(work, line.layer):
        return
    for name in meant_instead(work, line):
        if name != "softmax":
            yield Rule(right(line).reads, activation(name).slope)


def meant_instead(work, line):
    own = work.spec.layers[line.layer - 1]
    others = [name for name in MEANT if name != own.activation.name]
    many = own.units > 1 and own.activation.name != "softmax"
    return [*others, "softmax"] if many else others


@wrong("softmax-wrong-axis", "a")
def _(work, line):
    if softmaxed(work, line.layer):
        inside = work.inside(line.layer + 1)
        yield Rule(right(line).reads, lambda z: with_ones(turned(softmax(turned(z))), inside))


@wrong("preactivation-for-activation", "product", "dW", "data_dW")
def _(work, line):
    if line.layer < 2 or summed_up(line):
        return
    inside, rule = work.inside(line.layer), right(line)
    z = work.name(f"z{line.layer - 1}", line.where)
    yield Rule((z, rule.reads[1]), lambda z, other: rule.work(with_ones(z, inside), other))


@wrong("weights-not-transposed", "product")
def _(work, line):
    """Where the page says A·Wᵀ or Wᵀ·A."""
    c = work.spec.conventions
    transposes = (c.layout, c.weights) in (("rows", "out_in"), ("columns", "in_out"))
    if transposes and is_square(work.shapes[right(line).reads[1]]):
        yield Rule(right(line).reads, lambda a, w: a @ turned(w))


@wrong("weights-not-transposed", "da")
def _(work, line):
    c = work.spec.conventions
    transposes = (c.layout, c.weights) in (("rows", "in_out"), ("columns", "out_in"))
    weights = right(line).reads[-1]
    if weights[0] == "W" and transposes:
        inside = work.inside(line.layer + 1)
        if is_square(without_bias(np.empty(work.shapes[weights]), inside).shape):
            yield Rule(right(line).reads, lambda d, w: d @ without_bias(w, inside))


def is_square(shape):
    return shape[0] == shape[1] > 1


# One product for another


@wrong("hadamard-for-matrix-product", "product", "dW", "data_dW", "da")
def _(work, line):
    rule = right(line)
    if summed_up(line) or (line.kind == "da" and rule.reads[-1][0] != "W"):
        return
    over = 1
    if line.kind in ("dW", "data_dW"):
        over = gradient_mean(work, line)
    inside = work.inside(line.layer + 1) if line.kind == "da" else ""
    first, second = (work.shapes[id] for id in rule.reads)
    one, other = {
        "product": (lambda a: a, lambda w: w),
        "da": (lambda d: d, lambda w: turned(without_bias(w, inside))),
    }.get(line.kind, (turned, lambda d: d))
    if one(np.empty(first)).shape == other(np.empty(second)).shape == work.shapes[line.id]:
        yield Rule(rule.reads, lambda x, y: one(x) * other(y) / over)


@wrong("matrix-product-for-hadamard", "delta")
def _(work, line):
    rule = right(line)
    if rule.reads[0][:2] != "da" or softmaxed(work, line.layer):
        return
    if is_square(work.shapes[line.id]):
        rows = work.spec.conventions.layout == "rows"
        yield Rule(rule.reads, lambda da, g: da @ g if rows else g @ da)


@wrong("transposed", "z", "a", "g", "delta", "da", "dW", "W_new", "data_dW")
def _(work, line):
    if is_square(work.shapes[line.id]):
        yield after(right(line), turned)


# Signs, halves and 1/n


SIGNED = (
    *("product", "z", "a", "error", "loss_terms", "loss", "data_loss", "penalty", "loss_after"),
    *("da", "g", "delta", "dW", "db", "data_dW", "W_new", "b_new"),
)


@wrong("sign-flipped", *SIGNED)
def _(work, line):
    yield after(right(line), lambda x: -x)


@wrong("half-factor", "loss_terms", "loss", "data_loss")
def _(work, line):
    if "data_loss" in right(line).reads[0]:
        return
    for factor in (0.5, 2.0):
        yield after(right(line), lambda x, factor=factor: factor * x)


@wrong("half-factor", "da", "delta")
def _(work, line):
    if line.layer == work.last:
        for factor in (0.5, 2.0):
            yield after(right(line), lambda x, factor=factor: factor * x)


@wrong("half-factor", "dW", "db")
def _(work, line):
    """A factor in one gradient alone; n has a name of its own."""
    n = work.samples[line.where]
    for factor in (0.5, 2.0):
        if not summed_up(line) and factor not in (n, 1 / n):
            yield after(right(line), lambda x, factor=factor: factor * x)


def gradient_mean(work, line):
    late = work.averaged and work.mean_in == "gradient"
    return work.samples[line.where] if late else 1


def takes_mean(work, line):
    """Whether the spec's 1/n enters in this line."""
    if line.kind in ("loss", "data_loss"):
        return right(line).reads[0].startswith("loss_terms")
    early = work.mean_in == "delta"
    if line.kind in ("da", "delta"):
        output = line.layer == work.last and "y" in reading_words(line)
        return early and output
    return not early and line.kind in ("dW", "db", "data_dW", "data_db") and not summed_up(line)


def reading_words(line):
    """``y`` where the line is worked from the targets, directly or through the error."""
    words = {re.sub(r"[\d@.]", "", id) for id in right(line).reads}
    return {"y"} if words & {"y", "error"} else words


def summed_up(line):
    return any("data" in id for id in right(line).reads)


@wrong("mean-omitted", "loss", "data_loss", "da", "delta", "dW", "db", "data_dW", "data_db")
def _(work, line):
    n = work.samples[line.where]
    if work.averaged and takes_mean(work, line):
        yield after(right(line), lambda x: n * x)


@wrong("mean-twice", "loss", "data_loss", "da", "delta", "dW", "db", "data_dW", "data_db")
def _(work, line):
    n = work.samples[line.where]
    output = line.layer == work.last and line.kind in ("da", "delta")
    if work.averaged and (output or line.kind not in ("da", "delta")) and not summed_up(line):
        yield after(right(line), lambda x: x / n)


@wrong("wrong-log-base", "loss_terms")
def _(work, line):
    if work.spec.loss.name not in ("cross_entropy", "binary_cross_entropy"):
        return
    for base in (10.0, 2.0):
        yield after(right(line), lambda x, base=base: x / np.log(base))


# Backward


@wrong("activation-derivative-omitted", "delta")
def _(work, line):
    name = work.spec.layers[line.layer - 1].activation.name
    if right(line).reads[0][:2] == "da" and name not in ("relu", "linear"):
        yield Rule(right(line).reads[:1], lambda da: da)


@wrong("relu-mask-ignored", "delta")
def _(work, line):
    if work.spec.layers[line.layer - 1].activation.name == "relu":
        yield Rule(right(line).reads[:1], lambda da: da)


@wrong("derivative-at-activation", "g")
def _(work, line):
    own, bare = work.spec.layers[line.layer - 1].activation, work.without_ones(line.layer)
    slope = activation(own.name, own.parameters).slope
    yield Rule((work.name(f"a{line.layer}", line.where),), lambda a: slope(a[..., bare]))


@wrong("z-times-slope", "g")
def _(work, line):
    own = work.spec.layers[line.layer - 1].activation
    if not softmaxed(work, line.layer) and own.name != "linear":
        slope = activation(own.name, own.parameters).slope
        z = work.name(f"z{line.layer}", line.where)
        yield Rule((z,), lambda z: z * slope(z))


@wrong("updated-weights-used", "da")
def _(work, line):
    rule = right(line)
    if rule.reads[-1][0] != "W" or "_new" in rule.reads[-1].partition("@")[0]:
        return
    new = f"W{line.layer + 1}_new"
    if new in work.names[line.where]:
        yield Rule((rule.reads[0], work.name(new, line.where)), rule.work)


@wrong("bias-in-backward", "da")
def _(work, line):
    rule = right(line)
    if rule.reads[-1][0] != "W":
        return
    for layer in (line.layer, line.layer + 1):
        if layer >= 1 and work.has_bias(layer):
            bias = work.name(f"b{layer}", line.where)
            if work.shapes[bias] == (1, work.shapes[line.id][1]):
                yield Rule((*rule.reads, bias), lambda d, w, b: rule.work(d, w) + b)


@wrong("batch-not-summed", "dW", "data_dW")
def _(work, line):
    rule = right(line)
    if not summed_up(line):
        for s in range(work.samples[line.where]):
            one = slice(s, s + 1)
            yield Rule(rule.reads, lambda a, d, one=one: rule.work(a[..., one, :], d[..., one, :]))


@wrong("batch-not-summed", "db", "data_db")
def _(work, line):
    rule, n = right(line), work.samples[line.where]
    if summed_up(line) or n == 1:
        return
    for s in range(n):
        yield Rule(rule.reads, lambda d, s=s: rule.work(d[..., s : s + 1, :]))
    if work.bias_kind(line.layer) == "added" and line.kind == "db":
        over = gradient_mean(work, line)
        yield Free(Rule(rule.reads, lambda d: d / over))


# Penalty and update


@wrong("penalty-omitted", "loss")
def _(work, line):
    if work.spec.regularization is not None and "data" in right(line).reads[0]:
        yield Rule(right(line).reads[:1], lambda data: data)


@wrong("penalty-omitted", "dW", "db")
def _(work, line):
    if summed_up(line):
        yield Rule(right(line).reads[:1], lambda data: data)


def penalty_slope(work, line, w):
    """λ's part of the gradient of every entry of w, from the definition."""
    part, n = work.spec.regularization, work.samples[line.where]
    l1, l2 = float(part.l1), float(part.l2)
    if part.form == "lambda_over_2n":
        return (l2 * w + l1 * np.sign(w)) / n
    return (2 if part.form == "lambda" else 1) * l2 * w + l1 * np.sign(w)


@wrong("penalty-on-bias", "db")
def _(work, line):
    if work.spec.regularization is None or work.spec.regularization.biases:
        return
    rule, bias = right(line), work.name(f"b{line.layer}", line.where)
    yield Rule((*rule.reads, bias),
               lambda d, b: rule.work(d) + work.turn * penalty_slope(work, line, b))  # fmt: skip


@wrong("penalty-on-bias", "dW")
def _(work, line):
    """A bias in the weights is penalised with them."""
    inside = work.inside(line.layer)
    if inside and work.spec.regularization is not None and not work.spec.regularization.biases:
        yield Rule(right(line).reads, lambda g, w: g + work.turn * penalty_slope(work, line, w))


@wrong("penalty-misderived", "dW")
def _(work, line):
    """The penalty itself added for its derivative, or that of the other penalty."""
    part = work.spec.regularization
    if not summed_up(line) or bool(float(part.l1)) == bool(float(part.l2)):
        return
    if work.inside(line.layer):
        return
    others = (np.abs, np.ones_like) if float(part.l1) else (np.square, np.abs, np.sign)
    for other in others:
        yield Rule(right(line).reads, lambda g, w, other=other: g + work.turn * (
            penalty_slope(work, line, np.ones_like(w)) * other(w)))  # fmt: skip


@wrong("penalty-on-bias", "penalty")
def _(work, line):
    """Over every parameter there is, biases in the weights included."""
    part, n = work.spec.regularization, work.samples[line.where]
    everything = tuple(work.name(id, line.where) for id in work.parameters())
    inside = any(work.inside(layer) for layer in range(1, work.last + 1))
    if part.biases or not (inside or len(everything) > work.last):
        return
    half = {"half_lambda": 0.5, "lambda": 1.0, "lambda_over_2n": 0.5 / n}[part.form]
    once = 1 / n if part.form == "lambda_over_2n" else 1.0

    def penalty(*ws):
        squares, absolutes = sum(total(w**2) for w in ws), sum(total(np.abs(w)) for w in ws)
        return half * float(part.l2) * squares + once * float(part.l1) * absolutes

    yield Rule(everything, penalty)


@wrong("learning-rate-omitted", "W_new", "b_new")
def _(work, line):
    if work.spec.optimizer.name == "sgd":
        yield Rule(right(line).reads, lambda w, g: w - work.turn * g)


@wrong("learning-rate-omitted", "step_W", "step_b")
def _(work, line):
    chosen = work.spec.optimizer
    if chosen.form != "step" and chosen.name != "adamw":
        yield after(right(line), lambda step: step / float(chosen.learning_rate))


@wrong("ascent-for-descent", "W_new", "b_new")
def _(work, line):
    """+ for −, whatever the line adds to the old parameter."""
    rule = right(line)
    yield Rule(rule.reads, lambda w, g: 2 * w - rule.work(w, g))


@wrong("ascent-for-descent", "step_W", "step_b")
def _(work, line):
    if work.spec.optimizer.form != "step":
        yield after(right(line), lambda step: -step)


@wrong("rate-misread", "W_new", "b_new")
def _(work, line):
    """The point of η moved, but for an η of 1, which is no η."""
    rule, chosen = right(line), work.spec.optimizer
    if chosen.name == "sgd":
        for factor in (10, 0.1):
            if abs(factor * float(chosen.learning_rate) - 1) > 1e-9:
                yield Rule(rule.reads, lambda w, g, k=factor: w + k * (rule.work(w, g) - w))


@wrong("rate-misread", "step_W", "step_b")
def _(work, line):
    chosen = work.spec.optimizer
    if chosen.form != "step" and chosen.name != "adamw":
        for factor in (10, 0.1):
            if abs(factor * float(chosen.learning_rate) - 1) > 1e-9:
                yield after(right(line), lambda step, k=factor: k * step)


@wrong("update-omitted", "W_new", "b_new")
def _(work, line):
    if work.spec.backpropagate_through == "old" or line.kind == "b_new":
        yield Rule(right(line).reads, lambda w, change: w)


# Misreadings of a given number


def misreadings(texts):
    """Every ``texts`` of a given matrix with one number read as another, though not as 0: that
    would be the same as leaving the number out."""
    for place in np.ndindex(texts.shape):
        for text in read_as(texts, place):
            if float(text) not in (0.0, float(texts[place])):
                changed = texts.copy()
                changed[place] = text
                yield changed


def read_as(texts, place):
    text = texts[place]
    sign, bare = ("-", text[1:]) if text[0] == "-" else ("", text)
    if sign:
        yield bare
    yield from (sign + swapped for swapped in _swaps(bare))
    yield from _neighbours(texts, place)
    yield from (sign + f"{float(bare) * factor:.6g}" for factor in (10, 0.1))
    for i, digit in enumerate(bare):
        if digit.isdigit():
            yield from (f"{sign}{bare[:i]}{d}{bare[i + 1 :]}" for d in "0123456789" if d != digit)


def _swaps(bare):
    places = [i for i, c in enumerate(bare) if c.isdigit()]
    for i, j in pairwise(places):
        letters = list(bare)
        letters[i], letters[j] = letters[j], letters[i]
        yield "".join(letters)


def _neighbours(texts, place):
    for step in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        row, column = place[0] + step[0], place[1] + step[1]
        if 0 <= row < texts.shape[0] and 0 <= column < texts.shape[1]:
            yield texts[row, column]


def given_texts(work):
    """The texts of what the spec gives, by id, a sample a row, as far as they are in update 1."""
    spec, n = work.spec, work.samples[""]
    found = {"a0": _turned_texts(work, "a", spec.inputs)[:n]}
    if spec.targets is not None:
        found["y"] = _turned_texts(work, "y", spec.targets)[:n]
    for number, layer in enumerate(spec.layers, 1):
        found[f"W{number}"] = _turned_texts(work, "W", layer.weights)
        if layer.bias.values is not None:
            found[f"b{number}"] = _turned_texts(work, "b", layer.bias.values)
    return found


def _turned_texts(work, kind, matrix):
    return work.page(kind, np.array(matrix.written, dtype=object))


def misread_values(work, id, texts):
    values = texts.astype(float)
    return with_ones(values, work.inside(1)) if id == "a0" else values


def first_use(work, id):
    return next((line.id for line in work.lines.values() if id in right(line).reads), None)
