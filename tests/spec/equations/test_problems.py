"""What is wrong with equations is said where it stands, with what was probably meant."""

import pytest

from tests.spec.specs import only_problem, problems_of

GIVEN = """\
given:
  X: [[1, 2, 3], [4, 5, 6]]
  W: [[1], [2], [3]]
  b: [1, 2]
  s: 2
equations:
  - used = sum(X) + sum(W) + sum(b) + s
"""

# The marked part of the line is where the problem stands.
LINES = [
    # Names
    ("L = sum(X) + «uesd»", "`uesd`, which is neither given nor worked", "Did you mean `used`?"),
    (
        "L = «Q» @ X",
        "`Q`, which is neither given nor worked",
        "Add it under `given:`, or as a line.",
    ),
    ("L = «X[1]»", "`X_1`, which is neither", "`X[1,:]` is a row of `X`, `X[:,1]` a column."),
    ("L = «L» + 1", "`L` on both sides", "Give the new value a name of its own."),
    ("«used» = s", "`used`, which is worked already", "a name of its own"),
    ("«X» = s", "`X`, which is given", "a name of its own"),
    # The left side
    ("«2z» = s", '"2z"', "a name before the `=`"),
    ("«_z» = s", '"_z"', "a name before the `=`"),
    ("«z+w» = s", '"z+w"', "a name before the `=`"),
    ("«z[1,2]» = s", '"z[1,2]"', "a name before the `=`"),
    ("z[«t»] = s", '"t"', "A variable needs a loop around it: `for: t = 1..3`."),
    ("z[«1-2»] = s", "the index -1", "an index from 0 up"),
    ("«sum(X)»", '"sum(X)"', "a line such as `z = X @ W + b`"),
    # Signs and brackets
    ("L = 2 «s»", "two things without a sign between them", "Write `*` (entry by entry) or `@`"),
    ("L = «(X + X)(s)»", '"(X + X)(s)"', "a formula such as"),
    ("L = «(»X + X", "a bracket without its `)`", "brackets in pairs"),
    ("L = X«)»", "a bracket without its `(`", "brackets in pairs"),
    ("L = s «+»", "nothing behind the `+`", "a formula such as"),
    ("L = s +«*» 2", '"*" where it does not fit', "a formula such as"),
    ("L = s «·» s", '"·"', "`*` works entry by entry, `@` is the matrix product."),
    ("L = s «=» 2", '"=" where it does not fit', "a formula such as"),
    ("L = «s % 2»", '"s % 2"', "There are + - * / @ ^"),
    ("L = «s < 2»", '"s < 2"', "There are + - * / @ ^"),
    ("L = «[1, 2]»", '"[1, 2]"', "a formula such as"),
    # Numbers
    ("L = s^«s»", '"s"', "Only a constant stands in an exponent; e^x is `exp(x)`."),
    ("L = s * («1/0»)", "a division by 0", "a number"),
    ("L = «1e999» * s", '"1e999"', "a number such as"),
    ("L = «0x1F» * s", '"0x1F"', "a number such as"),
    ("L = «sqrt(-1)» * s", '"sqrt(-1)"', "a number of which there is sqrt"),
    # Functions
    ("L = «sigmiod»(s)", "`sigmiod(…)`", "Did you mean `sigmoid`?"),
    ("L = «log»(s)", "`log(…)`", "It is written `ln`."),
    ("L = «conv2d»(X, X)", "`conv2d(…)`", "It is written `conv`."),
    ("L = «print»(s)", "`print(…)`", "a function that equations know"),
    ("L = «mse(s)»", '"mse(s)"', "2 arguments: `mse(x, y)`"),
    ("L = «round(s)»", '"round(s)"', "`decimals`, too: `round(x, decimals=1)`"),
    ("L = «rows(X)»", '"rows(X)"', "the rows that are taken"),
    ("L = tanh(s, «3»)", '"3"', "`tanh(x)`"),
    ("L = leaky_relu(s, slop=«3»)", "`slop=`", "`leaky_relu(x, slope=0.1)`"),
    ("L = leaky_relu(s, slope=«s»)", '"s"', "a number"),
    ("L = softmax(s, each=«rows»)", '"rows"', "`each=row` or `each=column`"),
    ("L = var(X, unbiased=«2»)", '"2"', "`unbiased=true` or `unbiased=false`"),
    ("L = pad(X, «-1»)", '"-1"', "a whole number from 0 up"),
    ("L = conv(X, X, stride=«0»)", '"0"', "a whole number from 1 up"),
    ("L = max_pool(X, size=«1.5»)", '"1.5"', "a whole number"),
    # Parts
    ("L = «X.t»", '"X.t"', "`.T`, the only thing that follows a point"),
    ("L = X[«0»,1]", '"0"', "Rows and columns are counted from 1."),
    ("L = X[2..«1»,:]", '"1"', "2 or more, where the range ends"),
    ("L = X[«1:2»,1]", '"1:2"', "Both ends are counted; Python's `1:2` leaves one out."),
    ("L = «X[1..2]»", '"X[1..2]"', "x[2,:] is a row, x[:,2] a column"),
    ("L = «X[1,2,3]»", '"X[1,2,3]"', "a row and a column"),
    ("L = X[«s»,1]", '"s"', "A variable needs a loop around it"),
]
SHAPES = [
    (
        "L = «X * W»",
        "X (2 × 3) * W (3 × 1)",
        "`@` is the matrix product: 2 × 3 @ 3 × 1.",
        ["  X       W", "2 × 3 * 3 × 1"],
    ),
    (
        "L = «X @ b»",
        "X (2 × 3) @ b (1 × 2): the 3 columns of X meet the 1 row of b",
        "",
        ["  X       b", "2 × 3 @ 1 × 2", "    ╰─≠─╯"],
    ),
    (
        "L = «X @ X»",
        "X (2 × 3) @ X (2 × 3): the 3 columns of X meet the 2 rows of X",
        "`*` works entry by entry.",
        ["  X       X", "2 × 3 @ 2 × 3", "    ╰─≠─╯"],
    ),
    (
        "L = «X @ (W + s).T»",
        "X (2 × 3) @ (W + s).T (1 × 3): the 3 columns of X meet the 1 row of (W + s).T",
        "`*` works entry by entry.",
        ["  X     (W + s).T", "2 × 3 @ 1 × 3", "    ╰─≠─╯"],
    ),
    (
        "L = «W @ vstack(s, s, s)»",
        "W (3 × 1) @ vstack(s, s, s) (3 × 1): the 1 column of W meets the 3 rows of",
        "`*` works entry by entry.",
        ["  W     vstack(s, s, s)", "3 × 1 @ 3 × 1", "    ╰─≠─╯"],
    ),
    (
        "L = «b.T @ X» + 1",
        "b.T (2 × 1) @ X (2 × 3): the 1 column of b.T meets the 2 rows of X",
        "`*` works entry by entry.",
        [" b.T      X", "2 × 1 @ 2 × 3", "    ╰─≠─╯"],
    ),
    ("L = sum(«X + b»)", "X (2 × 3) + b (1 × 2)", "", ["  X       b", "2 × 3 + 1 × 2"]),
    ("L = «maximum(X, b)»", "a 2 × 3 matrix with a 1 × 2 matrix", "", ["  X         b"]),
    ("L = «mse(X, W)»", "a prediction of 2 × 3 with a target of 3 × 1", "", ["  X         W"]),
    ("L = «hstack(X, W)»", "matrices of 2 × 3, 3 × 1, which differ in rows", "", []),
    ("L = «reshape(X, 4, 2)»", "a 2 × 3 matrix, 6 numbers, as 4 × 2", "", []),
    ("L = «rows(X, 1, 3)»", "row 3 of a 2 × 3 matrix", "", []),
    ("L = tanh(«X[:,2..4]»)", "column 4 of a 2 × 3 matrix", "Both are counted from 1.", []),
    ("L = «X.T[1,3]»", "column 3 of a 3 × 2 matrix", "Both are counted from 1.", []),
    ("L = «conv(W, X)»", "a 2 × 3 kernel on a 3 × 1 matrix", "", []),
    ("L = «max_pool(W)»", "windows of 2 × 2 on a 3 × 1 matrix", "", []),
    ("L = «var(s, unbiased=true)»", "an unbiased variance of a single number", "", []),
    ("L = «eye(9000)»", "a 9000 × 9000 matrix, which is too large for a board", "", []),
    ("L = «X + X»\nloss: L", "`L`, a 2 × 3 matrix, as the loss", "Add it up: `sum(L)`", []),
]


