"""``train --trace-epoch``: the full trace of some epochs, in files of their own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from backtrace.cli.output import STDOUT, Output
from backtrace.cli.screen import refuse
from backtrace.formats.registry import ENDINGS, FORMATS, MissingExtraError, PageFormat, is_ours
from backtrace.spec.model import Spec
from backtrace.tape.training import Progress, Record, State

PLACE = "{epoch}"
DEFAULT = "{name}-epoch-{{epoch}}.json"


def parsed_epochs(text: str) -> tuple[int, ...]:
    """``1,10,100`` as numbers in order. Raises ValueError with what is wrong."""
    parts = [part.strip() for part in text.split(",")]
    wrong = [part for part in parts if not (part.isascii() and part.isdigit() and int(part[:20]))]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is no epoch; write such as 1,10,100")
    return tuple(sorted({int(part[:20]) for part in parts}))


def default_pattern(source: str) -> str:
    """Files in the folder at hand, called as the spec is."""
    name = "trace" if source == STDOUT else Path(source).stem
    return DEFAULT.format(name=name)


class EpochTraces:
    """The traces of ``epochs``, to be written as they are reached; ``pattern`` names the files.

    Exits with 2 where a file of that name can't be written.
    """

    def __init__(self, epochs: Iterable[int], pattern: str, *, force: bool) -> None:
        self.wanted = tuple(epochs)
        self.problems: list[str] = []
        self.before: State | None = None
        self.format = self._format(pattern)
        self.outputs = {
            epoch: Output(pattern.replace(PLACE, str(epoch)), force=force, is_ours=is_ours)
            for epoch in self.wanted
        }

    def _format(self, pattern: str) -> PageFormat:
        """As the ending says; some endings are of formats that have no place for a trace."""
        if len(self.wanted) > 1 and PLACE not in pattern:
            refuse(
                [f"--trace-to {pattern}: write {PLACE} where the epoch's number belongs"], "E521"
            )
        name = ENDINGS.get(Path(pattern).suffix.lower(), "")
        if name not in FORMATS:
            found = f"{name} has a network, not its trace" if name else "no format by its ending"
            known = ", ".join(row.ending for row in FORMATS.values())
            refuse([f"--trace-to {pattern}: {found}. There are {known}."], "E521")
        return FORMATS[name]

    def seen(self, spec: Spec, record: Record, progress: Callable[[], Progress]) -> None:
        """Writes the epoch that has just been completed, from where it began."""
        if self.before is not None:
            self._write(spec, self.before)
            self.before = None
        if record.epoch + 1 in self.outputs:
            self.before = progress().last

    def _write(self, spec: Spec, before: State) -> None:
        from backtrace.page.trace import View
        from backtrace.tape.training import traced_epoch

        output = self.outputs[before.epoch + 1]
        try:
            problem = output.attempt(self.format.render(traced_epoch(spec, before), View()))
        except MissingExtraError as error:
            problem = f"{output.name}: {error}"
        if problem:
            self.problems.append(problem)

    def close(self, last: int) -> list[str]:
        """What was not written: what went wrong, and the epochs behind the ``last`` one."""
        left = [str(epoch) for epoch in self.wanted if epoch > last]
        if left:
            reached = f"the training ended after epoch {last}"
            self.problems.append(f"--trace-epoch {','.join(left)}: not written; {reached}")
        return self.problems
