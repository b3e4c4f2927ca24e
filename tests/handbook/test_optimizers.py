"""The chapter on functions: the lines of each optimizer, worked, update as the optimizer does."""

import math
import re

import pytest

import backtrace
from backtrace.functions.optimizers import OPTIMIZERS
from tests.test_readme import rows

SYMBOLS = {
    "m̂": "mhat",
    "v̂": "vhat",
    "β₁ᵗ": "b1**t",
    "β₂ᵗ": "b2**t",
    "β₁": "b1",
    "β₂": "b2",
    "β": "b",
    "η": "rate",
    "ε": "eps",
    "ρ": "rho",
    "λ": "decay",
}
TOKEN = re.compile(rf"{'|'.join(SYMBOLS)}|[wvsmurgt]|[0-9.]+|√|[()+−/·²]")
LETTERS = {  # of the constants, as the lines have them
    "momentum": "b",
    "beta1": "b1",
    "beta2": "b2",
    "epsilon": "eps",
    "rho": "rho",
    "decay": "b",
    "weight_decay": "decay",
}
SPEC = """\
layers: [{{activation: linear, weights: [[0.5]], bias: none}}]
inputs: [[1.5]]
targets: [[2]]
loss: half_sse
optimizer: {{name: {name}, learning_rate: 0.1{form}}}
epochs: 3
"""


def spelt(expression):
    """An expression of the table in Python: what stands side by side is multiplied."""
    words: list[str] = []
    for token in TOKEN.findall(expression):
        begins = token not in "+−/·²)"
        ends = bool(words) and words[-1] not in ("+", "-", "/", "*", "(", "sqrt")
        if begins and ends:
            words.append("*")
        words.append(
            {"√": "sqrt", "−": "-", "·": "*", "²": "**2"}.get(token, SYMBOLS.get(token, token))
        )
    return re.sub(r"sqrt (\w+)", r"sqrt(\1)", " ".join(words))


def lines_of(name, listed):
    """The assignments of an optimizer; ``as Adam`` stands for all of Adam's but the last."""
    found = re.findall(r"(\ŵ?) (?:←|=) ([^,]+)", listed)
    before = lines_of("adam", ROWS["adam"])[:-1] if listed.startswith("as Adam") else []
    return [*before, *((SYMBOLS.get(left, left), spelt(right)) for left, right in found)]


ROWS = {
    row[0].replace("`", "").replace(", form: ", "/"): row[1]
    for row in rows("Optimizers")
    if row[0].split("`")[1] in OPTIMIZERS
}


@pytest.mark.parametrize("row", [row for row in ROWS if row != "nadam"])
def test_the_lines_update_as_the_optimizer_does(row):
    name, _, form = row.partition("/")
    trace = backtrace.trace(
        backtrace.loads(SPEC.format(name=name, form=f", form: {form}" if form else ""))
    )
    known = {LETTERS[key]: float(value) for key, value in OPTIMIZERS[name].constants.items()}
    known |= dict.fromkeys("vsmu", 0.0) | {"sqrt": math.sqrt, "rate": 0.1, "w": 0.5}
    lines = lines_of(name, ROWS[row])
    assert lines[-1][0] == "w"
    for t in (1, 2, 3):
        known |= {"t": t, "g": float(trace[f"dW1@{t}"].value[0, 0])}
        for left, right in lines:
            known[left] = eval(right, {}, known)
        assert known["w"] == pytest.approx(float(trace[f"W1_new@{t}"].value[0, 0]), rel=1e-9)


def test_side_by_side_is_a_product():
    assert spelt("βv + (1 − β)g²") == "b * v + ( 1 - b ) * g **2"
    assert spelt("w − ηg/(√s + ε)") == "w - rate * g / ( sqrt(s) + eps )"
