"""What a valid spec says, with every default filled in and every shape settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args, get_type_hints

import msgspec

from backtrace.spec.equations.expression import Term
from backtrace.spec.numbers import Number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Layout = Literal["rows", "columns"]
Sign = Literal["gradient", "descent"]


class Matrix(msgspec.Struct, frozen=True, eq=False):
    """A given matrix: its values (always 2-D) and, where a person wrote them, the texts.

    ``values`` are float64; data from a file are float32 in that arithmetic. ``written`` has the
    shape of ``values`` and is None for data from files and for random weights.
    """

    values: NDArray[np.floating[Any]]
    written: tuple[tuple[str, ...], ...] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        rows, columns = self.values.shape
        return rows, columns

    def samples(self, which: slice | NDArray[Any], layout: Layout) -> Matrix:
        """Some of the samples that it holds in this layout, with the texts of their numbers.

        ``which`` is a slice, or marks them (bool), or has their places (from 0) in the order
        wanted; IndexError where there are no such places.
        """
        import numpy as np

        rows, written = layout == "rows", self.written
        values = self.values[which] if rows else self.values.T[which].T
        if written is None:
            return Matrix(values)
        chosen = np.arange(self.shape[0 if rows else 1])[which].tolist()
        if rows:
            return Matrix(values, tuple(written[place] for place in chosen))
        return Matrix(values, tuple(tuple(row[place] for place in chosen) for row in written))


class Function(msgspec.Struct, frozen=True):
    """A named row of a table in ``backtrace.functions`` with its parameters, defaults filled in."""

    name: str
    parameters: dict[str, Number] = {}


class Bias(msgspec.Struct, frozen=True):
    """How a layer's bias enters.

    ``none``; ``added`` (a row 1 × units, in columns layout a column); ``shared`` (1 × 1);
    ``threshold`` (subtracted, shaped as ``added``); ``first`` or ``last`` (a line of the
    augmented weight matrix: then ``values`` is None).
    """

    kind: Literal["none", "added", "shared", "threshold", "first", "last"]
    values: Matrix | None = None


class Layer(msgspec.Struct, frozen=True):
    """One dense layer. ``weights`` is in the spec's orientation, augmented by a bias in it.

    ``slope`` is what a ``prelu`` learns, 1 × 1 or shaped as an added bias; None for every other.
    """

    inputs: int
    units: int
    activation: Function
    weights: Matrix
    bias: Bias
    slope: Matrix | None = None


class Loss(msgspec.Struct, frozen=True):
    """The loss; ``mean`` is whether samples are averaged (1/n) or summed.

    ``name`` is a row of ``functions.losses.LOSSES`` or ``"upstream"``, and then ``upstream`` is
    the gradient that arrives at the last activation, in the spec's layout.
    """

    name: str
    mean: bool
    parameters: dict[str, Number] = {}
    upstream: Matrix | None = None


class Conventions(msgspec.Struct, frozen=True):
    layout: Layout = "rows"
    weights: Literal["in_out", "out_in"] = "in_out"
    sign: Sign = "gradient"
    mean_in: Literal["delta", "gradient"] = "delta"

    @property
    def sample_axis(self) -> int:
        """The axis along which samples lie, in data and in what is worked of each of them."""
        return 0 if self.layout == "rows" else 1


class Notation(msgspec.Struct, frozen=True):
    """The course's symbols; of each the default first."""

    activation: Literal["a", "h"] = "a"
    delta: Literal["delta", "dz", "partial"] = "delta"  # δ₂ · dZ₂ · ∂L/∂z₂
    layer_mark: Literal["subscript", "round", "square"] = "subscript"  # z₂ · z^(2) · z^[2]
    case: Literal["lower", "upper"] = "lower"  # z₁ = x·W₁ · Z₁ = X·W₁
    inputs: Literal["x", "a"] = "x"  # x · a₀
    prediction: Literal["layer", "y_hat"] = "layer"  # a₂ · ŷ
    error: Literal["d", "e", "partial"] = "d"  # that reaches an activation: da₁ · e₁ · ∂L/∂a₁
    # dW₁ · ∂L/∂W₁ · ΔW₁, descent only · W̄, of equations only
    gradient: Literal["d", "partial", "delta", "bar"] = "d"
    weight: Literal["W", "w"] = "W"
    loss: Literal["L", "J", "C", "E"] = "L"
    rate: Literal["eta", "alpha", "lr"] = "eta"  # η · α · lr
    samples: Literal["n", "m"] = "n"


