from __future__ import annotations

import warnings
from io import StringIO
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone

from autometa import children
from autometa.children.pipeline import TablePipeline
from autometa.errors import InputError
from autometa.tables import Table, TableWarning

RNG = np.random.default_rng(0)
ROWS = 80
FAST = ("random_forest", "linear", "k_nearest_neighbors", "hist_gradient_boosting")


def rows() -> pd.DataFrame:
    """Numbers, a flag that decides, and a category; nothing is missing."""
    flag = RNG.random(ROWS) < 0.5
    return pd.DataFrame(
        {
            "size": RNG.normal(size=ROWS),
            "flag": flag,
            "town": RNG.choice(["a", "b", "c"], ROWS),
        }
    )


X = rows()


def fitted(
    y: Any, *, child: str = "linear", features: Any = X, **config: Any
) -> tuple[TablePipeline, Table]:
    table = Table(name="t", X=features, y=pd.Series(y), kind="classification")
    of = children.get(child)
    known = {**of.space.defaults, **config}
    return of.build(known, table.schema, 0).fit(table.X, table.y), table


# Labels -------------------------------------------------------------------------------------------

LABELS = {
    "digits as text": ["1", "2"],
    "numbers": [3, 7],
    "floats": [0.5, 1.5],
    "booleans": [True, False],
    "text": ["no", "yes"],
    "a sorted category": pd.Categorical(["low", "high"], ["low", "high"], ordered=True),
}


@pytest.mark.parametrize("name", children.names())
@pytest.mark.parametrize("labels", list(LABELS))
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_every_family_predicts_the_labels_it_was_given(name: str, labels: str) -> None:
    pair = LABELS[labels]
    y = pd.Series(pair).iloc[X["flag"].to_numpy(dtype=int)].reset_index(drop=True)
    weighted = "class_weight" in children.get(name).space.names
    model, table = fitted(y, child=name, **({"class_weight": "balanced"} if weighted else {}))
    predicted = model.predict(X)
    assert set(predicted) <= set(y)
    assert {type(p) for p in predicted.tolist()} == {type(v) for v in y.tolist()}
    assert (predicted == y.to_numpy()).mean() > 0.7
    assert list(model.classes_) == list(table.y.cat.categories)
    if hasattr(model, "predict_proba"):
        best = model.classes_[model.predict_proba(X).argmax(axis=1)]
        assert (best == predicted).mean() > 0.9


def test_the_model_sees_the_class_numbers_that_the_search_saw() -> None:
    """In the order of a category, which is not the order of its names."""
    words = pd.Categorical(np.where(X["flag"], "low", "high"), ["low", "high"])
    model, table = fitted(words)
    assert list(model[-1].classes_) == [0, 1]
    child = children.get("linear")
    coded = child.model(dict(child.space.defaults), table.schema, 0)
    coded.fit(model[:-1].transform(table.X), table.labels)
    assert np.array_equal(coded.coef_, model[-1].coef_)


@pytest.mark.parametrize("shape", ["column", "frame", "list", "array"])
def test_a_target_may_come_as_a_column(shape: str) -> None:
    words = np.where(X["flag"], "yes", "no")
    y = {
        "column": words[:, None],
        "frame": pd.DataFrame({"y": words}),
        "list": words.tolist(),
        "array": words,
    }[shape]
    model, _ = fitted(words)
    again = clone(model).fit(X, y)
    assert np.array_equal(again.predict(X), model.predict(X))
    assert model.score(X, y) > 0.9
    with pytest.raises(InputError, match=r"\(80, 2\)"):
        clone(model).fit(X, np.column_stack([words, words]))


# Rows to predict ----------------------------------------------------------------------------------

Y = np.where(X["flag"], "yes", "no")


@pytest.mark.parametrize("name", FAST)
@pytest.mark.parametrize(
    "form", [int, float, str, lambda v: str(v).lower(), lambda v: str(int(v)), np.bool_, object]
)
def test_true_and_false_in_any_form(name: str, form: Any) -> None:
    model, _ = fitted(Y, child=name)
    flags = pd.Series([form(v) if form is not object else v for v in X["flag"]], dtype=object)
    typed = X.assign(flag=flags)
    assert np.array_equal(model.predict(typed), model.predict(X))
    assert np.array_equal(model.predict(X.assign(flag=flags.infer_objects())), model.predict(X))


