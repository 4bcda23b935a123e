from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autometa.encoding import Floats
from autometa.meta.parts.prior import HeadPrior, fit_prior
from tests.strategies import seeds


def log_density(
    prior: HeadPrior, features: Sequence[Floats], targets: Sequence[Floats], known: Sequence[float]
) -> float:
    """Eq. (2) of `prior` up to a constant, by the covariances of the trials themselves."""
    p = len(prior.mean)
    total = -float(np.linalg.slogdet(prior.cov)[1] + np.trace(np.linalg.inv(prior.cov)) / p)
    for f, z, nu in zip(features, targets, known, strict=True):
        cov = f @ prior.cov @ f.T + (prior.noise + nu) * np.eye(len(z))
        rest = z - f @ prior.mean
        total -= 0.5 * float(np.linalg.slogdet(cov)[1] + rest @ np.linalg.solve(cov, rest))
    return total


def made_up(
    rng: np.random.Generator, *, p: int, tasks: int, noise: float, known: Floats
) -> tuple[list[Floats], list[Floats]]:
    """Basis features and targets of tasks as the model says."""
    heads = rng.standard_normal(p) + rng.standard_normal((tasks, p)) * rng.uniform(0.05, 2.0, p)
    features = [rng.standard_normal((int(rng.integers(1, 15)), p)) for _ in heads]
    targets = [
        f @ w + np.sqrt(noise + nu) * rng.standard_normal(len(f))
        for f, w, nu in zip(features, heads, known, strict=True)
    ]
    return features, targets


@given(
    seed=seeds,
    p=st.integers(1, 5),
    tasks=st.integers(1, 12),
    noise=st.sampled_from([0.0, 1e-6, 0.01, 1.0]),
    folds=st.sampled_from(["unknown", "some", "all"]),
    start=st.sampled_from([None, 1e-6, 1e-3, 0.3, 20.0]),
)
def test_no_round_of_em_lowers_the_density(
    seed: int, p: int, tasks: int, noise: float, folds: str, start: float | None
) -> None:
    rng = np.random.default_rng(seed)
    known = {
        "unknown": np.zeros(tasks),
        "some": rng.uniform(0.0, 1.0, tasks) * (rng.random(tasks) < 0.5),
        "all": 10.0 ** rng.uniform(-4.0, 0.0, tasks),
    }[folds]
    features, targets = made_up(rng, p=p, tasks=tasks, noise=noise, known=known)
    prior = None
    if start is not None:
        root = rng.standard_normal((p, p))
        prior = HeadPrior(
            mean=rng.standard_normal(p),
            cov=root @ root.T + 1e-3 * np.eye(p),
            noise=start,
            heads=np.zeros((tasks, p)),
        )
    before = -np.inf
    for _ in range(8):
        prior = fit_prior(features, targets, known.tolist(), rounds=1, start=prior)
        after = log_density(prior, features, targets, known.tolist())
        assert after >= before - 1e-7 * (1.0 + abs(after))
        before = after


@pytest.mark.parametrize("noise", [0.002, 0.05])
def test_the_noise_is_found_beside_the_part_that_folds_show(noise: float) -> None:
    """Folds that show more noise than there is must not drive the rest of it to nothing."""
    rng = np.random.default_rng(0)
    known = rng.choice([0.0, 0.01, 0.1, 1.0], 80)
    heads = rng.standard_normal((80, 3))
    features = [rng.standard_normal((40, 3)) for _ in heads]
    targets = [
        f @ w + np.sqrt(noise + nu) * rng.standard_normal(40)
        for f, w, nu in zip(features, heads, known, strict=True)
    ]
    assert fit_prior(features, targets, known.tolist()).noise == pytest.approx(noise, rel=0.15)
    doubled = fit_prior(features, targets, (2.0 * known).tolist())
    assert doubled.noise == pytest.approx(noise, rel=0.2)


def test_rounds_in_one_go_and_one_by_one_are_the_same() -> None:
    rng = np.random.default_rng(3)
    known = rng.uniform(0.0, 0.5, 9)
    features, targets = made_up(rng, p=3, tasks=9, noise=0.1, known=known)
    once = fit_prior(features, targets, known.tolist(), rounds=6)
    again = fit_prior(features, targets, known.tolist(), rounds=2)
    again = fit_prior(features, targets, known.tolist(), rounds=4, start=again)
    np.testing.assert_allclose(once.cov, again.cov)
    np.testing.assert_allclose(once.heads, again.heads)
    assert once.noise == pytest.approx(again.noise)


@given(seed=seeds, p=st.integers(1, 5), tasks=st.integers(1, 12), own=st.booleans())
def test_the_prior_in_task_space_is_a_weighted_sum_of_the_heads(
    seed: int, p: int, tasks: int, own: bool
) -> None:
    """Weights sum to one, and sum_i omega_i w_i = m + S v, S being the heads' own spread."""
    rng = np.random.default_rng(seed)
    heads = rng.standard_normal((tasks, p))
    relevance = rng.dirichlet(np.ones(tasks)) if own else None
    mean = heads.mean(0) if relevance is None else relevance @ heads
    prior = HeadPrior(mean=heads.mean(0), cov=np.eye(p), noise=0.1, heads=heads)
    direction = rng.standard_normal(p)
    weights = prior.blend(direction, relevance)
    assert weights.sum() == pytest.approx(1.0)
    spread = np.cov(heads.T, bias=True).reshape(p, p)
    assert weights @ heads == pytest.approx(mean + spread @ direction, abs=1e-9)
    elsewhere = HeadPrior(mean=rng.standard_normal(p), cov=np.eye(p), noise=0.1, heads=heads)
    assert elsewhere.blend(direction, relevance).sum() == pytest.approx(1.0)
