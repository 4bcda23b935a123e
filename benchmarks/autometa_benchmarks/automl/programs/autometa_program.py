"""autometa: whole, its single best, or a race that knows no prior tasks."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from shared import main, version


def system(X: Any, y: Any, X_test: Any, job: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """See `shared.main`."""
    import pandas as pd

    from autometa.tables import Table
    from autometa.tuning.session import BRIEF
    from autometa.tuning.tune import tune_table

    options = dict(job["options"])
    table = Table(
        name=job["table"],
        family=job["family"],  # relatives are no prior tasks
        X=X,
        y=pd.Series(y),
        kind=job["kind"],
        keep=list(X.columns),
    )
    warmed = 0.0
    cached = options.pop("cached", False)
    if cached and job["seconds"] >= BRIEF:  # as on any second call; shorter ones use none
        warmed = _fit_models(table, job)
    begun = time.perf_counter()
    result = tune_table(
        table,
        metric=job["metric"],
        time=job["seconds"],
        seed=job["seed"],
        started=begun,
        **options,
    )
    said = result.predict(X_test)
    took = time.perf_counter() - begun
    labelled = job["kind"] == "classification"
    about = {
        "seconds": took,
        "fitting_models": warmed,
        "trials": len(result.warm),
        "members": [[t.child, t.number, w] for t, w in result.members],
        "valid": result.best_value,
        "prior_tasks": result.prior_tasks,
        "notes": list(result.notes),
        "defaults": {t.child: t.value for t in result.warm.trials if t.rule == "default"},
        "versions": version("autometa", "optuna", "scikit-learn", "lightgbm"),
    }
    shares = None
    if labelled:
        shares = np.zeros((len(X_test), job["classes"]))
        shares[:, np.asarray(result.classes_, dtype=np.int64)] = result.predict_proba(X_test)
    return said, shares, about


def _fit_models(table: Any, job: dict[str, Any]) -> float:
    from autometa.meta import MetaLearner, model_cache
    from autometa.tuning.arguments import families_of
    from autometa.tuning.scoring import Scoring
    from autometa.tuning.table_priors import gatherer

    begun, chosen = time.perf_counter(), families_of(None, table)
    scoring = Scoring.of(job["metric"], job["kind"], job["classes"])
    gather = gatherer("embedded", chosen, table, scoring.standard.name)
    for child in chosen:
        prior = gather((child.name,))[child.name].portfolio
        if len(prior):
            model_cache.fitted(MetaLearner(seed=0), prior, child.space)
    return time.perf_counter() - begun


if __name__ == "__main__":
    main(system)
