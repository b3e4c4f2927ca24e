"""How pleasant fresh exercises are beside random ones, and how long thirty variants take.

``python -m tests.benchmarks.pleasantness`` prints, for some templates, the cost of what ``new``
makes beside that of numbers drawn without a choice, and seconds for thirty variants.
"""

from __future__ import annotations

import sys
from time import perf_counter, process_time

import numpy as np

from backtrace.course.drawing import drawn
from backtrace.course.exercises import fresh, variants
from backtrace.course.pleasantness import pleasantness
from backtrace.course.template import template
from backtrace.spec import bundled
from backtrace.tape.loading import loads
from backtrace.tape.run import trace

NAMES = ("mlp-math", "or-gate", "softmax", "attention", "convolution")
SEEDS = range(8)


def random_cost(source, seed: int) -> float:
    """Of numbers as they come, but for what costs only a replay of mistakes."""
    random = np.random.default_rng(seed)
    spec = loads(source.written([drawn(field, random) for field in source.fields], "Random"))
    with np.errstate(all="ignore"):
        return pleasantness(trace(spec), spec.decimals).cost


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    say("cost, medians of 8 (mistakes not counted)      random   fresh")
    for name in NAMES:
        source = template(bundled.path(name).read_bytes(), name)
        plain = np.median([random_cost(source, seed) for seed in SEEDS])
        found = [fresh(source, "Fresh", (seed,)) for seed in SEEDS]
        chosen = np.median([pleasantness(trace(f.spec), f.spec.decimals).cost for f in found])
        say(f"{name:46s} {plain:6.2f}  {chosen:6.2f}")
    start, worked = perf_counter(), process_time()
    found = variants(template(bundled.path("mlp-math").read_bytes(), "mlp-math"), "V", 1, 30)
    costs = [draft.cost for draft in found]
    seconds, worked = perf_counter() - start, process_time() - worked
    hidden = sum(draft.hidden for draft in found)
    say(f"30 variants of mlp-math: {seconds:.1f} s, of which {worked:.1f} s on the processor")
    say(f"cost {min(costs):.2f} to {max(costs):.2f}, {hidden} mistakes hidden")


if __name__ == "__main__":
    main()
