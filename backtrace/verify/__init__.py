"""Verification: every gradient of the tape against differences of its forward part.

The package may be called: ``backtrace.verify(spec)`` is ``backtrace.verify.verify(spec)``.
"""

import sys

from backtrace.callable_package import called
from backtrace.verify.results import Comparison, Kink, Request, Verification
from backtrace.verify.verification import verify

__all__ = ["Comparison", "Kink", "Request", "Verification", "verify"]

sys.modules[__name__].__class__ = called(lambda: verify)
