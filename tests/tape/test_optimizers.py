"""Every optimizer against its paper's formulas, over several updates, with autograd's gradients."""

import re
from fractions import Fraction
from textwrap import dedent

import numpy as np
import pytest
from msgspec.structs import replace

from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.model import (
    Arithmetic,
    Clip,
    Conventions,
    Matrix,
    Number,
    Optimizer,
    Regularization,
    Schedule,
)
from backtrace.tape.loading import loads
from backtrace.tape.run import trace
from backtrace.tape.training import train
from tests.tape.exercises import CONVENTIONS, exercise
from tests.tape.oracle import Network, disagreements, expected, values

# Each paper's update of one parameter: w, its gradient g, the state so far (0 at first), η, the
# number of the update from 1 and the constants → the new w and the lines on the way.


def gradient_descent(w, g, state, rate, t):
    return w - rate * g, {}


def polyak(w, g, state, rate, t, momentum):
    v = momentum * state.get("v", 0) + g
    return w - rate * v, {"v": v}


def polyak_step(w, g, state, rate, t, momentum):
    v = momentum * state.get("v", 0) - rate * g
    return w + v, {"v": v}


def polyak_ema(w, g, state, rate, t, momentum):
    v = momentum * state.get("v", 0) + (1 - momentum) * g
    return w - rate * v, {"v": v}


def nesterov(w, g, state, rate, t, momentum):
    v = momentum * state.get("v", 0) + g
    return w - rate * (g + momentum * v), {"v": v}


def duchi(w, g, state, rate, t, epsilon):
    s = state.get("s", 0) + g**2
    return w - rate * g / (np.sqrt(s) + epsilon), {"s": s}


def hinton(w, g, state, rate, t, decay, epsilon):
    s = decay * state.get("s", 0) + (1 - decay) * g**2
    return w - rate * g / (np.sqrt(s) + epsilon), {"s": s}


def kingma_ba(w, g, state, rate, t, beta1, beta2, epsilon):
    m = beta1 * state.get("m", 0) + (1 - beta1) * g
    v = beta2 * state.get("v", 0) + (1 - beta2) * g**2
    mhat, vhat = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - rate * mhat / (np.sqrt(vhat) + epsilon), {"m": m, "v": v, "mhat": mhat, "vhat": vhat}


def loshchilov_hutter(w, g, state, rate, t, beta1, beta2, epsilon, weight_decay):
    shrunk = w - rate * weight_decay * w
    new, lines = kingma_ba(shrunk, g, state, rate, t, beta1, beta2, epsilon)
    return new, lines


def zeiler(w, g, state, rate, t, rho, epsilon):
    s = rho * state.get("s", 0) + (1 - rho) * g**2
    r = np.sqrt((state.get("u", 0) + epsilon) / (s + epsilon)) * g
    u = rho * state.get("u", 0) + (1 - rho) * r**2
    return w - rate * r, {"s": s, "r": r, "u": u}


def dozat(w, g, state, rate, t, beta1, beta2, epsilon, momentum_decay):
    mu = [beta1 * (1 - 0.5 * 0.96 ** (i * momentum_decay)) for i in range(1, t + 2)]
    m = beta1 * state.get("m", 0) + (1 - beta1) * g
    v = beta2 * state.get("v", 0) + (1 - beta2) * g**2
    vhat = v / (1 - beta2**t)
    mhat = mu[t] * m / (1 - np.prod(mu)) + (1 - mu[t - 1]) * g / (1 - np.prod(mu[:t]))
    return w - rate * mhat / (np.sqrt(vhat) + epsilon), {"m": m, "v": v, "mhat": mhat, "vhat": vhat}


def numbers(**constants):
    return {name: Number(value, str(value)) for name, value in constants.items()}


