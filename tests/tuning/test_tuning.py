from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import pytest
from optuna.distributions import FloatDistribution
from scipy import sparse

import autometa
from autometa import children, meta
from autometa.children import Child, Outcome
from autometa.errors import InputError, PortfolioError, StoreError
from autometa.portfolio import Portfolio
from autometa.space import Config
from autometa.tables import Table, fingerprint
from autometa.task import CompletedTrial, State, Task, TaskHistory
from autometa.tuning import cross_validator, family_models
from autometa.tuning.arguments import families_of, table_of
from autometa.tuning.contest import START
from autometa.tuning.pairs import Pairs
from autometa.tuning.result import TuneResult
from autometa.tuning.table_feedback import learn_from
from autometa.tuning.tune import TuneInterrupted, tune, tune_table
from autometa.tuning.watching import TuneWarning

Score = Callable[[Child, Config], float]


class FakeEvaluator:
    """Scores configs by a formula instead of training."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Config, int, int, float | None]] = []
        self.closed = self.prepared = False
        self.fail: Callable[[int], bool] = lambda call: False
        self.stop_at: int | None = None

    def prepare(self, table: Table, child: Child, **options: Any) -> None:
        self.prepared = True

    def run(
        self,
        child: Child,
        config: Config,
        table: Table,
        *,
        folds: Any,
        seed: int,
        timeout: float | None,
        predictions: Path | None = None,
    ) -> Outcome:
        call = len(self.calls)
        if call == self.stop_at:
            raise KeyboardInterrupt
        self.calls.append((child.name, config, folds, seed, timeout))
        if self.fail(call):
            trial = CompletedTrial(config=config, value=None, state=State.FAILED, seconds=0.1)
            return Outcome(trial=trial, error="out of luck")
        value = score(child, config)
        return Outcome(
            trial=CompletedTrial(
                config=config, value=value, fold_scores=(value,) * folds, seconds=0.1
            )
        )

    def close(self) -> None:
        self.closed = True


def score(child: Child, config: Config) -> float:
    """Best at the middle-left of the first parameter; svm is the better child."""
    unit = child.space.encode(config)
    return (0.9 if child.name == "svm" else 0.7) - 0.3 * float(abs(unit[0] - 0.3))


@pytest.fixture
def evaluator(monkeypatch: pytest.MonkeyPatch) -> FakeEvaluator:
    fake = FakeEvaluator()
    monkeypatch.setattr(cross_validator, "new_evaluator", lambda: fake)
    # How good the model is does not matter here; how long it trains does.
    monkeypatch.setattr(meta, "MetaLearner", partial(meta.MetaLearner, steps=20))
    return fake


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


def make_table(name: str = "mine", seed: int = 0, rows: int = 60) -> Table:
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.gamma(2.0 + seed, size=(rows, 3)), columns=["a", "b", "c"])
    y = pd.Series(np.where(X["a"] + rng.normal(0, 0.1, rows) > X["a"].median(), "yes", "no"))
    return Table(name=name, X=X, y=y)


def make_portfolio(*names: str, tasks: int = 4, trials: int = 12) -> Portfolio:
    rng = np.random.default_rng(1)
    histories = []
    for name, i in itertools.product(names or ("svm",), range(tasks)):
        child = children.get(name)
        raw = child.space.sample_raw(trials, rng)
        task = Task(
            name=f"prior{i}",
            space=child.space,
            direction="maximize",
            metric="balanced_accuracy",
            family="elders" if i < 2 else "",
            info={"fingerprint": fingerprint(make_table(seed=i + 1))},
        )
        values = np.array([score(child, c) for c in child.space.from_raw(raw)])
        histories.append(TaskHistory(task=task, raw=raw, values=values))
    return Portfolio(histories)


PRIOR = make_portfolio("svm", "k_nearest_neighbors")


def run(**options: Any) -> TuneResult:
    options = {"families": "svm", "n_trials": 5, "portfolio": PRIOR, "folds": 3, **options}
    return tune_table(options.pop("table", None) or make_table(), **options)


def test_both_arms_see_the_same_folds(evaluator: FakeEvaluator) -> None:
    seen: list[str] = []
    result = run(
        compare_cold=True, seed=7, trial_timeout=9.0, on_trial=lambda arm, t: seen.append(arm)
    )
    assert seen == ["warm"] * 5 + ["cold"] * 5
    assert {call[2:] for call in evaluator.calls} == {(3, 7, 9.0)}
    assert evaluator.prepared
    assert evaluator.closed
    assert result.cold is not None
    assert len(result.warm) == len(result.cold) == 5
    assert result.best_value == max(t.value for t in result.warm.trials if t.value is not None)
    assert result.study is not None
    assert result.study.best_value == result.best_value
    assert result.study.best_params == result.best_params


def test_the_warm_start_says_why(evaluator: FakeEvaluator) -> None:
    first = run().warm.trials[0]
    assert first.rule == "portfolio"
    assert "prior tasks" in first.reason
    assert first.expected is not None
    assert math.isfinite(first.expected)


def test_the_same_seed_gives_the_same_search(evaluator: FakeEvaluator) -> None:
    first, second = run(compare_cold=True), run(compare_cold=True)
    assert [t.config for t in first.warm.trials] == [t.config for t in second.warm.trials]
    assert first.cold is not None
    assert second.cold is not None
    assert first.cold.best_so_far == second.cold.best_so_far


def test_the_table_itself_and_its_family_are_left_out(evaluator: FakeEvaluator) -> None:
    result = run(table=make_table(name="renamed", seed=1), n_trials=1)
    assert result.excluded_tasks == ("prior0", "prior1")
    assert result.prior_tasks == 2
    assert run(n_trials=1).excluded_tasks == ()


def test_failures_are_recorded_and_the_search_goes_on(evaluator: FakeEvaluator) -> None:
    evaluator.fail = lambda call: call in (0, 2)
    result = run()
    assert [t.state for t in result.warm.trials[:3]] == [
        State.FAILED,
        State.COMPLETE,
        State.FAILED,
    ]
    assert len(result.warm) == 5
    assert [t.error for t in result.warm.trials[:2]] == ["out of luck", ""]
    evaluator.fail = lambda call: True
    assert run(n_trials=2).best is None


def test_without_a_portfolio_the_default_comes_first(evaluator: FakeEvaluator) -> None:
    result = run(portfolio=None, n_trials=3)
    assert result.warm.trials[0].config == children.get("svm").space.defaults
    assert result.warm.trials[0].rule == "default"
    assert result.prior_tasks == 0


def test_the_library_s_default_is_tried_where_there_are_trials_enough(
    evaluator: FakeEvaluator, tmp_path: Path
) -> None:
    default = children.get("svm", "classification").space.defaults
    trials = run(n_trials=5).warm.trials
    assert [t.rule for t in trials[:4]] == ["portfolio"] * 3 + ["default"]
    assert trials[3].config == default
    assert "library" in trials[3].reason
    assert all(t.rule != "default" for t in run(n_trials=3).warm.trials)
    options = {"storage": f"sqlite:///{tmp_path}/s.db", "study_name": "s"}
    run(n_trials=5, **options)
    assert sum(t.config == default for t in run(n_trials=5, **options).warm.trials) == 1
    by_time = run(n_trials=None, time=2.0, families="svm,linear,k_nearest_neighbors")
    tried = {
        t.child: [u.config for u in by_time.warm.trials if u.child == t.child]
        for t in by_time.warm.trials
    }
    for name, configs in tried.items():
        if len(configs) > START:
            assert dict(children.get(name, "classification").space.defaults) in configs


def test_a_study_is_continued(evaluator: FakeEvaluator, tmp_path: Path) -> None:
    options = {"storage": f"sqlite:///{tmp_path}/s.db", "study_name": "s", "compare_cold": True}
    first = run(n_trials=2, **options)
    again = run(n_trials=3, **options)
    assert again.warm.trials[:2] == first.warm.trials
    assert again.cold is not None
    assert len(again.warm) == len(again.cold) == 5
    assert len({str(t.config) for t in again.cold.trials}) == 5
    assert [t.number for t in again.warm.trials] == list(range(5))
    whole = run(n_trials=5)
    assert [t.config for t in again.warm.trials] == [t.config for t in whole.warm.trials]


def test_a_study_about_something_else_is_refused(evaluator: FakeEvaluator, tmp_path: Path) -> None:
    storage = f"sqlite:///{tmp_path}/s.db"
    run(storage=storage, study_name="s", n_trials=1)
    with pytest.raises(InputError, match="folds 3, not 4"):
        run(storage=storage, study_name="s", folds=4)
    with pytest.raises(InputError, match="about table"):
        run(storage=storage, study_name="s", table=make_table(seed=5))
    study = optuna.create_study(storage=storage, study_name="other")
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
    with pytest.raises(InputError, match="not made by autometa"):
        run(storage=storage, study_name="other")


def test_a_study_with_trials_of_another_space_is_refused_before_it_goes_on(
    evaluator: FakeEvaluator, tmp_path: Path
) -> None:
    """A family may gain a parameter between two versions, or lose a choice."""
    storage = f"sqlite:///{tmp_path}/s.db"
    for name in ("fewer", "others"):
        run(storage=storage, study_name=name, n_trials=1)
        study = optuna.load_study(study_name=name, storage=storage)
        old = study.trials[0]
        floats = {n: d for n, d in old.distributions.items() if isinstance(d, FloatDistribution)}
        gone = next(iter(floats))
        there = [n for n in old.params if n != gone]
        params = {n: old.params[n] for n in there}
        distributions = {n: old.distributions[n] for n in there}
        if name == "others":
            params[gone] = 1e9
            distributions[gone] = FloatDistribution(1.0, 1e10, log=floats[gone].log)
        study.add_trial(
            optuna.trial.create_trial(
                value=0.5, params=params, distributions=distributions, user_attrs=old.user_attrs
            )
        )
        with pytest.raises(InputError, match=f"trial 1 of study {name!r} is of another space"):
            run(storage=storage, study_name=name, n_trials=1)
        assert len(study.get_trials()) == 2


def test_a_storage_that_cannot_be_opened_hides_its_password(evaluator: FakeEvaluator) -> None:
    with pytest.raises(InputError, match="storage") as caught:
        run(storage="nonsense://me:secret@host/db")
    assert "secret" not in str(caught.value).split("(")[0]


def test_an_interrupt_carries_what_was_found(evaluator: FakeEvaluator) -> None:
    evaluator.stop_at = 3
    with pytest.raises(TuneInterrupted) as caught:
        run()
    assert len(caught.value.result.warm) == 3
    assert caught.value.result.best is not None
    assert evaluator.closed


def test_an_interrupt_before_the_first_result_is_not_told_as_late(
    evaluator: FakeEvaluator,
) -> None:
    evaluator.stop_at = 0
    with pytest.raises(TuneInterrupted, match="result") as caught:
        run(n_trials=None, time=60.0)
    found = caught.value.result
    assert "the search was stopped before a config was evaluated" in found.notes[-1]
    assert found.fitted is not None


def test_an_interrupted_cold_arm_keeps_the_warm_one(evaluator: FakeEvaluator) -> None:
    evaluator.stop_at = 7
    with pytest.raises(TuneInterrupted) as caught:
        run(compare_cold=True)
    result = caught.value.result
    assert result.cold is not None
    assert (len(result.warm), len(result.cold)) == (5, 2)


def test_time_that_is_up_starts_no_trial(evaluator: FakeEvaluator) -> None:
    assert len(run(time=1e-9, compare_cold=True).warm) == 0
    assert evaluator.calls == []


def test_auto_spends_most_on_the_better_child(evaluator: FakeEvaluator) -> None:
    portfolio = make_portfolio(*children.names(), tasks=3, trials=6)
    trials = 3 * len(children.names())
    result = run(families=None, n_trials=trials, portfolio=portfolio, compare_cold=True)
    counts = [t.child for t in result.warm.trials]
    assert set(counts) == set(children.names())
    assert result.child == "svm"
    assert result.asked == "auto"
    assert counts.count("svm") > trials // 4
    assert counts[0] == "svm"
    assert result.cold is not None
    assert len(result.warm) == len(result.cold) == trials


def test_a_search_by_time_tries_pairs_of_families_and_says_why(
    evaluator: FakeEvaluator, monkeypatch: pytest.MonkeyPatch
) -> None:
    families = ("svm", "k_nearest_neighbors")
    defaults = tuple(dict(children.get(n, "classification").space.defaults) for n in families)

    def made_of(m: int) -> Pairs:
        return Pairs(
            families=families[:m],
            configs=defaults[:m],
            mean=np.array([-0.5, -0.6])[:m],
            cov=np.eye(m),
            log_spread=(0.0, 1.0),
            seconds=np.ones(m),
            tables=20,
        )

    known = made_of(2)
    monkeypatch.setattr(family_models, "learn_pairs", lambda *_: known)
    found = run(families=families, n_trials=None, time=4.0, portfolio=None, ensemble=False)
    proposed = [t for t in found.warm.trials if t.reason == known.why]
    assert {t.child: t.config for t in proposed} == dict(zip(families, defaults, strict=True))
    assert len(proposed) == 2
    assert {t.rule for t in proposed} == {"portfolio"}
    assert len(found.warm.trials) > 2  # the families' own searches go on
    monkeypatch.setattr(family_models, "learn_pairs", lambda *_: made_of(1))
    alone = run(families=families[0], n_trials=None, time=4.0, portfolio=None, ensemble=False)
    assert made_of(1).why in {t.reason for t in alone.warm.trials}
    space = children.get("k_nearest_neighbors").space
    own = meta.MetaLearner(seed=0).fit(PRIOR.select(space), space=space)
    mine = run(
        families="k_nearest_neighbors", meta_model=own, n_trials=None, time=4.0, ensemble=False
    )
    assert made_of(1).why not in {
        t.reason for t in mine.warm.trials
    }  # the model that was given counts


def test_feedback_joins_a_portfolio_once(evaluator: FakeEvaluator, tmp_path: Path) -> None:
    folder, table = tmp_path / "mine", make_table()
    result = run(table=table, compare_cold=True, learn=folder)
    learned = Portfolio.load(folder)
    assert [t.name for t in learned.tasks] == ["mine"]
    configs = {str(t.config) for arm in result.arms for t in arm.trials}
    assert len(learned.histories[0]) == len(configs)
    learn_from(result, table, folder)
    assert not learned.diff(Portfolio.load(folder))
    # The next search of this table leaves its own history out; another table uses it.
    assert run(table=table, portfolio=folder).excluded_tasks == ("mine",)
    assert run(table=make_table("next", seed=6), portfolio=[PRIOR, folder]).prior_tasks == 5


def test_other_data_of_the_same_name_stands_beside(
    evaluator: FakeEvaluator, tmp_path: Path
) -> None:
    run(learn=tmp_path)
    run(learn=tmp_path, table=make_table(seed=9))
    assert [t.name for t in Portfolio.load(tmp_path).tasks] == ["mine", "mine-2"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_trials": 0}, "n_trials"),
        ({"folds": 1}, "folds"),
        ({"folds": 61}, "to 60 .the rows"),
        ({"time": 0.0}, "time"),
        ({"seed": -1}, "seed"),
        ({"families": "oak"}, "oak"),
    ],
)
def test_bad_options_are_refused(
    evaluator: FakeEvaluator, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run(**options)


def test_bad_portfolios_are_refused(evaluator: FakeEvaluator, tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        run(portfolio=tmp_path)
    other = children.get("svm").space
    changed = autometa.SearchSpace(
        {"C": optuna.distributions.FloatDistribution(1.0, 2.0)}, name=other.name
    )
    history = TaskHistory(
        task=Task(name="t", space=changed, direction="maximize"),
        raw=np.array([[1.5]]),
        values=np.array([1.0]),
    )
    with pytest.raises(PortfolioError, match="differs too much"):
        run(portfolio=Portfolio([history]))


def test_an_older_space_of_a_child_is_adapted_to_its_present_one(evaluator: FakeEvaluator) -> None:
    space = children.get("svm").space
    older = autometa.SearchSpace(
        {n: d for n, d in space.distributions.items() if n != "tol"},
        conditions=space.conditions,
        name=space.name,
    )
    raw = older.sample_raw(20, np.random.default_rng(0))
    task = Task(name="t", space=older, direction="maximize", metric="balanced_accuracy")
    history = TaskHistory(task=task, raw=raw, values=np.linspace(0.5, 0.9, 20))
    found = run(portfolio=Portfolio([history]))
    assert found.prior_tasks == 1
    assert all("tol" in trial.config for trial in found.warm.trials)
    other = replace(history, task=replace(task, info={"kind": "regression"}))
    assert run(portfolio=Portfolio([other])).prior_tasks == 0


def test_arrays_and_lists_can_be_tuned(evaluator: FakeEvaluator) -> None:
    rng = np.random.default_rng(0)
    result = tune(
        rng.normal(size=(30, 2)),
        [0, 1] * 15,
        families=["svm"],
        n_trials=1,
        portfolio=PRIOR,
        folds=2,
        name="arrays",
    )
    assert result.table == "arrays"
    assert result.metric == "balanced_accuracy"
    options: dict[str, Any] = {"families": "svm", "n_trials": 1, "portfolio": PRIOR, "folds": 2}
    column = np.array([[0, 1] * 15]).T
    again = tune(sparse.csr_matrix(rng.normal(size=(30, 2))), column, **options)
    assert again.metric == "balanced_accuracy"
    with pytest.raises(InputError, match="shape"):
        tune(np.zeros(4), [0, 1, 0, 1], portfolio=PRIOR)


@pytest.mark.parametrize("name", ["y", 1, np.int64(1), ("a", "b")])
def test_the_target_is_any_column_of_a_frame(name: Any) -> None:
    columns = pd.Index([0, name], tupleize_cols=False)
    frame = pd.DataFrame({0: np.arange(20.0) % 7, 1: [0, 1] * 10}).set_axis(columns, axis=1)
    given: dict[str, Any] = {"name": None, "kind": None, "weights": None}
    table = table_of(frame, name, keep=(), **given)
    assert table.schema.numeric == ("0",)
    assert table.y.name == str(name)
    with pytest.raises(InputError, match="no column '7'"):
        table_of(frame, 7, keep=(), **given)
    with pytest.raises(InputError, match="no column 'b' to keep"):
        table_of(frame, name, keep=["b"], **given)


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lgbm", "Did you mean 'lightgbm'?"),
        ("LightGBM", "Did you mean 'lightgbm'?"),
        ("XGBClassifier", "Did you mean 'xgboost'?"),
        ("RandomForestRegressor", "Did you mean 'random_forest'?"),
        ("gbm", "'lightgbm' or 'hist_gradient_boosting'"),
        ("knn", "'k_nearest_neighbors'"),
    ],
)
def test_what_others_call_a_family_is_named(name: str, meant: str) -> None:
    with pytest.raises(InputError, match=re.escape(meant)):
        families_of(name, make_table())
    with pytest.raises(InputError, match="allowed") as caught:
        families_of("oak", make_table())
    assert "mean" not in str(caught.value)


def test_older_names_work_and_warn(evaluator: FakeEvaluator) -> None:
    X, y = np.random.default_rng(0).normal(size=(30, 2)), [0, 1] * 15
    old: dict[str, Any] = {"child": "svm", "timeout": 60.0, "portfolio": PRIOR, "folds": 2}
    with pytest.warns(DeprecationWarning, match="with the next release") as caught:
        result = tune(X, y, n_trials=2, **old)
    assert {w.filename for w in caught} == {__file__}
    assert ["families" in str(w.message) for w in caught] == [True, False]
    assert result.asked == "svm"
    assert len(result.warm) == 2
    known = result.model
    with pytest.warns(DeprecationWarning, match="meta_model"):
        assert tune(X, y, families="svm", n_trials=1, folds=2, model=known).model is known


def test_a_portfolio_that_cannot_be_written_is_refused_before_the_search(
    evaluator: FakeEvaluator, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / "manifest.json").write_text("{")
    for name in ("file", "file/inside", "damaged"):
        with pytest.raises(StoreError, match=name):
            run(learn=tmp_path / name)
    with pytest.raises(InputError, match="is a URL"):
        run(learn="sqlite:///tuning.db")
    assert not evaluator.calls


def test_a_portfolio_that_broke_meanwhile_costs_no_result(
    evaluator: FakeEvaluator, tmp_path: Path
) -> None:
    def breaks(arm: str, trial: Any) -> None:
        (tmp_path / "mine").write_text("no folder")

    with pytest.warns(TuneWarning, match="not added to the portfolio"):
        result = run(n_trials=2, learn=tmp_path / "mine", on_trial=breaks)
    assert len(result.warm) == 2
    assert "not added" in result.notes[-1]


def test_the_study_that_goes_on_is_no_prior_task(evaluator: FakeEvaluator, tmp_path: Path) -> None:
    for url in (f"sqlite:///{tmp_path}/s.db", f"journal:///{tmp_path}/s.log"):
        other = f"{url}2"
        own: dict[str, Any] = {"storage": url, "study_name": "s", "families": ["svm", "linear"]}
        run(n_trials=12, **own)
        assert run(n_trials=2, portfolio=url, **own).prior_tasks == 0
        # A namesake in another storage is somebody else's.
        again = run(n_trials=2, portfolio=url, **{**own, "storage": other, "seed": 1})
        assert again.prior_tasks > 0


def test_held_out_predictions_lie_beside_the_study(
    evaluator: FakeEvaluator, tmp_path: Path
) -> None:
    run(n_trials=1, storage=f"sqlite:///{tmp_path}/s.db", study_name="s")
    assert [f.name for f in tmp_path.iterdir() if f.is_dir()] == ["s.db.predictions"]


@pytest.mark.parametrize("name", ["ensemble", "threshold", "total", "refit", "compare_cold"])
def test_a_switch_is_true_or_false(name: str, evaluator: FakeEvaluator) -> None:
    with pytest.raises(InputError, match=f"{name} = 'no'. allowed: True or False"):
        run(**{name: "no"})
    assert run(**{name: np.False_}, n_trials=1).warm


def test_an_option_that_there_is_not_is_named_with_the_nearest() -> None:
    table = make_table()
    with pytest.raises(
        TypeError, match=r"tune\(\) got .* 'n_trial'. Did you mean .*'n_trials'.*\?"
    ):
        tune(table, n_trial=3)
    with pytest.raises(TypeError, match=r"tune\(\) got an unexpected keyword argument 'zz'$"):
        tune(table, zz=3)
