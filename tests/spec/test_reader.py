"""From text to nodes: positions, limits, and what is refused."""

import pytest
import yaml

from backtrace.spec.document.problems import Place, Problem, Problems, SpecError
from backtrace.spec.document.reader import Limits, Mapping, Scalar, Sequence, read
from backtrace.tape.loading import loads


def problems_of(text, **limits):
    with pytest.raises(SpecError) as raised:
        read(text, "s.yaml", Limits(**limits)).problems.raise_any()
    return raised.value.problems


def only_problem(text, **limits):
    (problem,) = problems_of(text, **limits)
    return problem


def value(document, key):
    return document.root.entries[key].value


def test_scalars_keep_their_text_and_place():
    document = read('a: 012\nb: [no, "1e-3",  ~]\n', "s.yaml")
    assert isinstance(document.root, Mapping)
    a = value(document, "a")
    assert (a.text, a.line, a.column, a.length, a.quoted) == ("012", 1, 4, 3, False)
    items = value(document, "b").items
    assert [item.text for item in items] == ["no", "1e-3", "~"]
    assert [(item.line, item.column) for item in items] == [(2, 5), (2, 9), (2, 18)]
    assert [item.quoted for item in items] == [False, True, False]
    assert items[2].null


@pytest.mark.parametrize(
    "text",
    [
        b"\xef\xbb\xbfa: 1\r\nb: 2\r\n",
        "\ufeffa: 1\nb: 2\n",
        "a: 1\rb: 2\r",
        "a: 1\nb: 2\n".encode("utf-16"),
        '{"a": 1,\n"b": 2}',
        "--- # one document\na: 1\nb: 2\n...\n",
    ],
)
def test_line_ends_marks_encodings_and_json(text):
    document = read(text, "s.yaml")
    assert {key: entry.value.text for key, entry in document.root.entries.items()} == {
        "a": "1",
        "b": "2",
    }


def test_places_count_characters_not_bytes():
    document = read("é日本: 1\n", "s.yaml")
    assert value(document, "é日本").column == 6


def test_block_and_flow_lists_are_the_same():
    document = read("a:\n- [1, 2]\n-\n  - 3\n", "s.yaml")
    rows = value(document, "a")
    assert isinstance(rows, Sequence)
    assert [[item.text for item in row.items] for row in rows.items] == [["1", "2"], ["3"]]


def in_other_words(text, loader):
    """The parser of a release that says what is wrong in words of its own."""
    try:
        yield from PARSE(text, loader)
    except yaml.MarkedYAMLError as error:
        marks = error.context_mark, "nothing we know", error.problem_mark
        raise type(error)("a sentence", *marks) from None


PARSE = yaml.parse


@pytest.fixture(params=["of this release", "without libyaml", "in other words"])
def parser(request, monkeypatch):
    """What reads YAML here, and might elsewhere."""
    if request.param == "without libyaml":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif request.param == "in other words":
        monkeypatch.setattr(yaml, "parse", in_other_words)


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    ("text", "line", "column", "found"),
    [
        ("a: &x 1\n", 1, 4, 'the anchor "&x"'),
        ("a: 1\nb: *x\n", 2, 4, 'the alias "*x"'),
        ("a: !foo 1\n", 1, 4, 'the tag "!foo"'),
        ("a: !!python/object/apply:os.system [ls]\n", 1, 4, "the tag"),
        ("a: 1\n---\nb: 2\n", 2, 1, "second document"),
        ("a:\n\t- 1\n", 2, 1, "a tab in the indentation"),
        ("a: [1, 2\nb: 3\n", 1, 4, "a `[` that is not closed where line 2 begins"),
        ("a: {b: 1\n", 1, 4, "not closed by the end of the file"),
        ('a: "abc\n', 1, 4, "never closed"),
        ("title: One: two\n", 1, 11, "a colon that can't stand here"),
        ("a: 1\nb:2\n", 2, 1, "a line without a `: `"),
        ("a: [1,,2]\n", 1, 7, "a comma without a value"),
        ('{"a" 1}', 1, 6, "does not go on the list"),
        ("a: [1]]\n", 1, 7, "too many"),
        ("- a\nb: 1\n", 2, 1, "not part of the list"),
        ("a: @x\n", 1, 4, "a sign of YAML's own"),
        ("a: - 1\n", 1, 4, "a `-` that can't stand here"),
        ("a: *\n", 1, 4, "a sign of YAML's own"),
        ("a: |x\n", 1, 4, "a sign of YAML's own"),
        ("a: 1\n]\n", 2, 1, "too many"),
        ("a: !<b\n", 1, 4, "a sign of YAML's own"),
        ("a: [" + "[" * 5000, 1, 4 + 31, "more than 32 deep"),
        ("a: \ufffe\n", 1, 4, "control character U+FFFE"),
        ("[1]: 2\n", 1, 1, "as a key"),
        ("", 1, 1, "an empty document"),
        ("# nothing\n", 1, 1, "an empty document"),
        ("a: 1\nb: \x07\n", 2, 4, "control character U+0007"),
        ("a: \ud800\n", 1, 4, "control character U+D800"),
        (b"a: 1\nb: caf\xe9\n", 2, 7, "the byte 0xE9"),
        (b"\xef\xbb\xbfa: \xe9\n", 1, 4, "the byte 0xE9"),
    ],
)
def test_what_can_not_be_read_is_placed_and_explained(text, line, column, found):
    problem = only_problem(text)
    assert (problem.line, problem.column) == (line, column)
    assert found in problem.found
    assert problem.expected
    assert problem.file == "s.yaml"


