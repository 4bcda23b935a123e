from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
import sklearn
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from scipy import sparse
from scipy.stats import loguniform
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.datasets import make_classification, make_regression
from sklearn.exceptions import FitFailedWarning, NotFittedError
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GroupKFold, ShuffleSplit, cross_val_score
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import autometa
from autometa import MetaSearchCV, SearchSpace
from autometa.errors import AutometaError, InputError
from autometa.priors.beginning import Beginning
from autometa.priors.prior_model import Fitted
from autometa.sklearn.cv_task import table_of
from autometa.task import Task, TaskHistory

X, y = make_classification(90, 5, n_informative=3, n_classes=3, random_state=0)
NAMES = np.array(["ant", "bee", "cat"])[y]
DEPTH = {"max_depth": IntDistribution(1, 6), "min_samples_leaf": [1, 5, 20]}
NEIGHBOURS = {"n_neighbors": IntDistribution(1, 30), "weights": ["uniform", "distance"]}


def tree(**options: Any) -> MetaSearchCV:
    made: dict[str, Any] = {"n_trials": 4, "cv": 3, "random_state": 0, **options}
    return MetaSearchCV(DecisionTreeClassifier(random_state=0), DEPTH, **made)


def prior(name: str = "C", best: float = 0.01) -> autometa.Portfolio:
    """Six tasks on which one value of a parameter is the best."""
    space = SearchSpace({name: FloatDistribution(1e-4, 1e4, log=True)})
    raw = np.logspace(-4, 4, 17)[:, None]
    return autometa.Portfolio(
        TaskHistory(
            task=Task(name=f"t{i}", space=space, direction="maximize"),
            raw=raw,
            values=-((np.log10(raw[:, 0] / best) + 0.05 * i) ** 2),
        )
        for i in range(6)
    )


def params(search: MetaSearchCV) -> list[dict[str, Any]]:
    return [t.params for t in search.trials_]


def test_a_sparse_matrix_is_a_table_where_it_is_not_wide() -> None:
    known = table_of(sparse.csr_matrix(X), y[:, None], "classification")
    assert known is not None
    assert known.X.shape == X.shape
    for shape in ((90, 1001), (20_000, 600)):
        rows = np.arange(shape[0]) % 2
        assert table_of(sparse.csr_matrix(shape), rows, "classification") is None
    assert table_of(["a b", "c"] * 45, y, "classification") is None


def test_the_attributes_of_a_search() -> None:
    search = tree(return_train_score=True).fit(X, NAMES)
    assert search.n_trials_ == len(search.trials_) == len(search.cv_results_["params"]) == 4
    table = search.cv_results_
    folds = [table[f"split{k}_test_score"] for k in range(search.n_splits_)]
    assert np.mean(folds, axis=0) == pytest.approx(table["mean_test_score"])
    assert table["mean_test_score"].tolist() == [t.value for t in search.trials_]
    assert table["rank_test_score"][search.best_index_] == 1
    assert table["params"][search.best_index_] == search.best_params_ == search.best_trial_.params
    assert table["param_max_depth"].tolist() == [p["max_depth"] for p in params(search)]
    assert {"mean_fit_time", "std_score_time", "mean_train_score"} <= table.keys()
    assert search.best_score_ == max(table["mean_test_score"]) == search.study_.best_value
    model = DecisionTreeClassifier(random_state=0, **search.best_params_)
    assert cross_val_score(model, X, NAMES, cv=3).mean() == pytest.approx(search.best_score_)
    assert (search.predict(X) == model.fit(X, NAMES).predict(X)).all()
    assert search.score(X, NAMES) == model.score(X, NAMES)
    assert (search.classes_.tolist(), search.n_features_in_) == (["ant", "bee", "cat"], 5)
    assert search.sample_indices_.tolist() == list(range(90))
    assert search.refit_time_ > 0
    assert not search.multimetric_
    assert not hasattr(search, "decision_function")  # a tree has none
    assert search.estimator.get_params()["max_depth"] is None


def test_methods_come_and_go_with_the_estimator() -> None:
    search = MetaSearchCV(SVC(), {"C": loguniform(0.1, 10)}, n_trials=1, cv=2)
    assert hasattr(search, "decision_function")
    assert not hasattr(search, "predict_proba")
    with pytest.raises(NotFittedError):
        search.predict(X)
    unrefitted = clone(search).fit(X, y).set_params(refit=False).fit(X, y)
    assert unrefitted.best_score_ > 0.3
    assert not hasattr(unrefitted, "predict")
    assert not hasattr(unrefitted, "classes_")
    clusters = MetaSearchCV(KMeans(n_init=1), {"n_clusters": [2, 3]}, n_trials=2, cv=2).fit(X)
    assert clusters.transform(X).shape[1] == clusters.best_params_["n_clusters"]


