"""scikit-learn's defaults, untuned: the best of four by five folds, fitted again."""

from __future__ import annotations

from typing import Any

import numpy as np
from shared import main, version


def system(X: Any, y: Any, X_test: Any, job: dict[str, Any]) -> tuple[Any, Any, dict[str, Any]]:
    """See `shared.main`."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import (
        ExtraTreesClassifier,
        ExtraTreesRegressor,
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    labelled, seed = job["kind"] == "classification", job["seed"]
    numbers = list(X.select_dtypes("number").columns)
    others = [c for c in X.columns if c not in numbers]
    X, X_test = (rows.astype(dict.fromkeys(others, object)) for rows in (X, X_test))

    def with_columns(model: Any) -> Any:
        columns = make_column_transformer(
            (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), others),
        )
        return make_pipeline(columns, model)

    models = {
        "forest": RandomForestClassifier(random_state=seed)
        if labelled
        else RandomForestRegressor(random_state=seed),
        "extra trees": ExtraTreesClassifier(random_state=seed)
        if labelled
        else ExtraTreesRegressor(random_state=seed),
        "boosting": HistGradientBoostingClassifier(random_state=seed)
        if labelled
        else HistGradientBoostingRegressor(random_state=seed),
        "linear": LogisticRegression(max_iter=1000) if labelled else Ridge(),
    }
    folds = (StratifiedKFold if labelled else KFold)(5, shuffle=True, random_state=seed)
    scoring = {
        "roc_auc": "roc_auc_ovr",
        "log_loss": "neg_log_loss",
        "rmse": "neg_root_mean_squared_error",
    }.get(job["metric"], job["metric"])
    scores, said, shares = {}, {}, {}
    for name, model in models.items():
        whole = with_columns(model)
        scores[name] = float(cross_val_score(whole, X, y, cv=folds, scoring=scoring).mean())
        whole.fit(X, y)
        said[name] = whole.predict(X_test)
        if labelled:
            shares[name] = np.zeros((len(X_test), job["classes"]))
            columns = np.asarray(whole.classes_, dtype=np.int64)
            shares[name][:, columns] = whole.predict_proba(X_test)
    best = max(scores, key=lambda name: scores[name])
    others_said = {name: np.asarray(v).tolist() for name, v in said.items()}
    about = {
        "best": best,
        "valid": scores,
        "each": others_said,
        "versions": version("scikit-learn"),
    }
    return said[best], shares.get(best), about


if __name__ == "__main__":
    main(system)
