"""Whose turn it is, and for how long: decided without a study and without a clock that runs."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest

from autometa.space import Config
from autometa.tuning.arms import TunedTrial
from autometa.tuning.clock import Clock, shorter
from autometa.tuning.contest import AHEAD, START, Contest, Turn
from autometa.tuning.family_models import FamilyModels
from autometa.tuning.pairs import Pairs

M = AHEAD + 3


def read(pairs: Pairs | None) -> Future[Pairs | None]:
    future: Future[Pairs | None] = Future()
    future.set_result(pairs)
    return future


def some() -> Pairs:
    return Pairs(
        families=tuple("ab"[i % 2] for i in range(M)),
        configs=tuple({"x": i} for i in range(M)),
        mean=-np.arange(M, dtype=np.float64) / M,
        cov=0.1 * np.eye(M),
        log_spread=(0.0, 1.0),
        seconds=np.ones(M),
        tables=20,
    )


def ended(turn: Turn, value: float | None, seconds: float = 1.0) -> TunedTrial:
    config = turn.config or {"x": 1000}
    return TunedTrial(
        number=0,
        child=turn.family,
        config=config,
        value=value,
        seconds=seconds,
        rule=turn.rule,
        reason=turn.why,
    )


def test_the_race_goes_on_until_pairs_have_been_read() -> None:
    waiting: Future[Pairs | None] = Future()
    contest = Contest(("a", "b"), waiting)
    assert contest.next({}, 0.0) == Turn(family="a")
    waiting.set_result(some())
    turn = contest.next({}, 0.0)
    assert (turn.family, turn.config, turn.pair) == ("a", {"x": 0}, 0)
    assert "20 prior tables" in turn.why
    alone = Contest(("a", "b"), read(None))
    assert alone.next({}, 0.0) == Turn(family="a")


def test_every_library_s_default_is_tried_early_and_once() -> None:
    defaults: dict[str, Config] = {
        "a": {"x": 4},
        "b": {"x": 99},
        "c": {"x": 7},
    }  # that of a is a pair as well
    contest = Contest(("c", "a", "b"), read(some()), defaults)
    turns = []
    for i in range(14):
        turn = contest.next(dict.fromkeys(contest.spent, 0.5), 0.1)
        turns.append(turn)
        contest.tell(turn, ended(turn, 0.1 * (i % 3)), 1.0)
    tried = [(i, t.family) for i, t in enumerate(turns) if t.rule == "default"]
    assert tried[0][0] == START
    assert tried[0][1] == "c"
    own = [(t.family, t.config) for t in turns if t.config is not None]
    for family, config in defaults.items():
        assert own.count((family, config)) == 1
    assert len({str(pair) for pair in own}) == len(own)
    failing = Contest(("a",), read(some()), {"a": {"x": 99}})
    for _ in range(6):
        turn = failing.next({"a": None}, 0.1)
        failing.tell(turn, ended(turn, None), 1.0)
    assert failing.next({"a": None}, 0.1).rule != "default"  # a failed default is not tried again


def test_pairs_are_ahead_and_then_take_turns_until_none_is_left() -> None:
    contest = Contest(("a", "b"), read(some()))
    paired = []
    for i in range(2 * M):
        turn = contest.next(dict.fromkeys(contest.spent, 0.5), 0.5)
        paired.append(turn.config is not None)
        contest.tell(turn, ended(turn, 0.1 * (i % 3)), 1.0)
    assert paired[:AHEAD] == [True] * AHEAD
    assert paired[AHEAD : AHEAD + 6] == [False, True, False, True, False, True]
    assert paired[AHEAD + 6 :] == [False] * (2 * M - AHEAD - 6)
    assert sum(contest.spent.values()) == 2 * M


def test_a_pair_that_failed_is_not_tried_again() -> None:
    contest = Contest(("a", "b"), read(some()))
    first = contest.next({}, 0.0)
    contest.tell(first, ended(first, None), 1.0)
    assert contest.next({}, 0.0).pair != first.pair


def test_a_trial_may_take_a_share_of_the_time() -> None:
    clock = Clock(time.perf_counter(), 100.0)
    assert clock.trial_limit(None, 1.0, first=True) == pytest.approx(35.0, rel=0.05)
    assert clock.trial_limit(2.0, 1.0, first=True) == pytest.approx(10.0)
    assert clock.trial_limit(8.0, 2.0, first=True) == pytest.approx(32.0)
    assert clock.trial_limit(8.0, 2.0, first=False) == pytest.approx(25.0, rel=0.05)
    over = Clock(time.perf_counter() - 100.0, 100.0)
    assert over.trial_limit(8.0, 2.0, first=False) == 1.0
    assert Clock(0.0, None).trial_limit(8.0, 2.0, first=False) is None


def test_none_sets_no_limit() -> None:
    assert shorter(None, 3.0, 2.0) == 2.0
    assert shorter(None) is None


def test_defaults_come_first_while_pairs_are_read_and_then_share_the_seconds() -> None:
    waiting: Future[Pairs | None] = Future()
    defaults: dict[str, Config] = {"a": {"x": 99}, "b": {"x": 98}, "c": {"x": 97}, "d": {"x": 96}}
    contest = Contest(tuple(defaults), waiting, defaults)
    first = contest.next({}, 0.0)
    assert (first.family, first.rule) == ("a", "default")
    contest.tell(first, ended(first, 0.5), 9.0)
    waiting.set_result(some())
    rules = []
    for _ in range(12):
        turn = contest.next(dict.fromkeys(contest.spent, 0.5), 0.1)
        rules.append(turn.rule)
        contest.tell(turn, ended(turn, 0.5), 1.0)
    assert rules[:9] == ["portfolio"] * 9  # the default had nine seconds
    assert rules[9:] == ["default", "portfolio", "default"]


def test_what_would_not_end_in_time_is_not_begun() -> None:
    dear = some().seconds.copy()
    dear[0] = 50.0
    pairs = replace(some(), seconds=dear)
    defaults: dict[str, Config] = {"a": {"x": 0}, "b": {"x": 99}}  # that of a is the dear pair
    contest = Contest(("a", "b"), read(pairs), defaults)
    most = {"a": 5.0, "b": 5.0}
    turns = []
    for _ in range(6):
        turn = contest.next({}, 0.0, most)
        turns.append(turn)
        contest.tell(turn, ended(turn, 0.5), 1.0)
    assert all(turn.config != {"x": 0} for turn in turns)
    assert sum(turn.rule == "default" for turn in turns) == 1
    assert contest.next({}, 0.0, {"a": 99.0, "b": 5.0}).config == {"x": 0}
    # Ten times as long as expected: nothing ends in time, and a family that is known goes on.
    slow = Contest(("b", "a"), read(some()))
    turn = slow.next({}, 0.0, most)
    assert turn.config is not None
    slow.tell(turn, ended(turn, 0.5, seconds=10.0), 10.0)
    other = slow.next({"a": 0.5}, 0.1, most)
    assert (other.family, other.config) == ("a", None)


def test_a_trial_that_goes_on_is_given_twice_its_time_if_there_is_as_much() -> None:
    clock = Clock(time.perf_counter(), 100.0)
    assert clock.patience(3.0) == 6.0
    assert clock.patience(20.0) == pytest.approx(25.0, rel=0.05)
    assert clock.patience(35.0) == 35.0
    assert Clock(0.0, None).patience(float("inf")) == float("inf")


def test_a_family_s_own_search_has_no_turns_until_it_has_learned() -> None:
    asked: list[str] = []
    learned: set[str] = set()

    def knows(family: str) -> bool:
        asked.append(family)
        return family in learned

    contest = Contest(("a", "b"), read(some()), knows=knows)
    own = []
    for i in range(AHEAD + 2):
        turn = contest.next(dict.fromkeys(contest.spent, 0.5), 0.5)
        own.append(turn.config is None)
        contest.tell(turn, ended(turn, 0.1 * (i % 3)), 1.0)
        # Nothing is learned before it is of use, and then what would have had the turn.
        assert (turn.learn in set("ab"), bool(asked)) == (i >= AHEAD, i >= AHEAD)
    assert not any(own)
    learned.update("ab")
    turn = contest.next(dict.fromkeys(contest.spent, 0.5), 0.5)
    assert (turn.config, turn.learn) == (None, "")
    short = Contest(("a", "b"), read(some()), knows=knows, brief=True)
    asked.clear()
    for i in range(M):
        turn = short.next(dict.fromkeys(short.spent, 0.5), 0.5)
        assert turn.config is not None
        assert not turn.learn
        short.tell(turn, ended(turn, 0.1 * (i % 3)), 1.0)
    assert not asked
    assert short.next(dict.fromkeys(short.spent, 0.5), 0.5).config is None  # none is left
    alone = Contest(("a", "b"), read(None), knows=knows, brief=True)
    assert alone.next({}, 0.0) == Turn(family="a")
    learned.clear()
    assert alone.next({}, 0.0).learn == "a"  # without pairs, it is all that there is


def test_what_is_asked_begins_no_fit_and_what_is_told_begins_one() -> None:
    fits = Mock()
    fits.ready.return_value = None
    models = FamilyModels(Mock(), Mock(), None, fits)
    models._waiting["svm"] = Mock()
    for _ in range(2):
        assert not models.knows("svm")
    assert not fits.ask.called
    for name in ("", "linear", "svm", "svm"):
        models.learn(name)
    assert fits.ask.call_count == 1
    assert models.knows("linear")
    fits.ready.return_value = Mock()
    assert models.knows("svm")


def test_turns_that_are_under_way_are_nobody_else_s() -> None:
    defaults: dict[str, Config] = {"a": {"x": 99}, "b": {"x": 98}}
    waiting: Future[Pairs | None] = Future()
    racing = Contest(("a", "b"), waiting, defaults)
    turns = []
    for _ in range(2):
        turns.append(racing.next({}, 0.0))
        racing.begin(turns[-1])
    assert [(t.family, t.rule) for t in turns] == [("a", "default"), ("b", "default")]
    contest = Contest(("a", "b"), read(some()))
    pairs = []
    for _ in range(M):
        turn = contest.next(dict.fromkeys(contest.spent), 0.5)
        contest.begin(turn)
        pairs.append(turn.pair)
    assert len(set(pairs)) == M
    contest.tell(turn, ended(turn, 0.5), 1.0)
    assert contest.spent[turn.family] >= 1.0


def test_a_pair_has_no_score_of_another_config() -> None:
    """A study does not try a config again that it has tried, but whatever its search says."""
    contest = Contest(("a", "b"), read(some()))
    turn = contest.next({}, 0.0)
    contest.tell(turn, replace(ended(turn, 99.0), rule="base", reason="", config={"x": 7}), 1.0)
    right = Contest(("a", "b"), read(some()))
    right.tell(turn, ended(turn, None), 1.0)
    assert contest.next({"a": 99.0}, 0.0) == right.next({"a": None}, 0.0)
