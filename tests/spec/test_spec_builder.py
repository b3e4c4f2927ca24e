"""What a spec may say, what it means, and what is said about everything else."""

import pytest

from backtrace.functions.activations import ACTIVATIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.spec.document.vocabulary import HOMES, TOP_KEYS
from backtrace.spec.model import Spec, Stop
from backtrace.tape.loading import loads
from tests.spec.specs import FORWARD, INPUTS, LAYER, TRAINED, network, only_problem, problems_of


def constants_of(spec: Spec):
    assert spec.optimizer is not None
    return {key: value.text for key, value in spec.optimizer.constants.items()}


EXAMPLE = """\
title: One hidden layer, one sample
source: a lecture
layers:
  - activation: relu
    weights: [[0.5, -1, 2], [1.5, 0, -0.5]]
    bias: [0.2, -0.3, 0.1]
  - activation: linear
    weights: [[1], [-2], [0.5]]
    bias: 0.1
inputs: [[1, 2]]
targets: 3.5
loss: mse
learning_rate: 0.1
conventions: {layout: rows, weights: in_out, sign: gradient, mean_in: delta}
notation: {activation: h, delta: dz, layer_mark: square, case: upper, inputs: a,
  prediction: y_hat, error: partial, gradient: partial, weight: w, loss: J, rate: alpha, samples: m}
arithmetic: {round_each_step: 3}
display: {decimals: 5}
"""


def test_a_whole_spec_means_what_it_says():
    spec = loads(EXAMPLE)
    assert (spec.title, spec.source, spec.decimals, spec.samples) == (
        "One hidden layer, one sample",
        "a lecture",
        5,
        1,
    )
    first, second = spec.layers
    assert (first.inputs, first.units, first.activation.name) == (2, 3, "relu")
    assert first.weights.values.tolist() == [[0.5, -1, 2], [1.5, 0, -0.5]]
    assert first.weights.written == (("0.5", "-1", "2"), ("1.5", "0", "-0.5"))
    assert first.bias.values.values.tolist() == [[0.2, -0.3, 0.1]]
    assert second.weights.shape == (3, 1)
    assert second.bias.values.values.tolist() == [[0.1]]
    assert spec.targets.values.tolist() == [[3.5]]
    assert (spec.loss.name, spec.loss.mean) == ("mse", True)
    assert (spec.optimizer.name, spec.optimizer.learning_rate.text) == ("sgd", "0.1")
    assert (spec.arithmetic.kind, spec.arithmetic.decimals) == ("rounded", 3)
    notation = spec.notation
    assert (notation.activation, notation.delta, notation.layer_mark) == ("h", "dz", "square")
    assert (notation.case, notation.inputs, notation.prediction) == ("upper", "a", "y_hat")
    assert (notation.error, notation.gradient, notation.weight) == ("partial", "partial", "w")
    assert (notation.loss, notation.rate, notation.samples) == ("J", "alpha", "m")


def test_what_is_not_said_has_its_default():
    spec = loads(FORWARD)
    assert (spec.loss, spec.optimizer, spec.targets, spec.regularization) == (None,) * 4
    assert (spec.batch_size, spec.epochs, spec.seed, spec.ask) == (None, 1, None, ())
    assert (spec.arithmetic.kind, spec.decimals, spec.title) == ("float64", 4, "")
    assert (spec.backpropagate_through, spec.output_delta) == ("old", "shortcut")
    assert (spec.conventions.layout, spec.conventions.weights) == ("rows", "in_out")


def test_columns_take_their_weights_out_in():
    text = network("[[1, 2, 3]]", inputs="[[1], [2], [3]]")
    conventions = loads(text + "conventions: {layout: columns}\n").conventions
    assert (conventions.layout, conventions.weights) == ("columns", "out_in")


def test_a_file_gives_its_name_for_a_title():
    assert loads(FORWARD, "course/or gate.yaml").title == "or gate"


def test_json_is_read_as_well():
    spec = loads(
        '{"layers": [{"activation": "tanh", "weights": [[1], ["1/3"]], "bias": null}],'
        ' "inputs": [1, 2]}'
    )
    assert spec.layers[0].bias.kind == "none"
    assert spec.layers[0].weights.written == (("1",), ("1/3",))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_takes_its_parameters(name):
    defaults = ACTIVATIONS[name].constants
    assert loads(network(activation=name)).layers[0].activation.parameters == defaults
    given = "".join(f", {key}: 1/4" for key in defaults)
    activation = loads(network(activation=f"{{name: {name}{given}}}")).layers[0].activation
    assert activation.name == name
    assert {key: value.text for key, value in activation.parameters.items()} == dict.fromkeys(
        defaults, "1/4"
    )


