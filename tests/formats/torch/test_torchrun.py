"""``torchrun``: several processes do, each with its share of the samples, what one does."""

import subprocess
import sys

import pytest

import backtrace
from backtrace.formats.torch.program import program

pytest.importorskip("torch", reason="torch is not installed: its programs can't run")
pytestmark = pytest.mark.slow

MUCH = """
seed: 1
layers:
  - {units: 3, activation: {name: prelu}, weights: {init: normal}, bias: {init: uniform}}
  - {units: 2, activation: softmax, weights: {init: normal}, bias: {init: zeros}}
inputs: [[1, 2], [0.5, -1], [-2, 1], [0, 1], [1.5, 1]]
targets: [[1, 0], [0, 1], [0, 1], [1, 0], [1, 0]]
loss: cross_entropy
regularization: {l2: 0.1, l1: 0.01, form: lambda_over_2n}
freeze: [b1]
clip: {norm: 0.1}
optimizer: {name: adam, learning_rate: 0.1}
updates: {batch_size: 2, shuffle: true}  # the last of an epoch has one sample
training: {epochs: 20, patience: 3}
"""
SUMMED = """
layers: [{activation: tanh, weights: [[1], [-0.5]], bias: {threshold: 0.25}}]
inputs: [[1, 2], [0.5, -1]]
targets: [1, 0]
loss: sse
regularization: {l2: 0.1}
optimizer: {name: momentum, form: step, learning_rate: 0.1}
schedule: {exponential: {factor: 0.9}}
epochs: 3
"""
BOARD = """
given: {X: [[1, 2], [3, 4]], W: [[0.5], [-1]]}
equations: ["z = X @ W", "L = sum(z^2)"]
loss: L
constants: [X]
parameters: [W]
learning_rate: 0.01
epochs: 3
"""


@pytest.mark.parametrize(
    ("text", "processes"), [(MUCH, 3), (SUMMED, 2), (BOARD, 2)], ids=["much", "summed", "board"]
)
def test_several_processes_print_what_one_does(text, processes, tmp_path):
    (tmp_path / "net.py").write_bytes(program(backtrace.loads(text)).content)

    def printed(*command):
        done = subprocess.run(
            [sys.executable, *command, "net.py"],
            cwd=tmp_path,
            capture_output=True,
            check=False,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    alone = printed("-W", "error")
    assert alone.startswith("The first gradients are those of the trace.\nepoch")
    assert printed("-m", "torch.distributed.run", f"--nproc-per-node={processes}") == alone


def test_a_share_that_is_left_out_is_noticed(tmp_path):
    """The assertion of the gradients is what the processes find together."""
    text = program(backtrace.loads(SUMMED)).content.decode()
    weight = "weight = PROCESSES if RANK < len(x) else 0"
    assert weight in text
    (tmp_path / "net.py").write_text(text.replace(weight, "weight = 1"), encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "net.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, encoding="utf-8")
    assert done.returncode
    assert "not close" in done.stderr
