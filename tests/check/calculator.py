"""A person with a calculator: every line worked as people do, rounded inside it as people do.

The lines are those of ``handwork``, which shares nothing with the program. What a person notes
down on the way to a line (e^z before the quotient, each product before the sum, each sample's share
before the batch's, the optimizer's partial results) is rounded by arrays that round themselves.
"""

import math
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import NamedTuple

import numpy as np

from tests.check.handwork import Work
from tests.check.random_exercises import random_spec

SCALARS = ("loss", "data_loss", "penalty", "loss_after")


class Digits(NamedTuple):
    """A way to write a number: to ``count`` decimals, or significant digits."""

    count: int
    significant: bool = False
    cut: bool = False

    def text(self, value):
        shown = Decimal(f"{value:.12g}")  # a calculator's display: 0.3, not 0.29999999999999999
        decimals = self.count
        if self.significant:
            decimals = self.count if shown == 0 else self.count - 1 - shown.adjusted()
        mode = ROUND_DOWN if self.cut else ROUND_HALF_UP
        text = f"{shown.quantize(Decimal(1).scaleb(-max(decimals, 0)), mode):f}"
        return text.removeprefix("-") if Decimal(text) == 0 else text

    def tells(self, values):
        """Which numbers show two significant digits."""
        return self.significant | (np.abs(values) >= 10.0 ** (1 - self.count))

    def round(self, value):
        return float(self.text(value)) if math.isfinite(value) else value


class Habit(NamedTuple):
    """How a person works.

    ``writes`` is how lines are written, ``notes`` how what is noted inside a line is, None for the
    calculator's own digits; ``inside`` says of what: ``exponentials``, ``products``, ``updates``,
    or all ``steps`` of a line.
    ``carries``: ``full`` digits into the next line, those ``written``, or ``scratch`` digits.
    ``keeps``: numbers that would show fewer than two digits stay in the calculator, as a v of
    0.00003 does, by whose root one divides.
    ``varies``: each line has decimals of its own. ``drops`` trailing zeros, as spreadsheets do.
    """

    writes: Digits
    carries: str = "written"
    notes: Digits | None = None
    inside: tuple[str, ...] = ()
    scratch: Digits | None = None
    keeps: bool = False
    varies: bool = False
    drops: bool = False
    leaves_out: float = 0.0

    def note(self, values):
        noted = np.vectorize(self.notes.round, otypes=[float])(values)
        return np.where(self.notes.tells(values), noted, values) if self.keeps else noted


class Noted(np.ndarray):
    """Numbers on a calculator whose partial results are noted with few digits."""

    habit: "Habit"

    def __array_finalize__(self, other):
        self.habit = getattr(other, "habit", None)

    def __array_ufunc__(self, ufunc, method, *inputs, out=None, **keywords):
        habit = next(x.habit for x in inputs if isinstance(x, Noted))
        plain = [np.real(np.asarray(x)) for x in inputs]
        if ufunc is np.matmul:
            return noted(product(*plain, habit), habit)
        if ufunc is np.tanh and "exponentials" in habit.inside:
            up, down = (habit.note(np.exp(sign * plain[0])) for sign in (1, -1))
            return noted((up - down) / (up + down), habit)
        value = getattr(ufunc, method)(*plain, **keywords)
        if ufunc is np.exp and "exponentials" in habit.inside:
            value = habit.note(value)
        is_product = ufunc in PRODUCTS and method == "__call__" and "products" in habit.inside
        is_product &= not any(x.ndim == 0 and abs(x) == 1 for x in plain)  # a sign is no product
        if is_product or ("steps" in habit.inside and np.asarray(value).dtype == float):
            value = habit.note(value)
        return noted(value, habit)

    def __array_function__(self, function, types, arguments, options):
        return noted_too(
            super().__array_function__(function, types, arguments, options), self.habit
        )


def noted_too(found, habit):
    """Whatever NumPy gave for noted numbers."""
    if isinstance(found, (tuple, list)):
        return [noted_too(each, habit) for each in found]
    return noted(found, habit) if isinstance(found, np.ndarray) else found


PRODUCTS = (np.multiply, np.square, np.power, np.sqrt)


def product(x, y, habit):
    """A matrix product, each product of two numbers noted before the sum."""
    if "products" not in habit.inside:
        return x @ y
    return habit.note(x[..., :, :, None] * y[..., None, :, :]).sum(axis=-2)


def noted(x, habit):
    x = np.real(np.asarray(x))
    found = np.array(x, dtype=float if np.asarray(x).dtype != bool else bool).view(Noted)
    found.habit = habit
    return found


def softmax(z):
    """As on paper: no largest z is taken off first."""
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


