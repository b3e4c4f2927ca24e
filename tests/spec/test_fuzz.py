"""Whatever the text, a spec is read or refused with a SpecError that can be printed."""

from hypothesis import given, settings
from hypothesis import strategies as st

from backtrace.spec import SpecError, bundled
from backtrace.tape.loading import loads
from tests.sampling import share
from tests.spec.specs import TRAINED
from tests.spec.test_spec_builder import EXAMPLE

VOCABULARY = """
layers activation weights bias inputs targets loss optimizer name units init he zeros relu
softmax mse adam cross_entropy hinge none in_weights first shared file schedule step
upstream conventions layout columns notation ask freeze z1 W1 1 2 0,5 1/3 -1 1e999 ~ [] {}
[1,2] [[1,2],[3,4]] 012 nan yes
"""
WORDS = st.sampled_from(VOCABULARY.split())
TREES = st.recursive(
    WORDS,
    lambda inner: (
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(WORDS, inner, max_size=4).map(
            lambda entries: f"{{{', '.join(f'{k}: {v}' for k, v in entries.items())}}}"
        )
    ),
    max_leaves=12,
)
PIECES = st.sampled_from(
    [*"[]{},:-#&*!|>'\"%@`\n\t \0\x1b\u2028é−0123456789.e/", "- ", ": ", "\r\n"]
)
TEXTS = [TRAINED, EXAMPLE, bundled.path("or-gate").read_text(encoding="utf-8")]


def refusal(content):
    """The SpecError that a text raises, or None; anything else raised fails the test."""
    try:
        loads(content)
    except SpecError as error:
        return error
    return None


def check(content):
    error = refusal(content)
    if error is not None:
        assert error.problems
        assert "\x1b" not in str(error)
        assert all(
            each.found and (each.expected or each.mend or each.choices) for each in error.problems
        )


@given(st.text() | st.binary())
def test_any_text(content):
    check(content)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_punctuation(content):
    check(content)


@given(st.dictionaries(WORDS, TREES, max_size=8))
def test_any_tree_of_the_words_of_a_spec(tree):
    check("\n".join(f"{key}: {value}" for key, value in tree.items()))


@settings(max_examples=share(200))
@given(st.sampled_from(TEXTS), st.data())
def test_a_valid_spec_with_something_replaced(text, data):
    start = data.draw(st.integers(0, len(text)))
    length = data.draw(st.integers(0, 12))
    check(text[:start] + data.draw(PIECES | WORDS | TREES) + text[start + length :])


@settings(max_examples=share(200))
@given(
    st.sampled_from(
        [
            "layers",
            "activation",
            "weights",
            "bias",
            "inputs",
            "targets",
            "loss",
            "optimizer",
            "conventions",
            "updates",
            "clip",
            "regularization",
            "validation",
            "training",
        ]
    ),
    TREES,
)
def test_a_valid_spec_with_any_value_for_one_key(key, value):
    entries = {
        "layers": "[{activation: ACT, weights: W, bias: B}]",
        "activation": "softmax",
        "weights": "[[1, 2], [3, 4]]",
        "bias": "none",
        "inputs": "[[1, 2], [3, 4], [5, 6]]",
        "targets": "[[0, 1], [1, 0], [0, 1]]",
        "loss": "cross_entropy",
        "optimizer": "{name: adam, learning_rate: 0.1}",
        "conventions": "{layout: rows}",
        "updates": "batch",
        "clip": "{norm: 1}",
        "regularization": "{l2: 0.1}",
        "validation": "{every: 3}",
        "training": "{epochs: 5}",
    }
    entries[key] = value
    layer = [entries.pop(name) for name in ("activation", "weights", "bias")]
    for name, written in zip(("ACT", "W", "B"), layer, strict=True):
        entries["layers"] = entries["layers"].replace(f" {name}", f" {written}")
    check("\n".join(f"{name}: {written}" for name, written in entries.items()))
