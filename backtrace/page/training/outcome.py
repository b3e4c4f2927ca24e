"""What there is to say of a training that has ended, for every page that says it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.notation.numbers import cells, number
from backtrace.notation.symbols import Symbols
from backtrace.page import header
from backtrace.page.inert import inert
from backtrace.page.lines.change import IN_A_TABLE, telling_decimals
from backtrace.page.training.advice import doubts, remedies, what_happened
from backtrace.page.training.chart import Chart, losses
from backtrace.page.training.confusion import Confusion, confusion_of, percent
from backtrace.spec.excerpt import excerpt
from backtrace.spec.model import Arithmetic, Spec
from backtrace.spec.wording import listed
from backtrace.tape.parameters import trained_ids
from backtrace.tape.run import trace
from backtrace.tape.trace import Trace
from backtrace.tape.training import Record, State, Training

MOST_ROWS = 8  # of the table of epochs
LOSS_DECIMALS = 4  # at least


class Outcome(msgspec.Struct, frozen=True, eq=False):
    """A training in words and rows.

    ``table`` has its heading first; ``marked`` is the row (from 0, without the heading) of the
    epoch that is kept, unless it is only what a diverged training has left. ``diverged`` is empty
    where the numbers stayed where they can, ``doubts`` are reasons to think that nothing was
    learnt; where there is neither, ``tries`` is empty.
    """

    title: str
    architecture: str
    facts: list[str]
    table: list[list[str]]
    marked: int | None
    ended: str
    kept: str
    diverged: str
    doubts: list[str]
    tries: list[str]
    chart: Chart
    confusion: Confusion | None
    symbols: Symbols


def outcome(
    spec: Spec, training: Training, outputs: Array | None = None, behind: int | None = None
) -> Outcome:
    """What there is to say. ``outputs`` are the last activations with the kept parameters.

    They have a sample a row and are those of the held-out samples where there are any, else of
    all; they are needed for the confusions of classes only. ``behind`` are the epochs that a
    training which was taken up had behind it, None where it has begun here.
    """
    sketch = _sketch(spec)
    symbols = Symbols.of(sketch)
    kept = _marked(training)
    shown = _shown(training.records, kept)
    well = training.divergence is None
    praised = kept if well else None
    confusion = confusion_of(spec, outputs)
    doubted = doubts(spec, training, confusion) if well else []
    return Outcome(
        title=inert(spec.title),
        architecture=header.architecture(sketch),
        facts=[*_facts(spec, sketch, symbols), *_amounts(spec)],
        table=_table(spec, shown),
        marked=next((at for at, record in enumerate(shown) if record.epoch == praised), None),
        ended=_ended(spec, training, behind),
        kept=_kept(spec, training.state, training),
        diverged="" if well else what_happened(spec, training, sketch),
        doubts=doubted,
        tries=[] if well and not doubted else remedies(spec),
        chart=_chart(spec, training, praised),
        confusion=confusion,
        symbols=symbols,
    )


def _sketch(spec: Spec) -> Trace:
    """One sample's trace, for its shapes: in floats, which diverge where fractions have no end."""
    one = trace(msgspec.structs.replace(excerpt(spec, 1, 1), arithmetic=Arithmetic()))
    return msgspec.structs.replace(one, arithmetic=spec.arithmetic)


def _chart(spec: Spec, training: Training, kept: int | None) -> Chart:
    found = losses(training.records, kept)
    return msgspec.structs.replace(found, of=spec.followed) if spec.climbs else found


def _marked(training: Training) -> int | None:
    """The epoch to mark: the kept one, where that is not simply the last."""
    kept, last = training.state.epoch, training.records[-1].epoch if training.records else 0
    return kept if kept < last else None


def _facts(spec: Spec, sketch: Trace, symbols: Symbols) -> list[str]:
    """Those of the network; of equations how they are trained, for none of their lines is shown."""
    if spec.equations is None:
        return header.facts(sketch, symbols)
    names = [symbols.name(id) for id in trained_ids(spec)]
    change = f"{listed(names, 'and')} {'change' if names[1:] else 'changes'}"
    way = f"{symbols.name(spec.equations.objective)} {'grows' if spec.climbs else 'falls'}"
    return [f"{change} so that {way}", *header.settings(sketch, symbols)]


