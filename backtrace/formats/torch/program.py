"""A spec → a PyTorch program of the same network, data and training, which checks itself."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import PurePath

import msgspec
import numpy as np

from backtrace.formats import file_signatures, weights
from backtrace.formats.registry import NotExpressibleError, Written, checksum
from backtrace.formats.torch import processes
from backtrace.formats.torch.equations_program import EquationArrays
from backtrace.formats.torch.equations_program import blocks as equation_blocks
from backtrace.formats.torch.network import definitions, network, parameters
from backtrace.formats.torch.objective import arguments, ends_at_z, objective
from backtrace.formats.torch.optimizer import optimizer
from backtrace.formats.torch.python_text import docstring, matrix, remark
from backtrace.formats.torch.training import (
    batches,
    first_batch,
    taken,
    training,
    trains,
)
from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.array import AnyArray
from backtrace.functions.losses import LOSSES
from backtrace.page import header
from backtrace.spec import ids
from backtrace.spec.model import Arithmetic, Loss, Matrix, Spec
from backtrace.tape.accuracy import by_sample
from backtrace.tape.parameters import differentiable
from backtrace.tape.run import trace
from backtrace.tape.trace import Trace
from backtrace.tape.updates import order

MOST_INLINE = 400
"""Numbers of data and parameters that stand in the program; more are in a file beside it."""

TOLERANCES = {"float64": (1e-6, 1e-9), "float32": (1e-3, 1e-6)}
"""How far a gradient may be off: a share of its own largest entry, and one of the largest number
among the inputs and the gradients, since a sum that cancels keeps its addends' roundings."""

MOST_LOST = 0.1  # of a gradient to a rounded output, for the rest to be worth comparing
EVEN = 1e-12  # how near to 1 a sample's targets add up, for δ = a − y to be its exact gradient


def program(spec: Spec, beside: str = "") -> Written:
    """The program and, where it reads one, the .npz that belongs beside it.

    It reads large data and parameters from the file ``beside``.

    Raises NotExpressibleError for what autograd does not work as the spec asks, and where the
    numbers are many and no file may be beside.
    """
    problem = _problem(spec)
    if problem:
        raise NotExpressibleError(problem)
    written = spec.arithmetic
    spec = _in_floats(spec)
    found = _Arrays.of(spec) if spec.equations is None else EquationArrays.worked(spec)
    large = found.count > MOST_INLINE
    if large and not beside:
        raise NotExpressibleError(
            f"{found.count:,} numbers are too many to stand in a program: name a file with -o, and "
            "an .npz beside it takes them"
        )
    name = PurePath(beside).name if large else ""
    text = ("\n".join(_text(spec, found, name, written)) + "\n").encode()
    content = file_signatures.PROGRAM.encode() + b" " + checksum(text) + b"\n" + text
    if not large:
        return Written(content)
    return Written(content, weights.npz(found.stored, compression=zipfile.ZIP_DEFLATED))


def _problem(spec: Spec) -> str:
    """Why there is no such program; empty where there is one."""
    if not spec.has_backward:
        example = "mse" if spec.equations is None else "L"
        return f"the spec has no loss, so there are no gradients to compare: `loss: {example}`"
    if spec.backpropagate_through == "updated":
        return (
            "backpropagate_through: updated: autograd goes back through the old "
            "weights; take `old`, which is the gradient"
        )
    for number, layer in enumerate(spec.layers, 1):
        if not differentiable(layer):
            title = ACTIVATIONS[layer.activation.name].title
            return f"layer {number}: {title} units have no derivative for autograd to follow"
    return ""


def _in_floats(spec: Spec) -> Spec:
    """The spec in float32 or float64, which is what PyTorch has."""
    return msgspec.structs.replace(spec, arithmetic=Arithmetic(spec.arithmetic.dtype))


# --- the numbers


