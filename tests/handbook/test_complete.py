"""What there is, is in a chapter: keys, ids, functions, verdicts, exit codes, the Python names."""

import json
import re
from typing import get_args

import pytest

import backtrace
from backtrace.check.answers.reading import reader
from backtrace.check.model import WORST_FIRST
from backtrace.cli import INTERRUPTED, UNWRITABLE
from backtrace.cli.screen import WRONG_SPEC
from backtrace.formats.json.schemas import documents
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec import ids
from backtrace.spec.equations.vocabulary import SIGNATURES
from backtrace.tape.compile import compile_tape
from tests.handbook.generated import HANDBOOK
from tests.test_readme import rows

FENCE = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def code_of(*chapters):
    """The words that stand in the code of chapters: in spans, and in examples."""
    text = "\n".join((HANDBOOK / f"{name}.md").read_text(encoding="utf-8") for name in chapters)
    spans = re.findall(r"`([^`]+)`", FENCE.sub("", text))
    return set(re.findall(r"-?[\w]+", "\n".join([*spans, *FENCE.findall(text)])))


def vocabulary(schema):
    """All keys and words that a schema knows."""
    if isinstance(schema, list):
        for part in schema:
            yield from vocabulary(part)
    elif isinstance(schema, dict):
        yield from schema.get("properties", ())
        yield from schema.get("enum", ())
        yield from [schema["const"]] if "const" in schema else ()
        for part in schema.values():
            yield from vocabulary(part)


def test_every_key_and_word_of_a_spec():
    chapters = ("spec", "equations", "functions", "conventions", "notation", "training", "marks",
                "check", "verify")  # fmt: skip
    words = {word for word in vocabulary(json.loads(documents.text("spec"))) if word}
    blank = {"_", "?", "~", "null", "Null", "NULL", 0}
    assert len(words) > 150
    assert words - blank - code_of(*chapters) - {"inf"} == set()


@pytest.mark.parametrize("name", ["trace", "report", "class"])
def test_every_key_of_what_programs_read(name):
    found = documents.SCHEMAS[name]()["$defs"]
    keys = {key for title, part in found.items() if title not in ("Conventions", "Notation")
            for key in part["properties"]}  # fmt: skip
    assert keys - code_of("json") == set()


def test_every_kind_of_id():
    said = {re.sub(r"\d", "", word) for word in code_of("ids")}
    for role in get_args(ids.Role):
        if role in ("named", "share", "state", "state_before", "corrected_state"):
            continue
        layer = None if role in ids._SINGLE else 1
        text = ids.id_of(role, layer, of="W1" if role in ids._OF_PARAMETER else "")
        assert re.sub(r"\d", "", text) in said, role
    assert {"dNAME_from_USER", "NAME"} <= said


def test_every_state_of_an_optimizer():
    said = {re.sub(r"\d", "", word) for word in code_of("ids")}
    for row in OPTIMIZERS.values():
        assert {f"{letter}W" for letter in row.states} <= said


@pytest.mark.parametrize("name", SIGNATURES)
def test_every_function_of_equations(name):
    assert name in code_of("equations", "functions")


def test_every_verdict_and_exit_code():
    assert set(WORST_FIRST) <= code_of("check")
    codes = {row[0] for row in rows("Exit codes")}
    assert {str(WRONG_SPEC), str(UNWRITABLE), str(INTERRUPTED), "0", "1", "3"} <= codes


def test_every_name_of_the_package():
    said = (HANDBOOK / "python.md").read_text(encoding="utf-8")
    assert all(re.search(rf"\b{name}\b", said) for name in backtrace.__all__)


@pytest.mark.parametrize("row", rows("Names that answers may have"), ids=lambda row: row[0])
def test_the_names_of_students_are_understood(row):
    spec = backtrace.load("small-mlp")
    find = reader(compile_tape(spec), spec).find
    wanted = re.findall(r"`([^`]+)`", row[0])
    for id, names in zip(wanted, row[1].split(";"), strict=True):
        for name in re.findall(r"`([^`]+)`", names):
            found = find(name)
            assert found is not None, name
            assert found.quantity.id == id, name
