"""The names of quantities: the design's table, spellings seen in textbooks, and near misses."""

import pytest

import backtrace
from backtrace.check.answers.names import reader
from backtrace.notation.symbols import Symbols
from backtrace.tape.compile import compile_tape
from tests.check.answer_exercises import (
    ADAM,
    AUGMENTED,
    DESCENT,
    ONE_LAYER,
    ONLINE,
    PARTIAL_DESCENT,
    PLAIN,
    reader_of,
)
from tests.networks.kinds import EQUATIONS

NAMES = {
    "a0": "X x A0 a0 inputs x₀ h0",
    "y": "y Y targets",
    "W1": "W1 w1 W₁ W^(1) W[1] w_1 W_{1}",
    "b1": "b1 B1 b₁",
    "product1": "product1 XW1 W1x W1X X·W₁ X@W1 x*W1 W1·a0 XW₁ᵀ",
    "product2": "H1W2 W2a1 h1·W2 A1W2 W2h1 W2H1 a₁W₂",
    "z1": "z1 Z1 net1 in1 z₁ z^(1) Z^[1] Z[1] z_1 net_1",
    "a1": "a1 A1 h1 H1 out1 a₁ h^(1)",
    "a2": "a2 y_hat prediction ŷ Ŷ y\u0302 yhat Y_HAT out2",
    "error": "error e",
    "loss": "loss Loss L J C E cost Cost E_total half_mse",
    "loss_terms": "loss_terms ℓ",
    "da2": "da2 dA2 dh2 dH2 e2 ∂L/∂a₂ dL/da2 ∂C/∂ŷ e^(2)",
    "da1": "da1 dA1 dh1 dH1 e1 e₁",
    "g2": "g2 f'2 f_prime2 linear_prime2 f'(z2)",
    "g1": "g1 sigma_prime1 σ′(z₁) σ'(z1) sigmoid_prime1 σ′₁ sigma'(net1)",
    "delta2": "delta2 dz2 dZ2 d2 δ2 δ₂ δ^(2) dZ^[2] ∂L/∂z₂ dL/dz2 dL_dz2 Delta2 Δ2 ∂E/∂net₂",
    "dW2": "dW2 dw2 grad_W2 ∇W2 ∂L/∂W₂ dL/dW2 dC/dw2 dJ_dW2 gradW2",
    "db2": "db2 dB2 grad_b2 ∂L/∂b₂",
    "W2_new": "W2_new W2' W2′ new_W2 W₂ⁿᵉʷ W_new_2 w2_new W2_updated",
    "b2_new": "b2_new b2' new_b2",
    "loss_after": "loss_after L_new new_loss Lⁿᵉʷ",
}


@pytest.mark.parametrize(("id", "name"), [(id, n) for id, ns in NAMES.items() for n in ns.split()])
def test_accepted_names(id, name):
    reference = reader_of(PLAIN).find(name)
    assert reference is not None, reader_of(PLAIN).explain(name)
    assert (reference.quantity.id, reference.index, reference.note) == (id, (), "")


ONE_LAYERS = {
    "z1": "z Z net z1",
    "a1": "a A out y_hat",
    "da1": "da ∂L/∂a",
    "g1": "g σ′(z) sigma_prime",
    "delta1": "delta δ dz ∂L/∂z",
    "dW1": "dW dw ∂L/∂w grad_W",
    "db1": "db ∂L/∂b",
    "W1_new": "W_new w' Wⁿᵉʷ",
    "error": "e error",
    "loss": "L E",
    "a0": "x X",
}


@pytest.mark.parametrize(
    ("id", "name"), [(id, n) for id, ns in ONE_LAYERS.items() for n in ns.split()]
)
def test_a_single_layer_needs_no_number(id, name):
    reference = reader_of(ONE_LAYER).find(name)
    assert reference is not None, reader_of(ONE_LAYER).explain(name)
    assert (reference.quantity.id, reference.index) == (id, ())


def test_the_number_is_missed_where_there_are_two_layers():
    assert reader_of(PLAIN).find("z") is None


