"""Specs: a YAML text → a Spec, or every problem in it with its place and how to mend it."""

from __future__ import annotations

from backtrace.spec.document.problems import Problem, SpecError

__all__ = ["Problem", "SpecError"]
