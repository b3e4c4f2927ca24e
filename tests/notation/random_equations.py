"""Random equations that can be worked: every operation, random shapes, parts and transposes."""

import numpy as np

from backtrace.tape.loading import loads

ENTRYWISE = (
    "tanh({})", "sigmoid({})", "relu({})", "exp(0.3 * {})", "sqrt({}^2 + 1)", "ln({}^2 + 1)",
    "abs({})", "sin({})", "cos({})", "elu({})", "gelu({})", "{}^2", "{}^3", "1 / ({}^2 + 1)",
    "({}^2 + 1)^-1", "-{}", "{} / sqrt(2)", "0.5 * {}", "{} + 1/3", "leaky_relu({}, slope=0.1)",
    "maximum({}, 0.2)", "minimum(0.1, {})", "2 - {}", "softmax({})", "softmax({}, each=column)",
    "round({}, 2)", "{}", "prelu({}, 0.2)", "prelu({}, s)",
)  # fmt: skip
REDUCED = ("sum", "mean", "max", "var")
LOSSES = ("mse", "half_mse", "mse_elements", "mae", "huber", "sse")


class Board:
    """Expressions as pairs of text and shape; every one can be an operand of a later one."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.shapes = {"A": (2, 3), "B": (3, 2), "C": (3, 3), "r": (1, 3), "c": (2, 1), "s": (1, 1)}
        self.given = {
            name: np.round(self.rng.normal(size=shape), 2).tolist()
            for name, shape in self.shapes.items()
        }
        self.lines = []

    def pick(self, *wanted):
        names = [name for name, shape in self.shapes.items() if not wanted or shape in wanted]
        return str(self.rng.choice(names)) if names else None

    def text(self):
        """A dozen lines, and the sum of them all."""
        makers = [self.entrywise, self.product, self.together, self.reduced, self.placed]
        for number in range(10):
            text, shape = makers[number % len(makers)]()
            self.shapes[f"n_{number}"] = shape
            self.lines.append(f"n_{number} = {text}")
        self.shapes["half"] = (1, 1)
        self.lines.append("half = 1/2")
        first, second = self.pick((2, 3)), self.pick((2, 3))
        loss = self.rng.choice(LOSSES)
        self.lines.append(f"L = {loss}({first}, {second}) + " + self.total())
        given = "\n".join(f"  {name}: {value}" for name, value in self.given.items())
        lines = "\n".join(f"  - {line}" for line in self.lines)
        layout = self.rng.choice(["rows", "columns"])
        return (
            f"conventions: {{layout: {layout}}}\ngiven:\n{given}\nequations:\n{lines}\nloss: L\n"
            "parameters: [A, s]\nlearning_rate: 0.1\n"
        )

    def total(self):
        return " + ".join(f"sum({name})" for name in self.shapes)

    def entrywise(self):
        name = self.pick()
        form = str(self.rng.choice(ENTRYWISE))
        return form.format(name), self.shapes[name]

    def product(self):
        first = self.pick((2, 3), (3, 2), (3, 3))
        rows, columns = self.shapes[first]
        second = self.pick((columns, 2), (columns, 3), (columns, 1))
        if second is not None and self.rng.integers(2):
            return f"tanh({first} @ {second})", (rows, self.shapes[second][1])
        return f"{first} @ {first}.T / 2", (rows, rows)

    def together(self):
        """Entry by entry, with what is broadcast on one side."""
        first, second = self.pick((2, 3)), self.pick((2, 3), (1, 3), (2, 1), (1, 1))
        sign = str(self.rng.choice(["+", "-", "*", "/", "max", "min"]))
        if sign in ("max", "min"):
            return f"{sign}imum({first}, {second})", (2, 3)
        operand = f"({second}^2 + 1)" if sign == "/" else second
        pair = [first, operand] if sign == "/" or self.rng.integers(2) else [operand, first]
        return f" {sign} ".join(pair), (2, 3)

    def reduced(self):
        name = self.pick((2, 3), (3, 2), (3, 3))
        rows, columns = self.shapes[name]
        function = str(self.rng.choice(REDUCED))
        each, shape = [
            ("", (1, 1)), (", each=row", (rows, 1)), (", each=column", (1, columns)),
        ][self.rng.integers(3)]  # fmt: skip
        unbiased = ", unbiased=true" if function == "var" and self.rng.integers(2) else ""
        return f"{function}({name}{unbiased}{each})", shape

    def placed(self):
        name = self.pick((3, 3))
        forms = [
            (f"hstack({name}, {name}.T)[1..2,:]", (2, 6)),
            (f"vstack({name}[2,:], {name}[:,1].T)", (2, 3)),
            (f"reshape({name}[1..2,:], 3, 2)", (3, 2)),
            (f"rows({name}, 3, 1, 3) @ eye(3)", (3, 3)),
            (f"pad({name}, 1)[2..4,2..4]", (3, 3)),
            (f"conv({name}, {name}[1..2,1..2], padding=1, stride=2)", (2, 2)),
            (f"conv({name}, C[1..2,2..3], flip=true)", (2, 2)),
            (f"conv_transpose({name}, {name}[1..2,1..2], stride=2)[1..2,1..3]", (2, 3)),
            (f"max_pool({name}, size=2, stride=1)", (2, 2)),
            (f"mean_pool({name}, size=2, stride=1)", (2, 2)),
        ]
        return forms[self.rng.integers(len(forms))]


def random_equations(seed):
    return loads(Board(seed).text())


def loss_of_two(loss, *, targets=False):
    """A loss of a softmax and fixed targets; or of targets that have a derivative, too."""
    target = "[[0.2, 0.5, 0.3], [0.7, 0.1, 0.2]]" if targets else "[[0, 1, 0], [1, 0, 0]]"
    constants = "" if targets else "constants: [y]\n"
    return loads(
        f"given: {{a: [[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]], y: {target}}}\nequations:\n"
        f"  - p = softmax(a)\n  - L = 2 * {loss}(p, y)\nloss: L\n{constants}"
    )
