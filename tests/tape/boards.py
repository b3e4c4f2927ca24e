"""Random boards of equations, each with what it means in NumPy, written down side by side.

A term is drawn with its text and with a function that works it on complex numbers, so that what
the text is read as, its values and its gradients (by complex steps) are all held against something
that has nothing of the program in it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from tests.networks.formulas import STEP, Board, relu, sigmoid, softmax, total

Shape = tuple[int, int]
SUM, PRODUCT, POWER, ATOM = range(4)


@dataclass(frozen=True)
class Term:
    text: str
    shape: Shape
    work: Callable
    rank: int = ATOM

    def within(self, rank: int) -> str:
        return self.text if self.rank >= rank else f"({self.text})"


# Functions entry by entry. Where there is a kink the real part decides.


def by_parts(value, slope):
    """f(x + ih) = f(x) + ih f′(x), for what NumPy has of real numbers only."""
    return lambda z: np.vectorize(value)(z.real) + 1j * z.imag * np.vectorize(slope)(z.real)


def where(condition, one, other):
    return lambda z: np.where(condition(z.real), one(z), other(z))


def is_positive(x):
    return x > 0


def clipped(low, high, inner):
    def work(z):
        value = inner(z)
        inside = (value.real > low) & (value.real < high)
        return np.where(inside, value, np.clip(value.real, low, high))

    return work


def exponential_unit(alpha):
    return where(is_positive, lambda z: z, lambda z: alpha * (np.exp(z) - 1))


LAMBDA, ALPHA = 1.0507009873554805, 1.6732632423543772
GAUSS = by_parts(
    lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2,
    lambda x: (
        (1 + math.erf(x / math.sqrt(2))) / 2 + x * math.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    ),
)
ELEMENTWISE = {
    "linear({})": lambda z: z,
    "linear({}, slope=0.6)": lambda z: 0.6 * z,
    "sigmoid({})": sigmoid,
    "tanh({})": np.tanh,
    "relu({})": relu,
    "leaky_relu({})": where(is_positive, lambda z: z, lambda z: z / 100),
    "leaky_relu({}, 0.2)": where(is_positive, lambda z: z, lambda z: z / 5),
    "elu({})": exponential_unit(1),
    "elu({}, alpha=0.5)": exponential_unit(0.5),
    "selu({})": lambda z: LAMBDA * exponential_unit(ALPHA)(z),
    "gelu({})": GAUSS,
    "silu({})": lambda z: z * sigmoid(z),
    "mish({})": lambda z: z * np.tanh(np.log(1 + np.exp(z))),
    "softplus({})": lambda z: np.log(1 + np.exp(z)),
    "bipolar_sigmoid({})": lambda z: (1 - np.exp(-z)) / (1 + np.exp(-z)),
    "softsign({})": lambda z: z / (1 + np.sign(z.real) * z),
    "hard_tanh({})": clipped(-1, 1, lambda z: z),
    "hard_sigmoid({})": clipped(0, 1, lambda z: z / 6 + 0.5),
    "hard_sigmoid({}, slope=0.2)": clipped(0, 1, lambda z: z / 5 + 0.5),
    "exp(0.5 * tanh({}))": lambda z: np.exp(np.tanh(z) / 2),
    "ln(1.5 + ({})^2)": lambda z: np.log(1.5 + z * z),
    "sqrt(1 + ({})^2)": lambda z: np.sqrt(1 + z * z),
    "abs({})": lambda z: np.sign(z.real) * z,
    "sin({})": np.sin,
    "cos({})": np.cos,
    "round({}, 6)": lambda z: np.round(z.real, 6) + 1j * z.imag,
    "(0.25 * ({}))^2": lambda z: (z / 4) ** 2,
    "(2 + sin({}))^0.5": lambda z: np.sqrt(2 + np.sin(z)),
    "(2 + cos({}))^(-1)": lambda z: 1 / (2 + np.cos(z)),
    "(1 + sigmoid({}))^(-1/2)": lambda z: 1 / np.sqrt(1 + sigmoid(z)),
}
NUMBERS = {"2": 2, "0.5": 0.5, "1/3": 1 / 3, "sqrt(2)": math.sqrt(2), "1e-1": 0.1, "-0.75": -0.75}


# Losses: with e = ŷ − y, n samples, k outputs


def error_loss(h, mean=True, outputs=False):
    def work(a, y, n, k):
        return total(h(a - y)) / ((n if mean else 1) * (k if outputs else 1))

    return work


def huber(delta):
    def h(e):
        size = np.sign(e.real) * e
        return np.where(size.real <= delta, e * e / 2, delta * (size - delta / 2))

    return h


LOSSES = {
    "sse({}, {})": error_loss(lambda e: e * e, mean=False),
    "half_sse({}, {})": error_loss(lambda e: e * e / 2, mean=False),
    "mse({}, {})": error_loss(lambda e: e * e),
    "half_mse({}, {})": error_loss(lambda e: e * e / 2),
    "mse_elements({}, {})": error_loss(lambda e: e * e, outputs=True),
    "mae({}, {})": error_loss(lambda e: np.sign(e.real) * e),
    "huber({}, {})": error_loss(huber(1)),
    "huber({}, {}, delta=0.3)": error_loss(huber(0.3)),
    "log_cosh({}, {})": error_loss(lambda e: np.log((np.exp(e) + np.exp(-e)) / 2)),
    "binary_hinge({}, {})": lambda a, y, n, k: total(relu(1 - y * a)) / n,
}
LOSSES_OF_PARTS = {
    "binary_cross_entropy": lambda a, y, n: -total(y * np.log(a) + (1 - y) * np.log(1 - a)) / n,
    "cross_entropy": lambda a, y, n: -total(y * np.log(a)) / n,
    "kl": lambda a, y, n: total(y * np.log(y / a)) / n,
}


EVERY_LOSS = [*LOSSES, *LOSSES_OF_PARTS]


# Windows, entry by entry


def grid(rows):
    """Numbers as a matrix; of whatever they are, such as numbers that round themselves."""
    return np.stack([np.stack(row) for row in rows])


def correlated(x, k, stride, padding):
    x = np.pad(x, padding)
    height, width = k.shape
    return grid(
        [
            [
                (x[i : i + height, j : j + width] * k).sum()
                for j in places(x.shape[1], width, stride)
            ]
            for i in places(x.shape[0], height, stride)
        ]
    )


def places(size, window, stride):
    return range(0, size - window + 1, stride)


def spread(x, k, stride):
    """Every entry lays its multiple of the kernel down; where they overlap they add up."""
    shape = ((n - 1) * stride + size for n, size in zip(x.shape, k.shape, strict=True))
    whole = np.zeros(tuple(shape)) + 0 * x[:1, :1]
    for i, j in np.ndindex(x.shape):
        rows = slice(i * stride, i * stride + k.shape[0])
        whole[rows, j * stride : j * stride + k.shape[1]] += x[i, j] * k
    return whole


def pooled(x, size, stride, choose):
    return grid(
        [
            [choose(x[i : i + size, j : j + size]) for j in places(x.shape[1], size, stride)]
            for i in places(x.shape[0], size, stride)
        ]
    )


def largest(x):
    at = np.argmax(x.real)
    return x.ravel()[at : at + 1].reshape(())


def reduced(x, each, choose):
    if each == "row":
        return grid([[choose(row)] for row in x])
    return grid([[choose(column) for column in x.T]]) if each else choose(x).reshape(1, 1)


REDUCTIONS = {
    "sum({}{})": np.sum,
    "mean({}{})": lambda x: x.sum() / x.size,
    "max({}{})": largest,
    "var({}{})": lambda x: ((x - x.sum() / x.size) ** 2).sum() / x.size,
}


@dataclass
class Builder:
    """Draws terms of wanted shapes; what they are made of is given, or a line above."""

    random: random.Random
    rows: bool
    given: dict = field(default_factory=dict)
    lines: dict = field(default_factory=dict)

    def chosen(self, options):
        return self.random.choice(list(options))

    def size(self, most=3):
        return self.random.randint(1, most)

    def name(self, id: str) -> Term:
        shape = self.given[id].shape if id in self.given else self.lines[id].shape
        return Term(id, shape, lambda n: n[id])

    def new(self, shape: Shape, low=-2.0, high=2.0) -> Term:
        id = f"g{len(self.given)}"
        self.given[id] = np.reshape(
            [round(self.random.uniform(low, high), 3) for _ in range(math.prod(shape))], shape
        )
        return self.name(id)

    def leaf(self, shape: Shape) -> Term:
        known = [*self.given, *self.lines]
        fits = [id for id in known if self.name(id).shape == shape]
        turned = [id for id in known if self.name(id).shape == shape[::-1]]
        larger = [
            id
            for id in known
            if all(a > b for a, b in zip(self.name(id).shape, shape, strict=True))
        ]
        ways = ["new"] + ["old"] * 2 * bool(fits) + ["T"] * bool(turned) + ["part"] * bool(larger)
        way = self.chosen(ways)
        if way == "old":
            return self.name(self.chosen(fits))
        if way == "T":
            return self.turned(self.name(self.chosen(turned)))
        if way == "part":
            return self.part(self.name(self.chosen(larger)), shape)
        return self.new(shape)

    def turned(self, inner: Term) -> Term:
        text = f"{inner.within(ATOM)}.T"
        return Term(text, inner.shape[::-1], lambda n: inner.work(n).T)

    def part(self, inner: Term, shape: Shape) -> Term:
        spans, cuts = [], []
        for whole, size in zip(inner.shape, shape, strict=True):
            start = self.random.randint(0, whole - size)
            span = f"{start + 1}" if size == 1 else f"{start + 1}..{start + size}"
            spans.append(":" if size == whole else span)
            cuts.append(slice(start, start + size))
        text = f"{inner.within(ATOM)}[{','.join(spans)}]"
        return Term(text, shape, lambda n: inner.work(n)[tuple(cuts)])

    def term(self, shape: Shape, depth: int) -> Term:
        if depth <= 0:
            return self.leaf(shape)
        return getattr(self, self.chosen(self.ways(shape)))(shape, depth - 1)

    def ways(self, shape: Shape) -> list[str]:
        found = ["leaf_", "elementwise", "binary", "scaled", "negated", "matmul", "turned_",
                 "softmax", "parted", "selected", "conv", "pool", "spread"]  # fmt: skip
        found += ["reduced"] * (1 in shape) + ["loss", "loss"] * (shape == (1, 1))
        found += ["stacked"] * (max(shape) > 1) + ["reshaped"] * (shape[0] * shape[1] > 1)
        return found + ["padded"] * (min(shape) > 2) + ["eyed"]

    def leaf_(self, shape, depth):
        return self.leaf(shape)

    def elementwise(self, shape, depth):
        return self.function(self.chosen(ELEMENTWISE), shape, depth)

    def function(self, form, shape, depth):
        inner, work = self.term(shape, depth), ELEMENTWISE[form]
        rank = POWER if ")^" in form and not form.startswith(("ln", "sqrt")) else ATOM
        return Term(form.format(inner.text), shape, lambda n: work(inner.work(n)), rank)

    def binary(self, shape, depth):
        one, other = self.broadcast(shape)
        x, y = self.term(one, depth), self.term(other, depth)
        way = self.chosen(["+", "-", "*", "/", "maximum", "minimum", "prelu"])
        if way == "+":
            text = f"{x.within(SUM)} + {y.within(PRODUCT)}"
            return Term(text, shape, lambda n: x.work(n) + y.work(n), SUM)
        if way == "-":
            text = f"{x.within(SUM)} - {y.within(PRODUCT)}"
            return Term(text, shape, lambda n: x.work(n) - y.work(n), SUM)
        if way == "*":
            text = f"{x.within(PRODUCT)} * {y.within(POWER)}"
            return Term(text, shape, lambda n: x.work(n) * y.work(n), PRODUCT)
        if way == "/":
            text = f"{x.within(PRODUCT)} / (1.5 + sin({y.text}))"
            return Term(text, shape, lambda n: x.work(n) / (1.5 + np.sin(y.work(n))), PRODUCT)
        sign = 1 if way == "maximum" else -1

        def work(n):
            a, b = np.broadcast_arrays(x.work(n), y.work(n))
            if way == "prelu":
                return np.where(a.real > 0, a, b * a)
            return np.where(sign * a.real >= sign * b.real, a, b)

        return Term(f"{way}({x.text}, {y.text})", shape, work)

    def broadcast(self, shape):
        """Two shapes that give this one together: a row, a column or a number is repeated."""
        less = self.chosen([shape, (1, shape[1]), (shape[0], 1), (1, 1)])
        pairs = [(shape, less), (less, shape), ((1, shape[1]), (shape[0], 1))]
        return self.chosen(pairs)

    def scaled(self, shape, depth):
        inner, number = self.term(shape, depth), self.chosen(NUMBERS)
        way = self.chosen(["left", "right", "plus", "minus"])
        value = NUMBERS[number]
        if way == "left":
            bare = number if not number.startswith("-") else f"({number})"
            text = f"{bare} * {inner.within(POWER)}"
            return Term(text, shape, lambda n: value * inner.work(n), PRODUCT)
        if way == "right":
            text = f"{inner.within(PRODUCT)} / ({number})"
            return Term(text, shape, lambda n: inner.work(n) / value, PRODUCT)
        if way == "plus":
            return Term(f"{number} + {inner.text}", shape, lambda n: value + inner.work(n), SUM)
        text = f"{number} - {inner.within(PRODUCT)}"
        return Term(text, shape, lambda n: value - inner.work(n), SUM)

    def negated(self, shape, depth):
        inner = self.term(shape, depth)
        return Term(f"-{inner.within(POWER)}", shape, lambda n: -inner.work(n), PRODUCT)

    def matmul(self, shape, depth):
        middle = self.size(4)
        way = self.chosen([self.term, self.turned_])
        x, y = way((shape[0], middle), depth), self.term((middle, shape[1]), depth)
        text = f"{x.within(PRODUCT)} @ {y.within(POWER)}"
        return Term(text, shape, lambda n: x.work(n) @ y.work(n), PRODUCT)

    def turned_(self, shape, depth):
        return self.turned(self.term(shape[::-1], depth))

    def softmax(self, shape, depth):
        inner, each = self.term(shape, depth), self.chosen(["", "row", "column"])
        own = each or ("row" if self.rows else "column")
        axis = 1 if own == "row" else 0
        text = f"softmax({inner.text}{each and f', each={each}'})"
        return Term(text, shape, lambda n: softmax(inner.work(n), axis))

    def parted(self, shape, depth):
        whole = tuple(size + self.random.randint(0, 2) for size in shape)
        return self.part(self.term(whole, depth), shape)

    def selected(self, shape, depth):
        height = self.size(4)
        rows = [self.random.randint(1, height) for _ in range(shape[0])]
        inner = self.term((height, shape[1]), depth)
        text = f"rows({inner.text}, {', '.join(map(str, rows))})"
        return Term(text, shape, lambda n: inner.work(n)[[row - 1 for row in rows]])

    def conv(self, shape, depth):
        size, stride, padding = (
            (self.size(2), self.size(3)),
            self.size(2),
            self.random.randint(0, 1),
        )
        whole = tuple((n - 1) * stride + k - 2 * padding for n, k in zip(shape, size, strict=True))
        if min(whole) < 1:
            padding, whole = 0, tuple(n + 2 * padding for n in whole)
        x, k, flip = self.term(whole, depth), self.term(size, depth - 1), self.random.random() < 0.5
        settings = f", stride={stride}, padding={padding}" + ", flip=true" * flip

        def work(n):
            kernel = k.work(n)[::-1, ::-1] if flip else k.work(n)
            return correlated(x.work(n), kernel, stride, padding)

        return Term(f"conv({x.text}, {k.text}{settings})", shape, work)

    def spread(self, shape, depth):
        stride = self.size(2)
        counts = [self.chosen([m for m in range(1, n + 1) if (m - 1) * stride < n]) for n in shape]
        size = tuple(n - (m - 1) * stride for n, m in zip(shape, counts, strict=True))
        x, k = self.term(tuple(counts), depth), self.term(size, depth - 1)
        text = f"conv_transpose({x.text}, {k.text}, stride={stride})"
        return Term(text, shape, lambda n: spread(x.work(n), k.work(n), stride))

    def pool(self, shape, depth):
        size, stride, way = self.size(2), self.size(2), self.chosen(["max", "mean"])
        inner = self.term(tuple((n - 1) * stride + size for n in shape), depth)
        choose = largest if way == "max" else lambda x: x.sum() / x.size
        text = f"{way}_pool({inner.text}, {size}, {stride})"
        return Term(text, shape, lambda n: pooled(inner.work(n), size, stride, choose))

    def reduced(self, shape, depth):
        options = (
            ["row"] * (shape[1] == 1) + ["column"] * (shape[0] == 1) + [""] * (shape == (1, 1))
        )
        each, form = self.chosen(options), self.chosen(REDUCTIONS)
        rows = shape[0] if each == "row" else self.size(4)
        inner = self.term((rows, shape[1] if each == "column" else self.size(4)), depth)
        work = REDUCTIONS[form]
        text = form.format(inner.text, each and f", each={each}")
        return Term(text, shape, lambda n: reduced(inner.work(n), each, work))

    def loss(self, shape, depth):
        return self.loss_of(self.chosen(EVERY_LOSS), shape, depth)

    def loss_of(self, way, shape, depth):
        size = self.size(), self.size()
        n, k = size if self.rows else size[::-1]
        if way in LOSSES:
            a, y, of = self.term(size, depth), self.term(size, depth - 1), LOSSES[way]
            return Term(way.format(a.text, y.text), shape, lambda m: of(a.work(m), y.work(m), n, k))
        inner, y, one = self.term(size, depth), self.new(size, 0.1, 0.9), LOSSES_OF_PARTS[way]
        text = f"{way}(0.1 + 0.8 * sigmoid({inner.text}), {y.text})"
        return Term(text, shape, lambda m: one(0.1 + 0.8 * sigmoid(inner.work(m)), y.work(m), n))

    def stacked(self, shape, depth):
        along = self.chosen([axis for axis in (0, 1) if shape[axis] > 1])
        first = self.random.randint(1, shape[along] - 1)
        sizes = [list(shape), list(shape)]
        sizes[0][along], sizes[1][along] = first, shape[along] - first
        x, y = (self.term(tuple(size), depth) for size in sizes)
        text = f"{'vh'[along]}stack({x.text}, {y.text})"
        return Term(text, shape, lambda n: np.concatenate([x.work(n), y.work(n)], axis=along))

    def reshaped(self, shape, depth):
        entries = shape[0] * shape[1]
        rows = self.chosen([m for m in range(1, entries + 1) if entries % m == 0])
        inner = self.term((rows, entries // rows), depth)
        if shape[0] == 1 and self.random.random() < 0.5:
            return Term(f"flatten({inner.text})", shape, lambda n: inner.work(n).reshape(1, -1))
        text = f"reshape({inner.text}, {shape[0]}, columns={shape[1]})"
        return Term(text, shape, lambda n: inner.work(n).reshape(shape))

    def padded(self, shape, depth):
        inner = self.term((shape[0] - 2, shape[1] - 2), depth)
        return Term(f"pad({inner.text}, 1)", shape, lambda n: np.pad(inner.work(n), 1))

    def eyed(self, shape, depth):
        inner, width = self.term(shape, depth), shape[1]
        text = f"{inner.within(PRODUCT)} @ (eye({width}) + 1)"
        return Term(text, shape, lambda n: inner.work(n) @ (np.eye(width) + 1), PRODUCT)


@dataclass(frozen=True)
class Drawn:
    """A board: its document, and how it is worked."""

    text: str
    given: dict
    lines: dict

    def worked(self, **nudged):
        board = Board(self.given, **nudged)
        for name, term in self.lines.items():
            board[name] = term.work(board)
        return board

    def gradient(self, of):
        """By each entry of ``of``, by complex steps."""
        found = np.zeros(self.worked()[of].shape)
        for entry in np.ndindex(found.shape):
            nudge = np.zeros(found.shape, dtype=complex)
            nudge[entry] = 1j * STEP
            found[entry] = self.worked(**{of: nudge})["L"].imag.item() / STEP
        return found


def board(seed: int, depth: int) -> Drawn:
    """Some lines of terms so deep, and L, which depends on all of them.

    The functions entry by entry and the losses take turns, so that none is left out by chance.
    """
    drawn = random.Random(seed)
    builder = Builder(drawn, rows=drawn.random() < 0.5)
    for number in range(drawn.randint(1, 3)):
        shape = (builder.size(), builder.size())
        builder.lines[f"v{number}"] = builder.term(shape, depth)
    form, way = list(ELEMENTWISE)[seed % len(ELEMENTWISE)], EVERY_LOSS[seed % len(EVERY_LOSS)]
    builder.lines["f"] = builder.function(form, (2, 2), 1)
    builder.lines["l"] = builder.loss_of(way, (1, 1), 1)
    lines = dict(builder.lines)
    parts = [f"mean(tanh({name}))" for name in lines]
    names = list(lines)

    def work(n):
        return sum(np.tanh(n[name]).sum() / n[name].size for name in names).reshape(1, 1)

    lines["L"] = Term(" + ".join(parts), (1, 1), work)
    return Drawn(document(builder.rows, builder.given, lines), builder.given, lines)


def document(rows, given, lines):
    written = [f"conventions: {{layout: {'rows' if rows else 'columns'}}}", "given:"]
    written += [f"  {name}: {value.tolist()}" for name, value in given.items()]
    written += ["equations:", *(f"  - {name} = {term.text}" for name, term in lines.items())]
    return "\n".join([*written, "loss: L", ""])
