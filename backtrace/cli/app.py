"""The commands, a function each; what a command needs is imported when it runs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup
from typer.models import CommandInfo

from backtrace.cli.options import (
    DataOption,
    DecimalsOption,
    Detail,
    EpochsOption,
    ExplainOption,
    IdleOptionError,
    LayerOption,
    OnlyOption,
    SampleOption,
    SpecArgument,
    TextOrJson,
    WidthOption,
    check_format,
    parsed,
    parsed_digits,
)
from backtrace.cli.training.command import TrainCommand, train
from backtrace.page.inert import inert

if TYPE_CHECKING:
    from backtrace.spec.error_codes import ErrorCode

OUTSIDE = re.compile(r",(?![^\[(]*[\])])")  # a comma outside brackets


UsageError: Any = typer.BadParameter.__base__
USAGE: dict[str, ErrorCode] = {  # by the names of Typer's errors, which are Click's
    "UsageError": "E501",
    "NoSuchOption": "E501",
    "BadArgumentUsage": "E501",
    "MissingParameter": "E502",
    "BadOptionUsage": "E502",
    "BadParameter": "E503",
    "IdleOptionError": "E504",
}


@contextmanager
def _quoted() -> Iterator[None]:
    """What Typer finds wrong is said with its number, and with nothing in it that a terminal would
    obey."""
    try:
        yield
    except UsageError as error:
        error.message = inert(error.message)
        code = USAGE.get(type(error).__name__)
        if code:
            said = error.format_message()
            error.format_message = lambda: f"{said} [{code}]"
        raise


class Commands(TyperGroup):
    """Commands whose reader (head, less) may stop early; Typer would end with 1 then."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        with _quoted():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _quoted():
                result = super().invoke(ctx)
            sys.stdout.flush()
        except OSError as error:
            from backtrace.cli.output import is_unread

            if not is_unread(error):
                raise
            # Python flushes stdout once more as it exits: into nothing, so that it is quiet.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None
        return result

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """A line for each command or more: folded, where Typer would cut it off."""
        named = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, found.help or "") for name, found in named if found])


app = typer.Typer(
    name="backtrace",
    cls=Commands,
    help="Backpropagation, worked the way people work it by hand: every matrix, every step.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=(
        "`backtrace help` shows the handbook. "
        "Exit codes: 0 all well; 1 the answers have mistakes, a gradient disagrees, or a training "
        "diverged; 2 the command line or the spec is wrong; 3 an answers file can't be read; "
        "130 interrupted by Ctrl-C."
    ),
)


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
            help="overview shows there and back at a glance, summary every main quantity, "
            "matrices (the default) each step as an equation, entries each entry's sum.",
            show_default=False,
        ),
    ] = None,
    only: OnlyOption = "",
    layer: LayerOption = None,
    sample: SampleOption = None,
    epochs: EpochsOption = None,
    explain: ExplainOption = False,
    pause: Annotated[
        bool, typer.Option("--pause", help="One step at a time: Enter goes on, q ends.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="The overview, filled in as it is worked.")
    ] = False,
    full: Annotated[
        bool, typer.Option("--full", help="Every entry of large matrices, and every update.")
    ] = False,
    format: Annotated[TextOrJson, typer.Option(help="What to print.")] = "text",
    width: WidthOption = None,
    data: DataOption = None,
) -> None:
    """Work a network out step by step: every matrix, every gradient."""
    from backtrace.cli.sources import worked
    from backtrace.cli.tracing import check_watched, print_trace
    from backtrace.page.selection import Selection
    from backtrace.page.trace import View

    text_only = {
        "--detail": detail is not None,
        "--explain": explain,
        "--pause": pause,
        "--watch": watch,
        "--width": width is not None,
        "--sample": sample is not None,
        "--full": full,
    }
    check_format(format, text_only, ", which has every value")
    if watch:
        check_watched(detail, pause=pause)
        detail = "overview"
    view = View(detail or "matrices", explain, Selection(_names(only), layer, sample, epochs, full))
    trace = worked(spec, data, epochs)
    print_trace(trace, view, width, pause=pause, watch=watch, json=format == "json")


