"""The perceptron as scikit-learn estimators: what `Child.build` gives and what a user saves.

Fitted weights are numpy arrays, so predicting needs no torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from autometa.children.mlp.waves import waved
from autometa.encoding import Floats

if TYPE_CHECKING:
    from autometa.children.mlp.initial import Start


class _Perceptron(BaseEstimator):  # type: ignore[misc]
    """Parameters are those of the child's space; see `families.mlp`, and `starts` for `start`."""

    def __init__(
        self,
        *,
        learning_rate: float = 1e-3,
        batch_size: int = 32,
        depth: int = 2,
        width: int = 64,
        dropout: float = 0.0,
        weight_decay: float = 1e-7,
        optimizer: str = "adam",
        momentum: float = 0.9,
        class_weight: str = "none",
        epochs: int = 40,
        waves: int = 0,
        seed: int = 0,
        start: Start | None = None,
    ) -> None:
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.depth = depth
        self.width = width
        self.dropout = dropout
        self.weight_decay = weight_decay
        self.optimizer = optimizer
        self.momentum = momentum
        self.class_weight = class_weight
        self.epochs = epochs
        self.waves = waves
        self.seed = seed
        self.start = start

    def _fit(self, X: Floats, y: NDArray[Any], classes: int, weight: Floats | None) -> None:
        from autometa.children.mlp.training import train

        if self.start is not None:
            from autometa.inner.tabular import Embedding

            embed = Embedding.fit(X, np.random.default_rng(self.seed))
            self.embedding_ = embed.centre, embed.axes, embed.scale
            X = embed(X).astype(np.float64)
        X = waved(X, self.waves, self.seed)
        fitted = train(
            [(X, y)],
            [X[:1]],
            self.get_params(),
            classes=classes,
            seed=self.seed,
            start=self.start,
            weights=[weight],
        )
        self.layers_ = [(weights[0], bias[0]) for weights, bias in fitted]

    def _outputs(self, X: Any) -> Floats:
        """Outputs (n, o) for rows X (n, d)."""
        check_is_fitted(self)
        hidden = validate_data(self, X, reset=False)
        if self.start is not None:
            from autometa.inner.tabular import Embedding

            hidden = Embedding(*self.embedding_)(hidden)
        hidden = waved(hidden, self.waves, self.seed)
        hidden = hidden.astype(np.float32, copy=False)
        for weights, bias in self.layers_[:-1]:
            hidden = np.maximum(hidden @ weights + bias, 0)
        weights, bias = self.layers_[-1]
        return np.asarray(hidden @ weights + bias, dtype=np.float64)


class MLPClassifier(ClassifierMixin, _Perceptron):  # type: ignore[misc]
    """Trained by cross entropy."""

    def fit(self, X: Any, y: Any, sample_weight: Floats | None = None) -> Self:
        """Train on X (n, d) and labels y (n,), each of which may weigh differently, (n,)."""
        X, y = validate_data(self, X, y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError("the training rows have one class only")
        self._fit(X, labels, len(self.classes_), sample_weight)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, o)."""
        outputs = self._outputs(X)
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable labels (n,)."""
        return np.asarray(self.classes_[self._outputs(X).argmax(axis=1)])


class MLPRegressor(RegressorMixin, _Perceptron):  # type: ignore[misc]
    """Trained by squared error on a standardised target."""

    def fit(self, X: Any, y: Any, sample_weight: Floats | None = None) -> Self:
        """Train on X (n, d) and values y (n,), each of which may weigh differently, (n,)."""
        X, y = validate_data(self, X, y, y_numeric=True)
        values = np.asarray(y, dtype=np.float64)
        self.centre_, self.scale_ = float(values.mean()), float(values.std()) or 1.0
        self._fit(X, (values - self.centre_) / self.scale_, 0, sample_weight)
        return self

    def predict(self, X: Any) -> Floats:
        """Values (n,)."""
        return self._outputs(X)[:, 0] * self.scale_ + self.centre_
