"""The command that goes on from where a training was interrupted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from msgspec.structs import replace

from backtrace.cli.training.request import Overrides, TrainRequest


def resumed(request: TrainRequest, epoch: int) -> str:
    """The same training, taken up where it was saved: ``epoch`` are done."""
    left = tuple(each for each in request.trace_epochs if each > epoch)
    pattern = request.trace_to if left else None
    return _command(replace(request, resume=request.save, trace_epochs=left, trace_to=pattern))


def with_parameters(request: TrainRequest) -> str:
    """The same from epoch 0 on, with the parameters that were saved."""
    return _command(replace(_anew(request), resume=request.save))


def of_the_spec(request: TrainRequest) -> str:
    """A training of the spec that was saved, with the options that are not in its text."""
    chosen = request.overrides
    left = Overrides(chosen.epochs, chosen.patience, chosen.stop_at_loss)
    anew = replace(_anew(request), resume=None, data=None, overrides=left)
    return _command(replace(anew, spec=request.save))


def _anew(request: TrainRequest) -> TrainRequest:
    """Without what a new training would write over."""
    return replace(request, log=None, trace_epochs=(), trace_to=None)


def _command(request: TrainRequest) -> str:
    return shlex.join(["backtrace", "train", request.spec, *_options(request)])


def _options(request: TrainRequest) -> Iterator[str]:
    chosen = request.overrides
    values = {name: getattr(chosen, name) for name in Overrides.__struct_fields__}
    shuffle = values.pop("shuffle")
    values |= {
        "trace_epoch": ",".join(map(str, request.trace_epochs)) or None,
        "format": "json" if request.json else None,
    }
    for name in ("data", "log", "save", "checkpoint_every", "trace_to", "width", "resume"):
        values[name] = getattr(request, name)
    if shuffle is not None:
        yield "--shuffle" if shuffle else "--no-shuffle"
    yield from (f"--{name}" for name in ("quiet", "force") if getattr(request, name))
    for plot in request.plots:
        yield from ("--plot", plot)
    for name, value in values.items():
        if value is not None:
            yield from (f"--{name.replace('_', '-')}", str(value))
