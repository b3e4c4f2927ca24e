"""What is too large to be worked is refused at once: what it is, the limit, how to go on."""

import pytest

from tests.cli.running import run

__all__ = ["run"]

HUGE = """\
layers: [{{activation: {activation}, weights: 1e200, bias: none}}]
inputs: 1e200
targets: 1
loss: {loss}
learning_rate: 0.1
arithmetic: {arithmetic}
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("arithmetic", ["exact", "{round_each_step: 2}"])
def test_fractions_beyond_the_floats(run, here, arithmetic):
    (here / "huge.yaml").write_text(
        HUGE.format(activation="linear", loss="mse", arithmetic=arithmetic)
    )
    (here / "sheet.yaml").write_text("answers: {z1: 1e300}")
    for command in (
        ["trace", "huge.yaml"], ["trace", "huge.yaml", "--format", "json"], ["verify", "huge.yaml"],
        ["check", "huge.yaml", "sheet.yaml"], ["mistakes", "huge.yaml"], ["predict", "huge.yaml"],
        ["export", "huge.yaml", "-o", "huge.md"], ["worksheet", "huge.yaml", "-o", "made"],
    ):  # fmt: skip
        outcome = run(*command)
        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("huge.yaml: product1 has a fraction beyond 1.8e308")
    assert sorted(each.name for each in here.iterdir()) == ["huge.yaml", "sheet.yaml"]
    diverged = run("train", "huge.yaml", "--epochs", "3")  # 1e200 · 1e200 is no float
    assert diverged.code == 1
    assert "Diverged after 0 epochs" in diverged.out


def test_a_float_of_a_fraction_beyond_them_is_inf(run, here):
    text = HUGE.format(activation="sigmoid", loss="mse", arithmetic="{round_each_step: 2}")
    (here / "huge.yaml").write_text(text)
    learnt = run("train", "huge.yaml", "--epochs", "1", "--format", "json")  # σ(∞) = 1, the target
    assert '"losses":[0.0,0.0]' in learnt.out
