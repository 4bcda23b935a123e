"""The package for OptunaHub, loaded as OptunaHub loads it."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import optuna
import pytest

from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio

HUB = Path(__file__).parents[1] / "hub"
PACKAGE = HUB / "samplers" / "autometa"
optunahub = pytest.importorskip("optunahub")


@pytest.fixture(scope="module")
def package() -> Any:
    return optunahub.load_local_module("samplers/autometa", registry_root=str(HUB))


def test_it_samples_and_prunes(package: Any, tmp_path: Path) -> None:
    study: optuna.Study = runpy.run_path(str(PACKAGE / "example.py"))["main"](package, n_trials=4)
    assert [t.user_attrs["autometa:rule"] for t in study.trials] == ["portfolio"] * 3 + ["transfer"]
    assert study.best_value < 0.1
    model = MetaLearner(seed=0, steps=20).fit(Portfolio.from_studies(study))
    model.save(tmp_path / "m.autometa")
    assert package.learn(str(tmp_path / "m.autometa")).space == model.space
    assert "MedianPruner" in package.AutometaPruner(model).note


def test_the_front_matter_has_what_the_registry_asks_for() -> None:
    text = (PACKAGE / "README.md").read_text(encoding="utf-8")
    _, matter, body = text.split("---\n", 2)
    fields = dict(line.split(": ", 1) for line in matter.strip().splitlines())
    assert set(fields) == {"author", "title", "description", "tags", "optuna_versions", "license"}
    assert "sampler" in fields["tags"]
    assert fields["license"] == "MIT License"
    for part in ("## Abstract", "## Class or Function Names", "## Example"):
        assert part in body
    assert "MIT License" in (PACKAGE / "LICENSE").read_text(encoding="utf-8")