@pytest.mark.parametrize("name", children.names())
def test_cells_may_be_missing_where_no_training_row_lacked_one(name: str) -> None:
    model, table = fitted(Y, child=name)
    assert not table.schema.missing
    for column in X.columns:
        holes = X.astype({column: object}).assign(**{column: None})
        predicted = model.predict(holes)
        assert set(predicted) <= {"yes", "no"}
    nullable = X.assign(size=pd.array([None, *X["size"][1:]], dtype="Float64"))
    assert len(model.predict(nullable)) == ROWS


@pytest.mark.parametrize("name", FAST)
def test_unseen_categories_are_told_and_predicted(name: str) -> None:
    model, _ = fitted(Y, child=name)
    with pytest.warns(TableWarning, match="'town' has values that no training row had: 'z'"):
        assert len(model.predict(X.assign(town="z"))) == ROWS


def test_a_category_of_numbers_is_known_as_integer_and_as_float() -> None:
    coded = X.assign(town=pd.Categorical(X["town"].map({"a": 1, "b": 2, "c": 3})))
    model, _ = fitted(Y, features=coded)
    floats = coded.assign(town=coded["town"].astype(float))
    texts = coded.assign(town=coded["town"].astype(str))
    for form in (floats, texts, coded.assign(town=coded["town"].astype(int))):
        assert np.array_equal(model.predict(form), model.predict(coded))


def test_columns_count_by_name_and_in_a_matrix_by_place() -> None:
    model, _ = fitted(Y)
    wanted = model.predict(X)
    assert np.array_equal(model.predict(X[["town", "size", "flag"]]), wanted)
    assert np.array_equal(model.predict(X.to_numpy()), wanted)
    assert np.array_equal(model.predict(X.to_numpy().tolist()), wanted)
    assert np.array_equal(model.predict(X.set_axis(range(3), axis=1)), wanted)
    with pytest.raises(InputError, match="'flag', 'town'"):
        model.predict(X[["size"]])
    with pytest.raises(InputError, match="2 columns"):
        model.predict(X.to_numpy()[:, :2])
    with pytest.raises(InputError, match=r"shape \(3,\)"):
        model.predict(X.to_numpy()[0])
    with pytest.raises(InputError, match="one dimension"):
        model.predict(X.iloc[0])
    with pytest.warns(TableWarning, match="not used: column 'more'"):
        assert np.array_equal(model.predict(X.assign(more=1)), wanted)


def test_integer_names_are_the_text_of_them() -> None:
    numbers = pd.DataFrame(RNG.normal(size=(ROWS, 3)))
    model, _ = fitted(np.where(numbers[0] > 0, "yes", "no"), features=numbers)
    wanted = model.predict(numbers)
    assert np.array_equal(model.predict(numbers.to_numpy()), wanted)
    assert np.array_equal(model.predict(numbers[[2, 0, 1]]), wanted)
    assert np.array_equal(model.predict(numbers.rename(columns=str)), wanted)


@pytest.mark.parametrize("form", [sparse.csr_matrix, sparse.coo_array, "frame"])
def test_sparse_rows(form: Any) -> None:
    dense = np.where(RNG.random((ROWS, 4)) < 0.6, 0.0, RNG.normal(size=(ROWS, 4)))
    model, _ = fitted(np.where(dense[:, 0] > 0, "yes", "no"), features=pd.DataFrame(dense))
    columns = pd.DataFrame(dense).astype(pd.SparseDtype(float, 0.0))
    given = columns if form == "frame" else form(dense)
    assert np.array_equal(model.predict(given), model.predict(dense))


def test_what_is_no_number_is_counted() -> None:
    model, _ = fitted(Y)
    words = X.astype({"size": object})
    words.loc[:4, "size"] = "much"
    with pytest.warns(TableWarning, match="5 cells of column 'size'"):
        model.predict(words)


