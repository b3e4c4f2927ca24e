"""The trace on a terminal: pictures of worked examples, and what holds at every width."""

import io
import re
import subprocess
import sys

import pytest
from rich.console import Console

import backtrace
from backtrace.formats.measure import text_width
from backtrace.formats.terminal.colours import STYLES, coloured, uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.notation.numbers import cells
from backtrace.page.selection import Selection
from backtrace.page.trace import View

BUNDLED = ["mlp-math", "small-mlp", "or-gate", "delta-rule", "softmax", "adam", "mnist"]

TWO_SAMPLES = """
title: "Two samples"
layers:
  - {activation: linear, weights: [[2], [1]], bias: none}
inputs: [[1, 3], [2, -1]]
targets: [[4], [5]]
loss: half_sse
learning_rate: 0.1
"""


@pytest.fixture(scope="module")
def traces():
    return {name: backtrace.trace(backtrace.load(name)) for name in BUNDLED}


def trace_of(text):
    return backtrace.trace(backtrace.loads(text))


def lines(trace, **options):
    selection = Selection(
        **{key: options.pop(key) for key in list(options) if key in Selection.__struct_fields__}
    )
    layout = Layout(options.pop("width", 80), options.pop("unicode", True))
    view = View(selection=selection, **options)
    return [line for each in passages(trace, view, layout) for line in uncoloured(each).split("\n")]


def print_trace(trace, console, width=80):
    """As the command prints it; the console decides on colour, and wraps and cuts nothing."""
    for passage in passages(trace, View(), Layout(width)):
        console.print(coloured(passage, STYLES), soft_wrap=True)


def section(found, first, count):
    """``count`` lines from the one that starts with ``first``."""
    at = next(at for at, line in enumerate(found) if line.strip().startswith(first))
    return found[at : at + count]


def test_a_step_is_a_line_of_formula_numbers_and_result(traces):
    # The figures are those of the slides: 1·0.5 + 2·1.5 = 3.5, 1·(-1) + 2·0 = -1, 1·2 − 2·0.5 = 1
    assert section(lines(traces["mlp-math"]), "1  XW₁", 2) == [
        " 1  XW₁ = X · W₁   [ 1  2 ] · ⎡ 0.5  -1.0   2.0 ⎤  =  [ 3.5  -1.0  1.0 ]",
        "                              ⎣ 1.5   0.0  -0.5 ⎦              Times the weights",
    ]


def test_sizes_stand_where_they_are_met_first_and_where_a_matrix_is_transposed(traces):
    found = lines(traces["mlp-math"])
    sized = [line for line in found if re.fullmatch(r"( +[0-9]+ × [0-9]+)+", line)]
    # X; W₁ (b₁ beside it is one line lower) and W₂; H₁ᵀ·δ₂, δ₂·W₂ᵀ, Xᵀ·δ₁, where δ₂ is a number
    assert [re.findall(r"[0-9]+ × [0-9]+", line) for line in sized] == [
        ["1 × 2"],
        ["2 × 3"],
        ["3 × 1"],
        ["3 × 1", "3 × 1"],
        ["1 × 3", "1 × 3"],
        ["2 × 1", "2 × 3"],
    ]


def test_the_gradient_that_a_unit_stops_is_said_in_words(traces):
    # 2·(4.35 − 3.5)·[1 -2 0.5] = [1.7 -3.4 0.85]; z₁ of unit 2 is -1.3
    assert section(lines(traces["mlp-math"]), "17  δ₁", 3) == [
        "17  δ₁        = dH₁ ⊙ ReLU′(Z₁)      Back through the activation, entry by entry",
        "    [ 1.70  -3.40  0.85 ] ⊙ [ 1  0  1 ]  =  [ 1.70  0.00  0.85 ]",
        "    unit 2 was off (Z₁[1,2] = -1.3 ≤ 0), so no gradient passes through it",
    ]


