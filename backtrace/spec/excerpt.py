"""A few of a spec's samples as a spec of their own."""

from __future__ import annotations

import msgspec

from backtrace.spec.model import Spec, Validation


def excerpt(spec: Spec, first: int, last: int, *, held_out: bool = False) -> Spec:
    """The spec with the samples ``first`` to ``last`` alone (from 1), in one batch of one epoch.

    They are those of the data, or with ``held_out`` those that no update sees, of which there
    must be some. The numbers are not checked.
    """
    data: Spec | Validation = spec.validation if held_out and spec.validation else spec
    samples, layout, loss = slice(first - 1, last), spec.conventions.layout, spec.loss
    if loss is not None and loss.upstream is not None:
        upstream = loss.upstream.samples(samples, layout)
        loss = msgspec.structs.replace(loss, upstream=upstream)
    return msgspec.structs.replace(
        spec,
        inputs=data.inputs.samples(samples, layout),
        targets=None if data.targets is None else data.targets.samples(samples, layout),
        loss=loss,
        batch_size=None,
        epochs=1,
        shuffle=False,
        validation=None,
    )
