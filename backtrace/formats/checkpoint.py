"""Where a training stands, as an .npz from which it can be taken up again, and back.

The parameters that are kept and their optimizer's states are arrays under their own ids (``W1``,
``vW1``), so that whatever reads weights reads these; where the training stood elsewhere when it was
saved, it stood at ``last_W1``, …. ``records`` has a row an epoch, and the entry ``backtrace`` says
in JSON what the rest is.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from io import BytesIO
from typing import Any

import msgspec
import numpy as np

from backtrace.formats.weights import npz
from backtrace.functions.array import Array
from backtrace.spec.data.arrays import fraction, texts
from backtrace.spec.data.contents import ArraysFound, read_arrays
from backtrace.spec.data.request import DataError
from backtrace.spec.model import Spec
from backtrace.tape.training import Measured, Progress, Record, State, starting_state

SCHEMA = "backtrace/checkpoint/1"
ENTRY = "backtrace"
RECORDS = "records"
LAST = "last_"

COLUMNS = ("loss", "accuracy", "validation_loss", "validation_accuracy")  # of ``records``


class CheckpointError(DataError):
    """A file from which no training can be taken up again; says what was found."""

    def __init__(self, found: str) -> None:
        super().__init__(found, "a saved training", code="E604")


class Header(msgspec.Struct, frozen=True):
    """The entry ``backtrace``.

    ``epoch`` is where the training stood, ``kept`` the epoch of the parameters that are kept,
    ``best`` whether they were kept for being the best so far; ``columns`` are those of the
    records, ``fingerprint`` is that of the spec.
    """

    epoch: int
    kept: int
    best: bool
    columns: tuple[str, ...]
    fingerprint: dict[str, str]
    schema: str = SCHEMA


def taken_names(ids: Collection[str]) -> list[str]:
    """Those of some parameters that stand for something else in such a file."""
    last = {LAST + id for id in ids}
    return [id for id in ids if id in last or id in (ENTRY, RECORDS)]


def encode(progress: Progress, fingerprint: Mapping[str, str]) -> bytes:
    """The file's content; the same training gives the same bytes."""
    last, best, kept = progress.last, progress.best, progress.kept
    measured = [_row(record) for record in progress.records]
    columns = tuple(measured[0]) if measured else ()
    header = Header(last.epoch, kept.epoch, best is not None, columns, dict(fingerprint))
    arrays = _arrays(kept)
    if kept.epoch != last.epoch:
        arrays |= _arrays(last, LAST)
    rows = [list(row.values()) for row in measured]
    arrays[RECORDS] = np.array(rows, dtype=np.float64).reshape(len(rows), len(columns))
    arrays[ENTRY] = np.frombuffer(msgspec.json.encode(header), dtype=np.uint8)
    return npz(arrays)


def header_of(content: bytes) -> Header | None:
    """What a checkpoint says of itself; None where the file is something else.

    Raises DataError where it is damaged, or of a version that is not known.
    """
    found = (read_arrays(BytesIO(content), [ENTRY], ["npz"]) or {}).get(ENTRY)
    if found is None:
        return None
    try:
        schema = msgspec.json.decode(found.tobytes(), type=dict[str, Any]).get("schema")
        if schema != SCHEMA:
            raise CheckpointError(f"a checkpoint of the schema {schema}; expected {SCHEMA}")
        return msgspec.json.decode(found.tobytes(), type=Header)
    except msgspec.MsgspecError as error:
        raise CheckpointError(f"a damaged checkpoint ({error})") from None


def progress_of(content: bytes, header: Header, spec: Spec) -> Progress:
    """The training that a checkpoint of this very spec holds. Raises DataError."""
    if not 0 <= header.kept <= header.epoch:
        raise CheckpointError(f"epoch {header.kept} kept of {header.epoch}")
    wanted = starting_state(spec).values
    names = [*wanted, *(LAST + id for id in wanted), RECORDS]
    found = read_arrays(BytesIO(content), names, ["npz"]) or {}
    last = kept = _state(found, header.kept, wanted)
    if header.kept != header.epoch:
        last = _state(found, header.epoch, wanted, LAST)
    return Progress(_records(found.get(RECORDS), header), last, kept if header.best else None)


# --- arrays


def _arrays(state: State, prefix: str = "") -> dict[str, Array]:
    return {f"{prefix}{id}": _storable(value) for id, value in state.values.items()}


def _storable(value: Array) -> Array:
    """Fractions as their texts (``17/4``), which no type of NumPy's can hold."""
    if value.dtype != object:
        return value
    return np.array([str(entry) for entry in value.ravel()]).reshape(value.shape)


def _state(found: ArraysFound, epoch: int, wanted: Mapping[str, Array], prefix: str = "") -> State:
    """The parameters and states as the spec's own are, in shape and in type."""
    return State(epoch, {id: _alike(found.get(prefix + id), id, wanted[id]) for id in wanted})


def _alike(found: Array | None, id: str, like: Array) -> Array:
    if found is None or found.shape != like.shape:
        shape = "nothing" if found is None else " × ".join(map(str, found.shape))
        wanted = " × ".join(map(str, like.shape))
        raise CheckpointError(f"{shape} for {id}; expected {wanted}")
    if like.dtype != object:
        if found.dtype != like.dtype:
            raise CheckpointError(f"{id} of the type {found.dtype}; expected {like.dtype}")
        return found
    fractions = np.empty(like.shape, dtype=object)
    fractions.ravel()[:] = [_fraction(text) for text in texts(found)]
    return fractions


def _fraction(text: str) -> Fraction | float:
    try:
        if text in ("inf", "-inf", "nan"):
            return float(text)
        return fraction(text)
    except (ValueError, ZeroDivisionError):
        raise CheckpointError(f"{text[:40]!r} where a fraction belongs") from None


def _records(found: Array | None, header: Header) -> tuple[Record, ...]:
    if found is None or found.shape != (header.epoch, len(header.columns)):
        raise CheckpointError(f"no {RECORDS} of {header.epoch} epochs")
    if found.dtype != np.float64 or not np.isfinite(found).all():
        raise CheckpointError(f"{RECORDS} that are no finite numbers")
    if header.epoch and not {"loss"} <= set(header.columns) <= set(COLUMNS):
        raise CheckpointError(f"{RECORDS} with the columns {', '.join(header.columns) or 'none'}")
    rows = [dict(zip(header.columns, row, strict=True)) for row in found.tolist()]
    return tuple(_record(epoch, row) for epoch, row in enumerate(rows))


def _row(record: Record) -> dict[str, float]:
    """What was measured, by column; what was not has none."""
    sets = [record.training, record.validation]
    found = [value for each in sets if each for value in (each.loss, each.accuracy)]
    return {name: value for name, value in zip(COLUMNS, found, strict=False) if value is not None}


def _record(epoch: int, row: Mapping[str, float]) -> Record:
    training = Measured(row["loss"], row.get("accuracy"))
    if "validation_loss" not in row:
        return Record(epoch, training)
    return Record(epoch, training, Measured(row["validation_loss"], row.get("validation_accuracy")))
