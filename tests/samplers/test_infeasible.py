"""Constraints, infinite values and unknown meta-features in a running search."""

from __future__ import annotations

import math
import pickle
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import FrozenTrial, TrialState

from autometa.constraints import infeasible
from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.front_model import FrontModel
from autometa.meta.new_task import known_features
from autometa.portfolio import Portfolio
from autometa.samplers.create import create_study
from autometa.samplers.explanation import explain_study
from autometa.samplers.read_trials import TrialsReader
from autometa.samplers.sampler import MetaSampler
from autometa.samplers.study_feedback import feed_back
from autometa.space import SearchSpace
from autometa.suggest.observations import Observations
from autometa.task import Direction, State, Task, TaskHistory

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)})


@pytest.fixture(scope="module")
def model() -> MetaModel:
    """Prior tasks are best at x of .2 to .4."""
    rng = np.random.default_rng(0)
    histories = []
    for best in np.linspace(0.2, 0.4, 8):
        raw = SPACE.sample_raw(40, rng)
        task = Task(
            name=f"{best:.3f}",
            space=SPACE,
            direction="maximize",
            meta_features={"rows": best, "columns": 1.0 - best},
        )
        histories.append(TaskHistory(task=task, raw=raw, values=-((raw[:, 0] - best) ** 2)))
    return MetaLearner(seed=0, steps=50).fit(Portfolio(histories))


def objective(trial: optuna.Trial) -> float:
    return -((trial.suggest_float("x", 0.0, 1.0) - 0.3) ** 2) - 0.1 * trial.suggest_float(
        "y", 0.0, 1.0
    )


def too_small(trial: FrozenTrial) -> tuple[float]:
    """Infeasible where prior tasks were best."""
    return (0.45 - trial.params["x"],)


def constrained(trial: optuna.Trial) -> float:
    value = objective(trial)
    trial.set_constraint("small", 0.45 - trial.params["x"])
    return value


SET = pytest.mark.skipif(not hasattr(optuna.Trial, "set_constraint"), reason="from Optuna 5 on")


@pytest.mark.parametrize(
    ("how", "jobs"),
    [("func", 1), ("func", 2), ("base", 1), pytest.param("trial", 1, marks=SET)],
)
def test_the_search_leaves_what_is_infeasible(model: MetaModel, how: str, jobs: int) -> None:
    options: dict[str, Any] = {}
    if how == "func":
        options = {"constraints_func": too_small}
    elif how == "base":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            base = optuna.samplers.TPESampler(seed=0, constraints_func=too_small)
        options = {"base": base}
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0, **options))
    study.optimize(constrained if how == "trial" else objective, n_trials=16, n_jobs=jobs)
    broken = [infeasible(t) for t in study.trials]
    assert broken == [t.params["x"] < 0.45 for t in study.trials]
    assert broken[0]  # what prior tasks say is wrong here
    assert not all(broken[:10])  # the start goes elsewhere
    assert study.best_value > -0.2
    assert [e.infeasible for e in explain_study(study)] == broken
    assert [e.to_json()["infeasible"] for e in explain_study(study)] == broken


def reports_nan(trial: optuna.Trial) -> None:
    trial.report(math.nan, 1)


@pytest.mark.filterwarnings("ignore:The value nan")
@pytest.mark.parametrize("report", [lambda trial: None, reports_nan])
def test_what_is_pruned_without_a_result_is_left_as_what_fails(
    model: MetaModel, report: Callable[[optuna.Trial], None]
) -> None:
    """An objective that cannot use a config raises TrialPruned."""

    def unusable(trial: optuna.Trial) -> float:
        value = objective(trial)
        if trial.params["x"] < 0.45:
            report(trial)
            raise optuna.TrialPruned
        return value

    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0))
    study.optimize(unusable, n_trials=16)
    assert study.trials[0].state == TrialState.PRUNED  # what prior tasks say is wrong here
    assert {t.state for t in study.trials[:10]} == {TrialState.PRUNED, TrialState.COMPLETE}
    assert study.best_value > -0.2
    assert len({str(t.params) for t in study.trials}) == 16


def failing_beyond(limit: float, best: float, tasks: range) -> Portfolio:
    """Tasks that are better the larger x is and fail beyond a limit, each with one exception."""
    histories = []
    for k in tasks:
        raw = SPACE.sample_raw(30, np.random.default_rng(k))
        raw[0, 0] = best  # which happens to succeed
        failed = (raw[:, 0] > limit) & (raw[:, 0] != best)
        histories.append(
            TaskHistory(
                task=Task(name=f"t{k}", space=SPACE, direction="maximize"),
                raw=raw,
                values=np.where(failed, np.nan, raw[:, 0]),
                states=np.where(failed, State.FAILED, State.COMPLETE).astype(np.int8),
            )
        )
    return Portfolio(histories)


