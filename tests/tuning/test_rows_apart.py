from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import autometa
from autometa import children
from autometa.errors import InputError
from autometa.tables import Table
from autometa.tables.matching import labels_known
from autometa.tuning.result import TuneResult
from autometa.tuning.rows_apart import scored_apart


def rows(n: int, seed: int) -> tuple[pd.DataFrame, pd.Series[str]]:
    X = pd.DataFrame(np.random.default_rng(seed).normal(size=(n, 3)), columns=list("abc"))
    return X, (X["a"] + 0.5 * X["b"] > 0).map({True: "up", False: "down"})


@pytest.fixture(scope="module")
def found() -> tuple[TuneResult, Table]:
    X, y = rows(80, 0)
    result = autometa.tune(X, y, families="linear", n_trials=3, portfolio=None, folds=2)
    return result, Table(name="t", X=X, y=y)


def test_the_best_default_is_fitted_to_the_same_rows(found: tuple[TuneResult, Table]) -> None:
    result, table = found
    X, y = rows(60, 1)
    scored = scored_apart(result, table, X, y)
    assert scored.test_score == result.score(X, y)
    child = children.get("linear", "classification")
    untuned = child.build(child.space.defaults, table.schema, seed=0).fit(table.X, table.y)
    recalls = [np.mean(untuned.predict(X)[y == c] == c) for c in ("down", "up")]
    assert scored.default_test_score == pytest.approx(np.mean(recalls))
    assert scored.to_json()["default_test_score"] == scored.default_test_score
    weights = np.where(y == "up", 1.0, 3.0)
    assert scored_apart(result, table, X, y, weights).test_score == result.score(X, y, weights)


def test_what_is_not_there_is_not_scored(found: tuple[TuneResult, Table]) -> None:
    result, table = found
    X, y = rows(20, 2)
    assert scored_apart(replace(result, fitted=None), table, X, y).test_score is None
    learned = tuple(replace(t, rule="transfer") for t in result.warm.trials)
    alone = scored_apart(replace(result, warm=replace(result.warm, trials=learned)), table, X, y)
    assert alone.test_score is not None
    assert alone.default_test_score is None
    with pytest.raises(InputError, match="labels that no row of the table has"):
        scored_apart(result, table, X, y.replace({"up": "sideways"}))


def test_a_default_that_would_learn_for_longer_than_the_search_is_not_scored(
    found: tuple[TuneResult, Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autometa.tuning.rows_apart._LEAST_SECONDS", 0.0)
    monkeypatch.setattr("autometa.tuning.tried_rows._OF_A_CLASS", 5)
    result, table = found
    sampled = replace(result, rows=20, seconds=0.0)
    scored = scored_apart(sampled, table, *rows(60, 1))
    assert scored.default_test_score is None
    assert scored.test_score == result.score(*rows(60, 1))
    assert "linear with its defaults is not scored on the test rows" in scored.notes[-1]
    patient = scored_apart(replace(sampled, seconds=100.0), table, *rows(60, 1))
    assert patient.default_test_score is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (pd.Series(["1", "0"]), "they are str here and int in the table"),
        (pd.Series([True, False]), "they are bool here and int in the table"),
        (pd.Series([0.5, 1.5]), "they are float here and int in the table"),
        (pd.Series([1, None]), "Leave out rows without a label"),
        (pd.Series([1, 7]), r"has: '7'. allowed: '0', '1'\.$"),
    ],
)
def test_labels_of_another_type_are_told_from_other_labels(given: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        labels_known(given, pd.Index([0, 1]), "rows")
