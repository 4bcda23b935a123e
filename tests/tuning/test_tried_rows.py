"""Of a large table configs are tried on a sample, and the model learns all rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

from autometa.portfolio import Portfolio
from autometa.tables import Table
from autometa.tuning import cross_validator, ensembling, tried_rows
from autometa.tuning.tried_rows import cells, tried_on
from autometa.tuning.tune import tune
from tests.tuning.test_tuning import FakeEvaluator

ROWS, SAMPLE = 1000, 100


def frame(rows: int = ROWS, classes: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(rows, 4)), columns=list("abcd"))
    label = pd.qcut(X["a"] + X["b"], classes, labels=[f"c{i}" for i in range(classes)])
    return X.assign(y=label.astype(str))


def table(rows: int = ROWS, classes: int = 2) -> Table:
    whole = frame(rows, classes)
    return Table(name="large", X=whole.drop(columns="y"), y=whole["y"])


class Watching(FakeEvaluator):
    """Notes how many rows each config was tried on."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[int] = []
        self.seconds = 0.1

    def run(self, child: Any, config: Any, table: Table, *, folds: Any, **options: Any) -> Any:
        self.rows.append(len(table))
        found = super().run(child, config, table, folds=2, **options)
        object.__setattr__(found.trial, "seconds", self.seconds)
        return found


@pytest.fixture
def evaluator(monkeypatch: pytest.MonkeyPatch) -> Watching:
    fake = Watching()
    monkeypatch.setattr(cross_validator, "new_evaluator", lambda: fake)
    monkeypatch.setattr(tried_rows, "LEAST_ROWS", 10)
    monkeypatch.setattr(tried_rows, "WORK", SAMPLE * 4 / 60)  # a minute for four columns
    return fake


@pytest.fixture
def fitted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each member learned."""
    rows: list[int] = []
    plain = ensembling._fitted

    def watched(trial: Any, table: Table, seed: int) -> Any:
        rows.append(len(table))
        return plain(trial, table, seed)

    monkeypatch.setattr(ensembling, "_fitted", watched)
    return rows


def search(X: pd.DataFrame, **options: Any) -> Any:
    return tune(X, "y", families="linear", n_trials=2, portfolio=None, time=60, **options)


def test_what_is_little_work_for_the_time_is_tried_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = table()
    assert tried_on(whole, None, 0) is whole
    assert tried_on(whole, 1e-9, 0) is whole  # 10,000 rows are never too many
    monkeypatch.setattr(tried_rows, "LEAST_ROWS", 10)
    enough = cells(whole) / tried_rows.WORK
    assert tried_on(whole, 0.51 * enough, 0) is whole
    assert len(tried_on(whole, 0.4 * enough, 0)) == 400
    assert tried_on(whole, 0.4 * enough, 0).X.equals(tried_on(whole, 0.4 * enough, 0).X)
    assert not tried_on(whole, 0.4 * enough, 0).X.equals(tried_on(whole, 0.4 * enough, 1).X)


def test_each_class_is_a_model_of_its_own() -> None:
    assert cells(table(classes=2)) == 4000.0
    assert cells(table(classes=5)) == 20_000.0


def test_a_sample_keeps_rows_enough_of_rare_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tried_rows, "LEAST_ROWS", 10)
    rare = frame().assign(y=np.repeat(["no", "yes", "maybe"], [910, 80, 10]))
    whole = Table(name="rare", X=rare.drop(columns="y"), y=rare["y"])
    counts = tried_on(whole, 0.1 * cells(whole) / tried_rows.WORK, 0).y.value_counts()
    assert counts.to_dict() == {"no": 91, "yes": 50, "maybe": 10}


def test_configs_are_tried_on_a_sample_and_the_model_learns_all(
    evaluator: Watching, fitted: list[int]
) -> None:
    result = search(frame())
    assert set(evaluator.rows) == {SAMPLE}
    assert result.folds == 1
    assert fitted[-1] == ROWS
    assert any("configs were tried on 100 of 1,000 rows" in note for note in result.notes)
    assert result.meta_features["log_rows"] == pytest.approx(np.log(SAMPLE), abs=1e-4)


@pytest.mark.parametrize("how", ["splitter", "groups", "storage", "no time"])
def test_splits_and_studies_that_are_kept_mean_all_rows(
    evaluator: Watching, fitted: list[int], how: str, tmp_path: Path
) -> None:
    options: dict[str, dict[str, Any]] = {
        "splitter": {"cv": KFold(2)},
        "groups": {"groups": np.arange(ROWS) % 7},
        "storage": {"storage": f"sqlite:///{tmp_path}/studies.db"},
        "no time": {"time": None},
    }
    given = {"families": "linear", "n_trials": 2, "portfolio": None, "time": 60, **options[how]}
    result = tune(frame(), "y", **given)
    assert set(evaluator.rows) == {ROWS}
    assert fitted == [ROWS]
    assert not any("configs were tried" in note for note in result.notes)


@pytest.mark.parametrize("folds", [{"folds": 2}, {"cv": 2}])
def test_a_number_of_folds_is_of_the_sample(evaluator: Watching, folds: dict[str, int]) -> None:
    assert search(frame(), **folds).folds == 2
    assert set(evaluator.rows) == {SAMPLE}


def test_rows_are_left_out_of_a_fit_that_would_take_too_long(
    evaluator: Watching, fitted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cross_validator.Judge, "slow", 1.0)
    evaluator.seconds = 200.0  # five folds of a tenth of the rows
    result = search(frame())
    assert fitted == [SAMPLE]
    said = "the model is fitted to 100 of 1,000 rows, all there was time for"
    assert said in result.notes


def test_what_is_learned_of_a_sample_is_known_to_be_of_the_table(
    evaluator: Watching, tmp_path: Path
) -> None:
    X = frame()
    search(X, name="mine", learn=tmp_path / "own")
    [task] = Portfolio.load(tmp_path / "own").tasks
    assert (task.info["rows"], task.info["rows_before_subsample"]) == (SAMPLE, ROWS)
    again = tune(X, "y", families="linear", n_trials=1, portfolio=tmp_path / "own", time=None)
    assert again.excluded_tasks == ("mine",)
