"""Data files to read, and a spec that reads one."""

import struct

from backtrace.spec.data.contents import read_table
from backtrace.spec.data.request import DataRequest
from backtrace.tape.loading import loads
from tests.spec.specs import network, only_problem


def idx(array, code=0x08):
    """An array as an IDX file has it."""
    header = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def spec_of(folder, inputs, targets="", weights="{init: zeros}", units=3, more=""):
    text = network(weights, inputs=inputs).replace("    bias", f"    units: {units}\n    bias")
    if targets:
        text += f"targets: {targets}\nloss: mse\n"
    return loads(text + more, "s.yaml", folder=folder)


def inputs_of(folder, inputs, more=""):
    return spec_of(folder, inputs, more=more).inputs.values.tolist()


def problem_of(folder, inputs):
    """The only problem of a spec with these inputs, which stand in its sixth line."""
    text = network("{init: zeros}", inputs=inputs).replace("    bias", "    units: 1\n    bias")
    problem = only_problem(text, folder=folder)
    assert problem.line == 6
    return problem


def values_of(path, scale=1, kept="float64", **asked):
    """The numbers of a data file, and what is asked for of it."""
    return read_table(path, DataRequest("x", **asked)).scaled(scale, kept)
