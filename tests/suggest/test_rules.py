"""Each rule by itself, and which of them decides: no study, one situation a test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from optuna.distributions import FloatDistribution, IntDistribution

from autometa.errors import InputError
from autometa.meta import MetaModel
from autometa.meta.spaces.study_space import ObservedSpace, StudySpace, study_space
from autometa.space import SearchSpace
from autometa.suggest import Observations, Policy, Setup, Suggestion, Tried, elsewhere, suggest
from autometa.suggest.rules import RULES, failing, informed, misfit, start, unlearned, unrelated
from autometa.suggest.suggestion import (
    FAILING,
    GOING_COLD,
    LIST_ENDED,
    MISFIT,
    NOTHING_LEARNED,
    SEVERAL,
    UNRELATED,
)
from tests.suggest.conftest import BOWLS, drawn, encoded, observed, situation

POLICY = Policy()
HALF = {**BOWLS.space.distributions, "depth": IntDistribution(1, 4)}
NARROWED = study_space(BOWLS.space, ObservedSpace(latest=HALF, widest=HALF))


def failures(n: int) -> Observations:
    return observed([], failed=encoded(drawn(n)))


def test_the_first_trials_get_the_list_in_its_order(setup: Setup, model: MetaModel) -> None:
    items = model.warm_start(5)
    for place, item in enumerate(items):
        now = situation(place, places=frozenset(range(place)))
        found = suggest(setup, now)
        assert (found.rule, found.config) == ("portfolio", item.config)
        assert (found.notes, found.reason) == ({"slot": place}, item.reason)


def test_the_list_goes_on_until_there_is_a_result_and_after_the_first_trials_ends_there(
    setup: Setup,
) -> None:
    assert start(setup, situation(9, places=frozenset(range(9)))) is not None
    assert start(setup, situation(3, observed(drawn(1)))) is None
    assert start(setup, situation(3, observed(drawn(1)), places=frozenset({0, 1}))) is not None
    more = Setup.of(setup.model, policy=Policy(warm_trials=5))
    assert start(more, situation(3, observed(drawn(1)))) is not None


def test_in_a_space_of_its_own_the_start_stays_inside_of_it(setup: Setup) -> None:
    places: frozenset[int] = frozenset()
    units = np.zeros((0, BOWLS.space.dim))
    for number in range(4):
        seen = Observations.of(units[:0], [], running=units)
        found = suggest(setup, situation(number, seen, space=NARROWED, places=places))
        assert found.rule == "portfolio"
        assert 1 <= int(found.config["depth"]) <= 4  # type: ignore[arg-type]
        assert found.notes["slot"] == number
        places |= {number}
        row = NARROWED.project(found.config)
        assert row is not None
        assert not len(units) or np.abs(units - row).max(axis=1).min() > 1e-6
        units = np.concatenate([units, row[None]])


def test_what_was_said_beforehand_has_the_list_come_first(model: MetaModel) -> None:
    now = situation(0, space=NARROWED, places=frozenset())
    said = Setup.of(model, space=BOWLS.space)
    assert suggest(said, now).reason == model.warm_start(1)[0].reason
    assert suggest(Setup.of(model), now).reason.startswith("suits 8 prior tasks best in")


@pytest.mark.parametrize("space", [StudySpace(BOWLS.space), NARROWED])
def test_places_are_left_to_others_who_ask_at_the_same_moment(
    setup: Setup, space: StudySpace
) -> None:
    now = situation(4, space=space, places=frozenset({0, 2}))
    found = [suggest(setup, replace(now, yielded=k)) for k in range(3)]
    assert [s.notes["slot"] for s in found] == [1, 3, 4]
    assert len({str(s.config) for s in found}) == 3
    waits = [suggest(setup, replace(now, yielded=1, awaited=k)) for k in range(2)]
    assert waits == found[1:]


@pytest.mark.parametrize("space", [StudySpace(BOWLS.space), NARROWED])
def test_a_place_that_was_left_free_is_the_next_to_be_tried(
    setup: Setup, space: StudySpace
) -> None:
    rows = np.array([space.project({**c, "depth": 2}) for c in drawn(3)])
    seen = Observations.of(rows, np.arange(3.0))
    gap = situation(4, seen, space=space, places=frozenset({0, 2, 3}), awaited=2)
    found = start(setup, gap)
    assert found is not None
    assert found.notes["slot"] == 1  # and not beyond: who has not said anything may be dead
    assert start(setup, replace(gap, yielded=1)) is None or space is NARROWED
    assert start(setup, replace(gap, places=frozenset({0, 1, 2, 4}))) is None
    more = replace(gap, places=frozenset({0, 1, 2, 4}), observed=Observations.none(len(rows[0])))
    assert suggest(setup, replace(more, awaited=0)).notes["slot"] == 3


def test_a_place_whose_config_was_tried_without_it_is_not_free(
    setup: Setup, model: MetaModel
) -> None:
    tried = (Tried(model.warm_start(2)[1].config),)
    now = situation(4, observed(drawn(3)), places=frozenset({0, 2, 3}), tried=tried)
    assert start(setup, now) is None


def test_a_result_among_the_trials_brings_the_posterior(setup: Setup) -> None:
    found = suggest(setup, situation(5, observed(drawn(5))))
    assert found.rule == "transfer"
    assert 0.1 <= found.notes["transfer"] <= 1.0
    assert found.notes["weights"].keys() == set(setup.model.tasks)
    assert sum(found.notes["weights"].values()) == pytest.approx(found.notes["transfer"], abs=0.2)


def test_the_same_situation_gives_the_same_and_number_and_seed_decide(model: MetaModel) -> None:
    for now in (situation(5, observed(drawn(5))), situation(8, observed(drawn(8)))):
        assert suggest(Setup.of(model, seed=3), now) == suggest(Setup.of(model, seed=3), now)
    configs = [
        suggest(Setup.of(model, seed=seed), situation(number, failures(number))).config
        for seed in (3, 4)
        for number in (6, 8)
    ]
    assert len({str(c) for c in configs}) == 4


@pytest.mark.parametrize("number", range(3, 20))
def test_cold_by_turn(setup: Setup, number: int) -> None:
    found = suggest(setup, situation(number, observed(drawn(4))))
    turn = number >= POLICY.cold_from and (number - POLICY.cold_from) % POLICY.cold_every == 0
    assert (found.rule == "cold") == turn
    assert turn == ("transfer" not in found.notes)


def test_trials_that_contradict_every_prior_task_go_cold(model: MetaModel) -> None:
    configs = drawn(24)
    seen = observed(configs)
    against = Observations.of(seen.unit, 1e3 * (0.5 - seen.unit[:, 0]) ** 3 - seen.scores)
    found = suggest(Setup.of(model), situation(25, against))
    assert (found.rule, found.reason) == ("cold", GOING_COLD)
    assert found.notes["transfer"] < 0.1


def test_failures_alone_bring_every_second_trial_far_from_them(setup: Setup) -> None:
    n = POLICY.failing
    assert failing(setup, situation(n, failures(n - 1))) is None
    assert failing(setup, situation(n + 1, failures(n))) is None
    assert failing(setup, situation(n, observed(drawn(1), failed=encoded(drawn(n))))) is None
    found = failing(setup, situation(n, failures(n)))
    assert found is not None
    assert (found.rule, found.reason) == ("cold", FAILING)
    away = np.sqrt(((encoded([found.config]) - encoded(drawn(n))) ** 2).sum(axis=1)).min()
    usual = [((encoded([c]) - encoded(drawn(n))) ** 2).sum(axis=1).min() for c in drawn(50, 2)]
    assert away > np.sqrt(np.median(usual))


def test_what_does_not_concern_the_prior_is_the_base_samplers(
    setup: Setup, model: MetaModel, empty: MetaModel
) -> None:
    nothing = Setup.of(empty)
    foreign = {"a": FloatDistribution(0.0, 1.0)}
    other = study_space(
        BOWLS.space,
        ObservedSpace(latest=foreign, widest=foreign, lacked=frozenset(BOWLS.space.names)),
    )
    unread = replace(Observations.none(BOWLS.space.dim), unread=2)
    reasons = {
        SEVERAL: suggest(setup, situation(0, objectives=2)),
        MISFIT: suggest(setup, situation(3, unread)),
        UNRELATED: suggest(setup, situation(3, Observations.none(1), space=other)),
        NOTHING_LEARNED: suggest(nothing, situation(1, places=frozenset({0}))),
    }
    assert {reason: (s.rule, s.config) for reason, s in reasons.items()} == dict.fromkeys(
        reasons, ("base", {})
    )
    assert [s.reason for s in reasons.values()] == list(reasons)
    for rule in (misfit, unrelated, unlearned):
        assert rule(setup, situation(3, observed(drawn(3)))) is None


def test_without_prior_tasks_the_defaults_come_first(empty: MetaModel) -> None:
    found = suggest(Setup.of(empty), situation(0, places=frozenset()))
    assert (found.rule, found.config) == ("default", BOWLS.space.defaults)


def test_the_users_base_takes_cold_trials_but_where_there_is_a_pool(model: MetaModel) -> None:
    seen, pool = observed(drawn(8)), drawn(20, 3)
    own, listed = Setup.of(model, base=True), Setup.of(model, base=True, pool=pool)
    for now in (situation(8, seen), situation(6, failures(6))):
        assert suggest(own, now).rule == suggest(listed, now).rule == "cold"
        assert suggest(own, now).config == {}
        assert suggest(listed, now).config in pool


@pytest.mark.parametrize("number", [0, 3, 4, 8, 12])
def test_a_pool_is_kept_to_by_every_rule(model: MetaModel, number: int) -> None:
    pool = drawn(12, 5)
    setup = Setup.of(model, pool=pool)
    seen = observed(pool[:number], failed=encoded([]))
    places = frozenset(range(min(number, 3)))
    tried = tuple(map(Tried, pool[:number]))
    found = suggest(setup, situation(number, seen, places=places, tried=tried))
    assert found.config in pool
    assert number == 12 or found.config not in pool[:number]


def test_a_pool_is_kept_to_where_all_failed_or_nothing_was_learned(
    model: MetaModel, empty: MetaModel
) -> None:
    pool = drawn(9, 5)
    tried = tuple(map(Tried, pool[:8]))
    for known in (model, empty):
        setup = Setup.of(known, pool=pool)
        seen = Observations.none(BOWLS.space.dim)
        for now in (
            situation(8, replace(seen, failed=encoded(pool[:8])), tried=tried),
            situation(8, objectives=2, tried=tried),
        ):
            assert suggest(setup, now).config == pool[8]


def test_a_list_that_is_used_up_says_so(model: MetaModel) -> None:
    pool = drawn(3, 5)
    found = suggest(Setup.of(model, pool=pool), situation(3, tried=tuple(map(Tried, pool))))
    assert (found.rule, found.reason) == ("base", LIST_ENDED)
    assert found.config in pool


def test_what_the_user_enqueued_is_kept_and_the_rest_decided(
    setup: Setup, model: MetaModel
) -> None:
    whole = drawn(1)[0]
    found = suggest(setup, situation(0, given=whole))
    assert (found.rule, found.config, found.notes) == ("enqueued", whole, {})
    for number, rest in ((0, "portfolio"), (5, "transfer"), (8, "cold")):
        seen = observed(drawn(number))
        places = frozenset(range(min(number, 3)))
        given = {"dropout": 0.8}
        found = suggest(setup, situation(number, seen, places=places, given=given))
        assert found.rule == "enqueued"
        assert found.config["dropout"] == 0.8
        assert {"learning_rate", "depth", "optimiser"} <= found.config.keys()
        assert found.reason == f"dropout enqueued by hand, the rest by the rule {rest}"


@pytest.mark.parametrize("number", [5, 6, 8])
def test_what_somebody_else_holds_is_held(setup: Setup, number: int) -> None:
    seen = observed(drawn(5)) if number != 6 else failures(6)
    held = {"depth": 7, "optimiser": "sgd"}
    found = suggest(setup, situation(number, seen, held=held))
    assert {n: found.config[n] for n in held} == held
    assert "momentum" in found.config


@pytest.mark.parametrize(("number", "rule"), [(5, "transfer"), (8, "cold")])
def test_what_is_tried_elsewhere_is_not_suggested_again(
    setup: Setup, number: int, rule: str
) -> None:
    now = situation(number, observed(drawn(5)))
    first = suggest(setup, now)
    assert first.rule == rule
    running = observed(drawn(5), running=encoded([first.config]))
    assert suggest(setup, replace(now, observed=running)).config != first.config
    other = elsewhere(setup, now, first)
    assert (other.rule, other.notes, other.reason) == (rule, {}, "")
    assert other.config != first.config


def test_rules_say_nothing_where_they_do_not_apply_and_the_last_always_speaks(
    setup: Setup,
) -> None:
    now = situation(POLICY.cold_from, observed(drawn(8)))
    *others, last = RULES
    assert [rule(setup, now) for rule in others] == [None] * len(others)
    assert last(setup, now) is not None
    assert informed(setup, replace(now, number=POLICY.cold_from + 1)) is not None


def test_records_are_valid_by_construction() -> None:
    with pytest.raises(InputError, match="rule 'guess'"):
        Suggestion(rule="guess", config={})
    for wrong in ({"number": -1}, {"objectives": 0}, {"yielded": -1}, {"awaited": -1}):
        with pytest.raises(InputError, match="or more"):
            replace(situation(0), **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="2 scores of 1 configs"):
        Observations.of(np.zeros((1, 2)), [0.0, 1.0])


def test_a_space_without_a_shared_range_is_searched_too(setup: Setup) -> None:
    """Beside the prior's, a parameter of the study's own has a value in every suggestion."""
    shown = {**BOWLS.space.distributions, "new": FloatDistribution(5.0, 6.0)}
    own = study_space(BOWLS.space, ObservedSpace(latest=shown, widest=shown))
    assert isinstance(own.space, SearchSpace)
    units = np.array([own.project({**c, "new": 5.5}) for c in drawn(5)])
    seen = Observations.of(units, np.arange(5.0))
    for number in (0, 5, 8):
        none = number == 0
        now = situation(
            number,
            Observations.none(own.space.dim) if none else seen,
            space=own,
            places=frozenset() if none else frozenset({0, 1, 2}),
        )
        assert 5.0 <= float(suggest(setup, now).config["new"]) <= 6.0  # type: ignore[arg-type]