class Person:
    """Works all lines of an exercise in order; ``sheet`` holds the texts of those written."""

    def __init__(self, work, habit, random):
        self.work, self.habit, self.random = work, habit, random
        self.values = dict(work.givens)
        self.sheet = {}

    def work_all(self):
        for line in self.work.lines.values():
            value = self.worked(line)
            if not np.isfinite(value).all() or np.abs(value).max() > 1e4:
                return None
            self.values[line.id] = self.written(line, value)
        return self.sheet

    def worked(self, line):
        rule = line.rules[int(self.random.integers(len(line.rules)))]
        operands = [self.values[id] for id in rule.reads]
        updates = line.kind in ("W_new", "b_new") or line.kind[0] in "mvs"
        inside = set(self.habit.inside)
        if updates and "updates" in inside:
            inside |= {"products"}
        elif updates:
            inside -= {"products"}
        if not inside or self.habit.notes is None:
            with np.errstate(all="ignore"):
                return np.asarray(rule.work(*operands), dtype=float)
        habit = self.habit._replace(inside=tuple(inside))
        if self.is_softmax(line) and self.random.random() < 0.5:
            rule = rule._replace(work=softmax)
        with np.errstate(all="ignore"):
            return np.array(rule.work(*(noted(x, habit) for x in operands)), dtype=float)

    def is_softmax(self, line):
        layer = self.work.spec.layers[line.layer - 1] if line.kind == "a" else None
        plain = layer is not None and not self.work.inside(line.layer + 1)
        return plain and layer.activation.name == "softmax"

    def written(self, line, value):
        return self.set_down(line.id, value, hidden=line.hidden)

    def set_down(self, id, value, hidden=False):
        """What the next line takes of a value that was worked, written or left out."""
        writes = self.habit.writes
        if self.habit.varies:
            writes = writes._replace(count=int(self.random.integers(2, 6)))
        texts = np.vectorize(writes.text, otypes=[object])(value)
        if self.habit.drops:
            texts = np.vectorize(dropped, otypes=[object])(texts)
        out = hidden or self.random.random() < self.habit.leaves_out
        if not out:
            self.sheet[id] = texts
        if self.habit.carries == "full" or (out and self.habit.scratch is None):
            return value
        taken = self.habit.scratch or writes
        carried = np.vectorize(taken.round, otypes=[float])(value)
        return np.where(taken.tells(value), carried, value) if self.habit.keeps else carried


def dropped(text):
    return text.rstrip("0").rstrip(".") if "." in text else text


def answers(work, sheet):
    """A sheet as a file of YAML in the layout of the spec."""
    lines = []
    for id, cells in sheet.items():
        scalar = cells.shape == (1, 1) and work.lines[id].kind in SCALARS
        page = work.page(work.lines[id].kind, cells)
        rows = ", ".join(f"[{', '.join(row)}]" for row in page.tolist())
        lines.append(f"{id}: {cells[0, 0]}" if scalar else f"{id}: [{rows}]")
    return "\n".join(lines)


def person(seed, habit, spec=None):
    """(spec, the sheet's YAML) of an honest person with that habit; None where numbers explode."""
    random = np.random.default_rng([seed, 11])
    work = Work(random_spec(random) if spec is None else spec)
    if not all(np.isfinite(x).all() for x in work.exact.values()):
        return None
    sheet = Person(work, habit, random).work_all()
    return None if not sheet else (work.spec, answers(work, sheet))


def plain(count, **more):
    return Habit(Digits(count), **more)


INSIDE = ("exponentials", "products", "updates")
EVERYTHING = (*INSIDE, "steps")
HABITS = {
    "lines rounded to 4 decimals": plain(4),
    "lines rounded to 3 decimals": plain(3),
    "lines rounded to 2 decimals": plain(2),
    "full digits carried, 4 written": plain(4, carries="full"),
    "full digits carried, 2 written": plain(2, carries="full"),
    "some lines left out": plain(4, leaves_out=0.4),
    "trailing zeros dropped": plain(3, drops=True),
    "cut off instead of rounded": Habit(Digits(4, cut=True)),
    "cut off inside a line too": Habit(
        Digits(4, cut=True), notes=Digits(4, cut=True), inside=INSIDE
    ),
    "e^z rounded before the quotient": plain(4, notes=Digits(4), inside=("exponentials",)),
    "e^z to 2 decimals, 4 written": plain(4, notes=Digits(2), inside=("exponentials",)),
    "each product rounded before the sum": plain(4, notes=Digits(4), inside=("products",)),
    "the optimizer's partial results": plain(4, notes=Digits(4), inside=("updates",)),
    "all of it, 3 decimals": plain(3, notes=Digits(3), inside=INSIDE),
    "everything to 3 significant digits": Habit(
        Digits(3, significant=True), notes=Digits(3, significant=True), inside=INSIDE
    ),
    "everything to 4 significant digits": Habit(
        Digits(4, significant=True), notes=Digits(4, significant=True), inside=INSIDE
    ),
    "every key of the calculator, 4 decimals": plain(
        4, notes=Digits(4), inside=EVERYTHING, keeps=True
    ),
    "every key, 3 decimals, some lines left out": plain(
        3, notes=Digits(3), inside=EVERYTHING, keeps=True, leaves_out=0.4
    ),
    "every key to 4 significant digits": Habit(
        Digits(4, significant=True), notes=Digits(4, significant=True), inside=EVERYTHING
    ),
    "small numbers kept in the calculator": plain(4, keeps=True),
    "small numbers kept, 3 decimals": plain(3, keeps=True),
    "scratch lines one decimal coarser": plain(4, scratch=Digits(3)),
    "scratch lines coarser, small numbers kept": plain(4, scratch=Digits(3), keeps=True),
    "products to 3 decimals, 4 written": plain(4, notes=Digits(3), inside=("products",)),
    "e^z, products and updates to 3 decimals, 5 written": plain(5, notes=Digits(3), inside=INSIDE),
    "decimals that vary from line to line": plain(4, varies=True),
}
