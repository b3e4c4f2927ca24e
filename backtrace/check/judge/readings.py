"""Readings of a sheet as a whole: transposed throughout, new weights as the old, one sample.

Each is tried where something is wrong, and taken where far less is wrong for it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from backtrace.check.judge.exercise import Exercise, Key
from backtrace.check.model import AnswerCell, Answers, Judged, WrittenQuantity
from backtrace.spec.ids import Role, id_of

Cells = tuple[tuple[AnswerCell, ...], ...]

OF_SAMPLES: tuple[Role, ...] = (
    "product",
    "preactivation",
    "activation",
    "error",
    "loss_terms",
    "activation_gradient",
    "slope",
    "delta",
)
OF_WEIGHTS: tuple[Role, ...] = (
    "data_gradient",
    "gradient",
    "state",
    "corrected_state",
    "step",
    "updated",
)
THROUGHOUT = "Everything is written transposed: the square matrices are read so too."
SQUARE = "The gradients and the new weights are written transposed: they are read so."
IN_GRADIENTS = "The gradients and the new weights are written transposed: the square ones too."


class SheetReading(msgspec.Struct, frozen=True, eq=False):
    """A sheet as it may have been meant. ``is_convention``: a course may insist on its own."""

    answers: Answers
    is_convention: bool = False


def readings(
    answers: Answers, accused: tuple[Judged, ...], exercise: Exercise
) -> Iterator[SheetReading]:
    """What a sheet may have meant as a whole; ``accused`` is what is wrong as it stands."""
    found_so = (_transposed(answers, exercise), _square_ones(answers, accused, exercise))
    for found in (*found_so, _first_sample(answers, exercise)):
        if found is not None:
            yield found
    renamed = _new_under_old_names(answers, accused, exercise)
    if renamed is not None:
        yield renamed


def _transposed(answers: Answers, exercise: Exercise) -> SheetReading | None:
    """With its square matrices turned, where all others that they go with had to be turned."""
    turned = [each for each in answers.written if each.turned]
    if not turned:
        return None
    of_weights = all(_is_of_weights(exercise, _key(each)) for each in turned)

    def belongs(written: WrittenQuantity) -> bool:
        place = _key(written)
        is_kin = _is_of_weights(exercise, place) or not of_weights
        return bool(written.cells) and is_kin and not exercise.is_given(place)

    kin = [each for each in answers.written if belongs(each)]
    if any(_is_oblong(each) and not each.turned for each in kin):
        return None
    read = {_key(each): _turned(each) for each in kin if _is_square(each) or each.turned}
    return SheetReading(
        _read_as(answers, read, IN_GRADIENTS if of_weights else THROUGHOUT), is_convention=True
    )


def _square_ones(
    answers: Answers, accused: tuple[Judged, ...], exercise: Exercise
) -> SheetReading | None:
    """With all square matrices of weights turned, where new weights are wrong beside another. Those
    of who has but a gradient the wrong way round follow from it, and the old ones, as they stand.
    """
    kin = {
        _key(each): each
        for each in answers.written
        if each.cells and _is_of_weights(exercise, _key(each))
    }
    wrong = {(each.epoch, each.batch, each.id) for each in accused} & kin.keys()
    new = any(exercise.steps[place].role == "updated" for place in wrong)
    if not new or len(wrong) < 2 or not all(map(_is_square, kin.values())):
        return None
    read = {place: _turned(each) for place, each in kin.items()}
    return SheetReading(_read_as(answers, read, SQUARE), is_convention=True)


def _turned(written: WrittenQuantity) -> WrittenQuantity:
    """Turned if it is square; the note on an oblong one is said once, for the sheet."""
    cells = tuple(zip(*written.cells, strict=True)) if _is_square(written) else written.cells
    notes = tuple(note for note in written.notes if note != written.turned)
    return msgspec.structs.replace(written, cells=cells, notes=notes, turned="")


def _is_of_weights(exercise: Exercise, place: Key) -> bool:
    step = exercise.steps[place]
    owner = exercise.steps.get((*place[:2], step.of))
    return step.role in OF_WEIGHTS and owner is not None and owner.role == "weight"


def _is_square(written: WrittenQuantity) -> bool:
    return len(written.cells) == len(written.cells[0]) > 1


def _is_oblong(written: WrittenQuantity) -> bool:
    rows, columns = len(written.cells), len(written.cells[0])
    return rows != columns and min(rows, columns) > 1


def _first_sample(answers: Answers, exercise: Exercise) -> SheetReading | None:
    """With the other samples left out, where quantities hold one sample's numbers alone."""
    axis = exercise.spec.conventions.sample_axis
    read = {}
    for each in answers.written:
        shape = exercise.values[_key(each)].shape
        of_samples = exercise.steps[_key(each)].role in OF_SAMPLES
        is_line = len(each.raw) == 1 or all(len(line) == 1 for line in each.raw)
        if not (of_samples and is_line and shape[axis] > 1):
            continue
        numbers = tuple(cell for line in each.raw for cell in line)
        if len(numbers) == shape[1 - axis]:
            samples: Cells = (numbers, *((None,) * len(numbers),) * (shape[axis] - 1))
            cells = samples if axis == 0 else tuple(zip(*samples, strict=True))
            read[_key(each)] = msgspec.structs.replace(each, cells=cells, problem="", raw=())
    if not read:
        return None
    samples_of = exercise.values[next(iter(read))].shape[axis]
    others = "sample 2 is" if samples_of == 2 else f"samples 2 to {samples_of} are"
    names = ", ".join(dict.fromkeys(id for _, _, id in read))
    return SheetReading(_read_as(answers, read, f"{names}: this is sample 1; {others} missing"))


def _new_under_old_names(
    answers: Answers, accused: tuple[Judged, ...], exercise: Exercise
) -> SheetReading | None:
    """With the given parameters that are not as given read as the new ones, as in "W := W − …"."""
    written = {_key(each) for each in answers.written}
    read, names = {}, []
    for each in answers.written:
        place, new = _key(each), id_of("updated", of=each.id)
        is_other = any((judged.epoch, judged.batch, judged.id) == place for judged in accused)
        free = (*place[:2], new) in exercise.steps and (*place[:2], new) not in written
        if exercise.is_given(place) and is_other and free:
            read[place] = msgspec.structs.replace(each, id=new)
            names.append((each.id, new))
    if not read:
        return None
    old, new = (", ".join(each) for each in zip(*names, strict=True))
    return SheetReading(_read_as(answers, read, f'{old} (as in "W := W − …") is read as {new}'))


def _read_as(answers: Answers, read: dict[Key, WrittenQuantity], note: str) -> Answers:
    written = tuple(read.get(_key(each), each) for each in answers.written)
    return msgspec.structs.replace(answers, written=written, notes=(*answers.notes, note))


def _key(written: WrittenQuantity) -> Key:
    return written.epoch, written.batch, written.id
