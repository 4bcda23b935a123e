"""The start: as long as what is asked before a result comes, and nobody else's turn."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState

from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.samplers.asking import suggest
from autometa.samplers.explanation import UNKNOWN, explain_study
from autometa.storages import attributes
from autometa.storages.connect import retry
from autometa.suggest.stated import stated_first
from autometa.suggest.suggestion import FAILING, LIST_ENDED, NOTHING_LEARNED, UNRELATED
from autometa.testing.families import Bowls

BOWLS = Bowls()
OBJECTIVE = BOWLS.objective(101)


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=100).fit(BOWLS.portfolio(8, 30))


def study_of(model: MetaModel, **options: Any) -> optuna.Study:
    return optuna.create_study(direction="maximize", sampler=model.sampler(seed=0), **options)


def good(trial: optuna.Trial) -> float:
    return OBJECTIVE(suggest(trial, BOWLS.space))


def bad(trial: optuna.Trial) -> float:
    suggest(trial, BOWLS.space)
    raise MemoryError


def rules(study: optuna.Study) -> list[str]:
    return [e.rule for e in explain_study(study)]


def slots(study: optuna.Study) -> list[int | None]:
    return [t.user_attrs.get("autometa:slot") for t in study.trials]


def configs(study: optuna.Study) -> list[Any]:
    return [t.params for t in study.trials]


@pytest.mark.parametrize("asked", [9, 21])
def test_all_that_is_asked_before_a_result_is_from_the_list(model: MetaModel, asked: int) -> None:
    study = study_of(model)
    tried = [suggest(study.ask(), BOWLS.space) for _ in range(asked)]
    assert tried == [c.config for c in model.warm_start(asked)]
    assert rules(study) == ["portfolio"] * asked
    study.tell(0, 1.0)
    suggest(study.ask(), BOWLS.space)
    assert rules(study)[-1] == "transfer"


def test_failures_do_not_make_it_random(model: MetaModel) -> None:
    study = study_of(model)
    study.optimize(bad, n_trials=5, catch=(MemoryError,))
    study.optimize(good, n_trials=2)
    assert configs(study)[:6] == [c.config for c in model.warm_start(6)]
    assert rules(study) == ["portfolio"] * 6 + ["transfer"]


def test_where_all_fails_some_trials_ignore_the_prior(model: MetaModel) -> None:
    study = study_of(model)
    study.optimize(bad, n_trials=14, catch=(MemoryError,))
    assert [i for i, r in enumerate(rules(study)) if r == "cold"] == [6, 8, 10, 12]
    assert explain_study(study)[8].reason == FAILING
    unit = BOWLS.space.encode_raw(BOWLS.space.to_raw(configs(study)))
    away = [np.abs(unit[i] - unit[:i]).sum(axis=1).min() for i in (5, 6)]
    assert away[1] > 2 * away[0]  # of the list, and far from it
    assert len({json.dumps(c, sort_keys=True) for c in configs(study)}) == 14


def test_one_success_among_failures_ends_the_start_after_its_usual_length(model: MetaModel) -> None:
    study = study_of(model)
    study.optimize(good, n_trials=1)
    study.optimize(bad, n_trials=2, catch=(MemoryError,))
    study.optimize(good, n_trials=1)
    assert rules(study) == ["portfolio"] * 3 + ["transfer"]


def test_what_is_enqueued_keeps_its_own_explanation_and_takes_no_turn(model: MetaModel) -> None:
    study = study_of(model)
    wanted = {"learning_rate": 0.5, "depth": 8, "dropout": 0.9, "optimiser": "adam"}
    study.enqueue_trial(wanted)
    study.enqueue_trial({"learning_rate": 0.25})
    study.optimize(good, n_trials=6)
    assert rules(study) == ["enqueued"] * 2 + ["portfolio"] * 3 + ["transfer"]
    assert slots(study) == [None, None, 0, 1, 2, None]
    first, second = study.trials[:2]
    assert first.params == first.user_attrs["autometa:config"] == wanted
    start = model.warm_start(1)[0].config
    assert second.params == {**start, "learning_rate": 0.25}
    assert "learning_rate enqueued by hand" in explain_study(study)[1].reason
    assert study.trials[2].params == start


def test_an_item_of_the_list_that_was_enqueued_is_not_tried_again(model: MetaModel) -> None:
    study = study_of(model)
    items = [c.config for c in model.warm_start(4)]
    study.enqueue_trial(items[1])
    study.optimize(good, n_trials=4)
    assert configs(study) == [items[1], items[0], items[2], items[3]]


def test_nor_is_one_that_differs_by_a_rounding_error(model: MetaModel) -> None:
    def near(config: Any) -> Any:
        return {n: v * (1 + 1e-14) if isinstance(v, float) else v for n, v in config.items()}

    study = study_of(model)
    items = [c.config for c in model.warm_start(3)]
    assert near(items[1]) != items[1]
    study.enqueue_trial(near(items[1]))
    study.optimize(good, n_trials=3)
    assert configs(study) == [near(items[1]), items[0], items[2]]
    stated = stated_first(model.warm_start(3), near(items[1]), BOWLS.space)
    assert [c.config for c in stated] == [near(items[1]), items[0], items[2]]


def test_enqueued_again_with_all_its_attributes_it_is_enqueued(model: MetaModel) -> None:
    study = study_of(model)
    study.optimize(good, n_trials=4)
    old = study.trials[0]
    study.enqueue_trial({**old.params, "dropout": 0.5}, user_attrs=old.user_attrs)
    study.optimize(good, n_trials=1)
    again = study.trials[-1]
    assert rules(study)[-1] == "enqueued"
    assert again.user_attrs["autometa:config"] == again.params
    assert again.user_attrs["autometa:slot"] is None


def test_trials_of_another_sampler_keep_their_place_and_name(model: MetaModel) -> None:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    study.optimize(good, n_trials=4)
    study.sampler = model.sampler(seed=0)
    study.optimize(good, n_trials=4)
    assert rules(study) == [UNKNOWN] * 4 + ["portfolio"] * 3 + ["transfer"]
    assert configs(study)[4:7] == [c.config for c in model.warm_start(3)]


def test_a_retried_trial_keeps_its_explanation_and_takes_no_turn(model: MetaModel) -> None:
    study = study_of(model)
    suggest(study.ask(), BOWLS.space)
    retry(study, study.tell(0, state=TrialState.FAIL))
    study.optimize(good, n_trials=5)
    assert rules(study) == ["portfolio"] * 4 + ["transfer", "transfer"]
    assert slots(study)[:4] == [0, 0, 1, 2]
    assert study.trials[1].params == study.trials[0].params


def test_another_samplers_trial_that_is_retried_is_not_explained_as_ours(model: MetaModel) -> None:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    suggest(study.ask(), BOWLS.space)
    study.sampler = model.sampler(seed=0)
    retry(study, study.tell(0, state=TrialState.FAIL))
    study.optimize(good, n_trials=2)
    assert rules(study)[1:] == ["enqueued", "portfolio"]
    assert study.trials[1].params == study.trials[0].params
    assert study.trials[2].params == model.warm_start(1)[0].config


def test_an_interrupted_trial_gives_its_place_back(model: MetaModel) -> None:
    study = study_of(model)
    trial = study.ask()
    trial.set_user_attr(attributes.DROPPED, True)
    suggest(trial, BOWLS.space)
    study.tell(trial, state=TrialState.FAIL)
    study.optimize(good, n_trials=1)
    assert study.trials[1].params == study.trials[0].params


def test_a_study_of_other_parameters_is_never_explained_by_the_prior(model: MetaModel) -> None:
    study = study_of(model)

    def strange(trial: optuna.Trial) -> float:
        return trial.suggest_float("a", 0.0, 1.0)

    running = study.ask()
    study.optimize(strange, n_trials=4)
    assert [e.rule for e in explain_study(study)[1:]] == ["base"] * 4
    assert explain_study(study)[1].reason == UNRELATED
    assert study.trials[1].user_attrs["autometa:rule"] == "base"
    assert len({t.params["a"] for t in study.trials[1:]}) == 4
    running.suggest_float("a", 0.0, 1.0)  # known while it runs
    assert explain_study(study)[0].rule == "base"


def test_without_prior_tasks_every_trial_has_a_rule() -> None:
    empty = MetaLearner(seed=0).fit(Portfolio(), space=BOWLS.space)
    study = study_of(empty)
    study.optimize(good, n_trials=3)
    assert rules(study) == ["default", "base", "base"]
    assert explain_study(study)[1].reason == NOTHING_LEARNED


def test_a_list_that_is_used_up_says_so(model: MetaModel) -> None:
    pool = [c.config for c in model.warm_start(3)]
    study = optuna.create_study(direction="maximize", sampler=model.sampler(seed=0, pool=pool))
    for _ in range(4):
        suggest(study.ask(), BOWLS.space)
    assert rules(study) == ["portfolio"] * 3 + ["base"]
    assert explain_study(study)[-1].reason == LIST_ENDED


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_threads_share_the_list(model: MetaModel, kind: str, tmp_path: Path) -> None:
    storage = None if kind == "memory" else f"sqlite:///{tmp_path / 'study.db'}"
    study = study_of(model, storage=storage)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: suggest(study.ask(), BOWLS.space), range(8)))
    assert sorted(s for s in slots(study) if s is not None) == list(range(8))


def test_two_processes_that_take_one_place_both_move_on(model: MetaModel) -> None:
    """As when each announces before the other looks: two samplers, each with a lock of its own."""
    study = study_of(model)
    first, second = (study.ask() for _ in range(2))  # places 0 and 1

    def announced(trial: optuna.Trial) -> None:
        study._storage.set_trial_user_attr(trial._trial_id, "autometa:slot", 0)
        study._storage.set_trial_user_attr(trial._trial_id, "autometa:config", item)

    item = model.warm_start(1)[0].config
    announced(second)
    place = []
    for trial in (first, second):
        sampler = model.sampler(seed=0)
        frozen = study.trials[trial.number]
        frozen.user_attrs.pop("autometa:config")
        frozen.set_user_attr("autometa:slot", 0)
        sampler.before_trial(study, frozen)
        place.append(frozen.user_attrs["autometa:slot"])
        announced(trial)
    assert place == [1, 2]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_processes_that_begin_at_once_take_the_places_of_their_order(
    model: MetaModel, order: tuple[int, ...]
) -> None:
    """All have their trials before any has a plan: the start is what one process would try."""
    study = study_of(model)
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    trials = [study.ask() for _ in order]
    for i in order:
        frozen = study.trials[i]
        model.sampler(seed=0).before_trial(study, frozen)
        assert frozen.user_attrs["autometa:config"] == model.warm_start(3)[i].config
    assert slots(study) == [0, 1, 2]
    study.sampler = model.sampler(seed=0)
    suggest(optuna.trial.Trial(study, trials[0]._trial_id), BOWLS.space)
    study.tell(trials[0], 1.0)
    assert study.ask().user_attrs["autometa:rule"] == "transfer"


def test_a_place_that_was_left_to_a_trial_that_died_is_tried(model: MetaModel) -> None:
    """Whether it is known to be dead or goes on standing there as one that runs."""
    for known in (True, False):
        study = study_of(model)
        study.sampler = optuna.samplers.RandomSampler(seed=0)
        dead = study.ask()
        study.sampler = model.sampler(seed=0)
        trials = [study.ask() for _ in range(3)]
        suggest(trials[0], BOWLS.space)
        assert slots(study) == [None, 1, 2, 3]
        if known:
            study.tell(dead, state=TrialState.FAIL)
        study.tell(trials[0], 1.0)
        assert [study.ask().user_attrs.get("autometa:slot") for _ in range(2)] == [0, None]


def test_what_runs_with_another_sampler_is_not_waited_for(model: MetaModel) -> None:
    study = study_of(model)
    study.sampler = optuna.samplers.RandomSampler(seed=0)
    suggest(study.ask(), BOWLS.space)
    study.enqueue_trial({"learning_rate": 0.5})
    study.sampler = model.sampler(seed=0)
    for _ in range(2):
        suggest(study.ask(), BOWLS.space)
    assert slots(study) == [None, None, 0]
