"""README and handbook tell the truth: examples run, tables list what there is and nothing else."""

import doctest
import re
import shlex
import sys
from pathlib import Path

import msgspec
import pytest
import typer
import typer.testing

import backtrace
from backtrace.cli.app import app
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES
from backtrace.functions.penalties import FORMS
from backtrace.spec.document.vocabulary import TOP_KEYS
from backtrace.spec.model import NOTATION_CHOICES, Notation, Spec
from backtrace.spec.read.conventions import ARITHMETIC, CONVENTIONS
from backtrace.spec.read.data_files import DATA_KEYS
from backtrace.spec.read.holdout import WAYS
from backtrace.spec.read.layers import BIAS_KEYS, LAYER_KEYS
from backtrace.spec.read.training import TRAINING_KEYS
from backtrace.spec.read.weight_rules import INITIALIZERS
from tests.cli.running import run
from tests.golden import pictures
from tests.test_structure import ORDER

__all__ = ["run"]

ROOT = Path(__file__).resolve().parent.parent
HANDBOOK = ROOT / "backtrace" / "handbook"
DOCUMENTS = {
    path: path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", *sorted(HANDBOOK.glob("*.md"))]
    if path.name != "errors.md"  # whose examples are wrong on purpose: tests/handbook
}
TEXT = "\n".join(DOCUMENTS.values())


def prose_of(text):
    """What stands outside the examples."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


PROSE = prose_of(TEXT)
SPANS = re.findall(r"`([^`]+)`", PROSE)
WORDS = {word for span in SPANS for word in re.findall(r"\w+", span)}
BASE = {  # what a part of a spec is put into
    "layers": "[{activation: linear, weights: [[1], [2]], bias: 0}]",
    "inputs": "[[1, 2]]",
    "targets": "1",
    "loss": "mse",
}


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)


class Example(msgspec.Struct):
    command: str
    shown: str


def examples(block):
    """The commands of a console block, each with what it shows."""
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return [Example(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]


def matches(shown, printed):
    """Whether ``printed`` is what is shown, where ``...`` stands for what is left out.

    On a line of its own it stands for any number of lines, else for a part of a line.
    """
    pattern = ""
    for line in shown.splitlines():
        if line == "...":
            pattern += r"(?:.*\n)*?"
        else:
            pattern += ".*".join(map(re.escape, line.split("..."))) + r"\n"
    return re.fullmatch(pattern, printed) is not None


@pytest.fixture
def printed_by(run, tmp_path, monkeypatch):
    """What a command prints, on both streams; None for the one that runs these tests."""
    monkeypatch.chdir(tmp_path)

    def printed(command):
        if command.startswith("python3 -m pip install"):
            command = command.partition(" && ")[2]
        if command == "python3 -m pytest":
            return None
        command, _, file = command.partition(" > ")
        name, *arguments = shlex.split(command)
        assert name == "backtrace"
        done = run(*arguments)
        assert done.code in (0, 1, 2)
        if file:
            (tmp_path / file).write_text(done.out, encoding="utf-8")
            return done.err
        return done.out + done.err

    return printed


@pytest.mark.parametrize("block", blocks("console"))
def test_a_command_prints_what_is_shown(block, printed_by, tmp_path):
    found = examples(block)
    assert found
    for example in found:
        if example.command.startswith("cat "):
            (tmp_path / example.command[4:]).write_text(example.shown, encoding="utf-8")
            continue
        printed = printed_by(example.command)
        if printed is None:
            assert not example.shown
        else:
            assert matches(example.shown, printed), f"$ {example.command}\n{printed}"


def test_the_comparison_can_fail():
    assert matches("a\n...\nd\n", "a\nb\nc\nd\n")
    assert matches("a ... c\n...\n", "a b c\n")
    assert not matches("a\n...\nd\n", "a\nb\nc\n")
    assert not matches("a ... c\n", "a b\nc\n")
    assert not matches("a\n", "a\nb\n")


def test_most_lines_that_are_shown_are_shown_in_full():
    shown = [line for block in blocks("console") for example in examples(block)
             for line in example.shown.splitlines()]  # fmt: skip
    assert len(shown) > 90
    assert sum("..." in line for line in shown) < len(shown) / 4


def completed(text):
    """An example of a spec, or of a part of one with what else it needs."""
    if re.search("^(layers|equations):", text, re.MULTILINE):
        return text
    missing = {k: v for k, v in BASE.items() if not re.search(f"^{k}:", text, re.MULTILINE)}
    return text + "".join(f"{key}: {value}\n" for key, value in missing.items())


@pytest.mark.parametrize("text", blocks("yaml"))
def test_a_spec_can_be_traced(text):
    spec = backtrace.loads(completed(text))
    trace = backtrace.trace(spec)
    wanted = {"loss", "delta1"} if spec.equations is None else {spec.equations.objective, "dX"}
    assert all(id in trace for id in wanted)


def test_python_examples_run():
    found = blocks("pycon")
    assert found
    parser, runner = doctest.DocTestParser(), doctest.DocTestRunner()
    for block in found:
        runner.run(parser.get_doctest(block, {}, "handbook", None, 0))
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries >= 6


def test_every_example_is_of_a_kind_that_is_tested():
    languages = set(re.findall(r"^```(\w+)$", TEXT, re.MULTILINE))
    assert languages == {"console", "yaml", "pycon", "text"}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_no_row_of_a_table_loses_a_cell(path):
    """A bar that is not escaped, also in code, ends a cell; what is too much is not shown."""
    for table in re.findall(
        r"^\|.*\n\|[-|]+\|\n(?:\|.*\n)+", prose_of(DOCUMENTS[path]), re.MULTILINE
    ):
        widths = {len(re.split(r"(?<!\\)\|", line)) for line in table.splitlines()}
        assert len(widths) == 1, table


# What there is, and what is listed


def section(title):
    """The text under a heading, as far as the next one."""
    found = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", TEXT, re.DOTALL | re.MULTILINE)
    assert found is not None, title
    return found[1]


def rows(title):
    """The rows of the tables of a section, as lists of cells, without their headings."""
    tables = re.findall(r"^\|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section(title), re.MULTILINE)
    lines = [line for table in tables for line in table.splitlines()]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def names(title):
    """The names in the first column of a section's tables."""
    return {span for row in rows(title) for span in re.findall(r"`([^`]+)`", row[0])}


