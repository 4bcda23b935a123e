"""What a config is judged on, whoever brings it: a table's child or an estimator of scikit-learn.

A `Problem` is frozen data: rows, a target, which rows train and which are held out, what each row
weighs, and how what is said of held-out rows is scored. Groups, time and the like are in the splits
already. `evaluation.cross_validation` takes it and a `Learner`, which is all that differs.

Shapes: n rows, k folds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.errors import InputError

Pair: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Training rows and test rows, as indices into all rows."""
Preparation: TypeAlias = Literal["encoded", "coded", "scaled", "robust"]
"""How a table becomes numbers for a model; see `preparation.preparer`."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One fold as a learner takes it: training rows, and test rows that it never trains on.

    Args:
        X: Training rows (a, d).
        y: Their target, (a,): for children class indices or values.
        X_test: Test rows (b, d).
        y_test: Their target, (b,).
        number: Of the fold, from 0.
        weight: What each training row weighs, (a,); None where all weigh the same.
        weight_test: The same of the test rows, (b,).
        rows: Places of training and test rows among all rows.
    """

    X: Any
    y: NDArray[Any]
    X_test: Any
    y_test: NDArray[Any]
    number: int = 0
    weight: Floats | None = None
    weight_test: Floats | None = None
    rows: Pair | None = None


Score: TypeAlias = Callable[[Any, Any, Fold], Mapping[str, float]]
"""(fitted model, what it says of the test rows, fold) -> scores by name."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Problem:
    """See the module.

    Args:
        X: Rows (n, m), as they came.
        y: Target (n,); None where there is none to learn from.
        splits: Training and test rows of each fold, k of them.
        score: Of what is said of a fold's test rows.
        weights: What each row weighs, (n,), in fitting and in scores; None for all alike.

    Raises:
        InputError: no split, or one without rows.
    """

    X: Any
    y: Any
    splits: tuple[Pair, ...]
    score: Score
    weights: Floats | None = None

    def __post_init__(self) -> None:
        check_splits(self.splits)

    def weights_of(self, number: int) -> tuple[Floats | None, Floats | None]:
        """What a fold's training rows weigh, and its test rows."""
        if self.weights is None:
            return None, None
        train, test = self.splits[number]
        return self.weights[train], self.weights[test]


def check_splits(pairs: tuple[Pair, ...]) -> None:
    """Refuse splits that nothing can be judged on.

    Raises:
        InputError: there are none, or one has no rows to train on or to test.
    """
    if not pairs or not all(len(a) and len(b) for a, b in pairs):
        raise InputError("a split without rows", allowed="training and test rows in each")
