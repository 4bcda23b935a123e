from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import TrialState

import autometa
from autometa.errors import InputError, ModelError, PortfolioError, RecordError
from autometa.meta import MetaLearner
from autometa.portfolio import Portfolio
from autometa.priors.beginning import NAMES
from autometa.samplers.asking import suggest
from autometa.samplers.study_feedback import FeedBack, feed_back
from autometa.space import SearchSpace
from autometa.task import Task
from autometa.testing.families import Bowls

BOWLS = Bowls()
QUICK = MetaLearner(seed=0, steps=40)
PAST = BOWLS.portfolio(6, trials=15)


def optimize(study: optuna.Study, space: SearchSpace, n: int, **more: object) -> None:
    unit = space.encode
    study.optimize(
        lambda trial: float(unit(suggest(trial, space)).sum()),
        n_trials=n,
        **more,  # type: ignore[arg-type]
    )


def test_a_study_starts_from_a_portfolio_of_another_space() -> None:
    space = SearchSpace(
        {
            "lr": FloatDistribution(1e-4, 0.5, log=True),
            "depth": IntDistribution(2, 8),
            "dropout": FloatDistribution(0.0, 0.9),
            "epochs": IntDistribution(1, 50),
        }
    )
    study = autometa.create_study(
        "maximize",
        portfolio=PAST,
        space=space,
        renamed={"learning_rate": "lr"},
        defaults={"epochs": 20},
        learner=QUICK,
        seed=3,
    )
    assert not study.trials
    optimize(study, space, 4)
    first = study.trials[0]
    assert first.user_attrs["autometa:rule"] == "portfolio"
    assert set(first.params) == set(space.names)
    assert first.params["epochs"] == 20
    assert first.user_attrs["autometa:reason"].endswith("'epochs' as you stated")
    told = "\n".join(study.user_attrs["autometa:adapted"])
    assert "lr: renamed (from 'learning_rate')" in told
    assert "epochs: filled 90 of 90 (with 20, as given)" in told
    assert "optimiser: dropped" in told


def test_what_a_study_may_be_given() -> None:
    task = Task(name="new", space=BOWLS.space, direction="minimize", meta_features={"rows": 9.0})
    study = autometa.create_study(task, portfolio=PAST, learner=QUICK)
    assert study.study_name == "new"
    assert study.direction == optuna.study.StudyDirection.MINIMIZE
    model = QUICK.fit(PAST)
    again = autometa.create_study("minimize", portfolio=model)
    optimize(study, BOWLS.space, 2)
    optimize(again, BOWLS.space, 2)
    assert [t.params for t in study.trials] == [t.params for t in again.trials]
    with pytest.raises(ModelError, match="another space"):
        autometa.create_study("minimize", portfolio=model, space={"x": FloatDistribution(0, 1)})
    with pytest.raises(RecordError, match="direction"):
        autometa.create_study("up", portfolio=PAST)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="type int"):
        autometa.create_study("minimize", portfolio=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "given", [{}, {"prior": Portfolio()}, {"portfolio": Portfolio()}, {"prior": []}]
)
def test_where_nothing_tells_what_is_searched_it_is_asked(given: dict[str, Any]) -> None:
    with pytest.raises(PortfolioError, match=r"no space, and no prior task .*Say space="):
        autometa.create_study("minimize", **given)


def test_where_prior_tasks_disagree_on_what_is_searched_it_is_asked_by_name() -> None:
    wide = {**BOWLS.space.distributions, "depth": IntDistribution(1, 99)}
    space = SearchSpace(wide, conditions=BOWLS.space.conditions)
    other = replace(PAST.histories[0].task, name="wide", space=space)
    mixed = Portfolio([*PAST.histories, replace(PAST.histories[0], task=other)])
    told = r"2 spaces, which differ in 'depth'\..*Say space="
    with pytest.raises(PortfolioError, match=told):
        autometa.MetaSampler(mixed)
    with pytest.raises(PortfolioError, match=told):
        autometa.create_study("minimize", prior=mixed)


