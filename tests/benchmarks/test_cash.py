"""The replay of pairs, on made tables where one family is better and dearer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory
from autometa_benchmarks.cash.replay import SECONDS, TRIALS, replay, summarise
from autometa_benchmarks.cash.strategies import STRATEGIES
from tests.cli.test_doors import run

CONFIGS = np.linspace(0.0, 1.0, 6)[:, None]


def portfolio(name: str, height: float, seconds: float, tables: int = 20) -> Portfolio:
    space = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name=name)
    histories = []
    for i in range(tables):
        task = Task(
            name=f"t{i}",
            space=space,
            direction="maximize",
            metric="balanced_accuracy",
            family=f"f{i // 2}",
            meta_features={"log_rows": 5.0 + 0.1 * i, "log_columns": 2.0, "log_classes": 0.7},
        )
        values = height - (CONFIGS[:, 0] - 0.4 - 0.02 * i) ** 2
        spent = np.full(len(CONFIGS), seconds * (1 + 0.1 * i))
        histories.append(TaskHistory(task=task, raw=CONFIGS, values=values, seconds=spent))
    return Portfolio(histories)


FAMILIES = {"cheap": portfolio("cheap", 0.8, 0.05), "dear": portfolio("dear", 0.9, 2.0)}


def test_every_strategy_tries_every_table_without_its_family() -> None:
    told: list[tuple[int, int]] = []
    cells = list(
        replay(
            FAMILIES,
            "balanced_accuracy",
            splits=2,
            progress=lambda done, total, what: told.append((done, total)),
        )
    )
    assert len(cells) == 2 * 20 * len(STRATEGIES)
    assert told[-1] == (40, 40)
    for cell in cells:
        seconds, trials = np.split(cell.regret, [len(SECONDS)])
        assert (np.diff(seconds) <= 0).all()
        assert (np.diff(trials) <= 0).all()
        assert trials[-1] == 0.0  # all pairs were tried
    found = summarise(cells)
    means = {row["strategy"]: row["mean"] for row in found["rows"]}
    assert found["tables"] == 20
    assert means["pairs"][0] < means["random"][0]
    assert means["greedy"][len(SECONDS)] <= means["random"][len(SECONDS)]
    assert means["greedy per second"][0] < means["greedy"][0]  # cheap ones first
    less = next(row for row in found["rows"] if row["strategy"] == "random")
    assert less["low"][0] <= less["less"][0] <= less["high"][0] < 0
    assert len(found["seconds"]) + len(found["trials"]) == len(SECONDS) + len(TRIALS)


def test_too_few_tables_are_refused() -> None:
    few: dict[str, Any] = {"cheap": portfolio("cheap", 0.8, 0.1, tables=4)}
    with pytest.raises(InputError, match="4 tables"):
        list(replay(few, "balanced_accuracy"))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Portfolio(h for p in FAMILIES.values() for h in p.histories).save(tmp_path / "p")
    into = tmp_path / "cash.json"
    words = ["bench", "cash", "--portfolio", str(tmp_path / "p"), "--families", "cheap,dear"]
    words += ["--splits", "1", "--strategies", "pairs,random", "--into", str(into)]
    code, out, _ = run(capsys, *words)
    assert code == 0
    assert "mean regret over 20 tables" in out
    assert json.loads(into.read_text())["families"] == ["cheap", "dear"]
    assert run(capsys, *words, "--strategies", "luck")[0] == 2
