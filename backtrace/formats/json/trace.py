"""A trace as JSON (``backtrace/trace/1``), and back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from backtrace.formats.json.text import json_text
from backtrace.functions.formula import Expr, Ref, row
from backtrace.functions.number import Number
from backtrace.notation.latex import latex
from backtrace.notation.notes import notes
from backtrace.notation.steps import equation, title
from backtrace.notation.symbols import IDS, Symbols
from backtrace.notation.text import sentence_text, text
from backtrace.page.selection import Selection, chosen
from backtrace.spec import ids
from backtrace.spec.error_codes import ErrorCode
from backtrace.spec.model import Arithmetic, Conventions, Notation
from backtrace.spec.read.conventions import ARITHMETIC
from backtrace.tape.steps import Step
from backtrace.tape.trace import Trace, TracedStep

if TYPE_CHECKING:
    from backtrace.page.trace import View

SCHEMA = "backtrace/trace/1"
NON_FINITE = {"inf": np.inf, "-inf": -np.inf, "nan": np.nan}
EVERYTHING = Selection()
FRACTION = re.compile(r"-?\d+/\d+")


class TraceFormatError(ValueError):
    """A text that is not a trace of this schema; says what was expected instead."""

    def __init__(self, message: str, code: ErrorCode = "E601") -> None:
        super().__init__(message)
        self.code = code


def encode(trace: Trace, selection: Selection = EVERYTHING) -> str:
    """A trace, or what is selected of it, as JSON text: full precision, non-finite values and
    fractions as strings."""
    return json_text(as_document(trace, selection), _number)


def exported(trace: Trace, view: View) -> str:
    """The part of a trace that a view selects, as a file; what is printed has its decimals."""
    if view.decimals is not None:
        trace = msgspec.structs.replace(trace, decimals=view.decimals)
    return encode(trace, view.selection) + "\n"


def as_document(trace: Trace, selection: Selection = EVERYTHING) -> dict[str, Any]:
    """The trace as plain dictionaries and lists, in the order of the schema."""
    symbols = Symbols.of(trace)
    return {
        "schema": SCHEMA,
        "title": trace.title,
        "source": trace.source,
        "conventions": msgspec.to_builtins(trace.conventions),
        "notation": msgspec.to_builtins(trace.notation),
        "arithmetic": _arithmetic(trace.arithmetic),
        "display": {"decimals": trace.decimals},
        "steps": [_step(step, trace, symbols) for step in chosen(trace, selection)],
    }


def _number(value: Any) -> Any:
    """A parameter as it was written where it is a fraction, else as a float."""
    if isinstance(value, Number):
        return value.text if FRACTION.fullmatch(value.text) else float(value)
    raise TypeError(f"{type(value).__name__} has no place in a trace")


def _arithmetic(arithmetic: Arithmetic) -> Any:
    if arithmetic.kind == "rounded":
        return {"round_each_step": arithmetic.decimals}
    return arithmetic.kind


def _step(traced: TracedStep, trace: Trace, symbols: Symbols) -> dict[str, Any]:
    step = traced.step
    formula: Expr = row(Ref(step.id))
    if step.operation != "given":
        formula = equation(traced, trace, symbols).formula
    parameters = {
        name: _number(value) if isinstance(value, Number) else value
        for name, value in step.parameters.items()
    }
    return {
        "epoch": step.epoch,
        "batch": step.batch,
        "id": step.id,
        "phase": step.phase,
        "layer": step.layer,
        "title": title(step),
        "formula": {
            "text": text(formula, symbols, trace.decimals),
            "latex": latex(formula, symbols, trace.decimals),
        },
        "operation": step.operation,
        "operands": list(step.operands),
        "parameters": parameters,
        "shape": list(step.shape),
        "value": plain(traced.value),
        "notes": [
            sentence_text(note.sentence, IDS)
            for note in notes(trace.update(step.epoch, step.batch)[step.id], trace)
            if note.kind != "units_off"
        ],
    }


def plain(value: Any) -> Any:
    """A value as nested lists of JSON numbers; fractions, inf and nan as strings; never −0."""
    if value.dtype == object:
        return value.astype(str).tolist()
    whole = (value + 0.0).tolist()  # −0 + 0 is 0
    if np.isfinite(value).all():
        return whole
    if value.ndim == 0:
        return finite(whole)
    return [[finite(entry) for entry in line] for line in whole]


def finite(entry: float) -> float | str:
    """A JSON number; inf and nan as strings."""
    if np.isfinite(entry):
        return entry
    return "nan" if np.isnan(entry) else "inf" if entry > 0 else "-inf"


# And back


class StepDocument(msgspec.Struct):
    """One step as the schema has it (titles and formulas are written anew from the rest)."""

    epoch: int
    batch: int
    id: str
    phase: str
    layer: int | None
    operation: str
    operands: tuple[str, ...]
    parameters: dict[str, Any]
    shape: tuple[int, ...]
    value: Any
    notes: tuple[str, ...] = ()


class TraceDocument(msgspec.Struct):
    """A whole trace as the schema has it."""

    schema: str
    title: str
    conventions: Conventions
    notation: Notation
    arithmetic: Any
    display: dict[str, int]
    steps: list[StepDocument]
    source: str = ""


def decode(text: str | bytes) -> Trace:
    """The trace that ``encode`` wrote. Raises TraceFormatError where the text is none."""
    try:
        document = msgspec.json.decode(text, type=TraceDocument)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise TraceFormatError(str(error)) from None
    if document.schema != SCHEMA:
        raise TraceFormatError(f"schema {document.schema!r} where {SCHEMA!r} was expected")
    arithmetic = _read_arithmetic(document.arithmetic)
    return Trace(
        title=document.title,
        source=document.source,
        conventions=document.conventions,
        notation=document.notation,
        arithmetic=arithmetic,
        decimals=document.display.get("decimals", 4),
        steps=tuple(
            _read_step(step, named, arithmetic)
            for step, named in zip(document.steps, _named(document.steps), strict=True)
        ),
    )


def _named(steps: list[StepDocument]) -> Iterator[ids.Id]:
    """What the id of each step names, in a network of layers or on a board of equations."""
    lines = [step.id for step in steps if "line" in step.parameters and not ids.is_part(step.id)]
    if not lines:
        yield from (ids.parse(step.id) or ids.Id("named") for step in steps)
        return
    given = {step.id for step in steps if step.phase == "given"}
    states = {id for id in given if ids.among_names(id, given - {id}, "").role != "named"}
    losses = [step.id for step in steps if step.phase == "loss" and not ids.is_part(step.id)]
    names = {*lines, *(given - states)}
    for step in steps:
        yield ids.among_names(step.id, names, losses[-1] if losses else "")


def _read_arithmetic(value: Any) -> Arithmetic:
    if isinstance(value, dict) and isinstance(value.get("round_each_step"), int):
        return Arithmetic("rounded", value["round_each_step"])
    if value in ARITHMETIC:
        return Arithmetic(value)
    raise TraceFormatError(f"arithmetic {value!r} is not one of {', '.join(ARITHMETIC)}")


def _read_step(document: StepDocument, named: ids.Id, arithmetic: Arithmetic) -> TracedStep:
    parameters = {name: _read_parameter(value) for name, value in document.parameters.items()}
    step = Step(
        id=document.id,
        operation=document.operation,
        operands=document.operands,
        parameters=parameters,
        phase=document.phase,  # type: ignore[arg-type]
        layer=document.layer,
        epoch=document.epoch,
        batch=document.batch,
        shape=document.shape,
        role=named.role,
        of=named.of,
        state=named.state,
    )
    try:
        value = _read_value(document.value, arithmetic)
    except (ValueError, TypeError, ZeroDivisionError) as error:
        raise TraceFormatError(f"the value of {document.id}: {error}") from None
    if value.shape != document.shape:
        raise TraceFormatError(f"the value of {document.id} has not the shape it says")
    return TracedStep(step, value)


def _read_parameter(value: Any) -> Any:
    if isinstance(value, float):
        return Number(value, repr(value).removesuffix(".0"))
    if isinstance(value, str) and FRACTION.fullmatch(value):
        above, below = value.split("/")
        return Number(int(above) / int(below), value)
    return value


def _read_value(value: Any, arithmetic: Arithmetic) -> Any:
    if arithmetic.kind == "exact":
        return _read_fractions(value)
    if isinstance(value, list):
        return np.array(
            [[_read_entry(entry) for entry in line] for line in value], dtype=arithmetic.dtype
        )
    return np.asarray(_read_entry(value), dtype=arithmetic.dtype)


def _read_entry(entry: Any) -> float:
    return NON_FINITE[entry] if isinstance(entry, str) and entry in NON_FINITE else float(entry)


def _read_fractions(value: Any) -> Any:
    from fractions import Fraction

    if not isinstance(value, list):
        scalar = np.empty((), dtype=object)
        scalar[()] = Fraction(value)
        return scalar
    array = np.empty((len(value), len(value[0])), dtype=object)
    array[...] = [[Fraction(entry) for entry in line] for line in value]
    return array
