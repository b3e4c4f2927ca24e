"""What a program prints is as right as what a hand writes: numbers to any number of digits, with
their last zeros dropped one by one, and in float32.

The numbers are the key's own, each rounded by Python's formatting.
"""

from functools import cache

import numpy as np
import pytest

import backtrace
from backtrace.check.judge.checker import Checker
from backtrace.spec import bundled
from tests.check.typed import answers_of, exercise, listed
from tests.networks.kinds import EQUATIONS, LAYERED
from tests.sampling import some

NETWORKS = sorted({*LAYERED, *EQUATIONS} - {"digits", "mnist"})  # which have too many entries
PRINTED = {
    "%.6g": "{:.6g}".format,
    "%.8g": "{:.8g}".format,
    "%.10g": "{:.10g}".format,
    "%.12g": "{:.12g}".format,
    "repr": repr,
    "float32": lambda x: str(np.float32(x)),
    "float32 as a list": lambda x: repr(float(np.float32(x))),
}
LEFT_OUT = {"all lines": slice(None), "every other line": slice(1, None, 2)}


@cache
def checkers(name):
    return Checker(exercise(name))


def printed(checker, form, lines):
    """The key as a program prints it, some lines of it."""
    first = min(checker.contexts)
    worked = [at for at in checker.values if not checker.is_given(at)]
    sheet = []
    for epoch, batch, id in worked[lines]:
        name = id if (epoch, batch) == first else f"{id}@{epoch}.{batch}"
        values = checker.values[epoch, batch, id].tolist()
        texts = [[form(x + 0.0) for x in row] for row in values]
        sheet.append(f"{name}: {listed(texts)}")
    return "\n".join(sheet)


CASES = [(name, form, lines) for name in NETWORKS for form in PRINTED for lines in LEFT_OUT]


@pytest.mark.parametrize(("name", "form", "lines"), some(CASES))
def test_a_printed_key_earns_every_mark(name, form, lines):
    checker = checkers(name)
    report = checker.check(answers_of(checker, printed(checker, PRINTED[form], LEFT_OUT[lines])))
    good = ("right", "rounded")
    assert [(q.name, q.verdict) for q in report.quantities if q.verdict not in good] == []
    assert report.earned == report.possible
    if "float32" not in form:
        assert report.conventions is None


ROUNDED = [
    (name, decimals) for name in ("adam", "momentum", "or-gate", "softmax") for decimals in (2, 3)
]


@pytest.mark.parametrize(("name", "decimals"), ROUNDED)
def test_the_key_of_an_exercise_whose_every_line_is_rounded_earns_every_mark(name, decimals):
    """Also where Adam's v is 0.00 by the exercise itself, and its step -10 000 000."""
    text = bundled.path(name).read_text(encoding="utf-8")
    checker = Checker(backtrace.loads(f"{text}\narithmetic: {{round_each_step: {decimals}}}\n"))
    sheet = printed(checker, f"{{:.{decimals}f}}".format, LEFT_OUT["all lines"])
    report = checker.check(answers_of(checker, sheet))
    assert [q.name for q in report.quantities if q.verdict not in ("right", "rounded")] == []
    assert report.earned == report.possible
