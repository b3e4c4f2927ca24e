"""The same networks by autograd: one function from the parameters to the loss, and its gradients.

Nothing of the program is used but the spec. Every function works with a sample a row and weights
in × out and is written from its textbook definition; the conventions of a spec (layout,
orientation, sign, where 1/n enters) are applied to what comes out.
"""

import math

import autograd.numpy as anp
import numpy as np
from autograd import grad, jacobian
from autograd.extend import defvjp, primitive


@primitive
def erf(x):
    return np.vectorize(math.erf, otypes=[float])(x)


defvjp(erf, lambda ans, x: lambda g: g * 2 / math.sqrt(math.pi) * np.exp(-x * x))

SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946

ACTIVATIONS = {
    "linear": lambda z, slope: slope * z,
    "sigmoid": lambda z: 1 / (1 + anp.exp(-z)),
    "tanh": lambda z: (anp.exp(z) - anp.exp(-z)) / (anp.exp(z) + anp.exp(-z)),
    "bipolar_sigmoid": lambda z: (1 - anp.exp(-z)) / (1 + anp.exp(-z)),
    "softsign": lambda z: z / (1 + anp.abs(z)),
    "relu": lambda z: z * (z > 0),
    "leaky_relu": lambda z, slope: z * (z > 0) + slope * z * (z <= 0),
    "prelu": lambda z, alpha: z * (z > 0) + alpha * z * (z <= 0),
    "elu": lambda z, alpha: z * (z > 0) + alpha * (anp.exp(z) - 1) * (z <= 0),
    "selu": lambda z: SELU_SCALE * (z * (z > 0) + SELU_ALPHA * (anp.exp(z) - 1) * (z <= 0)),
    "gelu": lambda z: z * (1 + erf(z / math.sqrt(2))) / 2,
    "silu": lambda z: z / (1 + anp.exp(-z)),
    "softplus": lambda z: anp.log(1 + anp.exp(z)),
    "mish": lambda z: z * anp.tanh(anp.log(1 + anp.exp(z))),
    "hard_tanh": lambda z: z * (abs(z) < 1) + 1.0 * (z >= 1) - 1.0 * (z <= -1),
    "hard_sigmoid": lambda z, slope: (
        (slope * z + 0.5) * (abs(slope * z) < 0.5) + 1.0 * (slope * z >= 0.5)
    ),
    "step": lambda z: 1.0 * (z >= 0),
    "softmax": lambda z: anp.exp(z) / anp.sum(anp.exp(z), axis=1, keepdims=True),
}

LOSSES = {
    "sse": lambda a, y: (a - y) ** 2,
    "half_sse": lambda a, y: 0.5 * (a - y) ** 2,
    "mse": lambda a, y: (a - y) ** 2,
    "half_mse": lambda a, y: 0.5 * (a - y) ** 2,
    "mse_elements": lambda a, y: (a - y) ** 2 / y.shape[1],
    "mae": lambda a, y: anp.abs(a - y),
    "huber": lambda a, y, delta: anp.where(
        anp.abs(a - y) <= delta, 0.5 * (a - y) ** 2, delta * (anp.abs(a - y) - 0.5 * delta)
    ),
    "binary_cross_entropy": lambda a, y: -(y * anp.log(a) + (1 - y) * anp.log(1 - a)),
    "cross_entropy": lambda a, y: -y * anp.log(a),
    "kl": lambda a, y: y * (anp.log(y) - anp.log(a)),
    "log_cosh": lambda a, y: anp.log((anp.exp(a - y) + anp.exp(y - a)) / 2),
    "binary_hinge": lambda a, y: (1 - y * a) * (1 - y * a > 0),
    "hinge": lambda a, y: anp.maximum(0, 1 + a - anp.sum(a * y, axis=1, keepdims=True)) * (1 - y),
    "output": lambda a, y: a,
}