def said(constants):
    """Constants as the tables have them: ``slope: 0.01``."""
    return {f"{name}: {number.text}" for name, number in constants.items()}


def test_every_key_of_a_spec_is_listed():
    assert names("Keys") == set(TOP_KEYS)
    assert set(LAYER_KEYS) <= names("Layers")
    assert {"file", *DATA_KEYS} == names("Files")
    assert all(f"`{{{key}:" in section("Layers") for key in ("shared", "threshold", "in_weights"))
    assert set(BIAS_KEYS) <= WORDS
    assert all(f"{{init: {name}" in section("Layers") for name in INITIALIZERS)


def test_every_key_of_a_training_is_listed():
    listed = names("Keys of a training")
    ways = {name for span in listed for name in re.findall(r"(\w+): ", span)}
    assert ways == {*WAYS, "targets"}
    assert {span for span in listed if not span.startswith("{")} == set(TRAINING_KEYS)


def test_the_defaults_are_those_of_a_spec():
    spec = backtrace.loads("layers: [{activation: linear, weights: 1, bias: none}]\ninputs: 1\n")
    listed = {row[0].strip("`"): row[2].strip("`") for row in rows("Keys")}
    for key in ("epochs", "output_delta", "backpropagate_through"):
        assert listed[key] == str(getattr(spec, key))
    assert listed["display"] == f"{{decimals: {spec.decimals}}}"
    assert listed["arithmetic"] == spec.arithmetic.kind
    assert listed["updates"] == "batch"
    assert spec.batch_size is None
    assert set(Spec.__struct_fields__) >= {"epochs", "seed"}


