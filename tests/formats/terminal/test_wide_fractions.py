r"""Wide matrices inside fractions and roots: no ``\\`` and no ``&`` stands inside their braces."""

import re

import pytest

import backtrace
from backtrace.functions.optimizers import OPTIMIZERS
from backtrace.page.trace import View
from tests.formats.written import latex, markdown

TOKEN = re.compile(r"\\begin\{\w+\}|\\end\{\w+\}|\\\\|\\[{}&%$#_]|[{}&]")
SPEC = """
layers:
  - {{units: {units}, activation: relu, weights: {{init: he}}, bias: {{init: zeros}}}}
  - {{units: 3, activation: softmax, weights: {{init: xavier}}, bias: {{init: zeros}}}}
inputs: [[1, 2]]
targets: [[1, 0, 0]]
loss: cross_entropy
optimizer: {{name: {name}, learning_rate: 0.003}}
"""


def misplaced(tex):
    """Where a line or a column ends directly inside braces, which LaTeX refuses."""
    stack, found = [], []
    for token in TOKEN.finditer(tex):
        text = token[0]
        if text == "{" or text.startswith(r"\begin"):
            stack.append(text)
        elif text == "}" or text.startswith(r"\end"):
            stack.pop()
        elif text in (r"\\", "&") and stack and stack[-1] == "{":
            found.append(tex[max(0, token.start() - 60) : token.start() + 20])
    assert not stack
    return found


def test_the_search_can_find():
    assert misplaced(r"\frac{a \\ &\quad b}{c}")
    assert not misplaced(r"\frac{\begin{gathered} a \\ b \end{gathered}}{c}")


@pytest.mark.parametrize("units", [7, 9, 10, 12, 20])
@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_no_line_ends_inside_a_fraction(name, units):
    trace = backtrace.trace(backtrace.loads(SPEC.format(units=units, name=name)))
    for formula in re.findall(r"\$\$\n(.*?)\n\$\$", markdown(trace, View()), re.DOTALL):
        assert not misplaced(formula)
    document = latex(trace, View())
    body = document[document.index(r"\begin{document}") :]
    for formula in re.findall(r"(\\begin\{align\*\}.*?\\end\{align\*\})", body, re.DOTALL):
        assert not misplaced(formula)


def test_a_single_column_is_named_as_one():
    # 9 columns of six characters are a little wider than a page: 8 and 1.
    spec = backtrace.loads(SPEC.format(units=9, name="adam"))
    text = markdown(backtrace.trace(spec), View())
    assert "columns 9 to 9" not in text
