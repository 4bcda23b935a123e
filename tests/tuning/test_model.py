from __future__ import annotations

import io
import json
import subprocess
import sys
import zipfile
from datetime import date
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    f1_score,
    get_scorer,
    jaccard_score,
    make_scorer,
    matthews_corrcoef,
)

from autometa import children, load_model
from autometa.cli import main
from autometa.errors import InputError, MissingExtraError, StoreError
from autometa.tables import Kind, Table, TableWarning, load_table
from autometa.tables.frames import target_of
from autometa.tuning import ensembling
from autometa.tuning.arguments import table_of
from autometa.tuning.arms import TunedTrial
from autometa.tuning.model import TunedModel, VersionWarning
from autometa.tuning.scoring import Scoring
from autometa.versions import versions_of

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=60), "b": pd.Categorical(["u", "v", "w"] * 20)})
NOISY = X["a"] + 0.3 * RNG.normal(size=60)
CLASSES = Table(name="c", X=X, y=pd.Series(np.where(NOISY > 0, "yes", "no")))
NUMBERS = Table(name="n", X=X, y=2.0 * NOISY + 1.0)


def trial(child: str, kind: Kind | None = "classification", number: int = 0) -> TunedTrial:
    config = dict(children.get(child, kind).space.defaults)
    return TunedTrial(number=number, child=child, config=config, value=0.5)


def model_of(table: Table, *families: str, metric: Any = None) -> TunedModel:
    trials = [trial(name, table.kind, i) for i, name in enumerate(families)]
    share = 1 / len(trials)
    chosen = ensembling.Chosen(tuple((t, share) for t in trials), 0.5)
    made = ensembling.fit(chosen, trials, table, seed=0)
    assert made.pipeline is not None, made.why
    assert made.why == ""
    assert table.kind is not None
    scoring = Scoring.of(metric, table.kind, table.schema.classes)
    about = {"metric": scoring.name, "leaderboard": [{"rank": 1, "score": 0.5}]}
    return TunedModel(made.pipeline, about, scoring)


