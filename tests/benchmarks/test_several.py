"""The suite of several objectives, without its data."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest

from autometa.bench.provenance import commit
from autometa.bench.suite import BenchTask
from autometa.encoding import Floats
from autometa.space import SearchSpace
from autometa.task import Task
from autometa_benchmarks.several import measuring
from autometa_benchmarks.several.hypervolume import Scale, hypervolume

SPACE = SearchSpace({"x": optuna.distributions.FloatDistribution(0.0, 1.0)})
TASK = BenchTask(task=Task(name="t", space=SPACE, direction="maximize"), split="test", fold="test")


def test_hypervolume_counts_what_is_dominated_once() -> None:
    points = np.array([[0.5, 1.0], [1.0, 0.5], [0.4, 0.4], [-1.0, 2.0], [0.5, 1.0]])
    assert hypervolume(points) == pytest.approx(0.75)
    assert hypervolume(points[:0]) == 0.0


def test_regret_falls_and_ignores_failures() -> None:
    scale = Scale.of(np.random.default_rng(0).uniform(size=(500, 2)))
    scores = np.array([[0.2, 0.3], [np.nan, np.nan], [0.9, 0.9], [1.0, 1.0]])
    found = scale.regret(scores, (1, 2, 3, 4))
    assert found[0] == found[1] > found[2] > found[3]


class Line:
    """Two objectives along a line."""

    name = "line"

    def __init__(self) -> None:
        self.suite = self

    space = SPACE

    def values(self, task: BenchTask, raw: Floats) -> Floats:
        return np.concatenate([raw, raw**2], axis=1)

    def prior(self, fold: str, evaluations: int) -> Any:
        raise AssertionError("not needed")

    def scale(self, task: BenchTask) -> Scale:
        return Scale(np.array([-0.1, -1.1]), np.array([1.0, 0.0]), 1.0)

    def folds(self, split: str) -> Any:
        return [("test", [TASK])]


def test_searches_are_measured_resumed_and_summed_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "_learned", lambda *_: None)
    methods = {
        "autometa": lambda _, seed: optuna.samplers.RandomSampler(seed=seed),
        "random": lambda _, seed: optuna.samplers.RandomSampler(seed=seed + 1),
    }
    problems: Any = [Line()]
    journal = tmp_path / "cells" / "some.jsonl"
    for cell in measuring.measure(problems, methods=methods, trials=10, seeds=2):
        measuring.write_cell(journal, cell)
    done = measuring.read_cells(journal)
    assert len(done) == 4
    assert not [*measuring.measure(problems, methods=methods, trials=10, seeds=2, done=done)]
    silent = [{k: v for k, v in asdict(cell).items() if k != "commit"} for cell in done]
    (tmp_path / "before.jsonl").write_text("".join(json.dumps(row) + "\n" for row in silent))
    assert {c.commit for c in measuring.read_cells(tmp_path / "before.jsonl")} == {"unknown"}
    found = measuring.summary(done, split="test")
    assert found["checkpoints"] == (1, 3, 5, 10)
    assert found["tasks"] == 1
    told = {name: found[name] for name in ("commits", "seeds", "problems", "split")}
    assert told == {
        "commits": [commit()],
        "seeds": [0, 1],
        "problems": {problems[0].name: 1},
        "split": "test",
    }
    assert found["versions"].keys() >= {"autometa", "optuna"}
    assert found["methods"].keys() == methods.keys()
    assert len(found["pairs"]["random"]["difference"]) == 4
