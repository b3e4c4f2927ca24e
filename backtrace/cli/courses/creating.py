"""``backtrace new``: a fresh exercise, or a folder of variants with their sheets and keys."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from backtrace.check.answers.headers import student_columns
from backtrace.check.answers.table_rows import text_rows
from backtrace.cli.courses.worksheets import formats_of, refusing, write_contents
from backtrace.cli.output import STDOUT, Output
from backtrace.cli.screen import emit, reading, refuse, tell
from backtrace.course.blueprint import Blueprint
from backtrace.course.exercises import Draft, fresh, variants
from backtrace.course.manifest import MANIFEST
from backtrace.course.pleasantness import COSTS, WORDS
from backtrace.course.template import Template, template, title_line
from backtrace.course.worksheet import worksheet
from backtrace.formats.json.text import json_text
from backtrace.formats.platforms.assignment import Assignment
from backtrace.formats.worksheet_files import variant_files
from backtrace.page.blocks import Handout
from backtrace.spec import bundled
from backtrace.spec.document.spec_source import read_source
from backtrace.spec.wording import count
from backtrace.tape.loading import loads

Names: TypeAlias = tuple[str, ...]  # of a student: number, address, name, the first of a list first
LARGEST_SEED = 2**31
MOST_UNITS = 12
PRINTED, ENGLISH = ("md", "html"), "en"
MADE = "# Made by backtrace new"


class NewRequest(msgspec.Struct, frozen=True):
    """What the command line asked for; ``template`` is None for a network of the ``blueprint``."""

    template: str | None
    blueprint: Blueprint
    seed: int | None
    title: str
    output: str
    variants: int | None
    students: str | None
    formats: tuple[str, ...]
    ask: tuple[str, ...]
    language: str
    force: bool


def parsed_hidden(text: str) -> tuple[int, ...]:
    """``3,2`` hidden layers; 0 or nothing for none. Raises ValueError."""
    sizes = [part.strip() for part in text.split(",") if part.strip()]
    if sizes in ([], ["0"]):
        return ()
    if not all(size.isdecimal() and 1 <= int(size) <= MOST_UNITS for size in sizes):
        raise ValueError(f"{text!r}: the units of each layer, 1 to {MOST_UNITS}, such as 3,2")
    return tuple(map(int, sizes))


def create(request: NewRequest) -> None:
    """Draws and writes; exits with 2 where anything of that is wrong."""
    if request.variants is not None and request.output == STDOUT:
        refuse(["--variants: say with -o which folder they are written into"], "E504")
    if request.students is not None and request.variants is None:
        refuse(["--students: assigns variants; say with --variants how many there are"], "E504")
    if request.variants is None:
        given = {"--to": request.formats, "--language": request.language}
        only = "for the sheets of variants; say with --variants how many there are"
        if useless := [f"{option}: {only}" for option, told in given.items() if told]:
            refuse(useless, "E504")
    seed = _seed(request.seed)
    with reading(request.template or "backtrace new"):
        source, folder, title = _template(request, seed)
        if request.variants is None:
            _write_one(request, fresh(source, title, (seed,), folder), seed)
            return
        found = variants(source, title, seed, request.variants, folder)
    _write_variants(request, found, seed, title)


def _seed(asked: int | None) -> int:
    return int(np.random.default_rng().integers(LARGEST_SEED)) if asked is None else asked


def _template(request: NewRequest, seed: int) -> tuple[Template, Path, str]:
    """What is drawn from, where its files lie, and the title: a file's own, unless one is told."""
    title = request.title or f"Exercise {seed}"
    if request.template is None:
        text = request.blueprint.text.encode()
        return template(text, "the network asked for", request.ask), Path(), title
    content, file, folder = read_source(request.template)
    spec = loads(content, file, folder=folder)  # its problems are told at their places
    if not request.title and request.template not in bundled.names():
        title = spec.title or title
    return template(content, file, request.ask), folder, title


def _write_one(request: NewRequest, draft: Draft, seed: int) -> None:
    text = f"{MADE}, seed {seed}.\n{draft.text}"
    if request.output == STDOUT:
        emit(text.rstrip("\n"))
        tell(_said(draft))
        return
    mark = MADE.encode()
    file = Output(request.output, force=request.force, is_ours=lambda s: s.startswith(mark))
    file.write(text.encode())
    tell(f"{request.output}: {_said(draft)}", sys.stdout)


