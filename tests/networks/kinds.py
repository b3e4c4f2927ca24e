"""The bundled networks by what they are made of, as their files say."""

from __future__ import annotations

from backtrace.spec import bundled


def _has(name: str, key: str) -> bool:
    return f"\n{key}:" in bundled.path(name).read_text(encoding="utf-8")


LAYERED = [name for name in bundled.names() if _has(name, "layers")]
EQUATIONS = [name for name in bundled.names() if _has(name, "equations")]
