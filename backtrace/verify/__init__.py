"""Verification: every gradient of the tape against differences of its forward part."""

from backtrace.verify.results import Kink, Request, Verification, Verified
from backtrace.verify.verify import verify

__all__ = ["Kink", "Request", "Verification", "Verified", "verify"]