@app.command()
def export(
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            help="A YAML file, the name of a bundled network, a trace saved as .json, or -.",
        ),
    ],
    output: Annotated[
        str,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write; - is stdout."),
    ],
    to: Annotated[
        str | None,
        typer.Option(
            metavar="FORMAT",
            help="markdown, latex, html, json, svg or png; torch, npz or safetensors for the "
            "network itself; else as the ending of FILE says.",
            show_default=False,
        ),
    ] = None,
    detail: Annotated[
        Detail | None,
        typer.Option(
            help="overview shows there and back at a glance, summary the main quantities, "
            "matrices (the default) every step, entries also each entry's sum.",
            show_default=False,
        ),
    ] = None,
    only: OnlyOption = "",
    layer: LayerOption = None,
    sample: SampleOption = None,
    epochs: EpochsOption = None,
    explain: ExplainOption = False,
    decimals: DecimalsOption = None,
    decimal_mark: Annotated[
        Literal[".", ","] | None,
        typer.Option(help="Between a number's whole part and its decimals.", show_default=False),
    ] = None,
    fragment: Annotated[
        bool,
        typer.Option(
            "--fragment", help="A piece for a larger document (latex: for \\input; html: a div)."
        ),
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that backtrace did not make.")
    ] = False,
    data: DataOption = None,
) -> None:
    """Write the derivation as a document, or the network as a PyTorch program or its weights."""
    from backtrace.cli import exporting
    from backtrace.page.selection import Selection
    from backtrace.page.trace import View

    given = {
        "detail": detail not in (None, "overview"),
        "detail overview": detail == "overview",
        "explain": explain,
        "decimals": decimals is not None,
        "decimal-mark": decimal_mark is not None,
        "fragment": fragment,
        "only": bool(only),
        "layer": layer is not None,
        "sample": sample is not None,
        "epochs": epochs is not None,
    }
    selection = Selection(_names(only), layer, sample, epochs)
    view = View(detail or "matrices", explain, selection, decimals, decimal_mark or ".", fragment)
    chosen = exporting.format_of(output, to)
    exporting.check_options(given, chosen)
    exporting.export(chosen, spec, data, view, output, force=force)


def _names(listed: str) -> tuple[str, ...]:
    """The names of a list; the comma of an index such as [1,2] separates none."""
    return tuple(name.strip() for name in OUTSIDE.split(listed) if name.strip())


@app.command("list")
def list_networks() -> None:
    """List the bundled networks; each name works in place of a SPEC."""
    from backtrace.cli.reference.bundled import print_list

    print_list()


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A bundled network.")],
) -> None:
    """Print the YAML of a bundled network, to begin your own from."""
    from backtrace.cli.reference.bundled import print_network

    print_network(name)


app.command(cls=TrainCommand)(train)


@app.command()
def predict(
    spec: SpecArgument,
    parameters: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Weights and biases (.npz, .safetensors, or a spec) in place of the spec's own.",
            show_default=False,
        ),
    ] = None,
    sample: Annotated[
        str, typer.Option(metavar="N", help="The sample to look at, or some: 1..5, or 1..3,7.")
    ] = "1",
    held_out: Annotated[bool, typer.Option("--held-out", help="Of the held-out samples.")] = False,
    format: Annotated[TextOrJson, typer.Option(help="What to print.")] = "text",
    data: DataOption = None,
    width: WidthOption = None,
) -> None:
    """Show what the network predicts for a sample: picture, probabilities, class."""
    from backtrace.cli import predicting

    samples = parsed(predicting.parsed_samples, sample, "--sample")
    check_format(format, {"--width": width is not None})
    predicting.predict(
        predicting.PredictRequest(
            spec=spec,
            parameters=parameters,
            samples=samples,
            held_out=held_out,
            data=data,
            json=format == "json",
            width=width,
        )
    )


