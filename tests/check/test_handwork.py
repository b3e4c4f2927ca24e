"""The network worked by hand and the program's trace are the same, whatever the conventions."""

import numpy as np

from backtrace.tape.run import trace
from tests.check.handwork import Work
from tests.check.random_exercises import random_spec
from tests.sampling import share


def lines_that_differ(spec):
    """The ids on which the two disagree by more than rounding, or that only one of them has."""
    work = Work(spec)
    values, traced = work.exact, trace(spec)
    ours = {s.id + _where(s): s.value for s in traced if s.phase != "given"}
    written = [line for line in work.lines.values() if not line.hidden]
    assert [line.id for line in written] == list(ours)
    return [
        line.id
        for line in written
        if not same(np.asarray(ours[line.id]), work.page(line.kind, values[line.id]))
    ]


def _where(step):
    return "" if (step.epoch, step.batch) == (1, 1) else f"@{step.epoch}.{step.batch}"


def same(ours, theirs):
    theirs = theirs.reshape(()) if ours.shape == () else theirs
    return ours.shape == theirs.shape and np.allclose(ours, theirs, rtol=1e-9, atol=1e-9)


def test_random_networks_agree_on_every_id():
    specs = {seed: random_spec(np.random.default_rng([7, seed])) for seed in range(share(300))}
    differences = {seed: lines_that_differ(spec) for seed, spec in specs.items()}
    assert [seed for seed, ids in differences.items() if ids] == []


def test_a_line_worked_otherwise_is_noticed():
    spec = random_spec(np.random.default_rng([7, 1]))
    work = Work(spec)
    right = trace(spec)["z1"].value
    assert not same(right, work.page("z", work.exact["z1"]) + 1e-6)
