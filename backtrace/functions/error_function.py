"""The complementary error function for arrays, which NumPy has not, and SciPy is a lot for it."""

from __future__ import annotations

import numpy as np

from backtrace.functions.array import AnyArray

# W. J. Cody, "Rational Chebyshev approximations for the error function", Mathematics of
# Computation 23 (1969): erf x/x in x² up to 0.46875, e^(x²)·erfc x in x up to 4, and beyond
# x·e^(x²)·erfc x − 1/√π in 1/x². Highest powers first, each numerator over its denominator.
NEAR = (
    (
        *(1.85777706184603153e-1, 3.16112374387056560e0, 1.13864154151050156e2),
        *(3.77485237685302021e2, 3.20937758913846947e3),
    ),
    (
        *(1.0, 2.36012909523441209e1, 2.44024637934444173e2),
        *(1.28261652607737228e3, 2.84423683343917062e3),
    ),
)
MIDDLE = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0),
        *(6.61191906371416295e1, 2.98635138197400131e2, 8.81952221241769090e2),
        *(1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3),
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2),
        *(1.62138957456669019e3, 3.29079923573345963e3, 4.36261909014324716e3),
        *(3.43936767414372164e3, 1.23033935480374942e3),
    ),
)
FAR = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1),
        *(1.25781726111229246e-1, 1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1),
        *(6.05183413124413191e-2, 2.33520497626869185e-3),
    ),
)
SQRPI = 5.6418958354775628695e-1  # 1/√π
LAST = 27.0  # e^(−x²) is 0 from here on


def erfc(x: AnyArray) -> AnyArray:
    """1 − erf(x) with all its digits, also far out on the right; of any shape.

    In float64 it is right to 10⁻¹⁵ of its size. What stands for an array may have its own.
    """
    own = getattr(x, "erfc", None)
    if own is not None:
        return own()
    size = np.abs(x)
    small = _within(size, 0, 0.46875)
    near = 1 - x * _quotient(NEAR, small * small)
    middle, far = _within(size, 0.46875, 4), _within(size, 4, LAST)
    inverse = 1 / (far * far)
    tail = (SQRPI - inverse * _quotient(FAR, inverse)) / far
    falling = np.where(size <= 4, _quotient(MIDDLE, middle), tail) * _gaussian(
        _within(size, 0.46875, LAST)
    )
    falling = np.where(size >= LAST, 0.0, falling)
    return np.where(size <= 0.46875, near, np.where(x < 0, 2 - falling, falling))


def _within(x: AnyArray, low: float, high: float) -> AnyArray:
    """x, or what is nearest to it in the range of a formula, where its result is not taken."""
    return np.minimum(np.maximum(x, low), high)


def _quotient(formula: tuple[tuple[float, ...], tuple[float, ...]], x: AnyArray) -> AnyArray:
    above, below = (_polynomial(each, x) for each in formula)
    return above / below


def _polynomial(coefficients: tuple[float, ...], x: AnyArray) -> AnyArray:
    """Horner's scheme."""
    total = coefficients[0] * x
    for coefficient in coefficients[1:-1]:
        total = (total + coefficient) * x
    return total + coefficients[-1]


def _gaussian(x: AnyArray) -> AnyArray:
    """e^(−x²), its square taken in two parts so that no digit is lost."""
    coarse = np.floor(x * 16) / 16
    return np.exp(-coarse * coarse) * np.exp(-(x - coarse) * (x + coarse))
