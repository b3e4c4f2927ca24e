"""Activations and losses as the textbooks write them, for matrices with a sample a row.

Any number of axes may stand in front of the two of the matrix.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

NOISE = 1e-12  # what is left of a sum that cancels
SELU_SCALE, SELU_ALPHA = 1.0507009873554805, 1.6732632423543772
_ERF = np.frompyfunc(math.erf, 1, 1)


# Activations: value, slope at z, and slope worked from a where the textbooks do so.


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def softmax(z):
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def jacobians(a):
    """A k × k block diag(a) − a aᵀ for each sample, one below the other."""
    blocks = a[..., :, None] * np.eye(a.shape[-1]) - a[..., :, None] * a[..., None, :]
    return blocks.reshape(*blocks.shape[:-3], -1, blocks.shape[-1])


def jacobian_product(da, g):
    k = da.shape[-1]
    blocks = g.reshape(*g.shape[:-2], -1, k, k)
    return np.einsum("...sij,...sj->...si", blocks, da)


def normal_below(z):
    return (1 + np.asarray(_ERF(z / math.sqrt(2)), dtype=float)) / 2


def normal_density(z):
    return np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)


class Activation(NamedTuple):
    value: Callable
    slope: Callable
    slope_from_a: Callable | None = None


def sigmoid_slope(z):
    return sigmoid(z) * (1 - sigmoid(z))


def mish_slope(z):
    inner = np.log(1 + np.exp(z))
    return np.tanh(inner) + z * sigmoid(z) / np.cosh(inner) ** 2


def _elu(alpha, scale=1.0):
    return Activation(
        lambda z: scale * np.where(z > 0, z, alpha * (np.exp(np.minimum(z, 0)) - 1)),
        lambda z: scale * np.where(z > 0, 1.0, alpha * np.exp(np.minimum(z, 0))),
        lambda a: np.where(a > 0, scale, a + scale * alpha),
    )


def _leaky(slope):
    return Activation(
        lambda z: np.where(z > 0, z, slope * z),
        lambda z: np.where(z > NOISE, 1.0, slope),
        lambda a: np.where(a > NOISE, 1.0, slope),
    )


def _hard_sigmoid(slope):
    return Activation(
        lambda z: np.clip(slope * z + 0.5, 0, 1),
        lambda z: np.where(np.abs(slope * z) < 0.5, slope, 0.0),
        lambda a: np.where((a > 0) & (a < 1), slope, 0.0),
    )


def activation(name, parameters=()):
    """The activation of that name; ``parameters`` as in a spec, else those usual in textbooks."""
    p = {key: float(value) for key, value in dict(parameters).items()}
    return {
        "linear": lambda: Activation(
            lambda z: p.get("slope", 1.0) * z, lambda z: np.full_like(z, p.get("slope", 1.0))
        ),
        "sigmoid": lambda: Activation(sigmoid, sigmoid_slope, lambda a: a * (1 - a)),
        "tanh": lambda: Activation(np.tanh, lambda z: 1 - np.tanh(z) ** 2, lambda a: 1 - a**2),
        "relu": lambda: Activation(
            lambda z: np.maximum(z, 0), lambda z: 1.0 * (z > NOISE), lambda a: 1.0 * (a > NOISE)
        ),
        "bipolar_sigmoid": lambda: Activation(
            lambda z: (1 - np.exp(-z)) / (1 + np.exp(-z)),
            lambda z: 2 * sigmoid(z) * (1 - sigmoid(z)),
            lambda a: (1 + a) * (1 - a) / 2,
        ),
        "softsign": lambda: Activation(
            lambda z: z / (1 + np.abs(z)),
            lambda z: 1 / (1 + np.abs(z)) ** 2,
            lambda a: (1 - np.abs(a)) ** 2,
        ),
        "mish": lambda: Activation(lambda z: z * np.tanh(np.log(1 + np.exp(z))), mish_slope),
        "hard_tanh": lambda: Activation(
            lambda z: np.clip(z, -1, 1),
            lambda z: 1.0 * (np.abs(z) < 1),
            lambda a: 1.0 * (np.abs(a) < 1),
        ),
        "leaky_relu": lambda: _leaky(p.get("slope", 0.01)),
        "elu": lambda: _elu(p.get("alpha", 1.0)),
        "selu": lambda: _elu(SELU_ALPHA, SELU_SCALE),
        "gelu": lambda: Activation(
            lambda z: z * normal_below(z), lambda z: normal_below(z) + z * normal_density(z)
        ),
        "silu": lambda: Activation(
            lambda z: z * sigmoid(z), lambda z: sigmoid(z) + z * sigmoid_slope(z)
        ),
        "softplus": lambda: Activation(
            lambda z: np.log(1 + np.exp(z)), sigmoid, lambda a: 1 - np.exp(-a)
        ),
        "hard_sigmoid": lambda: _hard_sigmoid(p.get("slope", 1 / 6)),
        "softmax": lambda: Activation(softmax, lambda z: jacobians(softmax(z)), jacobians),
    }[name]()


# Losses: the addends, and their gradient from e = ŷ − y (an odd function) or from ŷ and y.


def weighted_log(weight, x):
    return np.where(weight == 0, 0.0, weight * np.log(np.where(weight == 0, 1.0, x)))


def _margins(a, y):
    return (1 + a - (a * y).sum(axis=-1, keepdims=True)) * (1 - y)


def _hinge_slope(a, y):
    violated = 1.0 * (_margins(a, y) > 0)
    return violated - y * violated.sum(axis=-1, keepdims=True)


def loss_terms(loss, a, y):
    """The addends without 1/n; ``loss`` is the spec's."""
    if loss.name in ("cross_entropy", "binary_cross_entropy"):
        other = weighted_log(1 - y, 1 - a) if loss.name == "binary_cross_entropy" else 0.0
        return 0.0 - weighted_log(y, a) - other
    if loss.name == "hinge":
        return np.maximum(_margins(a, y), 0)
    e = a - y
    if loss.name == "huber":
        d = float(loss.parameters["delta"])
        return np.where(np.abs(e) <= d, e**2 / 2, d * (np.abs(e) - d / 2))
    return {
        "sse": e**2, "half_sse": e**2 / 2, "mse": e**2, "half_mse": e**2 / 2,
        "mse_elements": e**2 / e.shape[-1], "mae": np.abs(e),
    }[loss.name]  # fmt: skip


def slope_from_error(loss, e):
    """None where the loss's gradient is no function of the error alone."""
    if loss.name == "huber":
        d = float(loss.parameters["delta"])
        return np.clip(e, -d, d)
    if loss.name == "mae":
        return np.sign(e)
    factor = {"sse": 2, "mse": 2, "half_sse": 1, "half_mse": 1, "mse_elements": 2 / e.shape[-1]}
    return factor[loss.name] * e


def slope_from_outputs(loss, a, y):
    if loss.name == "hinge":
        return _hinge_slope(a, y)
    other = (1 - y) / (1 - a) if loss.name == "binary_cross_entropy" else 0.0
    return other - y / a


FROM_ERROR = ("sse", "half_sse", "mse", "half_mse", "mse_elements", "mae", "huber")
