from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from autometa.cli import main
from autometa.errors import InputError
from autometa.priors.family import in_words_of
from autometa.priors.written import Facts
from autometa.space import SearchSpace
from autometa.tables import Table
from autometa_benchmarks.own_objective import measuring
from autometa_benchmarks.own_objective.guides import GUIDES, Guide, builder
from tests.priors.families import portfolio_of

STRANGE = {"bagging_freq", "max_depth"}  # of LightGBM: no prior task varied them


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_guide_is_known_by_its_family(guide: Guide) -> None:
    space, facts = SearchSpace(guide.space), Facts(columns=12, width=12.0)
    found = in_words_of(
        space, portfolio_of(guide.family), guide.family, fixed=guide.fixed, facts=facts
    )
    unknown = found.names.unknown.keys()
    assert not unknown - (STRANGE if guide.family == "lightgbm" else set())
    assert len(found.names.fixed) == len(guide.fixed)


def test_a_metric_that_cannot_be_measured_is_refused(tmp_path: Path) -> None:
    for families, metric in ((["svm"], "neg_log_loss"), (["lightgbm"], "profit")):
        with pytest.raises(InputError, match=metric):
            next(
                measuring.measure(
                    tmp_path, families=families, tables=(), trials=1, seeds=1, metric=metric
                )
            )


def test_the_rate_of_lightgbm_is_the_one_that_is_searched() -> None:
    """The scikit-learn class passes its own default on beside `eta`, and the default wins."""
    pytest.importorskip("lightgbm")
    model = builder("lightgbm")(eta=0.01, num_leaves=4)
    assert model.get_params()["learning_rate"] == 0.01
    assert "eta" not in model.get_params()


def test_there_are_three_a_library() -> None:
    families = [guide.family for guide in GUIDES]
    assert all(families.count(family) == 3 for family in families)


def test_cells_are_measured_and_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    table = Table(name="t", X=frame, y=pd.Series(frame["a"] > 0), kind="classification")

    def study(method: str, guide: Guide, table: Table, seed: int, metric: str) -> optuna.Study:
        sampler = optuna.samplers.RandomSampler(seed=seed + measuring.METHODS.index(method))
        return optuna.create_study(direction="maximize", sampler=sampler)

    monkeypatch.setattr(measuring, "_study", study)
    monkeypatch.setattr(measuring, "_RANDOM", 3)
    (svm,) = [guide for guide in GUIDES if guide.name == "svm/grid"]
    cells: list[Any] = list(measuring._cells(svm, table, trials=5, seeds=1))
    assert [c.method for c in cells] == list(measuring.METHODS)
    assert min(float(c.regret[-1]) for c in cells) == 0.0
    assert all((np.diff(c.regret) <= 0).all() for c in cells)
    rows = measuring.summary(cells)
    assert [len(row) for row in rows] == [5, 5, 5]


def test_a_run_that_is_ended_keeps_its_cells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def ended(*_: Any, **__: Any) -> Any:
        values = np.ones(2)
        yield measuring.Cell(
            guide="g", table="t", method="cold TPE", seed=0, values=values, regret=values
        )
        raise InputError("the end")

    monkeypatch.setattr(measuring, "measure", ended)
    monkeypatch.setattr("autometa.bench.data.folder", lambda data, name: tmp_path)
    file = str(tmp_path / "cells.json")
    with pytest.raises(SystemExit):
        main(["bench", "own-objective", "--into", file, "--trials", "2"])
    (row,) = json.loads((tmp_path / "cells.json").read_text())
    assert row["method"] == "cold TPE"
    assert row["regret"] == [1.0, 1.0]
