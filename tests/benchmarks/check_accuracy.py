"""How often the checker finds and names a mistake, by mistake and by digits written, and what
honest people lose, by the habit in which they round.

    python -m tests.benchmarks.check_accuracy [sheets of each mistake, 100] [first seed, 1000]

Prints the tables and, below them, every sheet that went wrong: seed, code, what the truth is and
what was found; seed, habit and what an honest person is accused of.
"""

import sys
from time import perf_counter

from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.checker import Checker
from tests.check.calculator import HABITS, person
from tests.check.generator import CODES, HONEST
from tests.check.grading import ACCUSED, grade, table


def main(sheets=100, first=1000):
    start = perf_counter()
    seeds = range(first, first + sheets)
    honest = [grade(seed, HONEST) for seed in seeds]
    mistaken = [grade(seed, code) for code in CODES for seed in seeds]
    seconds = perf_counter() - start
    show(table([*honest, *mistaken], lambda outcome: outcome.code, "mistake"))
    show(table(sorted(mistaken, key=digits), digits, "digits written"))
    show(table(mistaken, lambda outcome: "all mistakes", ""))
    show([f"{len(honest) + len(mistaken)} sheets in {seconds:.0f} s, drawing them included"])
    show(failures([*honest, *mistaken]))
    show(people(seeds))


def people(seeds):
    """The table of the honest, and those of them who are accused."""
    found = []
    yield f"{'honest habit':45} {'sheets':>7} {'accused':>8} {'marks':>8}"
    for name in HABITS:
        reports = {seed: report for seed in seeds if (report := checked(seed, name))}
        accused = {seed: names for seed, each in reports.items() if (names := accusations(each))}
        earned, possible = (
            sum(getattr(each, x) for each in reports.values()) for x in ("earned", "possible")
        )
        yield f"{name:45} {len(reports):7} {len(accused):8} {100 * earned / possible:7.2f}%"
        found += [f"{seed}, {name}: {names}" for seed, names in accused.items()]
    yield from found


def checked(seed, name):
    """The report on an honest person's sheet; None where the numbers of the seed explode."""
    found = person(seed, HABITS[name])
    if found is None:
        return None
    spec, text = found
    checker = Checker(spec)
    return checker.check(read_answers(text.encode(), "sheet.yaml", reader(checker.tape, spec)))


def accusations(report):
    return [each.name for each in report.quantities if each.verdict in ACCUSED]


def digits(outcome):
    return outcome.digits


def failures(outcomes):
    for outcome in outcomes:
        if outcome.accused or not (outcome.covered and outcome.named):
            yield f"{outcome.code} {outcome.seed}: {outcome.found}, accused {outcome.accused}"


def show(lines):
    sys.stdout.writelines(f"{line}\n" for line in lines)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
