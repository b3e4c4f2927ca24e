"""Verification: every gradient of the tape against differences of its forward part."""

from backtrace.tape.verification.verify import Kink, Request, Verification, Verified, verify

__all__ = ["Kink", "Request", "Verification", "Verified", "verify"]
