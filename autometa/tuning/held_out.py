"""The held-out rows of a search: what is true of them, and what a config said of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa.children.evaluation.held_out import read_predictions
from autometa.children.folds import Folds, splits_of
from autometa.children.prediction import Prediction
from autometa.encoding import Floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from autometa.tables import Table


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What is true of the held-out rows of a search.

    Args:
        truths: Class indices or values of each fold's test rows.
        labels: The labels that class indices stand for, (c,); empty in a regression.
        weights: What each fold's test rows count; None where all count alike.
    """

    truths: tuple[NDArray[Any], ...]
    labels: NDArray[Any]
    weights: tuple[Floats, ...] | None = None

    @staticmethod
    def of(table: Table, folds: Folds, seed: int) -> HeldOut:
        """Of a table's folds."""
        tests = [test for _, test in splits_of(table, folds, seed)]
        labels = table.y.cat.categories if table.kind == "classification" else ()
        weights = None
        if table.weights is not None:
            weights = tuple(table.weights[test] for test in tests)
        truths = tuple(table.labels[test] for test in tests)
        return HeldOut(truths, np.asarray(labels), weights)

    def read(self, path: Path) -> Prediction:
        """Predictions of all these rows, from a file.

        Raises:
            StoreError: as `read_predictions`.
        """
        return read_predictions(path, rows=sum(map(len, self.truths)), classes=len(self.labels))

    def right(self) -> Prediction:
        """Predictions of all these rows that are right."""
        return self._said(np.concatenate(self.truths))

    def wrong(self) -> Prediction:
        """The same, each of another row."""
        truth = np.concatenate(self.truths)
        return self._said(np.random.default_rng(0).permutation(truth))

    def mean(self) -> Prediction:
        """The mean of a regression's target for each row."""
        truth = np.concatenate(self.truths)
        return Prediction(np.full(len(truth), truth.mean()))

    def _said(self, truth: NDArray[Any]) -> Prediction:
        if not len(self.labels):
            return Prediction(truth)
        shares = 0.9 * np.eye(len(self.labels))[truth] + 0.1 / len(self.labels)
        return Prediction(truth, shares)

    def split(self, whole: Prediction) -> list[Prediction]:
        """The predictions of each fold."""
        ends = np.cumsum([len(truth) for truth in self.truths])[:-1]
        labels = np.split(whole.labels, ends)
        if whole.shares is None:
            return [Prediction(part) for part in labels]
        return [
            Prediction(part, shares)
            for part, shares in zip(labels, np.split(whole.shares, ends), strict=True)
        ]
