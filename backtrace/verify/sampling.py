"""Which entries are verified where all of them would take too long."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from backtrace.verify.forward import Indices
from backtrace.verify.results import Request

PASSES = 4  # that a row of entries takes, usually
FEWEST = 8  # rows of a quantity that are verified however long they take


def sampled(
    rows: Mapping[str, int], efforts: Mapping[str, int], request: Request, seed: int
) -> dict[str, Indices]:
    """By id, which of its rows of entries are verified; a pass with one takes its effort.

    The budget of the request is shared out, the cheapest first: what one leaves goes to the others.
    """
    ids, left, found = list(rows), float(request.budget), {}
    for number, id in enumerate(sorted(ids, key=lambda each: rows[each] * efforts[each])):
        share = left / (len(ids) - number)
        affordable = max(FEWEST, int(share / (PASSES * efforts[id])))
        found[id] = np.arange(rows[id])
        if affordable < rows[id] and not request.everything:
            random = np.random.default_rng([seed, ids.index(id)])
            found[id] = np.sort(random.choice(rows[id], size=affordable, replace=False))
        left -= found[id].size * PASSES * efforts[id]
    return found
