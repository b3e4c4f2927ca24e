"""Packages that may be called by their names: ``backtrace.check(…)``, ``backtrace.verify(…)``.

A package is an attribute of ``backtrace`` as soon as anything in it is imported, so that no
function can have its name; it is that function itself.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any


def called(load: Callable[[], Callable[..., Any]]) -> type[ModuleType]:
    """The class of a package that, called, calls what ``load`` gives."""

    class CallablePackage(ModuleType):
        def __call__(self, *arguments: Any, **options: Any) -> Any:
            return load()(*arguments, **options)

    return CallablePackage
