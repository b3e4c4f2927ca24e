"""The sheet as JSON, Markdown and Gradescope's results: fields, hints, what is kept back."""

import json

import pytest

from backtrace.check.model import Unreadable
from backtrace.formats.json import gradescope
from backtrace.formats.json import report as report_json
from backtrace.formats.markdown import writer as markdown
from backtrace.page.report.sheet import document
from tests.formats.sheets import ALL_RIGHT, SIGN_FLIPPED, TWO_SAMPLES, marked, named

LEVELS = ["none", "where", "what", "how"]


def as_json(sheet, level="how", **options):
    found = marked(sheet, level=level, **options)
    return json.loads(report_json.encode(report_json.report(found.findings, level)))


def as_markdown(sheet, **options):
    found = marked(sheet, **options)
    return markdown.text(document(found.findings))


def as_gradescope(sheet, **options):
    found = marked(sheet, **options)
    return gradescope.results(found.findings, found.commentator.words)


# JSON


def test_json_has_the_keys_of_its_schema():
    report = as_json(SIGN_FLIPPED)
    assert report["schema"] == "backtrace/report/1"
    assert report["student"] == "Bo"
    assert report["score"] == {"earned": 7, "possible": 9, "points": 7, "of": 9}
    assert report["first_mistake"] == {
        "id": "dW1",
        "entries": [[1, 1], [2, 1]],
        "mistakes": ["sign-flipped"],
    }
    said = {each["id"]: each for each in report["quantities"]}
    assert list(said) == ["z1", "loss", "delta1", "dW1", "W1_new"]
    assert said["dW1"]["verdict"] == "wrong"
    assert said["dW1"]["entries"] == [["wrong"], ["wrong"]]
    assert said["dW1"]["mistakes"] == ["sign-flipped"]
    assert said["dW1"]["root"] is None
    assert said["dW1"]["hint"].startswith("dW₁, both entries: the sign is the wrong way round.")
    assert (said["W1_new"]["verdict"], said["W1_new"]["root"]) == ("carried", "dW1")
    assert said["z1"]["hint"] is None


def test_json_of_a_sheet_without_mistakes():
    report = as_json(ALL_RIGHT)
    assert report["first_mistake"] is None
    assert report["score"] == {"earned": 7, "possible": 7, "points": 7, "of": 7}


def test_json_names_mistakes_from_the_level_that_does():
    named_at = [bool(as_json(SIGN_FLIPPED, level)["first_mistake"]["mistakes"]) for level in LEVELS]
    assert named_at == [False, False, True, True]
    hints = [as_json(SIGN_FLIPPED, level)["quantities"][3]["hint"] for level in LEVELS]
    assert hints[0] is None
    assert hints[1] == "dW₁, both entries: the first mistake."
    assert "With your numbers" not in hints[2]
    assert "With your numbers: dW₁[1,1] = 1·1 + 2·(-2) = ?" in hints[3]


def test_json_has_expected_values_only_where_they_are_revealed():
    assert "expected" not in json.dumps(as_json(SIGN_FLIPPED))
    revealed = as_json(SIGN_FLIPPED, reveal=True)
    assert [q["expected"] for q in revealed["quantities"]][3:] == [[[-3], [5]], [[2.3], [0.5]]]


def test_json_names_a_later_update_as_an_answers_file_does():
    spec = TWO_SAMPLES + "updates: online\n"
    # sample 1 (x = [1, 3], y = 4): z = 5, e = 1, dw = [1, 3], w = [1.9, 0.7];
    # sample 2 (x = [2, -1]): z = 3.8 − 0.7 = 3.1
    report = as_json("answers: {z1: 5, z1@1.2: 3.1}", spec=spec)
    assert [each["id"] for each in report["quantities"]] == ["z1", "z1@1.2"]
    assert report["score"]["earned"] == 2


# Markdown


def test_markdown_sets_the_matrix_and_leaves_no_expected_value():
    said = as_markdown(SIGN_FLIPPED)
    assert said.startswith("# Two samples · answers of Bo\n\n**7 of 9 entries are correct**\n")
    assert "| ✗ wrong | dW₁ | ← the first mistake |" in said
    assert "$$\ndW_{1} = \\begin{bmatrix}\n3.00 \\\\\n-5.00\n\\end{bmatrix}\n$$" in said
    assert "With your numbers: dW₁\\[1,1\\] = 1·1 + 2·(-2) = ?" in said
    assert "Expected" not in said


def test_markdown_reveals_beside_what_was_written():
    said = as_markdown(SIGN_FLIPPED, reveal=True).partition("## Expected")[2]
    assert "-3.00 \\\\\n5.00" in said
    assert "z₁" not in said.partition("## Notes")[0]


def test_a_wrong_entry_among_others_is_boxed():
    said = as_markdown("answers: {z1: [[5.0], [7.1]]}")
    assert "5.0 \\\\\n\\boxed{7.1}" in said


def test_what_is_expected_is_told_from_what_was_written():
    # 0.3·0.332 = 0.0996, which is 0.1, 0.10 and 0.100 as well
    spec = "layers: [{activation: linear, weights: 0.3, bias: none}]\ninputs: 0.332\nloss: output"
    (expected,) = marked("z1: 0.1", spec, reveal=True).findings.expected
    assert (expected.written, expected.as_written) == ((("0.1",),), (("0.0996",),))
    assert not expected.says_more


def test_markdown_does_not_typeset_words():
    said = as_markdown('answers: {z1: [["$x$"], [3]]}', reveal=True)
    assert "$$" not in said
    assert "| \\[1,1\\] | <span>&#36;</span>x<span>&#36;</span> | 5.0000 |" in said


# Gradescope


def test_gradescope_has_a_test_for_each_quantity():
    results = as_gradescope(SIGN_FLIPPED)
    assert results["score"] == 7.0
    assert results["visibility"] == "visible"
    assert results["output_format"] == results["test_output_format"] == "text"
    tests = {each["name"]: each for each in results["tests"]}
    wrong = tests["dW₁ (dW1): wrong"]
    assert (wrong["score"], wrong["max_score"], wrong["status"]) == (0.0, 2.0, "failed")
    assert "the sign is the wrong way round" in wrong["output"]
    carried = tests["W₁ⁿᵉʷ (W1_new): carried"]
    assert (carried["score"], carried["max_score"], carried["status"]) == (2.0, 2.0, "passed")
    assert [each["number"] for each in results["tests"]] == ["1", "2", "3", "4", "5"]
    assert sum(each["score"] for each in results["tests"]) == results["score"]


def test_gradescope_uses_only_fields_that_gradescope_knows():
    results = as_gradescope(SIGN_FLIPPED)
    whole = "score execution_time output output_format test_output_format test_name_format"
    each = "score max_score status name name_format number output output_format tags visibility"
    assert set(results) <= {*whole.split(), "visibility", "stdout_visibility", "tests"}
    assert all(set(test) <= {*each.split()} for test in results["tests"])


def test_gradescope_tells_the_student_of_a_submission_that_cannot_be_read():
    results = gradescope.refused(Unreadable("a.yaml", "a.yaml:1:1: found nothing"))
    assert (results["score"], results["tests"]) == (0.0, [])
    assert "a.yaml:1:1: found nothing" in results["output"]


@pytest.mark.parametrize("form", [as_json, as_markdown, as_gradescope])
def test_a_sheet_with_nothing_on_it_is_said_to_have_nothing(form):
    assert form(named("Di", "{z1: _}")) is not None
    assert "no answers to this exercise" in as_markdown(named("Di", "{z1: _}"))