def marked(text):
    """The document, and the column and the length of what is marked in its last line."""
    line, _, rest = text.partition("\n")
    at, length = line.index("«"), line.index("»") - line.index("«") - 1
    bare = line.replace("«", "").replace("»", "")
    return f"{GIVEN}  - {bare}\n{rest}", 5 + at, length


@pytest.mark.parametrize(("line", "found", "said"), LINES)
def test_a_line_that_cannot_be_read(line, found, said):
    document, column, length = marked(line)
    problem = only_problem(document)
    assert (problem.line, problem.column) == (8, column)
    assert problem.caret.count("^") == max(length, 1)
    assert problem.found.startswith(found)
    assert said in f"{problem.expected} {problem.mend}"
    assert problem.code in ("E701", "E702", "E703", "E704", "E705", "E709", "E710")


@pytest.mark.parametrize(("line", "found", "mend", "drawing"), SHAPES)
def test_shapes_that_do_not_fit(line, found, mend, drawing):
    document, column, length = marked(line)
    problem = only_problem(document)
    assert (problem.line, problem.column) == (8, column)
    assert problem.caret.count("^") == length
    assert problem.found.startswith(found)
    assert mend in problem.mend
    assert problem.code == "E707"
    assert problem.drawing.splitlines()[: len(drawing) or None] == drawing