class Network:
    """A spec's samples ``start`` to ``stop`` as one differentiable function of its parameters."""

    def __init__(self, spec, start=0, stop=None):
        self.spec = spec
        self.conventions = spec.conventions
        self.inputs = self.samples(spec.inputs.values)[start:stop]
        self.n = len(self.inputs)
        self.targets = self.upstream = None
        if spec.targets is not None:
            self.targets = self.samples(spec.targets.values)[start:stop]
        if spec.loss is not None and spec.loss.upstream is not None:
            self.upstream = self.samples(spec.loss.upstream.values)[start:stop]

    def samples(self, x):
        return x if self.conventions.layout == "rows" else x.T

    def parameters(self):
        found = {}
        for number, layer in enumerate(self.spec.layers, 1):
            found[f"W{number}"] = layer.weights.values
            if layer.bias.values is not None:
                found[f"b{number}"] = layer.bias.values.values
            if layer.slope is not None:
                found[f"alpha{number}"] = layer.slope.values
        return found

    def activation(self, number, layer, parameters):
        """The function of a layer's z, with its constants and what it learns."""
        constants = {k: float(v) for k, v in layer.activation.parameters.items()}
        if layer.slope is not None:
            constants["alpha"] = self.samples(parameters[f"alpha{number}"])
        return lambda z: ACTIVATIONS[layer.activation.name](z, **constants)

    def forward(self, parameters, offsets=None):
        """product, z, a of every layer, with a sample a row and no 1s; offsets are added in."""
        offsets = offsets or {}
        found = {"a0": self.inputs + offsets.get("a0", 0)}
        for number, layer in enumerate(self.spec.layers, 1):
            product, z = self.layer(parameters, number, layer, found[f"a{number - 1}"])
            z = z + offsets.get(f"z{number}", 0)
            a = self.activation(number, layer, parameters)(z)
            found[f"product{number}"], found[f"z{number}"] = product, z
            found[f"a{number}"] = a + offsets.get(f"a{number}", 0)
        return found

    def layer(self, parameters, number, layer, x):
        weights = parameters[f"W{number}"]
        if self.conventions.weights == "out_in":
            weights = weights.T
        product = anp.dot(self.with_ones(x, layer.bias.kind), weights)
        if layer.bias.values is None:
            return product, product
        bias = self.samples(parameters[f"b{number}"])
        return product, product - bias if layer.bias.kind == "threshold" else product + bias

    def with_ones(self, x, kind):
        ones = anp.ones((len(x), 1))
        if kind == "first":
            return anp.concatenate([ones, x], axis=1)
        return anp.concatenate([x, ones], axis=1) if kind == "last" else x

    def terms(self, prediction):
        constants = {k: float(v) for k, v in self.spec.loss.parameters.items()}
        return LOSSES[self.spec.loss.name](prediction, self.targets, **constants)

    def data_loss(self, parameters, offsets=None):
        prediction = self.forward(parameters, offsets)[f"a{len(self.spec.layers)}"]
        if self.upstream is not None:  # the function whose gradient at the prediction is given
            return anp.sum(self.upstream * prediction)
        return anp.sum(self.terms(prediction)) / (self.n if self.spec.loss.mean else 1)

    def penalty(self, parameters):
        chosen = self.spec.regularization
        if chosen is None:
            return 0.0
        weights = [w for id, w in parameters.items() if id[0] == "b" and chosen.biases]
        for number, layer in enumerate(self.spec.layers, 1):
            weights.append(self.penalised_weights(parameters[f"W{number}"], layer.bias.kind))
        squares = sum(anp.sum(w**2) for w in weights)
        absolutes = sum(anp.sum(anp.abs(w)) for w in weights)
        half = {"half_lambda": 0.5, "lambda": 1.0, "lambda_over_2n": 0.5 / self.n}[chosen.form]
        once = 1 / self.n if chosen.form == "lambda_over_2n" else 1.0
        return half * float(chosen.l2) * squares + once * float(chosen.l1) * absolutes

    def penalised_weights(self, weights, kind):
        if kind not in ("first", "last") or self.spec.regularization.biases:
            return weights
        by_input = weights if self.conventions.weights == "in_out" else weights.T
        return by_input[1:] if kind == "first" else by_input[:-1]

    def loss(self, parameters, offsets=None):
        return self.data_loss(parameters, offsets) + self.penalty(parameters)

    def offsets(self, parameters):
        """A zero for every entry of every z and a."""
        values = self.forward(parameters)
        return {id: anp.zeros(x.shape) for id, x in values.items() if id[0] in "za"}


def expected(spec, start=0, stop=None, parameters=None):
    """The value of every id of one update up to the gradients, in the spec's conventions."""
    network = Network(spec, start, stop)
    parameters = parameters or network.parameters()
    values = dict(parameters) | _forward(network, parameters)
    if spec.loss is None:
        return values
    values |= _losses(network, parameters, values)
    return values | _backward(network, parameters)


