"""AutoGluon (Erickson et al., 2020), preset medium_quality."""

from __future__ import annotations

import tempfile
from typing import Any

from shared import main, version


def system(X: Any, y: Any, X_test: Any, job: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """See `shared.main`."""
    from autogluon.tabular import TabularPredictor

    classes = {0: "regression", 2: "binary"}
    with tempfile.TemporaryDirectory() as folder:
        model = TabularPredictor(
            "target",
            problem_type=classes.get(job["classes"], "multiclass"),
            eval_metric="roc_auc_ovo" if _many_auc(job) else job["metric"],
            path=folder,
            verbosity=0,
        ).fit(
            X.assign(target=y),
            presets=job["options"].get("presets", "medium_quality"),
            time_limit=job["seconds"],
            num_cpus=1,
        )
        shares = None
        if job["kind"] == "classification":
            told = model.predict_proba(X_test)
            shares = told.reindex(columns=range(job["classes"]), fill_value=0.0).to_numpy()
        about = {"best": model.model_best, "versions": version("autogluon.tabular")}
        return model.predict(X_test).to_numpy(), shares, about


def _many_auc(job: dict[str, Any]) -> bool:
    return bool(job["metric"] == "roc_auc" and job["classes"] > 2)


if __name__ == "__main__":
    main(system)
