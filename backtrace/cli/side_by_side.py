"""Work on many items in several processes, its results in the order of the items."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

NO_PROCESSES = (OSError, NotImplementedError, BrokenProcessPool)
MOST = 32  # processes: Windows waits for no more than 61
AT_ONCE = 8  # items that a process takes: few, that none is left to work on alone


def cores() -> int:
    """How many processors this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return (os.cpu_count() or 1) if allowed is None else len(allowed(0))


def in_order(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    start: Callable[..., None],
    arguments: tuple[Any, ...],
) -> Iterator[Result]:
    """What ``work`` makes of each item, in processes that ``start(*arguments)`` has made ready; all
    of them are pickled. Raises one of NO_PROCESSES where there are none to be had or one has died.
    """
    if cores() < 2:
        raise OSError("one processor")
    pool = ProcessPoolExecutor(min(cores(), MOST), get_context("spawn"), _ready, (start, arguments))
    # Ctrl-C is for the first process, which stops the others: they are born deaf to it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        results = pool.map(work, items, chunksize=AT_ONCE)
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield from results
    finally:
        pool.shutdown(cancel_futures=True)


def _ready(start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Windows it is not inherited
    start(*arguments)
