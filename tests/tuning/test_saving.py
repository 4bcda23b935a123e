from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autometa import children
from autometa.errors import InputError, StoreError
from autometa.tables import Kind, Table, TableWarning, load_table
from autometa.tuning.result import Arm, TunedTrial, TuneResult
from autometa.tuning.saving import refit, save_model
from tests.results import result

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=60), "b": pd.Categorical(["u", "v", "w"] * 20)})
CLASSES = Table(name="c", X=X, y=pd.Series(np.where(X["a"] > 0, "yes", "no")))
NUMBERS = Table(name="n", X=X, y=2.0 * X["a"] + 1.0)


def winner(child: str, kind: Kind | None = "classification") -> TuneResult:
    config = dict(children.get(child, kind).space.defaults)
    trial = TunedTrial(number=0, child=child, config=config, value=0.5)
    return replace(result(cold=None), child=child, warm=Arm(name="warm", trials=(trial,)))


@pytest.mark.parametrize("child", children.names())
@pytest.mark.parametrize("table", [CLASSES, NUMBERS], ids=["classification", "regression"])
def test_every_child_comes_back_from_its_file(child: str, table: Table, tmp_path: Path) -> None:
    io = pytest.importorskip("skops.io")
    path = tmp_path / "model.skops"
    won = winner(child, table.kind)
    trusted = save_model(won, table, path)
    assert list(tmp_path.iterdir()) == [path]
    model = io.load(path, trusted=trusted)
    fresh = refit(won, table)
    assert np.array_equal(model.predict(table.X), fresh.predict(table.X))
    if table.kind == "classification":
        assert set(model.predict(table.X)) <= {"yes", "no"}


def test_without_success_there_is_nothing_to_save(tmp_path: Path) -> None:
    pytest.importorskip("skops.io")
    with pytest.raises(InputError, match="no trial succeeded"):
        save_model(result(warm=[None], cold=None), CLASSES, tmp_path / "m.skops")
    assert list(tmp_path.iterdir()) == []


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    pytest.importorskip("skops.io")
    with pytest.raises(StoreError):
        save_model(winner("linear"), CLASSES, tmp_path / "no" / "m.skops")


@pytest.mark.parametrize("child", ["linear", "random_forest"])
def test_a_saved_model_reads_rows_as_the_table_was_read(child: str, tmp_path: Path) -> None:
    """A file as its owner has it: decimal commas, dates, an index, a mark for a missing value."""
    io = pytest.importorskip("skops.io")
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
    trusted = save_model(winner(child), table, tmp_path / "m.skops")
    model = io.load(tmp_path / "m.skops", trusted=trusted)
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
    assert list(model.feature_names_in_) == ["Unnamed: 0", "size", "day", "flag"]
