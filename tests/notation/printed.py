"""Works out what is printed: a small evaluator of our formulas as text, with matrices in them."""

import re
from functools import reduce
from math import erf

import numpy as np

TOKEN = re.compile(
    r"(?<![\d)])-?\d+(?:\.\d+)?(?:e-?\d+)?|\d+(?:\.\d+)?(?:e-?\d+)?| if | else | · | [><≥≤] |"
    r"[²³⁰-⁹⁻¹ᵗ]+|[A-Za-zσΦφ]+|e\^|[-+−·⊙/()|,√Σ½^]"
)
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", range(10), strict=True))


def standard_normal(z):
    return np.vectorize(lambda x: (1 + erf(x / 2**0.5)) / 2)(z)


FUNCTIONS = {
    "σ": lambda z: 1 / (1 + np.exp(-z)),
    "bσ": lambda z: (1 - np.exp(-z)) / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "cosh": np.cosh,
    "ln": np.log,
    "max": lambda *each: reduce(np.maximum, each),
    "min": lambda *each: reduce(np.minimum, each),
    "sign": np.sign,
    "sin": np.sin,
    "cos": np.cos,
    "round": lambda x, decimals: np.sign(x) * np.floor(abs(x) * 10**decimals + 0.5) / 10**decimals,
    "Φ": standard_normal,
    "φ": lambda z: np.exp(-z * z / 2) / np.sqrt(2 * np.pi),
}
COMPARED = {">": np.greater, "<": np.less, "≥": np.greater_equal, "≤": np.less_equal}


class Formula:
    """A printed formula: texts, and matrices between them. ``shape`` is that of its result."""

    def __init__(self, pieces, shape=()):
        self.left = [token for piece in pieces for token in self.tokens(piece)][::-1]
        self.shape = shape

    def tokens(self, piece):
        if not isinstance(piece, str):
            return [piece]
        found = TOKEN.findall(piece)
        assert "".join(found).replace(" ", "") == piece.replace(" ", ""), piece
        return found

    def value(self):
        with np.errstate(all="ignore"):
            worked = self.cases()
        assert not self.left, self.left[::-1]
        return worked

    def next(self, *wanted):
        """The next token, taken if it is one of these."""
        ahead = self.left[-1] if self.left else None
        if isinstance(ahead, str) and ahead.strip() in wanted:
            return self.left.pop()
        return None

    def cases(self):
        then = self.sum()
        if not self.next("if"):
            return then
        holds, low = True, self.sum()
        while sign := self.next(*COMPARED):
            high = self.sum()
            holds, low = holds & COMPARED[sign.strip()](low, high), high
        assert self.next("else")
        return np.where(holds, then, self.cases())

    def sum(self):
        total = self.term()
        while sign := self.next("+", "−"):
            total = total + self.term() if sign == "+" else total - self.term()
        return total

    def term(self):
        product = self.signed()
        while sign := self.next("·", "⊙", "/"):
            other = self.signed()
            if sign == "/":
                product = product / other
            elif sign == " · " and np.ndim(product) == np.ndim(other) == 2:
                product = product @ other
            else:
                product = product * other
        return product

    def signed(self):
        return -self.signed() if self.next("−") else self.power()

    def power(self):
        base = self.atom()
        if self.left and isinstance(self.left[-1], str) and self.left[-1][0] in (*RAISED, "⁻"):
            return base ** self.raised()
        return base ** self.atom() if self.next("^") else base

    def raised(self):
        digits = self.left.pop()
        number = int("".join(str(RAISED[digit]) for digit in digits.lstrip("⁻")))
        return -float(number) if digits[0] == "⁻" else number

    def atom(self):
        token = self.left.pop()
        if not isinstance(token, str):
            return token
        if token in ("(", "|"):
            inner = self.cases()
            assert self.next(")" if token == "(" else "|")
            return inner if token == "(" else np.abs(inner)
        if token == "½":
            return 0.5
        if token == "√":
            return np.sqrt(self.atom())
        if token == "Σ":
            return self.total(self.power())
        if token == "e":
            assert self.next("^")
            return np.exp(self.atom())
        if token in FUNCTIONS:
            return self.applied(FUNCTIONS[token])
        return float(token)

    def applied(self, function):
        power = 1
        if self.left[-1][0] in RAISED:
            power = self.raised()
        assert self.next("(")
        arguments = [self.cases()]
        while self.next(","):
            arguments.append(self.cases())
        assert self.next(")")
        return function(*arguments) ** power

    def total(self, inner):
        """Over everything, or along whichever axis the result has only one line."""
        if self.shape in ((), (1, 1)):
            return np.sum(inner)
        return np.sum(inner, axis=self.shape.index(1), keepdims=True)
