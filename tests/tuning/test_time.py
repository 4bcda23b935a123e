from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa import Portfolio, SearchSpace, children
from autometa.children import Outcome
from autometa.children.evaluation.isolated import Evaluator
from autometa.report.tuned import render
from autometa.task import CompletedTrial, State, Task, TaskHistory
from autometa.tuning import cross_validator, race
from autometa.tuning import tune as tuning
from autometa.tuning.arms import TunedTrial
from autometa.tuning.background import BackgroundFits
from autometa.tuning.clock import Clock, refit_seconds
from autometa.tuning.cross_validator import Judge, TimeIsUpError
from autometa.tuning.estimators import AutoClassifier
from autometa.tuning.finishing import untried
from autometa.tuning.scoring import Scoring
from autometa.tuning.splits import FIVE_WORK, THREE_WORK, folds_of
from autometa.tuning.watching import TuneWarning
from tests.tuning.test_hard_times import Sleepy
from tests.tuning.test_tuning import FakeEvaluator, make_table

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="one")


def portfolio(shift: float = 0.0) -> Portfolio:
    x = np.linspace(0.0, 1.0, 12)
    return Portfolio(
        TaskHistory(
            task=Task(name=f"t{i}", space=SPACE, direction="minimize"),
            raw=x[:, None],
            values=(x - 0.1 * i - shift) ** 2,
        )
        for i in range(3)
    )


def trial(seconds: float) -> TunedTrial:
    return TunedTrial(number=0, child="svm", config={}, value=0.5, seconds=seconds)


def test_fits_beside_a_search_need_no_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("AUTOMETA_CACHE", str(tmp_path / "file"))
    with BackgroundFits() as fits:
        fits.ask("one", portfolio(), SPACE)
        assert fits.ready("other") is None


def test_a_race_tries_all_then_halves_and_shares_seconds() -> None:
    ranked = ("a", "b", "c", "d")
    assert race.turn(ranked, {}, {}, 0.0) == "a"
    assert race.turn(ranked, {"a": 1.0, "b": 1.0}, {"a": None, "b": 0.1}, 0.9) == "c"
    spent = {"a": 9.0, "b": 3.0, "c": 1.0, "d": 2.0}
    best: dict[str, float | None] = {"a": 0.9, "b": 0.8, "c": None, "d": 0.1}
    assert race.turn(ranked, spent, best, 0.05) == "d"  # who failed is out
    assert race.turn(ranked, spent, best, 0.3) == "b"
    assert race.turn(ranked, spent, best, 0.9) == "a"
    nothing = dict.fromkeys(ranked)
    assert race.turn(ranked, spent, nothing, 0.1) == "c"
    assert race.by_cost(("mlp-from-1", "own", "linear")) == ("linear", "mlp-from-1", "own")


def test_time_is_kept_for_what_comes_after_the_search() -> None:
    assert refit_seconds(trial(4.0), folds=5, slow=2.0) == pytest.approx(1.2 * 2.0)
    assert refit_seconds(trial(4.0), folds=1, slow=1.0) == pytest.approx(4.8)
    clock = Clock(0.0, 100.0)
    assert refit_seconds(trial(4.0), folds=1, slow=1.0, rows=10.0) == pytest.approx(4.8 * 10**1.2)
    none, one = clock.kept_for([], 1.0), clock.kept_for([1.2], 1.0)
    many = clock.kept_for([1.2] + [120.0] * 9, 1.0)
    assert clock.kept_for([1e9], 1.0) == pytest.approx(one - 1.2 + 40.0)  # of some rows, then
    assert one < many < none < 25.0
    assert many == pytest.approx(one + 10.0)
    assert clock.search_end(many) == 100.0 - many
    assert Clock(0.0, None).search_end(many) is None
    assert Clock(0.0, None).left == float("inf")


