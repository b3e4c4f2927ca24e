"""The networks that ship with the package, by name."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent


def folder() -> Path:
    """Where they lie: inside an installed package, beside it in a checkout."""
    inside = _PACKAGE / "networks"
    return inside if inside.is_dir() else _PACKAGE.parent / "networks"


def names() -> list[str]:
    """The names of all bundled networks, sorted."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def path(name: str) -> Path:
    """The YAML file of a bundled network. Raises KeyError where there is none of this name."""
    if name not in names():
        raise KeyError(name)
    return folder() / f"{name}.yaml"


def title(name: str) -> str:
    """What the ``title:`` line of a bundled network says, without loading the network."""
    for line in path(name).read_text(encoding="utf-8").splitlines():
        if line.startswith("title:"):
            return line.removeprefix("title:").strip().strip("\"'")
    return ""
