from __future__ import annotations

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa.meta import MetaLearner, MetaModel
from autometa.meta.data.targets import normal_scores
from autometa.meta.parts.catalogue import _shared
from autometa.meta.parts.judges import _judge, regrets
from autometa.meta.training_set import TrainingSet
from autometa.space import SearchSpace
from autometa.testing.families import Bowls


@pytest.fixture(scope="module")
def model() -> MetaModel:
    return MetaLearner(seed=0, steps=200).fit(Bowls().portfolio(6, 60))


def test_no_task_expects_more_of_a_config_than_it_has_seen(model: MetaModel) -> None:
    assert model.transfer is not None
    catalogue = model.transfer.catalogue
    targets = TrainingSet.of(Bowls().portfolio(6, 60)).targets
    assert catalogue.scores.shape == (len(catalogue.unit), 6)
    assert (catalogue.scores.max(axis=0) <= [z.max() + 1e-9 for z in targets]).all()
    assert catalogue.scores.max(axis=0).min() > 1.0


def test_regret_is_zero_at_the_best_trial_and_one_at_the_median() -> None:
    scores = np.array([5.0, 3.0, 1.0, -1e81, 4.0])
    assert np.allclose(regrets(scores), [0.0, 1.0, 2.0, 2.0, 0.5])
    assert np.allclose(regrets(np.array([2.0, 2.0, 1.0])), [0.0, 0.0, 1.0])


def test_the_median_is_that_of_random_configs_whoever_chose_the_trials() -> None:
    """A search that found the optimum at once still knows what an ordinary config is worth."""
    scores = np.r_[np.linspace(0.0, 1.0, 11), np.linspace(0.99, 1.0, 40)]
    targets = np.r_[np.linspace(-2.0, 2.0, 11), np.linspace(1.99, 2.0, 40)]
    assert regrets(scores, targets)[5] == pytest.approx(1.0)
    assert regrets(scores, targets)[11] == pytest.approx(0.02)
    assert regrets(scores)[11] > 1.5
    assert regrets(scores, np.full(51, 1.0) + 0.01 * scores)[0] == pytest.approx(1.0)
    assert regrets(scores, np.full(51, -1.0) + 0.01 * scores)[0] == pytest.approx(1.0)


def test_a_judge_finds_no_config_better_than_its_best_and_knows_good_from_bad(
    model: MetaModel,
) -> None:
    assert model.transfer is not None
    catalogue = model.transfer.catalogue
    assert catalogue.regret.min() >= 0.0
    assert catalogue.regret.max() <= 2.0
    for score, regret in zip(catalogue.scores.T, catalogue.regret.T, strict=True):
        assert np.corrcoef(score, regret)[0, 1] < -0.8


def test_runs_that_diverge_here_and_there_count_even_where_the_order_looks_fine() -> None:
    """Half of the trials near x = 1 diverge, the others are the best; x = 0 is good and sure."""
    rng = np.random.default_rng(0)
    x = rng.random((200, 1))
    scores = x[:, 0] + 0.01 * rng.standard_normal(200)
    scores[(x[:, 0] > 0.5) & (rng.random(200) < 0.5)] = -1e6
    asked = np.array([[0.45], [0.95]])
    _, regret = _judge(x, normal_scores(scores), scores, asked, rng)
    assert regret[0] < regret[1]


def test_what_a_task_has_tried_it_knows_and_repeats_are_one_config() -> None:
    rng = np.random.default_rng(0)
    unit = rng.random((60, 2))
    unit[1] = unit[0]
    scores = rng.standard_normal(60)
    target = normal_scores(scores)
    score, regret = _judge(unit, target, scores, unit[:3], rng)
    assert score == pytest.approx([target[:2].mean()] * 2 + [target[2]])
    assert regret[2] == pytest.approx(regrets(scores, target)[2])


def test_a_part_without_any_config_of_the_catalogue_has_no_start(model: MetaModel) -> None:
    assert model.transfer is not None
    space, catalogue = model.space, model.transfer.catalogue
    tried = space.decode_raw(catalogue.unit)[:, space.names.index("learning_rate")]
    rates = np.unique(np.log(tried))
    gap = int(np.diff(rates).argmax())
    low, high = np.exp(rates[gap] + np.diff(rates)[gap] * np.array([0.3, 0.7])).tolist()
    ranges = {**space.distributions, "learning_rate": FloatDistribution(low, high, log=True)}
    between = SearchSpace(ranges, conditions=space.conditions, inner_lr=space.inner_lr)
    assert model.warm_start(3, within=between) == []


def test_catalogued_configs_are_valid_encodings(model: MetaModel) -> None:
    assert model.transfer is not None
    unit = model.transfer.catalogue.unit
    assert np.allclose(model.space.encode_raw(model.space.decode_raw(unit)), unit)


def test_the_default_config_is_always_asked_about(model: MetaModel) -> None:
    assert model.transfer is not None
    own = model.space.encode(model.space.defaults)
    assert np.isclose(model.transfer.catalogue.unit, own).all(axis=1).any()


def test_configs_that_most_tasks_tried_are_in_the_catalogue() -> None:
    rng = np.random.default_rng(0)
    same, own = rng.random((6, 2)), rng.random((4, 5, 2))
    told = []
    for i in range(4):
        unit = np.concatenate([same[: 6 - 2 * (i == 0)], own[i]])
        target = np.concatenate([np.arange(6.0)[: 6 - 2 * (i == 0)], np.full(5, 9.0)])
        told.append((unit, target, target))
    found = _shared(told)
    assert np.array_equal(found, same[::-1])  # the best on average first, none of one task's own
    assert len(_shared(told[:1])) == 0
    assert len(_shared(told[:2])) == 4
    twice = np.concatenate([own[0], own[0]])  # repeats of one task are one task's
    tasks = [(twice, np.zeros(10), np.zeros(10)), (own[1], np.zeros(5), np.zeros(5))]
    assert len(_shared(tasks)) == 0
