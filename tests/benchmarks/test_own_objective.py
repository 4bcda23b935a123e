from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest

from autometa.priors.family import in_words_of
from autometa.priors.written import Facts
from autometa.space import SearchSpace
from autometa.tables import Table
from autometa_benchmarks.own_objective import measuring
from autometa_benchmarks.own_objective.guides import GUIDES, Guide
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


def test_there_are_three_a_library() -> None:
    families = [guide.family for guide in GUIDES]
    assert all(families.count(family) == 3 for family in families)


def test_cells_are_measured_and_summed_up(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=list("abc"))
    table = Table(name="t", X=frame, y=pd.Series(frame["a"] > 0), kind="classification")

    def study(method: str, guide: Guide, table: Table, seed: int) -> optuna.Study:
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
