"""LightGBM searched by Optuna's TPE in the space of its own tutorial, the best fitted again."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from shared import main, version

KEPT = 0.1  # of the time, for the last fit


def system(X: Any, y: Any, X_test: Any, job: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """See `shared.main`."""
    import lightgbm
    import optuna
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    begun, labelled = time.perf_counter(), job["kind"] == "classification"
    kind = lightgbm.LGBMClassifier if labelled else lightgbm.LGBMRegressor
    folds = (StratifiedKFold if labelled else KFold)(5, shuffle=True, random_state=job["seed"])
    scoring = {"roc_auc": "roc_auc_ovr", "log_loss": "neg_log_loss"}.get(
        job["metric"], job["metric"]
    )
    if job["metric"] == "rmse":
        scoring = "neg_root_mean_squared_error"

    def built(params: dict[str, Any]) -> Any:
        return kind(
            **params,
            n_estimators=100,
            subsample_freq=1,
            n_jobs=1,
            verbose=-1,
            random_state=job["seed"],
        )

    def objective(trial: Any) -> float:
        params = {
            "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 2, 256, log=True),
            "min_child_samples": trial.suggest_int("min_child_samples", 5, 100),
            "subsample": trial.suggest_float("subsample", 0.4, 1.0),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.4, 1.0),
            "reg_alpha": trial.suggest_float("reg_alpha", 1e-8, 10.0, log=True),
            "reg_lambda": trial.suggest_float("reg_lambda", 1e-8, 10.0, log=True),
        }
        return float(cross_val_score(built(params), X, y, cv=folds, scoring=scoring).mean())

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=job["seed"])
    )
    left = job["seconds"] * (1 - KEPT) - (time.perf_counter() - begun)
    study.optimize(objective, timeout=max(0.1, left), catch=(Exception,))
    done = [t for t in study.trials if t.value is not None]
    model = built(study.best_params if done else {}).fit(X, y)
    shares = None
    if labelled:
        shares = np.zeros((len(X_test), job["classes"]))
        shares[:, np.asarray(model.classes_, dtype=np.int64)] = model.predict_proba(X_test)
    about = {"trials": len(study.trials), "versions": version("lightgbm", "optuna")}
    return model.predict(X_test), shares, about


if __name__ == "__main__":
    main(system)