@pytest.mark.parametrize("limit", [0.4, 0.6, 0.8])
@pytest.mark.parametrize("grown", [False, True])
def test_a_start_keeps_to_where_prior_tasks_did_not_fail(limit: float, grown: bool) -> None:
    """They have no values there, so that the model could promise anything."""
    learner = MetaLearner(seed=0, steps=50)
    model = learner.fit(failing_beyond(limit, 0.0, range(3 if grown else 5)))
    if grown:
        model = learner.refit(model, failing_beyond(limit, 0.0, range(5)))
    first = [float(c.config["x"]) for c in model.warm_start(4)]  # type: ignore[arg-type]
    assert max(first) < limit + 0.1
    assert np.mean(np.array(first) <= limit) >= 0.5


def test_what_succeeded_among_failures_is_still_a_candidate() -> None:
    model = MetaLearner(seed=0, steps=50).fit(failing_beyond(0.6, 0.95, range(5)))
    assert model.transfer is not None
    far = model.transfer.catalogue.unit[:, 0] > 0.8
    assert np.allclose(model.transfer.catalogue.unit[far, 0], 0.95)


def test_a_pruned_trial_of_several_objectives_is_not_tried_again() -> None:
    study = optuna.create_study(directions=["maximize", "minimize"])
    trial = study.ask(dict(SPACE.distributions))
    study.tell(trial, state=TrialState.PRUNED)
    study.ask()
    seen_in: Any = SimpleNamespace(space=SPACE, project=SPACE.encode)
    history = TrialsReader(seen_in).read(study, study.trials[-1])
    assert history.had(SPACE.encode(trial.params))
    assert len(history.failed) == 1


def test_pruned_trials_without_a_finished_one_to_compare_with_are_failures() -> None:
    study = optuna.create_study(direction="maximize")
    trials = [study.ask(dict(SPACE.distributions)) for _ in range(2)]
    trials[0].report(0.5, 1)
    study.tell(trials[0], state=TrialState.PRUNED)
    seen_in: Any = SimpleNamespace(space=SPACE, project=SPACE.encode)
    reader, now = TrialsReader(seen_in), study.trials[1]
    assert len(reader.read(study, now).failed) == 1
    trials[1].report(0.4, 1)
    study.tell(trials[1], 0.9)
    study.ask()
    later = reader.read(study, study.trials[2])
    assert later.scores.tolist() == [0.9, 0.9]
    assert not len(later.failed)


def test_a_start_that_is_infeasible_goes_on_along_the_list(model: MetaModel) -> None:
    sampler = model.sampler(seed=0, constraints_func=lambda trial: [1.0])
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=6)
    assert [e.rule for e in explain_study(study)] == ["portfolio"] * 6


def test_the_default_base_of_several_objectives_keeps_to_constraints(model: MetaModel) -> None:
    sampler = model.sampler(seed=0, constraints_func=too_small)
    study = optuna.create_study(directions=["maximize", "minimize"], sampler=sampler)
    study.optimize(lambda t: (objective(t), t.params["y"]), n_trials=4)
    assert [infeasible(t) for t in study.trials] == [t.params["x"] < 0.45 for t in study.trials]


def read(
    values: list[float],
    direction: Direction = "maximize",
    constraints: Mapping[int, list[float]] | None = None,
) -> Observations:
    """What a reader makes of trials with these values."""
    study = optuna.create_study(direction=direction)
    for i, value in enumerate(values):
        study.add_trial(
            optuna.create_trial(
                params={"x": i / 10, "y": 0.5},
                distributions=dict(SPACE.distributions),
                value=value,
                system_attrs={"constraints": (constraints or {}).get(i)},
            )
        )
    study.ask()
    seen_in: Any = SimpleNamespace(space=SPACE, project=SPACE.encode)
    return TrialsReader(seen_in).read(study, study.trials[-1])


def test_the_best_infinity_is_the_best_and_the_worst_is_a_failure() -> None:
    history = read([1.0, math.inf, 3.0, -math.inf])
    assert history.scores.tolist() == [1.0, 4.0, 3.0]
    assert history.failed[:, 0].tolist() == [0.3]
    history = read([1.0, math.inf, 3.0, -math.inf], "minimize")
    assert history.scores.tolist() == [-1.0, -3.0, 0.0]
    assert history.failed[:, 0].tolist() == [0.1]
    assert read([math.inf, math.inf]).scores.tolist() == [0.0, 0.0]
    assert read([math.inf, 2.0]).scores.tolist() == [3.0, 2.0]
    assert np.isfinite(read([math.inf, 1e308, -1e308]).scores).all()


def test_an_infeasible_trial_is_a_failed_one_however_good() -> None:
    history = read([1.0, 9.0, math.inf, 2.0], constraints={1: [-1.0, 0.5], 2: [1.0], 3: [0.0]})
    assert history.scores.tolist() == [1.0, 2.0]
    assert history.failed[:, 0].tolist() == [0.1, 0.2]


@pytest.mark.parametrize("best", [1.0, -1.0])
def test_a_search_with_infinite_values_goes_on(model: MetaModel, best: float) -> None:
    study = optuna.create_study(
        direction="maximize" if best > 0 else "minimize", sampler=model.sampler(seed=0)
    )

    def infinite(trial: optuna.Trial) -> float:
        value = best * objective(trial)
        return best * math.inf if abs(trial.params["x"] - 0.3) < 0.05 else value

    study.optimize(infinite, n_trials=10)
    assert math.isinf(study.best_value)
    assert sum(math.isinf(t.values[0]) for t in study.trials) >= 3  # found again; one by chance
    assert len({t.params["x"] for t in study.trials}) == 10


