"""A folder of variants: which there are, and which student has which."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from backtrace.check.model import Answers
from backtrace.spec.document.fields import Fields, fields
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Node, Scalar, kind, read

MANIFEST = "manifest.yaml"
KEYS = ("title", "variants", "students", "difficulty")


class Manifest(msgspec.Struct, frozen=True):
    """``variants`` are spec files by the variants' names, ``students`` the variants' names by
    whatever a table knows students by: a number, an address, a name. ``title`` is that of all."""

    variants: dict[str, Path]
    students: dict[str, str]
    title: str = ""

    def variant_of(self, answers: Answers) -> str | None:
        """The variant that a sheet is of; None where the manifest does not say."""
        told = (*answers.keys.values(), answers.student)
        folded = {_folded(student): variant for student, variant in self.students.items()}
        return next((folded[_folded(each)] for each in told if _folded(each) in folded), None)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a folder of variants. Raises SpecError with all that is wrong with it."""
    path = folder / MANIFEST
    document = read(path.read_bytes(), str(path))
    problems = document.problems
    top = fields(
        problems, document.root, "a manifest", ("title", "variants", "students", "difficulty")
    )
    title = top.get("title") if top is not None else None
    variants: dict[str, Path] = {}
    students: dict[str, str] = {}
    if top is not None:
        needed = top.require("variants", 'Write `variants: {"v01": v01.yaml}`.')
        told = dict(_texts(problems, needed))
        variants = {name: folder / node.text for name, node in told.items()}
        for name, node in told.items():
            if not os.path.isfile(variants[name]):  # noqa: PTH113 - which raises for no name
                found = f"`{node.text}`"
                problems.add(node, found, "the name of a file beside the manifest", code="E410")
        students = dict(_assigned(problems, top, variants))
    problems.raise_any()
    return Manifest(variants, students, title.text if isinstance(title, Scalar) else "")


def _assigned(
    problems: Problems, top: Fields, variants: Mapping[str, Path]
) -> Iterator[tuple[str, str]]:
    for student, node in _texts(problems, top.get("students")):
        if node.text not in variants:
            expected = "a variant: " + ", ".join(variants)
            problems.add(node, f"`{node.text}`", expected, code="E410")
        yield student, node.text


def _texts(problems: Problems, node: Node | None) -> Iterator[tuple[str, Scalar]]:
    if node is None:
        return
    entries = fields(problems, node, "names", list(getattr(node, "entries", ())))
    for name, entry in entries.node.entries.items() if entries is not None else ():
        if isinstance(entry.value, Scalar):
            yield name, entry.value
        else:
            problems.add(entry.value, kind(entry.value), "one text", code="E110")


def _folded(name: str) -> str:
    return " ".join(name.lower().split())
