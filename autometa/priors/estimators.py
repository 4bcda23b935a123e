"""What an estimator says of a search: its family, its units, and all that it was constructed with.

A searched parameter is one that the family's library has by that name, so that little has to be
asked: a ridge's `alpha` is 1 / C, that of SGD is its penalty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from autometa.errors import InputError
from autometa.portfolio.store.shipped import embedded_names
from autometa.priors.data import Data
from autometa.priors.knowing import Wish
from autometa.priors.measured import is_standard
from autometa.priors.opening import EMBEDDED, PriorSource
from autometa.priors.written import Facts
from autometa.space import SearchSpace, Value
from autometa.space.plain import unboxed
from autometa.space.rules import Rules
from autometa.space.values import same

if TYPE_CHECKING:
    from autometa.tables import Kind, Table

_FAMILIES = {
    "LGBM": "lightgbm",
    "XGB": "xgboost",
    "CatBoost": "catboost",
    "HistGradientBoosting": "hist_gradient_boosting",
    "RandomForest": "random_forest",
    "ExtraTrees": "extra_trees",
    "KNeighbors": "k_nearest_neighbors",
    "LogisticRegression": "linear",
    "Ridge": "linear",
    "SGD": "linear",
    "SVC": "svm",
    "SVR": "svm",
    "MLP": "mlp",
}
_AROUND = ("regressor", "classifier", "estimator")  # what an estimator holds another one by
_STANDS_IN = {"extra_trees": "random_forest"}  # where the first does not ship
_SOLVERS = {"LogisticRegression": "lbfgs", "Ridge": "lbfgs", "SGD": "sgd"}
_SAID = {
    "Ridge": {"C": "alpha"},
    "SGD": {"alpha": "alpha", "schedule": "learning_rate", "epochs": "max_iter"},
}


def wish_of_estimator(
    estimator: Any,
    space: SearchSpace,
    table: Table | None,
    *,
    X: Any = None,
    prior: PriorSource = None,
    scoring: Any = None,
    meta_features: Mapping[str, float] | None = None,
) -> Wish:
    """The wish of a search over the parameters of an estimator or a pipeline.

    Args:
        estimator: What is tuned.
        space: Its parameters that are searched.
        table: What it is trained on; None where that is no table.
        X: Its features where it is none: a matrix tells their number, as a sparse one does.
        prior: What the user gave; where it is "embedded" the estimator has to be of a family.
        scoring: As of scikit-learn's searches.
        meta_features: Of the table, where they are known.

    Raises:
        InputError: "embedded", and the estimator is of no family that ships.
    """
    step, last = _last(estimator)
    kind, problem = _kind_of(last), _problem_of(estimator)
    metric = scoring if isinstance(scoring, str) and is_standard(scoring) else None
    if scoring is None and problem == "classification":
        metric = "accuracy"
    renamed = {own: step + name for own, name in _SAID.get(kind, {}).items()}
    return Wish(
        space=space,
        direction="maximize",
        metric=metric,
        data=None if table is None else Data(table=table, meta_features=dict(meta_features or {})),
        kind=problem,
        facts=_facts(estimator, X if table is None else table.X),
        fixed=_constructed(step, last, kind, space),
        family=nearest_to(estimator) if prior == EMBEDDED else "",
        rules=Rules(renamed={own: new for own, new in renamed.items() if new in space.names}),
        of_estimator=True,
    )


def nearest_to(estimator: Any) -> str:
    """The family that an estimator, or the last step of a pipeline, is of.

    Raises:
        InputError: of none that ships.
    """
    last = _last(estimator)[1]
    family = _FAMILIES.get(_kind_of(last), "")
    ships = embedded_names()
    if family not in ships:
        family = _STANDS_IN.get(family, "")
    if family not in ships:
        raise InputError(
            f"no embedded prior for {type(last).__name__}",
            allowed=", ".join(kind for kind, name in _FAMILIES.items() if name in ships),
            do="Give a portfolio or your own studies as the prior, or None",
        )
    return family


def _kind_of(estimator: Any) -> str:
    name = type(estimator).__name__
    plain = name.removesuffix("CV").removesuffix("Classifier").removesuffix("Regressor")
    return plain if plain in _FAMILIES else name


def _last(estimator: Any) -> tuple[str, Any]:
    """What stands before the parameters of the last step, and that step.

    Of an estimator around another one, as for a transformed target or one class against the rest,
    it is the inner one.
    """
    from sklearn.pipeline import Pipeline

    before = ""
    while True:
        around = [] if _kind_of(estimator) in _FAMILIES else _AROUND
        inner = next((name for name in around if hasattr(_given(estimator, name), "fit")), "")
        if isinstance(estimator, Pipeline):
            inner, estimator = estimator.steps[-1]
        elif inner:
            estimator = _given(estimator, inner)
        else:
            return before, estimator
        before += f"{inner}__"


def _given(estimator: Any, name: str) -> Any:
    """What the constructor was given by a name; None where it takes none of it."""
    takes = hasattr(estimator, "get_params") and not isinstance(estimator, type)
    return estimator.get_params(deep=False).get(name) if takes else None


def _constructed(step: str, last: Any, kind: str, space: SearchSpace) -> dict[str, Value]:
    """What the estimator is given that is not searched, by the full names of its parameters."""
    given: dict[str, Value] = {}
    for name, boxed in last.get_params(deep=False).items():
        value = unboxed(boxed)
        plain = value is None or isinstance(value, bool | int | float | str)
        unset = value is None and kind == "XGB"
        if plain and not unset and step + name not in space.names:
            given[step + name] = value
    solver = f"{step}solver"
    if kind in _SOLVERS and solver not in space.names:
        given[solver] = _SOLVERS[kind]
    bagged = given.get(f"{step}subsample_freq")
    if kind == "LGBM" and same(bagged, 0) and f"{step}subsample" in given:
        given[f"{step}subsample"] = 1.0  # LightGBM samples no rows unless it has a frequency
    return given


def _is_piped(estimator: Any) -> bool:
    from sklearn.pipeline import Pipeline

    inner = [_given(estimator, name) for name in _AROUND]
    return isinstance(estimator, Pipeline) or any(isinstance(part, Pipeline) for part in inner)


def _problem_of(estimator: Any) -> Kind | None:
    """What kind of problem it solves, where it says so."""
    from sklearn.base import is_classifier, is_regressor

    if is_classifier(estimator):
        return "classification"
    return "regression" if is_regressor(estimator) else None


def _facts(estimator: Any, X: Any) -> Facts:
    """Of features X (n, m); those of a pipeline are taken to arrive standardised."""
    if len(getattr(X, "shape", ())) != 2:
        return Facts()
    columns = max(int(X.shape[1]), 1)
    width = float(columns)
    if not _is_piped(estimator):
        try:
            spread = _spread(X)
        except (TypeError, ValueError):  # words among them
            spread = 1.0
        width *= spread if np.isfinite(spread) and spread > 0 else 1.0
    return Facts(columns=columns, width=width)


def _spread(X: Any) -> float:
    """The variance of all cells, as `gamma="scale"` takes it; a sparse matrix is not filled up.

    NaN of cells that have none: whether they can be learned from the estimator says itself.
    """
    if np.iscomplexobj(X) or 0 in X.shape:
        return np.nan
    if hasattr(X, "toarray"):
        return float(X.multiply(X).mean() - X.mean() ** 2)
    cells = np.asarray(X, dtype=np.float64)
    return float(np.var(cells)) if np.isfinite(cells).all() else np.nan
