"""Ids: what they name, written and read."""

from typing import get_args

import pytest

import backtrace
from backtrace.spec import ids
from backtrace.spec.ids import At, Id, Role
from tests.networks.kinds import LAYERED

EXAMPLES = {
    "a0": Id("inputs"),
    "y": Id("targets"),
    "loss_terms": Id("loss_terms"),
    "W2": Id("weight", 2),
    "b10": Id("bias", 10),
    "alpha1": Id("learned_slope", 1),
    "product1": Id("product", 1),
    "z3": Id("preactivation", 3),
    "a3": Id("activation", 3),
    "da3": Id("activation_gradient", 3, "a3"),
    "da0": Id("activation_gradient", None, "a0"),
    "g1": Id("slope", 1, "z1"),
    "delta1": Id("delta", 1, "z1"),
    "dW2": Id("gradient", 2, "W2"),
    "clipped_db2": Id("clipped_gradient", 2, "b2"),
    "data_db2": Id("data_gradient", 2, "b2"),
    "vW2_old": Id("state_before", 2, "W2", "v"),
    "sb1": Id("state", 1, "b1", "s"),
    "mhatW1": Id("corrected_state", 1, "W1", "mhat"),
    "step_W1": Id("step", 1, "W1"),
    "W1_new": Id("updated", 1, "W1"),
    "error": Id("error"),
    "loss": Id("loss"),
    "data_loss": Id("data_loss"),
    "penalty": Id("penalty"),
    "gradient_norm": Id("gradient_norm"),
    "loss_after": Id("loss_after"),
}


@pytest.mark.parametrize(("text", "id"), EXAMPLES.items())
def test_an_id_is_read_and_written(text, id):
    assert ids.parse(text) == id
    assert str(id) == text


@pytest.mark.parametrize(
    "text", ["", "W", "W0", "z0", "z01", "dz1", "W1_old", "vW1_new", "qW1", "da", "da1_new", "Z1"]
)
def test_what_is_no_id_names_nothing(text):
    assert ids.parse(text) is None


def test_every_role_has_an_example():
    assert {id.role for id in EXAMPLES.values()} | {"named", "share"} == set(get_args(Role))


@pytest.mark.parametrize("name", LAYERED)
def test_a_step_is_what_its_id_says(name):
    for step in backtrace.trace(backtrace.load(name)):
        said = ids.parse(step.id)
        assert said == Id(step.role, step.layer, step.of, step.step.state)


@pytest.mark.parametrize(
    ("text", "at", "written"),
    [
        ("z1", At("z1"), "z1"),
        ("z1@2", At("z1", 2), "z1@2.1"),
        ("z1@2.3", At("z1", 2, 3), "z1@2.3"),
        ("loss@1.1", At("loss"), "loss"),
    ],
)
def test_an_update_is_named_behind_the_id(text, at, written):
    assert At.parse(text) == at
    assert str(at) == written


@pytest.mark.parametrize("text", ["z1@", "z1@a", "@2", "z1@1.2.3", "z1@-1"])
def test_what_names_no_update(text):
    assert At.parse(text) is None