@pytest.mark.parametrize(
    ("text", "found"), [('a: "\\q"\n', "backslash"), ("%FOO\n---\n a", "a sign of YAML's own")]
)
def test_what_the_two_parsers_place_differently_is_explained(text, found):
    assert found in only_problem(text).found


def test_all_refusals_are_listed_at_once():
    found = [problem.position for problem in problems_of("a: [&x 1, *x]\nb: !!int 3\n")]
    assert found == ["s.yaml:1:5", "s.yaml:1:11", "s.yaml:2:4"]


def test_a_repeated_key_names_both_places():
    problem = only_problem('layers: 1\nloss: 2\n"layers": 3\n')
    assert (problem.line, problem.column) == (3, 1)
    assert '"layers" a second time (the first is at 1:1)' in problem.found
    assert "line 1 or line 3" in problem.mend


def test_nesting_is_bounded():
    problem = only_problem("a: " + "[" * 500 + "]" * 500)
    assert (problem.line, problem.column) == (1, 4 + 31)  # the mapping is the first of 32 levels
    assert "32 deep" in problem.found
    assert "5 deep" in only_problem("[[[[[[", depth=5).found


def test_bytes_and_values_are_bounded():
    assert only_problem("a: " + "1" * 4_000_000).line == 0
    assert "11 bytes" in only_problem(b"a: [1,2,3]\n", bytes=10).found
    assert "more than 5 values" in only_problem("a: [1, 2, 3, 4]", nodes=5).found


def test_a_bomb_of_aliases_is_refused_at_once():
    levels = [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    problems = problems_of("a0: &a0 [x, x]\n" + "\n".join(levels))
    assert len(problems) == 9 + 8 * 9  # nine anchors, and nine aliases on each of eight lines


def test_a_problem_prints_its_line_with_a_caret():
    problem = only_problem("title: x\n  a: é\n")
    assert str(problem) == (
        "s.yaml:2:4: found a colon that can't stand here; expected one `key: value` a line [E101]\n"
        "  2 |   a: é\n"
        "    |    ^\n"
        "  If the colon belongs to a text, put the text in quotes; otherwise look at the "
        "indentation, and for a space missing after the colon of the line before."
    )


def test_a_long_line_is_quoted_around_the_place():
    problem = only_problem("a: [" + "1234, " * 60 + "@, " + "5, " * 60 + "]")
    assert len(problem.quote) <= 74
    assert problem.quote[len(problem.caret) - 1] == "@"


def test_the_caret_stands_under_wide_characters():
    assert only_problem("日本: @\n").caret == " " * 6 + "^"


def test_what_could_steer_a_terminal_is_not_quoted():
    problem = only_problem("a: \x1b[31mred\n")
    assert "\x1b" not in str(problem)


def test_problems_are_sorted_and_listed_once():
    problems = Problems("f", ["one", "two"])
    for line in (2, 1, 2):
        problems.add(Place(line, 1), "this", "that", code="E110")
    with pytest.raises(SpecError) as raised:
        problems.raise_any()
    assert [problem.line for problem in raised.value.problems] == [1, 2]
    assert str(raised.value).endswith("\n\n2 problems")


def test_many_problems_are_counted_rather_than_printed():
    error = SpecError(Problem("f", line, 1, f"x{line}", "y", "", "E110") for line in range(1, 131))
    assert len(error.problems) == 130
    assert str(error).endswith("… and 30 more problems")
    assert str(error).count("found x") == 100


def test_what_is_mended_alike_is_said_once_with_all_its_places():
    same = [Problem("f", line, 3, f"x{line}", "y", "Write y.", "E110") for line in (1, 2, 4)]
    error = SpecError([*same, Problem("f", 3, 1, "z", "y", "Write z.", "E110")])
    told, other, number = str(error).split("\n\n")
    assert told == "f:1:3: found x1; expected y [E110]\n  Write y.\n  The same at 2:3 and 4:3."
    assert other == "f:3:1: found z; expected y [E110]\n  Write z."
    assert number == "4 problems"


def test_only_some_of_very_many_places_are_named():
    error = SpecError(Problem("f", line, 1, "x", "y", "", "E110") for line in range(1, 20))
    assert "12:1, 13:1 and 6 more places." in str(error)


def test_a_hopeless_document_is_given_up():
    keys = "\n".join(f"key{i}: 1" for i in range(20_000))
    with pytest.raises(SpecError) as raised:
        loads(keys)
    assert len(raised.value.problems) == 1000


def test_nothing_and_null_are_told_apart():
    document = read("a:\nb: ~\nc: ''\n", "s.yaml")
    a, b, c = (value(document, key) for key in "abc")
    assert isinstance(a, Scalar)
    assert (a.empty, b.empty, c.empty) == (True, False, False)
    assert (a.null, b.null, c.null) == (False, True, False)
