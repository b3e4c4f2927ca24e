"""Widths on a terminal, wrapping, inert control characters, ASCII forms."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtrace.formats.measure import padded, pieces_of, plain, text_width, wrapped
from backtrace.page.inert import inert


@pytest.mark.parametrize(
    ("text", "width"),
    [("W₁", 2), ("δ⁽²⁾", 4), ("m\u0302₁", 2), ("誤差", 4), ("ŷ", 1), ("", 0), ("∂L/∂W₁", 6)],
)
def test_width_on_a_terminal(text, width):
    assert text_width(text) == width


def test_padding_counts_columns_not_characters():
    assert padded("誤差", 6) == " 誤差 "
    assert padded("m\u0302", 2) == "m\u0302 "


@given(st.text(), st.integers(2, 20))
def test_cutting_keeps_every_character_and_the_width(text, width):
    pieces = list(pieces_of(text, width))
    assert "".join(pieces) == text
    assert all(text_width(piece) <= width for piece in pieces)


@given(st.lists(st.text("ab誤", min_size=1, max_size=30)), st.integers(2, 20))
def test_wrapping_keeps_the_words(words, width):
    lines = wrapped(" ".join(words), width)
    assert "".join(lines).replace(" ", "") == "".join(words)
    assert all(text_width(line) <= width for line in lines)


def test_control_characters_are_shown_not_obeyed():
    assert inert("plain · δ₂") == "plain · δ₂"
    assert inert("a\x1b[31mred\x07") == "a\\x1b[31mred\\x07"
    assert inert("two\nlines") == "two lines"
    assert inert("right\u202eleft") == "right\\u202eleft"


@pytest.mark.parametrize(
    ("text", "ascii_form"),
    [
        ("δ₂ = dH₁ ⊙ σ′(z₂)", "delta2 = dH1 (.) sigmoid'(z2)"),
        ("W₂ᵀ", "W2^T"),
        ("δ^(2)", "delta^(2)"),
        ("½Σ(ŷ − y)²", "1/2 sum (y_hat - y)^2"),
        ("W₁ⁿᵉʷ", "W1_new"),
        ("m\u0302_W₁", "mhat_W1"),
        ("2 × 3", "2 x 3"),
        ("Réseau", "Reseau"),
        ("誤", "?"),
    ],
)
def test_ascii_forms(text, ascii_form):
    assert plain(text) == ascii_form


@given(st.text())
def test_plain_is_ascii(text):
    assert plain(text).isascii()
