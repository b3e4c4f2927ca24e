"""``backtrace init``: a spec to begin from, asked for in a few questions or by options."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from textwrap import fill
from typing import Any

import msgspec

from backtrace.cli.output import STDOUT, Output
from backtrace.cli.screen import Screen, emit, refuse, tell
from backtrace.course.blueprint import Blueprint
from backtrace.course.starter import UNITS, starter
from backtrace.functions.losses import LOSSES
from backtrace.spec.document.vocabulary import SYNONYMS
from backtrace.spec.near_misses import near_miss
from backtrace.spec.numbers import written_number
from backtrace.spec.read.consistency import PROBABILITIES

FILE = "network.yaml"
MOST_UNITS, MOST_LAYERS = 12, 8
NONE = "none"


class Question(msgspec.Struct, frozen=True):
    """What is asked, what Enter says, and what the words of an answer stand for (ValueError)."""

    words: str
    usual: str
    parse: Callable[[str], Any]


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_UNITS:
        raise ValueError(f"expected a number from 1 to {MOST_UNITS}")
    return int(text)


def _layers(text: str) -> tuple[int, ...]:
    sizes = text.replace(",", " ").split()
    if not 1 <= len(sizes) <= MOST_LAYERS:
        raise ValueError(f"expected the units of 1 to {MOST_LAYERS} layers, such as 3,1")
    return tuple(map(_count, sizes))


def _name(known: Iterable[str], text: str) -> str:
    if text in known:
        return text
    near = SYNONYMS.get(text.lower(), "")
    near = near if near in known else near_miss(text, known)
    meant = f"did you mean {near}? " if near else ""
    raise ValueError(f"{meant}there are {', '.join(known)}")


def _rate(text: str) -> str:
    number = written_number(text)
    if text != NONE and (number is None or number <= 0):
        raise ValueError("expected a number above 0, or none")
    return text


QUESTIONS: dict[str, Question] = {
    "inputs": Question("Inputs", "2", _count),
    "layers": Question("Units of each layer, the outputs last", "3,1", _layers),
    "activation": Question(
        "Activation of the hidden layers: relu, sigmoid, tanh, …", "relu", partial(_name, UNITS)
    ),
    "loss": Question(
        "Loss: mse, half_sse, binary_cross_entropy, cross_entropy, …",
        "mse",
        partial(_name, LOSSES),
    ),
    "output_activation": Question("", "", lambda text: text and _name(UNITS, text)),
    "samples": Question("Samples", "1", _count),
    "layout": Question("Samples are rows, or columns", "rows", partial(_name, ("rows", "columns"))),
    "learning_rate": Question("Learning rate, or none", "0.1", _rate),
}
"""By the option that says the same; what has no words is only an option."""


def start(told: Mapping[str, str], output: str, *, equations: bool) -> None:
    """Asks, where no option says anything, and writes; never over another file."""
    name = output or FILE
    if name != STDOUT and Path(name).expanduser().exists():
        refuse([f"{name}: is there already, and stays as it is; -o FILE writes elsewhere"], "E509")
    file = Output(name, force=False, is_ours=lambda start: False)
    chosen = _chosen(told) if any(told.values()) or equations else _asked()
    text = starter(_shape(chosen), equations=equations)
    if name == STDOUT:
        emit(text.rstrip("\n"))
        return
    file.write(text.encode())
    print(f"{name} is written. Work it with: backtrace trace {name}")


def _shape(chosen: Mapping[str, Any]) -> Blueprint:
    *hidden, outputs = chosen["layers"]
    return Blueprint(
        inputs=chosen["inputs"],
        hidden=tuple(hidden),
        outputs=outputs,
        samples=chosen["samples"],
        activation=chosen["activation"],
        output=chosen["output_activation"],
        loss=chosen["loss"],
        layout=chosen["layout"],
        rate=chosen["learning_rate"],
    )


def _chosen(told: Mapping[str, str]) -> dict[str, Any]:
    """What the options say; exits with 2, and every problem of theirs."""
    problems: list[str] = []
    found: dict[str, Any] = {}
    for option, question in QUESTIONS.items():
        text = told[option].strip() or question.usual
        try:
            found[option] = question.parse(text)
        except ValueError as error:
            problems.append(f"--{option.replace('_', '-')} {text}: {error}")
    problems += _misfits(found)
    if problems:
        refuse(problems, "E503")
    return found


def _misfits(found: Mapping[str, Any]) -> list[str]:
    """What of the loss does not go with the outputs, as far as they are known."""
    loss, output = found.get("loss", ""), found.get("output_activation", "")
    if not loss:
        return []
    if output not in ("", *PROBABILITIES) and LOSSES[loss].outputs == "unit_interval":
        expected = " or ".join(PROBABILITIES)
        return [f"--output-activation {output}: {loss} takes outputs from 0 to 1, of {expected}"]
    single = found.get("layers", ())[-1:] == (1,)
    if single and (output or LOSSES[loss].shortcut) == "softmax":
        other = "take sigmoid with binary_cross_entropy, or more units"
        return [f"{loss}: a single softmax unit is always 1; {other}"]
    return []


def _asked() -> dict[str, Any]:
    """What is answered, a question a line; where the answers end, the rest is the usual."""
    print("Enter takes what stands in [brackets].", file=sys.stderr)
    found: dict[str, Any] = {}
    for option, question in QUESTIONS.items():
        found[option] = _answer(question) if question.words else question.parse(question.usual)
        while misfits := _misfits(found):
            _say(misfits[0])
            found[option] = _answer(question)
    return found


def _answer(question: Question) -> Any:
    while True:
        print(f"{question.words} [{question.usual}]: ", end="", file=sys.stderr, flush=True)
        try:
            typed = input().strip()
        except EOFError:
            print(file=sys.stderr)
            return question.parse(question.usual)
        if not sys.stdin.isatty():
            print(file=sys.stderr)  # what is typed over a pipe shows no line of its own
        try:
            return question.parse(typed or question.usual)
        except ValueError as error:
            _say(f"{typed}: {error}")


def _say(words: str) -> None:
    """Below an answer, folded to the reader's terminal."""
    inset = "  "
    width = Screen.of(sys.stderr).width
    tell(fill(words, width, initial_indent=inset, subsequent_indent=inset))
