from __future__ import annotations

import optuna
import pytest

from autometa.errors import InputError
from autometa.meta import MetaLearner, MetaModel
from autometa.report.tuned import render
from autometa.samplers.asking import suggest
from autometa.task import State
from autometa.testing.families import Bowls
from autometa.tuning.reading import read_study

FAMILY = Bowls()


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=50).fit(FAMILY.portfolio(4, 20))


@pytest.fixture(scope="module")
def study(model: MetaModel) -> optuna.Study:
    made = optuna.create_study(
        study_name="bowl", direction="maximize", sampler=model.sampler(seed=0)
    )
    objective = FAMILY.objective(101)
    made.optimize(lambda t: objective(suggest(t, FAMILY.space)), n_trials=5)
    made.tell(made.ask(), state=optuna.trial.TrialState.FAIL)
    made.ask()  # running: not part of the result
    return made


def test_a_study_becomes_a_result(study: optuna.Study) -> None:
    found = read_study(study)
    assert [t.value for t in found.warm.trials] == [t.value for t in study.trials[:6]]
    assert [t.state for t in found.warm.trials] == [State.COMPLETE] * 5 + [State.FAILED]
    assert found.warm.trials[0].rule == "portfolio"
    assert found.warm.trials[3].weights
    assert found.best_params == study.best_params
    assert (found.table, found.metric, found.direction) == ("bowl", "value", "maximize")
    assert found.cold is None
    assert all(t.expected is None and t.inner_lr is None for t in found.warm.trials)


def test_trials_that_ended_otherwise_are_counted_by_how() -> None:
    made = optuna.create_study(study_name="s")
    made.add_trial(optuna.create_trial(value=float("inf")))
    made.add_trial(optuna.create_trial(value=1.0))
    for _ in range(2):
        made.tell(made.ask(), state=optuna.trial.TrialState.PRUNED)
    found = read_study(made)
    assert [t.state for t in found.warm.trials] == [
        *(State.FAILED, State.COMPLETE, State.PRUNED, State.PRUNED)
    ]
    assert [t.error for t in found.warm.trials] == ["no finite value", "", "", ""]
    assert "warm, 4 trials, 1 failed, 2 pruned" in render(found)


def test_trials_have_optunas_numbers() -> None:
    made = optuna.create_study()
    made.ask()  # running: not part of the result
    made.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=2)
    assert [t.number for t in read_study(made).warm.trials] == [1, 2]


def test_a_model_adds_what_was_expected(study: optuna.Study, model: MetaModel) -> None:
    found = read_study(study, model=model)
    first = found.warm.trials[0]
    assert first.inner_lr == study.trials[0].params["learning_rate"]
    assert first.expected == pytest.approx(model.warm_start(1)[0].expected, abs=1.5)
    assert found.prior_tasks == 4


def test_a_foreign_study_and_odd_attributes_are_read() -> None:
    foreign = optuna.create_study(direction="minimize", sampler=optuna.samplers.RandomSampler(0))
    foreign.set_metric_names(["loss"])
    foreign.optimize(lambda t: t.suggest_float("x", 0, 1), n_trials=4)
    attributes = {"autometa:evaluation": {"folds": ["no"], "expected": "much"}, "autometa:rule": 7}
    foreign.add_trial(optuna.trial.create_trial(value=-1.0, user_attrs=attributes))
    found = read_study(foreign, cold=foreign)
    assert found.metric == "loss"
    assert found.best_value == -1.0
    assert found.trials_to_match_cold == 5
    assert [t.rule for t in found.warm.trials] == [""] * 5


def test_studies_that_cannot_be_compared_are_refused(study: optuna.Study) -> None:
    with pytest.raises(InputError, match="2 objectives"):
        read_study(optuna.create_study(directions=["minimize", "maximize"]))
    with pytest.raises(InputError, match="maximize"):
        read_study(study, cold=optuna.create_study(direction="minimize"))
