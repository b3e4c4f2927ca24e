"""Where data files lie: beside the spec, or in a folder that the user names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from backtrace.spec.data.request import DataError, DataType
from backtrace.spec.near_misses import near_miss
from backtrace.spec.wording import cited


class Folders(msgspec.Struct, frozen=True):
    """Where files are looked for: beside the spec, or, for data, where the user says.

    ``dtype`` is the type in which the data's numbers are wanted from there.
    """

    spec: Path = Path()
    data: Path | None = None
    dtype: DataType = "float64"


def find(name: str, folders: Folders) -> Path:
    """The path of an existing file. Raises DataError, which says where it was looked for."""
    if "\0" in name or not name:
        raise DataError("no path", "the path of a file", code="E301")
    candidates = list(_candidates(name, folders))
    for path in candidates:
        if path.is_file():
            return path
    if candidates[0].is_dir():
        raise DataError("a folder", "a file", "Name a file in it.", code="E301")
    if candidates[0].exists():
        raise DataError("no regular file", "a file that can be read more than once", code="E301")
    elsewhere = folders.data is not None and len(candidates) > 1
    raise _missing(candidates[-1 if elsewhere else 0].parent, candidates[0].name, elsewhere)


def _missing(folder: Path, name: str, elsewhere: bool) -> DataError:
    if not folder.is_dir():
        return DataError(
            f"there is no folder {cited(str(folder), 200)}", "a file that exists", code="E301"
        )
    meant = near_miss(name, [path.name for path in folder.iterdir()])
    hint = "Its name may end in .gz or not." if elsewhere else "Paths are relative to the spec."
    return DataError(
        f"no such file in {cited(str(folder), 200)}",
        "a file that exists",
        f"Did you mean `{meant}`?" if meant else hint,
        code="E301",
    )


def _candidates(name: str, folders: Folders) -> Iterator[Path]:
    """The path itself; in a folder of the user's also its last part, gzipped or not.

    The files of MNIST go by two spellings, ``train-images-idx3-ubyte`` and
    ``train-images.idx3-ubyte``.
    """
    wanted = _expanded(Path(name))
    if folders.data is None or wanted.is_absolute():
        yield folders.spec / wanted
        return
    folder = _expanded(folders.data)
    for path in (wanted, Path(wanted.name)):
        bare = path.name.removesuffix(".gz")
        other = bare.replace("-idx", ".idx") if "-idx" in bare else bare.replace(".idx", "-idx")
        for variant in dict.fromkeys((path.name, bare, bare + ".gz", other, other + ".gz")):
            yield folder / path.parent / variant


def _expanded(path: Path) -> Path:
    """``~`` made explicit, where there is a home to go to."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path
