"""A trace of shuffled batches names the samples as the data counts them, wherever it is read."""

from itertools import product

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.check.mistakes.rewrites import UpdateContext, batch_not_summed
from backtrace.formats.json.trace import TraceFormatError, decode, encode
from backtrace.formats.json.trace_validation import read
from backtrace.formats.registry import FORMATS
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.notation.titles import sample_words
from backtrace.page.blocks import Section
from backtrace.page.selection import Selection, chosen, problems, sample_index, updates
from backtrace.page.trace import View, document
from backtrace.tape.setting import Setting

SAMPLES = 5
SHUFFLED = """
title: Shuffled
layers:
  - {activation: tanh, weights: [[0.1, -0.2, 0.3], [0.2, 0.1, -0.1]], bias: [0, 0.1, 0.2]}
  - {activation: linear, weights: [[1], [-1], [0.5]], bias: 0}
inputs: [[1, 0.1], [2, 0.2], [3, 0.3], [4, 0.4], [5, 0.5]]
targets: [[1], [2], [3], [4], [5]]
loss: mse
learning_rate: 0.01
updates: {batch_size: 2, shuffle: true}
epochs: 4
seed: 3
"""
COLUMNS = (
    SHUFFLED.replace("[[1, 0.1], [2, 0.2], [3, 0.3], [4, 0.4], [5, 0.5]]",
                     "[[1, 2, 3, 4, 5], [0.1, 0.2, 0.3, 0.4, 0.5]]")
    .replace("[[1], [2], [3], [4], [5]]", "[[1, 2, 3, 4, 5]]")
    + "conventions: {layout: columns, weights: in_out}\n"
)  # fmt: skip


SPEC = backtrace.loads(SHUFFLED)


@pytest.fixture(scope="module", params=[SHUFFLED, COLUMNS], ids=["rows", "columns"])
def trace(request):
    return backtrace.trace(backtrace.loads(request.param))


def numbers(trace, place):
    """The samples of an update by their inputs: the first feature is the sample's number."""
    values = trace.update(*place)["a0"].value
    return [int(x) for x in (values[:, 0] if trace.conventions.layout == "rows" else values[0])]


def test_each_epoch_takes_every_sample_once_in_an_order_of_its_own(trace):
    orders = [
        [sample for batch in (1, 2, 3) for sample in numbers(trace, (epoch, batch))]
        for epoch in (1, 2, 3, 4)
    ]
    assert all(sorted(order) == [1, 2, 3, 4, 5] for order in orders)
    assert len({tuple(order) for order in orders}) > 1
    assert any(order != [1, 2, 3, 4, 5] for order in orders)


def test_the_steps_say_which_samples_they_take(trace):
    for place in trace.updates:
        steps = trace.update(*place)
        assert list(steps["a0"].sample_numbers) == numbers(trace, place)
        assert steps["y"].value.ravel().tolist() == numbers(trace, place)


def test_a_sample_is_found_in_every_epoch_under_its_own_number(trace):
    for sample in range(1, SAMPLES + 1):
        found, _ = updates(trace, Selection(sample=sample, full=True))
        assert [epoch for epoch, _ in found] == [1, 2, 3, 4]
        for traced in chosen(trace, Selection(sample=sample, only=("a0", "y"))):
            assert traced.value.ravel()[0] == sample
        for place in found:
            index = sample_index(trace.update(*place)["a0"], sample)
            assert numbers(trace, place)[index] == sample
    assert problems(trace, Selection(sample=5)) == []
    assert problems(trace, Selection(sample=6)) == ["--sample 6: the samples are 1 to 5"]


def test_the_pages_name_the_samples_of_a_batch(trace):
    words = [sample_words(numbers(trace, place)) for place in trace.updates]
    assert any(", " in said for said in words)
    view = View(selection=Selection(full=True))
    text = "\n".join(map(uncoloured, passages(trace, view, Layout(80))))
    headings = [line for line in text.splitlines() if line.startswith("══ Epoch")]
    assert [line.strip("═ ").split("═ ")[-1] for line in headings] == words
    blocks = [block for block in document(trace, View()).blocks if isinstance(block, Section)]
    shown = {block.anchor: block.heading for block in blocks if block.part == "pass"}
    assert len(shown) > 2
    for anchor, heading in shown.items():
        epoch, batch = map(int, anchor.removeprefix("update-").split("-"))
        said = sample_words(numbers(trace, (epoch, batch)))
        assert heading == f"Epoch {epoch}, batch {batch}: {said}"
    for name in ("markdown", "latex", "html"):
        page = FORMATS[name].render(trace, View()).decode().replace(",{}", ",")
        assert all(heading in page for heading in shown.values())


def test_the_drawing_says_which_of_them_it_shows(trace):
    first = numbers(trace, (1, 1))
    drawing = FORMATS["svg"].render(trace, View()).decode()
    assert f"Sample {first[0]} of a batch of 2; epoch 1, batch 1" in drawing


def test_a_saved_trace_reads_back_equal(trace):
    assert decode(encode(trace)) == trace
    assert read(encode(trace).encode()) == trace


ORDERS = [[1], [1, 1], [0, 1], [1, 2, 3], [1, -2], ["1", 2], [1.5, 2], 3, "12", [True, 2], []]


@pytest.mark.parametrize("order", ORDERS, ids=str)
def test_an_order_that_is_none_is_refused(order):
    whole = msgspec.json.decode(encode(backtrace.trace(backtrace.loads(SHUFFLED))))
    whole["steps"][0]["parameters"]["order"] = order
    with pytest.raises(TraceFormatError):
        read(msgspec.json.encode(whole))


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        ([3], "sample 3"),
        (range(3, 4), "sample 3"),
        ([4, 1], "samples 4, 1"),
        ([4, 5], "samples 4–5"),
        (range(1, 5), "samples 1–4"),
        (range(1, 60_001), "samples 1–60000"),
        ([9, 2, 7, 4, 1, 3, 5, 6], "samples 9, 2, 7, 4, 1, 3, 5, 6"),
        ([9, 2, 7, 4, 1, 3, 5, 6, 8], "samples 9, 2, 7, 4, 1, … (9)"),
    ],
)
def test_samples_in_words(samples, words):
    assert sample_words(samples) == words


def test_a_mistake_of_one_sample_names_it(trace):
    for place, id in product([(1, 1), (1, 2)], ["dW1", "db2"]):
        steps = {id: traced.step for id, traced in trace.update(*place).items()}
        context = UpdateContext(SPEC, Setting(trace.conventions), steps)
        said = {int("".join(wrong.detail)): wrong for wrong in batch_not_summed(steps[id], context)}
        assert set(said) == set(numbers(trace, place))
        for sample, wrong in said.items():
            assert numbers(trace, place)[wrong.step.parameters["at"]] == sample


def test_in_order_without_the_key():
    trace = backtrace.trace(backtrace.loads(SHUFFLED.replace(", shuffle: true", "")))
    assert [numbers(trace, (1, batch)) for batch in (1, 2, 3)] == [[1, 2], [3, 4], [5]]
    assert "order" not in trace["a0"].parameters
    np.testing.assert_array_equal(trace["a0@1.3"].value, [[5, 0.5]])
