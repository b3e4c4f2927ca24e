"""A person with a calculator at a board of equations: every line and gradient, rounded as written.

The boards are those of ``tests.tape.boards``, each term with what it means in NumPy. A gradient is
worked line by line from the person's own numbers: what arrives at a line times the line's slope,
by a complex step through that line alone. Nothing of the program is in it.
"""

import numpy as np

from tests.check.calculator import Person, noted
from tests.networks.formulas import STEP

LARGEST = 1e4


class Reads(dict):
    """Values by name, and which of them were asked for."""

    def __init__(self, values):
        super().__init__(values)
        self.names = set()

    def __getitem__(self, name):
        self.names.add(name)
        return super().__getitem__(name)


class BoardPerson(Person):
    """Works a board in order; ``sheet`` holds the texts of what is written."""

    def __init__(self, drawn, habit, random):
        self.drawn, self.habit, self.random = drawn, habit, random
        self.values = {name: np.asarray(value, float) for name, value in drawn.given.items()}
        self.sheet, self.used_by = {}, {}

    def work_all(self):
        """The sheet; None where numbers explode."""
        try:
            with np.errstate(all="ignore"):
                self.forward()
                self.backward()
        except ArithmeticError:
            return None
        return self.sheet

    def write(self, id, value):
        if not np.isfinite(value).all() or np.abs(value).max() > LARGEST:
            raise OverflowError(id)
        self.values[id] = self.set_down(id, np.asarray(value, float))

    def forward(self):
        for name, term in self.drawn.lines.items():
            reads = Reads({id: self.in_hand(x) for id, x in self.values.items()})
            self.write(name, np.real(term.work(reads)))
            for used in reads.names:
                self.used_by.setdefault(used, []).append(name)

    def in_hand(self, value):
        return noted(value, self.habit) if self.habit.inside else value

    def backward(self):
        self.values["dL"] = np.ones((1, 1))
        for name in [*reversed(self.drawn.lines), *self.drawn.given]:
            users = self.used_by.get(name, [])
            if name != "L" and users:
                self.gradient(name, users)

    def gradient(self, name, users):
        shares = [self.share(name, user) for user in reversed(users)]
        if len(shares) > 1:
            for user, share in zip(reversed(users), shares, strict=True):
                self.write(f"d{name}_from_{user}", share)
            shares = [self.values[f"d{name}_from_{user}"] for user in users]
        self.write(f"d{name}", sum(shares))

    def share(self, name, user):
        """What has arrived at a line, times how fast it changes with each entry of ``name``."""
        at = {id: np.asarray(x, complex) for id, x in self.values.items()}
        found = np.zeros(self.values[name].shape)
        for entry in np.ndindex(found.shape):
            moved = at[name].copy()
            moved[entry] += 1j * STEP
            local = self.drawn.lines[user].work(at | {name: moved}).imag / STEP
            found[entry] = np.asarray((self.noted(local) * self.values[f"d{user}"]).sum())
        return found

    def noted(self, local):
        """A line's local derivatives, and with them their products, noted where the habit says."""
        noting = {"products", "steps"} & set(self.habit.inside)
        return noted(self.habit.note(local), self.habit) if noting else local

    def typed(self):
        """The sheet as YAML."""
        rows = {id: ", ".join(f"[{', '.join(row)}]" for row in x) for id, x in self.sheet.items()}
        return "\n".join(f"{id}: [{cells}]" for id, cells in rows.items())
