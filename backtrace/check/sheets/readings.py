"""Readings of a sheet as a whole: transposed, new weights as the old, one sample, filled up.

Each is tried where something is wrong, and taken where far less is wrong for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import floor, log10

import msgspec
import numpy as np

from backtrace.check.answers.figures import EXACT
from backtrace.check.model import AnswerCell, Answers, Figure, Judged, WrittenQuantity
from backtrace.check.rules.intervals import Floats
from backtrace.check.sheets.digits import (
    decimals_worked,
    fewest_filled_up,
    figures,
    finest_digits,
    kept_decimals,
    kept_digits,
    showing,
)
from backtrace.check.sheets.exercise import Exercise, Key
from backtrace.check.sheets.workings import COARSEST
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
LATER: tuple[tuple[Role, ...], ...] = (  # where the 1/k of the outputs may be left out, together
    ("loss_terms",),
    ("activation_gradient", "delta"),
    ("loss_terms", "activation_gradient", "delta"),
)
NEAR = 4.0  # half units of the last digit, by which the numbers of a sample may be off
THROUGHOUT = "Everything is written transposed: the square matrices are read so too."
SQUARE = "The gradients and the new weights are written transposed: they are read so."
IN_GRADIENTS = "The gradients and the new weights are written transposed: the square ones too."


class SheetReading(msgspec.Struct, frozen=True, eq=False):
    """A sheet as it may have been meant. ``is_convention``: a course may insist on its own;
    ``is_shown``: other quantities had to be read so already."""

    answers: Answers
    is_convention: bool = False
    is_shown: bool = False


def readings(
    answers: Answers, accused: tuple[Judged, ...], exercise: Exercise
) -> Iterator[SheetReading]:
    """What a sheet may have meant as a whole; ``accused`` is what is wrong as it stands."""
    found_so = (_transposed(answers, exercise), _square_ones(answers, accused, exercise))
    outputs = (_outputs_divided_later(answers, exercise, *roles) for roles in LATER)
    for found in (*found_so, _one_sample(answers, exercise), *outputs):
        if found is not None:
            yield found
    renamed = _new_under_old_names(answers, accused, exercise)
    if renamed is not None:
        yield renamed


def filled_up(answers: Answers, exercise: Exercise) -> tuple[Answers, int] | None:
    """Without the zeros that all numbers of a line end in, where many lines are so that would not
    be: -1.4630 was worked to three decimals. Nothing but zeros was worked as the others were. Also
    to how many decimals the finest of those lines was worked."""
    fewest = exercise.asked.decimals or COARSEST
    worked = {_key(each): decimals_worked(each) for each in answers.written}
    telling = [each for each in answers.written if _tells_decimals(each, exercise)]
    least = fewest_filled_up([worked[_key(each)] for each in telling])
    if least is None:
        return None
    shorter = {
        place: max(line.worked, fewest)
        for place, line in worked.items()
        if line.is_filled_up and line.numbers >= least
    }
    usual = max(shorter.values(), default=fewest)
    shorter |= {place: usual for place, line in worked.items() if not line.numbers}
    read = {
        _key(each): _to_fewer(each, shorter[_key(each)])
        for each in answers.written
        if _key(each) in shorter
    }
    return _read_as(answers, read), usual


def _tells_decimals(written: WrittenQuantity, exercise: Exercise) -> bool:
    """Whether the numbers of a line would have other digits than zeros at their end: those of the
    key do, and they are not the parameters as they were."""
    place = _key(written)
    line, key = decimals_worked(written), exercise.values[place]
    if np.allclose(np.round(key, line.worked), np.round(key, line.written), 0.0, 1e-12):
        return False
    if exercise.steps[place].role != "updated":
        return True
    given = place
    while exercise.operands[given]:
        given = exercise.operands[given][0]
    before: list[float] = exercise.values[given].ravel().tolist()
    return [cell.value for cell in figures(written)] != before


def _to_fewer(written: WrittenQuantity, decimals: int) -> WrittenQuantity:
    """Without the zeros behind so many decimals; the texts stay as they are."""

    def shorter(cell: AnswerCell) -> AnswerCell:
        if not isinstance(cell, Figure) or not decimals < cell.decimals < EXACT:
            return cell
        digits = max(cell.digits - (cell.decimals - decimals), 1)
        return Figure(cell.text, cell.value, 0.5 * 10.0**-decimals, decimals, digits)

    cells = tuple(tuple(map(shorter, line)) for line in written.cells)
    return msgspec.structs.replace(written, cells=cells)


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
    said = IN_GRADIENTS if of_weights else THROUGHOUT
    return SheetReading(_read_as(answers, read, said), is_convention=True, is_shown=True)


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


def _outputs_divided_later(
    answers: Answers, exercise: Exercise, *roles: Role
) -> SheetReading | None:
    """With the 1/k of a loss that is averaged over its k outputs as well put to what is written
    without it: its addends, or all of the way back, where it comes in at the end with the 1/n."""
    loss = exercise.spec.loss
    if loss is None or loss.name != "mse_elements":
        return None
    outputs = exercise.spec.layers[-1].units

    def divided(cell: AnswerCell) -> AnswerCell:
        if not isinstance(cell, Figure):
            return cell
        half = cell.half_unit / outputs
        return Figure(cell.text, cell.value / outputs, half, cell.decimals, cell.digits)

    read = {
        _key(each): msgspec.structs.replace(
            each, cells=tuple(tuple(map(divided, line)) for line in each.cells)
        )
        for each in answers.written
        if exercise.steps[_key(each)].role in roles
    }
    names = ", ".join(dict.fromkeys(id for _, _, id in read))
    said = f"{names}: without the 1/{outputs} of the outputs, which comes in later"
    return SheetReading(_read_as(answers, read, said)) if read and outputs > 1 else None


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


def _one_sample(answers: Answers, exercise: Exercise) -> SheetReading | None:
    """With the other samples left out, where quantities hold one sample's numbers alone: those of
    the one that they fit best."""
    axis = exercise.spec.conventions.sample_axis
    lines: dict[Key, tuple[AnswerCell, ...]] = {}
    for each in answers.written:
        shape = exercise.values[_key(each)].shape
        of_samples = exercise.steps[_key(each)].role in OF_SAMPLES
        numbers = tuple(cell for line in each.raw for cell in line)
        is_line = len(each.raw) == 1 or all(len(line) == 1 for line in each.raw)
        if of_samples and is_line and shape[axis] > 1 and len(numbers) == shape[1 - axis]:
            lines[_key(each)] = numbers
    if not lines:
        return None
    samples = min(exercise.values[place].shape[axis] for place in lines)
    sample = max(range(samples), key=lambda at: _right(lines, at, exercise))
    read = {
        _key(each): _of_sample(each, sample, lines[_key(each)], exercise)
        for each in answers.written
        if _key(each) in lines
    }
    names = ", ".join(dict.fromkeys(id for _, _, id in read))
    said = f"{names}: this is sample {sample + 1}; {_others(sample + 1, samples)} missing"
    return SheetReading(_read_as(answers, read, said))


def _right(lines: Mapping[Key, tuple[AnswerCell, ...]], sample: int, exercise: Exercise) -> int:
    """How many numbers are the key's of a sample, to the digits that they have."""
    axis = exercise.spec.conventions.sample_axis
    found = 0
    for place, cells in lines.items():
        values: Floats = np.take(exercise.values[place], sample, axis)
        for cell, value in zip(cells, values.tolist(), strict=True):
            if isinstance(cell, Figure):
                found += abs(cell.value - value) <= NEAR * cell.half_unit
    return found