@app.command()
def worksheet(
    spec: SpecArgument,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FOLDER", help="The folder to write into.")
    ],
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMATS",
            help="What sheet and key are printed as: md, html, tex, pdf; and what else is written: "
            "xlsx, ipynb, nbgrader, otter, moodle, qti, canvas, gradescope, github-classroom.",
        ),
    ] = "md,html",
    ask: Annotated[
        str,
        typer.Option(
            metavar="IDS",
            help="Ask only for these quantities: ids (delta2) or families (delta,dW). Without it "
            "the spec's own `ask` holds, and without that every step is asked for.",
        ),
    ] = "",
    give: Annotated[
        str,
        typer.Option(
            "--show", metavar="IDS", help="Give these quantities away, with their values."
        ),
    ] = "",
    no_steps: Annotated[
        bool, typer.Option("--no-steps", help="Without the formulas: an exam.")
    ] = False,
    language: Annotated[
        str, typer.Option(metavar="CODE", help="The words of the sheet: en, de, fr, es or zh.")
    ] = "en",
    paper: Annotated[Literal["a4", "letter"], typer.Option(help="What it is printed on.")] = "a4",
    columns: Annotated[
        int, typer.Option(min=1, max=2, help="Columns of a printed page (tex, pdf, html).")
    ] = 1,
    data: DataOption = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there and are others.")
    ] = False,
) -> None:
    """Write an exercise as a sheet to fill in, with forms for the answers and the key."""
    from backtrace.cli.courses import worksheets
    from backtrace.page.blocks import Handout

    worksheets.write_worksheet(
        worksheets.WorksheetRequest(
            spec=spec,
            folder=output,
            formats=_names(to),
            ask=_names(ask),
            show=_names(give),
            handout=Handout(language, paper, 2 if columns == 2 else 1),
            steps=not no_steps,
            data=data,
            force=force,
        )
    )


@app.command()
def quiz(
    spec: SpecArgument,
    ask: Annotated[
        str,
        typer.Option(metavar="IDS", help="Ask only for these quantities: ids or families."),
    ] = "",
    give: Annotated[str, typer.Option("--show", metavar="IDS", help="Do not ask for these.")] = "",
    progress: Annotated[
        str,
        typer.Option(metavar="FILE", help="Where the answers are kept; else SPEC.answers.yaml."),
    ] = "",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the answers that are kept.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Begin anew though answers are kept.")
    ] = False,
    data: DataOption = None,
    width: WidthOption = None,
) -> None:
    """Work an exercise step by step: each value asked for, judged at once, with hints."""
    from backtrace.cli.courses import quizzing

    raise typer.Exit(
        quizzing.quiz(
            quizzing.QuizRequest(
                spec=spec,
                ask=_names(ask),
                show=_names(give),
                progress=progress,
                resume=resume,
                force=force,
                data=data,
                width=width,
            )
        )
    )


