"""The optimizer and the schedule of a spec as the lines of a PyTorch program."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from backtrace.formats.torch.expression import Expression
from backtrace.formats.torch.network import parameters
from backtrace.formats.torch.python_text import constant, factor, folded, remark
from backtrace.functions.optimizers import OPTIMIZERS, SCHEDULES, UpdateLine
from backtrace.spec import ids
from backtrace.spec.model import Conventions, Optimizer, Schedule, Spec
from backtrace.tape.operations import OPERATIONS
from backtrace.tape.setting import Setting

ALL = "net.parameters()"
PYTORCHS = {
    "sgd": "SGD({trained}, lr={rate})",
    "momentum": "SGD({trained}, lr={rate}, momentum={momentum})",
    "nesterov": "SGD({trained}, lr={rate}, momentum={momentum}, nesterov=True)",
    "adagrad": "Adagrad({trained}, lr={rate}, eps={epsilon})",
    "rmsprop": "RMSprop({trained}, lr={rate}, alpha={decay}, eps={epsilon})",
    "adadelta": "Adadelta({trained}, lr={rate}, rho={rho}, eps={epsilon})",
    "adam": "Adam({trained}, lr={rate}, betas=({beta1}, {beta2}), eps={epsilon})",
    "nadam": (
        "NAdam({trained}, lr={rate}, betas=({beta1}, {beta2}), eps={epsilon}, "
        "momentum_decay={momentum_decay})"
    ),
    "adamw": (
        "AdamW({trained}, lr={rate}, betas=({beta1}, {beta2}), eps={epsilon}, "
        "weight_decay={weight_decay})"
    ),
}
"""What PyTorch has; every other optimizer is written line by line, as the table works it."""

REMARKS: dict[tuple[str, str | None], str] = {
    ("momentum", "step"): (
        "The spec's v is the step itself, v ← βv − ηg; PyTorch's has η outside, the steps are the "
        "same."
    ),
    ("momentum", "ema"): (
        "The spec's v averages the gradients, v ← βv + (1 − β)g; PyTorch's adds them up, so the "
        "rate has the factor 1 − β."
    ),
}


def optimizer(spec: Spec) -> list[str]:
    """What stands before the epochs: the frozen parameters, the optimizer and the schedule."""
    assert spec.optimizer is not None
    frozen = [p.target for p in parameters(spec) if p.id in spec.freeze]
    lines, trained = [], ALL
    if frozen:
        others = [p.target for p in parameters(spec) if p.id not in spec.freeze]
        lines = remark(f"All but what is frozen: {', '.join(frozen)}.")
        lines += folded("trained = [", ", ".join(others), "]", "")
        trained = "trained"
    if by_hand(spec):
        return [*lines, *_step(spec, spec.optimizer, trained)]
    said = REMARKS.get((spec.optimizer.name, spec.optimizer.form))
    lines += remark(said) if said else []
    lines.append(f"optimizer = torch.optim.{_call(spec, spec.optimizer, trained)}")
    if spec.schedule.kind != "constant":
        lines += _schedule(spec.schedule)
    return lines


def clipping(spec: Spec) -> list[str]:
    """The lines between a gradient and its step that clip it, where the spec does.

    Not PyTorch's ``clip_grad_norm_``, which divides by norm + 1e-6.
    """
    if spec.clip is None:
        return []
    trained = "trained" if spec.freeze or by_hand(spec) else ALL
    limit = constant(spec.clip.limit)
    if spec.clip.kind == "value":
        return [f"nn.utils.clip_grad_value_({trained}, {limit})"]
    return [
        f"norm = torch.stack([p.grad.norm() for p in {trained}]).norm()",
        f"for p in {trained}:",
        f"    p.grad *= {factor(spec.clip.limit)} / norm.clamp(min={limit})",
    ]


def by_hand(spec: Spec) -> bool:
    """Whether the program works the update itself.

    PyTorch may not have the optimizer; or have another, such as its momentum where the rate changes
    and the spec's v is the step itself, or no momentum to look ahead with.
    """
    assert spec.optimizer is not None
    if spec.optimizer.name not in PYTORCHS:
        return True
    if spec.optimizer.name == "nesterov":
        return float(spec.optimizer.constants["momentum"]) == 0
    return spec.optimizer.form == "step" and spec.schedule.kind != "constant"


def _call(spec: Spec, chosen: Optimizer, trained: str) -> str:
    rate = "1.0" if spec.schedule.kind == "list" else constant(chosen.learning_rate)
    if chosen.form == "ema":
        rate = f"(1 - {factor(chosen.constants['momentum'])}) * {rate}"
    constants = {name: constant(value) for name, value in chosen.constants.items()}
    return PYTORCHS[chosen.name].format(trained=trained, rate=rate, **constants)


# --- the schedule


def _schedule(schedule: Schedule) -> Iterator[str]:
    if schedule.kind == "list":
        yield _rates(schedule)
    yield "schedule = torch.optim.lr_scheduler.LambdaLR("
    yield f"    optimizer, lambda t: {_rate(schedule, 1)}  # t counts updates from 0"
    yield ")"


def _rates(schedule: Schedule) -> str:
    return f"rates = [{', '.join(constant(rate) for rate in schedule.rates)}]"


def _rate(schedule: Schedule, base: float) -> Expression:
    """The rate of update t, where it begins with ``base``."""
    if schedule.kind == "list":
        return Expression("rates[min(t, len(rates) - 1)]", tensor=False)
    constants = {name: Expression.number(value) for name, value in schedule.constants.items()}
    rate: Callable[..., Expression] = SCHEDULES[schedule.kind].rate
    return rate(Expression.number(base), Expression("t", tensor=False), constants)


# --- an update line by line


def _step(spec: Spec, chosen: Optimizer, trained: str) -> Iterator[str]:
    row = OPTIMIZERS[chosen.name]
    if spec.schedule.kind == "list":
        yield _rates(spec.schedule)
    if trained == ALL:
        yield "trained = list(net.parameters())"
    zeros = ", ".join(["torch.zeros_like(p)"] * len(row.states))
    yield f"states = [[{zeros}] for p in trained]"
    yield from ("t = 0  # the updates behind it", "", "")
    yield "def step():"
    yield f'    """{row.title[0].upper()}{row.title[1:]}, a line after the other."""'
    yield from ("    global t", f"    rate = {_rate(spec.schedule, chosen.learning_rate)}")
    yield from ("    with torch.no_grad():", "        for p, state in zip(trained, states):")
    yield f"            [{', '.join(f'{state}_old' for state in row.states)}] = state"
    for line in row.lines[chosen.form or next(iter(row.lines))]:
        yield from folded(*_line(line, chosen), " " * 12)
    yield f"            state[:] = [{', '.join(row.states)}]"
    yield "    t += 1"


def _line(line: UpdateLine, chosen: Optimizer) -> tuple[str, str, str]:
    """What stands before, in and after the expression of a line."""
    constants = {name: Expression.number(value) for name, value in chosen.constants.items()}
    constants |= {
        "rate": Expression("rate", tensor=False),
        "t": Expression("(t + 1)", tensor=False),
    }
    given = {ours: constants[theirs] for ours, theirs in line.constants.items()}
    operands = [Expression(_variable(operand)) for operand in line.operands]
    value = OPERATIONS[line.operation].evaluate(Setting(Conventions()), given, *operands)
    variable = _variable(line.id)
    return (
        ("p.copy_(", f"{value}", ")") if variable == "p_new" else (f"{variable} = ", f"{value}", "")
    )


def _variable(form: str) -> str:
    """The name that the program has for what an operand of a line stands for."""
    id = ids.parse(form.format("W1"))
    assert id is not None
    if id.state:
        return f"{id.state}_old" if id.role == "state_before" else id.state
    return {"weight": "p", "gradient": "p.grad", "updated": "p_new"}.get(id.role, id.role)
