"""The shipped tasks that a prior may name: of which family, in whose units, less which tables."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import FloatDistribution

from autometa.errors import InputError
from autometa.meta import MetaModel
from autometa.portfolio import Portfolio
from autometa.portfolio.store.shipped import embedded_names, embedded_spaces
from autometa.priors.matched import names_of
from autometa.priors.opening import PriorSource, open_prior, which_family
from autometa.space import SearchSpace
from autometa.task import TaskHistory

if TYPE_CHECKING:
    from autometa.tables import Table

# Estimators of scikit-learn that mean the same by their parameters as a child does.
_CHILDREN = {
    "HistGradientBoosting": "hist_gradient_boosting",
    "RandomForest": "random_forest",
    "ExtraTrees": "random_forest",
    "KNeighbors": "k_nearest_neighbors",
    "LogisticRegression": "linear",
    "SVC": "svm",
    "SVR": "svm",
}
_BY_WIDTH = {"svm": ("gamma",)}  # the child's gamma is in units of 1 / (number of features)


def read_prior(
    prior: PriorSource, estimator: Any, table: Table | None = None
) -> Portfolio | MetaModel:
    """The prior of a search for an estimator.

    Args:
        prior: See `open_prior`.
        estimator: What is tuned; "embedded" takes the child that is nearest to it.
        table: What it is tuned on; it and its relatives are left out of shipped tasks.

    Raises:
        InputError, StoreError, PortfolioError: as `open_prior`.
    """
    return open_prior(
        prior, shipped=lambda name: of_family(name or nearest_to(estimator), estimator, table)
    )


def of_family(family: str, estimator: Any = None, table: Table | None = None) -> Portfolio:
    """The shipped tasks of a family, without a table and its relatives, in the user's units."""
    portfolio = Portfolio.embedded(family)
    if table is not None:
        from autometa.tables import relatives

        portfolio = portfolio.without(relatives(table, portfolio.tasks))
    for name in _BY_WIDTH.get(family, ()):
        unit = None if table is None else 1.0 / _width(estimator, table)
        portfolio = Portfolio(
            (_in_units(h, name, unit) for h in portfolio.histories),
            provenance=portfolio.provenance,
            licence=portfolio.licence,
        )
    return portfolio


def nearest_to(estimator: Any) -> str:
    """The family that an estimator, or the last step of a pipeline, is of.

    Raises:
        InputError: of none that ships.
    """
    estimator = _last(estimator)
    name = type(estimator).__name__
    child = _CHILDREN.get(name.removesuffix("Classifier").removesuffix("Regressor"))
    child = child or _CHILDREN.get(name)
    if child is None:
        raise InputError(
            f"no embedded prior for {name}",
            allowed=", ".join(_CHILDREN),
            do="Give a portfolio or your own studies as the prior, or None",
        )
    return child


def nearest_to_space(space: SearchSpace | None) -> str:
    """The family that knows most of the parameters that are searched, where one knows more.

    Raises:
        InputError: several know as many: the user is asked.
    """
    if space is None:
        raise which_family()
    known = {name: len(names_of(old, space)) for name, old in embedded_spaces().items()}
    most = max(known.values(), default=0)
    best = [name for name, count in known.items() if count == most]
    if most == 0 or len(best) > 1:
        raise which_family(best if most else embedded_names())
    return best[0]


def _width(estimator: Any, table: Table) -> float:
    """What gamma is divided by, as scikit-learn's "scale" does: features times their variance.

    In a pipeline the features are taken to arrive standardised.
    """
    columns = max(len(table.X.columns), 1)
    if _last(estimator) is not estimator:
        return float(columns)
    try:
        spread = float(np.var(np.asarray(table.X, dtype=np.float64)))
    except (TypeError, ValueError):  # words among them
        return float(columns)
    return columns * spread if np.isfinite(spread) and spread > 0 else float(columns)


def _last(estimator: Any) -> Any:
    from sklearn.pipeline import Pipeline

    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    return estimator


def _in_units(history: TaskHistory, name: str, unit: float | None) -> TaskHistory:
    """The history with a parameter in other units; under another name where these are unknown."""
    space, place = history.task.space, history.task.space.names.index(name)
    old = space.distributions[name]
    assert isinstance(old, FloatDistribution)
    if unit is None:
        other, new, raw = f"{name} of {space.name}", old, history.raw
    else:
        other, new = name, FloatDistribution(old.low * unit, old.high * unit, log=old.log)
        raw = history.raw.copy()
        raw[:, place] = np.clip(raw[:, place] * unit, new.low, new.high)
    renamed = SearchSpace(
        {
            other if n == name else n: new if n == name else d
            for n, d in space.distributions.items()
        },
        conditions={other if n == name else n: c for n, c in space.conditions.items()},
        name=space.name,
    )
    return replace(history, task=replace(history.task, space=renamed), raw=raw)
