"""How long a class takes to check, a student: ``python -m tests.benchmarks.check_speed``.

Whole processes of ``backtrace check or-gate class.jsonl``, every step of a 2-2-1 network with four
samples answered by each student; half the class is honest, the others have one wrong rule that is
followed through, or slips. What one student takes is taken off as start-up. The turns are
interleaved, so that a slow moment of the machine falls on all sizes alike.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

import backtrace

SIZES = (1, 30, 300, 3000)
TURNS = 3
TARGET = 5.0  # milliseconds a student beyond start-up
DECIMALS = 4


def key():
    """Every quantity that is worked in or-gate, by id, as rows of numbers."""
    trace = backtrace.trace(backtrace.load("or-gate"))
    return {s.id: np.atleast_2d(s.value) for s in trace if s.operation != "given"}


def without_derivative(values):
    """The rest of the sheet worked on δ₂ = a₂ − y, the derivative left out."""
    values = dict(values)
    x, w1, b1, w2, b2, rate = _givens()
    delta2 = values["delta2"] = values["da2"]
    values["dW2"] = delta2 @ values["a1"].T / 4
    values["db2"] = delta2.sum(axis=1, keepdims=True) / 4
    values["da1"] = w2.T @ delta2
    delta1 = values["delta1"] = values["da1"] * values["g1"]
    values["dW1"] = delta1 @ x.T / 4
    values["db1"] = delta1.sum(axis=1, keepdims=True) / 4
    for id, old in (("W1", w1), ("b1", b1), ("W2", w2), ("b2", b2)):
        values[f"{id}_new"] = old - rate * values[f"d{id}"]
    values.pop("loss_after")
    return values


def _givens():
    spec = backtrace.load("or-gate")
    one, two = spec.layers
    matrices = (spec.inputs, one.weights, one.bias.values, two.weights, two.bias.values)
    return (*(matrix.values for matrix in matrices), float(spec.optimizer.learning_rate))


def sheet(number, values, chance):
    """One student's line: honest, without the derivative, or with three slips."""
    kind = number % 4
    values = without_derivative(values) if kind == 1 else values
    texts = {id: [[f"{x:.{DECIMALS}f}" for x in row] for row in v] for id, v in values.items()}
    for _ in range(3 if kind == 2 else 0):
        id = chance.choice(sorted(texts))
        i, j = chance.randrange(len(texts[id])), chance.randrange(len(texts[id][0]))
        texts[id][i][j] = f"{float(texts[id][i][j]) + chance.uniform(0.01, 0.2):.{DECIMALS}f}"
    return json.dumps({"student": f"student {number}", "answers": texts})


def write_class(folder, size):
    chance, values = random.Random(size), key()
    path = Path(folder) / f"{size}.jsonl"
    path.write_text("".join(sheet(n, values, chance) + "\n" for n in range(size)))
    return path


def seconds(path):
    """Wall-clock time of one whole process."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-m", "backtrace", "check", "or-gate", str(path)]
    start = time.perf_counter()
    done = subprocess.run(
        [*command, "--format", "jsonl"], stdout=subprocess.DEVNULL, env=environment, check=False
    )
    assert done.returncode in (0, 1), done.returncode
    return time.perf_counter() - start


def main():
    with tempfile.TemporaryDirectory() as folder:
        paths = {size: write_class(folder, size) for size in SIZES}
        taken = {size: [] for size in SIZES}
        for _ in range(TURNS):
            for size, path in paths.items():
                taken[size].append(seconds(path))
    sys.stdout.write("\n".join(table({size: median(taken[size]) for size in SIZES})) + "\n")


def table(seconds):
    """The lines to print, of the seconds that each size took."""
    start = seconds[1]
    each = {size: (seconds[size] - start) / (size - 1) * 1000 for size in SIZES[1:]}
    yield f"start-up with one student: {start:.2f} s"
    yield f"{'students':>8} {'seconds':>9} {'ms a student':>13}   at most {TARGET:.0f}"
    for size, milliseconds in each.items():
        yield f"{size:8} {seconds[size]:9.2f} {milliseconds:13.2f}"
    yield f"3,000 against 300, a student: {each[3000] / each[300]:.2f} × (1 is linear)"


if __name__ == "__main__":
    main()
