"""What the handbook lists of options and mistakes is what there is."""

import pytest

from backtrace.check.mistakes.catalogue import CATALOGUE
from tests.handbook.generated import BEGIN, COMMANDS, HANDBOOK, PARTS, renewed


@pytest.mark.parametrize("name", PARTS)
def test_a_generated_part_is_what_the_tables_say(name):
    text = (HANDBOOK / f"{name}.md").read_text(encoding="utf-8")
    assert BEGIN.format("python -m tests.handbook.generated") in text
    assert text == renewed(name, text), "python -m tests.handbook.generated writes it anew"


def test_every_option_and_every_mistake_is_in_them():
    options = [flag for found in COMMANDS.values() for each in found.params for flag in each.opts]
    commands, mistakes = PARTS["commands"](), PARTS["mistakes"]()
    assert all(f"`{flag}" in commands for flag in options if flag.startswith("-"))
    assert all(f"### {code}\n" in mistakes for code in CATALOGUE)
