"""The loss of a spec, with its penalty, as PyTorch functions that say exactly what they compute."""

from __future__ import annotations

from collections.abc import Iterator
from math import log

from backtrace.formats.torch.expression import ATOM, Expression
from backtrace.formats.torch.network import parameters, scaled
from backtrace.formats.torch.python_text import constant, folded
from backtrace.functions.formula import Expr, Letter, Literal, filled, row
from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.functions.penalties import FORMS
from backtrace.notation.symbols import IDS
from backtrace.notation.text import text
from backtrace.spec.model import Loss, Regularization, Spec

# Σ over samples and outputs, from the output a and the targets y, of the losses that PyTorch has or
# whose logarithms need care; every other one is written as its table works it.
SUMS = {
    "huber": 'F.huber_loss(a, y, reduction="sum", delta={delta})',
    "binary_cross_entropy": "-(y * log_a + (1 - y) * log_rest).sum()",
    "cross_entropy": "-(y * log_a).sum()",
    "kl": 'F.kl_div(log_a, y, reduction="sum")',
    "log_cosh": f"(torch.logaddexp(a - y, y - a) - {log(2)}).sum()",  # cosh leaves the floats
    "binary_hinge": "F.relu(1 - y * a).sum()",
    "hinge": "(F.relu(1 + a - true) * (1 - y)).sum()",
    "upstream": "(upstream * a).sum()",
}

# The same from the output's z, where an activation and a logarithm undo each other.
SUMS_FROM_Z = {
    ("cross_entropy", "softmax"): 'F.cross_entropy(z, y, reduction="sum")',
    ("cross_entropy", "sigmoid"): "-(y * F.logsigmoid(z)).sum()",
    ("kl", "softmax"): 'F.kl_div(F.log_softmax(z, 1), y, reduction="sum")',
    ("kl", "sigmoid"): 'F.kl_div(F.logsigmoid(z), y, reduction="sum")',
    ("binary_cross_entropy", "sigmoid"): (
        'F.binary_cross_entropy_with_logits(z, y, reduction="sum")'
    ),
}

# What is worked out before. A logarithm whose weight is 0 is not taken: it may be that of 0.
BEFORE = {
    "binary_cross_entropy": (
        "log_a = torch.where(y == 0, 1, a).log()",
        "log_rest = torch.where(y == 1, 1, 1 - a).log()",
    ),
    "cross_entropy": ("log_a = torch.where(y == 0, 1, a).log()",),
    "kl": ("log_a = torch.where(y == 0, 1, a).log()",),
    "hinge": ("true = (a * y).sum(1, keepdim=True)  # the output of the true class",),
}


def ends_at_z(spec: Spec) -> bool:
    """Whether the loss takes the output's z, so that the network ends there."""
    return spec.loss is not None and _from_z(spec, spec.loss) is not None


def _from_z(spec: Spec, loss: Loss) -> tuple[str, str] | None:
    """The key of the sum from z; None where there is none."""
    key = loss.name, spec.layers[-1].activation.name
    return key if key in SUMS_FROM_Z else None


def arguments(loss: Loss) -> tuple[str, ...]:
    """What the loss is a function of: ``x``, and the targets or the upstream gradient."""
    if loss.name == "upstream":
        return "x", "upstream"
    return ("x",) if LOSSES[loss.name].targets == "none" else ("x", "y")


def penalised(spec: Spec) -> bool:
    """Whether a penalty adds anything to the loss."""
    part = spec.regularization
    return part is not None and (float(part.l1) != 0 or float(part.l2) != 0)


def data_loss(spec: Spec) -> str:
    """The name of the function that leaves the penalty out."""
    return "data_loss" if penalised(spec) else "loss"


def objective(spec: Spec, loss: Loss) -> list[list[str]]:
    """The definitions of the loss and its penalty, a block each."""
    blocks = [list(_data_loss(spec, loss))]
    if penalised(spec):
        assert spec.regularization is not None
        blocks += [list(_penalty(spec, spec.regularization)), list(_whole(spec, loss))]
    return blocks


def _data_loss(spec: Spec, loss: Loss) -> Iterator[str]:
    key = _from_z(spec, loss)
    letter = "a" if key is None else "z"
    before = BEFORE.get(loss.name, ()) if key is None else ()
    yield f"def {data_loss(spec)}({', '.join(arguments(loss))}):"
    yield f'    """{_formula(loss, spec.layers[-1].units)}"""'
    yield f"    {letter} = net(x)"
    yield from (f"    {line}" for line in before)
    total = _sum(loss, spec.layers[-1].units) if key is None else SUMS_FROM_Z[key]
    yield from folded("return ", f"{total}{' / len(x)' if loss.mean else ''}", "", " " * 4)


def _sum(loss: Loss, outputs: int) -> str:
    if loss.name in SUMS:
        constants = {name: constant(value) for name, value in loss.parameters.items()}
        return SUMS[loss.name].format_map(constants)
    parameters = {**loss.parameters, "outputs": outputs}
    numbers = {name: Expression.number(value) for name, value in parameters.items()}
    terms = LOSSES[loss.name].terms(Expression("a"), Expression("y"), numbers)
    return f"{terms.within(ATOM)}.sum()"


def _formula(loss: Loss, outputs: int) -> str:
    if loss.name == "upstream":
        return "The spec has no loss, but its gradient at the output: this sum has that gradient."
    contents: dict[str, Expr] = {name: Literal(value) for name, value in loss.parameters.items()}
    contents |= {name: Letter(name) for name in ("a", "y", "a_true")}
    contents |= {"outputs": Literal(Number(outputs, str(outputs)))}
    contents["mean"] = row(1 / Letter("n"), " ") if loss.mean else row()
    written = text(filled(LOSSES[loss.name].formula, contents), IDS)
    where = ", n the samples" if loss.mean else ""
    title = LOSSES[loss.name].title
    return f"{title[0].upper()}{title[1:]}: {written}{where}."


def _penalty(spec: Spec, part: Regularization) -> Iterator[str]:
    per_sample = FORMS[part.form].per_sample
    yield f"def penalty({'n' if per_sample else ''}):"
    yield f'    """The penalty of the weights, {"and" if part.biases else "not of"} the biases."""'
    penalised = [p for p in parameters(spec) if not p.is_slope and (part.biases or not p.is_bias)]
    names = ", ".join(p.target for p in penalised)
    yield f"    parameters = [{names}]"
    over = " / n" if per_sample else ""
    yield f"    return sum({_addends(part)} for w in parameters){over}"


def _addends(part: Regularization) -> str:
    above, below = FORMS[part.form].l2
    half = "0.5 * " if (above, below) == (1, 2) else ""
    found = []
    if float(part.l2):
        found.append(f"{half}{scaled(part.l2, '(w**2).sum()')}")
    if float(part.l1):
        found.append(scaled(part.l1, "w.abs().sum()"))
    return " + ".join(found)


def _whole(spec: Spec, loss: Loss) -> Iterator[str]:
    named = ", ".join(arguments(loss))
    yield f"def loss({named}):"
    yield f"    return data_loss({named}) + {penalty_call(spec)}"


def penalty_call(spec: Spec) -> str:
    """The penalty beside the loss of ``x``."""
    per_sample = spec.regularization and FORMS[spec.regularization.form].per_sample
    return f"penalty({'len(x)' if per_sample else ''})"