@pytest.mark.parametrize("name", LOSSES)
def test_every_loss_has_its_way_to_combine_samples(name):
    activation = "softmax" if LOSSES[name].outputs == "unit_interval" else "linear"
    targets = {"none": "", "signs": "targets: [[-1, 1]]\n"}
    text = network(activation=activation)
    text += targets.get(LOSSES[name].targets, "targets: [[0, 1]]\n")
    loss = loads(text + f"loss: {name}\n").loss
    assert (loss.name, loss.mean) == (name, LOSSES[name].mean)
    other = "sum" if LOSSES[name].mean else "mean"
    assert loads(text + f"loss: {{name: {name}, reduce: {other}}}\n").loss.mean != loss.mean


def test_losses_average_as_they_are_defined():
    averaged = {name for name, loss in LOSSES.items() if loss.mean}
    assert averaged == set(LOSSES) - {"sse", "half_sse", "output"}


def test_huber_takes_its_delta():
    text = FORWARD + "targets: [[0, 1]]\nloss: {name: huber, delta: 1.5}\n"
    assert loads(text).loss.parameters["delta"].text == "1.5"


def test_an_upstream_gradient_takes_the_place_of_a_loss():
    loss = loads(FORWARD + "loss: {upstream: [1, 1/2]}\n").loss
    assert (loss.name, loss.mean) == ("upstream", False)
    assert loss.upstream.values.tolist() == [[1, 0.5]]


def test_optimizers_have_the_constants_of_their_papers():
    adam = loads(TRAINED + "optimizer: {name: adam, learning_rate: 0.01, beta1: 0.8}\n")
    assert adam.optimizer.learning_rate == 0.01
    assert constants_of(adam) == {"beta1": "0.8", "beta2": "0.999", "epsilon": "1e-8"}


def test_momentum_has_forms_and_another_name_for_its_constant():
    spec = loads(TRAINED + "optimizer: {name: momentum, learning_rate: 0.1, beta: 0.5}\n")
    assert (spec.optimizer.form, constants_of(spec)) == ("accumulate", {"momentum": "0.5"})
    text = TRAINED + "optimizer: {name: momentum, learning_rate: 0.1, form: ema}\n"
    assert loads(text).optimizer.form == "ema"


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_takes_all_its_constants(name):
    given = "".join(f", {key}: 0.25" for key in OPTIMIZERS[name].constants)
    spec = loads(TRAINED + f"optimizer: {{name: {name}, learning_rate: 1{given}}}\n")
    assert constants_of(spec) == dict.fromkeys(OPTIMIZERS[name].constants, "0.25")


@pytest.mark.parametrize(
    ("written", "kind", "constants"),
    [
        ("{step: {every: 10, factor: 0.5}}", "step", {"every": 10, "factor": 0.5}),
        ("{exponential: {factor: 0.9}}", "exponential", {"factor": 0.9}),
        ("{inverse_time: {decay: 0.1}}", "inverse_time", {"decay": 0.1}),
    ],
)
def test_schedules(written, kind, constants):
    schedule = loads(TRAINED + f"learning_rate: 1\nschedule: {written}\n").schedule
    assert (schedule.kind, schedule.constants) == (kind, constants)


@pytest.mark.parametrize(("kind", "written"), [("norm", "1/3"), ("value", "0.5")])
def test_clipping(kind, written):
    clip = loads(TRAINED + f"learning_rate: 1\nclip: {{{kind}: {written}}}\n").clip
    assert (clip.kind, clip.limit.text) == (kind, written)


@pytest.mark.parametrize(
    ("added", "found"),
    [
        ("learning_rate: 1\nclip: 3\n", '"3"'),
        ("learning_rate: 1\nclip: {norm: 0}\n", "0"),
        ("learning_rate: 1\nclip: {norms: 1}\n", '"norms"'),
        ("learning_rate: 1\nclip: {norm: 1, value: 1}\n", "`clip` with 2 keys"),
        ("clip: {norm: 1}\n", "`clip` without `learning_rate` or `optimizer`"),
        (
            "learning_rate: 1\nclip: {norm: 1}\nbackpropagate_through: updated\n",
            "a norm of all gradients beside `backpropagate_through: updated`",
        ),
    ],
)
def test_clipping_that_makes_no_sense_is_refused(added, found):
    assert only_problem(TRAINED + added).found == found


