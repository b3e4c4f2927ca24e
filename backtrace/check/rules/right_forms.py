"""Forms of a step that are as right as the tape's own, as operations."""

from __future__ import annotations

from backtrace.functions.activations import ACTIVATIONS, Parameters
from backtrace.functions.array import AnyArray
from backtrace.functions.losses import LOSSES
from backtrace.tape.operations import OPERATIONS, mean, without_ones
from backtrace.tape.setting import Evaluate, Setting


def _derivative_from_activation(s: Setting, p: Parameters, a: AnyArray) -> AnyArray:
    from_a = ACTIVATIONS[p["activation"]].derivative_from_activation
    assert from_a is not None
    return s.rows(from_a(s.rows(without_ones(s, p, a)), p))


def _loss_terms_from_error(s: Setting, p: Parameters, e: AnyArray) -> AnyArray:
    return LOSSES[p["loss"]].terms(e, 0.0, p)


def _loss_terms_from_z(s: Setting, p: Parameters, z: AnyArray, y: AnyArray) -> AnyArray:
    return OPERATIONS["loss_terms"].evaluate(s, p, z, y, z)


def _loss_gradient_from_activation(s: Setting, p: Parameters, a: AnyArray, y: AnyArray) -> AnyArray:
    error = OPERATIONS["error"].evaluate(s, p, a, y)
    return OPERATIONS["loss_gradient"].evaluate(s, p, error)


def _error_averaged(s: Setting, p: Parameters, e: AnyArray) -> AnyArray:
    """δ = error, or error/n: the short-cut by way of a written error."""
    return mean(e, p)


RIGHT_FORMS: dict[str, Evaluate] = {
    "derivative_from_activation": _derivative_from_activation,
    "loss_terms_from_error": _loss_terms_from_error,
    "loss_terms_from_z": _loss_terms_from_z,
    "loss_gradient_from_activation": _loss_gradient_from_activation,
    "error_averaged": _error_averaged,
}