def test_every_id_of_a_tape_means_itself():
    for text in (PLAIN, ONE_LAYER, ONLINE, ADAM, AUGMENTED):
        reader = reader_of(text)
        for epoch, batch, id in reader.quantities:
            quantity = reader.find(f"{id}@{epoch}.{batch}").quantity
            assert (quantity.id, quantity.epoch, quantity.batch) == (id, epoch, batch)


@pytest.mark.parametrize(
    ("name", "id"),
    [("mW1", "mW1"), ("m_W₁", "mW1"), ("m̂_W₁", "mhatW1"), ("vhat_b2", "vhatb2"), ("step_W2",) * 2],
)
def test_the_state_of_an_optimizer(name, id):
    assert reader_of(ADAM).find(name).quantity.id == id


@pytest.mark.parametrize(
    ("name", "id", "index"),
    [
        ("z1[1,2]", "z1", (1, 2)),
        ("z1[ 1 ; 2 ]", "z1", (1, 2)),
        ("z1(1,2)", "z1", (1, 2)),
        ("z1[1][2]", "z1", (1, 2)),
        ("δ₂[3,1]", "delta2", (3, 1)),
        ("z1[3]", "z1", (3,)),
        ("e[2]", "error", (2,)),
        ("dZ[2][4,1]", "delta2", (4, 1)),
        ("z^(1)[4,3]", "z1", (4, 3)),
    ],
)
def test_entries(name, id, index):
    reference = reader_of(PLAIN).find(name)
    assert (reference.quantity.id, reference.index) == (id, index)


@pytest.mark.parametrize(
    ("name", "place", "index"),
    [
        ("z1", (1, 1), ()),
        ("z1@2", (2, 1), ()),
        ("z1@2.2", (2, 2), ()),
        ("Z₁ @ 1.2", (1, 2), ()),
        ("z1@2.2[1,2]", (2, 2), (1, 2)),
        ("z1[1,2]@2.2", (2, 2), (1, 2)),
    ],
)
def test_epochs_and_batches(name, place, index):
    reference = reader_of(ONLINE).find(name)
    assert (reference.quantity.epoch, reference.quantity.batch) == place
    assert (reference.quantity.id, reference.index) == ("z1", index)


def test_the_change_of_the_weights_is_the_gradient_only_under_descent():
    for name in ("ΔW2", "delta_W2", "∆W₂"):
        assert reader_of(DESCENT).find(name).quantity.id == "dW2"
        assert reader_of(PLAIN).find(name) is None
        assert "write dW2;" in reader_of(PLAIN).explain(name)
    assert "write dW2 or step_W2;" in reader_of(ADAM).explain("ΔW2")


def test_a_partial_derivative_is_not_the_delta_of_the_delta_rule():
    for name in ("∂L/∂z₂", "dL/dz2", "dL_dz2"):
        assert reader_of(DESCENT).find(name) is None
        assert "the negative of delta2 in this exercise; write delta2" in reader_of(
            DESCENT
        ).explain(name)
        assert reader_of(PARTIAL_DESCENT).find(name).quantity.id == "delta2"
    assert reader_of(DESCENT).find("dz2").quantity.id == "delta2"
    assert reader_of(DESCENT).find("∂L/∂a₁") is None
    assert reader_of(PARTIAL_DESCENT).find("∂L/∂a₁") is None  # its notation writes da₁


def test_the_derivative_of_another_function_is_said():
    note = reader_of(PLAIN).find("relu_prime1").note
    assert note == '"relu_prime1" is read as g1, the derivative of layer 1\'s sigmoid'


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("zz1", "did you mean z1?"),
        ("delta_3", "did you mean"),
        ("dW3", "did you mean dW2?"),
        ("dX", "(da0) is not a step of this exercise"),
        ("data_dW1", '"data_dW1" is not a step'),
        ("z1@3", "epoch 3, batch 1, which this exercise has not"),
        ("l", "no quantity"),
        ("E1", "no quantity"),
        ("z1[1,1", "no quantity"),
        ("z_1_2", "no quantity"),
        ("z" * 101, "no quantity"),
        ("", "no quantity"),
        ("\x1b[31m\u202ez1", "no quantity"),
    ],
)
def test_other_names_are_explained(name, why):
    reader = reader_of(PLAIN)
    assert reader.find(name) is None
    told = reader.explain(name)
    assert why in told
    assert told.endswith("; it was left aside")
    assert told.isprintable()


