"""Fresh exercises: seeded, specs of the template's kind, pleasant, and variants that differ."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml

import backtrace
from backtrace.check.answers.names import reader
from backtrace.check.answers.reading import read_answers
from backtrace.check.diagnosis.revealing import revealing
from backtrace.check.judge.checker import Checker
from backtrace.course.blueprint import Blueprint
from backtrace.course.drawing import drawn
from backtrace.course.exercises import fresh, variants
from backtrace.course.pleasantness import COSTS, WORDS, pleasantness
from backtrace.course.rerun import Rerun
from backtrace.course.template import template
from backtrace.course.worksheet import worksheet
from backtrace.formats.answer_forms import filled
from backtrace.spec import SpecError, bundled
from tests import sampling
from tests.cli.running import run  # noqa: F401

TEMPLATES = ["mlp-math", "or-gate", "softmax", "attention", "convolution", "dropout", "recurrent"]
HIDING_NOTHING = [
    *("mlp-math", "attention", "convolution", "or-gate", "softmax", "small-mlp", "multi-neuron"),
    Blueprint(),
    Blueprint(inputs=3, hidden=(3,), outputs=2, samples=2, activation="sigmoid", output="sigmoid"),
    Blueprint(layout="columns", sign="descent", activation="tanh", samples=3),
]


@pytest.fixture(autouse=True, scope="module")
def few_drafts():
    """What is drawn has to be right; how pleasant it gets is the benchmark's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, number in (("DRAWN", 4), ("CHANGED", 6), ("LOOKED_INTO", 1)):
            patch.setattr(f"backtrace.course.exercises.{name}", number)
        yield


def of(name):
    return template(bundled.path(name).read_bytes(), name)


@pytest.fixture(scope="module", params=TEMPLATES)
def pair(request):
    return backtrace.load(request.param), fresh(of(request.param), "Fresh", (4,))


def test_a_fresh_exercise_is_of_its_templates_kind(pair):
    old, new = pair
    assert new.spec.title == "Fresh"
    assert (new.spec.source, new.spec.expected) == ("", ())
    for kept in ("loss", "conventions", "notation", "optimizer", "decimals"):
        assert getattr(new.spec, kept) == getattr(old, kept)
    before, after = backtrace.trace(old), backtrace.trace(new.spec)
    assert [(s.id, s.operation, s.shape) for s in before] == [
        (s.id, s.operation, s.shape) for s in after
    ]
    assert any(
        not np.array_equal(one.value, other.value)
        for one, other in zip(before, after, strict=True)
        if one.phase == "given"
    )


def test_a_filled_key_of_a_fresh_exercise_is_all_right(pair):
    _, new = pair
    report = judged(new.spec, filled(worksheet(new.spec)))
    assert report.score.is_full


def judged(spec, sheet):
    checker = Checker(spec)
    return checker.check(read_answers(sheet.encode(), "k", reader(checker.tape, spec)))


def test_a_seed_says_all():
    assert fresh(of("xor"), "T", (1,)).text == fresh(of("xor"), "T", (1,)).text
    assert fresh(of("xor"), "T", (1,)).text != fresh(of("xor"), "T", (2,)).text


def test_classes_and_masks_stay_what_they_are():
    one_hot = fresh(of("softmax"), "T", (3,)).spec.targets.values
    assert set(np.ravel(one_hot)) == {0, 1}
    assert (one_hot.sum(axis=1) == 1).all()
    masked = fresh(of("dropout"), "T", (3,))
    old = backtrace.trace(backtrace.load("dropout"))
    new = backtrace.trace(masked.spec)
    masks = [s.id for s in old if s.phase == "given" and set(np.ravel(s.value)) <= {0, 1}]
    assert masks
    for id in masks:
        assert np.array_equal(old[id].value, new[id].value)


# --- what is pleasant


def counts(text, decimals=2):
    return pleasantness(backtrace.trace(backtrace.loads(text)), decimals).counts


UNIT = """
layers: [{{activation: {activation}, weights: [[{w}]], bias: none}}]
inputs: [[{x}]]
targets: [[1]]
loss: half_sse
learning_rate: 0.1
"""


def test_what_is_counted():
    relu = counts(UNIT.format(activation="relu", w=-1, x=2))  # z = −2: off, every gradient 0
    assert (relu["off"], relu["zero gradients"]) == (1, 2)  # 1 of 1 is 0, and one whole matrix
    assert counts(UNIT.format(activation="relu", w=0, x=2))["kinks"] == 1
    # σ′(8) = 0.0003 is below 0.05 · ¼, σ′(2) = 0.105 above it
    assert counts(UNIT.format(activation="sigmoid", w=4, x=2))["saturated"] == 1
    assert counts(UNIT.format(activation="sigmoid", w=1, x=2))["saturated"] == 0
    # w·x = 300: z and a above 100, and w − 0.1·299·3 makes it worse than it was
    large = counts(UNIT.format(activation="linear", w=100, x=3))
    assert large["large"] == 1
    assert counts(UNIT.format(activation="linear", w=2, x=20))["uphill"] == 1


