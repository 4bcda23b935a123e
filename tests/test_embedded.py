"""What the portfolio that ships promises."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

import numpy as np
import pytest

import autometa.portfolio
from autometa import children, meta_features
from autometa.collect import load_tables
from autometa.portfolio import Portfolio
from autometa.portfolio.store.shipped import embedded_names
from autometa.tables import Kind, relatives
from autometa.tuning.table_priors import gather_each

FOLDER = Path(autometa.portfolio.__file__).parent / "embedded"
FAMILIES = (
    "lightgbm",
    "xgboost",
    "catboost",
    "hist_gradient_boosting",
    "extra_trees",
    "random_forest",
    "svm",
    "linear",
    "k_nearest_neighbors",
    "mlp",
)


def test_ten_families_ship() -> None:
    assert sorted(embedded_names()) == sorted(FAMILIES)


@pytest.mark.parametrize("name", embedded_names())
@pytest.mark.parametrize("table", ["sklearn:wine", "sklearn:diabetes"])
def test_what_ships_reaches_a_search_in_the_present_space(name: str, table: str) -> None:
    loaded = load_tables([table])[0]
    child = children.get(name, loaded.kind)
    found = gather_each("embedded", [child], loaded)[name].portfolio
    assert found.space == child.space
    assert {t.info["kind"] for t in found.tasks} == {loaded.kind}
    assert len(found) >= (55 if loaded.kind == "classification" else 11)
    # Another column of a table as target gets half of the configs, a large table the best few.
    least = {"catboost": 33, "hist_gradient_boosting": 33}.get(name, 82)
    for history in found.histories:
        large = history.task.name.endswith("-large")
        assert len(history) >= (12 if large else least // 2 if "~" in history.task.name else least)
    assert np.mean([h.complete.mean() for h in found.histories]) > 0.95


@pytest.mark.parametrize("name", FAMILIES)
def test_what_was_collected_is_seen_by_every_metric(name: str) -> None:
    wanted: tuple[tuple[Kind, int, tuple[str, ...]], ...] = (
        ("classification", 80, ("roc_auc", "log_loss", "accuracy", "f1_macro", "brier")),
        ("regression", 45, ("rmse", "mae", "median_absolute_error")),
    )
    for kind, least, metrics in wanted:
        found = Portfolio.embedded(name, kind=kind)
        assert len(found) >= least
        assert found.space == children.get(name, kind).space
        for metric in metrics:
            seen = Portfolio.embedded(name, kind=kind, metric=metric)
            assert len(seen) == len(found)
            # A network diverges now and then, and a failure has no score by any metric.
            share = np.mean([np.isfinite(h.values).mean() for h in seen.histories])
            assert share > (0.97 if name == "mlp" else 0.99)


@pytest.mark.parametrize("name", FAMILIES)
def test_large_tables_stand_beside_what_they_are_samples_of(name: str) -> None:
    tasks = {task.name: task for task in Portfolio.embedded(name).tasks}
    large = {n: task for n, task in tasks.items() if n.endswith("-large")}
    assert len(large) == 12
    for called, task in large.items():
        small = tasks[called.removesuffix("-large")]
        assert task.family == small.family  # never on both sides of a split
        assert task.info["rows"] == small.info["rows"] > 5_000


def test_tasks_carry_what_a_new_task_is_compared_by() -> None:
    iris = load_tables(["sklearn:iris"])[0]
    portfolio = Portfolio.embedded("linear")
    keys = set(meta_features.compute(iris))
    assert all(set(t.meta_features) == keys for t in portfolio.tasks)
    assert {t.name for t in relatives(iris, portfolio.tasks)} == {"iris"}
    heart = {t.name for t in portfolio.tasks if t.family == "heart"}
    assert {"heart", "heart-cleveland"} <= heart
    assert all(t.info["source"] for t in portfolio.tasks)


def test_manifest_knows_how_it_was_made_and_names_no_machine() -> None:
    made = Portfolio.embedded("linear").provenance["merged"]
    small, large = sorted(made, key=lambda part: part["protocol"]["rows"])
    assert small["seconds"] > 18 * 3600
    assert large["protocol"]["rows"] == 10_000
    for provenance in (small, large):
        assert all(run["versions"]["scikit-learn"] and run["command"] for run in provenance["runs"])
        assert set(provenance["children"]) == set(embedded_names())
    assert Portfolio.embedded("linear").licence == "MIT"
    text = (FOLDER / "manifest.json").read_text(encoding="utf-8")
    assert not re.search(r'"/|[ =]/(home|tmp|root|usr|work)', text)
    # A wheel, which packs its files and holds a megabyte of code, has 15 MB at most.
    assert sum(len(zlib.compress(p.read_bytes())) for p in FOLDER.iterdir()) < 13_500_000
