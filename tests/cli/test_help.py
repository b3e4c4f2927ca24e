"""``backtrace help``: the handbook's chapters in the terminal, whole at every width."""

import re

import pytest

from backtrace.check.mistakes.catalogue import CATALOGUE
from backtrace.formats.measure import raised, text_width
from backtrace.formats.terminal import chapter
from backtrace.formats.terminal.boxes import line_width
from backtrace.formats.terminal.layout import Layout
from backtrace.page import handbook
from tests.cli.running import ESCAPE, on_a_terminal, run

__all__ = ["run"]

TOPICS = handbook.topics()
WORD = r"(?<![\w-])[a-z]{3,9}(?![\w-])"


def letters(text):
    """The letters and digits of a text in their order, whatever stands between them."""
    return "".join(re.findall(r"[^\W_]", text))


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize("topic", TOPICS)
def test_a_chapter_is_shown_whole_and_fits(run, topic, width):
    done = run("help", topic, "--width", str(width))
    assert (done.code, done.err) == (0, "")
    assert max(map(text_width, done.out.splitlines())) <= width
    set_in_lines = chapter.lines(handbook.chapter(topic), Layout(width))  # none ends in spaces
    assert max(map(line_width, set_in_lines)) <= width
    assert "](" not in re.sub(r"`[^`]*`", "", done.out)
    shown = letters(done.out)
    found = re.sub(r"<!--.*?-->", "", handbook.chapter(topic))
    found = re.sub(r"^```.*$", "", found, flags=re.MULTILINE)
    rows = [line for line in found.splitlines() if line.startswith("|")]
    for line in set(found.splitlines()) - set(rows):
        assert letters(raised(re.sub(r"\]\([^)]+\)", "]", line))) in shown
    if width >= 80:  # where cells stand beside each other, folded between words
        words = set(re.findall(WORD, done.out))
        assert set(re.findall(WORD, re.sub(r"\]\([^)]+\)", "]", " ".join(rows)))) <= words


def test_a_table_stands_in_columns_at_80(run):
    said = run("help", "losses", "--width", "80").out
    assert re.search(r"^mae  +1/n Σ\|e\|  +slope 0 at e = 0$", said, re.MULTILINE)
    assert "Activations" not in said
    assert "Optimizers" not in said  # the next section
    assert "regularization" in said


@pytest.mark.parametrize("topic", ["exit codes", "exit-codes", "Exit codes"])
def test_a_section_is_found_by_its_heading(run, topic):
    assert "ended by Ctrl-C" in run("help", *topic.split()).out


@pytest.mark.parametrize("word", ["adam", "momentum", "beta"])
def test_a_word_without_a_heading_leads_to_where_it_stands(run, word):
    refused = run("help", word)
    assert refused.code == 2
    assert f"{word}: no topic of the handbook. It stands under optimizers" in refused.err
    assert "It stands" not in run("help", "zzzz").err


def test_a_mistake_that_is_nearly_named(run):
    refused = run("mistakes", "relu-mask")
    assert refused.code == 2
    assert "Did you mean relu-mask-ignored?" in refused.err
    assert "Did you mean `mlp-math`?" in run("mistakes", "mlp-mth").err


def test_a_mistake_is_found_by_its_code(run):
    for code, found in list(CATALOGUE.items())[:3]:
        assert found.title[1:] in " ".join(run("help", code).out.split())


def test_a_heading_in_an_example_is_none():
    assert "mlp-math-one-hidden-layer-one-sample" not in handbook.sections()
    assert "exit-codes" in handbook.sections()


def test_an_unknown_topic_is_refused_with_what_was_meant(run):
    done = run("help", "convention")
    assert (done.code, done.out) == (2, "")
    assert "Did you mean conventions?" in done.err
    assert "There are trace, spec" in done.err
    assert ESCAPE not in run("help", f"a{ESCAPE}[31mb").err


@pytest.mark.parametrize("topic", TOPICS)
def test_a_terminal_without_the_symbols_gets_ascii_that_says_as_much(run, monkeypatch, topic):
    monkeypatch.setenv("TERM", "linux")
    shown = run("help", topic).out
    assert shown.isascii()
    assert shown.count("?") == handbook.chapter(topic).count("?")  # which stands for what is lost


def test_on_a_terminal_code_and_headings_stand_out():
    shown = on_a_terminal("help", "ids").out
    assert f"{ESCAPE}[1mIds{ESCAPE}[0m" in shown
    assert f"{ESCAPE}[1m`NAME.1`{ESCAPE}[0m" in shown
    assert ESCAPE not in on_a_terminal("help", "ids", NO_COLOR="1").out


def test_no_two_sections_are_called_alike():
    """Or one could not be asked for; a section called as a chapter is that of a command."""
    text = "\n".join(handbook.chapter(topic) for topic in TOPICS)
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    found = [handbook.topic_of(each) for each in re.findall(r"^##+ (.+)$", prose, re.MULTILINE)]
    assert len(found) == len(set(found))
    assert set(found) == set(handbook.sections())


def test_every_topic_that_is_named_is_one():
    text = "\n".join(handbook.chapter(topic) for topic in [*TOPICS, handbook.CONTENTS])
    named = {" ".join(words.split()) for words in re.findall(r"`backtrace help\s+([^`]+)`", text)}
    assert len(named) > 3
    assert {words for words in named if handbook.find(words) is None} <= {"TOPIC", "[TOPIC]"}