def test_the_pace_of_the_machine_is_taken_from_trials_that_import_nothing(tmp_path: Path) -> None:
    class Slow:
        seconds = 0.05
        loading = 0.0

        def prepare(self, table: Any, child: Any, *, within: float) -> None:
            if self.loading > within:
                raise TimeoutError

        def close(self) -> None:
            pass

        def run(self, child: Any, config: Any, table: Any, **options: Any) -> Outcome:
            time.sleep(self.seconds)
            value = None if self.seconds > 0.2 else 0.5
            state = State.FAILED if value is None else State.COMPLETE
            trial = CompletedTrial(config=config, value=value, state=state, seconds=0.01)
            return Outcome(trial=trial, error="too slow" * (value is None))

    child = children.get("linear", "classification")
    config = dict(child.space.defaults)
    judge = Judge(
        evaluator=Slow(),  # type: ignore[arg-type]
        table=make_table(),
        folds=2,
        seed=0,
        timeout=None,
        scoring=Scoring.of(None, "classification"),
        folder=tmp_path,
    )
    judge.evaluate(child, config, "a.npy")
    assert judge.slow == 1.0
    judge.evaluate(child, config, "a.npy")
    assert judge.slow >= 5.0
    judge.evaluator.seconds = 0.3  # type: ignore[attr-defined]
    judge.timeout = 0.1
    assert judge.evaluate(child, config, "a.npy").error == "too slow"  # its own limit: a result
    judge.timeout, judge.end = None, time.perf_counter() + 0.1
    with pytest.raises(TimeIsUpError):  # the search's: none
        judge.evaluate(child, config, "a.npy")
    with pytest.raises(TimeIsUpError):
        judge.evaluate(child, config, "a.npy")
    judge.end = time.perf_counter() + 5.0
    judge.evaluator.loading = 9.0  # type: ignore[attr-defined]
    with pytest.raises(TimeIsUpError):  # while a library is loaded
        judge.evaluate(child, config, "a.npy")


def test_what_a_second_costs_is_guessed_until_trials_say_it() -> None:
    quiet, busy = Clock(0.0, 100.0).kept_for([], 1.0), Clock(0.0, 100.0).kept_for([], 4.0)
    assert quiet < busy <= 40.0
    assert Clock(0.0, 1.0).kept_for([], 4.0) == pytest.approx(0.4)
    assert Clock(0.0, 1.0).kept_for([0.0], 4.0) == pytest.approx(0.4)


def test_little_time_for_much_work_means_fewer_folds() -> None:
    table = make_table()
    cells = len(table) * len(table.X.columns)

    def folds(seconds: float | None) -> object:
        return folds_of(None, None, None, table, None, seconds)

    assert folds(None) == folds(1.01 * cells / FIVE_WORK) == 5
    assert folds(0.99 * cells / FIVE_WORK) == folds(1.01 * cells / THREE_WORK) == 3
    one = folds(0.99 * cells / THREE_WORK)
    assert not isinstance(one, int)
    assert len(one) == 1  # type: ignore[arg-type]
    assert folds_of(4, None, None, table, None, 1e-6) == 4  # who asks for folds has them


def test_a_library_that_loads_for_too_long_is_not_waited_for(tmp_path: Path) -> None:
    child = children.get("svm", "classification")
    with Evaluator() as evaluator:
        with pytest.raises(TimeoutError):
            evaluator.prepare(make_table(), child, within=0.0)
        assert evaluator.run(
            child, child.space.defaults, make_table(), folds=2, seed=0, timeout=100.0
        ).trial.value


def test_a_call_whose_time_is_up_hands_over_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was evaluated: better an untested model that says so than none."""
    monkeypatch.setattr(cross_validator, "new_evaluator", Sleepy)
    table = make_table()
    with pytest.warns(TuneWarning, match=r"within .* linear with its defaults"):
        result = tuning.tune(table, time=0.4, families="linear,svm", portfolio=None, folds=2)
    assert result.best is None
    assert "linear, not tested" in repr(result)
    assert result.child == "linear"
    assert "linear with its defaults, not tested" in render(result)
    with pytest.warns(TuneWarning, match="linear with its defaults"):
        AutoClassifier(time=0.4, families="linear,svm", portfolio=None, cv=2).fit(table.X, table.y)
    assert [t.child for t, _ in result.members] == ["linear"]
    assert "time was up before a config was evaluated" in result.notes[-1]
    assert set(result.predict(table.X)) == {"yes", "no"}
    monkeypatch.setattr(cross_validator, "new_evaluator", FakeEvaluator)
    found = tuning.tune_table(table, n_trials=4, families="linear,svm", portfolio=None, folds=2)
    assert {t.child for t in found.warm.trials} == {"linear", "svm"}
    assert found.fitted is not None
    assert found.child == "svm"


def test_the_untested_model_is_of_a_family_that_did_not_break() -> None:
    table, names = make_table(), ("linear", "lightgbm", "svm")

    def ended(child: str, error: str) -> TunedTrial:
        return TunedTrial(number=0, child=child, config={}, value=None, error=error)

    slow, broken = ended("linear", "more than 2 s"), ended("lightgbm", "KeyError: 'x'")
    assert [t.child for t in untried(names, [], table)[0]] == ["linear"]
    assert [t.child for t in untried(names, [slow, broken], table)[0]] == ["linear"]
    assert [t.child for t in untried(names[1:], [slow, broken], table)[0]] == ["svm"]
    assert untried(names, [broken], table) == ([], "no trial succeeded")
    found, why = untried(("lightgbm",), [slow, broken], table)
    assert not found
    assert "there is no model" in why
