"""Every door through which distributions come in finds the inner learning rate by its name."""

from __future__ import annotations

import json
import pickle
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
import pandas as pd
import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.trial import create_trial

import autometa
from autometa.errors import ModelError, SpaceError
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.samplers.own_study import own_space
from autometa.sklearn.distributions import Asked
from autometa.space import SearchSpace
from autometa.space.rates import as_space, is_rate_name

LR = FloatDistribution(1e-4, 0.1, log=True)
GIVEN: dict[str, BaseDistribution] = {"lr": LR, "layers": IntDistribution(1, 4)}
ROWS = [{"lr": 10**-k, "layers": k, "loss": 1 / k} for k in (1, 2, 3, 4)]


def _frame(space: Any) -> Portfolio:
    frame = pd.DataFrame(ROWS).assign(task="a")
    return Portfolio.from_frame(frame, task="task", value="loss", direction="minimize", space=space)


def _study() -> optuna.Study:
    """Define by run: the second half of the trials widens a range and adds a parameter."""
    study = optuna.create_study()
    for i, row in enumerate(ROWS):
        params = {k: v for k, v in row.items() if k != "loss"} | ({"momentum": 0.5} if i else {})
        distributions = GIVEN | ({"momentum": FloatDistribution(0, 1)} if i else {})
        study.add_trial(create_trial(value=row["loss"], params=params, distributions=distributions))
    return study


def _runs(space: Any) -> Portfolio:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "runs.json"
        runs = [
            {
                "name": str(i),
                "state": "finished",
                "config": {k: v for k, v in row.items() if k != "loss"},
                "summary": {"loss": row["loss"]},
            }
            for i, row in enumerate(ROWS)
        ]
        path.write_text(json.dumps(runs))
        return Portfolio.from_wandb(path, metric="loss", direction="minimize", space=space)


DOORS: Mapping[str, Any] = {
    "as_space": as_space,
    "frame": lambda space: _frame(space).space,
    "studies": lambda space: Portfolio.from_studies(_study(), space=space).space,
    "tracker": lambda space: _runs(space).space,
    "adapt": lambda space: _frame(GIVEN).adapt(space).portfolio.space,
    "scikit-learn": lambda space: Asked.of(space).space,
}


@pytest.mark.parametrize("door", DOORS)
def test_distributions_know_their_rate_and_a_space_says_it_itself(door: str) -> None:
    assert DOORS[door](GIVEN).inner_lr == "lr"
    assert DOORS[door](SearchSpace(GIVEN, inner_lr="lr")).inner_lr == "lr"
    silent = DOORS[door](SearchSpace(GIVEN))
    assert silent.inner_lr is None
    assert SearchSpace.from_json(silent.to_json()) == silent == pickle.loads(pickle.dumps(silent))


def test_what_is_inferred_knows_it_too() -> None:
    assert Portfolio.from_studies(_study()).space.inner_lr == "lr"
    assert _runs(None).space.inner_lr == "lr"
    space = own_space(_study())
    assert space is not None
    assert space.inner_lr == "lr"
    assert space.distributions.keys() == {"lr", "layers", "momentum"}


def test_it_can_be_said_otherwise() -> None:
    two = {**GIVEN, "rate": LR}
    study = optuna.create_study()
    for row in ROWS:
        params = {"lr": row["lr"], "layers": row["layers"], "rate": 0.01}
        study.add_trial(create_trial(value=row["loss"], params=params, distributions=two))
    for space in (None, two):
        said = [
            Portfolio.from_studies(study, space=space, inner_lr=name).space.inner_lr
            for name in (None, "rate", "")
        ]
        assert said == ["lr", "rate", None]


def test_a_study_of_distributions_predicts_its_rate() -> None:
    model = MetaLearner(seed=0).fit(_frame(GIVEN))
    assert 1e-4 <= model.predict_inner_lr().value <= 0.1
    study = autometa.create_study("minimize", prior=model, space=GIVEN)
    assert study.ask(GIVEN).params.keys() == GIVEN.keys()
    silent = MetaLearner(seed=0).fit(_frame(SearchSpace(GIVEN)))
    with pytest.raises(ModelError, match="inner_lr='lr'"):
        silent.predict_inner_lr()


def test_hpo_b_hides_its_names(tmp_path: Path) -> None:
    path = tmp_path / "meta-train-dataset.json"
    data = {"5971": {"3": {"X": [[0.1, 0.2], [0.3, 0.4]], "y": [[0.5], [0.6]]}}}
    path.write_text(json.dumps(data))
    assert Portfolio.from_hpob(path).space.inner_lr is None


@pytest.mark.parametrize("name", ["lr_max", "lrInit", "opt/lr_peak", "learning-rate-initial"])
def test_the_height_may_stand_behind_the_rate(name: str) -> None:
    assert is_rate_name(name)
    assert not is_rate_name(name.replace("max", "min").replace("nit", "ecay").replace("peak", "x"))


@pytest.mark.parametrize("bad", [{}, {"lr": "log"}, ["lr"], None])
def test_what_is_no_space_is_refused(bad: Any) -> None:
    with pytest.raises(SpaceError):
        as_space(bad)
