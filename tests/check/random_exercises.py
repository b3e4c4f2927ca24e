"""Random exercises with numbers of one or two digits, as a teacher would set them."""

import msgspec
import numpy as np

from backtrace.spec.model import (
    Bias,
    Conventions,
    Function,
    Layer,
    Loss,
    Matrix,
    Number,
    Optimizer,
    Regularization,
    Spec,
)

USUAL = ("sigmoid", "tanh", "relu", "linear")
RARE = ("leaky_relu", "elu", "selu", "gelu", "silu", "softplus", "hard_sigmoid")
PARAMETERS = {
    "linear": {"slope": Number(1.0, "1")},
    "leaky_relu": {"slope": Number(0.01, "0.01")},
    "elu": {"alpha": Number(1.0, "1")},
    "hard_sigmoid": {"slope": Number(1 / 6, "1/6")},
}
SQUARED = ("sse", "half_sse", "mse", "half_mse", "mse_elements")
OTHERS = ("binary_cross_entropy", "cross_entropy", "mae", "huber", "hinge", "output", "upstream")
OFTEN = (30, 9, 9, 2, 2, 2, 3, 3)
AVERAGED = ("mse", "half_mse", "mse_elements", "mae", "huber", "binary_cross_entropy",
            "cross_entropy", "hinge")  # fmt: skip
MOMENTUM = {"momentum": Number(0.9, "0.9")}
EPSILON = {"epsilon": Number(1e-8, "1e-8")}
ADAM = {"beta1": Number(0.9, "0.9"), "beta2": Number(0.999, "0.999"), **EPSILON}
CONSTANTS = {
    "sgd": {},
    "momentum": MOMENTUM,
    "nesterov": MOMENTUM,
    "adagrad": {"epsilon": Number(1e-10, "1e-10")},
    "rmsprop": {"decay": Number(0.99, "0.99"), **EPSILON},
    "adam": ADAM,
    "adamw": {**ADAM, "weight_decay": Number(0.01, "0.01")},
}


def pick(random, choices, weights=None):
    """One of the choices, as it is (numpy would turn it into a numpy type)."""
    chances = None if weights is None else np.array(weights) / sum(weights)
    return choices[int(random.choice(len(choices), p=chances))]


def random_spec(random, *, square=False, losses=None, averaged=False, samples=1, penalised=False,
                biases=None, optimizers=None, **changed):  # fmt: skip
    """A spec; the keywords make a mistake possible that few exercises leave room for; ``changed``
    are fields of the spec as they shall be."""
    draw = _Draw(random)
    drawn = draw.spec(square, losses, averaged, samples, penalised, biases)
    if optimizers is not None:
        changed["optimizer"] = draw.optimizer_of(optimizers)
    return msgspec.structs.replace(drawn, **changed)


