"""What the golden files are called and what belongs in them.

    python -m tests.golden.pictures

draws all of them anew, and the picture of the README: look at every difference before you keep it.
"""

from pathlib import Path

from typer.testing import CliRunner

import backtrace
from backtrace.cli.app import app
from backtrace.formats.terminal.colours import uncoloured
from backtrace.formats.terminal.layout import Layout
from backtrace.formats.terminal.trace import passages
from backtrace.page.trace import View
from tests.networks.kinds import LAYERED

FOLDER = Path(__file__).resolve().parent
LANDING = "backtrace export small-mlp -o small-mlp.svg --detail overview"  # the README's picture
VIEWS = {
    "matrices": (View(), Layout(80)),
    "summary": (View(detail="summary"), Layout(80)),
    "overview": (View(detail="overview"), Layout(80)),
    "ascii": (View(), Layout(60, unicode=False)),
    "entries": (View(detail="entries", explain=True), Layout(80)),
    "wide": (View(), Layout(120)),
}
OF_SOME = {
    "ascii": ["adam", "attention", "or-gate"],
    "overview": ["adam", "attention", "digits", "or-gate", "scalar-chain", "small-mlp"],
    "matrices": ["attention", "batch-norm", "graph"],
    "summary": ["attention", "graph"],
    "entries": ["circuit", "convolution", "mlp-math", "softmax"],
    "wide": ["mnist", "multi-neuron", "recurrent"],
}


def file_names():
    """``or-gate.matrices.txt``, …: each layered network in the first two views, some of all."""
    of_all = [f"{name}.{view}.txt" for name in LAYERED for view in ("matrices", "summary")]
    of_some = [f"{name}.{view}.txt" for view, names in OF_SOME.items() for name in names]
    return sorted(of_all + of_some)


def picture(file_name):
    """The text that a golden file should hold."""
    name, view, _ = file_name.rsplit(".", 2)
    trace = backtrace.trace(backtrace.load(name))
    return "".join(f"{uncoloured(lines)}\n" for lines in passages(trace, *VIEWS[view]))


def draw():
    for path in FOLDER.glob("*.txt"):
        path.unlink()
    for file_name in file_names():
        (FOLDER / file_name).write_text(picture(file_name), encoding="utf-8")
    handbook = FOLDER.parent.parent / "backtrace" / "handbook"
    places = {"small-mlp.svg": str(handbook / "small-mlp.svg")}
    arguments = [places.get(word, word) for word in LANDING.split()[1:]]
    assert CliRunner().invoke(app, [*arguments, "--force"]).exit_code == 0


if __name__ == "__main__":
    draw()
