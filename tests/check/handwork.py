"""A network worked by plain NumPy, a line at a time, each line a function of the lines it reads.

Written from the textbook formulas and sharing nothing with the program but the spec. Every matrix
here has a sample a row and weights in × out, a scalar is 1 × 1, and every function takes any
number of axes in front, so that thousands of slightly different sheets are worked at once. Signs
are those of the spec's convention; ``page`` turns a matrix as the spec's layout writes it.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tests.check.textbook import (
    FROM_ERROR,
    activation,
    jacobian_product,
    loss_terms,
    slope_from_error,
    slope_from_outputs,
)

NOTHING = 1e-13  # that is left of numbers of a few digits where they cancel


def turned(x):
    return np.swapaxes(x, -1, -2)


class Rule(NamedTuple):
    """``work`` of the values of the ids that it ``reads``."""

    reads: tuple[str, ...]
    work: Callable


class Line(NamedTuple):
    """One quantity of a sheet and the right ways to work it; the first is the usual one.

    ``kind`` is the id without its layer (``dW``, ``W_new``), ``where`` is ``@2.3`` outside the
    first update. A ``hidden`` line is never written: it has no id on the page.
    """

    id: str
    kind: str
    layer: int
    where: str
    rules: tuple[Rule, ...]
    hidden: bool = False


class Work:
    """All lines of a spec in the order of work, and the matrices that it gives."""

    def __init__(self, spec):
        self.spec = spec
        self.turn = -1.0 if spec.conventions.sign == "descent" else 1.0
        self.last = len(spec.layers)
        self.averaged = spec.loss is not None and spec.loss.mean
        self.mean_in = spec.conventions.mean_in
        self.givens = {}
        self.lines = {}
        self.names = {}  # where → id of the spec → id of the sheet
        self.samples = {}  # where → n
        self._give()
        self.whole = dict(self.givens)  # with the samples of all updates
        self._updates()
        self.exact = worked(self)
        self.shapes = {id: value.shape for id, value in self.exact.items()}

    def name(self, id, where=""):
        """What ``id`` is called in the update ``where``: W1 of the second update is W1_new."""
        return self.names[where][id]

    def bias_kind(self, layer):
        return self.spec.layers[layer - 1].bias.kind

    def inside(self, layer):
        """``first`` or ``last`` where the layer has its bias in its weights, else ``""``."""
        if not 1 <= layer <= self.last:
            return ""
        return self.bias_kind(layer) if self.bias_kind(layer) in ("first", "last") else ""

    def without_ones(self, layer):
        """The columns of a layer's a without the 1 that feeds the next layer's bias."""
        kept = {"first": slice(1, None), "last": slice(None, -1)}
        return kept.get(self.inside(layer + 1), slice(None))

    def has_bias(self, layer):
        return self.spec.layers[layer - 1].bias.values is not None

    def parameters(self):
        for layer in range(1, self.last + 1):
            yield f"W{layer}"
            if self.has_bias(layer):
                yield f"b{layer}"

    def trained(self, id):
        return self.spec.optimizer is not None and id not in self.spec.freeze

    def penalised(self, id):
        part = self.spec.regularization
        return part is not None and (id[0] == "W" or part.biases)

    def page(self, kind, value):
        """A value as the spec's layout and orientation write it (and back again)."""
        if re.search("W", kind):
            flip = self.spec.conventions.weights == "out_in"
        else:
            flip = self.spec.conventions.layout == "columns"
        return turned(value) if flip else value

    def shortcut(self):
        pair = (self.spec.layers[-1].activation.name, self.spec.loss.name)
        pairs = (("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"))
        return pair in pairs and self.spec.output_delta == "shortcut"

    # Givens

    def _give(self):
        spec, last = self.spec, self.last
        self.givens["a0"] = with_ones(self.page("a", spec.inputs.values), self.inside(1))
        if spec.targets is not None:
            self.givens["y"] = self.page("y", spec.targets.values)
        for number, layer in enumerate(spec.layers, 1):
            self.givens[f"W{number}"] = self.page("W", layer.weights.values)
            if layer.bias.values is not None:
                self.givens[f"b{number}"] = self.page("b", layer.bias.values.values)
        if spec.loss is not None and spec.loss.upstream is not None:
            upstream = self.page("da", spec.loss.upstream.values)
            self.givens[f"da{last}"] = self.turn * upstream

    def _updates(self):
        n = self.spec.samples
        size = self.spec.batch_size or n
        names = {id: id for id in self.givens}
        for epoch in range(1, self.spec.epochs + 1):
            for batch, start in enumerate(range(0, n, size), 1):
                where = "" if (epoch, batch) == (1, 1) else f"@{epoch}.{batch}"
                stop = min(start + size, n)
                names = self._slice(names, where, start, stop)
                _Update(self, names, where, stop - start, len(self.samples) - 1).write()
                names = self._carried_on(names)

    def _slice(self, names, where, start, stop):
        """The samples of this update under ids of their own."""
        self.samples[where] = stop - start
        for id in ("a0", "y", f"da{self.last}"):
            if id in self.whole:
                self.givens[id + where] = self.whole[id][start:stop]
                names = names | {id: id + where}
        self.names[where] = names = dict(names)
        return names

    def _carried_on(self, names):
        after = {id: id for id in self.givens if "@" not in id}
        for id in self.parameters():
            after[id] = names.get(f"{id}_new", names[id])
            for state in "msv":
                if f"{state}{id}" in names:
                    after[f"{state}{id}_old"] = names[f"{state}{id}"]
        return after