def _forward(network, parameters):
    found = network.forward(parameters)
    layers = network.spec.layers
    for number, layer in enumerate(layers):
        found[f"a{number}"] = network.with_ones(found[f"a{number}"], layer.bias.kind)
    if network.targets is not None:
        found["y"] = network.targets
    return {id: network.samples(value) for id, value in found.items()}


def _losses(network, parameters, values):
    if network.upstream is not None:
        return {}
    prediction = network.samples(values[f"a{len(network.spec.layers)}"])
    found = {"loss_terms": network.samples(network.terms(prediction))}
    if network.targets is not None and network.spec.loss.name not in ("hinge", "binary_hinge"):
        error = prediction - network.targets
        found["error"] = network.samples(_signed(network, error))
    if network.spec.regularization is not None:
        found["data_loss"] = network.data_loss(parameters)
        found["penalty"] = network.penalty(parameters)
    return found | {"loss": network.loss(parameters)}


def _backward(network, parameters):
    gradients, offsets = grad(lambda both: network.loss(*both))(
        (parameters, network.offsets(parameters))
    )
    if network.spec.regularization is not None:
        biases = network.spec.regularization.biases
        data = grad(network.data_loss)(parameters)
        gradients |= {f"data_{id}": g for id, g in data.items()
                      if id[0] == "W" or (biases and id[0] == "b")}  # fmt: skip
    found = {id.replace("data_", "data_d") if "_" in id else f"d{id}": g
             for id, g in gradients.items()}  # fmt: skip
    late = network.conventions.mean_in == "gradient" and network.spec.loss.mean
    for id, offset in offsets.items():
        name = f"delta{id[1:]}" if id[0] == "z" else f"d{id}"
        found[name] = network.samples(offset * (network.n if late else 1))
    found = {id: _signed(network, value) for id, value in found.items()}
    return _as_worked(network, found | _derivatives(network, parameters))


def _derivatives(network, parameters):
    values = network.forward(parameters)
    found = {}
    for number, layer in enumerate(network.spec.layers, 1):
        activation = network.activation(number, layer, parameters)
        of_sample = jacobian(lambda z, f=activation: f(z.reshape(1, -1))[0])
        blocks = anp.stack([of_sample(z) for z in values[f"z{number}"]])
        if layer.activation.name == "softmax":
            derivative = blocks.reshape(-1, layer.units)
        else:
            derivative = anp.stack([anp.diag(block) for block in blocks])
        found[f"g{number}"] = network.samples(derivative)
    return found


def _as_worked(network, found):
    """Without what a person does not write: the output's da and g by short-cut, da0 unasked."""
    spec, last = network.spec, len(network.spec.layers)
    output = (spec.layers[-1].activation.name, spec.loss.name)
    shortcuts = {("softmax", "cross_entropy"), ("softmax", "kl"),
                 ("sigmoid", "binary_cross_entropy")}  # fmt: skip
    left_out = set() if spec.inputs_gradient else {"da0"}
    if output in shortcuts and spec.output_delta == "shortcut":
        left_out |= {f"da{last}", f"g{last}"}
    return {id: value for id, value in found.items() if id not in left_out}


def _signed(network, value):
    return -value if network.conventions.sign == "descent" else value


def central_differences(function, parameters, id, step=1e-5):
    """∂function/∂parameters[id], an entry at a time, by (f(w + h) − f(w − h))/2h."""
    found = np.empty_like(parameters[id])
    for place in np.ndindex(found.shape):
        sides = []
        for h in (step, -step):
            moved = np.array(parameters[id])
            moved[place] += h
            sides.append(function(parameters | {id: moved}))
        found[place] = (sides[0] - sides[1]) / (2 * step)
    return found


def disagreements(traced, expected, rtol=1e-9, atol=1e-11):
    """The (id, row, column) of every entry, from 0, that is not what is expected; an id alone
    where the shapes differ. ``traced`` and ``expected`` are dictionaries of arrays."""
    found = []
    for id, value in expected.items():
        ours, theirs = np.asarray(traced[id], dtype=float), np.asarray(value)
        if ours.shape != theirs.shape:
            found.append((id,))
            continue
        close = np.isclose(ours, theirs, rtol=rtol, atol=atol)
        found += [(id, *place) for place in np.argwhere(~close).tolist()]
    return found


def values(update):
    """The values of one update of a trace, by id."""
    return {id: traced.value for id, traced in update.items()}