CASES = {
    "sgd": (gradient_descent, Optimizer("sgd", Number(0.2))),
    "momentum": (polyak, Optimizer("momentum", Number(0.1), numbers(momentum=0.8))),
    "accumulate": (polyak, Optimizer("momentum", Number(0.1), numbers(momentum=0.8), "accumulate")),
    "step": (polyak_step, Optimizer("momentum", Number(0.1), numbers(momentum=0.8), "step")),
    "ema": (polyak_ema, Optimizer("momentum", Number(0.1), numbers(momentum=0.8), "ema")),
    "nesterov": (nesterov, Optimizer("nesterov", Number(0.1), numbers(momentum=0.7))),
    "adagrad": (duchi, Optimizer("adagrad", Number(0.1), numbers(epsilon=0.01))),
    "rmsprop": (hinton, Optimizer("rmsprop", Number(0.1), numbers(decay=0.6, epsilon=0.01))),
    "adam": (
        kingma_ba,
        Optimizer("adam", Number(0.1), numbers(beta1=0.8, beta2=0.9, epsilon=0.01)),
    ),
    "adadelta": (zeiler, Optimizer("adadelta", Number(1.5), numbers(rho=0.8, epsilon=0.01))),
    "nadam": (
        dozat,
        Optimizer(
            "nadam", Number(0.1), numbers(beta1=0.8, beta2=0.9, epsilon=0.01, momentum_decay=0.5)
        ),
    ),
    "adamw": (
        loshchilov_hutter,
        Optimizer(
            "adamw", Number(0.1), numbers(beta1=0.8, beta2=0.9, epsilon=0.01, weight_decay=0.3)
        ),
    ),
}
# The states that accumulate gradients; in the form `step`, v is the step itself, w_new − w.
GRADIENT_STATES = {"momentum": "v", "accumulate": "v", "ema": "v", "nesterov": "v",
                   "adam": ("m", "mhat"), "adamw": ("m", "mhat"), "nadam": ("m", "mhat"),
                   "adadelta": "r"}  # fmt: skip


def clipped(clip, gradients):
    """Pascanu, Mikolov and Bengio 2013: g·c/‖g‖ where ‖g‖ > c; or each entry within ±c."""
    if clip is None:
        return gradients, {}
    c, lines = float(clip.limit), {}
    if clip.kind == "value":
        found = {id: np.clip(g, -c, c) for id, g in gradients.items()}
    else:
        norm = np.linalg.norm(np.concatenate([g.ravel() for g in gradients.values()]))
        lines["gradient_norm"] = norm
        found = {id: g * c / norm if norm > c else g for id, g in gradients.items()}
    return found, lines | {f"clipped_d{id}": g for id, g in found.items()}


def trained(spec, paper, constants, rates):
    """Every update by the paper: the values of each, and its new parameters; all as the spec's
    gradient sign has them."""
    network = Network(spec)
    parameters, states = network.parameters(), {}
    turn = -1 if spec.conventions.sign == "descent" else 1
    size, t = spec.batch_size or network.n, 0
    for epoch in range(1, spec.epochs + 1):
        for batch, start in enumerate(range(0, network.n, size), 1):
            wanted = expected(spec, start, start + size, parameters)
            new, changed = dict(parameters), sorted(set(parameters) - spec.freeze)
            gradients = {id: wanted[f"d{id}"] for id in changed}
            used, lines = clipped(spec.clip, gradients)
            wanted |= lines
            for id in changed:
                state = {k: v for (owner, k), v in states.items() if owner == id}
                new[id], lines = paper(
                    parameters[id], turn * used[id], state, rates(t), t + 1, **constants
                )
                states |= {(id, name): value for name, value in lines.items()}
                wanted[f"{id}_new"] = new[id]
                if lines:
                    wanted[f"step_{id}"] = new[id] - parameters[id]
                wanted |= {f"{name}{id}": value for name, value in lines.items()}
            wanted["loss_after"] = Network(spec, start, start + size).loss(new)
            yield (epoch, batch), wanted
            parameters, t = new, t + 1


def assert_as_the_paper(spec, case, rates):
    paper, optimizer = CASES[case]
    constants = {k: float(v) for k, v in optimizer.constants.items()}
    steps = trace(spec)
    turn = -1 if spec.conventions.sign == "descent" else 1
    places = []
    for place, wanted in trained(spec, paper, constants, rates):
        places.append(place)
        for state in GRADIENT_STATES.get(case, ()):
            wanted |= {
                id: turn * x for id, x in wanted.items() if re.fullmatch(f"{state}[Wb][0-9]", id)
            }
        traced = values(steps.update(*place))
        assert {id for id in traced if not id.endswith("_old")} == set(wanted)
        assert disagreements(traced, wanted, rtol=1e-8, atol=1e-10) == []
    assert tuple(places) == steps.updates
    found = train(spec).state.parameters(spec)
    new = {id: wanted.get(f"{id}_new", found[id]) for id in found}
    assert disagreements(found, new, rtol=1e-8, atol=1e-10) == []
    return steps


@pytest.mark.parametrize("sign", ["gradient", "descent"])
@pytest.mark.parametrize("case", sorted(CASES))
def test_ten_epochs_of_every_optimizer(case, sign):
    optimizer = CASES[case][1]
    spec = exercise(
        (2, 3, 2), ("tanh", "sigmoid"), n=5, epochs=10, optimizer=optimizer,
        conventions=Conventions(sign=sign),
    )  # fmt: skip
    assert_as_the_paper(spec, case, lambda t: float(optimizer.learning_rate))


