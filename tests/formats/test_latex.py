"""The LaTeX of a trace: its numbers, its hostile texts, and that TeX sets it without a warning."""

import re
import shutil
import subprocess
from itertools import product

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtrace
from backtrace.formats.latex.pdf import pdf
from backtrace.formats.latex.tex_text import escaped
from backtrace.formats.registry import MissingExtraError
from backtrace.page.blocks import Document
from backtrace.page.selection import Selection
from backtrace.page.trace import View
from backtrace.spec import bundled
from tests.formats.formula_numbers import MATRIX, assert_result, cells, is_part
from tests.formats.written import latex
from tests.networks.kinds import LAYERED
from tests.sampling import share

TRACES = {name: backtrace.trace(backtrace.load(name)) for name in bundled.names()}
DETAILS = ("overview", "summary", "matrices", "entries")
ENGINES = ("pdflatex", "lualatex")
COMPLAINT = re.compile(
    r"^(?:!.*|.*\bWarning\b.*|(?:Over|Under)full .*|Missing character.*)$", re.MULTILINE
)
ALLOWED = re.compile(
    r"\\(?:textbackslash|textasciicircum|textasciitilde|textasciigrave|dots|pounds|ss|o|O|ae|AE|oe"
    r"|OE|l|L|i|S)\{\}|\\hspace\{0pt\}|\\[{}$&#%_]|\\[`'^~=.\"urHvc]\{(?:\\i|\\j|[A-Za-z])\}"
    r"|\\[`'^~=.\"]\{(?:\\[`'^~=.\"uHvc]\{)+[A-Za-z]\}+"
    r"|\$[<>|]\$|\$[-']\$|\$[_^]\{(?:[\d()+=-]|\\mathrm\{\w+\})\}\$|\$\^\{\\circ\}\$|\$\\tfrac\{1\}\{2\}\$|\$\\[A-Za-z]+\$"
    r"|\{[\[\]]\}|[-'?!,]\{\}"
)


def page(name, detail="matrices", **view):
    return latex(TRACES[name], View(detail=detail, **view))


@pytest.mark.parametrize(("name", "detail"), list(product(bundled.names(), DETAILS)))
def test_every_network_in_every_detail(name, detail):
    text = page(name, detail, explain=True)
    assert text.isascii()
    assert text.startswith("% Made by backtrace.\n")
    packages = ["geometry", "amsmath", "color", *(["graphicx"] if name in LAYERED else [])]
    assert re.findall(r"\\usepackage(?:\[.*\])?\{(.*)\}", text) == packages
    begun = re.findall(r"\\(begin|end)\{(\w+\*?)\}", text)
    stack = []
    for kind, name_ in begun:
        if kind == "begin":
            stack.append(name_)
        else:
            assert stack.pop() == name_
    assert not stack
    trace = TRACES[name]
    for body in set(MATRIX.findall(text)):
        printed = cells(body)
        assert any(
            is_part(printed, value) for step in trace for value in (step.value, step.value.T)
        ), body


@pytest.mark.parametrize("name", LAYERED)
def test_the_result_of_each_step_is_its_value(name):
    formulas = re.findall(
        r"\\paragraph\*\{\d+\. [^\n]*\n\\leavevmode\n\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}",
        page(name),
        re.DOTALL,
    )
    worked = [step.value for step in TRACES[name] if step.phase != "given"]
    assert len(formulas) == len(worked)
    for formula, value in zip(formulas, worked, strict=True):
        assert_result(SWITCH.sub("", formula), value)


SWITCH = re.compile(r"\\color\{\w+\} ?")
INK = re.compile(r"\\definecolor\{(\w+)\}\{rgb\}\{([\d.]+),([\d.]+),([\d.]+)\}")


def test_forward_is_blue_backward_orange_and_both_are_legible_on_paper():
    text = page("or-gate")
    inks = {name: [float(share) for share in shares] for name, *shares in INK.findall(text)}
    used = {switch.rstrip() for switch in SWITCH.findall(text)}
    assert used == {rf"\color{{{name}}}" for name in inks}
    (red, green, blue), (red_, green_, blue_) = inks["forward"], inks["backward"]
    assert blue > green > red
    assert red_ > green_ > blue_
    for ink in inks.values():  # WCAG 2: (1 + 0.05) / (luminance + 0.05), on white
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in ink]
        luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        assert 1.05 / (luminance + 0.05) >= 4.5
    assert r"{\color{backward}$\gets$} Backward" in text  # a sign that is not colour


