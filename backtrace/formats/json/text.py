"""JSON as text that is safe to look at on a terminal."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec

# What JSON lets stand and a terminal may obey: DEL, the C1 controls, changes of direction.
STEERING = re.compile("[\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def json_text(document: Any, enc_hook: Callable[[Any], Any] | None = None) -> str:
    """``document`` on one line; characters that steer a terminal as ``\\u009b``."""
    text = msgspec.json.encode(document, enc_hook=enc_hook).decode()
    return text if text.isascii() else STEERING.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