def test_entries_are_clipped_beside_updated_weights():
    added = "learning_rate: 1\nclip: {value: 1}\nbackpropagate_through: updated\n"
    assert loads(TRAINED + added).clip.kind == "value"


def test_a_list_of_rates_is_a_schedule_and_needs_no_other_rate():
    spec = loads(TRAINED + "schedule: [0.1, 1/20]\n")
    assert [rate.text for rate in spec.schedule.rates] == ["0.1", "1/20"]
    assert (spec.optimizer.name, spec.optimizer.learning_rate) == ("sgd", 0.1)


def test_regularization_freeze_and_ask():
    spec = loads(
        network(bias="[1, 1]")
        + "targets: [[0, 1]]\nloss: mse\nlearning_rate: 1\nfreeze: [b1]\n"
        + "regularization: {l1: 0.5, l2: 0.1, form: lambda, biases: yes}\n"
        + "ask: [z1, delta1, dW1, W1_new, z1@2.1]\n"
    )
    penalty = spec.regularization
    assert (penalty.l1, penalty.l2, penalty.form, penalty.biases) == (0.5, 0.1, "lambda", True)
    assert spec.freeze == {"b1"}
    assert spec.ask == ("z1", "delta1", "dW1", "W1_new", "z1@2.1")


def test_a_family_asked_for_is_all_its_ids():
    spec = loads(EXAMPLE + "ask: [delta, z1, dW]\n")
    assert spec.ask == ("delta2", "delta1", "z1", "dW2", "dW1")


@pytest.mark.parametrize(
    ("written", "size"), [("batch", None), ("online", 1), ("{batch_size: 2}", 2)]
)
def test_updates(written, size):
    text = network(inputs="[[1, 2], [3, 4], [5, 6]]")
    assert loads(f"{text}updates: {written}\n").batch_size == size


def test_updates_in_an_order_of_each_epochs_own():
    text = network(inputs="[[1, 2], [3, 4], [5, 6]]")
    for written, shuffle in (("true", True), ("false", False)):
        spec = loads(f"{text}updates: {{batch_size: 2, shuffle: {written}}}\n")
        assert (spec.batch_size, spec.shuffle) == (2, shuffle)
    assert not loads(f"{text}updates: {{batch_size: 2}}\n").shuffle
    assert not loads(f"{text}updates: online\n").shuffle
    assert not loads(f"{text}updates: {{batch_size: 3, shuffle: false}}\n").shuffle


def test_how_long_a_training_goes_on():
    spec = loads(TRAINED + "learning_rate: 1\nepochs: 2\ntraining: {epochs: 500}\n")
    assert (spec.epochs, spec.training_epochs, spec.stop) == (2, 500, Stop())
    stopped = loads(TRAINED + "learning_rate: 1\ntraining: {patience: 20, stop_at_loss: 1/8}\n")
    assert stopped.training_epochs is None
    assert (stopped.stop.loss, stopped.stop.loss.text, stopped.stop.patience) == (0.125, "1/8", 20)


def test_only_the_sum_of_the_outputs_falls_below_zero():
    outputs = FORWARD + "loss: output\nlearning_rate: 1\ntraining: {stop_at_loss: -3}\n"
    assert loads(outputs).stop.loss == -3
    problem = only_problem(outputs.replace("output", "mse\ntargets: [[0, 1]]"))
    assert (problem.line, problem.found) == (7, "-3")


def test_the_remaining_fields():
    spec = loads(
        TRAINED
        + "learning_rate: 1\nepochs: 3\nbackpropagate_through: updated\noutput_delta: chain\n"
        + "trace: {inputs_gradient: true}\nseed: 7\narithmetic: exact\n"
    )
    assert (spec.epochs, spec.backpropagate_through, spec.output_delta) == (3, "updated", "chain")
    assert (spec.inputs_gradient, spec.seed, spec.arithmetic.kind) == (True, 7, "exact")


# --- problems, each with its place and words


