"""Nearest neighbours (scikit-learn), after an optional change of the features' geometry."""

from __future__ import annotations

from typing import Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.children.child import Child
from autometa.space import Config, SearchSpace
from autometa.tables import Schema

NAME = "k_nearest_neighbors"

SPACE = SearchSpace(
    {
        "n_neighbors": IntDistribution(1, 100, log=True),
        "weights": CategoricalDistribution(["uniform", "distance"]),
        "metric": CategoricalDistribution(["euclidean", "manhattan", "chebyshev", "cosine"]),
        "scaling": CategoricalDistribution(["standard", "quantile"]),
        "pca": CategoricalDistribution(["none", "rotate", "whiten"]),
        "variance": FloatDistribution(0.3, 0.999),
    },
    conditions={"variance": ("pca", ["rotate", "whiten"])},
    defaults={
        "n_neighbors": 5,
        "weights": "uniform",
        "metric": "euclidean",
        "scaling": "standard",
        "pca": "none",
    },
    name=NAME,
)


def _model(config: Config, schema: Schema, seed: int) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    steps: list[Any] = []
    if config["scaling"] == "quantile":
        bins = min(200, max(2, schema.rows // 2))
        steps.append(QuantileTransformer(n_quantiles=bins, random_state=seed))
    if config["pca"] != "none":
        whiten = config["pca"] == "whiten"
        steps.append(PCA(n_components=config["variance"], whiten=whiten, svd_solver="full"))
    kind = KNeighborsRegressor if schema.kind == "regression" else KNeighborsClassifier
    wanted = config["n_neighbors"]
    assert isinstance(wanted, int)
    steps.append(
        kind(
            # A training fold has at least half of the rows.
            n_neighbors=max(1, min(wanted, schema.rows // 2)),
            weights=config["weights"],
            metric=config["metric"],
            algorithm="brute",
        )
    )
    return make_pipeline(*steps)


CHILD = Child(
    name=NAME,
    space=SPACE,
    tuned={
        "n_neighbors": 12,
        "weights": "distance",
        "metric": "manhattan",
        "scaling": "quantile",
        "pca": "none",
    },
    preparation="scaled",
    model=_model,
    needs=("sklearn.decomposition", "sklearn.neighbors"),
)
