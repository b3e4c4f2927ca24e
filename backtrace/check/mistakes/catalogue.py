"""The catalogue of mistakes: code, the wrong rule in words, what to tell, an example."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import msgspec

from backtrace.check.mistakes import rewrites
from backtrace.check.mistakes.rewrites import UpdateContext, Wrong
from backtrace.tape.steps import Step


def no_rule(step: Step, context: UpdateContext) -> Iterator[Wrong]:
    """Of a mistake that is read off the numbers, and has no rule to replay."""
    return iter(())


class Mistake(msgspec.Struct, frozen=True):
    """One row of the catalogue. ``tell`` is said to the student; ``wrongs`` replays it.

    ``deed`` is what "3 of 30" did, with ``{id}`` for the symbol of the step, ``{slope}`` for σ′ of
    its layer and ``{n}``. ``detail`` is what a single mistake adds to its title, if anything.
    ``told_of`` is what is told instead where the step has a role, its layer an activation or the
    exercise a loss of that name; ``called`` its title there.
    """

    code: str
    title: str
    deed: str
    where: str
    rule: str
    tell: str
    example: str
    wrongs: Callable[[Step, UpdateContext], Iterator[Wrong]] = no_rule
    detail: str = ""
    told_of: Mapping[str, str] = {}
    called: Mapping[str, str] = {}

    @property
    def has_rule(self) -> bool:
        """Whether it is a rule that can be replayed."""
        return self.wrongs is not no_rule


SQUARES = ("sse", "half_sse", "mse", "half_mse", "mse_elements")
OF_SQUARES = "Look at the loss once more: is there a ½ in front, does the 2 of the square cancel?"
OF_ONE_LINE = "What this line is worked from has no such factor: look for it in this line."

CATALOGUE: dict[str, Mistake] = {
    row.code: row
    for row in (
        Mistake(
            "activation-derivative-omitted",
            "the derivative of the activation is missing",
            "left out {slope} in {id}",
            "δ of a sigmoid, tanh, softmax, … unit, and what is worked from it",
            "δ = da, without ⊙ g′(z)",
            "The error has to pass through the activation: multiply by its derivative.",
            "δ₂ = a₂ − y instead of (a₂ − y) ⊙ a₂(1 − a₂)",
            rewrites.derivative_skipped("activation-derivative-omitted", relu=False),
        ),
        Mistake(
            "relu-mask-ignored",
            "you let the error through a unit that is off",
            "let the error through units that are off, in {id}",
            "δ of a ReLU unit, and what is worked from it",
            "δ = da also where z ≤ 0",
            "Where z ≤ 0 the ReLU is off: its derivative is 0, and so is δ there.",
            "δ₁ = [1.7 -3.4 0.85] instead of [1.7 0 0.85] for z₁ = [3.7 -1.3 1.1]",
            rewrites.derivative_skipped("relu-mask-ignored", relu=True),
        ),
        Mistake(
            "derivative-at-activation",
            "the derivative is taken at the activation instead of the pre-activation",
            "took the derivative at a instead of z, in {id}",
            "g of a curved activation",
            "g′(a) instead of g′(z): σ(a)(1 − σ(a))",
            "The derivative belongs at z, not at a: do not apply the activation a second time.",
            "σ(0.574)(1 − σ(0.574)) = 0.231 instead of 0.574·0.426 = 0.245",
            rewrites.derivative_at_a,
            told_of={
                "sigmoid": "The derivative belongs at z. σ′(z) is a(1 − a): do not apply σ a "
                "second time.",
                "tanh": "The derivative belongs at z. tanh′(z) is 1 − a²: do not apply tanh a "
                "second time.",
            },
        ),
        Mistake(
            "derivative-incomplete",
            "only one factor of the derivative is there",
            "wrote only one factor of the derivative {id}",
            "g of a sigmoid or tanh unit",
            "a, or 1 − a, instead of a(1 − a); 1 − a instead of 1 − a²",
            "The derivative has two factors: a(1 − a) for a sigmoid, 1 − a² for tanh.",
            "g = 0.752 instead of 0.752·0.248",
            rewrites.derivative_incomplete,
            told_of={
                "sigmoid": "The derivative of the sigmoid has two factors, a and 1 − a.",
                "tanh": "The derivative of tanh is 1 − a²: square a first.",
            },
            called={"tanh": "the square is missing in the derivative"},
        ),
        Mistake(
            "preactivation-in-derivative",
            "z is put where a belongs in the derivative",
            "put z where a belongs in the derivative {id}",
            "g of a sigmoid or tanh unit",
            "z(1 − z) instead of a(1 − a)",
            "The short formula a(1 − a) is written in the activation, not in z.",
            "0.3·0.7 instead of σ(0.3)(1 − σ(0.3)) = 0.574·0.426",
            rewrites.preactivation_in_derivative,
            told_of={"tanh": "The short formula 1 − a² is written in the activation, not in z."},
        ),
        Mistake(
            "z-times-slope",
            "the derivative is multiplied by z",
            "multiplied the derivative by z, in {id}",
            "g of any unit but a linear one",
            "z ⊙ g′(z) instead of g′(z)",
            "The error is multiplied by the derivative at z, and not by z as well.",
            "δ₁ = da₁ ⊙ z₁ ⊙ g′(z₁) instead of da₁ ⊙ g′(z₁)",
            rewrites.z_times_slope,
        ),
        Mistake(
            "derivative-not-cancelled",
            "the slope of the output is multiplied in once more",
            "multiplied {slope} in once more, in {id}",
            "output δ by the short-cut (cross-entropy with sigmoid or softmax)",
            "(a − y) ⊙ a(1 − a) instead of a − y",
            "With this loss the slope of the output has cancelled already: δ is just a − y.",
            "δ = (0.8 − 1)·0.8·0.2 instead of 0.8 − 1",
            rewrites.derivative_not_cancelled,
        ),
        Mistake(
            "mean-omitted",
            "the 1/n is left out",
            "left out the 1/{n} in {id}",
            "wherever the convention puts the 1/n",
            "without 1/n",
            "The loss averages over the samples: divide by their number here.",
            "dW = aᵀδ instead of ¼ aᵀδ for four samples",
            rewrites.mean_omitted,
        ),
        Mistake(
            "mean-twice",
            "one 1/n too many",
            "divided by {n} once too often in {id}",
            "loss, output δ, dW, db",
            "divided by n where it should not be, or twice",
            "The 1/n stands elsewhere already (see the conventions): do not divide here.",
            "dW = ¼ aᵀδ where δ has the ¼ already",
            rewrites.mean_twice,
        ),
        Mistake(
            "mean-over-outputs",
            "averaged over the outputs as well",
            "averaged over the outputs as well, in {id}",
            "loss, output da and δ of a network with several outputs",
            "divided by the number of outputs k",
            "This loss averages over samples only, not over the outputs.",
            "1/(n·k) Σe² instead of 1/n Σe²",
            rewrites.mean_over_outputs,
        ),
        Mistake(
            "half-factor",
            "a ½ or a 2 too many or too few",
            "have a ½ or a 2 too many or too few in {id}",
            "loss, output da and δ, penalty",
            "×2 or ×½",
            "Look at the loss once more: where would a ½ or a 2 come from?",
            "δ = ŷ − y instead of 2(ŷ − y) for L = (ŷ − y)²",
            rewrites.half_factor,
            detail="{}",
            told_of={
                **dict.fromkeys(("gradient", "data_gradient"), OF_ONE_LINE),
                **dict.fromkeys(SQUARES, OF_SQUARES),
            },
        ),
        Mistake(
            "sign-flipped",
            "the sign is the wrong way round",
            "have the wrong sign in {id}",
            "any step of loss and backward pass, and the bias",
            "the negative of the right value",
            "Check which way round the difference is taken: the sign is opposite.",
            "e = y − ŷ instead of ŷ − y",
            rewrites.sign_flipped,
        ),
        Mistake(
            "weights-not-transposed",
            "a matrix stands where its transpose belongs (or the other way round)",
            "took a matrix for its transpose, or the reverse, in {id}",
            "products with a square W; dW of as many samples as inputs",
            "W for Wᵀ, a for aᵀ",
            "Follow one error back: it goes by the weights it came by. The formula says which "
            "factor stands transposed.",
            "da₁ = δ₂·W₂ instead of δ₂·W₂ᵀ",
            rewrites.weights_not_transposed,
        ),
        Mistake(
            "transposed",
            "the right matrix, transposed",
            "wrote {id} transposed",
            "any square matrix",
            "rows written as columns",
            "The numbers are right, but rows and columns are exchanged.",
            "[[1, 3], [2, 4]] instead of [[1, 2], [3, 4]]",
            rewrites.transposed,
        ),
        Mistake(
            "updated-weights-used",
            "the updated weights carry the error back",
            "sent the error back through the updated weights, in {id}",
            "da",
            "W_new for W",
            "The gradient is taken at the old weights: update only after all gradients are done.",
            "da₁ = δ₂·W₂_newᵀ instead of δ₂·W₂ᵀ",
            rewrites.updated_weights,
        ),
        Mistake(
            "old-weights-used",
            "the old weights carry the error back",
            "sent the error back through the old weights, in {id}",
            "da, where the exercise asks for the updated weights",
            "W for W_new",
            "This course sends the error back through the weights already updated.",
            "da₁ = δ₂·W₂ᵀ instead of δ₂·W₂_newᵀ",
            rewrites.old_weights,
        ),
        Mistake(
            "wrong-layer",
            "weights or activation of another layer",
            "took another layer's weights or activation in {id}",
            "da and dW, shapes allowing",
            "W₁ for W₂, a₁ for a₀",
            "Check the layer: the error comes through the next layer's weights, and a weight's "
            "gradient takes what came in through it.",
            "da₁ = δ₂·W₁ᵀ instead of δ₂·W₂ᵀ",
            rewrites.wrong_layer,
            detail="{} was used",
        ),
        Mistake(
            "weights-omitted-going-back",
            "the error is sent back without the weights",
            "sent the error back without the weights, in {id}",
            "da",
            "da = Σδ, each weight a 1",
            "What a unit passed on was weighted: its share of the error is weighted by the same W.",
            "da₁ = δ₂ instead of δ₂·W₂ᵀ",
            rewrites.weights_omitted,
        ),
        Mistake(
            "value-for-error",
            "another quantity is taken for the error",
            "took another quantity for the error in {id}",
            "δ, and what is worked from it",
            "a, z, ŷ − y, the loss or dW where δ or da belongs",
            "What goes back is the error that reaches the unit, not what the unit put out.",
            "da₁ = a₂·W₂ᵀ instead of δ₂·W₂ᵀ",
            rewrites.value_for_error,
            detail="{} was used",
        ),
        Mistake(
            "summed-wrong-axis",
            "the sum goes over the units instead of the samples",
            "summed over the units instead of the samples in {id}",
            "db of as many units as samples",
            "rows added where columns belong",
            "A bias belongs to a unit: add up what the samples say of that unit.",
            "db = [-0.103 0.125], a sum a sample, instead of a sum a unit",
            rewrites.summed_wrong_axis,
        ),
        Mistake(
            "matrix-product-for-hadamard",
            "a matrix product where entries are multiplied one by one",
            "took a matrix product for ⊙ in {id}",
            "δ, square matrices",
            "da·g for da ⊙ g",
            "⊙ multiplies entry by entry: no rows times columns here.",
            "δ = da·g instead of da ⊙ g",
            rewrites.matrix_product_for_hadamard,
        ),
        Mistake(
            "hadamard-for-matrix-product",
            "entries multiplied one by one where a matrix product belongs",
            "multiplied entry by entry for a matrix product, in {id}",
            "products of equally shaped matrices",
            "X ⊙ W for X·W",
            "This is a matrix product: each entry is a row times a column, added up.",
            "z = X ⊙ W instead of X·W",
            rewrites.hadamard_for_matrix_product,
        ),
        Mistake(
            "bias-omitted",
            "the bias is missing",
            "left out the bias in {id}",
            "z",
            "z without b",
            "Add the bias to each weighted sum.",
            "z₁ = XW₁ instead of XW₁ + b₁",
            rewrites.bias_omitted,
        ),
        Mistake(
            "bias-in-backward",
            "the bias is added on the way back",
            "added the bias on the way back, in {id}",
            "da",
            "da + b",
            "The bias has no part in sending the error back: its derivative is 0 there.",
            "da₁ = δ₂·W₂ᵀ + b₁",
            rewrites.bias_in_backward,
        ),
        Mistake(
            "activation-omitted",
            "the activation is missing",
            "left out the activation in {id}",
            "a",
            "a = z",
            "Apply the activation to z.",
            "a₁ = z₁ instead of σ(z₁)",
            rewrites.activation_omitted,
        ),
        Mistake(
            "wrong-activation",
            "another activation",
            "took another activation in {id}",
            "a and g",
            "tanh for σ, σ for ReLU, …",
            "Check which activation this layer has.",
            "a₁ = tanh(z₁) instead of σ(z₁)",
            rewrites.wrong_activation,
            detail="{} was used",
        ),
        Mistake(
            "preactivation-for-activation",
            "z stands where a belongs",
            "put z where a belongs, in {id}",
            "the next layer's product, dW, the error",
            "z for a",
            "What goes on to the next layer, and into dW, is the activation, not z.",
            "dW₂ = z₁ᵀδ₂ instead of a₁ᵀδ₂",
            rewrites.preactivation,
        ),
        Mistake(
            "batch-not-summed",
            "only one sample, or a line per sample",
            "did not add up the samples in {id}",
            "db and dW of several samples",
            "without the sum over samples",
            "The parameter is shared by all samples: add their contributions up.",
            "db = δ of the first sample",
            rewrites.batch_not_summed,
            detail="sample {} only",
        ),
        Mistake(
            "learning-rate-omitted",
            "the learning rate is missing",
            "left out the learning rate in {id}",
            "updates",
            "η = 1",
            "Multiply the gradient by the learning rate before subtracting it.",
            "W − dW instead of W − 0.1·dW",
            rewrites.learning_rate_omitted,
        ),
        Mistake(
            "ascent-for-descent",
            "the step goes uphill",
            "went uphill in {id}",
            "updates",
            "+ for −",
            "Going down means subtracting the gradient.",
            "W + η·dW instead of W − η·dW",
            rewrites.ascent,
        ),
        Mistake(
            "rate-misread",
            "another learning rate",
            "took another learning rate in {id}",
            "updates",
            "another η",
            "Compare your learning rate with the one given.",
            "W − 0.01·dW instead of W − 0.1·dW",
            rewrites.rate_misread,
            detail="{} was used",
        ),
        Mistake(
            "update-omitted",
            "the old value stands where the updated one belongs",
            "did not update {id}",
            "updates",
            "W_new = W",
            "Biases are updated as weights are: the old value minus η times its gradient.",
            "b_new = b instead of b − η·db",
            rewrites.update_omitted,
        ),
        Mistake(
            "old-value-dropped",
            "only the step, without the old value",
            "left out the old value in {id}",
            "updates",
            "W_new = −η·dW",
            "The step is added to the old value; it does not replace it.",
            "W_new = −0.1·dW instead of W − 0.1·dW",
            rewrites.old_value_dropped,
        ),
        Mistake(
            "velocity-omitted",
            "the earlier velocity is left out",
            "left out the earlier velocity in {id}",
            "v of momentum and its kin",
            "v = dW",
            "The velocity keeps a share β of what it was.",
            "v = dW instead of 0.9·v + dW",
            rewrites.velocity_omitted,
        ),
        Mistake(
            "bias-correction-omitted",
            "the correction for the start at 0 is missing",
            "left out the correction for the start at 0 in {id}",
            "m̂ and v̂ of Adam",
            "m̂ = m",
            "Divide by 1 − βᵗ: the averages began at 0.",
            "m̂ = 0.1·g instead of g after the first update",
            rewrites.bias_correction_omitted,
        ),
        Mistake(
            "square-omitted",
            "the square is missing",
            "left out the square in {id}",
            "loss entries of squared errors; s and v of adaptive optimizers",
            "e for e², g for g²",
            "Square before adding up.",
            "L = |0.85| instead of 0.85²",
            rewrites.square_omitted,
        ),
        Mistake(
            "wrong-log-base",
            "another logarithm",
            "took another logarithm in {id}",
            "cross-entropies",
            "log₁₀ or log₂ for ln",
            "The loss takes the natural logarithm, ln.",
            "−log₁₀ 0.8 = 0.097 instead of −ln 0.8 = 0.223",
            rewrites.wrong_log_base,
            detail="{} was used",
        ),
        Mistake(
            "wrong-loss",
            "another loss",
            "took another loss in {id}",
            "loss, output da",
            "the value or the gradient of another loss of the table",
            "Check which loss the exercise has: its formula stands at the top.",
            "½(0.8 − 1)² instead of −ln 0.8",
            rewrites.wrong_loss,
            detail="{} was used",
        ),
        Mistake(
            "complement-omitted",
            "the second half of the binary cross-entropy is missing",
            "left out the second half of the cross-entropy in {id}",
            "binary cross-entropy",
            "−y ln ŷ without (1 − y) ln(1 − ŷ)",
            "Where the target is 0 it is ln(1 − ŷ) that counts.",
            "0 instead of −ln(1 − 0.3) for y = 0",
            rewrites.complement_omitted,
        ),
        Mistake(
            "softmax-wrong-axis",
            "the softmax is normalised over the samples",
            "normalised the softmax over the samples in {id}",
            "softmax of several samples",
            "Σ over samples",
            "The outputs of one sample add up to 1: normalise over the units.",
            "columns that add up to 1 where rows should",
            rewrites.softmax_axis,
        ),
        Mistake(
            "penalty-omitted",
            "the penalty's part is missing",
            "left out the penalty in {id}",
            "loss and gradients with regularization",
            "without λ",
            "The spec has a penalty on the weights: add its part.",
            "dW = aᵀδ instead of aᵀδ + λW",
            rewrites.penalty_omitted,
        ),
        Mistake(
            "penalty-on-bias",
            "the penalty is put on the biases as well",
            "put the penalty on the biases too, in {id}",
            "penalty, db",
            "λb added",
            "Here the penalty is on the weights only.",
            "db = Σδ + λb instead of Σδ",
            rewrites.penalty_on_bias,
        ),
        Mistake(
            "given-misread",
            "a given number is read as another",
            "read a number of {id} as another",
            "inputs, targets, weights, biases",
            "another number in its place",
            "Compare your numbers with the ones given.",
            "0.3 read as 0.2",
            detail="{}",
        ),
        Mistake(
            "entries-exchanged",
            "two rows, columns or entries are exchanged",
            "exchanged two rows, columns or entries of {id}",
            "two rows, columns, samples or given numbers",
            "each in the place of the other",
            "The numbers are right: look where they stand.",
            "[[3, 4], [1, 2]] instead of [[1, 2], [3, 4]]",
            detail="{}",
        ),
        Mistake(
            "sign-slip",
            "the sign is lost",
            "lost a sign in {id}",
            "an entry, or some",
            "−x for x in some entries",
            "The digits are right: look at the sign.",
            "[[0.133, 0.063, 0.114]] instead of [[-0.133, -0.063, 0.114]]",
        ),
        Mistake(
            "point-moved",
            "the point stands in another place",
            "moved the point of an entry of {id}",
            "an entry",
            "10 x or x/10",
            "The digits are right: look where the point stands.",
            "0.0123 instead of 0.123",
        ),
        Mistake(
            "digits-swapped",
            "two digits are exchanged",
            "exchanged two digits in an entry of {id}",
            "an entry",
            "two neighbouring digits, the wrong way round",
            "Compare the digits with those that you worked out: two stand the wrong way round.",
            "0.574 written 0.547",
        ),
        Mistake(
            "cut-off",
            "the number is cut off, not rounded",
            "cut off an entry of {id} instead of rounding it",
            "an entry",
            "digits left away",
            "Round the last digit up where what follows is 5 or more.",
            "0.567 for 0.5678",
        ),
        Mistake(
            "copied-wrong",
            "a number is copied wrong",
            "copied a number of {id} wrong",
            "an entry, or an own number in the next line",
            "one digit taken for another",
            "Compare it, digit by digit, with the number that you meant to copy.",
            "-0.204 instead of -0.209",
            detail="{}",
        ),
        Mistake(
            "arithmetic-slip",
            "one entry is worked wrong",
            "worked one entry of {id} wrong",
            "any single entry",
            "a slip that no rule explains",
            "Work this entry once more.",
            "1·0.5 + 2·1.5 = 3.6",
        ),
    )
}


def wrongs(step: Step, context: UpdateContext) -> list[Wrong]:
    """Every wrong step that may stand in the place of a step."""
    return [wrong for row in CATALOGUE.values() for wrong in row.wrongs(step, context)]
