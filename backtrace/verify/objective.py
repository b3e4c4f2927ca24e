"""What is differentiated: the addends of a loss, or what a given gradient makes of some values."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from backtrace.tape.steps import Step

ADDENDS, WHOLE = "objective_terms", "objective"


class Objective(msgspec.Struct, frozen=True):
    """J as ``total`` of its addends ``terms``; ``output`` is the prediction of a dense network.

    ``steps`` are those of the update, J's own addends among them.
    """

    steps: tuple[Step, ...]
    terms: Step
    total: Step
    output: str = ""
    penalty: Step | None = None


def objective(steps: Sequence[Step], sign: int) -> Objective:
    """That of an update, from all its steps; the ``sign`` is −1 where gradients go downhill."""
    of_equations = any(step.role == "named" for step in steps)
    return _of_equations(steps) if of_equations else _of_layers(steps, sign)


def _of_layers(steps: Sequence[Step], sign: int) -> Objective:
    by_operation = {s.operation: s for s in steps if s.phase in ("forward", "loss")}
    output = by_operation["activate"].id
    terms = by_operation.get("loss_terms")
    if terms is None:
        return _of_upstream(steps, output, sign)
    total = by_operation.get("total") or Step("loss", "total", (terms.id,))
    return Objective(tuple(steps), terms, total, output, by_operation.get("penalty"))


def _of_upstream(steps: Sequence[Step], output: str, sign: int) -> Objective:
    """With an upstream gradient G in place of a loss the addends are G ⊙ a."""
    upstream = next(step.id for step in steps if step.of == output)
    terms = Step("loss_terms", "hadamard", (upstream, output), phase="loss")
    penalty = _penalty([s for s in steps if s.operation == "add_penalty"], sign)
    named = [*steps, penalty] if penalty else steps
    return Objective(tuple(named), terms, Step("loss", "total", (terms.id,)), output, penalty)


def _penalty(penalised: Sequence[Step], sign: int) -> Step | None:
    """What no loss names, and gradients have: G has the ``sign`` of the convention, and so it."""
    if not penalised:
        return None
    signed = {each: sign * penalised[0].parameters[each] for each in ("l1", "l2")}
    omit = [step.parameters.get("omit", "") for step in penalised]
    parameters = penalised[0].parameters | signed | {"omit": omit}
    weights = tuple(weights for step in penalised for weights in step.operands[1:])
    return Step("penalty", "penalty", weights, parameters, "loss", shape=())


def _of_equations(steps: Sequence[Step]) -> Objective:
    """The gradients G from which the way back starts (1 at a loss): J = Σ G ⊙ value."""
    starts = [s for s in steps if s.operation == "given" and s.role in ("gradient", "share")]
    plain = [_unrounded(step) for step in steps]
    weighted = [_weighted(step, ADDENDS) for step in starts]
    if len(starts) > 1:
        sums = []
        for number, start in enumerate(starts):
            addends = _weighted(start, f"{ADDENDS}_{number}")
            parameters = {"reduce": "sum"}
            added = Step(f"{addends.id}_sum", "reduce", (addends.id,), parameters, "loss")
            sums += [addends, msgspec.structs.replace(added, shape=(1, 1))]
        together = Step(ADDENDS, "add", tuple(s.id for s in sums[1::2]), {}, "loss", shape=(1, 1))
        weighted = [*sums, together]
    terms = weighted[-1]
    return Objective((*plain, *weighted), terms, Step(WHOLE, "total", (terms.id,)))


def _weighted(start: Step, id: str) -> Step:
    return Step(id, "times", (start.id, start.of), {}, "loss", shape=start.shape)


def _unrounded(step: Step) -> Step:
    """Rounding lets the gradient through as if it were not there; so here it is not."""
    if step.operation == "activate" and step.parameters["activation"] == "round":
        kept = {k: v for k, v in step.parameters.items() if k not in ("activation", "decimals")}
        return msgspec.structs.replace(step, operation="copy", parameters=kept)
    return step
