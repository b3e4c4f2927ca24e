"""Verification: every gradient of the tape against differences of its forward part."""

from backtrace.verify.results import Comparison, Kink, Request, Verification
from backtrace.verify.verification import verify

__all__ = ["Comparison", "Kink", "Request", "Verification", "verify"]