def _said(draft: Draft) -> str:
    """How pleasant it is, what counts most first."""
    counts = draft.pleasantness.counts
    costly = sorted(counts, key=lambda name: -COSTS[name] * counts[name])
    found = [f"{WORDS[name]}: {counts[name]:.3g}" for name in costly if counts[name]]
    return f"cost {draft.cost:.2f} (0 is the most pleasant); {'; '.join(found)}"


def _write_variants(request: NewRequest, drafts: list[Draft], seed: int, title: str) -> None:
    width = max(2, len(str(len(drafts))))
    named = {f"v{at:0{width}}": draft for at, draft in enumerate(drafts, 1)}
    contents = {
        f"{name}.yaml": f"{MADE}, seed {seed}.\n{draft.text}".encode()
        for name, draft in named.items()
    }
    formats = formats_of(request.formats or PRINTED, request.language or ENGLISH)
    students = _assigned(request, list(named), seed)
    with refusing():
        contents |= variant_files(_assignments(request, named, students, title), formats)
    contents[MANIFEST] = _manifest(title, named, students, seed).encode()
    write_contents(request.output, contents, force=request.force)
    costs = [draft.cost for draft in drafts]
    tell(
        f"{request.output}: {count(len(drafts), 'variant')}, seed {seed}, "
        f"difficulty {min(costs):.2f} to {max(costs):.2f}",
        sys.stdout,
    )


def _assignments(
    request: NewRequest, named: Mapping[str, Draft], students: Mapping[Names, str], of: str
) -> dict[str, Assignment]:
    handout = Handout(request.language or ENGLISH)
    times = Counter(each for told in students for each in told)  # two may be of one name
    known: dict[str, list[str]] = {name: [] for name in named}
    for told, own in students.items():
        known[own] += [each for each in told if times[each] == 1]
    return {
        name: Assignment(
            worksheet(draft.spec),
            draft.text,
            handout,
            name=name,
            of=of,
            students=tuple(known[name]),
        )
        for name, draft in named.items()
    }


def _assigned(request: NewRequest, variants: Sequence[str], seed: int) -> dict[Names, str]:
    """The variant that each student gets."""
    students = [] if request.students is None else _students(request.students)
    order = np.random.default_rng([seed, 1]).permutation(len(students)).tolist()
    return {
        student: variants[place % len(variants)]
        for student, place in zip(students, order, strict=True)
    }


def _manifest(
    title: str, named: Mapping[str, Draft], students: Mapping[Names, str], seed: int
) -> str:
    lines = [f"{MADE}, seed {seed}.", title_line(title), "variants:"]
    lines += [f'  "{name}": {name}.yaml' for name in named]
    lines += ["difficulty:  # what unpleasant numbers cost; 0 is the most pleasant"]
    lines += [f'  "{name}": {draft.cost:.2f}' for name, draft in named.items()]
    if students:
        lines += ["students:"]
        lines += [f"  {json_text(told[0])}: {own}" for told, own in students.items()]
    return "\n".join(lines) + "\n"


def _students(file: str) -> list[Names]:
    """Whoever is on a list (CSV): by the number, the address, the name, what there is."""
    try:
        content = Path(file).expanduser().read_bytes()
    except OSError as error:
        refuse([f"--students {file}: can't be read ({error.strerror})"], "E519")
    rows, _ = text_rows(content)
    lines = [row.cells for row in rows if not row.is_empty and not row.fault]
    if len(lines) < 2:
        refuse(
            [f"--students {file}: expected a header, such as student, id, and a row a student"],
            "E519",
        )
    columns = student_columns(lines[0])
    if not columns.taken - {columns.time}:
        header = ", ".join(lines[0])
        refuse(
            [f"--students {file}: no column of {header} is a name, a number or an address"], "E519"
        )
    found = (
        tuple(filter(None, (*columns.keys(cells).values(), columns.student(cells))))
        for cells in lines[1:]
        if len(cells) >= len(lines[0])
    )
    return list({told[0]: told for told in found if told}.values())
