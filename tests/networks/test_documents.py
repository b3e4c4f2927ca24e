"""Every figure of the three numeric documents against the trace, typed from the documents."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import backtrace

NETWORKS = Path(__file__).parents[2] / "networks"

# A matrix's rows are separated by "/"; "_" stands where the document is wrong (see SLIPS).
# In these two documents all arithmetic comes out even: every figure is the value itself.
MLP_MATH = {
    "a0": "1 2",
    "W1": "0.5 -1 2 / 1.5 0 -0.5",
    "b1": "0.2 -0.3 0.1",
    "W2": "1 / -2 / 0.5",
    "b2": "0.1",
    "y": "3.5",
    "product1": "3.5 -1 1",
    "z1": "3.7 -1.3 1.1",
    "a1": "3.7 0 1.1",
    "z2": "4.35",
    "a2": "4.35",
    "error": "0.85",
    "loss": "0.7225",
    "da2": "1.7",
    "delta2": "1.7",
    "db2": "1.7",
    "dW2": "6.29 / 0 / 1.87",
    "da1": "1.7 -3.4 0.85",
    "g1": "1 0 1",
    "delta1": "1.7 0 0.85",
    "db1": "1.7 0 0.85",
    "dW1": "1.7 0 0.85 / 3.4 0 1.7",
}

SMALL_MLP = {
    "a0": "1 2",
    "W1": "0.1 0.2 / 0.3 0.4",
    "b1": "0.1 0.1",
    "W2": "0.5 / 0.6",
    "b2": "0.1",
    "y": "1",
    "z1": "0.8 1.1",
    "a1": "0.8 1.1",
    "z2": "1.16",
    "a2": "1.16",
    "error": "0.16",
    "da2": "0.16",
    "dW2": "0.128 / 0.176",
    "db2": "0.16",
    "da1": "0.08 0.096",
    "g1": "1 1",
    "delta1": "0.08 0.096",
    "dW1": "0.08 0.096 / 0.16 0.192",
    "db1": "0.08 0.096",
    "W1_new": "0.092 0.1904 / 0.284 0.3808",
    "b1_new": "0.092 0.0904",
    "W2_new": "0.4872 / 0.5824",
    "b2_new": "0.084",
}

OR_GATE_EXACT = {
    "a0": "0 0 1 1 / 0 1 0 1",
    "y": "0 1 1 1",
    "W1": "0.2 0.4 / 0.3 0.5",
    "b1": "0.3 / 0.5",
    "W2": "0.4 0.6",
    "b2": "0.5",
    "product1": "0 0.4 0.2 0.6 / 0 0.5 0.3 0.8",
    "z1": "0.3 0.7 0.5 0.9 / 0.5 1.0 0.8 1.3",
}

OR_GATE_ROUNDED = {
    "a1": "0.574 0.668 0.622 0.711 / 0.622 0.731 0.690 0.786",
    "product2": "0.603 0.706 0.663 0.756",
    "z2": "1.103 1.206 1.163 1.256",
    "a2": "_ 0.770 0.762 0.778",
    "(a2 - y)^2": "_ _ _ 0.049",
    "sum of the (a2 - y)^2": "0.723",
    "MSE": "0.181",
    "loss": "0.090",
    "error": "_ -.230 -.238 -.222",
    "1 - a2": "_ 0.230 0.238 0.222",
    "(a2 - y) a2": "_ _ -.181 -.173",
    "delta2": ".140 _ -.043 _",
    "delta2, in the gradient of b2": "0.140 -0.041 -0.043 -0.038",
    "1 - a1": "0.426 0.332 0.378 _ / 0.378 0.269 0.310 0.214",
    "da1": "_ -0.016 -0.017 -0.015 / _ -0.025 -0.026 -0.023",
    "delta1": "_ -0.0036 _ -0.0031 / _ -0.0048 -0.0055 _",
    "dW2, in its update": "-0.0002 -0.0006",
    "n db2": "0.018",
    "db2": "0.0045",
    "dW1": "-0.0018 -0.0017 / _ -0.0022",
    "n db1": "0.003 / _",
    "db1": "_ / 0.0014",
    "W2_new": "0.4001 0.6003",
    "W1_new": "0.2009 0.4008 / 0.3012 0.5011",
    "b1_new": "0.2996 / 0.4993",
}


class Figure(NamedTuple):
    network: str
    quantity: str
    row: int
    column: int
    printed: str

    def __str__(self) -> str:
        return f"{self.network} {self.quantity} [{self.row},{self.column}] {self.printed}"


def figures(network: str, document: dict[str, str]) -> Iterator[Figure]:
    for quantity, matrix in document.items():
        for row, line in enumerate(matrix.split("/"), 1):
            for column, printed in enumerate(line.split(), 1):
                if printed != "_":
                    yield Figure(network, quantity, row, column, printed)


EXACT = [
    *figures("mlp-math", MLP_MATH),
    *figures("small-mlp", SMALL_MLP),
    *figures("or-gate", OR_GATE_EXACT),
]
ROUNDED = [*figures("or-gate", OR_GATE_ROUNDED)]


@cache
def traced(network: str) -> backtrace.Trace:
    return backtrace.trace(backtrace.load(NETWORKS / f"{network}.yaml"))


# What the homework prints and the trace does not name: an id, and its factor or formula.
FACTORS = {
    "(a2 - y)^2": ("loss_terms", 2),  # the terms of the half MSE are halves
    "sum of the (a2 - y)^2": ("loss", 8),  # loss = 1/(2n) of the sum, n = 4
    "MSE": ("loss", 2),
    "n dW1": ("dW1", 4),
    "n dW2": ("dW2", 4),
    "n db1": ("db1", 4),
    "n db2": ("db2", 4),
}


def value(network: str, quantity: str, row: int, column: int) -> float:
    """An entry, counted from 1, of an id or of what a document calls ``quantity``."""
    name = quantity.partition(",")[0]
    if name.startswith("1 - "):
        return 1 - value(network, name.removeprefix("1 - "), row, column)
    if name == "(a2 - y) a2":
        return value(network, "error", row, column) * value(network, "a2", row, column)
    id_, factor = FACTORS.get(name, (name, 1))
    return factor * float(np.atleast_2d(traced(network)[id_].value)[row - 1, column - 1])


def decimals(printed: str) -> int:
    return len(printed.partition(".")[2])


def half_unit(printed: str) -> float:
    """Half a unit of the last printed decimal."""
    return 0.5 * 10.0 ** -decimals(printed)


@pytest.mark.parametrize("figure", EXACT, ids=str)
def test_an_exact_figure_is_the_value(figure: Figure) -> None:
    found = value(figure.network, figure.quantity, figure.row, figure.column)
    assert found == pytest.approx(float(figure.printed), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("figure", ROUNDED, ids=str)
def test_a_rounded_figure_is_the_value_to_its_digits(figure: Figure) -> None:
    found = value(figure.network, figure.quantity, figure.row, figure.column)
    assert abs(found - float(figure.printed)) <= half_unit(figure.printed)


# The OR gate once more from the exercise's numbers alone, unrounded and without a matrix product.


def sigma(z: float) -> float:
    return 1 / (1 + math.exp(-z))


A1 = [
    [sigma(0.3), sigma(0.7), sigma(0.5), sigma(0.9)],
    [sigma(0.5), sigma(1.0), sigma(0.8), sigma(1.3)],
]
A2 = [sigma(0.4 * A1[0][i] + 0.6 * A1[1][i] + 0.5) for i in range(4)]
ERROR = [A2[0] - 0, A2[1] - 1, A2[2] - 1, A2[3] - 1]
DELTA2 = [ERROR[i] * A2[i] * (1 - A2[i]) for i in range(4)]
DA1 = [[weight * delta for delta in DELTA2] for weight in (0.4, 0.6)]
DELTA1 = [[DA1[j][i] * A1[j][i] * (1 - A1[j][i]) for i in range(4)] for j in range(2)]
N_DW2 = [sum(DELTA2[i] * A1[j][i] for i in range(4)) for j in range(2)]
# x1 is 1 in the third and fourth sample, x2 in the second and fourth.
N_DW1 = [[row[2] + row[3], row[1] + row[3]] for row in DELTA1]
BY_HAND = {
    "W2": [[0.4, 0.6]],
    "a1": A1,
    "z2": [[0.4 * A1[0][i] + 0.6 * A1[1][i] + 0.5 for i in range(4)]],
    "a2": [A2],
    "(a2 - y)^2": [[error**2 for error in ERROR]],
    "sum of the (a2 - y)^2": [[sum(error**2 for error in ERROR)]],
    "error": [ERROR],
    "1 - a1": [[1 - a for a in row] for row in A1],
    "1 - a2": [[1 - a for a in A2]],
    "(a2 - y) a2": [[error * a for error, a in zip(ERROR, A2, strict=True)]],
    "delta2": [DELTA2],
    "da1": DA1,
    "delta1": DELTA1,
    "n dW2": [N_DW2],
    "dW2": [[entry / 4 for entry in N_DW2]],
    "db2": [[sum(DELTA2) / 4]],
    "n dW1": N_DW1,
    "dW1": [[entry / 4 for entry in row] for row in N_DW1],
    "n db1": [[sum(row)] for row in DELTA1],
    "db1": [[sum(row) / 4] for row in DELTA1],
    "b2_new": [[0.5 - 0.5 * sum(DELTA2) / 4]],
    "b1_new": [[0.3 - 0.5 * sum(DELTA1[0]) / 4], [0.5 - 0.5 * sum(DELTA1[1]) / 4]],
}


class Slip(NamedTuple):
    """A figure of the homework that is not right; ``line`` begins its comment in or-gate.yaml.

    ``right`` is what that comment gives in its place, to its digits; empty where it only refers.
    """

    line: str
    quantity: str
    row: int
    column: int
    printed: str
    right: str

    def __str__(self) -> str:
        return f"{self.line} [{self.row},{self.column}] {self.printed}"

    @property
    def by_hand(self) -> float:
        return BY_HAND[self.quantity][self.row - 1][self.column - 1]


SLIPS = [
    Slip("sigma(0.9), beside the matrix", "a1", 1, 4, "0.696", "0.711"),
    Slip("product2 [1,2], as put in", "a1", 2, 2, "0.711", "0.731"),
    Slip("a2, as put in, sigma of", "z2", 1, 1, "0.103", "1.103"),
    Slip("a2, as put in, sigma of", "z2", 1, 2, "0.206", "1.206"),
    Slip("a2, as put in, sigma of", "z2", 1, 3, "0.163", "1.163"),
    Slip("a2, as put in, sigma of", "z2", 1, 4, "0.256", "1.256"),
    Slip("a2 [1,1]", "a2", 1, 1, "0.752", "0.751"),
    Slip("(a2 - y)^2 [1,1]", "(a2 - y)^2", 1, 1, "0.565", "0.564"),
    Slip("(a2 - y)^2 [1,2]", "(a2 - y)^2", 1, 2, "0.059", "0.053"),
    Slip("(a2 - y)^2 [1,3]", "(a2 - y)^2", 1, 3, "0.056", "0.057"),
    Slip("sum of the (a2 - y)^2", "sum of the (a2 - y)^2", 1, 1, "0.123", "0.723"),
    Slip("a2 - y [1,1]", "error", 1, 1, "0.752", "0.751"),
    Slip("1 - a2 [1,1]", "1 - a2", 1, 1, "0.248", "0.249"),
    Slip("(a2 - y) a2 [1,1]", "(a2 - y) a2", 1, 1, "1.566", "0.564"),
    Slip("(a2 - y) a2 [1,2]", "(a2 - y) a2", 1, 2, "-.171", "-.177"),
    Slip("delta2 [1,2]", "delta2", 1, 2, "-.091", "-.041"),
    Slip("delta2 [1,4]", "delta2", 1, 4, "-.039", "-.038"),
    Slip("delta2, as put into delta1", "delta2", 1, 2, "-0.91", "-0.041"),
    Slip("delta2, as put into delta1", "delta2", 1, 3, "-0.43", "-0.043"),
    Slip("delta2, as put into delta1", "delta2", 1, 4, "-0.38", "-0.038"),
    Slip("W2 [1,1], as put into delta1", "W2", 1, 1, "0.9", "0.4"),
    Slip("a1 [2,4], as put into delta1", "a1", 2, 4, "0.219", "0.786"),
    Slip("1 - a1 [1,4], as put into delta1", "1 - a1", 1, 4, "0.269", "0.289"),
    Slip("da1 [1,1], [2,1]", "da1", 1, 1, "-0.056", "0.056"),
    Slip("da1 [1,1], [2,1]", "da1", 2, 1, "-0.084", "0.084"),
    Slip("delta1 [1,1]", "delta1", 1, 1, "-0.0135", "0.0137"),
    Slip("delta1 [2,1]", "delta1", 2, 1, "-0.0197", "0.0198"),
    Slip("delta1 [1,3]", "delta1", 1, 3, "-0.0040", "-0.0041"),
    Slip("delta1 [2,4]", "delta1", 2, 4, "-0.0038", "-0.0039"),
    Slip("n dW2", "n dW2", 1, 1, "-0.00079", "-0.00070"),
    Slip("n dW2", "n dW2", 1, 2, "-0.00243", "-0.00231"),
    Slip("dW2", "dW2", 1, 1, "-0.0005", "-0.0002"),
    Slip("dW2", "dW2", 1, 2, "-0.0000", "-0.0006"),
    Slip("n dW2, second try", "n dW2", 1, 1, "0.018", ""),
    Slip("n dW2, second try", "n dW2", 1, 2, "0.0045", ""),
    Slip("delta1 [1,], as put into dW1 and db1", "delta1", 1, 1, "0.135", ""),
    Slip("delta1 [1,], as put into dW1 and db1", "delta1", 1, 3, "0.0040", ""),
    Slip("delta1 [1,], as put into dW1 and db1", "delta1", 1, 4, "0.0031", ""),
    Slip("delta1 [2,], as put into dW1 and db1", "delta1", 2, 1, "0.0197", ""),
    Slip("delta1 [2,], as put into dW1 and db1", "delta1", 2, 2, "0.0048", ""),
    Slip("delta1 [2,], as put into dW1 and db1", "delta1", 2, 3, "0.0055", ""),
    Slip("delta1 [2,], as put into dW1 and db1", "delta1", 2, 4, "0.0038", ""),
    Slip("n dW1 [1,1]", "n dW1", 1, 1, "-0.0071", "-0.0072"),
    Slip("n dW1 [1,2]", "n dW1", 1, 2, "-0.0067", "-0.0068"),
    Slip("n dW1 [2,1]", "n dW1", 2, 1, "-0.0093", "-0.0094"),
    Slip("n dW1 [2,2]", "n dW1", 2, 2, "-0.0066", "-0.0087"),
    Slip("dW1 [2,1]", "dW1", 2, 1, "-0.0023", "-0.0024"),
    Slip("n db1 [2,1]", "n db1", 2, 1, "0.0050", "0.0056"),
    Slip("db1 [1,1]", "db1", 1, 1, "0.0008", "0.0007"),
    Slip("db2, as put into the update", "db2", 1, 1, "0.0005", "0.0045"),
    Slip("b2_new", "b2_new", 1, 1, "0.4978", "0.4977"),
    Slip("dW1 [1,1], as put into the update", "dW1", 1, 1, "-0.00178", "-0.00180"),
    Slip("dW1 [1,2], as put into the update", "dW1", 1, 2, "-0.00017", "-0.00169"),
    Slip("b1 for the next pass", "b1_new", 1, 1, "0.3", "0.2996"),
    Slip("b1 for the next pass", "b1_new", 2, 1, "0.5", "0.4993"),
]


@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_where_the_document_slipped_the_trace_has_the_right_value(slip: Slip) -> None:
    found = value("or-gate", slip.quantity, slip.row, slip.column)
    assert found == pytest.approx(slip.by_hand, rel=1e-12)


@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_the_figure_of_the_document_is_not_the_right_value(slip: Slip) -> None:
    finest = max(slip.printed, slip.right, key=decimals)
    assert abs(slip.by_hand - float(slip.printed)) > half_unit(finest)


@pytest.mark.parametrize("slip", SLIPS, ids=str)
def test_the_network_says_so_in_a_comment(slip: Slip) -> None:
    start = f"#   {slip.line}: "
    lines = (NETWORKS / "or-gate.yaml").read_text(encoding="utf-8").splitlines()
    (comment,) = [line.removeprefix(start) for line in lines if line.startswith(start)]
    said, _, right = comment.partition("right ")
    assert slip.printed in said.replace(",", "").split()
    if slip.right:
        assert slip.right in right.split()
        assert abs(slip.by_hand - float(slip.right)) <= half_unit(slip.right)
