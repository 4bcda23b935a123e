"""How a search starts: what is said of it, what is tried first, what lies outside, whose prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import TrialState

import autometa
from autometa.errors import AutometaError, InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.portfolio import Portfolio
from autometa.priors.beginning import START
from autometa.priors.matched import matched
from autometa.samplers.asking import suggest
from autometa.samplers.explanation import explain_study
from autometa.space import SearchSpace
from autometa.space.ranges import holding, inside, is_inside
from autometa.space.rules import Rules
from autometa.task import Direction, Task, TaskHistory
from autometa.testing.families import Bowls

BOWLS = Bowls()
SPACE = BOWLS.space
PAST = BOWLS.portfolio(6, trials=15)
QUICK = MetaLearner(seed=0, steps=30)


def objective(trial: optuna.Trial) -> float:
    return BOWLS.objective(101)(suggest(trial, SPACE))


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return QUICK.fit(PAST)


def said(study: optuna.Study) -> str:
    return str(study.user_attrs[START])


# What is said ------------------------------------------------------------------------------------


def test_a_search_says_how_it_starts(model: MetaModel, capsys: pytest.CaptureFixture[str]) -> None:
    warm = autometa.create_study("maximize", prior=PAST, space=SPACE, learner=QUICK)
    about = "starts from 6 prior tasks (90 trials; value), which know 5 of 5 parameters"
    assert said(warm) == about
    more = {**SPACE.distributions, "epochs": IntDistribution(1, 9)}
    wider = autometa.create_study("maximize", prior=model, space=more)
    assert said(wider).endswith("know 5 of 6 parameters (not epochs)")
    assert said(autometa.create_study("minimize", space=SPACE)) == (
        "starts cold, because no prior was given"
    )
    empty = autometa.create_study("minimize", prior=Portfolio(), space=SPACE)
    assert said(empty) == "starts cold, because the prior holds no tasks"
    few = Portfolio([PAST.histories[0].take(np.arange(1))])
    assert "enough different trials" in said(
        autometa.create_study("minimize", prior=few, space=SPACE)
    )


def test_the_line_obeys_optunas_verbosity(caplog: pytest.LogCaptureFixture) -> None:
    before = optuna.logging.get_verbosity()
    optuna.logging.enable_propagation()
    try:
        for level, count in ((optuna.logging.INFO, 2), (optuna.logging.WARNING, 1), (40, 0)):
            caplog.clear()
            optuna.logging.set_verbosity(level)
            autometa.create_study("minimize", space=SPACE)  # cold as asked: no warning
            autometa.create_study("minimize", prior=Portfolio(), space=SPACE)
            lines = {r.getMessage() for r in caplog.records}
            assert sum("starts cold" in line for line in lines) == count
    finally:
        optuna.logging.set_verbosity(before)
        optuna.logging.disable_propagation()


def test_other_names_are_cold_and_near_ones_are_suggested(model: MetaModel) -> None:
    space = {"lr": FloatDistribution(1e-5, 1.0, log=True), "layers": IntDistribution(1, 8)}
    study = autometa.create_study("maximize", prior=PAST, space=space, learner=QUICK)
    assert "none of which is searched now; say renamed={'learning_rate': 'lr'}" in said(study)
    renamed = autometa.create_study(
        "maximize", prior=PAST, space=space, learner=QUICK, renamed={"learning_rate": "lr"}
    )
    assert "know 1 of 2 parameters (not layers)" in said(renamed)
    with pytest.raises(AutometaError, match="'learning_rate': 'lr'"):
        autometa.create_study("maximize", prior=model, space=space)
    # Where only the trials tell the names, it is said after the first.
    late = autometa.warm_start(optuna.create_study(direction="maximize"), model)
    assert said(late).startswith("starts from 6")
    late.optimize(lambda t: t.suggest_float("lr", 1e-5, 1.0, log=True), n_trials=2)
    assert "say renamed={'learning_rate': 'lr'} and space= to create_study" in said(late)
    assert [e.rule for e in explain_study(late)] == ["base", "base"]


@pytest.mark.parametrize(
    ("past", "now", "hint"),
    [
        (["svm__C", "linear__C"], ["C"], {}),
        (["svm__C", "linear__C", "linear__tol"], ["C", "tol"], {"linear__tol": "tol"}),
        (["dropout1", "dropout2"], ["dropout"], {}),
        (
            ["dropout1", "learning_rate"],
            ["dropout", "lr"],
            {"dropout1": "dropout", "learning_rate": "lr"},
        ),
    ],
)
def test_what_is_suggested_can_be_said(
    past: list[str], now: list[str], hint: dict[str, str]
) -> None:
    """One new name for two old ones is an error, and without a space there is nothing to rename."""

    def objective(trial: optuna.Trial, names: list[str]) -> float:
        return sum(trial.suggest_float(name, 0.0, 1.0) for name in names)

    prior = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    prior.optimize(lambda trial: objective(trial, past), n_trials=12)
    study = autometa.create_study("minimize", prior=prior, learner=QUICK)
    study.optimize(lambda trial: objective(trial, now), n_trials=1)
    found = said(study)
    assert (f"say renamed={hint} and space= to create_study" if hint else "ask for") in found
    assert ("say renamed" in found) is bool(hint)
    if hint:
        space = {name: FloatDistribution(0.0, 1.0) for name in now}
        follows = autometa.create_study(
            "minimize", prior=prior, space=space, renamed=hint, learner=QUICK
        )
        assert said(follows).startswith("starts from 1 prior task")


def past(name: str, trials: int = 12, **space: BaseDistribution) -> optuna.Study:
    """A study of random configs, whatever they are worth."""
    sampler = optuna.samplers.RandomSampler(seed=0)
    study = optuna.create_study(study_name=name, sampler=sampler)
    for _ in range(trials):
        trial = study.ask(space)
        study.tell(trial, float(trial.number * 7 % 5))
    return study


LR, DEPTH = FloatDistribution(1e-5, 1.0, log=True), IntDistribution(1, 12)


def test_a_start_says_what_some_of_the_tasks_do_not_know() -> None:
    """What a task does not know is made up, and was counted as known."""
    space: Mapping[str, BaseDistribution] = {"lr": LR, "depth": DEPTH}
    one, two = past("one", lr=LR, depth=DEPTH), past("two", learning_rate=LR, depth=DEPTH)
    other = past("other", depth=DEPTH)
    about = "prior tasks (24 trials; value), which know 2 of 2 parameters"

    def start(*prior: optuna.Study, **options: Any) -> str:
        return said(
            autometa.create_study(
                "minimize", prior=list(prior), space=space, learner=QUICK, **options
            )
        )

    assert start(one, other) == f"starts from 2 {about} (lr by 1 of them)"
    assert start(one, other, defaults={"lr": 0.1}) == f"starts from 2 {about}"
    asked = "say renamed={'learning_rate': 'lr'} and space= to create_study, if that is meant"
    assert start(one, two) == f"starts from 2 {about} (lr by 1 of them; {asked})"
    assert start(two).endswith(f"which knows 1 of 2 parameters (not lr; {asked})")
    assert start(one, two, renamed={"learning_rate": "lr"}) == f"starts from 2 {about}"


@pytest.mark.parametrize(
    ("new", "value", "held"),
    [
        (FloatDistribution(0.0, 1.0), 0.0, True),
        (FloatDistribution(1e-6, 1.0, log=True), 1e-3, True),
        (IntDistribution(1, 50, step=7), 8, True),
        (CategoricalDistribution([None, "cosine"]), None, True),
        (CategoricalDistribution([None, "cosine"]), "cosine", True),
        (IntDistribution(3, 3), 3, True),
        (IntDistribution(1, 50), None, False),
    ],
)
@pytest.mark.parametrize("said_space", [True, False])
def test_a_start_keeps_to_the_only_value_that_prior_trials_had(
    new: BaseDistribution, value: Any, held: bool, said_space: bool
) -> None:
    """As `defaults` of `adapt` give one: of others nobody knows anything."""
    space: dict[str, Any] = {"depth": DEPTH, "new": new}
    old = Portfolio.from_studies([past(name, depth=DEPTH) for name in "abc"])
    if held:
        prior = old.adapt(space, defaults={"new": value}).portfolio
    else:
        prior = Portfolio.from_studies(past("d", **space))
    own: dict[str, Any] = {"space": space} if said_space else {}
    study = autometa.create_study("minimize", prior=prior, learner=QUICK, **own)
    tried = [study.ask(space).params["new"] for _ in range(3)]
    is_number = isinstance(value, float)
    assert (tried == [pytest.approx(value) if is_number else value] * 3) is held


@pytest.mark.parametrize(
    ("new", "value"),
    [
        (FloatDistribution(0.0, 1.0), 0.0),
        (FloatDistribution(1e-6, 1.0, log=True), 1e-3),
        (IntDistribution(1, 50), 7),
    ],
)
def test_a_start_from_a_whole_catalogue_keeps_to_it_too(
    new: BaseDistribution, value: float
) -> None:
    space: dict[str, Any] = {"x": FloatDistribution(0.0, 1.0), "depth": DEPTH, "new": new}
    studies = [optuna.create_study(study_name=str(k)) for k in range(6)]
    for k, study in enumerate(studies):
        study.sampler = optuna.samplers.RandomSampler(seed=k)
        for _ in range(15):
            trial = study.ask({n: space[n] for n in ("x", "depth")})
            x, depth = trial.params["x"], trial.params["depth"]
            study.tell(trial, (x - 0.3 - 0.05 * (k % 3)) ** 2 + 0.05 * (depth - 6) ** 2)
    past = Portfolio.from_studies(studies).adapt(space, defaults={"new": value}).portfolio
    study = autometa.create_study("minimize", prior=past)
    tried = [study.ask(space).params["new"] for _ in range(3)]
    assert tried == pytest.approx([value] * 3)


def test_the_only_value_that_is_not_searched_any_more_is_not_kept_to() -> None:
    space: dict[str, Any] = {"depth": DEPTH, "new": IntDistribution(1, 50)}
    prior = Portfolio.from_studies(past("a", depth=DEPTH)).adapt(space, defaults={"new": 1})
    narrow = {**space, "new": IntDistribution(20, 50)}
    study = autometa.create_study("minimize", prior=prior.portfolio, space=narrow, learner=QUICK)
    assert len({study.ask(narrow).params["new"] for _ in range(3)}) > 1


def test_trials_that_ask_for_a_part_by_another_name_say_so_once() -> None:
    """Without a space only the trials tell; one known name among them hid that another was gone."""
    one = past("one", lr=LR, depth=DEPTH)
    line = (
        "no prior task knows 'learning_rate', 'epochs'; say renamed={'lr': 'learning_rate'} and "
        "space= to create_study, if that is meant"
    )

    def run(*names: str, prior: Any = one, **options: Any) -> str:
        study = autometa.create_study("minimize", prior=prior, learner=QUICK, **options)
        objective = {"lr": LR, "learning_rate": LR, "depth": DEPTH, "epochs": DEPTH, "bare": DEPTH}
        for _ in range(2):
            study.tell(study.ask({name: objective[name] for name in names}), 1.0)
        return said(study)

    found = run("learning_rate", "depth", "epochs")
    assert found == f"starts from 1 prior task (12 trials; value), which knows lr, depth; {line}"
    for names in (("lr", "depth", "learning_rate"), ("depth",), ("lr", "depth"), ("depth", "bare")):
        assert run(*names).endswith("which knows lr, depth")
    space: dict[str, BaseDistribution] = {"learning_rate": LR, "depth": DEPTH}
    assert run("learning_rate", "depth", space=space).count("say renamed") == 1


def test_a_branch_that_is_not_asked_for_is_no_other_name() -> None:
    kinds = CategoricalDistribution(["a", "b"])
    prior = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for n in range(14):
        own: dict[str, BaseDistribution] = {"a_size": DEPTH} if n % 2 else {}
        params = {"kind": "ab"[(n + 1) % 2], **dict.fromkeys(own, n % 12 + 1)}
        prior.add_trial(
            optuna.create_trial(
                params=params, distributions={"kind": kinds, **own}, value=float(n * 5 % 7)
            )
        )
    study = autometa.create_study("minimize", prior=prior, learner=QUICK)
    study.enqueue_trial({"kind": "b"})
    study.tell(study.ask({"kind": kinds, "b_size": DEPTH}), 1.0)
    assert said(study).endswith("which knows kind, a_size")


def test_a_start_says_which_tasks_and_trials_are_of_no_use() -> None:
    sizes: dict[str, Any] = {
        "bs": CategoricalDistribution([16, 32]),
        "depth": DEPTH,
    }
    other = past("numbers", bs=IntDistribution(40, 90), depth=DEPTH)
    few = past("few", trials=1, **sizes)
    why = "in 12 of {} trials parameter 'bs' is outside of one of 16, 32"

    def start(*prior: optuna.Study) -> str:
        return said(
            autometa.create_study("minimize", prior=list(prior), space=sizes, learner=QUICK)
        )

    known = "starts from 1 of 2 prior tasks (12 trials; value), which knows 2 of 2 parameters"
    assert start(past("a", **sizes), few) == known
    assert start(past("a", **sizes), other) == f"{known}; {why.format(24)}"
    assert start(few, other) == (
        "starts cold, because none of the prior tasks has enough different trials to learn from: "
        + why.format(13)
    )


@pytest.mark.parametrize(
    ("branches", "told"),
    [
        (["own"], [False]),
        (["depth", "own", "depth"], [True, True, True]),
        (["own", "else", "depth", "own"], [False, False, True, True]),
    ],
)
def test_a_branch_without_the_priors_parameters_does_not_make_the_start_cold(
    branches: list[str], told: list[bool], model: MetaModel
) -> None:
    study = optuna.create_study(direction="maximize", storage="sqlite://")
    start = said(autometa.warm_start(study, model))
    for branch, warm in zip(branches, told, strict=True):
        trial = study.ask()
        study.tell(trial, trial.suggest_int(branch, 1, 12))
        assert (said(study) == start) == warm
        assert warm or "they ask for 'own'" in said(study)


def test_a_study_that_is_there_keeps_its_directions_and_others_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tuning.db'}"
    both: Any = ["maximize", "minimize"]
    optuna.create_study(study_name="one", storage=url, direction="minimize")
    optuna.create_study(study_name="two", storage=url, directions=both)
    options: dict[str, Any] = {"storage": url, "space": SPACE, "load_if_exists": True}
    refused: Any = [("one", "maximize"), ("one", both), ("two", "minimize"), ("two", both[::-1])]
    for name, asked in refused:
        with pytest.raises(InputError, match=f"study '{name}' of the directions"):
            autometa.create_study(asked, study_name=name, **options)
    assert autometa.create_study("minimize", study_name="one", **options).study_name == "one"
    assert autometa.create_study(both, study_name="two", **options).study_name == "two"
    assert autometa.create_study("maximize", study_name="new", **options).study_name == "new"


def test_what_optuna_s_create_study_is_given_may_be_given_by_the_same_names() -> None:
    pruner = optuna.pruners.HyperbandPruner()
    study = autometa.create_study(direction="maximize", space=SPACE, pruner=pruner)
    assert study.direction == optuna.study.StudyDirection.MAXIMIZE
    assert study.pruner is pruner
    several: Any = ["maximize", "minimize"]
    pruned = autometa.create_study(directions=several, space=SPACE, pruner=pruner)
    assert pruned.pruner is pruner
    task = Task(name="t", space=SPACE, direction="minimize")
    for given in ("minimize", task, several):
        with pytest.raises(InputError, match="one of the two"):
            autometa.create_study(given, direction="minimize", space=SPACE)
    with pytest.raises(InputError, match="a direction and directions="):
        autometa.create_study(direction="minimize", directions=several, space=SPACE)
    with pytest.raises(AutometaError, match="'up'"):
        autometa.create_study(direction="up", space=SPACE)  # type: ignore[arg-type]


# What comes first --------------------------------------------------------------------------------


@pytest.mark.parametrize("door", ["create_study", "warm_start", "MetaSampler"])
def test_the_stated_default_is_tried_first(door: str, model: MetaModel) -> None:
    space = SearchSpace(SPACE.distributions, conditions=SPACE.conditions)
    known = {"learning_rate": 0.01, "depth": 7, "dropout": 0.25, "optimiser": "adam"}

    def start(**options: Any) -> optuna.Study:
        if door == "create_study":
            study = autometa.create_study("maximize", prior=model, space=space, **options)
        elif door == "warm_start":
            study = optuna.create_study(direction="maximize")
            autometa.warm_start(study, model, space=space, **options)
        else:
            first = options.get("incumbent") or None
            sampler = autometa.MetaSampler(model, space=space, first=first)
            study = optuna.create_study(direction="maximize", sampler=sampler)
        assert not study.trials
        study.optimize(objective, n_trials=2)
        return study

    stated = start(incumbent=known)
    assert stated.trials[0].params == known
    first = explain_study(stated)[0]
    assert (first.rule, first.reason) == ("default", "the config that you stated, tried first")
    plain = start(incumbent=False)
    assert plain.trials[0].user_attrs["autometa:rule"] == "portfolio"
    assert stated.trials[1].params == plain.trials[0].params


def test_defaults_of_the_space_and_parts_of_a_config_count_as_stated(model: MetaModel) -> None:
    whole = autometa.create_study("maximize", prior=model, space=SPACE)
    whole.optimize(objective, n_trials=1)
    assert whole.trials[0].params == SPACE.defaults
    space = SearchSpace(SPACE.distributions, conditions=SPACE.conditions)
    part = autometa.create_study(
        "maximize", prior=model, space=space, incumbent={"optimiser": "sgd", "momentum": 0.5}
    )
    part.optimize(objective, n_trials=1)
    tried = part.trials[0].params
    assert (tried["optimiser"], tried["momentum"]) == ("sgd", 0.5)
    assert part.trials[0].user_attrs["autometa:rule"] == "portfolio"
    assert "as you stated" in part.trials[0].user_attrs["autometa:reason"]
    cold = autometa.create_study("maximize", space=space, incumbent={"depth": 4})
    cold.optimize(objective, n_trials=1)
    assert cold.trials[0].params["depth"] == 4


@pytest.mark.parametrize("number", [4, np.int64(4), np.float32(4.0)])
def test_a_sampler_tries_what_is_stated_first_whoever_made_its_numbers(
    number: Any, model: MetaModel
) -> None:
    sampler = autometa.MetaSampler(model, space=SPACE, first={"depth": number})
    study = optuna.create_study(storage="sqlite://", direction="maximize", sampler=sampler)
    study.optimize(objective, n_trials=1)
    assert study.trials[0].params["depth"] == 4


@pytest.mark.parametrize(
    "incumbent", [{"depth": 99}, {"depht": 3}, {"depth": "deep"}, 3, "default", True]
)
def test_an_incumbent_that_is_none_is_refused(incumbent: Any, model: MetaModel) -> None:
    with pytest.raises(AutometaError):
        autometa.create_study("maximize", prior=model, space=SPACE, incumbent=incumbent)


# What lies outside -------------------------------------------------------------------------------


def test_values_outside_inform_but_are_not_tried_first() -> None:
    narrow = {**SPACE.distributions, "learning_rate": FloatDistribution(1e-3, 1e-1, log=True)}
    space = SearchSpace(narrow, conditions=SPACE.conditions)
    found = matched(PAST, space)
    assert [len(h) for h in found.portfolio.histories] == [15] * 6
    wide = found.portfolio.space.distributions["learning_rate"]
    assert isinstance(wide, FloatDistribution)
    assert wide.low < 1e-3 < 1e-1 < wide.high
    assert "learning_rate" in found.outside
    study = autometa.create_study("maximize", prior=PAST, space=space, learner=QUICK)
    told = "\n".join(study.user_attrs["autometa:adapted"])
    assert "lie outside of a number from 0.001 to 0.1: they inform the search" in told
    asked = [study.ask(dict(narrow)) for _ in range(6)]
    rates = [t.params["learning_rate"] for t in asked]
    assert min(rates) >= 1e-3
    assert max(rates) <= 1e-1
    assert len(set(rates)) == 6
    assert not any("autometa:moved" in t.user_attrs for t in study.trials)
    clipped = autometa.create_study(
        "maximize", prior=PAST, space=space, learner=QUICK, outside="clip"
    )
    assert "clipped" in "\n".join(clipped.user_attrs["autometa:adapted"])
    dropped = autometa.create_study(
        "maximize", prior=PAST, space=space, learner=QUICK, outside="drop"
    )
    assert "outside of a number" in "\n".join(dropped.user_attrs["autometa:adapted"])


def forest(low: int, high: int) -> Portfolio:
    """Tasks of small forests, of which the largest rates are the best."""
    space = SearchSpace(
        {"trees": IntDistribution(low, high), "rate": FloatDistribution(0.01, 1.0, log=True)}
    )
    rng = np.random.default_rng(0)
    histories = []
    for i in range(5):
        raw = space.sample_raw(12, rng)
        task = Task(name=f"t{i}", space=space, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=raw[:, 1]))
    return Portfolio(histories)


def test_a_prior_that_was_never_there_is_left_out_by_both_doors() -> None:
    space = SearchSpace(
        {"trees": IntDistribution(200, 400), "rate": FloatDistribution(0.01, 1.0, log=True)}
    )
    study = autometa.create_study("maximize", prior=forest(2, 20), space=space, learner=QUICK)
    assert "'trees' is never an integer from 200 to 400" in said(study)
    study.optimize(lambda t: t.suggest_int("trees", 200, 400), n_trials=2)
    assert {e.rule for e in explain_study(study)} == {"base"}
    from sklearn.tree import DecisionTreeClassifier

    search = autometa.MetaSearchCV(
        DecisionTreeClassifier(),
        {"max_depth": IntDistribution(200, 400)},
        prior=Portfolio(
            TaskHistory(
                task=Task(
                    name=h.task.name,
                    space=SearchSpace({"max_depth": IntDistribution(2, 20)}),
                    direction="maximize",
                ),
                raw=h.raw[:, :1],
                values=h.values,
            )
            for h in forest(2, 20).histories
        ),
        n_trials=1,
    )
    with pytest.raises(InputError, match="never an integer from 200 to 400"):
        search.fit([[float(i)] for i in range(20)], [0, 1] * 10)


def deep_forest(low: int, high: int, *, name: str = "t") -> Portfolio:
    """As `forest`, of three parameters, of which a small share of rows is the best."""
    space = SearchSpace(
        {
            "trees": IntDistribution(low, high),
            "rate": FloatDistribution(0.01, 1.0, log=True),
            "rows": FloatDistribution(0.1, 1.0),
        },
        name=f"{low} to {high}",
    )
    rng = np.random.default_rng(0)
    histories = []
    for i in range(5):
        raw = space.sample_raw(12, rng)
        task = Task(name=f"{name}{i}", space=space, direction="maximize")
        histories.append(TaskHistory(task=task, raw=raw, values=raw[:, 1] - raw[:, 2]))
    return Portfolio(histories)


WIDE = SearchSpace(
    {
        "trees": IntDistribution(200, 400),
        "rate": FloatDistribution(0.01, 1.0, log=True),
        "rows": FloatDistribution(0.1, 1.0),
    }
)


def test_one_range_of_several_that_was_never_there_is_searched_without_a_prior() -> None:
    study = autometa.create_study(
        "maximize", prior=deep_forest(2, 20), space=WIDE, learner=QUICK, seed=1
    )
    assert "which know 2 of 3 parameters (not trees)" in said(study)
    notes = study.user_attrs["autometa:adapted"]
    assert "trees: is never an integer from 200 to 400: searched without a prior" in notes
    study.optimize(
        lambda t: (
            t.suggest_int("trees", 200, 400)
            + t.suggest_float("rate", 0.01, 1.0, log=True)
            + t.suggest_float("rows", 0.1, 1.0)
        ),
        n_trials=4,
    )
    assert study.trials[0].user_attrs["autometa:rule"] == "portfolio"
    assert study.trials[0].params["rate"] > 0.2
    assert study.trials[0].params["rows"] < 0.6
    assert len({t.params["trees"] for t in study.trials}) > 2


def test_what_another_space_knows_of_that_range_is_still_known() -> None:
    both = Portfolio([*deep_forest(2, 20).histories, *deep_forest(100, 300, name="u").histories])
    found = matched(both, WIDE)
    assert found.portfolio.space.names == WIDE.names
    assert len(found.portfolio) == 10
    assert "lie outside" in found.outside["trees"]  # of the second space, whose others lie inside
    few, known = found.portfolio.histories[0].raw, found.portfolio.histories[-1].raw
    assert len(set(few[:, 0])) == 1  # flat, as along any parameter that a task never had
    assert len(set(few[:, 1])) == len(few)
    assert len(set(known[:, 0])) > 5


@pytest.mark.parametrize("low", [200, 90_000])
def test_however_far_that_range_is(low: int) -> None:
    space = SearchSpace({**WIDE.distributions, "trees": IntDistribution(low, 2 * low)})
    found = matched(deep_forest(2, 20), space)
    assert found.portfolio.space.names == ("rate", "rows")
    assert found.outside["trees"] == (
        f"is never an integer from {low} to {2 * low}: searched without a prior"
    )
    dropped = matched(deep_forest(2, 20), space, Rules(outside="drop"), widen=False)
    assert not len(dropped.portfolio)  # as its user said
    clipped = matched(deep_forest(2, 20), space, Rules(outside="clip"), widen=False)
    assert clipped.portfolio.space.names == space.names


def test_where_only_that_range_is_searched_the_prior_is_left_out() -> None:
    found = matched(deep_forest(2, 20), WIDE, searched=["trees"])
    assert not len(found.portfolio)
    assert "parameter 'trees' is never an integer from 200 to 400" in found.why


def test_ranges_that_hold_earlier_values() -> None:
    lin, log = FloatDistribution(0.0, 1.0), FloatDistribution(1e-3, 1e-1, log=True)
    assert holding(lin, np.array([0.5])) is lin
    assert holding(lin, np.array([])) is lin
    assert holding(lin, np.array([1.0 + 1e-12])) is lin
    assert holding(lin, np.array([-1.0, 3.0])) == FloatDistribution(-1.0, 3.0)
    assert holding(lin, np.array([2.0, 1e6])) == FloatDistribution(0.0, 2.0)  # another unit
    assert holding(log, np.array([0.0, -1.0, 1.0])) == FloatDistribution(1e-3, 1.0, log=True)
    assert holding(IntDistribution(2, 8, step=2), np.array([1, 11])) == IntDistribution(
        0, 12, step=2
    )
    fixed = IntDistribution(100, 100)
    assert holding(fixed, np.array([10, 500])) == IntDistribution(10, 500)
    wide = IntDistribution(10, 500)
    assert is_inside(fixed, np.array([40, 90, 100, 140]), wide).tolist() == [
        False,
        True,
        True,
        True,
    ]
    assert is_inside(lin, np.array([-0.01, 0.0, 1.0, 1.01]), lin).tolist() == [0, 1, 1, 0]
    old = SearchSpace({"k": CategoricalDistribution(["a", "b", None]), "x": lin})
    new = SearchSpace({"k": CategoricalDistribution(["a", None]), "y": lin})
    assert inside(new, old, np.array([[0, 9.0], [1, 0.5], [2, 0.5]])).tolist() == [1, 0, 1]


def test_several_old_spaces_and_directions_meet_in_one() -> None:
    flipped = BOWLS.portfolio([7, 8], 10, direction="minimize")
    both = Portfolio([*PAST.histories, *flipped.histories][:6])
    assert len(both) == 6
    other = SearchSpace(
        {"svc__C": FloatDistribution(0.1, 10.0), "gamma": FloatDistribution(0.1, 1.0)}, name="o"
    )
    old = SearchSpace({"C": FloatDistribution(0.1, 10.0)})
    prior = Portfolio(
        [
            TaskHistory(
                task=Task(name="t", space=other, direction="minimize"),
                raw=[[1.0, 0.5], [2.0, 0.7]],  # type: ignore[arg-type]
                values=[1.0, 2.0],  # type: ignore[arg-type]
                curves=[[3.0, 1.0], [4.0, 2.0]],  # type: ignore[arg-type]
            ),
            TaskHistory(
                task=Task(name="t", space=old, direction="maximize"),
                raw=[[3.0], [4.0]],  # type: ignore[arg-type]
                values=[1.0, 2.0],  # type: ignore[arg-type]
            ),
        ]
    )
    found = matched(prior, SearchSpace({"clf__C": FloatDistribution(0.1, 10.0)})).portfolio
    assert [h.task.name for h in found.histories] == ["t", "t-2"]
    assert [h.scores.tolist() for h in found.histories] == [[-1.0, -2.0], [1.0, 2.0]]
    assert found.histories[0].curve_scores.tolist() == [[-3.0, -1.0], [-4.0, -2.0]]


# Whose prior -------------------------------------------------------------------------------------


def test_a_study_is_no_prior_of_its_own(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'tuning.db'}"
    space = {"x": FloatDistribution(0.0, 1.0)}

    def run(name: str) -> optuna.Study:
        study = autometa.create_study(
            "maximize",
            prior=url,
            space=space,
            storage=url,
            study_name=name,
            load_if_exists=True,
            learner=QUICK,
        )
        study.optimize(lambda t: -((t.suggest_float("x", 0.0, 1.0) - 0.3) ** 2), n_trials=4)
        return study

    first = run("a")
    nothing = "starts cold, because its storage holds no study to learn from yet"
    assert said(first) == said(run("a")) == nothing
    assert said(run("b")).startswith("starts from 1 prior task (8 trials")
    again = optuna.load_study(study_name="a", storage=url)
    autometa.warm_start(again, [url], learner=QUICK)
    assert said(again).startswith("starts from 1 prior task (4 trials")
    autometa.warm_start(again, again, learner=QUICK)
    assert said(again) == "starts cold, because the prior holds no tasks"
    assert len(again.trials) == 8


@pytest.mark.parametrize("scheme", ["sqlite", "journal", ""])
def test_a_first_search_whose_prior_is_its_own_storage_goes_on(scheme: str, tmp_path: Path) -> None:
    """A second worker, or the same program after Ctrl-C, comes before any trial has finished."""
    file = tmp_path / "tuning"
    storage: Any = f"{scheme}:///{file}" if scheme else optuna.storages.InMemoryStorage()

    def start(**options: Any) -> optuna.Study:
        return autometa.create_study(
            "minimize",
            space={"x": FloatDistribution(0.0, 1.0)},
            learner=QUICK,
            **{"prior": storage, "storage": storage, "study_name": "a", **options},
            load_if_exists=True,
        )

    nothing = "starts cold, because its storage holds no study to learn from yet"
    if scheme:
        file.touch()  # what another worker has just begun to make
    study = start()
    assert said(study) == said(start()) == nothing
    trial = study.ask()
    assert said(start()) == nothing
    study.tell(trial, state=TrialState.FAIL)
    assert said(start()) == said(start(study_name="b")) == nothing
    assert [t.state for t in start().trials] == [TrialState.FAIL]
    with pytest.raises(InputError, match="2 studies and none to import"):
        start(storage=None)  # somebody else's storage was to teach something


def test_storages_have_the_addresses_that_priors_have(tmp_path: Path) -> None:
    url = f"journal:///{tmp_path / 'tuning.log'}"
    study = autometa.create_study("minimize", storage=url, study_name="a", space=SPACE)
    study.optimize(lambda t: t.suggest_float("x", 0.0, 1.0), n_trials=3)
    assert autometa.Portfolio.from_studies(url).tasks[0].name == "a"
    with pytest.raises(InputError, match="allowed: journal:///FILE"):
        autometa.create_study("minimize", storage="journal:/tuning.log", space=SPACE)
    for wrong in (f"sqlite:///{tmp_path}", "nonsense://me:secret@host/db"):
        with pytest.raises(InputError, match="cannot be opened") as caught:
            autometa.create_study("minimize", storage=wrong, space=SPACE)
        assert "secret" not in str(caught.value)
    for kind in (tmp_path / "tuning.db", 3):
        with pytest.raises(InputError, match="sqlite:///FILE"):
            autometa.create_study("minimize", storage=kind, space=SPACE)  # type: ignore[arg-type]


def test_the_study_goes_on_with_its_own_trials_and_sampler(model: MetaModel) -> None:
    study = optuna.create_study(direction="maximize", sampler=optuna.samplers.CmaEsSampler(seed=0))
    own = study.sampler
    study.optimize(objective, n_trials=3)
    assert autometa.warm_start(study, model, space=SPACE, incumbent=False) is study
    assert len(study.trials) == 3
    assert isinstance(study.sampler, autometa.MetaSampler)
    assert study.sampler._base is own
    study.optimize(objective, n_trials=2)
    assert [e.rule for e in explain_study(study)][:3] == ["not by autometa"] * 3
    for sampler in (None, optuna.samplers.RandomSampler(), optuna.samplers.TPESampler()):
        plain = optuna.create_study(direction="maximize", sampler=sampler)
        assert vars(autometa.warm_start(plain, model).sampler)["_base"] is None


def test_studies_that_cannot_be_warmed_are_refused(model: MetaModel) -> None:
    for study in (
        optuna.create_study(directions=["maximize", "minimize"]),
        optuna.create_study(
            sampler=optuna.samplers.PartialFixedSampler({"x": 1}, optuna.samplers.RandomSampler())
        ),
        "study",
        None,
    ):
        with pytest.raises(InputError):
            autometa.warm_start(study, model)  # type: ignore[arg-type]


def test_a_new_folder_is_taken_by_the_earlier_name_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in ("mine", tmp_path / "mine", "./mine"):
        study = autometa.create_study("maximize", portfolio=folder, space=SPACE)
        assert "there is no portfolio" in said(study)
        with pytest.raises(AutometaError):
            autometa.create_study("maximize", prior=folder, space=SPACE)
    assert not list(tmp_path.iterdir())
    PAST.save("mine")
    for wrong in ("mime", "no/where", "mine.db", "sqlite:///mine", "C:\\mine"):
        with pytest.raises(AutometaError):
            autometa.create_study("maximize", portfolio=wrong, space=SPACE)
    with pytest.raises(InputError, match="both prior= and portfolio="):
        autometa.create_study("maximize", prior="mine", portfolio="mine", space=SPACE)


def test_a_family_is_found_by_the_parameters_or_asked_for() -> None:
    space = SearchSpace({"kernel": CategoricalDistribution(["rbf"]), "C": FloatDistribution(1, 2)})
    from autometa.priors.knowing import family_of_names

    assert family_of_names(space) == "svm"
    for unknown in (SearchSpace({"strange": FloatDistribution(0, 1)}), None):
        with pytest.raises(InputError, match="'embedded:svm'"):
            family_of_names(unknown)


@pytest.mark.parametrize("door", ["create", "warm"])
def test_a_metric_that_prior_tasks_have_the_other_way_is_an_error(door: str) -> None:
    """Their best configs would have been the first tried, where the worst were asked for."""
    loss, turned, unnamed = (
        Portfolio([replace(h, task=replace(h.task, metric=name)) for h in PAST.histories])
        for name in ("loss", "neg_loss", "value/0")
    )

    def started(prior: Portfolio, direction: Direction, metric: str | None) -> str:
        options: dict[str, Any] = {"prior": prior, "metric": metric, "learner": QUICK}
        if door == "warm":
            study = optuna.create_study(direction=direction)
            return said(autometa.warm_start(study, **options))
        return said(autometa.create_study(direction, **options))

    with pytest.raises(InputError, match=r"minimize 'loss', unlike .*metric='neg_loss'"):
        started(loss, "minimize", "loss")
    with pytest.raises(InputError, match=r"minimize 'neg_loss', unlike .*metric='loss'"):
        started(turned, "minimize", "neg_loss")
    for prior, direction, metric in (
        (loss, "maximize", "loss"),
        (loss, "minimize", "neg_loss"),
        (loss, "minimize", None),
        (loss, "minimize", "other"),
        (turned, "maximize", "neg_loss"),
        (unnamed, "minimize", "value/0"),  # a place, which says nothing of what is measured
    ):
        assert "starts from" in started(prior, direction, metric)  # type: ignore[arg-type]
