"""What commands have in common: their choices, the options that several take, how they refuse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

Value = TypeVar("Value")

if TYPE_CHECKING:
    from backtrace.spec.model import AnswerDigits


Detail = Literal["overview", "summary", "matrices", "entries"]
TextOrJson = Literal["text", "json"]

SpecArgument = Annotated[
    str,
    typer.Argument(
        metavar="SPEC", help="A YAML file, the name of a bundled network, or - for stdin."
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="FOLDER", help="Take the data files that the spec names from FOLDER."
    ),
]
WidthOption = Annotated[
    int | None,
    typer.Option(
        "--width", metavar="COLUMNS", min=40, help="How wide to print; the terminal's width."
    ),
]

OnlyOption = Annotated[
    str,
    typer.Option(metavar="IDS", help="Only these quantities: ids (delta2) or families (delta,dW)."),
]
LayerOption = Annotated[int | None, typer.Option(metavar="N", help="Only layer N.")]
SampleOption = Annotated[int | None, typer.Option(metavar="N", help="Only sample N.")]
DecimalsOption = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, max=12, help="Decimals to print; else those of the spec."),
]
EpochsOption = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Work N epochs, and show them all.")
]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="Say in a sentence why each step is there.")
]


class IdleOptionError(typer.BadParameter):
    """Options of which one leaves the other nothing to do."""


def parsed(parse: Callable[[str], Value], text: str, option: str) -> Value:
    """What an option's text stands for; where ``parse`` raises ValueError, the option is wrong."""
    try:
        return parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=f"'{option}'") from None


def check_format(format: str, text_only: Mapping[str, bool], why: str = "") -> None:
    """Refuses options that shape text, each with whether it was given, where none is printed."""
    if format == "text":
        return
    from backtrace.cli.screen import useless  # only here: --help starts without msgspec

    for problem in useless(text_only, "--format", format):
        raise IdleOptionError(problem + why)


def parsed_digits(decimals: int | None, digits: int | None) -> AnswerDigits | None:
    """The digits that the command line asks of answers; None where it leaves them to the spec."""
    if decimals is not None and digits is not None:
        raise IdleOptionError("--decimals and --min-digits: ask for one of them")
    from backtrace.spec.model import AnswerDigits

    return None if decimals is digits is None else AnswerDigits(decimals, digits)
