"""Scores of a cross-validated trial, kept in the trial, and the table of all of them.

They are user attributes with the names that Optuna's own `OptunaSearchCV` gives them
(`mean_test_score`, `split0_test_score`, ...), so either can read and continue the other's study.

Shapes: n trials, k folds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, Trial
from scipy.stats import rankdata

from autometa.encoding import Floats
from autometa.space.plain import is_number

_BY_FOLD = ("test_score", "train_score")


def store(trial: Trial, scores: Mapping[str, Any]) -> None:
    """Keep what `cross_validate` returned: one number a fold of each score, mean and spread."""
    for name in ("fit_time", "score_time", *_BY_FOLD):
        if name not in scores:
            continue
        values = np.asarray(scores[name], dtype=np.float64)
        for fold, value in enumerate(values if name in _BY_FOLD else ()):
            trial.set_user_attr(f"split{fold}_{name}", _number(value))
        trial.set_user_attr(f"mean_{name}", _number(values.mean()))
        trial.set_user_attr(f"std_{name}", _number(values.std()))


def cv_results(
    trials: Sequence[FrozenTrial], params: Sequence[Mapping[str, Any]], names: Sequence[str]
) -> dict[str, Any]:
    """The trials as scikit-learn's `cv_results_`; row i is trial number i.

    Args:
        trials: All of a study, in order.
        params: Their parameters as the estimator takes them, length n.
        names: Of the parameters.

    Returns:
        `params`, `param_NAME` (masked where a trial has none), `split0_test_score`, ...,
        `mean_test_score`, `std_test_score`, `rank_test_score` (1 is best), times in seconds, each
        (n,); NaN where a trial has failed.
    """
    result: dict[str, Any] = {}
    for name in names:
        values = np.empty(len(trials), dtype=object)
        for i, config in enumerate(params):
            values[i] = config.get(name)
        absent = [name not in config for config in params]
        result[f"param_{name}"] = np.ma.MaskedArray(values, mask=absent)
    result["params"] = [dict(p) for p in params]
    for key in dict.fromkeys(k for t in trials for k in t.user_attrs if _is_score(k)):
        result[key] = np.array([_float(t.user_attrs.get(key)) for t in trials])
    result["rank_test_score"] = _ranks(result.get("mean_test_score", np.full(len(trials), np.nan)))
    return result


def _ranks(means: Floats) -> NDArray[np.int32]:
    """Ranks (n,), 1 for the highest mean; those without one share the last rank."""
    return np.asarray(
        rankdata(-np.where(np.isfinite(means), means, -np.inf), method="min"), dtype=np.int32
    )


def _is_score(key: str) -> bool:
    return key.startswith(("mean_", "std_", "split")) and key.endswith(("_score", "_time"))


def _number(value: float) -> float | None:
    """JSON, as a database keeps it, has no NaN."""
    return float(value) if math.isfinite(value) else None


def _float(value: Any) -> float:
    return float(value) if is_number(value) else math.nan