@app.command()
def new(
    template: Annotated[
        str | None,
        typer.Argument(
            metavar="[SPEC]",
            help="A spec, or a bundled name, whose numbers are drawn anew; else a network of the "
            "shape that the options say.",
        ),
    ] = None,
    inputs: Annotated[int, typer.Option(min=1, max=12, help="Inputs of the network.")] = 2,
    hidden: Annotated[
        str, typer.Option(metavar="N,...", help="Units of the hidden layers; none: 0.")
    ] = "2",
    outputs: Annotated[int, typer.Option(min=1, max=12, help="Output units.")] = 1,
    samples: Annotated[int, typer.Option(min=1, max=12, help="Samples.")] = 1,
    activation: Annotated[str, typer.Option(metavar="NAME", help="Of the hidden units.")] = "relu",
    output_activation: Annotated[
        str,
        typer.Option(metavar="NAME", help="Of the output units; without it by the loss."),
    ] = "",
    loss: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Without it the one that goes with the output units, or half_mse.",
        ),
    ] = "",
    layout: Annotated[Literal["rows", "columns"], typer.Option(help="A sample is a …")] = "rows",
    sign: Annotated[
        Literal["gradient", "descent"], typer.Option(help="Which sign errors have.")
    ] = "gradient",
    learning_rate: Annotated[
        str, typer.Option(metavar="RATE", help="none: the exercise ends at the gradients.")
    ] = "0.1",
    title: Annotated[str, typer.Option(help="What the exercise is called.")] = "",
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="The same numbers every time.")
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="A folder, with --variants; - is stdout."
        ),
    ] = "-",
    variants: Annotated[
        int | None,
        typer.Option(min=2, max=999, metavar="N", help="So many, each with its sheet and key."),
    ] = None,
    students: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="A list (CSV) of those who get a variant each."),
    ] = None,
    to: Annotated[
        str,
        typer.Option(
            metavar="FORMATS",
            help="What the variants' sheets are: as in worksheet --to. [md,html]",
        ),
    ] = "",
    ask: Annotated[
        str, typer.Option(metavar="IDS", help="What is asked for, instead of the spec's `ask`.")
    ] = "",
    language: Annotated[
        str,
        typer.Option(metavar="CODE", help="The words of the sheets: en, de, fr, es or zh. [en]"),
    ] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that are there and are others.")
    ] = False,
) -> None:
    """Draw a fresh exercise with numbers that are pleasant by hand, or many variants of one."""
    from backtrace.cli.courses import creating
    from backtrace.course.blueprint import Blueprint

    creating.create(
        creating.NewRequest(
            template=template,
            blueprint=Blueprint(
                inputs=inputs,
                hidden=parsed(creating.parsed_hidden, hidden, "--hidden"),
                outputs=outputs,
                samples=samples,
                activation=activation,
                output=output_activation,
                loss=loss,
                layout=layout,
                sign=sign,
                rate=learning_rate,
            ),
            seed=seed,
            title=title,
            output=output,
            variants=variants,
            students=students,
            formats=_names(to),
            ask=_names(ask),
            language=language,
            force=force,
        )
    )


@app.command()
def init(
    inputs: Annotated[str, typer.Option(metavar="N", help="Inputs of the network. [2]")] = "",
    layers: Annotated[
        str, typer.Option(metavar="N,...", help="Units of each layer, the outputs last. [3,1]")
    ] = "",
    activation: Annotated[
        str, typer.Option(metavar="NAME", help="Of the hidden layers. [relu]")
    ] = "",
    output_activation: Annotated[
        str, typer.Option(metavar="NAME", help="Of the outputs; without it by the loss.")
    ] = "",
    loss: Annotated[str, typer.Option(metavar="NAME", help="The loss. [mse]")] = "",
    samples: Annotated[str, typer.Option(metavar="N", help="Samples. [1]")] = "",
    layout: Annotated[
        str, typer.Option(metavar="rows|columns", help="A sample is a row, a column. [rows]")
    ] = "",
    learning_rate: Annotated[
        str, typer.Option(metavar="RATE", help="none: without an update. [0.1]")
    ] = "",
    equations: Annotated[
        bool, typer.Option("--equations", help="Write the network as formulas on a board.")
    ] = False,
    output: Annotated[
        str,
        typer.Option(
            "--output", "-o", metavar="FILE", help="The new file; - is stdout. [network.yaml]"
        ),
    ] = "",
) -> None:
    """Write a commented spec to begin from; without options it asks what it should be."""
    from backtrace.cli.courses import starting

    told = {
        "inputs": inputs,
        "layers": layers,
        "activation": activation,
        "output_activation": output_activation,
        "loss": loss,
        "samples": samples,
        "layout": layout,
        "learning_rate": learning_rate,
    }
    starting.start(told, output, equations=equations)


