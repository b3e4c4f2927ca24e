"""How often the checker finds and names a mistake, by mistake and by digits written.

    python -m tests.benchmarks.check_accuracy [sheets of each mistake, 100] [first seed, 1000]

Prints the tables and, below them, every sheet that went wrong: seed, code, what the truth is and
what was found.
"""

import sys
from time import perf_counter

from tests.check.generator import CODES, HONEST
from tests.check.grading import grade, table


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