@pytest.mark.parametrize("child", children.names())
@pytest.mark.parametrize("table", [CLASSES, NUMBERS], ids=["classification", "regression"])
def test_every_child_comes_back_from_its_file(child: str, table: Table, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    fresh = model_of(table, child)
    assert fresh.save(path) == path
    assert list(tmp_path.iterdir()) == [path]
    model = load_model(path)
    assert np.array_equal(model.predict(table.X), fresh.predict(table.X))
    assert model.leaderboard().to_dict("records") == [{"rank": 1, "score": 0.5}]
    if table.kind == "classification":
        assert set(model.predict(table.X)) <= {"yes", "no"}
        assert model.predict_proba(table.X) == pytest.approx(fresh.predict_proba(table.X))


def test_an_ensemble_of_families_is_the_sum_of_its_members(tmp_path: Path) -> None:
    both = model_of(CLASSES, "linear", "lightgbm")
    parts = [model_of(CLASSES, name).predict_proba(X) for name in ("linear", "lightgbm")]
    assert both.predict_proba(X) == pytest.approx((parts[0] + parts[1]) / 2)
    again = load_model(both.save(tmp_path / "m.skops"))
    assert again.predict_proba(X) == pytest.approx(both.predict_proba(X))
    numbers = model_of(NUMBERS, "linear", "lightgbm")
    parts = [model_of(NUMBERS, name).predict(X) for name in ("linear", "lightgbm")]
    assert numbers.predict(X) == pytest.approx((parts[0] + parts[1]) / 2)


@pytest.mark.parametrize(
    ("table", "metric"),
    [
        *((CLASSES, m) for m in ("roc_auc", "neg_log_loss", "balanced_accuracy", "f1_macro")),
        *((NUMBERS, m) for m in ("r2", "neg_root_mean_squared_error", "neg_max_error")),
    ],
)
def test_the_score_is_scikit_learns(table: Table, metric: str, tmp_path: Path) -> None:
    model = model_of(table, "linear", "k_nearest_neighbors", metric=metric)
    wanted = get_scorer(metric)(model.pipeline, table.X, table.y)
    assert model.score(table.X, table.y) == pytest.approx(wanted)
    again = load_model(model.save(tmp_path / "m.skops"))
    assert again.score(table.X, np.asarray(table.y)) == pytest.approx(wanted)


def test_what_cannot_be_asked_of_a_model_is_said() -> None:
    model = model_of(CLASSES, "linear")
    with pytest.raises(InputError, match="without the column 'b'"):
        model.predict(X[["a"]])
    with pytest.raises(InputError, match="labels that no row of the table has: 'maybe'"):
        model.score(X, ["maybe"] * 60)
    with pytest.warns(TableWarning, match="values that no training row had: 'z'"):
        assert len(model.predict(pd.DataFrame({"a": [0.0], "b": ["z"]}))) == 1
    with pytest.raises(InputError, match="probabilities of a regression"):
        model_of(NUMBERS, "linear").predict_proba(X)


@pytest.mark.parametrize(("decimal", "unit"), [(",", ""), (".", " %"), (",", " €")])
def test_targets_apart_are_read_as_those_of_the_table(
    decimal: str, unit: str, tmp_path: Path
) -> None:
    text = pd.Series([f"{value:.3f}{unit}".replace(".", decimal) for value in NUMBERS.y])
    table = Table(name="t", X=X, y=text)
    model = model_of(table, "linear")
    model.save(tmp_path / "m.skops")
    for known in (model, load_model(tmp_path / "m.skops")):
        assert known.score(X, text) == pytest.approx(known.score(X, NUMBERS.y), abs=1e-4)
        assert known.pipeline.score(X, text) == pytest.approx(known.score(X, text))


def test_rows_with_other_decimal_marks_than_the_table_s_are_read_and_said(tmp_path: Path) -> None:
    model = load_model(model_of(NUMBERS, "linear").save(tmp_path / "m.skops"))
    rows = X.assign(a=[f"{value:.6f}".replace(".", ",") for value in X["a"]])
    with pytest.warns(TableWarning, match="numbers with a decimal comma, unlike the table's: 'a'"):
        said = model.predict(rows)
    assert said == pytest.approx(model.predict(X), abs=1e-4)


def test_targets_that_are_none_are_refused() -> None:
    model = model_of(NUMBERS, "linear")
    with pytest.raises(InputError, match="2 of 60 targets are no finite numbers"):
        model.score(X, NUMBERS.y.where(NUMBERS.y.index > 1))
    with pytest.raises(InputError, match="60 of 60 targets"):
        model.score(X, ["much"] * 60)
    with pytest.raises(InputError, match="60 rows and 59 targets"):
        model.score(X, NUMBERS.y[1:])
    with pytest.raises(InputError, match="no rows to predict"):
        model.predict(X[:0])
    for nameless in ("", "."):
        with pytest.raises(StoreError, match="the name of a file"):
            model.save(nameless)
    with pytest.raises(InputError, match="no rows to predict"):
        model_of(CLASSES, "linear").predict_proba(X[:0])


def test_a_file_that_cannot_be_written_or_read_is_an_error(tmp_path: Path) -> None:
    model = model_of(CLASSES, "linear")
    with pytest.raises(StoreError, match="cannot be written"):
        model.save(tmp_path / "no" / "m.skops")
    (tmp_path / "text").write_text("nothing")
    with pytest.raises(StoreError, match="cannot be read"):
        load_model(tmp_path / "text")
    with pytest.raises(StoreError, match="no file"):
        load_model(tmp_path / "none")
    assert [f.name for f in tmp_path.iterdir()] == ["text"]


@pytest.mark.parametrize("loader", ["ObjectNode", "TypeNode", "FunctionNode", "ReduceNode"])
def test_a_tampered_file_runs_nothing(loader: str, tmp_path: Path) -> None:
    """Whatever stands in for a part of the model, it is refused before anything is made."""
    path = model_of(CLASSES, "linear").save(tmp_path / "m.skops")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(parts["schema.json"])
    evil = {"__class__": "system", "__module__": "os", "__loader__": loader, "content": {}}
    schema["content"]["content"]["steps"] = {**evil, "__id__": 1}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in {**parts, "schema.json": json.dumps(schema).encode()}.items():
            archive.writestr(name, data)
    path.write_bytes(buffer.getvalue())
    with pytest.raises(StoreError, match=r"m\.skops"):
        load_model(path)


def test_another_model_of_trusted_parts_is_not_ours(tmp_path: Path) -> None:
    import skops.io
    from sklearn.linear_model import LogisticRegression

    skops.io.dump(LogisticRegression(), tmp_path / "m.skops")
    with pytest.raises(StoreError, match="it holds a LogisticRegression"):
        load_model(tmp_path / "m.skops")


def test_a_fresh_process_predicts_the_same(tmp_path: Path) -> None:
    model = model_of(CLASSES, "linear", "svm")
    path = model.save(tmp_path / "m.skops")
    X.to_parquet(tmp_path / "x.parquet")
    code = "import sys, pandas, autometa; m = autometa.load_model(sys.argv[1]);"
    code += "print(*m.predict(pandas.read_parquet(sys.argv[2])))"
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "x.parquet")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.split() == list(model.predict(X))