def test_entries_are_unfolded_with_the_equals_signs_in_line(traces):
    found = lines(traces["mlp-math"], detail="entries", only=("product1",))
    assert section(found, "XW₁[1,1]", 3) == [
        "    XW₁[1,1] = 1·0.5 + 2·1.5  = 0.5 + 3 =  3.5",
        "    XW₁[1,2] = 1·(-1) + 2·0   = -1 + 0  = -1.0",
        "    XW₁[1,3] = 1·2 + 2·(-0.5) = 2 − 1   =  1.0",
    ]


def test_long_entries_are_folded_stage_by_stage(traces):
    found = lines(traces["or-gate"], detail="entries", only=("product2",), width=44)
    # σ(0.3) = 0.5744 and σ(0.5) = 0.6225 from a table; 0.4·0.5744 + 0.6·0.6225 = 0.6033
    assert section(found, "W⁽²⁾a⁽¹⁾[1,1]", 3) == [
        "    W⁽²⁾a⁽¹⁾[1,1] = 0.4·0.5744 + 0.6·0.6225",
        "                  = 0.2298 + 0.3735",
        "                  = 0.6033",
    ]


def test_a_step_that_only_repeats_joins_its_neighbour():
    # z = 1·2 + 3·1 = 5 and 2·2 − 1·1 = 3; e = 5 − 4 = 1 and 3 − 5 = -2
    found = lines(trace_of(TWO_SAMPLES))
    assert section(found, "1–3", 2) == [
        "1–3  a₁ = z₁ = xW₁ = x · W₁   ⎡ 1   3 ⎤ · ⎡ 2 ⎤  =  ⎡ 5 ⎤      Times the weights",
        "                              ⎣ 2  -1 ⎦   ⎣ 1 ⎦     ⎣ 3 ⎦",
    ]
    assert section(found, "7–9", 2) == [
        "7–9  δ₁  = da₁ = e   =  ⎡  1 ⎤                                       id′(z₁) = 1",
        "                        ⎣ -2 ⎦",
    ]


def test_numbers_too_wide_for_a_line_are_folded_beside_the_formula_or_stand_below(traces):
    # 0.7509 − 0, 0.7696 − 1, 0.7619 − 1 and 0.7783 − 1
    found = lines(traces["or-gate"])
    assert section(found, "7  e", 2) == [
        " 7  e = a⁽²⁾ − y   [ 0.7509  0.7696  0.7619  0.7783 ] − [ 0  1  1  1 ]     Error",
        "                   =  [ 0.7509  -0.2304  -0.2381  -0.2217 ]",
    ]
    # ½·0.7509², ½·0.2304², …
    assert section(found, "8  ℓ", 3)[2] == "      =  [ 0.2819  0.0265  0.0284  0.0246 ]"


def test_parameters_go_from_old_to_new_under_one_rule(traces):
    # 0.1 − 0.1·0.08, 0.2 − 0.1·0.096, 0.3 − 0.1·0.16, 0.4 − 0.1·0.192; biases by δ₁ itself;
    # 0.5 − 0.1·0.128, 0.6 − 0.1·0.176; b₂ by 0.16
    assert section(lines(traces["small-mlp"]), "── Update", 6) == [
        "── Update ────────────────────────────────────────── new = old − 0.1·gradient ──",
        "20  W₁ ⎡ 0.1 → 0.0920   0.2 → 0.1904 ⎤   21  b₁ [ 0.1 → 0.0920   0.1 → 0.0904 ]",
        "       ⎣ 0.3 → 0.2840   0.4 → 0.3808 ⎦",
        "22  W₂ ⎡ 0.5 → 0.4872 ⎤   23  b₂ 0.1 → 0.084",
        "       ⎣ 0.6 → 0.5824 ⎦",
        "24  L   0.0128 → 0.0017  ▼ 87 %                 The loss with the new parameters",
    ]


