"""Prediction: what a fitted model says of rows that it has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autometa.encoding import Floats
from autometa.tables import Schema


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """Of m rows.

    Args:
        labels: Class indices, or values of a regression, (m,).
        shares: Class probabilities, (m, c); None for a regression.
    """

    labels: NDArray[Any]
    shares: Floats | None = None

    @property
    def finite(self) -> bool:
        """Whether all of it is."""
        known = bool(np.isfinite(self.labels.astype(np.float64)).all())
        return known and (self.shares is None or bool(np.isfinite(self.shares).all()))

    @classmethod
    def of_shares(cls, shares: Floats) -> Prediction:
        """The most probable labels; those of a row that is not finite are class 0."""
        return cls(np.nan_to_num(shares, nan=-1.0).argmax(axis=1), shares)

    @classmethod
    def of_classes(cls, found: Floats, classes: NDArray[Any], schema: Schema) -> Prediction:
        """From probabilities (m, k) of the classes (k,) that the training rows had."""
        shares = np.zeros((len(found), schema.classes))
        shares[:, np.asarray(classes, dtype=np.int64)] = found
        return cls.of_shares(shares)

    @classmethod
    def by(cls, model: Any, X: Floats, schema: Schema, **options: Any) -> Prediction:
        """A fitted model's, for rows X (m, d).

        Args:
            model: Fitted on labels 0..c-1 or numbers. One with `own_labels = True` says its labels
                itself; of all others the most probable class is taken.
            X: The rows.
            schema: Of the table.
            **options: For the model's own method.
        """
        if schema.kind == "regression":
            values = np.asarray(model.predict(X, **options), dtype=np.float64)
            return cls(values.reshape(len(X)))
        if not hasattr(model, "predict_proba"):
            return cls._certain(np.asarray(model.predict(X, **options)), len(X), schema)
        found = np.asarray(model.predict_proba(X, **options), dtype=np.float64)
        prediction = cls.of_classes(found, model.classes_, schema)
        if getattr(model, "own_labels", False):
            return cls(np.asarray(model.predict(X), dtype=np.int64), prediction.shares)
        return prediction

    @classmethod
    def _certain(cls, said: NDArray[Any], rows: int, schema: Schema) -> Prediction:
        """Of a model that says labels only: each is taken as certain."""
        labels = said.astype(np.float64).reshape(rows)
        shares = np.full((rows, schema.classes), np.nan)
        known = np.isfinite(labels)
        if not known.all():
            return cls(labels, shares)
        shares[:] = np.eye(schema.classes)[labels.astype(np.int64)]
        return cls(labels.astype(np.int64), shares)
