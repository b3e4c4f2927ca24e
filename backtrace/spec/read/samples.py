"""Samples, inputs or targets, as numbers in the spec or from a file."""

from __future__ import annotations

from backtrace.spec.document.fields import Fields
from backtrace.spec.document.folders import Folders
from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Mapping
from backtrace.spec.model import Layout
from backtrace.spec.read.data_files import read_data
from backtrace.spec.read.written_matrix import WrittenMatrix, read_matrix


def read_samples(
    problems: Problems, entries: Fields, name: str, folders: Folders, layout: Layout
) -> WrittenMatrix | None:
    """What stands under the key ``name``, in the layout; None where nothing does that can be read.

    Files hold a sample a row: where a sample is a column, they are turned.
    """
    node = entries.get(name)
    if node is None:
        return None
    if not isinstance(node, Mapping):
        return read_matrix(problems, node, name)
    given = read_data(problems, node, name, folders)
    if given is not None and layout == "columns":
        given.values = given.values.T
    return given