def with_ones(x, inside):
    if not inside:
        return x
    ones = np.ones((*x.shape[:-1], 1))
    return np.concatenate([ones, x] if inside == "first" else [x, ones], axis=-1)


def without_bias(w, inside):
    if not inside:
        return w
    return w[..., 1:, :] if inside == "first" else w[..., :-1, :]


def cancelled(x):
    """A sum by hand: 0.1 + 0.7 - 0.8 is 0, and a ReLU of it is off."""
    return np.where(np.abs(x) < NOTHING, 0.0, x)


def total(x):
    return x.sum(axis=(-1, -2), keepdims=True)


class _Update:
    """Writes the lines of one update into a Work."""

    def __init__(self, work, names, where, n, t):
        self.work, self.names, self.where, self.n, self.t = work, names, where, n, t
        self.spec = work.spec

    def add(self, id, *rules, hidden=False):
        """Each rule is (ids that it reads, function)."""
        kind = re.sub(r"\d", "", id)
        layer = int("".join(re.findall(r"\d", id)) or 0)
        named = tuple(Rule(tuple(self.names[r] for r in reads), work) for reads, work in rules)
        self.names[id] = id + self.where
        line = Line(id + self.where, kind, layer, self.where, named, hidden)
        self.work.lines[line.id] = line

    def write(self):
        self.forward()
        if self.spec.loss is None:
            return
        if self.spec.loss.name != "upstream":
            self.loss()
        self.backward()
        self.after()

    # Forward and loss; ``mark`` is put before the ids of the second pass, on the new parameters.

    def forward(self, mark=""):
        work = self.work
        for number, layer in enumerate(self.spec.layers, 1):
            feed = f"{mark}a{number - 1}" if number > 1 else "a0"
            product, z = f"{mark}product{number}", f"{mark}z{number}"
            weights, hidden = self.parameter(f"W{number}", mark), bool(mark)
            self.add(product, ((feed, weights), lambda a, w: cancelled(a @ w)), hidden=hidden)
            if work.has_bias(number):
                sign = -1.0 if layer.bias.kind == "threshold" else 1.0
                reads = (product, self.parameter(f"b{number}", mark))
                self.add(z, (reads, lambda p, b, sign=sign: cancelled(p + sign * b)), hidden=hidden)
            else:
                self.add(z, ((product,), lambda p: p), hidden=hidden)
            self.add(f"{mark}a{number}", ((z,), self.activation(number)), hidden=hidden)

    def parameter(self, id, mark):
        return f"{id}_new" if mark and self.work.trained(id) else id

    def activation(self, number):
        layer = self.spec.layers[number - 1].activation
        value = activation(layer.name, layer.parameters).value
        inside = self.work.inside(number + 1)
        return lambda z: with_ones(value(z), inside)

    def loss(self, mark=""):
        loss, a, hidden = self.spec.loss, f"{mark}a{self.work.last}", bool(mark)
        turn, reads = self.work.turn, (a, "y")
        terms, error = f"{mark}loss_terms", f"{mark}error"
        if "y" not in self.names:
            self.add(terms, ((a,), lambda a: a * 1.0), hidden=hidden)
        else:
            rules = [(reads, lambda a, y: loss_terms(loss, a, y))]
            if loss.name != "hinge":
                self.add(error, (reads, lambda a, y: turn * (a - y)), hidden=hidden)
            if loss.name in FROM_ERROR:
                rules.append(((error,), lambda e: loss_terms(loss, e, 0.0)))
            self.add(terms, *rules, hidden=hidden)
        over = self.n if loss.mean else 1
        final = "loss_after" if mark else "loss"
        if self.spec.regularization is None:
            self.add(final, ((terms,), lambda t: total(t / over)))
            return
        data, penalty = f"{mark}data_loss", f"{mark}penalty"
        self.add(data, ((terms,), lambda t: total(t / over)), hidden=hidden)
        chosen = tuple(id for id in self.work.parameters() if self.work.penalised(id))
        reads = tuple(self.parameter(id, mark) for id in chosen)
        self.add(penalty, (reads, lambda *ws: self.penalty(chosen, ws)), hidden=hidden)
        self.add(final, ((data, penalty), lambda d, p: d + p))

    def penalty(self, ids, weights):
        return sum(self.one_penalty(id, w) for id, w in zip(ids, weights, strict=True))

    def one_penalty(self, id, w):
        part = self.spec.regularization
        if id[0] == "W" and not part.biases:
            w = without_bias(w, self.work.inside(int(id[1:])))
        half = {"half_lambda": 0.5, "lambda": 1.0, "lambda_over_2n": 0.5 / self.n}[part.form]
        once = 1 / self.n if part.form == "lambda_over_2n" else 1.0
        squares, absolutes = total(w**2), total(np.abs(w))
        return half * float(part.l2) * squares + once * float(part.l1) * absolutes

    def penalty_slope(self, id, w):
        part = self.spec.regularization
        twice = {"half_lambda": 1.0, "lambda": 2.0, "lambda_over_2n": 1 / self.n}[part.form]
        once = 1 / self.n if part.form == "lambda_over_2n" else 1.0
        slope = twice * float(part.l2) * w + once * float(part.l1) * np.sign(w)
        inside = self.work.inside(int(id[1:])) if id[0] == "W" and not part.biases else ""
        if inside:
            kept = np.ones((w.shape[-2], 1))
            kept[0 if inside == "first" else -1] = 0
            slope = slope * kept
        return slope

    # Backward

    def backward(self):
        updated_first = self.spec.backpropagate_through == "updated"
        for number in range(self.work.last, 0, -1):
            self.delta(number)
            self.gradients(number)
            if updated_first:
                self.update(number)
            if number > 1 or self.spec.inputs_gradient:
                self.error_back(number, updated_first)
        if not updated_first:
            for number in range(1, self.work.last + 1):
                self.update(number)

    def delta_mean(self):
        return self.n if self.work.averaged and self.work.mean_in == "delta" else 1

    def gradient_mean(self):
        return self.n if self.work.averaged and self.work.mean_in == "gradient" else 1

    def delta(self, number):
        a, z, da, g = (f"{kind}{number}" for kind in ("a", "z", "da", "g"))
        turn, over = self.work.turn, self.delta_mean()
        output = number == self.work.last
        short = ((a, "y"), lambda a, y: turn * (a - y) / over)
        if output and self.work.shortcut():
            self.add(f"delta{number}", short, (("error",), lambda e: e / over))
            return
        if output:
            self.loss_slope(a, da)
        layer = self.spec.layers[number - 1].activation
        row = activation(layer.name, layer.parameters)
        rules = [((z,), row.slope)]
        if row.slope_from_a is not None:
            bare = self.work.without_ones(number)
            rules.append(((a,), lambda a: row.slope_from_a(a[..., bare])))
        self.add(g, *rules)
        softmaxed = layer.name == "softmax"
        chain = ((da, g), jacobian_product if softmaxed else lambda da, g: da * g)
        pair = (layer.name, self.spec.loss.name)
        goes = pair in (("softmax", "cross_entropy"), ("sigmoid", "binary_cross_entropy"))
        self.add(f"delta{number}", chain, *([short] if output and goes else []))

    def loss_slope(self, a, da):
        loss, turn, over = self.spec.loss, self.work.turn, self.delta_mean()
        if loss.name == "upstream":
            return
        if loss.name == "output":
            self.add(da, ((a,), lambda a: turn * np.ones_like(a) / over))
        elif loss.name in FROM_ERROR:
            self.add(da, (("error",), lambda e: slope_from_error(loss, e) / over))
        else:
            self.add(da, ((a, "y"), lambda a, y: turn * slope_from_outputs(loss, a, y) / over))

    def gradients(self, number):
        over = self.gradient_mean()
        self.gradient(
            f"W{number}", (f"a{number - 1}", f"delta{number}"), lambda a, d: turned(a) @ d / over
        )
        if self.work.has_bias(number):
            kind = self.work.bias_kind(number)
            sign = -1.0 if kind == "threshold" else 1.0
            axes = (-1, -2) if kind == "shared" else -2
            self.gradient(
                f"b{number}", (f"delta{number}",),
                lambda d: sign * (d / over).sum(axis=axes, keepdims=True),
            )  # fmt: skip

    def gradient(self, id, reads, function):
        if not self.work.penalised(id):
            self.add(f"d{id}", (reads, function))
            return
        self.add(f"data_d{id}", (reads, function))
        turn = self.work.turn
        self.add(f"d{id}", ((f"data_d{id}", id), lambda g, w: g + turn * self.penalty_slope(id, w)))

    def error_back(self, number, updated_first):
        inside = self.work.inside(number)
        weights = f"W{number}"
        if updated_first and self.work.trained(weights):
            weights = f"{weights}_new"
        self.add(
            f"da{number - 1}",
            ((f"delta{number}", weights), lambda d, w: d @ turned(without_bias(w, inside))),
        )

    # Update

    def update(self, number):
        for id in (f"W{number}", f"b{number}"):
            if id in self.names and self.work.trained(id):
                self.optimize(id)

    def optimize(self, id):
        chosen, down = self.spec.optimizer, -self.work.turn
        rate = float(chosen.learning_rate)
        if chosen.name == "sgd":
            self.add(f"{id}_new", ((id, f"d{id}"), lambda w, g: w + down * rate * g))
            return
        constants = {key: float(value) for key, value in chosen.constants.items()}
        for state in {"adagrad": "s", "rmsprop": "s", "adam": "mv", "adamw": "mv"}.get(
            chosen.name, "v"
        ):
            if f"{state}{id}_old" not in self.names:
                old = f"{state}{id}_old"
                self.work.givens[old] = np.zeros_like(self.work.givens[id])
                self.names[old] = old
        OPTIMIZERS[chosen.name](self, id, rate, down, constants)
        self.add(f"{id}_new", ((id, f"step_{id}"), lambda w, s: w + s))

    def momentum(self, id, rate, down, constants):
        beta, form = constants["momentum"], self.spec.optimizer.form or "accumulate"
        new = {
            "accumulate": lambda v, g: beta * v + g,
            "step": lambda v, g: beta * v + down * rate * g,
            "ema": lambda v, g: beta * v + (1 - beta) * g,
        }[form]
        self.add(f"v{id}", ((f"v{id}_old", f"d{id}"), new))
        scale = 1.0 if form == "step" else down * rate
        self.add(f"step_{id}", ((f"v{id}",), lambda v: scale * v))

    def nesterov(self, id, rate, down, constants):
        beta = constants["momentum"]
        self.add(f"v{id}", ((f"v{id}_old", f"d{id}"), lambda v, g: beta * v + g))
        self.add(f"step_{id}", ((f"d{id}", f"v{id}"), lambda g, v: down * rate * (g + beta * v)))

    def squares(self, id, rate, down, constants):
        decay, epsilon = constants.get("decay", 1.0), constants["epsilon"]
        share = 1 - decay if "decay" in constants else 1.0
        self.add(f"s{id}", ((f"s{id}_old", f"d{id}"), lambda s, g: decay * s + share * g**2))
        self.add(
            f"step_{id}",
            ((f"d{id}", f"s{id}"), lambda g, s: down * rate * g / (np.sqrt(s) + epsilon)),
        )

    def adam(self, id, rate, down, constants):
        beta1, beta2, epsilon = (constants[key] for key in ("beta1", "beta2", "epsilon"))
        t, decay = self.t + 1, constants.get("weight_decay", 0.0)
        m, v, gradient = f"m{id}", f"v{id}", f"d{id}"
        self.add(m, ((f"{m}_old", gradient), lambda m, g: beta1 * m + (1 - beta1) * g))
        self.add(v, ((f"{v}_old", gradient), lambda v, g: beta2 * v + (1 - beta2) * g**2))
        self.add(f"mhat{id}", ((m,), lambda m: m / (1 - beta1**t)))
        self.add(f"vhat{id}", ((v,), lambda v: v / (1 - beta2**t)))
        self.add(
            f"step_{id}",
            (
                (f"mhat{id}", f"vhat{id}", id),
                lambda m, v, w: (
                    down * rate * m / (np.sqrt(v) + epsilon) - rate * decay * w
                ),
            ),
        )  # fmt: skip

    def after(self):
        changed = any(self.work.trained(id) for id in self.work.parameters())
        if changed and "loss" in self.names:
            self.forward("~")
            self.loss("~")


OPTIMIZERS = {
    "momentum": _Update.momentum,
    "nesterov": _Update.nesterov,
    "adagrad": _Update.squares,
    "rmsprop": _Update.squares,
    "adam": _Update.adam,
    "adamw": _Update.adam,
}


def worked(work):
    """Every line at full precision, by the usual rule of each."""
    values = dict(work.givens)
    with np.errstate(all="ignore"):  # what overflows shows as inf or nan
        for line in work.lines.values():
            rule = line.rules[0]
            values[line.id] = rule.work(*(values[id] for id in rule.reads))
    return values