def choices(settings: type[msgspec.Struct]) -> dict[str, tuple[str, ...]]:
    """The words that each field of a struct of choices may be."""
    return {name: get_args(words) for name, words in get_type_hints(settings).items()}


NOTATION_CHOICES = choices(Notation)


class Arithmetic(msgspec.Struct, frozen=True):
    """``float64``, ``float32``, ``exact``, or ``rounded`` to ``decimals`` places a line."""

    kind: Literal["float64", "float32", "exact", "rounded"] = "float64"
    decimals: int | None = None

    @property
    def has_fractions(self) -> bool:
        """Whether numbers are worked as fractions, from the texts as which they are written."""
        return self.kind in ("exact", "rounded")

    @property
    def dtype(self) -> Literal["float64", "float32"]:
        """The type of its floats; fractions that are to be floats are float64."""
        return "float32" if self.kind == "float32" else "float64"


class Optimizer(msgspec.Struct, frozen=True):
    """A row of ``functions.optimizers.OPTIMIZERS``; its constants, with the form of momentum."""

    name: str
    learning_rate: Number
    constants: dict[str, Number] = {}
    form: str | None = None  # momentum only: accumulate · step · ema


class Schedule(msgspec.Struct, frozen=True):
    """How the rate changes with the update.

    ``constant``, ``step`` (every, factor), ``exponential`` (factor), ``inverse_time`` (decay) or
    ``list``: then ``rates`` has a rate for each update, and the last one stays.
    """

    kind: str = "constant"
    constants: dict[str, Number] = {}
    rates: tuple[Number, ...] = ()


class Clip(msgspec.Struct, frozen=True):
    """How large a gradient may be that an update uses: the norm of all together, or each entry."""

    kind: Literal["norm", "value"]
    limit: Number


class Regularization(msgspec.Struct, frozen=True):
    l1: Number = Number(0.0, "0")
    l2: Number = Number(0.0, "0")
    form: Literal["half_lambda", "lambda", "lambda_over_2n"] = "half_lambda"
    biases: bool = False


class Validation(msgspec.Struct, frozen=True):
    """Samples that are held out: no update sees them. In the layout of the spec's own."""

    inputs: Matrix
    targets: Matrix | None = None


