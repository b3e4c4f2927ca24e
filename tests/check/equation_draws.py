"""Random operands for each operation of equations, for ``test_intervals.py``."""

import numpy as np

from backtrace.functions.elementary import ELEMENTARY, FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.tape.equation_operations import BY_TARGET

N, K = 2, 3
POSITIVE = ("ln", "sqrt")  # what has no value or no slope elsewhere
SMALL = ("exp", "sin", "cos", "power")  # of a moderate number: beyond, e^x has no digits to compare
BROADCAST = (((N, K), (N, K)), ((N, K), (1, K)), ((N, 1), (N, K)), ((1, 1), (N, K)))


def pair(d):
    x, y = d.one_of(*BROADCAST)
    return {}, [d.interval(x), d.interval(y)]


def quotient(d):
    """By what keeps away from 0, on either side of it."""
    away = d.one_of({"low": 0.2, "high": 9}, {"low": -9, "high": -0.2})
    return {}, [d.interval((N, K)), d.interval((N, K), **away)]


def quotient_slope(d):
    parameters, operands = quotient(d)
    return parameters, [d.interval((N, K)), *operands]


def chosen(d):
    parameters = {"of": d.one_of(1, 2), "largest": d.one_of(True, False)}
    return parameters, [d.interval((N, K)) for _ in range(3)]


def function(d, table):
    name = d.one_of(*table)
    parameters = {k: float(v) for k, v in FUNCTIONS[name].constants.items()}
    low, high = {**dict.fromkeys(POSITIVE, (0.2, 60)), **dict.fromkeys(SMALL, (-6, 6))}.get(
        name, (-np.inf, np.inf)
    )
    return {"activation": name, **parameters}, d.interval((N, K), low=low, high=high)


def chain(d):
    table = [name for name, row in FUNCTIONS.items() if row.elementwise and row.differentiable]
    parameters, z = function(d, table)
    return parameters, [d.interval((N, K)), z, *learned(d, parameters)]


def learned(d, parameters):
    """What an activation learns: one number, or one a column."""
    learns = FUNCTIONS[parameters["activation"]].learned
    return [d.interval(d.one_of((1, 1), (1, K)), low=-3, high=3)] if learns else []


def chain_to_learned(d):
    return {"activation": "prelu", **d.maybe_mean()}, [d.interval((N, K)), d.interval((N, K))]


def elementary(d):
    parameters, z = function(d, tuple(ELEMENTARY))
    return parameters, [z]


def each(d, *more):
    return d.one_of({}, {"each": "row"}, {"each": "column"}, *more)


def reduced(d):
    kind = d.one_of("sum", "mean", "max", "var")
    unbiased = {"unbiased": d.one_of(True, False)} if kind == "var" else {}
    return {"reduce": kind, **unbiased, **each(d)}, d.interval((N, K))


def reduce_slope(d):
    parameters, x = reduced(d)
    shape = {"row": (N, 1), "column": (1, K)}.get(parameters.get("each"), (1, 1))
    if not d.rows:
        shape = {"row": (1, K), "column": (N, 1)}.get(parameters.get("each"), (1, 1))
    return parameters, [d.interval(shape), x]


def reduce(d):
    parameters, x = reduced(d)
    return parameters, [x]


def softmax_slope(d):
    return each(d), [d.interval((N, K)), d.share((N, K))]


def stack(d):
    return {"beside": d.one_of(True, False)}, [d.interval((N, K)) for _ in range(3)]


def rows_slope(d):
    """Rows 2, 1 and 2 of four, gone back."""
    upstream = d.interval((3, K)) if d.rows else d.interval((K, 3))
    return {"rows": [2, 1, 2], "height": 4}, [upstream]


# Windows

IMAGE, KERNEL = (5, 4), (2, 3)


def convolution(d):
    return {"stride": d.one_of(1, 2), "padding": d.one_of(0, 1), "flip": d.one_of(True, False)}


def conv(d):
    return convolution(d), [d.interval(IMAGE), d.interval(KERNEL)]


def upstream_of_conv(d, p):
    sizes = zip(IMAGE, KERNEL, strict=True)
    return d.interval(tuple((i + 2 * p["padding"] - k) // p["stride"] + 1 for i, k in sizes))


def conv_input(d):
    p = convolution(d)
    return p, [upstream_of_conv(d, p), d.interval(KERNEL), d.interval(IMAGE)]


def conv_kernel(d):
    p = convolution(d)
    return p, [upstream_of_conv(d, p), d.interval(IMAGE), d.interval(KERNEL)]


def pooling(d):
    return {"pool": d.one_of("max", "mean"), "size": 2, "stride": d.one_of(1, 2)}


def pool_slope(d):
    p = pooling(d)
    shape = tuple((length - 2) // p["stride"] + 1 for length in IMAGE)
    return p, [d.interval(shape), d.interval(IMAGE)]


# Losses


def loss(d, table, operands):
    name = d.one_of(*table)
    constants = {k: float(v) for k, v in LOSSES[name].parameters.items()}
    return {"loss": name, "outputs": K, **constants, **d.maybe_mean()}, operands(d, name)


def of_targets(name):
    """Whether a loss can be differentiated by its target."""
    return LOSSES[name].from_error or name in BY_TARGET


def equation_draws(operands):
    """A draw for each operation; ``operands`` draws the prediction and the target of a loss."""
    table = [name for name, row in LOSSES.items() if row.targets != "none"]

    def loss_slope(d):
        of = d.one_of(1, 2)
        parameters, both = loss(d, table if of == 1 else [*filter(of_targets, table)], operands)
        return parameters | {"of": of}, [d.interval((1, 1)), *both]

    return {
        **dict.fromkeys(("plus", "minus", "times", "larger", "smaller"), pair),
        "over": quotient,
        "negate": lambda d: ({}, [d.interval((N, K))]),
        "over_slope": quotient_slope,
        "larger_slope": chosen,
        "chain": chain,
        "chain_to_learned": chain_to_learned,
        "softmax": lambda d: (each(d), [d.interval((N, K))]),
        "softmax_slope": softmax_slope,
        "reduce": reduce,
        "reduce_slope": reduce_slope,
        "stack": stack,
        "reshape": lambda d: ({"shape": [N * K, 1]}, [d.interval((N, K))]),
        "rows": lambda d: ({"rows": [2, 1, 2]}, [d.interval((N, K))]),
        "rows_slope": rows_slope,
        "eye": lambda d: ({"size": K}, []),
        "number": lambda d: ({}, [d.interval((1, 1))]),
        "pad": lambda d: ({"width": 2}, [d.interval((N, K))]),
        "conv": conv,
        "conv_input": conv_input,
        "conv_kernel": conv_kernel,
        "conv_transpose": lambda d: (
            {"stride": d.one_of(1, 2)},
            [d.interval((N, K)), d.interval(KERNEL)],
        ),
        "pool": lambda d: (pooling(d), [d.interval(IMAGE)]),
        "pool_slope": pool_slope,
        "loss_of": lambda d: loss(d, table, operands),
        "loss_slope": loss_slope,
    }
