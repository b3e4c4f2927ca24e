"""Training: the tape, an update after another, without recording."""

from backtrace.tape.training.loop import (
    Engine,
    Watch,
    check_trainable,
    engine,
    outputs,
    starting_state,
    traced_epoch,
    train,
)
from backtrace.tape.training.measurer import Measurer
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
    "Measurer",
    "Progress",
    "Record",
    "State",
    "Training",
    "Watch",
    "check_trainable",
    "engine",
    "outputs",
    "starting_state",
    "traced_epoch",
    "train",
]
