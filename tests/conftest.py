"""What holds for all tests: no deadlines; the same examples every time, and of a large family of
cases a sample. ``--all`` takes every case, and looks for new examples. Folders of tests are shared
out among the processors."""

from collections import Counter

import pytest
from hypothesis import settings

from tests.sampling import ALL, SOME, is_taken

FEW = 12  # cases of one test that are always run
MOST_PROCESSES = 4  # each collects all tests, and processors that are seen may be others'
WHOLE = (
    *("test_structure", "test_readme", "test_new_rows"),  # what a new module, command or row needs
    "test_errors",  # one example a kind
    *("test_printed_entries", "test_intervals", "test_mistakes"),  # few others see what these see
    # each case is worth a line of its table and costs next to nothing
    *("test_text", "test_numbers", "test_symbols", "test_number_reading", "test_reader"),
    *("test_answers_figures", "test_answers_sheets", "test_answers_names"),
    *("test_data", "test_spec_builder", "test_syntax", "test_problems"),
)


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="every case, and new examples")


@pytest.hookimpl(tryfirst=True)  # before xdist reads what is asked of it
def pytest_cmdline_main(config):
    """Shares the files of a whole folder out, unless ``-n`` says how, or there is no xdist."""
    unsaid = getattr(config.option, "numprocesses", 0) is None
    is_worker = hasattr(config, "workerinput")
    if unsaid and not is_worker and not any(".py" in each for each in config.args):
        config.option.numprocesses = "auto"
        config.option.maxprocesses = MOST_PROCESSES
        config.option.dist = "loadfile"  # what a file sets up for its tests is made once


def pytest_configure(config):
    """How long an example takes says how busy the machine is, and nothing of what is tested.
    Whoever changed nothing hears of nothing new: a search has to be asked for."""
    settings.register_profile(
        "suite",
        max_examples=ALL if takes_all(config) else SOME,
        deadline=None,
        derandomize=not config.getoption("--all"),
    )
    settings.load_profile("suite")


def takes_all(config):
    """Who names a test gets all of its cases."""
    named = any("::" in each for each in config.args) or config.option.keyword
    return bool(config.getoption("--all") or named)


def pytest_collection_modifyitems(config, items):
    """Leaves most cases of a large family out, the same ones each time."""
    families = Counter(map(family, items))
    place = Counter()
    kept, left_out = [], []
    for item in items:
        sampled = families[family(item)] > FEW and not is_whole(item)
        is_in = not sampled or is_taken(place[family(item)])
        place[family(item)] += 1
        (kept if is_in else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def is_whole(item):
    """Whether every case is run always."""
    return item.module.__name__.rpartition(".")[2] in WHOLE


def family(item):
    """The cases of one test function."""
    return item.nodeid.partition("[")[0]
