"""Lines and loops as they are unrolled, and what is given to them."""

import time

import numpy as np
import pytest

import backtrace
from backtrace.spec import SpecError


def equations(text):
    found = backtrace.loads(text).equations
    assert found is not None
    return found


def unrolled(text, given="x: 1"):
    """The ids of the lines, each with what it says and in which round it is."""
    body = "".join(f"  {line}\n" for line in text.splitlines())
    lines = equations(f"given: {{{given}}}\nequations:\n{body}").lines
    return [(line.id, line.text, line.loop) for line in lines]


def test_a_loop_counts_up_and_both_ends_are_in_it():
    assert unrolled("- for: t = 1..3\n  do:\n    - h[t] = x + t") == [
        ("h_1", "x + t", "t = 1"),
        ("h_2", "x + t", "t = 2"),
        ("h_3", "x + t", "t = 3"),
    ]


def test_or_down():
    lines = unrolled("- for: t = 2..0\n  do:\n    - h[t] = x * h[t+1]", given="x: 1, h_3: 1")
    assert [id for id, _, _ in lines] == ["h_2", "h_1", "h_0"]


def test_loops_in_loops_and_ranges_of_their_variables():
    text = "- for: t = 1..3\n  do:\n    - for: s = t..3\n      do:\n        - y[10*t+s] = x * s - t"
    assert [(id, loop) for id, _, loop in unrolled(text)] == [
        ("y_11", "t = 1, s = 1"),
        ("y_12", "t = 1, s = 2"),
        ("y_13", "t = 1, s = 3"),
        ("y_22", "t = 2, s = 2"),
        ("y_23", "t = 2, s = 3"),
        ("y_33", "t = 3, s = 3"),
    ]


def test_a_loop_of_one_round_and_a_range_of_sums():
    assert unrolled("- for: k = 2+2..2*2\n  do:\n    - y[k] = x") == [("y_4", "x", "k = 4")]


def test_lines_in_quotes_and_on_several_lines():
    text = """\
given: {x: [[1, 2]], W: [[1], [2]]}
equations:
  - "y = x @ W"
  - 'z = y + 1'
  - u = z
      + 2
  - L=u*z
loss: L
"""
    assert [line.id for line in equations(text).lines] == ["y", "z", "u", "L"]
    assert backtrace.trace(backtrace.loads(text))["L"].value.item() == 6 * 8


def test_where_a_line_stands():
    text = "given: {x: 1}\nequations:\n  - y = 2*x\n  -   z   =   y\n  - 'u = z'\n"
    places = [(line.row, line.column, line.start) for line in equations(text).lines]
    assert places == [(3, 5, 4), (4, 7, 8), (5, 6, 4)]


GIVEN = """\
seed: 3
given:
  number: -1/3
  row: [1, 2, 3]
  matrix: [[1, 2], [3, 4]]
  mask: [[0, -inf], [-.inf, .inf]]
  lambda: 1e-3
  drawn: {init: uniform, low: -0.5, high: 0.5, shape: [2, 3]}
  table: {file: table.csv}
equations:
  - y = number + sum(row) + sum(matrix + mask) + lambda + sum(drawn) + sum(table)
"""


def test_what_is_given(tmp_path):
    (tmp_path / "table.csv").write_text("1,2\n3,4\n5,6\n")
    found = backtrace.loads(GIVEN, folder=tmp_path).equations.given
    shapes = {name: matrix.shape for name, matrix in found.items()}
    assert shapes == {
        "number": (1, 1),
        "row": (1, 3),
        "matrix": (2, 2),
        "mask": (2, 2),
        "lambda": (1, 1),
        "drawn": (2, 3),
        "table": (3, 2),
    }
    assert found["mask"].values.tolist() == [[0, -np.inf], [-np.inf, np.inf]]
    assert found["table"].values.tolist() == [[1, 2], [3, 4], [5, 6]]
    assert np.abs(found["drawn"].values).max() <= 0.5
    again = backtrace.loads(GIVEN, folder=tmp_path).equations.given["drawn"].values
    np.testing.assert_array_equal(found["drawn"].values, again)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("- for: t = 1..1000000\n  do:\n    - y[t] = x", "more than 5000 lines"),
        ("- for: t = 1..99999999999999\n  do: []", "an empty list"),
        ("- for: t = 1..5000\n  do:\n    - for: s = 1..5000\n      do: []", "an empty list"),
        ("- for: t = 1..4000\n  do:\n    - y[t] = x +", "nothing behind the `+`"),
        (
            "- x_0 = x\n- for: t = 1..40\n  do:\n    - x[t] = hstack(X)".replace(
                "X", ", ".join(["x[t-1]"] * 60)
            ),
            "a 1 × 12960000 matrix, which is too large",
        ),
        ("- y = eye(10000) + x", "a 10000 × 10000 matrix, which is too large"),
        ("- y = pad(x, 100000)", "a 200001 × 200001 matrix, which is too large"),
        ("- y = x" + " * x" * 490, "a line of at most 100 operations"),
        ("- y = " + "sum(" * 390 + "x" + ")" * 390, "brackets 390 deep"),
        ("- y = x + " + "1" * 5000, "a line of 5004 characters"),
    ],
    ids=range(10),
)
def test_what_is_too_much_is_refused_in_a_moment(text, said):
    start = time.perf_counter()
    with pytest.raises(SpecError) as refused:
        unrolled(text)
    (problem,) = refused.value.problems
    assert said in f"{problem.found} {problem.expected}"
    assert time.perf_counter() - start < 5
