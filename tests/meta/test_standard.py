from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from autometa.meta.data.standard import raise_diverged, standardise
from tests.strategies import seeds

SOUND = st.lists(st.floats(-1.0, 1.0).map(lambda x: round(x, 6)), min_size=2, max_size=30)
DIVERGED = st.lists(st.floats(6.0, 81.0).map(lambda e: -(10.0**e)), max_size=29)


@given(seeds, SOUND, DIVERGED)
@example(0, [0.7, 0.9], [-1e20])
@example(0, [0.7, 0.8, 0.9], [-1e81])
@example(0, [0.2, 0.5, 0.7, 0.8, 0.9], [-1e20, -1e81, -1e6])
def test_what_diverges_flattens_nothing(seed: int, sound: list[float], bad: list[float]) -> None:
    """Good scores stay apart, however few there are and however bad the others."""
    bad = bad[: len(sound) - 1]  # fewer than half
    scores = np.random.default_rng(seed).permutation([*sound, *bad])
    z = standardise(scores).z
    assert np.isfinite(z).all()
    order = np.argsort(-scores, kind="stable")
    half = order[: (len(scores) - 1) // 2 + 1]  # sound ones only
    assume(np.ptp(scores[half]) > 0)
    assert np.ptp(z[half]) > 0.1
    better = order[: (len(sound) - 1) // 2 + 1]
    assert len(np.unique(z[better])) == len(np.unique(scores[better]))


@pytest.mark.parametrize("diverged", [1e6, 1e20, 1e81, 1e307])
@pytest.mark.parametrize(("n", "bad"), [(3, 1), (4, 1), (6, 1), (10, 1), (11, 1), (20, 3), (20, 9)])
def test_the_good_ones_are_as_far_apart_as_if_all_were_good(
    n: int, bad: int, diverged: float
) -> None:
    good = np.random.default_rng(n).uniform(0.7, 0.9, n - bad)
    z = standardise(np.r_[good, -diverged * np.arange(1, bad + 1) / bad]).z[: n - bad]
    assert z.std() > (0.25 if bad < 9 else 0.07)


@pytest.mark.parametrize("bad", [11, 15, 17])
def test_even_where_most_diverged(bad: int) -> None:
    rng = np.random.default_rng(bad)
    good = rng.uniform(0.7, 0.9, 20 - bad)
    z = standardise(np.r_[good, -(10.0 ** rng.uniform(7, 81, bad))]).z[: 20 - bad]
    assert np.ptp(z) > 1.0


@given(seeds, SOUND, st.floats(0.01, 1e3), st.floats(-1e3, 1e3))
def test_units_do_not_matter(seed: int, scores: list[float], unit: float, zero: float) -> None:
    known = np.array(scores)
    assume(np.ptp(known) > 1e-3)
    moved = standardise(zero + unit * known)
    np.testing.assert_allclose(moved.z, standardise(known).z, atol=1e-5)
    back = moved.centre + moved.spread * moved.z
    np.testing.assert_allclose(back, raise_diverged(zero + unit * known), atol=1e-9)


@given(SOUND, st.integers(-130, 140))
@example([0.1, 0.2, 0.3], -12)  # farads
@example([0.1, 0.2, 0.3], -20)
def test_units_may_be_very_small(scores: list[float], exponent: int) -> None:
    known = np.array(scores)
    assume(np.ptp(known) > 1e-3)
    moved = standardise(10.0**exponent * known)
    np.testing.assert_allclose(moved.z, standardise(known).z, atol=1e-9)


@given(SOUND, DIVERGED)
def test_no_order_is_turned_round(sound: list[float], bad: list[float]) -> None:
    scores = np.array([*sound, *bad])
    order = np.argsort(scores, kind="stable")
    assert (np.diff(standardise(scores).z[order]) >= 0).all()


def test_ordinary_scores_stay_as_they_are() -> None:
    scores = np.linspace(0.0, 1.0, 30)[np.random.default_rng(0).permutation(30)]
    np.testing.assert_array_equal(raise_diverged(scores), scores)


def test_where_good_trials_are_level_the_ordinary_ones_still_count() -> None:
    nearly = np.r_[0.9 + 1e-3 * np.arange(6), 0.5, 0.4, 0.3, 0.2]
    assert len(np.unique(raise_diverged(nearly))) > 6
    level = np.r_[np.full(6, 1.0), 0.9, 0.85, -1e20]
    assert len(np.unique(standardise(level).z)) == 4


@pytest.mark.parametrize("scores", [[3.0], [2.0, 2.0], [0.0] * 9])
def test_scores_that_are_alike_become_zeros(scores: list[float]) -> None:
    found = standardise(np.array(scores))
    assert not found.z.any()
    assert found.centre == scores[0]
    assert found.spread > 0
