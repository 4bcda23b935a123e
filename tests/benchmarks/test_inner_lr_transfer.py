from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from autometa.bench import record_file
from autometa.cli import app
from autometa.errors import InputError
from autometa.testing.families import Bowls
from autometa_benchmarks.inner import lr_case, lr_floor, lr_taskset, lr_transfer
from autometa_benchmarks.inner.lr_case import Case
from autometa_benchmarks.inner.lr_mlp import smooth_best
from autometa_benchmarks.inner.lr_transfer import judge


def case(best: float, name: str = "a") -> Case:
    """Two configs with the same parabola over the rate."""
    grid = np.linspace(-4.0, 0.0, 81)
    scores = np.tile(-((grid - best) ** 2), (2, 1))
    return Case(
        name=name,
        meta_features={},
        raw=np.zeros((2, 1)),
        grid=grid,
        scores=scores,
        best=grid[scores.argmax(1)],
        scale=1.0,
        doubt=np.zeros(2),
    )


def guesses(predicted: float, single: float) -> dict[str, Any]:
    fixed = {"single": single, "default": -3.0, "centre": -2.0}
    return {
        "predicted": np.full(2, predicted),
        "low": np.full(2, predicted - 0.3),
        "high": np.full(2, predicted + 0.3),
        "marginal": np.full(1, predicted),
        **{name: np.full(2, value) for name, value in fixed.items()},
    }


def test_the_measures_are_what_they_say() -> None:
    found = judge([case(-1.0, "a"), case(-2.0, "b")], [guesses(-1.2, -1.5), guesses(-2.4, -1.5)])
    assert found["error"]["predicted"]["mean"] == pytest.approx(0.3)
    assert found["error"]["single"]["mean"] == pytest.approx(0.5)
    assert found["ratio"]["error to single"]["mean"] == pytest.approx(0.6)
    assert found["coverage"]["interval"]["mean"] == 0.5
    assert found["regret"]["predicted"]["mean"] == pytest.approx((0.2**2 + 0.4**2) / 2)
    assert found["regret"]["default"]["mean"] == pytest.approx(1.5)  # 4 counts as 2, 1 as 1
    assert json.dumps(found, allow_nan=False)


def test_the_maximum_of_a_coarse_noisy_curve() -> None:
    grid = np.linspace(-5.0, 0.0, 13)
    noise = 0.02 * np.random.default_rng(0).standard_normal((20, 13))
    found = smooth_best(grid, -0.3 * (grid + 2.3) ** 2 + noise)
    assert np.abs(found + 2.3).max() < 0.25
    assert smooth_best(grid, np.tile(grid, (2, 1))).tolist() == [0.0, 0.0]