@pytest.mark.parametrize("case", sorted(CASES))
@pytest.mark.parametrize("batch_size", [1, 2])
def test_online_and_small_batches_with_a_smaller_last_one(case, batch_size):
    """Five samples by twos are 2, 2 and 1; penalty and mean take each batch's own n."""
    spec = exercise(
        (2, 3, 2), ("tanh", "linear"), n=5, epochs=3, optimizer=CASES[case][1],
        batch_size=batch_size, biases=("last", "shared"),
        conventions=CONVENTIONS[(3 * len(case)) % 16],
        regularization=Regularization(Number(0.01), Number(0.1), "lambda_over_2n", biases=True),
    )  # fmt: skip
    steps = assert_as_the_paper(spec, case, lambda t: float(CASES[case][1].learning_rate))
    last = {1: 5, 2: 3}[batch_size]
    assert min(steps.update(2, last)["y"].shape) == 1
    assert (2, last + 1) not in steps.updates


@pytest.mark.parametrize("sign", ["gradient", "descent"])
def test_decay_shrinks_the_weights_whatever_the_sign(sign):
    """e = 2·1 − 1 = 1, and a first step of Adam is the rate: 2 − 0.1·1 − 0.1·0.5·2 = 1.8."""
    steps = trace(
        loads(f"""
layers: [{{activation: linear, weights: [[2]], bias: none}}]
inputs: 1
targets: 1
loss: half_sse
optimizer: {{name: adamw, learning_rate: 0.1, weight_decay: 0.5}}
conventions: {{sign: {sign}}}
""")
    )
    assert steps["dW1"].value.item() == (1 if sign == "gradient" else -1)
    assert steps["W1_new"].value.item() == pytest.approx(1.8, abs=1e-8)


def test_every_state_starts_at_0_and_is_carried():
    spec = exercise((2, 3), ("tanh",), n=5, batch_size=2, epochs=2, optimizer=CASES["adam"][1])
    steps = trace(spec)
    before = None
    for place in steps.updates:
        update = steps.update(*place)
        for id in ("mW1", "vW1", "mb1", "vb1", "W1", "b1"):
            old = update[f"{id}_old" if id[0] in "mv" else id].value
            if before is not None:
                after = id if id[0] in "mv" else f"{id}_new"
                np.testing.assert_array_equal(old, before[after].value)
            elif id[0] in "mv":
                assert not old.any()
        before = update


def test_a_frozen_parameter_keeps_its_gradient_and_its_value():
    spec = exercise(
        (2, 3, 2), ("tanh", "linear"), n=5, epochs=3, optimizer=CASES["adam"][1],
        freeze=frozenset(["b1", "W2"]),
    )  # fmt: skip
    steps = assert_as_the_paper(spec, "adam", lambda t: 0.1)
    assert "db1" in steps
    assert not {"b1_new", "mb1_old", "W2_new", "step_W2"} & set(steps.update())
    np.testing.assert_array_equal(steps["b1@3"].value, spec.layers[0].bias.values.values)
    assert steps["W2@3"].shape == (3, 2)


@pytest.mark.parametrize("sign", ["gradient", "descent"])
@pytest.mark.parametrize("limit", [0.05, 0.5, 50])
@pytest.mark.parametrize("kind", ["norm", "value"])
@pytest.mark.parametrize("case", ["sgd", "nesterov", "adam"])
def test_an_update_uses_clipped_gradients(case, kind, limit, sign):
    """In batches, with a penalty, and with a parameter whose gradient counts for nothing."""
    optimizer = CASES[case][1]
    spec = exercise(
        (2, 3, 2), ("tanh", "linear"), n=5, epochs=3, batch_size=2, optimizer=optimizer,
        conventions=Conventions(sign=sign), freeze=frozenset(["b1"]),
        regularization=Regularization(Number(0.01), Number(0.1), "lambda"),
        clip=Clip(kind, Number(limit)),
    )  # fmt: skip
    steps = assert_as_the_paper(spec, case, lambda t: float(optimizer.learning_rate))
    assert "clipped_db1" not in steps


def test_gradients_of_0_have_the_norm_0():
    spec = exercise((2, 1), ("linear",), loss="mae", clip=Clip("norm", Number(1.0)))
    spec = replace(spec, targets=Matrix(trace(spec)["a1"].value))
    steps = trace(spec)
    assert steps["gradient_norm"].value == 0
    assert not steps["clipped_dW1"].value.any()


