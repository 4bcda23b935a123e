from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution

from autometa.errors import InputError, StoreError
from autometa.space import SearchSpace
from autometa.tables import (
    BUILTIN,
    Table,
    fingerprint,
    guess_kind,
    load_table,
    relatives,
    same_data,
)
from autometa.task import Task

SPACE = SearchSpace({"x": FloatDistribution(0, 1)}, name="svm")


def _frame(rows: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.normal(40, 10, rows),
            "income": rng.lognormal(3, 1, rows),
            "town": rng.choice(["a", "b", "c"], rows),
            "target": rng.choice(["no", "yes"], rows),
        }
    )


def _table(frame: pd.DataFrame, name: str = "t", **options: Any) -> Table:
    return Table(name=name, X=frame.drop(columns="target"), y=frame["target"], **options)


# Loading ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["csv", "parquet", "csv.gz"])
def test_a_file_becomes_a_table(tmp_path: Path, ending: str) -> None:
    frame, path = _frame(), tmp_path / f"patients.{ending}"
    if ending == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False)
    table = load_table(path)
    assert (table.name, table.family, table.kind, len(table)) == (
        "patients",
        "patients",
        "classification",
        60,
    )
    assert table.schema.numeric == ("age", "income")
    assert table.schema.categorical == ("town",)
    assert table.schema.classes == 2
    assert not table.schema.missing


@pytest.mark.parametrize("separator", [";", "\t"])
def test_csv_files_with_other_separators_are_read(tmp_path: Path, separator: str) -> None:
    path = tmp_path / "t.csv"
    _frame().to_csv(path, index=False, sep=separator)
    assert list(load_table(path).X.columns) == ["age", "income", "town"]


@pytest.mark.parametrize("name", list(BUILTIN))
def test_builtin_data_sets_load(name: str) -> None:
    table = load_table(f"sklearn:{name}")
    assert table.kind == ("regression" if name == "diabetes" else "classification")
    assert table.family == BUILTIN[name]


def test_another_column_can_be_the_target(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    _frame().to_csv(path, index=False)
    table = load_table(path, "age")
    assert table.kind == "regression"
    assert "target" in table.schema.categorical


@pytest.mark.parametrize(
    "source", ["-", "/dev/stdin", "https://example.org/t.csv", "s3://bucket/t.parquet"]
)
@pytest.mark.parametrize("form", [str, Path])
def test_what_is_no_file_is_refused_with_what_to_do(source: str, form: Any) -> None:
    for place, do in ((source, "Save its rows in a file first"), ("C:/t.csv", ""), ("t-.csv", "")):
        with pytest.raises(InputError, match=rf"no file.*wine\.( {do}\.)?$") as found:
            load_table(form(place))
        assert ("Save" in str(found.value)) == bool(do)


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("no-such-file.csv", None, "no file"),
        ("sklearn:titanic", None, "allowed: breast_cancer"),
        ("good.csv", "price", "allowed: age, income, town, target"),
        ("good.xlsx", None, "allowed: a name that ends in .csv"),
        ("empty.csv", None, "empty"),
        ("header.csv", None, "no rows"),
    ],
)
def test_a_bad_source_is_refused_with_what_is_allowed(
    tmp_path: Path, source: str, target: str | None, message: str
) -> None:
    _frame().to_csv(tmp_path / "good.csv", index=False)
    (tmp_path / "good.xlsx").touch()
    (tmp_path / "empty.csv").touch()
    (tmp_path / "header.csv").write_text("a,b,target\n")
    place = source if source.startswith("sklearn:") else tmp_path / source
    with pytest.raises(InputError, match=message):
        load_table(place, target)


