from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from autometa.cli import main
from autometa.cli.space_file import read_space
from autometa.errors import InputError
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from tests.priors.families import portfolio_of, space_of

SPACE = {
    "eta": {"low": 0.01, "high": 0.3, "log": True},
    "num_leaves": [7, 15, 31, 63],
    "max_depth": {"low": 2, "high": 10},
}


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Portfolio, "embedded", staticmethod(lambda child: portfolio_of(child)))
    monkeypatch.setattr("autometa.priors.opening.embedded_names", lambda: ("lightgbm",))
    monkeypatch.setattr(
        "autometa.priors.knowing.embedded_spaces", lambda: {"lightgbm": space_of("lightgbm")}
    )
    monkeypatch.setattr(
        "autometa.priors.prior_model.MetaLearner", lambda seed: MetaLearner(seed=seed, steps=5)
    )


def run(tmp_path: Path, space: Any, *words: str) -> int:
    path = tmp_path / "space.json"
    path.write_text(json.dumps(space))
    with pytest.raises(SystemExit) as done:
        main(["warm", "lightgbm", "--space", str(path), *words])
    return int(done.value.code or 0)


def test_the_first_configs_and_what_was_matched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--fixed", "n_estimators=900", "--trials", "3", "-f", "json")
    assert run(tmp_path, SPACE, *words) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["configs"]) == 3
    for row in found["configs"]:
        assert row["config"].keys() == {"eta", "num_leaves"}
        assert 0.01 <= row["config"]["eta"] <= 0.3
    assert "know 2 of 3 parameters (not max_depth), at n_estimators = 900" in found["start"]
    assert "lightgbm: eta is learning_rate" in found["names"]


@pytest.mark.parametrize(
    ("space", "words", "said"),
    [
        ({}, (), "holds no parameters"),
        ({"eta": 3}, (), "parameter 'eta' is 3"),
        ({"eta": {"low": 0.1, "hi": 1}}, (), "parameter 'eta'"),
        ({"eta": {"low": 1, "high": 0}}, (), "parameter 'eta'"),
        ({"eta": {"low": 0.1, "high": 1, "q": 1}}, (), "low and high, perhaps log, step and type"),
        ({"eta": {"low": "0.1", "high": 1}}, (), "low, high and step are numbers"),
        ({"eta": {"low": 0.1, "high": 1, "step": True}}, (), "low, high and step are numbers"),
        ({"eta": {"low": 0.1, "high": 1, "log": "false"}}, (), "log is true or false"),
        ({"eta": {"low": 0.1, "high": 1, "type": "loguniform"}}, (), 'type is "int" or "float"'),
        ({"eta": {"low": 0, "high": 1}}, (), "0 to 1 may mean whole numbers or any"),
        ({"max_depth": {"low": 2, "high": 10.5, "type": "int"}}, (), "an int has whole ends"),
        ({"max_depth": {"low": 2, "high": 10, "step": 0}}, (), "step"),
        (SPACE, ("--target", "y"), "--target without --data"),
        (SPACE, ("--renamed", "eta=learning_rate"), "'learning_rate' to 'eta'"),
        ({"strange": ["a", "b"]}, (), "none of 'strange' is one of these"),
        (SPACE, ("--fixed", "n_estimators"), "NAME=VALUE"),
        (SPACE, ("--metric", "los"), "metric 'los'"),
    ],
)
def test_bad_input_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    space: Any,
    words: tuple[str, ...],
    said: str,
) -> None:
    assert run(tmp_path, space, *words) == 2
    assert said in capsys.readouterr().err


def test_every_way_to_write_a_space(tmp_path: Path) -> None:
    path = tmp_path / "space.json"
    space = space_of("svm")
    path.write_text(json.dumps(space.to_json()))
    assert read_space(path) == space
    path.write_text(json.dumps(space.to_json()["distributions"]))
    assert read_space(path).distributions == space.distributions
    for given, meant in (
        ({"low": 1, "high": 9}, IntDistribution(1, 9)),
        ({"low": 1, "high": 9, "step": 2}, IntDistribution(1, 9, step=2)),
        ({"low": 1, "high": 9.0}, FloatDistribution(1, 9)),
        ({"low": 1, "high": 9.0, "type": "int"}, IntDistribution(1, 9)),
        ({"low": 1, "high": 9, "type": "float", "log": True}, FloatDistribution(1, 9, log=True)),
        ({"low": 0, "high": 1, "step": 0.1}, FloatDistribution(0, 1, step=0.1)),
        ({"low": 0, "high": 1, "type": "int"}, IntDistribution(0, 1)),
        ([0, 1], CategoricalDistribution([0, 1])),
    ):
        path.write_text(json.dumps({"x": given}))
        assert read_space(path).distributions == {"x": meant}
    path.write_text("{")
    with pytest.raises(InputError, match="JSON"):
        read_space(path)
    with pytest.raises(InputError):
        read_space(tmp_path / "none.json")
