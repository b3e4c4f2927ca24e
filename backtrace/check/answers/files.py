"""The answers files of a class: which they are, and their bytes, safely."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from backtrace.check.answers.names import Reader
from backtrace.check.answers.reading import read_answers, read_stream, stream_lines
from backtrace.check.answers.table import MOST_BYTES, read_table
from backtrace.check.answers.table_rows import workbook_rows
from backtrace.check.answers.tree import LIMITS, AnswersError, inert
from backtrace.check.answers.workbook_form import is_form
from backtrace.check.model import Answers, Unreadable

TABLES = (".csv", ".tsv", ".xlsx")
ENDINGS = (".yaml", ".yml", ".json", *TABLES)
"""What is read of a folder. A file that is named itself may end as it likes."""
STREAMS = (".jsonl", ".ndjson")
HEAD_OF_A_FORM = 20  # rows in which the student's stands, also where some were put in
DEEPEST = 8
"""Folders within folders, as learning platforms pack them: one for each student."""


def find_files(paths: Iterable[str | Path]) -> tuple[list[Path], list[Unreadable]]:
    """The answers files that ``paths`` name, folders searched in the order of names.

    In a folder hidden files and those with other endings are passed over; symbolic links are
    followed only within it. What is no file, or leads out, is Unreadable. Never raises.
    """
    files: list[Path] = []
    unreadable: list[Unreadable] = []
    for path in map(Path, paths):
        fault = _fault(path)
        if fault == "a folder":
            _search(path, path.resolve(), DEEPEST, files, unreadable)
        elif fault:
            unreadable.append(_refused(path, fault))
        else:
            files.append(path)
    return list(dict.fromkeys(files)), unreadable


def read_files(
    paths: Iterable[str | Path], reader: Reader, told: Mapping[str, str] | None = None
) -> Iterator[Answers | Unreadable]:
    """Every student in ``paths``, file by file; a file that can't be read stops nothing.

    ``told`` maps ids to the headers of a table's columns.
    """
    files, unreadable = find_files(paths)
    for path in files:
        try:
            yield from read_file(path, reader, told)
        except AnswersError as error:
            yield Unreadable(inert(str(path)), error.reason)
    yield from unreadable


def read_file(
    path: Path, reader: Reader, told: Mapping[str, str] | None = None
) -> Iterator[Answers | Unreadable]:
    """The students of one file: of a table by its ``.csv``, a stream by ``.jsonl``, or one sheet.

    Raises AnswersError where the file as a whole can't be read.
    """
    ending = path.suffix.lower()
    if ending in STREAMS:
        with os.fdopen(_open(path), "rb") as stream:
            yield from read_stream(stream_lines(stream), reader, inert(str(path)))
    elif ending in TABLES:
        answers, unreadable = read_table(content(path, MOST_BYTES), str(path), reader, told)
        yield from answers
        yield from unreadable
    else:
        yield read_answers(content(path, LIMITS.bytes), str(path), reader)


def is_of_a_class(path: Path) -> bool:
    """Whether a file is a stream or a table, and not the form of one student in a workbook."""
    if path.suffix.lower() != ".xlsx":
        return path.suffix.lower() in (*TABLES, *STREAMS)
    try:
        return not is_form(workbook_rows(content(path, MOST_BYTES), str(path), HEAD_OF_A_FORM))
    except AnswersError:  # what is wrong is said where it is read
        return True


def content(path: Path, limit: int) -> bytes:
    """The bytes of a regular file, one more than ``limit`` at most. Raises AnswersError."""
    with os.fdopen(_open(path), "rb") as stream:
        try:
            return stream.read(limit + 1)
        except OSError as error:
            raise _error(path, error.strerror or str(error)) from None


def _open(path: Path) -> int:
    """A descriptor of a regular file: a pipe would block, a device never end."""
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise _error(path, getattr(error, "strerror", None) or str(error)) from None
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise _error(path, "not a regular file")


def _error(path: Path, reason: str) -> AnswersError:
    file = str(path)
    return AnswersError(
        file, f"{inert(file)}: found a file that can't be read ({inert(reason)})", "E403"
    )


def _refused(path: Path, fault: str) -> Unreadable:
    file = inert(str(path))
    return Unreadable(file, f"{file}: found {fault}; expected an answers file [E403]")


def _fault(path: Path) -> str:
    """What a path is, where it is no regular file; links are followed."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return "no such file"
    except (OSError, ValueError) as error:
        return f"a file that can't be read ({getattr(error, 'strerror', None) or error})"
    if stat.S_ISDIR(mode):
        return "a folder"
    return "" if stat.S_ISREG(mode) else "a pipe, a socket or a device"


def _search(
    folder: Path, root: Path, depth: int, files: list[Path], unreadable: list[Unreadable]
) -> None:
    for path in _visible(folder, unreadable):
        fault = _fault(path)
        if fault == "a folder":
            if path.is_symlink():  # it could lead in circles
                unreadable.append(_refused(path, "a symbolic link to a folder"))
            elif depth > 0:
                _search(path, root, depth - 1, files, unreadable)
        elif path.suffix.lower() not in ENDINGS:
            continue
        elif fault:
            unreadable.append(_refused(path, fault))
        elif path.is_symlink() and not path.resolve().is_relative_to(root):
            unreadable.append(_refused(path, "a symbolic link that leads out of the folder"))
        else:
            files.append(path)


def _visible(folder: Path, unreadable: list[Unreadable]) -> list[Path]:
    """What a folder holds, in the order of names, without what is hidden."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        fault = f"a folder that can't be read ({error.strerror or error})"
        unreadable.append(_refused(folder, fault))
        return []
