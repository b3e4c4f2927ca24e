"""Verification: every gradient of the tape against differences of its forward part."""

from backtrace.tape.verification.results import Kink, Request, Verification, Verified
from backtrace.tape.verification.verify import verify

__all__ = ["Kink", "Request", "Verification", "Verified", "verify"]