@pytest.mark.parametrize("child", ["linear", "random_forest"])
def test_a_saved_model_reads_rows_as_the_table_was_read(child: str, tmp_path: Path) -> None:
    """A file as its owner has it: decimal commas, dates, an index, a mark for a missing value."""
    rng = np.random.default_rng(1)
    size = rng.normal(1000, 400, 80).round(2)
    days = pd.date_range("2020-01-01", periods=80)
    frame = pd.DataFrame(
        {
            "size": [f"{v:,.2f}".translate(str.maketrans(",.", ".,")) for v in size],
            "day": days.strftime("%d.%m.%Y"),
            "flag": rng.random(80) < 0.5,
            "class": np.where(size > 1000, "1", "2"),
        }
    )
    frame.loc[3, "size"] = "k.A."
    frame.to_csv(tmp_path / "t.csv", sep=";")
    with pytest.warns(TableWarning):
        table = load_table(tmp_path / "t.csv", "class")
    assert table.schema.numeric == ("size", "day")
    model = load_model(model_of(table, child).save(tmp_path / "m.skops"))
    wanted = model.predict(table.X)
    given = pd.read_csv(tmp_path / "t.csv", sep=";")
    with pytest.warns(TableWarning, match="1 cells of column 'size'"):
        assert np.array_equal(model.predict(given), wanted)
    whole = given.drop(index=3)
    assert np.array_equal(model.predict(whole), wanted[whole.index])
    assert np.array_equal(
        model.predict(whole.drop(columns=["Unnamed: 0", "class"])), wanted[whole.index]
    )
    assert np.array_equal(
        model.predict(whole.drop(columns="class").to_numpy()), wanted[whole.index]
    )
    with_days = whole.assign(day=days[whole.index], size=size[whole.index])
    assert np.array_equal(model.predict(with_days), wanted[whole.index])
    assert (wanted == frame["class"].astype(int)).mean() > 0.9
    assert list(model.pipeline.feature_names_in_) == ["Unnamed: 0", "size", "day", "flag"]


@pytest.mark.parametrize("child", ["linear", "random_forest"])
def test_a_saved_model_knows_hours_and_many_categories(child: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    when = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 8760, 150), unit="h")
    rows = pd.DataFrame({"when": when, "shop": [f"s{n % 30}" for n in range(150)]})
    table = Table(name="t", X=rows, y=pd.Series(np.where(when.hour < 12, "am", "pm")))
    model = model_of(table, child)
    assert (model.predict(rows) == table.y).mean() > 0.9
    again = load_model(model.save(tmp_path / "m.skops"))
    assert np.array_equal(again.predict_proba(rows), model.predict_proba(rows))
    written = rows.assign(when=rows["when"].dt.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert np.array_equal(again.predict_proba(written), model.predict_proba(rows))


@pytest.mark.filterwarnings("ignore:table 'table':autometa.tables.TableWarning")
@pytest.mark.parametrize("named", [False, True])
def test_rows_come_with_the_columns_that_had_no_value(named: bool) -> None:
    matrix = np.c_[X["a"], np.full(60, np.nan), NOISY]
    given = pd.DataFrame(matrix, columns=list("abc")) if named else matrix
    options: dict[str, Any] = {"name": None, "kind": None, "keep": (), "weights": None}
    table = table_of(given, np.arange(60) % 2, **options)
    model = model_of(table, "linear")
    said = model.predict(given)  # without a warning of a column that is not used
    assert np.array_equal(model.predict(matrix), said)
    assert np.array_equal(model.predict(matrix[:, [0, 2]]), said)
    assert len(model.pipeline.feature_names_in_) == 3
    assert table.reading is not None
    assert list(table.reading.dropped) == [table.reading.columns[1]]


class Colour(Enum):
    RED = 1
    BLUE = 2


@pytest.mark.parametrize(
    "y",
    [
        pd.Series(pd.cut(X["a"], 3)),
        pd.Series(pd.period_range("2026-01", periods=2, freq="M").repeat(30)),
        pd.Series(pd.date_range("2026", periods=2, tz="Europe/Berlin").repeat(30)),
        pd.Series([date(2026, 1, 1), date(2026, 1, 2)] * 30),
        pd.Series([Colour.RED, Colour.BLUE] * 30).astype(object),
    ],
    ids=["interval", "period", "zone", "date", "enum"],
)
def test_labels_that_no_file_holds_are_refused_when_it_is_written(
    y: pd.Series[Any], tmp_path: Path
) -> None:
    if isinstance(y.iloc[0], Colour):  # members of an enum know no order: as a category of theirs
        y = y.astype(pd.CategoricalDtype(list(Colour)))
    model = model_of(Table(name="t", X=X, y=y), "linear")
    assert model.score(X, y) > 0.3
    with pytest.raises(InputError, match=r"labels of type \w+ in a file.*y.astype\(str\)"):
        model.save(tmp_path / "m.skops")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "y",
    [
        np.array([b"no", b"yes"] * 30),
        [Decimal("0.1"), Decimal("0.2")] * 30,
        [Fraction(1, 3), Fraction(2, 3)] * 30,
        np.array(["2026-01-01", "2026-01-02"] * 30, dtype="datetime64[D]"),
    ],
    ids=["bytes", "decimal", "fraction", "date"],
)
def test_other_labels_come_back_from_the_file(y: Any, tmp_path: Path) -> None:
    model = model_of(Table(name="t", X=X, y=target_of(y)), "linear")
    again = load_model(model.save(tmp_path / "m.skops"))
    assert np.array_equal(again.predict(X), model.predict(X))
    assert again.score(X, y) == model.score(X, y) > 0.3


