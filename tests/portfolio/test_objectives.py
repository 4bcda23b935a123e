"""Tasks of several objectives, one portfolio for each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution

from autometa.errors import InputError
from autometa.portfolio import Portfolio
from autometa.portfolio.objectives import (
    chebyshev,
    common,
    each_objective,
    of_several,
    one_objective,
    scalarised,
    spread_directions,
)
from autometa.space import SearchSpace
from autometa.task import State, Task, TaskHistory

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0)})


def study(name: str, directions: list[Any], trials: int = 6) -> optuna.Study:
    made = optuna.create_study(
        study_name=name, directions=directions, sampler=optuna.samplers.RandomSampler(seed=0)
    )

    def objective(trial: optuna.Trial) -> tuple[float, ...]:
        x = trial.suggest_float("x", 0.0, 1.0)
        return tuple(x * (k + 1) for k in range(len(directions)))

    made.optimize(objective, n_trials=trials)
    return made


def scored(name: str = "a", *, seconds: bool = True) -> TaskHistory:
    """A task by accuracy and memory, the third trial without memory, the fourth without time."""
    memory = np.array([[1.0], [2.0], [np.nan], [4.0]])
    return TaskHistory(
        task=Task(
            name=name,
            space=SPACE,
            direction="maximize",
            metric="accuracy",
            metrics={"memory": "minimize"},
        ),
        raw=np.array([[0.1], [0.2], [0.3], [0.4]]),
        values=np.array([0.5, 0.6, 0.7, 0.8]),
        metrics={"memory": memory},
        seconds=np.array([3.0, 2.0, 1.0, np.nan]) if seconds else np.full(4, np.nan),
    )


def test_studies_of_several_objectives_become_a_portfolio_an_objective() -> None:
    both = ["maximize", "minimize"]
    imported = Portfolio.from_studies([study("a", both), study("b", both)])
    assert of_several(imported)
    first, second = each_objective(imported)
    assert [t.name for t in first.tasks] == [t.name for t in second.tasks] == ["a", "b"]
    assert [first.tasks[0].direction, second.tasks[0].direction] == both
    assert np.allclose(2 * first.histories[1].values, second.histories[1].values)


def test_only_studies_of_the_wanted_directions_count() -> None:
    mixed = Portfolio.from_studies(
        [study("a", ["maximize", "minimize"]), study("b", ["maximize", "minimize", "maximize"])]
    )
    found = each_objective(mixed, directions=["maximize", "minimize"])
    assert [t.name for t in found[0].tasks] == ["a"]
    with pytest.raises(InputError, match="these objectives"):
        each_objective(mixed, directions=["minimize", "maximize"])


def test_scored_trials_become_objectives_by_name_and_their_time_is_one() -> None:
    portfolio = Portfolio([scored(), scored("b", seconds=False)])
    accuracy, memory = each_objective(portfolio, ["accuracy", "memory"])
    assert len(accuracy) == 2
    assert accuracy.histories[0].states.tolist() == memory.histories[0].states.tolist()
    assert accuracy.histories[0].states[2] == State.FAILED
    accuracy, seconds = each_objective(portfolio, ["accuracy", "seconds"], ["maximize", "minimize"])
    assert [t.name for t in seconds.tasks] == ["a"]  # nobody measured the other's time
    assert seconds.tasks[0].direction == "minimize"
    assert seconds.histories[0].values[:3].tolist() == [3.0, 2.0, 1.0]
    assert accuracy.histories[0].states[3] == State.FAILED


def test_objectives_that_nobody_named_are_asked_for() -> None:
    with pytest.raises(InputError, match=r'metric=\["accuracy", "seconds"\]'):
        each_objective(Portfolio([scored()]), None, ["maximize", "minimize"])
    with pytest.raises(InputError, match="'accuracy', 'memory', 'seconds'"):
        each_objective(Portfolio([scored()]), ["accuracy", "auc"])


def test_a_search_of_one_objective_learns_of_one_of_several_which_is_asked() -> None:
    both = Portfolio.from_studies([study(n, ["maximize", "minimize"]) for n in "ab"], metric="m")
    for metric in (None, "m", "seconds"):
        with pytest.raises(InputError, match=r"objectives \('m/0', 'm/1'\).*Say metric='m/0'"):
            one_objective(both, metric)
    assert [t.name for t in one_objective(both, "m/1").tasks] == ["a/1", "b/1"]
    plain = Portfolio.from_studies([study("c", ["minimize"])], metric="m")
    assert [t.name for t in one_objective(both.merge(plain), "m/0").tasks] == ["a/0", "b/0", "c"]
    assert [t.name for t in one_objective(both.merge(plain), "m").tasks] == ["c"]
    with pytest.raises(InputError, match="Say metric='m' to leave these studies out"):
        one_objective(both.merge(plain), None)
    for portfolio in (plain, both.by("m/0"), Portfolio([scored()]), Portfolio()):
        assert one_objective(portfolio, None) is portfolio


def test_what_was_read_by_each_metric_keeps_the_tasks_with_the_same_trials() -> None:
    one = Portfolio([scored(), scored("b")])
    other = scored("b").take(np.array([0, 1]))
    found = common([one, Portfolio([scored().by("memory"), other.by("memory")])])
    assert [[t.name for t in p.tasks] for p in found] == [["a"], ["a"]]


@pytest.mark.parametrize(("k", "count"), [(2, 5), (3, 8), (4, 16)])
def test_directions_are_unit_and_spread(k: int, count: int) -> None:
    found = spread_directions(k, count)
    assert np.allclose(np.linalg.norm(found, axis=1), 1.0)
    assert (found > 0.0).all()
    assert len(np.unique(found, axis=0)) == len(found) >= k


def test_scalarised_tasks_are_led_by_what_is_good_along_their_direction() -> None:
    imported = Portfolio.from_studies([study("a", ["maximize", "minimize"], 20)])
    directions = spread_directions(2, 3)
    found = scalarised(each_objective(imported), directions).histories
    assert [h.task.name for h in found] == ["a 0", "a 1", "a 2"]
    best = [float(h.raw[int(h.scores.argmax())][0]) for h in found]
    assert best[0] > best[1] > best[2]  # first objective: large x, second: small x
    assert all(h.task.family == "a" for h in found)


def test_a_better_config_has_a_better_scalarised_score() -> None:
    scores = np.array([[0.5, 0.5], [0.5, 0.6], [0.6, 0.6]])
    for direction in spread_directions(2, 5):
        assert (np.diff(chebyshev(scores, direction)) > 0.0).all()
