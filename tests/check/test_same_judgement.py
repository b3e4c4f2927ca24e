"""A sheet's judgement does not hang on the order of its lines, on its layout, on that of the
samples, or on what was worked before."""

import msgspec
import numpy as np
import pytest

from backtrace.check.answers.reading import read_answers, reader
from backtrace.check.judge.checker import Checker
from backtrace.check.sheets.readings import OF_SAMPLES
from backtrace.check.sheets.remembered import Remembered
from backtrace.check.sheets.sheet import Sheet
from backtrace.spec.model import Matrix
from tests.check.calculator import HABITS, person
from tests.check.generator import generate
from tests.check.typed import listed

CODES = ("honest", "bias-omitted", "mean-omitted", "activation-derivative-omitted", "sign-flipped",
         "arithmetic-slip")  # fmt: skip
SHEETS = [(seed, code) for code in CODES for seed in (1, 2)]


def judged(spec, answers):
    """Of each quantity: verdict, those of its entries, mistakes, where they come from, marks."""
    text = "\n".join(f"{id}: {listed(cells)}" for id, cells in answers.items())
    checker = Checker(spec)
    report = checker.check(read_answers(text.encode(), "sheet.yaml", reader(checker.tape, spec)))
    return {
        q.name: (q.verdict, np.array(q.entries), set(q.mistakes), q.root, q.earned)
        for q in report.quantities
    }


def assert_same(one, other, arranged=lambda name, entries: entries):
    assert one.keys() == other.keys()
    for name, (verdict, entries, *rest) in one.items():
        assert (verdict, *rest) == (other[name][0], *other[name][2:]), name
        assert (arranged(name, entries) == other[name][1]).all(), name


@pytest.mark.parametrize(("seed", "code"), SHEETS)
def test_the_order_of_lines_says_nothing(seed, code):
    sheet = generate(seed, code)
    backwards = dict(reversed(sheet.answers.items()))
    assert_same(judged(sheet.spec, sheet.answers), judged(sheet.spec, backwards))


# The other layout: everything transposed


def turned(matrix):
    if matrix is None:
        return None
    written = matrix.written and tuple(zip(*matrix.written, strict=True))
    return Matrix(matrix.values.T, written)


def turned_layer(layer):
    bias = msgspec.structs.replace(layer.bias, values=turned(layer.bias.values))
    return msgspec.structs.replace(layer, weights=turned(layer.weights), bias=bias)


def in_other_layout(spec):
    own = spec.conventions
    conventions = msgspec.structs.replace(
        own,
        layout="columns" if own.layout == "rows" else "rows",
        weights="out_in" if own.weights == "in_out" else "in_out",
    )
    return msgspec.structs.replace(
        spec,
        conventions=conventions,
        layers=tuple(map(turned_layer, spec.layers)),
        inputs=turned(spec.inputs),
        targets=turned(spec.targets),
        loss=msgspec.structs.replace(spec.loss, upstream=turned(spec.loss.upstream)),
    )


def turned_cells(cells):
    return cells if isinstance(cells, str) else [list(line) for line in zip(*cells, strict=True)]


def has_jacobians(spec):
    """Whether a g holds matrices, one sample's below the other's: it is no transpose."""
    return any(layer.activation.name == "softmax" for layer in spec.layers)


@pytest.mark.parametrize(("seed", "code"), SHEETS)
def test_the_layout_says_nothing(seed, code):
    sheet = generate(seed, code)
    if has_jacobians(sheet.spec):
        return
    answers = {id: turned_cells(cells) for id, cells in sheet.answers.items()}
    other = judged(in_other_layout(sheet.spec), answers)
    assert_same(judged(sheet.spec, sheet.answers), other, lambda name, entries: entries.T)


# The samples in another order


def reordered(matrix, order, layout):
    return None if matrix is None else matrix.samples(order, layout)


@pytest.mark.parametrize(("seed", "code"), SHEETS)
def test_the_order_of_samples_says_nothing(seed, code):
    sheet = generate(seed, code)
    spec, layout = sheet.spec, sheet.spec.conventions.layout
    axis = spec.conventions.sample_axis
    order = np.roll(np.arange(spec.samples), 1)
    if has_jacobians(spec) or spec.batch_size:
        return
    steps = {id: step for (_, _, id), step in Checker(spec).steps.items()}

    def arranged(name, cells):
        return np.take(cells, order, axis) if steps[name].role in OF_SAMPLES else cells

    other = msgspec.structs.replace(
        spec,
        inputs=reordered(spec.inputs, order, layout),
        targets=reordered(spec.targets, order, layout),
        loss=msgspec.structs.replace(
            spec.loss, upstream=reordered(spec.loss.upstream, order, layout)
        ),
    )
    answers = {
        id: cells
        if isinstance(cells, str)
        else arranged(id, np.array(cells, dtype=object)).tolist()
        for id, cells in sheet.answers.items()
    }
    assert_same(judged(spec, sheet.answers), judged(other, answers), arranged)


# What was worked before, for another student or in another way


@pytest.mark.parametrize(("seed", "code"), SHEETS)
def test_what_is_remembered_says_nothing(seed, code, monkeypatch):
    sheet = generate(seed, code)
    said = judged(sheet.spec, sheet.answers)
    begin, wanted = Sheet.__init__, []

    def begun(self, *arguments, before=None, **options):
        wanted.append(before)
        begin(self, *arguments, **options)

    monkeypatch.setattr(Sheet, "__init__", begun)
    monkeypatch.setattr(Remembered, "get", lambda self, key: wanted.append(key))
    assert_same(judged(sheet.spec, sheet.answers), said, lambda name, entries: entries)
    assert any(wanted) or code == "honest"


@pytest.mark.parametrize(
    ("seed", "habit"),
    [
        (736, "e^z to 2 decimals, 4 written"),
        (790, "products to 3 decimals, 4 written"),
        (781, "scratch lines one decimal coarser"),
        (4, "cut off inside a line too"),
    ],
)
def test_what_a_line_gave_in_one_working_says_nothing_of_another(seed, habit, monkeypatch):
    spec, text = person(seed, HABITS[habit])
    checker = Checker(spec)
    answers = read_answers(text.encode(), "sheet.yaml", reader(checker.tape, spec))
    said = checker.check(answers)
    monkeypatch.setattr(Remembered, "get", lambda self, key: None)
    assert said.conventions is not None
    assert Checker(spec).check(answers) == said


# Two students with the same numbers


def test_the_same_mistake_is_said_to_each_under_their_own_name():
    from tests.check.typed import exercise

    checker = Checker(exercise("mlp-math"))
    read = reader(checker.tape, checker.spec)
    sheet = "student: {}\nanswers: {{z1: [3.7, -1.3, 1.1], a1: [3.7, -1.3, 1.1], nothing: 1}}"
    reports = [
        checker.check(read_answers(sheet.format(name).encode(), f"{name}.yaml", read))
        for name in ("Ada", "Blaise")
    ]
    assert [(each.student, each.file) for each in reports] == [
        ("Ada", "Ada.yaml"),
        ("Blaise", "Blaise.yaml"),
    ]
    assert reports[0].quantities == reports[1].quantities
    assert reports[0].notes == reports[1].notes
    assert [q.verdict for q in reports[0].quantities] == ["right", "wrong"]