@pytest.mark.parametrize("child", ["linear", "extra_trees", "svm", "mlp"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_numbers_too_large_for_a_model_are_cut_and_infinite_ones_missing(child: str) -> None:
    model, _ = fitted(Y, child=child)
    given = X.assign(size=np.where(X.index == 0, np.inf, np.where(X.index == 1, -1e300, X["size"])))
    with pytest.warns(TableWarning, match="1 cells of column 'size'.*'inf'"):
        found = model.predict(given)
    assert np.array_equal(found[2:], model.predict(X)[2:])


def test_frames_of_other_libraries_and_rows_as_mappings() -> None:
    model, _ = fitted(Y)
    wanted = model.predict(X)
    assert np.array_equal(model.predict(pa.table(X[["town", "size", "flag"]])), wanted)
    assert np.array_equal(model.predict(X.to_dict("records")), wanted)
    assert np.array_equal(model.predict(X.to_records(index=False)), wanted)
    with pytest.raises(InputError, match="rows of 1 to 3 cells"):
        model.predict([[1.0], [1.0, True, "a"]])


def test_a_regression_has_numbers_and_no_classes() -> None:
    table = Table(name="t", X=X, y=X["size"] * 2)
    child = children.get("linear", "regression")
    model = child.build(child.space.defaults, table.schema, 0)
    model.fit(table.X, table.y)
    assert model.score(X, table.y) > 0.9
    assert not hasattr(model, "predict_proba")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert model.predict(X.to_numpy()).dtype == np.float64


# What is set for all of scikit-learn --------------------------------------------------------------


@pytest.mark.parametrize("container", ["pandas", "polars"])
@pytest.mark.parametrize("name", ["linear", "svm", "k_nearest_neighbors", "random_forest"])
def test_transformers_of_a_model_return_matrices_whatever_is_set(name: str, container: str) -> None:
    labels = X["flag"].map({True: "yes", False: "no"})
    with config_context(transform_output=container), warnings.catch_warnings():
        warnings.simplefilter("error")
        model, _ = fitted(labels, child=name)
        said, chances = model.predict(X), model.predict_proba(X)
    assert (said == model.predict(X)).all()
    assert isinstance(chances, np.ndarray)


# Dates --------------------------------------------------------------------------------------------

_DAYS = np.random.default_rng(1).permutation(40)
_MOMENTS: dict[str, Any] = {
    "naive": pd.Timestamp("2024-01-01") + pd.to_timedelta(_DAYS * 7, unit="h"),
    "zone": pd.Timestamp("2024-01-01", tz="Asia/Tokyo") + pd.to_timedelta(_DAYS * 7, unit="h"),
    "durations": pd.to_timedelta(_DAYS * 700 - 9000, unit="min"),
    "months": pd.period_range("2020-01", periods=40, freq="M")[_DAYS],
    "arrow": pd.Series(pd.date_range("2024", periods=40)[_DAYS]).astype("timestamp[us][pyarrow]"),
}


def dated(kind: str) -> tuple[pd.DataFrame, TablePipeline]:
    frame = pd.DataFrame({"when": _MOMENTS[kind], "other": np.arange(40) % 7})
    table = Table(name="t", X=frame, y=pd.Series(_DAYS > 20), kind="classification")
    of = children.get("linear")
    model = of.build(of.space.defaults, table.schema, 0)
    assert table.reading is not None
    return frame, model.set_params(reading=table.reading.to_json()).fit(table.X, table.y)


@pytest.mark.parametrize("kind", list(_MOMENTS))
def test_dates_of_a_frame_are_read_in_a_file_of_rows(kind: str) -> None:
    frame, model = dated(kind)
    file = StringIO(frame.to_csv(index=False))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = model.predict_proba(frame)
        assert np.allclose(model.predict_proba(pd.read_csv(file)), said)
        assert np.allclose(model.predict_proba(frame.astype({"when": str})), said)
    assert np.ptp(said[:, 1]) > 0.5  # the dates decide


def test_numbers_in_place_of_dates_are_told_where_they_are_no_days() -> None:
    frame, model = dated("zone")
    seconds = (frame["when"] - pd.Timestamp("1970", tz="UTC")).dt.total_seconds()
    with pytest.warns(TableWarning, match=r"'when' holds dates: numbers up to 1.7\d*e\+09 are"):
        model.predict(frame.assign(when=seconds))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said = model.predict_proba(frame.assign(when=seconds / 86_400))
        model.predict(frame.assign(when=np.nan))
    assert np.allclose(said, model.predict_proba(frame))


def test_numbers_in_place_of_durations_are_told_where_they_are_no_days() -> None:
    frame, model = dated("durations")
    thousandths = frame["when"].dt.total_seconds() * 1000
    with pytest.warns(TableWarning, match="'when' holds durations: numbers up to .* as days"):
        model.predict(frame.assign(when=thousandths))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(frame.assign(when=thousandths / 86_400_000))


@pytest.mark.parametrize("kind", list(_MOMENTS))
def test_dates_and_durations_in_place_of_numbers_are_told(kind: str) -> None:
    frame, model = dated("zone")
    with pytest.warns(TableWarning, match="taken as days in columns of numbers: 'other'$"):
        model.predict(frame.assign(other=_MOMENTS[kind]))
    model.set_params(reading=None)  # nothing is known of the columns
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.predict(frame)