@pytest.mark.parametrize(
    ("arithmetic", "limit"), [("exact", Fraction(5, 6)), ("{round_each_step: 2}", 0.83)]
)
def test_entries_are_clipped_in_fractions(arithmetic, limit):
    """(3·1 − 1)·3 = 6 and 2·½ = 1, of which no more than 5/6 is used."""
    document = f"""
        layers: [{{activation: linear, weights: [[1], [0]], bias: none}}]
        inputs: [[3, 1/2]]
        targets: 1
        loss: half_mse
        learning_rate: 1
        clip: {{value: 5/6}}
        arithmetic: {arithmetic}
    """
    steps = trace(loads(dedent(document)))
    assert steps["dW1"].value.tolist() == [[6], [1]]
    assert steps["clipped_dW1"].value.tolist() == [[limit]] * 2


def test_nothing_trained_nothing_updated():
    frozen = frozenset(["W1", "b1"])
    steps = trace(exercise((2, 3), ("tanh",), freeze=frozen, epochs=2))
    assert not [step.id for step in steps if step.phase == "update"]
    np.testing.assert_array_equal(steps["W1@2"].value, steps["W1"].value)


SCHEDULES = {
    "step": (
        Schedule("step", numbers(every=2, factor=0.5)),
        [0.4, 0.4, 0.2, 0.2, 0.1, 0.1],
    ),
    "exponential": (
        Schedule("exponential", numbers(factor=0.5)),
        [0.4, 0.2, 0.1, 0.05, 0.025, 0.0125],
    ),
    "inverse_time": (
        Schedule("inverse_time", numbers(decay=1)),
        [0.4, 0.4 / 2, 0.4 / 3, 0.1, 0.08, 0.4 / 6],
    ),
    "list": (
        Schedule("list", rates=tuple(Number(r) for r in (0.3, 0.2, 0.1, 0.4, 0.5, 0.6))),
        [0.3, 0.2, 0.1, 0.4, 0.5, 0.6],
    ),
}


@pytest.mark.parametrize("name", sorted(SCHEDULES))
@pytest.mark.parametrize("batch_size", [None, 3])
def test_the_rate_follows_the_schedule_update_by_update(name, batch_size):
    """Six updates: six epochs of all samples, or three of two batches."""
    schedule, rates = SCHEDULES[name]
    spec = exercise(
        (2, 3), ("tanh",), n=5, epochs=3 if batch_size else 6, batch_size=batch_size,
        optimizer=Optimizer("sgd", Number(0.4, "0.4")), schedule=schedule,
    )  # fmt: skip
    assert_as_the_paper(spec, "sgd", lambda t: rates[t])


def test_a_list_that_is_too_short_stays_at_its_last_rate():
    schedule = Schedule("list", rates=(Number(0.3), Number(0.2)))
    spec = exercise((2, 3), ("tanh",), epochs=4, schedule=schedule)
    assert_as_the_paper(spec, "sgd", lambda t: (0.3, 0.2, 0.2, 0.2)[t])


def test_a_schedule_in_fractions_stays_exact():
    """η = 1/(1 + 2·(1/4)) = 2/3 at the second update, with w = 0, x = 1, e = −1, L = ½e²."""
    spec = exercise(
        (1, 1), ("linear",), biases="none", loss="half_sse", n=1, epochs=2,
        arithmetic=Arithmetic("exact"), optimizer=Optimizer("sgd", Number(1.0, "1")),
        schedule=Schedule("inverse_time", {"decay": Number(0.5, "1/2")}),
    )  # fmt: skip
    spec.layers[0].weights.values[:] = 0
    spec.inputs.values[:] = 1
    spec.targets.values[:] = 1
    steps = trace(spec)
    assert steps["W1_new"].value.tolist() == [[Fraction(1)]]  # 0 + 1·1, and the error is gone
    assert steps["W1_new@2"].operands == ("W1", "dW1")
    assert steps["W1_new@2"].parameters["rate"].fraction == Fraction(2, 3)


def test_every_optimizer_and_form_is_tested_here():
    tested = {(optimizer.name, optimizer.form) for _, optimizer in CASES.values()}
    for name, row in OPTIMIZERS.items():
        assert {(name, form) for form in row.forms or (None,)} <= tested


def test_the_defaults_are_those_of_the_papers_and_pytorch():
    defaults = {name: dict(row.constants) for name, row in OPTIMIZERS.items()}
    adam = {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
    assert defaults == {
        "sgd": {},
        "momentum": {"momentum": 0.9},
        "nesterov": {"momentum": 0.9},
        "adagrad": {"epsilon": 1e-10},
        "rmsprop": {"decay": 0.99, "epsilon": 1e-8},
        "adadelta": {"rho": 0.9, "epsilon": 1e-6},
        "adam": adam,
        "nadam": {**adam, "momentum_decay": 0.004},
        "adamw": {**adam, "weight_decay": 0.01},
    }