@pytest.mark.parametrize(
    ("text", "line", "column", "found", "mend"),
    [
        (FORWARD + "titel: x\n", 4, 1, 'the unknown key "titel"', "Did you mean `title`?"),
        (FORWARD + "lr: 1\n", 4, 1, 'the unknown key "lr"', "`learning_rate`"),
        (FORWARD + "layout: rows\n", 4, 1, "`layout` in a spec", "under `conventions:`"),
        (FORWARD + "decimals: 3\n", 4, 1, "`decimals` in a spec", "under `display:`"),
        (
            LAYER.replace("bias: none", "bias: none, loss: mse") + INPUTS,
            2,
            66,
            "`loss` in layer 1",
            "at the top level",
        ),
        (LAYER, 1, 1, "a spec without `inputs`", "inputs: [[1, 2]]"),
        (INPUTS, 1, 1, "a spec without `layers`", "- activation"),
        ("layers: {}\n" + INPUTS, 1, 9, "a mapping of keys to values for `layers`", "`- `"),
        ("layers: []\n" + INPUTS, 1, 9, "an empty list for `layers`", "`- `"),
        (network(bias="no"), 4, 11, '"no"', "`bias: none`"),
        (network(bias="{share: 1}"), 4, 12, '"share"', "`shared`"),
        (network(bias="{shared: 1, threshold: 2}"), 4, 23, "`shared` and `threshold`", ""),
        (network(bias="{in_weights: middle}"), 4, 24, '"middle"', ""),
        (network(bias="{init: he}"), 4, 18, '"he"', ""),
        (network(activation="rleu"), 2, 17, '"rleu"', "`relu`"),
        (network(activation="logistic"), 2, 17, '"logistic"', "`sigmoid`"),
        (network(activation="no"), 2, 17, '"no"', ""),
        (network(activation="{slope: 2}"), 2, 17, "an activation without a name", "name:"),
        (network(activation="{name: linear, slop: 2}"), 2, 32, '"slop"', "`slope`"),
        (network("{low: 1}"), 3, 14, "without `init` or `file`", "init"),
        (network("{init: gauss}"), 3, 21, '"gauss"', ""),
        (network("[[1, 2], [3]]"), 3, 23, "row 2 with 1 number", "same length"),
        (network("[[1, 2], 3]"), 3, 23, '"3" as row 2 of W1', "brackets"),
        (network("[[1, [2]], [3, 4]]"), 3, 19, "a list within row 1 of W1", ""),
        (network("[[1, 2], [0,5, 4]]"), 3, 23, "row 2 with 3 numbers", "[0.5, 4]"),
        (network("[[0,593, 0,597], [1, 2]]"), 3, 16, "decimal commas", "[0.593, 0.597]"),
        (network("[[1, 2], [3, 0,05]]"), 3, 24, "decimal commas", "[3, 0.05]"),
        (network("[[1, 2], [3, −4]]"), 3, 27, "typographic minus", "-4"),
        (network("[]"), 3, 14, "an empty list for W1", ""),
        (network("[[]]"), 3, 15, "an empty list as row 1 of W1", "brackets"),
        (network(inputs="1:30"), 5, 9, "not a single number", "value"),
        (network(inputs="[[1, yes]]"), 5, 14, 'the word "yes"', "1"),
        (FORWARD + "targets: [[0, 1]]\n", 4, 1, "`targets` without a `loss`", "`loss: mse`"),
        (FORWARD + "loss: mse\n", 4, 1, "the loss `mse` without `targets`", "target"),
        (FORWARD + "loss: output\ntargets: 1\n", 5, 1, "`targets` beside", "Remove"),
        (TRAINED + "learning_rate: -0.1\n", 6, 16, "-0.1", "without a minus"),
        (TRAINED + "learning_rate: 0\n", 6, 16, "0", "without a minus"),
        (TRAINED + "learning_rate:\n", 6, 1, "without a value", "after the colon"),
        (TRAINED + "optimizer: adam\n", 6, 12, "without `learning_rate`", "name: adam"),
        (
            TRAINED + "optimizer: {name: sgd, learning_rate: 1}\nlearning_rate: 1\n",
            7,
            1,
            "`learning_rate` beside `optimizer`",
            "Put it into the optimizer",
        ),
        (
            TRAINED + "optimizer: {name: adam, learning_rate: 1, beta1: 1}\n",
            6,
            50,
            "1",
            "",
        ),
        (
            TRAINED + "optimizer: {name: adam, learning_rate: 1, epsilon: 0}\n",
            6,
            52,
            "0",
            "",
        ),
        (
            TRAINED + "optimizer: {name: sgd, learning_rate: 1, momentum: 0.9}\n",
            6,
            42,
            "`momentum` in the optimizer sgd",
            "",
        ),
        (
            TRAINED + "optimizer: {name: momentum, learning_rate: 1, beta: 0.9, momentum: 0.9}\n",
            6,
            47,
            "`beta` beside `momentum`",
            "same",
        ),
        (
            TRAINED + "optimizer: {name: momentum, learning_rate: 1, form: emma}\n",
            6,
            53,
            '"emma"',
            "`ema`",
        ),
        (TRAINED + "schedule: {step: {every: 2, factor: 0.5}}\n", 6, 1, "`schedule`", "remove"),
        (
            TRAINED + "learning_rate: 1\nschedule: {step: {every: 2}}\n",
            7,
            18,
            "without `factor`",
            "step: {every",
        ),
        (TRAINED + "learning_rate: 1\nschedule: {stp: {}}\n", 7, 12, '"stp"', "`step`"),
        (TRAINED + "learning_rate: 1\nschedule: []\n", 7, 11, "an empty list of rates", ""),
        (TRAINED + "regularization: {l2: -1}\n", 6, 22, "-1", ""),
        (TRAINED + "regularization: {biases: true}\n", 6, 17, "without a λ", ""),
        (TRAINED + "regularization: {l2: 1, form: half}\n", 6, 31, '"half"', "`half_lambda`"),
        (TRAINED + "learning_rate: 1\nfreeze: [b1]\n", 7, 10, '"b1"', "no bias"),
        (TRAINED + "learning_rate: 1\nfreeze: [w1]\n", 7, 10, '"w1"', "`W1`"),
        (TRAINED + "learning_rate: 1\nepochs: 0\n", 7, 9, "0", ""),
        (TRAINED + "learning_rate: 1\nepochs: 1.5\n", 7, 9, "1.5", ""),
        (TRAINED + "epochs: 2\n", 6, 1, "`epochs` without", "learning_rate"),
        (TRAINED + "backpropagate_through: updated\n", 6, 1, "without", "learning_rate"),
        (TRAINED + "updates: {batch_size: 0}\n", 6, 23, "0", ""),
        (TRAINED + "updates: {batch_size: 2}\n", 6, 1, "a batch of 2 for 1 sample", "batch"),
        (TRAINED + "updates: {batch_size: 1, shuffle: yep}\n", 6, 35, '"yep"', ""),
        (TRAINED + "updates: {batch_size: 1, shuffle: true}\n", 6, 1, "the only", "in any order"),
        (TRAINED + "updates: {shuffle: true}\n", 6, 10, "`shuffle` without", "in any order"),
        (TRAINED + "updates: {shuffle: false}\n", 6, 10, "`updates` without", ""),
        (TRAINED + "shuffle: true\n", 6, 1, "`shuffle` in a spec", "under `updates:`"),
        (TRAINED + "patience: 3\n", 6, 1, "`patience` in a spec", "under `training:`"),
        (TRAINED + "stop: {loss: 1}\n", 6, 1, '"stop"', "`training`"),
        (TRAINED + "learning_rate: 1\ntrain: {}\n", 7, 1, '"train"', "`training`"),
        (TRAINED + "val: {every: 2}\n", 6, 1, '"val"', "`validation`"),
        (TRAINED + "learning_rate: 1\ntraining: 500\n", 7, 11, '"500" for `training`', ""),
        (TRAINED + "learning_rate: 1\ntraining: {}\n", 7, 11, "without a key", ""),
        (TRAINED + "learning_rate: 1\ntraining: {epochs: 0}\n", 7, 20, "0", ""),
        (TRAINED + "learning_rate: 1\ntraining: {patience: 0}\n", 7, 22, "0", ""),
        (TRAINED + "learning_rate: 1\ntraining: {patience: 1.5}\n", 7, 22, "1.5", ""),
        (TRAINED + "learning_rate: 1\ntraining: {stop_at_loss: low}\n", 7, 26, '"low"', ""),
        (TRAINED + "learning_rate: 1\ntraining: {stop: 1}\n", 7, 12, '"stop"', "`stop_at_loss`"),
        (TRAINED + "training: {epochs: 2}\n", 6, 1, "`training` without", "learning_rate"),
        (FORWARD + "training: {epochs: 2}\n", 4, 1, "`training` without a `loss`", "Add"),
        (
            FORWARD + "loss: {upstream: [[1, 1]]}\ntraining: {epochs: 2}\n",
            5,
            1,
            "`training` beside `upstream`",
            "Remove",
        ),
        (TRAINED + "output_delta: shortcut\n", 6, 15, "`shortcut` for `mse`", "chain"),
        (TRAINED + "display: {decimals: 13}\n", 6, 21, "13", ""),
        (TRAINED + "arithmetic: double\n", 6, 13, '"double"', "`float64`"),
        (TRAINED + "arithmetic: {round_each_step: -1}\n", 6, 31, "-1", ""),
        (TRAINED + "notation: {delta: Delta}\n", 6, 19, '"Delta"', "`delta`"),
        (TRAINED + "notation: {gradient: delta}\n", 6, 22, "`gradient: delta`", "descent"),
        (TRAINED + "conventions: {layout: row}\n", 6, 23, '"row"', "`rows`"),
        (TRAINED + "conventions: [rows]\n", 6, 14, "a list for `conventions`", ""),
        (TRAINED + "ask: [z1, zz]\n", 6, 11, '"zz"', "from 1 to 1"),
        (TRAINED + "ask: [W1_new]\n", 6, 7, '"W1_new"', ""),
        (TRAINED + "ask: [z1, detla]\n", 6, 11, '"detla"', "Did you mean `delta`?"),
        (TRAINED + "ask: [z3]\n", 6, 7, '"z3"', "from 1 to 1"),
        (TRAINED + "seed: -1\n", 6, 7, "-1", ""),
        (TRAINED + "trace: {inputs_gradient: 1}\n", 6, 26, '"1"', ""),
        (FORWARD + "learning_rate: 1\n", 4, 1, "`learning_rate` without a `loss`", "Add"),
        ("units:10\n", 1, 1, '"units:10" for a spec', ""),
    ],
)
def test_problems(text, line, column, found, mend):
    problem = only_problem(text)
    assert (problem.line, problem.column) == (line, column), problem
    assert found in problem.found
    assert mend in problem.mend
    assert problem.expected or problem.mend or problem.choices
    shown = problem.quote.strip("…")
    assert shown in text.splitlines()[line - 1]


