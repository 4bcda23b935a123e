from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from scipy.special import ndtri

from autometa.encoding import Floats
from autometa.meta.data.noise import score_worth
from autometa.meta.data.targets import normal_scores
from autometa.meta.parts.reference import common_design, reference_scores
from autometa.samplers.asking import suggest
from autometa.space import Config, SearchSpace

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0), "y": FloatDistribution(0.0, 1.0)})
MIXED = SearchSpace(
    {
        "rate": FloatDistribution(1e-4, 1.0, log=True),
        "kind": CategoricalDistribution(["a", "b", "c"]),
        "keep": FloatDistribution(0.0, 1.0),
    },
    conditions={"keep": ("kind", ["a", "b"])},
)
SAMPLERS: dict[str, Callable[[], optuna.samplers.BaseSampler]] = {
    "random": lambda: optuna.samplers.RandomSampler(seed=0),
    "tpe": lambda: optuna.samplers.TPESampler(seed=0),
    "gp": lambda: optuna.samplers.GPSampler(seed=0),
}


def bowl(config: Config) -> float:
    x, y = float(config["x"] or 0.0), float(config["y"] or 0.0)
    return -((x - 0.3) ** 2) - (y - 0.6) ** 2


def mixed(config: Config) -> float:
    worse = {"a": 0.0, "b": 0.1, "c": 0.6}[str(config["kind"])]
    keep = float(config.get("keep", 0.5) or 0.0)
    off = math.log10(float(config["rate"] or 1.0)) + 2.0
    return -(off**2) / 4.0 - worse - (keep - 0.4) ** 2


def history(objective: Callable[[Config], float], space: SearchSpace, how: str, n: int) -> Floats:
    """Raw configs (n, p) that a sampler chose."""
    study = optuna.create_study(direction="maximize", sampler=SAMPLERS[how]())

    study.optimize(lambda trial: objective(suggest(trial, space)), n_trials=n)
    return space.to_raw([t.params for t in study.trials])


newest = pytest.mark.skipif(
    int(optuna.__version__.split(".")[0]) < 5,
    reason="with histories of Optuna 4's GPSampler the best of the five configs differs by .35",
)


@pytest.mark.parametrize(
    ("space", "objective", "n"),
    [(SPACE, bowl, 30), pytest.param(MIXED, mixed, 40, marks=newest)],
)
def test_one_config_has_one_score_whoever_chose_the_others(
    space: SearchSpace, objective: Callable[[Config], float], n: int
) -> None:
    rng = np.random.default_rng(5)
    random = space.sample_raw(2000, rng)
    values = np.array([objective(c) for c in space.from_raw(random)])
    asked = np.argsort(values)[[400, 1000, 1600, 1900, 1970]]
    truth = ndtri([0.2, 0.5, 0.8, 0.95, 0.985])
    design = common_design(space)
    found = {}
    for how in SAMPLERS:
        raw = history(objective, space, how, n)
        known = np.array([objective(c) for c in space.from_raw(raw)])
        unit = space.encode_raw(raw)
        found[how] = [
            reference_scores(
                np.r_[unit, space.encode_raw(random[[i]])], np.r_[known, values[i]], design
            )[-1]
            for i in asked
        ]
    spread = np.ptp(list(found.values()), axis=0)
    assert (spread < 0.3).all(), found
    assert (np.abs(np.array(list(found.values())) - truth)[:, 1:] < 0.35).all(), (found, truth)


def test_by_rank_alone_they_differ_by_more_than_a_deviation() -> None:
    scores = {}
    for how in ("random", "gp"):
        known = [bowl(c) for c in SPACE.from_raw(history(bowl, SPACE, how, 30))]
        scores[how] = normal_scores(np.r_[known, bowl({"x": 0.42, "y": 0.6})])[-1]
    assert scores["random"] - scores["gp"] > 1.0


def made_up(n: int, noise: float, seed: int = 0) -> tuple[Floats, Floats]:
    rng = np.random.default_rng(seed)
    unit = rng.random((n, 2))
    return unit, -((unit - [0.3, 0.6]) ** 2).sum(1) + noise * rng.standard_normal(n)


@pytest.mark.parametrize("noise", [0.0, 0.1, 10.0])
@pytest.mark.parametrize("n", [20, 100, 600])
def test_among_random_configs_they_are_the_plain_scores(n: int, noise: float) -> None:
    unit, scores = made_up(n, noise)
    found, plain = reference_scores(unit, scores, common_design(SPACE)), normal_scores(scores)
    assert np.sqrt(np.mean((found - plain) ** 2)) < (0.25 if n > 20 else 0.4)
    worth = score_worth(scores, found), score_worth(scores, plain)
    assert worth[0] == pytest.approx(worth[1], rel=0.35)


@pytest.mark.parametrize("unit_of_metric", [1e-6, 1.0, 1e9])
def test_order_is_kept_and_units_do_not_matter(unit_of_metric: float) -> None:
    unit, scores = made_up(50, 0.05)
    design = common_design(SPACE)
    found = reference_scores(unit, scores, design)
    assert (np.diff(found[np.argsort(scores)]) > 0).all()
    moved = reference_scores(unit, 3.0 + unit_of_metric * scores, design)
    np.testing.assert_allclose(moved, found, atol=1e-2)


@pytest.mark.parametrize("worst", [-1e6, -1e20, -1e81])
def test_diverged_trials_change_little_for_the_others(worst: float) -> None:
    unit, scores = made_up(40, 0.0)
    bad = unit[:, 0] > 0.85
    sound = reference_scores(unit, np.where(bad, -1.0, scores), common_design(SPACE))
    found = reference_scores(unit, np.where(bad, worst, scores), common_design(SPACE))
    assert np.isfinite(found).all()
    assert np.abs(found - sound)[~bad].max() < 0.35
    assert found[bad].max() < found[~bad].min()


def test_what_says_nothing_and_columns_that_nobody_varied() -> None:
    design = common_design(SPACE)
    assert not reference_scores(np.zeros((6, 2)), np.full(6, 3.0), design).any()
    assert len(reference_scores(np.zeros((0, 2)), np.zeros(0), design)) == 0
    few = np.array([1.0, 3.0, 2.0])
    np.testing.assert_array_equal(
        reference_scores(np.eye(3)[:, :2], few, design), normal_scores(few)
    )
    x = np.random.default_rng(0).random(40)
    fixed = np.stack([x, np.full(40, 0.9)], axis=1)
    found = reference_scores(fixed, x, design)
    assert np.abs(found - ndtri(np.clip(x, 0.02, 0.98))).max() < 0.5
    same_place = reference_scores(np.full((30, 2), 0.5), np.arange(30.0), design)
    assert np.corrcoef(same_place, normal_scores(np.arange(30.0)))[0, 1] > 0.95


def test_the_design_is_the_same_whenever_asked_for() -> None:
    np.testing.assert_array_equal(common_design(MIXED), common_design(MIXED))
