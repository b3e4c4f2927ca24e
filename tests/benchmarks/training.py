"""What training costs: an epoch against a NumPy loop written by hand, and against PyTorch; memory,
and the loading of the data.

Run from the repository: ``python -m tests.benchmarks.training``. Every work is timed in turns with
what it is held against; the ratios are of medians. PyTorch is left out where it is not installed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from msgspec.structs import replace

import backtrace
from backtrace.spec.model import Matrix
from backtrace.tape.training import Engine, starting_state
from tests.benchmarks import loading

SAMPLES, PIXELS, HIDDEN, CLASSES = 60_000, 784, 10, 10
BATCH = 32
RATE = 0.1
PAUSE = 0.2  # seconds: BLAS threads of the work before go on spinning for about 0.1
Work = Callable[[], object]

try:
    import torch
except ImportError:
    torch = None  # type: ignore[assignment]


def say(text: str = "") -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def interleaved(works: dict[str, Work], turns: int, times: int) -> dict[str, float]:
    """The median time of each work, in seconds, taken in turns of so many in a row.

    Each turn begins with one that is not counted: threads that have slept, or that spin for the
    work before, say nothing of a training of many epochs.
    """
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(turns):
        for name, work in works.items():
            time.sleep(PAUSE)
            work()
            for _ in range(times):
                start = time.perf_counter()
                work()
                found[name].append(time.perf_counter() - start)
    return {name: statistics.median(all_of) for name, all_of in found.items()}


def report(title: str, medians: dict[str, float], unit: float, name: str, limits: Any) -> None:
    ours = medians["backtrace"]
    say(f"{title}: {ours * unit:.1f} {name}")
    for other, limit in limits.items():
        if other in medians:
            ratio = ours / medians[other]
            word = "" if ratio <= limit else "  MISSED"
            theirs = f"{medians[other] * unit:.1f} {name}"
            say(f"  {ratio:5.2f} x {other} ({theirs}), at most {limit}{word}")


# --- or-gate


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def numpy_or_gate(spec: Any) -> Work:
    """A plain loop's epoch, as one writes it for a lecture: forward, loss, backward, update."""
    x, y, n = spec.inputs.values, spec.targets.values, spec.samples
    w1, b1 = spec.layers[0].weights.values.copy(), spec.layers[0].bias.values.values.copy()
    w2, b2 = spec.layers[1].weights.values.copy(), spec.layers[1].bias.values.values.copy()
    rate = float(spec.optimizer.learning_rate)
    losses: list[float] = []

    def epoch() -> None:
        nonlocal w1, b1, w2, b2
        a1 = sigmoid(w1 @ x + b1)
        a2 = sigmoid(w2 @ a1 + b2)
        losses.append(np.sum((a2 - y) ** 2) / (2 * n))
        delta2 = (a2 - y) * a2 * (1 - a2)
        delta1 = (w2.T @ delta2) * a1 * (1 - a1)
        w2 -= rate * (delta2 @ a1.T / n)
        b2 -= rate * (delta2.sum(axis=1, keepdims=True) / n)
        w1 -= rate * (delta1 @ x.T / n)
        b1 -= rate * (delta1.sum(axis=1, keepdims=True) / n)

    return epoch


def torch_or_gate(spec: Any) -> Work:
    x = torch.tensor(spec.inputs.values.T.copy())
    y = torch.tensor(spec.targets.values.T.copy())
    model = torch.nn.Sequential(
        torch.nn.Linear(2, 2), torch.nn.Sigmoid(), torch.nn.Linear(2, 1), torch.nn.Sigmoid()
    ).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    losses: list[float] = []

    def epoch() -> None:
        optimizer.zero_grad()
        loss = ((model(x) - y) ** 2).sum() / 8
        loss.backward()
        optimizer.step()
        losses.append(loss.item())

    return epoch


def small() -> None:
    spec = backtrace.load("or-gate")
    works: dict[str, Work] = {"backtrace": Engine(spec, starting_state(spec)).epoch}
    works["NumPy"] = numpy_or_gate(spec)
    if torch is not None:
        works["torch"] = torch_or_gate(spec)
    medians = interleaved(works, turns=15, times=1000)
    report("or-gate, an epoch", medians, 1e6, "us", {"NumPy": 1.0, "torch": 0.15})


# --- 784-10-10, 60,000 samples


def images(arithmetic: str, batch: int | None) -> Any:
    """The bundled MNIST network in rows, on 60,000 images of noise as sparse as digits."""
    rng = np.random.default_rng(1)
    dtype = np.float32 if arithmetic == "float32" else np.float64
    pixels = rng.integers(0, 256, (SAMPLES, PIXELS), dtype=np.uint8)
    pixels *= rng.random((SAMPLES, PIXELS), dtype=np.float32) < 0.2
    inputs = pixels.astype(dtype)
    inputs /= 255
    targets = np.eye(CLASSES, dtype=dtype)[rng.integers(0, CLASSES, SAMPLES)]
    spec = backtrace.loads(SPEC.format(arithmetic=arithmetic))
    return replace(spec, inputs=Matrix(inputs), targets=Matrix(targets), batch_size=batch)


SPEC = """
layers:
  - {{units: 10, activation: relu, weights: {{init: zeros}}, bias: {{init: zeros}}}}
  - {{units: 10, activation: softmax, weights: {{init: zeros}}, bias: {{init: zeros}}}}
seed: 1
inputs: [[0, 0], [1, 1]]
targets: [[1,0,0,0,0,0,0,0,0,0], [0,1,0,0,0,0,0,0,0,0]]
loss: cross_entropy
learning_rate: 0.1
arithmetic: {arithmetic}
"""


