"""Samples, inputs or targets, as numbers in the spec or from a file."""

from __future__ import annotations

from backtrace.spec.data import read_data
from backtrace.spec.fields import Fields
from backtrace.spec.folders import Folders
from backtrace.spec.given import Given, read_given
from backtrace.spec.model import Layout
from backtrace.spec.problems import Problems
from backtrace.spec.reader import Mapping


def read_samples(
    problems: Problems, entries: Fields, name: str, folders: Folders, layout: Layout
) -> Given | None:
    """What stands under the key ``name``, in the layout; None where nothing does that can be read.

    Files hold a sample a row: where a sample is a column, they are turned.
    """
    node = entries.get(name)
    if node is None:
        return None
    if not isinstance(node, Mapping):
        return read_given(problems, node, name)
    given = read_data(problems, node, name, folders)
    if given is not None and layout == "columns":
        given.values = given.values.T
    return given
