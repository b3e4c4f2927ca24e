"""The epochs of a training as rows of a CSV file, in full precision."""

from __future__ import annotations

from backtrace.spec.model import Spec
from backtrace.tape.training import Measured, Record
from backtrace.tape.updates import rate

HEADER = "epoch,loss,accuracy,validation_loss,validation_accuracy,learning_rate\n"


def row(spec: Spec, record: Record) -> str:
    """What is known after an epoch, and the rate of its last update; empty is what there is not."""
    cells = [str(record.epoch), *_measured(record.training), *_measured(record.validation)]
    return ",".join([*cells, _rate(spec, record.epoch)]) + "\n"


def _measured(measured: Measured | None) -> tuple[str, str]:
    if measured is None:
        return "", ""
    return repr(measured.loss), "" if measured.accuracy is None else repr(measured.accuracy)


def _rate(spec: Spec, epoch: int) -> str:
    if epoch == 0:
        return ""
    last = rate(spec, epoch * spec.batches - 1)
    return "" if last is None else repr(float(last))