def test_a_fragment_has_no_preamble():
    text = page("xor", fragment=True)
    assert not re.search(r"documentclass|usepackage\{geometry|begin\{document", text)
    assert text.startswith("% Made by backtrace.\n% Needs \\usepackage{amsmath}.\n\\section*{")


HOSTILE = st.one_of(
    st.text(max_size=40),
    st.text("\\{}$&#%_^~<>|\"'`-?!,[]@ aé\n", max_size=40),
    st.sampled_from([
        r"\input{/etc/passwd}", r"\write18{rm}", "$x$", "%", r"\end{document}", "^^5cinput",
        "``''",
        "δ₂ → ŷ ∂L/∂z ½ × ≤", "naïve Łódź Ångström", "中文", "😀", "a" * 300,
        "\x1b[31m", "---", "?`",
    ]),
)  # fmt: skip


FOREIGN = re.compile(
    r"\\foreign\{[A-Z][a-z]+\}\{(?:\\textdir TRT |\\hspace\{0pt\}|[^\\{}$&#%_^~])+\}"
)


@given(HOSTILE)
@settings(max_examples=share(400))
def test_a_text_becomes_letters_and_harmless_commands(text):
    written = FOREIGN.sub("", escaped(text))
    assert written.isascii()
    left = ALLOWED.sub("", written)
    assert not set(left) & set('\\{}$&#%_^|<>\n"')


def test_texts_keep_their_meaning():
    assert (
        escaped("50% of $5 {a_b} #1 & x^2") == r"50\% of \$5 \{a\_b\} \#1 \& x\textasciicircum{}2"
    )
    assert escaped("δ₂ → ŷ") == r"$\delta$$_{2}$ $\to$ \^{y}"
    assert escaped("δ：") == r"$\delta$:"
    assert escaped("S⁽¹⁾ⁿ") == r"S$^{(}$$^{1}$$^{)}$$^{\mathrm{n}}$"
    assert escaped("Łódź, naïve, one-way") == r"\L{}\'{o}d\'{z}, na\"{\i}ve, one-way"
    assert escaped("-- ''") == "-{}- '{}'"  # TeX would make one sign of two
    assert escaped("😀") == "?"


def test_other_scripts_are_written_as_they_are():
    assert escaped("Δίκτυο δ₂") == r"\foreign{Greek}{Δίκτυο} $\delta$$_{2}$"
    assert (
        escaped("сеть один, 网络")
        == r"\foreign{Cyrillic}{сеть один}, \foreign{Chinese}{网\hspace{0pt}络}"
    )
    # a comma is as wide as the words, no line begins with it
    assert escaped("网，ReLU。") == r"\foreign{Chinese}{网，}ReLU\foreign{Chinese}{。}"
    assert escaped("网，络") == r"\foreign{Chinese}{网，\hspace{0pt}络}"
    assert escaped("רשת נוירונים") == r"\foreign{Hebrew}{\textdir TRT רשת נוירונים}"


# Set by TeX


def complaints(folder, engine, text):
    (folder / "page.tex").write_text(text, encoding="utf-8")
    command = [engine, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=240, check=False)
    log = (folder / "page.log").read_text(encoding="utf-8", errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert (folder / "page.pdf").stat().st_size > 10_000
    return COMPLAINT.findall(log)


@pytest.fixture(params=ENGINES)
def engine(request):
    if shutil.which(request.param) is None:
        pytest.skip(f"there is no {request.param} here")
    return request.param


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "detail"),
    [("mlp-math", "matrices"), ("adam", "entries"), ("mnist", "entries"), ("or-gate", "entries"),
     ("softmax", "summary")],
)  # fmt: skip
def test_tex_sets_it_without_a_warning(tmp_path, engine, name, detail):
    assert complaints(tmp_path, engine, page(name, detail, explain=True)) == []