class _Draw:
    def __init__(self, random):
        self.random = random
        self.decimals = pick(random, (1, 2))

    def chance(self, probability):
        return self.random.random() < probability

    def spec(self, square, losses, averaged, samples, penalised, biases):
        n, widths = self.sizes(square, samples)
        conventions = Conventions(
            pick(self.random, ("rows", "columns")),
            pick(self.random, ("in_out", "out_in")),
            pick(self.random, ("gradient", "descent"), (3, 1)),
            pick(self.random, ("delta", "gradient")),
        )
        self.rows = conventions.layout == "rows"
        output, loss = self.goal(losses, averaged, widths[-1])
        kinds = self.bias_kinds(len(widths) - 1, biases)
        layers = self.layers(widths, output, kinds, conventions)
        targets, objective = self.objective(loss, averaged, n, widths[-1])
        optimizer, regularization = self.optimizer(), self.regularization(penalised)
        frozen = [f"b{i}" for i, kind in enumerate(kinds, 1) if kind in ("added", "shared")]
        freezes = optimizer is not None and frozen and self.chance(0.05)
        trains = optimizer is not None
        return Spec(
            title="",
            layers=layers,
            inputs=self.data(n, widths[0]),
            targets=targets,
            loss=objective,
            optimizer=optimizer,
            regularization=regularization,
            freeze=frozenset(frozen if freezes else ()),
            conventions=conventions,
            batch_size=1 if trains and 1 < n <= 3 and self.chance(0.08) else None,
            backpropagate_through="updated" if trains and self.chance(0.04) else "old",
            output_delta=pick(self.random, ("shortcut", "chain"), (3, 1)),
            inputs_gradient=self.chance(0.1),
        )

    def sizes(self, square, samples):
        depth = pick(self.random, (1, 2, 3), (2, 5, 2))
        if square:
            side = pick(self.random, (2, 3), (3, 1))
            return side if self.chance(0.8) else 1, [side] * (depth + 1)
        n = pick(self.random, range(samples, 6))
        return n, [int(w) for w in self.random.integers(1, 5, size=depth + 1)]

    def goal(self, losses, averaged, outputs):
        """The output's activation and a loss that goes with it."""
        if losses is not None:
            loss = pick(self.random, losses)
        else:
            loss = pick(self.random, (pick(self.random, SQUARED), *OTHERS), OFTEN)
        if averaged and loss not in AVERAGED:
            loss = pick(self.random, ("mse", "half_mse"))
        if outputs == 1 and loss in ("cross_entropy", "hinge"):
            loss = "binary_cross_entropy"
        if loss == "binary_cross_entropy":
            return "sigmoid", loss
        if loss == "cross_entropy":
            return "softmax", loss
        softmaxed = outputs > 1 and self.chance(0.08)
        return "softmax" if softmaxed else self.activation(), loss

    def activation(self):
        return pick(self.random, USUAL if self.chance(0.8) else RARE)

    def bias_kinds(self, depth, biases):
        kinds = ("added", "none", "shared", "threshold", "first", "last")
        if biases is not None:
            return [pick(self.random, biases) for _ in range(depth)]
        if self.chance(0.6):
            return ["added"] * depth
        return [pick(self.random, kinds) for _ in range(depth)]

    def layers(self, widths, output, kinds, conventions):
        hidden = [self.activation() for _ in kinds[1:]]
        if self.chance(0.7):
            hidden = [*hidden[:1] * len(hidden)]
        return tuple(
            self.layer(i, k, name, kind, conventions)
            for i, k, name, kind in zip(
                widths[:-1], widths[1:], [*hidden, output], kinds, strict=True
            )
        )

    def layer(self, inputs, units, name, kind, conventions):
        weights = self.numbers(inputs + (kind in ("first", "last")), units, zero=False)
        if conventions.weights == "out_in":
            weights = [list(line) for line in zip(*weights, strict=True)]
        values = None
        if kind in ("added", "shared", "threshold"):
            values = self.laid_out(self.numbers(1, 1 if kind == "shared" else units, zero=False))
        function = Function(name, PARAMETERS.get(name, {}))
        return Layer(inputs, units, function, matrix(weights), Bias(kind, values))

    def numbers(self, rows, columns, *, zero=True, size=1.0):
        """Texts between −size and size, with the exercise's one or two decimals."""
        unit = 10**self.decimals
        values = self.random.integers(-int(size * unit), int(size * unit) + 1, (rows, columns))
        if not zero:
            values = np.where(values == 0, unit // 2, values)
        return [[f"{value / unit:.{self.decimals}f}" for value in line] for line in values]

    def data(self, n, features):
        style = pick(self.random, ("whole", "bits", "decimals"), (3, 1, 3))
        if style == "decimals":
            return self.laid_out(self.numbers(n, features, size=1.5))
        low, high = (0, 2) if style == "bits" else (-2, 4)
        values = self.random.integers(low, high, (n, features))
        return self.laid_out([[str(value) for value in line] for line in values])

    def laid_out(self, texts):
        return matrix(texts if self.rows else [list(line) for line in zip(*texts, strict=True)])

    def objective(self, loss, averaged, n, k):
        if loss == "upstream":
            upstream = self.laid_out(self.numbers(n, k))
            return None, Loss("upstream", mean=False, upstream=upstream)
        mean = loss in AVERAGED
        if not averaged and self.chance(0.05):
            mean = not mean
        parameters = {"delta": Number(1.0, "1")} if loss == "huber" else {}
        return self.targets(loss, n, k), Loss(loss, mean, parameters)

    def targets(self, loss, n, k):
        if loss == "output":
            return None
        if loss == "binary_cross_entropy":
            return self.laid_out([[str(bit) for bit in self.random.integers(0, 2, k)]
                                  for _ in range(n)])  # fmt: skip
        if loss in ("cross_entropy", "hinge"):
            classes = self.random.integers(k, size=n)
            return self.laid_out([[str(int(c == j)) for j in range(k)] for c in classes])
        return self.laid_out(self.numbers(n, k, size=2.0))

    def optimizer(self):
        if self.chance(0.15):
            return None
        names = ("sgd", "momentum", "adam", "nesterov", "rmsprop", "adagrad", "adamw")
        return self.optimizer_of(names, (40, 4, 2, 1, 1, 1, 1))

    def optimizer_of(self, names, chances=None):
        name = pick(self.random, names, chances)
        form = pick(self.random, ("accumulate", "step", "ema")) if name == "momentum" else None
        rate = pick(self.random, ("0.1", "0.5", "0.01", "0.2"), (4, 3, 1, 1))
        return Optimizer(name, Number(float(rate), rate), dict(CONSTANTS[name]), form)

    def regularization(self, penalised):
        if not penalised and self.chance(0.9):
            return None
        amount = pick(self.random, ("0.1", "0.2", "0.01"), (3, 2, 1))
        form = pick(self.random, ("half_lambda", "lambda", "lambda_over_2n"))
        some, none = Number(float(amount), amount), Number(0.0, "0")
        l1 = self.chance(0.2)
        biases = not penalised and self.chance(0.1)
        return Regularization(some if l1 else none, none if l1 else some, form, biases)


def matrix(texts):
    written = tuple(tuple(line) for line in texts)
    values = np.array([[float(text) for text in line] for line in written])
    return Matrix(values, written)
