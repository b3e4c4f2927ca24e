"""Work on many items in several processes, its results in the order of the items."""

from __future__ import annotations

import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Any, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 32  # processes: Windows waits for no more than 61
AT_ONCE = 8  # items that a process takes: few, that none is left to work on alone
AHEAD = 16  # times as many are read for each process before the first is answered


class NoProcessesError(Exception):
    """There are none to be had, or one has died."""


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
    of them are pickled. Items are taken while the first are worked, some way ahead of the results.
    Raises NoProcessesError.
    """
    number, rest = min(cores(), MOST), iter(items)
    if number < 2:
        raise NoProcessesError
    pool = _of_processes(_opened, number, start, arguments)
    waiting = deque[Future[list[Result]]]()
    try:
        while some := [*islice(rest, AT_ONCE)]:
            waiting.append(_of_processes(pool.submit, _each, work, some))
            if len(waiting) >= AHEAD * number:
                yield from _of_processes(waiting.popleft().result)
        while waiting:
            yield from _of_processes(waiting.popleft().result)
    finally:
        pool.shutdown(cancel_futures=True)


def _of_processes(call: Callable[..., Result], *arguments: Any) -> Result:
    try:
        return call(*arguments)
    except (OSError, NotImplementedError, BrokenProcessPool) as error:
        raise NoProcessesError from error


def _opened(
    number: int, start: Callable[..., None], arguments: tuple[Any, ...]
) -> ProcessPoolExecutor:
    pool = ProcessPoolExecutor(number, get_context("spawn"), _ready, (start, arguments))
    # Ctrl-C is for the first process, which stops the others: they are born deaf to it.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        for _ in range(number):  # each is born when it is first needed
            pool.submit(os.getpid)
    finally:
        signal.signal(signal.SIGINT, before)
    return pool


def _ready(start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Windows it is not inherited
    start(*arguments)


def _each(work: Callable[[Item], Result], items: list[Item]) -> list[Result]:
    return [*map(work, items)]
