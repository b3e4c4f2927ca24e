"""Training: the tape, an update after another, without recording."""

from backtrace.tape.training.engine import Engine
from backtrace.tape.training.loop import (
    Watch,
    check_trainable,
    starting_state,
    traced_epoch,
    train,
)
from backtrace.tape.training.outputs import outputs
from backtrace.tape.training.records import (
    Divergence,
    Measured,
    Progress,
    Record,
    State,
    Training,
)

__all__ = [
    "Divergence",
    "Engine",
    "Measured",
    "Progress",
    "Record",
    "State",
    "Training",
    "Watch",
    "check_trainable",
    "outputs",
    "starting_state",
    "traced_epoch",
    "train",
]
