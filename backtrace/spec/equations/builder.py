"""The document of a spec of equations → a Spec, or every problem of it at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec.structs import replace

from backtrace.spec.document.fields import Fields, fields
from backtrace.spec.document.problems import Problems, SpecError
from backtrace.spec.document.reader import YamlDocument
from backtrace.spec.document.vocabulary import EQUATION_KEYS, TOP_KEYS
from backtrace.spec.equations.misfits import MisfitError
from backtrace.spec.equations.reading import note_misfits, read_equations
from backtrace.spec.model import Conventions, Matrix, Spec
from backtrace.spec.read.conventions import (
    read_answer_digits,
    read_arithmetic,
    read_conventions,
    read_decimals,
    read_notation_of_equations,
)
from backtrace.spec.read.quantities.named_quantities import with_named
from backtrace.spec.read.quantities.quantity_ids import QuantityIds
from backtrace.spec.read.training import (
    MOST_EPOCHS,
    read_clip,
    read_optimizer,
    read_schedule,
    read_training,
)
from backtrace.spec.wording import title_of

if TYPE_CHECKING:
    from backtrace.spec.document.folders import Folders
    from backtrace.spec.read.quantities.quantity_ids import ShapesOf

LARGEST_SEED = 2**32 - 1
_INSTEAD = {
    "layers": "A spec has layers or equations.",
    **dict.fromkeys(("inputs", "targets"), "Write the numbers under `given:`, each with a name."),
    "freeze": "`parameters:` names what an update changes.",
    "regularization": "Write the penalty into the loss: `L = … + 0.1 * sum(W^2)`.",
}


def build_equations(document: YamlDocument, folders: Folders, shapes_of: ShapesOf) -> Spec:
    """The spec that a document with ``equations`` says. Raises SpecError with all problems."""
    problems = document.problems
    top = fields(problems, document.root, "a spec", (*EQUATION_KEYS, *TOP_KEYS))
    assert top is not None  # a mapping with the key
    for key in top.node.entries:
        if key in TOP_KEYS and key not in EQUATION_KEYS:
            expected = "what goes with equations"
            mend = _INSTEAD.get(key, "It belongs to networks of layers.")
            problems.add(top.key(key), f"`{key}` beside `equations`", expected, mend, code="E116")
    spec = _read(problems, top, folders)
    if spec is not None and not problems.found:
        spec = _settled(problems, top, spec, shapes_of)
    problems.raise_any()
    if spec is None:
        raise SpecError(problems.found)
    return spec


def _read(problems: Problems, top: Fields, folders: Folders) -> Spec | None:
    arithmetic = read_arithmetic(problems, top.get("arithmetic"))
    conventions = _conventions(problems, top)
    seed = top.whole("seed", 0, 0, LARGEST_SEED) if "seed" in top else None
    folders = replace(folders, dtype=arithmetic.dtype)
    equations = read_equations(problems, top, folders, conventions, seed)
    schedule = read_schedule(problems, top.get("schedule"))
    training_epochs, stop = read_training(problems, top.get("training"), None)
    title = title_of(problems.file)
    spec = Spec(
        title=top.text("title", title),
        source=top.text("source", ""),
        layers=(),
        inputs=Matrix(np.empty((0, 0))),
        optimizer=read_optimizer(problems, top, schedule),
        schedule=schedule,
        clip=read_clip(problems, top.get("clip")),
        conventions=conventions,
        notation=read_notation_of_equations(problems, top.get("notation")),
        arithmetic=arithmetic,
        decimals=read_decimals(problems, top.get("display")),
        epochs=top.whole("epochs", 1, 1, MOST_EPOCHS),
        training_epochs=training_epochs,
        stop=stop,
        answer_digits=read_answer_digits(problems, top.get("answers")),
        accept=top.choice("accept", ("conventions", "none"), "conventions"),  # type: ignore[arg-type]
        seed=seed,
        equations=equations,
    )
    if equations is None:
        return None
    climbs = replace(conventions, sign="descent") if equations.maximize else conventions
    return replace(spec, conventions=climbs)


def _conventions(problems: Problems, top: Fields) -> Conventions:
    """Only the layout means something here: an equation says all else itself."""
    node = top.get("conventions")
    entries = node and fields(problems, node, "`conventions` of equations", ("layout",))
    return read_conventions(problems, node) if entries else Conventions()


def _settled(problems: Problems, top: Fields, spec: Spec, shapes_of: ShapesOf) -> Spec | None:
    """The spec with what it names, its shapes agreed."""
    try:
        shapes_of(spec, 1)
    except MisfitError as error:
        note_misfits(problems, error.misfits)
        return None
    quantities = QuantityIds(problems, 0, spec, shapes_of)
    return with_named(top, spec, quantities)
