"""A small valid spec to vary, and the problems of a text."""

import pytest

from backtrace.spec import SpecError
from backtrace.tape.loading import loads

LAYER = "layers:\n  - {activation: sigmoid, weights: [[1, 2], [3, 4]], bias: none}\n"
INPUTS = "inputs: [[1, 2]]\n"
FORWARD = LAYER + INPUTS
TRAINED = FORWARD + "targets: [[0, 1]]\nloss: mse\n"


def network(weights="[[1, 2], [3, 4]]", bias="none", inputs="[[1, 2]]", activation="sigmoid"):
    """A network of one layer; the positions of its parts are those of ``FORWARD``."""
    return (
        f"layers:\n  - activation: {activation}\n    weights: {weights}\n    bias: {bias}\n"
        f"inputs: {inputs}\n"
    )


def problems_of(text, **options):
    with pytest.raises(SpecError) as raised:
        loads(text, "s.yaml", **options)
    return raised.value.problems


def only_problem(text, **options):
    problems = problems_of(text, **options)
    assert len(problems) == 1, "\n\n".join(map(str, problems))
    return problems[0]
