"""What dense layers can't be, written under ``layers``: its names, and what works it instead."""

from __future__ import annotations

from collections.abc import Iterator

from backtrace.spec.document.problems import Problems
from backtrace.spec.document.reader import Mapping, Node, Scalar, kind

# By its name in lower case without spaces, dashes and underscores, what works it as equations.
BUNDLED = {
    "dropout": "dropout",
    **dict.fromkeys(("conv", "conv1d", "conv2d", "convolution", "convolutional"), "convolution"),
    **dict.fromkeys(("pool", "pooling", "maxpool", "maxpooling", "maxpool2d"), "convolution"),
    **dict.fromkeys(("rnn", "recurrent", "simplernn"), "recurrent"),
    "lstm": "lstm",
    "gru": "gru",
    **dict.fromkeys(("attention", "selfattention", "multiheadattention"), "attention"),
    **dict.fromkeys(("skip", "skipconnection", "residual", "shortcut"), "residual"),
    **dict.fromkeys(("batchnorm", "batchnormalization", "batchnorm1d"), "batch-norm"),
    **dict.fromkeys(("layernorm", "layernormalization"), "layer-norm"),
    "embedding": "skip-gram",
}
_KINDS = ("type", "kind", "layer", "name", "activation")  # keys that may say what a layer is


def is_other_layer(problems: Problems, node: Node) -> bool:
    """Whether an entry under ``layers`` is of another kind; then it is noted as a problem."""
    for word in _words(node):
        bundled = BUNDLED.get(_normal(word.text))
        if bundled is not None:
            problems.add(
                word,
                f"{kind(word)} among the `layers`, which are dense ones",
                "a layer with `activation`, `weights` and `bias`",
                f"Write the network as `equations`, as the bundled `{bundled}` does: "
                f"`backtrace show {bundled}`.",
                code="E117",
            )
            return True
    return False


def _words(node: Node) -> Iterator[Scalar]:
    """What may name the kind of a layer: itself, a key, the value of a key such as ``type``."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Mapping):
        for key, entry in node.entries.items():
            yield entry.key
            value = entry.value
            if isinstance(value, Mapping) and "name" in value.entries:
                value = value.entries["name"].value
            if key in _KINDS and isinstance(value, Scalar):
                yield value


def _normal(word: str) -> str:
    return "".join(letter for letter in word.lower() if letter not in " -_")