def test_a_missing_space_after_a_colon_is_seen():
    problem = only_problem("{inputs:[[1]], layers: []}")
    assert (problem.column, problem.found) == (8, "a colon without a space after it")
    (problem,) = [p for p in problems_of("{layers: [], seed:10}") if "seed" in p.found]
    assert "`seed: 10`" in problem.mend


def test_a_layer_says_all_that_it_lacks():
    found = [problem.found for problem in problems_of("layers: [{}]\n" + INPUTS)]
    assert found == [f"layer 1 without `{key}`" for key in ("activation", "bias", "weights")]


def test_all_problems_are_listed_at_once_in_the_order_of_the_lines():
    text = """\
titel: One
layers:
  - {activation: rleu, weights: [[0.5, −1], [1.5, 0]], bias: [0.2, 0.1, 0]}
  - {activation: linear, weights: [[1], [-2]], bias: 0.1, units: 2}
inputs: [[1, 2]]
targets: 012
loss: cross_entropy
learning_rate: -0.1
learning_rate: 2
"""
    places = [(problem.line, problem.column) for problem in problems_of(text)]
    assert places == [(1, 1), (3, 18), (3, 40), (4, 35), (6, 10), (7, 1), (8, 16), (9, 1)]


# --- what goes with what


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "cross_entropy"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_logarithms_need_probabilities(loss, activation):
    text = network(activation=activation) + f"targets: [[0, 1]]\nloss: {loss}\n"
    if activation in ("sigmoid", "softmax"):
        assert loads(text).loss.name == loss
        return
    problem = only_problem(text)
    assert (problem.line, problem.column) == (7, 1)
    assert f"the loss `{loss}` on `{activation}` outputs" in problem.found
    assert "`sigmoid` or `softmax`" in problem.expected


