"""How long an export takes: against the imports it stands on, and as a trace grows.

    python -m tests.benchmarks.export [runs, 15]

A trace of twice as many steps should take about twice as long.
"""

import sys
from operator import truediv
from statistics import median
from time import perf_counter

import msgspec

import backtrace
from backtrace.formats.registry import FORMATS
from backtrace.page.selection import Selection
from backtrace.page.trace import View
from tests.benchmarks.start import IMPORTS, measured

MOST = 1.3
COMMANDS = [
    f"export mlp-math -o - --to {name}" for name in ("markdown", "latex", "html", "json", "svg")
]
LENGTHS = (1000, 2000)  # steps


def main(runs=15):
    called = {command: ["-m", "backtrace", *command.split()] for command in COMMANDS}
    seconds = measured({"the imports": IMPORTS, **called}, runs)
    base = seconds.pop("the imports")
    say(f"{'the imports':40} {1000 * median(base):5.0f} ms")
    for command, took in seconds.items():
        ratio = median(map(truediv, took, base))
        say(f"{command:40} {1000 * median(took):5.0f} ms  {ratio:5.2f} ×  (at most {MOST})")
    traces = [long_trace(steps) for steps in LENGTHS]
    for name in ("markdown", "latex", "html", "json"):
        short, long = (rendering(name, trace) for trace in traces)
        counts = " and ".join(str(len(trace)) for trace in traces)
        say(f"{name:10} {counts} steps: {short:.2f} s and {long:.2f} s, {long / short:.2f} ×")


def say(line):
    sys.stdout.write(line + "\n")


def long_trace(steps):
    spec = backtrace.load("mlp-math")
    optimizer = backtrace.load("momentum").optimizer
    once = len(backtrace.trace(msgspec.structs.replace(spec, optimizer=optimizer)))
    spec = msgspec.structs.replace(spec, optimizer=optimizer, epochs=round(steps / once))
    return backtrace.trace(spec)


def rendering(name, trace):
    """The median of the seconds that a format takes for every step of a trace."""
    view = View(selection=Selection(epochs=len(trace.updates)))
    return median(seconds_of(name, trace, view) for _ in range(3))


def seconds_of(name, trace, view):
    start = perf_counter()
    FORMATS[name].render(trace, view)
    return perf_counter() - start


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
