"""What rules hand on to the parts that they ask: the right trials, weights, rates and values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from autometa.encoding import Floats
from autometa.meta import MetaModel
from autometa.meta.inference.posterior import Posterior
from autometa.meta.spaces.candidates import Part
from autometa.meta.spaces.study_space import ObservedSpace, StudySpace, study_space
from autometa.suggest import Observations, Policy, Setup, Tried, suggest
from autometa.suggest.acquisitions.expected_improvement import EXPECTED_IMPROVEMENT
from autometa.suggest.configs import informed_config, posterior_of
from tests.suggest.conftest import BOWLS, drawn, observed, situation


def test_a_part_of_the_priors_space_is_a_space_of_its_own(setup: Setup) -> None:
    """The latest range alone was narrower: the columns are the prior's."""
    part = StudySpace(BOWLS.space, Part({"depth": IntDistribution(7, 8)}))
    found = suggest(setup, situation(0, space=part, places=frozenset()))
    assert found.reason.startswith("suits 8 prior tasks best")
    assert int(found.config["depth"]) >= 7  # type: ignore[arg-type]


def test_no_item_is_suggested_that_some_trial_has_tried(setup: Setup, model: MetaModel) -> None:
    first, second = (c.config for c in model.warm_start(2))
    now = situation(1, places=frozenset(), tried=(Tried(first),))
    assert suggest(setup, now).config == second


def test_a_posterior_is_asked_of_few_trials_and_by_the_relevance_of_the_prior_tasks(
    model: MetaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, Any]] = []

    def noted(knowledge: Any, seen: Observations, hypotheses: Any, relevance: Any) -> Any:
        asked.append((len(seen.scores), relevance))
        return posterior_of(knowledge, seen, hypotheses, relevance)

    monkeypatch.setattr("autometa.suggest.rules.posterior_of", noted)
    setup = replace(
        Setup.of(model, policy=Policy(active_trials=8)), relevance=np.linspace(0.05, 0.2, 8)
    )
    suggest(setup, situation(25, observed(drawn(20))))
    ((trials, relevance),) = asked
    assert trials == 8
    assert relevance is setup.relevance


def test_a_rate_narrows_the_search_where_the_policy_says_so_and_columns_are_the_priors(
    model: MetaModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rates: list[Any] = []

    def noted(*arguments: Any, **options: Any) -> Floats:
        rates.append(options["rate"])
        return informed_config(*arguments, **options)

    monkeypatch.setattr("autometa.suggest.rules.informed_config", noted)
    usual, narrowed = Setup.of(model), Setup.of(model, policy=Policy(narrowed=True))
    shown = {**BOWLS.space.distributions, "new": FloatDistribution(0.0, 1.0)}
    own = study_space(BOWLS.space, ObservedSpace(latest=shown, widest=shown))
    units = np.array([own.project({**c, "new": 0.5}) for c in drawn(5)])
    elsewhere = situation(5, Observations.of(units, observed(drawn(5)).scores), space=own)
    here = situation(5, observed(drawn(5)))
    for setup, now in ((usual, here), (narrowed, here), (narrowed, elsewhere)):
        assert suggest(setup, now).rule == "transfer"
    assert rates == [None, model.predict_inner_lr(), None]


@pytest.mark.parametrize("number", [5, 8])
def test_what_the_user_enqueued_decides_which_others_are_active(setup: Setup, number: int) -> None:
    seen = observed(drawn(5))
    usual = suggest(setup, situation(number, seen)).config["optimiser"]
    for given in ("adam", "sgd"):
        now = situation(number, seen, given={"optimiser": given})
        found = suggest(setup, now).config
        assert found["optimiser"] == given
        assert ("momentum" in found) == (given == "sgd")
    assert usual in ("adam", "sgd")


def test_an_acquisitions_own_slope_is_used(model: MetaModel) -> None:
    def slope(posterior: Posterior, seen: Observations, unit: Floats) -> tuple[Floats, Floats]:
        raise RuntimeError("asked")

    policy = Policy(acquisition=replace(EXPECTED_IMPROVEMENT, slope=slope))
    with pytest.raises(RuntimeError, match="asked"):
        suggest(Setup.of(model, policy=policy), situation(5, observed(drawn(5))))
