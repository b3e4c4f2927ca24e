"""Verifies every spec that globs name, and says in GitHub's words which ones fail.

The globs stand in SPECS, one a line. Exits with 1 where a spec fails, with 2 where a glob finds
nothing.
"""

import os
import subprocess
import sys
from itertools import chain
from pathlib import Path


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def verify(spec):
    """Whether a spec holds; what is said of it is folded away under its name."""
    say(f"::group::{spec}")
    command = [sys.executable, "-m", "backtrace", "verify", spec]
    done = subprocess.run(command, stderr=subprocess.STDOUT, check=False)  # noqa: S603 - our own
    say("::endgroup::")
    if done.returncode:
        say(f"::error file={spec}::backtrace verify {spec} exits with {done.returncode}")
    return not done.returncode


def main():
    say(f"::add-matcher::{Path(__file__).with_name('problems.json')}")
    globs = [line.strip() for line in os.environ["SPECS"].splitlines() if line.strip()]
    specs = {each: sorted(path.as_posix() for path in Path().glob(each)) for each in globs}
    if not globs or not all(specs.values()):
        nothing = [each for each, found in specs.items() if not found]
        say(f"::error::no file is called {', '.join(nothing) or 'anything: no glob is given'}")
        return 2
    verdicts = [verify(spec) for spec in dict.fromkeys(chain(*specs.values()))]
    say(f"{sum(verdicts)} of {len(verdicts)} specs verified")
    return int(not all(verdicts))


if __name__ == "__main__":
    sys.exit(main())