def test_decimals_last_zeros_and_equal_values():
    # z = 0.75, δ = −0.25, dW = −0.375: of z, a, δ, dW 2, 2, 2, 2 decimals at most
    plain = counts(UNIT.format(activation="linear", w=0.5, x=1.5))
    assert plain["decimals"] == 2
    assert plain["last digit 0"] == 0
    # z = 0.1003: to two decimals 0.10, though it goes on; so are a, dW = −0.8997·0.1003 = −0.0902
    endless = counts(UNIT.format(activation="linear", w=1, x=0.1003))
    assert endless["last digit 0"] == 0.75  # z, a, δ = −0.8997 (0.90); not −0.09
    assert (
        counts(UNIT.format(activation="linear", w=1, x=1).replace("[[1]]\nloss", "[[3]]\nloss"))[
            "alike"
        ]
        == 0
    )  # matrices of one entry have none alike


def test_everything_that_is_counted_costs_and_has_a_name():
    assert COSTS.keys() == WORDS.keys()
    assert all(cost > 0 for cost in COSTS.values())


# --- what mistakes show


@pytest.mark.parametrize("name", sampling.some(HIDING_NOTHING))
def test_fresh_numbers_hide_no_mistake(name, monkeypatch):
    """As ``backtrace mistakes SPEC`` has it; networks whose rate is 1 or whose first velocity is 0
    hide some whatever their numbers."""
    monkeypatch.setattr("backtrace.course.exercises.DRAWN", 24)
    monkeypatch.setattr("backtrace.course.exercises.CHANGED", 60)
    monkeypatch.setattr("backtrace.course.exercises.LOOKED_INTO", 10)
    source = of(name) if isinstance(name, str) else template(name.text.encode(), "blueprint")
    assert revealing(fresh(source, "T", (1,)).spec).hidden == ()


# --- numbers put in place of others


def test_a_tape_run_again_is_what_the_text_says():
    """Also of matrices that a vector, a number or a column stands for; a bias in the weights puts
    1s among the inputs, and standardized inputs are not those that are written."""
    for name in (*TEMPLATES, "delta-rule", "skip-gram", "batch-norm"):
        rerun, random = Rerun(of(name), Path()), np.random.default_rng(5)
        numbers = [drawn(field, random) for field in rerun.template.fields]
        again = rerun.trace(numbers)
        whole = backtrace.trace(backtrace.loads(rerun.template.written(numbers, again.title)))
        assert again.steps == whole.steps
        assert not rerun.by_text
    augmented = """
layers: [{activation: tanh, weights: [[0.5], [1], [2]], bias: {in_weights: first}}]
inputs: [[1, 2]]
targets: [[0.5]]
loss: half_sse
"""
    rerun = Rerun(template(augmented.encode(), "t"), Path())
    assert rerun.by_text
    given = rerun.trace([["0.1", "0.2", "0.3"], ["3", "4"], ["1"]])
    assert given["z1"].value.tolist() == [[pytest.approx(0.1 + 3 * 0.2 + 4 * 0.3)]]


# --- variants


def test_variants_differ_and_no_ones_answers_fit_anothers_key():
    found = variants(of("small-mlp"), "T", 1, 3)
    assert len({draft.text for draft in found}) == 3
    sheets = [filled(worksheet(draft.spec)) for draft in found]
    for own, draft in enumerate(found):
        for other, sheet in enumerate(sheets):
            assert judged(draft.spec, sheet).score.is_full == (own == other)


def test_a_folder_of_variants(run, tmp_path):  # noqa: F811
    students = tmp_path / "list.csv"
    students.write_text("Name,ID number\nAda,007\nBo,008\nCy,009\n")
    folder = tmp_path / "variants"
    done = run(
        *("new", "xor", "--variants", "2", "--seed", "1", "-o", str(folder)),
        *("--students", str(students), "--to", "md", "--ask", "z1,a1,loss"),
    )
    assert done.code == 0, done.err
    manifest = yaml.safe_load((folder / "manifest.yaml").read_text())
    assert set(manifest["students"]) == {"007", "008", "009"}
    assert sorted(manifest["students"].values()) in (
        ["v01", "v01", "v02"],
        ["v01", "v02", "v02"],
    )
    table = "id,z1,a1,loss\n"
    for student, variant in manifest["students"].items():
        key = yaml.safe_load((folder / variant / "key.yaml").read_text())["answers"]
        table += f'{student},"{key["z1"]}","{key["a1"]}",{key["loss"]}\n'
    (folder / "class.csv").write_text(table)
    done = run("check", str(folder), str(folder / "class.csv"), "--format", "json")
    assert done.code == 0, done.err
    assert len(json.loads(done.out)["reports"]) == 3