class _Arrays(msgspec.Struct, frozen=True):
    """What the program is given and what it compares: arrays by the names that the .npz has.

    Data have a sample a row whatever the layout; parameters and gradients are as in the trace.
    """

    data: dict[str, AnyArray]
    parameters: dict[str, AnyArray]
    gradients: dict[str, AnyArray]
    first: Trace

    @property
    def count(self) -> int:
        return sum(array.size for array in (self.data | self.parameters).values())

    @property
    def stored(self) -> dict[str, AnyArray]:
        """What a file beside the program has."""
        return self.data | self.parameters | self.gradients

    @property
    def largest(self) -> float:
        """The largest number among the inputs and the gradients."""
        return max(_largest(array) for array in (self.data["x"], *self.gradients.values()))

    @property
    def steepness(self) -> float:
        """What share of a gradient the rounding of an output takes: near a = 1, ∂loss/∂a may be
        1/(1 − a), of which a rounded a leaves few digits unless the loss is worked from z."""
        steep = [
            _largest(step.value) * step.parameters.get("samples", 1)
            for step in self.first
            if step.operation == "loss_gradient" and "stable_from" not in step.parameters
        ]
        return 8 * float(np.finfo(self.data["x"].dtype).eps) * max(steep, default=0.0)

    @classmethod
    def of(cls, spec: Spec) -> _Arrays:
        starting = weights.starting_parameters(spec)
        first = trace(_first_update(spec))
        names = [ids.gradient(id) for id in starting]
        gradients = {name: first[name].value for name in names}
        if not all(np.isfinite(gradient).all() for gradient in gradients.values()):
            raise NotExpressibleError("the first gradients are not finite: nothing to compare")
        found = cls(_data(spec), starting, gradients, first)
        if found.steepness > MOST_LOST:
            raise NotExpressibleError(
                "an output is so near 1 that the first gradients have lost their digits: nothing "
                "to compare"
            )
        return found


def _largest(array: AnyArray) -> float:
    return float(np.abs(array).max())


def _data(spec: Spec) -> dict[str, AnyArray]:
    assert spec.loss is not None
    given = {"x": spec.inputs, "y": spec.targets, "upstream": spec.loss.upstream}
    if spec.validation is not None:
        given |= {"x_held_out": spec.validation.inputs, "y_held_out": spec.validation.targets}
    wanted = arguments(spec.loss)
    return {
        name: np.asarray(by_sample(spec, values), dtype=spec.arithmetic.dtype)
        for name, values in given.items()
        if values is not None and name.removesuffix("_held_out") in wanted
    }


def _first_update(spec: Spec) -> Spec:
    """The spec of the first update alone: its samples, all at once.

    Where targets add up to 1 only nearly, the short-cut δ = a − y is not the loss's exact
    gradient; then it goes the long way, as autograd does.
    """
    assert spec.loss is not None
    shuffled, size = order(spec, 1), spec.batch_samples(1)
    chosen = slice(0, size) if shuffled is None else shuffled[:size]

    def of(given: Matrix | None) -> Matrix | None:
        if given is None or size == spec.samples:
            return given
        return given.samples(chosen, spec.conventions.layout)

    return msgspec.structs.replace(
        spec,
        inputs=of(spec.inputs),
        targets=of(spec.targets),
        loss=msgspec.structs.replace(spec.loss, upstream=of(spec.loss.upstream)),
        batch_size=None,
        shuffle=False,
        epochs=1,
        validation=None,
        output_delta="chain" if _uneven(spec, spec.loss) else spec.output_delta,
    )


def _uneven(spec: Spec, loss: Loss) -> bool:
    if spec.targets is None or LOSSES[loss.name].targets != "distribution":
        return False
    sums = by_sample(spec, spec.targets).sum(axis=1)
    return bool((np.abs(sums - 1) > EVEN).any())


# --- the text


def _text(
    spec: Spec, found: _Arrays | EquationArrays, beside: str, written: Arithmetic
) -> Iterator[str]:
    if isinstance(found, EquationArrays):
        subject = "equations"
        parts = equation_blocks(spec, found, beside, TOLERANCES[spec.arithmetic.kind])
    else:
        subject = f"network {header.architecture(found.first)}"
        parts = _layer_blocks(spec, found, beside)
    blocks = [_type(spec, written), *filter(None, parts)]
    imports = [*_imports(blocks)]
    needs = ["PyTorch", *(["NumPy"] if IMPORTS["np."] in imports else [])]
    yield from (*_docstring(spec, subject, beside, needs), "", *imports)
    yield from _joined(blocks)


def _layer_blocks(spec: Spec, found: _Arrays, beside: str) -> Iterator[list[str]]:
    z = ends_at_z(spec)
    yield from (*processes.beginning(), *_given(spec, found, beside))
    yield from (*definitions(spec, ends_at_z=z), network(spec, ends_at_z=z))
    yield processes.shared()
    assert spec.loss is not None
    yield from (*objective(spec, spec.loss), processes.backward(spec))
    yield from (batches(spec), _check(spec, found))
    if trains(spec):
        yield from (optimizer(spec), *training(spec))
    else:
        yield ["# The spec ends here: no rate, or nothing that is not frozen."]
    yield processes.end()


