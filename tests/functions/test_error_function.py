"""erfc on arrays against the standard library's, number by number."""

import math

import numpy as np

from backtrace.functions.error_function import erfc


def test_erfc_is_that_of_the_standard_library():
    x = np.concatenate([np.linspace(-30, 27, 40001), np.linspace(-0.6, 0.6, 5001), [0, 0.46875, 4]])
    expected = np.array([math.erfc(each) for each in x])
    with np.errstate(under="ignore"):
        found = erfc(x)
    normal = expected > np.finfo(float).tiny
    assert np.max(np.abs(found - expected)[normal] / expected[normal]) < 1e-15
    assert np.max(np.abs(found - expected)[~normal]) < np.finfo(float).tiny


def test_erfc_at_the_ends_of_the_numbers():
    with np.errstate(all="ignore"):
        found = erfc(np.array([[np.inf, -np.inf], [np.nan, 5e-324]]))
    assert found[0].tolist() == [0, 2]
    assert np.isnan(found[1, 0])
    assert found[1, 1] == 1


def test_erfc_keeps_float32():
    found = erfc(np.array([0.5, 2, -1], dtype=np.float32))
    assert found.dtype == np.float32
    assert np.allclose(found, [math.erfc(x) for x in (0.5, 2, -1)], rtol=1e-6)
