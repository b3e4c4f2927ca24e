"""How far roundings alone may take each gradient: the error bounds of the products that make it.

A sum of rounded products is off by a share of Σ|factor|·|factor|, not of the sum, which may cancel
(Higham, Accuracy and Stability of Numerical Algorithms, 3.1). So the bounds here follow the pass
forward and back with absolute values. They are in units of the type's rounding.
"""

from __future__ import annotations

import numpy as np

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import Array
from backtrace.spec.model import Spec
from backtrace.tape.trace import Trace

# ∂²/∂a² of an entry's addend, at most; those of the losses with a logarithm depend on a.
CURVATURES = {"sse": 2, "half_sse": 1, "mse": 2, "half_mse": 1, "mse_elements": 2, "huber": 1}
STRAIGHT = ("linear", "relu", "leaky_relu", "hard_sigmoid")  # g′ is one number a piece


def roundings(spec: Spec, first: Trace) -> dict[str, float]:
    """How many roundings of a number near 1 an entry of each gradient may be off.

    By the parameter of the program: ``layer1.weight``, ``layer1.bias``, …. ``first`` is the trace
    of the first update alone.
    """
    with np.errstate(all="ignore"):  # a bound may be out of range where the gradient is not
        return _Bounds(spec, first).of_gradients()


