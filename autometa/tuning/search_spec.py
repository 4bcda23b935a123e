"""What every process of one call of `tune` must know to open the same studies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna

from autometa import children
from autometa.samplers.sampler import MetaSampler
from autometa.storages.studies import open_study
from autometa.suggest.expectation import expectation
from autometa.tables import Table
from autometa.tuning.cross_validator import Judge
from autometa.tuning.scoring import Scoring
from autometa.tuning.trials import ModelChoice, Search

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

    from autometa.children import Child
    from autometa.children.folds import Folds
    from autometa.meta import MetaModel
    from autometa.tuning.cross_validator import Evaluator

COLD = "cold"


@dataclass(frozen=True, kw_only=True)
class SearchSpec:
    """One search: plain data where `storage` is an address, so that it can cross to a worker.

    Args:
        table: What to train on.
        children: Names of the children that take part.
        folds: Cross-validation folds, or given splits.
        seed: Of the folds, the children and the search.
        trial_timeout: Seconds for one trial.
        storage: Where the studies are.
        study_name: Of the warm study, see `TuneResult.study_name`.
        features: Meta-features of the table.
        scoring: What a trial's value is.
        predictions: Folder for held-out predictions.
        sources: What `children.get` makes the children of in another process, where that is more
            than their names.
    """

    table: Table
    children: tuple[str, ...]
    folds: Folds
    seed: int
    trial_timeout: float | None
    storage: str | BaseStorage | None
    study_name: str
    features: Mapping[str, float]
    scoring: Scoring
    predictions: Path
    sources: tuple[str, ...] = ()

    @property
    def n_folds(self) -> int:
        """Number of folds."""
        return self.folds if isinstance(self.folds, int) else len(self.folds)

    @property
    def metric(self) -> str:
        """What the values measure."""
        return self.scoring.name

    def child(self, name: str) -> Child:
        """One that takes part, for the table's kind of problem."""
        return children.get(name, self.table.kind)

    def sampler(self, model: MetaModel) -> MetaSampler:
        """What suggests the trials of a family, by what was learned of it."""
        return MetaSampler(model, seed=self.seed, meta_features=self.features)

    def judge(self, evaluator: Evaluator) -> Judge:
        """The judge of all trials."""
        return Judge(
            evaluator=evaluator,
            table=self.table,
            folds=self.folds,
            seed=self.seed,
            timeout=self.trial_timeout,
            scoring=self.scoring,
            folder=self.predictions,
        )

    def warm(self, child: str, model: MetaModel, judge: Judge, worker: str | None = None) -> Search:
        """A child's own study, its trials suggested by a meta-model."""
        whole = self.study_name if len(self.children) == 1 else f"{self.study_name}-{child}"
        study = open_study(self.storage, whole, self._signature(child))
        study.sampler = self.sampler(model)
        choice = ModelChoice((self.child(child),))
        search = Search(study, choice, judge, expectation(model, self.features))
        return search if worker is None else replace(search, worker=worker)

    def cold(self, judge: Judge, worker: str | None = None, index: int = 0) -> Search:
        """What a user has without autometa: Optuna's default sampler.

        Args:
            judge: Of its trials.
            worker: Who works on it.
            index: Number of the worker, which must not suggest what the others do.
        """
        study = open_study(self.storage, f"{self.study_name}-cold", self._signature(COLD))
        search = Search(study, ModelChoice(tuple(map(self.child, self.children))), judge)
        # A sampler that is continued must not repeat its first suggestions.
        seed = self.seed + len(search.finished())
        if index:
            seed = int(np.random.default_rng([seed, index]).integers(2**31))
        study.sampler = optuna.samplers.TPESampler(seed=seed, constant_liar=worker is not None)
        return search if worker is None else replace(search, worker=worker)

    def _signature(self, child: str) -> dict[str, Any]:
        """What a study must agree on to be continued."""
        from autometa.collect import digest

        return {
            "table": digest(self.table),
            "child": child,
            "metric": self.metric,
            "folds": self.folds if isinstance(self.folds, int) else self.folds.digest(),
            "seed": self.seed,
        }
