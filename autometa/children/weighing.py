"""Fitting with a weight for each row: which models can, and how they are told.

Shapes: n rows, d columns.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import has_fit_parameter

from autometa.encoding import Floats

NAME = "sample_weight"


def fit(model: Any, X: Any, y: NDArray[Any], weight: Floats | None) -> Any:
    """Fit a model, or the last step of a pipeline, to rows X (n, d) of these weights (n,)."""
    if weight is None:
        return model.fit(X, y)
    last = f"{model.steps[-1][0]}__" if isinstance(model, Pipeline) else ""
    with config_context(enable_metadata_routing=False):  # which refuses names with a step's
        return model.fit(X, y, **{f"{last}{NAME}": weight})


def takes_weights(model: Any) -> bool:
    """Whether the rows that a model is fitted to may weigh differently.

    >>> from sklearn.linear_model import Ridge
    >>> from sklearn.neighbors import KNeighborsRegressor
    >>> takes_weights(Ridge()), takes_weights(KNeighborsRegressor())
    (True, False)
    """
    if isinstance(model, Pipeline):
        return takes_weights(model.steps[-1][1])
    if isinstance(model, TransformedTargetRegressor):
        return takes_weights(model.regressor)
    return bool(has_fit_parameter(model, NAME))