@pytest.mark.parametrize("unknown", [math.nan, math.inf, None, "many", [1.0]])
def test_a_meta_feature_that_is_not_known_is_left_out_by_name(
    model: MetaModel, unknown: Any
) -> None:
    with pytest.warns(UserWarning, match="left out: rows = ") as caught:
        sampler = model.sampler(seed=0, meta_features={"rows": unknown, "columns": 0.7})
    assert len(caught) == 1
    study = optuna.create_study(direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=5)
    without = optuna.create_study(
        direction="maximize", sampler=model.sampler(seed=0, meta_features={"columns": 0.7})
    )
    without.optimize(objective, n_trials=5)
    assert [t.params for t in study.trials] == [t.params for t in without.trials]


@pytest.mark.parametrize(
    "ask",
    [
        lambda m, f: m.warm_start(1, meta_features=f),
        lambda m, f: m.task_relevance(f),
    ],
)
def test_so_it_is_behind_the_other_doors(
    model: MetaModel, ask: Callable[[MetaModel, Mapping[str, float]], Any]
) -> None:
    with pytest.warns(UserWarning, match="rows = nan"):
        ask(model, {"rows": math.nan})


def test_so_it_is_where_the_study_joins_a_portfolio(model: MetaModel, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="rows = nan") as caught:
        study = create_study(
            "maximize", prior=model, meta_features={"rows": math.nan, "columns": 0.5}
        )
    assert len(caught) == 1
    study.optimize(objective, n_trials=3)
    assert feed_back(study, tmp_path / "folder").tasks[0].meta_features == {"columns": 0.5}


def test_numbers_of_any_kind_are_known_and_other_things_are_refused() -> None:
    assert known_features(None) == {}
    assert known_features({"a": np.float32(2.0), "b": np.int64(3), "c": True}) == {
        "a": 2.0,
        "b": 3.0,
        "c": 1.0,
    }
    with pytest.raises(InputError, match="meta-features of type list"):
        known_features([1.0])  # type: ignore[arg-type]


def test_values_of_constraints_are_read_by_name_and_what_is_no_number_is_not() -> None:
    def limits(*known: dict[str, Any]) -> list[list[float]] | None:
        study = optuna.create_study()
        for i, system_attrs in enumerate(known):
            study.add_trial(
                optuna.create_trial(
                    params={"x": i / 10, "y": 0.5},
                    distributions=dict(SPACE.distributions),
                    value=1.0,
                    system_attrs=system_attrs,
                )
            )
        study.ask()
        seen_in: Any = SimpleNamespace(space=SPACE, project=SPACE.encode)
        found = TrialsReader(seen_in).read(study, study.trials[-1]).limits
        return None if found is None else found.values.tolist()

    assert limits({"constraints": [1.0, -1.0]}, {"constraints": [0, 2]}) == [[1.0, -1.0], [0, 2]]
    assert limits({"constraints:a": 1.0}, {}, {"constraints:a": -2}) == [[1.0], [-2.0]]
    # A constraint that came later: of what has it; one that is gone: without it.
    both = {"constraints:a": 1.0, "constraints:b": 3.0}
    assert limits({"constraints:a": 1.0}, both) == [[1.0, 3.0]]
    assert limits(both, {"constraints:a": 2.0}) == [[1.0], [2.0]]
    unread: tuple[Any, ...] = ([math.nan], ["x"], [math.inf], [True], None, 3, {})
    for odd in unread:
        assert limits({"constraints": odd}) is None


@SET
@pytest.mark.parametrize("objectives", [1, 2])
def test_a_warm_search_learns_where_limits_are_kept(model: MetaModel, objectives: int) -> None:
    def constrained(trial: optuna.Trial) -> list[float]:
        found = objective(trial)
        trial.set_constraint("edge", 0.45 - trial.params["x"])
        return [found, trial.params["y"]][:objectives]

    def searched(sampler: optuna.samplers.BaseSampler) -> int:
        both: list[Direction] = ["maximize", "minimize"]
        directions = both[:objectives]
        study = optuna.create_study(directions=directions, sampler=sampler)
        for _ in range(20):
            trial = study.ask()
            study.tell(trial, constrained(trial))
        return sum(not infeasible(t) for t in study.trials)

    prior: Any = model if objectives == 1 else front_of(model)
    warm = searched(pickle.loads(pickle.dumps(MetaSampler(prior, seed=0))))
    assert warm >= 13
    assert warm >= searched(optuna.samplers.TPESampler(seed=0))


def front_of(model: MetaModel) -> FrontModel:
    """Of two objectives that are the same but for their direction."""
    return FrontModel(
        lead=model, models=(model, model), directions=("maximize", "minimize"), metrics=("a", "b")
    )
