"""The options of ``backtrace train``, of which there are more than of any other command."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from backtrace.cli.options import DataOption, SpecArgument, TextOrJson, WidthOption, parsed


class TrainCommand(TyperCommand):
    """``train``, whose ``--resume`` may stand without a file."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, filled(args, "--resume"))


def filled(arguments: list[str], option: str) -> list[str]:
    """With an empty value for the option where it has none, which Typer has no word for."""
    return [
        f"{option}=" if argument == option and following.startswith("-") else argument
        for argument, following in pairwise([*arguments, "-"])
    ]


def train(
    spec: SpecArgument,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=1, max=1_000_000, help="How long to train; else as the spec says."
        ),
    ] = None,
    patience: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="End when N epochs have brought no better one."),
    ] = None,
    stop_at_loss: Annotated[
        str | None, typer.Option(metavar="X", help="End when the loss is X or less.")
    ] = None,
    hold_out: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            min=2,
            help="Keep every K-th sample from the training, and judge the epochs by these.",
        ),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Update after N samples.")
    ] = None,
    shuffle: Annotated[
        bool | None,
        typer.Option(
            "--shuffle/--no-shuffle",
            help="Take the samples in another order in every epoch, which the seed decides.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, max=2**32 - 1, help="Draw weights and orders by another seed."
        ),
    ] = None,
    learning_rate: Annotated[
        str | None, typer.Option(metavar="X", help="Another rate than that of the spec.")
    ] = None,
    save: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Save the training here as it goes (.npz); or its parameters (.safetensors), or "
            "a spec that goes on from them (.yaml).",
        ),
    ] = None,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            help="Save after every N epochs; else every 30 seconds, and at the end.",
        ),
    ] = None,
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="[FILE]",
            help="Take a saved training up again; without FILE, that of --save.",
        ),
    ] = None,
    log: Annotated[
        str | None,
        typer.Option(metavar="FILE.csv", help="Write a row an epoch: loss, accuracy, rate."),
    ] = None,
    plot: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILE",
            help="Draw the loss (.svg), or write a report (.md); several times for several files.",
        ),
    ] = None,
    trace_epoch: Annotated[
        str | None,
        typer.Option(metavar="N,N,...", help="Write the full trace of these epochs to files."),
    ] = None,
    trace_to: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Their name, with {epoch} in it; its ending is the format, as for export. "
            "Else SPEC-epoch-{epoch}.json.",
        ),
    ] = None,
    format: Annotated[TextOrJson, typer.Option(help="What to print.")] = "text",
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress.")] = False,
    force: Annotated[
        bool,
        typer.Option(
            "--force", help="Replace files that backtrace did not make, and saved trainings."
        ),
    ] = False,
    width: WidthOption = None,
    data: DataOption = None,
) -> None:
    """Train for many epochs: losses, accuracy, the loss curve, the trained parameters."""
    from backtrace.cli.training import run
    from backtrace.cli.training.epoch_traces import parsed_epochs
    from backtrace.cli.training.request import Overrides, TrainRequest

    trace_epochs: tuple[int, ...] = ()
    if trace_epoch is not None:
        trace_epochs = parsed(parsed_epochs, trace_epoch, "--trace-epoch")
    code = run.train(
        TrainRequest(
            spec=spec,
            data=data,
            overrides=Overrides(
                epochs=epochs,
                patience=patience,
                stop_at_loss=stop_at_loss,
                hold_out=hold_out,
                batch_size=batch_size,
                shuffle=shuffle,
                seed=seed,
                learning_rate=learning_rate,
            ),
            quiet=quiet,
            log=log,
            plots=tuple(plot or ()),
            save=save,
            checkpoint_every=checkpoint_every,
            resume=resume,
            trace_epochs=trace_epochs,
            trace_to=trace_to,
            json=format == "json",
            force=force,
            width=width,
        )
    )
    raise typer.Exit(code)
