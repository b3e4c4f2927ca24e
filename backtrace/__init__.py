"""Backpropagation, worked the way people work it by hand: every matrix, every step.

>>> import backtrace
>>> spec = backtrace.load("mlp-math")
>>> backtrace.trace(spec)["delta1"].value
array([[1.7 , 0.  , 0.85]])

``load`` reads a spec from a path or a bundled name, ``loads`` from a text, ``trace`` works it out;
``check``, ``feedback``, ``worksheet``, ``new``, ``verify``, ``train`` and ``export`` do what the
commands of these names do, without printing.
Names are imported when first used: ``import backtrace`` alone costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtrace.check.call import check
    from backtrace.formats.from_python import export, feedback, new, worksheet
    from backtrace.spec import SpecError
    from backtrace.spec.model import Spec
    from backtrace.tape.loading import load, loads
    from backtrace.tape.run import trace
    from backtrace.tape.trace import Trace, TracedStep
    from backtrace.tape.training import train
    from backtrace.tape.writer import TapeError
    from backtrace.verify.verification import verify

__version__ = "0.1.0"
__all__ = [
    "Spec",
    "SpecError",
    "TapeError",
    "Trace",
    "TracedStep",
    "check",
    "export",
    "feedback",
    "load",
    "loads",
    "new",
    "trace",
    "train",
    "verify",
    "worksheet",
]

_HOMES = {
    "load": "backtrace.tape.loading",
    "loads": "backtrace.tape.loading",
    "SpecError": "backtrace.spec",
    "Spec": "backtrace.spec.model",
    "TapeError": "backtrace.tape.writer",
    "Trace": "backtrace.tape.trace",
    "TracedStep": "backtrace.tape.trace",
    "trace": "backtrace.tape.run",
    "train": "backtrace.tape.training",
    "export": "backtrace.formats.from_python",
    "feedback": "backtrace.formats.from_python",
    "new": "backtrace.formats.from_python",
    "worksheet": "backtrace.formats.from_python",
}
_PACKAGES = ("check", "verify")  # which may be called


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return import_module(f"backtrace.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'backtrace' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    import_module("backtrace.formats.notebook")  # where a trace may be shown
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
