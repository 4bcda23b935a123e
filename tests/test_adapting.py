"""Every way in which a space may change: a test, and a line in the report."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from autometa.errors import PortfolioError, SpaceError
from autometa.portfolio import Portfolio
from autometa.space import Config, SearchSpace
from autometa.space.rules import Rules
from autometa.task import Task, TaskHistory
from tests import strategies

X = FloatDistribution(0.0, 1.0)
LR = FloatDistribution(1e-4, 1.0, log=True)
OPT = CategoricalDistribution(["sgd", "adam"])


def past(
    space: SearchSpace | dict[str, BaseDistribution],
    *configs: Config,
    name: str = "old",
    **more: Any,
) -> Portfolio:
    known = space if isinstance(space, SearchSpace) else SearchSpace(space)
    task = Task(name=name, space=known, direction=more.get("direction", "maximize"))
    values = np.arange(float(len(configs)))
    return Portfolio([TaskHistory(task=task, raw=known.to_raw(configs), values=values)])


def configs(portfolio: Portfolio) -> list[Config]:
    return [t.config for h in portfolio.histories for t in h]


@pytest.mark.parametrize(
    ("old", "new", "values", "expected", "line"),
    [
        (LR, LR, [0.1, 0.2], [0.1, 0.2], "a: exact"),
        (X, FloatDistribution(-1.0, 2.0), [0.1, 0.2], [0.1, 0.2], "a: exact"),
        (
            LR,
            FloatDistribution(0.0, 1.0),
            [0.001, 1.0],
            [0.001, 1.0],
            "a: rescaled (log -> linear)",
        ),
        (
            X,
            LR,
            [0.0, 0.5],
            [1e-4, 0.5],
            "a: rescaled (linear -> log); clipped 1 of 2 (outside of a number from 0.0001 to 1)",
        ),
        (
            FloatDistribution(0.0, 9.0),
            IntDistribution(1, 9),
            [2.4, 3.0],
            [2, 3],
            "a: rescaled (float -> int, 1 of 2 rounded)",
        ),
        (
            IntDistribution(1, 9),
            FloatDistribution(0.5, 9.5),
            [2, 3],
            [2.0, 3.0],
            "a: rescaled (int -> float)",
        ),
        (
            X,
            FloatDistribution(0.4, 1.0),
            [0.1, 0.5],
            [0.4, 0.5],
            "a: clipped 1 of 2 (outside of a number from 0.4 to 1)",
        ),
        (
            IntDistribution(16, 64),
            CategoricalDistribution([16, 32, "auto"]),
            [32, 30],
            [32, 32],
            "a: rescaled (number -> category); clipped 1 of 2 (outside of one of 16, 32, 'auto')",
        ),
        (
            CategoricalDistribution([16, 32]),
            IntDistribution(8, 64),
            [16, 32],
            [16, 32],
            "a: rescaled (category -> number)",
        ),
        (
            CategoricalDistribution([1, 2, "inf"]),
            IntDistribution(1, 2),
            [1, "inf"],
            [1],
            "a: rescaled (category -> number); "
            "dropped 1 of 2 (trials outside of an integer from 1 to 2)",
        ),
        (OPT, CategoricalDistribution(["lion", "adam", "sgd"]), ["sgd"], ["sgd"], "a: exact"),
        (
            OPT,
            CategoricalDistribution(["adam", "lion"]),
            ["sgd", "adam"],
            ["adam"],
            "a: dropped 1 of 2 (trials without the choice 'sgd')",
        ),
        (
            OPT,
            CategoricalDistribution(["SGD", "adam"]),
            ["sgd", "adam"],
            ["SGD", "adam"],
            "a: renamed ('sgd' -> 'SGD')",
        ),
    ],
)
def test_one_parameter(
    old: BaseDistribution,
    new: BaseDistribution,
    values: list[Any],
    expected: list[Any],
    line: str,
) -> None:
    rest = {"b": X, "c": X}
    found, report = past({"a": old, **rest}, *({"a": v, "b": 0.5, "c": 0.5} for v in values)).adapt(
        {"a": new, **rest}
    )
    assert [c["a"] for c in configs(found)] == expected
    assert f"  {line}" in str(report).splitlines()
    assert report.helps


def test_numbers_outside_may_drop_their_trials() -> None:
    old = past({"a": X, "b": X}, {"a": 0.1, "b": 0.1}, {"a": 0.9, "b": 0.2})
    found, report = old.adapt({"a": FloatDistribution(0.5, 1.0), "b": X}, outside="drop")
    assert configs(found) == [{"a": 0.9, "b": 0.2}]
    assert found.histories[0].values.tolist() == [1.0]
    assert "a: dropped 1 of 2 (trials outside of a number from 0.5 to 1)" in str(report)
    assert report.spaces[0].dropped == {"parameter 'a' is outside of a number from 0.5 to 1": 1}


def test_parameters_are_renamed_as_told_or_where_nothing_else_can_be_meant() -> None:
    old = past(
        {"learning_rate": LR, "Batch-Size": IntDistribution(1, 9), "opt": OPT},
        {"learning_rate": 0.1, "Batch-Size": 3, "opt": "sgd"},
    )
    new: dict[str, BaseDistribution] = {
        "lr": LR,
        "batch_size": IntDistribution(1, 9),
        "optimizer": CategoricalDistribution(["momentum", "adam"]),
    }
    told = {"learning_rate": "lr", "opt": "optimizer"}
    found, report = old.adapt(new, renamed=told, choices={"optimizer": {"sgd": "momentum"}})
    assert configs(found) == [{"lr": 0.1, "batch_size": 3, "optimizer": "momentum"}]
    text = str(report)
    assert "lr: renamed (from 'learning_rate')" in text
    assert "batch_size: renamed (from 'Batch-Size', guessed by its name)" in text
    assert "optimizer: renamed (from 'opt'; 'sgd' -> 'momentum')" in text
    unguessed = old.adapt(new, renamed=told, guess=False, defaults={"batch_size": 1}).report
    assert "batch_size: filled" in str(unguessed)
    twins = past({"n_x": X, "nx": X, "b": X}, {"n_x": 0.1, "nx": 0.2, "b": 0.3})
    ambiguous = twins.adapt({"NX": X, "b": X}).report
    assert "NX: filled" in str(ambiguous)


def test_added_parameters_are_filled() -> None:
    old = past({"lr": LR, "b": X}, {"lr": 0.1, "b": 0.1}, {"lr": 0.2, "b": 0.1})
    space = SearchSpace(
        {
            "lr": LR,
            "b": X,
            "epochs": IntDistribution(1, 100, log=True),
            "depth": IntDistribution(1, 9),
        },
        defaults={"lr": 0.1, "b": 0.1, "epochs": 20, "depth": 2},
    )
    found, report = old.adapt(space, defaults={"epochs": 5})
    assert [(c["epochs"], c["depth"]) for c in configs(found)] == [(5, 2), (5, 2)]
    assert "epochs: filled 2 of 2 (with 5, as given)" in str(report)
    assert "depth: filled 2 of 2 (with 2, the space's default)" in str(report)
    plain, report = old.adapt({"lr": LR, "epochs": IntDistribution(1, 9), "opt": OPT})
    assert configs(plain)[0] == {"lr": 0.1, "epochs": 5, "opt": "sgd"}
    assert "filled 2 of 2 (with 5, the middle of its range, as no default is given)" in str(report)
    assert "filled 2 of 2 (with 'sgd', its first choice, as no default is given)" in str(report)


def test_removed_parameters_are_left_out() -> None:
    old = past({"lr": LR, "b": X}, {"lr": 0.1, "b": 0.1}, {"lr": 0.2, "b": 0.7})
    found, report = old.adapt({"lr": LR})
    assert configs(found) == [{"lr": 0.1}, {"lr": 0.2}]
    assert "  b: dropped 2 of 2 (not in the new)" in str(report)
    other = old.adapt({"lr": LR, "b": OPT}).report  # a number is no choice of these
    assert "b: filled" in str(other)
    assert "b: dropped 2 of 2 (no value of it can be one of the new space's)" in str(other)


def test_a_branch_that_changed() -> None:
    old = SearchSpace({"opt": OPT, "m": X, "b": X}, conditions={"m": ("opt", ["sgd"])})
    new = SearchSpace({"opt": OPT, "m": X, "b": X}, conditions={"m": ("opt", ["adam"])})
    trials = past(old, {"opt": "sgd", "m": 0.2, "b": 0.1}, {"opt": "adam", "b": 0.1})
    found, report = trials.adapt(new, defaults={"m": 0.9})
    assert configs(found) == [{"opt": "sgd", "b": 0.1}, {"opt": "adam", "m": 0.9, "b": 0.1}]
    line = "m: dropped 1 of 1 (now only where 'opt' is one of ['adam']); filled 1 of 2"
    assert line in str(report)


def test_many_old_spaces_become_one() -> None:
    first = past({"lr": LR, "b": X}, {"lr": 0.1, "b": 0.5})
    second = past({"LR": LR, "c": X}, {"LR": 0.2, "c": 0.5})
    third = past({"z": OPT}, {"z": "sgd"}, name="stranger")
    every = Portfolio([*first.histories, *second.histories, *third.histories], licence="MIT")
    found, report = every.adapt({"lr": LR, "b": X})
    assert [t.name for t in found.tasks] == ["old", "old-2"]
    assert configs(found) == [{"lr": 0.1, "b": 0.5}, {"lr": 0.2, "b": 0.5}]
    assert found.licence == "MIT"
    verdicts = [bool(s.too_different) for s in report.spaces]
    assert verdicts == [False, False, True]
    assert "too different to help: only 0% of its values" in str(report)
    data = report.to_json()
    assert data["helps"]
    assert data["spaces"][2]["too_different"]
    against = past({"LR": LR}, {"LR": 0.2}, name="down", direction="minimize")
    with pytest.raises(PortfolioError, match="mixed directions"):
        Portfolio([*first.histories, *against.histories]).adapt({"lr": LR, "b": X})


def test_a_space_too_different_leaves_nothing() -> None:
    found, report = past({"z": X}, {"z": 0.5}).adapt({"lr": LR, "b": X}, defaults={"b": 0.5})
    assert not len(found)
    assert not report.helps
    moved = past({"a": X}, {"a": 0.5}).adapt({"a": FloatDistribution(5.0, 6.0)}).report
    assert "at least 33% are needed" in moved.spaces[0].too_different
    gone = past({"a": OPT, "b": X}, {"a": "sgd", "b": 0.1})
    none = gone.adapt({"a": CategoricalDistribution(["adam"]), "b": X}).report
    assert none.spaces[0].too_different == "none of its 1 trials can be kept"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"renamed": {"b": "nothing"}}, "does not have"),
        ({"renamed": {"nothing": "a"}}, "no old space has it"),
        ({"renamed": {"b": "a"}}, "both become 'a'"),
        ({"defaults": {"a": 7.0}}, "'a' = 7.0"),
        ({"choices": {"c": {"x": "y"}}}, "does not have"),
        ({"choices": {"a": "sgd"}}, "old choice: new choice"),
        ({"outside": "project"}, "'clip' or 'drop'"),
        ({"renamed": ["a"]}, "mapping of names"),
    ],
)
def test_rules_that_cannot_apply(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        past({"a": X, "b": X}, {"a": 0.1, "b": 0.2}).adapt({"a": X, "d": X}, **rules)


@given(strategies.spaces(), strategies.spaces(), strategies.seeds)
def test_whatever_is_adapted_fits_its_new_space(
    old: SearchSpace, new: SearchSpace, seed: int
) -> None:
    raw = old.sample_raw(5, np.random.default_rng(seed))
    history = TaskHistory(
        task=Task(name="t", space=old, direction="minimize"), raw=raw, values=np.arange(5.0)
    )
    found, report = Portfolio([history]).adapt(new)  # TaskHistory checks every cell
    assert sum(map(len, found.histories)) in (0, report.spaces[0].kept)
    same, report = Portfolio([history]).adapt(old)
    np.testing.assert_allclose(same.histories[0].raw, raw, rtol=1e-9)
    assert all(p.changes[0].kind in ("exact", "rescaled") for p in report.spaces[0].parameters)


def test_rules_are_plain_records() -> None:
    assert Rules() == Rules(renamed={}, choices={}, defaults={})