@pytest.mark.parametrize(
    ("loss", "targets", "column", "found", "mend"),
    [
        ("binary_cross_entropy", "[[0.5, 2]]", 17, "the target 2", "`mse`"),
        ("binary_cross_entropy", "[[-1, 1]]", 12, "the target -1", "write 0 and 1"),
        ("cross_entropy", "[[0, 3]]", 15, "the target 3", "one-hot"),
        ("cross_entropy", "[[0.5, 0.4]]", 12, "which add up to 0.9", "binary_cross_entropy"),
        ("cross_entropy", "[[1, 1]]", 12, "which add up to 2", "binary_cross_entropy"),
        ("hinge", "[[1, 1]]", 12, "with 2 entries 1", "one-hot"),
        ("hinge", "[[0.5, 0.5]]", 12, "with 0 entries 1", "one-hot"),
        ("binary_hinge", "[[0, 1]]", 12, "the target 0", "write -1 and 1"),
        ("binary_hinge", "[[1, 2]]", 15, "the target 2", "`mse`"),
        ("kl", "[[0.6, 0.6]]", 12, "which add up to 1.2", "`binary_cross_entropy`"),
    ],
)
def test_targets_must_suit_the_loss(loss, targets, column, found, mend):
    text = network() + f"targets: {targets}\nloss: {loss}\n"
    problem = only_problem(text)
    assert (problem.line, problem.column) == (6, column)
    assert found in problem.found
    assert mend in problem.mend


