"""``backtrace train``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from backtrace.cli.output import STDOUT, Output
from backtrace.cli.screen import (
    WRONG_SPEC,
    complain,
    emit,
    reading,
    refuse,
    show_page,
    tell,
    useless,
)
from backtrace.cli.training.checkpoints import Checkpoints, standing, taken_up
from backtrace.cli.training.epoch_log import EpochLog
from backtrace.cli.training.epoch_log import is_ours as is_our_log
from backtrace.cli.training.epoch_traces import EpochTraces, default_pattern
from backtrace.cli.training.interrupts import Interrupts
from backtrace.cli.training.overrides import overridden, top_level
from backtrace.cli.training.progress import watching
from backtrace.cli.training.request import TrainRequest
from backtrace.cli.training.save_file import SaveFile, check_unfinished, saving_output
from backtrace.cli.training.snapshots import Snapshots
from backtrace.cli.training.spec_text import SpecText, spec_text

if TYPE_CHECKING:
    from backtrace.functions.array import Array
    from backtrace.spec.model import Spec
    from backtrace.tape.training import Progress, Record, Training

INTERRUPTED = 130  # as a shell reports a program that Ctrl-C ended
DIVERGED = 1
PLOTS = (".svg", ".md", ".markdown")


def train(request: TrainRequest) -> int:
    """Loads, trains, writes and prints; the exit code.

    Exits with 2 where the spec, an option or a file is wrong, before anything is worked.
    """
    _check_options(request)
    files = _files(request)
    text, spec = _loaded(request)
    traits = cache(partial(_traits, spec))
    begun, progress = spec, None
    if request.resume is not None:
        begun, progress = taken_up(request.resume or request.save or "", spec, traits)
    _check_epochs(request, spec, progress)
    saving = None
    if files.save is not None:
        saving = SaveFile(files.save, begun, traits, text, top_level(spec, request.overrides))
    return _Run(request, begun, progress, files, saving).run()


def _traits(spec: Spec) -> dict[str, str]:
    from backtrace.spec.fingerprint import fingerprint

    return fingerprint(spec)


# --- before anything is worked


def _check_options(request: TrainRequest) -> None:
    """What no spec could make right."""
    named = [("save", request.save), ("log", request.log), ("trace-to", request.trace_to)]
    named += [("plot", plot) for plot in request.plots]
    problems = [
        f"--{option} -: name a file; standard output is for the result"
        for option, name in named
        if name == STDOUT
    ]
    if request.checkpoint_every is not None and request.save is None:
        problems.append("--checkpoint-every: there is no --save to write to")
    if request.resume == "" and request.save is None:
        problems.append("--resume: name its file, or the one to --save to")
    if request.trace_to is not None and not request.trace_epochs:
        problems.append("--trace-to: say with --trace-epoch which epochs to trace")
    if request.force and not any((request.save, request.log, request.plots, request.trace_epochs)):
        problems.append("--force: there is no file to write")
    if request.json:
        problems += useless({"--width": request.width is not None}, "--format", "json")
    problems += [
        f"--plot {plot}: no format by its ending. There are .svg, .md."
        for plot in request.plots
        if plot != STDOUT and Path(plot).suffix.lower() not in PLOTS
    ]
    if problems:
        refuse(problems, "E504")


class _Files(msgspec.Struct, frozen=True):
    """The files to be written."""

    save: Output | None
    log: Output | None
    plots: tuple[Output, ...]
    traces: EpochTraces | None

    def named(self) -> Iterator[tuple[str, Output]]:
        """Each of them, with what a message calls it."""
        for option, output in (("save", self.save), ("log", self.log)):
            if output is not None:
                yield f"--{option} {output.name}", output
        for plot in self.plots:
            yield f"--plot {plot.name}", plot
        if self.traces is not None:
            for epoch, output in self.traces.outputs.items():
                yield f"the trace of epoch {epoch}, {output.name}", output


def _files(request: TrainRequest) -> _Files:
    """Exits with 2 where one of them can't be written."""
    from backtrace.formats.registry import is_ours

    force, epochs = request.force, request.trace_epochs
    pattern = request.trace_to or default_pattern(request.spec)
    files = _Files(
        save=saving_output(request.save, force=force) if request.save else None,
        log=Output(request.log, force=force, is_ours=is_our_log) if request.log else None,
        plots=tuple(Output(plot, force=force, is_ours=is_ours) for plot in request.plots),
        traces=EpochTraces(epochs, pattern, force=force) if epochs else None,
    )
    _check_apart(files)
    if files.save is not None and request.resume is None and not force:
        check_unfinished(files.save)
    return files


def _check_apart(files: _Files) -> None:
    """Each output has a file of its own: of two in one, only the last would be left."""
    first: dict[Path, str] = {}
    problems = []
    for name, output in files.named():
        if output.path in first:
            problems.append(f"{name}: the same file as {first[output.path]}; name another")
        first.setdefault(output.path, name)
    if problems:
        refuse(problems, "E522")


def _loaded(request: TrainRequest) -> tuple[SpecText, Spec]:
    """The spec as text, and as the options have it."""
    from backtrace.tape.loading import loads
    from backtrace.tape.training import check_trainable

    with reading(request.spec):
        text = spec_text(request.spec, request.data)
        spec = overridden(
            loads(
                text.content,
                text.file,
                folder=text.folder,
                data_folder=request.data,
                seed=request.overrides.seed,
            ),
            request.overrides,
            text,
        )
        check_trainable(spec)
    return text, spec


