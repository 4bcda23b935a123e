from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from autometa import children
from autometa.errors import InputError, StoreError
from autometa.search.result import Arm, TunedTrial, TuneResult
from autometa.search.saving import refit, save_model
from autometa.tables import Table
from tests.results import result

RNG = np.random.default_rng(0)
X = pd.DataFrame({"a": RNG.normal(size=60), "b": pd.Categorical(["u", "v", "w"] * 20)})
CLASSES = Table(name="c", X=X, y=pd.Series(np.where(X["a"] > 0, "yes", "no")))
NUMBERS = Table(name="n", X=X, y=2.0 * X["a"] + 1.0)


def winner(child: str) -> TuneResult:
    config = dict(children.get(child).space.defaults)
    trial = TunedTrial(number=0, child=child, config=config, value=0.5)
    return replace(result(cold=None), child=child, warm=Arm(name="warm", trials=(trial,)))


@pytest.mark.parametrize("child", children.names())
@pytest.mark.parametrize("table", [CLASSES, NUMBERS], ids=["classification", "regression"])
def test_every_child_comes_back_from_its_file(child: str, table: Table, tmp_path: Path) -> None:
    io = pytest.importorskip("skops.io")
    path = tmp_path / "model.skops"
    trusted = save_model(winner(child), table, path)
    assert list(tmp_path.iterdir()) == [path]
    model = io.load(path, trusted=trusted)
    fresh = refit(winner(child), table)
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