def _of_sample(
    written: WrittenQuantity, sample: int, numbers: tuple[AnswerCell, ...], exercise: Exercise
) -> WrittenQuantity:
    """A quantity of which a sample is written, and no other."""
    axis = exercise.spec.conventions.sample_axis
    blank: tuple[AnswerCell, ...] = (None,) * len(numbers)
    samples = exercise.values[_key(written)].shape[axis]
    lines = tuple(numbers if at == sample else blank for at in range(samples))
    cells = lines if axis == 0 else tuple(zip(*lines, strict=True))
    return msgspec.structs.replace(written, cells=cells, problem="", raw=())


def _others(sample: int, samples: int) -> str:
    """``sample 2 is``, ``samples 2 to 4 are``, ``the other samples are``."""
    if samples == 2:
        return f"sample {3 - sample} is"
    return f"samples 2 to {samples} are" if sample == 1 else "the other samples are"


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


def with_zeros_of_given(
    written: dict[Key, WrittenQuantity], exercise: Exercise
) -> dict[Key, WrittenQuantity]:
    """With the zeros that new parameters lost which are the given old ones, digit for digit: who
    works 0.9 - 0.1·0.34 to as many decimals as any line of the page does not write 0.9."""
    left: dict[Key, Floats] = {}
    for place in exercise.steps:
        if place in written and exercise.steps[place].role == "updated":
            before = exercise.operands[place][0]
            updated = next(iter(exercise.operands[before]), before)
            old = exercise.values[before] if updated == before else left.get(updated)
            if old is not None and _shows_no_more(written[place], old):
                left[place] = old
    worked = {at: each for at, each in written.items() if at not in left}
    found = showing(worked) if left else []
    if not left or finest_digits(found).decimals == 0:
        return written
    digits, decimals = kept_digits(found), min(kept_decimals(worked).values())
    return written | {at: _to(written[at], decimals, digits) for at in left}


def _shows_no_more(written: WrittenQuantity, given: Floats) -> bool:
    """Whether each number is the given one, and has no more decimals than it needs."""
    numbers = given.ravel().tolist()
    cells = [cell for line in written.cells for cell in line]
    return len(cells) == len(numbers) and all(
        isinstance(cell, Figure)
        and cell.value == number
        and (cell.decimals <= 0 or round(number, cell.decimals - 1) != number)
        for cell, number in zip(cells, numbers, strict=True)
    )


def _to(written: WrittenQuantity, decimals: int, digits: int | None) -> WrittenQuantity:
    """With zeros to so many decimals, or significant digits, at the end of each number."""

    def longer(cell: AnswerCell) -> AnswerCell:
        assert isinstance(cell, Figure)
        before = floor(log10(abs(cell.value))) + 1 if cell.value else 0
        places = decimals if digits is None else max(digits - before, 0)
        if places <= cell.decimals:
            return cell
        half = 0.5 * 10.0**-places
        return Figure(cell.text, cell.value, half, places, max(before + places, 1))

    cells = tuple(tuple(map(longer, line)) for line in written.cells)
    return msgspec.structs.replace(written, cells=cells)


def _read_as(answers: Answers, read: dict[Key, WrittenQuantity], *notes: str) -> Answers:
    written = tuple(read.get(_key(each), each) for each in answers.written)
    return msgspec.structs.replace(answers, written=written, notes=(*answers.notes, *notes))


def _key(written: WrittenQuantity) -> Key:
    return written.epoch, written.batch, written.id
