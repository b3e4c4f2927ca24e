"""How long a spec with 60,000 images takes to load, against unpacking them: work and memory.

    python -m tests.benchmarks.loading [runs, 7]

The images lie in a gzipped IDX file, as those of MNIST do: strokes with soft edges, about a fifth
of the pixels above 0, some 10 MB. Python's own `gzip` unpacks the same files in every turn, and the
middle of the ratios of the turns is printed, in seconds of the processor. The memory is what a
process of its own needs at most beside the matrices that it loads.
"""

import gzip
import struct
import subprocess
import sys
import tempfile
from operator import truediv
from pathlib import Path
from statistics import median
from time import process_time

import numpy as np

from backtrace.tape.loading import load

IMAGES, SIDE, CLASSES = 60_000, 28, 10
MOST, MOST_MEMORY = 1.5, 60  # times gzip's own time; MB
TYPES = ("float32", "float64")
SPEC = """\
layers: [{{units: 10, activation: softmax, weights: {{init: zeros}}, bias: none}}]
inputs: {{file: images.gz, scale: 1/255}}
targets: {{file: labels.gz, one_hot: 10}}
loss: cross_entropy
arithmetic: {}
"""
MEMORY = """\
import sys
from backtrace.tape.loading import load, loads
from backtrace.spec.data import contents

def most():  # getrusage would have that of the process that started this one, if it was larger
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) * 1024 / 1e6

loads("layers: [{activation: linear, weights: 1, bias: none}]\\ninputs: 1")
before = most()
spec = load(sys.argv[1])
data = (spec.inputs.values.nbytes + spec.targets.values.nbytes) / 1e6
sys.stdout.write(f"{data} {most() - before - data}")
"""


def main(runs=7):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder)
        size = (folder / "images.gz").stat().st_size / 1e6
        say(f"{IMAGES:,} images, {size:.1f} MB gzipped")
        seconds = measured(folder, runs)
        base = seconds.pop("gzip")
        say(f"{'gzip alone':12} {1000 * median(base):5.0f} ms")
        for dtype, took in seconds.items():
            ratio = median(map(truediv, took, base))
            say(f"{dtype:12} {1000 * median(took):5.0f} ms  {ratio:5.2f} ×  (at most {MOST})")
        for dtype in TYPES if Path("/proc/self/status").exists() else ():
            data, more = memory(folder / f"{dtype}.yaml")
            say(f"{dtype:12} {data:5.0f} MB, and {more:.0f} beside it  (at most {MOST_MEMORY})")


def say(line):
    sys.stdout.write(line + "\n")


def measured(folder, runs):
    """The seconds of each, turn by turn; a first turn is not counted."""
    turns = [turn(folder) for _ in range(runs + 1)]
    return {name: [each[name] for each in turns[1:]] for name in turns[0]}


def turn(folder):
    """Each finds memory that the machine has at hand, which a virtual one takes long to find."""
    touched()
    taken = {"gzip": timed(lambda: [unpacked(folder / f"{n}.gz") for n in ("images", "labels")])}
    for dtype in TYPES:
        touched()
        taken[dtype] = timed(lambda path=folder / f"{dtype}.yaml": load(path))
    return taken


def touched():
    np.empty((IMAGES, SIDE * SIDE)).fill(1)


def timed(work):
    start = process_time()
    work()
    return process_time() - start


def unpacked(path):
    with gzip.open(path) as file:
        return file.read()


def memory(path):
    """MB of the matrices of a spec, and those that loading it takes beside them."""
    command = [sys.executable, "-c", MEMORY, str(path)]
    done = subprocess.run(command, capture_output=True, check=True, encoding="utf-8")
    return map(float, done.stdout.split())


def write(folder):
    chance = np.random.default_rng(1)
    pixels = np.concatenate([strokes(chance, 1000) for _ in range(IMAGES // 1000)])
    labels = chance.integers(0, CLASSES, IMAGES, dtype=np.uint8)
    for name, array in (("images", pixels), ("labels", labels)):
        (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array), compresslevel=6))
    for dtype in TYPES:
        (folder / f"{dtype}.yaml").write_text(SPEC.format(dtype), encoding="utf-8")


def idx(array):
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return header + array.tobytes()


def strokes(chance, count):
    """Images of three bent strokes each, as wide as those of a pen."""
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    ends = chance.uniform(5, 23, (count, 3, 3, 2))
    ink = np.zeros((count, SIDE, SIDE))
    for t in np.linspace(0, 1, 14):
        at = (1 - t) ** 2 * ends[:, :, 0] + 2 * t * (1 - t) * ends[:, :, 1] + t**2 * ends[:, :, 2]
        for down, along in at.transpose(1, 2, 0):
            away = (x - along[:, None, None]) ** 2 + (y - down[:, None, None]) ** 2
            np.maximum(ink, np.exp(-away / 3), out=ink)
    paper = chance.uniform(0.8, 1, ink.shape)
    return (255 * np.clip(1.7 * ink * paper - 0.35, 0, 1)).astype(np.uint8)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
