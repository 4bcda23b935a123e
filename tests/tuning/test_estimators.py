from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pyarrow as pa
import pytest
from sklearn import config_context
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from autometa import AutoClassifier, AutoRegressor
from autometa.children.evaluation.evaluate import run
from autometa.errors import InputError
from autometa.tuning import cross_validator

SHORT: dict[str, Any] = {"n_trials": 1, "families": ["linear"], "portfolio": None, "cv": 2}


class Here:
    """Evaluates in this process: a new one for each of hundreds of fits would take minutes."""

    def prepare(self, table: Any, child: Any, **options: Any) -> None:
        pass

    def run(self, child: Any, config: Any, table: Any, *, predictions: Any, **options: Any) -> Any:
        return run(child, config, table, **options)

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(cross_validator, "new_evaluator", Here)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


ROWS = "folds are dealt out by rows: one row of weight two is not two rows"
_UNLIKE = {
    "check_sample_weight_equivalence_on_dense_data": ROWS,
    "check_sample_weight_equivalence_on_sparse_data": ROWS,
}


@pytest.mark.filterwarnings("ignore::autometa.tables.TableWarning")
@parametrize_with_checks(
    [AutoClassifier(**SHORT), AutoRegressor(**SHORT)], expected_failed_checks=lambda _: _UNLIKE
)
def test_scikit_learns_checks(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)


def test_frames_with_text_and_labels_as_they_came() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.normal(size=60), "b": ["u", "v", "w"] * 20})
    y = np.where(frame["a"] + 0.3 * rng.normal(size=60) > 0, "yes", "no")
    model = AutoClassifier(**SHORT, metric="roc_auc").fit(frame, y)
    assert set(model.predict(frame)) == {"yes", "no"}
    assert list(model.classes_) == ["no", "yes"]
    assert list(model.feature_names_in_) == ["a", "b"]
    assert model.result_.metric == "roc_auc"
    assert len(model.leaderboard()) == 1
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["a"]])
    arrow = pa.table(frame)
    again = AutoClassifier(**SHORT, metric="roc_auc").fit(arrow, pa.array(y))
    assert list(again.feature_names_in_) == ["a", "b"]
    assert np.array_equal(again.predict(arrow), model.predict(frame))


def test_in_a_pipeline_and_cross_validated() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    y = X[:, 0] + 0.1 * rng.normal(size=80)
    scores = cross_val_score(make_pipeline(StandardScaler(), AutoRegressor(**SHORT)), X, y, cv=2)
    assert scores.min() > 0.9


def test_sparse_rows_as_a_step_before_makes_them() -> None:
    rng = np.random.default_rng(0)
    words = rng.choice(["u", "v", "w"], size=(90, 2))
    y = np.where(words[:, 0] == "u", 1, 0)
    model = make_pipeline(OneHotEncoder(), AutoClassifier(**SHORT)).fit(words, y)
    assert model.score(words, y) == 1.0
    dense = make_pipeline(OneHotEncoder(sparse_output=False), AutoClassifier(**SHORT)).fit(words, y)
    assert np.array_equal(model.predict_proba(words), dense.predict_proba(words))
    assert model.named_steps["autoclassifier"].n_features_in_ == 6


@pytest.mark.parametrize("state", ["a", 1.5, -1, np.random.default_rng(0)])
def test_a_state_that_is_no_seed_is_refused(state: Any) -> None:
    with pytest.raises(InputError, match="random_state"):
        AutoRegressor(**SHORT, random_state=state).fit(np.eye(6), np.arange(6))


def test_bad_options_are_refused_as_tune_refuses_them() -> None:
    X, y = np.random.default_rng(0).normal(size=(20, 2)), [0, 1] * 10
    for options in ({"families": ["oak"]}, {"metric": "r2"}, {"n_trials": 0}, {"cv": 1}):
        with pytest.raises(InputError):
            AutoClassifier(**{**SHORT, **options}).fit(X, y)


@pytest.mark.parametrize("missing", [None, np.nan])
def test_missing_labels_are_named(missing: Any) -> None:
    y = np.array([missing, "a", "b"] * 4, dtype=object)
    with pytest.raises(InputError, match="contains NaN: 4 missing targets"):
        AutoClassifier(**SHORT).fit(np.eye(12), y)


@pytest.mark.parametrize(
    ("labels", "dtype"),
    [
        ([2**62 + 1, 2**62], "Int64"),
        ([2**62 + 1, 2**62], "int64[pyarrow]"),
        ([True, False], "boolean"),
        ([True, False], "bool[pyarrow]"),
        (["ja", "nö"], "string"),
        (["ja", "nö"], "category"),
    ],
)
def test_labels_of_pandas_own_types_come_back_as_they_came(labels: list[Any], dtype: Any) -> None:
    X = np.arange(20.0)[:, None] >= 10
    y = pd.Series([labels[int(first)] for first in X[:, 0]]).astype(dtype)
    said = AutoClassifier(**SHORT).fit(X.astype(float), y).predict(X.astype(float)).tolist()
    assert said == y.tolist()
    assert [type(label) for label in said] == [type(label) for label in y.tolist()]


@pytest.mark.parametrize("dtype", ["Int64", "boolean"])
def test_missing_labels_of_pandas_own_types_are_named(dtype: Any) -> None:
    y = pd.Series([None, 1, 0] * 4).astype("Int64").astype(dtype)
    with pytest.raises(ValueError, match="contains NaN"):
        AutoClassifier(**SHORT).fit(np.eye(12), y)


@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("family", ["svm", "linear"])
def test_a_model_is_fitted_and_predicts_whatever_transformers_are_set_to_return(
    family: str, container: str
) -> None:
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = (X[:, 0] > 0).astype(int)
    model = AutoClassifier(**{**SHORT, "families": [family]})
    with config_context(transform_output=container):
        said = model.fit(X, y).predict(X)
    assert (said == AutoClassifier(**{**SHORT, "families": [family]}).fit(X, y).predict(X)).all()


@pytest.mark.parametrize(
    "y", [["$1", "$2"] * 10, pd.Series(["a", "b"] * 10, dtype="string"), [{"a": 1}, 2.0] * 10]
)
def test_a_regression_on_what_is_no_number_says_what_to_do(y: Any) -> None:
    with pytest.raises(InputError, match=r"no number .*allowed: a number.*autometa\.tune"):
        AutoRegressor(**SHORT).fit(np.arange(20.0)[:, None], y)
