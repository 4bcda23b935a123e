"""Steps: a search that does not stand still where everything has the same score."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.distributions import FloatDistribution

from autometa.encoding import Floats
from autometa.meta.inference.hypotheses import HYPOTHESES
from autometa.meta.inference.knowledge import no_knowledge
from autometa.meta.spaces.study_space import StudySpace
from autometa.space import SearchSpace
from autometa.suggest import Observations
from autometa.suggest.candidate_search import CandidateSearch
from autometa.suggest.configs import posterior_of
from autometa.suggest.steps import Steps

SPACE = SearchSpace({n: FloatDistribution(0.0, 1.0) for n in "xyz"})


def cells(unit: Floats, width: float) -> Floats:
    """A cone around .8 in cells of a width: all configs of a cell have one score, (n,)."""
    middles = (np.floor(unit / width) + 0.5) * width
    scores: Floats = -np.sqrt(((middles - 0.8) ** 2).sum(axis=1))
    return scores


def test_without_a_tie_nothing_changes() -> None:
    unit = np.random.default_rng(0).random((30, 3))
    steps = Steps(unit, unit.sum(axis=1))
    assert steps.reach == 0.0
    assert not steps.log_change(unit).any()


@pytest.mark.parametrize("scores", [[1e308, 1e308, 0.0, -1e308], [-1e308] * 3 + [-1.7e308]])
def test_scores_near_the_largest_float_are_scores(scores: list[float]) -> None:
    unit = np.random.default_rng(0).random((4, 3))
    assert np.isfinite(Steps(unit, np.array(scores)).reach)


@pytest.mark.parametrize("width", [0.2, 0.5])
def test_the_reach_follows_the_width_of_the_steps(width: float) -> None:
    unit = np.random.default_rng(0).random((120, 3))
    reach = Steps(unit, cells(unit, width)).reach
    assert 0.3 * width < reach < 1.5 * width


def test_beside_a_good_trial_a_repetition_is_almost_sure_and_farther_off_it_is_not() -> None:
    unit = np.random.default_rng(0).random((60, 3))
    scores = cells(unit, 0.5)
    steps = Steps(unit, scores)
    best = unit[[scores.argmax()]]
    beside, away = steps.log_change(best + 0.01), steps.log_change(best - 2.0)
    assert beside[0] < -100.0
    assert away[0] > -0.1


@given(st.integers(0, 1000))
def test_farther_from_all_good_trials_a_change_is_likelier(seed: int) -> None:
    rng = np.random.default_rng(seed)
    unit = rng.random((20, 3))
    steps = Steps(unit, cells(unit, 0.5))
    line = 1.0 + np.linspace(0.0, 3.0, 20)[:, None] * np.ones(3)
    assert (np.diff(steps.log_change(line)) >= -1e-9).all()


def test_one_bad_value_everywhere_is_no_step() -> None:
    """As of an objective that returns 0 wherever it diverges."""
    unit = np.random.default_rng(0).random((40, 3))
    scores = np.where(unit[:, 0] > 0.4, unit.sum(axis=1), 0.0)
    assert Steps(unit, scores).reach == 0.0


def test_the_order_of_the_trials_and_the_scale_of_the_scores_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    unit = rng.random((40, 3))
    scores, order = cells(unit, 0.4), rng.permutation(40)
    reach = Steps(unit, scores).reach
    assert reach > 0.0
    assert Steps(unit[order], scores[order]).reach == reach
    assert Steps(unit, 64.0 * scores).reach == reach


@pytest.mark.parametrize("ten", [[1.0] * 10, [*np.linspace(0.9, 1.0, 10)]])
def test_no_config_beside_a_good_trial_is_tried_where_its_score_would_be_repeated(
    ten: list[float],
) -> None:
    """Ten trials lie close together: on one step, or on a slope."""
    scores = [*ten, 0.2, 0.3]
    unit = np.concatenate([0.5 + 0.2 * np.random.default_rng(0).random((10, 3)), [[0.1] * 3] * 2])
    unit[-1] = 0.9, 0.1, 0.3
    study, seen = StudySpace(SPACE), Observations.of(unit, scores)
    nothing = no_knowledge(study)
    posterior, seen = posterior_of(nothing, seen, HYPOTHESES[-1:])
    search = CandidateSearch(study.candidates, nothing, posterior, seen)
    beside = unit[:10] + 0.001
    lost = posterior.log_ei(beside) - search.gain(beside)
    assert (lost > 100.0).all() if ten[0] == 1.0 else not lost.any()
