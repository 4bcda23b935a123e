"""Readers look at each finished trial once, whatever order trials end in."""

from __future__ import annotations

import random

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

from autometa.samplers.new_trials import NewTrials, since, these


def trial(number: int, *, ended: bool) -> FrozenTrial:
    made = optuna.trial.create_trial(
        state=TrialState.COMPLETE if ended else TrialState.RUNNING, value=1.0 if ended else None
    )
    made.number = number
    return made


def numbers(trials: list[FrozenTrial]) -> list[int]:
    return [t.number for t in trials]


@pytest.mark.parametrize("seed", range(5))
def test_each_is_handed_out_until_it_has_ended_and_then_no_more(seed: int) -> None:
    rng, new, ended, finished = random.Random(seed), NewTrials(), dict[int, bool](), set[int]()
    for _ in range(30):
        ended |= {len(ended): False for _ in range(rng.randrange(3))}
        ended |= dict.fromkeys(rng.sample(sorted(ended), len(ended) // 3), True)
        found = numbers(new.of([trial(n, ended=e) for n, e in ended.items()]))
        assert found == [n for n in ended if n not in finished]
        finished |= {n for n, e in ended.items() if e}


def test_the_one_that_is_decided_comes_again_and_so_does_one_that_was_not_shown() -> None:
    new = NewTrials()
    every = [trial(n, ended=True) for n in range(4)]
    assert numbers(new.of(every, deciding=2)) == [0, 1, 2, 3]
    assert numbers(new.of([every[0], every[3]])) == []
    assert numbers(new.of(every)) == [2]
    assert new.of(every) == []


def test_parts_are_found_by_number_where_some_are_missing() -> None:
    some = [trial(n, ended=True) for n in (1, 4, 5, 9)]
    assert numbers([*since(some, 5)]) == [5, 9]
    assert numbers([*since(some, 6)]) == [9]
    assert [*since(some, 10)] == []
    assert numbers(these(some, [0, 1, 5, 6, 9, 10])) == [1, 5, 9]
