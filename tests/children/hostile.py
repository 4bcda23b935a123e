"""Children that misbehave on purpose, for the tests of `children.isolated`."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import numpy as np
from optuna.distributions import CategoricalDistribution
from sklearn.base import BaseEstimator, ClassifierMixin

from autometa.children import Child
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

DEEDS = [
    *("behave", "sleep", "exit", "segfault", "allocate", "print", "nan", "raise", "close"),
    *("inf", "text", "matrix", "few"),
]


class Hostile(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    def __init__(self, deed: str = "behave") -> None:
        self.deed = deed

    def fit(self, X: Any, y: Any) -> Hostile:
        hoard = []
        match self.deed:
            case "sleep":
                time.sleep(3600)
            case "exit":
                os._exit(7)
            case "segfault":
                os.abort()
            case "allocate":
                while True:
                    hoard.append(np.ones(10_000_000))
            case "print":
                sys.stdout.write("x" * 3_000_000)
                sys.stderr.write("y" * 3_000_000)
                os.write(1, b"z" * 3_000_000)
            case "raise":
                raise KeyError("on purpose")
            case "close":
                sys.stdout.close()
                raise SystemExit(0)
        return self

    def predict(self, X: Any) -> Any:
        match self.deed:
            case "nan":
                return np.full(len(X), np.nan)
            case "inf":
                return np.full(len(X), np.inf)
            case "text":
                return "nonsense"
            case "matrix":
                return np.zeros((len(X), 3, 2))
            case "few":
                return np.zeros(1)
        return np.zeros(len(X))


def _model(config: Config, schema: Schema, seed: int) -> Any:
    return Hostile(str(config["deed"]))


CHILD = Child(
    name="hostile",
    space=SearchSpace({"deed": CategoricalDistribution(DEEDS)}, name="hostile"),
    preparation="encoded",
    model=_model,
    source=f"{__name__}:CHILD",
)
NOT_A_CHILD = 3
