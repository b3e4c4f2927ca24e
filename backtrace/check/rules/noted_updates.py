"""What penalties and updates give whose partial results are noted with known digits."""

from __future__ import annotations

import math

import numpy as np

from backtrace.check.rules.evaluation import interval
from backtrace.check.rules.intervals import (
    Interval,
    added,
    divided,
    in_any,
    multiplied,
    negated,
    point,
    scaled,
    subtracted,
)
from backtrace.check.rules.noted_sums import one_by_one, rounded_whole
from backtrace.check.rules.noting import Noting
from backtrace.check.rules.update_partials import noted_penalties
from backtrace.functions.activations import Parameters
from backtrace.tape.setting import Setting


def rounded_descend(
    s: Setting, p: Parameters, noting: Noting, w: Interval, gradient: Interval
) -> Interval:
    """Each η·dW before the difference."""
    change = one_by_one(noting, scaled(gradient, float(p["rate"])))
    return added(w, change) if s.descent else subtracted(w, change)


def rounded_look_ahead(
    s: Setting, p: Parameters, noting: Noting, g: Interval, v: Interval
) -> Interval:
    """Each β·v before the sum, the sum before it is scaled, or the step by itself."""
    kept = scaled(v, float(p["beta"]))
    sums = (added(g, one_by_one(noting, kept)), one_by_one(noting, added(g, kept)))
    steps = (scaled(each, float(p["rate"])) for each in sums)
    ways = [each if s.descent else negated(each) for each in steps]
    return in_any((*ways, rounded_whole("look_ahead_step")(s, p, noting, g, v)))


def rounded_accumulate(
    s: Setting, p: Parameters, noting: Noting, v: Interval, gradient: Interval
) -> Interval:
    """Each β·v before the sum, and each η·dW where it is added here."""
    kept = one_by_one(noting, scaled(v, float(p["beta"])))
    return rounded_descend(s, p, noting, kept, gradient) if "rate" in p else added(kept, gradient)


def rounded_average(
    s: Setting, p: Parameters, noting: Noting, m: Interval, gradient: Interval
) -> Interval:
    """Both shares before the sum; or one, where the other is only a moved point: 0.1·g."""
    beta = float(p["beta"])
    kept, share = one_by_one(noting, scaled(m, beta)), scaled(gradient, 1 - beta)
    ways = [added(kept, one_by_one(noting, share))]
    if round(math.log10(1 - beta), 9).is_integer():
        ways.append(added(kept, share))
    return in_any(ways)


def rounded_average_squares(
    s: Setting, p: Parameters, noting: Noting, v: Interval, g: Interval
) -> Interval:
    """Both shares before the sum, or the square before its share is taken."""
    beta, squares = float(p["beta"]), multiplied(g, g)
    kept = one_by_one(noting, scaled(v, beta))
    noted = scaled(one_by_one(noting, squares), 1 - beta)
    shares = (one_by_one(noting, scaled(squares, 1 - beta)), noted, one_by_one(noting, noted))
    return in_any(added(kept, share) for share in shares)


def rounded_accumulate_squares(
    s: Setting, p: Parameters, noting: Noting, v: Interval, g: Interval
) -> Interval:
    """The square before it is added."""
    return added(v, one_by_one(noting, multiplied(g, g)))


def rounded_add_penalty(
    s: Setting, p: Parameters, noting: Noting, data: Interval, w: Interval
) -> Interval:
    """The penalty's share before it is added."""
    share = interval("add_penalty", s, p, point(np.zeros(w.shape)), w)
    return added(data, one_by_one(noting, share))


def rounded_penalty(
    s: Setting, p: Parameters, noting: Noting, *weights: Interval
) -> Interval | None:
    """Each share of a known weight before the sum, its square before that, or a matrix's."""
    ways = noted_penalties(s, p, noting, *weights)
    return in_any(map(point, ways)) if ways else None


def rounded_clip(
    s: Setting, p: Parameters, noting: Noting, g: Interval, norm: Interval
) -> Interval | None:
    """The factor before the product, or g/norm before it is multiplied; what is short enough is
    left alone."""
    limit = float(p["limit"])
    if norm.lo.min() <= limit:
        return None
    factor = one_by_one(noting, divided(point(limit), norm))
    return in_any((multiplied(g, factor), scaled(one_by_one(noting, divided(g, norm)), limit)))
