"""Who does no work earns no more than the entries that happen to be right as written."""

import numpy as np
import pytest

import backtrace
from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.checker import Checker
from backtrace.check.judge.workings import Working
from tests.check.random_exercises import random_spec
from tests.check.typed import listed
from tests.sampling import share, some

BUNDLED = ("mlp-math", "small-mlp", "or-gate")
CONSTANTS = ("0", "1", "0.0", "0.5", "9", "0e9")
SLACK = 0.02  # of the marks that there are
TURNS = share(60)  # of the hill-climber
TRIED = ("0.00", "1.00", "0.1", "-0.25", "3.10", "9e3", "0.5", "2")
RANDOM_SPECS = some((2, 3, 4, 5))


def half(text):
    """Half a unit of what is written; a whole number is read to two decimals."""
    decimals = len(text.partition(".")[2]) if "e" not in text else 0
    return 0.5 * 10.0 ** -(decimals or 2) + 1e-9


class Idler:
    """Writes texts into the entries of all quantities, and works nothing."""

    def __init__(self, spec):
        self.checker = Checker(spec)
        steps, values = self.checker.steps, self.checker.values
        self.givens = [place for place in steps if self.checker.is_given(place)]
        self.places = [place for place in steps if place not in self.givens]
        assert all(np.isfinite(values[place]).all() for place in self.places)

    def filled(self, place, text):
        return np.full(self.checker.values[place].shape, text, dtype=object)

    def gain(self, sheet):
        """What a sheet earns beyond what is right as written, of all marks."""
        return self.beyond(sheet, self.checker.check(self.read(sheet)).quantities)

    def quick_gain(self, sheet):
        """The same as it stands, before other ways to work it, and what went wrong, are looked
        for."""
        with np.errstate(all="ignore"):
            return self.beyond(sheet, self.checker.sheet(self.read(sheet), Working()).quantities)

    def beyond(self, sheet, quantities):
        right = sum(self.right(place, texts) for place, texts in sheet.items())
        earned, possible = (sum(getattr(q, x) for q in quantities) for x in ("earned", "possible"))
        return (earned - right) / possible

    def right(self, place, texts):
        away = np.abs(self.checker.values[place] - texts.astype(float))
        return int((away <= np.vectorize(half)(texts)).sum())

    def read(self, sheet):
        lines = (f'"{place[2]}@{place[0]}.{place[1]}": {listed(texts.tolist())}'
                 for place, texts in sheet.items())  # fmt: skip
        source = "\n".join(lines).encode()
        return read_answers(source, "idle.yaml", reader(self.checker.tape, self.checker.spec))

    def moved(self, sheet, random):
        """The sheet with one quantity, or one entry, filled or copied from elsewhere."""
        place, text = self.places[random.integers(len(self.places))], str(random.choice(TRIED))
        texts = sheet[place].copy()
        match random.integers(4):
            case 0:
                texts = self.filled(place, text)
            case 1:
                texts[tuple(random.integers(texts.shape))] = text
            case 2:
                texts = np.resize(
                    sheet[self.places[random.integers(len(self.places))]], texts.shape
                )
            case 3:
                given = self.checker.values[self.givens[random.integers(len(self.givens))]]
                texts = np.resize(np.vectorize("{:g}".format, otypes=[object])(given), texts.shape)
        return {**sheet, place: texts}


@pytest.mark.parametrize("name", BUNDLED)
def test_one_constant_everywhere_earns_what_is_right_as_written(name):
    idler = Idler(backtrace.load(name))
    gains = {
        text: idler.gain({place: idler.filled(place, text) for place in idler.places})
        for text in CONSTANTS
    }
    assert {text: gain for text, gain in gains.items() if gain > SLACK} == {}


@pytest.mark.parametrize("source", [*BUNDLED, *RANDOM_SPECS])
def test_who_climbs_by_chance_gets_nowhere(source):
    drawn = isinstance(source, int)
    spec = random_spec(np.random.default_rng([source, 5])) if drawn else backtrace.load(source)
    idler, random = Idler(spec), np.random.default_rng(7)
    sheet = {place: idler.filled(place, str(random.choice(TRIED))) for place in idler.places}
    best = idler.quick_gain(sheet)
    for _ in range(TURNS):
        moved = idler.moved(sheet, random)
        gain = idler.quick_gain(moved)
        if gain >= best:
            sheet, best = moved, gain
    assert max(best, idler.gain(sheet)) <= SLACK


@pytest.mark.parametrize("text", ["0.00", "0.5", "1.00"])
@pytest.mark.parametrize("source", [*BUNDLED, *RANDOM_SPECS])
def test_one_number_after_an_honest_forward_part_earns_nothing(source, text):
    drawn = isinstance(source, int)
    spec = random_spec(np.random.default_rng([source, 5])) if drawn else backtrace.load(source)
    idler = Idler(spec)
    values = idler.checker.values
    backward = [p for p in idler.places if idler.checker.steps[p].phase != "forward"]
    ahead = [p for p in idler.places if p not in backward]
    to_four = np.vectorize("{:.4f}".format, otypes=[object])
    honest = {place: to_four(values[place]) for place in ahead}
    sheet = honest | {place: idler.filled(place, text) for place in backward}
    assert idler.gain(sheet) <= SLACK
