"""What the portfolio that ships promises."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import autometa.portfolio
from autometa import children, meta_features
from autometa.collect import load_tables, plan
from autometa.portfolio import Portfolio
from autometa.tables import relatives

FOLDER = Path(autometa.portfolio.__file__).parent / "embedded"


@pytest.mark.parametrize("name", children.names())
def test_every_child_has_its_own_space_on_enough_tables_and_configs(name: str) -> None:
    portfolio = Portfolio.embedded(name)
    # A child whose space changes needs a new collection: old results would be of another model.
    assert portfolio.space == children.get(name).space
    kinds = [t.info["kind"] for t in portfolio.tasks]
    assert kinds.count("classification") >= 60
    assert kinds.count("regression") >= 12
    assert min(map(len, portfolio.histories)) >= 65
    assert np.mean([h.complete.mean() for h in portfolio.histories]) > 0.98
    protocol = portfolio.provenance["protocol"]
    expected = plan.design(portfolio.space, portfolio.provenance["configs"], protocol["seed"])
    raw = portfolio.space.to_raw(expected)
    for history in portfolio.histories:
        # Not equal to the bit: processors differ in the last bit of a logarithm.
        np.testing.assert_allclose(history.raw, raw, rtol=1e-12)


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
    provenance = Portfolio.embedded("linear").provenance
    assert provenance["seconds"] > 0
    assert all(run["versions"]["scikit-learn"] and run["command"] for run in provenance["runs"])
    assert Portfolio.embedded("linear").licence == "MIT"
    text = (FOLDER / "manifest.json").read_text(encoding="utf-8")
    assert not re.search(r'"/|[ =]/(home|tmp|root|usr|work)', text)
    assert sum(p.stat().st_size for p in FOLDER.iterdir()) < 8_000_000
