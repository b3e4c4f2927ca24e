"""What of a trace a reader asked to see: which updates, which steps, which sample."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from backtrace.notation.equations.titles import is_of_equations
from backtrace.notation.symbols import Symbols
from backtrace.notation.text import to_ascii
from backtrace.page.board import is_board, objective
from backtrace.spec import ids
from backtrace.spec.ids import family
from backtrace.tape.trace import Trace, TracedStep

MOST_ENTRIES = 20_000  # that a page works out one by one: a few seconds, and a book to read
FEW_UPDATES = 4  # this many are shown without being asked for
MARKS = re.compile(r"[\s_^()\[\]]")
OF_SAMPLES = frozenset(["a", "y", "product", "z", "error", "loss_terms", "da", "g", "delta"])


class Selection(msgspec.Struct, frozen=True):
    """``only`` holds ids (``delta2``) or families of them (``delta``, ``W_new``); ``sample`` and
    ``layer`` count from 1; ``epochs`` is how many epochs to show; None and () mean all."""

    only: tuple[str, ...] = ()
    layer: int | None = None
    sample: int | None = None
    epochs: int | None = None
    full: bool = False


EVERYTHING = Selection()


def resolved(trace: Trace, selection: Selection) -> Selection:
    """The selection with its names as the trace has them: ``delta_2``, ``δ₂`` are ``delta2``.

    What means nothing, or more than one thing, stays as it is: ``problems`` speaks of it.
    """
    names = selection.only
    if not names:
        return selection
    spelt = spellings(trace)
    return msgspec.structs.replace(selection, only=tuple(meant(name, spelt) for name in names))


def problems(trace: Trace, selection: Selection) -> list[str]:
    """What a selection asks for that the trace does not have, in words."""
    known = dict.fromkeys(name for step in trace for name in (step.id, family(step.id)))
    names = [name for name in selection.only if name not in known]
    found = [f"--only {name}: {_why_not(name, trace, known)}" for name in names]
    if is_board(trace):
        return [*found, *_of_layers_only(selection)] or _nothing(trace, selection)
    layers = max((step.layer or 0 for step in trace), default=0)
    if selection.layer is not None and not 1 <= selection.layer <= layers:
        found.append(f"--layer {selection.layer}: the layers are 1 to {layers}")
    samples = max((max(step.sample_numbers) for step in trace if step.id == "a0"), default=0)
    if selection.sample is not None and not 1 <= selection.sample <= samples:
        found.append(f"--sample {selection.sample}: the samples are 1 to {samples}")
    return found or _nothing(trace, selection)


def _of_layers_only(selection: Selection) -> list[str]:
    asked = {"--layer": selection.layer, "--sample": selection.sample}
    return [
        f"{option} {number}: equations have no {option[2:]}s; --only shows some of their names"
        for option, number in asked.items()
        if number is not None
    ]


def spellings(trace: Trace) -> set[tuple[str, str]]:
    """What a quantity or a family may be called, each with its id: by ids and as it is printed."""
    symbols = Symbols.of(trace)
    ids = {step.id for step in trace}
    found = {(name, name) for name in ids | set(map(family, ids))}
    return found | {(symbols.name(id), id) for id in ids}


def meant(name: str, spelt: set[tuple[str, str]]) -> str:
    for folded in (str, _folded):
        found = {id for spelling, id in spelt if folded(spelling) == folded(name)}
        if found:
            return found.pop() if len(found) == 1 else name
    return name


def _folded(name: str) -> str:
    """What is the same for ``delta_2``, ``Delta2``, ``δ₂`` and ``δ^(2)``."""
    return MARKS.sub("", to_ascii(unicodedata.normalize("NFKC", name))).lower()


def without_gradient(name: str, trace: Trace) -> str:
    """Why a name of the board has no gradient, where one is asked for that there is not."""
    steps = trace.update(*trace.updates[0])
    names = [id for id, step in steps.items() if step.role == "named" and not ids.is_part(id)]
    of = next((id for id in names if _folded(ids.gradient(id)) == _folded(name)), None)
    goal = objective(trace)
    if of is None:
        return ""
    if goal is None or ids.gradient(goal.id) not in steps:
        return f"{of} has no gradient: nothing is differentiated"
    reached = {goal.id}
    for id in reversed(list(steps)):
        reached |= set(steps[id].operands) if id in reached else set()
    if of in reached and steps[of].phase == "given":
        return f"{of} is a constant and has no gradient"
    return f"{of} has no gradient: {goal.id} does not depend on it"


def _why_not(name: str, trace: Trace, known: Iterable[str]) -> str:
    base = re.split(r"[\[(]", name)[0]
    whole = f"--only takes whole quantities, such as {base}" if base in known else ""
    return without_gradient(name, trace) or whole or unknown(name, known)


def unknown(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    folded = {_folded(each): each for each in known}
    near = get_close_matches(_folded(name), folded, 1)
    question = f"; did you mean {folded[near[0]]}?" if near else ""
    return f"there is no such quantity{question}"


def _nothing(trace: Trace, selection: Selection) -> list[str]:
    """Why nothing is left to show, where nothing is."""
    if any(_wanted(traced, selection) for traced in trace):
        return []
    everywhere = msgspec.structs.replace(selection, layer=None)
    elsewhere = any(_wanted(traced, everywhere) for traced in trace)
    where = f"is in layer {selection.layer}" if elsewhere else "belongs to a single sample"
    return [f"--only {','.join(selection.only)}: nothing of that {where}"]


def updates(trace: Trace, selection: Selection) -> tuple[list[tuple[int, int]], int]:
    """The (epoch, batch) of the updates to show, and how many between them are left out.

    Of many, the first ones and the last are shown, unless epochs or all are asked for.
    """
    every = [place for place in trace.updates if _has_sample(trace, place, selection.sample)]
    if selection.epochs is not None:
        return [place for place in every if place[0] <= selection.epochs], 0
    if len(every) <= FEW_UPDATES or selection.full:
        return every, 0
    shown = [*every[: FEW_UPDATES - 2], every[-1]]
    return shown, len(every) - len(shown)


def _has_sample(trace: Trace, place: tuple[int, int], sample: int | None) -> bool:
    return sample is None or sample_index(trace.update(*place)["a0"], sample) is not None


def sample_index(inputs: TracedStep, sample: int) -> int | None:
    """Where a sample, counted in the whole data from 1, stands in an update; None if elsewhere."""
    numbers = inputs.sample_numbers
    return numbers.index(sample) if sample in numbers else None


def too_long(trace: Trace, selection: Selection) -> list[str]:
    """Why not every entry that is asked for is written out, where there are very many."""
    shown = (
        traced
        for place in updates(trace, selection)[0]
        for _, traced in steps(trace, place, selection)
        if traced.phase != "given"
    )
    entries = sum(math.prod(traced.shape) for traced in shown)
    if not selection.full or entries <= MOST_ENTRIES:
        return []
    told = f"{entries:,} sums to write out, and at most {MOST_ENTRIES:,} are"
    instead = "Choose some by --only or --layer, leave --full out, or take --format json"
    return [f"--detail entries --full: {told}. {instead}"]


def steps(
    trace: Trace, place: tuple[int, int], selection: Selection
) -> Iterator[tuple[str, TracedStep]]:
    """The steps of one update to show, each with its number among those that are worked."""
    for number, traced in _numbered(trace.update(*place).values()):
        if _wanted(traced, selection):
            yield number, traced


def _numbered(update: Iterable[TracedStep]) -> Iterator[tuple[str, TracedStep]]:
    """``4``; the parts of a compound line lead up to it as 4.1, 4.2. What is given has none."""
    number, parts, phase = 1, 0, ""
    for traced in update:
        if traced.phase != phase:  # a part that leads to nothing is a step by itself
            number, parts, phase = number + bool(parts), 0, traced.phase
        if traced.phase == "given":
            yield "", traced
        elif ids.is_part(traced.id):
            parts += 1
            yield f"{number}.{parts}", traced
        else:
            yield str(number), traced
            number, parts = number + 1, 0


def _wanted(traced: TracedStep, selection: Selection) -> bool:
    if selection.only and not {traced.id, family(traced.id)} & set(selection.only):
        return False
    if selection.layer is not None and traced.layer != selection.layer:
        return False
    given = traced.phase == "given"
    return selection.sample is None or given or family(traced.id) in OF_SAMPLES


def chosen(trace: Trace, selection: Selection) -> Trace:
    """A trace of the chosen steps alone, of every update there is, for readers that leave out none.

    With a sample, values are cut down to it, and what belongs to no sample is left out.
    """
    kept = []
    for place in trace.updates:
        if selection.epochs is not None and place[0] > selection.epochs:
            continue
        if _has_sample(trace, place, selection.sample):
            kept += [_cut(trace, traced, selection) for _, traced in steps(trace, place, selection)]
    return msgspec.structs.replace(trace, steps=tuple(kept))


def _cut(trace: Trace, traced: TracedStep, selection: Selection) -> TracedStep:
    if selection.sample is None:
        return traced
    value = one_sample(trace, traced, selection.sample)
    step = msgspec.structs.replace(traced.step, shape=value.shape)
    return msgspec.structs.replace(traced, step=step, value=value)


def one_sample(trace: Trace, traced: TracedStep, sample: int) -> Any:
    """The part of a value that belongs to a sample; what belongs to no sample is returned whole."""
    part = sample_slice(trace, traced, sample)
    if part is None:
        return traced.value
    return traced.value[part] if trace.conventions.layout == "rows" else traced.value[:, part]


def sample_slice(trace: Trace, traced: TracedStep, sample: int) -> slice | None:
    """The rows (in columns layout the columns) of a sample, counted in the whole data from 1.

    A softmax Jacobian's samples are stacked. None for what belongs to no sample.
    """
    inputs = trace.update(traced.epoch, traced.batch)["a0"]
    index = sample_index(inputs, sample)
    if index is None or family(traced.id) not in OF_SAMPLES:
        return None
    axis = trace.conventions.sample_axis
    size = traced.shape[axis] // inputs.shape[axis]
    return slice(index * size, (index + 1) * size)


PRINCIPAL = frozenset(["y", "z", "a", "loss", "delta", "dW", "db", "dalpha", "loss_after"])


def is_principal(traced: TracedStep) -> bool:
    """Whether a quantity belongs on the screen when nothing in particular is asked for."""
    if is_of_equations(traced.step):
        return traced.phase != "given" and traced.role != "share" and not ids.is_part(traced.id)
    return family(traced.id) in PRINCIPAL or traced.role in ("updated", "loss_after")
