"""Whatever stands after the equals sign is worked, or refused in words."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

import backtrace
from backtrace.spec import SpecError
from backtrace.spec.equations.vocabulary import SIGNATURES
from backtrace.tape.writer import TapeError
from tests.sampling import share

HEAD = "given: {X: [[1, 2], [3, 4]], k: [[1, 0], [0, -1]], s: 2, h_0: [[1, 1]]}\nequations:\n"
TOKENS = [
    *("X", "k", "s", "h_0", "h[t-1]", "t", "q", "lambda", "2", "0.5", "-1", "1e300", "1/3", "0"),
    *("+", "-", "*", "/", "@", "^", "**", "(", ")", ",", ".T", "[", "]", "[1,:]", "[:,2]", "[2,1]"),
    *("1..2", ":", "=", "each=row", "each=column", "stride=2", "padding=1", "flip=true", "·", "ᵀ"),
    *("'", '"', "#", "\\", "{", "}", "\t", "é", "∂", "if", "None", "True", "_", ";", "!", "%"),
    *(f"{name}(" for name in SIGNATURES),
]


def terms():
    """Formulas that are nearly right: names and calls of any functions with any arguments."""
    leaves = st.sampled_from(["X", "k", "s", "h_0", "h[t-1]", "X.T", "X[1,:]", "2", "1/3", "-1"])
    return st.recursive(leaves, _made, max_leaves=8)


def _made(inner):
    signs = st.sampled_from(["+", "-", "*", "/", "@"])
    words = st.sampled_from(["", ", 2", ", 1, 2", ", each=row", ", stride=2", ", padding=1"])
    calls = st.sampled_from(list(SIGNATURES))
    return st.one_of(
        st.builds("({} {} {})".format, inner, signs, inner),
        st.builds("{}({}{})".format, calls, inner, words),
        st.builds("{}({}, {}{})".format, calls, inner, inner, words),
        st.builds("({})^{}".format, inner, st.sampled_from(["2", "-1", "0.5", "0", "3"])),
        st.builds("({}).T[1..2,:]".format, inner),
    )


def assert_read_or_refused(document):
    try:
        trace = backtrace.trace(backtrace.loads(document))
    except (SpecError, TapeError):
        return
    assert trace.steps


@settings(max_examples=share(300))
@given(st.lists(st.sampled_from(TOKENS), max_size=14).map(" ".join))
@example("X" + " + X" * 480)
@example("s" + "^2" * 40)
@example("1e300 * 1e300 * s")
@example("h[" * 30 + "1" + "]" * 30)
def test_tokens_in_any_order(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    assert_read_or_refused(f'{HEAD}  - for: t = 1..2\n    do:\n      - "h[t] = {quoted}"\n')


@settings(max_examples=share(300))
@given(st.text(max_size=40))
def test_any_text(text):
    assert_read_or_refused(f"{HEAD}  - y = {text}\nloss: y\n")


@settings(max_examples=share(400))
@given(terms(), st.sampled_from(["rows", "columns"]), st.sampled_from(["float64", "exact"]))
def test_formulas_that_are_nearly_right(text, layout, arithmetic):
    top = f"conventions: {{layout: {layout}}}\narithmetic: {arithmetic}\n"
    uses = "  - L = sum(h_2) + sum(X) + sum(k) + s + sum(h_0)\nloss: L\n"
    loop = f"  - for: t = 1..2\n    do:\n      - h[t] = {text}\n"
    assert_read_or_refused(f"{top}{HEAD}{loop}{uses}parameters: [X]\nlearning_rate: 1\n")
