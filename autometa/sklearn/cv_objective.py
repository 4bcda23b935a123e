"""A trial of an estimator: cross-validated on splits that are the same for all trials."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import Trial
from sklearn.base import clone
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import _safe_split

from autometa.children.ensemble import as_said, outputs_of
from autometa.children.evaluation.cross_validation import FoldResult, cross_validated
from autometa.children.problem import Fold, Pair, Problem
from autometa.encoding import Floats
from autometa.samplers.asking import suggest
from autometa.sklearn.cv_failures import warned
from autometa.sklearn.cv_scores import store
from autometa.sklearn.cv_task import rows_of
from autometa.sklearn.distributions import Asked


@dataclass(kw_only=True)
class CvObjective:
    """An Optuna objective: mean held-out score of an estimator, higher is better.

    Args:
        estimator: Unfitted; it is cloned for every trial.
        asked: What is searched.
        X: Data.
        y: Target; may be None.
        splits: (training rows, held-out rows) of each fold, k of them.
        scorer: (estimator, X, y) -> score, higher is better.
        params: Further arguments of `fit`; a value for each row is divided as the rows are.
        score_params: The same of the scorer.
        n_jobs: Folds that are trained at a time.
        error_score: Score of a fold that fails; "raise" raises.
        return_train_score: Also score the training rows.
        keep: Of so many best trials the held-out outputs are kept, for an ensemble.
        classes: All labels in order; None in a regression, or where nothing is kept.
        outputs: Trial number -> (score, outputs of the folds one after another).
        error: Why the latest trial that failed did so: all causes, in full.
    """

    estimator: Any
    asked: Asked
    X: Any
    y: Any
    splits: Sequence[Pair]
    scorer: Any
    params: Mapping[str, Any]
    score_params: Mapping[str, Any] = field(default_factory=dict)
    n_jobs: int | None = None
    error_score: Any = np.nan
    return_train_score: bool = False
    keep: int = 0
    classes: NDArray[Any] | None = None
    outputs: dict[int, tuple[float, Floats]] = field(default_factory=dict)
    error: str = ""

    def __call__(self, trial: Trial) -> float:
        """The trial's score; NaN, which Optuna takes as a failure, where training failed."""
        params = self.asked.params(suggest(trial, self.asked.space))
        scores = self.evaluate(trial.number, params)
        if scores is None:
            return float("nan")
        store(trial, scores)
        mean = float(np.mean(scores["test_score"]))
        if not np.isfinite(mean):
            why = f": {self.error}" if self.error else ""
            self.error = f"a fold scored {mean}{why}"
        return mean if np.isfinite(mean) else float("nan")

    def with_params(self, params: Mapping[str, Any]) -> Any:
        """An unfitted estimator."""
        return clone(self.estimator).set_params(
            **{k: clone(v, safe=False) for k, v in params.items()}
        )

    @cached_property
    def problem(self) -> Problem:
        """What all trials are judged on."""
        score = _Scores(self.scorer, self.score_params, rows_of(self.X))
        return Problem(X=self.X, y=self.y, splits=tuple(self.splits), score=score)

    def evaluate(self, number: int, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """Scores and seconds of each fold by name; None where every fit failed, `error` says why.

        Names are those of scikit-learn's `cross_validate`.
        """
        score = self.problem.score
        assert isinstance(score, _Scores)
        learner = _Estimator(
            model=self.with_params(params),
            params=self.params,
            size=score.size,
            classes=self.classes,
            keep=self.keep > 0,
            train=score if self.return_train_score else None,
        )
        found = cross_validated(
            self.problem,
            learner,
            clock=time.perf_counter,
            keep_going=self.error_score != "raise",
            n_jobs=self.n_jobs,
        )
        self.error = warned(number, found)
        if all(fold.failed == "fit" for fold in found):
            return None
        scores = self._scores(found)
        if self.keep and np.isfinite(scores["test_score"]).all():
            outputs = np.concatenate([fold.said for fold in found])
            self.outputs[number] = float(np.mean(scores["test_score"])), outputs
            if len(self.outputs) > self.keep:
                del self.outputs[min(self.outputs, key=lambda n: self.outputs[n][0])]
        return scores

    def _scores(self, found: Sequence[FoldResult]) -> dict[str, Any]:
        names = ["test_score", *["train_score"] * self.return_train_score]
        return {
            "fit_time": np.array([fold.fit_seconds for fold in found]),
            "score_time": np.array([fold.score_seconds for fold in found]),
            **{
                name: np.array([fold.scores.get(name, self.error_score) for fold in found])
                for name in names
            },
        }

    def judge(self, outputs: Floats, scorer: Any) -> float:
        """Mean score over folds of held-out outputs, laid out as in `outputs`; never NaN."""
        said = as_said(self.classes)
        ends = np.cumsum([len(test) for _, test in self.splits])[:-1]
        scores = [
            scorer(said, part, _safe_indexing(self.y, test))
            for part, (_, test) in zip(np.split(outputs, ends), self.splits, strict=True)
        ]
        mean = float(np.mean(scores))
        return mean if np.isfinite(mean) else -np.inf


@dataclass(frozen=True)
class _Scores:
    """The score of a fold's test rows by a scorer of scikit-learn.

    Args:
        scorer: (estimator, X, y, ...) -> score.
        params: Its further arguments.
        size: Number of all rows.
    """

    scorer: Any
    params: Mapping[str, Any]
    size: int

    def __call__(self, model: Any, said: Any, fold: Fold) -> dict[str, float]:
        assert fold.rows is not None
        return {"test_score": self.of(model, fold.X_test, fold.y_test, fold.rows[1])}

    def of(self, model: Any, X: Any, y: Any, rows: NDArray[Any]) -> float:
        """Of some rows."""
        target = () if y is None else (y,)
        return float(self.scorer(model, X, *target, **_of_rows(self.params, rows, self.size)))


@dataclass(frozen=True)
class _Estimator:
    """An estimator with a trial's parameters as a `Learner`.

    Args:
        model: Unfitted.
        params: Further arguments of `fit`.
        size: Number of all rows.
        classes: All labels in order; None in a regression.
        keep: Whether outputs are kept.
        train: Scores the training rows as well.
    """

    model: Any
    params: Mapping[str, Any]
    size: int
    classes: NDArray[Any] | None
    keep: bool
    train: _Scores | None

    def folds(self, problem: Problem) -> Iterator[Fold]:
        for k, (train, test) in enumerate(problem.splits):
            X, y = _safe_split(self.model, problem.X, problem.y, train)
            X_test, y_test = _safe_split(self.model, problem.X, problem.y, test, train)
            yield replace(Fold(X, y, X_test, y_test, k), rows=(train, test))

    def fit(self, fold: Fold) -> Any:
        assert fold.rows is not None
        params = _of_rows(self.params, fold.rows[0], self.size)
        target = () if fold.y is None else (fold.y,)
        return clone(self.model).fit(fold.X, *target, **params)

    def say(self, model: Any, fold: Fold) -> Floats | None:
        return outputs_of(model, fold.X_test, self.classes) if self.keep else None

    def more(self, model: Any, fold: Fold) -> dict[str, float]:
        if self.train is None:
            return {}
        assert fold.rows is not None
        return {"train_score": self.train.of(model, fold.X, fold.y, fold.rows[0])}


def _of_rows(params: Mapping[str, Any], rows: NDArray[Any], size: int) -> dict[str, Any]:
    """Arguments for some rows: what has a value for each of all rows is divided, as they are."""

    def divided(value: Any) -> bool:
        if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__"):
            return False
        return bool(np.ndim(value)) and rows_of(value) == size

    return {k: _safe_indexing(v, rows) if divided(v) else v for k, v in params.items()}
