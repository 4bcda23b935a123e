"""A trial of an estimator: cross-validated on splits that are the same for all trials."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import Trial
from sklearn.base import clone
from sklearn.exceptions import FitFailedWarning
from sklearn.model_selection import cross_validate
from sklearn.utils import _safe_indexing

from autometa.children.ensemble import as_said, outputs_of
from autometa.encoding import Floats
from autometa.errors import reason
from autometa.samplers.asking import suggest
from autometa.sklearn.cv_failures import heard, reasons, told
from autometa.sklearn.cv_scores import store
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
        params: Further arguments of `fit`, as `cross_validate` takes them.
        options: Of `cross_validate`: n_jobs, error_score, return_train_score.
        keep: Of so many best trials the held-out outputs are kept, for an ensemble.
        classes: All labels in order; None in a regression, or where nothing is kept.
        outputs: Trial number -> (score, outputs of the folds one after another).
        error: Why the latest trial that failed did so: all causes, in full.
    """

    estimator: Any
    asked: Asked
    X: Any
    y: Any
    splits: Sequence[tuple[NDArray[Any], NDArray[Any]]]
    scorer: Any
    params: Mapping[str, Any]
    options: Mapping[str, Any]
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

    def evaluate(self, number: int, params: Mapping[str, Any]) -> dict[str, Any] | None:
        """What `cross_validate` says; None where every fold failed, `error` saying why."""
        model = self.with_params(params)
        self.error = ""
        try:
            with heard() as failures:
                scores: dict[str, Any] = cross_validate(
                    model,
                    self.X,
                    self.y,
                    cv=self.splits,
                    scoring=self.scorer,
                    params=dict(self.params),
                    return_estimator=self.keep > 0,
                    **self.options,
                )
            self.error = told(failures)
        except ValueError as error:
            if self.options["error_score"] == "raise":
                raise
            self.error = told(reasons(str(error))) or reason(error)
            warnings.warn(f"trial {number} failed: {error}", FitFailedWarning, stacklevel=2)
            return None
        if self.keep and np.isfinite(scores["test_score"]).all():
            parts = [
                outputs_of(fitted, _safe_indexing(self.X, test), self.classes)
                for fitted, (_, test) in zip(scores["estimator"], self.splits, strict=True)
            ]
            self.outputs[number] = float(np.mean(scores["test_score"])), np.concatenate(parts)
            if len(self.outputs) > self.keep:
                del self.outputs[min(self.outputs, key=lambda n: self.outputs[n][0])]
        return scores

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