def _docstring(spec: Spec, subject: str, beside: str, needs: list[str]) -> list[str]:
    source = f"Source: {spec.source}" if spec.source else ""
    then = ", then trains" if trains(spec) else ""
    needs = [*needs, f"{beside} beside it"] if beside else needs
    needed = " and ".join([", ".join(needs[:-1]), needs[-1]] if needs[1:] else needs)
    what = (
        f"The {subject} in PyTorch. The program asserts that its first gradients are those of the "
        f"trace{then}. It needs {needed}."
    )
    return docstring(spec.title, source, what)


IMPORTS = {
    "copy.": "import copy",
    "os.": "import os",
    "Path(": "from pathlib import Path",
    "np.": "import numpy as np",
    "torch": "import torch",
    "nn.": "from torch import nn",
    "F.": "from torch.nn import functional as F",
}
STANDARD = ("copy.", "os.", "Path(")


def _imports(blocks: list[list[str]]) -> Iterator[str]:
    text = " ".join(line for block in blocks for line in block)
    used = [start for start in IMPORTS if re.search(rf"(?<![\w.]){re.escape(start)}", text)]
    standard = [IMPORTS[start] for start in used if start in STANDARD]
    yield from ([*standard, ""] if standard else [])
    yield from (IMPORTS[start] for start in used if start not in STANDARD)


def _joined(blocks: list[list[str]]) -> Iterator[str]:
    """The blocks one after another: two blank lines around a definition, else one."""
    before = False
    for block in blocks:
        defines = block[0].startswith(("def ", "class "))
        yield from ["", ""] if defines or before else [""]
        yield from block
        before = block[-1].startswith(" ") and any(
            line.startswith(("def ", "class ")) for line in block
        )


def _type(spec: Spec, written: Arithmetic) -> list[str]:
    """The type of the numbers, and where it is not the spec's, what that would be."""
    lines = []
    if written.kind == "exact":
        lines = remark(
            "The spec works in fractions, which PyTorch does not have: all here is float64, the "
            "expected gradients too."
        )
    elif written.kind == "rounded":
        lines = remark(
            f"The spec rounds each step to {written.decimals} decimals: nothing here is rounded, "
            "all is float64, the expected gradients too."
        )
    return [*lines, f"torch.set_default_dtype(torch.{spec.arithmetic.kind})"]


def _given(spec: Spec, found: _Arrays, beside: str) -> Iterator[list[str]]:
    """The data, the parameters and the gradients, a block each."""
    if beside:
        yield [f"given = np.load(Path(__file__).with_name({json.dumps(beside)}))"]
    turned = ""
    if spec.conventions.layout == "columns":
        turned = " In the spec it is a column."
    for words, arrays in (
        (f"The data, a sample a row.{turned}", found.data),
        ("The starting parameters, as the spec has them.", found.parameters),
        (_words_of_gradients(spec), found.gradients),
    ):
        yield [*remark(words), *_tensors(arrays, beside)]


def _words_of_gradients(spec: Spec) -> str:
    words = ["The gradients of the first update, as the trace has them."]
    if spec.conventions.sign == "descent":
        words.append("They point downhill (`sign: descent`), autograd's uphill.")
    return " ".join(words)


def _tensors(arrays: dict[str, AnyArray], beside: str) -> Iterator[str]:
    for name, array in arrays.items():
        if beside:
            yield f'{name} = torch.as_tensor(given["{name}"])'
        else:
            yield from matrix(f"{name} = torch.tensor(", array, ")")


def _check(spec: Spec, found: _Arrays) -> list[str]:
    """The first gradients of autograd held against those of the trace."""
    share, of_largest = TOLERANCES[spec.arithmetic.kind]
    share = float(f"{max(share, found.steepness):.0e}")
    roundings = float(f"{of_largest * found.largest:.0e}")
    batch = first_batch(spec)
    lines = remark("The first gradients are those of the trace, or the program ends here.")
    lines += [f"first = {batch}"] if batch else []
    lines.append(f"backward({taken(spec, 'first' if batch else '')})")
    lines.append("for parameter, gradient in [")
    downhill = spec.conventions.sign == "descent"
    for parameter in parameters(spec):
        gradient = parameter.value(ids.gradient(parameter.id), negated=downhill)
        lines.append(f"    ({parameter.target}, {gradient}),")
    return [
        *lines,
        "]:",
        f"    atol = {share} * gradient.abs().max().item() + {roundings}  # for roundings",
        "    torch.testing.assert_close(parameter.grad, gradient, rtol=0, atol=atol)",
        'say("The first gradients are those of the trace.")',
    ]
