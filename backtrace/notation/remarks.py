"""What the numbers of a step show and a reader may miss: units that were off."""

from __future__ import annotations

from backtrace.notation.numbers import number
from backtrace.notation.symbols import Symbols
from backtrace.tape.trace import Trace, TracedStep

NAMED = 3  # units that are named one by one; of more, the count is given


def remarks(traced: TracedStep, trace: Trace, symbols: Symbols) -> tuple[str, ...]:
    """Sentences to stand below a step, beside its notes.

    Where an error meets ReLU′ = 0 on its way back, they say which units stopped it.
    """
    if traced.operation != "hadamard":
        return ()
    steps = trace.update(traced.epoch, traced.batch)
    g = steps[traced.operands[1]]
    if g.parameters.get("activation") != "relu":
        return ()
    off = g.value == 0
    count = int(off.sum())
    if count == 0:
        return ()
    z = steps[g.operands[0]]
    samples = z.shape[trace.conventions.sample_axis]
    if samples > 1 or count > NAMED:
        return (_counted(count, g, symbols),)
    places = [
        (i, j) for i, row in enumerate(off.tolist()) for j, is_off in enumerate(row) if is_off
    ]
    return (_named(places, z, trace, symbols),)


def _counted(off: int, g: TracedStep, symbols: Symbols) -> str:
    total = g.shape[0] * g.shape[1]
    entries, are = ("entry", "is") if off == 1 else ("entries", "are")
    return (
        f"{off} {entries} of {total} in {symbols.name(g.id)} {are} 0: "
        "where a unit was off, no error passes through it"
    )


def _named(off: list[tuple[int, int]], z: TracedStep, trace: Trace, symbols: Symbols) -> str:
    """``unit 2 was off (z₁[1,2] = -1.3 ≤ 0), so no error passes through it``."""
    rows = trace.conventions.layout == "rows"
    units = [str((j if rows else i) + 1) for i, j in off]
    worked = ", ".join(
        f"{symbols.name(z.id)}[{i + 1},{j + 1}] = {number(z.value[i, j], trace.decimals)} ≤ 0"
        for i, j in off
    )
    if len(units) == 1:
        return f"unit {units[0]} was off ({worked}), so no error passes through it"
    listed = f"{', '.join(units[:-1])} and {units[-1]}"
    return f"units {listed} were off ({worked}), so no error passes through them"
