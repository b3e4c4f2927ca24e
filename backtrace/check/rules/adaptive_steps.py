"""How long a step can be that is divided by the root of its own gradients' squares.

The gradient above and the squares below are of one history: taken as independent, squares that
round to 0 would allow any step.
"""

from __future__ import annotations

import math

import numpy as np

from backtrace.check.rules.intervals import Interval, point
from backtrace.functions.activations import Parameters
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step

ROUNDED = 4.0  # times as long a step may be when both were rounded before they were divided


def largest_ratio(above: Step, below: Step) -> float:
    """The most that m̂/√v̂ (g/√s) can be, by Cauchy and Schwarz."""
    if below.operation == "accumulate_squares":
        return 1.0
    share = float(below.parameters["beta"])
    if below.operation == "average_squares":
        return 1 / math.sqrt(1 - share)
    beta, t = float(above.parameters["beta"]), int(above.parameters["t"])
    squares = sum((beta * beta / share) ** k for k in range(t)) if share else 1.0
    scale = (1 - beta) / (1 - beta**t) * math.sqrt((1 - share**t) / (1 - share))
    return scale * math.sqrt(squares)


def as_long_as_can_be(
    s: Setting, p: Parameters, step: Interval, operands: list[Interval]
) -> Interval:
    """The part of a step's interval within reach; ``p["largest_ratio"]`` says how far that is.

    It goes the way of what stands above, and not less far than the largest square below allows.
    """
    above, below, *decaying = operands
    rate = abs(float(p["rate"]))
    most = np.full(step.shape, ROUNDED * rate * p["largest_ratio"])
    root = np.sqrt(np.maximum(below.hi.max(axis=0), 0.0)) + float(p["epsilon"])
    way = s.downhill(point(np.sign(above.lo.min(axis=0)) + np.sign(above.hi.max(axis=0)))).lo[0]
    size = np.minimum(np.abs(above.lo.min(axis=0)), np.abs(above.hi.max(axis=0)))
    least = rate * size / root / 2
    low, high = np.where(way >= 2, least, -most), np.where(way <= -2, -least, most)
    for weights in decaying:
        decay = rate * abs(float(p["weight_decay"]))
        decay = decay * np.maximum(np.abs(weights.lo), np.abs(weights.hi)).max(axis=0)
        low, high = low - decay, high + decay
    return Interval(np.clip(step.lo, low, high), np.clip(step.hi, low, high))
