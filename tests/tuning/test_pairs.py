"""Pairs of family and config: what all families did on prior tables decides what is tried next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution

from autometa import Portfolio, SearchSpace, Task, TaskHistory
from autometa.encoding import Floats
from autometa.tuning.pairs import Pairs, learn_pairs

M = 6  # pairs


def pairs(**changed: object) -> Pairs:
    rng = np.random.default_rng(0)
    half = rng.normal(size=(M, M))
    made = Pairs(
        families=("a", "a", "a", "b", "b", "b"),
        configs=tuple({"x": i / M} for i in range(M)),
        mean=np.array([-0.5, -0.6, -0.9, -0.5, -0.7, -1.1]),
        cov=0.1 * half @ half.T + 0.05 * np.eye(M),
        log_spread=(np.log(0.1), 1.0),
        seconds=np.ones(M),
        tables=20,
    )
    return replace(made, **changed)  # type: ignore[arg-type]


def histories(
    family: str, scores: Floats, seconds: float = 1.0, tables: int | None = None
) -> Portfolio:
    """T tables of a family: scores (T, c) of the configs x = 0, 1, ..."""
    space = SearchSpace({"x": FloatDistribution(0.0, 100.0)}, name=family)
    rows = np.arange(scores.shape[1], dtype=np.float64)[:, None]
    found = []
    for i, row in enumerate(scores[:tables]):
        features = {"log_rows": float(i)}
        task = Task(
            name=f"t{i}", space=space, direction="maximize", metric="m", meta_features=features
        )
        cost = np.full(len(row), seconds * np.exp(0.5 * i))
        found.append(TaskHistory(task=task, raw=rows, values=row, seconds=cost))
    return Portfolio(found)


def test_of_two_alike_the_cheaper_is_tried_first() -> None:
    cov = 0.1 * np.eye(M)
    alike = pairs(mean=np.full(M, -0.5), cov=cov, seconds=np.array([4.0, 4, 4, 1, 4, 4]))
    assert alike.next({}) == 3
    # A root of the seconds: four times the seconds for more than twice the improvement is right.
    better = replace(alike, mean=np.array([0.5, -0.5, -0.5, -0.5, -0.5, -0.5]))
    assert better.next({3: 0.5}) == 0


def test_each_pair_is_tried_once_and_then_none() -> None:
    found, seen = [], dict[int, float | None]()
    while (pair := pairs().next(seen)) is not None:
        found.append(pair)
        seen[pair] = None if len(found) == 2 else 0.1 * len(found)
    assert sorted(found) == list(range(M))


@given(
    st.floats(-1e3, 1e3),
    st.lists(st.tuples(st.integers(0, M - 1), st.floats(-1.0, 1.0)), min_size=1, max_size=4),
)
def test_an_offset_of_the_metric_changes_nothing(
    offset: float, results: list[tuple[int, float]]
) -> None:
    seen: dict[int, float | None] = dict(results)
    moved = {i: y + offset for i, y in seen.items() if y is not None}
    first = pairs()._improvement({i: y for i, y in seen.items() if y is not None})
    assert pairs()._improvement(moved) == pytest.approx(first, rel=1e-5, abs=1e-9)


def test_units_of_the_metric_change_nothing_where_the_spread_has_them_too() -> None:
    seen = {0: 0.3, 4: 0.1}
    wide = pairs(log_spread=(np.log(100.0), 1.0))
    hundreds = wide._improvement({i: 1000 * y for i, y in seen.items()})
    assert hundreds == pytest.approx(1000 * pairs()._improvement(seen), rel=1e-9)


def test_a_result_moves_what_is_expected_of_other_families() -> None:
    rng = np.random.default_rng(1)
    good = rng.choice([-1.0, 1.0], size=(40, 1))
    # Where a's first config does well, b's second does; elsewhere b's first.
    a = np.hstack([0.5 * good, np.zeros((40, 1))])
    b = np.hstack([-good, good]) + 0.05 * rng.normal(size=(40, 2))
    found = learn_pairs({"a": histories("a", a), "b": histories("b", b)}, "m", {"log_rows": 1.0})
    assert found is not None
    assert found.families == ("a", "a", "b", "b")
    assert found.configs[3] == {"x": 1.0}
    well = found._improvement({0: 0.5, 1: 0.0})
    badly = found._improvement({0: -0.5, 1: 0.0})
    assert well[3] > well[2]
    assert badly[2] > badly[3]


def test_seconds_grow_with_the_table() -> None:
    scores = np.random.default_rng(2).normal(size=(12, 3))
    priors = {"a": histories("a", scores), "b": histories("b", scores, seconds=10.0)}
    small, large = (learn_pairs(priors, "m", {"log_rows": r}) for r in (2.0, 6.0))
    assert small is not None
    assert large is not None
    assert large.seconds == pytest.approx(small.seconds * np.exp(2.0), rel=1e-6)
    assert small.seconds[3:] == pytest.approx(10 * small.seconds[:3], rel=1e-6)
    assert small.seconds[0] == pytest.approx(np.exp(0.5 * 2.0), rel=1e-6)
    unknown = learn_pairs(priors, "m", {})
    assert unknown is not None
    assert unknown.seconds[0] == pytest.approx(np.exp(0.5 * 5.5), rel=1e-6)


def test_tables_of_the_new_one_s_size_count_most() -> None:
    """On small prior tables the first config is best, on large ones the last."""
    scores = np.tile([1.0, 0.5, 0.0], (12, 1)) + 0.01 * np.random.default_rng(0).normal(
        size=(12, 3)
    )
    scores[6:] = scores[6:, ::-1]
    prior = {"a": histories("a", scores)}  # log_rows 0 to 11
    even = learn_pairs(prior, "m", {"columns": 3.0})
    assert even is not None
    assert even.mean[0] == pytest.approx(even.mean[2], abs=0.1)
    for rows, best in ((0.0, 0), (11.0, 2)):
        found = learn_pairs(prior, "m", {"log_rows": rows})
        assert found is not None
        assert found.mean.argmax() == best
        assert found.mean[best] > -0.2
        # Less so in the covariance: the first and the last are still each other's opposite.
        assert found.cov[0, 2] == pytest.approx(even.cov[0, 2], rel=0.4)
        assert abs(found.cov[0, 2]) < abs(even.cov[0, 2])


@pytest.mark.parametrize("strange", [np.nan, 1e9])
def test_a_table_unlike_all_others_goes_by_all_of_them(strange: float) -> None:
    scores = np.random.default_rng(0).normal(size=(12, 3))
    prior = {"a": histories("a", scores)}
    found, even = (learn_pairs(prior, "m", f) for f in ({"log_rows": strange}, {}))
    assert found is not None
    assert even is not None
    assert found.mean == pytest.approx(even.mean)
    assert found.cov == pytest.approx(even.cov)


def test_only_what_can_be_compared_is() -> None:
    scores = np.random.default_rng(3).normal(size=(12, 3))
    whole, part = histories("a", scores), histories("b", scores, tables=9)
    found = learn_pairs({"a": whole, "b": part}, "m", {})
    assert found is not None
    assert set(found.families) == {"a"}
    assert learn_pairs({"a": whole}, "another metric", {}) is None
    assert learn_pairs({"a": histories("a", scores, tables=7)}, "m", {}) is None
    assert learn_pairs({}, "m", {}) is None


def with_own(family: str, scores: Floats, configs: list[float]) -> Portfolio:
    """Prior tables, and one more on which other configs were run."""
    prior = histories(family, scores)
    first = prior.histories[0]
    own = replace(first.task, name="own")
    raw = np.array(configs)[:, None]
    return Portfolio([*prior.histories, TaskHistory(task=own, raw=raw, values=raw[:, 0])])


@pytest.mark.parametrize("configs", [[50.5], [1.0, 2.0], [0.0, 1.0, 2.0, 77.0]])
def test_a_table_of_other_configs_leaves_what_the_others_say_as_it_is(configs: list[float]) -> None:
    """A user's own searches had left the pairs that every table shares: few, or none."""
    scores = np.random.default_rng(0).normal(size=(10, 6))
    before = learn_pairs({"a": histories("a", scores), "b": histories("b", scores)}, "m", {})
    both = {name: with_own(name, scores, configs) for name in "ab"}
    after = learn_pairs(both, "m", {})
    assert before is not None
    assert after is not None
    assert after.tables == 10
    assert after.configs == before.configs
    assert np.array_equal(after.mean, before.mean)
    assert np.array_equal(after.seconds, before.seconds)