@app.command()
def check(
    spec: SpecArgument,
    answers: Annotated[
        list[str],
        typer.Argument(
            metavar="ANSWERS...",
            help="A student's answers (YAML or JSON); or a class: several files, a folder, "
            "a .csv table, a .jsonl stream. - for stdin.",
        ),
    ],
    format: Annotated[
        Literal["text", "markdown", "html", "csv", "json", "jsonl", "gradescope"],
        typer.Option(
            help="What to print. jsonl reads a stream of answers, one JSON object a line, and "
            "writes a report for each; gradescope is one student's results.json."
        ),
    ] = "text",
    hints: Annotated[
        Literal["none", "where", "what", "how"] | None,
        typer.Option(
            help="How much the student is told: the verdicts (none), where the first mistake is, "
            "what it is, and how the step is worked with their own numbers (how, the default).",
            show_default=False,
        ),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the expected values beside the student's.")
    ] = False,
    credit: Annotated[
        str,
        typer.Option(
            metavar="VERDICT=SHARE,...",
            help="What share of its mark a verdict earns, such as carried=0.5,unsupported=1. "
            "Without it right, rounded and carried earn it whole, all others nothing.",
        ),
    ] = "",
    decimals: Annotated[
        int | None,
        typer.Option(metavar="N", min=0, max=12, help="Ask for so many decimals."),
    ] = None,
    min_digits: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=12, help="Ask for so many significant digits."),
    ] = None,
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Another convention, or digits cut off, is a mistake."),
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A YAML file that says which column of a table is what, by their headers: "
            '{student: "ID number", "z1[1,1]": "Response 1"}.',
        ),
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Name the students on the page of a class.")
    ] = False,
    feedback: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Write a page for each student into FOLDER."),
    ] = None,
    feedback_as: Annotated[
        Literal["md", "html", "txt"], typer.Option(help="What those pages are.")
    ] = "md",
    results: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Write a table (CSV) of marks: numbers and addresses to join on, points, the "
            "first mistake.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace files that backtrace did not make.")
    ] = False,
    data: DataOption = None,
    width: WidthOption = None,
) -> None:
    """Check answers: what is right, what is wrong, what follows from an earlier mistake."""
    from backtrace.cli import checking
    from backtrace.cli.check_request import CheckRequest, parsed_credit

    code = checking.check(
        CheckRequest(
            spec=spec,
            answers=tuple(answers),
            format=format,
            hints=hints,
            reveal=reveal,
            credit=parsed(parsed_credit, credit, "--credit"),
            asked=parsed_digits(decimals, min_digits),
            strict=strict,
            columns=columns,
            feedback=feedback,
            feedback_format=feedback_as,
            results=results,
            names=names,
            force=force,
            data=data,
            width=width,
        )
    )
    raise typer.Exit(code)


@app.command()
def verify(
    spec: SpecArgument,
    update: Annotated[
        str | None,
        typer.Option(
            metavar="EPOCH[.BATCH]", help="Which update's gradients to verify; else the first."
        ),
    ] = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--all", help="Every entry of a large network too, where a part is verified otherwise."
        ),
    ] = False,
    slips: Annotated[
        bool,
        typer.Option("--slips", help="Show the known slips of the source, one by one."),
    ] = False,
    format: Annotated[TextOrJson, typer.Option(help="What to print.")] = "text",
    data: DataOption = None,
    width: WidthOption = None,
) -> None:
    """Compare every gradient with finite differences, and published figures with the trace."""
    from backtrace.cli import verifying

    check_format(format, {"--width": width is not None, "--slips": slips})
    chosen = None if update is None else parsed(verifying.parsed_update, update, "--update")
    verification = verifying.verification(spec, data, chosen, everything=everything)
    code = verifying.print_verification(verification, width, json=format == "json", slips=slips)
    raise typer.Exit(code)


