"""Which entries are verified where all of them would take too long."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backtrace.verify.forward_part import ForwardPart
from backtrace.verify.responses import Indices
from backtrace.verify.results import Request

ROUNDS = 6  # passes that an entry takes, usually
FEWEST = 8  # entries of a quantity that are verified however long they take


def sampled(
    moved: Mapping[str, str], part: ForwardPart, request: Request, seed: int
) -> dict[str, Indices]:
    """By id, which of its entries (of an a or a z, which units) are verified.

    ``moved`` has for each id of a gradient that of the quantity whose gradient it is. The budget
    of the request is shared out, the cheapest first: what one leaves goes to the others.
    """
    ids = list(moved)
    efforts = {id: ROUNDS * max(part.effort(moved[id]), 1) for id in ids}
    moves = {id: _moves(id, moved[id], part) for id in ids}
    left, found = float(request.budget), {}
    for number, id in enumerate(sorted(ids, key=lambda each: moves[each] * efforts[each])):
        share = left / (len(ids) - number)
        affordable = max(FEWEST, int(share / efforts[id]))
        found[id] = np.arange(moves[id])
        if affordable < moves[id] and not request.everything:
            random = np.random.default_rng([seed, ids.index(id)])
            found[id] = np.sort(random.choice(moves[id], size=affordable, replace=False))
        left -= found[id].size * efforts[id]
    return found


def _moves(id: str, moved: str, part: ForwardPart) -> int:
    """How many moves verify all entries of ``id``: a unit moves in all samples at once."""
    shape = part.values[id].shape
    alone = moved[0] in "Wb"
    return int(np.prod(shape)) if alone else int(shape[1 - part.setting.sample_axis])