def test_pipelines_clones_and_nested_cross_validation() -> None:
    inner = make_pipeline(StandardScaler(), LogisticRegression())
    asked = {
        "logisticregression__C": loguniform(1e-3, 1e3),
        "standardscaler": [StandardScaler(), "passthrough"],
    }
    search = MetaSearchCV(inner, asked, n_trials=3, cv=2, random_state=0)
    outer = Pipeline([("scale", StandardScaler()), ("search", search)])
    scores = cross_val_score(outer, X, NAMES, cv=2)
    assert scores.min() > 0.4
    fitted = outer.fit(X, NAMES).named_steps["search"]
    assert not hasattr(clone(search), "best_params_")
    assert str(fitted.best_params_["standardscaler"]) in ("StandardScaler()", "passthrough")
    assert (pickle.loads(pickle.dumps(outer)).predict(X) == outer.predict(X)).all()


def test_three_and_three_trials_are_six(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'study.db'}"
    study = optuna.create_study(study_name="s", storage=url, direction="maximize")
    own = study.sampler
    first = tree(n_trials=3, study=study).fit(X, y)
    again = optuna.load_study(study_name="s", storage=url)
    second = tree(n_trials=3, study=again).fit(X, y)
    assert (first.n_trials_, second.n_trials_) == (3, 6)
    assert params(second) == params(tree(n_trials=6).fit(X, y))
    assert study.sampler is own
    assert second.cv_results_["mean_test_score"][:3] == pytest.approx(
        first.cv_results_["mean_test_score"]
    )


def test_a_study_about_something_else_is_not_continued() -> None:
    study = tree(n_trials=2).fit(X, y).study_
    for other in (tree(study=study, cv=2), tree(study=study, scoring="balanced_accuracy")):
        with pytest.raises(InputError, match="give this one as the prior"):
            other.fit(X, y)
    with pytest.raises(InputError, match="is about data"):
        tree(study=study).fit(X, y[::-1])
    with pytest.raises(InputError, match="maximised"):
        tree(study=optuna.create_study()).fit(X, y)
    assert len(study.trials) == 2
    assert len(tree(n_trials=1, prior=study).fit(X[:60], y[:60]).prior_.space.names) == 2


