"""Symbols in words."""

import pytest

import backtrace
from backtrace.functions.formula import Ref
from backtrace.notation.spoken import spoken
from backtrace.notation.symbols import Symbols


@pytest.mark.parametrize(
    ("network", "ref", "words"),
    [
        ("small-mlp", Ref("W1"), "W, layer 1"),
        ("small-mlp", Ref("a1", transposed=True), "a, layer 1, transposed"),
        ("small-mlp", Ref("delta2"), "delta, layer 2"),
        ("small-mlp", Ref("dW1"), "gradient of L by W, layer 1"),
        ("small-mlp", Ref("product1"), "x times W, layer 1"),
        ("small-mlp", Ref("g1"), "ReLU prime, at z, layer 1"),
        ("small-mlp", Ref("a2"), "y hat"),
        ("small-mlp", Ref("W2_new"), "W, layer 2, new"),
        ("mlp-math", Ref("da1"), "dH, layer 1"),
        ("attention", Ref("W_Q"), "W Q"),
        ("attention", Ref("dX_from_Q"), "dX, by way of Q"),
        ("attention", Ref("S.1"), "S, part 1"),
        ("adam", Ref("mhatW1"), "m hat, of W, layer 1"),
    ],
)
def test_a_quantity_is_named_as_it_is_read_aloud(network, ref, words):
    symbols = Symbols.of(backtrace.trace(backtrace.load(network)))
    assert spoken(ref, symbols) == words