def test_every_activation_with_its_parameters():
    assert names("Activations") == set(ACTIVATIONS)
    for row in rows("Activations"):
        constants = ACTIVATIONS[row[0].strip("`")].parameters
        assert set(re.findall(r"`([^`]+)`", row[3])) == said(constants)


def test_every_loss():
    losses = {name for name in names("Losses") if not name.startswith("{")} - set(FORMS)
    assert losses == set(LOSSES)
    assert set(FORMS) <= names("Losses")
    assert any(name.startswith("{upstream:") for name in names("Losses"))


def test_every_optimizer_with_its_constants_and_schedules():
    listed = {}
    for row in rows("Optimizers"):
        name, *form = re.findall(r"`([^`]+)`", row[0])
        if name in OPTIMIZERS:
            listed.setdefault(name, []).extend(form)
            found = set(re.findall(r"`([^`]+)`", row[2]))
            inherited = said(OPTIMIZERS["adam"].constants) if "as Adam" in row[2] else set()
            assert found | inherited == said(OPTIMIZERS[name].constants)
    expected = {n: [f"form: {form}" for form in row.forms] for n, row in OPTIMIZERS.items()}
    assert listed == expected
    schedules = {"constant", *re.findall(r"`\{(\w+): \{", section("Optimizers"))} - {"name"}
    assert schedules >= set(SCHEDULES)


def test_every_choice_of_the_notation_the_default_first():
    assert names("Notation") == set(NOTATION_CHOICES)
    for row in rows("Notation"):
        key = row[0].strip("`")
        plain = re.sub(r"\([^)]*\)", "", row[1].replace("^(1)", "").replace("^[1]", ""))
        values = re.findall(r"`([^`]+)`", plain)
        assert tuple(values) == NOTATION_CHOICES[key]
        assert values[0] == getattr(Notation(), key)


def test_every_convention_and_arithmetic():
    assert names("Conventions") == set(CONVENTIONS)
    for row in rows("Conventions"):
        assert set(CONVENTIONS[row[0].strip("`")]) <= set(re.findall(r"`([^`]+)`", row[1]))
    assert names("Arithmetic") == {*ARITHMETIC, "{round_each_step: 3}"}


# The commands


COMMANDS = typer.main.get_command(app).commands


def options(command):
    return {
        flag: parameter
        for parameter in command.params
        for flag in [*getattr(parameter, "opts", []), *getattr(parameter, "secondary_opts", [])]
        if flag.startswith("--")
    }


def test_every_command_is_named_and_no_other():
    mentioned = {name for span in SPANS for name in re.findall(r"^backtrace ([a-z]+)\b", span)}
    mentioned |= set(re.findall(r"^\$ backtrace ([a-z]+)", TEXT, re.MULTILINE))
    assert mentioned == set(COMMANDS)
    firsts = " ".join(row[0] for row in rows("Commands"))
    assert set(re.findall(r"`backtrace ([a-z]+)", firsts)) == set(COMMANDS)


def test_every_option_is_named_and_no_other():
    known = {flag for command in COMMANDS.values() for flag in options(command)}
    mentioned = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", TEXT)) - {
        "--editable",
        "--nproc-per-node",
    }  # of pip, of torchrun
    assert mentioned == known | {"--help", "--version"}


# Links


