"""Backpropagation, worked the way people work it by hand: every matrix, every step.

>>> import backtrace
>>> spec = backtrace.load("mlp-math")
>>> backtrace.trace(spec)["delta1"].value
array([[1.7 , 0.  , 0.85]])

``load`` reads a spec from a path or a bundled name, ``loads`` from a text, ``trace`` works it out.
Names are imported when first used: ``import backtrace`` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtrace.spec import SpecError
    from backtrace.spec.model import Spec
    from backtrace.tape.loading import load, loads
    from backtrace.tape.run import trace
    from backtrace.tape.trace import Trace, TracedStep
    from backtrace.tape.writer import TapeError

__version__ = "0.1.0"
__all__ = ["Spec", "SpecError", "TapeError", "Trace", "TracedStep", "load", "loads", "trace"]

_HOMES = {
    "load": "backtrace.tape.loading",
    "loads": "backtrace.tape.loading",
    "SpecError": "backtrace.spec",
    "Spec": "backtrace.spec.model",
    "TapeError": "backtrace.tape.writer",
    "Trace": "backtrace.tape.trace",
    "TracedStep": "backtrace.tape.trace",
    "trace": "backtrace.tape.run",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'backtrace' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    import_module("backtrace.formats.notebook")  # where a trace may be shown
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
