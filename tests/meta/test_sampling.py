"""Which tasks and trials of a very large portfolio teach."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import FloatDistribution

from autometa.meta import MetaLearner
from autometa.meta.data import sampling
from autometa.meta.data.targets import normal_scores
from autometa.portfolio import Portfolio
from autometa.portfolio.store import folder as store
from autometa.portfolio.store import trial_files
from autometa.portfolio.store.trial_files import TrialFile
from autometa.space import SearchSpace
from autometa.task import State, Task, TaskHistory

SPACE = SearchSpace({"x": FloatDistribution(0.0, 1.0)}, name="line")


def history(name: str, trials: int, family: str = "") -> TaskHistory:
    rng = np.random.default_rng(sum(map(ord, name)))
    raw = SPACE.sample_raw(trials, rng)
    states = (rng.random(trials) < 0.25).astype(np.int8)
    values = np.where(states == State.FAILED, np.nan, (raw[:, 0] - rng.uniform(0.3, 0.7)) ** 2)
    return TaskHistory(
        task=Task(name=name, space=SPACE, direction="minimize", family=family),
        raw=raw,
        values=values,
        states=states,
    )


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "MOST_TASKS", 10)
    monkeypatch.setattr(sampling, "MOST_TRIALS", 200)


def taken(portfolio: Portfolio) -> set[str]:
    return {t.name for t in sampling.sampled(portfolio).tasks}


def test_an_ordinary_portfolio_teaches_whole() -> None:
    portfolio = Portfolio([history(f"t{i}", 1 + i) for i in range(50)], licence="MIT")
    found = sampling.sampled(portfolio)
    assert found.histories == portfolio.histories
    assert found.licence == "MIT"


@pytest.mark.usefixtures("small")
def test_tasks_come_from_all_families() -> None:
    many = [history(f"many{i}", 5, "many") for i in range(30)]
    few = [history(f"few{i}", 5, f"f{i // 2}") for i in range(8)]
    useless = [history(f"useless{i}", 2) for i in range(9)]
    found = sampling.sampled(Portfolio([*many, *few, *useless]))
    assert Counter(t.family for t in found.tasks) == {"many": 2, **{f"f{i}": 2 for i in range(4)}}
    order = [h.task.name for h in (*many, *few)]
    assert [t.name for t in found.tasks] == sorted((t.name for t in found.tasks), key=order.index)


@pytest.mark.usefixtures("small")
def test_a_task_that_joins_displaces_one_at_most() -> None:
    histories = [history(f"t{i}", 5, f"f{i % 4}") for i in range(40)]
    before = taken(Portfolio(histories[:-1]))
    for each in (histories, histories[::-1]):
        assert len(before - taken(Portfolio(each))) <= 1


@pytest.mark.usefixtures("small")
def test_large_tasks_give_up_trials_and_keep_their_scores() -> None:
    large, small = [history(f"large{i}", 500) for i in range(2)], history("small", 40)
    found = sampling.sampled(Portfolio([*large, small]))
    assert [len(h) for h in found.histories] == [80, 80, 40]
    assert found.histories[2] is small
    for whole, part in zip(large, found.histories, strict=False):
        assert np.nanmax(part.scores) == np.nanmax(whole.scores)
        failed = [float((h.states == State.FAILED).mean()) for h in (whole, part)]
        assert failed[0] == pytest.approx(failed[1], abs=0.02)
        places = [int(np.flatnonzero(whole.raw[:, 0] == x)[0]) for x in part.raw[:, 0]]
        assert places == sorted(set(places))
        complete = whole.complete
        z = np.full(len(whole), np.nan)
        z[complete] = normal_scores(whole.scores[complete])
        middle = np.abs(z[places][part.complete]) < 1
        gap = normal_scores(part.scores[part.complete]) - z[places][part.complete]
        assert np.abs(gap[middle]).max() < 0.1


@pytest.mark.usefixtures("small")
def test_a_fit_looks_only_at_the_files_of_tasks_that_teach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trial_files, "ROWS", 30)
    monkeypatch.setattr(store, "MOST_AT_ONCE", 100)
    whole = Portfolio(history(f"t{i}", 30, f"f{i % 7}") for i in range(25))
    whole.save(tmp_path)
    late = Portfolio.load(tmp_path)
    read: list[str] = []
    real = TrialFile.decode

    def counted(file: TrialFile, content: bytes) -> list[TaskHistory]:
        read.extend(t.name for t in file.tasks)
        return real(file, content)

    monkeypatch.setattr(TrialFile, "decode", counted)
    learner = MetaLearner(seed=0, steps=30)
    model = learner.fit(late)
    assert read == list(model.tasks)
    assert len(read) == 10
    assert model.provenance["trials"] == 750
    assert learner.refit(model, late) is model
    expected = learner.fit(whole)
    assert [c.config for c in model.warm_start(3)] == [c.config for c in expected.warm_start(3)]
