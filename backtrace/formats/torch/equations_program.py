"""The program of equations, block by block: what is given, the lines, what is compared."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping

import msgspec
import numpy as np

from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.torch import processes
from backtrace.formats.torch.equations import definitions, lines, program_names
from backtrace.formats.torch.optimizer import optimizer
from backtrace.formats.torch.python_text import matrix, remark
from backtrace.formats.torch.training import training, trains
from backtrace.functions.array import AnyArray
from backtrace.spec.model import Spec
from backtrace.tape.run import trace

ENDS = "# The equations end here: no rate, or no `parameters`."


class EquationArrays(msgspec.Struct, frozen=True):
    """What the program is given and what it compares, by id: matrices as in the trace.

    ``upstream`` are the gradients from which the way back starts in place of a loss, by the id of
    what they are of.
    """

    data: dict[str, AnyArray]
    parameters: dict[str, AnyArray]
    upstream: dict[str, AnyArray]
    gradients: dict[str, AnyArray]
    updated: dict[str, AnyArray]
    of: dict[str, str]  # of each gradient and updated parameter, whose it is

    @classmethod
    def worked(cls, spec: Spec) -> EquationArrays:
        """Raises NotExpressibleError where there is nothing to compare."""
        assert spec.equations is not None
        first = trace(msgspec.structs.replace(spec, epochs=1))
        given = {name: first[name].value for name in spec.equations.given}
        parameters = {id: given.pop(id) for id in spec.equations.parameters}
        by = {step.of: step for step in first if step.role == "gradient"}
        gradients = [by[name] for name in spec.equations.given if name in by]
        updated = [step for step in first if step.role == "updated"]
        if not all(np.isfinite(step.value).all() for step in gradients):
            raise NotExpressibleError("the first gradients are not finite: nothing to compare")
        return cls(
            given,
            parameters,
            {id: np.asarray(m.values) for id, m in spec.equations.upstream.items()},
            {step.id: step.value for step in gradients},
            {step.id: step.value for step in updated},
            {step.id: step.of for step in (*gradients, *updated)},
        )

    @property
    def count(self) -> int:
        return sum(array.size for array in (*self.data.values(), *self.parameters.values()))

    @property
    def stored(self) -> dict[str, AnyArray]:
        """What a file beside the program has."""
        upstream = {f"upstream_{id}": array for id, array in self.upstream.items()}
        return self.data | self.parameters | self.gradients | self.updated | upstream

    @property
    def largest(self) -> float:
        """The largest |entry| that is finite among what is given and the gradients."""
        arrays = (*self.data.values(), *self.parameters.values(), *self.gradients.values())
        return max(float(np.abs(a[np.isfinite(a)]).max(initial=0)) for a in arrays)


def blocks(
    spec: Spec, found: EquationArrays, beside: str, tolerances: tuple[float, float]
) -> Iterator[list[str]]:
    """All but the imports and the type of the numbers."""
    assert spec.equations is not None
    ends = [optimizer(spec), *training(spec)] if trains(spec) else [[ENDS]]
    taken = _names_in("\n".join(line for block in ends for line in block))
    ids = [*found.stored, *(line.id for line in spec.equations.lines)]
    program = _Program(spec, found, beside, program_names(ids, taken))
    yield from (*processes.alone(), *program.given())
    yield from definitions(spec)
    yield program.loss()
    yield program.check(tolerances)
    yield program.gradients()
    if trains(spec):
        yield program.update()
        yield program.net()
    yield from ends


def _names_in(program: str) -> set[str]:
    nodes = [*ast.walk(ast.parse(program))]
    found = {node.id for node in nodes if isinstance(node, ast.Name)}
    return found | {node.name for node in nodes if isinstance(node, ast.FunctionDef)}


class _Program:
    """``names`` are those of the program, by id."""

    def __init__(
        self, spec: Spec, found: EquationArrays, beside: str, names: Mapping[str, str]
    ) -> None:
        self.spec, self.found, self.beside, self.names = spec, found, beside, names

    def given(self) -> Iterator[list[str]]:
        found, reached = self.found, {self.found.of[id] for id in self.found.gradients}
        if not all(np.isfinite(array).all() for array in found.data.values()):
            yield ['inf = float("inf")']
        if self.beside:
            yield [f'given = np.load(Path(__file__).with_name("{self.beside}"))']
        wraps = {id: ("", ".requires_grad_()") if id in reached else ("", "") for id in found.data}
        yield self.tensors("What is given, every quantity as a matrix.", found.data, wraps)
        wraps = dict.fromkeys(found.parameters, ("nn.Parameter(", ")"))
        yield self.tensors(
            "What an update changes, as it is at the start.", found.parameters, wraps
        )
        upstream = {f"upstream_{id}": array for id, array in found.upstream.items()}
        yield self.tensors("The gradients that are given.", upstream)
        yield self.tensors(
            "The gradients of the first update, as the trace has them.", found.gradients
        )
        yield self.tensors("What the first update makes of the parameters.", found.updated)

    def tensors(
        self, words: str, arrays: Mapping[str, AnyArray], wraps: Mapping[str, tuple[str, str]] = {}
    ) -> list[str]:
        found = []
        for id, array in arrays.items():
            before, after = wraps.get(id, ("", ""))
            if self.beside:
                found.append(f'{self.names[id]} = {before}torch.from_numpy(given["{id}"]){after}')
            else:
                start = f"{self.names[id]} = {before}torch.tensor("
                found += matrix(start, array, f"){after}")
        return [*remark(words), *found] if found else []

    def loss(self) -> list[str]:
        equations = self.spec.equations
        assert equations is not None
        head = ["def loss():", '    """The equations, line by line."""']
        body = [*lines(self.spec, self.names)]
        if equations.objective:
            return [*head, *body, f"    return {self.names[equations.objective]}.squeeze()"]
        sums = [
            f"({self.names[f'upstream_{id}']} * {self.names[id]}).sum()"
            for id in equations.upstream
        ]
        remarks = remark("No loss, but its gradients: this sum has them.", "    ")
        return [*head, *body, *remarks, f"    return {' + '.join(sums)}"]

    def check(self, tolerances: tuple[float, float]) -> list[str]:
        share, of_largest = tolerances
        roundings = float(f"{of_largest * self.found.largest + self.by_clipping():.0e}")
        return [
            "def check(found, expected):",
            '    """What is found is what the trace has, or the program ends here."""',
            f"    atol = {share} * expected.abs().max().item() + {roundings}  # for roundings",
            "    torch.testing.assert_close(found.detach(), expected, rtol=0, atol=atol)",
        ]

    def by_clipping(self) -> float:
        """How far PyTorch's 1e-6 beside the norm (``OF_CLIPPING``) may take a step."""
        clip, found = self.spec.clip, self.found
        if clip is None or clip.kind != "norm":
            return 0.0
        steps = [found.updated[id] - found.parameters[found.of[id]] for id in found.updated]
        return max(float(np.abs(step).max()) for step in steps) * 2e-6 / float(clip.limit)

    def gradients(self) -> list[str]:
        compared = [
            f"check({self.names[self.found.of[id]]}.grad, {self.names[id]})"
            for id in self.found.gradients
        ]
        said = 'say("The first gradients are those of the trace.")'
        return ["loss().backward()", *compared, said]

    def update(self) -> list[str]:
        compared = [
            f"    check({self.names[self.found.of[id]]}, {self.names[id]})"
            for id in self.found.updated
        ]
        said = '    say("The first update is that of the trace.")'
        return ["def check_update():", '    """After the first epoch."""', *compared, said]

    def net(self) -> list[str]:
        parameters = ", ".join(self.names[id] for id in self.found.parameters)
        others = [
            f"{self.names[of]}.requires_grad_(False)"
            for id in self.found.gradients
            if (of := self.found.of[id]) in self.found.data
        ]
        return [*others, f"net = nn.ParameterList([{parameters}])"]
