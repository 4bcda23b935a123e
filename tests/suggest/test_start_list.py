"""The zero-shot list: one item a trial, none twice, and a place of its own for nobody else."""

from __future__ import annotations

import pickle

import pytest
from optuna.distributions import IntDistribution

from autometa.errors import SpaceError
from autometa.meta import MetaModel
from autometa.space import Config, SearchSpace
from autometa.suggest import Pool, Setup, Tried
from autometa.suggest.start_list import StartList
from autometa.suggest.stated import STATED
from tests.suggest.conftest import BOWLS, drawn


def nobody(_config: Config) -> bool:
    return False


def test_items_come_in_the_lists_order_however_many_were_prepared(model: MetaModel) -> None:
    items = model.warm_start(9)
    for ready in (0, 1, 9):
        found = [StartList(model, ready=ready).next(range(i), nobody) for i in range(9)]
        assert found == list(enumerate(items))


def test_what_some_trial_has_tried_is_left_out_and_places_are_kept(model: MetaModel) -> None:
    start = StartList(model)
    items = model.warm_start(5)
    assert start.next((), Tried(items[0].config).again) == (1, items[1])
    assert start.next({1, 2}, Tried({**items[0].config, "more": 1}).again) == (3, items[3])
    assert start.next({0}, nobody, yielded=2) == (3, items[3])


def test_a_list_ends(model: MetaModel, empty: MetaModel) -> None:
    start = StartList(empty)
    assert start.next((), nobody) is not None
    assert start.next({0}, nobody) is None
    assert start.next((), nobody, yielded=1) is None
    pool = Pool.of(BOWLS.space, drawn(2))
    assert StartList(model, pool=pool).next({0, 1}, nobody) is None


def test_what_was_stated_comes_first_whole_or_in_part(model: MetaModel) -> None:
    whole = drawn(1)[0]
    start, usual = StartList(model, stated=whole), model.warm_start(3)
    first, second = start.next((), nobody), start.next({0}, nobody)
    assert first is not None
    assert second is not None
    assert (first[1].config, first[1].reason) == (whole, STATED)
    assert second[1] == usual[0]
    part = StartList(model, stated={"dropout": 0.7}).next((), nobody)
    assert part is not None
    assert part[1].config == {**usual[0].config, "dropout": 0.7}


def test_items_lie_within_what_is_searched_and_in_the_pool(model: MetaModel) -> None:
    narrow = SearchSpace(
        {**BOWLS.space.distributions, "depth": IntDistribution(3, 4)},
        conditions=BOWLS.space.conditions,
        inner_lr=BOWLS.space.inner_lr,
        name=BOWLS.space.name,
    )
    start = StartList(model, within=narrow)
    for i in range(4):
        found = start.next(range(i), nobody)
        assert found is None or narrow.check(found[1].config)
    pool = drawn(6, 9)
    listed = StartList(model, pool=Pool.of(BOWLS.space, pool))
    found_configs = [item[1].config for i in range(6) if (item := listed.next(range(i), nobody))]
    assert sorted(map(str, found_configs)) == sorted(map(str, pool))


def test_a_pool_without_configs_or_of_another_space_is_refused(model: MetaModel) -> None:
    with pytest.raises(SpaceError, match="a pool without configs"):
        Setup.of(model, pool=[])
    with pytest.raises(SpaceError):
        Setup.of(model, pool=[{"no such parameter": 1}])


def test_a_setup_survives_a_pickle(model: MetaModel) -> None:
    setup = Setup.of(model, seed=3, pool=drawn(6))
    again = pickle.loads(pickle.dumps(setup))
    assert again.start.next({0}, nobody) == setup.start.next({0}, nobody)
    assert again.base_seed(4, 2) == setup.base_seed(4, 2)