def test_a_loss_has_as_many_digits_as_show_that_it_falls(traces):
    # 0.0903 both times to four decimals
    (told,) = (line for line in lines(traces["or-gate"]) if "▼" in line)
    before, after = map(float, re.findall(r"0\.\d+", told)[:2])
    steps = traces["or-gate"].update(*traces["or-gate"].updates[-1])
    assert before == pytest.approx(steps["loss"].value.item(), abs=5e-6)
    assert after == pytest.approx(steps["loss_after"].value.item(), abs=5e-6)
    assert after < before


def test_the_squares_of_a_penalty_need_no_brackets_of_their_own():
    two = """
title: Two layers
layers:
  - {activation: linear, weights: [[1, 2]], bias: none}
  - {activation: linear, weights: [[1], [3]], bias: none}
inputs: [[1]]
targets: [[4]]
loss: half_sse
regularization: {l2: 0.1}
"""
    # ½ · 0.1 · (1 + 4 + 1 + 9) = 0.75
    assert section(lines(trace_of(two), only=("penalty",)), "10  Ω", 2) == [
        "10  Ω = ½·λ·(Σ(W₁²) + Σ(W₂²))   ½ · 0.1 · ⎛Σ [ 1  2 ]² + Σ ⎡ 1 ⎤²⎞  =  0.75",
        "                                          ⎝                ⎣ 3 ⎦ ⎠       Penalty",
    ]


def test_the_header_says_what_is_computed_and_how(traces):
    found = lines(traces["or-gate"])[:5]
    assert found[0].startswith("OR gate ")
    assert found[0].endswith(" 2 → 2 (sigmoid) → 1 (sigmoid)")
    assert "a sample is a column: z = W·a + b" in found[1]
    assert "C = 1/n ½Σ(a⁽²⁾ − y)²" in found[1]
    assert "gradient descent, lr = 0.5" in found[2]
    assert "1/n enters in the gradients, not in δ" in found[2]
    assert found[3].startswith("Source: A handwritten homework solution")


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("width", [40, 60, 80, 120])
@pytest.mark.parametrize("detail", ["summary", "matrices", "entries"])
def test_no_line_is_wider_than_the_page(traces, name, width, detail):
    for unicode in (True, False):
        found = lines(traces[name], detail=detail, width=width, unicode=unicode, explain=True)
        assert all(text_width(line) <= width for line in found)
        assert unicode or "\n".join(found).isascii()


@pytest.mark.parametrize("name", ["mlp-math", "small-mlp", "or-gate", "softmax"])
@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_no_digit_is_lost_at_any_width(traces, name, width):
    trace = traces[name]
    printed = "\n".join(lines(trace, width=width))
    for step in trace:
        if step.value.shape:
            for text in (text for row in cells(step.value, trace.decimals) for text in row):
                assert re.search(rf"(?<![\d.]){re.escape(text)}(?![\d.])", printed), step.id


@pytest.mark.parametrize("name", ["mlp-math", "or-gate", "small-mlp", "softmax", "delta-rule"])
def test_a_summary_fits_a_screen(traces, name):
    found = lines(traces[name], detail="summary")
    assert len(found) <= 24
    assert "\n".join(found).count("loss") == 0  # symbols, not ids


def test_the_summary_gives_values_on_a_line(traces):
    found = lines(traces["mlp-math"], detail="summary")
    assert "Loss      L              0.7225" in found  # (4.35 − 3.5)²
    assert any(re.search(r"δ₁ +1 × 3  \[ 1.70  0.00  0.85 \]$", line) for line in found)
    assert any(re.search(r"dW₁ +2 × 3  \[ 1.70  0.00  0.85 ; 3.40", line) for line in found)