def test_a_damaged_file_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "t.parquet").write_bytes(b"PAR1 but not really")
    (tmp_path / "t.csv").write_bytes(b"a,target\n\xff\xfe\x00,1\n")
    for name in ("t.parquet", "t.csv"):
        with pytest.raises(StoreError, match="cannot be read"):
            load_table(tmp_path / name)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (["a"] * 6, "one class only"),
        ([None] * 6, "no value at all"),
        (list("abcdef"), "different class in each"),
        ([1, "1", 2, "2", 1, 2], "several types"),
        ([1.5, 2.5, np.inf, 3.5, 4.5, 5.5], "not finite"),
        ([[1], [2], [1], [2], [1], [2]], "neither labels nor numbers"),
        ([1j, 2, 3, 1j, 2, 3], "complex"),
        (np.arange(6) * 1e300, "square of its deviations"),
        (np.arange(6) * 1e-300, "square of its deviations"),
        (pd.date_range("2020", periods=6), "dates or durations"),
        (pd.to_timedelta(range(6), unit="h"), "dates or durations"),
        (pd.period_range("2020", periods=6, freq="M"), "dates or durations"),
        ([f"2020-01-0{k}" for k in range(1, 7)], "dates or durations"),
    ],
)
def test_a_useless_target_is_refused(target: list[Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Table(name="t", X=pd.DataFrame({"x": range(6)}), y=pd.Series(target))


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (pd.DataFrame(index=range(4)), "no features"),
        (pd.DataFrame({"x": [None] * 4}), "no features"),
        (pd.DataFrame([[1, 2]] * 4, columns=["x", "x"]), "several columns named 'x'"),
        (pd.DataFrame({"x": [1.0, np.inf, 2.0, 3.0]}), "infinite"),
        (pd.DataFrame({"x": [1.0, 2.0, 3.0]}), "of 3 rows and a target of 4.*one row for each"),
        (pd.DataFrame({"x": [1j, 2, 3, 4]}), "column 'x' .* complex"),
    ],
)
def test_useless_features_are_refused(X: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Table(name="t", X=X, y=pd.Series(["a", "b", "a", "b"]))


def test_dates_may_be_classes_where_they_are_few() -> None:
    days = pd.Series(pd.to_datetime(["2020-01-01", "2021-01-01"] * 10))
    table = Table(name="t", X=pd.DataFrame({"x": range(20)}), y=days)
    assert table.y.cat.categories.tolist() == [pd.Timestamp("2020"), pd.Timestamp("2021")]
    with pytest.raises(InputError, match=r"\(y - y.min\(\)\)"):
        Table(name="t", X=pd.DataFrame({"x": range(20)}), y=days, kind="regression")


def test_numbers_of_several_types_are_numbers() -> None:
    table = Table(
        name="t", X=pd.DataFrame({"x": range(6)}), y=pd.Series([1, 2.0] * 3, dtype=object)
    )
    assert table.y.cat.categories.tolist() == [1.0, 2.0]


def test_numbers_that_have_no_square_are_cut_and_named() -> None:
    frame = pd.DataFrame({"x": [1e300, -2e38, 3.0, 4.0], "y": range(4)})
    table = Table(name="t", X=frame, y=pd.Series([0, 1, 0, 1]))
    assert table.notes == ("numbers beyond 1e+30 are cut to it in 'x'",)


def test_columns_to_keep_are_a_list() -> None:
    with pytest.raises(InputError, match=r"keep=\['x'\]"):
        Table(name="t", X=pd.DataFrame({"x": range(4)}), y=pd.Series([0, 1, 0, 1]), keep="x")


@pytest.mark.parametrize("size", [1e308, 1.0, 1e-320])
def test_weights_of_any_size_have_a_mean_of_one(size: float) -> None:
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0]})
    weights = np.array([1.0, 1.0, 1.0, 0.0]) * size
    table = Table(name="t", X=frame, y=pd.Series([0, 1, 0, 1]), weights=weights)
    assert table.weights is not None
    assert np.allclose(table.weights, [4 / 3, 4 / 3, 4 / 3, 0])


def test_what_is_dropped_is_told() -> None:
    frame = _frame()
    frame["nothing"] = np.nan
    frame.loc[:4, "target"] = None
    table = _table(frame)
    assert len(table) == 55
    assert table.info["rows_without_target"] == 5
    assert table.info["columns_without_value"] == ["nothing"]


def test_dates_booleans_and_nullable_columns_become_numbers_or_categories() -> None:
    frame = pd.DataFrame(
        {
            "day": pd.to_datetime(pd.Series(["2020-01-01", "2020-01-03", None, "2020-01-02"])),
            "lasted": pd.to_timedelta(["1D", "2D", None, "12h"]),
            "known": [True, False, None, True],
            "count": pd.array([1, None, 3, 4], dtype="Int64"),
            7: [1, 2, 3, 4],
        }
    )
    table = Table(name="t", X=frame, y=pd.Series([0, 1, 0, 1]))
    assert table.schema.numeric == ("day", "lasted", "count", "7")
    assert table.schema.categorical == ("known",)
    assert table.X["day"].diff()[1] == 2.0
    assert table.X["lasted"].tolist()[3] == 0.5


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        (["a", "b"] * 20, "classification"),
        ([True, False] * 20, "classification"),
        ([0.0, 1.0] * 20, "classification"),
        (list(range(8)) * 5, "classification"),
        (list(range(40)), "regression"),
        ([0.1, 0.2, 0.7, 0.4] * 10, "regression"),
    ],
)
def test_the_kind_follows_from_the_target(target: list[Any], kind: str) -> None:
    assert guess_kind(pd.Series(target)) == kind


# Samples ------------------------------------------------------------------------------------------


def test_a_sample_keeps_class_shares_and_every_class() -> None:
    labels = np.repeat(["many", "some", "one"], [899, 100, 1])
    table = Table(name="t", X=pd.DataFrame({"x": np.arange(1000.0)}), y=pd.Series(labels))
    sample = table.subsample(100, np.random.default_rng(0))
    counts = sample.y.value_counts()
    assert (counts["many"], counts["some"], counts["one"]) == (89, 10, 1)
    assert sample.info["rows_before_subsample"] == 1000
    again = table.subsample(100, np.random.default_rng(0))
    assert again.X.equals(sample.X)
    assert len(table) == 1000


