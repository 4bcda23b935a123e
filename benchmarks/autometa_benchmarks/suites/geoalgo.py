"""Suites `geoalgo-xgboost` and `geoalgo-deepar`: published transfer HPO, leave one task out.

Source: Salinas et al., "A quantile-based approach for hyperparameter transfer learning" (ICML
2020), with its authors' traces of CTS and GCP+prior in two implementations, 30 seeds each. The
pool protocol: only the configs of a task's table can be asked. The published methods choose among
them; so does a method of ours that offers to, while others are moved to the nearest (see `pool`).

Every task with traces is a test task, the others only stand in priors. There is no development
split, and readings of the zero-shot start were once compared on these tasks, though the one that is
used was chosen on those of `lcbench` and `rbv2_xgboost`: no clean test of the first trials.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution

from autometa.bench.suite import BenchTask, Objective, Pool, Reference, Suite
from autometa.encoding import Floats
from autometa.portfolio import Portfolio
from autometa.space import SearchSpace
from autometa.task import Task, TaskHistory
from autometa_benchmarks.suites.embedded import some_of

_PUBLISHED = {
    "CTS (pytorch)": "published-cts",
    "CTS (sklearn)": "published-cts-sklearn",
    "GCP+prior (pytorch)": "published-gcp-prior",
    "GCP+prior (sklearn)": "published-gcp-prior-sklearn",
}


class GeoAlgo(Suite):
    """A suite on one table; subclasses say which and how regret is scaled."""

    table: ClassVar[str]
    column: ClassVar[str]
    distributions: ClassVar[Mapping[str, BaseDistribution]]
    one: ClassVar[str]  # whose value is regret 1: "max" of a task's table, or its "median"
    checkpoints: ClassVar[tuple[int, ...]] = (1, 3, 5, 10, 15, 25, 50)

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def _histories(self) -> Mapping[str, TaskHistory]:
        frame = pd.read_csv(self._folder / f"{self.table}.csv.zip")
        space = SearchSpace(self.distributions, name=self.name)
        return {
            str(name): TaskHistory(
                task=Task(name=str(name), space=space, direction="minimize", metric=self.column),
                raw=_snapped(rows[list(self.distributions)].to_numpy(dtype=np.float64), space),
                values=rows[self.column].to_numpy(dtype=np.float64),
            )
            for name, rows in frame.groupby("task", sort=True)
        }

    @cached_property
    def _traces(self) -> pd.DataFrame:
        frame = pd.read_csv(self._folder / "results_reimplem.csv.zip")
        return frame[frame["blackbox"] == self.table]

    @cached_property
    def tasks(self) -> tuple[BenchTask, ...]:
        """Tasks with traces are tested on, each a fold of its own."""
        traced = set(self._traces["task"])
        return tuple(
            BenchTask(task=h.task, split="test" if name in traced else "development", fold=name)
            for name, h in self._histories.items()
        )

    def prior(self, fold: str, evaluations: int | None, seed: int) -> Portfolio:
        """The tables of all other tasks."""
        return Portfolio(
            some_of(h, evaluations, seed) for name, h in self._histories.items() if name != fold
        )

    def objective(self, task: BenchTask) -> Objective:
        """The task's table."""
        history = self._histories[task.name]
        return Pool(raw=history.raw, values=history.values)

    def reference(self, task: BenchTask) -> Reference:
        """Best of the table; regret 1 is its worst or its median."""
        values = self._histories[task.name].values
        one = values.max() if self.one == "max" else np.median(values)
        return Reference(best=float(values.min()), middle=float(one))

    def published(self) -> Mapping[str, Mapping[str, Floats]]:
        """The authors' incumbents; what is below a table's minimum (0 in two files) is no value."""
        found: dict[str, dict[str, Floats]] = {}
        for (optimizer, task), rows in self._traces.groupby(["optimizer", "task"], sort=True):
            matrix = rows.pivot(index="seed", columns="iteration", values="value").to_numpy()
            least = self._histories[str(task)].values.min()
            usable = np.where(matrix < least - 1e-6 * abs(least), np.nan, matrix)
            found.setdefault(_PUBLISHED[str(optimizer)], {})[str(task)] = usable
        return {m: found[m] for m in _PUBLISHED.values() if m in found}


def _snapped(raw: Floats, space: SearchSpace) -> Floats:
    """Numbers of the table inside the bounds, which its text rounds."""
    low = np.array([d.low for d in space.distributions.values()])  # type: ignore[attr-defined]
    high = np.array([d.high for d in space.distributions.values()])  # type: ignore[attr-defined]
    clipped: Floats = np.clip(raw, low, high)
    return clipped


class GeoAlgoXGBoost(GeoAlgo):
    """XGBoost on 10 data sets, 5,000 configs each; regret is scaled by a table's min and max."""

    name: ClassVar[str] = "geoalgo-xgboost"
    about: ClassVar[str] = "real XGBoost errors, leave one task out, beside published traces"
    table: ClassVar[str] = "XGBoost"
    column: ClassVar[str] = "metric_error"
    one: ClassVar[str] = "max"
    distributions: ClassVar[Mapping[str, BaseDistribution]] = {
        "hp_log2_min_child_weight": FloatDistribution(-8.0, 6.0),
        "hp_subsample": FloatDistribution(0.5, 1.0),
        "hp_colsample_bytree": FloatDistribution(0.3, 1.0),
        "hp_log2_gamma": FloatDistribution(-20.0, 6.0),
        "hp_log2_lambda": FloatDistribution(-10.0, 8.0),
        "hp_eta": FloatDistribution(0.0, 1.0),
        "hp_max_depth_index": IntDistribution(0, 12),
        "hp_log2_alpha": FloatDistribution(-20.0, 8.0),
    }


class GeoAlgoDeepAR(GeoAlgo):
    """DeepAR on 11 data sets, about 230 configs each.

    Regret is scaled by the median, since a few diverged runs rule the maximum.
    """

    name: ClassVar[str] = "geoalgo-deepar"
    about: ClassVar[str] = "real DeepAR errors (CRPS), leave one task out, beside published traces"
    table: ClassVar[str] = "DeepAR"
    column: ClassVar[str] = "metric_CRPS"
    one: ClassVar[str] = "median"
    distributions: ClassVar[Mapping[str, BaseDistribution]] = {
        "hp_num_layers": FloatDistribution(0.6931, 1.3863),
        "hp_num_cells": FloatDistribution(3.4, 4.79),
        "hp_dropout_rate_log": FloatDistribution(-4.6052, -0.6907),
        "hp_learning_rate_log": FloatDistribution(-9.2104, -2.3025),
        "hp_num_batches_per_epoch_log": FloatDistribution(2.3025, 9.2104),
        "hp_context_length_ratio_log": FloatDistribution(-2.8904, 1.3863),
    }
