"""The pruner that has seen curves before: what it gives up, and when it must not."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.distributions import FloatDistribution
from optuna.pruners import MedianPruner, NopPruner
from optuna.trial import TrialState, create_trial

import autometa
from autometa.encoding import Floats
from autometa.errors import AutometaError, PortfolioError
from autometa.meta import MetaLearner, MetaModel
from autometa.meta.data.curves import checkpoints, filled, standing, whole_curves
from autometa.meta.parts.improvement_chance import ImprovementChance, fit_improvement_chance
from autometa.portfolio import Portfolio
from autometa.samplers.pruned_scores import PrunedScores
from autometa.samplers.pruner import MetaPruner
from autometa.samplers.read_curves import CurveReader
from autometa.space import SearchSpace
from autometa.task import Direction, Task, TaskHistory

STEPS = 30
SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0)})


def curve(x: float, rng: np.random.Generator) -> Floats:
    """A score that rises to about -(x - 0.6)^2, its order mostly visible early."""
    t = np.arange(1, STEPS + 1) / STEPS
    noise = 0.01 * rng.standard_normal(STEPS) * (1.0 - t)
    result: Floats = -((x - 0.6) ** 2) - 0.3 * np.exp(-6.0 * t) + noise
    return result


def histories(tasks: int, trials: int = 40, direction: Direction = "maximize") -> list[TaskHistory]:
    sign = 1.0 if direction == "maximize" else -1.0
    found = []
    for number in range(tasks):
        rng = np.random.default_rng(number)
        raw = rng.uniform(size=(trials, 1))
        curves = sign * np.stack([curve(float(x), rng) for x in raw[:, 0]])
        task = Task(name=str(number), space=SPACE, direction=direction)
        found.append(TaskHistory(task=task, raw=raw, values=curves[:, -1], curves=curves))
    return found


@pytest.fixture(scope="module")
def chance() -> ImprovementChance:
    found = fit_improvement_chance(histories(8), np.random.default_rng(0))
    assert found is not None
    return found


def run(pruner: optuna.pruners.BasePruner, direction: Direction, trials: int = 40) -> optuna.Study:
    sign = 1.0 if direction == "maximize" else -1.0
    rng = np.random.default_rng(99)

    def objective(trial: optuna.Trial) -> float:
        values = sign * curve(trial.suggest_float("x", 0.0, 1.0), rng)
        for step, value in enumerate(values):
            trial.report(float(value), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return float(values[-1])

    study = optuna.create_study(
        direction=direction, pruner=pruner, sampler=optuna.samplers.RandomSampler(seed=5)
    )
    study.optimize(objective, n_trials=trials)
    return study


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_it_finds_what_no_pruning_finds_at_half_the_steps(
    chance: ImprovementChance, direction: Direction
) -> None:
    whole, study = run(NopPruner(), direction), run(MetaPruner(chance), direction)
    spread = abs(whole.best_value - np.median([t.value for t in whole.trials]))
    assert abs(study.best_value - whole.best_value) < 0.02 * spread
    steps = sum(len(t.intermediate_values) for t in study.trials)
    assert steps < 0.5 * STEPS * len(study.trials)
    assert [t.state for t in study.trials[:5]] == [TrialState.COMPLETE] * 5
    for trial in study.get_trials(states=(TrialState.PRUNED,)):
        why = trial.user_attrs["autometa:pruned"]
        assert why["chance"] < why["below"]


def test_the_recorded_direction_does_not_matter(chance: ImprovementChance) -> None:
    down = fit_improvement_chance(histories(8, direction="minimize"), np.random.default_rng(0))
    assert down is not None
    np.testing.assert_allclose(down.weights, chance.weights, rtol=1e-6)
    assert down.threshold == chance.threshold


def test_without_curves_another_pruner_decides_and_it_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    few = histories(4)
    bare = [TaskHistory(task=h.task, raw=h.raw, values=h.values) for h in histories(8)]
    for known in ([], few, bare, histories(8, trials=6)):
        assert fit_improvement_chance(known, np.random.default_rng(0)) is None
    model = MetaModel(space=SPACE, tasks=(), meta_features=(), transfer=None)
    pruner = MetaPruner(model)
    assert "MedianPruner decides" in pruner.note
    assert "MedianPruner decides" in caplog.text
    ours, theirs = run(pruner, "maximize"), run(MedianPruner(), "maximize")
    assert [t.state for t in ours.trials] == [t.state for t in theirs.trials]
    pruned = ours.get_trials(states=(TrialState.PRUNED,))
    assert pruned
    assert all("MedianPruner" in t.user_attrs["autometa:pruned"]["rule"] for t in pruned)


def test_it_takes_whatever_a_prior_is(tmp_path: Path) -> None:
    past = Portfolio(histories(8))
    model = MetaLearner(seed=0, steps=5).fit(past)
    assert model.chance is not None
    past.save(tmp_path / "past")
    model.save(tmp_path / "model")
    for prior in (past, tmp_path / "past", str(tmp_path / "model"), model, model.chance):
        pruner = MetaPruner(prior)
        assert pruner.note == ""
        assert pruner._chance is not None
        np.testing.assert_array_equal(pruner._chance.weights, model.chance.weights)
    assert "MedianPruner decides" in MetaPruner(None).note
    both = Portfolio([*past.histories, *other_space()])
    with pytest.raises(PortfolioError):
        MetaPruner(both)
    assert MetaPruner(both, space=SPACE).note == ""
    assert MetaPruner(both, space=SPACE.distributions).note == ""


def test_how_many_curves_are_too_few_is_said() -> None:
    enough = histories(5, 20)
    for few, words in ((enough[:4], "fewer than 5 "), (histories(5, 19), "have 20 COMPLETE")):
        note = MetaPruner(Portfolio(few)).note
        assert words in note
        assert note.endswith("MedianPruner decides")
    assert MetaPruner(Portfolio(enough)).note == ""


def other_space() -> list[TaskHistory]:
    space = SearchSpace({"y": FloatDistribution(0.0, 1.0)})
    task = Task(name="other", space=space, direction="maximize")
    return [TaskHistory(task=task, raw=np.array([[0.1], [0.2]]), values=np.array([1.0, 2.0]))]


@pytest.mark.parametrize("wrong", [3, "no such folder", [None], object()])
def test_what_is_no_prior_is_refused_as_everywhere(wrong: object) -> None:
    with pytest.raises(AutometaError):
        MetaPruner(wrong)  # type: ignore[arg-type]


def test_without_evidence_nothing_is_pruned(chance: ImprovementChance) -> None:
    pruner = MetaPruner(chance)
    study = optuna.create_study(direction="maximize", pruner=pruner)
    for _ in range(8):  # complete, but nobody knows their curves
        study.add_trial(
            create_trial(
                value=1.0, params={"x": 0.5}, distributions={"x": FloatDistribution(0.0, 1.0)}
            )
        )
    trial = study.ask()
    assert not trial.should_prune()
    for step in range(STEPS):
        trial.report(-1e9, step)
        assert not trial.should_prune()


def test_studies_of_one_name_are_kept_apart(chance: ImprovementChance) -> None:
    """One pruner may serve two storages, whose studies are called alike."""
    low, high = (optuna.create_study(study_name="s", direction="maximize") for _ in range(2))
    pruner = MetaPruner(chance)
    for study, level in ((low, 0.0), (high, 100.0)):
        for _ in range(8):
            trial = study.ask()
            for step in range(STEPS):
                trial.report(level + step, step)
            study.tell(trial, level + STEPS - 1.0)
        rising = study.ask()
        given_up = []
        for step in range(STEPS):
            rising.report(50.0 + step, step)
            given_up.append(pruner.prune(study, study.trials[-1]))
        assert any(given_up) == (level == 100.0)


def test_a_diverged_trial_ends(chance: ImprovementChance) -> None:
    study = run(MetaPruner(chance), "maximize", trials=6)
    trial = study.ask()
    trial.report(math.inf, 0)
    assert trial.should_prune()
    assert study.trials[-1].user_attrs["autometa:pruned"]["rule"] == "not finite"


def test_a_model_keeps_its_curves(chance: ImprovementChance, tmp_path: Path) -> None:
    model = MetaModel(
        space=SPACE,
        tasks=(),
        meta_features=(),
        transfer=None,
        chance=chance,
        licence="MIT",
        provenance={"tasks": 8},
    )
    model.save(tmp_path / "m.autometa")
    loaded = MetaModel.load(tmp_path / "m.autometa")
    assert loaded.chance is not None
    assert (loaded.chance.threshold, loaded.chance.tasks) == (chance.threshold, chance.tasks)
    assert (loaded.licence, loaded.provenance) == ("MIT", {"tasks": 8})
    asked = np.random.default_rng(0).standard_normal((9, len(chance.mean)))
    np.testing.assert_array_equal(loaded.chance(asked), chance(asked))


# Parts -------------------------------------------------------------------------------------------


def test_standings_have_no_unit() -> None:
    rng = np.random.default_rng(0)
    curves = np.stack([curve(float(x), rng) for x in rng.uniform(size=12)])
    steps = checkpoints(STEPS)
    one = standing(curves[0], steps, curves[1:], curves[1:, -1])
    two = standing(7 * curves[0] + 3, steps, 7 * curves[1:] + 3, 7 * curves[1:, -1] + 3)
    np.testing.assert_allclose(one, two, atol=1e-9)
    level = standing(curves[0], steps, curves[1:], np.ones(11))  # whose ends are all alike
    small = standing(1e-20 * curves[0], steps, 1e-20 * curves[1:], np.full(11, 1e-20))
    np.testing.assert_allclose(level, small, atol=1e-9)
    assert np.isfinite(standing(np.full(STEPS, -1e300), steps, curves, curves[:, -1])).all()
    assert np.isfinite(standing(curves[0], steps, np.ones((5, STEPS)), np.ones(5))).all()


@pytest.mark.parametrize("length", [1, 2, 5, 51, 5000])
def test_checkpoints_lie_inside_the_budget(length: int) -> None:
    steps = checkpoints(length)
    assert len(steps) <= 16
    assert (steps >= 1).all()
    assert (steps < length).all()
    assert (np.diff(steps) > 0).all()


def test_gaps_take_the_value_before_them() -> None:
    gap = np.array([[1.0, np.nan, 3.0, np.nan]])
    np.testing.assert_array_equal(filled(gap), [[1.0, 1.0, 3.0, 3.0]])
    task = Task(name="t", space=SPACE, direction="minimize")
    history = TaskHistory(
        task=task,
        raw=np.full((3, 1), 0.5),
        values=np.array([1.0, 2.0, np.nan]),
        curves=np.array([[3.0, 1.0], [np.nan, 2.0], [1.0, 1.0]]),
    )
    curves, finals = whole_curves(history)
    np.testing.assert_array_equal(curves, [[-3.0, -1.0]])
    np.testing.assert_array_equal(finals, [-1.0])


def test_a_pruned_trial_keeps_its_place_among_the_finished_ones() -> None:
    study = optuna.create_study(direction="minimize")
    for final in (1.0, 2.0, 3.0):
        trial = study.ask()
        for step in (1, 2, 3):
            trial.report(final + 3 - step, step)
        study.tell(trial, final)
    # Value at step 2 -> score; the finished trials stood at 2, 3 and 4.
    expected = {2.0: -1.0, 2.5: -1.5, 4.0: -3.0, 4.5: -3.5, 9.0: -8.0, 0.0: -1.0}
    for value, score in expected.items():
        trial = study.ask()
        trial.report(8.0, 1)
        trial.report(value, 2)
        study.tell(trial, state=TrialState.PRUNED)
        (found,) = PrunedScores().of(study, study.trials[-1:])
        assert found is not None
        assert found.score == pytest.approx(score)
        assert found.fidelity == pytest.approx(2 / 3)
    silent = study.ask()
    study.tell(silent, state=TrialState.PRUNED)
    assert PrunedScores().of(study, study.trials[-1:]) == [None]


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_pruned_trials_behind_all_that_finished_say_where_it_is_worse(direction: Direction) -> None:
    """A warm start ends good trials, and a strict pruner gives up nearly all that follow."""
    sign = 1.0 if direction == "minimize" else -1.0

    def objective(trial: optuna.Trial) -> float:
        x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
        final = sign * ((x - 0.3) ** 2 + (y - 0.6) ** 2)
        for step in range(1, 10):
            trial.report(final + sign / step, step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return final

    past = []
    for seed in range(3):
        past.append(optuna.create_study(direction=direction, study_name=f"{seed}"))
        past[-1].sampler = optuna.samplers.RandomSampler(seed=seed)
        past[-1].optimize(objective, n_trials=15)
    pruner = optuna.pruners.PercentilePruner(25.0, n_startup_trials=1)
    study = autometa.create_study(direction, prior=past, pruner=pruner)
    for x, y in ((0.35, 0.6), (0.3, 0.5)):
        study.enqueue_trial({"x": x, "y": y})
    study.optimize(objective, n_trials=20)
    assert len(study.get_trials(states=(TrialState.PRUNED,))) > 12
    assert abs(study.best_value) < 2e-4


def test_curves_of_other_steps_meet_on_one_grid() -> None:
    study = optuna.create_study(direction="maximize")
    for reports in ({0: 1.0, 10: 2.0, 20: 3.0}, {5: 1.5, 20: 2.5}, {0: math.nan}):
        trial = study.ask()
        for step, value in reports.items():
            trial.report(value, step)
        study.tell(trial, 3.0)
    found = CurveReader().read(study)
    assert found is not None
    assert found.steps == [0, 10, 20]
    np.testing.assert_array_equal(found.curves, [[1.0, 2.0, 3.0], [1.5, 1.5, 2.5]])
    np.testing.assert_array_equal(found.of({0: 1.0, 12: 5.0}), [1.0, 1.0])