class Fussy(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier that cannot be trained with some levels."""

    def __init__(self, level: int = 0) -> None:
        self.level = level

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Fussy:
        if self.level > 1:
            raise RuntimeError(f"level {self.level} explodes")
        self.classes_ = np.unique(y)
        self.weights_ = sample_weight
        return self

    def predict(self, X: Any) -> Any:
        return np.full(len(X), self.classes_[0])


def test_a_config_that_fails_is_a_failed_trial() -> None:
    search = MetaSearchCV(Fussy(), {"level": [0, 1, 2, 3]}, n_trials=8, cv=2, random_state=0)
    with pytest.warns(FitFailedWarning, match="explodes"):
        search.fit(X, y)
    failed = [t.state == optuna.trial.TrialState.FAIL for t in search.trials_]
    assert 0 < sum(failed) < 8
    assert np.isnan(search.cv_results_["mean_test_score"]).tolist() == failed
    assert set(search.cv_results_["rank_test_score"][failed]) == {9 - sum(failed)}
    assert search.best_params_["level"] < 2
    zero = clone(search).set_params(error_score="raise")
    with pytest.raises(RuntimeError, match="explodes"):
        zero.fit(X, y)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning")
def test_a_search_that_only_fails_says_why() -> None:
    undefined = MetaSearchCV(Fussy(), {"level": [0]}, n_trials=1, scoring=lambda *a: np.nan, cv=2)
    with pytest.raises(InputError, match="a fold scored nan"):
        undefined.fit(X, y)
    search = MetaSearchCV(Fussy(), {"level": [2]}, n_trials=2, cv=2)
    with pytest.raises(InputError, match="all 2 trials failed: RuntimeError: level 2 explodes"):
        search.fit(X, y)


@pytest.mark.parametrize("length", [0, 89, 91])
@pytest.mark.parametrize("kind", [list, np.array, pd.Series])
def test_groups_of_other_rows_are_refused(length: int, kind: Any) -> None:
    search = MetaSearchCV(Ridge(), {"alpha": (0.1, 1.0)}, cv=GroupKFold(3), n_trials=1)
    with pytest.raises(InputError, match=f"groups of {length} values. allowed: one for each of 90"):
        search.fit(X, y, groups=kind([i % 3 for i in range(length)]))


def test_no_rows_are_said() -> None:
    with pytest.raises(InputError, match="X has 0 rows"):
        MetaSearchCV(Ridge(), {"alpha": (0.1, 1.0)}, n_trials=1).fit(X[:0], y[:0])


def test_groups_and_weights_arrive() -> None:
    groups = np.arange(90) % 3
    search = MetaSearchCV(Fussy(), {"level": [0, 1]}, n_trials=1, cv=GroupKFold(3))
    search.fit(X, y, groups=groups, sample_weight=np.arange(90.0))
    assert search.best_estimator_.weights_.tolist() == list(range(90))
    assert search.n_splits_ == 3
    with pytest.raises(InputError, match="metadata routing"):
        search.score(X, y, sample_weight=groups)
    with sklearn.config_context(enable_metadata_routing=True):
        weighed = Fussy().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        routed = clone(search).set_params(estimator=weighed)
        nested = cross_val_score(
            routed,
            X,
            y,
            cv=2,
            params={"groups": groups, "sample_weight": np.ones(90)},
        )
        assert np.isfinite(nested).all()
        routed.fit(X, y, groups=groups, sample_weight=np.ones(90))
        assert routed.best_estimator_.weights_.sum() == 90


def test_all_trials_see_the_same_splits() -> None:
    search = tree(cv=ShuffleSplit(2, test_size=0.3), n_trials=6, subsample=0.5)
    search.param_distributions = {"max_depth": [3]}
    scores = search.fit(X, y).cv_results_["split0_test_score"]
    assert len(set(scores)) == 1
    assert len(search.sample_indices_) == 45
    assert len(tree(subsample=30).fit(X, y).sample_indices_) == 30


def test_a_prior_decides_the_first_trials() -> None:
    asked = {"logisticregression__C": loguniform(1e-4, 1e4)}
    model = make_pipeline(StandardScaler(), LogisticRegression())
    search = MetaSearchCV(model, asked, prior=prior(best=0.01), n_trials=2, cv=2, random_state=0)
    search.fit(X, y)
    assert -2.5 < np.log10(search.trials_[0].params["logisticregression__C"]) < -1.5
    assert search.trials_[0].user_attrs["autometa:rule"] == "portfolio"
    assert search.prior_.tasks == ("t0", "t1", "t2", "t3", "t4", "t5")
    given = clone(search).set_params(prior=search.prior_).fit(X, y)
    assert params(given) == params(search)
    with pytest.raises(InputError, match="none of which is searched"):
        clone(search).set_params(prior=prior("alpha")).fit(X, y)


def test_meta_features_are_computed_where_the_prior_has_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Any] = []

    def sampler(model: Any, *, seed: int, meta_features: Any = None, **more: Any) -> Any:
        seen.append(meta_features)
        return optuna.samplers.RandomSampler(seed=seed)

    monkeypatch.setattr("autometa.sklearn.estimator.MetaSampler", sampler)
    search = MetaSearchCV(
        KNeighborsClassifier(),
        {"n_neighbors": IntDistribution(1, 30)},
        prior="embedded",
        n_trials=1,
        cv=2,
        random_state=0,
    )
    monkeypatch.setattr("autometa.sklearn.estimator.fit_known", _small_model)
    search.fit(X, y)
    clone(search).set_params(meta_features={"rows": 1.0}).fit(X, y)
    clone(search).set_params(meta_features=None).fit(X, y)
    clone(search).set_params(prior=prior("n_neighbors")).fit(X, y)
    assert len(seen[0]) > 40
    assert seen[1:] == [{"rows": 1.0}, None, None]


def _small_model(known: Any, space: SearchSpace, **options: Any) -> Fitted:
    some = autometa.Portfolio(known.prior.histories[:3])
    tasks = autometa.MetaLearner(steps=2).fit(prior()).tasks
    features = tuple(h.task.meta_features for h in some.histories)
    model = autometa.MetaModel(space=space, tasks=tasks, meta_features=features, transfer=None)
    return Fitted(model=model, beginning=Beginning())


@pytest.mark.parametrize("scoring", [None, "roc_auc_ovr", "neg_log_loss"])
def test_an_ensemble_of_classifiers(scoring: str | None) -> None:
    search = MetaSearchCV(
        KNeighborsClassifier(),
        NEIGHBOURS,
        ensemble=True,
        scoring=scoring,
        n_trials=8,
        cv=3,
        random_state=0,
    ).fit(X, NAMES)
    assert search.ensemble_score_ >= search.best_score_ - 1e-12
    assert sum(search.weights_.values()) == pytest.approx(1.0)
    assert list(search.weights_.values()) == sorted(search.weights_.values(), reverse=True)
    expected = sum(
        w * KNeighborsClassifier(**search.cv_results_["params"][n]).fit(X, NAMES).predict_proba(X)
        for n, w in search.weights_.items()
    )
    assert search.predict_proba(X) == pytest.approx(expected)
    assert set(search.predict(X)) <= set(NAMES)
    assert not hasattr(search, "kneighbors")
    if scoring is None:
        assert search.score(X, NAMES) == (search.predict(X) == NAMES).mean()


def test_an_ensemble_of_regressors_takes_up_an_earlier_fit() -> None:
    rows, target = make_regression(80, 4, noise=20, random_state=0)
    search = MetaSearchCV(
        KNeighborsRegressor(), NEIGHBOURS, ensemble=True, n_trials=6, cv=3, random_state=0
    ).fit(rows, target)
    members = search.ensemble_.members
    expected = sum(m.weight * m.model.predict(rows) for m in members)
    assert search.predict(rows) == pytest.approx(expected)
    assert not hasattr(search, "predict_proba")
    assert search.ensemble_score_ >= search.best_score_ - 1e-12
    more = clone(search).set_params(study=search.study_, n_trials=1).fit(rows, target)
    assert more.n_trials_ == 7
    assert more.ensemble_score_ >= more.best_score_ - 1e-12
    assert more.set_params(ensemble=False, study=None).fit(rows, target).predict(rows).shape == (
        80,
    )
    assert not hasattr(more, "weights_")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"estimator": 3}, "estimator of type int"),
        ({"scoring": ["accuracy", "f1"]}, "one metric"),
        ({"n_trials": 0}, "n_trials"),
        ({"n_trials": True}, "n_trials"),
        ({"n_trials": None}, "neither n_trials nor timeout"),
        ({"timeout": -1.0}, "timeout"),
        ({"error_score": "ignore"}, "error_score"),
        ({"error_score": np.inf}, "error_score"),
        ({"refit": "accuracy"}, "refit"),
        ({"meta_features": "all"}, "meta_features"),
        ({"study": "mine"}, "study of type str"),
        ({"subsample": 0.0}, "subsample"),
        ({"subsample": 1000}, "subsample"),
        ({"param_distributions": {}}, "empty space"),
        ({"prior": "nowhere.db"}, "nowhere.db"),
        ({"ensemble": True, "refit": False}, "refit=True"),
        ({"ensemble": True, "estimator": KMeans()}, "KMeans"),
        ({"ensemble": True, "estimator": SVC(kernel="precomputed")}, "precomputed"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], what: str) -> None:
    search = tree().set_params(**options)
    with pytest.raises(AutometaError, match=what):
        search.fit(X, y)


def test_an_ensemble_needs_one_target() -> None:
    search = MetaSearchCV(Ridge(), {"alpha": [1.0]}, ensemble=True, n_trials=1, cv=2)
    with pytest.raises(InputError, match="one target"):
        search.fit(X, np.stack([y, y], axis=1))


def test_time_and_callbacks_end_a_search() -> None:
    stopped = tree(n_trials=None, timeout=60.0, callbacks=[lambda study, trial: study.stop()])
    assert stopped.fit(X, y).n_trials_ == 1


def test_a_conditional_space_is_searched() -> None:
    space = SearchSpace(
        {"kernel": CategoricalDistribution(["linear", "rbf"]), "gamma": FloatDistribution(0.1, 1)},
        conditions={"gamma": ("kernel", ["rbf"])},
    )
    search = MetaSearchCV(SVC(), space, n_trials=6, cv=2, random_state=1).fit(X, y)
    kernels = search.cv_results_["param_kernel"].tolist()
    assert set(kernels) == {"linear", "rbf"}
    assert search.cv_results_["param_gamma"].mask.tolist() == [k == "linear" for k in kernels]
