"""The commands, a function each; what a command needs is imported when it runs."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="backtrace",
    help="Backpropagation, worked the way people work it by hand: every matrix, every step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "Exit codes: 0 all well; 1 the answers have mistakes, or a gradient disagrees; "
        "2 the command line or the spec is wrong; 3 an answers file can't be read."
    ),
)


class Detail(str, Enum):
    summary = "summary"
    matrices = "matrices"
    entries = "entries"


class TraceFormat(str, Enum):
    text = "text"
    json = "json"


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


def _version(wanted: bool) -> None:
    if wanted:
        from backtrace import __version__

        print(f"backtrace {__version__}")
        raise typer.Exit


@app.callback()
def backtrace(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Backpropagation, worked the way people work it by hand: every matrix, every step."""


@app.command()
def trace(
    spec: SpecArgument,
    detail: Annotated[
        Detail | None,
        typer.Option(
            help="summary fits a screen, matrices (the default) shows each step as an equation, "
            "entries unfolds every entry into its sum.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        str,
        typer.Option(
            metavar="IDS", help="Only these quantities: ids (delta2) or families (delta,dW)."
        ),
    ] = "",
    layer: Annotated[int | None, typer.Option(metavar="N", help="Only layer N.")] = None,
    sample: Annotated[int | None, typer.Option(metavar="N", help="Only sample N.")] = None,
    epochs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Work N epochs, and show them all.")
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say in a sentence why each step is there.")
    ] = False,
    pause: Annotated[
        bool, typer.Option("--pause", help="One step at a time: Enter goes on, q ends.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Every entry of large matrices, and every update.")
    ] = False,
    format: Annotated[TraceFormat, typer.Option(help="What to print.")] = TraceFormat.text,
    width: Annotated[
        int | None,
        typer.Option(metavar="COLUMNS", min=40, help="How wide to print; the terminal's width."),
    ] = None,
    data: DataOption = None,
) -> None:
    """Work a network out and show every intermediate matrix."""
    from backtrace.cli.tracing import TraceRequest, print_trace
    from backtrace.render.selection import Selection

    names = tuple(name.strip() for name in only.split(",") if name.strip())
    text_only = {
        "--detail": detail is not None,
        "--explain": explain,
        "--pause": pause,
        "--width": width is not None,
        "--sample": sample is not None,
        "--full": full,
    }
    given = [option for option, used in text_only.items() if used]
    if format is TraceFormat.json and given:
        raise typer.BadParameter(
            f"{', '.join(given)}: of no use with --format json, which has every value"
        )
    print_trace(
        TraceRequest(
            spec=spec,
            data=data,
            epochs=epochs,
            selection=Selection(names, layer, sample, epochs, full),
            detail=(detail or Detail.matrices).value,
            explain=explain,
            pause=pause,
            json=format is TraceFormat.json,
            width=width,
        )
    )


@app.command("list")
def list_networks() -> None:
    """List the bundled networks; a name works wherever SPEC does."""
    from backtrace.cli.bundled import print_list

    print_list()


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A bundled network.")],
) -> None:
    """Print the YAML of a bundled network: the start of your own."""
    from backtrace.cli.bundled import print_network

    print_network(name)