@pytest.mark.parametrize(
    ("metric", "wanted"),
    [
        ("f1", partial(f1_score, pos_label="yes")),
        ("jaccard", partial(jaccard_score, pos_label="yes")),
        ("matthews_corrcoef", matthews_corrcoef),
        ("balanced_accuracy", balanced_accuracy_score),
        (make_scorer(f1_score, pos_label="yes"), partial(f1_score, pos_label="yes")),
        (lambda true, said: float((true == said).mean()), accuracy_score),
    ],
)
@pytest.mark.parametrize("how", ["svm", "threshold"])
def test_the_score_is_of_the_labels_that_are_said(metric: Any, wanted: Any, how: str) -> None:
    model = model_of(CLASSES, "svm" if how == "svm" else "linear", metric=metric)
    if how == "svm":  # its labels are not always where its probability is highest
        estimator = model.pipeline.steps[-1][1].members[0].model
        estimator.predict = lambda rows: np.arange(len(rows)) % 2
    else:
        model.pipeline.steps[-1][1].factors = np.array([1.0, 0.3])
    said = model.predict(X)
    shares = model.predict_proba(X)
    assert (said != model.classes_[shares.argmax(axis=1)]).any()
    assert model.score(X, CLASSES.y) == pytest.approx(wanted(CLASSES.y, said))


def test_a_model_made_with_other_versions_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    here = versions_of()
    first, second, *_ = here["lightgbm"].split(".")
    made = {**here, "lightgbm": f"{first}.{second}.999", "catboost": "0.1", "torch": "0.1"}
    model = model_of(CLASSES, "lightgbm")

    def with_versions(versions: dict[str, str]) -> Path:
        about = {**model.about, "versions": versions}
        return TunedModel(model.pipeline, about, model.scoring).save(tmp_path / "m.skops")

    load_model(with_versions(made))  # a patch, and libraries that it has nothing of
    for name in ("scikit-learn", "lightgbm"):
        path = with_versions({**made, name: "0.1.2"})
        with pytest.warns(VersionWarning, match=f"made with {name} 0.1.2 .here {here[name]}."):
            load_model(path)
    told: list[str] = []
    argv = ["autometa", "predict", str(path), str(tmp_path / "rows.csv")]
    X.to_csv(argv[-1], index=False)
    monkeypatch.setattr("autometa.cli.reading.note", told.append)
    monkeypatch.setattr(sys, "argv", argv)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    assert "may predict otherwise here" in told[0]


def test_a_library_that_a_model_needs_is_named_where_it_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = model_of(CLASSES, "lightgbm").save(tmp_path / "m.skops")
    for name in [n for n in sys.modules if n.partition(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingExtraError, match=r"needs lightgbm.*pip install lightgbm"):
        load_model(path)


def test_a_model_is_shown_in_a_line() -> None:
    shown = repr(model_of(CLASSES, "linear", "svm", metric="roc_auc"))
    assert shown == "<TunedModel of '': roc_auc, 2 members, columns 'a', 'b'>"
