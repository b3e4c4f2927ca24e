"""The lines of equations as lines of PyTorch, and the functions that they need defined."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable, Collection, Iterator, Mapping

from backtrace.formats.registry import NotExpressibleError
from backtrace.formats.torch.expression import ATOM, Expression
from backtrace.formats.torch.python_text import constant, folded
from backtrace.functions.elementary import FUNCTIONS
from backtrace.functions.losses import LOSSES
from backtrace.functions.number import Number
from backtrace.spec.equations.expression import (
    Call,
    ConstantTerm,
    IndexSpan,
    NameTerm,
    PartTerm,
    Term,
    Transpose,
)
from backtrace.spec.equations.vocabulary import DEFAULTS
from backtrace.spec.model import Spec

PYTORCHS = {
    "linear": "{x} * {slope}",
    "sigmoid": "torch.sigmoid({x})",
    "tanh": "torch.tanh({x})",
    "softsign": "F.softsign({x})",
    "relu": "F.relu({x})",
    "leaky_relu": "F.leaky_relu({x}, {slope})",
    "elu": "F.elu({x}, {alpha})",
    "selu": "F.selu({x})",
    "gelu": "F.gelu({x})",
    "silu": "F.silu({x})",
    "mish": "F.mish({x})",
    "hard_tanh": "F.hardtanh({x})",
    "softplus": "F.softplus({x}, threshold=40)",
    "step": "({x} >= 0).to(torch.get_default_dtype())",
    "exp": "torch.exp({x})",
    "ln": "torch.log({x})",
    "sqrt": "torch.sqrt({x})",
    "abs": "torch.abs({x})",
    "sin": "torch.sin({x})",
    "cos": "torch.cos({x})",
    "hstack": "torch.hstack([{all}])",
    "vstack": "torch.vstack([{all}])",
    "flatten": "torch.reshape({x}, (1, -1))",
    "reshape": "torch.reshape({x}, ({rows}, {columns}))",
    "eye": "torch.eye({size})",
    "pad": "F.pad({x}, ({width}, {width}, {width}, {width}))",
}
"""What PyTorch has, and works as the tables do; other functions of a table are written out."""

WINDOWS = {
    "conv": "F.conv2d({x}, {y}, stride={stride}, padding={padding})",
    "conv_transpose": "F.conv_transpose2d({x}, {y}, stride={stride})",
    "max_pool": "F.max_pool2d({x}, {size}, {stride})",
    "mean_pool": "F.avg_pool2d({x}, {size}, {stride})",
}
"""Of stacks of stacks of matrices, of which there is one here."""

CHOICES = {"maximum": ">=", "minimum": "<="}  # torch.maximum halves the gradient of equal ones

# Σ over samples and outputs where a logarithm of 0 must not be taken, or a kink has slope 0; every
# other loss is written as its table works it. The target may have a gradient, too.
LOG_A = "log_a = torch.where((y == 0) & (a == 0), 1, a).log()"
SUMS: dict[str, tuple[str, ...]] = {
    "binary_cross_entropy": (
        LOG_A,
        "log_rest = torch.where((y == 1) & (a == 1), 1, 1 - a).log()",
        "-(y * log_a + (1 - y) * log_rest).sum()",
    ),
    "cross_entropy": (LOG_A, "-(y * log_a).sum()"),
    "kl": (LOG_A, "(y * (torch.where(y == 0, 1, y).log() - log_a)).sum()"),
    "binary_hinge": ("F.relu(1 - y * a).sum()",),
    "hinge": (
        "y = y.detach()",
        "true = (a * y).sum(1, keepdim=True)  # the output of the true class",
        "(F.relu(1 + a - true) * (1 - y)).sum()",
    ),
}
TAKEN = {
    *("torch", "nn", "np", "F", "Path", "copy", "inf", "given", "net", "loss", "check", "rounded"),
    *(*FUNCTIONS, *LOSSES, *keyword.kwlist, *dir(builtins)),
}
"""Names that mean something else in a program."""


def program_names(ids: Collection[str], taken: Collection[str]) -> dict[str, str]:
    """What the program calls each quantity: as the board does, but for names that are taken."""
    found: dict[str, str] = {}
    for id in ids:
        name = id
        while name in TAKEN or name in taken or (name != id and name in ids):
            name += "_"
        found[id] = name
    return found


def lines(spec: Spec, names: Mapping[str, str]) -> Iterator[str]:
    """The lines, one after the other, each round of a loop under its heading."""
    assert spec.equations is not None
    writer, loop = _LineText(spec, names), ""
    for line in spec.equations.lines:
        if line.loop and line.loop != loop:
            yield f"    # {line.loop}"
        loop = line.loop
        text = f"{writer.tensor(line.tree)}"
        yield from folded(f"{names[line.id]} = ", text, "", " " * 4)


class _LineText:
    """Writes expressions; every quantity is a matrix, a number one of 1 × 1."""

    def __init__(self, spec: Spec, names: Mapping[str, str]) -> None:
        self.names = names
        self.columns = spec.conventions.layout == "columns"

    def term(self, node: Term) -> Expression:
        match node:
            case ConstantTerm():
                return Expression.number(node.number)
            case NameTerm():
                return Expression(self.names[node.id])
            case Transpose():
                return Expression(f"{self.tensor(node.inner).within(ATOM)}.T")
            case PartTerm():
                spans = f"{_span(node.rows)}, {_span(node.columns)}"
                return Expression(f"{self.tensor(node.inner).within(ATOM)}[{spans}]")
            case Call():
                return self.call(node)

    def tensor(self, node: Term) -> Expression:
        """An expression that is a matrix, also where it is only a number."""
        found = self.term(node)
        return found if found.tensor else Expression(f"torch.tensor([[float({found})]])")

    def call(self, node: Call) -> Expression:
        name = node.function
        if name in _OPERATORS:
            return _OPERATORS[name](*map(self.term, node.arguments))
        if name == "^":
            exponent = node.settings["exponent"]
            assert isinstance(exponent, Number)
            base: Expression = self.tensor(node.arguments[0]) ** Expression.number(exponent)
            return base
        x = [self.tensor(each) for each in node.arguments]
        settings = _settings(node)
        if name == "@":
            product: Expression = x[0] @ x[1]
            return product
        if name in CHOICES:
            condition = f"{x[0].within(ATOM)} {CHOICES[name]} {x[1].within(ATOM)}"
            return Expression(f"torch.where({condition}, {x[0]}, {x[1]})")
        if name in WINDOWS:
            return _windows(name, x, settings)
        if name in ALONG:
            return self.along(name, x[0], settings)
        if name in LOSSES:
            return self.loss(name, x, settings)
        if name == "rows":
            numbers = ", ".join(str(int(float(row)) - 1) for row in settings.values())
            return Expression(f"{x[0].within(ATOM)}[[{numbers}]]")
        if name in PYTORCHS:
            return _pytorchs(name, x, settings)
        if name not in FUNCTIONS:
            raise NotExpressibleError(f"the program has no words for {name}")
        return Expression(f"{_own(name)}({', '.join([*map(str, x), *settings.values()])})")

    def along(self, name: str, x: Expression, settings: Mapping[str, str]) -> Expression:
        """Each row, each column, or all together."""
        each = settings.get("each", "")
        if name == "softmax":
            each = each or ("column" if self.columns else "row")
            return Expression(f"torch.softmax({x}, {_AXES[each]})")
        if name == "max" and not each:
            flat = f"{x.within(ATOM)}.reshape(1, -1)"  # of equal ones the first has it all
            return Expression(f"{flat}.max(1, keepdim=True).values")
        unbiased = settings.get("unbiased", "False") if name == "var" else ""
        more = f", unbiased={unbiased}" if unbiased else ""
        text = f"{x.within(ATOM)}.{name}({_AXES[each]}{more}, keepdim=True)"
        return Expression(f"{text}.values" if name == "max" else text)

    def loss(self, name: str, x: list[Expression], settings: Mapping[str, str]) -> Expression:
        operands = [f"{each.within(ATOM)}.T" if self.columns else str(each) for each in x]
        return Expression(f"{name}({', '.join([*operands, *settings.values()])})")


_OPERATORS: dict[str, Callable[..., Expression]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "neg": lambda x: -x,
}
_AXES = {"row": "1", "column": "0", "": "(0, 1)"}
ALONG = ("softmax", "sum", "mean", "max", "var")


def _settings(node: Call) -> dict[str, str]:
    """The settings as Python writes them, defaults filled in, in the order of the table."""
    known = {**DEFAULTS.get(node.function, {}), **node.settings}
    return {
        name: constant(value) if isinstance(value, Number) else str(value)
        for name, value in known.items()
    }


def _span(span: IndexSpan) -> str:
    return ":" if span is None else f"{span[0] - 1}:{span[1]}"


def _windows(name: str, x: list[Expression], settings: Mapping[str, str]) -> Expression:
    flipped = ".flip(0, 1)" if settings.get("flip") == "True" else ""
    stacked = {"x": f"{x[0].within(ATOM)}[None, None]"}
    if len(x) > 1:
        stacked["y"] = f"{x[1].within(ATOM)}{flipped}[None, None]"
    return Expression(f"{WINDOWS[name].format(**stacked, **settings)}[0, 0]")


def _pytorchs(name: str, x: list[Expression], settings: Mapping[str, str]) -> Expression:
    if name == "linear":
        sloped: Expression = x[0] * Expression.number(float(settings["slope"]), settings["slope"])
        return sloped
    every = ", ".join(map(str, x))
    return Expression(PYTORCHS[name].format(x=x[0] if x else "", all=every, **settings))


def _own(name: str) -> str:
    return {"round": "rounded"}.get(name, name)


# --- functions that have to be defined


def definitions(spec: Spec) -> list[list[str]]:
    """The functions that the lines use and PyTorch does not have, a block each."""
    assert spec.equations is not None
    used = dict.fromkeys(name for line in spec.equations.lines for name in _functions_in(line.tree))
    blocks = [list(_definition(name)) for name in used]
    return [block for block in blocks if block]


def _functions_in(node: Term) -> Iterator[str]:
    match node:
        case Call():
            yield node.function
            for each in node.arguments:
                yield from _functions_in(each)
        case Transpose() | PartTerm():
            yield from _functions_in(node.inner)


def _definition(name: str) -> Iterator[str]:
    if name == "round":
        yield from ROUNDED
    elif name in LOSSES:
        yield from _loss(name)
    elif name in FUNCTIONS and name not in (*PYTORCHS, *ALONG):
        row = FUNCTIONS[name]
        constants = {each: Expression(each, tensor=each == row.learned) for each in row.parameters}
        yield f"def {name}({', '.join(['z', *constants])}):"
        yield f'    """{row.title[0].upper()}{row.title[1:]}, entry by entry."""'
        yield from folded("return ", f"{row.value(Expression('z'), constants)}", "", " " * 4)


ROUNDED = (
    "def rounded(z, decimals):",
    '    """Halves away from zero; the gradient goes through as if it were not there."""',
    "    places = 10**decimals",
    "    whole = torch.sign(z) * torch.floor(torch.abs(z) * places + 0.5) / places",
    "    return z + (whole - z).detach()",
)


def _loss(name: str) -> Iterator[str]:
    row = LOSSES[name]
    yield f"def {name}({', '.join(['a', 'y', *row.parameters])}):"
    yield f'    """{row.title[0].upper()}{row.title[1:]}; a sample a row."""'
    constants = {each: Expression(each, tensor=False) for each in row.parameters}
    constants["outputs"] = Expression("a.shape[1]", tensor=False)
    if name in SUMS:
        *before, total = SUMS[name]
        yield from (f"    {line}" for line in before)
    else:
        total = f"{row.terms(Expression('a'), Expression('y'), constants).within(ATOM)}.sum()"
    yield from folded("total = ", total, "", " " * 4)
    yield f"    return {'(total / len(a))' if row.mean else 'total'}.reshape(1, 1)"
