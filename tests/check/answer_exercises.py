"""Exercises whose shapes are all different, for the tests of what reads answers."""

from functools import cache

import backtrace
from backtrace.check.answers.names import reader
from backtrace.tape.compile import compile_tape

# Four samples (a row each), 2 → 3 sigmoid → 1 linear, one update.
PLAIN = """
layers:
  - {activation: sigmoid, weights: [[1, 2, 3], [4, 5, 6]], bias: [1, 2, 3]}
  - {activation: linear, weights: [[1], [2], [3]], bias: 1}
inputs: [[0, 0], [0, 1], [1, 0], [1, 1]]
targets: [0, 1, 1, 1]
loss: half_mse
learning_rate: 0.5
"""
# Three samples (a row each), 2 → 1 sigmoid.
ONE_LAYER = """
layers: [{activation: sigmoid, weights: [[1], [2]], bias: 3}]
inputs: [[0, 1], [1, 0], [1, 1]]
targets: [0, 1, 1]
loss: half_mse
learning_rate: 0.5
"""
ONLINE = PLAIN + "updates: {batch_size: 2}\nepochs: 2\n"
DESCENT = PLAIN + "conventions: {sign: descent}\n"
PARTIAL_DESCENT = DESCENT + "notation: {delta: partial, gradient: partial}\n"
ADAM = PLAIN.replace("learning_rate: 0.5", "optimizer: {name: adam, learning_rate: 0.5}")
# Two samples a column, 3 → 2 tanh → 1 sigmoid; the biases are the weights' first columns.
AUGMENTED = """
layers:
  - {activation: tanh, weights: [[1, 2, 3, 4], [5, 6, 7, 8]], bias: {in_weights: first}}
  - {activation: sigmoid, weights: [[1, 2, 3]], bias: {in_weights: first}}
inputs: [[1, 2], [3, 4], [5, 6]]
targets: [[0, 1]]
loss: binary_cross_entropy
conventions: {layout: columns}
"""


@cache
def reader_of(text):
    spec = backtrace.loads(text)
    return reader(compile_tape(spec), spec)