@pytest.mark.slow
def test_tex_sets_fragments_in_an_article(tmp_path, engine):
    pieces = "\n".join(page(name, "entries", fragment=True) for name in ("xor", "small-mlp"))
    document = f"\\documentclass{{article}}\n\\usepackage{{amsmath}}\n\\begin{{document}}\n{pieces}"
    assert complaints(tmp_path, engine, f"{document}\\end{{document}}\n") == []


@pytest.mark.slow
def test_tex_sets_hostile_titles(tmp_path, engine):
    letters = "".join(map(chr, [*range(0x20, 0x250), *range(0x370, 0x400), *range(0x2000, 0x2300)]))
    title = " ".join(letters[at : at + 40] for at in range(0, len(letters), 40)) + " " + "a" * 300
    trace = msgspec.structs.replace(TRACES["delta-rule"], title=title, source=title)
    assert complaints(tmp_path, engine, latex(trace, View())) == []


@pytest.mark.slow
@pytest.mark.parametrize("fragment", [False, True])
def test_tex_sets_titles_in_other_scripts_or_says_what_is_missing(tmp_path, engine, fragment):
    """Every letter in a font that has it, or a word in its place; Linear B has none anywhere."""
    title = "Νευρωνικά δίκτυα, Нейронная сеть, רשת, 神经网络, 𐀀𐀁"
    trace = msgspec.structs.replace(TRACES["delta-rule"], title=title, source=title)
    text = latex(trace, View(fragment=fragment))
    if fragment:
        fonts = r"\ifdefined\directlua\usepackage{fontspec}\setmainfont{DejaVu Sans}\fi"
        packages = rf"\documentclass{{article}}\usepackage{{amsmath}}{fonts}"
        text = f"{packages}\\begin{{document}}\n{text}\\end{{document}}\n"
    log_says = complaints(tmp_path, engine, text)
    assert [said for said in log_says if "Missing character" not in said] == []
    if not fragment:
        assert log_says == []


@pytest.mark.slow
def test_a_pdf_with_holes_in_it_is_refused_with_what_mends_it(engine, monkeypatch):
    """Linear B is in no font anywhere."""
    monkeypatch.setattr("backtrace.formats.latex.pdf.PROGRAMS", (engine,))
    with pytest.raises(MissingExtraError, match=r"Linear: .*fonts-noto"):
        pdf(Document(title="𐀀𐀁", blocks=()))


def test_the_test_sees_a_warning():
    assert COMPLAINT.findall("Overfull \\hbox (3pt too wide)\nLaTeX Font Warning: Font shape\n")


def test_the_network_is_drawn_with_the_numbers_of_a_sample():
    # x = (1, 2): z1 = (3.7, -1.3, 1.1), ŷ = 4.35; dW1 = xᵀ·δ1 has 2 · 1.7 = 3.4 at [2,1]
    drawn = page("mlp-math").partition(r"\begin{picture}")[2].partition(r"\end{picture}")[0]
    said = re.sub(r"\$_\{\d\}\$|\$\\delta\$|\$-\$", lambda m: "-" * (m[0] == "$-$"), drawn)
    for number in ("3.7", "-1.3", "1.1", "4.35", "0.7225", "3.4", "6.29"):
        assert re.search(rf"[{{ ]{re.escape(number)}}}", said), number
    point = r"[\d.]+ [\d.]+"
    edges = re.findall(rf" w (?:\[5 2\] 0 d )?{point} m {point} l S Q", drawn)
    assert len(edges) == 2 * 3 + 3 + 1
    assert drawn.count(" c B Q") == 2 + 3 + 1 + 1  # a circle each
    assert "A hatched unit is off" in page("mlp-math")


def test_what_is_not_asked_for_is_not_drawn():
    shown = page("mlp-math", selection=Selection(only=("z1",)))
    drawn = shown.partition(r"\begin{picture}")[2].partition(r"\end{picture}")[0]
    assert "3.7" in drawn
    assert "4.35" not in drawn
    assert r"\begin{picture}" not in page("mlp-math", fragment=True)
    assert r"\begin{picture}" not in page("graph")