class Standardization(msgspec.Struct, frozen=True):
    """How inputs were standardized: each feature's mean and deviation, over ``samples``."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    samples: int


class Stop(msgspec.Struct, frozen=True):
    """When a training ends before its last epoch.

    ``loss``: when the loss is that small or smaller; ``patience``: when the best epoch lies that
    many epochs back. Both look at the loss of the held-out samples where there are any.
    """

    loss: Number | None = None
    patience: int | None = None


class AnswerDigits(msgspec.Struct, frozen=True):
    """The digits that a course asks of answers: so many ``decimals``, or significant ``digits``.

    None of either: as many as tell something.
    """

    decimals: int | None = None
    digits: int | None = None


VERDICTS_WITH_CREDIT = ("right", "rounded", "carried", "unsupported", "imprecise")
"""Of whose marks a policy may say what share they earn."""


class Marks(msgspec.Struct, frozen=True):
    """How a course marks.

    ``points`` are those of quantities (of the others an entry has one), ``total`` what all of them
    are scaled to. ``credit`` is the share of an entry's mark that a verdict earns; entries with an
    ``omitted`` verdict count for nothing, neither way. ``repeated`` is the share of its marks that
    the same mistake costs again; with ``only_first_mistake`` no other mistake costs any.
    ``submissions`` says which of a student's sheets counts.
    """

    points: dict[str, Number] = {}
    total: Number | None = None
    credit: dict[str, Number] = {}
    omitted: tuple[str, ...] = ()
    repeated: Number = Number(0.0, "0")
    only_first_mistake: bool = False
    submissions: Literal["last", "best", "first"] = "last"


class Slip(msgspec.Struct, frozen=True):
    """An entry (from 1) that the source prints and has wrong, and what is wrong with it."""

    row: int
    column: int
    reason: str


class Published(msgspec.Struct, frozen=True):
    """Figures that a source prints for the quantity ``id`` of one update.

    ``written`` has them as texts in the quantity's shape (1 × 1 for a scalar), empty where the
    source prints none. They stand for ``times`` the quantity (a source may print n·dW). ``where``
    says in which of its lines.
    """

    id: str
    written: tuple[tuple[str, ...], ...]
    epoch: int = 1
    batch: int = 1
    slips: tuple[Slip, ...] = ()
    times: Number = Number(1.0, "1")
    where: str = ""


class EquationLine(msgspec.Struct, frozen=True):
    """One line of equations, in one round of the loops around it: ``id`` = ``tree``.

    ``text`` is the right side as written, in document line ``row``; its first character is number
    ``start`` (from 0) of the line's text, which begins in ``column``. ``loop`` says in which round
    it is: ``t = 2``.
    """

    id: str
    tree: Term
    text: str
    row: int = 0
    column: int = 1
    start: int = 0
    loop: str = ""


class Equations(msgspec.Struct, frozen=True):
    """The formulas of a board, in order, and what of them is differentiated.

    ``objective`` is the 1 × 1 name whose gradients are worked, "" for none; ``maximize`` whether
    an update climbs. ``upstream`` are gradients that are given at some names instead.
    ``constants`` are given names whose gradient is not wanted, ``parameters`` those that an update
    changes.
    """

    given: dict[str, Matrix]
    lines: tuple[EquationLine, ...]
    objective: str = ""
    maximize: bool = False
    upstream: dict[str, Matrix] = {}
    constants: frozenset[str] = frozenset()
    parameters: tuple[str, ...] = ()

    @property
    def has_backward(self) -> bool:
        return bool(self.objective or self.upstream)


class Spec(msgspec.Struct, frozen=True):
    """A whole exercise. Matrices are 2-D and in the layout that ``conventions`` name.

    A network of dense ``layers``, or ``equations``: then there are no layers, and the inputs are
    an empty matrix.

    ``inputs`` is samples × features in rows layout (without the augmenting 1), the transpose in
    columns layout; ``targets`` likewise, None where the loss needs none or there is no loss.
    """

    title: str
    layers: tuple[Layer, ...]
    inputs: Matrix
    targets: Matrix | None = None
    source: str = ""
    loss: Loss | None = None  # None: a forward pass only
    optimizer: Optimizer | None = None
    schedule: Schedule = Schedule()
    clip: Clip | None = None
    regularization: Regularization | None = None
    freeze: frozenset[str] = frozenset()  # ids such as b1
    conventions: Conventions = Conventions()
    notation: Notation = Notation()
    arithmetic: Arithmetic = Arithmetic()
    decimals: int = 4
    batch_size: int | None = None  # None: all samples at once; 1: online
    epochs: int = 1
    training_epochs: int | None = None  # of a training, where it is longer than what is traced
    shuffle: bool = False  # the samples in another order every epoch, as ``seed`` has it
    validation: Validation | None = None
    standardization: Standardization | None = None  # of the inputs, which are so already
    stop: Stop = Stop()
    backpropagate_through: Literal["old", "updated"] = "old"
    output_delta: Literal["shortcut", "chain"] = "shortcut"
    inputs_gradient: bool = False
    ask: tuple[str, ...] = ()
    answer_digits: AnswerDigits = AnswerDigits()
    marks: Marks | None = None
    accept: Literal["conventions", "none"] = "conventions"  # sheets worked by other ones
    expected: tuple[Published, ...] = ()
    seed: int | None = None
    equations: Equations | None = None

    @property
    def climbs(self) -> bool:
        """Whether an update makes the loss larger: what is to be maximized."""
        return self.equations is not None and self.equations.maximize

    @property
    def followed(self) -> str:
        """What a training tells of every epoch: the loss; what is maximized, by its name."""
        equations = self.equations
        return equations.objective if equations is not None and equations.maximize else "loss"

    @property
    def has_backward(self) -> bool:
        """Whether gradients are worked: there is a loss, or what stands for one."""
        return self.loss is not None if self.equations is None else self.equations.has_backward

    @property
    def samples(self) -> int:
        """n of the whole data set."""
        return self.inputs.shape[self.conventions.sample_axis]

    @property
    def held_out_samples(self) -> int:
        held = self.validation
        return 0 if held is None else held.inputs.shape[self.conventions.sample_axis]

    @property
    def batches(self) -> int:
        """The updates of an epoch; equations have no batches."""
        return 1 if self.equations else -(-self.samples // (self.batch_size or self.samples))

    def batch_samples(self, batch: int) -> int:
        """n of a batch (from 1) of an epoch; the last one may be smaller."""
        size = self.batch_size or self.samples
        return min(size, self.samples - (batch - 1) * size)

    @property
    def keeps_best(self) -> bool:
        """Whether a training keeps the parameters of its best epoch, and not those of its last."""
        return self.validation is not None or self.stop.patience is not None

    @property
    def epochs_of_training(self) -> int:
        return self.training_epochs or self.epochs