class _Bounds:
    """The bounds of z, a, da and delta, a sample a row, and what they make of the gradients."""

    def __init__(self, spec: Spec, first: Trace) -> None:
        self.spec = spec
        self.first = first
        self.last = len(spec.layers)
        n = len(self.inputs(1)) if spec.loss is not None and spec.loss.mean else 1
        in_delta = spec.conventions.mean_in == "delta"
        self.delta_mean, self.gradient_mean = (1 / n, 1.0) if in_delta else (1.0, 1 / n)

    def of_gradients(self) -> dict[str, float]:
        zs, as_ = self.forward()
        found: dict[str, float] = {}
        for number in range(self.last, 0, -1):
            if number == self.last:
                delta = self.of_output_delta(zs[number], as_[number])
            else:
                da = delta @ self.weights(number + 1).T
                delta = self.of_delta(number, zs[number], da)
            found |= self.of_parameters(number, as_[number - 1], delta)
        return found

    # The absolute values of the trace

    def size(self, id: str) -> Array:
        """Of what has samples, one a row."""
        value = np.abs(self.first[id].value)
        return value if self.spec.conventions.layout == "rows" else value.T

    def inputs(self, number: int) -> Array:
        """Of the a that feeds a layer, without the 1 of a bias."""
        return self.size(f"a{number - 1}")[:, self.lines(number)[0]]

    def weights(self, number: int) -> Array:
        """Of the weights, inputs × units, without the line of a bias."""
        return self.all_weights(number)[self.lines(number)[0]]

    def bias(self, number: int) -> Array | float:
        if f"b{number}" in self.first:
            return self.size(f"b{number}")
        return self.all_weights(number)[self.lines(number)[1]].sum(axis=0)

    def all_weights(self, number: int) -> Array:
        value = np.abs(self.first[f"W{number}"].value)
        return value if self.spec.conventions.weights == "in_out" else value.T

    def lines(self, number: int) -> tuple[slice, slice]:
        """Which lines of inputs × units are weights, and which is the bias."""
        kind = self.spec.layers[number - 1].bias.kind
        if kind == "first":
            return slice(1, None), slice(0, 1)
        return (slice(-1), slice(-1, None)) if kind == "last" else (slice(None), slice(0))

    def slope(self, number: int) -> Array:
        """|g′(z)|; where delta takes the short-cut, the trace has none."""
        if f"g{number}" in self.first:
            return self.size(f"g{number}")
        row = ACTIVATIONS[self.activation(number)]
        a = self.size(f"a{number}")
        assert row.derivative_from_activation is not None
        return row.derivative_from_activation(a, {})

    # Forward

    def forward(self) -> tuple[list[Array], list[Array]]:
        """The bounds of every z and a by layer; the data have none."""
        data = np.zeros_like(self.inputs(1))
        zs, as_ = [data], [data]
        for number in range(1, self.last + 1):
            z = (self.inputs(number) + as_[-1]) @ self.weights(number) + self.bias(number)
            zs.append(z)
            as_.append(self.of_activation(number, z))
        return zs, as_

    def of_activation(self, number: int, z: Array) -> Array:
        a = self.outputs(number)
        if self.activation(number) == "softmax":  # Σ|∂aᵢ/∂zⱼ|·zⱼ, where ∂aᵢ/∂zⱼ is aᵢ(δᵢⱼ − aⱼ)
            return a * (1 + (1 - 2 * a) * z + (a * z).sum(axis=1, keepdims=True))
        # PyTorch's GELU is z·(1 + erf)/2: left of 0 the sum has no digits but those of 1.
        own = z if self.activation(number) == "gelu" else a
        return own + self.slope(number) * z

    def outputs(self, number: int) -> Array:
        """|a| of a layer, without the 1 for the next."""
        return self.inputs(number + 1) if number < self.last else self.size(f"a{number}")

    def activation(self, number: int) -> str:
        return self.spec.layers[number - 1].activation.name

    # Backward

    def of_output_delta(self, z: Array, a: Array) -> Array:
        if f"da{self.last}" not in self.first:  # the short-cut, a − y
            return (a + self.size("y")) * self.delta_mean
        return self.of_delta(self.last, z, self.of_loss_gradient(z, a))

    def of_loss_gradient(self, z: Array, a: Array) -> Array:
        assert self.spec.loss is not None
        name, da = self.spec.loss.name, self.size(f"da{self.last}")
        if name in CURVATURES:
            return da + CURVATURES[name] * (a + self.size("y")) * self.delta_mean
        if name not in ("binary_cross_entropy", "cross_entropy"):
            return da
        if self.activation(self.last) == "sigmoid":  # 1/a and 1/(1 − a) come from z
            return da * (1 + z)
        output, y = self.outputs(self.last), self.size("y")
        moved = _quotient_moved(y, output, a)
        if name == "binary_cross_entropy":
            moved = moved + _quotient_moved(1 - y, 1 - output, a)
        return da + moved * self.delta_mean

    def of_delta(self, number: int, z: Array, da: Array) -> Array:
        """Of da through the activation; ``da`` is its bound."""
        size = self.size(f"da{number}")
        if self.activation(number) == "softmax":
            # aᵢ(daᵢ − Σ aⱼdaⱼ) cancels where an output is near 1.
            a = self.outputs(number)
            both = da + size * (1 + 2 * z.max(axis=1, keepdims=True))
            return a * (both + (a * both).sum(axis=1, keepdims=True))
        return self.slope(number) * da + size * self.of_slope(number, z)

    def of_slope(self, number: int, z: Array) -> Array:
        """Of g′: its own roundings, and |g″| at most times the bound of z."""
        slope, name = self.slope(number), self.activation(number)
        if name in STRAIGHT:
            return slope
        if name == "sigmoid":  # a(1 − a); |σ″| ≤ σ′
            return self.outputs(number) + slope * z
        if name == "tanh":  # 1 − a²; |tanh″| ≤ 2 tanh′
            return 1 + 2 * slope * z
        own = slope if name in ("elu", "selu", "softplus") else 1.0
        return own + (1 + slope) * np.exp(-self.size(f"z{number}") / 2) * z

    def of_parameters(self, number: int, a: Array, delta: Array) -> dict[str, float]:
        """The largest bound of the gradients of a layer; ``a`` is the bound of its inputs."""
        of_weights = self.inputs(number).T @ delta + a.T @ self.size(f"delta{number}")
        found = {f"layer{number}.weight": self.largest(f"W{number}", of_weights)}
        kind = self.spec.layers[number - 1].bias.kind
        if kind != "none":
            id = f"b{number}" if f"b{number}" in self.first else f"W{number}"
            of_bias = delta.sum() if kind == "shared" else delta.sum(axis=0)
            found[f"layer{number}.bias"] = self.largest(id, of_bias)
        return found

    def largest(self, id: str, bound: Array) -> float:
        """Of a gradient's bound, what a penalty adds included."""
        largest = float(bound.max()) * self.gradient_mean
        if f"data_d{id}" in self.first:
            largest += sum(
                float(np.abs(self.first[f"{d}{id}"].value).max()) for d in ("d", "data_d")
            )
        return largest


def _quotient_moved(weight: Array, probability: Array, by: Array) -> Array:
    """How far weight/probability goes where the probability does by so much; a weight of 0 is 0."""
    return np.where(weight == 0, 0.0, weight / probability * (by / probability))
