from __future__ import annotations

from typing import Any

import pytest
from optuna.distributions import FloatDistribution
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.utils.estimator_checks import parametrize_with_checks

import autometa

SHORT: dict[str, Any] = {"n_trials": 2, "cv": 2, "error_score": "raise", "random_state": 0}
ALPHA = {"alpha": FloatDistribution(0.1, 1.0)}
C = {"C": [0.1, 1.0]}


# scikit-learn's own look at an infinite target warns before anything is raised.
@pytest.mark.filterwarnings("ignore:invalid value encountered in cast:RuntimeWarning")
@parametrize_with_checks(
    [
        autometa.MetaSearchCV(Ridge(), ALPHA, **SHORT),
        autometa.MetaSearchCV(LogisticRegression(), C, **SHORT),
        autometa.MetaSearchCV(LogisticRegression(), C, ensemble=True, **SHORT),
    ]
)
def test_scikit_learn_accepts_it(estimator: Any, check: Any) -> None:
    check(estimator)
