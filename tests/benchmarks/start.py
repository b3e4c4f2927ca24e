"""How long a command takes from start to end, against importing what it stands on.

    python -m tests.benchmarks.start [runs, 15]

The commands take turns, so that a busy moment of the machine hits all of them; the middle of each
one's times is printed, and the middle of its ratios to the imports of the same turn. A first turn,
which compiles, is not counted.
"""

import os
import subprocess
import sys
from operator import truediv
from statistics import median
from time import perf_counter

IMPORTS = ["-c", "import numpy, yaml, rich, typer, msgspec"]
COMMANDS = {  # and the ratio that each may have
    "trace mlp-math": 1.25,
    "trace mnist": 1.5,
    "trace mlp-math --format json": None,
    "--help": None,
    "--version": None,
}


def main(runs=15):
    called = {command: ["-m", "backtrace", *command.split()] for command in COMMANDS}
    seconds = measured({"the imports": IMPORTS, **called}, runs)
    base = seconds.pop("the imports")
    lines = [f"{'the imports':30} {1000 * median(base):4.0f} ms"]
    for command, most in COMMANDS.items():
        ratio = median(map(truediv, seconds[command], base))
        goal = f"  (at most {most})" if most else ""
        lines.append(f"{command:30} {1000 * median(seconds[command]):4.0f} ms {ratio:6.2f} ×{goal}")
    sys.stdout.write("\n".join(lines) + "\n")


def measured(calls, runs):
    """The seconds that each call takes, turn by turn."""
    turns = [{name: timed(arguments) for name, arguments in calls.items()} for _ in range(runs + 1)]
    return {name: [turn[name] for turn in turns[1:]] for name in calls}


def timed(arguments):
    """Seconds; compiled modules are kept, as an installation has them."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    start = perf_counter()
    subprocess.run(
        [sys.executable, *arguments], stdout=subprocess.DEVNULL, env=environment, check=True
    )
    return perf_counter() - start


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