def test_a_table_with_further_configs_counts_and_ones_of_which_each_has_its_own_do_not() -> None:
    scores = np.random.default_rng(0).normal(size=(10, 4))
    further = with_own("a", scores, [0.0, 1.0, 2.0, 3.0, 9.0])
    found = learn_pairs({"a": further}, "m", {})
    assert found is not None
    assert (found.tables, len(found.configs)) == (11, 4)
    apart = [h.take(np.arange(4) == i % 4) for i, h in enumerate(histories("a", scores).histories)]
    assert learn_pairs({"a": Portfolio(apart)}, "m", {}) is None


def test_failures_and_diverged_trials_are_as_bad_as_the_worst() -> None:
    scores = np.random.default_rng(4).normal(size=(12, 3))
    scores[:, 2] = np.nan
    scores[5, 1] = -1e81
    found = learn_pairs({"a": histories("a", scores)}, "m", {})
    assert found is not None
    assert found.mean[2] == pytest.approx(-2.0)
    assert np.isfinite(found.cov).all()
    assert found.next({}) == int(found.mean[:2].argmax())


def test_a_family_s_seconds_are_corrected_by_its_own_trials_most() -> None:
    even = pairs()
    assert np.array_equal(even.seconds_here({}), even.seconds)
    here = even.seconds_here({0: 4.0, 3: 1.0})
    assert here[:3] == pytest.approx(4.0**0.75)  # the mean of its own log and of both families'
    assert here[3:] == pytest.approx(4.0**0.25)
    alone = even.seconds_here({0: 8.0})
    assert alone == pytest.approx(8.0)
    assert even.next({}, {}, {"a": 0.5}) == 3
    assert even.next({}, {}, {"a": 0.5, "b": 0.5}) is None
    assert even.next({}, {3: 4.0}, {"a": 3.0}) == 3  # all are as slow as that one


def test_configs_are_told_apart_by_their_values_alone() -> None:
    found = learn_pairs(
        {"a": histories("a", np.arange(24.0).reshape(12, 2)), "b": Portfolio()},
        "m",
        {"log_rows": 1.0},
    )
    assert found is not None
    assert found.configs == ({"x": 0.0}, {"x": 1.0})
