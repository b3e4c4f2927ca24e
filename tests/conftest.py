"""What holds for all tests: no deadlines; the same examples every time, and of a large family of
cases a sample. ``--all`` takes every case, and looks for new examples."""

from collections import Counter

from hypothesis import settings

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("patient", deadline=None, derandomize=True)
settings.register_profile("searching", deadline=None)

FEW = 12  # cases of one test that are always run
EVERY = 4  # of more cases each fourth one is, unless --all asks for all
WHOLE = ("test_structure", "test_readme", "test_new_rows", "test_printed_entries")


def pytest_addoption(parser):
    parser.addoption("--all", action="store_true", help="every case, and new examples")


def pytest_configure(config):
    """Whoever changed nothing hears of nothing new: a search has to be asked for."""
    settings.load_profile("searching" if config.getoption("--all") else "patient")


def pytest_collection_modifyitems(config, items):
    """Leaves three of four cases of a large family out; who names a test gets all of them."""
    named = any("::" in each for each in config.args) or config.option.keyword
    if config.getoption("--all") or named:
        return
    families = Counter(map(family, items))
    place = Counter()
    kept, left_out = [], []
    for item in items:
        place[family(item)] += 1
        is_in = families[family(item)] <= FEW or place[family(item)] % EVERY == 1
        whole = item.module.__name__.rpartition(".")[2] in WHOLE
        (kept if is_in or whole else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = kept


def family(item):
    """The cases of one test function."""
    return item.nodeid.partition("[")[0]