@pytest.fixture
def bowls(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variant on a made-up family, on which the rate of earlier tasks is a good one."""

    def rounds(data: Path | None, seed: int, split: str) -> Iterator[Any]:
        family, space = Bowls(), Bowls().space
        raw = space.sample_raw(3, np.random.default_rng(seed))
        grid = np.linspace(-5.0, 0.0, 61)
        cases = []
        for number in range(101, 107):
            crossed = lr_case.crossed(space, raw, grid)
            scores = family.score(number)(space.encode_raw(crossed)).reshape(3, -1)
            cases.append(
                Case(
                    name=str(number),
                    meta_features={},
                    raw=raw,
                    grid=grid,
                    scores=scores,
                    best=grid[scores.argmax(1)],
                    scale=0.5,
                    doubt=np.zeros(3),
                )
            )
        yield family.portfolio(8, 40), -4.5, cases

    monkeypatch.setitem(lr_transfer.VARIANTS, "lcbench", rounds)


@pytest.mark.usefixtures("bowls")
def test_a_run_beats_a_bad_single_rate_and_is_kept(tmp_path: Path) -> None:
    into = tmp_path / "r.json"
    arguments = ["bench", "inner", "lr-transfer", "--variants", "lcbench", "--into", str(into)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    content = record_file.read(into)
    (record,) = content["records"]
    assert record["ratio"]["error to single"]["mean"] < 0.7
    assert record["tasks"] == [str(n) for n in range(101, 107)]
    answers = {
        (b["measure"], b["bar"]): b["reached"]
        for b in record_file.bars(content)
        if b["variant"] == "lcbench"
    }
    assert answers["error to single", 0.7] is True
    assert "error to single" in result.stdout


def test_taskset_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 40
    rate = 10.0 ** rng.uniform(-7.0, 0.5, n)
    loss = 0.4 + 0.05 * (np.log10(rate) + 3.0) ** 2
    loss[:3] = np.nan
    names = {"epsilon": (-9, 2), "l1": (-7, 0), "l2": (-7, 0)}
    frame = pd.DataFrame(
        {
            "task": "words_LSTM8",
            "cfg": np.arange(n),
            "learning_rate": rate,
            "beta1": 0.9,
            "beta2": 0.99,
            **{k: 10.0 ** rng.uniform(a, b, n) for k, (a, b) in names.items()},
            "linear_decay": 1e-6,
            "exponential_decay": 1e-5,
            "valid": [np.array([0.7, 0.6, x]) for x in loss],
        }
    )
    frame.sample(frac=1.0, random_state=0).to_parquet(tmp_path / "taskset.parquet")
    (name, part), *_ = lr_taskset.tables(tmp_path).items()
    history = lr_taskset.history(name, part)
    assert history.task.family == "LSTM"
    assert int((~history.complete).sum()) >= 3
    assert np.allclose(history.raw[:, 0], rate)
    smooth, trees = lr_taskset.truth(history, history.raw, rng)
    near, far = np.abs(np.log10(rate) + 3.0) < 1.0, np.abs(np.log10(rate) + 3.0) > 2.5
    assert smooth[near].mean() > smooth[far].mean()
    assert trees[near].mean() > trees[far].mean()
    with pytest.raises(InputError, match="LSTM, GRU"):
        lr_taskset.history("images", part)
    with pytest.raises(InputError, match="taskset"):
        lr_taskset.tables(tmp_path / "absent")


def test_a_real_surrogate(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    if not (data / "yahpo" / "lcbench").exists():
        pytest.skip("no yahpo/lcbench in the public data")
    monkeypatch.setattr(lr_transfer, "EVALUATIONS", 60)
    monkeypatch.setattr(lr_transfer, "CONFIGS", 6)
    record = lr_transfer.run("lcbench", 0, data=data)
    assert len(record["tasks"]) == 10
    assert record["error"]["predicted"]["mean"] < record["error"]["default"]["mean"]
    assert record["ratio"]["regret to default"]["mean"] < 0.6


def test_floors_know_what_they_say_they_know(monkeypatch: pytest.MonkeyPatch) -> None:
    """Truth = config + task + a little: each floor leaves over what it does not know."""
    rng = np.random.default_rng(0)
    config, task = rng.normal(size=60), np.repeat(rng.normal(size=10), 2)
    best = -3.0 + config + task[:, None] + 0.01 * rng.normal(size=(20, 60))
    families = np.repeat([f"f{k}" for k in range(10)], 2)
    monkeypatch.setitem(lr_floor.VARIANTS, "taskset", lambda data, seed: (best, families))
    result = CliRunner().invoke(
        app, ["bench", "inner", "lr-floor", "--variants", "taskset", "-f", "json"]
    )
    assert result.exit_code == 0, result.output
    (record,) = json.loads(result.stdout)["records"]
    error = {name: found["mean"] for name, found in record["error"].items()}
    assert error["both known"] < 0.02
    assert error["task known"] == pytest.approx(np.median(np.abs(config)), abs=0.15)
    off = [abs(t - np.median(task[families != f])) for t, f in zip(task, families, strict=True)]
    assert error["config known"] == pytest.approx(np.median(off), abs=0.1)
    assert record["ratio"]["config known"]["mean"] == pytest.approx(
        error["config known"] / error["single"]
    )
