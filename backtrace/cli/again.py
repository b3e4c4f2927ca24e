"""The command that goes on from where a training was interrupted."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from backtrace.cli.optional_value import filled

RESUME, TRACE_EPOCH, TRACE_TO = "--resume", "--trace-epoch", "--trace-to"
FLAGS = {"--shuffle", "--no-shuffle", "--quiet", "--force"}  # options without a value
# What a spec that was saved says by itself, the paths of its data files among it.
IN_THE_SPEC = {
    *("--batch-size", "--shuffle", "--no-shuffle", "--hold-out", "--seed", "--learning-rate"),
    "--data",
}
# What belongs to the training that was interrupted, and would be written over by a new one.
OF_THIS_TRAINING = {"--log", TRACE_EPOCH, TRACE_TO}


class Word(msgspec.Struct, frozen=True):
    """An argument, and the name of the option that it is, or is the value of; "" for the rest."""

    option: str
    text: str


def resumed(arguments: Sequence[str], file: str, epoch: int) -> str:
    """``backtrace train … --resume FILE``: the same training, of which ``epoch`` are done."""
    left = _without(_ahead(_words(arguments), epoch), {RESUME})
    return shlex.join(["backtrace", *left, RESUME, file])


def with_parameters(arguments: Sequence[str], file: str) -> str:
    """The same command from epoch 0 on, with the parameters of ``file``."""
    left = _without(_words(arguments), {RESUME} | OF_THIS_TRAINING)
    return shlex.join(["backtrace", *left, RESUME, file])


def of_the_spec(arguments: Sequence[str], file: str) -> str:
    """A training of the spec that was saved, with the options that are not in its text."""
    words = [word for word in _words(arguments) if word.option]
    left = _without(words, {RESUME} | OF_THIS_TRAINING | IN_THE_SPEC)
    return shlex.join(["backtrace", "train", file, *left])


def _words(arguments: Sequence[str]) -> list[Word]:
    """``train``'s arguments, each with the option that it belongs to."""
    found: list[Word] = []
    expected = ""  # the option whose value is the next word
    for text in filled(arguments, RESUME):
        if expected:
            found.append(Word(expected, text))
            expected = ""
        elif text.startswith("--"):
            option, equals, _ = text.partition("=")
            found.append(Word(option, text))
            expected = "" if equals or option in FLAGS else option
        else:
            found.append(Word("", text))
    return found


def _without(words: Iterable[Word], options: set[str]) -> list[str]:
    return [word.text for word in words if word.option not in options]


def _ahead(words: Sequence[Word], epoch: int) -> Iterator[Word]:
    """The words with those epochs to trace that are still to come."""
    asked = "".join(w.text.removeprefix(f"{TRACE_EPOCH}=") for w in words if _is_epochs(w))
    left = [part.strip() for part in asked.split(",") if part and int(part) > epoch]
    for word in words:
        if word.option == TRACE_TO and not left:
            continue
        if word.option != TRACE_EPOCH:
            yield word
        elif left and _is_epochs(word):
            yield Word(TRACE_EPOCH, f"{TRACE_EPOCH}={','.join(left)}")


def _is_epochs(word: Word) -> bool:
    """Whether it is the value of --trace-epoch, or has it behind its ``=``."""
    return word.option == TRACE_EPOCH and word.text != TRACE_EPOCH
