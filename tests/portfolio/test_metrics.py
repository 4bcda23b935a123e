"""Histories that were scored by several metrics: kept, chosen among, merged."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa.errors import PortfolioError, RecordError
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import State, Task, TaskHistory

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="s")
NAN = np.nan


def _history(name: str = "t", rows: tuple[float, ...] = (0.1, 0.2, 0.3)) -> TaskHistory:
    n = len(rows)
    return TaskHistory(
        task=Task(
            name=name,
            space=SPACE,
            direction="maximize",
            metric="accuracy",
            metrics={"log_loss": "minimize", "auc": "maximize"},
        ),
        raw=np.array(rows)[:, None],
        values=np.array([0.5, 0.75, NAN])[:n],
        states=np.array([State.COMPLETE, State.COMPLETE, State.FAILED])[:n],
        fold_scores=np.array([[0.25, 0.75], [0.5, 1.0], [NAN, NAN]])[:n],
        curves=np.array([[0.1, 0.5], [0.2, 0.75], [NAN, NAN]])[:n],
        metrics={
            "log_loss": np.array([[1.0, 2.0], [0.5, 0.25], [NAN, NAN]])[:n],
            "auc": np.array([[0.5, NAN], [0.75, 0.875], [NAN, NAN]])[:n],
        },
    )


def test_a_history_by_another_metric_has_its_values_direction_and_folds() -> None:
    found = _history().by("log_loss")
    assert (found.task.metric, found.task.direction) == ("log_loss", "minimize")
    assert found.values[:2].tolist() == [1.5, 0.375]
    assert found.scores[1] > found.scores[0]
    assert found.fold_scores[0].tolist() == [1.0, 2.0]
    assert found.curves.shape == (3, 0)
    assert found.task.metrics == {"accuracy": "maximize", "auc": "maximize"}
    back = found.by("accuracy")
    assert back.values[:2].tolist() == [0.5, 0.75]
    assert back.states.tolist() == _history().states.tolist()
    assert _history().by("accuracy").curves.shape == (3, 2)


def test_a_trial_without_the_metric_has_failed_by_it() -> None:
    assert _history().by("auc").states.tolist() == [State.FAILED, State.COMPLETE, State.FAILED]
    with pytest.raises(RecordError, match="allowed: accuracy, log_loss, auc"):
        _history().by("r2")


def test_scores_that_fit_no_metric_or_trial_are_refused() -> None:
    history = _history()
    for metrics in ({"r2": np.zeros((3, 2))}, {"auc": np.zeros((2, 2))}, {"auc": np.zeros(3)}):
        with pytest.raises(RecordError, match="scores by"):
            TaskHistory(task=history.task, raw=history.raw, values=history.values, metrics=metrics)
    with pytest.raises(RecordError, match="direction"):
        Task(name="t", space=SPACE, direction="maximize", metrics={"auc": "up"})  # type: ignore[dict-item]


def test_all_metrics_survive_a_folder_and_rows_stay_together(tmp_path: Path) -> None:
    plain = TaskHistory(
        task=Task(name="plain", space=SPACE, direction="minimize"),
        raw=np.array([[0.5]]),
        values=np.array([1.0]),
    )
    portfolio = Portfolio([_history("a"), plain, _history("b", (0.1, 0.9))])
    portfolio.save(tmp_path)
    again = Portfolio.load(tmp_path)
    assert not again.diff(portfolio)
    for kept, given in zip(again.histories, portfolio.histories, strict=True):
        assert kept.metrics.keys() == given.metrics.keys()
        for name, folds in given.metrics.items():
            assert np.array_equal(kept.metrics[name], folds, equal_nan=True)
    lost = Portfolio.load(tmp_path, metric="neg_log_loss")
    assert [(t.name, t.direction) for t in lost.tasks] == [("a", "minimize"), ("b", "minimize")]
    assert lost.histories[1].values.tolist() == [1.5, 0.375]
    with pytest.raises(PortfolioError, match="allowed: accuracy, log_loss, auc, value"):
        Portfolio.load(tmp_path, metric="r2")


def test_merged_trials_keep_the_metrics_that_they_have() -> None:
    first, second = _history("a", (0.1, 0.2)), _history("a", (0.8, 0.9))
    merged = Portfolio([first]).merge(Portfolio([second])).histories[0]
    assert merged.metrics["log_loss"].tolist() == [[1.0, 2.0], [0.5, 0.25]] * 2
    without = TaskHistory(
        task=Task(name="a", space=SPACE, direction="maximize", metric="accuracy"),
        raw=np.array([[0.7]]),
        values=np.array([0.5]),
    )
    mixed = Portfolio([first]).merge(Portfolio([without])).histories[0].by("log_loss")
    assert mixed.states.tolist() == [State.COMPLETE, State.COMPLETE, State.FAILED]
    assert mixed.take(np.array([0])).metrics["accuracy"].tolist() == [[0.25, 0.75]]