# Loops


def loop(*body, head="t = 1..3"):
    lines = "".join(f"      - {line}\n" for line in body)
    return f"given: {{x: 1, h_0: [[1, 2]]}}\nequations:\n  - for: {head}\n    do:\n{lines}"


@pytest.mark.parametrize(
    ("document", "place", "found", "said"),
    [
        (
            loop("h[t] = h[t-1] * g[t-1] + x"),
            (5, 25),
            "`g_0`, which is neither given nor worked (t = 1)",
            "",
        ),
        (loop("h[t] = h[t+1] + x"), (5, 16), "`h_2` before it is worked (t = 1)", "Move the line"),
        (loop("h[t] = h[t] + x"), (5, 16), "`h_1` on both sides (t = 1)", ""),
        (
            loop("h[t] = h[t-2] + x"),
            (5, 16),
            "`h_-1`, which is neither given nor worked (t = 1)",
            "",
        ),
        (loop("h = h_0 + x"), (5, 9), "`h`, which is worked already", ""),
        (loop("t = h_0 + x"), (5, 9), "`t`, the variable of a loop", "another name"),
        (loop("h[t] = tahn(h[t-1] + x)"), (5, 16), "`tahn(…)`", "Did you mean `tanh`?"),
        (loop("h[s] = h_0 + x"), (5, 11), '"s"', "expected `t`"),
        (loop("h[t] = h[t-1] + x[t,1]"), (5, 25), "row 2 of a 1 × 1 matrix (t = 2)", ""),
        (loop("h[t] = h[t-1] @ h_0 + x"), (5, 16), "h_0 (1 × 2) @ h_0 (1 × 2)", ""),
        (loop("h[t] = h[t-1] + x", head="t"), (3, 10), '"t"', "`t = 1..3`"),
        (loop("h[t] = h[t-1] + x", head="t in range(3)"), (3, 10), '"t in range(3)"', "`t = 1..3`"),
        (loop("h[t] = h[t-1] + x", head="t = 1..n"), (3, 10), '"n"', "`t = 1..3`"),
        (
            loop("h[x] = h_0 + x", head="x = 1..3"),
            (3, 10),
            "`x`, which stands for something else",
            "",
        ),
        (loop("h[t] = h[t-1] + x", head="t = 1..90000"), (5, 9), "more than 5000 lines", "Shorten"),
        ("given: {x: 1}\nequations:\n  - for: t = 1..2\n", (3, 5), "a loop without `do`", ""),
        (
            "given: {x: 1}\nequations:\n  - for: t = 1..99999999999\n    do: 3\n",
            (4, 9),
            '"3"',
            "a list of lines",
        ),
        (
            "given: {x: 1}\nequations:\n  - for: t = 1..2\n    dp: [y = x]\n",
            (3, 5),
            "a loop without `do`",
            "",
        ),
        (
            "given: {x: 1}\nequations:\n  - y: x\n",
            (3, 5),
            'the key "y"',
            "Write an equals sign: `y = …`.",
        ),
        ("given: {x: 1}\nequations:\n  - [y]\n", (3, 5), "a list", "a line such as"),
        ("given: {x: 1}\nequations:\n  - {}\n", (3, 5), "a mapping", "a line such as"),
    ],
)
def test_loops(document, place, found, said):
    problem = problems_of(document)[0]
    assert (problem.line, problem.column) == place
    assert problem.found.startswith(found)
    assert said.removeprefix("expected ") in f"{problem.expected} {problem.mend}"