def test_what_is_asked_for_and_the_title_are_part_of_the_variants(run, tmp_path):  # noqa: F811
    """A title may have a colon in it; who leaves out what is asked for has no marks for it."""
    folder = tmp_path / "variants"
    told = ("--title", "Sheet 3: XOR, # by hand", "--ask", "z1,loss", "--to", "md")
    done = run("new", "small-mlp", "--variants", "2", "--seed", "1", "-o", str(folder), *told)
    assert done.code == 0, done.err
    spec = backtrace.load(folder / "v02.yaml")
    assert spec.title == "Sheet 3: XOR, # by hand · 2"
    assert spec.ask == ("z1", "loss")
    manifest = folder / "manifest.yaml"
    manifest.write_text(manifest.read_text() + "students: {Ada: v01, Bo: v02}\n")
    key = yaml.safe_load((folder / "v01" / "key.yaml").read_text())["answers"]
    assert list(key) == ["z1", "loss"]
    (tmp_path / "class.csv").write_text(f'student,z1,loss\nAda,"{key["z1"]}",{key["loss"]}\nBo,,\n')
    done = run("check", str(folder), str(tmp_path / "class.csv"), "--names")
    assert done.out.startswith("Sheet 3: XOR, # by hand · 2 students")
    assert "Ada        3/3" in done.out
    assert "Bo         0/3" in done.out


def test_what_is_asked_for_stands_in_one_exercise_too(run):  # noqa: F811
    done = run("new", "--seed", "1", "--ask", "z1,delta2")
    assert backtrace.loads(done.out).ask == ("z1", "delta2")


def test_a_lone_target_of_1_is_a_number_unless_it_is_a_class():
    regression = UNIT.format(activation="linear", w=0.5, x=2)
    random = np.random.default_rng(1)
    field = template(regression.encode(), "t").fields[-1]
    assert {drawn(field, random)[0] for _ in range(40)} > {"1", "2"}
    classified = regression.replace("half_sse", "binary_cross_entropy").replace("linear", "sigmoid")
    field = template(classified.encode(), "t").fields[-1]
    assert {drawn(field, random)[0] for _ in range(40)} == {"0", "1"}


@pytest.mark.parametrize(
    "wrong",
    [
        ("--to", "md"),
        ("--language", "de"),
        ("--ask", "q9"),
        ("--variants", "2"),
        ("--students", "list.csv"),
        ("--hidden", "x"),
        ("--activation", "foo"),
        ("--loss", "foo"),
        ("nowhere",),
    ],
)
def test_what_can_not_be_is_refused(run, wrong):  # noqa: F811
    done = run("new", *wrong)
    assert done.code == 2
    assert done.err
    assert not done.out


def test_a_network_of_a_shape(run, tmp_path):  # noqa: F811
    done = run(
        *("new", "--inputs", "3", "--hidden", "4,2", "--outputs", "2", "--samples", "2"),
        *("--output-activation", "softmax", "--layout", "columns", "--sign", "descent"),
        *("--seed", "2", "--learning-rate", "none"),
    )
    assert done.code == 0, done.err
    spec = backtrace.loads(done.out)
    assert [layer.units for layer in spec.layers] == [4, 2, 2]
    assert spec.inputs.shape == (3, 2)
    assert spec.optimizer is None
    assert spec.conventions.sign == "descent"


def test_a_spec_without_numbers_is_no_template():
    with pytest.raises(SpecError):
        template(b"layers: [{units: 2, weights: {init: he}}]\ninputs: {file: x.csv}\n", "t")


def test_a_template_that_is_no_spec_is_told_with_its_own_place(run, tmp_path):  # noqa: F811
    spec = tmp_path / "mine.yaml"
    text = "# by hand\n\ntitle: t\nlayers: [{weights: [[1]], activation: stepp}]\ninputs: [[1]]\n"
    spec.write_text(text, encoding="utf-8")
    done = run("new", str(spec), "--seed", "1")
    assert done.code == 2
    assert f"{spec}:4:39" in done.err  # after 38 characters


def test_a_spec_of_ones_own_keeps_its_title(run, tmp_path):  # noqa: F811
    spec = tmp_path / "five.yaml"
    text = bundled.path("mlp-math").read_text(encoding="utf-8")
    spec.write_text(f"{text}title: Exercise 5\n".replace("title: MLP", "# MLP", 1), "utf-8")
    done = run("new", str(spec), "--seed", "1", "-o", str(tmp_path / "fresh.yaml"))
    assert done.code == 0, done.err
    assert backtrace.load(tmp_path / "fresh.yaml").title == "Exercise 5"
