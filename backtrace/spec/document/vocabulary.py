"""The words of a spec: its keys and where each belongs, and what else people call things."""

from __future__ import annotations

TOP_KEYS = (
    *("title", "source", "layers", "inputs", "targets", "loss", "learning_rate"),
    *("optimizer", "schedule", "clip", "regularization", "freeze", "conventions", "notation"),
    *("arithmetic", "display", "updates", "epochs", "backpropagate_through"),
    *("output_delta", "trace", "ask", "answers", "accept", "seed", "validation", "training"),
    "expect",
)
EQUATION_KEYS = (
    *("title", "source", "given", "equations", "loss", "maximize", "upstream", "constants"),
    *("parameters", "learning_rate", "optimizer", "schedule", "clip", "conventions", "notation"),
    *("arithmetic", "display", "epochs", "ask", "answers", "accept", "seed", "training", "expect"),
)
"""The keys of a spec of equations."""

HOMES = {
    **dict.fromkeys(EQUATION_KEYS, "at the top level, beside `equations:`"),
    **dict.fromkeys(TOP_KEYS, "at the top level, in the first column"),
    **dict.fromkeys(("units", "activation", "weights", "bias"), "in a layer, under `layers:`"),
    **dict.fromkeys(("layout", "sign", "mean_in"), "under `conventions:`"),
    **dict.fromkeys(("momentum", "beta1", "beta2", "epsilon"), "in `optimizer:`"),
    **dict.fromkeys(("l1", "l2"), "under `regularization:`"),
    "decimals": "under `display:`",
    **dict.fromkeys(("batch_size", "shuffle"), "under `updates:`"),
    **dict.fromkeys(("patience", "stop_at_loss"), "under `training:`"),
    "inputs_gradient": "under `trace:`",
}
"""Where keys belong, for the message about one that stands in the wrong place."""

SYNONYMS = {
    "identity": "linear",
    "logistic": "sigmoid",
    "swish": "silu",
    "heaviside": "step",
    "threshold": "step",
    "meansquarederror": "mse",
    "sumofsquarederrors": "sse",
    "squarederror": "sse",
    "meanabsoluteerror": "mae",
    "gauss": "normal",
    "gaussian": "normal",
    "bce": "binary_cross_entropy",
    "logloss": "binary_cross_entropy",
    "ce": "cross_entropy",
    "categoricalcrossentropy": "cross_entropy",
    "kldivergence": "kl",
    "kullbackleibler": "kl",
    "l1": "mae",
    "l2": "mse",
    "gd": "sgd",
    "gradientdescent": "sgd",
    "lr": "learning_rate",
    "eta": "learning_rate",
    "alpha": "learning_rate",
    "rate": "learning_rate",
    "x": "inputs",
    "y": "targets",
    "target": "targets",
    "w": "weights",
    "b": "bias",
    "neurons": "units",
    "double": "float64",
    "fractions": "exact",
    "glorot": "xavier",
    "kaiming": "he",
    "stop": "training",
    "earlystopping": "training",
    "holdout": "validation",
    "heldout": "validation",
    "testset": "validation",
    "fraction": "share",
    "minibatch": "batch_size",
    "expected": "expect",
    "published": "expect",
    "no": "none",
    "false": "none",
}
"""What is meant by a word of another book, without case, spaces, dashes and underscores."""