def starting(spec: Any) -> list[Any]:
    rng = np.random.default_rng(2)
    dtype = spec.inputs.values.dtype
    shapes = [(PIXELS, HIDDEN), (1, HIDDEN), (HIDDEN, CLASSES), (1, CLASSES)]
    return [(rng.random(shape) / 10 - 0.05).astype(dtype) for shape in shapes]


def numpy_images(spec: Any) -> Work:
    x, y, n = spec.inputs.values, spec.targets.values, len(spec.inputs.values)
    w1, b1, w2, b2 = starting(spec)
    rate = x.dtype.type(RATE)
    losses: list[float] = []

    def epoch() -> None:
        nonlocal w1, b1, w2, b2
        z1 = x @ w1 + b1
        a1 = np.maximum(z1, 0)
        z2 = a1 @ w2 + b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        a2 = e / e.sum(axis=1, keepdims=True)
        losses.append(-np.sum(y * np.log(a2 + 1e-12)) / n)
        delta2 = (a2 - y) / n
        delta1 = (delta2 @ w2.T) * (z1 > 0)
        w2 -= rate * (a1.T @ delta2)
        b2 -= rate * delta2.sum(axis=0, keepdims=True)
        w1 -= rate * (x.T @ delta1)
        b1 -= rate * delta1.sum(axis=0, keepdims=True)

    return epoch


def torch_images(spec: Any, batch: int | None) -> Work:
    x = torch.from_numpy(spec.inputs.values)
    labels = torch.from_numpy(spec.targets.values.argmax(axis=1))
    model = torch.nn.Sequential(
        torch.nn.Linear(PIXELS, HIDDEN), torch.nn.ReLU(), torch.nn.Linear(HIDDEN, CLASSES)
    ).to(x.dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=RATE)
    cost = torch.nn.CrossEntropyLoss()

    def update(part: Any, true: Any) -> Any:
        optimizer.zero_grad()
        loss = cost(model(part), true)
        loss.backward()
        optimizer.step()
        return loss

    def epoch() -> None:
        if batch is None:
            update(x, labels).item()
            return
        for start in range(0, len(x), batch):
            update(x[start : start + batch], labels[start : start + batch])

    return epoch


def large(arithmetic: str, limit: float = 0.85) -> None:
    spec = images(arithmetic, None)
    trained = replace(spec, layers=with_pixels(spec))
    works: dict[str, Work] = {"backtrace": Engine(trained, starting_state(trained)).epoch}
    works["NumPy"] = numpy_images(spec)
    if torch is not None:
        works["torch"] = torch_images(spec, None)
    medians = interleaved(works, turns=7, times=5)
    title = f"784-10-10, full batch, {arithmetic}, an epoch"
    report(title, medians, 1e3, "ms", {"NumPy": limit, "torch": 1.0})


def with_pixels(spec: Any) -> Any:
    """The layers for images in place of the two pixels of ``SPEC``."""
    w1, b1, w2, b2 = (np.asarray(each, dtype=np.float64) for each in starting(spec))
    made = []
    for layer, w, b in zip(spec.layers, (w1, w2), (b1, b2), strict=True):
        bias = replace(layer.bias, values=Matrix(b))
        made.append(replace(layer, inputs=len(w), weights=Matrix(w), bias=bias))
    return tuple(made)


def batched(arithmetic: str) -> None:
    spec = images(arithmetic, BATCH)
    trained = replace(spec, layers=with_pixels(spec))
    works: dict[str, Work] = {"backtrace": Engine(trained, starting_state(trained)).epoch}
    if torch is not None:
        works["torch"] = torch_images(spec, BATCH)
    medians = interleaved(works, turns=5, times=2)
    title = f"784-10-10, batches of {BATCH}, {arithmetic}, an epoch"
    report(title, medians, 1e3, "ms", {"torch": 0.5})


MEMORY = """
import resource, sys
from tests.benchmarks.training import images, with_pixels, replace, Engine, starting_state
spec = images({arithmetic!r}, None)
spec = replace(spec, layers=with_pixels(spec))
import concurrent.futures, threadpoolctl
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
before = resident()
works = Engine(spec, starting_state(spec))
most = 0
for _ in range(5):
    works.epoch()
    most = max(most, resident())
print(f"{{most - before:.0f}}")
"""


ONE_CORE = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from tests.benchmarks.training import large
large("float32", 0.9)
"""


def one_core() -> None:
    """Where no other processor can help: what chunks in a cache bring by themselves."""
    if not hasattr(os, "sched_setaffinity"):
        return
    say("On one core:")
    subprocess.run([sys.executable, "-c", ONE_CORE], check=True)


def memory(arithmetic: str) -> None:
    code = MEMORY.format(arithmetic=arithmetic)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    taken = f"{done.stdout.strip()} MB on top of the data, at most 100"
    say(f"784-10-10, full batch, {arithmetic}: {taken}")


def main() -> None:
    if torch is None:
        say("PyTorch is not installed: its rows are left out.")
    small()
    for arithmetic in ("float64", "float32"):
        large(arithmetic)
        batched(arithmetic)
        memory(arithmetic)
    one_core()
    loading.main()


if __name__ == "__main__":
    main()
