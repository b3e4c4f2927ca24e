"""Whatever a page is to show of a trace, it is shown or refused in words: every command, format,
detail and bundled network."""

import json
import re

import pytest

from backtrace.spec import bundled
from tests.cli.running import run
from tests.sampling import some

__all__ = ["run"]

DETAILS = ("overview", "summary", "matrices", "entries")
FORMATS = ("md", "tex", "html", "svg", "json")
CASES = [  # what is selected turns with the network, so that a share of them has some of each
    (name, detail, form) for name in bundled.names() for detail in DETAILS for form in FORMATS
]
FOUND = [  # has had a traceback
    ("adam", ["--only", "loss_terms", "--sample", "1", "--detail", "overview"]),
    ("mlp-math", ["--only", "loss", "--detail", "overview"]),
    ("digits", ["--only", "W2_new", "--width", "120"]),
]


def selections(steps):
    ids = list(dict.fromkeys(step["id"] for step in steps))
    families = sorted({re.sub("[0-9]+", "", id) for id in ids})
    layers = sorted({str(step["layer"]) for step in steps if step["layer"]})
    places = [["--layer", each] for each in [*layers, "99"]]
    places += [["--sample", each] for each in ("1", "2", "99")]
    wanted = [["--only", each] for each in (*families, *ids)]
    return [*wanted, *places, *(one + other for one in wanted[: len(families)] for other in places)]


def assert_shown_or_refused(outcome):
    assert outcome.code in (0, 2)
    assert bool(outcome.err) == (outcome.code == 2)


@pytest.mark.parametrize(("name", "detail", "form"), some(CASES))
def test_every_selection(run, tmp_path, name, detail, form):
    steps = json.loads(run("trace", name, "--format", "json").out)["steps"]
    found = selections(steps)
    at = CASES.index((name, detail, form))
    page, file = str(40 + at % 81), str(tmp_path / f"page.{form}")
    for place in range(2):
        selection = found[(at * 7 + place * 31) % len(found)]
        assert_shown_or_refused(run("trace", name, *selection, "--detail", detail, "--width", page))
        assert_shown_or_refused(run("trace", name, *selection, "--format", "json"))
        written = ["export", name, "-o", file, "--force", *selection]
        details = [] if form == "json" else ["--detail", detail]
        assert_shown_or_refused(run(*written, *details))


@pytest.mark.parametrize(("name", "options"), FOUND)
def test_selections_that_could_not_be_shown(run, tmp_path, name, options):
    assert run("trace", name, *options).code == 0
    plain = [each for each in options if each not in ("--width", "120")]
    for form in ("md", "tex", "html"):
        assert_shown_or_refused(run("export", name, "-o", str(tmp_path / f"x.{form}"), *plain))
