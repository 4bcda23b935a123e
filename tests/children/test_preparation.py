"""What a model is given of a table: shapes and values after preparation."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from autometa import children
from autometa.children.calendar import cycles_of, parts_of
from autometa.children.preparation import MAX_CATEGORIES, numbers_of, preparer
from autometa.children.problem import Preparation
from autometa.tables import Kind, Table

ROWS = 60


def table(X: pd.DataFrame) -> Table:
    return Table(name="t", X=X, y=pd.Series(np.arange(len(X), dtype=float)))


@pytest.mark.parametrize("preparation", ["scaled", "robust"])
def test_a_column_says_where_a_number_was_missing(preparation: Preparation) -> None:
    values = np.arange(ROWS, dtype=float)
    values[::7] = np.nan
    given = table(pd.DataFrame({"gap": values, "whole": np.sin(np.arange(ROWS))}))
    X = preparer(preparation, given.schema).fit_transform(given.X)
    assert X.shape == (ROWS, 3)  # two numbers and where the first was missing
    missing = X[:, 2]
    assert len(np.unique(missing)) == 2
    assert (missing == missing.max()).nonzero()[0].tolist() == list(range(0, ROWS, 7))


def test_a_table_that_lacks_nothing_has_no_such_column() -> None:
    given = table(pd.DataFrame({"whole": np.sin(np.arange(ROWS))}))
    assert preparer("scaled", given.schema).fit_transform(given.X).shape == (ROWS, 1)


@pytest.mark.parametrize("preparation", ["scaled", "robust"])
def test_rare_categories_share_a_column(preparation: Preparation) -> None:
    """One column a category would make thousands of an address."""
    many = 3 * MAX_CATEGORIES
    given = table(pd.DataFrame({"street": [f"s{i % many}" for i in range(4 * many)]}))
    X = preparer(preparation, given.schema).fit_transform(given.X, given.labels)
    assert X.shape == (4 * many, MAX_CATEGORIES + 1)  # and the mean of the target
    assert (np.asarray(X)[:, :-1].sum(axis=1) == 1).all()


EVERY = ("encoded", "coded", "scaled", "robust")


@pytest.mark.filterwarnings("ignore:Found unknown categories:UserWarning")
@pytest.mark.parametrize("preparation", EVERY)
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_many_categories_are_known_by_the_mean_of_the_target(
    preparation: Preparation, kind: Kind
) -> None:
    """Shops, streets, parts: what each of a thousand does cannot be told from twenty columns."""
    shop = np.random.default_rng(0).permutation(np.repeat(np.arange(40), 20))
    given = Table(
        name="t",
        X=pd.DataFrame({"shop": [f"s{n}" for n in shop], "colour": ["red", "green"] * 400}),
        y=pd.Series(np.where(shop % 2, 3.0, 1.0)),
        kind=kind,
    )
    prepare = preparer(preparation, given.schema)
    trained = prepare.fit_transform(given.X, given.labels)[:, -1]
    assert abs(np.corrcoef(trained, shop % 2)[0, 1]) > 0.99
    rows = pd.DataFrame({"shop": ["s0", "s1", "new", None], "colour": "red"})
    zero, one, new, missing = prepare.transform(rows)[:, -1]
    assert zero < new == missing < one
    assert given.schema.many == ("shop",)


def test_a_training_row_has_no_part_in_the_mean_of_its_category() -> None:
    rng = np.random.default_rng(1)
    given = Table(
        name="t",
        X=pd.DataFrame({"id": [f"s{n}" for n in np.arange(200) // 2]}),  # two rows each
        y=pd.Series(rng.normal(size=200)),
    )
    found = preparer("coded", given.schema).fit_transform(given.X, given.labels)[:, -1]
    assert np.corrcoef(found, given.labels)[0, 1] < 0.2


def test_rows_that_weigh_nothing_have_no_part_in_a_mean() -> None:
    """A label that is known to be wrong, and weighed 0 for that, must not come in by the back."""
    words = [f"s{n % 30}" for n in range(90)]
    y, weights = pd.Series(np.arange(90.0)), np.where(np.arange(90) < 60, 1.0, 0.0)
    given = Table(name="t", X=pd.DataFrame({"s": words}), y=y, weights=weights)
    X = preparer("coded", given.schema).fit_transform(given.X, given.labels)
    assert X.shape == (90, 1)


@pytest.mark.parametrize("preparation", EVERY)
def test_of_several_classes_each_has_its_share(preparation: Preparation) -> None:
    shop = np.random.default_rng(0).permutation(np.repeat(np.arange(30), 20))
    words = pd.DataFrame({"s": [f"s{n}" for n in shop]})
    given = Table(name="t", X=words, y=pd.Series(np.array(["a", "b", "c"])[shop % 3]))
    prepare = preparer(preparation, given.schema)
    shares = prepare.fit_transform(given.X, given.labels)[:, -3:]
    assert (shares.argmax(axis=1) == given.labels).all()
    lacking = given.X[given.labels < 2]  # a fold without the rows of a class
    found = preparer(preparation, given.schema).fit_transform(
        lacking, given.labels[given.labels < 2]
    )
    assert found.shape[1] == prepare.transform(given.X).shape[1]
    child = children.get("hist_gradient_boosting")
    trial = children.run(child, child.space.defaults, given, folds=3, seed=0).trial
    assert (trial.value or 0.0) > 0.9


def test_of_many_classes_there_is_no_share() -> None:
    words = pd.DataFrame({"s": [f"s{n % 30}" for n in range(330)]})
    given = Table(name="t", X=words, y=pd.Series([f"c{n % 11}" for n in range(330)]))
    X = preparer("coded", given.schema).fit_transform(given.X, given.labels)
    assert X.shape == (330, 1)


@pytest.mark.parametrize(
    ("preparation", "parts"), [("encoded", 4), ("coded", 4), ("scaled", 6), ("robust", 6)]
)
def test_dates_are_also_times_of_the_day_the_week_and_the_year(
    preparation: Preparation, parts: int
) -> None:
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(np.arange(ROWS) * 31, unit="h")
    y = pd.Series(np.arange(ROWS, dtype=float))
    lasts = pd.to_timedelta(np.arange(ROWS) % 7, unit="h")
    clock = [f"{n % 24:02d}:00" for n in range(ROWS)]
    given = Table(name="t", X=pd.DataFrame({"w": when, "d": lasts, "c": clock}), y=y)
    assert given.schema.dates == ("w",)  # a duration or a time of day has no more to say
    X = preparer(preparation, given.schema).fit_transform(given.X, given.labels)
    assert X.shape == (ROWS, 3 + parts)
    written = Table(name="t", X=given.X.assign(w=when.astype(str)), y=y)
    again = preparer(preparation, written.schema).fit_transform(written.X, written.labels)
    assert np.allclose(again, X)


def test_every_family_learns_what_hours_and_many_categories_do() -> None:
    """Also where their number must be known beforehand: XGBoost's types, a forest's share."""
    rng = np.random.default_rng(0)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 8760, 400), unit="h")
    shop = rng.integers(0, 25, 400)
    y = pd.Series((when.hour >= 12) * 4.0 + shop % 2 * 4.0 + rng.normal(size=400))
    given = Table(name="t", X=pd.DataFrame({"w": when, "s": [f"s{n}" for n in shop]}), y=y)
    for name in ("lightgbm", "hist_gradient_boosting", "xgboost", "catboost", "random_forest"):
        if name in children.names():
            child = children.get(name, "regression")
            config = {**child.space.defaults, child.steps or "n_estimators": 60}
            if name == "catboost":
                config["learning_rate"] = 0.3
            found = children.run(child, config, given, folds=3, seed=0).trial
            assert (found.value or 0.0) > 0.6, name


def test_xgboost_knows_how_many_columns_three_classes_add() -> None:
    pytest.importorskip("xgboost")
    words = pd.DataFrame({"s": [f"s{n % 30}" for n in range(90)]})
    given = Table(name="t", X=words, y=pd.Series(["a", "b", "c"] * 30))
    child = children.get("xgboost")
    config = {**child.space.defaults, "n_estimators": 20}
    trial = children.run(child, config, given, folds=3, seed=0).trial
    assert (trial.value or 0.0) > 0.8


def test_categories_of_a_forest_are_codes() -> None:
    given = table(pd.DataFrame({"colour": ["red", "green"] * 20}))
    X = preparer("encoded", given.schema).fit_transform(given.X)
    assert X.shape == (40, 1)
    assert set(X[:, 0]) == {0.0, 1.0}


@pytest.mark.parametrize("kind", ["plain", "nullable", "objects", "none"])
def test_numbers_are_the_same_whatever_type_their_columns_have(kind: str) -> None:
    plain = pd.DataFrame({"a": [1.5, np.nan, 1e300], "b": [1, 2, 3]})
    given = {
        "plain": plain,
        "nullable": plain.convert_dtypes(),
        "objects": plain.astype(object),
        "none": plain[[]],
    }[kind]
    found = numbers_of(given)
    wanted = np.array([[1.5, 1], [np.nan, 2], [1e30, 3]])[:, : given.shape[1]]
    assert np.array_equal(found, wanted, equal_nan=True)
    assert found.flags.c_contiguous
    assert found.dtype == np.float64


DAYS = ("1969-12-31T18", "1970-01-01T00", "2024-02-29T12", "1900-03-01T00", "2199-12-31T23")
MOMENTS = pd.DatetimeIndex([pd.Timestamp(day) for day in DAYS])


def test_parts_of_dates_are_those_that_pandas_knows() -> None:
    days = np.asarray((MOMENTS - pd.Timestamp(0)) / pd.Timedelta(days=1))
    found = parts_of(days[:, None])
    since = (MOMENTS - MOMENTS.normalize()) / pd.Timedelta(days=1)
    wanted = np.stack([since, MOMENTS.day_of_week, MOMENTS.day, MOMENTS.day_of_year], axis=1)
    assert np.allclose(found, wanted)
    assert np.array_equal(parts_of(np.stack([days, days], axis=1))[:, ::2], found)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf, 1e30, -1e30, 1e9])
def test_what_is_no_date_has_no_parts(odd: float) -> None:
    given = np.array([[odd], [0.0]])
    assert np.isnan(parts_of(given)[0]).all()
    assert np.isfinite(parts_of(given)[1]).all()
    assert (cycles_of(given)[0] == 0).all()


def test_the_end_of_a_cycle_is_next_to_its_beginning() -> None:
    day = np.array([[0.999], [1.001]])  # a minute before midnight, and one after
    assert np.abs(np.diff(cycles_of(day), axis=0)[:, [0, 3]]).max() < 0.02
    week = np.array([[3.0], [4.0], [5.0]])  # Sunday, Monday, Tuesday
    steps = np.linalg.norm(np.diff(cycles_of(week)[:, [1, 4]], axis=0), axis=1)
    assert np.allclose(steps[0], steps[1])
