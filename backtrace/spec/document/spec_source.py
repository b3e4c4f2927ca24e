"""What SPEC names: a file, a bundled network or the standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from backtrace.spec import bundled
from backtrace.spec.document.problems import SpecError, whole_file
from backtrace.spec.document.reader import Limits
from backtrace.spec.near_misses import near_miss
from backtrace.spec.wording import cited


def read_source(source: str | Path) -> tuple[bytes, str, Path]:
    """The bytes of a spec, the name that messages use, and the folder its paths are relative to.

    A file that exists comes before a bundled network of the same name. Raises SpecError where
    there is neither, or the file can't be read.
    """
    if source == "-":
        return sys.stdin.buffer.read(Limits().bytes + 1), "<stdin>", Path()
    path = Path(source).expanduser()
    try:
        if not path.is_file() and isinstance(source, str) and source in bundled.names():
            path = bundled.path(source)
        with path.open("rb") as stream:
            # One byte more than is allowed shows that there is more, without reading it all.
            return stream.read(Limits().bytes + 1), str(path), path.parent
    except FileNotFoundError:
        raise _missing(str(source)) from None
    except IsADirectoryError:
        raise _folder(str(source)) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise whole_file(
            str(source), f"a file that can't be read ({reason})", "a spec", code="E118"
        ) from None


def _missing(source: str) -> SpecError:
    looks_bundled = "/" not in source and "\\" not in source
    meant = _beside(Path(source).expanduser())
    if looks_bundled and not meant:
        meant = near_miss(source.removesuffix(".yaml"), bundled.names())
    mend = "`backtrace list` shows the bundled networks."
    if meant:
        mend = f"Did you mean `{meant}`? {mend}"
    found = f"no file {cited(source, 200)}"
    if looks_bundled:
        found += ", and no bundled network of this name"
    return whole_file(
        source, found, "the path of a spec, or the name of a bundled network", mend, code="E118"
    )


def _beside(path: Path) -> str:
    """The same name with the other ending of a spec, where there is such a file."""
    endings = (".yaml", ".yml", ".json")
    others = (path.with_suffix(ending) for ending in endings) if path.name else ()
    return next((str(other) for other in others if other.is_file()), "")


def _folder(source: str) -> SpecError:
    found = "a folder"
    mend = f"Name a file in it, such as {cited(source.rstrip('/') + '/network.yaml', 200)}."
    return whole_file(source, found, "a spec", mend, code="E118")
