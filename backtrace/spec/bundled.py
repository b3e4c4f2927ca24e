"""The networks that ship with the package, by name."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

EDITORS_LINE = "# yaml-language-server: $schema=spec.schema.json\n"
"""With which each begins, for editors: the schema lies beside them."""
_PACKAGE = Path(__file__).resolve().parent.parent


class Bundled(NamedTuple):
    """A network of the list: its units, layer by layer (of equations the lines), its purpose."""

    name: str
    size: str
    purpose: str


SHELVES: dict[str, tuple[Bundled, ...]] = {
    "First steps": (
        Bundled("scalar-chain", "1 → 1 → 1 → 1", "the chain rule, one number a layer"),
        Bundled("delta-rule", "3 → 1", "one linear neuron and the delta rule"),
        Bundled("delta-rule-sigmoid", "3 → 1", "the same with a sigmoid"),
        Bundled("mlp-math", "2 → 3 → 1", "a hidden ReLU layer, as matrices"),
        Bundled("multi-neuron", "2 → 2 → 2", "two layers of sigmoids, one update"),
        Bundled("small-mlp", "2 → 2 → 1", "ReLU units and one update"),
    ),
    "Several samples": (
        Bundled("or-gate", "2 → 2 → 1", "a batch of four samples; known slips"),
        Bundled("softmax", "2 → 2 → 3", "classes: softmax and cross-entropy"),
        Bundled("momentum", "2 → 1", "an optimizer with a velocity"),
        Bundled("adam", "2 → 1", "an optimizer with two moments"),
    ),
    "To train": (
        Bundled("xor", "2 → 2 → 1", "what a single layer can't learn"),
        Bundled("digits", "64 → 10 → 10", "handwritten digits of 8 × 8 pixels"),
        Bundled("mnist", "784 → 10 → 10", "images of 28 × 28 pixels, from a file"),
    ),
    "Equations, line by line": (
        Bundled("graph", "2 lines", "a computational graph: (x + y) z"),
        Bundled("circuit", "8 lines", "a sigmoid neuron as a graph"),
        Bundled("perceptron", "20 lines", "the perceptron rule on the AND gate"),
        Bundled("dropout", "5 lines", "dropout with a given mask"),
        Bundled("residual", "6 lines", "a residual block"),
        Bundled("autoencoder", "5 lines", "weights that are used twice"),
        Bundled("layer-norm", "5 lines", "layer normalisation"),
        Bundled("batch-norm", "9 lines", "batch normalisation"),
        Bundled("convolution", "6 lines", "convolution and max-pooling"),
        Bundled("skip-gram", "4 lines", "word vectors by skip-gram"),
        Bundled("recurrent", "13 lines", "a recurrent network in three steps"),
        Bundled("gru", "5 lines", "a gated recurrent unit"),
        Bundled("lstm", "15 lines", "an LSTM cell in two steps"),
        Bundled("attention", "7 lines", "one head of attention"),
    ),
}
"""The networks as they are listed, the easy ones first."""


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
