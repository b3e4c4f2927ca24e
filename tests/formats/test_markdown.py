"""The Markdown of a trace: its rules, and every number of it found in the trace again."""

import re
from itertools import pairwise, product

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import backtrace
from backtrace.formats.json import trace as json_trace
from backtrace.notation.symbols import Symbols
from backtrace.page.inert import inert
from backtrace.page.selection import Selection
from backtrace.page.trace import View
from backtrace.spec import bundled
from backtrace.spec.model import NOTATION_CHOICES
from tests.formats.formula_numbers import MATRIX, assert_result, cells, is_part, stands_for
from tests.formats.written import markdown
from tests.networks.kinds import LAYERED
from tests.sampling import share

TRACES = {name: backtrace.trace(backtrace.load(name)) for name in bundled.names()}
DETAILS = ("overview", "summary", "matrices", "entries")
EVERY = list(product(bundled.names(), DETAILS))
DISPLAY = re.compile(r"^\$\$\n(.*?)\n\$\$$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"\$[^$\n]+\$")
FORBIDDEN = (r"\,", r"\;", r"\{", r"\operatorname", r"\newcommand", r"\mbox", "}_{", "~", "\t")
PARSER = MarkdownIt("commonmark").enable("table")


def page(name, detail="matrices", **view):
    return markdown(TRACES[name], View(detail=detail, **view))


def outside_of_formulas(text):
    return INLINE.sub("", DISPLAY.sub("", text))


def assert_portable(text):
    """The rules that GitHub, GitLab, VS Code, Obsidian, Jupyter, Quarto and pandoc agree on."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if "$$" in line:
            assert line == "$$"
            assert "" in (lines[at - 1], lines[at + 1])
    formulas = DISPLAY.findall(text)
    assert len(formulas) * 2 == lines.count("$$")
    for formula in formulas:
        assert "\n\n" not in formula
        assert formula.isascii()
        for line in formula.split("\n"):
            assert line[0] not in "=+-*#>|"
            assert r"\\" not in line.removesuffix(r"\\")
    for match in INLINE.finditer(DISPLAY.sub("", text)):
        before, after = match.string[match.start() - 1], match.string[match.end()]
        assert before in " (\n"
        assert after in " .,;:!?)\n"
        assert match[0][1] != " "
        assert match[0][-2] != " "
    for formula in [*formulas, *INLINE.findall(text)]:
        for forbidden in FORBIDDEN:
            assert forbidden not in formula
        assert not re.search(r"\^\{[^{}]*\}_", formula)  # the subscript comes first
        assert formula.count("{") == formula.count("}")


def assert_well_formed(text):
    tokens = PARSER.parse(text)
    for token in tokens:
        if token.type == "fence":
            assert token.info == "mermaid"
            assert token.content.isascii()  # pandoc makes a listing of it
            first = token.content.split("\n")[token.content.startswith("%%")]
            assert first in ("flowchart LR", "xychart-beta")
        if token.type == "html_block":
            assert re.fullmatch(
                r"<!-- [^>]* -->\n|<details>\n<summary>[^<>]*</summary>\n|</details>\n",
                token.content,
            )
    kinds = [token.type for token in tokens]
    assert "code_block" not in kinds
    rows = [k for k in kinds if k in ("tr_open", "th_open", "td_open")]
    if rows:
        width = rows.count("th_open")
        assert rows.count("td_open") == width * (rows.count("tr_open") - 1)
    assert text.count("```") == 2 * kinds.count("fence")


@pytest.mark.parametrize(("name", "detail"), EVERY)
def test_every_network_in_every_detail_keeps_the_rules(name, detail):
    for explain in (False, True):
        text = page(name, detail, explain=explain)
        assert_portable(text)
        assert_well_formed(text)
        assert text.startswith("<!-- Made by backtrace. -->\n\n# ")
        assert text.endswith("\n")
        assert not text.endswith("\n\n")


@pytest.mark.parametrize(
    "choice", [(name, v) for name, values in NOTATION_CHOICES.items() for v in values]
)
@pytest.mark.parametrize("name", ["adam", "or-gate", "multi-neuron"])
def test_every_notation_keeps_the_rules(name, choice):
    trace = TRACES[name]
    for mark in NOTATION_CHOICES["layer_mark"]:
        notation = msgspec.structs.replace(
            trace.notation, **({"layer_mark": mark} | {choice[0]: choice[1]})
        )
        drawn = msgspec.structs.replace(trace, notation=notation)
        assert_portable(markdown(drawn, View(detail="entries", explain=True)))


def is_in(trace, printed):
    """Whether a matrix of the page is a value of the trace, perhaps transposed."""
    return any(is_part(printed, value) for step in trace for value in (step.value, step.value.T))


@pytest.mark.parametrize(("name", "detail"), list(product(LAYERED, DETAILS[1:])))
def test_every_matrix_is_in_the_trace_to_its_printed_digits(name, detail):
    trace = TRACES[name]
    bodies = set(MATRIX.findall(page(name, detail)))
    assert len(bodies) > 3
    for body in bodies:
        assert is_in(trace, cells(body)), body


@pytest.mark.parametrize("name", LAYERED)
def test_the_result_of_each_step_is_its_value(name):
    trace, text = TRACES[name], page(name)
    worked = iter(step for step in trace if step.phase != "given")
    found = re.findall(
        r"^###+ \d+\. [^\n]*\n\n\$\$\n\\begin\{aligned\}\n(.*?)\n\\end\{aligned\}\n\$\$",
        text,
        re.MULTILINE | re.DOTALL,
    )
    assert found
    for formula in found:
        assert_result(formula, next(worked).value)
    assert next(worked, None) is None


@pytest.mark.parametrize("name", ["small-mlp", "or-gate", "attention", "convolution"])
def test_the_results_stand_first_with_their_formulas_and_values(name):
    table = page(name).split("\n## Results\n")[1].split("\n## Given\n")[0]
    row = re.compile(r"^\| \d+ \| [^|]+ \| \$(.+?)(?: = [^|]*)?\$ \| \$(.*)\$ \|$", re.MULTILINE)
    rows = row.findall(table)
    assert len(rows) == table.count("\n|") - 2 > 3
    found = {Symbols.of(TRACES[name]).latex(step.id): step.value for step in TRACES[name]}
    for symbol, printed in rows:
        value = np.atleast_2d(found[symbol])
        inner = printed.removeprefix(r"\begin{bmatrix} ").removesuffix(r" \end{bmatrix}")
        if r"\times" in inner:
            assert inner == rf"{value.shape[0]} \times {value.shape[1]}"
        else:
            assert stands_for(cells(inner.replace(r" \cr ", " \\\\\n")), value)


def test_the_test_sees_a_wrong_digit():
    spoilt = page("xor").replace("0.", "0.7", 400)
    bodies = MATRIX.findall(spoilt)
    assert not all(is_in(TRACES["xor"], cells(body)) for body in bodies)


def test_entries_add_up():
    """mlp-math has short numbers: each line of its products is right as it stands."""
    text = page("mlp-math", "entries")
    lines = re.findall(r"\[\d,\d\] &= ([-+\d.() ]*\\cdot[^=\\]*(?:\\cdot[^=\\]*)*)= (.*)", text)
    sums = [(left, right) for left, right in lines if "e" not in left]
    assert len(sums) >= 10
    for left, right in sums:
        value = eval(left.replace(r"\cdot", "*"), {})
        assert abs(value - float(right.rsplit("= ", 1)[-1].removesuffix(r" \\"))) < 5e-5


def test_the_worked_example_as_a_person_writes_it():
    """Z₁ = X·W₁ + b₁ with X = [1 2]: 3.5 + 0.2, −1 − 0.3, 1 + 0.1."""
    assert r"""
### 2. Add the bias

$$
\begin{aligned}
Z_{1} &= X W_{1} + b_{1} \\
&= \begin{bmatrix}
3.5 & -1.0 & 1.0
\end{bmatrix} + \begin{bmatrix}
0.2 & -0.3 & 0.1
\end{bmatrix} \\
&= \begin{bmatrix}
3.7 & -1.3 & 1.1
\end{bmatrix}
\end{aligned}
$$
""" in page("mlp-math")


def test_entries_are_folded_and_brief_steps_have_none():
    text = page("mlp-math", "entries")
    assert text.count("<details>\n<summary>") == text.count("\n</details>\n") == 13
    assert r"X W_{1}[1,2] &= 1\cdot (-1) + 2\cdot 0 = -1 + 0 = -1.0 \\" in text
    assert "<details>" not in page("mlp-math")


def test_the_network_has_its_weights_on_its_edges():
    drawn = re.search(r"```mermaid\n(.*?)```", page("mlp-math"), re.DOTALL)[1]
    edges = re.findall(r'n(\d)_(\d) -->\|"([^"]*)"\| n(\d)_(\d)', drawn)
    trace = TRACES["mlp-math"]
    assert len(edges) == 2 * 3 + 3 * 1
    for layer, source, told, target_layer, target in edges:
        weights = trace[f"W{target_layer}"].value
        assert int(target_layer) == int(layer) + 1
        assert float(told) == weights[int(source) - 1, int(target) - 1]
    assert "b = -0.3" in drawn


def test_a_large_network_is_drawn_by_layers():
    assert f'-->|"w^[1]: 10 #{ord("×")}; 784"|' in page("mnist")


def test_diagrams_have_numbers_without_exponents():
    spec = """
title: t
layers: [{activation: linear, weights: [[0.0000001]], bias: [1234567890123]}]
inputs: [[1]]
targets: 1234567890123
loss: half_sse
learning_rate: 0.5
epochs: 3
"""
    text = markdown(backtrace.trace(backtrace.loads(spec)), View())
    drawn = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    assert len(drawn) == 2
    for diagram in drawn:
        assert not re.search(r"\de[-+]?\d", diagram)
    assert '"0.0000001"' in drawn[0]
    assert "b = 1235000000000" in drawn[0]


def test_the_loss_of_several_epochs_is_a_chart_and_a_table():
    text = page("momentum")
    assert "| epoch | loss before | loss after |\n|--:|--:|--:|\n| 1 | 2.500 | 0.545 |" in text
    assert "  line [2.5, 0.545, 0.017]\n" in text
    assert "xychart-beta" not in page("xor")


def test_a_decimal_comma_stands_in_every_number_of_a_formula():
    text = page("softmax", "entries", decimal_mark=",")
    formulas = DISPLAY.findall(text)
    assert not any(re.search(r"\d\.\d", formula) for formula in formulas)
    assert all(is_in(TRACES["softmax"], cells(body)) for body in MATRIX.findall(text))


def test_what_is_not_asked_for_is_left_out():
    text = page("xor", selection=Selection(only=("delta",)))
    assert re.findall(r"^### \d+\. .*\n\n\$\$\n.*\n(\S+) &=", text, re.MULTILINE) == [
        r"\delta_{2}",
        r"\delta_{1}",
    ]
    assert "## Given" not in text


def test_mnist_stays_small():
    assert all(len(page("mnist", detail).encode()) < 300_000 for detail in DETAILS)


HOSTILE = st.one_of(
    st.text(max_size=60),
    st.text("$`*_[]()<>&|~^\\{}#@!:=-+'\" \n\tae1.", max_size=60),
    st.sampled_from([
        "<script>alert(1)</script>", "$\\input{/etc/passwd}$", "$$", "```", "[a](javascript:b)",
        "</details>", "<!-- -->", "-->", "| a | b |", "\x1b[31mred", "a\n\n# b", "@everyone #1",
        "http://a.example www.a.example a@a.example", "![x](y)", "$a$ and $b$",
    ]),
)  # fmt: skip


@given(HOSTILE, HOSTILE)
@settings(max_examples=share(150))
def test_titles_are_shown_and_never_obeyed(title, source):
    trace = msgspec.structs.replace(TRACES["delta-rule"], title=title, source=source)
    text = markdown(trace, View(detail="summary"))
    plain = msgspec.structs.replace(trace, title="t", source="s" if source else "")
    tokens, expected = PARSER.parse(text), PARSER.parse(markdown(plain, View(detail="summary")))
    if words(inert(title)):
        assert [token.type for token in tokens] == [token.type for token in expected]
    heading = next(t for before, t in pairwise(tokens) if before.tag == "h1")
    assert words(shown(heading)) == words(inert(title))
    assert {t.type for t in heading.children} <= {"text", "html_inline"}
    assert set(re.findall("<[^>]*>", heading.content)) <= {"<span>", "</span>"}
    assert "$" not in heading.content


def shown(heading):
    return "".join(child.content for child in heading.children if child.type == "text")


def words(text):
    return text.split()


def test_losses_in_fractions_are_a_chart_too():
    # x = 1, then 1 - 1/4·2 = 1/2, then 1/2 - 1/4 = 1/4: the losses are 1, 1/4 and 1/16
    text = """
given: {x: 1}
equations: [L = x^2]
loss: L
parameters: [x]
learning_rate: 1/4
arithmetic: exact
epochs: 2
"""
    page = markdown(backtrace.trace(backtrace.loads(text)), View())
    assert "line [1, 0.25, 0.0625]" in page


def test_a_trace_read_back_gives_the_same_page():
    trace = backtrace.trace(backtrace.loads("given: {x: 3}\nequations: [y = x^2 / 0.5]\n"))
    again = json_trace.decode(json_trace.encode(trace))
    assert markdown(again, View()) == markdown(trace, View())