def test_the_summary_gives_small_matrices_whole_on_a_line_a_row(traces):
    found = lines(traces["or-gate"], detail="summary")
    # σ(0.3), σ(0.7), σ(0.5), σ(0.9); σ(0.5), σ(1.0), σ(0.8), σ(1.3)
    first, second = section(found, "a⁽¹⁾", 2)
    assert first.endswith("a⁽¹⁾      2 × 4  [ 0.5744  0.6682  0.6225  0.7109 ;")
    assert second == " " * first.index("0.5744") + "0.6225  0.7311  0.6900  0.7858 ]"
    assert "⋯" not in "\n".join(found)


def test_the_summary_elides_what_is_large_unless_all_is_asked_for(traces):
    short, full = (
        "\n".join(lines(traces["mnist"], detail="summary", only=("delta2",), full=full))
        for full in (False, True)
    )
    assert "⋯" in short
    assert "--full shows every one" in short
    assert not set("⋯⋮⋱") & set(full)
    entries = [text for row in cells(traces["mnist"]["delta2"].value, 4) for text in row]
    assert all(full.count(text) >= entries.count(text) for text in entries)


def test_entries_have_the_decimals_of_their_matrix():
    # 1·0.23 + 3·0.153 = 0.689 + 0.001 = 0.69, and 2·0.23 − 0.153 + 0.001 = 0.308
    spec = TWO_SAMPLES.replace("[[2], [1]]", "[[0.23], [0.153]]").replace("none}", "0.001}")
    found = lines(trace_of(spec), detail="entries", only=("z1",))
    assert [line.rpartition(" = ")[2] for line in found if "z₁[" in line] == ["0.690", "0.308"]


def test_large_matrices_show_corners_size_and_how_to_see_the_rest(traces):
    found = lines(traces["mnist"])
    text = "\n".join(found)
    assert "784 × 10" in text
    assert "⋱" in text
    assert "--full shows every one" in text
    assert len(found) < 400


def test_a_matrix_asked_for_by_its_id_is_shown_whole(traces):
    found = "\n".join(lines(traces["mnist"], only=("W2",)))
    assert "⋯" not in found
    entries = [text for row in cells(traces["mnist"]["W2"].value, 4) for text in row]
    assert all(found.count(text) >= entries.count(text) for text in entries)


def test_full_leaves_nothing_out(traces):
    found = "\n".join(lines(traces["mnist"], only=("delta",), full=True))
    assert not set("⋯⋮⋱") & set(found)
    corner = cells(traces["mnist"]["delta2"].value, 4)[5][5]
    assert corner in found


def test_only_and_layer_choose_steps_and_keep_their_numbers(traces):
    found = lines(traces["mlp-math"], only=("delta", "dW1"))
    assert [line[:2] for line in found if re.match(r" ?\d+  ", line)] == ["12", "17", "18"]
    found = lines(traces["mlp-math"], layer=2)
    assert not any("layer 1, ReLU" in line for line in found)


def test_a_sample_by_itself(traces):
    found = lines(traces["or-gate"], sample=2)
    # sample 2 is (0, 1): z = 0.4 + 0.3 = 0.7 and 0.5 + 0.5 = 1.0
    first, second = section(found, "2  z⁽¹⁾", 2)
    assert first.startswith(" 2  z⁽¹⁾  = W⁽¹⁾x + b⁽¹⁾")
    said = first.removesuffix("Add the bias") + second
    assert re.sub(" +", " ", said).endswith("⎡ 0.4 ⎤ + ⎡ 0.3 ⎤ = ⎡ 0.7 ⎤ ⎣ 0.5 ⎦ ⎣ 0.5 ⎦ ⎣ 1.0 ⎦")
    assert any("Sample 2 by itself" in line for line in found)
    assert not any("Gradient of" in line for line in found)


def test_the_why_of_each_step_is_said_on_request(traces):
    plain, explained = (lines(traces["mlp-math"], explain=explain) for explain in (False, True))
    assert len(explained) > len(plain) + 15
    assert any("transposed" in line for line in explained)
    assert not any("transposed" in line for line in plain)


