from __future__ import annotations

import json
from collections.abc import Sequence
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

STRANGE = {  # no prior task varied them
    "lightgbm": {"bagging_freq", "max_depth"},
    "catboost": {"bagging_temperature"},
}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_every_guide_is_known_by_its_family(guide: Guide) -> None:
    space, facts = SearchSpace(guide.space), Facts(columns=12, width=12.0)
    found = in_words_of(
        space, portfolio_of(guide.family), guide.family, fixed=guide.fixed, facts=facts
    )
    unknown = found.names.unknown.keys()
    assert not unknown - STRANGE.get(guide.family, set())
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
    cells: list[Any] = list(measuring._cells(svm, table, trials=5, seeds=[0]))
    assert [c.method for c in cells] == list(measuring.METHODS)
    assert min(float(c.regret[-1]) for c in cells) == 0.0
    assert all((np.diff(c.regret) <= 0).all() for c in cells)
    rows = measuring.summary(cells)
    assert [len(row[1]) for row in rows] == [3, 3, 3]  # after one, three and five trials
    assert rows[0][1][2] == pytest.approx(cells[0].regret[4], abs=1e-3)
    score = measuring._score(svm, table, "balanced_accuracy")
    assert len({score({"C": 1.0, "gamma": 0.1}, partition) for partition in range(4)}) > 1
    for cell in cells:
        assert cell.judged.shape == (3,)  # after one, three and five trials
        # the same config on other folds: as good, though not to the digit
        assert np.abs(cell.judged - cell.values[[0, 2, 4]]).max() < 0.3


def test_the_best_config_on_other_folds_is_set_beside_cold_ones() -> None:
    def cells(table: str, ours: float, cold: float) -> list[measuring.Cell]:
        values = np.zeros(15)
        return [
            measuring.Cell(
                guide="g",
                table=table,
                method=method,
                seed=0,
                values=values,
                regret=values,
                judged=np.array([0.1, 0.2, 0.3, 0.4, 0.5])
                + (ours if method == "prior by name" else cold),
            )
            for method in measuring.METHODS
        ]

    rows = measuring.against_cold(
        [*cells("a", 0.2, 0.0), *cells("b", 0.4, 0.0), *cells("b", 0.0, 0.0)]
    )
    found = {(row[0], row[1]): row[2:] for row in rows}
    # a table counts once, whatever its number of spaces and seeds
    assert found[1, "cold TPE @15"] == pytest.approx([-20.0, -20.0, -20.0, 2])
    assert found[3, "cold TPE @15"] == pytest.approx([-10.0, -10.0, -10.0, 2])
    assert found[15, "cold GP @15"] == pytest.approx([20.0, 20.0, 20.0, 2])
    assert (25, "cold GP @25") not in found
    assert measuring.against_cold([]) == []


def test_a_run_that_is_ended_keeps_its_cells(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[int] = []

    def ended(*_: Any, done: Sequence[measuring.Cell], **__: Any) -> Any:
        asked.append(len(done))
        values = np.ones(3)
        for method in measuring.METHODS[: len(asked) + 1]:
            yield measuring.Cell(
                guide="g",
                table="t",
                method=method,
                seed=0,
                values=values,
                regret=values,
                judged=values[:2],
            )
        raise InputError("the end")

    monkeypatch.setattr(measuring, "measure", ended)
    monkeypatch.setattr("autometa.bench.data.folder", lambda data, name: tmp_path)
    file = tmp_path / "cells.json"
    for _ in range(2):
        with pytest.raises(SystemExit):
            main(["bench", "own-objective", "--into", str(file), "--trials", "3"])
    assert asked == [0, 0]  # of the first, which not all methods had made, nothing is kept
    assert len(measuring.read_cells(file, metric="balanced_accuracy", trials=3)) == 3
    written = json.loads(file.read_text())
    assert [cell["method"] for cell in written["cells"]] == list(measuring.METHODS)
    assert written["cells"][0]["judged"] == [1.0, 1.0]
    assert written["regret"][2] == {
        "method": "cold GP",
        "mean": [1.0, 1.0],
        "median": [1.0, 1.0],
        "cells": 1,
    }
    assert written["judged"][0] == dict(
        zip(measuring.AGAINST, [1, "cold TPE @1", 0.0, 0.0, 0.0, 1], strict=True)
    )
    with pytest.raises(InputError, match="3 trials by balanced_accuracy"):
        measuring.read_cells(file, metric="balanced_accuracy", trials=4)
    for other in ("[]", "{}", "no JSON", '{"cells": [{"guide": "g"}]}'):  # of before, or damaged
        file.write_text(other)
        with pytest.raises(InputError, match="no such results"):
            measuring.read_cells(file, metric="balanced_accuracy", trials=3)


def test_only_what_is_missing_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[tuple[str, list[int]]] = []

    def cells(guide: Guide, table: Table, trials: int, seeds: list[int], metric: str) -> Any:
        asked.append((guide.name, seeds))
        yield from ()

    (tmp_path / "index.csv").write_text("name,family,rows,classes\na,fa,50,2\n")
    frame = pd.DataFrame({"x": np.arange(50.0), "target": ["u", "v"] * 25})
    frame.to_parquet(tmp_path / "a.parquet")
    monkeypatch.setattr(measuring, "_cells", cells)
    values = np.ones(3)
    done = [
        measuring.Cell(
            guide="svm/grid",
            table="a",
            method=method,
            seed=seed,
            values=values,
            regret=values,
            judged=values,
        )
        for seed, method in [(0, m) for m in measuring.METHODS]
    ]
    list(measuring.measure(tmp_path, families=["svm"], tables=["a"], trials=3, seeds=2, done=done))
    assert asked == [("svm/grid", [1]), ("svm/kernels", [0, 1]), ("svm/cost", [0, 1])]
