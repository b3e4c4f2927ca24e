"""Trainings that have ended in every way, made up, for the pages that show them."""

import msgspec

import backtrace
from backtrace.spec.model import Matrix, Optimizer, Validation
from backtrace.spec.numbers import Number
from backtrace.tape import training as trained
from backtrace.tape.training import (
    Measured,
    Progress,
    Record,
    State,
    Training,
    starting_state,
)

XOR = backtrace.load("xor")


def spec_with(spec=XOR, **changes):
    return msgspec.structs.replace(spec, **changes)


def at_rate(spec, rate, name="sgd", **constants):
    """The spec with an optimizer of this rate."""
    numbers = {key: Number(value, str(value)) for key, value in constants.items()}
    form = "accumulate" if name == "momentum" else None
    return spec_with(spec, optimizer=Optimizer(name, Number(rate, str(rate)), numbers, form))


def made_up(spec, losses, held=None, *, kept=None, ended="epochs", divergence=None, right=None):
    """A training of which only the figures matter; ``kept`` is an epoch."""
    records = tuple(
        Record(
            epoch,
            Measured(loss, None if right is None else right[epoch]),
            None if held is None else Measured(held[epoch]),
        )
        for epoch, loss in enumerate(losses)
    )
    values = starting_state(spec).values
    last = State(len(records) - 1, values)
    state = State(last.epoch if kept is None else kept, values)
    return Training(records, state, ended, Progress(records[:-1], last), divergence)


def outputs(spec, training):
    """The last activations with the kept parameters, of the held-out samples if there are any."""
    return trained.outputs(spec, training.state)


def holding_out(spec):
    """The spec with its last two samples held out."""
    x, y = spec.inputs.values, spec.targets.values
    return spec_with(
        spec,
        inputs=Matrix(x[:-2]),
        targets=Matrix(y[:-2]),
        validation=Validation(Matrix(x[-2:]), Matrix(y[-2:])),
    )
