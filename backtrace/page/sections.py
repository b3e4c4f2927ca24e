"""The sections of a derivation: their headings, and the role that a quantity plays in each."""

from __future__ import annotations

from backtrace.tape.steps import Phase

SECTIONS: dict[Phase, str] = {
    "given": "Given",
    "forward": "Forward",
    "loss": "Loss",
    "backward": "Backward",
    "update": "Update",
}
WAYS: dict[str, str] = {"forward": "→", "loss": "→", "backward": "←"}  # what colour alone would say
ROLES: dict[Phase, str] = {  # of a span, from which a renderer takes the colour
    "given": "given",
    "forward": "computed",
    "loss": "computed",
    "backward": "gradient",
    "update": "updated",
}