def _check_epochs(request: TrainRequest, spec: Spec, progress: Progress | None) -> None:
    """The epochs that are asked for, against those that there will be."""
    last, behind = spec.epochs, 0 if progress is None else progress.last.epoch
    problems = []
    if behind > last:
        file = request.resume or request.save
        problems.append(f"--resume {file}: has {behind} epochs behind it; --epochs {last} is fewer")
    problems += [
        f"--trace-epoch {epoch}: the training has {last}"
        for epoch in request.trace_epochs
        if epoch > last
    ]
    if problems:
        refuse(problems, "E516")


# --- the training and its end


class _Run:
    """One training: everyone who is told of its epochs, and what is left of it."""

    def __init__(
        self,
        request: TrainRequest,
        spec: Spec,
        progress: Progress | None,
        files: _Files,
        saving: SaveFile | None,
    ) -> None:
        self.request = request
        self.spec, self.progress = spec, progress
        self.behind = None if progress is None else progress.last.epoch
        self.files, self.saving = files, saving
        self.problems: list[str] = []
        self.snapshots = Snapshots()
        self.unsaved = ""  # what kept the training from being saved

    def run(self) -> int:
        with Interrupts() as interrupts:
            training = self.train(interrupts)
            self.save(training)
            outputs = self.outputs(training)
            self.plot(training, outputs)
        try:
            self.print(training, outputs)
            sys.stdout.flush()
        finally:  # also where nobody reads the result any more
            self.say(training)
        if training.ended == "interrupted":
            return INTERRUPTED
        return WRONG_SPEC if self.problems else DIVERGED * (training.ended == "diverged")

    def train(self, interrupts: Interrupts) -> Training:
        from backtrace.page.training.learned import has_surface
        from backtrace.tape.training import train

        drawn = has_surface(self.spec)
        log, traces, checkpoints = self.log(), self.files.traces, None
        if self.saving is not None:
            checkpoints = Checkpoints(self.saving, self.request.checkpoint_every)
        with watching(self.spec, self.request.quiet) as show, reading(self.request.spec):

            def watch(record: Record, progress: Callable[[], Progress]) -> bool:
                show(record, progress)
                if drawn:
                    self.snapshots.seen(record, progress)
                if log is not None:
                    log.seen(record)
                if checkpoints is not None:
                    checkpoints.seen(record, progress)
                if traces is not None:
                    traces.seen(self.spec, record, progress)
                return interrupts.asked

            training = train(self.spec, self.progress, watch, interrupts.epoch)
        self.problems += [] if log is None else log.close()
        self.problems += [] if traces is None else traces.close(training.records[-1].epoch)
        return training

    def log(self) -> EpochLog | None:
        if self.files.log is None:
            return None
        earlier = () if self.progress is None else self.progress.records
        return EpochLog(self.files.log, self.spec, earlier)

    def save(self, training: Training) -> None:
        if self.saving is not None:
            self.unsaved = self.saving.save(standing(training), training.records[-1])
            self.problems += filter(None, [self.unsaved])

    def outputs(self, training: Training) -> Array | None:
        """With what is kept, where they are those of classes and a page shows them."""
        if self.request.json and not self.files.plots:
            return None
        from backtrace.tape.accuracy import classes
        from backtrace.tape.training import outputs

        return outputs(self.spec, training.state) if classes(self.spec) else None

    def plot(self, training: Training, outputs: Array | None) -> None:
        for plot in self.files.plots:
            if plot.path.suffix.lower() == ".svg":
                from backtrace.formats.drawing.loss_curve import curve_svg
                from backtrace.page.training.learned import learned

                pictures = learned(self.spec, training, outputs, self.snapshots.states)
                drawn = curve_svg(self.spec, training, pictures)
            else:
                from backtrace.formats.markdown.writer import file
                from backtrace.page.training.document import document

                drawn = file(
                    document(self.spec, training, outputs, self.behind, self.snapshots.states)
                )
            self.problems += filter(None, [plot.attempt(drawn.encode())])

    def print(self, training: Training, outputs: Array | None) -> None:
        if self.request.json:
            from backtrace.formats.json.training import encode

            emit(encode(self.spec, training))
            return
        from backtrace.page.training.document import document

        show_page(
            document(self.spec, training, outputs, self.behind, self.snapshots.states),
            self.request.width,
        )

    def say(self, training: Training) -> None:
        """What went wrong; and where the training is, to a person, after Ctrl-C to everybody."""
        if training.ended == "interrupted":
            epoch = training.progress.last.epoch
            tell(f"Interrupted after epoch {epoch}: {self.left()}")
        elif self.saving is not None and not self.unsaved and sys.stderr.isatty():
            tell(f"Saved {self.saving.where}")
        for problem in self.problems:
            complain(problem, "E508")

    def left(self) -> str:
        """What an interrupted training has left, and what goes on from there."""
        if self.saving is None:
            return "nothing is saved; --save FILE.npz saves it"
        if self.unsaved:
            return "it could not be saved"
        return f"saved {self.saving.where}{self.saving.going_on()}"
