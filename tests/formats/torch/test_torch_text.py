"""The text of the programs of ``export --to torch``, and what has none; torch is not needed."""

import ast
import subprocess
import sys

import msgspec
import numpy as np
import pytest

import backtrace
from backtrace.formats.registry import NotExpressibleError, is_ours
from backtrace.formats.torch.program import MOST_INLINE, program
from backtrace.spec.model import Arithmetic
from tests.networks.kinds import LAYERED
from tests.tape.exercises import exercise


def text_of(spec):
    return program(spec, "net.npz").content.decode()


@pytest.mark.parametrize(
    "title",
    ['say """ and stop', "\\", "\\N{nothing}", '"quoted"', '""""""', "x" * 300, "a\x1b[31mb\n\rc",
     "{braces} %s", "#", "ünïcode ∑ 漢字", '"""\nimport os\n"""'],
)  # fmt: skip
def test_a_title_stays_words(title):
    spec = msgspec.structs.replace(backtrace.load("or-gate"), title=title, source=title)
    text = text_of(spec)
    usual = ast.parse(text_of(backtrace.load("or-gate")))
    found = ast.parse(text)
    assert ast.get_docstring(found) != ast.get_docstring(usual)
    assert ast.dump(ast.Module(found.body[1:], [])) == ast.dump(ast.Module(usual.body[1:], []))
    assert "\x1b" not in text


def test_programs_are_short_clean_and_no_wider_than_a_page(tmp_path):
    for name in LAYERED:
        text = text_of(backtrace.load(name))
        assert max(map(len, text.splitlines())) <= 100
        assert len(text.splitlines()) < 160
        (tmp_path / f"{name.replace('-', '_')}.py").write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "E,F,I,W,UP,B",
               "--ignore", "E501,B905", str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_small_numbers_stand_in_the_program_as_in_the_spec():
    text = text_of(backtrace.load("or-gate"))
    assert "W1 = torch.tensor([[0.2, 0.4], [0.3, 0.5]])" in text
    assert "optimizer = torch.optim.SGD(net.parameters(), lr=0.5)" in text
    assert "return ((a - y) ** 2 / 2).sum() / len(x)" in text


def test_the_same_spec_gives_the_same_bytes():
    for name in ("or-gate", "digits"):
        one, other = (program(backtrace.load(name), "net.npz") for _ in range(2))
        assert one == other
        assert is_ours(one.content)
        assert one.beside is None or is_ours(one.beside)


@pytest.mark.parametrize(
    ("arithmetic", "told"),
    [
        (
            Arithmetic("exact"),
            "# The spec works in fractions, which PyTorch does not have: all here",
        ),
        (Arithmetic("rounded", 3), "# The spec rounds each step to 3 decimals: nothing here is"),
    ],
    ids=str,
)
def test_what_becomes_float64_is_said(arithmetic, told):
    spec = backtrace.load("small-mlp")
    text = text_of(msgspec.structs.replace(spec, arithmetic=arithmetic))
    assert told in text
    assert "torch.set_default_dtype(torch.float64)" in text
    assert "fractions" not in text_of(spec)
    assert "# The spec rounds" not in text_of(spec)


def test_the_first_lines_say_what_it_needs():
    def needs(spec):
        words = " ".join(ast.get_docstring(ast.parse(text_of(spec))).split())
        return words.partition("It needs ")[2]

    plain = backtrace.load("or-gate")
    assert needs(plain) == "PyTorch."
    assert "numpy" not in text_of(plain)
    shuffled = msgspec.structs.replace(plain, batch_size=2, shuffle=True)
    assert needs(shuffled) == "PyTorch and NumPy."
    assert needs(backtrace.load("digits")) == "PyTorch, NumPy and net.npz beside it."


# What can't be said


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"loss": None}, "the spec has no loss"),
        ({"backpropagate_through": "updated"}, "autograd goes back through the old"),
        ("step", "layer 1: step units have no derivative"),
        ("overflow", "the first gradients are not finite"),
        ("many", "numbers are too many to stand in a program: name a file with -o"),
    ],
)
def test_what_has_no_program_is_refused_in_words(change, told):
    spec = exercise((3, 4, 2), ("tanh", "linear"))
    if change == "step":
        spec = exercise((3, 4, 2), ("step", "linear"))
    elif change == "overflow":
        spec = exercise((3, 2), ("linear",))
        huge = msgspec.structs.replace(spec.inputs, values=np.full((2, 3), 1e200))
        spec = msgspec.structs.replace(spec, inputs=huge)
    elif change == "many":
        spec = exercise((30, 20), ("tanh",))
        assert MOST_INLINE < 30 * 20
    else:
        spec = msgspec.structs.replace(spec, **change)
    with pytest.raises(NotExpressibleError, match=told):
        program(spec)
