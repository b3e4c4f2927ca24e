"""Homework: answers held against a tape by the digits written, slips followed, mistakes named.

The package may be called: ``backtrace.check(spec, answers)`` is ``backtrace.check.call.check``.
"""

from __future__ import annotations

import sys
from typing import Any

from backtrace.callable_package import called


def _load() -> Any:
    from backtrace.check.call import check

    return check


sys.modules[__name__].__class__ = called(_load)
