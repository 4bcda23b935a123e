"""FLAML (Wang, Wu, Weimer and Zhu, MLSys 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np
from shared import main, version


def system(X: Any, y: Any, X_test: Any, job: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """See `shared.main`."""
    from flaml import AutoML

    names = {"roc_auc": "roc_auc" if job["classes"] < 3 else "roc_auc_ovr", "log_loss": "log_loss"}
    metric = names.get(job["metric"], job["metric"])
    model = AutoML()
    model.fit(
        X,
        y,
        task=job["kind"],
        metric=_balanced if metric == "balanced_accuracy" else metric,
        time_budget=job["seconds"],
        n_jobs=1,
        seed=job["seed"],
        verbose=0,
    )
    labelled = job["kind"] == "classification"
    shares = None
    if labelled:
        shares = np.zeros((len(X_test), job["classes"]))
        shares[:, np.asarray(model.classes_, dtype=np.int64)] = model.predict_proba(X_test)
    about = {"best": model.best_estimator, "versions": version("flaml")}
    return model.predict(X_test), shares, about


def _balanced(
    X_val: Any,
    y_val: Any,
    estimator: Any,
    labels: Any,
    X_train: Any,
    y_train: Any,
    *rest: Any,
    **_: Any,
) -> tuple[float, dict[str, float]]:
    from sklearn.metrics import balanced_accuracy_score

    loss = 1.0 - float(balanced_accuracy_score(y_val, estimator.predict(X_val)))
    return loss, {"loss": loss}


if __name__ == "__main__":
    main(system)