def _amounts(spec: Spec) -> list[str]:
    """How many samples, updates and held-out samples there are; equations have no samples."""
    if spec.equations is not None:
        return []
    updates = spec.batches
    each = f"{spec.batch_size:,} at a time" if spec.batch_size and updates > 1 else ""
    order = "in another order every epoch" if spec.shuffle else ""
    found = [", ".join(filter(None, [_counted(spec.samples, "sample"), each, order]))]
    if updates > 1:
        found.append(f"{updates:,} updates an epoch")
    if spec.validation is not None:
        found.append(f"{_counted(spec.held_out_samples, 'sample')} held out")
    if spec.freeze:
        found.append(f"{', '.join(sorted(spec.freeze))} left as given")
    return found


def _counted(number: int, what: str) -> str:
    return f"1 {what}" if number == 1 else f"{number:,} {what}s"


# --- the epochs


def _shown(records: Sequence[Record], kept: int | None) -> list[Record]:
    """The first, the last, the kept one and some in between, evenly spaced."""
    last = len(records) - 1
    chosen = {round(at * last / (MOST_ROWS - 1)) for at in range(MOST_ROWS)}
    if kept is not None:
        chosen.add(kept)
    return [record for at, record in enumerate(records) if at in chosen]


def _table(spec: Spec, records: Sequence[Record]) -> list[list[str]]:
    """A row an epoch: epoch, loss, share right, and both of the held-out samples."""
    decimals = spec.decimals
    held = [record.validation for record in records if record.validation is not None]
    measured = [record.training for record in records]
    columns = [["epoch", *(f"{record.epoch:,}" for record in records)]]
    columns.append([spec.followed, *_losses([each.loss for each in measured], decimals)])
    if any(each.accuracy is not None for each in measured):
        columns.append(["correct", *(_share(each.accuracy) for each in measured)])
    if held:
        columns.append(["held-out loss", *_losses([each.loss for each in held], decimals)])
        if any(each.accuracy is not None for each in held):
            columns.append(["correct", *(_share(each.accuracy) for each in held)])
    return [list(row) for row in zip(*columns, strict=True)]


def _losses(values: Sequence[float], decimals: int) -> list[str]:
    column = np.array(values, dtype=np.float64).reshape(-1, 1)
    told = telling_decimals(values, max(decimals, LOSS_DECIMALS), IN_A_TABLE)
    return [row[0] for row in cells(column, told)]


def _share(share: float | None) -> str:
    return "" if share is None else percent(share)


# --- why it ended, and what is kept


def _ended(spec: Spec, training: Training, behind: int | None) -> str:
    epochs = _counted(training.progress.last.epoch, "epoch")
    if training.ended == "interrupted":
        return f"Interrupted after {epochs}."
    if training.ended == "diverged":
        return f"Diverged after {epochs}."
    reason, more = _reason(spec, training)
    if training.records and training.records[-1].epoch == behind:
        return f"Nothing left to do. {reason}; {more} goes on."
    if training.progress.last.epoch == 1:  # what a spec has that says nothing of epochs
        return f"{reason}; {more} goes on."
    return f"{reason}."


def _reason(spec: Spec, training: Training) -> tuple[str, str]:
    """Why it ended, and the option that would have let it go on."""
    last = training.progress.last.epoch
    stopped = f"Stopped after {_counted(last, 'epoch')}"
    if training.ended == "patience":
        waited = _counted(spec.stop.patience or 0, "epoch")
        return f"{stopped}: the last {waited} brought nothing better", "a larger --patience"
    if training.ended == "loss":
        record, enough = training.records[-1], spec.stop.loss
        reached = number(record.judged.loss, max(spec.decimals, LOSS_DECIMALS))
        which = "the held-out loss" if record.validation is not None else _subject(spec)
        assert enough is not None
        further = f"a {'higher' if spec.climbs else 'lower'} --stop-at-loss"
        return f"{stopped}: {which} is {reached}, and {enough.text} is enough", further
    done = f"all {last:,} epochs" if last > 1 else "the only epoch" if last else "without an epoch"
    return f"Finished {done}", "a larger --epochs"


def _subject(spec: Spec) -> str:
    """``the loss``; what is maximized is a name."""
    return spec.followed if spec.climbs else f"the {spec.followed}"


def _kept(spec: Spec, state: State, training: Training) -> str:
    record = training.kept
    if not training.records:
        return "The parameters stay as the spec gives them."
    if record is None or state.epoch >= training.records[-1].epoch:
        return "The parameters after the last epoch are kept."
    reached = number(record.judged.loss, max(spec.decimals, LOSS_DECIMALS))
    which = "held-out loss" if record.validation is not None else spec.followed
    if training.ended == "diverged" and not spec.keeps_best:
        why = "the last one that was finite"
    else:
        why = "the best one"
    return f"The parameters after epoch {state.epoch:,}, {why}, are kept: {which} {reached}."