def test_a_small_table_is_its_own_sample() -> None:
    table = _table(_frame())
    assert table.subsample(60, np.random.default_rng(0)) is table
    with pytest.raises(InputError):
        table.subsample(1, np.random.default_rng(0))


def test_a_regression_sample_has_the_size_asked_for() -> None:
    table = load_table("sklearn:diabetes").subsample(100, np.random.default_rng(0))
    assert len(table) == 100
    assert table.X.index.tolist() == list(range(100))


# Fingerprints -------------------------------------------------------------------------------------


def _disguised(table: Table, seed: int = 0) -> Table:
    """The same data: rows and columns shuffled, renamed, numbers standardised and mirrored."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table))
    X = table.X.iloc[order, rng.permutation(table.X.shape[1])].copy()
    for name in X.columns:
        if pd.api.types.is_numeric_dtype(X[name]):
            X[name] = rng.choice([-1, 1]) * (X[name] - X[name].mean()) / X[name].std()
        else:
            X[name] = X[name].cat.rename_categories(lambda c: f"code {c}")
    X.columns = pd.Index([f"v{i}" for i in range(X.shape[1])])
    return Table(name="disguised", X=X, y=table.y.iloc[order], kind=table.kind)


@pytest.mark.parametrize("source", ["breast_cancer", "wine", "iris", "diabetes", "mixed"])
def test_a_disguised_copy_is_the_same_data(source: str) -> None:
    table = _table(_frame()) if source == "mixed" else load_table(f"sklearn:{source}")
    ours, theirs = fingerprint(table), fingerprint(_disguised(table))
    assert same_data(ours, theirs)
    assert same_data(json.loads(json.dumps(ours)), theirs)


def test_a_rounded_copy_is_the_same_data() -> None:
    table = load_table("sklearn:breast_cancer")
    rounded = Table(name="r", X=table.X.round(3), y=table.y)
    assert same_data(fingerprint(table), fingerprint(rounded))


def test_other_data_are_not_the_same() -> None:
    known = [fingerprint(load_table(f"sklearn:{n}")) for n in BUILTIN]
    for i, a in enumerate(known):
        assert not any(same_data(a, b) for b in known[i + 1 :])
    assert not same_data(fingerprint(_table(_frame(seed=1))), fingerprint(_table(_frame(seed=2))))
    assert not same_data(known[0], {})


def test_relatives_are_found_by_data_and_by_family() -> None:
    table = load_table("sklearn:wine")

    def task(name: str, family: str, info: dict[str, Any] | None = None) -> Task:
        return Task(name=name, space=SPACE, direction="maximize", family=family, info=info or {})

    tasks = [
        task("vino", "drinks", {"fingerprint": fingerprint(_disguised(table))}),
        task("beer", "drinks"),
        task("iris", "iris", {"fingerprint": fingerprint(load_table("sklearn:iris"))}),
        task("wine", "other"),
    ]
    assert [t.name for t in relatives(table, tasks)] == ["vino", "beer", "wine"]
    assert relatives(_table(_frame()), tasks) == []


@pytest.fixture
def public_tables() -> Path:
    folder = Path(os.environ.get("AUTOMETA_DATA", "")) / "tables"
    if not (folder / "index.csv").is_file():
        pytest.skip("set AUTOMETA_DATA to the folder of public data that holds tables/index.csv")
    return folder


@pytest.mark.slow
def test_public_tables_match_their_own_family_and_no_other(public_tables: Path) -> None:
    index = pd.read_csv(public_tables / "index.csv").set_index("name")
    known = {}
    for name in index.index:
        table = load_table(public_tables / f"{name}.parquet")
        assert table.kind == index.kind[name]
        known[name] = fingerprint(table)
    for name, wanted in {"breast_cancer": "wdbc", "iris": "iris", "wine": "wine"}.items():
        ours = fingerprint(load_table(f"sklearn:{name}"))
        assert [n for n in known if same_data(ours, known[n])] == [wanted]
    for i, a in enumerate(known):
        same = [b for b in list(known)[i + 1 :] if same_data(known[a], known[b])]
        assert {index.family[b] for b in same} <= {index.family[a]}


def test_columns_that_never_change_are_said_to_say_nothing() -> None:
    y = pd.Series(["no", "yes"] * 20)
    same = pd.DataFrame({"a": [1.0] * 40, "b": ["q"] * 40})
    assert "no column has two values" in Table(name="t", X=same, y=y).info["warnings"][0]
    assert "warnings" not in Table(name="t", X=same.assign(c=[0.0] * 20 + [1.0] * 20), y=y).info
    assert "warnings" not in Table(name="t", X=same.assign(a=[1.0] * 20 + [np.nan] * 20), y=y).info
