"""A spec written once more is the same spec, without what was left out."""

import numpy as np
import pytest

import backtrace
from backtrace.spec import bundled
from backtrace.spec.document.rewriting import has_key, without
from tests.sampling import some

LARGE = {"digits", "mnist"}  # their numbers come from files


@pytest.mark.parametrize("name", some([n for n in bundled.names() if n not in LARGE]))
def test_it_is_the_same_exercise(name):
    text = bundled.path(name).read_text(encoding="utf-8")
    written = without(text, ("expect",))
    assert backtrace.loads(written).expected == ()
    old, new = (backtrace.trace(backtrace.loads(each)) for each in (text, written))
    assert [step.id for step in old] == [step.id for step in new]
    assert all(np.array_equal(a.value, b.value) for a, b in zip(old, new, strict=True))


def test_numbers_keep_their_text_and_comments_go():
    text = """
title: "A # that is no comment: 2"   # one that is: the answer is 42
given: {a: [[1/3, 1e-3, -.5, 0.10]], no: 012}  # another
equations: [b = a * no]
"""
    written = without(text, ("title",))
    for number in ("1/3", "1e-3", "-.5", "0.10", "no: 012"):
        assert number in written
    assert "#" not in written
    assert "A # that is no comment: 2" in without(text, ())


@pytest.mark.parametrize("name", bundled.names())
def test_whether_numbers_come_from_files(name):
    assert has_key(bundled.path(name).read_text(encoding="utf-8"), "file") == (name in LARGE)