def test_a_short_cut_has_no_derivative_at_the_output():
    assert "(g2) is not a step" in reader_of(AUGMENTED).explain("sigma_prime2")


def test_where_the_ones_of_a_bias_stand():
    reader = reader_of(AUGMENTED)
    ones = {id: quantity.ones for (_, _, id), quantity in reader.quantities.items()}
    assert {id: place for id, place in ones.items() if place} == {"a0": (0, 0), "a1": (0, 0)}
    # 3 features and the 1 over 2 samples, then 2 units and the 1
    assert reader.find("a0").quantity.shape == (4, 2)
    assert reader.find("a1").quantity.shape == (3, 2)


CELL = """
given: {x: [1, 2], h_0: [0, 0], W_Q: [[1, 2], [3, 4]], W: [1, 2], W1: [3, 4], y: 1}
equations:
  - z_1 = x @ W_Q + h_0
  - S = 2 * (z_1 * W) + W1
  - L = half_mse(sum(S), y)
loss: L
constants: [x, y]
parameters: [W_Q, W]
learning_rate: 0.1
"""


@pytest.mark.parametrize(
    ("name", "id", "index"),
    [
        *((name, "z_1", ()) for name in ("z_1", "z1", "z₁", "Z₁", "z[1]", "z^(1)", "z_{1}")),
        *((name, "z_1", (1, 2)) for name in ("z₁[1,2]", "z1[1,2]")),
        *((name, "W_Q_new", ()) for name in ("W_Qⁿᵉʷ", "WQ_new", "W_Q_new", "wqnew")),
        *((name, "dW_Q", ()) for name in ("dW_Q", "dWQ", "dwq", "∂L/∂W_Q", "dL/dWQ")),
        *((name, "S.1", ()) for name in ("S.1", "S⁽¹⁾")),
        ("S⁽¹⁾[1,2]", "S.1", (1, 2)),
        ("dS⁽¹⁾", "dS.1", ()),
        ("S(1)", "S", (1,)),  # typed so it is an entry, as it was
        ("W[1]", "W", (1,)),  # not W1
        ("W₁", "W1", ()),
        ("Lⁿᵉʷ", "loss_after", ()),
        ("z₁@1.1", "z_1", ()),
    ],
)
def test_names_on_a_board_as_they_are_printed_and_without_their_marks(name, id, index):
    reference = reader_of(CELL).find(name)
    assert reference is not None, reader_of(CELL).explain(name)
    assert (reference.quantity.id, reference.index) == (id, index)


def test_a_step_that_is_not_there_is_named_once():
    assert reader_of(PLAIN).unknown("mW1") == '"mW1" is not a step of this exercise'
    assert reader_of(PLAIN).unknown("m_W₁") == '"m_W₁" (mW1) is not a step of this exercise'


def test_a_name_that_may_mean_two_lines_is_asked_back():
    twice = CELL.replace("z_1 =", "WQ =").replace("z_1 *", "WQ *")
    assert reader_of(twice).find("W·Q") is None


@pytest.mark.parametrize("name", EQUATIONS)
def test_every_symbol_of_a_board_means_its_quantity(name):
    spec = backtrace.load(name)
    tape, symbols = compile_tape(spec), Symbols.asked_by(spec)
    names = reader(tape, spec)
    found = {step.id: names.find(symbols.name(step.id)) for step in tape.steps}
    assert {id: each and (each.quantity.id, each.index) for id, each in found.items()} == {
        id: (id, ()) for id in found
    }