# What stands beside the lines


def board(*keys, given="x: [[1, 2]], W: [[1], [2]]", lines=("y = x @ W",)):
    written = "".join(f"  - {line}\n" for line in lines)
    return f"given: {{{given}}}\nequations:\n{written}" + "".join(f"{key}\n" for key in keys)


@pytest.mark.parametrize(
    ("document", "place", "found", "said"),
    [
        (board("loss: z"), (4, 7), '"z"', "Add a line `z = …`."),
        (board("loss: Y"), (4, 7), '"Y"', "Did you mean `y`?"),
        (
            board("loss: mse"),
            (4, 7),
            '"mse"',
            "Add a line such as `L = mse(prediction, target)`, and write `loss: L`.",
        ),
        (board("loss: x"), (4, 7), '"x"', "the name of a line, of a 1 × 1 value"),
        (
            board("loss: y", "maximize: y"),
            (5, 1),
            "`maximize` beside `loss`",
            "Gradients start at one place.",
        ),
        (board("loss: y", "upstream: {y: 1}"), (5, 1), "`upstream` beside `loss`", ""),
        (board("upstream: {z: 1}"), (4, 12), '"z"', "the name of a line"),
        (board("upstream: {y: [1, 2]}"), (3, 9), "`y` of 1 × 1, with 1 × 2 upstream", ""),
        (board("upstream: {x: [1, 2, 3]}"), (4, 12), "a gradient of 1 × 3 for `x` of 1 × 2", ""),
        (board("upstream: [[1]]"), (4, 11), "a list for `upstream`", "names and their gradients"),
        (board("loss: y", "constants: [w]"), (5, 13), '"w"', "Did you mean `W`?"),
        (board("loss: y", "parameters: [y]"), (5, 14), '"y"', "a name under `given:`"),
        (board("loss: y", "learning_rate: 0.1"), (5, 1), "a rate without `parameters`", ""),
        (board("parameters: [W]"), (4, 14), "`parameters` without a loss", ""),
        (
            board("loss: y", "parameters: [W]", "constants: [W]"),
            (5, 14),
            "`W` among the constants",
            "",
        ),
        (
            board(
                "loss: y",
                "parameters: [s]",
                given="x: [[1, 2]], W: [[1], [2]], s: 1",
                lines=("y = x @ W", "z = y * s"),
            ),
            (6, 14),
            "`s`, on which y does not depend",
            "",
        ),
        (
            board(
                "loss: L",
                "parameters: [W]",
                "learning_rate: 1",
                lines=("y = step(x @ W)", "L = y * 2"),
            ),
            (4, 9),
            "`L`, from which no gradient comes back",
            "",
        ),
        (
            board("loss: dp", given="p: 1", lines=("dp = p * 2",)),
            (3, 5),
            "`dp`, which is what the gradient of `p`",
            "",
        ),
        (
            board("loss: y", given="p: 1, dp: 1", lines=("y = p * dp",)),
            (1, 15),
            "`dp`, which is what the gradient",
            "",
        ),
        (
            board(
                "loss: p_new",
                "parameters: [p]",
                "learning_rate: 1",
                given="p: 1",
                lines=("p_new = p * 2",),
            ),
            (3, 5),
            "`p_new`, which is what the updated `p`",
            "",
        ),
        (
            board(
                "loss: L",
                "parameters: [W]",
                "optimizer: {name: momentum, learning_rate: 1}",
                given="W: 1, vW: 2",
                lines=("L = W * vW",),
            ),
            (3, 13),
            "`vW`, which is what a step on the way back or of the update",
            "another name",
        ),
        (
            board(
                "loss: loss_after",
                "parameters: [W]",
                "learning_rate: 1",
                given="W: 1",
                lines=("loss_after = W * 2",),
            ),
            (3, 5),
            "`loss_after`, which is what a step on the way back or of the update",
            "another name",
        ),
        (
            board("loss: dx_from_q", given="x: 1", lines=("q = x * 2", "dx_from_q = x + q")),
            (4, 5),
            "`dx_from_q`, which is what a step on the way back or of the update",
            "another name",
        ),
        (
            board(given="x: 1, u: 2", lines=("y = x",)),
            (1, 15),
            "`u`, which no line uses",
            "Use it, or remove it.",
        ),
        (
            board("layers: []"),
            (4, 1),
            "`layers` beside `equations`",
            "A spec has layers or equations.",
        ),
        (
            board("inputs: [[1]]"),
            (4, 1),
            "`inputs` beside `equations`",
            "Write the numbers under `given:`",
        ),
        (
            board("regularization: {l2: 1}"),
            (4, 1),
            "`regularization` beside",
            "Write the penalty into the loss",
        ),
        (board("freeze: [W]"), (4, 1), "`freeze` beside `equations`", "`parameters:` names"),
        (
            board("conventions: {sign: descent}"),
            (4, 15),
            "`sign` in `conventions` of equations",
            "`layout`",
        ),
        (board("ask: [q]"), (4, 7), '"q"', "such as W or y"),
        (board("expect: {dy: 1}"), (4, 10), '"dy"', "such as W or y"),
        (
            "givn: {x: 1}\nequations:\n  - y = x\n",
            (1, 1),
            'the unknown key "givn"',
            "Did you mean `given`?",
        ),
        (
            "given: {x: 1}\nequation:\n  - y = x\nloss: y\n",
            (2, 1),
            'the unknown key "equation"',
            "`equations`",
        ),
        (
            "given: {x: 1}\nequatoins:\n  - y = x\nloss: y\n",
            (2, 1),
            'the unknown key "equatoins"',
            "`equations`",
        ),
        (
            "equation:\n  - y = 2\n",
            (1, 1),
            'the unknown key "equation"',
            "Did you mean `equations`?",
        ),
        ("given: {x: 1}\n", (1, 1), "a spec without `equations`", "Write the formulas"),
        (board(lines=()), (2, 1), "`equations:` without a value", "a value"),
        ("given: {x: 1}\nequations: y = x\n", (2, 12), '"y = x"', "Each begins with a dash"),
        (
            "given: [1]\nequations:\n  - y = 1\n",
            (1, 8),
            "a list for `given`",
            "names and their values",
        ),
        (board(given="x-1: 1", lines=("y = 2",)), (1, 9), '"x-1"', "a name: letters, digits"),
        (board(given="x: nan", lines=("y = x",)), (1, 12), '"nan"', ""),
        (board(given="x: [[1], [2, 3]]", lines=("y = x",)), (1, 18), "row 2 with 2 numbers", ""),
        (board(given="x: {init: normal}", lines=("y = x",)), (1, 12), "a rule without `shape`", ""),
        (
            board(given="x: {init: normal, shape: [2]}", lines=("y = x",)),
            (1, 34),
            "a list",
            "`shape: [2, 3]`",
        ),
    ],
)
def test_beside_the_lines(document, place, found, said):
    problem = only_problem(document)
    assert (problem.line, problem.column) == place
    assert problem.found.startswith(found)
    assert said in f"{problem.expected} {problem.mend}"


def test_all_at_once():
    document = """\
given: {x: [[1, 2, 3]], W: [[1, 2]], 9: 1}
equations:
  - z = x @@ W
  - y = sgimoid(z)
  - for: t = 1..3
    do:
      - h[t] = y + q
      - g[t] = (h[t]
  - L = g_3 + z + p
loss: K
learning_rate: -1
"""
    places = [(each.line, each.column) for each in problems_of(document)]
    assert places == [(1, 38), (3, 12), (4, 9), (7, 20), (8, 16), (9, 19), (10, 7), (11, 16)]


def test_shapes_all_at_once_and_nothing_that_follows_from_them():
    document = """\
given: {x: [[1, 2, 3]], W: [[1, 2]]}
equations:
  - z = x @ W
  - y = z + 1
  - u = x + W
  - v = mse(x, W) * y
"""
    places = [(each.line, each.column) for each in problems_of(document)]
    assert places == [(3, 9), (5, 9), (6, 9)]