@pytest.mark.parametrize(("tasks", "told"), [(1, "1 prior task"), (2, "2 prior tasks")])
def test_a_start_counts_prior_tasks_as_people_do(tasks: int, told: str) -> None:
    space = {**BOWLS.space.distributions, "learning_rate": FloatDistribution(1e-3, 0.1, log=True)}
    study = optuna.create_study(sampler=autometa.MetaSampler(Portfolio(PAST.histories[:tasks])))
    for _ in range(2):  # the second in the space that the first has shown
        trial = study.ask(space)
        study.tell(trial, 1.0)
        assert f"{told} " in f"{trial.user_attrs['autometa:reason']} ".replace(";", " ")


@pytest.mark.parametrize("seed", ["a", -1, None, 1.5, True])
def test_a_seed_that_is_none_is_refused_at_every_door(seed: Any) -> None:
    model = QUICK.fit(PAST)
    doors = (
        lambda: autometa.create_study("minimize", prior=PAST, seed=seed),
        lambda: autometa.MetaSampler(model, seed=seed),
        lambda: autometa.MetaSampler("svm", seed=seed),
        lambda: MetaLearner(seed=seed),
    )
    for door in doors:
        with pytest.raises(InputError, match=r"seed = .*an integer from 0 on"):
            door()


def test_a_base_that_is_a_class_is_refused() -> None:
    base: Any = optuna.samplers.TPESampler
    for door in (autometa.MetaSampler, partial(autometa.create_study, "minimize")):
        with pytest.raises(InputError, match=r"base=.*TPESampler\(seed=0\)"):
            door(prior=QUICK.fit(PAST), base=base)


@pytest.mark.parametrize(
    "rules",
    [{"renamed": {"learning_rate": "lr"}}, {"choices": {"optimiser": {"sgd": "momentum"}}}],
)
def test_rules_of_old_names_ask_for_what_is_searched_now(rules: dict[str, Any]) -> None:
    """Without it they had no effect at all."""
    told = r"rules for .* where it is not said what is searched.*Say space="
    with pytest.raises(InputError, match=told):
        autometa.create_study("minimize", prior=PAST, learner=QUICK, **rules)
    with pytest.raises(InputError, match=told):
        autometa.warm_start(optuna.create_study(), PAST, learner=QUICK, **rules)


def test_what_is_fixed_beside_own_studies_is_said_to_have_no_effect() -> None:
    for space in (None, BOWLS.space):
        given: dict[str, Any] = {
            "prior": PAST,
            "space": space,
            "learner": QUICK,
            "fixed": {"seed": 3},
        }
        study = autometa.create_study("minimize", **given)
        assert "no family is named" in study.user_attrs[NAMES][0]


def test_the_loop_feeds_studies_back(tmp_path: Path) -> None:
    folder, space = tmp_path / "p", BOWLS.space
    sizes = []
    for name in ("a", "b"):
        task = Task(
            name=name,
            space=space,
            direction="maximize",
            metric="score",
            meta_features={"rows": 3.0},
        )
        past = Portfolio.open(folder, create=True)
        study = autometa.create_study(task, prior=past, learner=QUICK)
        optimize(study, space, 6, callbacks=[FeedBack(folder, every=4)])
        sizes.append([len(h) for h in Portfolio.load(folder).histories])
        feed_back(study, folder)
        before = (folder / "manifest.json").read_bytes()
        assert feed_back(study, folder).histories[-1].task.meta_features == {"rows": 3.0}
        assert Portfolio.load(folder).by_key.keys() >= {(space, name)}
        assert len(before) == len((folder / "manifest.json").read_bytes())
    assert sizes == [[4], [6, 4]]
    found = Portfolio.load(folder)
    assert found.space == space
    assert [(t.name, t.metric) for t in found.tasks] == [("a", "score"), ("b", "score")]
    assert [len(h) for h in found.histories] == [6, 6]
    with pytest.raises(InputError, match="every"):
        FeedBack(folder, every=0)


def test_many_studies_feed_one_folder_at_once(tmp_path: Path) -> None:
    def run(name: str) -> None:
        study = optuna.create_study(study_name=name)
        study.add_trial(optuna.trial.create_trial(state=TrialState.FAIL))
        callback = FeedBack(tmp_path / "p")
        callback(study, study.trials[0])  # nothing to feed back yet
        study.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=3, callbacks=[callback])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, "abcd"))
    found = Portfolio.load(tmp_path / "p")
    assert sorted(t.name for t in found.tasks) == ["a", "b", "c", "d"]
    assert {int(h.complete.sum()) for h in found.histories} == {3}
