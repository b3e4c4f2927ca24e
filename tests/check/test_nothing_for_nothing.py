"""Who does no work earns no more than the entries that happen to be right as written."""

import numpy as np
import pytest

import backtrace
from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.checker import Checker

BUNDLED = ("mlp-math", "small-mlp", "or-gate")
CONSTANTS = ("0", "1", "0.0", "0.5", "9", "0e9")
SLACK = 0.02  # of the marks that there are


def half(text):
    """Half a unit of what is written; a whole number is read to two decimals."""
    decimals = len(text.partition(".")[2]) if "e" not in text else 0
    return 0.5 * 10.0 ** -(decimals or 2) + 1e-9


class Idler:
    """Writes one text into all entries of a quantity, and works nothing."""

    def __init__(self, spec):
        self.checker = Checker(spec)
        self.places = [place for place in self.checker.steps if not self.checker.is_given(place)]

    def gain(self, texts):
        """What a sheet earns beyond what is right as written, of all marks."""
        report = self.checker.check(self.read(texts))
        right = sum(self.right(place, text) for place, text in texts.items())
        return (report.earned - right) / sum(q.possible for q in report.quantities)

    def right(self, place, text):
        return int((np.abs(self.checker.values[place] - float(text)) <= half(text)).sum())

    def read(self, texts):
        lines = [self.line(place, text) for place, text in texts.items()]
        source = "\n".join(lines).encode()
        return read_answers(source, "idle.yaml", reader(self.checker.tape, self.checker.spec))

    def line(self, place, text):
        rows, columns = self.checker.values[place].shape
        row = f"[{', '.join([text] * columns)}]"
        return f'"{self.checker.steps[place].at}": [{", ".join([row] * rows)}]'


@pytest.mark.parametrize("name", BUNDLED)
def test_one_constant_everywhere_earns_what_is_right_as_written(name):
    idler = Idler(backtrace.load(name))
    gains = {text: idler.gain(dict.fromkeys(idler.places, text)) for text in CONSTANTS}
    assert {text: gain for text, gain in gains.items() if gain > SLACK} == {}


@pytest.mark.parametrize("name", BUNDLED)
def test_zeros_after_an_honest_forward_part_earn_nothing(name):
    idler = Idler(backtrace.load(name))
    backward = [p for p in idler.places if idler.checker.steps[p].phase != "forward"]
    ahead = [p for p in idler.places if p not in backward]
    cells = {p: idler.checker.values[p] for p in ahead}
    honest = [f'"{idler.checker.steps[p].at}": {np.round(cells[p], 4).tolist()}' for p in ahead]
    zeros = [idler.line(place, "0.00") for place in backward]
    text = "\n".join([*honest, *zeros]).encode()
    checker = idler.checker
    report = checker.check(read_answers(text, "zeros.yaml", reader(checker.tape, checker.spec)))
    right = sum(x.size for x in cells.values()) + sum(idler.right(p, "0.00") for p in backward)
    assert report.earned <= right + SLACK * sum(q.possible for q in report.quantities)