def anchors(text):
    """What a link may jump to, as GitHub makes it of the headings."""
    headings = re.findall(r"^#+ (.*)$", prose_of(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(path):
    return re.findall(r"\]\(([^)]+)\)", prose_of(DOCUMENTS[path]))


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.stem)
def test_links_lead_somewhere(path):
    for link in links(path):
        if link.startswith("https://"):
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.is_file(), link
        assert not anchor or anchor in anchors(DOCUMENTS[target]), link


def test_every_chapter_is_reached_from_the_contents_and_the_readme():
    chapters = {path.name for path in HANDBOOK.glob("*.md")} - {"README.md"}
    assert set(links(HANDBOOK / "README.md")) == chapters
    assert {link.rpartition("/")[2] for link in links(ROOT / "README.md")} >= chapters


def test_the_readme_is_a_landing_page():
    text = DOCUMENTS[ROOT / "README.md"]
    assert len(text.splitlines()) < 250
    assert len(re.findall(r"^\$ python3 -m pip install ", text, re.MULTILINE)) == 2


def test_the_picture_is_what_the_program_draws(printed_by, tmp_path):
    """`python -m tests.golden.pictures` draws it anew."""
    assert f"`{pictures.LANDING}`" in DOCUMENTS[ROOT / "README.md"]
    printed_by(pictures.LANDING)
    drawn = (tmp_path / "small-mlp.svg").read_text(encoding="utf-8")
    assert drawn == (HANDBOOK / "small-mlp.svg").read_text(encoding="utf-8")


def test_the_files_that_are_named_exist():
    for span in SPANS:
        if re.fullmatch(r"(backtrace|tests|\.ci)/[\w/.]+", span) or span == "LICENSE":
            assert (ROOT / span).exists(), span
        elif found := re.fullmatch(r"((?:\w+/)+\w+\.py)(?::[\w.]+)?", span):
            assert (ROOT / "backtrace" / found[1]).exists(), span
    for module in re.findall(r"python -m (tests[\w.]+)", TEXT):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


def test_the_modules_are_those_of_the_tree():
    (tree,) = (text for text in blocks("text") if text.startswith("functions/"))
    found = re.findall(r"^( *)(\w+)/", tree, re.MULTILINE)
    assert [name for indent, name in found if not indent] == ORDER
    program, path, drawn = ROOT / "backtrace", [], {Path()}
    for indent, name in found:
        path[len(indent) // 2 :] = [name]
        drawn.add(Path(*path))
    there = {at.parent.relative_to(program) for at in program.rglob("__init__.py")}
    assert drawn <= there
    assert {at for at in there - drawn if at.parts[0] != "formats"} == set()


# The walks of a value


class Calls:
    """The functions of the package that are called, each when it is called first."""

    def __init__(self):
        self.first = {}

    def __call__(self, frame, event, argument):
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(str(ROOT / "backtrace")):
            file = Path(code.co_filename).relative_to(ROOT / "backtrace").as_posix()
            self.first.setdefault(f"{file}:{code.co_name}", len(self.first))


def walk(title):
    """The functions that a walk names, in its order, without their classes."""
    hops = re.findall(r"^\d+\. (?:.+\n)(?: +.+\n)*", section(title), re.MULTILINE)
    assert 8 < len(hops) <= 12
    return [
        f"{file}:{name.rpartition('.')[2]}"
        for hop in hops
        for file, name in re.findall(r"`([\w/]+\.py):([\w.]+)`", hop)
    ]


@pytest.mark.parametrize(
    ("title", "command"),
    [
        ("From YAML to the terminal", "trace mlp-math"),
        ("From an answer to a verdict", "check mlp-math ada.yaml"),
        ("From a trace to Markdown", "export mlp-math -o mlp-math.md"),
    ],
)
def test_a_walk_is_walked_in_this_order(title, command, tmp_path, monkeypatch):
    ada, *_ = (e.shown for block in blocks("console") for e in examples(block)
              if e.command == "cat ada.yaml")  # fmt: skip
    (tmp_path / "ada.yaml").write_text(ada, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert f"`backtrace {command}`" in section(title)
    calls = Calls()
    sys.setprofile(calls)
    try:
        typer.testing.CliRunner().invoke(app, command.split())
    finally:
        sys.setprofile(None)
    named = walk(title)
    assert set(named) <= set(calls.first), set(named) - set(calls.first)
    assert sorted(named, key=calls.first.__getitem__) == named
