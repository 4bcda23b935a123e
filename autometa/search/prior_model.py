"""Any prior that a user names -> the meta-model of the parameters that are searched now.

Parameters are matched by name: the same, or the same after the last "__", as in a pipeline
(`svc__C` is `C`). What a prior task tuned beside them is left out; a trial is left out where one of
its values does not exist in the new space, or where a parent that is not searched switched a
parameter off (it is of another branch). Of several prior spaces the one that knows most of the
parameters counts, with all others that know these too.

Shapes: n trials, p parameters; raw (n, p) as in `space`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeAlias
from zipfile import is_zipfile

import numpy as np
from optuna.distributions import BaseDistribution, CategoricalDistribution
from sklearn.pipeline import Pipeline

from autometa.encoding import Floats
from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.portfolio.merging import free_name
from autometa.portfolio.sources import StudySource
from autometa.search.observed import adapt
from autometa.search.priors import EMBEDDED
from autometa.space import SearchSpace, raw_value
from autometa.space.values import listed, plain_value
from autometa.tables import Table, relatives
from autometa.task import TaskHistory

PriorSource: TypeAlias = Portfolio | MetaModel | StudySource | None

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
_OTHER_UNITS = {"svm": ("gamma",)}  # the child's gamma is in units of 1 / (number of features)


def read_prior(
    prior: PriorSource, estimator: Any, table: Table | None = None
) -> Portfolio | MetaModel:
    """What a prior names: a portfolio or a model as it is.

    Args:
        prior: A Portfolio, a MetaModel, "embedded", a portfolio's folder, a model's file, or what
            `Portfolio.from_studies` reads: a storage, its URL or file, a study. None is no prior.
        estimator: What is tuned; "embedded" takes the child that is nearest to it.
        table: What it is tuned on; "embedded" leaves it and its relatives out.

    Raises:
        InputError: no such prior.
        StoreError: it cannot be read.
    """
    if isinstance(prior, Portfolio | MetaModel):
        return prior
    if prior is None:
        return Portfolio()
    if prior == EMBEDDED:
        shipped = _embedded(estimator)
        return shipped if table is None else shipped.without(relatives(table, shipped.tasks))
    if isinstance(prior, str | Path) and "://" not in str(prior):
        path = Path(prior)
        if path.is_dir():
            return Portfolio.load(path)
        if path.is_file() and is_zipfile(path):
            return MetaModel.load(path)
    return Portfolio.from_studies(prior)


def fit_prior(prior: Portfolio | MetaModel, space: SearchSpace, *, seed: int) -> MetaModel:
    """The meta-model of a prior for a space; of an empty portfolio, one that searches cold.

    Raises:
        InputError: the prior knows nothing of what is searched.
    """
    if isinstance(prior, MetaModel):
        return _renamed_model(prior, space)
    return MetaLearner(seed=seed).fit(matched(prior, space), space=space)


def matched(prior: Portfolio, space: SearchSpace) -> Portfolio:
    """The prior's trials as trials of (a part of) the new space; see the module.

    Raises:
        InputError: it has tasks, but none of them knows one of the parameters, or no trial lies in
            the new space.
    """
    if not len(prior):
        return Portfolio()
    names = {s: _common(s, space) for s in prior.spaces}
    trials = {s: sum(len(h) for h in prior.histories if h.task.space == s) for s in names}
    best = max(names, key=lambda s: (len(names[s]), trials[s]))
    part = _part(space, set(names[best].values()))
    if part is None:
        raise InputError(
            f"the prior's tasks tuned {listed(best.names)}, none of which is searched now",
            allowed=f"a prior that knows one of {listed(space.names)}",
            do="Name the parameters alike, or search without a prior",
        )
    found: list[TaskHistory] = []
    for history in prior.histories:
        old = {new: name for name, new in names[history.task.space].items()}
        if set(part.names) <= old.keys():
            moved = _moved(history, part, {name: old[name] for name in part.names})
            if len(moved):
                taken = {h.task.name for h in found}
                name = free_name(history.task.name, lambda n, taken=taken: n not in taken)  # type: ignore[misc]
                found.append(replace(moved, task=replace(moved.task, name=name)))
    if not found:
        raise InputError(
            f"no trial of the prior has values of {listed(part.names)} that are searched now",
            allowed="ranges and choices that overlap",
            do="Widen the search, or search without a prior",
        )
    return Portfolio(found)


def _common(old: SearchSpace, new: SearchSpace) -> dict[str, str]:
    """Old name -> new name of the parameters that both spaces have."""
    last: dict[str, list[str]] = {}
    for name in new.names:
        last.setdefault(name.rpartition("__")[2], []).append(name)
    result: dict[str, str] = {}
    for name in old.names:
        ends = last.get(name.rpartition("__")[2], [])
        if name in new.distributions:
            result[name] = name
        elif len(ends) == 1 and ends[0] not in old.distributions:
            result[name] = ends[0]
    values = list(result.values())
    return {name: end for name, end in result.items() if values.count(end) == 1}


def _part(space: SearchSpace, names: set[str]) -> SearchSpace | None:
    """The space of some parameters, without those whose parent is not among them."""
    kept: dict[str, BaseDistribution] = {}
    for name in space.names:  # parents first
        if name in names and (name not in space.conditions or space.conditions[name][0] in kept):
            kept[name] = space.distributions[name]
    if not kept:
        return None
    return SearchSpace(
        kept,
        conditions={n: c for n, c in space.conditions.items() if n in kept},
        inner_lr=space.inner_lr if space.inner_lr in kept else None,
        name=space.name,
    )


def _moved(history: TaskHistory, space: SearchSpace, old: Mapping[str, str]) -> TaskHistory:
    """The trials that exist in the new space; old: new name -> old name.

    Values become scores, higher is better, so that tasks of either direction stand side by side.
    """
    known = history.task.space
    raw = np.empty((len(history), len(space.names)))
    keep = np.ones(len(history), dtype=bool)
    for j, name in enumerate(space.names):
        column = history.raw[:, known.names.index(old[name])]
        raw[:, j] = _column(known.distributions[old[name]], space.distributions[name], column)
        inactive = np.isnan(column)
        keep &= inactive | ~np.isnan(raw[:, j])
        if inactive.any() and known.conditions[old[name]][0] not in old.values():
            keep &= ~inactive
        raw[inactive, j] = _middle(space.distributions[name])
    raw[~space.active_raw(raw)] = np.nan
    task = replace(
        history.task, space=space, direction="maximize", metric="score", info=history.task.info
    )
    kept = history.take(keep)
    return replace(kept, task=task, raw=raw[keep], values=kept.scores)


def _column(old: BaseDistribution, new: BaseDistribution, raw: Floats) -> Floats:
    """Raw values (n,) of one parameter in another distribution; NaN where it has no such value."""
    distinct, places = np.unique(raw, return_inverse=True)
    moved = [np.nan if np.isnan(v) else _value(old, new, float(v)) for v in distinct]
    return np.array(moved, dtype=np.float64)[places]


def _value(old: BaseDistribution, new: BaseDistribution, raw: float) -> float:
    value = plain_value(old, raw)
    if isinstance(new, CategoricalDistribution):
        # "none" is what a portfolio of text calls None.
        other = {None: "none", "none": None}.get(value) if value in (None, "none") else value
        found = adapt(value, new) or adapt(other, new)
    else:
        low, high = new.low, new.high  # type: ignore[attr-defined]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        found = adapt(value, new) if is_number and low <= value <= high else None
    return np.nan if found is None else raw_value(new, found[0])


def _middle(distribution: BaseDistribution) -> float:
    """Where a parameter stands that a trial did not have: it made no difference there."""
    alone = SearchSpace({"x": distribution})
    return float(alone.decode_raw(np.full((1, alone.dim), 0.5))[0, 0])


def _renamed_model(model: MetaModel, space: SearchSpace) -> MetaModel:
    """The model with the names of the new space.

    Raises:
        InputError: a parameter that the model always needs is not searched.
    """
    names = _common(model.space, space)
    old = model.space
    lacking = [n for n in old.names if n not in names and n not in old.conditions]
    if lacking:
        raise InputError(
            f"the prior model needs {listed(lacking)}, which is not searched",
            allowed=f"a model of some of {listed(space.names)}",
            do="Give the portfolio that it was fitted to instead: that is matched by name",
        )

    def new(name: str) -> str:
        return names.get(name, name)

    renamed = SearchSpace(
        {new(n): d for n, d in old.distributions.items()},
        conditions={new(n): (new(parent), on) for n, (parent, on) in old.conditions.items()},
        defaults={new(n): v for n, v in old.defaults.items()},
        inner_lr=new(old.inner_lr) if old.inner_lr else None,
        name=old.name,
    )
    return replace(model, space=renamed)


def _embedded(estimator: Any) -> Portfolio:
    """The shipped tasks of the child that an estimator is, in units that both share."""
    while isinstance(estimator, Pipeline):
        estimator = estimator.steps[-1][1]
    name = type(estimator).__name__
    child = _CHILDREN.get(name.removesuffix("Classifier").removesuffix("Regressor"))
    child = child or _CHILDREN.get(name)
    if child is None:
        raise InputError(
            f"no embedded prior for {name}",
            allowed=", ".join(_CHILDREN),
            do="Give a portfolio or your own studies as the prior, or None",
        )
    portfolio = Portfolio.embedded(child)
    for other in _OTHER_UNITS.get(child, ()):
        portfolio = Portfolio(_without(h, other) for h in portfolio.histories)
    return portfolio


def _without(history: TaskHistory, name: str) -> TaskHistory:
    """The history as if a parameter had not been recorded under its name."""
    space = history.task.space
    other = f"{name} of {space.name}"
    renamed = SearchSpace(
        {other if n == name else n: d for n, d in space.distributions.items()},
        conditions={other if n == name else n: c for n, c in space.conditions.items()},
        name=space.name,
    )
    return replace(history, task=replace(history.task, space=renamed))