def test_of_many_updates_the_first_and_the_last_are_shown():
    trace = trace_of(TWO_SAMPLES + "updates: online\nepochs: 3\n")
    headings = [line for line in lines(trace) if line.startswith("══")]
    assert [re.sub("[ ═]+", " ", line).strip() for line in headings] == [
        "Epoch 1, batch 1 sample 1",
        "Epoch 1, batch 2 sample 2",
        "Epoch 3, batch 2 sample 2",
    ]
    text = "\n".join(lines(trace))
    assert text.count("3 updates not shown; --full shows them") == 1
    assert "left out" not in text
    assert len([line for line in lines(trace, full=True) if line.startswith("══")]) == 6
    assert len([line for line in lines(trace, epochs=2) if line.startswith("══")]) == 4


def test_a_title_can_neither_steer_the_terminal_nor_become_markup():
    evil = TWO_SAMPLES.replace("Two samples", r"a\e[31m[bold]x[/bold]\u202e")
    file = io.StringIO()
    print_trace(trace_of(evil), Console(file=file, force_terminal=True, width=80))
    first = file.getvalue().split("\n")[0]
    assert r"a\x1b[31m[bold]x[/bold]\u202e" in re.sub(r"\x1b\[[0-9;]*m", "", first)
    assert "\x1b[31m" not in first


def test_colour_adds_nothing_but_colour(traces):
    plain = "\n".join(map(uncoloured, passages(traces["or-gate"], View(), Layout(120))))
    file = io.StringIO()
    # a console narrower than the page: rich must neither wrap nor cut
    console = Console(file=file, force_terminal=True, color_system="standard", width=40)
    print_trace(traces["or-gate"], console, 120)
    shown = file.getvalue()
    assert "\x1b[1m" in shown
    assert re.sub(r"\x1b\[[0-9;]*m", "", shown).rstrip("\n") == plain


@pytest.mark.parametrize("options", [{"no_color": True}, {"color_system": None}, {}])
def test_a_pipe_gets_plain_text(traces, options):
    file = io.StringIO()
    print_trace(traces["mlp-math"], Console(file=file, width=80, **options))
    assert "\x1b[3" not in file.getvalue()


def test_passages_are_a_step_at_a_time(traces):
    found = list(passages(traces["mlp-math"], View(), Layout(80)))
    # the header and the given matrices come first; 5 and 6, 8 and 9, 10 to 12 are one line each
    steps = [step for step in traces["mlp-math"] if step.phase != "given"]
    assert len(found) == 2 + len(steps) - 1 - 1 - 2


def test_plain_text_does_not_load_rich():
    code = (
        "import sys, backtrace\n"
        "from backtrace.formats.terminal.layout import Layout\n"
        "from backtrace.formats.terminal.colours import uncoloured\n"
        "from backtrace.formats.terminal.trace import passages\n"
        "from backtrace.page.trace import View\n"
        "trace = backtrace.trace(backtrace.load('mlp-math'))\n"
        "list(map(uncoloured, passages(trace, View(), Layout(80))))\n"
        "assert 'rich' not in sys.modules and 'difflib' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_of_many_entries_the_first_are_unfolded_and_the_rest_counted(traces):
    found = lines(traces["mnist"], detail="entries", only=("delta2",))
    assert len([line for line in found if line.startswith("    dZ₂[")]) == 12
    assert "    … and 88 more entries; --full shows them" in found  # of 10 × 10


def test_notes_speak_in_symbols():
    # z = 1·2 − 2·1 = 0 exactly, where ReLU has no derivative
    trace = trace_of(
        "title: t\nlayers: [{activation: relu, weights: [[2], [-1]], bias: none}]\n"
        "inputs: [[1, 2]]\ntargets: 1\nloss: mse\nnotation: {case: upper, layer_mark: round}\n"
    )
    text = " ".join("\n".join(lines(trace)).split())
    assert "Z⁽¹⁾[1,1] is exactly 0" in text
    assert "z1" not in text