@app.command()
def why(
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC",
            help="A YAML file, the name of a bundled network, a trace saved as .json, or -.",
        ),
    ],
    entry: Annotated[
        str,
        typer.Argument(metavar="ENTRY", help='One entry: "dW1[2,1]", loss, "delta1[1,1]@2.1".'),
    ],
    format: Annotated[
        Literal["text", "markdown", "latex", "html", "json"],
        typer.Option(help="What to print."),
    ] = "text",
    decimals: DecimalsOption = None,
    data: DataOption = None,
    width: WidthOption = None,
) -> None:
    """Say why one entry is what it is: its chain, path by path, down to the numbers given."""
    from backtrace.cli.why import WhyRequest, print_why

    check_format(format, {"--width": width is not None})
    print_why(WhyRequest(spec, entry, format, decimals, data, width))


@app.command()
def mistakes(
    spec: Annotated[
        str | None,
        typer.Argument(
            metavar="[CODE|SPEC]",
            help="A mistake by its code: say all of it. Or an exercise: say which mistakes its "
            "numbers could not reveal.",
            show_default=False,
        ),
    ] = None,
    format: Annotated[
        Literal["text", "markdown", "json"], typer.Option(help="What to print.")
    ] = "text",
    data: DataOption = None,
    width: WidthOption = None,
) -> None:
    """List the mistakes that check knows, explain one, or say which an exercise hides."""
    from backtrace.cli.reference import catalogue

    check_format(format, {"--width": width is not None})
    if spec is None and data is not None:
        raise IdleOptionError("--data: there is no SPEC that names files")
    if spec is None:
        catalogue.print_catalogue(format, width)
    elif catalogue.is_code(spec):
        catalogue.print_mistake(spec, format, width)
    else:
        catalogue.print_hidden(spec, data, format, width)


@app.command("help")
def help_on(
    topic: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TOPIC]", help="A chapter or a section of one; none: all of them."),
    ] = None,
    width: WidthOption = None,
) -> None:
    """Show a chapter of the handbook, or without a topic what chapters there are."""
    from backtrace.cli.reference.handbook import print_help

    print_help(" ".join(topic or []), width)


@app.command()
def schema(
    of: Annotated[
        Literal["spec", "answers", "trace", "report", "class"],
        typer.Argument(metavar="NAME", help="spec, answers, trace, report or class."),
    ],
) -> None:
    """Print the JSON Schema of a spec, of answers, a trace, a report, a class's reports."""
    from backtrace.cli.screen import emit
    from backtrace.formats.json.schemas.documents import text

    emit(text(of).removesuffix("\n"))


@app.command()
def completion(
    shell: Annotated[
        Literal["bash", "zsh", "fish"] | None,
        typer.Argument(metavar="SHELL", help="bash, zsh or fish.", show_default=False),
    ] = None,
    ids: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="The ids of a spec, which the scripts ask for.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Print what makes a shell complete commands, options, networks and ids at Tab."""
    from backtrace.cli.reference.completion import ids_of, script

    if ids is not None:
        print("\n".join(ids_of(ids)))
    elif shell is None:
        raise typer.BadParameter("say which: bash, zsh or fish", param_hint="'SHELL'")
    else:
        print(script(shell, typer.main.get_command(app)), end="")


def only(called: list[str]) -> typer.Typer:
    """The app with the one command that is ``called``, or with all where that is none of them.

    Typer works out the options of every command that it has, whichever is called; with six of
    them that is a tenth of a run.
    """
    named = [command for command in app.registered_commands if _name(command) in called]
    if not named:
        return app
    alone = copy(app)
    alone.registered_commands = named
    return alone


def _name(command: CommandInfo) -> str:
    return str(command.name or getattr(command.callback, "__name__", ""))
