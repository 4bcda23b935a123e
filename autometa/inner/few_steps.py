"""The perceptron of `tabular` as a scikit-learn classifier that trains in a handful of epochs.

What `MAML.fit` learned over many tables - where the network starts and how fast each layer learns
- in place of a random start and one tuned rate. An epoch is one full-batch step.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from autometa.encoding import Floats
from autometa.errors import InputError, ModelError
from autometa.inner import store
from autometa.inner.fitted import KIND, SCHEMA, FittedMAML
from autometa.inner.maml import MAML
from autometa.inner.rates import RateRule
from autometa.inner.tabular import Embedding, Perceptron, Rows, Tables, network, with_outputs
from autometa.inner.training import Outer

STEPS, SHOTS, QUERIES = 10, 100, 100


def recipe(classes: int, seed: int = 0) -> MAML:
    """How the start and the rates, one a layer and step, are meta-learned on tables.

    Args:
        classes: Most classes that a table may have.
        seed: Of the network and of the episodes.
    """
    return MAML(
        network(classes, seed),
        "cross_entropy",
        rates=RateRule(kind="layer_step", initial=0.1, highest=2.0),
        steps=STEPS,
        outer=Outer(tasks=8, rate=3e-3, schedule="cosine"),
        seed=seed,
    )


def learn_start(
    tables: Sequence[Rows], *, iterations: int = 2000, seed: int = 0, progress: bool = False
) -> FittedMAML:
    """Meta-learn a start and rates on tables; save it with its `save`.

    Args:
        tables: Prepared tables with at least 200 rows each.
        iterations: Outer updates.
        seed: Of the network and of the episodes.
        progress: Show a progress bar on stderr.

    Raises:
        InputError: no tables, or one has too few rows.
    """
    if isinstance(tables, Rows) or not tables:
        given = "one table" if tables else "no tables"
        raise InputError(given, allowed="a list of one or more")
    if strange := [type(rows).__name__ for rows in tables if not isinstance(rows, Rows)]:
        raise InputError(f"a table of type {strange[0]}", allowed="Rows(X, y)")
    classes = 1 + max(int(rows.y.max()) for rows in tables)
    source = Tables(tuple(tables), classes, SHOTS, QUERIES)
    return recipe(classes, seed).fit(source, iterations=iterations, progress=progress)


def load_start(folder: str | Path) -> FittedMAML:
    """Read what the `save` of a learned start wrote.

    Raises:
        StoreError: absent, damaged or of a newer version.
        ModelError: a start of another network.
    """
    tensors, _ = store.load(folder, KIND, SCHEMA)
    bias = tensors.get("params/layers.4.bias")
    if bias is None or bias.ndim != 1 or len(bias) < 2:
        raise ModelError(
            f"a start of another network in {folder}", allowed="one that learn_start learned"
        )
    return FittedMAML.load(folder, network(len(bias), 0))


class FewStepClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of prepared columns (numbers, standardised) that starts from a learned start.

    Args:
        start: What `learn_start` learned.
        steps: Full-batch steps; None = as many as in meta-training. More do no harm.
        seed: Of the rotation of the inputs.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> y = np.arange(200) % 2
        >>> known = Rows(rng.normal(size=(200, 3)) + 2 * y[:, None], y)
        >>> start = learn_start([known], iterations=2)
        >>> labels = np.array(["no", "yes"])[y]
        >>> FewStepClassifier(start).fit(known.X, labels).predict_proba(known.X).shape
        (200, 2)
    """

    def __init__(self, start: FittedMAML, *, steps: int | None = None, seed: int = 0) -> None:
        self.start = start
        self.steps = steps
        self.seed = seed

    def fit(self, X: Any, y: Any) -> Self:
        """Adapt to rows X (n, d) and labels y (n,).

        Raises:
            ModelError: the start is not one of this network, or y has more classes than it.
        """
        X, y = validate_data(self, X, y)
        module = getattr(self.start, "module", self.start)
        if not isinstance(module, Perceptron):
            raise ModelError(f"a start of a {type(module).__name__}", allowed="a Perceptron's")
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) > module.classes:
            raise ModelError(
                f"{len(self.classes_)} classes", allowed=f"up to {module.classes} with this start"
            )
        self._outputs = module.classes
        self._embed = Embedding.fit(X, np.random.default_rng(self.seed))
        support = self._inputs(X), torch.from_numpy(labels.astype(np.int64))
        self.predictor_ = self.start.adapt(support, self.steps)
        return self

    def predict_proba(self, X: Any) -> Floats:
        """Class probabilities (n, classes)."""
        check_is_fitted(self)
        outputs = self.predictor_(self._inputs(validate_data(self, X, reset=False)))
        return outputs[:, : len(self.classes_)].double().softmax(dim=1).numpy()

    def predict(self, X: Any) -> NDArray[Any]:
        """Most probable labels (n,)."""
        return np.asarray(self.classes_[self.predict_proba(X).argmax(axis=1)])

    def _inputs(self, X: Floats) -> torch.Tensor:
        own = len(self.classes_)
        return torch.from_numpy(with_outputs(self._embed(X), own, self._outputs))
