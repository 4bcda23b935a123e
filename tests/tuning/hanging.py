"""A family from outside that never ends a fit."""

from __future__ import annotations

import time
from typing import Any

from optuna.distributions import FloatDistribution
from sklearn.base import BaseEstimator, ClassifierMixin

from autometa.children import Child
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

SOURCE = "tests.tuning.hanging:CHILD"


class Hangs(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """See the module."""

    def fit(self, X: Any, y: Any) -> Hangs:
        """Not within an hour."""
        time.sleep(3600)
        return self


def _model(config: Config, schema: Schema, seed: int) -> Any:
    return Hangs()


CHILD = Child(
    name="hangs",
    space=SearchSpace({"x": FloatDistribution(0.0, 1.0)}, defaults={"x": 0.5}, name="hangs"),
    preparation="encoded",
    model=_model,
    source=SOURCE,
)
