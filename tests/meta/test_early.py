from __future__ import annotations

import numpy as np
import optuna
import pytest

from autometa.meta import MetaLearner
from autometa.meta.data.early import _placed, with_early
from autometa.meta.data.targets import normal_scores, usable
from autometa.meta.spaces.study_space import StudySpace
from autometa.portfolio import Portfolio
from autometa.samplers.read_trials import TrialsReader
from autometa.task import State, TaskHistory
from autometa.testing.families import Bowls


def with_curves(history: TaskHistory, steps: int = 9) -> TaskHistory:
    """As if every value had been approached from far below, in nine equal steps."""
    grown = np.linspace(-3.0, 0.0, steps)
    curves = history.values[:, None] + (grown if history.task.direction == "maximize" else -grown)
    return TaskHistory(task=history.task, raw=history.raw, values=history.values, curves=curves)


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_points_of_curves_are_early_values_below_the_final_ones(direction: str) -> None:
    (plain,) = Bowls().portfolio(1, 12, direction=direction).histories  # type: ignore[arg-type]
    history = with_curves(plain)
    unit = plain.task.space.encode_raw(plain.raw)
    target = normal_scores(history.scores)
    shown = with_early(history, usable(history), unit, unit, target)
    assert len(shown.unit) == 36
    assert np.allclose(shown.fidelity[12:24], 1 / 9)
    assert np.allclose(shown.fidelity[24:], 1 / 3)
    assert np.array_equal(shown.unit[12:24], unit)
    assert (shown.target[12:24] <= target).all()
    assert shown.target[12:24].mean() < shown.target[24:].mean() < target.mean()


def test_trials_of_less_budget_are_early_values_and_failed_ones_are_none() -> None:
    (plain,) = Bowls().portfolio(1, 8).histories
    fidelity = np.array([1.0, 1.0, 1.0, 1.0, 0.25, 0.25, 0.25, 0.25])
    states = np.array([0, 0, 0, 0, 0, 0, State.FAILED, State.PRUNED], dtype=np.int8)
    history = TaskHistory(
        task=plain.task, raw=plain.raw, values=plain.values, fidelity=fidelity, states=states
    )
    full = usable(history)
    unit = plain.task.space.encode_raw(plain.raw)
    shown = with_early(history, full, unit, unit[full], normal_scores(history.scores[full]))
    assert shown.fidelity.tolist() == [1.0, 1.0, 1.0, 1.0, 0.25, 0.25, 0.25]
    assert np.array_equal(shown.unit[4:], unit[[4, 5, 7]])


def test_without_early_values_the_budget_is_no_input() -> None:
    model = MetaLearner(seed=0, steps=50).fit(Bowls().portfolio(3, 12))
    assert model.transfer is not None
    assert not model.transfer.basis.budgeted


def test_a_model_with_a_budget_learns_that_values_grow_and_is_saved_with_it(tmp_path) -> None:  # type: ignore[no-untyped-def]
    family = Bowls()
    portfolio = Portfolio(with_curves(h) for h in family.portfolio(6, 40).histories)
    model = MetaLearner(seed=0, steps=300).fit(portfolio)
    assert model.transfer is not None
    unit = family.space.encode_raw(family.space.sample_raw(50, np.random.default_rng(0)))
    basis, head = model.transfer.basis, model.transfer.prior.mean
    early, late = (basis(unit, np.full(50, share)) @ head for share in (1 / 9, 1.0))
    assert early.mean() < late.mean() - 0.2
    assert np.array_equal(basis(unit), basis(unit, np.ones(50)))
    model.save(tmp_path / "model")
    again = type(model).load(tmp_path / "model")
    assert again.transfer is not None
    assert np.array_equal(
        again.transfer.basis(unit, np.full(50, 0.3)), basis(unit, np.full(50, 0.3))
    )


def test_pruned_trials_are_seen_with_their_share_of_the_steps() -> None:
    family = Bowls()
    study = optuna.create_study(direction="maximize")
    for number, steps in enumerate((10, 10, 2, 5)):
        trial = study.ask(dict(family.space.distributions))
        for step in range(steps):
            trial.report(float(step + number), step)
        if steps == 10:
            study.tell(trial, 9.0 + number)
        else:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
    silent = study.ask(dict(family.space.distributions))
    study.tell(silent, state=optuna.trial.TrialState.PRUNED)
    new = study.ask(dict(family.space.distributions))
    history = TrialsReader(StudySpace(family.space)).read(study, study.trials[new.number])
    assert history.fidelity.tolist() == [1.0, 1.0, 0.2, 0.5]
    assert history.scores.tolist() == [9.0, 10.0, 10.0, 10.0]  # as good as the best at that step
    # Of the silent one nothing is known but that it was given up: it counts as a failure.
    assert len(history.failed) == 1


def test_only_a_full_trial_can_be_the_best_one() -> None:
    """A pruned trial that looked good early must not raise the bar for improvements."""
    from autometa.meta.inference.posterior import Posterior

    family = Bowls()
    model = MetaLearner(seed=0, steps=100).fit(family.portfolio(4, 20))
    assert model.transfer is not None
    unit = family.space.encode_raw(family.space.sample_raw(6, np.random.default_rng(0)))
    scores = family.score(9)(unit)
    scores[5] = scores.max() + 5.0 * np.ptp(scores)
    fidelity = np.ones(6)
    naive = Posterior(model.transfer, unit, scores, fidelity=fidelity)
    fidelity[5] = 0.1
    posterior = Posterior(model.transfer, unit, scores, fidelity=fidelity)
    at = family.space.encode_raw(family.space.sample_raw(40, np.random.default_rng(1)))
    assert posterior.log_ei(at).mean() > naive.log_ei(at).mean()
    assert np.isfinite(
        Posterior(model.transfer, unit, scores, fidelity=fidelity * 0.5).log_ei(at)
    ).all()


@pytest.mark.parametrize("unit", [1e-100, 1e-14, 1e12])
def test_where_early_values_stand_has_no_unit(unit: float) -> None:
    final, early = np.array([0.5, 0.6, 0.7, 0.8]), np.array([0.1, 0.45, 0.65])
    target = normal_scores(final)
    here = _placed(early, final, target)
    np.testing.assert_allclose(_placed(unit * early, unit * final, target), here, atol=1e-9)
    assert here[0] < here[1] < target[0] < here[2]
    alike = _placed(early, np.zeros(4), np.zeros(4))
    assert np.isfinite(alike).all()
