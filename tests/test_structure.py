"""The rules of the house: who imports whom, what each table has, what lies where."""

import ast
import re
import sys
from pathlib import Path, PurePosixPath

import msgspec
import pytest

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.formats.registry import FORMATS, NETWORK_FORMATS
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES
from backtrace.notation.steps import NOTATION
from backtrace.notation.titles import TITLES
from backtrace.notation.whys import WHYS
from backtrace.tape.equation_operations import EQUATION_OPERATIONS
from backtrace.tape.operations import OPERATIONS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "backtrace"
ORDER = [
    "functions",
    "spec",
    "tape",
    "notation",
    "chain",
    "check",
    "verify",
    "course",
    "page",
    "formats",
    "cli",
]
CHECKER = ["answers", "rules", "mistakes", "sheets", "diagnosis", "judge"]
MODULES = sorted(PACKAGE.rglob("*.py"))
TEXTS = [
    path
    for folder in ("backtrace", "networks", "tests", ".ci")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.is_file() and path.suffix in (".py", ".yaml", ".txt", ".csv", ".json", ".md", "")
] + sorted(path for path in ROOT.iterdir() if path.suffix in (".md", ".toml"))

# Where a third party may be imported; numpy and msgspec are at home everywhere.
HOMES = {
    "rich": {
        "formats/terminal/colours.py",
        "cli/screen.py",
        "cli/training/progress.py",
    },
    "yaml": {
        "spec/document/reader.py",
        "spec/document/rewriting.py",
        "formats/trained_spec.py",
    },
    "markdown_it": {"formats/terminal/chapter.py"},
    "typer": {"cli/app.py", "cli/options.py", "cli/training/command.py"},
    "threadpoolctl": {"tape/chunks.py"},
    "openpyxl": {"check/answers/table_rows.py"},
    "xlsxwriter": {"formats/xlsx/workbook.py"},
}

MOST_MODULES = 20  # of a folder; more are put into folders that say what belongs together


def short(path):
    return path.relative_to(PACKAGE).as_posix()


def imported(path):
    """The full names of the modules that a file imports: inside functions, for types, and by a
    name in a string as well."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            yield from (module_of(f"{node.module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Constant) and re.fullmatch(r"backtrace(\.\w+)+", str(node.value)):
            yield module_of(node.value)


def module_of(name):
    """The module that a name, ``backtrace.spec.ids.At``, is of; other people's as they are."""
    while name.startswith("backtrace.") and name not in NAMES:
        name = name.rpartition(".")[0]
    return name


def circles():
    """The modules that import each other, by whatever ways, set by set."""
    reached = {name: {m for m in imported(path) if m in NAMES} for name, path in NAMES.items()}
    while True:
        further = {
            name: direct.union(*map(reached.get, direct)) for name, direct in reached.items()
        }
        if further == reached:
            break
        reached = further
    return {
        frozenset(other for other in reached[name] if name in reached[other])
        for name in NAMES
        if name in reached[name]
    }


NAMES = {
    "backtrace." + ".".join(PurePosixPath(short(path)).with_suffix("").parts): path
    for path in MODULES
    if path.parent != PACKAGE
}
NAMES = {name.removesuffix(".__init__"): path for name, path in NAMES.items()}


def place(module):
    """Where a module stands in the order; None for the package itself and what is not ours."""
    parts = module.split(".")
    known = parts[0] == "backtrace" and len(parts) > 1 and parts[1] in ORDER
    return ORDER.index(parts[1]) if known else None


def test_there_are_modules_to_look_at():
    assert len(MODULES) > 50
    assert {short(path).split("/")[0] for path in MODULES if path.parent != PACKAGE} == set(ORDER)


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_imports_run_one_way(path):
    if path.parent == PACKAGE:
        return  # the API is what the package itself imports, lazily
    mine = ORDER.index(short(path).split("/")[0])
    later = [module for module in imported(path) if (place(module) or 0) > mine]
    assert not later


@pytest.mark.parametrize("path", [path for path in MODULES if "check/" in short(path)], ids=short)
def test_the_rooms_of_the_checker_know_only_those_before_them(path):
    room = path.parent.name
    later = CHECKER[CHECKER.index(room) + 1 :] if room in CHECKER else []
    assert not [module for module in imported(path) if set(module.split(".")[2:3]) & set(later)]


def test_no_module_reaches_itself():
    assert circles() == set()


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_third_parties_stay_where_they_belong(path):
    ours = {"backtrace", "numpy", "msgspec", "__future__"}
    for module in imported(path):
        name = module.split(".")[0]
        if name not in ours and name not in sys.stdlib_module_names:
            assert short(path) in HOMES[name]


def test_the_rules_about_third_parties_are_about_modules_that_exist():
    for name, files in HOMES.items():
        assert all(name in {m.split(".")[0] for m in imported(PACKAGE / file)} for file in files)


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_module_says_what_it_is_for(path):
    docstring = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))
    assert docstring
    assert docstring.split("\n")[0].endswith((".", "?"))
    assert path.stem not in ("utils", "util", "helpers", "common", "manager", "misc")


@pytest.mark.parametrize("folder", sorted({path.parent for path in MODULES}), ids=short)
def test_a_folder_is_taken_in_at_a_glance(folder):
    modules = [path.stem for path in folder.glob("*.py") if path.stem != "__init__"]
    assert len(modules) <= MOST_MODULES


def test_every_operation_has_a_row_in_every_table():
    worked = set(OPERATIONS) - {"given"}
    assert set(NOTATION) == worked
    of_layers = set(OPERATIONS) - set(EQUATION_OPERATIONS)
    assert set(TITLES) == of_layers
    assert set(WHYS) == of_layers


TABLES = [ACTIVATIONS, LOSSES, OPTIMIZERS, SCHEDULES, CATALOGUE, FORMATS, NETWORK_FORMATS]


@pytest.mark.parametrize(
    "table", TABLES, ids=lambda table: type(next(iter(table.values()))).__name__
)
def test_no_row_leaves_a_column_empty_that_every_row_must_have(table):
    for name, row in table.items():
        for column in msgspec.structs.fields(row):
            empty = getattr(row, column.name) == ""
            assert not (column.required and empty), f"{name}: {column.name}"


def test_nothing_else_lies_at_the_top():
    agreed = {"backtrace", "networks", "tests", "pyproject.toml", "README.md", "LICENSE"}
    agreed |= {"CHANGELOG.md"}
    made = {"build", "dist", "__pycache__"}  # by tools, and ignored
    found = {path.name for path in ROOT.iterdir()} - made
    assert {name for name in found if not name.startswith(".") and ".egg" not in name} == agreed


def test_no_path_of_a_machine_is_written_anywhere():
    assert len(TEXTS) > 100
    machine = re.compile(r"(?<![\w.])/(?:" + "work|tmp|root|home)" + r"/\w")
    for path in TEXTS:
        assert not machine.search(path.read_text(encoding="utf-8", errors="ignore")), path


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "pyproject.toml"])
def test_the_names_agree(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "backtrace" in text
    if name == "CHANGELOG.md":
        import backtrace

        assert f"## {backtrace.__version__}" in text