def test_targets_that_are_thirds_add_up_to_one():
    text = network("[[1, 2, 3], [4, 5, 6]]", activation="softmax") + "loss: cross_entropy\n"
    assert loads(text + "targets: [[1/3, 1/3, 1/3]]\n").targets.written[0][0] == "1/3"
    assert loads(text + "targets: [[0.3333333, 0.3333333, 0.3333333]]\n").targets is not None


def test_every_bad_sample_is_a_problem_in_columns_too():
    text = (
        network(activation="softmax", inputs="[[1, 2, 3], [3, 4, 5]]")
        + "targets: [[1, 0, 0.5], [1, 1, 0]]\nloss: cross_entropy\nconventions: {layout: columns}\n"
    )
    problems = problems_of(text)
    assert [(p.line, p.column) for p in problems] == [(6, 12), (6, 18)]
    assert "sample 1" in problems[0].found
    assert "sample 3" in problems[1].found


@pytest.mark.parametrize(
    ("loss", "activation"),
    [("cross_entropy", "softmax"), ("kl", "softmax"), ("hinge", "linear")],
)
def test_classes_need_two_units(loss, activation):
    text = network("[1, 2]", activation=activation) + f"targets: 1\nloss: {loss}\n"
    problem = only_problem(text)
    assert f"the loss `{loss}` on a single `{activation}` unit" in problem.found


def test_a_step_can_be_run_forward_but_not_trained():
    text = network(activation="step")
    assert loads(text).layers[0].activation.name == "step"
    problem = only_problem(text + "targets: [[0, 1]]\nloss: mse\nlearning_rate: 1\n")
    assert (problem.line, problem.column) == (2, 5)
    assert "`step` in layer 1, with an optimizer" in problem.found


def test_a_short_cut_may_be_named_where_there_is_one():
    text = network(activation="softmax") + "targets: [[0, 1]]\nloss: cross_entropy\n"
    assert loads(text + "output_delta: shortcut\n").output_delta == "shortcut"


def test_every_home_of_a_key_is_a_key_there():
    for key, home in HOMES.items():
        if home.startswith("under `") and "layers" not in home:
            assert home.removeprefix("under `").removesuffix(":`") in TOP_KEYS, key


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (TRAINED + "lossy: 1\n", "E108"),
        (TRAINED + "loss: mse\n", "E107"),
        (TRAINED + "ask: [b9]\n", "E211"),
        (TRAINED + "seed: 1.5\n", "E111"),
        (TRAINED + "seed: 0x1\n", "E113"),
        (TRAINED + "seed: 1,5\n", "E114"),
        (TRAINED + "seed:\n", "E109"),
        (TRAINED + "epochs: 2\n", "E119"),
        (TRAINED.replace("inputs: [[1, 2]", "inputs: [[1, 2, 3]"), "E201"),
        (TRAINED + "]", "E101"),
        (TRAINED + "seed: &x 1\n", "E102"),
        ("# nothing\n", "E103"),
        ("a: \x07", "E105"),
        (b"a: \xff", "E104"),
        ("[" * 40, "E106"),
    ],
)
def test_a_problem_says_of_which_kind_it_is(text, code):
    assert {problem.code for problem in problems_of(text)} == {code}
