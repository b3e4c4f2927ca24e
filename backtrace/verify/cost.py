"""What gradients cost by backpropagation and by finite differences: passes, products and time."""

from __future__ import annotations

import timeit
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from backtrace.functions.array import Array
from backtrace.spec import ids
from backtrace.tape.arguments import taken
from backtrace.tape.arithmetic import FloatArithmetic
from backtrace.tape.operations import matmul_operands
from backtrace.tape.run import worked
from backtrace.tape.setting import Setting
from backtrace.tape.steps import Step

RUNS = 8  # of a pass, of which the shortest is timed


class PassCost(msgspec.Struct, frozen=True):
    """One pass over all samples: the multiplications of its products, and the seconds it took."""

    multiplications: int
    seconds: float


class MethodCost(msgspec.Struct, frozen=True):
    """A way to all gradients: how many passes of each kind it takes."""

    forward_passes: int
    backward_passes: int
    multiplications: int
    seconds: float


class Cost(msgspec.Struct, frozen=True):
    """The lecture's argument in numbers: P parameters, one pass each way against P + 1 forward.

    Finite differences (J(w + h) − J(w))/h take a forward pass for every parameter and one for J(w);
    central differences take two for every parameter.
    """

    parameters: int
    forward: PassCost
    backward: PassCost

    @property
    def backpropagation(self) -> MethodCost:
        return self._way(1, 1)

    @property
    def finite_differences(self) -> MethodCost:
        return self._way(self.parameters + 1, 0)

    @property
    def central_differences(self) -> MethodCost:
        return self._way(2 * self.parameters, 0)

    def _way(self, forward: int, backward: int) -> MethodCost:
        return MethodCost(
            forward,
            backward,
            forward * self.forward.multiplications + backward * self.backward.multiplications,
            forward * self.forward.seconds + backward * self.backward.seconds,
        )


def cost(steps: Sequence[Step], values: Mapping[str, Array], setting: Setting) -> Cost:
    """The cost of the gradients of one update, whose ``values`` are all known."""
    parameters = (step for step in steps if _is_parameter(step, values))
    forward = [step for step in steps if step.phase in ("forward", "loss")]
    backward = [step for step in steps if step.phase == "backward"]
    passes = (_pass(chosen, values, setting) for chosen in (forward, backward))
    return Cost(sum(int(np.prod(step.shape)) for step in parameters), *passes)


def _is_parameter(step: Step, values: Mapping[str, Array]) -> bool:
    """Those of the layers; of equations all that is given and has a gradient."""
    is_named = step.role == "named" and step.phase == "given"
    return step.role in ids.PARAMETERS or (is_named and ids.gradient(step.id) in values)


def _pass(steps: Sequence[Step], values: Mapping[str, Array], setting: Setting) -> PassCost:
    """The shortest of some passes, on one processor as those of a verification are.

    Whatever else the machine does only makes one longer.
    """
    shapes = {id: np.shape(value) for id, value in values.items()}
    products = sum(multiplications(step, shapes, setting) for step in steps)
    numbers = FloatArithmetic(np.float64)
    seconds = timeit.repeat(lambda: worked(steps, values, setting, numbers), number=1, repeat=RUNS)
    return PassCost(products, min(seconds))


def multiplications(step: Step, shapes: Mapping[str, tuple[int, ...]], setting: Setting) -> int:
    """The multiplications of a product, of matrices or entry by entry, from its shapes.

    Those of other steps, a few an entry, are not counted.
    """
    if step.operation == "matmul":
        operands = [np.broadcast_to(0.0, shapes[id]) for id in step.operands]
        first, second = taken(FloatArithmetic(np.float64).parameters(step.parameters), operands)
        first, second = matmul_operands(setting, step.parameters, first, second)
        return int(first.shape[0] * first.shape[1] * second.shape[1])
    size = int(np.prod(step.shape))
    if step.operation == "jacobian_product":  # k multiplications an entry
        return size * step.shape[1 - setting.sample_axis]
    if step.operation in ("conv", "conv_kernel", "conv_input"):
        return size * int(np.prod(shapes[step.operands[-1]]))
    if step.operation == "chain_to_learned":
        return int(np.prod(shapes[step.operands[0]]))
    return size if step.operation in ("hadamard", "times", "chain") else 0
